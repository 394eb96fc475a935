//! Outputs of the tools never destroy anything: inputs, files of others, devices, pipes, links.

mod common;

use std::fs;
use std::process::{Command, Output, Stdio};

use common::scene::Scene;
use common::study::Study;
use common::{experiments, stderr};

/// The message of a command that is refused, after which every file is as it was.
fn refused(scene: &Scene, arguments: &[&str], code: i32, words: &[&str]) {
    let before = common::all_files(scene.folder.path());
    let output = experiments(scene.folder.path(), arguments);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    for word in words {
        assert!(message.contains(word), "{arguments:?}: {message}");
    }
    let after = common::all_files(scene.folder.path());
    assert!(before == after, "{arguments:?} changed files");
}

fn score<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [
        &["score", "--reference", "mix.wav", "--estimate", "copy.wav"],
        more,
    ]
    .concat()
}

#[test]
fn no_output_replaces_what_this_program_did_not_write() {
    let scene = Scene::new();
    fs::copy(scene.path("mix.wav"), scene.path("copy.wav")).unwrap();
    fs::write(scene.path("notes.json"), "{\"made_with\": \"love\"}").unwrap();
    fs::write(scene.path("table.csv"), "target,value\n1,2\n").unwrap();
    let names: Vec<String> = common::files(&scene.path("speech")).into_keys().collect();
    let [first, second] = [0, 1].map(|index| format!("speech/{}", names[index]));

    // The value of --out was forgotten: the shell gave it the first recording.
    let train = ["train", "--orders", "2", "--out", &first, &second];
    refused(&scene, &train, 2, &[&first, "--out", "not replaced"]);
    let train = ["train", "--orders", "2", "--out", &first, "speech"];
    refused(&scene, &train, 2, &[&first, "is the input"]);
    // Under other spellings it is the same file.
    let spelled = format!("speech/../{first}");
    let train = ["train", "--orders", "2", "--out", &spelled, &first];
    refused(&scene, &train, 2, &["is the input"]);
    fs::hard_link(scene.path("mix.wav"), scene.path("link.csv")).unwrap();
    refused(
        &scene,
        &score(&["--csv", "link.csv"]),
        2,
        &["link.csv", "is the input mix.wav"],
    );
    refused(
        &scene,
        &score(&["--csv", "mix.wav"]),
        2,
        &["mix.wav (--csv)"],
    );
    refused(
        &scene,
        &score(&["--json", "copy.wav"]),
        2,
        &["copy.wav (--json)"],
    );
    refused(
        &scene,
        &score(&["--json", "notes.json"]),
        2,
        &["notes.json (--json)"],
    );
    refused(
        &scene,
        &score(&["--csv", "table.csv"]),
        2,
        &["table.csv (--csv)"],
    );
    refused(
        &scene,
        &score(&["--csv", "speech.npz"]),
        2,
        &["speech.npz (--csv)"],
    );
    refused(&scene, &score(&["--csv", "speech"]), 2, &["is a folder"]);
    refused(
        &scene,
        &score(&["--csv", "a", "--json", "./a"]),
        2,
        &["is the same as ./a (--json)"],
    );
    // What it did write is replaced, kind by kind.
    for _ in 0..2 {
        let output = experiments(
            scene.folder.path(),
            &score(&["--csv", "s.csv", "--json", "s.json"]),
        );
        assert!(output.status.success(), "{}", stderr(&output));
    }
    refused(&scene, &score(&["--csv", "s.json"]), 2, &["s.json (--csv)"]);
    assert!(scene.train(&["--out", "speech.npz"]).status.success());
}

