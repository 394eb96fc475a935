//! `realmix` on a configuration of seconds.

mod common;

use std::fs;

use common::recordings::realmix;
use common::{files, stderr};
use dsp::wav::{Encoding, write};

/// The values of a method's metric by (mixture, snr).
fn values(csv: &str, method: &str, metric: &str) -> Vec<f64> {
    csv.lines()
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|row| row[4] == method && row[6] == metric)
        .map(|row| row[7].parse().unwrap())
        .collect()
}

#[test]
fn every_mixture_has_every_score_and_threads_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for jobs in ["1", "3"] {
        let output = realmix(folder.path(), &["--jobs", jobs, "--out", jobs]);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("VB Fusion")
                || !output.stdout.is_empty()
        );
    }
    let [one, three] = ["1", "3"].map(|jobs| files(&folder.path().join(jobs)));
    let names: Vec<&str> = one.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "config.toml",
            "manifest.json",
            "realmix.csv",
            "realmix.md",
            "summary.csv"
        ]
    );
    for name in names.iter().filter(|name| **name != "manifest.json") {
        assert!(one[*name] == three[*name], "{name} depends on --jobs");
    }

    let text = |name: &str| String::from_utf8(one[name].clone()).unwrap();
    let csv = text("realmix.csv");
    // 2 speakers x 2 seeds x 2 mixtures x 2 ratios, each the mixture, 2 orders and 4 methods by 5 metrics.
    assert_eq!(csv.lines().count() - 1, 16 * 7 * 5);
    // The mixture's own plain SDR is the ratio it was made at, to the six decimals written.
    let plain = values(&csv, "mixture", "plain_sdr");
    assert_eq!(plain.len(), 16);
    for (index, value) in plain.iter().enumerate() {
        let expected = [0.0, 6.0][index % 2];
        assert!((value - expected).abs() < 1e-6, "{index}: {value}");
    }
    // The oracle is the better of the two orders.
    let single = values(&csv, "single", "sdr");
    let oracle = values(&csv, "oracle_selection", "sdr");
    for (pair, oracle) in single.chunks(2).zip(&oracle) {
        assert!((pair[0].max(pair[1]) - oracle).abs() < 1e-9);
    }
    // A unit is one observation.
    let summary = text("summary.csv");
    let row = summary
        .lines()
        .find(|line| line.starts_with("vb_fusion-mixture,average,sdr,"))
        .unwrap();
    assert!(row.ends_with(",4,16"), "{row}");
    let all = values(&csv, "vb_fusion", "sdr");
    let mixture = values(&csv, "mixture", "sdr");
    let mean = (all.iter().sum::<f64>() - mixture.iter().sum::<f64>()) / 16.0;
    let found: f64 = row.split(',').nth(3).unwrap().parse().unwrap();
    assert!((found - mean).abs() < 1e-5, "{found} {mean}");
    assert!(!text("realmix.md").contains("NaN"));
    assert!(text("realmix.md").contains("2 speakers, 2 seeds each, 16 mixtures"));
}

#[test]
fn a_known_background_changes_the_estimates_and_not_the_mixtures() {
    let folder = tempfile::tempdir().unwrap();
    let run = |out: &str, more: &[&str]| {
        let fixed = [
            "--out",
            out,
            "--set",
            "realmix.seeds=1",
            "--set",
            "realmix.speakers=[3]",
        ];
        let output = realmix(folder.path(), &[&fixed[..], more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        fs::read_to_string(folder.path().join(out).join("realmix.csv")).unwrap()
    };
    let estimated = run("estimated", &[]);
    let known = run("known", &["--set", "realmix.background=known"]);
    assert_eq!(values(&estimated, "mixture", "plain_sdr").len(), 4);
    assert_ne!(
        values(&estimated, "vb_fusion", "sdr"),
        values(&known, "vb_fusion", "sdr")
    );
}

#[test]
fn isolated_mixtures_are_used_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("PCCdata16kHz");
    let speech = synth::Speech::new(1);
    let save = |path: String, samples: &[f64]| {
        let path = top.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        write(path, samples, synth::SAMPLE_RATE_HZ, Encoding::Float32).unwrap();
    };
    let mut saved = 0;
    for index in 0..8 {
        let utterance = speech.utterance(3, index).unwrap();
        let code = utterance.sentence.code();
        if index < 6 {
            save(
                format!("train/reverberated/id3/{code}.wav"),
                &utterance.samples,
            );
            continue;
        }
        let mut noise = synth::background(10.0, &mut synth::stream(index, "test", &[])).unwrap();
        noise.truncate(utterance.samples.len());
        let mix = |gain: f64| -> Vec<f64> {
            utterance
                .samples
                .iter()
                .zip(&noise)
                .map(|(s, n)| s + gain * n)
                .collect()
        };
        save(format!("devel/isolated/0dB/s3_{code}.wav"), &mix(1.0));
        save(format!("devel/isolated/6dB/s3_{code}.wav"), &mix(0.5));
        save(
            format!("devel/reverberated/id3/{code}.wav"),
            &utterance.samples,
        );
        saved += 1;
    }
    save("background/room.wav".to_owned(), &[0.1; 80_000]);
    let arguments = [
        "--out",
        "out",
        "--set",
        "corpus.kind=chime",
        "--set",
        "corpus.root=.",
        "--set",
        "realmix.speakers=[3]",
        "--set",
        "realmix.seeds=1",
        "--set",
        "realmix.isolated=devel",
    ];
    let output = realmix(folder.path(), &arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    let csv = fs::read_to_string(folder.path().join("out/realmix.csv")).unwrap();
    let plain = values(&csv, "mixture", "plain_sdr");
    assert_eq!(plain.len(), 2 * saved);
    // Half the background, whatever its ratio is: 6 dB more. Files hold 32-bit floats.
    for index in 0..saved {
        let gained = plain[saved + index] - plain[index];
        assert!((gained - 20.0 * 2.0_f64.log10()).abs() < 1e-3, "{plain:?}");
    }
    fs::remove_dir_all(top.join("devel/reverberated")).unwrap();
    let output = realmix(folder.path(), &[&arguments[..], &["--force"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("devel/reverberated"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (set, words) in [
        ("realmix.mixtures=9", "`realmix.mixtures`"),
        ("realmix.speakers=[99]", "`realmix.speakers`"),
        ("realmix.speakers=[]", "`realmix.speakers`"),
        ("realmix.isolated=devel", "`realmix.isolated`"),
        ("realmix.seeds=0", "`realmix.seeds`"),
        ("realmix.nothing=1", "unknown field"),
    ] {
        let output = realmix(folder.path(), &["--set", set]);
        assert_eq!(output.status.code(), Some(2), "{set}");
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}
