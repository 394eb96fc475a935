//! A study in a folder of its own: how it is run, killed and read, and how two runs are compared.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test file includes this one and uses its part"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::{TINY, all_files, stderr};

/// Three values of beta from three seeds.
pub const BETA: &str = r#"
[sweep]
seeds = [7, 8, 9]
[[sweep.axis]]
key = "model.beta"
log_range = { from = 1.0, to = 100.0, points = 3 }
"#;

/// Mixtures of recordings, as small as they can be.
pub const TINY_RECORDINGS: &str = r#"
[experiment]
name = "tiny"
seed = 5

[stft]
window_samples = 512
hop_samples = 256

[training]
utterances_per_side = 3
background_seconds = 1.0
orders = [2, 4]
background_components = 3
iterations = 10

[mixtures]
source = "recordings"
snr_db = [0.0, 6.0]

[model]
activation_start = 1.0
iterations = 10
kappa = 0.03

[evaluation]
filter_taps = 16

[statistics]
resamples = 100

[timings]
repetitions = 1

[report]
examples = 1

[units]
speakers = [3, 7]
seeds = 2

[recordings]
mixtures = 2
utterances = 1
"#;

/// Methods that are compared.
pub const METHODS: usize = 7;
/// Parts of a trial of a drawn mixture: the single orders, two fusions, what is made of the single
/// orders by their free energies and by learned weights.
pub const DRAWN_PARTS: usize = 5;
/// Of a mixture of recordings, whose own scores are a part as well.
pub const RECORDED_PARTS: usize = 6;

/// A command with its configuration.
pub struct Study {
    folder: tempfile::TempDir,
    command: &'static str,
    /// Parts of its trials, each recorded by itself.
    pub parts: usize,
}

impl Study {
    pub fn new(command: &'static str, config: &str, parts: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("study.toml"), config).unwrap();
        Self {
            folder,
            command,
            parts,
        }
    }

    /// Two ratios and two orders.
    pub fn table1() -> Self {
        Self::new("table1", TINY, 2 * 2 * DRAWN_PARTS)
    }

    /// Long enough to be stopped among its parts.
    pub fn long_table1() -> Self {
        let text = TINY
            .replace("[-3.0, 6.0]", "[-9, -6, -3, 0, 3, 6, 9, 12]")
            .replace("frames = 20", "frames = 60")
            .replace("orders = [1, 3]", "orders = [1, 2, 3, 4]")
            .replace("iterations = 5\nkappa", "iterations = 40\nkappa");
        Self::new("table1", &text, 8 * 4 * DRAWN_PARTS)
    }

    /// Beta changes the fusions and the mean by evidence only: the single orders of a seed and
    /// what learned weights make of them are there once.
    pub fn sweep() -> Self {
        Self::new("sweep", &format!("{TINY}{BETA}"), 3 * 4 * (2 + 3 * 3))
    }

    /// Two speakers with two seeds, two mixtures at two ratios of each.
    pub fn realmix() -> Self {
        Self::new("realmix", TINY_RECORDINGS, 2 * 2 * 2 * 2 * RECORDED_PARTS)
    }

    /// Long enough to be stopped among its parts.
    pub fn long_realmix() -> Self {
        let text = TINY_RECORDINGS.replace("iterations = 10\nkappa", "iterations = 60\nkappa");
        Self::new("realmix", &text, 2 * 2 * 2 * 2 * RECORDED_PARTS)
    }

    /// The mixtures of one seed of two speakers, with two numbers of iterations: the mixtures
    /// themselves are the same.
    pub fn recordings_sweep() -> Self {
        let axis = "\n[sweep]\n[[sweep.axis]]\nkey = \"model.iterations\"\nvalues = [10, 20]\n";
        let text = TINY_RECORDINGS
            .replace("seeds = 2", "seeds = 1")
            .replace("mixtures = 2", "mixtures = 1");
        Self::new(
            "sweep",
            &(text + axis),
            2 * 2 * (1 + 2 * (RECORDED_PARTS - 1)),
        )
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The study, with more arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vbnmf"));
        command
            .current_dir(self.folder())
            .args([self.command, "--config", "study.toml"])
            .args(arguments);
        command
    }

    /// Runs that to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs it with success. Returns what it says of its progress.
    pub fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = stderr(&output);
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    }

    /// Runs it and expects another exit code. Returns the message.
    pub fn fail(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        said
    }

    /// Begins a run, which says nothing.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        quiet.spawn().unwrap()
    }

    /// Another command in the same folder.
    pub fn experiments(&self, arguments: &[&str]) -> Output {
        super::experiments(self.folder(), arguments)
    }

    /// Whether the results of two runs are the same bytes. What varies from run to run is only
    /// there in both.
    pub fn assert_same(&self, expected: &str, found: &str) {
        let [expected, found] = [expected, found].map(|name| results(&self.path(name)));
        assert_eq!(
            expected.keys().collect::<Vec<_>>(),
            found.keys().collect::<Vec<_>>()
        );
        for (name, contents) in expected {
            assert!(varies(&name) || contents == found[&name], "{name} differs");
        }
    }

    /// The rows of a CSV file of a run, the header first.
    pub fn rows(&self, run: &str, file: &str) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_path(self.path(run).join(file))
            .unwrap();
        let records = reader.records().map(Result::unwrap);
        records
            .map(|record| record.iter().map(str::to_owned).collect())
            .collect()
    }
}

/// Whether a file of the results is not the same from run to run.
pub fn varies(name: &str) -> bool {
    name == "manifest.json" || name.starts_with("timings.")
}

/// The published files of a run, without what it keeps for itself and without those that a killed
/// run left under temporary names.
pub fn results(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = all_files(out);
    files.retain(|name, _| {
        !name.starts_with("cells/") && !name.starts_with("cache/") && !is_temporary(name)
    });
    files
}

/// Whether a file is being written, or was when its writer was killed.
pub fn is_temporary(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.starts_with('.') && name.ends_with(".tmp")
}

/// The file of finished parts.
pub fn records(out: &Path) -> PathBuf {
    out.join("cells/records")
}

/// How many parts are finished.
pub fn done(out: &Path) -> usize {
    let bytes = fs::read(records(out)).unwrap_or_default();
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

/// Waits until so many parts are finished.
pub fn wait_for_parts(out: &Path, child: &mut Child, count: usize) {
    while done(out) < count {
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        sleep(Duration::from_millis(1));
    }
}

/// Ends a process as a failing machine would.
pub fn kill(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    child.wait().unwrap();
}
