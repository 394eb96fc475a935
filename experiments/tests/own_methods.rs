//! Methods of other programs: the signals of all trials as files, and estimates made of them
//! tabled beside those of this program.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::study::{Study, TINY_RECORDINGS, kill, wait_for_parts};
use common::{TINY, all_files, write_background, write_speech};
use dsp::audio::{Audio, read_mono};
use dsp::wav::{Encoding, write};

/// Above this a score measures rounding: that of samples of 64 bits, or of 32.
const EXACT_DB: f64 = 120.0;

/// What samples of 32 bits may change a score by, in dB: their error is 144 dB below the signal,
/// and scores of a few dB are printed to a millionth.
const ROUNDING_DB: f64 = 2e-6;

/// Makes the method of another program: a folder with the files of another one.
fn imitate(study: &Study, signals: &str, name: &str) {
    let to = study.path(name).join("speech");
    fs::create_dir_all(&to).unwrap();
    for (file, contents) in common::files(&study.path(signals)) {
        fs::write(to.join(file), contents).unwrap();
    }
}

/// The scores of a method, by all that tells its rows apart; what failed is NaN.
fn scores(study: &Study, run: &str, method: &str) -> BTreeMap<Vec<String>, f64> {
    let rows = study.rows(run, "observations.csv");
    let column = |name: &str| rows[0].iter().position(|it| it == name).unwrap();
    let (of_method, value, error) = (column("method"), column("value_db"), column("error"));
    let of_order = column("order");
    let rows = rows[1..].iter().filter(|row| row[of_method] == method);
    rows.map(|row| {
        let mut key = row[..value].to_vec();
        key.remove(of_order);
        key.remove(of_method);
        assert_eq!(row[value].is_empty(), !row[error].is_empty(), "{row:?}");
        (key, row[value].parse().unwrap_or(f64::NAN))
    })
    .collect()
}

fn assert_near(found: &BTreeMap<Vec<String>, f64>, expected: &BTreeMap<Vec<String>, f64>) {
    assert!(!expected.is_empty());
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    for (key, &expected) in expected {
        let found = found[key];
        let is_same = match expected {
            expected if expected.is_nan() => found.is_nan(),
            expected if expected > EXACT_DB => found > EXACT_DB,
            expected => (found - expected).abs() <= ROUNDING_DB,
        };
        assert!(is_same, "{key:?}: {found} {expected}");
    }
}

fn read(path: &Path) -> Audio {
    read_mono(path).unwrap()
}

#[test]
fn signals_of_all_trials_are_exported_in_one_layout() {
    let study = Study::table1();
    study.succeed(&["--out", "out", "--export", "trials"]);
    let trials = study.path("trials");
    let files = all_files(&trials);
    let rows = study.rows("trials", "trials.csv");
    assert_eq!(
        rows[0],
        [
            "seed",
            "snr_db",
            "true_order",
            "file",
            "sample_rate_hz",
            "samples",
            "key"
        ]
    );
    assert_eq!(rows.len(), 1 + 4);
    let estimates = [
        "vb_selection",
        "vb_fusion",
        "oracle_selection",
        "fusion_by_mean",
        "structured_fusion",
        "evidence_weighted_mean",
        "learned_weights",
    ];
    let estimates = estimates.map(|method| format!("estimate/{method}/speech"));
    let others = ["mixture", "reference/speech", "reference/background"].map(str::to_owned);
    let folders: Vec<String> = estimates.into_iter().chain(others).collect();
    assert_eq!(files.len(), 1 + folders.len() * 4);
    for row in &rows[1..] {
        let signal = |folder: &String| read(&trials.join(folder).join(&row[3]));
        for folder in &folders {
            let audio = signal(folder);
            assert_eq!(audio.sample_rate_hz.to_string(), row[4]);
            assert_eq!(audio.samples.len().to_string(), row[5]);
        }
        // Levels are those of the study: the sources add up, but for the sensor noise.
        let [mixture, speech, background] = ["mixture", "reference/speech", "reference/background"]
            .map(|it| signal(&it.to_owned()));
        let sources = speech.samples.iter().zip(&background.samples);
        let rest = mixture
            .samples
            .iter()
            .zip(sources)
            .map(|(x, (a, b))| (x - a - b).powi(2));
        let power: f64 = mixture.samples.iter().map(|x| x * x).sum();
        assert!(rest.sum::<f64>() < 1e-4 * power, "{row:?}");
    }
    // Examples are the same signals, scaled and rounded.
    let examples = study.rows("out", "examples.csv");
    let column = |name: &str| examples[0].iter().position(|it| it == name).unwrap();
    for row in &examples[1..] {
        let (file, gain) = (&row[column("file")], &row[column("gain")]);
        let gain: f64 = gain.parse().unwrap();
        let example = read(&study.path("out").join(file));
        let exported = read(&trials.join(file.strip_prefix("audio/").unwrap()));
        for (a, b) in example.samples.iter().zip(&exported.samples) {
            assert!((a - gain * b).abs() < 1e-4, "{file}");
        }
    }
}

