//! Machines without what others have: locks of files, threads.

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use common::scene::Scene;
use common::stderr;
use common::study::Study;

/// No stack of this size can be mapped, as where the system allows no further thread.
const NO_THREADS: (&str, &str) = ("RUST_MIN_STACK", "70368744177664");

#[test]
fn every_command_works_without_threads() {
    let study = Study::table1();
    study.succeed(&["--out", "free"]);
    let mut command = study.command(&["--out", "alone", "--jobs", "2"]);
    let output = command.env(NO_THREADS.0, NO_THREADS.1).output().unwrap();
    let message = stderr(&output);
    assert!(output.status.success(), "{message}");
    assert!(message.contains("all is done by one"), "{message}");
    study.assert_same("free", "alone");

    let scene = Scene::new();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vbnmf"));
        command.current_dir(scene.folder.path()).args(arguments);
        let output = command.env(NO_THREADS.0, NO_THREADS.1).output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            stderr(&output)
        );
    };
    let (iterations, out) = (["--iterations", "3"], ["--orders", "2", "--out"]);
    let train =
        |name: &'static str| [&["train", "speech"], &iterations[..], &out, &[name]].concat();
    run(&train("alone.npz"));
    let output = common::experiments(scene.folder.path(), &train("free.npz"));
    assert!(output.status.success(), "{}", stderr(&output));
    let [alone, free] = ["alone.npz", "free.npz"].map(|name| fs::read(scene.path(name)).unwrap());
    assert!(alone == free);
    run(&[
        &["separate", "mix.wav", "--speech", "speech.npz"],
        &iterations[..],
    ]
    .concat());
}

/// A library that answers every request for a lock as a file system without locks does.
#[cfg(target_os = "linux")]
fn without_locks(folder: &std::path::Path, error: &str) -> Option<PathBuf> {
    let source = folder.join("no_locks.c");
    let code = format!(
        "#include <errno.h>\nint flock(int file, int how) {{ errno = {error}; return -1; }}\n"
    );
    fs::write(&source, code).unwrap();
    let library = folder.join(format!("{error}.so"));
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source);
    compiler.status().ok()?.success().then_some(library)
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_system_without_locks_is_enough_and_that_is_said() {
    let study = Study::table1();
    study.succeed(&["--out", "locked"]);
    for error in ["ENOLCK", "ENOSYS", "EOPNOTSUPP"] {
        let library = without_locks(study.folder(), error).expect("a C compiler, as linking needs");
        let mut command = study.command(&["--out", error]);
        let output = command.env("LD_PRELOAD", &library).output().unwrap();
        let message = stderr(&output);
        assert!(output.status.success(), "{error}: {message}");
        assert!(message.contains("cannot lock"), "{error}: {message}");
        study.assert_same("locked", error);
        let merged = format!("{error}-merged");
        let merge = ["merge", error, "--out", &merged];
        let mut command = Command::new(env!("CARGO_BIN_EXE_vbnmf"));
        command.current_dir(study.folder()).args(merge);
        let output = command.env("LD_PRELOAD", &library).output().unwrap();
        assert!(output.status.success(), "{error}: {}", stderr(&output));
    }
    let scene = Scene::new();
    let library = without_locks(scene.folder.path(), "ENOLCK").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_vbnmf"));
    let separate = [
        "separate",
        "mix.wav",
        "--speech",
        "speech.npz",
        "--iterations",
        "2",
    ];
    command.current_dir(scene.folder.path()).args(separate);
    let output = command.env("LD_PRELOAD", &library).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}
