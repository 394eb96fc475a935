//! Results folders and dictionary caches that are damaged or of something else.

use std::fs;
use std::path::{Path, PathBuf};

use experiments::digest::Digest;
use experiments::durable::record::{Outcome, Record};
use experiments::durable::store::Contents;

use super::common::runs::records;
use super::{Case, Spoil};

const AGAIN: &str = "table1 --config tiny.toml --out done";
const RESUME: &str = "table1 --config tiny.toml --out done --resume";

pub(super) fn replace(path: PathBuf, from: &str, to: &str) {
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from:?} is not in {}", path.display());
    fs::write(path, text.replace(from, to)).unwrap();
}

/// The finished run in `done` becomes an unfinished one of another configuration.
pub(super) fn leave_another_run_in_done(folder: &Path) {
    fs::remove_file(folder.join("done/config.toml")).unwrap();
    replace(
        folder.join("done/cells/run.toml"),
        "frames = 20",
        "frames = 21",
    );
}

/// A folder in the place of a file.
fn make_folder(path: PathBuf) {
    fs::remove_file(&path).unwrap();
    fs::create_dir(path).unwrap();
}

/// The dictionaries of the finished run.
fn dictionaries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("done/cache")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The single orders' outcomes under the keys of fusions, and the other way round.
pub(super) fn exchange_outcomes(results: &Path) {
    let contents = Contents::parse(&fs::read(records(results)).unwrap());
    let (mut singles, mut fusions) = (Vec::new(), Vec::new());
    for (key, outcome) in contents.outcomes {
        let kind = match outcome {
            Outcome::Singles(_) => &mut singles,
            _ => &mut fusions,
        };
        kind.push((key, outcome));
    }
    assert_eq!(singles.len(), fusions.len());
    let pairs = singles.into_iter().zip(fusions);
    let exchanged = pairs.flat_map(|((one, singles), (other, fusion))| {
        [(one, fusion), (other, singles)].map(|(key, outcome)| Record { key, outcome })
    });
    let lines = exchanged.flat_map(|record| record.encode().unwrap());
    fs::write(records(results), lines.collect::<Vec<u8>>()).unwrap();
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = runs();
    cases.extend(caches());
    cases
}