#[test]
fn an_export_goes_on_where_it_was_stopped_and_shards_fill_one_folder() {
    let study = Study::long_table1();
    study.succeed(&["--out", "whole", "--export", "whole trials", "--jobs", "1"]);
    let whole = all_files(&study.path("whole trials"));

    let mut child = study.start(&["--out", "killed", "--export", "killed trials"]);
    wait_for_parts(&study.path("killed"), &mut child, study.parts);
    let mixtures = study.path("killed trials/mixture");
    while fs::read_dir(&mixtures).map_or(0, Iterator::count) < 3 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
    }
    kill(&mut child);
    study.succeed(&[
        "--out",
        "killed",
        "--export",
        "killed trials",
        "--jobs",
        "3",
    ]);
    let mut killed = all_files(&study.path("killed trials"));
    // What was being written stays under its temporary name.
    killed.retain(|name, _| !common::study::is_temporary(name));
    assert!(killed == whole);

    // At the same time: whichever is first names the trials.
    let shards = ["1/3", "2/3", "3/3"].map(|shard| {
        let out = ["--shard", shard, "--out", &shard[..1]];
        study.start(&[&out[..], &["--export", "shards", "--jobs", "1"]].concat())
    });
    for mut shard in shards {
        assert!(shard.wait().unwrap().success());
    }
    assert!(all_files(&study.path("shards")) == whole);
    let again = study.succeed(&["--out", "whole", "--export", "whole trials"]);
    assert!(again.contains("exporting: 0 in"), "{again}");
}

#[test]
fn exports_replace_nothing() {
    let study = Study::table1();
    study.succeed(&["--out", "out", "--export", "trials"]);
    let before = all_files(&study.path("trials"));
    let refused = |arguments: &[&str]| study.fail(2, arguments);
    let said = refused(&["--out", "other", "--export", "trials", "--seed", "8"]);
    assert!(
        said.contains("trials.csv names the trials of another study"),
        "{said}"
    );
    assert!(all_files(&study.path("trials")) == before);
    // The same names, of other trials.
    let said = refused(&[
        "--out",
        "other",
        "--export",
        "trials",
        "--set",
        "model.beta=3",
    ]);
    assert!(said.contains("trials of another study"), "{said}");

    fs::remove_file(study.path("trials/trials.csv")).unwrap();
    let said = refused(&["--out", "out", "--export", "trials"]);
    assert!(
        said.contains("no study wrote it") && said.contains("mixture/"),
        "{said}"
    );
    refused(&["--out", "other", "--export", "trials"]);
    assert!(!study.path("other").exists(), "refused before the work");

    #[cfg(unix)]
    std::os::unix::fs::symlink(study.path("out/audio"), study.path("link")).unwrap();
    for folder in [
        "out",
        "out/audio",
        "out/audio/x",
        "out/cells",
        "./out/cache",
        "trials/../out/audio",
        #[cfg(unix)]
        "link",
    ] {
        let said = refused(&["--out", "out", "--export", folder]);
        assert!(
            said.contains("a folder of the results") && said.contains(folder),
            "{said}"
        );
    }
    let said = refused(&["--out", "out", "--export", "study.toml"]);
    assert!(said.contains("study.toml is not a folder"), "{said}");
}

