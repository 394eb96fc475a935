//! `report` from a results folder to a page, and from broken folders to errors. Its behaviour in a
//! browser is tested in scripts/report_test.

mod common;

use std::fs;

use common::study::{METHODS, Study};
use common::{experiments, stderr};

/// A study with its results in `out`.
fn run(study: Study) -> Study {
    study.succeed(&["--out", "out"]);
    study
}

/// The page that is made of `out`.
fn page(study: &Study) -> String {
    let output = study.experiments(&["report", "out"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let page = fs::read_to_string(study.path("out/report.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>"));
    for loading in ["src=\"http", "href=\"http", "<link", "@import", "url("] {
        assert!(!page.contains(loading), "{loading}");
    }
    page
}

/// How many sounds, pictures and drawings a page holds.
fn media(page: &str) -> [usize; 3] {
    ["audio/wav", "image/png", "image/svg+xml"]
        .map(|kind| page.matches(&format!("src=\"data:{kind};base64,")).count())
}

#[test]
fn one_page_holds_everything_and_loads_nothing() {
    let study = run(Study::table1());
    let whole = page(&study);
    for part in [
        "<h2 id=\"claims\">",
        "VB selection &lt; fusion by mean",
        "Fig. 1",
        "tiny",
        "rustc 1.",
        "<dt>Seeds</dt><dd>7</dd>",
        "iterations = 5",
    ] {
        assert!(whole.contains(part), "{part}");
    }
    // Two examples, each signal heard and seen; the spectrograms and four figures.
    let signals = 3 + METHODS;
    assert_eq!(media(&whole), [2 * signals, 2 * signals + 1, 4]);

    // The same folder, the same page; less to listen to is a smaller one, elsewhere.
    let again = ["report", "out", "--out", "again.html"];
    assert!(study.experiments(&again).status.success());
    assert!(fs::read_to_string(study.path("again.html")).unwrap() == whole);
    let short = ["report", "out", "--out", "short.html", "--seconds", "0.1"];
    assert!(study.experiments(&short).status.success());
    assert!(fs::read(study.path("short.html")).unwrap().len() < whole.len());
}

#[test]
fn realmix_and_sweeps_have_the_same_page_with_what_they_have() {
    let realmix = page(&run(Study::realmix()));
    for part in [
        "<h2 id=\"claims\">",
        "<h2 id=\"orders\">",
        "mixtures of recordings",
        "speaker 3",
    ] {
        assert!(realmix.contains(part), "{part}");
    }
    // One example; the spectrograms and four figures.
    assert_eq!(media(&realmix), [3 + METHODS, 3 + METHODS + 1, 4]);
    // Those of one case, not of all.
    let drawn = "; 12 mixtures drawn from the model for each of 3 values of model.beta.";
    let recorded = "; 4 mixtures of recordings for each of 2 values of model.iterations.";
    for (study, mixtures) in [
        (Study::sweep(), drawn),
        (Study::recordings_sweep(), recorded),
    ] {
        let study = run(study);
        let sweep = page(&study);
        assert!(sweep.contains("<h2 id=\"cases\">") && !sweep.contains("<h2 id=\"claims\">"));
        for part in [
            "<h2 id=\"found\">",
            mixtures,
            "The highest SDR of a method that does not need the true speech: ",
            "VB fusion",
        ] {
            assert!(sweep.contains(part), "{part}");
        }
        assert_eq!(media(&sweep), [0, 0, 1]);
        // Figures are drawn from the tables.
        fs::remove_file(study.path("out/sweep.svg")).unwrap();
        assert!(page(&study) == sweep);
        fs::remove_file(study.path("out/summary.csv")).unwrap();
        let output = study.experiments(&["report", "out"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("out/summary.csv"));
    }
}

#[test]
fn figures_of_a_grid_are_told_apart() {
    let study = Study::sweep();
    let axes =
        "sweep.axis=[{key='model.iterations',values=[1,2]},{key='model.kappa',values=[0,1]}]";
    study.succeed(&["--out", "out", "--set", "sweep.seeds=[7]", "--set", axes]);
    let page = page(&study);
    assert_eq!(media(&page), [0, 0, 2]);
    for figure in ["Figure 1 of 2. ", "Figure 2 of 2. "] {
        assert_eq!(page.matches(&format!("<figcaption>{figure}")).count(), 1);
    }
}

#[test]
fn text_of_the_results_is_escaped() {
    let study = run(Study::table1());
    let manifest = study.path("out/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let hostile = text.replace("builtin", "<script>alert(1)</script>");
    fs::write(&manifest, hostile).unwrap();
    let page = page(&study);
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script>alert(1)"));
}

#[test]
fn a_page_is_made_without_what_a_run_may_lack() {
    let study = run(Study::table1());
    fs::remove_dir_all(study.path("out/audio")).unwrap();
    for name in ["timings.csv", "order_posterior.csv"] {
        fs::remove_file(study.path("out").join(name)).unwrap();
    }
    let page = page(&study);
    assert!(!page.contains("href=\"#listen\"") && page.contains("There are no times"));
    assert!(page.contains("There is nothing to listen to"));
    assert_eq!(media(&page), [0, 0, 2]);
}

#[test]
fn a_missing_or_broken_file_is_named_and_no_page_is_written() {
    let study = run(Study::table1());
    let out = study.path("out");
    let fails = |code: i32, parts: &[&str]| {
        let output = study.experiments(&["report", "out"]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        for part in parts {
            assert!(said.contains(part), "{part:?} is not in {said}");
        }
        let left: Vec<String> = common::files(&out).into_keys().collect();
        assert!(!left.iter().any(|name| name.contains("report")), "{left:?}");
    };
    let wav = "audio/mixture/order3_snr-3dB_seed7.wav";
    for name in [
        "table1.csv",
        "differences.csv",
        "effective_orders.csv",
        "examples.csv",
        "manifest.json",
        wav,
    ] {
        let path = out.join(name);
        let contents = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fails(1, &[name]);
        fs::write(&path, contents).unwrap();
    }
    let example = "seed,snr_db,true_order,signal,order,sdr_db,gain,file\n7,0,2,";
    let no_wav = format!("{example}mixture,,,1,table1.csv\n");
    let no_signal = format!("{example}hum,,,1,{wav}\n");
    let broken: [(&str, &str, &str); 9] = [
        ("manifest.json", "{", "EOF"),
        ("table1.csv", "a,b\n1,2\n", "the columns are a,b"),
        ("differences.csv", "method\n\"", "differences.csv"),
        ("timings.csv", "method\n\"", "timings.csv"),
        ("examples.csv", &no_wav, "out/table1.csv"),
        ("examples.csv", &no_signal, "`hum` is not a signal"),
        ("config.toml", "[model]\nbeta = -1.0\n", "`model.beta`"),
        ("config.toml", "[modle]\n", "unknown field `modle`"),
        (wav, "RIFF", "order3_snr-3dB_seed7.wav"),
    ];
    for (name, text, part) in broken {
        let path = out.join(name);
        let contents = fs::read(&path).unwrap();
        fs::write(&path, text).unwrap();
        fails(1, &[part]);
        fs::write(&path, contents).unwrap();
    }
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
    let study = run(Study::table1());
    let output = study.experiments(&["report", "out", "--out", "no/such/page.html"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no/such/page.html"));
}
