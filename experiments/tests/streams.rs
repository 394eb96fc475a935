//! Recordings and dictionaries that come through pipes, or standard input: the same results as from
//! files, however often they are read.

#![cfg(unix)]

mod common;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Output};

use common::scene::Scene;
use common::{all_files, stderr};

/// A named pipe, and a process that writes a file into it.
struct Pipe {
    writer: Child,
}

impl Pipe {
    fn new(folder: &Path, name: &str, contents: &str) -> Self {
        let made = Command::new("mkfifo").arg(folder.join(name)).status();
        assert!(made.unwrap().success());
        let mut command = Command::new("sh");
        command
            .current_dir(folder)
            .args(["-c", "cat \"$0\" > \"$1\""]);
        let writer = command.args([contents, name]).spawn().unwrap();
        Self { writer }
    }

    /// Waits until everything has been read.
    fn finish(mut self) {
        assert!(self.writer.wait().unwrap().success());
    }
}

/// The program with a file as its standard input, which it only sees through a pipe. Temporary
/// files must be gone when it ends.
fn run(scene: &Scene, input: &str, arguments: &[&str]) -> Output {
    let temporary = scene.path("temporary");
    fs::create_dir_all(&temporary).unwrap();
    let mut source = Command::new("cat");
    let mut source = source
        .arg(scene.path(input))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_vbnmf"));
    command
        .current_dir(scene.folder.path())
        .env("TMPDIR", &temporary)
        .args(arguments)
        .stdin(source.stdout.take().unwrap());
    let output = command.output().unwrap();
    // With it goes the pipe: what has not been read is not waited for.
    drop(command);
    let _ = source.wait();
    let left = all_files(&temporary);
    assert!(left.is_empty(), "{arguments:?} left {:?}", left.keys());
    output
}

fn succeed(scene: &Scene, input: &str, arguments: &[&str]) -> String {
    let output = run(scene, input, arguments);
    let message = stderr(&output);
    assert!(output.status.success(), "{arguments:?}: {message}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn fail(scene: &Scene, input: &str, arguments: &[&str], code: i32) -> String {
    let output = run(scene, input, arguments);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    message
}

fn assert_same_stems(scene: &Scene, expected: &str, found: &str) {
    for stem in ["speech.wav", "background.wav"] {
        let [expected, stems] =
            [expected, found].map(|folder| fs::read(scene.path(folder).join(stem)).unwrap());
        assert!(expected == stems, "{found}/{stem}");
    }
}

/// Where the background is learned, for which the recording is read once more.
const STRETCH: [&str; 2] = ["--background-from", "0.0-1.0"];

fn separate<'a>(recordings: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["--speech", "speech.npz", "--iterations", "3"];
    [&["separate"][..], recordings, &fixed, &STRETCH, more].concat()
}

fn train<'a>(recordings: &[&'a str], out: &'a str) -> Vec<&'a str> {
    let fixed = ["--orders", "2", "--iterations", "3", "--out", out];
    [&["train"][..], recordings, &fixed].concat()
}

#[test]
fn separate_reads_pipes_as_it_reads_files() {
    let scene = Scene::new();
    succeed(
        &scene,
        "mix.wav",
        &separate(&["mix.wav"], &["--out", "file"]),
    );

    succeed(&scene, "mix.wav", &separate(&["-"], &[]));
    assert_same_stems(&scene, "file", "standard-input-stems");
    let report = scene.report("standard-input-stems");
    assert_eq!(report["mixture"]["file"], "standard-input");

    let pipe = Pipe::new(scene.folder.path(), "pipe", "mix.wav");
    succeed(&scene, "mix.wav", &separate(&["pipe"], &[]));
    pipe.finish();
    assert_same_stems(&scene, "file", "pipe-stems");

    // What the shell has opened has no folder of its own.
    let text = succeed(&scene, "mix.wav", &separate(&["/dev/fd/0"], &[]));
    assert!(text.contains("Stems: 0-stems"), "{text}");
    assert_same_stems(&scene, "file", "0-stems");

    let pipe = Pipe::new(scene.folder.path(), "other", "mix.wav");
    let both = separate(&["/dev/stdin", "other"], &["--out", "both"]);
    succeed(&scene, "mix.wav", &both);
    pipe.finish();
    assert_same_stems(&scene, "file", "both/stdin");
    assert_same_stems(&scene, "file", "both/other");

    // Dictionaries are read once as well.
    let pipe = Pipe::new(scene.folder.path(), "dictionaries", "speech.npz");
    let arguments = [
        "--speech",
        "dictionaries",
        "--iterations",
        "3",
        "--out",
        "piped",
    ];
    let arguments = [&["separate", "mix.wav"][..], &STRETCH, &arguments].concat();
    succeed(&scene, "mix.wav", &arguments);
    pipe.finish();
    assert_same_stems(&scene, "file", "piped");
    let origin = |folder: &str| scene.report(folder)["sources"][0]["sha256"].clone();
    assert_eq!(origin("file"), origin("piped"));
}

