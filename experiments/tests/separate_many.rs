//! `separate` and `train` on many recordings: where stems go, what is done again and what is not.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use common::scene::Scene;
use common::{all_files, stderr};
use dsp::wav::{Encoding, write};
use synth::SAMPLE_RATE_HZ;

/// Recordings of one name in several folders, as corpora have them.
fn corpus() -> Scene {
    let scene = Scene::new();
    let mixture = scene.mixture();
    let second = SAMPLE_RATE_HZ as usize;
    for (index, name) in ["m6dB/s1", "m6dB/s2", "0dB/s1", "0dB/deep/s3"]
        .iter()
        .enumerate()
    {
        let path = scene.path(&format!("iso/{name}.wav"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let samples = &mixture[index * second / 2..(index + 2) * second / 2];
        write(path, samples, SAMPLE_RATE_HZ, Encoding::Float32).unwrap();
    }
    scene
}

/// All stems and reports below a folder.
fn results(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = all_files(folder);
    files.retain(|name, _| !name.starts_with('.') && !name.contains("/."));
    files
}

#[test]
fn stems_lie_beside_their_recordings_or_in_the_same_folders() {
    let scene = corpus();
    let speech = ["--speech", "speech.npz"];
    // One by one, each beside its recording.
    for name in [
        "iso/m6dB/s1.wav",
        "iso/m6dB/s2.wav",
        "iso/0dB/s1.wav",
        "iso/0dB/deep/s3.wav",
    ] {
        scene.separated(&[&[name], &speech[..]].concat());
    }
    let single =
        |name: &str| fs::read(scene.path(&format!("iso/{name}-stems/speech.wav"))).unwrap();
    assert!(single("m6dB/s1") != single("0dB/s1"));

    // All at once, with the same bytes; stems of before are no recordings.
    for (jobs, out) in [("1", "one"), ("3", "three")] {
        let text = scene.separated(&[&["iso", "--jobs", jobs, "--out", out], &speech[..]].concat());
        assert!(text.contains("4 of 4 recordings separated"), "{text}");
    }
    let (one, three) = (results(&scene.path("one")), results(&scene.path("three")));
    assert!(one == three, "--jobs changes stems");
    assert_eq!(one.len(), 4 * 3);
    for name in ["m6dB/s1", "m6dB/s2", "0dB/s1", "0dB/deep/s3"] {
        assert!(one[&format!("{name}/speech.wav")] == single(name), "{name}");
    }
}

#[test]
fn files_patterns_and_lists_name_recordings() {
    let scene = corpus();
    let list = "# two of them\niso/m6dB\n";
    fs::write(scene.path("list.txt"), list).unwrap();
    let speech = ["--speech", "speech.npz"];
    let names = |arguments: &[&str], out: &str| -> Vec<String> {
        scene.separated(&[arguments, &["--out", out], &speech[..]].concat());
        let names = results(&scene.path(out)).into_keys();
        names
            .filter_map(|name| Some(name.strip_suffix("/speech.wav")?.to_owned()))
            .collect()
    };
    assert_eq!(names(&["iso/*/s1.wav"], "a"), ["0dB/s1", "m6dB/s1"]);
    assert_eq!(names(&["@list.txt"], "b"), ["s1", "s2"]);
    let spelled = [
        "iso/m6dB/s1.wav",
        "./iso/m6dB/s1.wav",
        "iso/0dB/../m6dB/s1.wav",
    ];
    assert_eq!(
        names(&[&spelled[..], &["iso/0dB/s1.wav"]].concat(), "c"),
        ["0dB/s1", "m6dB/s1"]
    );
}

#[test]
fn what_is_complete_is_not_done_again_and_nothing_else_is_skipped() {
    let scene = corpus();
    let arguments = ["iso", "--speech", "speech.npz", "--out", "out"];
    scene.separated(&arguments);
    let before = results(&scene.path("out"));
    let again = |more: &[&str]| scene.separated(&[&arguments[..], more].concat());
    assert!(again(&[]).contains("0 of 4 recordings separated, 4 complete already"));
    assert!(results(&scene.path("out")) == before);

    // A stem is gone, a report is gone, a recording is another.
    fs::remove_file(scene.path("out/m6dB/s1/speech.wav")).unwrap();
    assert!(again(&[]).contains("1 of 4 recordings separated, 3 complete already"));
    assert!(results(&scene.path("out")) == before);
    let mut samples = scene.stem("iso/0dB/s1.wav");
    samples[100] += 0.01;
    write(
        scene.path("iso/0dB/s1.wav"),
        &samples,
        SAMPLE_RATE_HZ,
        Encoding::Float32,
    )
    .unwrap();
    let message = scene.refused(&arguments, 2);
    assert!(
        message.contains("out/0dB/s1") && message.contains("another recording"),
        "{message}"
    );
    assert!(again(&["--replace"]).contains("1 of 4 recordings separated"));
    // Other settings are other stems.
    assert!(again(&["--seed", "2"]).contains("4 of 4 recordings separated"));
    assert!(results(&scene.path("out")) != before);
}

fn interrupt(process: u32) {
    let sent = Command::new("kill")
        .args(["-INT", &process.to_string()])
        .status();
    assert!(sent.is_ok());
}

#[test]
fn a_killed_run_goes_on_with_the_same_bytes() {
    let scene = corpus();
    let arguments = ["iso", "--speech", "speech.npz", "--jobs", "1", "--out"];
    scene.separated(&[&arguments[..], &["whole"]].concat());
    let whole = results(&scene.path("whole"));
    let command = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vbnmf"));
        command.current_dir(scene.folder.path());
        command
            .args(["separate", "--iterations", "20"])
            .args(arguments)
            .arg("killed");
        command
    };
    // Killed again and again, a little later each time, at whatever it is doing.
    let mut unfinished = 0;
    for milliseconds in (5..).step_by(40) {
        let mut child = command().stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        if milliseconds % 80 == 5 {
            let _ = child.kill();
        } else {
            interrupt(child.id());
        }
        match child.wait().unwrap().code() {
            Some(0) => break,
            // Ctrl-C, once the handler was there.
            code => assert!([None, Some(130)].contains(&code), "{code:?}"),
        }
        unfinished += 1;
    }
    assert!(unfinished > 1);
    let output: Output = command().output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(results(&scene.path("killed")) == whole);
    // Nothing is left of what was killed.
    let left = all_files(&scene.path("killed")).into_keys();
    let left: Vec<String> = left.filter(|name| name.contains("/.")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn recordings_that_cannot_be_used_are_all_named_or_left_out() {
    let scene = corpus();
    fs::write(scene.path("iso/0dB/text.wav"), "no audio").unwrap();
    fs::write(scene.path("iso/0dB/._s1.wav"), "a companion of macOS").unwrap();
    write(
        scene.path("iso/m6dB/fast.wav"),
        &[0.1; 9000],
        44_100,
        Encoding::Pcm16,
    )
    .unwrap();
    write(
        scene.path("iso/m6dB/short.wav"),
        &[0.1; 90],
        SAMPLE_RATE_HZ,
        Encoding::Pcm16,
    )
    .unwrap();
    let arguments = ["iso", "--speech", "speech.npz", "--out", "out"];
    let message = scene.refused(&arguments, 1);
    for name in ["0dB/text.wav", "m6dB/fast.wav", "m6dB/short.wav"] {
        assert!(message.contains(name), "{message}");
    }
    assert!(!message.contains("._s1") && !scene.path("out").exists());
    let output = scene.separate(&[&arguments[..], &["--skip-unusable"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("left out: iso/0dB/text.wav"),
        "{}",
        stderr(&output)
    );
    assert_eq!(results(&scene.path("out")).len(), 4 * 3);

    // Silence is found while it is read: the others are separated all the same.
    fs::remove_file(scene.path("iso/0dB/text.wav")).unwrap();
    fs::remove_file(scene.path("iso/m6dB/fast.wav")).unwrap();
    write(
        scene.path("iso/m6dB/short.wav"),
        &[0.0; 9000],
        SAMPLE_RATE_HZ,
        Encoding::Pcm16,
    )
    .unwrap();
    fs::remove_dir_all(scene.path("out")).unwrap();
    let output = scene.separate(&arguments);
    assert_eq!(output.status.code(), Some(3));
    let message = stderr(&output);
    assert!(
        message.contains("m6dB/short.wav: every sample is zero"),
        "{message}"
    );
    assert_eq!(results(&scene.path("out")).len(), 4 * 3);
}

#[test]
fn two_recordings_never_share_a_folder() {
    let scene = Scene::new();
    for name in ["a.wav", "a.WAV"] {
        fs::copy(scene.path("mix.wav"), scene.path(name)).unwrap();
    }
    let message = scene.refused(&["a.wav", "a.WAV", "--speech", "speech.npz"], 2);
    assert!(
        message.contains("a-stems") && message.contains("is the same as"),
        "{message}"
    );
    assert!(!scene.path("a-stems").exists());
}

#[test]
fn one_recording_is_learned_from_once() {
    let scene = Scene::new();
    let learned = |recordings: &[&str], out: &str| {
        let fixed = ["train", "--orders", "2", "--iterations", "3", "--out", out];
        let arguments = [&fixed[..], recordings].concat();
        let output = common::experiments(scene.folder.path(), &arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        (fs::read(scene.path(out)).unwrap(), stderr(&output))
    };
    let (once, _) = learned(&["mix.wav"], "once.npz");
    assert!(learned(&["mix.wav", "./mix.wav", "speech/../mix.wav"], "twice.npz").0 == once);
    fs::hard_link(scene.path("mix.wav"), scene.path("same.wav")).unwrap();
    let (bytes, message) = learned(&["mix.wav", "same.wav"], "linked.npz");
    assert!(
        bytes == once && message.contains("same.wav is mix.wav"),
        "{message}"
    );
}

#[test]
fn orders_may_have_blanks_between_them() {
    let scene = Scene::new();
    let fixed = [
        "train",
        "speech",
        "--iterations",
        "2",
        "--out",
        "o.npz",
        "--orders",
    ];
    let arguments = [&fixed[..], &["2, 4"]].concat();
    let output = common::experiments(scene.folder.path(), &arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    let file = experiments::DictionaryFile::read(&scene.path("o.npz")).unwrap();
    assert_eq!(file.metadata.orders, [2, 4]);
}

#[test]
fn unusable_recordings_are_as_if_they_had_not_been_given() {
    let scene = Scene::new();
    let train = |more: &[&str]| scene.train(&[&["--out", "a.npz"], more].concat());
    assert!(train(&[]).status.success());
    let clean = fs::read(scene.path("a.npz")).unwrap();
    write(
        scene.path("speech/silent.wav"),
        &[0.0; 9000],
        SAMPLE_RATE_HZ,
        Encoding::Pcm16,
    )
    .unwrap();
    write(
        scene.path("speech/short.wav"),
        &[0.1; 90],
        SAMPLE_RATE_HZ,
        Encoding::Pcm16,
    )
    .unwrap();
    fs::write(scene.path("speech/empty.wav"), "").unwrap();
    let output = train(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("speech/empty.wav"),
        "{}",
        stderr(&output)
    );
    fs::remove_file(scene.path("speech/empty.wav")).unwrap();
    let message = stderr(&train(&[]));
    for name in [
        "speech/silent.wav: every sample is zero",
        "speech/short.wav",
    ] {
        assert!(message.contains(name), "{message}");
    }
    fs::write(scene.path("speech/empty.wav"), "").unwrap();
    let output = train(&["--skip-unusable"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(fs::read(scene.path("a.npz")).unwrap() == clean);
}
