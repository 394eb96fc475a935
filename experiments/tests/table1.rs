//! `table1` from the command line to its files, on a configuration of a second.

mod common;

use std::fs;

use common::{files, stderr, table1};

/// What a run writes; those of the second list are not the same bytes twice.
const REPRODUCIBLE: [&str; 18] = [
    "config.toml",
    "differences.csv",
    "differences.tex",
    "effective_orders.csv",
    "examples.csv",
    "fig1.png",
    "fig1.svg",
    "free_energy.csv",
    "free_energy.png",
    "free_energy.svg",
    "observations.csv",
    "order_posterior.csv",
    "order_posterior.png",
    "order_posterior.svg",
    "spectrograms.png",
    "table1.csv",
    "table1.md",
    "table1.tex",
];
const VARYING: [&str; 4] = ["manifest.json", "timings.csv", "timings.md", "timings.tex"];

#[test]
fn all_files_are_written_and_do_not_depend_on_the_threads() {
    let folder = tempfile::tempdir().unwrap();
    // Four cells are fewer than two for each of three threads: the separations of the second run are parallel inside,
    // those of the first are not.
    for jobs in ["1", "3"] {
        let output = table1(folder.path(), &["--jobs", jobs, "--out", jobs]);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(String::from_utf8_lossy(&output.stdout).contains("VB fusion"));
    }
    let [one, three] = ["1", "3"].map(|jobs| files(&folder.path().join(jobs)));
    let mut expected = [&REPRODUCIBLE[..], &VARYING].concat();
    expected.sort_unstable();
    assert_eq!(one.keys().collect::<Vec<_>>(), expected);
    for name in REPRODUCIBLE {
        assert!(!one[name].is_empty(), "{name}");
        assert!(one[name] == three[name], "{name} depends on --jobs");
    }
    let [one, three] = ["1", "3"].map(|jobs| files(&folder.path().join(jobs).join("audio")));
    // Two ratios: two examples, of six signals each.
    assert_eq!(one.len(), 2 * 6);
    assert!(one == three, "audio depends on --jobs");
}

