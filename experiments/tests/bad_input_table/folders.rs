//! Results folders and dictionary caches that are damaged or of something else.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::common::sealed::{change_estimates, read_records, seal, write_records};
use super::common::study::records;
use super::{Case, Spoil, parts};

const AGAIN: &str = "table1 --config tiny.toml --out done";

pub(super) fn replace(path: PathBuf, from: &str, to: &str) {
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from:?} is not in {}", path.display());
    fs::write(path, text.replace(from, to)).unwrap();
}

/// A folder in the place of a file.
fn make_folder(path: PathBuf) {
    fs::remove_file(&path).unwrap();
    fs::create_dir(path).unwrap();
}

/// The files of a folder.
fn entries(folder: PathBuf) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Records with another outcome in the place of the first.
fn record(folder: &Path, outcome: Value) {
    let done = folder.join("done");
    let mut kept = read_records(&done);
    kept[0]["outcome"] = outcome;
    write_records(&done, &kept);
}

pub(super) fn cases() -> Vec<Case> {
    let results = |(what, prepare, code, says): (&str, Spoil, i32, &str)| {
        Case::new(
            format!("results: {what}"),
            prepare,
            AGAIN,
            code,
            &parts(says),
        )
    };
    let shared = "table1 --config tiny.toml --out out --cache done/cache";
    let cache = |(what, prepare, code, says): (&str, Spoil, i32, &str)| {
        Case::new(
            format!("cache: {what}"),
            prepare,
            shared,
            code,
            &parts(says),
        )
    };
    let mut cases: Vec<Case> = recorded().into_iter().map(results).collect();
    cases.extend(kept().into_iter().map(results));
    cases.extend(caches().into_iter().map(cache));
    for study in ["table1", "table1 --shard 1/2", "table1 --dictionaries-only"] {
        cases.push(Case::new(
            format!("results: of another seed, {study}"),
            |_| (),
            format!("{study} --config tiny.toml --out done --seed 8"),
            2,
            &["experiment.seed: 7 there, 8 here", "--force"],
        ));
    }
    cases.push(Case::new(
        "results: of another command",
        |_| (),
        "realmix --config recordings.toml --out done",
        2,
        &["mixtures.source: absent there", "--force"],
    ));
    cases
}

/// What is published.
fn recorded() -> [(&'static str, Spoil, i32, &'static str); 6] {
    [
        (
            "a recorded configuration that is no TOML",
            |folder| fs::write(folder.join("done/config.toml"), "not [toml").unwrap(),
            2,
            "done/config.toml … --force",
        ),
        (
            "a recorded configuration that is no text",
            |folder| fs::write(folder.join("done/config.toml"), [0xff]).unwrap(),
            2,
            "done/config.toml … UTF-8 … --force",
        ),
        (
            "the recorded configuration is a folder",
            |folder| make_folder(folder.join("done/config.toml")),
            1,
            "cannot read done/config.toml",
        ),
        (
            "a table is a folder",
            |folder| make_folder(folder.join("done/table1.csv")),
            1,
            "cannot write done/table1.csv",
        ),
        (
            "the folder of the audio is a file",
            |folder| {
                fs::remove_dir_all(folder.join("done/audio")).unwrap();
                fs::write(folder.join("done/audio"), "").unwrap();
            },
            1,
            "cannot create done/audio/",
        ),
        (
            "the list of published files is a folder",
            |folder| make_folder(folder.join("done/cells/published")),
            1,
            "cannot write done/cells/published",
        ),
    ]
}

