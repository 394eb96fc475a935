//! `score` on WAV files: the numbers of mir_eval and of museval, pairs and sources, and what
//! happens to signals without a score.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use common::{experiments, stderr};
use dsp::wav::{Encoding, write, write_channels};
use serde_json::Value;

/// Both solve the same least squares in double precision; what is left is the condition of 512-tap
/// filters.
const TOLERANCE_DB: f64 = 1e-6;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/score")
}

fn expected() -> Value {
    serde_json::from_str(&fs::read_to_string(fixtures().join("scores.json")).unwrap()).unwrap()
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn score(folder: &Path, arguments: &[&str]) -> Output {
    experiments(folder, &[&["score"], arguments].concat())
}

fn file(kind: &str, name: &str) -> String {
    let path = fixtures().join(kind).join(format!("{name}.wav"));
    path.to_str().unwrap().to_owned()
}

/// Compares the metrics of a span with numbers, null with null.
fn assert_scores(frame: &Value, names: &[&str], expected: &Value) {
    let expected = expected.as_array().unwrap();
    assert_eq!(names.len(), expected.len());
    for (name, expected) in names.iter().zip(expected) {
        let found = &frame["metrics"][name];
        match (found.as_f64(), expected.as_f64()) {
            (Some(found), Some(expected)) => assert!(
                (found - expected).abs() < TOLERANCE_DB,
                "{name}: {found} is not {expected}"
            ),
            (None, None) => assert!(found.is_null() && expected.is_null()),
            _ => panic!("{name}: {found} is not {expected}"),
        }
    }
}

const RATIOS: [&str; 3] = ["bss_eval_v3_sdr", "bss_eval_v3_sir", "bss_eval_v3_sar"];

#[test]
fn folders_have_the_scores_of_mir_eval_whole_and_per_frame() {
    let folder = tempfile::tempdir().unwrap();
    let [references, estimates] =
        ["references", "estimates"].map(|name| fixtures().join(name).display().to_string());
    let output = score(
        folder.path(),
        &[
            "--reference",
            &references,
            "--estimate",
            &estimates,
            "--sources",
            "--window",
            "0.5",
            "--hop",
            "0.25",
            "--json",
            "scores.json",
            "--csv",
            "scores.csv",
        ],
    );
    assert!(output.status.success(), "{}", stderr(&output));

    let (expected, found) = (expected(), json(&folder.path().join("scores.json")));
    let targets = found["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 3);
    let frames = expected["frames"].as_array().unwrap();
    assert!(frames[0][0][0].is_null() && frames[4][0][0].is_number());
    for (index, target) in targets.iter().enumerate() {
        assert_eq!(target["name"], expected["names"][index]);
        assert_scores(&target["whole"], &RATIOS, &expected["whole"][index]);
        assert_scores(
            &target["whole"],
            &["plain_sdr", "si_sdr"],
            &expected["plain"][index],
        );
        assert_eq!(target["frames"].as_array().unwrap().len(), frames.len());
        for (frame, expected) in frames.iter().enumerate() {
            let found = &target["frames"][frame];
            assert_scores(found, &RATIOS, &expected[index]);
            assert_eq!(found["time"], 0.25 * frame as f64);
            assert_eq!(found["duration"], 0.5);
        }
    }
    // The terminal has the same numbers, and the CSV file all of them.
    let sdr = expected["whole"][0][0].as_f64().unwrap();
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(table.contains(&format!("{sdr:.2}")), "{table}");
    let csv = fs::read_to_string(folder.path().join("scores.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 3 * 6 * 5);
    assert!(csv.contains("references/hum.wav is silent") && !csv.to_lowercase().contains("nan"));
}

#[test]
fn permutation_finds_the_estimates_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let expected = expected();
    let references = ["hum", "noise", "speech"].map(|name| file("references", name));
    let estimates = ["noise", "speech", "hum"].map(|name| file("estimates", name));
    let mut arguments = vec!["--reference"];
    arguments.extend(references.iter().map(String::as_str));
    arguments.push("--estimate");
    arguments.extend(estimates.iter().map(String::as_str));
    arguments.extend(["--json", "scores.json"]);
    let run = |more: &[&str]| {
        let output = score(folder.path(), &[&arguments, more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        (json(&folder.path().join("scores.json")), stderr(&output))
    };
    let (found, said) = run(&["--permute"]);
    assert!(!said.contains("another order"), "{said}");
    for (index, name) in ["hum", "noise", "speech"].iter().enumerate() {
        let target = &found["targets"][index];
        assert_eq!(target["estimate"], *name);
        assert_scores(&target["whole"], &RATIOS, &expected["turned"][index]);
    }
    // Without it the first reference meets the first estimate.
    let (found, said) = run(&[]);
    assert_eq!(found["targets"][0]["estimate"], "noise");
    assert!(
        said.contains("another order than the references? --permute"),
        "{said}"
    );
}

fn ramp(samples: usize, step: usize) -> Vec<f64> {
    let value = |t: usize| ((t * t * step + t) % 997) as f64 / 997.0 - 0.5;
    (0..samples).map(value).collect()
}

#[test]
fn channels_are_scored_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (a, b) = (ramp(3000, 3), ramp(3000, 7));
    let noisy = |x: &[f64], gain: f64| -> Vec<f64> {
        x.iter()
            .zip(ramp(3000, 11))
            .map(|(x, n)| 0.8 * x + gain * n)
            .collect()
    };
    let (left, right) = (noisy(&a, 0.1), noisy(&b, 0.01));
    write_channels(path("r.wav"), &[&a, &b], 8000, Encoding::Float32).unwrap();
    write_channels(path("e.wav"), &[&left, &right], 8000, Encoding::Float32).unwrap();
    let arguments = [
        "--reference",
        "r.wav",
        "--estimate",
        "e.wav",
        "--json",
        "s.json",
    ];
    let output = score(folder.path(), &arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    let found = json(&path("s.json"));
    assert_eq!(found["targets"][0]["name"], "r.1");
    assert_eq!(found["targets"][1]["name"], "r.2");
    for (channel, (reference, estimate)) in [(&a, &left), (&b, &right)].into_iter().enumerate() {
        let expected = eval::si_sdr(reference, estimate).unwrap();
        let found = found["targets"][channel]["whole"]["metrics"]["si_sdr"]
            .as_f64()
            .unwrap();
        // The files hold 32-bit floats.
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    }
}

#[test]
fn one_source_alone_has_no_sir() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let noisy: Vec<f64> = ramp(9000, 3)
        .iter()
        .zip(ramp(9000, 11))
        .map(|(x, n)| 0.8 * x + 0.1 * n)
        .collect();
    write(path("a.wav"), &ramp(9000, 3), 8000, Encoding::Float32).unwrap();
    write(path("e.wav"), &noisy, 8000, Encoding::Float32).unwrap();
    let files = ["--reference", "a.wav", "--estimate", "e.wav"];
    let outputs = ["--json", "s.json", "--csv", "s.csv", "--museval", "m.json"];
    let output = score(folder.path(), &[&files[..], &outputs].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let reason = "there is no other source that could interfere";
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let row = said.lines().find(|line| line.contains("| a ")).unwrap();
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    let [_, _, _, sdr, "-", sar, ..] = cells[..] else {
        panic!("{said}");
    };
    assert_eq!(sdr, sar);
    assert!(said.contains(&format!("a, SIR: {reason}\n")), "{said}");
    let whole = &json(&path("s.json"))["targets"][0]["whole"];
    assert!(whole["metrics"]["bss_eval_v3_sir"].is_null());
    assert_eq!(whole["missing"]["bss_eval_v3_sir"], reason);
    let rows = fs::read_to_string(path("s.csv")).unwrap();
    assert!(rows.contains(&format!(",sir,,{reason}\n")), "{rows}");
    let museval = fs::read_to_string(path("m.json")).unwrap();
    assert!(museval.contains("\"SIR\": NaN"), "{museval}");
}

#[test]
fn silence_is_a_typed_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write(path("a.wav"), &ramp(3000, 3), 8000, Encoding::Pcm16).unwrap();
    write(path("silent.wav"), &[0.0; 3000], 8000, Encoding::Pcm16).unwrap();
    for (reference, estimate, reason) in [
        ("a.wav", "silent.wav", "silent.wav is silent"),
        ("silent.wav", "a.wav", "silent.wav is silent"),
    ] {
        let arguments = [
            "--reference",
            reference,
            "--estimate",
            estimate,
            "--json",
            "s.json",
        ];
        let output = score(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        let table = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(table.contains(reason) && !table.contains("NaN"), "{table}");
        let found = json(&path("s.json"));
        assert!(found["targets"][0]["whole"]["metrics"]["si_sdr"].is_null());
    }
}

#[test]
fn what_does_not_fit_together_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write(path("a.wav"), &ramp(3000, 3), 8000, Encoding::Pcm16).unwrap();
    write(path("short.wav"), &ramp(2000, 3), 8000, Encoding::Pcm16).unwrap();
    write(path("fast.wav"), &ramp(3000, 3), 16_000, Encoding::Pcm16).unwrap();
    let stereo = [ramp(3000, 3), ramp(3000, 7)];
    write_channels(path("stereo.wav"), &stereo, 8000, Encoding::Pcm16).unwrap();
    fs::write(path("text.wav"), "no audio").unwrap();
    fs::create_dir_all(path("one")).unwrap();
    fs::create_dir_all(path("two")).unwrap();
    fs::copy(path("a.wav"), path("one/a.wav")).unwrap();
    fs::copy(path("a.wav"), path("two/b.wav")).unwrap();
    let refused = |estimate: &[&str], code: i32, words: &[&str]| {
        let fixed = ["--reference", "a.wav", "--estimate"];
        let output = score(folder.path(), &[&fixed[..], estimate].concat());
        assert_eq!(output.status.code(), Some(code), "{estimate:?}");
        let message = stderr(&output);
        for word in words {
            assert!(message.contains(word), "{message}");
        }
    };
    refused(&["short.wav"], 2, &["short.wav", "2000", "3000"]);
    refused(&["fast.wav"], 2, &["fast.wav", "16000", "8000"]);
    refused(&["stereo.wav"], 2, &["stereo.wav", "channels: 2"]);
    refused(&["text.wav"], 1, &["text.wav", "not an audio file"]);
    refused(&["missing.wav"], 1, &["missing.wav"]);
    refused(&["a.wav", "a.wav"], 2, &["1 references", "2 estimates"]);
    refused(&["a.wav", "--window", "10"], 2, &["--window 10", "longer"]);
    refused(
        &["a.wav", "--window", "nan"],
        2,
        &["--window", "at least one sample"],
    );
    refused(&["a.wav", "--hop", "1"], 2, &["--window"]);
    let folders = ["--reference", "one", "--estimate", "two"];
    let message = stderr(&score(folder.path(), &folders));
    assert!(
        message.contains("one/a.wav") && message.contains("no file a.wav"),
        "{message}"
    );
}
