//! `figures`: the figures of a results folder are drawn anew from its tables, and are those that
//! the run drew.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::study::Study;
use common::{experiments, files, stderr};

/// The figures of a results folder, by name.
fn figures(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut figures = files(folder);
    figures.retain(|name, _| [".svg", ".pdf", ".png"].iter().any(|it| name.ends_with(it)));
    figures
}

/// All that is in a results folder besides; the lock says who used the folder last.
fn others(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut others = common::all_files(folder);
    let figures = figures(folder);
    others.retain(|name, _| name != "cells/lock" && !figures.contains_key(name));
    others
}

/// A study with its results in `out`.
fn run(study: Study) -> Study {
    study.succeed(&["--out", "out"]);
    study
}

/// Draws the figures of `out`, which are to be the ones that are said.
fn redraw(study: &Study, more: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let output = study.experiments(&[&["figures", "out"], more].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let drawn = figures(&study.path("out"));
    let said = String::from_utf8(output.stdout).unwrap();
    let mut said: Vec<&str> = said.lines().collect();
    said.sort_unstable();
    let expected: Vec<String> = drawn.keys().map(|name| format!("out/{name}")).collect();
    assert_eq!(said, expected);
    drawn
}

#[test]
fn figures_are_those_of_the_run() {
    let axes =
        "sweep.axis=[{key='model.iterations',values=[1,2]},{key='model.kappa',values=[0,1]}]";
    let grid = Study::sweep();
    grid.succeed(&["--out", "out", "--set", "sweep.seeds=[7]", "--set", axes]);
    let studies = [
        (run(Study::table1()), 13),
        (run(Study::realmix()), 13),
        (run(Study::sweep()), 3),
        (grid, 6),
    ];
    for (study, count) in studies {
        let whole = others(&study.path("out"));
        let of_run = figures(&study.path("out"));
        assert_eq!(of_run.len(), count, "{:?}", of_run.keys());
        for name in of_run.keys() {
            fs::write(study.path("out").join(name), "older").unwrap();
        }
        assert!(redraw(&study, &[]) == of_run);
        // Nothing else has changed.
        assert!(others(&study.path("out")) == whole);
    }
}

#[test]
fn looks_can_be_changed_and_the_configuration_stays() {
    let study = run(Study::table1());
    let config = fs::read(study.path("out/config.toml")).unwrap();
    let on_screen = figures(&study.path("out"));
    let on_paper = redraw(&study, &["--set", "figures.style=paper"]);
    assert!(on_paper.keys().eq(on_screen.keys()));
    for (name, figure) in &on_paper {
        assert!(*figure != on_screen[name], "{name}");
    }
    assert_eq!(fs::read(study.path("out/config.toml")).unwrap(), config);
    // They are those of a run that is configured so.
    study.succeed(&["--set", "figures.style=paper", "--out", "other"]);
    assert!(figures(&study.path("other")) == on_paper);
    // Without an option they are as the run was configured.
    assert!(redraw(&study, &[]) == on_screen);
}

#[test]
fn figures_can_go_to_a_folder_of_their_own_where_nothing_is_replaced() {
    let study = run(Study::table1());
    let before = common::all_files(&study.path("out"));
    let apart = ["figures", "out", "--out", "paper/figures"];
    let output = study.experiments(&[&apart[..], &["--set", "figures.style=paper"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(common::all_files(&study.path("out")) == before);
    let drawn = common::all_files(&study.path("paper/figures"));
    let on_paper = redraw(&study, &["--set", "figures.style=paper"]);
    assert!(drawn == on_paper);

    let again = study.experiments(&apart);
    assert_eq!(again.status.code(), Some(2));
    let said = stderr(&again);
    assert!(said.contains("paper/figures/fig1."), "{said}");
    assert!(said.contains("is there already"), "{said}");
    assert!(common::all_files(&study.path("paper/figures")) == drawn);

    let before = others(&study.path("out"));
    for (place, part) in [
        ("out", "holds the results of a run"),
        ("out/table1.csv", "is not a folder"),
    ] {
        let refused = study.experiments(&["figures", "out", "--out", place]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(stderr(&refused).contains(part), "{}", stderr(&refused));
    }
    assert!(others(&study.path("out")) == before);
}

/// The sizes of text in an SVG as they are shown, in points: the em in units of the drawing, times
/// the points that a unit has.
fn text_sizes(svg: &str) -> Vec<f64> {
    let number = |text: &str, before: &str| -> f64 {
        let (_, after) = text.split_once(before).unwrap();
        let end = after.find(|c: char| c != '.' && !c.is_ascii_digit());
        after[..end.unwrap()].parse().unwrap()
    };
    let shown = number(svg, "<svg width=\"");
    let drawn = number(svg, "viewBox=\"0 0 ");
    let texts = svg.split("<text ").skip(1);
    let mut sizes: Vec<f64> = texts
        .map(|text| number(text, "font-size=\"") * shown / drawn)
        .collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    sizes
}

#[test]
fn text_on_paper_has_8_points_everywhere() {
    for study in [Study::table1(), Study::realmix(), Study::sweep()] {
        study.succeed(&["--set", "figures.style=paper", "--out", "out"]);
        for (name, figure) in figures(&study.path("out")) {
            if name.ends_with(".svg") {
                let sizes = text_sizes(&String::from_utf8(figure).unwrap());
                assert!(!sizes.is_empty(), "{name}");
                for size in sizes {
                    assert!((size - 8.0).abs() < 0.05, "{name}: {size} pt");
                }
            }
        }
    }
}

#[test]
fn committed_results_are_redrawn_from_the_tables_that_they_have() {
    let study = run(Study::table1());
    let out = study.path("out");
    let of_run = figures(&out);
    for folder in ["audio", "cache", "cells"] {
        fs::remove_dir_all(out.join(folder)).unwrap();
    }
    for table in [
        "examples.csv",
        "order_posterior.csv",
        "effective_orders.csv",
    ] {
        fs::remove_file(out.join(table)).unwrap();
    }
    for name in of_run.keys() {
        fs::remove_file(out.join(name)).unwrap();
    }
    let drawn = redraw(&study, &[]);
    let names: Vec<&str> = drawn.keys().map(String::as_str).collect();
    let expected = [
        "fig1.pdf",
        "fig1.png",
        "fig1.svg",
        "free_energy.pdf",
        "free_energy.png",
        "free_energy.svg",
    ];
    assert_eq!(names, expected);
    assert!(names.iter().all(|&name| drawn[name] == of_run[name]));
    assert!(!out.join("cells").exists());
}

#[test]
fn what_cannot_be_drawn_is_named_and_nothing_is_replaced() {
    let study = run(Study::table1());
    let of_run = figures(&study.path("out"));
    let fails = |code: i32, arguments: &[&str], part: &str| {
        let output = study.experiments(&[&["figures"], arguments].concat());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(part), "{part:?} is not in {said}");
        assert!(figures(&study.path("out")) == of_run);
    };
    let looks = "only keys `figures.…` can be changed";
    fails(2, &["out", "--set", "model.kappa=1"], looks);
    fails(
        2,
        &["out", "--set", "figures.style=poster"],
        "`figures.style`",
    );
    fails(2, &["out", "--set", "figures.colour=1"], "figures.colour");
    fails(2, &["nowhere"], "nowhere: there is no such folder");
    for (name, text, part) in [
        ("table1.csv", "a,b\n", "out/table1.csv: the columns are a,b"),
        ("order_posterior.csv", "a,b\n", "out/order_posterior.csv"),
        ("free_energy.csv", "a,b\n", "out/free_energy.csv"),
        (
            "audio/mixture/order3_snr6dB_seed7.wav",
            "RIFF",
            "order3_snr6dB_seed7.wav",
        ),
    ] {
        let path = study.path("out").join(name);
        let contents = fs::read(&path).unwrap();
        fs::write(&path, text).unwrap();
        fails(1, &["out"], part);
        fs::write(&path, contents).unwrap();
    }
    // Tables of another study.
    let path = study.path("out/order_posterior.csv");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\n7,", "\n8,")).unwrap();
    fails(1, &["out"], "there is no trial 8,");
    fs::write(&path, text).unwrap();
    fs::remove_file(study.path("out/table1.csv")).unwrap();
    fails(1, &["out"], "out/table1.csv");
    fs::remove_file(study.path("out/config.toml")).unwrap();
    fails(2, &["out"], "does not hold the results of a run");
}

#[test]
fn arguments_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let output = experiments(folder.path(), &["figures"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("<DIR>"));
}