/// What a run goes on from: what is no record or no example is done again, and what stands in the
/// way is named.
fn kept() -> [(&'static str, Spoil, i32, &'static str); 24] {
    const ALL: &str = "20 of 20 parts are there already";
    const ONE_LESS: &str = "19 of 20 parts are there already";
    const ONE_DAMAGED: &str =
        "cells/records: damaged and ignored: line 1 … 19 of 20 parts are there already";
    [
        (
            "cells is a file",
            |folder| {
                fs::remove_dir_all(folder.join("done/cells")).unwrap();
                fs::write(folder.join("done/cells"), "").unwrap();
            },
            1,
            "done/cells",
        ),
        (
            "the lock is a folder",
            |folder| make_folder(folder.join("done/cells/lock")),
            1,
            "cannot write done/cells/lock",
        ),
        (
            "the records are a folder",
            |folder| make_folder(folder.join("done/cells/records")),
            1,
            "cannot read done/cells/records",
        ),
        (
            "the plan is a folder",
            |folder| make_folder(folder.join("done/cells/plan.json")),
            1,
            "cannot write done/cells/plan.json",
        ),
        (
            "the begun configuration is a folder",
            |folder| make_folder(folder.join("done/cells/run.toml")),
            1,
            "cannot write done/cells/run.toml",
        ),
        (
            "the name of a shard is a folder",
            |folder| fs::create_dir(folder.join("done/cells/shard")).unwrap(),
            1,
            "cannot remove done/cells/shard",
        ),
        (
            "the examples are a file",
            |folder| {
                fs::remove_dir_all(folder.join("done/cells/examples")).unwrap();
                fs::write(folder.join("done/cells/examples"), "").unwrap();
            },
            1,
            "done/cells/examples",
        ),
        (
            "records of another version",
            |folder| {
                let json = json!({"key": "0".repeat(64), "outcome": {"Err": "later"}}).to_string();
                let path = records(&folder.join("done"));
                let text = fs::read_to_string(&path).unwrap();
                fs::write(path, text + &seal("record", 2, &json)).unwrap();
            },
            1,
            "done/cells/records is of version 2, this program reads version 1",
        ),
        (
            "a begun configuration, a shard and a plan of nothing",
            |folder| {
                for name in ["run.toml", "shard", "plan.json"] {
                    fs::write(folder.join("done/cells").join(name), "not [[").unwrap();
                }
            },
            0,
            ALL,
        ),
        (
            "a list of published files that reaches out of the folder",
            |folder| {
                let list = "../tiny.toml\n/etc/passwd\n\n.\n..\naudio/../../tiny.toml\n";
                fs::write(folder.join("done/cells/published"), list).unwrap();
            },
            0,
            ALL,
        ),
        (
            "records that end in the middle of one",
            |folder| {
                let path = records(&folder.join("done"));
                let bytes = fs::read(&path).unwrap();
                fs::write(path, &bytes[..bytes.len() - 9]).unwrap();
            },
            0,
            "cells/records: cut off at the end … 19 of 20 parts are there already",
        ),
        (
            "a record with a changed digit",
            |folder| {
                let path = records(&folder.join("done"));
                let mut bytes = fs::read(&path).unwrap();
                bytes[200] ^= 1;
                fs::write(path, bytes).unwrap();
            },
            0,
            ONE_DAMAGED,
        ),
        (
            "records that are noise",
            |folder| {
                let noise: Vec<u8> = (0..9999_u32).map(|i| (i * i % 251) as u8).collect();
                fs::write(records(&folder.join("done")), noise).unwrap();
            },
            0,
            "cut off at the end: 9999 bytes",
        ),
        (
            "a sound line of another kind among the records",
            |folder| {
                let path = records(&folder.join("done"));
                let text = fs::read_to_string(&path).unwrap();
                fs::write(path, seal("dictionary", 1, "{}") + &text).unwrap();
            },
            0,
            "damaged and ignored: line 1 … 20 of 20 parts are there already",
        ),
        (
            "a sound record without a key",
            |folder| {
                let path = records(&folder.join("done"));
                let text = fs::read_to_string(&path).unwrap();
                let json = json!({"outcome": {"Err": "x"}}).to_string();
                fs::write(path, seal("record", 1, &json) + &text).unwrap();
            },
            0,
            "damaged and ignored: line 1 … 20 of 20 parts are there already",
        ),
        (
            "a sound record of no estimates",
            |folder| record(folder, json!({"Ok": "estimates"})),
            0,
            ONE_DAMAGED,
        ),
        (
            "a sound record of a method that there is not",
            |folder| record(folder, json!({"Ok": [{"candidate": {"method": "magic"}}]})),
            0,
            ONE_DAMAGED,
        ),
        (
            "a failure that is no text",
            |folder| record(folder, json!({"Err": 3})),
            0,
            ONE_DAMAGED,
        ),
        (
            "a recorded failure",
            |folder| record(folder, json!({"Err": "out of luck"})),
            0,
            ONE_LESS,
        ),
        (
            "estimates with posteriors over other orders",
            |folder| {
                change_estimates(&folder.join("done"), |estimates| {
                    for estimate in estimates {
                        if estimate["order_posterior"].is_array() {
                            estimate["order_posterior"] = json!([]);
                        }
                    }
                });
            },
            0,
            ALL,
        ),
        (
            "estimates with numbers that are none",
            |folder| {
                change_estimates(&folder.join("done"), |estimates| {
                    for estimate in estimates {
                        estimate["free_energy"] = json!("nan");
                        estimate["scores"]["sdr"] = json!({"error": "the ratio is infinite"});
                    }
                });
            },
            0,
            ALL,
        ),
        (
            "parts without estimates",
            |folder| change_estimates(&folder.join("done"), Vec::clear),
            3,
            "failures: see the column `error` of observations.csv",
        ),
        (
            "single orders under the keys of fusions, and the other way round",
            |folder| {
                let done = folder.join("done");
                let mut kept = read_records(&done);
                let keys: Vec<Value> = kept.iter().map(|record| record["key"].clone()).collect();
                let is_fusion =
                    |record: &Value| record["outcome"]["Ok"].as_array().unwrap().len() == 1;
                let (fusions, singles): (Vec<usize>, Vec<usize>) =
                    (0..kept.len()).partition(|&place| is_fusion(&kept[place]));
                for (fusion, single) in fusions.into_iter().zip(singles) {
                    kept[fusion]["key"] = keys[single].clone();
                    kept[single]["key"] = keys[fusion].clone();
                }
                write_records(&done, &kept);
            },
            3,
            "failures: see the column `error` of observations.csv",
        ),
        (
            "examples that are cut in half",
            |folder| cut_in_half(folder.join("done/cells/examples")),
            0,
            ALL,
        ),
    ]
}

