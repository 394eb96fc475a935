//! Runs that are killed, interrupted, run twice at once or over other runs: no finished part is
//! lost, and tables of two configurations never stand together.

mod common;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use common::sealed::{read_records, write_records};
use common::stderr;
use common::study::{METHODS, Study, done, is_temporary, kill, records, results, wait_for_parts};
use dsp::wav::{Encoding, write};
use rand::RngExt;

/// Kills a run of a study again and again, a few parts further on or before the first, then lets it
/// end. Returns how many kills came between parts.
fn kill_and_finish(study: &Study, kills: usize) -> usize {
    study.succeed(&["--out", "whole"]);
    let out = study.path("out");
    let mut rng = synth::stream(1, "kills", &[]);
    let mut between_parts = 0;
    for _ in 0..kills {
        let mut child = study.start(&["--out", "out"]);
        let enough = done(&out) + rng.random_range(0..5);
        while done(&out) < enough && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(1));
        }
        sleep(Duration::from_millis(rng.random_range(0..20)));
        kill(&mut child);
        between_parts += usize::from(done(&out) > 0 && !out.join("config.toml").exists());
    }
    study.succeed(&["--out", "out"]);
    study.assert_same("whole", "out");
    between_parts
}

#[test]
fn twenty_kills_change_no_byte_of_table1() {
    let between_parts = kill_and_finish(&Study::long_table1(), 20);
    assert!(between_parts >= 10, "{between_parts}");
}

#[test]
fn kills_change_no_byte_of_realmix_and_dictionaries_are_learned_once() {
    let study = Study::long_realmix();
    let between_parts = kill_and_finish(&study, 8);
    assert!(between_parts >= 4, "{between_parts}");
    // 2 speakers x 2 seeds x 2 orders.
    let learned = written(&study.path("out/cache"));
    assert_eq!(learned.len(), 8);
    let said = study.succeed(&["--out", "out"]);
    assert!(
        said.contains(&format!("{0} of {0} parts are there already", study.parts)),
        "{said}"
    );
    assert_eq!(written(&study.path("out/cache")), learned);
}

#[test]
fn kills_change_no_byte_of_sweeps_which_need_no_dictionaries_for_their_tables() {
    for study in [Study::sweep(), Study::recordings_sweep()] {
        kill_and_finish(&study, 4);
        fs::remove_dir_all(study.path("out/cache")).unwrap();
        fs::remove_file(study.path("out/summary.csv")).unwrap();
        let said = study.succeed(&["--out", "out"]);
        let all = study.parts;
        assert!(
            said.contains(&format!("{all} of {all} parts are there already")),
            "{said}"
        );
        assert!(!study.path("out/cache").exists());
        study.assert_same("whole", "out");
    }
}

/// When each file of a folder was written.
fn written(folder: &Path) -> BTreeMap<OsString, SystemTime> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let modified = |entry: &fs::DirEntry| entry.metadata().unwrap().modified().unwrap();
    entries
        .map(|entry| (entry.file_name(), modified(&entry)))
        .collect()
}

const SHARED: [&str; 4] = ["--cache", "dictionaries", "--out", "out"];