#[test]
fn other_trials_and_files_in_the_way_are_refused_before_the_work_of_any_run() {
    let study = Study::sweep();
    let of_seeds = |seeds| ["--set", seeds, "--export", "trials", "--out"];
    let two = of_seeds("sweep.seeds=[7,8]");
    study.succeed(&[&two[..], &["out"]].concat());
    let before = all_files(&study.path("trials"));
    let refused = |arguments: [&str; 5]| {
        let said = study.fail(2, &[&arguments[..], &["other"]].concat());
        assert!(!study.path("other").exists(), "{arguments:?}");
        said
    };
    // Fewer, more, and as many others.
    for seeds in [
        "sweep.seeds=[7]",
        "sweep.seeds=[7,8,9]",
        "sweep.seeds=[7,9]",
    ] {
        let said = refused(of_seeds(seeds));
        assert!(said.contains("trials of another study"), "{seeds}: {said}");
    }
    assert!(all_files(&study.path("trials")) == before);
    study.succeed(&[&two[..], &["other"]].concat());
    fs::remove_dir_all(study.path("other")).unwrap();

    fs::write(study.path("trials/trials.csv"), "a,b\n").unwrap();
    let said = refused(two);
    assert!(said.contains("trials of another study"), "{said}");
    // A file of the last run alone.
    fs::remove_dir_all(study.path("trials")).unwrap();
    let last = "mixture/case3_order3_snr6dB_seed8.wav";
    assert!(before.contains_key(last), "{:?}", before.keys());
    fs::create_dir_all(study.path("trials/mixture")).unwrap();
    fs::write(study.path("trials").join(last), "").unwrap();
    let said = refused(two);
    assert!(
        said.contains("no study wrote it") && said.contains(last),
        "{said}"
    );
}

#[test]
fn estimates_of_another_program_are_tabled_as_the_studys_own() {
    let study = Study::realmix();
    study.succeed(&["--out", "own", "--export", "trials"]);
    imitate(&study, "trials/mixture", "nothing_done");
    imitate(&study, "trials/estimate/vb_fusion/speech", "vb_fusion");
    let foreign = ["--estimates", "nothing_done", "--estimates", "vb_fusion"];
    study.succeed(&[&foreign[..], &["--out", "both"]].concat());

    // The same signals have the same scores, mixture by mixture.
    let own = |method: &str| scores(&study, "own", method);
    let found = |method: &str| scores(&study, "both", method);
    assert_near(&found("foreign:nothing_done"), &own("mixture"));
    assert_near(&found("foreign:vb_fusion"), &own("vb_fusion"));
    // Those of the study itself are what they were.
    for method in ["mixture", "single", "vb_selection", "learned_weights"] {
        assert_eq!(found(method), own(method), "{method}");
    }

    // Paired with every method, and with the mixture.
    let rows = study.rows("both", "differences.csv");
    let is_pair = |row: &&Vec<String>, baseline| {
        row[..2] == ["foreign:nothing_done", baseline] && row[2..4] == ["", "sdr"]
    };
    let difference = |baseline| {
        let found = rows.iter().find(|row| is_pair(row, baseline));
        let row = found.unwrap_or_else(|| panic!("none from {baseline}"));
        let [mean, low, high]: [f64; 3] = [4, 5, 6].map(|column| row[column].parse().unwrap());
        assert!(low <= mean && mean <= high, "{row:?}");
        mean
    };
    assert!(difference("mixture").abs() <= ROUNDING_DB);
    let gain = rows
        .iter()
        .find(|row| row[..2] == ["vb_fusion", "mixture"] && row[2..4] == ["", "sdr"]);
    let gain: f64 = gain.unwrap()[4].parse().unwrap();
    assert!((difference("vb_fusion") + gain).abs() <= ROUNDING_DB);

    // In every table and figure where methods stand, and marked there.
    for file in [
        "realmix.md",
        "realmix.tex",
        "differences.tex",
        "realmix.svg",
    ] {
        let text = fs::read_to_string(study.path("both").join(file)).unwrap();
        let label = match file.ends_with(".tex") {
            true => "nothing\\_done (foreign)",
            false => "nothing_done (foreign)",
        };
        assert!(text.contains(label), "{file}: {text}");
    }
    let report = study.experiments(&["report", "both"]);
    assert!(report.status.success(), "{}", common::stderr(&report));
    let page = fs::read_to_string(study.path("both/report.html")).unwrap();
    assert!(page.contains("nothing_done (foreign)"));
    let verified = study.experiments(&["verify", "both", "--against", "both"]);
    assert!(verified.status.success(), "{}", common::stderr(&verified));
}