#[test]
fn places_that_cannot_be_written_are_found_before_the_work() {
    let scene = Scene::new();
    fs::copy(scene.path("mix.wav"), scene.path("copy.wav")).unwrap();
    // Ten million iterations would never end.
    let train = [
        "train",
        "speech",
        "--iterations",
        "1000000",
        "--out",
        "missing/x.npz",
    ];
    refused(&scene, &train, 1, &["missing/x.npz", "there is no folder"]);
    let train = [
        "train",
        "speech",
        "--iterations",
        "1000000",
        "--out",
        "mix.wav/x.npz",
    ];
    refused(&scene, &train, 1, &["mix.wav/x.npz", "cannot write"]);
    refused(
        &scene,
        &score(&["--csv", "missing/s.csv"]),
        1,
        &["missing/s.csv"],
    );
    let separate = [
        "separate",
        "mix.wav",
        "--speech",
        "speech.npz",
        "--iterations",
        "1000000",
        "--out",
        "copy.wav/below",
    ];
    refused(&scene, &separate, 1, &["copy.wav/below", "cannot write"]);
    let mut separate = separate;
    separate[7] = "copy.wav";
    refused(&scene, &separate, 2, &["copy.wav (--out)", "not a folder"]);
}

#[test]
fn stems_never_replace_a_recording_or_a_true_source() {
    let scene = Scene::new();
    // The recording itself is called like a stem.
    fs::copy(scene.path("mix.wav"), scene.path("speech.wav")).unwrap();
    let separate = |recording: &'static str, out: &'static str| {
        [
            "separate",
            recording,
            "--speech",
            "speech.npz",
            "--iterations",
            "2",
            "--out",
            out,
        ]
    };
    refused(
        &scene,
        &separate("speech.wav", "."),
        2,
        &["speech.wav", "is the input"],
    );
    // The true source lies beside the mixture.
    fs::create_dir(scene.path("g")).unwrap();
    fs::copy(scene.path("mix.wav"), scene.path("g/mix.wav")).unwrap();
    common::write_background(&scene.path("g"), 1.0);
    fs::rename(
        scene.path("g/living room.wav"),
        scene.path("g/background.wav"),
    )
    .unwrap();
    let words = ["g/background.wav", "no stem that this program wrote"];
    refused(&scene, &separate("g/mix.wav", "g"), 2, &words);
    // A report that somebody else wrote.
    fs::create_dir(scene.path("h")).unwrap();
    fs::write(scene.path("h/separation.json"), "{\"mine\": 1}").unwrap();
    refused(
        &scene,
        &separate("mix.wav", "h"),
        2,
        &["h/separation.json", "no report"],
    );
}

#[test]
fn stems_of_another_recording_stay_and_stale_ones_go() {
    let scene = Scene::new();
    let other: Vec<f64> = scene.mixture().iter().map(|x| 0.5 * x).collect();
    dsp::wav::write(
        scene.path("other.wav"),
        &other,
        16_000,
        dsp::wav::Encoding::Pcm16,
    )
    .unwrap();
    scene.separated(&["mix.wav", "--speech", "speech.npz", "--out", "out"]);
    let other = [
        "separate",
        "other.wav",
        "--speech",
        "speech.npz",
        "--iterations",
        "2",
        "--out",
    ];
    let words = ["out (--out)", "another recording, mix.wav", "--replace"];
    refused(&scene, &[&other[..], &["out"]].concat(), 2, &words);
    scene.separated(&[
        "other.wav",
        "--speech",
        "speech.npz",
        "--out",
        "out",
        "--replace",
    ]);
    assert_eq!(scene.report("out")["mixture"]["file"], "other.wav");

    // Other sources of the same recording: none of those before is left.
    let sources = [
        "other.wav",
        "--source",
        "voice=speech.npz",
        "--no-background",
        "--out",
        "out",
    ];
    scene.separated(&sources);
    let names: Vec<String> = common::files(&scene.path("out")).into_keys().collect();
    assert_eq!(names, ["separation.json", "voice.wav"]);

    // A stem that somebody has changed is no longer this program's.
    fs::write(scene.path("out/voice.wav"), "edited").unwrap();
    let words = ["out/voice.wav", "was changed"];
    refused(
        &scene,
        &[&other[..], &["out", "--replace"]].concat(),
        2,
        &words,
    );
}