/// A run of this seed over whatever is in `out`.
fn forced(seed: &'static str) -> Vec<&'static str> {
    [&SHARED[..], &["--force", "--seed", seed]].concat()
}

/// Two configurations write over each other's tables and are killed meanwhile: whichever the folder
/// names, the tables are its own, and both keep all their parts.
#[test]
fn whenever_a_run_is_killed_the_tables_are_of_the_recorded_configuration() {
    let study = Study::table1();
    let out = study.path("out");
    for seed in ["7", "8"] {
        study.succeed(&["--cache", "dictionaries", "--seed", seed, "--out", seed]);
        study.succeed(&forced(seed));
    }
    let kept = fs::read(records(&out)).unwrap();
    let mut rng = synth::stream(1, "kills", &[]);
    let mut without_configuration = 0;
    for attempt in 0..16 {
        let mut child = study.start(&forced(["7", "8"][attempt % 2]));
        let is_publishing = || {
            let entries = fs::read_dir(&out).unwrap().map(Result::unwrap);
            let mut names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
            names.any(|name| is_temporary(&name))
        };
        // Either among the files that are staged, or as soon as the older configuration is gone.
        while child.try_wait().unwrap().is_none() {
            let now = match attempt % 4 {
                0 | 1 => is_publishing(),
                _ => !out.join("config.toml").exists(),
            };
            if now {
                break;
            }
            sleep(Duration::from_micros(100));
        }
        if attempt % 4 < 2 {
            sleep(Duration::from_millis(rng.random_range(0..40)));
        }
        kill(&mut child);
        match fs::read_to_string(out.join("config.toml")) {
            Ok(config) if config.contains("seed = 7\n") => study.assert_same("7", "out"),
            Ok(config) if config.contains("seed = 8\n") => study.assert_same("8", "out"),
            Ok(config) => panic!("{config}"),
            Err(_) => {
                without_configuration += 1;
                for command in ["report", "verify"] {
                    let output = study.experiments(&[command, "out"]);
                    let said = stderr(&output);
                    assert_eq!(output.status.code(), Some(2), "{said}");
                    assert!(
                        said.contains("does not hold the results of a run"),
                        "{said}"
                    );
                }
            }
        }
        assert_eq!(fs::read(records(&out)).unwrap(), kept);
    }
    assert!(without_configuration > 0);
    for seed in ["7", "8"] {
        let said = study.succeed(&forced(seed));
        assert!(
            said.contains(&format!("{0} of {0} parts are there already", study.parts)),
            "{said}"
        );
        study.assert_same(seed, "out");
        let left: Vec<String> = common::all_files(&out).into_keys().collect();
        assert!(!left.iter().any(|name| is_temporary(name)), "{left:?}");
    }
}

#[test]
fn one_folder_is_for_one_run_and_an_unfinished_one_is_no_obstacle() {
    let study = Study::long_table1();
    let out = study.path("out");
    let mut child = study.start(&SHARED);
    wait_for_parts(&out, &mut child, 3);
    let said = study.fail(1, &SHARED);
    assert!(
        said.contains("another run (process ") && said.contains("--out"),
        "{said}"
    );
    kill(&mut child);
    let kept = done(&out);
    assert!((3..64).contains(&kept), "{kept}");

    // Another configuration has no use for these parts, and leaves them.
    let other = ["--set", "model.iterations=2"];
    let fresh = ["--cache", "dictionaries", "--out", "whole"];
    study.succeed(&[&fresh[..], &other].concat());
    study.succeed(&[&SHARED[..], &other].concat());
    study.assert_same("whole", "out");
    let said = study.fail(2, &SHARED);
    assert!(
        said.contains("model.iterations: 2 there, 40 here") && said.contains("--force"),
        "{said}"
    );
    study.assert_same("whole", "out");
    let said = study.succeed(&[&SHARED[..], &["--force"]].concat());
    assert!(
        said.contains(&format!(
            "{kept} of {} parts are there already",
            study.parts
        )),
        "{said}"
    );
    study.succeed(&[&fresh[..], &["--force"]].concat());
    study.assert_same("whole", "out");
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_finished_and_says_how_to_go_on() {
    for study in [Study::long_table1(), Study::long_realmix()] {
        let (out, all) = (study.path("out"), study.parts);
        let mut command = study.command(&["--out", "out"]);
        let quiet = command.stdout(std::process::Stdio::null());
        let mut child = quiet.stderr(std::process::Stdio::piped()).spawn().unwrap();
        wait_for_parts(&out, &mut child, 3);
        let process = child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &process]).status();
        assert!(sent.unwrap().success());
        let output = child.wait_with_output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(130), "{said}");
        let kept = done(&out);
        assert!((3..all).contains(&kept), "{kept}");
        for part in [
            format!("{kept} of {all} parts are finished and kept"),
            "the same command goes on".to_owned(),
        ] {
            assert!(said.contains(&part), "{said}");
        }
        assert!(results(&out).is_empty(), "a part of a run has no tables");
        // What every run does can be said.
        let said = study.succeed(&["--resume", "--out", "out"]);
        let expected = format!("{kept} of {all} parts are there already");
        assert!(said.contains(&expected), "{said}");
    }
}

