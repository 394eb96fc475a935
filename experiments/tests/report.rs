//! `report` from a results folder to a page, and from broken folders to errors. Its behaviour in a browser is tested in
//! scripts/report_test.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{experiments, stderr, table1};

/// A folder with the results of the tiny run in `out`.
fn run() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let output = table1(folder.path(), &["--out", "out"]);
    assert!(output.status.success(), "{}", stderr(&output));
    folder
}

fn some_wav(out: &Path) -> PathBuf {
    let mut paths: Vec<PathBuf> = fs::read_dir(out.join("audio"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths[0].clone()
}

#[test]
fn one_page_holds_everything_and_loads_nothing() {
    let folder = run();
    let output = experiments(folder.path(), &["report", "out"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let page = fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>"));
    for part in [
        "<h2 id=\"claims\">",
        "VB selection &lt; fusion by mean",
        "Fig. 1",
        "tiny",
        "rustc 1.",
        "iterations = 5",
    ] {
        assert!(page.contains(part), "{part}");
    }
    // Two examples of six signals, each heard and seen; four figures.
    assert_eq!(page.matches("src=\"data:audio/wav;base64,").count(), 2 * 6);
    assert_eq!(
        page.matches("src=\"data:image/png;base64,").count(),
        2 * 6 + 1
    );
    assert_eq!(page.matches("src=\"data:image/svg+xml;base64,").count(), 3);
    for loading in ["src=\"http", "href=\"http", "<link", "@import", "url("] {
        assert!(!page.contains(loading), "{loading}");
    }

    // The same folder, the same page; less to listen to is a smaller one, elsewhere.
    assert!(
        experiments(folder.path(), &["report", "out", "--out", "again.html"])
            .status
            .success()
    );
    assert!(fs::read_to_string(folder.path().join("again.html")).unwrap() == page);
    let short = ["report", "out", "--out", "short.html", "--seconds", "0.1"];
    assert!(experiments(folder.path(), &short).status.success());
    assert!(fs::read(folder.path().join("short.html")).unwrap().len() < page.len());
}

#[test]
fn text_of_the_results_is_escaped() {
    let folder = run();
    let manifest = folder.path().join("out/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(
        &manifest,
        text.replace("builtin", "<script>alert(1)</script>"),
    )
    .unwrap();
    assert!(
        experiments(folder.path(), &["report", "out"])
            .status
            .success()
    );
    let page = fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script>alert(1)"));
}

#[test]
fn without_the_audio_there_is_nothing_to_listen_to() {
    let folder = run();
    fs::remove_dir_all(folder.path().join("out/audio")).unwrap();
    assert!(
        experiments(folder.path(), &["report", "out"])
            .status
            .success()
    );
    let page = fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(!page.contains("data:audio") && !page.contains("href=\"#listen\""));
}

#[test]
fn a_missing_or_broken_file_is_named_and_no_page_is_written() {
    let folder = run();
    let out = folder.path().join("out");
    let wav = some_wav(&out);
    let fails = |code: i32, parts: &[&str]| {
        let output = experiments(folder.path(), &["report", "out"]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        for part in parts {
            assert!(said.contains(part), "{part:?} is not in {said}");
        }
        let left: Vec<_> = fs::read_dir(&out)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name.contains("report"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    };
    for name in [
        "table1.csv",
        "differences.csv",
        "effective_orders.csv",
        "timings.csv",
        "examples.csv",
        "manifest.json",
        "fig1.svg",
        "order_posterior.svg",
        &wav.strip_prefix(&out).unwrap().to_string_lossy(),
    ] {
        let path = out.join(name);
        let contents = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fails(1, &[name]);
        fs::write(&path, contents).unwrap();
    }
    let broken: [(&str, &str, &[&str]); 6] = [
        ("manifest.json", "{", &["manifest.json", "EOF"]),
        (
            "table1.csv",
            "a,b\n1,2\n",
            &["table1.csv", "missing field `method`"],
        ),
        ("differences.csv", "method\n\"", &["differences.csv"]),
        (
            "examples.csv",
            "snr_db,true_order,signal,order,sdr_db,gain,file\n0,2,sound,,,1,table1.csv\n",
            &["table1.csv", "WAV"],
        ),
        (
            "config.toml",
            "[model]\nbeta = -1.0\n",
            &["config.toml", "`model.beta`"],
        ),
        (
            "config.toml",
            "[modle]\n",
            &["config.toml", "unknown field `modle`"],
        ),
    ];
    for (name, text, parts) in broken {
        let path = out.join(name);
        let contents = fs::read(&path).unwrap();
        fs::write(&path, text).unwrap();
        fails(1, parts);
        fs::write(&path, contents).unwrap();
    }
    let contents = fs::read(&wav).unwrap();
    fs::write(&wav, &contents[..30]).unwrap();
    let name = wav.file_name().unwrap().to_string_lossy().into_owned();
    fails(1, &[&name]);
    fs::write(&wav, contents).unwrap();

    fs::remove_file(out.join("config.toml")).unwrap();
    fails(
        2,
        &["does not hold the results of a run: config.toml is missing"],
    );
}

#[test]
fn arguments_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str); 3] = [
        (&["report", "nowhere"], "nowhere: there is no such folder"),
        (
            &["report", "out", "--seconds", "0"],
            "allowed are numbers from 0.1 to 600",
        ),
        (&["report"], "<DIR>"),
    ];
    for (arguments, message) in cases {
        let output = experiments(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
}

#[test]
fn a_page_that_cannot_be_written_is_an_error() {
    let folder = run();
    let output = experiments(
        folder.path(),
        &["report", "out", "--out", "no/such/page.html"],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no/such/page.html"));
}

#[test]
fn a_sweep_has_a_page_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("beta");
    fs::create_dir(&out).unwrap();
    for (name, text) in [
        ("config.toml", "[sweep]\nname = \"beta\"\n"),
        ("sweep.csv", "beta,sdr\n1,2\n"),
        ("sweep.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        ("summary.csv", "beta,mean_db\n1,2.5\n"),
    ] {
        fs::write(out.join(name), text).unwrap();
    }
    let output = experiments(folder.path(), &["report", "beta"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Sweep: beta") && page.contains("2.5"));
    fs::remove_file(out.join("sweep.svg")).unwrap();
    let output = experiments(folder.path(), &["report", "beta"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("sweep.svg"));
}