#[cfg(unix)]
#[test]
fn links_pipes_and_devices_stay_what_they_are() {
    use std::os::unix::fs::{FileTypeExt, symlink};
    let scene = Scene::new();
    fs::copy(scene.path("mix.wav"), scene.path("copy.wav")).unwrap();
    let run = |arguments: &[&str]| -> Output {
        let output = experiments(scene.folder.path(), arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            stderr(&output)
        );
        output
    };
    run(&score(&["--csv", "plain.csv", "--json", "plain.json"]));
    let [csv, json] = ["plain.csv", "plain.json"].map(|name| fs::read(scene.path(name)).unwrap());

    fs::create_dir(scene.path("elsewhere")).unwrap();
    symlink("elsewhere/target.csv", scene.path("link.csv")).unwrap();
    for _ in 0..2 {
        run(&score(&["--csv", "link.csv"]));
        assert!(
            fs::symlink_metadata(scene.path("link.csv"))
                .unwrap()
                .is_symlink()
        );
        assert_eq!(fs::read(scene.path("elsewhere/target.csv")).unwrap(), csv);
    }

    let made = Command::new("mkfifo")
        .arg(scene.path("pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    let mut reader = Command::new("cat");
    let reader = reader
        .arg(scene.path("pipe"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    run(&score(&["--csv", "pipe"]));
    assert_eq!(reader.wait_with_output().unwrap().stdout, csv);
    assert!(
        fs::symlink_metadata(scene.path("pipe"))
            .unwrap()
            .file_type()
            .is_fifo()
    );

    // Standard output holds the file alone, so that the next program can read it.
    assert_eq!(run(&score(&["--json", "/dev/stdout"])).stdout, json);
    assert_eq!(run(&score(&["--json", "-"])).stdout, json);
    let file = fs::File::create(scene.path("redirected")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_vbnmf"));
    command
        .current_dir(scene.folder.path())
        .args(score(&["--json", "redirected"]));
    assert!(command.stdout(file).status().unwrap().success());
    assert_eq!(fs::read(scene.path("redirected")).unwrap(), json);

    // A node that swallows everything; only root may make one.
    let node = scene.path("node");
    let made = Command::new("mknod")
        .arg(&node)
        .args(["c", "1", "3"])
        .output()
        .unwrap();
    if made.status.success() {
        run(&score(&["--csv", "node"]));
        assert!(
            fs::symlink_metadata(&node)
                .unwrap()
                .file_type()
                .is_char_device()
        );
    }
}

#[test]
fn results_and_pages_replace_only_results_and_pages() {
    let study = Study::table1();
    study.succeed(&["--out", "out"]);
    let refused = |arguments: &[&str], words: &[&str]| {
        let before = common::all_files(study.folder());
        let output = study.experiments(arguments);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        for word in words {
            assert!(message.contains(word), "{arguments:?}: {message}");
        }
        assert!(common::all_files(study.folder()) == before, "{arguments:?}");
    };
    fs::write(study.path("mine.html"), "<!DOCTYPE html><p>mine").unwrap();
    for out in [
        "out/config.toml",
        "out/table1.csv",
        "study.toml",
        "mine.html",
    ] {
        let words = [out, "--out", "not replaced"];
        refused(&["report", "out", "--out", out], &words);
    }
    for _ in 0..2 {
        assert!(study.experiments(&["report", "out"]).status.success());
    }
    let page = fs::read(study.path("out/report.html")).unwrap();
    let output = study.experiments(&["report", "out", "--out", "-"]);
    assert!(output.stdout == page);

    // Somebody's own tables, where no run has been.
    fs::create_dir_all(study.path("mine/audio/mixture")).unwrap();
    fs::write(study.path("mine/table1.csv"), "mine").unwrap();
    fs::write(study.path("mine/notes.txt"), "mine").unwrap();
    let run = ["table1", "--config", "study.toml", "--out", "mine"];
    refused(&run, &["table1.csv", "no run wrote", "--force"]);
    refused(
        &["merge", "out", "--out", "mine"],
        &["table1.csv", "no run wrote"],
    );
    fs::remove_file(study.path("mine/table1.csv")).unwrap();
    assert!(study.experiments(&run).status.success());
    assert_eq!(
        fs::read_to_string(study.path("mine/notes.txt")).unwrap(),
        "mine"
    );
    assert!(study.experiments(&run).status.success());
}
