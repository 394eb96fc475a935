//! Runs that are killed, interrupted, spread over shards or run twice at once.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use common::runs::{assert_same, command, config, lines, records, run};
use common::{experiments, files, stderr};
use rand::RngExt;

fn start(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = command(folder, arguments);
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.spawn().unwrap()
}

/// Waits until a run has recorded something.
fn wait_for_records(out: &Path, child: &mut Child) {
    while lines(&records(out)) < 3 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        sleep(Duration::from_millis(2));
    }
}

#[test]
fn twenty_kills_change_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    config(folder.path());
    let output = run(folder.path(), &["--out", "whole"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let out = folder.path().join("out");
    let mut rng = synth::stream(1, "kills", &[]);
    let mut in_the_middle = 0;
    for _ in 0..20 {
        let mut child = start(folder.path(), &["--resume", "--out", "out"]);
        // A few records further on, or before the first, and then at any moment.
        let enough = lines(&records(&out)) + rng.random_range(0..5);
        while lines(&records(&out)) < enough && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(1));
        }
        sleep(Duration::from_millis(rng.random_range(0..20)));
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().unwrap();
        let done = lines(&records(&out));
        in_the_middle += usize::from(done > 0 && !out.join("config.toml").exists());
    }
    assert!(
        in_the_middle >= 10,
        "{in_the_middle} kills came between cells"
    );
    let output = run(folder.path(), &["--resume", "--out", "out"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_same(&folder.path().join("whole"), &out);
}

#[test]
fn an_unfinished_run_is_kept_and_one_folder_is_for_one_run() {
    let folder = tempfile::tempdir().unwrap();
    config(folder.path());
    let out = folder.path().join("out");
    let mut child = start(folder.path(), &["--out", "out"]);
    wait_for_records(&out, &mut child);
    let second = run(folder.path(), &["--resume", "--out", "out"]);
    assert_eq!(second.status.code(), Some(1));
    let said = stderr(&second);
    assert!(
        said.contains("another run (process ") && said.contains("--out"),
        "{said}"
    );
    child.kill().unwrap();
    child.wait().unwrap();

    let refused = run(folder.path(), &["--out", "out"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("unfinished run of this configuration: go on with --resume"));
    let other = run(folder.path(), &["--resume", "--seed", "8", "--out", "out"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(stderr(&other).contains("experiment.seed: 7 there, 8 here"));
    assert!(lines(&records(&out)) >= 3);
    let forced = run(folder.path(), &["--force", "--seed", "8", "--out", "out"]);
    assert!(forced.status.success(), "{}", stderr(&forced));
}

#[test]
fn a_finished_run_that_is_run_again_and_killed_is_not_discarded() {
    let folder = tempfile::tempdir().unwrap();
    config(folder.path());
    assert!(run(folder.path(), &["--out", "whole"]).status.success());
    assert!(run(folder.path(), &["--out", "out"]).status.success());
    let (whole, out) = (folder.path().join("whole"), folder.path().join("out"));
    let unfinished = out.join("cells/unfinished");
    assert!(!unfinished.exists());
    let mut child = start(folder.path(), &["--out", "out"]);
    // It discards the records of the first run, and has some of its own.
    while !(unfinished.exists() && (3..64).contains(&lines(&records(&out)))) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let done = lines(&records(&out));
    assert!((3..64).contains(&done), "{done}");
    // The tables are still those of the first run, and whoever reads them is told.
    assert_same(&whole, &out);
    let verify = experiments(folder.path(), &["verify", "out", "--against", "whole"]);
    let said = stderr(&verify);
    assert!(verify.status.success(), "{said}");
    assert_eq!(said.matches("holds an unfinished run").count(), 1, "{said}");

    let refused = run(folder.path(), &["--out", "out"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("unfinished run of this configuration: go on with --resume"));
    assert_eq!(lines(&records(&out)), done);
    let output = run(folder.path(), &["--resume", "--out", "out"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains(&format!("{done} of 64 parts are there already")));
    assert!(!unfinished.exists());
    assert_same(&whole, &out);
}

#[test]
fn a_forced_shard_does_not_pass_off_the_tables_of_another_configuration() {
    let folder = tempfile::tempdir().unwrap();
    config(folder.path());
    let other = ["--seed", "8", "--cache", "dictionaries"];
    let run = |arguments: &[&str]| {
        let output = run(folder.path(), arguments);
        (output.status.code(), stderr(&output))
    };
    let of_other = |arguments: &[&str]| run(&[&other[..], arguments].concat());
    assert_eq!(run(&["--out", "out"]).0, Some(0));
    assert_eq!(of_other(&["--out", "whole"]).0, Some(0));
    let (code, said) = of_other(&["--force", "--shard", "1/2", "--out", "out"]);
    assert_eq!(code, Some(0), "{said}");
    for command in [&["report", "out"][..], &["verify", "out"]] {
        let output = experiments(folder.path(), command);
        assert_eq!(output.status.code(), Some(2), "{command:?}");
        assert!(stderr(&output).contains("does not hold the results of a run"));
    }
    // Neither configuration begins anew over what the shard found.
    let (code, said) = run(&["--out", "out"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("experiment.seed: 8 there, 7 here"), "{said}");
    let (code, said) = of_other(&["--shard", "1/2", "--out", "out"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("go on with --resume"), "{said}");

    // Merged into the folder of a shard, the run is finished, and is run again like any other.
    assert_eq!(of_other(&["--shard", "2/2", "--out", "rest"]).0, Some(0));
    let merge = experiments(folder.path(), &["merge", "out", "rest", "--out", "out"]);
    assert_eq!(merge.status.code(), Some(0), "{}", stderr(&merge));
    let path = |name: &str| folder.path().join(name);
    assert_same(&path("whole"), &path("out"));
    assert!(!path("out/cells/unfinished").exists());
    let (code, said) = of_other(&["--out", "out"]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn results_of_another_configuration_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    config(folder.path());
    let path = |name: &str| folder.path().join(name);
    let fresh = ["--set", "report.examples=0", "--cache", "dictionaries"];
    let with_examples = ["--cache", "dictionaries", "--out", "out"];
    for arguments in [
        &with_examples[..],
        &[&fresh[..], &["--out", "whole"]].concat(),
    ] {
        let output = run(folder.path(), arguments);
        assert!(output.status.success(), "{}", stderr(&output));
    }
    assert!(path("out/spectrograms.png").exists() && path("out/audio").exists());
    fs::write(path("out/notes.txt"), "of somebody").unwrap();
    // Overwritten by a merge, and then by a run, there is what a new folder would hold, and what somebody else put there.
    let merged = experiments(
        folder.path(),
        &["merge", "whole", "--force", "--out", "out"],
    );
    assert!(merged.status.success(), "{}", stderr(&merged));
    fs::remove_file(path("out/notes.txt")).unwrap();
    assert_same(&path("whole"), &path("out"));
    // Nor does the first run go on over them.
    let refused = run(folder.path(), &[&["--resume"], &with_examples[..]].concat());
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    let forced = run(folder.path(), &[&["--force"], &with_examples[..]].concat());
    assert!(forced.status.success(), "{}", stderr(&forced));
    assert!(path("out/audio").exists());
    let forced = [&fresh[..], &["--force", "--out", "out"]].concat();
    let output = run(folder.path(), &forced);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_same(&path("whole"), &path("out"));
}

#[test]
fn dictionaries_and_shards_take_nothing_from_a_finished_run() {
    let folder = tempfile::tempdir().unwrap();
    config(folder.path());
    assert!(run(folder.path(), &["--out", "out"]).status.success());
    let out = folder.path().join("out");
    let before = fs::read(records(&out)).unwrap();
    for work in [&["--dictionaries-only"][..], &["--shard", "1/2"]] {
        let output = run(folder.path(), &[work, &["--out", "out"]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(fs::read(records(&out)).unwrap(), before);
        assert!(!out.join("cells/unfinished").exists() && out.join("config.toml").exists());
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_finished_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    config(folder.path());
    let out = folder.path().join("out");
    let mut child = command(folder.path(), &["--out", "out"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_records(&out, &mut child);
    let process = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &process]).status();
    assert!(sent.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(
        said.contains("64 parts are finished and kept") && said.contains("--resume"),
        "{said}"
    );
    assert!(!out.join("config.toml").exists());
    let done = lines(&records(&out));
    assert!((3..64).contains(&done), "{done}");
    let output = run(folder.path(), &["--resume", "--out", "out"]);
    assert!(output.status.success());
    assert!(stderr(&output).contains(&format!("{done} of 64 parts are there already")));
}

#[test]
fn failures_are_retried() {
    let folder = tempfile::tempdir().unwrap();
    config(folder.path());
    let out = folder.path().join("out");
    assert!(run(folder.path(), &["--out", "out"]).status.success());
    // A result is replaced by a failure, as if it had failed.
    let text = fs::read_to_string(records(&out)).unwrap();
    let victim = text.lines().next().unwrap();
    let key = victim.split("\"key\":\"").nth(1).unwrap()[..64].to_owned();
    let record = experiments_record(&key, "out of luck");
    fs::write(
        records(&out),
        text.replacen(&format!("{victim}\n"), "", 1) + &record,
    )
    .unwrap();
    let whole = files(&out);
    let output = run(folder.path(), &["--resume", "--out", "out"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("63 of 64 parts are there already"));
    assert_eq!(files(&out)["observations.csv"], whole["observations.csv"]);
}

#[test]
fn a_failure_is_recorded_and_the_rest_goes_on_unless_it_shall_not() {
    let folder = tempfile::tempdir().unwrap();
    config(folder.path());
    // Activations of so small a shape that at one ratio the speaker's only one is drawn as zero.
    let hopeless = "mixtures.frames=1 mixtures.activation_shape=0.01 mixtures.snr_db=[1,0] training.orders=[1] \
                    training.background_components=1";
    let mut arguments = vec!["--jobs", "1", "--seed", "17"];
    for option in hopeless.split_whitespace() {
        arguments.extend(["--set", option]);
    }
    let output = run(
        folder.path(),
        &[&arguments[..], &["--fail-fast", "--out", "out"]].concat(),
    );
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let message =
        "seed 17, 1 dB, true order 1 failed (--fail-fast): drawing the observation: source 0";
    assert!(said.contains(message), "{said}");
    assert!(said.contains("0 of 4 parts are finished"), "{said}");
    let output = run(
        folder.path(),
        &[&arguments[..], &["--resume", "--out", "out"]].concat(),
    );
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let observations = fs::read_to_string(folder.path().join("out/observations.csv")).unwrap();
    assert!(observations.contains("17,1,1,,,,,,drawing the observation: source 0"));
    assert!(observations.contains("17,0,1,vb_fusion"));
}

/// A record of a failure, as the program writes it.
fn experiments_record(key: &str, error: &str) -> String {
    use ::experiments::durable::record::{Outcome, Record};
    let record = Record {
        key: key.parse().unwrap(),
        outcome: Outcome::Failed(error.to_owned()),
    };
    String::from_utf8(record.encode().unwrap()).unwrap()
}

#[test]
fn shards_merge_to_the_bytes_of_one_run() {
    let folder = tempfile::tempdir().unwrap();
    config(folder.path());
    let merge = |arguments: &[&str]| experiments(folder.path(), &[&["merge"], arguments].concat());
    assert!(run(folder.path(), &["--out", "whole"]).status.success());
    let shared = ["--cache", "dictionaries"];
    let only = ["--dictionaries-only", "--out", "training"];
    let output = run(folder.path(), &[&shared[..], &only].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let learned = files(&folder.path().join("dictionaries"));
    assert_eq!(learned.len(), 2 * 4 + 1);
    for shard in ["1/3", "3/3"] {
        let out = format!("shard{}", &shard[..1]);
        let arguments = ["--cache", "dictionaries", "--shard", shard, "--out", &out];
        let output = run(folder.path(), &arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(String::from_utf8_lossy(&output.stdout).contains("experiments merge"));
        assert!(
            files(&folder.path().join(&out)).is_empty(),
            "a shard has no tables"
        );
    }
    assert!(!folder.path().join("shard1/cache").exists());

    assert_eq!(files(&folder.path().join("dictionaries")), learned);

    let incomplete = merge(&["shard1", "shard3", "--out", "merged"]);
    assert_eq!(incomplete.status.code(), Some(1));
    let said = stderr(&incomplete);
    assert!(
        said.contains("observations are not finished:\n  seed 7, "),
        "{said}"
    );
    let command = "table1 --config shard1/cells/run.toml --shard 2/3 --resume --out shard-2-of-3";
    assert!(said.contains(command), "{said}");
    assert!(!folder.path().join("merged").exists());
    let mut arguments: Vec<&str> = command.split(' ').collect();
    arguments.extend(["--cache", "dictionaries"]);
    assert!(experiments(folder.path(), &arguments).status.success());

    let shards = ["shard1", "shard3", "shard-2-of-3"];
    let output = merge(&[&shards[..], &["--out", "merged"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let (whole, merged) = (folder.path().join("whole"), folder.path().join("merged"));
    assert_same(&whole, &merged);
    let times = fs::read_to_string(folder.path().join("merged/timings.md")).unwrap();
    assert!(times.contains("merged from shards"));

    // Overlapping is no harm, unless results differ.
    let output = merge(&[
        "shard1",
        "shard3",
        "shard-2-of-3",
        "whole",
        "--out",
        "again",
    ]);
    assert!(output.status.success(), "{}", stderr(&output));

    // A shard that was stopped before it had a plan.
    fs::remove_file(folder.path().join("shard1/cells/plan.json")).unwrap();
    fs::remove_file(records(&folder.path().join("shard1"))).unwrap();
    let output = merge(&[&shards[..], &["--out", "unplanned"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    let command = "table1 --config shard1/cells/run.toml --shard 1/3 --resume --out shard1";
    assert!(said.contains(command), "{said}");
    let mut arguments: Vec<&str> = command.split(' ').collect();
    arguments.extend(["--cache", "dictionaries"]);
    assert!(experiments(folder.path(), &arguments).status.success());
    let output = merge(&[&shards[..], &["--out", "planned"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    assert_same(&whole, &folder.path().join("planned"));

    // Merged again into the same folder, nothing changes; without an example, the tables would not be those of one run.
    let output = merge(&[&shards[..], &["--out", "merged"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    assert_same(&whole, &merged);
    let example = shards
        .iter()
        .find_map(|shard| {
            let folder = folder.path().join(shard).join("cells/examples");
            let example = fs::read_dir(folder).unwrap().next()?;
            Some((*shard, example.unwrap().path()))
        })
        .unwrap();
    let (shard, path) = example;
    fs::remove_file(&path).unwrap();
    let quiet = [&shards[..], &["--quiet", "--out", "silent"]].concat();
    let output = merge(&quiet);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(
        said.contains("1 examples are not there:\n  seed 7, "),
        "{said}"
    );
    let finishes = format!(" --resume --out {shard}");
    let mut lines = said.lines().map(str::trim);
    let command = lines.find(|line| line.ends_with(&finishes)).unwrap();
    assert!(!folder.path().join("silent").exists());
    let mut arguments: Vec<&str> = command.split(' ').skip(1).collect();
    arguments.extend(["--cache", "dictionaries"]);
    let output = experiments(folder.path(), &arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(path.exists());
    let output = merge(&quiet);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_same(&whole, &folder.path().join("silent"));

    let path = records(&folder.path().join("shard1"));
    let text = fs::read_to_string(&path).unwrap();
    let changed = changed_record(text.lines().next().unwrap());
    fs::write(&path, text + &changed).unwrap();
    let output = merge(&["shard1", "whole", "--out", "differs"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("have different results of one observation"));

    assert!(
        run(
            folder.path(),
            &["--seed", "8", "--shard", "1/3", "--out", "other"]
        )
        .status
        .success()
    );
    let output = merge(&["shard3", "other", "--out", "differs"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("experiment.seed: 7 there, 8 here"));
    let output = merge(&["shard3", "nothing", "--out", "differs"]);
    assert!(stderr(&output).contains("nothing holds no run"));
    for wrong in ["0/3", "4/3", "x"] {
        assert_eq!(
            run(folder.path(), &["--shard", wrong]).status.code(),
            Some(2)
        );
    }
}

/// A record with another free energy, with a checksum that fits.
fn changed_record(line: &str) -> String {
    use ::experiments::durable::record::{Outcome, Record};
    let mut record = Record::decode(line.as_bytes()).unwrap();
    match &mut record.outcome {
        Outcome::Singles(singles) => singles.orders[0].free_energy += 1.0,
        Outcome::Fusion(fusion) => fusion.free_energy += 1.0,
        Outcome::Mixture(_) | Outcome::Failed(_) => panic!("{line}"),
    }
    String::from_utf8(record.encode().unwrap()).unwrap()
}
