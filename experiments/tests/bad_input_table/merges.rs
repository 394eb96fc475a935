//! Shards that do not make one run.

use std::fs;
use std::path::Path;

use super::common::sealed::{add_energy, change_estimates, seal};
use super::common::study::records;
use super::folders::replace;
use super::{Case, Spoil, parts};

const MERGE: &str = "merge one two --out out";

/// What a run leaves that is killed before it has a plan.
fn begin_another(folder: &Path) {
    let cells = folder.join("three/cells");
    fs::create_dir_all(&cells).unwrap();
    fs::copy(folder.join("one/cells/run.toml"), cells.join("run.toml")).unwrap();
}

pub(super) fn cases() -> Vec<Case> {
    let table = wrong_shards().into_iter().chain(wrong_outputs());
    table
        .map(|(what, prepare, command, code, says)| {
            Case::new(
                format!("merge: {what}"),
                prepare,
                command,
                code,
                &parts(says),
            )
        })
        .collect()
}

type Row = (&'static str, Spoil, &'static str, i32, &'static str);

fn wrong_shards() -> [Row; 21] {
    [
        (
            "no such shard",
            |_| (),
            "merge one three --out out",
            2,
            "three holds no run: there is no three/cells/run.toml",
        ),
        (
            "a folder of something else",
            |_| (),
            "merge one speech --out out",
            2,
            "speech holds no run",
        ),
        (
            "a shard is a file",
            |_| (),
            "merge one tiny.toml --out out",
            2,
            "tiny.toml holds no run",
        ),
        (
            "a shard is missing",
            |_| (),
            "merge one --out out",
            1,
            "trials are not finished … --shard 2/2 --out shard-2-of-2",
        ),
        (
            "a shard is given twice, the other not",
            |_| (),
            "merge two two --out out",
            1,
            "trials are not finished … --shard 1/2 --out shard-1-of-2",
        ),
        (
            "a shard lost its records",
            |folder| fs::remove_file(records(&folder.join("two"))).unwrap(),
            MERGE,
            1,
            "trials are not finished … --shard 2/2 --out two",
        ),
        (
            "a shard whose records are a folder",
            |folder| {
                fs::remove_file(records(&folder.join("two"))).unwrap();
                fs::create_dir(records(&folder.join("two"))).unwrap();
            },
            MERGE,
            1,
            "cannot read two/cells/records",
        ),
        (
            "a shard of another configuration",
            |folder| {
                let path = folder.join("two/cells/run.toml");
                replace(path, "frames = 20", "frames = 21");
            },
            MERGE,
            2,
            "one and two are of different configurations … mixtures.frames: 20 there, 21 here",
        ),
        (
            "a shard's configuration is no TOML",
            |folder| fs::write(folder.join("two/cells/run.toml"), "not [toml").unwrap(),
            MERGE,
            2,
            "two/cells/run.toml",
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
            "one/cells/run.toml … `mixtures.frames`: 0",
        ),
        (
            "a plan of another corpus",
            |folder| {
                let path = folder.join("two/cells/plan.json");
                replace(path, "builtin, speaker", "tape");
            },
            MERGE,
            2,
            "one and two … different trials: their corpora or programs differ",
        ),
        (
            "a plan of another version",
            |folder| {
                let path = folder.join("one/cells/plan.json");
                replace(path, "\"version\":4", "\"version\":9");
            },
            MERGE,
            1,
            "one/cells/plan.json is of version 9, this program reads version 4",
        ),
        (
            "a plan that is no JSON",
            |folder| fs::write(folder.join("one/cells/plan.json"), "[[[").unwrap(),
            MERGE,
            1,
            "one/cells/plan.json is not the plan of a run",
        ),
        (
            "no plan",
            |folder| fs::remove_file(folder.join("one/cells/plan.json")).unwrap(),
            MERGE,
            1,
            "no one/cells/plan.json … table1 --config one/cells/run.toml --shard 1/2 --out one",
        ),
        (
            "no plans, and nothing that says which shards",
            |folder| {
                for shard in ["one", "two"] {
                    fs::remove_file(folder.join(shard).join("cells/plan.json")).unwrap();
                    fs::remove_file(folder.join(shard).join("cells/shard")).unwrap();
                }
            },
            MERGE,
            1,
            "no one/cells/plan.json, two/cells/plan.json … one/cells/run.toml --out one … \
             two/cells/run.toml --out two",
        ),
        (
            "a run that was stopped before it had a plan",
            begin_another,
            "merge one two three --out out",
            1,
            "no three/cells/plan.json … --config three/cells/run.toml --out three",
        ),
        (
            "a run without records, alone",
            begin_another,
            "merge three --out out",
            1,
            "no three/cells/plan.json",
        ),
        (
            "records of another version",
            |folder| {
                let line = seal("record", 2, "{}");
                fs::write(records(&folder.join("one")), line).unwrap();
            },
            MERGE,
            1,
            "one/cells/records is of version 2, this program reads version 1",
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
            "one/cells/plan.json does not fit its configuration",
        ),
        (
            "results that contradict each other",
            |folder| change_estimates(&folder.join("one"), add_energy),
            "merge one two done --out out",
            1,
            "done has other results of a trial than the shards before it (key ",
        ),
        (
            "parts without estimates",
            |folder| {
                for shard in ["one", "two"] {
                    change_estimates(&folder.join(shard), Vec::clear);
                }
            },
            MERGE,
            3,
            "failures: see the column `error` of observations.csv",
        ),
    ]
}

fn wrong_outputs() -> [Row; 2] {
    [
        (
            "an output of another configuration",
            |folder| {
                let path = folder.join("done/config.toml");
                replace(path, "frames = 20", "frames = 21");
            },
            "merge one two --out done",
            2,
            "mixtures.frames: 21 there, 20 here … --force",
        ),
        (
            "an output with an unfinished run of another configuration, which is no obstacle",
            |folder| {
                fs::remove_file(folder.join("done/config.toml")).unwrap();
                let path = folder.join("done/cells/run.toml");
                replace(path, "frames = 20", "frames = 21");
            },
            "merge one two --out done",
            0,
            "Results: done",
        ),
    ]
}
