//! `verify`: runs against runs, and against the paper.

mod common;

use std::fs;
use std::path::Path;
use std::process::Output;

use common::{experiments, stderr, table1};

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

#[test]
fn a_run_is_compared_number_by_number() {
    let folder = tempfile::tempdir().unwrap();
    assert!(table1(folder.path(), &["--out", "out"]).status.success());
    let (out, reference) = (folder.path().join("out"), folder.path().join("reference"));
    copy(&out, &reference);
    let verify = |more: &[&str]| {
        let fixed = ["verify", "out", "--against", "reference"];
        experiments(folder.path(), &[&fixed[..], more].concat())
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
    let folder = tempfile::tempdir().unwrap();
    assert!(table1(folder.path(), &["--out", "out"]).status.success());
    let verify = || experiments(folder.path(), &["verify", "out"]);
    let without = verify();
    assert_eq!(without.status.code(), Some(2));
    assert!(stderr(&without).contains("results/reference/tiny is not a folder"));
    copy(
        &folder.path().join("out"),
        &folder.path().join("results/reference/tiny"),
    );
    assert!(verify().status.success());
}

#[test]
fn the_papers_claims_are_judged() {
    let folder = tempfile::tempdir().unwrap();
    assert!(table1(folder.path(), &["--out", "out"]).status.success());
    let verify = || experiments(folder.path(), &["verify", "out", "--against", "paper"]);
    // Two true orders, five iterations: whatever comes out, it is said.
    assert!([Some(0), Some(4)].contains(&verify().status.code()));

    // Numbers like the paper's.
    const HEADER: &str =
        "method,baseline,snr_db,metric,mean_db,ci95_low_db,ci95_high_db,p_value,effect_size,n\n";
    let differences = |first: &str| {
        let rows = [
            "vb_fusion,fusion_by_mean,average,sdr,0.27,0.1,0.4,0.01,1.0,42",
            "oracle_selection,vb_fusion,average,sdr,0.28,0.2,0.4,0.01,1.0,42",
            "fusion_by_mean,vb_selection,average,sdr,0.25,0.1,0.4,0.01,1.0,42",
        ];
        let text = format!("{HEADER}{first}\n{}\n", rows.join("\n"));
        fs::write(folder.path().join("out/differences.csv"), text).unwrap();
    };
    let times = "method,seconds,fastest_seconds,repetitions,threads,snr_db,true_order\n\
                 vb_selection,2.9,2.85,5,2,3,2\nvb_fusion,1,1,5,2,3,2\n";
    fs::write(folder.path().join("out/timings.csv"), times).unwrap();
    differences("vb_fusion,vb_selection,average,sdr,0.52,0.3,0.7,0.01,1.0,42");
    let held = verify();
    assert_eq!(held.status.code(), Some(0), "{}", stdout(&held));
    let text = stdout(&held);
    assert_eq!(
        text.matches("| held").count() + text.matches(" held |").count(),
        7,
        "{text}"
    );

    differences("vb_fusion,vb_selection,average,sdr,0.1,-0.3,0.7,0.01,1.0,42");
    let undecided = verify();
    assert_eq!(undecided.status.code(), Some(0));
    assert!(stdout(&undecided).contains("undecided"));
    differences("vb_fusion,vb_selection,average,sdr,-0.2,-0.3,-0.1,0.01,1.0,42");
    let not_held = verify();
    assert_eq!(not_held.status.code(), Some(4));
    assert!(stdout(&not_held).contains("not held"));
}

#[test]
fn a_sweeps_tables_are_compared_too() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in [("a", "1.0"), ("b", "1.0"), ("c", "1.5")] {
        let out = folder.path().join(name);
        fs::create_dir(&out).unwrap();
        fs::write(out.join("config.toml"), "[axes]\nbeta = [1, 10]\n").unwrap();
        fs::write(out.join("sweep.csv"), format!("beta,mean_db\n1,{value}\n")).unwrap();
    }
    let verify = |run| experiments(folder.path(), &["verify", run, "--against", "a"]);
    assert!(verify("b").status.success());
    let differs = verify("c");
    assert_eq!(differs.status.code(), Some(4));
    assert!(stdout(&differs).contains("sweep.csv: line 2, `mean_db`: \"1.5\" instead of \"1.0\""));
}

#[test]
fn what_cannot_be_compared_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (name, config) in [
        (
            "run",
            "[experiment]\nname = \"x\"\nseed = 1\n[corpus]\nroot = \"here\"\n",
        ),
        (
            "moved",
            "[experiment]\nname = \"x\"\nseed = 1\n[corpus]\nroot = \"there\"\n",
        ),
        (
            "other",
            "[experiment]\nname = \"x\"\nseed = 2\n[corpus]\nroot = \"here\"\n",
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
