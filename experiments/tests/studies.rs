//! `table1`, `sweep` and `realmix` from the command line to their files, on configurations of a
//! second.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::sealed::read_records;
use common::study::{METHODS, RECORDED_PARTS, Study, TINY_RECORDINGS, records, results, varies};
use common::{TINY, experiments, files, stderr, write_background, write_speech};
use dsp::audio::read_mono;
use dsp::wav::{Encoding, write};

/// Written of every study.
const TABLES: [&str; 6] = [
    "config.toml",
    "differences.csv",
    "effective_orders.csv",
    "manifest.json",
    "observations.csv",
    "order_posterior.csv",
];
/// Written of those whose single trials are shown.
const SHOWN: [&str; 16] = [
    "differences.tex",
    "examples.csv",
    "free_energy.csv",
    "free_energy.pdf",
    "free_energy.png",
    "free_energy.svg",
    "order_posterior.pdf",
    "order_posterior.png",
    "order_posterior.svg",
    "order_posterior_structured.pdf",
    "order_posterior_structured.png",
    "order_posterior_structured.svg",
    "spectrograms.png",
    "timings.csv",
    "timings.md",
    "timings.tex",
];

/// Comparisons between methods.
const COMPARISONS: usize = 12;

/// Runs a study with one thread and with three, checks that it is the same, and returns the names
/// of its files.
fn names_whatever_the_threads(study: &Study) -> BTreeSet<String> {
    for jobs in ["1", "3"] {
        let output = study.run(&["--jobs", jobs, "--out", jobs]);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(String::from_utf8_lossy(&output.stdout).contains("fusion"));
    }
    study.assert_same("1", "3");
    let written = results(&study.path("1"));
    assert!(written.values().all(|contents| !contents.is_empty()));
    for (name, contents) in &written {
        let text = String::from_utf8_lossy(contents).to_lowercase();
        let is_table = [".csv", ".md", ".tex"]
            .iter()
            .any(|end| name.ends_with(end));
        assert!(!is_table || varies(name) || !text.contains("nan"), "{name}");
    }
    written.into_keys().collect()
}

/// The values of a method's metric, row by row.
fn values(study: &Study, run: &str, method: &str, metric: &str) -> Vec<f64> {
    let rows = study.rows(run, "observations.csv");
    let place = rows[0].iter().position(|name| name == "method").unwrap();
    let wanted = rows
        .iter()
        .filter(|row| row[place] == method && row[place + 2] == metric);
    wanted.map(|row| row[place + 3].parse().unwrap()).collect()
}

fn number_of_rows(study: &Study, run: &str, file: &str) -> usize {
    study.rows(run, file).len() - 1
}