#[test]
fn train_reads_pipes_as_it_reads_files() {
    let scene = Scene::new();
    let names: Vec<String> = common::files(&scene.path("speech")).into_keys().collect();
    let [first, second] = [0, 1].map(|index| format!("speech/{}", names[index]));
    succeed(&scene, &first, &train(&[&first], "file.npz"));
    succeed(&scene, &first, &train(&["-"], "input.npz"));
    let pipe = Pipe::new(scene.folder.path(), "pipe", &first);
    succeed(&scene, &first, &train(&["pipe"], "pipe.npz"));
    pipe.finish();
    let [file, input, pipe] =
        ["file.npz", "input.npz", "pipe.npz"].map(|name| fs::read(scene.path(name)).unwrap());
    assert!(file == input && file == pipe);

    // A list may come through a pipe, and a pipe may stand in a list.
    fs::write(scene.path("list.txt"), format!("{first}\n{second}\n")).unwrap();
    succeed(&scene, "list.txt", &train(&["@-"], "list.npz"));
    succeed(&scene, &first, &train(&[&first, &second], "both.npz"));
    let [list, both] = ["list.npz", "both.npz"].map(|name| fs::read(scene.path(name)).unwrap());
    assert!(list == both);
}

#[test]
fn score_reads_pipes_as_it_reads_files() {
    let scene = Scene::new();
    let copy = |name: &str, samples: &[f64]| {
        let encoding = dsp::wav::Encoding::Float32;
        dsp::wav::write(scene.path(name), samples, synth::SAMPLE_RATE_HZ, encoding).unwrap();
    };
    let mixture = scene.mixture();
    let estimate: Vec<f64> = mixture
        .iter()
        .zip(&scene.speech)
        .map(|(x, s)| 0.2 * x + 0.3 * s)
        .collect();
    copy("reference.wav", &scene.speech);
    copy("estimate.wav", &estimate);
    let score = |[reference, estimate, mixture]: [&'static str; 3], out: &'static str| {
        let museval = match out {
            "file.json" => "file.museval.json",
            _ => "pipe.museval.json",
        };
        [
            ["score", "--reference", reference, "--estimate", estimate],
            ["--mixture", mixture, "--json", out, "--museval"],
        ]
        .concat()
        .into_iter()
        .chain([museval])
        .collect::<Vec<&str>>()
    };
    let files = score(["reference.wav", "estimate.wav", "mix.wav"], "file.json");
    succeed(&scene, "estimate.wav", &files);
    let pipes = ["reference", "mixture"].map(|name| {
        let file = match name {
            "mixture" => "mix.wav",
            _ => "reference.wav",
        };
        Pipe::new(scene.folder.path(), name, file)
    });
    let arguments = score(["reference", "-", "mixture"], "pipe.json");
    succeed(&scene, "estimate.wav", &arguments);
    pipes.into_iter().for_each(Pipe::finish);
    for kind in ["json", "museval.json"] {
        let read = |name: &str| fs::read_to_string(scene.path(&format!("{name}.{kind}"))).unwrap();
        let piped = read("pipe").replace("\"estimate\": \"-\"", "\"estimate\": \"estimate\"");
        assert_eq!(read("file"), piped);
    }
}

#[test]
fn a_stream_is_given_once_and_called_by_its_name() {
    let scene = Scene::new();
    let twice = "can be read once";
    let score = ["score", "--reference", "-", "--estimate", "-"];
    assert!(fail(&scene, "mix.wav", &score, 2).contains(twice));
    let score = ["score", "--reference", "-", "--estimate", "/dev/stdin"];
    assert!(fail(&scene, "mix.wav", &score, 2).contains(twice));
    let mixed = [
        "score",
        "--reference",
        "mix.wav",
        "--estimate",
        "-",
        "--mixture",
        "-",
    ];
    assert!(fail(&scene, "mix.wav", &mixed, 2).contains(twice));

    fs::write(scene.path("text"), "no audio").unwrap();
    let not_audio = "standard input: not an audio file";
    for arguments in [
        &["train", "-", "--out", "x.npz"][..],
        &["separate", "-", "--speech", "speech.npz"],
        &["score", "--reference", "mix.wav", "--estimate", "-"],
    ] {
        let message = fail(&scene, "text", arguments, 1);
        assert!(message.contains(not_audio), "{arguments:?}: {message}");
    }
    let silence = dsp::wav::to_bytes(&[0.0; 9000], 16_000, dsp::wav::Encoding::Pcm16).unwrap();
    fs::write(scene.path("silence"), silence).unwrap();
    for command in ["train", "separate"] {
        let arguments = match command {
            "train" => ["train", "-", "--out", "x.npz"],
            _ => ["separate", "-", "--speech", "speech.npz"],
        };
        let message = fail(&scene, "silence", &arguments, 1);
        let expected = "standard input: every sample is zero";
        assert!(message.contains(expected), "{command}: {message}");
    }
    // A file may have that name, too: the shell's spelling tells them apart.
    fs::copy(scene.path("mix.wav"), scene.path("-")).unwrap();
    let arguments = [
        "separate",
        "./-",
        "--speech",
        "speech.npz",
        "--iterations",
        "2",
    ];
    let input = File::open(scene.path("text")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_vbnmf"));
    command.current_dir(scene.folder.path()).args(arguments);
    let output = command.stdin(input).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

/// As libsndfile does, what is there is read; but not in silence.
#[test]
fn recordings_that_were_cut_short_are_read_with_a_warning() {
    let scene = Scene::new();
    let whole = fs::read(scene.path("mix.wav")).unwrap();
    let samples = dsp::audio::read_mono(scene.path("mix.wav"))
        .unwrap()
        .samples;
    let cut = &whole[..whole.len() - 2001];
    fs::write(scene.path("cut.wav"), cut).unwrap();
    let found = dsp::audio::read_mono(scene.path("cut.wav"))
        .unwrap()
        .samples;
    let (promised, present) = (samples.len(), samples.len() - 501);
    assert_eq!(found, samples[..present]);

    let said = |name: &str| {
        format!(
            "{name}: cut short: the header promises {promised} samples, and {present} are there \
             and read\n"
        )
    };
    let out = ["--out", "stems"];
    let output = run(&scene, "mix.wav", &separate(&["cut.wav"], &out));
    assert!(output.status.success());
    // However often it is read.
    assert_eq!(
        stderr(&output).matches(&said("cut.wav")).count(),
        1,
        "{}",
        stderr(&output)
    );
    let output = run(
        &scene,
        "cut.wav",
        &separate(&["-"], &["--out", "stems of a pipe"]),
    );
    assert!(output.status.success());
    let message = stderr(&output);
    assert_eq!(
        message.matches(&said("standard input")).count(),
        1,
        "{message}"
    );
    assert_same_stems(&scene, "stems", "stems of a pipe");

    // A writer into a pipe, which leaves the length open, has promised nothing.
    let length_at = cut.windows(4).position(|name| name == b"data").unwrap() + 4;
    for length in [0, 0x7fff_f000, 0x8000_0000, u32::MAX] {
        let mut open = cut.to_vec();
        open[length_at..length_at + 4].copy_from_slice(&u32::to_le_bytes(length));
        fs::write(scene.path("open.wav"), open).unwrap();
        let output = run(
            &scene,
            "mix.wav",
            &separate(&["open.wav"], &["--out", "open", "--replace"]),
        );
        let message = stderr(&output);
        assert!(
            output.status.success() && !message.contains("cut short"),
            "{message}"
        );
    }
}
