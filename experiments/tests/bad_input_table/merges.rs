//! Shards that do not make one run.

use std::fs;
use std::path::Path;

use experiments::durable::record::{Outcome, Record};
use experiments::durable::store::Contents;

use super::common::runs::records;
use super::folders::{exchange_outcomes, leave_another_run_in_done, replace};
use super::{Case, Spoil};

const MERGE: &str = "merge one two --out out";

/// Writes records anew with other outcomes, whose checksums are right.
fn change_outcomes(results: &Path, change: impl Fn(&mut Outcome)) {
    let contents = Contents::parse(&fs::read(records(results)).unwrap());
    let lines = contents.outcomes.into_iter().map(|(key, mut outcome)| {
        change(&mut outcome);
        Record { key, outcome }.encode().unwrap()
    });
    fs::write(records(results), lines.flatten().collect::<Vec<u8>>()).unwrap();
}

/// What a run for the dictionaries leaves when it is killed among them.
fn begin_dictionaries(folder: &Path) {
    let cells = folder.join("three/cells");
    fs::create_dir_all(&cells).unwrap();
    fs::copy(folder.join("one/cells/run.toml"), cells.join("run.toml")).unwrap();
    fs::write(cells.join("unfinished"), "dictionaries\n").unwrap();
}

fn add_energy(outcome: &mut Outcome) {
    match outcome {
        Outcome::Singles(singles) => singles.orders[0].free_energy += 1.0,
        Outcome::Fusion(fusion) => fusion.free_energy += 1.0,
        Outcome::Mixture(_) | Outcome::Failed(_) => {}
    }
}

pub(super) fn cases() -> Vec<Case> {
    let table: [(&str, Spoil, &str, i32, &[&str]); 21] = [
        (
            "no such shard",
            |_| (),
            "merge one three --out out",
            2,
            &["three holds no run"],
        ),
        (
            "a folder of something else",
            |_| (),
            "merge one speech --out out",
            2,
            &["speech holds no run"],
        ),
        (
            "a shard is missing",
            |_| (),
            "merge one --out out",
            1,
            &[
                "observations are not finished",
                "--shard 2/2 --resume --out shard-2-of-2",
            ],
        ),
        (
            "a shard is given twice, the other not",
            |_| (),
            "merge two two --out out",
            1,
            &["observations are not finished", "--shard 1/2"],
        ),
        (
            "a shard lost its records",
            |folder| fs::remove_file(records(&folder.join("two"))).unwrap(),
            MERGE,
            1,
            &[
                "observations are not finished",
                "--shard 2/2 --resume --out two",
            ],
        ),
        (
            "a shard of another configuration",
            |folder| {
                replace(
                    folder.join("two/cells/run.toml"),
                    "frames = 20",
                    "frames = 21",
                );
            },
            MERGE,
            2,
            &[
                "one and two are of different configurations",
                "mixtures.frames: 20 there, 21 here",
            ],
        ),
        (
            "a shard's configuration is no TOML",
            |folder| fs::write(folder.join("two/cells/run.toml"), "not [toml").unwrap(),
            MERGE,
            2,
            &["two/cells/run.toml"],
        ),
        (
            "configurations out of range",
            |folder| {
                for shard in ["one", "two"] {
                    let path = folder.join(shard).join("cells/run.toml");
                    replace(path, "frames = 20", "frames = 0");
                }
            },
            MERGE,
            2,
            &["one/cells/run.toml", "`mixtures.frames`: 0"],
        ),
        (
            "a plan of another corpus",
            |folder| {
                replace(
                    folder.join("two/cells/plan.json"),
                    "builtin, speaker",
                    "tape",
                );
            },
            MERGE,
            2,
            &["one and two", "different observations"],
        ),
        (
            "a plan of another version",
            |folder| {
                replace(
                    folder.join("one/cells/plan.json"),
                    "\"version\":1",
                    "\"version\":9",
                );
            },
            MERGE,
            1,
            &["one/cells/plan.json is of version 9, this program reads version 1"],
        ),
        (
            "a plan that is no JSON",
            |folder| fs::write(folder.join("one/cells/plan.json"), "[[[").unwrap(),
            MERGE,
            1,
            &["one/cells/plan.json is not the plan of a run"],
        ),
        (
            "no plan",
            |folder| fs::remove_file(folder.join("one/cells/plan.json")).unwrap(),
            MERGE,
            1,
            &[
                "no one/cells/plan.json",
                "table1 --config one/cells/run.toml --shard 1/2 --resume --out one",
            ],
        ),
        (
            "no plans, and nothing that says which shards",
            |folder| {
                for shard in ["one", "two"] {
                    fs::remove_file(folder.join(shard).join("cells/plan.json")).unwrap();
                    fs::remove_file(folder.join(shard).join("cells/unfinished")).unwrap();
                }
            },
            MERGE,
            1,
            &[
                "no one/cells/plan.json, two/cells/plan.json",
                "one/cells/run.toml --resume --out one    (with the --shard it was begun with)",
                "two/cells/run.toml --resume --out two",
            ],
        ),
        (
            "dictionaries whose run was stopped before it had a plan",
            begin_dictionaries,
            "merge one two three --out out",
            0,
            &["Results: out"],
        ),
        (
            "dictionaries only",
            begin_dictionaries,
            "merge three --out out",
            2,
            &["no shards"],
        ),
        (
            "records of another version",
            |folder| {
                replace(
                    records(&folder.join("one")),
                    "{\"version\":1,",
                    "{\"version\":2,",
                );
            },
            MERGE,
            1,
            &["one/cells/records.jsonl is of version 2, this program reads version 1"],
        ),
        (
            "plans that do not fit their configurations",
            |folder| {
                for shard in ["one", "two"] {
                    let path = folder.join(shard).join("cells/run.toml");
                    replace(path, "orders = [1, 3]", "orders = [1]");
                }
            },
            MERGE,
            1,
            &["one/cells/plan.json does not fit its configuration"],
        ),
        (
            "results that contradict each other",
            |folder| {
                change_outcomes(&folder.join("one"), add_energy);
            },
            "merge one two done --out out",
            1,
            &["one and done have different results of one observation (key "],
        ),
        (
            "an output with an unfinished run of another configuration",
            leave_another_run_in_done,
            "merge one two --out done",
            2,
            &[
                "done holds an unfinished run of another configuration",
                "mixtures.frames: 21 there, 20 here",
            ],
        ),
        (
            "an output of another configuration",
            |folder| {
                replace(
                    folder.join("done/config.toml"),
                    "frames = 20",
                    "frames = 21",
                );
            },
            "merge one two --out done",
            2,
            &["mixtures.frames: 21 there, 20 here", "--force"],
        ),
        (
            "sound records under each other's keys",
            |folder| {
                exchange_outcomes(&folder.join("one"));
                exchange_outcomes(&folder.join("two"));
            },
            MERGE,
            3,
            &["failures: see the column `error` of observations.csv"],
        ),
    ];
    let table = table.into_iter();
    table
        .map(|(what, prepare, command, code, says)| {
            Case::new(format!("merge: {what}"), prepare, command, code, says)
        })
        .collect()
}