fn cut_in_half(folder: PathBuf) {
    for path in entries(folder) {
        let bytes = fs::read(&path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    }
}

fn caches() -> [(&'static str, Spoil, i32, &'static str); 6] {
    [
        (
            "all entries cut in half",
            |folder| cut_in_half(folder.join("done/cache")),
            0,
            "Results: out",
        ),
        (
            "a changed bit in all entries",
            |folder| {
                for path in entries(folder.join("done/cache")) {
                    let mut bytes = fs::read(&path).unwrap();
                    bytes[100] ^= 4;
                    fs::write(path, bytes).unwrap();
                }
            },
            0,
            "Results: out",
        ),
        (
            "all entries empty",
            |folder| {
                for path in entries(folder.join("done/cache")) {
                    fs::write(path, "").unwrap();
                }
            },
            0,
            "Results: out",
        ),
        (
            "folders in place of entries",
            |folder| {
                entries(folder.join("done/cache"))
                    .into_iter()
                    .for_each(make_folder);
            },
            1,
            "cannot write done/cache/ … .dictionary",
        ),
        (
            "sound entries of another shape",
            |folder| {
                seal_dictionaries(folder, json!({"shape": [1, 3], "entries": [1.0, 1.0, 1.0]}));
            },
            0,
            "Results: out",
        ),
        (
            "sound entries whose numbers are no dictionary",
            |folder| seal_dictionaries(folder, json!({"shape": [3, 129], "entries": [-1.0]})),
            0,
            "Results: out",
        ),
    ]
}

fn seal_dictionaries(folder: &Path, contents: Value) {
    let line = seal("dictionary", 1, &contents.to_string());
    for path in entries(folder.join("done/cache")) {
        fs::write(path, &line).unwrap();
    }
}
