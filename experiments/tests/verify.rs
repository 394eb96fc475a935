//! `verify`: runs against runs, and against the paper.

mod common;

use std::fs;
use std::path::Path;
use std::process::Output;

use common::study::{Study, results};
use common::{experiments, stderr};

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn copy(from: &Path, to: &Path) {
    for (name, contents) in results(from) {
        let path = to.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
}

#[test]
fn a_run_is_compared_number_by_number() {
    let study = Study::table1();
    study.succeed(&["--out", "out"]);
    let (out, reference) = (study.path("out"), study.path("reference"));
    copy(&out, &reference);
    let verify = |more: &[&str]| {
        let fixed = ["verify", "out", "--against", "reference"];
        study.experiments(&[&fixed[..], more].concat())
    };
    let same = verify(&[]);
    assert_eq!(same.status.code(), Some(0), "{}", stderr(&same));
    assert!(stdout(&same).contains("| observations.csv "));
    assert!(!stdout(&same).contains("timings.csv"));

    // Times, the manifest and what is made for people may differ.
    for name in ["timings.csv", "manifest.json", "table1.md", "fig1.svg"] {
        fs::write(out.join(name), "another").unwrap();
    }
    assert!(verify(&[]).status.success());

    let table = fs::read_to_string(out.join("table1.csv")).unwrap();
    let line = table.lines().nth(1).unwrap();
    let mut fields: Vec<String> = line.split(',').map(str::to_owned).collect();
    let mean: f64 = fields[3].parse().unwrap();
    let mut change = |by: f64| {
        fields[3] = format!("{:.6}", mean + by);
        fs::write(
            out.join("table1.csv"),
            table.replacen(line, &fields.join(","), 1),
        )
        .unwrap();
    };
    change(1e-6);
    assert!(verify(&[]).status.success());
    change(1e-3);
    let differs = verify(&[]);
    assert_eq!(differs.status.code(), Some(4));
    assert!(
        stdout(&differs).contains("table1.csv: line 2, `mean_db`:"),
        "{}",
        stdout(&differs)
    );
    assert!(stdout(&differs).contains("1 difference"));
    assert!(verify(&["--tolerance", "0.5"]).status.success());

    fs::remove_file(out.join("table1.csv")).unwrap();
    let missing = verify(&[]);
    assert_eq!(missing.status.code(), Some(4));
    assert!(stdout(&missing).contains("table1.csv: is missing"));
}

#[test]
fn without_against_the_committed_run_of_that_name_is_taken() {
    let study = Study::table1();
    study.succeed(&["--out", "out"]);
    let verify = || study.experiments(&["verify", "out"]);
    let without = verify();
    assert_eq!(without.status.code(), Some(2));
    assert!(stderr(&without).contains("results/reference/tiny is not a folder"));
    copy(&study.path("out"), &study.path("results/reference/tiny"));
    assert!(verify().status.success());
}

#[test]
fn the_papers_claims_are_judged() {
    let study = Study::table1();
    study.succeed(&["--out", "out"]);
    let verify = || study.experiments(&["verify", "out", "--against", "paper"]);
    // Two true orders, five iterations: whatever comes out, it is said.
    assert!([Some(0), Some(4)].contains(&verify().status.code()));

    // Numbers like the paper's.
    const HEADER: &str = "method,baseline,snr_db,metric,mean_db,ci95_low_db,ci95_high_db,p_value,\
                          effect_size,units,trials\n";
    let differences = |first: &str| {
        let rows = [
            "vb_fusion,fusion_by_mean,,sdr,0.27,0.1,0.4,0.01,1.0,7,42",
            "oracle_selection,vb_fusion,,sdr,0.28,0.2,0.4,0.01,1.0,7,42",
            "fusion_by_mean,vb_selection,,sdr,0.25,0.1,0.4,0.01,1.0,7,42",
        ];
        let text = format!("{HEADER}{first}\n{}\n", rows.join("\n"));
        fs::write(study.path("out/differences.csv"), text).unwrap();
    };
    let times = "method,seconds,fastest_seconds,repetitions,threads\n\
                 vb_selection,2.9,2.85,5,2\nvb_fusion,1,1,5,2\n";
    fs::write(study.path("out/timings.csv"), times).unwrap();
    differences("vb_fusion,vb_selection,,sdr,0.52,0.3,0.7,0.01,1.0,7,42");
    let held = verify();
    assert_eq!(held.status.code(), Some(0), "{}", stdout(&held));
    let text = stdout(&held);
    assert_eq!(
        text.matches("| held").count() + text.matches(" held |").count(),
        7,
        "{text}"
    );

    differences("vb_fusion,vb_selection,,sdr,0.1,-0.3,0.7,0.01,1.0,7,42");
    let undecided = verify();
    assert_eq!(undecided.status.code(), Some(0));
    assert!(stdout(&undecided).contains("undecided"));
    differences("vb_fusion,vb_selection,,sdr,-0.2,-0.3,-0.1,0.01,1.0,7,42");
    let not_held = verify();
    assert_eq!(not_held.status.code(), Some(4));
    assert!(stdout(&not_held).contains("not held"));
}

#[test]
fn sweeps_and_realmix_are_compared_too_and_realmix_is_judged() {
    for study in [Study::sweep(), Study::realmix()] {
        study.succeed(&["--out", "out"]);
        copy(&study.path("out"), &study.path("copy"));
        let verify = |against| study.experiments(&["verify", "copy", "--against", against]);
        assert!(verify("out").status.success());
        let summary = study.path("copy/summary.csv");
        let text = fs::read_to_string(&summary).unwrap();
        fs::write(&summary, text.replacen(",sdr,", ",sir,", 1)).unwrap();
        let differs = verify("out");
        assert_eq!(differs.status.code(), Some(4));
        let difference = "summary.csv: line 2 of the reference is missing: ";
        assert!(
            stdout(&differs).contains(difference),
            "{}",
            stdout(&differs)
        );
        let judged = verify("paper");
        assert!([Some(0), Some(4)].contains(&judged.status.code()));
        assert!(stdout(&judged).contains("VB fusion is better than VB selection"));
    }
}

#[test]
fn what_cannot_be_compared_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (name, config) in [
        (
            "run",
            "[experiment]\nname = \"x\"\nseed = 1\n[corpus]\nkind = \"chime\"\nroot = \"here\"\n",
        ),
        (
            "moved",
            "[experiment]\nname = \"x\"\nseed = 1\n[corpus]\nkind = \"chime\"\nroot = \"there\"\n",
        ),
        (
            "other",
            "[experiment]\nname = \"x\"\nseed = 2\n[corpus]\nkind = \"chime\"\nroot = \"here\"\n",
        ),
        ("empty", ""),
        ("broken", "= 1"),
    ] {
        let out = folder.path().join(name);
        fs::create_dir(&out).unwrap();
        fs::write(out.join("config.toml"), config).unwrap();
        if name != "empty" {
            fs::write(out.join("table1.csv"), "a\n1\n").unwrap();
        }
    }
    fs::create_dir(folder.path().join("nothing")).unwrap();
    let verify =
        |arguments: &[&str]| experiments(folder.path(), &[&["verify"], arguments].concat());
    assert!(verify(&["run", "--against", "moved"]).status.success());
    let cases: [(&[&str], i32, &str); 9] = [
        (&["nowhere"], 2, "nowhere: there is no such folder"),
        (
            &["run", "--against", "nowhere"],
            2,
            "nowhere: there is no such folder",
        ),
        (
            &["nothing"],
            2,
            "nothing does not hold the results of a run",
        ),
        (&["broken", "--against", "run"], 1, "broken/config.toml"),
        (
            &["run", "--against", "other"],
            2,
            "experiment.seed: 2 there, 1 here",
        ),
        (
            &["empty", "--against", "empty"],
            2,
            "empty holds no table to compare with",
        ),
        (&["empty"], 2, "empty/config.toml has no experiment.name"),
        (&["run", "--against", "paper"], 1, "run/table1.csv"),
        (
            &["run", "--tolerance", "2"],
            2,
            "allowed are numbers from 0 to 1",
        ),
    ];
    for (arguments, code, message) in cases {
        let output = verify(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(message),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
}