#[test]
fn dictionaries_and_shards_take_nothing_from_a_finished_run() {
    let study = Study::table1();
    study.succeed(&["--cache", "dictionaries", "--out", "whole"]);
    study.succeed(&SHARED);
    let kept = fs::read(records(&study.path("out"))).unwrap();
    let shard = ["--shard", "1/2"];
    for work in [&["--dictionaries-only"][..], &shard] {
        study.succeed(&[&SHARED[..], work].concat());
        assert_eq!(fs::read(records(&study.path("out"))).unwrap(), kept);
        study.assert_same("whole", "out");
    }
    // Nor does one of another configuration, whose parts are kept beside the others.
    let other = ["--seed", "8"];
    let said = study.fail(2, &[&SHARED[..], &other, &shard].concat());
    assert!(said.contains("experiment.seed: 7 there, 8 here"), "{said}");
    study.succeed(&[&SHARED[..], &other, &shard, &["--force"]].concat());
    let both = fs::read(records(&study.path("out"))).unwrap();
    assert!(both.starts_with(&kept) && both.len() > kept.len());
    study.assert_same("whole", "out");

    // Merged where the tables of the first are, the second has to be asked for.
    let rest = ["--shard", "2/2", "--cache", "dictionaries", "--out", "rest"];
    study.succeed(&[&rest[..], &other].concat());
    study.succeed(&[&other[..], &["--cache", "dictionaries", "--out", "8"]].concat());
    let merge = |more: &[&str]| {
        let arguments = ["merge", "out", "rest", "--out", "out"];
        let output = study.experiments(&[&arguments[..], more].concat());
        (output.status.code(), stderr(&output))
    };
    let (code, said) = merge(&[]);
    assert_eq!(code, Some(2), "{said}");
    study.assert_same("whole", "out");
    let (code, said) = merge(&["--force"]);
    assert_eq!(code, Some(0), "{said}");
    study.assert_same("8", "out");
    let said = study.succeed(&[&SHARED[..], &["--force"]].concat());
    assert!(
        said.contains(&format!("{0} of {0} parts are there already", study.parts)),
        "{said}"
    );
    study.assert_same("whole", "out");
}

#[test]
fn results_of_another_configuration_leave_nothing_behind() {
    let study = Study::table1();
    let without_examples = ["--cache", "dictionaries", "--set", "report.examples=0"];
    study.succeed(&SHARED);
    study.succeed(&[&without_examples[..], &["--out", "whole"]].concat());
    assert!(study.path("out/spectrograms.png").exists() && study.path("out/audio").exists());
    fs::write(study.path("out/notes.txt"), "of somebody").unwrap();
    // Overwritten by a merge, and then by a run, there is what a new folder would hold, and what
    // somebody else put there.
    let output = study.experiments(&["merge", "whole", "--force", "--out", "out"]);
    assert!(output.status.success(), "{}", stderr(&output));
    fs::remove_file(study.path("out/notes.txt")).unwrap();
    study.assert_same("whole", "out");
    study.fail(2, &SHARED);
    study.succeed(&[&SHARED[..], &["--force"]].concat());
    assert!(study.path("out/audio").exists());
    study.succeed(&[&without_examples[..], &["--force", "--out", "out"]].concat());
    study.assert_same("whole", "out");
}

/// What is kept of an example is more than the part of its trial: whether the figures show it, and
/// how it is called.
#[test]
fn examples_are_those_of_the_configuration_that_shows_them() {
    let study = Study::new("table1", common::TINY, 8);
    let speaker = ["--set", "corpus.speaker=3"];
    let configurations: [&[&str]; 4] = [
        &[],
        &["--set", "report.examples=1"],
        &["--set", "model.beta=77.4"],
        &speaker,
    ];
    for more in configurations {
        let [here, fresh] = [&SHARED[..], &["--cache", "dictionaries", "--out", "fresh"]];
        study.succeed(&[here, &["--force"], more].concat());
        study.succeed(&[fresh, more].concat());
        study.assert_same("fresh", "out");
        fs::remove_dir_all(study.path("fresh")).unwrap();
    }
}

#[test]
fn failures_are_retried() {
    for study in [Study::table1(), Study::sweep(), Study::realmix()] {
        study.succeed(&["--out", "whole"]);
        study.succeed(&SHARED);
        // A result is replaced by a failure, as if it had failed.
        let out = study.path("out");
        let mut kept = read_records(&out);
        kept[1]["outcome"] = serde_json::json!({"Err": "out of luck"});
        write_records(&out, &kept);
        let said = study.succeed(&SHARED);
        let all = study.parts;
        let expected = format!("{} of {all} parts are there already", all - 1);
        assert!(said.contains(&expected), "{said}");
        study.assert_same("whole", "out");
    }
}