#[test]
fn table1_writes_a_row_for_every_number_whatever_the_threads() {
    let study = Study::table1();
    // Four trials are fewer than two for each of three threads: the separations of the second run
    // are parallel inside, those of the first are not.
    let mut names = names_whatever_the_threads(&study);
    let of_audio: Vec<String> = names
        .iter()
        .filter(|it| it.contains('/'))
        .cloned()
        .collect();
    names.retain(|name| !name.contains('/'));
    let own = [
        "fig1.pdf",
        "fig1.png",
        "fig1.svg",
        "table1.csv",
        "table1.md",
        "table1.tex",
        "table1_column.tex",
        "table1_intervals.tex",
    ];
    let expected = [&TABLES[..], &SHOWN, &own].concat();
    let expected: BTreeSet<String> = expected.into_iter().map(str::to_owned).collect();
    assert_eq!(names, expected);
    // Two ratios: two examples, of mixture, speech, background and an estimate of each method.
    let folders = [
        "estimate/evidence_weighted_mean/speech",
        "estimate/fusion_by_mean/speech",
        "estimate/learned_weights/speech",
        "estimate/oracle_selection/speech",
        "estimate/structured_fusion/speech",
        "estimate/vb_fusion/speech",
        "estimate/vb_selection/speech",
        "mixture",
        "reference/background",
        "reference/speech",
    ];
    let expected = folders.iter().flat_map(|folder| {
        ["-3", "6"].map(|snr_db| format!("audio/{folder}/order3_snr{snr_db}dB_seed7.wav"))
    });
    assert_eq!(of_audio, expected.collect::<Vec<_>>());

    let rows = |name| number_of_rows(&study, "1", name);
    // The methods x (2 ratios + average) x 3 metrics; 4 trials x (2 single orders + the methods) x
    // 5 metrics; 4 trials x 4 methods that weigh x 2 orders.
    assert_eq!(rows("table1.csv"), METHODS * 3 * 3);
    assert_eq!(rows("observations.csv"), 4 * (2 + METHODS) * 5);
    assert_eq!(rows("order_posterior.csv"), 4 * 4 * 2);
    assert_eq!(rows("timings.csv"), METHODS);
    // 11 comparisons x (2 ratios + average) x 3 metrics; 4 methods that weigh x (2 ratios +
    // average); 2 examples x (mixture, truth and methods); (2 single orders + 2 fusions) x 5
    // iterations.
    assert_eq!(rows("differences.csv"), COMPARISONS * 3 * 3);
    assert_eq!(rows("effective_orders.csv"), 4 * 3);
    assert_eq!(rows("examples.csv"), 2 * (3 + METHODS));
    assert_eq!(rows("free_energy.csv"), 4 * 5);
    let columns = "method snr_db metric mean_db ci95_low_db ci95_high_db units trials";
    assert_eq!(study.rows("1", "table1.csv")[0].join(" "), columns);

    let weights = study.rows("1", "order_posterior.csv");
    let weights = weights[1..]
        .iter()
        .map(|row| row[5].parse::<f64>().unwrap());
    assert!((weights.sum::<f64>() - 4.0 * 4.0).abs() < 1e-5);
    let manifest = fs::read(study.path("1/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["seeds"], serde_json::json!([7]));
    assert!(manifest["rustc"].as_str().unwrap().starts_with("rustc 1."));
}

#[test]
fn a_part_of_the_trials_gives_the_same_numbers() {
    let study = Study::table1();
    let rows = |out: &str, arguments: &[&str]| -> Vec<Vec<String>> {
        study.succeed(&[arguments, &["--out", out]].concat());
        let rows = study.rows(out, "observations.csv").into_iter();
        // Weights are learned at all ratios of a run: those of a part are others.
        rows.filter(|row| row[1] == "6" && row[3] != "learned_weights")
            .collect()
    };
    let whole = rows("whole", &[]);
    assert_eq!(whole.len(), 2 * (2 + METHODS - 1) * 5);
    assert_eq!(whole, rows("part", &["--set", "mixtures.snr_db=[6]"]));
}

#[test]
fn damaged_dictionaries_are_learned_again_and_another_configuration_is_refused() {
    let study = Study::table1();
    study.succeed(&["--out", "whole"]);
    study.succeed(&["--out", "out"]);
    let cache = study.path("out/cache");
    let entries = files(&cache);
    assert_eq!(entries.len(), 2 * 2 + 1);
    let (name, entry) = entries.first_key_value().unwrap();
    let mut damaged = entry.clone();
    damaged[200] ^= 1;
    fs::write(cache.join(name), damaged).unwrap();
    study.succeed(&["--out", "out"]);
    assert_eq!(files(&cache), entries);

    let said = study.fail(2, &["--out", "out", "--seed", "8"]);
    assert!(
        said.contains("experiment.seed: 7 there, 8 here") && said.contains("--force"),
        "{said}"
    );
    study.assert_same("whole", "out");
    let said = study.succeed(&["--out", "out", "--seed", "8", "--force", "--quiet"]);
    let named = said.matches("experiment.seed: 7 there, 8 here").count();
    assert_eq!(named, 1, "{said}");
    let said = study.succeed(&["--out", "out", "--seed", "8", "--force", "--quiet"]);
    assert!(!said.contains("another configuration"), "{said}");
    let observations = |run: &str| fs::read(study.path(run).join("observations.csv")).unwrap();
    assert_ne!(observations("whole"), observations("out"));
}

#[test]
fn failed_scores_are_recorded_and_the_exit_code_says_so() {
    // So few samples that BSS Eval's filters could match anything.
    let study = Study::table1();
    study.fail(3, &["--out", "out", "--set", "evaluation.filter_taps=8000"]);
    let text = |name: &str| fs::read_to_string(study.path("out").join(name)).unwrap();
    assert!(text("observations.csv").contains("too few to score"));
    let mean = |method: &str, metric: &str| {
        let rows = study.rows("out", "table1.csv");
        let wanted = [method, "", metric];
        let row = rows.iter().find(|row| row[..3] == wanted).unwrap();
        row[3..].join(",")
    };
    assert_eq!(mean("vb_fusion", "sdr"), ",,,0,0");
    // Two true orders, two ratios.
    assert!(mean("vb_fusion", "plain_sdr").ends_with(",2,4"));
    // Without an SDR there is nothing to choose by.
    assert_eq!(mean("oracle_selection", "plain_sdr"), ",,,0,0");
    assert!(!text("table1.md").contains("NaN"));
}

/// What is listened to is what was scored: the free energies of the examples' separations end where
/// the table's do, and the estimates in the files have the SDR of the table.
#[test]
fn examples_are_the_trials_of_the_table() {
    for study in [Study::table1(), Study::realmix()] {
        study.succeed(&["--out", "out"]);
        let observations = study.rows("out", "observations.csv");
        // Seed, ratio and order, or seed, speaker, mixture and ratio.
        let labels = observations[0].len() - 6;
        let score = |row: &[String], metric: &str| {
            let of_row = |other: &&Vec<String>| {
                other[..labels + 2] == row[..labels + 2] && other[labels + 2] == metric
            };
            observations.iter().find(of_row).unwrap().clone()
        };
        let traces = study.rows("out", "free_energy.csv");
        let iterations = traces[1..]
            .iter()
            .map(|row| row[labels + 2].parse::<usize>());
        let last = iterations.map(Result::unwrap).max().unwrap().to_string();
        let ends: Vec<_> = traces
            .iter()
            .filter(|row| row[labels + 2] == last)
            .collect();
        // Two single orders and two fusions.
        assert_eq!(ends.len(), 4);
        for end in ends {
            let [expected, found] = [&score(end, "sdr")[labels + 4], &end[labels + 3]];
            let difference = expected.parse::<f64>().unwrap() - found.parse::<f64>().unwrap();
            // Six decimals of numbers around 1e5.
            assert!(difference.abs() < 2e-6, "{end:?}: {expected}");
        }

        let examples = study.rows("out", "examples.csv");
        let signal = |name: &String| read_mono(study.path("out").join(name)).unwrap().samples;
        let mut compared = 0;
        for row in examples[1..]
            .iter()
            .filter(|row| !row[labels + 2].is_empty())
        {
            let is_truth = |other: &&Vec<String>| {
                other[..labels] == row[..labels] && other[labels] == "speech"
            };
            let truth = examples.iter().find(is_truth).unwrap();
            let [truth, estimate] = [truth, row].map(|row| signal(&row[labels + 4]));
            let found = eval::plain_sdr(&truth, &estimate).unwrap();
            let expected: f64 = score(row, "plain_sdr")[labels + 3].parse().unwrap();
            // Rounding to 16 bits is some 80 dB below these signals.
            assert!(
                (found - expected).abs() < 0.01,
                "{row:?}: {found} {expected}"
            );
            compared += 1;
        }
        assert_eq!(compared, METHODS * (examples.len() - 1) / (3 + METHODS));
    }
}

#[test]
fn without_examples_their_files_are_not_written() {
    let study = Study::table1();
    study.succeed(&["--out", "out", "--set", "report.examples=0"]);
    let names: Vec<String> = results(&study.path("out")).into_keys().collect();
    let is_of_example = |name: &String| {
        ["audio", "free_energy", "spectrograms"]
            .iter()
            .any(|start| name.starts_with(start))
    };
    assert!(!names.iter().any(is_of_example), "{names:?}");
    assert_eq!(number_of_rows(&study, "out", "examples.csv"), 0);
    let config = fs::read_to_string(study.path("out/config.toml")).unwrap();
    assert!(config.contains("[report]\nexamples = 0\n"), "{config}");
}

#[test]
fn a_sweep_separates_the_single_orders_once_for_all_values_of_beta() {
    let study = Study::sweep();
    let names = names_whatever_the_threads(&study);
    let own = [
        "summary.csv",
        "sweep.md",
        "sweep.pdf",
        "sweep.png",
        "sweep.svg",
    ];
    let expected = TABLES.iter().chain(&own);
    assert_eq!(names, expected.map(|name| (*name).to_owned()).collect());
    let svg = fs::read_to_string(study.path("1/sweep.svg")).unwrap();
    assert!(svg.contains("β (nats)"));
    let same = study.experiments(&["verify", "3", "--against", "1"]);
    assert!(same.status.success(), "{}", stderr(&same));

    // 3 points x 3 seeds x 4 trials x the methods x 5 metrics.
    let observations = study.rows("1", "observations.csv");
    assert_eq!(observations.len() - 1, 3 * 3 * 4 * METHODS * 5);
    assert_eq!(observations[0][0], "model.beta");
    // 3 points x 3 metrics x the methods, or the comparisons, x (2 ratios + average).
    for (name, rows) in [("summary.csv", METHODS), ("differences.csv", COMPARISONS)] {
        assert_eq!(number_of_rows(&study, "1", name), 3 * 3 * rows * 3);
    }
    // Beta changes what it tempers and nothing else.
    let of = |beta: &str, method: &str| -> Vec<Vec<String>> {
        let rows = observations.iter();
        let rows = rows.filter(|row| row[0] == beta && row[4] == method);
        rows.map(|row| row[1..].to_vec()).collect()
    };
    for method in [
        "vb_selection",
        "oracle_selection",
        "fusion_by_mean",
        "learned_weights",
    ] {
        assert_eq!(of("1", method), of("100", method));
    }
    for method in ["vb_fusion", "structured_fusion", "evidence_weighted_mean"] {
        assert_ne!(of("1", method), of("100", method));
    }

    // The single orders of a seed's four trials are there once, with three fusions each.
    let all = read_records(&study.path("1"));
    let is_fusion = |estimate: &serde_json::Value| estimate["candidate"]["method"] == "vb_fusion";
    let fusions = all.iter().filter(|it| is_fusion(&it["outcome"]["Ok"][0]));
    assert_eq!([all.len(), fusions.count()], [study.parts, 3 * 4 * 3]);

    // Half of the records are gone: they are done again, to the same bytes.
    let path = records(&study.path("3"));
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let said = study.succeed(&["--out", "3"]);
    let there = format!("of {} parts are there already", study.parts);
    for part in [&there[..], "cut off at the end"] {
        assert!(said.contains(part), "{said}");
    }
    study.assert_same("1", "3");
}

/// The scores of a run at one point of its axes, without what the point is.
fn scores_at(study: &Study, run: &str, point: &[&str]) -> Vec<Vec<String>> {
    let rows = study.rows(run, "observations.csv");
    let place = rows[0].iter().position(|name| name == "method").unwrap() - point.len();
    let wanted = rows[1..].iter().filter(|row| row[..point.len()] == *point);
    let without_point = wanted.map(|row| row[point.len()..].to_vec());
    without_point.filter(|row| row[place] != "single").collect()
}

#[test]
fn a_point_of_a_sweep_is_what_the_study_without_it_gives() {
    let sweep = Study::sweep();
    sweep.succeed(&["--out", "sweep", "--seed", "8"]);
    let table1 = Study::table1();
    table1.succeed(&["--out", "table1", "--set", "model.beta=10", "--seed", "8"]);
    let swept = scores_at(&sweep, "sweep", &["10"]);
    assert_eq!(swept.len(), 4 * METHODS * 5);
    assert_eq!(swept, scores_at(&table1, "table1", &[]));

    let sweep = Study::recordings_sweep();
    sweep.succeed(&["--out", "sweep"]);
    let realmix = Study::realmix();
    let settings = "units.seeds=1 recordings.mixtures=1 model.iterations=20";
    let settings = settings.split(' ').flat_map(|setting| ["--set", setting]);
    let arguments: Vec<&str> = ["--out", "realmix"].into_iter().chain(settings).collect();
    realmix.succeed(&arguments);
    let swept = scores_at(&sweep, "sweep", &["20"]);
    // 2 speakers x 2 ratios, each the mixture and the methods by 5 metrics.
    assert_eq!(swept.len(), 2 * 2 * (1 + METHODS) * 5);
    assert_eq!(swept, scores_at(&realmix, "realmix", &[]));
}

#[test]
fn a_sweep_over_recordings_has_intervals_over_speakers() {
    let study = Study::recordings_sweep();
    let names = names_whatever_the_threads(&study);
    for name in ["summary.csv", "sweep.md", "sweep.svg", "observations.csv"] {
        assert!(names.contains(name), "{names:?}");
    }
    let observations = study.rows("1", "observations.csv");
    let labels = ["model.iterations", "seed", "speaker", "mixture", "snr_db"];
    assert_eq!(observations[0][..5], labels);
    // Every method against the mixture, besides the comparisons of methods.
    let differences = study.rows("1", "differences.csv");
    assert_eq!(differences.len() - 1, 2 * 3 * (COMPARISONS + METHODS) * 3);
    let row = differences
        .iter()
        .find(|row| row[..5] == ["10", "vb_fusion", "mixture", "", "sdr"])
        .unwrap();
    // Two speakers with one seed, and as many mixtures at two ratios.
    assert_eq!(row[10..], ["2", "4"]);
    // More iterations change every estimate and no mixture.
    let of = |iterations: &str, method: &str| -> Vec<Vec<String>> {
        let rows = observations.iter();
        let rows = rows.filter(|row| row[0] == iterations && row[5] == method);
        rows.map(|row| row[1..].to_vec()).collect()
    };
    assert_eq!(of("10", "mixture"), of("20", "mixture"));
    assert_ne!(of("10", "vb_fusion"), of("20", "vb_fusion"));
    let markdown = fs::read_to_string(study.path("1/sweep.md")).unwrap();
    assert!(markdown.contains("intervals over speakers."), "{markdown}");
}

#[test]
fn zipped_axes_grids_and_chosen_methods() {
    let section = r#"
[sweep]
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
    let points = 2 * 3 * 2;
    let chosen = TINY.replace("[evaluation]", "[evaluation]\nmethods = [\"vb_fusion\"]");
    let study = Study::new("sweep", &format!("{chosen}{section}"), points * 4);
    study.succeed(&["--out", "out"]);
    let observations = study.rows("out", "observations.csv");
    assert_eq!(observations.len() - 1, points * 4 * 5);
    let keys = [
        "model.iterations",
        "training.iterations",
        "training.estimation",
        "training.normalisation",
        "seed",
    ];
    assert_eq!(observations[0][..5], keys);
    let is_zipped = |row: &Vec<String>| (row[0] == "2") == (row[1] == "3");
    assert!(observations[1..].iter().all(is_zipped));
    // One figure for each combination of the other axes.
    let out = study.path("out");
    assert!(out.join("sweep_6.svg").exists() && !out.join("sweep_7.svg").exists());
    assert!(!out.join("sweep.svg").exists());
    // Every choice changes what comes out.
    let sdr = observations[1..].iter().filter(|row| row[9] == "sdr");
    let values: Vec<&str> = sdr.map(|row| &row[10][..]).collect();
    let different: BTreeSet<&str> = values.iter().copied().collect();
    assert_eq!([values.len(), different.len()], [points * 4; 2]);
    // Nobody asked for single orders, and one method is compared with none.
    assert_eq!(read_records(&out).len(), study.parts);
    assert_eq!(number_of_rows(&study, "out", "differences.csv"), 0);
}

#[test]
fn seeds_alone_are_a_sweep_over_the_ratios() {
    let seeds = format!("{TINY}\n[sweep]\nseeds = [1, 2, 3]\n");
    let study = Study::new("sweep", &seeds, 3 * Study::table1().parts);
    study.succeed(&["--out", "out"]);
    let svg = fs::read_to_string(study.path("out/sweep.svg")).unwrap();
    assert!(svg.contains("SNR (dB)"));
    let summary = study.rows("out", "summary.csv");
    // From three seeds on there is an interval.
    let has_interval = |row: &Vec<String>| !row[4].is_empty() && row[6] == "3";
    assert!(summary[1..].iter().all(has_interval));
}

#[test]
fn realmix_compares_with_the_mixtures_whatever_the_threads() {
    let study = Study::realmix();
    let mut names = names_whatever_the_threads(&study);
    let audio = names
        .iter()
        .filter(|name| name.starts_with("audio/"))
        .count();
    assert_eq!(audio, 3 + METHODS);
    names.retain(|name| !name.contains('/'));
    let own = [
        "realmix.md",
        "realmix.pdf",
        "realmix.png",
        "realmix.svg",
        "realmix.tex",
        "realmix_column.tex",
        "realmix_intervals.tex",
        "summary.csv",
    ];
    let expected = [&TABLES[..], &SHOWN, &own].concat();
    let expected: BTreeSet<String> = expected.into_iter().map(str::to_owned).collect();
    assert_eq!(names, expected);

    // 2 speakers x 2 seeds x 2 mixtures x 2 ratios, each the mixture, 2 orders and the methods.
    let estimates = 1 + 2 + METHODS;
    assert_eq!(
        number_of_rows(&study, "1", "observations.csv"),
        16 * estimates * 5
    );
    // The mixture's own plain SDR is the ratio it was made at, to the six decimals written.
    let plain = values(&study, "1", "mixture", "plain_sdr");
    assert_eq!(plain.len(), 16);
    for (index, value) in plain.iter().enumerate() {
        let expected = [0.0, 6.0][index % 2];
        assert!((value - expected).abs() < 1e-6, "{index}: {value}");
    }
    // The oracle is the better of the two orders.
    let single = values(&study, "1", "single", "sdr");
    let oracle = values(&study, "1", "oracle_selection", "sdr");
    assert_eq!([single.len(), oracle.len()], [32, 16]);
    for (pair, oracle) in single.chunks(2).zip(&oracle) {
        assert!((pair[0].max(pair[1]) - oracle).abs() < 1e-9);
    }
    // The mean gain over four speakers and seeds is that over the mixtures, as many in each.
    let differences = study.rows("1", "differences.csv");
    let wanted = ["vb_fusion", "mixture", "", "sdr"];
    let row = differences.iter().find(|row| row[..4] == wanted).unwrap();
    assert_eq!(row[9..], ["4", "16"]);
    let fusion = values(&study, "1", "vb_fusion", "sdr");
    let mixture = values(&study, "1", "mixture", "sdr");
    let mean = (fusion.iter().sum::<f64>() - mixture.iter().sum::<f64>()) / 16.0;
    let found: f64 = row[4].parse().unwrap();
    assert!((found - mean).abs() < 1e-5, "{found} {mean}");
}

#[test]
fn a_known_background_changes_the_estimates_and_not_the_mixtures() {
    let one = TINY_RECORDINGS
        .replace("[3, 7]", "[3]")
        .replace("seeds = 2", "seeds = 1");
    let study = Study::new("realmix", &one, 4 * RECORDED_PARTS);
    study.succeed(&["--out", "estimated"]);
    study.succeed(&["--out", "known", "--set", "recordings.background=known"]);
    let [estimated, known] = ["estimated", "known"].map(|run| {
        let of = |method| values(&study, run, method, "plain_sdr");
        (of("mixture"), of("vb_fusion"))
    });
    assert_eq!(estimated.0, known.0);
    assert_ne!(estimated.1, known.1);
}

/// A corpus in the layout of CHiME 1 whose mixtures at 6 dB hold half the background of those at
/// 0 dB. Returns how many sentences are mixed.
fn write_isolated_mixtures(top: &Path) -> usize {
    let speech = synth::Speech::new(1);
    let save = |path: String, samples: &[f64]| {
        let path = top.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        write(path, samples, synth::SAMPLE_RATE_HZ, Encoding::Float32).unwrap();
    };
    for index in 0..8 {
        let utterance = speech.utterance(3, index).unwrap();
        let (code, speech) = (utterance.sentence.code(), utterance.samples);
        if index < 6 {
            save(format!("train/reverberated/id3/{code}.wav"), &speech);
            continue;
        }
        let mut rng = synth::stream(index, "test", &[]);
        let mut noise = synth::background(10.0, &mut rng).unwrap();
        noise.truncate(speech.len());
        let mix = |gain: f64| -> Vec<f64> {
            let both = speech.iter().zip(&noise);
            both.map(|(s, n)| s + gain * n).collect()
        };
        save(format!("devel/isolated/0dB/s3_{code}.wav"), &mix(1.0));
        save(format!("devel/isolated/6dB/s3_{code}.wav"), &mix(0.5));
        save(format!("devel/reverberated/id3/{code}.wav"), &speech);
    }
    save("background/room.wav".to_owned(), &[0.1; 80_000]);
    2
}

#[test]
fn isolated_mixtures_are_used_as_they_are() {
    let corpus = "isolated = \"devel\"\n[corpus]\nkind = \"chime\"\nroot = \".\"\n";
    let config = TINY_RECORDINGS
        .replace("[3, 7]", "[3]")
        .replace("seeds = 2", "seeds = 1");
    let study = Study::new("realmix", &format!("{config}{corpus}"), 8);
    let top = study.path("PCCdata16kHz");
    let mixed = write_isolated_mixtures(&top);
    study.succeed(&["--out", "out"]);
    let plain = values(&study, "out", "mixture", "plain_sdr");
    assert_eq!(plain.len(), 2 * mixed);
    // Half the background, whatever its ratio is: 6 dB more. Files hold 32-bit floats.
    for index in 0..mixed {
        let gained = plain[mixed + index] - plain[index];
        assert!((gained - 20.0 * 2.0_f64.log10()).abs() < 1e-3, "{plain:?}");
    }
    fs::remove_dir_all(top.join("devel/reverberated")).unwrap();
    let said = study.fail(1, &["--out", "again"]);
    assert!(said.contains("devel/reverberated"), "{said}");
}

#[test]
fn a_corpus_of_one_speaker_has_no_other() {
    let study = Study::table1();
    write_speech(&study.path("speech"), 4);
    write_background(&study.path("background"), 1.5);
    let settings = [
        "corpus.kind=folder",
        "corpus.speech=speech",
        "corpus.background=background",
        "training.estimation=another_speaker",
    ];
    let mut arguments = vec!["--out", "out"];
    arguments.extend(settings.iter().flat_map(|setting| ["--set", *setting]));
    let said = study.fail(1, &arguments);
    assert!(said.contains("needs a second speaker"), "{said}");
    assert!(!study.path("out").exists());
}

#[test]
fn shipped_configurations_are_valid() {
    let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let mut found = 0;
    for entry in fs::read_dir(configs).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let command = match (text.contains("[sweep"), text.contains("\"recordings\"")) {
            (true, _) => "sweep",
            (false, true) => "realmix",
            (false, false) => "table1",
        };
        // Valid, and then stopped before anything is read: results do not go to a file.
        let file = path.to_str().unwrap();
        let output = experiments(folder.path(), &[command, "--config", file, "--out", "file"]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{file}: {said}");
        let refused = "file is not a folder (--out)";
        assert!(said.contains(refused), "{file}: {said}");
        found += 1;
    }
    assert!(found >= 8, "{found}");
}
