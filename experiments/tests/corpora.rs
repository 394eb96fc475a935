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

    // The order in which settings are given does not matter, only which is last for a key.
    let rate = ["--out", "out", "--set", "corpus.sample_rate_hz=8000"];
    study.succeed(&with_folder(&rate));
    assert_eq!(description(&study.path("out")), "folder");
}

/// An AIFF file of 16-bit integers, mono at 16 kHz.
fn aiff(samples: &[f64]) -> Vec<u8> {
    let count = samples.len() as u32;
    let codes = samples.iter().map(|sample| (sample * 32_768.0) as i16);
    let sound: Vec<u8> = codes.flat_map(i16::to_be_bytes).collect();
    // 16000 as an 80-bit float: exponent 16383 + 13, mantissa 16000 / 2^13 with its leading bit.
    let rate = [0x40, 0x0c, 0xfa, 0, 0, 0, 0, 0, 0, 0];
    let common = [
        &1_u16.to_be_bytes()[..],
        &count.to_be_bytes(),
        &16_u16.to_be_bytes(),
        &rate,
    ]
    .concat();
    let chunk = |name: &[u8; 4], content: &[u8]| {
        [&name[..], &(content.len() as u32).to_be_bytes(), content].concat()
    };
    let content = [
        b"AIFF".to_vec(),
        chunk(b"COMM", &common),
        chunk(b"SSND", &[&[0; 8][..], &sound].concat()),
    ]
    .concat();
    chunk(b"FORM", &content)
}

const FOLDER: [&str; 6] = [
    "--set",
    "corpus.kind=folder",
    "--set",
    "corpus.speech=speech",
    "--set",
    "corpus.background=background",
];

fn with_folder<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&FOLDER[..], more].concat()
}

#[test]
fn corpora_may_be_of_any_format_that_is_read() {
    let study = Study::table1();
    let run = |out: &str| study.succeed(&[&FOLDER[..], &["--out", out]].concat());
    let speech = write_speech(&study.path("speech"), 4);
    write_background(&study.path("background"), 1.5);
    run("wav");
    // The same in files of other endings, the background in another format.
    for (path, ending) in speech.iter().zip(["bwf", "RF64", "Wav", "wav"]) {
        let other = path.with_extension("moved");
        fs::rename(path, &other).unwrap();
        fs::rename(other, path.with_extension(ending)).unwrap();
    }
    let background = study.path("background/living room.wav");
    let samples = dsp::audio::read_mono(&background).unwrap().samples;
    fs::write(background.with_extension("aiff"), aiff(&samples)).unwrap();
    fs::remove_file(background).unwrap();
    run("others");
    study.assert_same("wav", "others");
}

#[test]
fn a_folder_for_each_speaker_names_the_speakers() {
    let study = Study::table1();
    for speaker in ["anna", "bert", "2014"] {
        write_speech(&study.path("speech").join(speaker).join("session"), 4);
    }
    write_background(&study.path("background"), 1.5);
    let chosen = ["--set", "corpus.speaker=bert", "--out", "bert"];
    let said = study.succeed(&with_folder(&chosen));
    assert!(!said.contains("units.speakers"), "{said}");
    assert_eq!(description(&study.path("bert")), "folder, speaker bert");
    // Without a name the seed draws one: never all of them as one.
    let said = study.succeed(&with_folder(&["--quiet", "--out", "drawn"]));
    let drawn = description(&study.path("drawn"));
    let speakers = ["anna", "bert", "2014"];
    let is_drawn = |speaker: &&str| drawn == format!("folder, speaker {speaker}");
    let drawn = speakers.into_iter().find(is_drawn).expect(&drawn);
    // And says once whom, and how to have the others too.
    let warning = format!("has 3 speakers, and the seed has drawn {drawn}:");
    let all = r#"units.speakers=["2014", "anna", "bert"]"#;
    assert_eq!(said.matches(&warning).count(), 1, "{said}");
    assert!(said.contains(&format!("--set '{all}'")), "{said}");
    let said = study.succeed(&with_folder(&["--set", all, "--out", "all"]));
    assert!(!said.contains("has drawn"), "{said}");
    let message = study.fail(
        1,
        &with_folder(&["--set", "corpus.speaker=carl", "--out", "carl"]),
    );
    assert!(
        message.contains("\"carl\"") && message.contains("2014, anna, bert"),
        "{message}"
    );
}

