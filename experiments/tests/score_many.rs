//! `score` on many files: independent pairs and their means, the mixture, museval's file, threads.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{experiments, stderr};
use dsp::wav::{Encoding, write};
use serde_json::Value;

const RATE_HZ: u32 = 8000;
const SAMPLES: usize = 3000;

/// Files of 32-bit floats.
const FLOAT32_TOLERANCE_DB: f64 = 1e-4;

fn ramp(step: usize) -> Vec<f64> {
    let value = |t: usize| ((t * t * step + t) % 997) as f64 / 997.0 - 0.5;
    (0..SAMPLES).map(value).collect()
}

/// White noise from a linear congruential generator.
fn noise(seed: u64) -> Vec<f64> {
    let next = |state: &mut u64| {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(seed | 1);
        Some((*state >> 40) as f64 / (1_u64 << 24) as f64 - 0.5)
    };
    std::iter::repeat_n((), SAMPLES)
        .scan(seed, |state, ()| next(state))
        .collect()
}

fn mix(parts: &[(f64, &[f64])]) -> Vec<f64> {
    let sample = |t: usize| parts.iter().map(|(gain, part)| gain * part[t]).sum();
    (0..SAMPLES).map(sample).collect()
}

fn write_to(folder: &Path, name: &str, samples: &[f64]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    write(path, samples, RATE_HZ, Encoding::Float32).unwrap();
}

fn score(folder: &Path, arguments: &[&str]) -> Output {
    experiments(folder, &[&["score"], arguments].concat())
}

