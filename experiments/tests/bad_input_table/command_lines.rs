//! Options that are unknown, out of range or do not go together, and outputs that cannot be
//! written.

use std::fs;

use super::{Case, parts};

pub(super) fn cases() -> Vec<Case> {
    let table: [(&str, i32, &str); 41] = [
        ("", 2, "Usage"),
        ("table2", 2, "table2"),
        ("table1 --bogus", 2, "--bogus"),
        ("table1 somewhere", 2, "'somewhere'"),
        ("table1 --shard 0/2", 2, "'0/2' … --shard … i from 1 to n"),
        ("table1 --shard 3/2", 2, "'3/2' … --shard … i from 1 to n"),
        ("table1 --shard 1", 2, "'1' … --shard … 2/8"),
        ("table1 --shard x", 2, "'x' … --shard … 2/8"),
        ("table1 --shard 1/2/3", 2, "'1/2/3' … --shard"),
        ("table1 --shard 1/99999999999999999999", 2, "--shard"),
        ("table1 --jobs 0", 2, "--jobs"),
        ("table1 --jobs -1", 2, "'-1'"),
        (
            "table1 --jobs many",
            2,
            "'many' … --jobs … expected a whole number, 1 or more",
        ),
        ("table1 --seed -1", 2, "-1"),
        (
            "table1 --seed 1.5",
            2,
            "'1.5' … --seed … expected a whole number",
        ),
        (
            "table1 --seed 18446744073709551615",
            2,
            "--seed … expected a whole number from 0 to 9223372036854775807",
        ),
        ("table1 --seed 99999999999999999999", 2, "--seed"),
        ("table1 --config", 2, "--config"),
        (
            "table1 --config tiny.toml --config tiny.toml",
            2,
            "--config",
        ),
        (
            "table1 --config missing.toml",
            2,
            "cannot read configuration missing.toml: there is no such file … table1, quick",
        ),
        (
            "table1 --config quik",
            2,
            "cannot read configuration quik: … did you mean `quick`?",
        ),
        (
            "table1 --config init_sweep",
            2,
            "init_sweep has a section [sweep]: run it with `vbnmf sweep`",
        ),
        ("tabel1", 2, "'tabel1' … 'table1'"),
        (
            "config --set model.betta=1",
            2,
            "--set model.betta=1: unknown key `betta` in [model]: did you mean `beta`?",
        ),
        ("completions tcsh", 2, "'tcsh' … bash"),
        (
            "train speech --out x.npz --held-out ten",
            2,
            "'ten' … expected a number",
        ),
        (
            "table1 --config speech",
            2,
            "cannot read configuration speech",
        ),
        (
            "sweep",
            2,
            "vbnmf sweep` is for a section [sweep]: choose one with --config … beta_sweep",
        ),
        ("realmix --config tiny.toml", 2, "tiny.toml … vbnmf table1"),
        (
            "table1 --config recordings.toml",
            2,
            "recordings.toml … run it with `vbnmf realmix`",
        ),
        (
            "sweep --config recordings.toml",
            2,
            "recordings.toml … run it with `vbnmf realmix`",
        ),
        ("merge --out out", 2, "<DIR>"),
        ("merge one two", 2, "--out"),
        ("merge one two --out out --resume", 2, "--resume"),
        (
            "table1 --config tiny.toml --out tiny.toml",
            2,
            "tiny.toml is not a folder (--out)",
        ),
        (
            "realmix --config recordings.toml --out tiny.toml",
            2,
            "tiny.toml is not a folder (--out)",
        ),
        (
            "table1 --config tiny.toml --out tiny.toml/below",
            1,
            "cannot create tiny.toml/below",
        ),
        (
            "table1 --config tiny.toml --out out --cache tiny.toml",
            1,
            "tiny.toml",
        ),
        (
            "merge one two --out tiny.toml",
            2,
            "tiny.toml is not a folder (--out)",
        ),
        ("merge one two --out tiny.toml/below", 1, "tiny.toml/below"),
        ("merge one two --out done/table1.csv", 2, "(--out)"),
    ];
    let mut cases: Vec<Case> = table
        .into_iter()
        .map(|(command, code, says)| Case::new(command, |_| (), command, code, &parts(says)))
        .collect();
    cases.push(Case::new(
        "a configuration that is no text",
        |folder| fs::write(folder.join("wrong.toml"), [0xff, 0xfe, 0x00]).unwrap(),
        "table1 --config wrong.toml --out out",
        2,
        &["wrong.toml", "UTF-8"],
    ));
    cases
}
