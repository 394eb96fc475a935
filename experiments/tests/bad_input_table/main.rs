//! Everything a user can hand over that is wrong, as one table: what is wrong, the exit code, and
//! what the message names. Nothing may panic, and a run that was refused leaves no results behind.

#[path = "../common/mod.rs"]
mod common;

mod command_lines;
mod configurations;
mod corpora;
mod folders;
mod generated;
mod merges;
mod recordings;
mod sweeps;
mod tools;

use std::fs;
use std::path::Path;

use common::study::TINY_RECORDINGS;
use common::{TINY, experiments, stderr, write_background, write_speech};
use rayon::prelude::*;

/// Makes something wrong in a folder that holds everything right.
type Spoil = fn(&Path);

/// A bad input.
struct Case {
    /// What is wrong with it.
    what: String,
    /// Puts it into a folder that holds everything right.
    prepare: Box<dyn Fn(&Path) + Send + Sync>,
    /// The command line, separated by spaces.
    command: String,
    /// How it must end.
    code: i32,
    /// What must be said.
    says: Vec<String>,
}

impl Case {
    fn new(
        what: impl Into<String>,
        prepare: impl Fn(&Path) + Send + Sync + 'static,
        command: impl Into<String>,
        code: i32,
        says: &[&str],
    ) -> Self {
        Self {
            what: what.into(),
            prepare: Box::new(prepare),
            command: command.into(),
            code,
            says: says.iter().map(ToString::to_string).collect(),
        }
    }

    /// A study in `wrong.toml` that is refused by that name.
    fn in_file(command: &str, text: impl Into<String>, says: &str) -> Self {
        let text = text.into();
        Self::new(
            format!("{command} of a file: {says}"),
            move |folder| fs::write(folder.join("wrong.toml"), &text).unwrap(),
            format!("{command} --config wrong.toml --out out"),
            2,
            &[&["wrong.toml"], &parts(says)[..]].concat(),
        )
    }

    /// What is wrong with the outcome, if anything.
    fn check(&self, right: &Path) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        copy(right, folder.path());
        (self.prepare)(folder.path());
        let arguments: Vec<&str> = self.command.split_whitespace().collect();
        let output = experiments(folder.path(), &arguments);
        let said = stderr(&output) + &String::from_utf8_lossy(&output.stdout);
        let mut faults = Vec::new();
        if output.status.code() != Some(self.code) {
            faults.push(format!("{} in place of code {}", output.status, self.code));
        }
        if ["panicked", "a fault of the program"]
            .iter()
            .any(|it| said.contains(it))
        {
            faults.push("it panicked".to_owned());
        }
        for part in self.says.iter().filter(|part| !said.contains(*part)) {
            faults.push(format!("{part:?} is not said"));
        }
        if self.code == 2 && folder.path().join("out").exists() {
            faults.push("a refused run left a folder".to_owned());
        }
        (!faults.is_empty()).then(|| format!("{}: {}: {said}", self.what, faults.join(", ")))
    }
}

/// What a message must hold, written with dots between.
fn parts(says: &str) -> Vec<&str> {
    says.split(" … ").collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}

/// Configurations, corpora of both layouts, a finished run with its dictionaries, and the two
/// shards of another.
fn everything_right(folder: &Path) {
    fs::write(folder.join("tiny.toml"), TINY).unwrap();
    fs::write(folder.join("recordings.toml"), TINY_RECORDINGS).unwrap();
    write_speech(&folder.join("speech"), 4);
    write_background(&folder.join("background"), 1.5);
    write_speech(&folder.join("chime/train/reverberated/id1"), 4);
    write_background(&folder.join("chime/background"), 1.5);
    tools::prepare(folder);
    for arguments in [
        "--out done",
        "--out one --shard 1/2 --cache done/cache",
        "--out two --shard 2/2 --cache done/cache",
    ] {
        let study = ["table1", "--config", "tiny.toml"].into_iter();
        let arguments: Vec<&str> = study.chain(arguments.split(' ')).collect();
        let output = experiments(folder, &arguments);
        assert!(output.status.success(), "{}", stderr(&output));
    }
}

#[test]
fn every_bad_input_is_refused_by_name() {
    let right = tempfile::tempdir().unwrap();
    everything_right(right.path());
    let tables = [
        command_lines::cases(),
        configurations::cases(),
        corpora::cases(),
        recordings::cases(),
        folders::cases(),
        merges::cases(),
        sweeps::cases(),
        tools::cases(),
        generated::cases(),
    ];
    let cases: Vec<Case> = tables.into_iter().flatten().collect();
    assert!(cases.len() >= 490, "{} cases", cases.len());
    let faults: Vec<String> = cases
        .par_iter()
        .filter_map(|case| case.check(right.path()))
        .collect();
    let (bad, all) = (faults.len(), cases.len());
    assert!(
        faults.is_empty(),
        "{bad} of {all}:\n\n{}",
        faults.join("\n\n")
    );
}