fn scored(folder: &Path, arguments: &[&str]) -> String {
    let output = score(folder, arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        stderr(&output)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The samples of an utterance, of its estimate and of its mixture.
type Utterance = (Vec<f64>, Vec<f64>, Vec<f64>);

/// Four utterances in two folders, their estimates and their mixtures.
fn pairs() -> (tempfile::TempDir, Vec<Utterance>) {
    let folder = tempfile::tempdir().unwrap();
    let names = ["m6dB/s1", "m6dB/s2", "0dB/s1", "0dB/s2"];
    let mut signals = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let (speech, noise) = (ramp(3 + 2 * index), ramp(31 + 6 * index));
        let leak = 0.1 + 0.1 * index as f64;
        let estimate = mix(&[(0.9, &speech), (leak, &noise)]);
        let mixture = mix(&[(1.0, &speech), (1.0, &noise)]);
        write_to(folder.path(), &format!("reference/{name}.wav"), &speech);
        write_to(folder.path(), &format!("estimate/{name}.wav"), &estimate);
        write_to(folder.path(), &format!("mixture/{name}.wav"), &mixture);
        signals.push((speech, estimate, mixture));
    }
    (folder, signals)
}

const FOLDERS: [&str; 4] = ["--reference", "reference", "--estimate", "estimate"];

#[test]
fn folders_are_independent_pairs_with_their_means() {
    let (folder, signals) = pairs();
    let text = scored(
        folder.path(),
        &[&FOLDERS[..], &["--json", "s.json"]].concat(),
    );
    assert!(text.contains("4 independent pairs"), "{text}");
    let found = json(&folder.path().join("s.json"));
    assert_eq!(found["scored"], "independent pairs");
    let targets = found["targets"].as_array().unwrap();
    let names: Vec<&str> = targets
        .iter()
        .map(|t| t["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["0dB/s1", "0dB/s2", "m6dB/s1", "m6dB/s2"]);
    let mut values = Vec::new();
    for (target, index) in targets.iter().zip([2, 3, 0, 1]) {
        let (speech, estimate, _): &Utterance = &signals[index];
        let expected = eval::si_sdr(speech, estimate).unwrap();
        let value = target["whole"]["metrics"]["si_sdr"].as_f64().unwrap();
        assert!(
            (value - expected).abs() < FLOAT32_TOLERANCE_DB,
            "{value} {expected}"
        );
        // The other utterances are no interference: the SDR is that of the reference alone.
        let alone = eval::bss_eval_sources(&[speech.as_slice()], &[estimate.as_slice()], false);
        let expected = alone.unwrap().scores[0].sdr_db;
        let sdr = target["whole"]["metrics"]["bss_eval_v3_sdr"]
            .as_f64()
            .unwrap();
        assert!(
            (sdr - expected).abs() < FLOAT32_TOLERANCE_DB,
            "{sdr} {expected}"
        );
        assert!(target["whole"]["metrics"].get("bss_eval_v3_sir").is_none());
        values.push(value);
    }
    let mean = &found["means"]["si_sdr"];
    let expected = eval::student_interval(&values, 0.95).unwrap();
    let number = |key: &str| mean[key].as_f64().unwrap();
    assert!((number("mean") - values.iter().sum::<f64>() / 4.0).abs() < 1e-12);
    assert!((number("low") - expected.low).abs() < 1e-12);
    assert!((number("high") - expected.high).abs() < 1e-12);
    assert_eq!(mean["pairs"], 4);
    assert!(
        text.contains(&format!("{:.2} to {:.2}", expected.low, expected.high)),
        "{text}"
    );
}

#[test]
fn files_are_the_sources_of_one_mixture_unless_they_are_called_pairs() {
    let (folder, signals) = pairs();
    let files = |kind: &str| [format!("{kind}/m6dB/s1.wav"), format!("{kind}/0dB/s1.wav")];
    let (references, estimates) = (files("reference"), files("estimate"));
    let mut arguments = vec!["--reference", &references[0], &references[1], "--estimate"];
    arguments.extend(estimates.iter().map(String::as_str));
    let text = scored(folder.path(), &arguments);
    assert!(
        text.contains("sources of one mixture") && text.contains("--pairs"),
        "{text}"
    );
    assert!(text.contains("SIR"), "{text}");
    arguments.extend(["--pairs", "--csv", "s.csv"]);
    let text = scored(folder.path(), &arguments);
    assert!(
        text.contains("2 independent pairs") && !text.contains("SIR"),
        "{text}"
    );
    let csv = fs::read_to_string(folder.path().join("s.csv")).unwrap();
    // Both are called s1: the paths tell them apart.
    let row = csv
        .lines()
        .find(|row| row.contains("m6dB/s1.wav") && row.contains(",plain_sdr,"));
    let value: f64 = row.unwrap().split(',').nth(6).unwrap().parse().unwrap();
    let expected = eval::plain_sdr(&signals[0].0, &signals[0].1).unwrap();
    assert!(
        (value - expected).abs() < FLOAT32_TOLERANCE_DB,
        "{value} {expected}"
    );
}

#[test]
fn the_mixture_tells_by_how_much_estimates_are_better() {
    let (folder, signals) = pairs();
    let more = ["--mixture", "mixture", "--json", "s.json", "--csv", "s.csv"];
    let text = scored(folder.path(), &[&FOLDERS[..], &more].concat());
    assert!(text.contains("SI-SDR improvement"), "{text}");
    let found = json(&folder.path().join("s.json"));
    let metrics = &found["targets"][0]["whole"]["metrics"];
    let (speech, estimate, mixture) = &signals[2];
    let before = eval::si_sdr(speech, mixture).unwrap();
    let after = eval::si_sdr(speech, estimate).unwrap();
    let number = |key: &str| metrics[key].as_f64().unwrap();
    assert!((number("mixture_si_sdr") - before).abs() < FLOAT32_TOLERANCE_DB);
    assert!((number("si_sdr_improvement") - (after - before)).abs() < FLOAT32_TOLERANCE_DB);
    let difference = number("bss_eval_v3_sdr") - number("mixture_bss_eval_v3_sdr");
    assert!((number("bss_eval_v3_sdr_improvement") - difference).abs() < 1e-12);
    assert!(number("bss_eval_v3_sdr_improvement") > 1.0);
    let csv = fs::read_to_string(folder.path().join("s.csv")).unwrap();
    assert!(csv.contains(",sdr_improvement,") && csv.contains(",mixture_si_sdr,"));

    // One mixture for the sources of one.
    let one = [
        "--reference",
        "reference/0dB/s1.wav",
        "--estimate",
        "estimate/0dB/s1.wav",
        "--mixture",
        "mixture/0dB/s1.wav",
        "--json",
        "one.json",
    ];
    scored(folder.path(), &one);
    let found = json(&folder.path().join("one.json"));
    let value = found["targets"][0]["whole"]["metrics"]["mixture_si_sdr"]
        .as_f64()
        .unwrap();
    assert!((value - before).abs() < FLOAT32_TOLERANCE_DB);
}

#[test]
fn stems_are_scored_where_separate_puts_them() {
    let (folder, _) = pairs();
    for name in ["m6dB/s1", "m6dB/s2", "0dB/s1", "0dB/s2"] {
        let estimate = folder.path().join(format!("estimate/{name}.wav"));
        let stems = folder.path().join(format!("stems/{name}"));
        fs::create_dir_all(&stems).unwrap();
        fs::copy(&estimate, stems.join("speech.wav")).unwrap();
        fs::copy(&estimate, stems.join("background.wav")).unwrap();
    }
    scored(folder.path(), &[&FOLDERS[..], &["--csv", "a.csv"]].concat());
    let arguments = [
        "--reference",
        "reference",
        "--estimate",
        "stems",
        "--stem",
        "speech",
    ];
    scored(
        folder.path(),
        &[&arguments[..], &["--csv", "b.csv"]].concat(),
    );
    let [a, b] = ["a.csv", "b.csv"].map(|name| {
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        // All but the names of the estimates.
        text.replace(",speech,", ",s,")
            .replace(",s1,", ",s,")
            .replace(",s2,", ",s,")
    });
    assert_eq!(a, b);
}

#[test]
fn results_do_not_depend_on_the_threads() {
    let (folder, _) = pairs();
    let run = |jobs: &str| {
        let out = format!("{jobs}.json");
        let more = [
            "--mixture",
            "mixture",
            "--window",
            "0.1",
            "--jobs",
            jobs,
            "--json",
            &out,
        ];
        let text = scored(folder.path(), &[&FOLDERS[..], &more].concat());
        (text, fs::read(folder.path().join(out)).unwrap())
    };
    let one = run("1");
    assert_eq!(one, run("3"));
    // More threads than make sense are not started.
    let output = score(
        folder.path(),
        &[&FOLDERS[..], &["--jobs", "500000"]].concat(),
    );
    assert!(output.status.success());
    let processors = std::thread::available_parallelism().unwrap().get();
    let started = format!("{} threads are started", 64.max(4 * processors));
    let message = stderr(&output);
    assert!(
        message.contains("--jobs 500000") && message.contains(&started),
        "{message}"
    );
}

/// No stack of this size can be mapped, as where the system allows no further thread.
const NO_THREADS: (&str, &str) = ("RUST_MIN_STACK", "70368744177664");

#[test]
fn a_system_without_threads_is_enough() {
    let (folder, _) = pairs();
    let run = |limited: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vbnmf"));
        command
            .current_dir(folder.path())
            .arg("score")
            .args(FOLDERS);
        command.args(["--window", "0.1", "--jobs", "2"]);
        if limited {
            command.env(NO_THREADS.0, NO_THREADS.1);
        }
        command.output().unwrap()
    };
    let (free, limited) = (run(false), run(true));
    let message = stderr(&limited);
    assert!(message.contains("all is done by one"), "{message}");
    assert_eq!(limited.status.code(), Some(0), "{message}");
    assert_eq!(limited.stdout, free.stdout);
}

#[test]
fn frames_without_a_score_are_said() {
    let (folder, _) = pairs();
    let two = [
        "--reference",
        "reference/0dB/s1.wav",
        "reference/0dB/s2.wav",
        "--estimate",
        "estimate/0dB/s1.wav",
        "estimate/0dB/s2.wav",
        "--window",
    ];
    // 240 samples are fewer than two filters of 512 taps need: no frame has an SDR.
    let output = score(folder.path(), &[&two[..], &["0.03"]].concat());
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("SDR: 12 of 12 frames have none"), "{text}");
    assert!(text.contains("240 samples are too few"), "{text}");
    // A silent frame is named, and no failure. The frames of 800 samples need signals whose delayed
    // copies are independent.
    let (mut quiet, other) = (noise(1), noise(2));
    let estimate = mix(&[(1.0, &quiet), (0.1, &other)]);
    quiet[..800].fill(0.0);
    write_to(folder.path(), "reference/0dB/s1.wav", &quiet);
    write_to(folder.path(), "reference/0dB/s2.wav", &other);
    write_to(folder.path(), "estimate/0dB/s1.wav", &estimate);
    let output = score(folder.path(), &[&two[..], &["0.1"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("1 of 3 frames have none (1: reference/0dB/s1.wav is silent)"),
        "{text}"
    );
}

#[test]
fn silence_has_the_name_of_its_file_in_every_column() {
    let (folder, _) = pairs();
    write_to(folder.path(), "reference/0dB/s2.wav", &[0.0; SAMPLES]);
    let two = [
        "--reference",
        "reference/0dB/s1.wav",
        "reference/0dB/s2.wav",
        "--estimate",
        "estimate/0dB/s1.wav",
        "estimate/0dB/s2.wav",
    ];
    let output = score(folder.path(), &[&two[..], &["--csv", "s.csv"]].concat());
    assert_eq!(output.status.code(), Some(3));
    let csv = fs::read_to_string(folder.path().join("s.csv")).unwrap();
    let silent = csv.matches("reference/0dB/s2.wav is silent").count();
    // SDR, SIR and SAR of both targets, plain SDR and SI-SDR of the second.
    assert_eq!(silent, 8, "{csv}");
    assert!(
        !csv.contains("reference 0") && !csv.contains("reference 1"),
        "{csv}"
    );
    let output = score(folder.path(), &[&two[..], &["--permute"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(
        message.contains("reference/0dB/s2.wav is silent"),
        "{message}"
    );
}

fn museval_fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/museval")
}

#[test]
fn the_file_for_museval_has_its_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let [references, estimates] =
        ["references", "estimates"].map(|name| museval_fixture().join(name).display().to_string());
    let arguments = [
        "--reference",
        &references,
        "--estimate",
        &estimates,
        "--sources",
        "--museval",
        "m.json",
    ];
    scored(folder.path(), &arguments);
    let text = fs::read_to_string(folder.path().join("m.json")).unwrap();
    let found: Value = serde_json::from_str(&text.replace("NaN", "null")).unwrap();
    let expected = json(&museval_fixture().join("scores.json"));
    let mut compared = 0;
    let targets = |value: &Value| value["targets"].as_array().unwrap().clone();
    assert_eq!(targets(&found).len(), 2);
    for (found, expected) in targets(&found).iter().zip(targets(&expected)) {
        assert_eq!(found["name"], expected["name"]);
        let frames = expected["frames"].as_array().unwrap();
        assert_eq!(found["frames"].as_array().unwrap().len(), frames.len());
        for (found, expected) in found["frames"].as_array().unwrap().iter().zip(frames) {
            assert_eq!(
                (&found["time"], &found["duration"]),
                (&expected["time"], &expected["duration"])
            );
            for metric in ["SDR", "ISR", "SIR", "SAR"] {
                let (found, expected) = (&found["metrics"][metric], &expected["metrics"][metric]);
                match (found.as_f64(), expected.as_f64()) {
                    // museval rounds to five decimals.
                    (Some(found), Some(expected)) => {
                        assert!((found - expected).abs() < 0.6e-5, "{found} {expected}");
                        compared += 1;
                    }
                    (None, None) => {}
                    _ => panic!("{metric}: {found} is not {expected}"),
                }
            }
        }
    }
    assert_eq!(
        compared,
        2 * 2 * 4,
        "two of three windows of two sources have numbers"
    );

    // Its aggregator reads the file, where it is installed.
    let script = "import sys, museval\n\
        store = museval.EvalStore()\n\
        store.add_eval_dir(sys.argv[1])\n\
        scores = store.agg_frames_tracks_scores()\n\
        assert len(scores) == 8 and scores.notna().all(), scores\n";
    let python = |arguments: &[&str]| Command::new("python3").args(arguments).output();
    let has_museval = python(&["-c", "import museval"]);
    if has_museval.is_ok_and(|output| output.status.success()) {
        let track = folder.path().join("all/test");
        fs::create_dir_all(&track).unwrap();
        fs::copy(folder.path().join("m.json"), track.join("track.json")).unwrap();
        let all = folder.path().join("all").display().to_string();
        let output = python(&["-c", script, &all]).unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
}

/// Whatever has a name of museval's is written by `--museval` alone.
#[test]
fn no_number_stands_under_a_name_of_another() {
    let (folder, _) = pairs();
    scored(
        folder.path(),
        &[&FOLDERS[..], &["--window", "0.1", "--json", "s.json"]].concat(),
    );
    let text = fs::read_to_string(folder.path().join("s.json")).unwrap();
    for name in ["\"SDR\"", "\"SIR\"", "\"SAR\"", "\"ISR\""] {
        assert!(!text.contains(name), "{name}");
    }
    assert!(text.contains("\"bss_eval_v3_sdr\""));
}
