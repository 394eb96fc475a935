//! Runs of `realmix` that are killed, interrupted, spread over shards, or fail in part.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use common::recordings::{TINY, command, realmix};
use common::runs::{assert_same, lines, records};
use common::{experiments, files, stderr};
use dsp::wav::{Encoding, write};
use rand::RngExt;

/// More work in each mixture, so that a run can be stopped among them.
const SLOWER: [&str; 4] = [
    "--set",
    "model.iterations=60",
    "--set",
    "realmix.utterances=1",
];

fn start(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = command(folder, &[&SLOWER[..], arguments].concat());
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::piped());
    quiet.spawn().unwrap()
}

/// Waits until a run has recorded so many mixtures.
fn wait_for_records(out: &Path, child: &mut Child, count: usize) {
    while lines(&records(out)) < count {
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        sleep(Duration::from_millis(1));
    }
}

/// When each learned dictionary was written.
fn learned(out: &Path) -> BTreeMap<std::ffi::OsString, SystemTime> {
    let entries = fs::read_dir(out.join("cache")).unwrap();
    let modified = |entry: fs::DirEntry| entry.metadata().unwrap().modified().unwrap();
    entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name(), modified(entry)))
        .collect()
}

#[test]
fn kills_change_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    let output = realmix(folder.path(), &[&SLOWER[..], &["--out", "whole"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let out = folder.path().join("out");
    let mut rng = synth::stream(1, "kills", &[]);
    let mut in_the_middle = 0;
    for kill in 0..8 {
        let mut child = start(folder.path(), &["--resume", "--out", "out"]);
        // The first while it learns dictionaries, the others a few records further on.
        let enough = lines(&records(&out)) + usize::from(kill > 0) * rng.random_range(1..3);
        while lines(&records(&out)) < enough && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(1));
        }
        sleep(Duration::from_millis(rng.random_range(0..20)));
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().unwrap();
        let done = lines(&records(&out));
        in_the_middle += usize::from(done > 0 && !out.join("config.toml").exists());
    }
    assert!(
        in_the_middle >= 4,
        "{in_the_middle} kills came between mixtures"
    );
    let before = learned(&out);
    let finished = [&SLOWER[..], &["--resume", "--out", "out"]].concat();
    let output = realmix(folder.path(), &finished);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains(" of 16 parts are there already"));
    assert_same(&folder.path().join("whole"), &out);
    // 2 speakers x 2 seeds x 2 orders, learned once.
    assert_eq!(before.len(), 8);
    assert_eq!(learned(&out), before);

    // With all mixtures there, nothing is learned for the tables.
    fs::remove_dir_all(out.join("cache")).unwrap();
    fs::remove_file(out.join("realmix.csv")).unwrap();
    let output = realmix(folder.path(), &finished);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("16 of 16 parts are there already"));
    assert!(!out.join("cache").exists());
    assert_same(&folder.path().join("whole"), &out);
}

