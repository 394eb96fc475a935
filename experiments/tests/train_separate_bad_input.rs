//! What `train` and `separate` refuse, by name, and silence, which they do not.

mod common;

use std::fs;

use common::scene::Scene;
use common::{experiments, stderr};
use dsp::wav::{Encoding, write};
use serde_json::Value;
use synth::SAMPLE_RATE_HZ;

/// Stems are stored as 32-bit floats.
const FLOAT32_ROUNDING: f64 = 1e-6;

#[test]
fn what_cannot_be_separated_is_refused_by_name() {
    let scene = Scene::new();
    let rate = SAMPLE_RATE_HZ;
    write(
        scene.path("silent.wav"),
        &[0.0; 9000],
        rate,
        Encoding::Pcm16,
    )
    .unwrap();
    write(scene.path("short.wav"), &[0.5; 100], rate, Encoding::Pcm16).unwrap();
    fs::write(scene.path("nan.wav"), common::float_wav(&[f32::NAN; 5000])).unwrap();
    fs::write(scene.path("text.npz"), "no archive").unwrap();
    fs::write(
        scene.path("cut.npz"),
        &fs::read(scene.path("speech.npz")).unwrap()[..900],
    )
    .unwrap();
    let other = experiments(
        scene.folder.path(),
        &[
            "train",
            "speech",
            "--window",
            "256",
            "--orders",
            "2",
            "--iterations",
            "2",
            "--out",
            "other.npz",
        ],
    );
    assert!(other.status.success(), "{}", stderr(&other));
    let speech = ["--speech", "speech.npz"];
    for (arguments, code, words) in [
        (
            &["silent.wav"][..],
            1,
            &["silent.wav", "every sample is zero"][..],
        ),
        (&["short.wav"], 1, &["short.wav", "window"]),
        (&["nan.wav"], 1, &["nan.wav", "not finite"]),
        (&["missing.wav"], 1, &["missing.wav"]),
        (
            &["mix.wav", "--source", "speech=speech.npz"],
            2,
            &["two sources", "speech"],
        ),
        (&["mix.wav", "--source", "a/b=speech.npz"], 2, &["a/b"]),
        (&["mix.wav", "--source", "x=text.npz"], 1, &["text.npz"]),
        (&["mix.wav", "--source", "x=cut.npz"], 1, &["cut.npz"]),
        (
            &["mix.wav", "--background", "other.npz"],
            2,
            &["other.npz", "256", "1024"],
        ),
        (&["mix.wav", "--source", "x=other.npz"], 2, &["other.npz"]),
        (&["mix.wav", "--source", "x=nope.npz"], 1, &["nope.npz"]),
        (
            &["mix.wav", "--background-from", "1-400"],
            2,
            &["mix.wav", "--background-from"],
        ),
        (&["mix.wav", "--background-from", "3"], 2, &["START-END"]),
        (&["mix.wav", "--background-from", "0-0.1"], 2, &["too few"]),
        (
            &["mix.wav", "--segment", "0.01"],
            2,
            &["--segment", "four windows"],
        ),
        (&["mix.wav", "--overlap", "15"], 2, &["--overlap"]),
        (&["mix.wav", "--noise-db", "3"], 2, &["--noise-db"]),
        (&["mix.wav", "--kappa", "-1"], 2, &["--kappa"]),
        (
            &["mix.wav", "--adapt-background"],
            2,
            &["--adapt-background"],
        ),
    ] {
        let message = scene.refused(&[arguments, &speech].concat(), code);
        for word in words {
            assert!(message.contains(word), "{arguments:?}: {message}");
        }
    }
    assert!(
        scene
            .refused(&["mix.wav"], 2)
            .contains("--speech or --source")
    );
    // No half-written stem is left.
    assert!(!scene.path("mix-stems/speech.wav").exists());
}

#[test]
fn what_cannot_be_learned_from_is_refused_by_name() {
    let scene = Scene::new();
    write(
        scene.path("silent.wav"),
        &[0.0; 9000],
        16_000,
        Encoding::Pcm16,
    )
    .unwrap();
    write(scene.path("slow.wav"), &[0.1; 9000], 8000, Encoding::Pcm16).unwrap();
    fs::create_dir(scene.path("empty")).unwrap();
    for (arguments, code, words) in [
        (
            &["silent.wav"][..],
            1,
            &["silent.wav", "every sample is zero"][..],
        ),
        (
            &["slow.wav", "mix.wav"],
            2,
            &["slow.wav", "8000", "--sample-rate"],
        ),
        (&["empty"], 1, &["empty", "no audio file"]),
        (&["no*thing.wav"], 1, &["no*thing.wav", "no file matches"]),
        (&["[a.wav"], 2, &["[a.wav", "not a pattern"]),
        (&["nope.wav"], 1, &["nope.wav"]),
        (&["mix.wav", "--orders", "2,2"], 2, &["--orders: 2 twice"]),
        (&["mix.wav", "--orders", "0"], 2, &["--orders"]),
        (&["mix.wav", "--held-out", "1"], 2, &["--held-out"]),
        (&["mix.wav", "--hop", "0"], 2, &["hop_samples"]),
        (
            &["mix.wav", "--orders", "1000"],
            1,
            &["too little to learn from"],
        ),
        (&["mix.wav", "--sample-rate", "5"], 2, &["--sample-rate 5"]),
    ] {
        let fixed = [&["train", "--out", "out.npz"], arguments].concat();
        let output = experiments(scene.folder.path(), &fixed);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
        for word in words {
            assert!(message.contains(word), "{arguments:?}: {message}");
        }
        assert!(!scene.path("out.npz").exists());
    }
}

#[test]
fn silence_inside_a_recording_stays_silent() {
    let scene = Scene::new();
    let mixture = scene.mixture();
    let second = SAMPLE_RATE_HZ as usize;
    let parts = [
        &mixture[..2 * second],
        &vec![0.0; 3 * second],
        &mixture[..2 * second],
    ];
    write(
        scene.path("gap.wav"),
        &parts.concat(),
        SAMPLE_RATE_HZ,
        Encoding::Float32,
    )
    .unwrap();
    scene.separated(&[
        "gap.wav",
        "--speech",
        "speech.npz",
        "--segment",
        "0.6",
        "--overlap",
        "0.1",
    ]);
    let report = scene.report("gap-stems");
    let silent = |segment: &Value| segment["silent"].as_bool().unwrap();
    assert!(report["segments"].as_array().unwrap().iter().any(silent));
    let stem = scene.stem("gap-stems/speech.wav");
    assert!(
        stem[3 * second..4 * second]
            .iter()
            .all(|x| x.abs() < FLOAT32_ROUNDING)
    );
    assert!(stem[6 * second..].iter().any(|x| x.abs() > 0.01));
}
