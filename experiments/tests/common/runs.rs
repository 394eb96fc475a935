//! A run with enough cells to be stopped among them, and what it leaves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{TINY, all_files};

/// Enough cells that most of the run is spent on them.
pub fn config(folder: &Path) {
    let text = TINY
        .replace(
            "snr_db = [-3.0, 6.0]",
            "snr_db = [-9, -6, -3, 0, 3, 6, 9, 12]",
        )
        .replace("frames = 20", "frames = 60")
        .replace("orders = [1, 3]", "orders = [1, 2, 3, 4]")
        .replace("iterations = 5\nkappa", "iterations = 40\nkappa");
    fs::write(folder.join("run.toml"), text).unwrap();
}

/// `table1` on it, with more arguments.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_experiments"));
    command
        .current_dir(folder)
        .args(["table1", "--config", "run.toml"])
        .args(arguments);
    command
}

/// Runs that to its end.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

/// The finished parts of a run.
pub fn records(folder: &Path) -> PathBuf {
    folder.join("cells/records.jsonl")
}

/// Lines of a file, none if there is no file.
pub fn lines(path: &Path) -> usize {
    let bytes = fs::read(path).unwrap_or_default();
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

/// The reproducible files of two runs are the same bytes. What they keep for themselves need not be.
pub fn assert_same(expected: &Path, found: &Path) {
    let results = |folder| {
        let mut files = all_files(folder);
        files.retain(|name, _| !name.starts_with("cells/") && !name.starts_with("cache/"));
        files
    };
    let (expected, found) = (results(expected), results(found));
    assert_eq!(
        expected.keys().collect::<Vec<_>>(),
        found.keys().collect::<Vec<_>>()
    );
    for (name, contents) in expected {
        let varies = name == "manifest.json" || name.starts_with("timings.");
        assert!(varies || contents == found[&name], "{name} differs");
    }
}
