//! Sections `[sweep]` that make no sweep.

use std::fs;

use super::Case;
use super::common::TINY;

fn sweep(section: &str, says: &[&str]) -> Case {
    let text = format!("{TINY}\n{section}\n");
    Case::new(
        format!("sweep {section:?}"),
        move |folder| fs::write(folder.join("wrong.toml"), &text).unwrap(),
        "sweep --config wrong.toml --out out",
        2,
        &[&["wrong.toml"], says].concat(),
    )
}

fn axis(axis: &str, says: &[&str]) -> Case {
    sweep(&format!("[[sweep.axis]]\n{axis}"), says)
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        sweep("", &["sweep"]),
        sweep(
            "[sweep]\nseeds = [1, 1]",
            &["`sweep.seeds`: holds a value twice"],
        ),
        sweep("[sweep]\nseeds = [-1]", &["-1"]),
        sweep(
            "[sweep]\nmethods = [\"single\"]",
            &["`sweep.methods`", "\"single\""],
        ),
        sweep(
            "[sweep]\nmethods = [\"magic\"]",
            &["unknown variant `magic`"],
        ),
        sweep("[sweep]\naxes = 1", &["unknown field `axes`"]),
        axis(
            "key = \"model.beta\"",
            &["axis `model.beta`", "`values` or `log_range`"],
        ),
        axis("values = [1]", &["needs either `key`"]),
        axis(
            "key = \"beta\"\nvalues = [1]",
            &["axis `beta`", "`section.key`"],
        ),
        axis(
            "key = \"model.betta\"\nvalues = [1]",
            &["unknown field `betta`"],
        ),
        axis(
            "key = \"model.beta\"\nvalues = []",
            &["axis `model.beta`: has no values"],
        ),
        axis(
            "key = \"model.beta\"\nvalues = [1, 1]",
            &["axis `model.beta`: holds 1 twice"],
        ),
        axis(
            "key = \"model.beta\"\nvalues = [\"x\"]",
            &["model.beta", "invalid type: string"],
        ),
        axis(
            "key = \"model.beta\"\nvalues = [-1]",
            &["`model.beta`: -1.0 is out of range"],
        ),
        axis(
            "key = \"model.beta\"\nvalues = [nan]",
            &["`model.beta`: NaN"],
        ),
        axis(
            "key = \"model.beta\"\nvalues = [0, 1]\nlog = true",
            &["`log = true` is for positive"],
        ),
        axis(
            "key = \"experiment.seed\"\nvalues = [1]",
            &["`experiment.seed` cannot be an axis"],
        ),
        axis(
            "key = \"timings.repetitions\"\nvalues = [1]",
            &["cannot be an axis"],
        ),
        axis(
            "key = \"model.beta\"\nlog_range = { from = 0, to = 1, points = 3 }",
            &["`from` and `to` of a `log_range` are positive"],
        ),
        axis(
            "key = \"model.beta\"\nlog_range = { from = 1, to = 2, points = 1 }",
            &["`sweep.axis`: 1 is out of range"],
        ),
        axis(
            "key = \"model.beta\"\nlog_range = { from = 1, to = 2, points = 999999999999 }",
            &["`sweep.axis`: 999999999999 is out of range"],
        ),
        axis(
            "key = \"training.iterations\"\nlog_range = { from = 1, to = 100, points = 3 }",
            &["training.iterations", "floating point"],
        ),
        axis(
            "keys = [\"model.beta\", \"model.iterations\"]\nvalues = [[1, 2], [3]]",
            &["one list per key, all of one length"],
        ),
        axis(
            "keys = [\"model.beta\"]\nvalues = [[1]]",
            &["`keys` with two keys at least"],
        ),
        axis(
            "key = \"model.beta\"\nvalues = [1]\n[[sweep.axis]]\nkey = \"model.beta\"\nvalues = [2]",
            &["`model.beta` is on an axis twice"],
        ),
        Case::new(
            "a sweep given to table1",
            |folder| fs::write(folder.join("wrong.toml"), format!("{TINY}\n[sweep]\n")).unwrap(),
            "table1 --config wrong.toml --out out",
            2,
            &["[sweep]", "experiments sweep"],
        ),
    ]
}