/// Settings as the arguments that make them.
fn set(settings: &str) -> Vec<&str> {
    settings
        .split_whitespace()
        .flat_map(|setting| ["--set", setting])
        .collect()
}

#[test]
fn a_mixture_that_cannot_be_drawn_is_recorded_and_the_rest_goes_on_unless_it_shall_not() {
    let study = Study::table1();
    // Activations of so small a shape that at one ratio the speaker's only one is drawn as zero.
    let hopeless = "mixtures.frames=1 mixtures.activation_shape=0.01 mixtures.snr_db=[1,0] \
                    training.orders=[1] training.background_components=1";
    let arguments = [&SHARED[..], &["--jobs", "1", "--seed", "17"]].concat();
    let arguments = [arguments, set(hopeless)].concat();
    let said = study.fail(1, &[&arguments[..], &["--fail-fast"]].concat());
    for part in [
        "seed 17, 1 dB, true order 1 failed (--fail-fast): making the mixture: ",
        "source 0",
        "0 of 10 parts are finished",
    ] {
        assert!(said.contains(part), "{said}");
    }
    study.fail(3, &arguments);
    let observations = fs::read_to_string(study.path("out/observations.csv")).unwrap();
    assert!(
        observations.contains("\n17,1,1,,,,,,making the mixture: "),
        "{observations}"
    );
    assert!(observations.contains("\n17,0,1,vb_fusion"));
}

/// A folder corpus with utterances of a second, and a background recording of three that is silent
/// in its last: the second of two mixtures cannot be made.
fn write_half_silent_corpus(folder: &Path) {
    let speech = synth::Speech::new(1);
    for index in 0..6 {
        let mut samples = speech.utterance(3, index).unwrap().samples;
        samples.resize(16_000, 0.0);
        fs::create_dir_all(folder.join("speech")).unwrap();
        let path = folder.join(format!("speech/{index}.wav"));
        write(path, &samples, synth::SAMPLE_RATE_HZ, Encoding::Float32).unwrap();
    }
    // A second to learn from, then an excerpt that is a sample longer than the speech.
    let mut noise = synth::background(4.0, &mut synth::stream(1, "test", &[])).unwrap();
    noise.truncate(48_001);
    noise[32_001..].fill(0.0);
    fs::create_dir_all(folder.join("background")).unwrap();
    let path = folder.join("background/room.wav");
    write(path, &noise, synth::SAMPLE_RATE_HZ, Encoding::Float32).unwrap();
}

#[test]
fn a_recording_that_cannot_be_mixed_is_recorded_and_the_rest_goes_on_unless_it_shall_not() {
    let study = Study::realmix();
    write_half_silent_corpus(study.folder());
    let corpus = "corpus.kind=folder corpus.speech=speech corpus.background=background \
                  units.speakers=[] units.seeds=1";
    let arguments = [set(corpus), vec!["--jobs", "1", "--out", "out"]].concat();
    let said = study.fail(1, &[&arguments[..], &["--fail-fast"]].concat());
    for part in [
        "seed 5, mixture 1, 0 dB failed (--fail-fast): making the mixture: ",
        "the speech or the background is silent",
        "12 of 24 parts are finished",
    ] {
        assert!(said.contains(part), "{said}");
    }
    // Failures are tried again, by whatever run.
    for option in ["--quiet", "--force"] {
        let said = study.fail(3, &[&arguments[..], &[option]].concat());
        assert!(said.contains("2 failures"), "{said}");
        let csv = fs::read_to_string(study.path("out/observations.csv")).unwrap();
        let rows = |start: &str| csv.lines().filter(|line| line.starts_with(start)).count();
        let reason = "making the mixture: the speech or the background is silent";
        assert!(csv.contains(&format!("\n5,,1,0,,,,,,{reason}\n")), "{csv}");
        // Of the others the mixture, 2 orders and the methods by 5 metrics.
        let estimates = 1 + 2 + METHODS;
        assert_eq!([rows("5,,0,"), rows("5,,1,")], [2 * estimates * 5, 2]);
    }
}