#[test]
fn tables_have_a_row_for_every_number() {
    let folder = tempfile::tempdir().unwrap();
    let output = table1(folder.path(), &["--out", "out"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = |name: &str| fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    let rows = |name: &str| text(name).lines().count() - 1;

    // 4 methods x (2 ratios + average) x 3 metrics; 4 cells x (2 single orders + 4 methods) x 5 metrics.
    assert_eq!(rows("table1.csv"), 4 * 3 * 3);
    assert_eq!(rows("observations.csv"), 4 * 6 * 5);
    assert_eq!(rows("order_posterior.csv"), 4 * 2);
    assert_eq!(rows("timings.csv"), 4);
    // 4 comparisons x (2 ratios + average); 2 examples x 6 signals; (2 single orders + fusion) x 5 iterations.
    assert_eq!(rows("differences.csv"), 4 * 3);
    assert_eq!(rows("effective_orders.csv"), 3);
    assert_eq!(rows("examples.csv"), 2 * 6);
    assert_eq!(rows("free_energy.csv"), 3 * 5);
    assert!(
        text("table1.csv").starts_with("method,snr_db,metric,mean_db,ci95_low_db,ci95_high_db,n\n")
    );
    let numbers = [
        "table1.csv",
        "observations.csv",
        "order_posterior.csv",
        "differences.csv",
        "effective_orders.csv",
        "examples.csv",
        "free_energy.csv",
    ]
    .map(text)
    .concat();
    assert!(!numbers.to_lowercase().contains("nan") && !numbers.contains("inf"));

    let weights: f64 = text("order_posterior.csv")
        .lines()
        .skip(1)
        .map(|row| row.rsplit(',').next().unwrap().parse::<f64>().unwrap())
        .sum();
    assert!((weights - 4.0).abs() < 1e-5, "{weights}");
    let manifest: serde_json::Value = serde_json::from_str(&text("manifest.json")).unwrap();
    assert_eq!(manifest["seed"], 7);
    assert!(manifest["rustc"].as_str().unwrap().starts_with("rustc 1."));
}

#[test]
fn a_part_of_the_grid_gives_the_same_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let rows = |out: &str, arguments: &[&str]| {
        let output = table1(folder.path(), &[arguments, &["--out", out]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        let text = fs::read_to_string(folder.path().join(out).join("observations.csv")).unwrap();
        text.lines()
            .filter(|row| row.starts_with("7,6,"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let whole = rows("whole", &[]);
    assert_eq!(whole.len(), 2 * 6 * 5);
    assert_eq!(whole, rows("part", &["--set", "mixtures.snr_db=[6]"]));
}

#[test]
fn same_configuration_runs_again_from_the_cache_and_another_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| table1(folder.path(), &[arguments, &["--out", "out"]].concat());
    assert!(run(&[]).status.success());
    let out = folder.path().join("out");
    let cache = out.join("cache");
    let (first, entries) = (files(&out), files(&cache));
    assert_eq!(entries.len(), 2 * 2 + 1);

    // One entry is damaged: it is learned again, to the same bytes.
    let (name, entry) = entries.first_key_value().unwrap();
    let mut damaged = entry.clone();
    damaged[20] ^= 1;
    fs::write(cache.join(name), damaged).unwrap();
    assert!(run(&[]).status.success());
    assert_eq!(files(&cache), entries);
    let again = files(&out);
    for name in REPRODUCIBLE {
        assert!(first[name] == again[name], "{name} is not reproducible");
    }

    let refused = run(&["--seed", "8"]);
    assert_eq!(refused.status.code(), Some(2));
    let message = stderr(&refused);
    assert!(
        message.contains("experiment.seed: 7 there, 8 here"),
        "{message}"
    );
    assert!(message.contains("--force"), "{message}");
    assert_eq!(files(&out), again);
    assert!(run(&["--seed", "8", "--force"]).status.success());
    assert!(files(&out)["observations.csv"] != again["observations.csv"]);
}

#[test]
fn failed_scores_are_recorded_and_the_exit_code_says_so() {
    // So few samples that BSS Eval's filters could match anything.
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--out", "out", "--set", "evaluation.filter_taps=8000"];
    let output = table1(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let text = |name: &str| fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    assert!(text("observations.csv").contains("too few to score"));
    let mean = |method: &str, metric: &str| {
        let table = text("table1.csv");
        let row = table
            .lines()
            .find(|row| row.starts_with(&format!("{method},average,{metric},")));
        row.unwrap().to_owned()
    };
    assert_eq!(mean("vb_fusion", "sdr"), "vb_fusion,average,sdr,,,,0");
    assert!(mean("vb_fusion", "plain_sdr").ends_with(",4"));
    // Without an SDR there is nothing to choose by.
    assert!(mean("oracle_selection", "plain_sdr").ends_with(",,,,0"));
    assert!(!text("table1.md").contains("NaN"));
}

/// What is listened to is what was scored: the free energies of the examples' separations end where the table's do, and
/// the estimates in the files have the SDR of the table.
#[test]
fn examples_are_the_observations_of_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let output = table1(folder.path(), &["--out", "out"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let out = folder.path().join("out");
    let rows = |name: &str| -> Vec<Vec<String>> {
        csv::Reader::from_path(out.join(name))
            .unwrap()
            .records()
            .map(|record| record.unwrap().iter().map(str::to_owned).collect())
            .collect()
    };
    let observations = rows("observations.csv");
    let traces = rows("free_energy.csv");
    for last in traces.iter().filter(|row| row[4] == "5") {
        let of_table = observations
            .iter()
            .find(|row| row[1..5] == last[..4] && row[5] == "sdr")
            .unwrap();
        let difference = of_table[7].parse::<f64>().unwrap() - last[5].parse::<f64>().unwrap();
        // Six decimals of numbers around 1e4.
        assert!(difference.abs() < 2e-6, "{last:?} {of_table:?}");
    }

    let plain = |estimate: &str, truth: &str| {
        let [estimate, truth] =
            [estimate, truth].map(|name| dsp::audio::read_mono(out.join(name)).unwrap().samples);
        eval::plain_sdr(&truth, &estimate).unwrap()
    };
    let examples = rows("examples.csv");
    let truth = |row: &[String]| {
        let of_cell = |other: &&Vec<String>| other[..2] == row[..2] && other[2] == "speaker";
        examples.iter().find(of_cell).unwrap()[6].clone()
    };
    let mut compared = 0;
    for row in examples.iter().filter(|row| !row[4].is_empty()) {
        let of_table = observations
            .iter()
            .find(|other| other[1..4] == row[..3] && other[5] == "plain_sdr")
            .unwrap();
        let expected: f64 = of_table[6].parse().unwrap();
        let found = plain(&row[6], &truth(row));
        // Rounding to 16 bits is some 80 dB below these signals.
        assert!(
            (found - expected).abs() < 0.01,
            "{row:?}: {found} {expected}"
        );
        compared += 1;
    }
    assert_eq!(compared, 2 * 4);
}

#[test]
fn without_examples_their_files_are_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let output = table1(
        folder.path(),
        &["--out", "out", "--set", "report.examples=0"],
    );
    assert!(output.status.success(), "{}", stderr(&output));
    let files = files(&folder.path().join("out"));
    for absent in ["free_energy.csv", "free_energy.svg", "spectrograms.png"] {
        assert!(!files.contains_key(absent), "{absent}");
    }
    assert!(files["config.toml"].ends_with(b"[report]\nexamples = 0\n"));
}