#[test]
fn an_unfinished_run_is_kept_and_one_folder_is_for_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut child = start(folder.path(), &["--out", "out"]);
    wait_for_records(&out, &mut child, 2);
    let again = |more: &[&str]| {
        let arguments = [&SLOWER[..], &["--out", "out"], more].concat();
        let output = realmix(folder.path(), &arguments);
        (output.status.code(), stderr(&output))
    };
    let (code, said) = again(&["--resume"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("another run"), "{said}");
    child.kill().unwrap();
    child.wait().unwrap();

    let (code, said) = again(&[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("unfinished run of this configuration: go on with --resume"),
        "{said}"
    );
    let (code, said) = again(&["--resume", "--seed", "6"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("experiment.seed: 5 there, 6 here"), "{said}");
    assert!(lines(&records(&out)) >= 2);
    let (code, said) = again(&["--force", "--seed", "6"]);
    assert_eq!(code, Some(0), "{said}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_finished_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut child = start(folder.path(), &["--out", "out"]);
    wait_for_records(&out, &mut child, 2);
    let process = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &process]).status();
    assert!(sent.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(
        said.contains("16 parts are finished and kept") && said.contains("--resume"),
        "{said}"
    );
    assert!(!out.join("config.toml").exists());
    let done = lines(&records(&out));
    assert!((2..16).contains(&done), "{done}");
    let arguments = [&SLOWER[..], &["--resume", "--out", "out"]].concat();
    let output = realmix(folder.path(), &arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains(&format!("{done} of 16 parts are there already")));
}

#[test]
fn merged_shards_are_the_bytes_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let known = ["--set", "realmix.background=known"];
    let run = |more: &[&str]| {
        let output = realmix(folder.path(), &[&known[..], more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        output
    };
    let merge = |arguments: &[&str]| {
        let output = experiments(folder.path(), &[&["merge"], arguments].concat());
        (output.status.code(), stderr(&output))
    };
    run(&["--out", "whole"]);
    run(&[
        "--dictionaries-only",
        "--cache",
        "dictionaries",
        "--out",
        "training",
    ]);
    let shared = files(&folder.path().join("dictionaries"));
    assert_eq!(shared.len(), 4 * (2 + 1));
    assert_eq!(lines(&records(&folder.path().join("training"))), 0);
    let mut recorded = 0;
    for shard in ["1/3", "3/3"] {
        let out = format!("shard{}", &shard[..1]);
        let output = run(&["--cache", "dictionaries", "--shard", shard, "--out", &out]);
        assert!(String::from_utf8_lossy(&output.stdout).contains("experiments merge"));
        let out = folder.path().join(&out);
        assert!(files(&out).is_empty(), "a shard has no tables");
        recorded += lines(&records(&out));
    }
    assert!((1..16).contains(&recorded), "{recorded}");
    assert_eq!(files(&folder.path().join("dictionaries")), shared);

    let (code, said) = merge(&["shard1", "shard3", "--out", "merged"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("observations are not finished:\n  speaker "),
        "{said}"
    );
    let finish = "realmix --config shard1/cells/run.toml --shard 2/3 --resume --out shard-2-of-3";
    assert!(said.contains(finish), "{said}");
    assert!(!folder.path().join("merged").exists());
    let mut arguments: Vec<&str> = finish.split(' ').collect();
    arguments.extend(["--cache", "dictionaries"]);
    assert!(experiments(folder.path(), &arguments).status.success());

    let shards = ["shard1", "shard3", "shard-2-of-3"];
    let (code, said) = merge(&[&shards[..], &["--out", "merged"]].concat());
    assert_eq!(code, Some(0), "{said}");
    let path = |name: &str| folder.path().join(name);
    assert_same(&path("whole"), &path("merged"));
    recorded += lines(&records(&path("shard-2-of-3")));
    assert_eq!(recorded, 16);
    let digest = |name: &str| {
        let text = fs::read_to_string(path(name).join("manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
        (
            manifest["corpus"].clone(),
            manifest["corpus_sha256"].clone(),
        )
    };
    assert_eq!(digest("whole"), digest("merged"));
    // Overlapping is no harm.
    let (code, said) = merge(&[&shards[..], &["whole", "--out", "again"]].concat());
    assert_eq!(code, Some(0), "{said}");

    // Another configuration; a plan of something else.
    run(&["--seed", "6", "--shard", "1/3", "--out", "other"]);
    let (code, said) = merge(&["shard3", "other", "--out", "differs"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("experiment.seed: 5 there, 6 here"), "{said}");
    for shard in shards {
        let plan = path(shard).join("cells/plan.json");
        let text = fs::read_to_string(&plan).unwrap();
        fs::write(&plan, text.replace("\"mixtures\"", "\"others\"")).unwrap();
    }
    let (code, said) = merge(&[&shards[..], &["--out", "differs"]].concat());
    assert_eq!(code, Some(1));
    assert!(said.contains("does not fit its configuration"), "{said}");
}

/// A folder corpus with utterances of a second, and a background recording of two that is silent in its last: the second
/// of two mixtures cannot be made.
fn half_silent(folder: &Path) {
    let speech = synth::Speech::new(1);
    for index in 0..6 {
        let mut samples = speech.utterance(3, index).unwrap().samples;
        samples.resize(16_000, 0.0);
        fs::create_dir_all(folder.join("speech")).unwrap();
        let path = folder.join(format!("speech/{index}.wav"));
        write(path, &samples, synth::SAMPLE_RATE_HZ, Encoding::Float32).unwrap();
    }
    // The excerpt is a sample longer than the speech.
    let mut noise = synth::background(3.0, &mut synth::stream(1, "test", &[])).unwrap();
    noise.truncate(32_001);
    noise[16_001..].fill(0.0);
    fs::create_dir_all(folder.join("background")).unwrap();
    let path = folder.join("background/room.wav");
    write(path, &noise, synth::SAMPLE_RATE_HZ, Encoding::Float32).unwrap();
}

#[test]
fn a_failure_is_recorded_and_the_rest_goes_on_unless_it_shall_not() {
    let folder = tempfile::tempdir().unwrap();
    half_silent(folder.path());
    let corpus = "corpus.kind=folder corpus.speech=speech corpus.background=background realmix.speakers=[] \
                  realmix.seeds=1";
    let run = |more: &[&str]| {
        let mut arguments = vec!["--jobs", "1", "--out", "out"];
        for option in corpus.split_whitespace() {
            arguments.extend(["--set", option]);
        }
        let output = realmix(folder.path(), &[&arguments[..], more].concat());
        (output.status.code(), stderr(&output))
    };
    let (code, said) = run(&["--fail-fast"]);
    assert_eq!(code, Some(1), "{said}");
    let message =
        "seed 5, mixture 1, 0 dB failed (--fail-fast): the speech or the background is silent";
    assert!(said.contains(message), "{said}");
    assert!(said.contains("2 of 4 parts are finished"), "{said}");

    // Failures are tried again, by whatever run.
    for option in ["--resume", "--resume", "--force"] {
        let (code, said) = run(&[option]);
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains("2 failures"), "{said}");
        assert_eq!(
            said.contains("2 of 4 parts are there already"),
            option == "--resume"
        );
        let csv = fs::read_to_string(folder.path().join("out/realmix.csv")).unwrap();
        let rows = |start: &str| csv.lines().filter(|line| line.starts_with(start)).count();
        assert!(csv.contains("\n5,,1,0,,,,,the speech or the background is silent\n"));
        // Of the others the mixture, 2 orders and 4 methods by 5 metrics.
        assert_eq!([rows("5,,0,"), rows("5,,1,")], [2 * 7 * 5, 2]);
    }
}

#[test]
fn a_configuration_is_of_one_experiment() {
    let folder = tempfile::tempdir().unwrap();
    let axis = "\n[sweep]\n[[sweep.axis]]\nkey = \"model.iterations\"\nvalues = [1, 2]\n";
    let (recordings, _) = TINY.split_at(TINY.find("[realmix]").unwrap());
    for (name, text) in [
        ("realmix.toml", TINY.to_owned()),
        ("sweep.toml", recordings.to_owned() + axis),
        ("both.toml", TINY.to_owned() + axis),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    for (command, config, says) in [
        (
            "table1",
            "realmix.toml",
            "run it with `experiments realmix`",
        ),
        ("table1", "sweep.toml", "run it with `experiments sweep`"),
        ("realmix", "sweep.toml", "has a section [sweep]"),
        ("sweep", "realmix.toml", "no section [sweep]"),
        ("sweep", "both.toml", "no meaning beside a section [sweep]"),
        (
            "realmix",
            "both.toml",
            "no meaning beside a section [sweep]",
        ),
    ] {
        let output = experiments(folder.path(), &[command, "--config", config]);
        assert_eq!(output.status.code(), Some(2), "{command} {config}");
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
}