#[test]
fn an_unknown_noise_is_answered_with_those_that_there_are() {
    let study = Study::table1();
    write_speech(&study.path("speech"), 4);
    write_background(&study.path("background/rain"), 1.5);
    write_background(&study.path("background"), 1.5);
    let noise = ["--set", "corpus.noise=rian", "--out", "out"];
    let said = study.fail(1, &with_folder(&noise));
    let named = "there are: living room, rain; did you mean \"rain\"?";
    assert!(said.contains(named), "{said}");
}

/// What people's folders hold beside recordings: companions of macOS, links to disks that are gone,
/// recordings that went wrong.
#[cfg(unix)]
#[test]
fn files_that_cannot_be_used_are_all_named_or_left_out() {
    let study = Study::table1();
    write_speech(&study.path("speech"), 6);
    write_background(&study.path("background"), 1.5);
    let clean = study.run(&with_folder(&["--skip-unusable", "--out", "clean"]));
    assert!(clean.status.success());
    let silence = dsp::wav::to_bytes(&[0.0; 9000], 16_000, dsp::wav::Encoding::Pcm16).unwrap();
    let short = dsp::wav::to_bytes(&[0.5; 100], 16_000, dsp::wav::Encoding::Pcm16).unwrap();
    let slow = dsp::wav::to_bytes(&[0.5; 9000], 1, dsp::wav::Encoding::Pcm16).unwrap();
    let speech = |name: &str| study.path("speech").join(name);
    fs::write(speech("._a.wav"), "a companion of macOS").unwrap();
    fs::write(speech("a silence.wav"), &silence).unwrap();
    fs::write(speech("m short.wav"), short).unwrap();
    fs::write(speech("z empty.wav"), "").unwrap();
    fs::write(speech("slow.wav"), slow).unwrap();
    fs::write(study.path("background/z silence.wav"), silence).unwrap();
    std::os::unix::fs::symlink("/nowhere/b.wav", speech("b.wav")).unwrap();

    let unusable = [
        "speech/a silence.wav: every sample is zero",
        "speech/b.wav: No such file",
        "speech/m short.wav: 100 samples",
        "speech/slow.wav: cannot be resampled",
        "speech/z empty.wav: not an audio file",
        "background/z silence.wav: every sample is zero",
    ];
    let message = study.fail(1, &[&FOLDER[..], &["--out", "out"]].concat());
    for file in unusable {
        assert!(message.contains(file), "{file}: {message}");
    }
    assert!(message.contains("6 files cannot be used") && !message.contains("._a"));
    assert!(message.contains("--skip-unusable leaves such files out"));
    assert!(!study.path("out").exists());

    let output = study.run(&with_folder(&["--skip-unusable", "--out", "skipped"]));
    let said = common::stderr(&output);
    assert!(output.status.success(), "{said}");
    for file in unusable {
        assert!(
            said.contains(&format!("left out: {file}")),
            "{file}: {said}"
        );
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("6 unusable files of the corpus were left out"),
        "{said}"
    );
    let manifest = fs::read(study.path("skipped/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let left_out = manifest["left_out"].as_array().unwrap();
    assert_eq!(left_out.len(), unusable.len());
    for (file, expected) in left_out.iter().zip(unusable) {
        assert!(file.as_str().unwrap().starts_with(expected), "{file}");
    }
    // As if they had never been there.
    study.assert_same("clean", "skipped");
    // A merge reads no corpus, and says the same.
    for shard in ["1/2", "2/2"] {
        let share = ["--skip-unusable", "--shard", shard, "--out", &shard[..1]];
        assert!(study.run(&with_folder(&share)).status.success(), "{shard}");
    }
    let merged = study.experiments(&["merge", "1", "2", "--out", "merged"]);
    let said = String::from_utf8_lossy(&merged.stdout).into_owned();
    assert!(
        said.contains("6 unusable files of the corpus were left out"),
        "{said}"
    );
    study.assert_same("skipped", "merged");
    let of_merge = fs::read(study.path("merged/manifest.json")).unwrap();
    let of_merge: serde_json::Value = serde_json::from_slice(&of_merge).unwrap();
    assert_eq!(of_merge["left_out"].as_array(), Some(left_out));
    let no_files = ["--skip-unusable", "--out", "none"];
    assert!(study.fail(2, &no_files).contains("corpus.skip_unusable"));
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
        write_speech(&top.join("train/reverberated/id4"), 4);
        let said = study.succeed(&[&arguments[..4], &["--out", "drawn"]].concat());
        assert!(
            said.contains("has 2 speakers") && said.contains("[4, 23]'"),
            "{said}"
        );
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
