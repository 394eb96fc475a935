//! Runs that are spread over shards and merged: the bytes of one run, or what is missing and how to
//! finish it.

mod common;

use std::fs;
use std::path::PathBuf;

use common::sealed::{add_energy, change_estimates};
use common::study::{RECORDED_PARTS, Study, done, records, results};
use common::{files, stderr};

const SHARDS: [&str; 3] = ["shard1", "shard3", "shard-2-of-3"];

/// A merge of folders, with more arguments.
fn merge(study: &Study, arguments: &[&[&str]]) -> (Option<i32>, String) {
    let output = study.experiments(&[&["merge"], &arguments.concat()[..]].concat());
    (output.status.code(), stderr(&output))
}

/// Runs the command that a message says, with dictionaries that are there.
fn finish(study: &Study, said: &str, out: &str) {
    let ending = format!(" --out {out}");
    let mut lines = said.lines().map(str::trim);
    let command = lines.find(|line| line.ends_with(&ending));
    let command = command.unwrap_or_else(|| panic!("{ending} is not in {said}"));
    let arguments = command.strip_prefix("vbnmf ").unwrap().split(' ');
    let arguments: Vec<&str> = arguments.chain(["--cache", "dictionaries"]).collect();
    let output = study.experiments(&arguments);
    assert!(output.status.success(), "{}", stderr(&output));
}

/// A run in `whole`, and the same in three shards, of which the second is what a merge of the
/// others says. `learned`: dictionaries. `first`: how the missing trials are called.
fn run_in_shards(study: &Study, learned: usize, first: &str) {
    study.succeed(&["--out", "whole"]);
    let shared = ["--cache", "dictionaries"];
    let only = ["--dictionaries-only", "--out", "training"];
    study.succeed(&[&shared[..], &only].concat());
    let dictionaries = files(&study.path("dictionaries"));
    assert_eq!(dictionaries.len(), learned);
    assert_eq!(done(&study.path("training")), 0);
    for (shard, out) in [("1/3", "shard1"), ("3/3", "shard3")] {
        let output = study.run(&[&shared[..], &["--shard", shard, "--out", out]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(String::from_utf8_lossy(&output.stdout).contains("vbnmf merge"));
        assert!(
            results(&study.path(out)).is_empty(),
            "a shard has no tables"
        );
        assert!(!study.path(out).join("cache").exists());
    }

    let (code, said) = merge(study, &[&SHARDS[..2], &["--out", "merged"]]);
    assert_eq!(code, Some(1), "{said}");
    let missing = format!(" trials are not finished:\n  {first}");
    assert!(said.contains(&missing), "{said}");
    assert!(
        said.contains("--config shard1/cells/run.toml --shard 2/3 "),
        "{said}"
    );
    assert!(!study.path("merged").exists());
    finish(study, &said, "shard-2-of-3");
    assert_eq!(files(&study.path("dictionaries")), dictionaries);
    let parts = SHARDS.map(|shard| done(&study.path(shard)));
    // The scores of a mixture itself may be in several: cases of a sweep share it.
    assert!(parts.iter().sum::<usize>() >= study.parts, "{parts:?}");
    assert!(parts.iter().all(|&parts| parts > 0), "{parts:?}");
}

/// Merges all shards into a folder and compares it with the whole.
fn assert_merges(study: &Study, out: &str) {
    let (code, said) = merge(study, &[&SHARDS, &["--out", out]]);
    assert_eq!(code, Some(0), "{said}");
    study.assert_same("whole", out);
}

#[test]
fn merged_shards_are_the_bytes_of_one_run_of_any_study() {
    let realmix = Study::new("realmix", &with_known_background(), 16 * RECORDED_PARTS);
    // Of each speaker two orders and the background; table1 has two sides, of each seed in a sweep.
    for (study, learned, first) in [
        (realmix, 4 * (2 + 1), "speaker "),
        (Study::sweep(), 3 * (2 * 2 + 1), "seed "),
        (Study::recordings_sweep(), 2 * 2, "speaker "),
    ] {
        run_in_shards(&study, learned, first);
        assert_merges(&study, "merged");
        let corpus = |run: &str| {
            let text = fs::read(study.path(run).join("manifest.json")).unwrap();
            let manifest: serde_json::Value = serde_json::from_slice(&text).unwrap();
            [
                manifest["corpus"].clone(),
                manifest["corpus_sha256"].clone(),
            ]
        };
        assert_eq!(corpus("whole"), corpus("merged"));
    }
}

fn with_known_background() -> String {
    common::study::TINY_RECORDINGS.to_owned() + "background = \"known\"\n"
}

#[test]
fn shards_may_overlap_lack_what_can_be_made_again_and_not_contradict_each_other() {
    let study = Study::long_table1();
    run_in_shards(&study, 2 * 4 + 1, "seed 7, ");
    assert_merges(&study, "merged");
    let times = fs::read_to_string(study.path("merged/timings.md")).unwrap();
    assert!(times.contains("merged from shards"));

    // Merged again into the same folder, nothing changes; overlapping is no harm.
    assert_merges(&study, "merged");
    let (code, said) = merge(&study, &[&SHARDS, &["whole", "--out", "again"]]);
    assert_eq!(code, Some(0), "{said}");
    study.assert_same("whole", "again");

    // A shard that was stopped before it had a plan.
    fs::remove_file(study.path("shard1/cells/plan.json")).unwrap();
    fs::remove_file(records(&study.path("shard1"))).unwrap();
    let (code, said) = merge(&study, &[&SHARDS, &["--out", "unplanned"]]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("no shard1/cells/plan.json"), "{said}");
    finish(&study, &said, "shard1");
    assert_merges(&study, "planned");

    // Without an example, the tables would not be those of one run.
    let (shard, example) = an_example(&study);
    fs::remove_file(&example).unwrap();
    let (code, said) = merge(&study, &[&SHARDS, &["--quiet", "--out", "silent"]]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("1 examples are not there:\n  seed 7, "),
        "{said}"
    );
    assert!(!study.path("silent").exists());
    finish(&study, &said, shard);
    assert!(example.exists());
    assert_merges(&study, "silent");

    change_estimates(&study.path("shard1"), add_energy);
    let (code, said) = merge(&study, &[&["shard1", "whole", "--out", "differs"]]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("whole has other results of a trial than the shards before it"),
        "{said}"
    );
}

/// An example that a shard keeps.
fn an_example(study: &Study) -> (&'static str, PathBuf) {
    let of_shard = |shard| {
        let folder = study.path(shard).join("cells/examples");
        let mut entries = fs::read_dir(folder).ok()?;
        Some((shard, entries.next()?.unwrap().path()))
    };
    SHARDS.into_iter().find_map(of_shard).unwrap()
}