fn runs() -> Vec<Case> {
    let table: [(&str, Spoil, &str, i32, &[&str]); 18] = [
        (
            "results of another seed",
            |_| (),
            "table1 --config tiny.toml --out done --seed 8",
            2,
            &["experiment.seed: 7 there, 8 here", "--force"],
        ),
        (
            "a recorded configuration that is no TOML",
            |folder| fs::write(folder.join("done/config.toml"), "not [toml").unwrap(),
            AGAIN,
            2,
            &["done/config.toml", "--force"],
        ),
        (
            "a begun configuration that is no TOML",
            |folder| fs::write(folder.join("done/cells/run.toml"), "not [toml").unwrap(),
            RESUME,
            2,
            &["done/cells/run.toml", "--force"],
        ),
        (
            "a begun configuration that is no text",
            |folder| fs::write(folder.join("done/cells/run.toml"), [0xff]).unwrap(),
            RESUME,
            2,
            &["done/cells/run.toml", "UTF-8"],
        ),
        (
            "an unfinished run without --resume",
            |folder| fs::remove_file(folder.join("done/config.toml")).unwrap(),
            AGAIN,
            2,
            &["done holds an unfinished run", "--resume"],
        ),
        (
            "a finished run that was begun again, without --resume",
            |folder| fs::write(folder.join("done/cells/unfinished"), "all\n").unwrap(),
            AGAIN,
            2,
            &["done holds an unfinished run", "--resume"],
        ),
        (
            "a finished shard, without --resume",
            |_| (),
            "table1 --config tiny.toml --out one --shard 1/2",
            2,
            &["one holds an unfinished run", "--resume"],
        ),
        (
            "what says that a run is unfinished is a folder",
            |folder| fs::create_dir(folder.join("done/cells/unfinished")).unwrap(),
            RESUME,
            1,
            &["cannot write done/cells/unfinished"],
        ),
        (
            "an unfinished run of another configuration",
            leave_another_run_in_done,
            RESUME,
            2,
            &["mixtures.frames: 21 there, 20 here"],
        ),
        (
            "cells is a file",
            |folder| {
                fs::remove_dir_all(folder.join("done/cells")).unwrap();
                fs::write(folder.join("done/cells"), "").unwrap();
            },
            AGAIN,
            1,
            &["done/cells"],
        ),
        (
            "the lock is a folder",
            |folder| make_folder(folder.join("done/cells/lock")),
            AGAIN,
            1,
            &["done/cells/lock"],
        ),
        (
            "the records are a folder",
            |folder| make_folder(folder.join("done/cells/records.jsonl")),
            RESUME,
            1,
            &["done/cells/records.jsonl"],
        ),
        (
            "the plan is a folder",
            |folder| make_folder(folder.join("done/cells/plan.json")),
            RESUME,
            1,
            &["done/cells/plan.json"],
        ),
        (
            "a table is a folder",
            |folder| make_folder(folder.join("done/table1.csv")),
            RESUME,
            1,
            &["done/table1.csv"],
        ),
        (
            "records that end in the middle of one",
            |folder| {
                let path = records(&folder.join("done"));
                let bytes = fs::read(&path).unwrap();
                fs::write(path, &bytes[..bytes.len() - 9]).unwrap();
            },
            RESUME,
            0,
            &[
                "records.jsonl: cut off at the end",
                "7 of 8 parts are there already",
            ],
        ),
        (
            "a record with a changed digit",
            |folder| {
                let path = records(&folder.join("done"));
                let mut bytes = fs::read(&path).unwrap();
                bytes[200] ^= 1;
                fs::write(path, bytes).unwrap();
            },
            RESUME,
            0,
            &[
                "damaged and ignored: line 1",
                "7 of 8 parts are there already",
            ],
        ),
        (
            "records that are noise",
            |folder| {
                let noise: Vec<u8> = (0..9999_u32).map(|i| (i * i % 251) as u8).collect();
                fs::write(records(&folder.join("done")), noise).unwrap();
            },
            RESUME,
            0,
            &["cut off at the end: 9999 bytes"],
        ),
        (
            "sound records under each other's keys",
            |folder| exchange_outcomes(&folder.join("done")),
            RESUME,
            3,
            &["failures: see the column `error` of observations.csv"],
        ),
    ];
    let table = table.into_iter();
    table
        .map(|(what, prepare, command, code, says)| {
            Case::new(format!("results: {what}"), prepare, command, code, says)
        })
        .collect()
}

fn caches() -> Vec<Case> {
    const SHARED: &str = "table1 --config tiny.toml --out out --cache done/cache";
    let table: [(&str, Spoil, i32, &[&str]); 5] = [
        (
            "all entries cut in half",
            |folder| {
                for path in dictionaries(folder) {
                    let bytes = fs::read(&path).unwrap();
                    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
                }
            },
            0,
            &["Results: out"],
        ),
        (
            "a changed bit in all entries",
            |folder| {
                for path in dictionaries(folder) {
                    let mut bytes = fs::read(&path).unwrap();
                    bytes[100] ^= 4;
                    fs::write(path, bytes).unwrap();
                }
            },
            0,
            &["Results: out"],
        ),
        (
            "all entries empty",
            |folder| {
                dictionaries(folder)
                    .iter()
                    .for_each(|path| fs::write(path, "").unwrap());
            },
            0,
            &["Results: out"],
        ),
        (
            "folders in place of entries",
            |folder| dictionaries(folder).into_iter().for_each(make_folder),
            1,
            &["cannot write done/cache/", ".dictionary"],
        ),
        (
            "sound entries of another shape",
            |folder| {
                let mut entry = b"DICTNRY1".to_vec();
                entry.extend([1_u64, 3].map(u64::to_le_bytes).concat());
                entry.extend([1.0_f64; 3].map(f64::to_le_bytes).concat());
                let digest = Digest::of_bytes(&entry);
                entry.extend(digest.0);
                let paths = dictionaries(folder);
                paths
                    .iter()
                    .for_each(|path| fs::write(path, &entry).unwrap());
            },
            0,
            &["Results: out"],
        ),
    ];
    let table = table.into_iter();
    table
        .map(|(what, prepare, code, says)| {
            Case::new(format!("cache: {what}"), prepare, SHARED, code, says)
        })
        .collect()
}
