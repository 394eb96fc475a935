//! The corpora of files, read from small trees of synthesised speech.

mod common;

use std::fs;
use std::path::Path;

use common::study::Study;
use common::{write_background, write_speech};

fn description(out: &Path) -> String {
    let manifest = fs::read(out.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    manifest["corpus"].as_str().unwrap().to_owned()
}

#[test]
fn folder_corpus_is_read_at_any_depth_and_rate() {
    let study = Study::table1();
    write_speech(&study.path("speech/a/b"), 3);
    let tone: Vec<f64> = (0..44_100)
        .map(|n| (f64::from(n) * 0.05).sin() * 0.1)
        .collect();
    let path = study.path("speech/Other.WAV");
    dsp::wav::write_channels(&path, &[&tone, &tone], 44_100, dsp::wav::Encoding::Pcm24).unwrap();
    fs::write(study.path("speech/notes.txt"), "not a recording").unwrap();
    write_background(&study.path("background"), 1.5);

    study.succeed(&[
        "--set",
        "corpus.kind=folder",
        "--set",
        "corpus.speech=speech",
        "--set",
        "corpus.background=background",
        "--out",
        "out",
        // The order in which settings are given does not matter, only which is last for a key.
        "--set",
        "corpus.sample_rate_hz=8000",
    ]);
    assert_eq!(description(&study.path("out")), "folder");
}

#[test]
fn chime_corpora_are_found_in_both_layouts() {
    let layouts = [
        ("PCCdata16kHz", "background"),
        ("aasp-chime-grid", "train/background"),
        (".", "background"),
    ];
    for (top, background) in layouts {
        let study = Study::table1();
        let top = study.path("corpus").join(top);
        write_speech(&top.join("train/reverberated/id23"), 4);
        write_background(&top.join(background), 1.5);
        let arguments = [
            "--set",
            "corpus.kind=chime",
            "--set",
            "corpus.root=corpus",
            "--out",
            "out",
        ];
        // Without a number, the seed draws among the speakers there are: here one.
        study.succeed(&arguments);
        assert_eq!(description(&study.path("out")), "chime, speaker 23");
    }
}

#[test]
fn chime_background_can_be_elsewhere() {
    let study = Study::table1();
    write_speech(&study.path("corpus/train/reverberated/id1"), 4);
    write_background(&study.path("noise"), 1.5);
    let settings = [
        "corpus.kind=chime",
        "corpus.root=corpus",
        "corpus.background=noise",
        "corpus.speaker=1",
    ];
    let mut arguments = vec!["--out", "out"];
    for setting in settings {
        arguments.extend(["--set", setting]);
    }
    study.succeed(&arguments);
}