#[test]
fn a_perfect_estimate_is_infinite_and_not_a_number_in_a_table() {
    let study = Study::new("realmix", TINY_RECORDINGS, 0);
    write_speech(&study.path("speech/one"), 8);
    write_background(&study.path("background"), 20.0);
    let corpus = [
        "--set",
        "corpus.kind=folder",
        "--set",
        "corpus.speech=speech",
        "--set",
        "corpus.background=background",
        "--set",
        "units.speakers=['one']",
    ];
    let with_corpus = |arguments: &[&str]| study.succeed(&[&corpus[..], arguments].concat());
    with_corpus(&["--out", "own", "--export", "trials"]);
    // Recordings of 16 bits are what they are in 32.
    imitate(&study, "trials/reference/speech", "truth");
    with_corpus(&["--estimates", "truth", "--out", "both"]);
    let found = scores(&study, "both", "foreign:truth");
    let plain = found
        .iter()
        .filter(|(key, _)| key.last().unwrap() == "plain_sdr");
    assert!(plain.clone().count() > 0 && plain.clone().all(|(_, value)| value.is_nan()));
    let rows = study.rows("both", "observations.csv");
    let is_perfect = |row: &&Vec<String>| {
        row.contains(&"foreign:truth".to_owned()) && row.contains(&"plain_sdr".to_owned())
    };
    for row in rows.iter().filter(is_perfect) {
        assert_eq!(row.last().unwrap(), "the ratio is infinite", "{row:?}");
    }
    let means = study.rows("both", "summary.csv");
    for row in means.iter().filter(is_perfect) {
        assert!(row[3].is_empty(), "{row:?}");
    }
}

#[test]
fn foreign_estimates_resume_and_merge_to_the_same_bytes() {
    for study in [Study::table1(), Study::sweep()] {
        study.succeed(&["--out", "own", "--export", "trials"]);
        imitate(&study, "trials/mixture", "mine");
        let with_mine = ["--estimates", "mine"];
        study.succeed(&[&with_mine[..], &["--out", "whole"]].concat());
        // A folder of results without it takes it on demand, and nothing is separated again.
        let refused = study.fail(2, &[&with_mine[..], &["--out", "own"]].concat());
        assert!(refused.contains("evaluation.estimates"), "{refused}");
        study.succeed(&[&with_mine[..], &["--out", "own", "--force"]].concat());
        study.assert_same("whole", "own");

        for shard in ["1/2", "2/2"] {
            study.succeed(&[&with_mine[..], &["--shard", shard, "--out", &shard[..1]]].concat());
        }
        let merged = study.experiments(&["merge", "1", "2", "--out", "merged"]);
        assert!(merged.status.success(), "{}", common::stderr(&merged));
        study.assert_same("whole", "merged");

        // Other samples under the same name are another result.
        let before = scores(&study, "whole", "foreign:mine");
        let file = fs::read_dir(study.path("mine/speech"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        let mut audio = read(&file.path());
        audio.samples[100] += 1.0;
        write(
            file.path(),
            &audio.samples,
            audio.sample_rate_hz,
            Encoding::Float32,
        )
        .unwrap();
        study.succeed(&[&with_mine[..], &["--out", "whole"]].concat());
        assert_ne!(scores(&study, "whole", "foreign:mine"), before);
    }
}

#[test]
fn all_estimates_that_do_not_fit_are_named_before_the_work() {
    let study = Study::new("table1", TINY, 0);
    study.succeed(&["--out", "own", "--export", "trials"]);
    imitate(&study, "trials/mixture", "mine");
    let names: Vec<String> = common::files(&study.path("mine/speech"))
        .into_keys()
        .collect();
    let path = |index: usize| study.path("mine/speech").join(&names[index]);
    let audio = read(&path(0));
    let save = |index: usize, samples: &[f64], rate| {
        write(path(index), samples, rate, Encoding::Float32).unwrap();
    };
    save(0, &audio.samples[1..], 16_000);
    save(1, &audio.samples, 8_000);
    save(2, &vec![0.0; audio.samples.len()], 16_000);
    let said = study.fail(2, &["--estimates", "mine", "--out", "out"]);
    assert!(
        said.contains("every sample is zero") && said.contains(&names[2]),
        "{said}"
    );
    save(2, &audio.samples, 16_000);
    let said = study.fail(2, &["--estimates", "mine", "--out", "out"]);
    let samples = audio.samples.len();
    let wrong = format!(
        "{}: {} samples, and the mixture has {samples}",
        names[0],
        samples - 1
    );
    assert!(said.contains(&wrong), "{said}");
    assert!(said.contains(&format!("{}: 8000 Hz", names[1])), "{said}");

    fs::rename(path(3), path(3).with_file_name("extra.wav")).unwrap();
    let stereo = [&audio.samples, &audio.samples];
    dsp::wav::write_channels(path(2), &stereo, 16_000, Encoding::Float32).unwrap();
    fs::write(path(1), "no sound").unwrap();
    let said = study.fail(2, &["--estimates", "mine", "--out", "out"]);
    for part in [
        format!("{}: not an audio file", names[1]),
        format!("{}: 2 channels", names[2]),
        format!("{}: there is no such file", names[3]),
        "extra.wav: the study has no trial of this name".to_owned(),
    ] {
        assert!(said.contains(&part), "{part}: {said}");
    }
    assert!(!study.path("out").exists());
}
