//! `sweep` from the command line to its files, on configurations of a second.

mod common;

use std::fs;
use std::path::Path;

use common::{TINY, experiments, files, stderr, table1, write_background, write_speech};

/// Three values of beta from three seeds.
const BETA: &str = r#"
[sweep]
seeds = [7, 8, 9]
[[sweep.axis]]
key = "model.beta"
log_range = { from = 1.0, to = 100.0, points = 3 }
"#;

/// Runs `sweep` on the tiny configuration with a section `[sweep]`.
fn sweep(folder: &Path, section: &str, arguments: &[&str]) -> std::process::Output {
    fs::write(folder.join("sweep.toml"), format!("{TINY}{section}")).unwrap();
    let fixed = ["sweep", "--config", "sweep.toml"];
    experiments(folder, &[&fixed[..], arguments].concat())
}

fn rows(folder: &Path, name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let split = |row: &str| row.split(',').map(str::to_owned).collect();
    text.lines().map(split).collect()
}

#[test]
fn all_files_are_written_resumed_and_independent_of_the_threads() {
    let folder = tempfile::tempdir().unwrap();
    for (jobs, out) in [("1", "a"), ("3", "b")] {
        let output = sweep(folder.path(), BETA, &["--jobs", jobs, "--out", out]);
        assert!(output.status.success(), "{}", stderr(&output));
    }
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    let (first, second) = (files(&a), files(&b));
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    let expected = [
        "config.toml",
        "differences.csv",
        "manifest.json",
        "summary.csv",
        "sweep.csv",
        "sweep.md",
        "sweep.png",
        "sweep.svg",
    ];
    assert_eq!(names, expected);
    for name in expected.iter().filter(|name| **name != "manifest.json") {
        assert!(first[*name] == second[*name], "{name} depends on --jobs");
    }

    let same = experiments(folder.path(), &["verify", "b", "--against", "a"]);
    assert!(same.status.success(), "{}", stderr(&same));
    let report = experiments(folder.path(), &["report", "a", "--out", "a.html"]);
    assert!(report.status.success(), "{}", stderr(&report));
    let page = fs::read_to_string(folder.path().join("a.html")).unwrap();
    assert!(page.contains("Sweep: a") && page.contains("vb_fusion"));

    // 3 points x 3 seeds x 4 cells x 4 methods x 3 metrics, and the header.
    let observations = rows(&a, "sweep.csv");
    assert_eq!(observations.len(), 1 + 3 * 3 * 4 * 4 * 3);
    assert_eq!(observations[0][0], "model.beta");
    let summary = rows(&a, "summary.csv");
    assert_eq!(summary.len(), 1 + 3 * 4 * 3 * 3);
    assert_eq!(rows(&a, "differences.csv").len(), 1 + 3 * 4 * 3);
    // Beta changes the fusion and nothing else.
    let of = |beta: &str, method: &str| {
        let rows = observations
            .iter()
            .filter(|row| row[0] == beta && row[4] == method);
        rows.map(|row| row[1..].to_vec()).collect::<Vec<_>>()
    };
    for method in ["vb_selection", "oracle_selection", "fusion_by_mean"] {
        assert_eq!(of("1", method), of("100", method));
    }
    assert_ne!(of("1", "vb_fusion"), of("100", "vb_fusion"));

    // The singles of a seed's four cells are there once, with three fusions each.
    let records = fs::read(a.join("cells/records.jsonl")).unwrap();
    assert_eq!(
        records.iter().filter(|&&byte| byte == b'\n').count(),
        3 * 4 * (1 + 3)
    );

    // Half of the records are gone: they are done again, to the same bytes.
    fs::write(b.join("cells/records.jsonl"), &records[..records.len() / 2]).unwrap();
    let output = sweep(folder.path(), BETA, &["--resume", "--out", "b"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let said = stderr(&output);
    assert!(said.contains("of 48 parts are there already"), "{said}");
    assert!(said.contains("cut off at the end"), "{said}");
    let resumed = files(&b);
    for name in expected.iter().filter(|name| **name != "manifest.json") {
        assert!(
            first[*name] == resumed[*name],
            "{name} differs once resumed"
        );
    }
}

#[test]
fn a_point_of_a_sweep_is_what_table1_gives() {
    let folder = tempfile::tempdir().unwrap();
    let output = sweep(folder.path(), BETA, &["--out", "sweep"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let arguments = ["--set", "model.beta=10", "--seed", "8", "--out", "table1"];
    assert!(table1(folder.path(), &arguments).status.success());
    let swept: Vec<Vec<String>> = rows(&folder.path().join("sweep"), "sweep.csv")
        .into_iter()
        .filter(|row| row[0] == "10" && row[1] == "8")
        .collect();
    let alone = rows(&folder.path().join("table1"), "observations.csv");
    assert_eq!(swept.len(), 4 * 4 * 3);
    for row in swept {
        let [_, seed, snr_db, order, method, metric, value, ..] = &row[..] else {
            panic!("{row:?}");
        };
        let same = |other: &&Vec<String>| {
            [&other[0], &other[1], &other[2], &other[3], &other[5]]
                == [seed, snr_db, order, method, metric]
        };
        assert_eq!(&alone.iter().find(same).unwrap()[6], value, "{row:?}");
    }
}

#[test]
fn zipped_axes_grids_and_chosen_methods() {
    let folder = tempfile::tempdir().unwrap();
    let section = r#"
[sweep]
methods = ["vb_fusion"]
[[sweep.axis]]
keys = ["model.iterations", "training.iterations"]
values = [[2, 3], [3, 4]]
[[sweep.axis]]
key = "training.estimation"
values = ["same_dictionaries", "same_utterances", "another_speaker"]
[[sweep.axis]]
key = "training.normalisation"
values = ["unit_sum", "unit_peak"]
"#;
    let output = sweep(folder.path(), section, &["--out", "out"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let out = folder.path().join("out");
    let observations = rows(&out, "sweep.csv");
    assert_eq!(observations.len(), 1 + 2 * 3 * 2 * 4 * 3);
    let header = observations[0].join(",");
    let keys =
        "model.iterations,training.iterations,training.estimation,training.normalisation,seed,";
    assert!(header.starts_with(keys), "{header}");
    let pairs = |row: &&Vec<String>| (row[0] == "2") == (row[1] == "3");
    assert!(observations[1..].iter().all(|row| pairs(&row)));
    // One figure for each combination of the other axes.
    assert!(out.join("sweep_6.svg").exists() && !out.join("sweep.svg").exists());
    // Every choice changes what comes out.
    let mut values: Vec<String> = observations[1..].iter().map(|row| row[9].clone()).collect();
    let all = values.len();
    values.sort();
    values.dedup();
    assert_eq!(values.len(), all);
    let records = fs::read_to_string(out.join("cells/records.jsonl")).unwrap();
    assert!(
        !records.contains("\"singles\""),
        "nobody asked for single orders"
    );
    assert_eq!(rows(&out, "differences.csv").len(), 1);
}

#[test]
fn seeds_alone_are_a_sweep_over_the_ratios() {
    let folder = tempfile::tempdir().unwrap();
    let output = sweep(
        folder.path(),
        "[sweep]\nseeds = [1, 2, 3]\n",
        &["--out", "out"],
    );
    assert!(output.status.success(), "{}", stderr(&output));
    let svg = fs::read_to_string(folder.path().join("out/sweep.svg")).unwrap();
    assert!(svg.contains("SNR (dB)"));
    let summary = rows(&folder.path().join("out"), "summary.csv");
    assert!(
        summary[1..]
            .iter()
            .all(|row| !row[4].is_empty() && row[6] == "3")
    );
}

#[test]
fn wrong_sweeps() {
    let axis = |text: &str| format!("[sweep]\n[[sweep.axis]]\n{text}\n");
    let cases: [(String, &str); 14] = [
        (String::new(), "no section [sweep]"),
        ("[sweep]\nsedes = [1]\n".to_owned(), "unknown field `sedes`"),
        (
            "[sweep]\nseeds = [1, 1]\n".to_owned(),
            "`sweep.seeds`: holds a value twice",
        ),
        (
            "[sweep]\nmethods = [\"best\"]\n".to_owned(),
            "unknown variant `best`",
        ),
        (axis("values = [1]"), "needs either `key`"),
        (
            axis("key = \"model.beta\""),
            "axis `model.beta`: needs either `values` or `log_range`",
        ),
        (axis("key = \"model.beta\"\nvalues = []"), "has no values"),
        (
            axis("key = \"model.beta\"\nvalues = [1.0, 1.0]"),
            "holds 1.0 twice",
        ),
        (
            axis("key = \"model.beta\"\nvalues = [1.0, -2.0]"),
            "sweep.axis, model.beta = -2: `model.beta`: -2.0 is out of range",
        ),
        (
            axis("key = \"model.betta\"\nvalues = [1.0]"),
            "sweep.axis, model.betta = 1: unknown field `betta`",
        ),
        (
            axis("key = \"model.iterations\"\nvalues = [\"x\"]"),
            "sweep.axis, model.iterations = x: invalid type",
        ),
        (
            axis("key = \"experiment.seed\"\nvalues = [1, 2]"),
            "`experiment.seed` cannot be an axis",
        ),
        (
            axis("keys = [\"model.beta\", \"model.iterations\"]\nvalues = [[1.0, 2.0], [1]]"),
            "one list per key, all of one length",
        ),
        (
            axis("key = \"model.beta\"\nlog_range = { from = 0.0, to = 1.0, points = 3 }"),
            "positive numbers",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (section, message) in cases {
        let output = sweep(folder.path(), &section, &["--out", "out"]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{section}: {said}");
        assert!(
            said.contains(message),
            "{section}: {message:?} is not in {said}"
        );
        assert!(said.contains("sweep.toml"), "{section}: {said}");
        assert!(!folder.path().join("out").exists(), "{section}");
    }
    // The other command is named.
    fs::write(folder.path().join("sweep.toml"), format!("{TINY}{BETA}")).unwrap();
    let output = experiments(folder.path(), &["table1", "--config", "sweep.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("run it with `experiments sweep`"));
}

#[test]
fn a_corpus_of_one_speaker_has_no_other() {
    let folder = tempfile::tempdir().unwrap();
    write_speech(&folder.path().join("speech"), 4);
    write_background(&folder.path().join("background"), 1.5);
    let arguments = [
        "--set",
        "corpus.kind=folder",
        "--set",
        "corpus.speech=speech",
        "--set",
        "corpus.background=background",
        "--set",
        "training.estimation=another_speaker",
        "--out",
        "out",
    ];
    let output = table1(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("needs a second speaker"), "{said}");
    assert!(!folder.path().join("out").exists());
}

#[test]
fn shipped_sweeps_are_valid() {
    let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs");
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "beta_sweep",
        "init_sweep",
        "iterations",
        "normalisation",
        "mismatch",
    ] {
        let path = configs.join(format!("{name}.toml"));
        let file = path.to_str().unwrap();
        // Valid, and then stopped at the first thing it cannot have.
        let arguments = ["--set", "training.utterances_per_side=501", "--out", "out"];
        let output = experiments(
            folder.path(),
            &[&["sweep", "--config", file][..], &arguments].concat(),
        );
        assert_eq!(output.status.code(), Some(1), "{name}: {}", stderr(&output));
        assert!(stderr(&output).contains("has 1000"), "{name}");
    }
}
