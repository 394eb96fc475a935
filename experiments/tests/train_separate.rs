//! `train` and `separate` on small synthesised recordings: what is learned, and what the stems are.

mod common;

use std::fs;
use std::process::Command;

use common::scene::Scene;
use common::stderr;
use dsp::audio::{read_channels, read_mono};
use dsp::wav::{Encoding, write, write_channels};
use serde_json::Value;
use synth::SAMPLE_RATE_HZ;

#[test]
fn recordings_of_several_folders_are_taken_for_one_source_and_that_is_said() {
    let scene = Scene::new();
    let says = |arguments: &[&str]| {
        let output = scene.train(&[arguments, &["--out", "out.npz"]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output).contains("recordings in 2 folders, taken for one source")
    };
    assert!(!says(&[]));
    // The mixture lies in the folder above.
    assert!(says(&["mix.wav"]));
    assert!(!says(&["mix.wav", "--quiet"]));
    assert!(!says(&["./speech/../speech"]));
}

#[test]
fn dictionaries_do_not_depend_on_the_threads_and_are_arrays_for_others() {
    let scene = Scene::new();
    for (jobs, out) in [("1", "one.npz"), ("3", "three.npz")] {
        let output = scene.train(&["--precision", "f64", "--jobs", jobs, "--out", out]);
        assert!(output.status.success(), "{}", stderr(&output));
        let table = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            table.contains("held-out divergence") && !table.contains("NaN"),
            "{table}"
        );
    }
    let [one, three] = ["one.npz", "three.npz"].map(|name| fs::read(scene.path(name)).unwrap());
    assert!(one == three, "--jobs changes the file");

    let file = experiments::DictionaryFile::read(&scene.path("one.npz")).unwrap();
    let metadata = &file.metadata;
    assert_eq!(metadata.orders, [2, 6]);
    assert!(metadata.held_out_frames > 0 && metadata.held_out_divergence.len() == 2);
    // More components explain more, seen or unseen.
    assert!(metadata.held_out_divergence[1] < metadata.held_out_divergence[0]);
    for (dictionary, cost) in file.dictionaries.iter().zip(&file.costs) {
        assert_eq!(dictionary.bins(), 513);
        assert_eq!(cost.len(), 31);
        assert!(
            cost.windows(2)
                .all(|pair| pair[1] <= pair[0] * (1.0 + 1e-12))
        );
    }

    // Single precision, the default, is close to double.
    for (jobs, out) in [("1", "single.npz"), ("3", "single_three.npz")] {
        let output = scene.train(&["--jobs", jobs, "--out", out]);
        assert!(output.status.success(), "{}", stderr(&output));
    }
    let [single, three] =
        ["single.npz", "single_three.npz"].map(|name| fs::read(scene.path(name)).unwrap());
    assert!(single == three, "--jobs changes the file");
    let single = experiments::DictionaryFile::read(&scene.path("single.npz")).unwrap();
    assert_ne!(single.dictionaries, file.dictionaries);
    for (single, double) in single.costs.iter().zip(&file.costs) {
        for (single, double) in single.iter().zip(double) {
            assert!((single / double - 1.0).abs() < 1e-5, "{single}, {double}");
        }
    }

    let script = "import json, sys, numpy\n\
        d = numpy.load(sys.argv[1])\n\
        m = json.loads(d['metadata'].tobytes())\n\
        assert m['orders'] == [2, 6] and m['sample_rate_hz'] == 16000, m\n\
        for k in m['orders']:\n    \
            w = d[f'dictionary_{k}']\n    \
            assert w.shape == (k, 513) and w.dtype == float and (w >= 0).all()\n    \
            assert abs(w.mean(1) - 1).max() < 1e-12\n\
        numpy.savez_compressed(sys.argv[2], **d)\n";
    let has_numpy = Command::new("python3")
        .args(["-c", "import numpy"])
        .output();
    if has_numpy.is_ok_and(|output| output.status.success()) {
        let paths = ["one.npz", "again.npz"].map(|name| scene.path(name));
        let output = Command::new("python3")
            .args(["-c", script])
            .args(&paths)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        // What NumPy writes is read, compressed as it is.
        let again = experiments::DictionaryFile::read(&paths[1]).unwrap();
        assert_eq!(again, file);
    }
}

#[test]
fn speech_is_better_in_its_stem_than_in_the_mixture() {
    let scene = Scene::new();
    let output = scene.separated(&[
        "mix.wav",
        "--speech",
        "speech.npz",
        "--background-components",
        "4",
    ]);
    assert!(output.contains("times as fast as real time"), "{output}");
    let stem = scene.stem("mix-stems/speech.wav");
    assert_eq!(stem.len(), scene.speech.len());
    let before = eval::si_sdr(&scene.speech, &scene.mixture()).unwrap();
    let after = eval::si_sdr(&scene.speech, &stem).unwrap();
    // Little, as the dictionaries are of four sentences and two orders.
    assert!(after > before + 1.0, "{before} {after}");

    let report = scene.report("mix-stems");
    assert_eq!(report["sources"][0]["name"], "speech");
    assert_eq!(report["sources"][1]["orders"][0], 4);
    let inference = &report["segments"][0]["inferences"][0];
    let weights = inference["order_posterior"][0].as_array().unwrap();
    let sum: f64 = weights.iter().map(|weight| weight.as_f64().unwrap()).sum();
    assert!(weights.len() == 2 && (sum - 1.0).abs() < 1e-9);
    let trace: Vec<f64> = inference["free_energy"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| pair[1].as_f64().unwrap())
        .collect();
    assert_eq!(trace.len(), 4);
    assert!(
        trace
            .windows(2)
            .all(|pair| pair[1] >= pair[0] - 1e-9 * pair[0].abs())
    );
    assert!(report["leftover_db"].as_f64().unwrap() < -60.0);
}

#[test]
fn the_single_orders_are_weighed_by_their_free_energies() {
    let scene = Scene::new();
    let separate = |folder: &str, options: &[&str]| -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let fixed = ["mix.wav", "--speech", "speech.npz", "--out", folder];
        scene.separated(&[&fixed[..], options].concat());
        let report = scene.report(folder);
        let inference = &report["segments"][0]["inferences"][0];
        let numbers = |value: &Value| {
            let values = value.as_array().unwrap().iter();
            values.map(|it| it.as_f64().unwrap()).collect()
        };
        let stem = scene.stem(&format!("{folder}/speech.wav"));
        let weights = numbers(&inference["order_posterior"][0]);
        (stem, numbers(&inference["free_energies"]), weights)
    };
    let (selection, energies, weights) = separate("selection", &["--method", "selection"]);
    let (mean, ..) = separate("mean", &["--method", "mean"]);
    let best = weights.iter().position(|&weight| weight > 0.5).unwrap();
    // With beta the distance of the two free energies, one is e times as probable.
    let beta = (energies[0] - energies[1]).abs().to_string();
    let evidence = ["--method", "evidence", "--beta", &beta];
    let (found, found_energies, weights) = separate("evidence", &evidence);
    assert_eq!(found_energies, energies);
    let share = 1.0 / (1.0 + (-1.0_f64).exp());
    assert!((weights[best] - share).abs() < 1e-9, "{weights:?}");
    assert!((weights[1 - best] - (1.0 - share)).abs() < 1e-9);
    // Two orders: the mean is half of each. The stems are rounded to 32 bits.
    for ((found, selected), mean) in found.iter().zip(&selection).zip(&mean) {
        let other = 2.0 * mean - selected;
        let expected = share * selected + (1.0 - share) * other;
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
    let certain = separate("certain", &["--method", "evidence", "--beta", "0"]);
    assert_eq!(certain.0, selection);
}

/// The largest second difference within a few samples of `at`, against the usual one around it: a
/// jump stands out.
fn roughness(signal: &[f64], at: usize) -> f64 {
    let difference = |t: usize| (signal[t + 1] - 2.0 * signal[t] + signal[t - 1]).abs();
    let peak = (at - 3..at + 3).map(difference).fold(0.0, f64::max);
    let around = (at - 300..at + 300)
        .map(|t| difference(t).powi(2))
        .sum::<f64>()
        / 600.0;
    peak / around.sqrt()
}

#[test]
fn segments_join_without_clicks_and_stems_sum_to_the_mixture() {
    let scene = Scene::new();
    let fixed = [
        "mix.wav",
        "--speech",
        "speech.npz",
        "--segment",
        "0.5",
        "--overlap",
        "0.1",
    ];
    for (jobs, out) in [("1", "one"), ("3", "three")] {
        scene.separated(&[&fixed[..], &["--jobs", jobs, "--out", out]].concat());
    }
    for name in ["speech.wav", "background.wav", "separation.json"] {
        let [one, three] =
            ["one", "three"].map(|out| fs::read(scene.path(out).join(name)).unwrap());
        assert!(one == three, "{name} depends on --jobs");
    }

    let mixture = scene.stem("mix.wav");
    let [speech, background] =
        ["speech", "background"].map(|n| scene.stem(&format!("one/{n}.wav")));
    let report = scene.report("one");
    let segments = report["segments"].as_array().unwrap();
    assert!(segments.len() >= 10);
    let left: f64 = mixture
        .iter()
        .zip(&speech)
        .zip(&background)
        .map(|((x, s), b)| (x - s - b).abs())
        .fold(0.0, f64::max);
    // The noise is 70 dB below the recording.
    assert!(left < 1e-4, "{left}");

    let sample = |value: &Value| (value.as_f64().unwrap() * f64::from(SAMPLE_RATE_HZ)) as usize;
    let mut joins = Vec::new();
    for pair in segments.windows(2) {
        let (start, end) = (
            sample(&pair[1]["start_seconds"]),
            sample(&pair[0]["end_seconds"]),
        );
        assert!(end > start + 1500, "the overlap is 0.1 s");
        joins.extend([start, (start + end) / 2, end]);
    }
    for stem in [&speech, &background] {
        let elsewhere: Vec<f64> = (1000..stem.len() - 1000)
            .step_by(97)
            .filter(|&at| joins.iter().all(|join| join.abs_diff(at) > 300))
            .map(|at| roughness(stem, at))
            .collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let largest = elsewhere.iter().copied().fold(0.0, f64::max);
        let at_joins: Vec<f64> = joins.iter().map(|&join| roughness(stem, join)).collect();
        assert!(
            mean(&at_joins) < 1.25 * mean(&elsewhere),
            "{} {}",
            mean(&at_joins),
            mean(&elsewhere)
        );
        assert!(at_joins.iter().all(|&rough| rough < 1.25 * largest));
        // The measure would notice: a step of a third of the signal's level at every join.
        let level = (stem.iter().map(|x| x * x).sum::<f64>() / stem.len() as f64).sqrt();
        let clicks = joins.iter().map(|&join| {
            let mut stepped = stem.clone();
            stepped[join..].iter_mut().for_each(|x| *x += level / 3.0);
            roughness(&stepped, join)
        });
        let clicks: Vec<f64> = clicks.collect();
        assert!(
            mean(&clicks) > 1.5 * mean(&elsewhere),
            "{} {}",
            mean(&clicks),
            mean(&elsewhere)
        );
    }
}

#[test]
fn channels_are_separated_alone_together_or_mixed_down() {
    let scene = Scene::new();
    // The speaker on the left, the background on both sides.
    let left = scene.mixture();
    let right: Vec<f64> = scene
        .speech
        .iter()
        .zip(&scene.background)
        .map(|(s, b)| 0.1 * s + 0.4 * b)
        .collect();
    write_channels(
        scene.path("stereo.wav"),
        &[&left, &right],
        SAMPLE_RATE_HZ,
        Encoding::Pcm24,
    )
    .unwrap();
    for (mode, channels, inferences) in [("each", 2, 2), ("shared", 2, 1), ("mono", 1, 1)] {
        scene.separated(&[
            "stereo.wav",
            "--speech",
            "speech.npz",
            "--channels",
            mode,
            "--out",
            mode,
        ]);
        let stems = ["speech", "background"].map(|name| {
            read_channels(scene.path(mode).join(format!("{name}.wav")))
                .unwrap()
                .channels
        });
        assert_eq!(stems[0].len(), channels, "{mode}");
        let report = scene.report(mode);
        let found = report["segments"][0]["inferences"]
            .as_array()
            .unwrap()
            .len();
        assert_eq!(found, inferences, "{mode}");
        for (channel, input) in [&left, &right].into_iter().enumerate().take(channels) {
            for (t, input) in input.iter().enumerate() {
                let expected = if mode == "mono" {
                    0.5 * (left[t] + right[t])
                } else {
                    *input
                };
                let sum = stems[0][channel][t] + stems[1][channel][t];
                assert!((sum - expected).abs() < 1e-4, "{mode} {channel} {t}");
            }
        }
    }
    let shared = read_channels(scene.path("shared/speech.wav"))
        .unwrap()
        .channels;
    let energy = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>();
    assert!(energy(&shared[0]) > 4.0 * energy(&shared[1]));
}

#[test]
fn backgrounds_are_given_learned_or_adapted_and_sources_may_be_many() {
    let scene = Scene::new();
    // Half a second of background alone first.
    let lead = SAMPLE_RATE_HZ as usize / 2;
    let mut speech = vec![0.0; lead];
    speech.extend(&scene.speech[..scene.speech.len() - lead]);
    let mixture: Vec<f64> = speech
        .iter()
        .zip(&scene.background)
        .map(|(s, b)| 0.5 * (s + b))
        .collect();
    write(
        scene.path("lead.wav"),
        &mixture,
        SAMPLE_RATE_HZ,
        Encoding::Float32,
    )
    .unwrap();
    let fixed = [
        "lead.wav",
        "--speech",
        "speech.npz",
        "--background-components",
        "4",
        "--out",
        "out",
    ];
    let treatment = |more: &[&str]| {
        scene.separated(&[&fixed[..], more].concat());
        let report = scene.report("out");
        let after = eval::si_sdr(&speech, &scene.stem("out/speech.wav")).unwrap();
        assert!(
            after > eval::si_sdr(&speech, &mixture).unwrap(),
            "{more:?}: {after}"
        );
        report["sources"][1]["dictionaries"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(treatment(&[]), "estimated");
    assert_eq!(treatment(&["--background-from", "0.0-0.5"]), "known");
    assert_eq!(
        treatment(&["--background-from", "0.0-0.5", "--adapt-background"]),
        "adapted"
    );
    let three = [
        "mix.wav",
        "--source",
        "a=speech.npz",
        "--source",
        "b=speech.npz",
        "--source",
        "c=speech.npz",
        "--no-background",
        "--out",
        "many",
    ];
    scene.separated(&three);
    let mut names: Vec<String> = common::files(&scene.path("many")).into_keys().collect();
    names.sort();
    assert_eq!(names, ["a.wav", "b.wav", "c.wav", "separation.json"]);
}

#[test]
fn the_report_says_which_half_of_a_voice_and_which_acceleration() {
    let scene = Scene::new();
    let voices = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/voices");
    let [voice, noise] = ["italian_man", "rain"].map(|name| format!("{voices}/{name}.npz"));
    let fixed = [
        "mix.wav",
        "--speech",
        &voice,
        "--background",
        &noise,
        "--out",
    ];
    let separate = |folder: &str, options: &[&str]| {
        scene.separated(&[&fixed[..], &[folder], options].concat());
        scene.report(folder)
    };
    let accelerated = separate("squarem", &["--acceleration", "squarem"]);
    assert_eq!(accelerated["settings"]["acceleration"], "squarem");
    let [voice, noise] = [&accelerated["sources"][0], &accelerated["sources"][1]];
    assert_eq!(voice["origin"], "italian_man.npz");
    assert_eq!(voice["voice_half"], "estimation");
    assert_eq!(noise["origin"], "rain.npz");
    assert_eq!(noise["voice_half"], Value::Null);

    let plain = separate("plain", &["--acceleration", "none"]);
    assert_eq!(plain["settings"]["acceleration"], "none");
    let energy = |report: &Value| report["segments"][0]["inferences"][0]["free_energies"].clone();
    assert_ne!(energy(&accelerated), energy(&plain));
    // The model's own is the default.
    let default = separate("default", &[]);
    let expected = serde_json::to_value(model::Acceleration::default()).unwrap();
    assert_eq!(default["settings"]["acceleration"], expected);
}

#[test]
fn another_rate_is_refused_or_resampled_there_and_back() {
    let scene = Scene::new();
    let audio = read_mono(scene.path("mix.wav"))
        .unwrap()
        .at_rate(44_100)
        .unwrap();
    write(
        scene.path("fast.wav"),
        &audio.samples,
        44_100,
        Encoding::Float32,
    )
    .unwrap();
    let arguments = [
        "fast.wav",
        "--speech",
        "speech.npz",
        "--segment",
        "1",
        "--overlap",
        "0.2",
    ];
    let message = scene.refused(&arguments, 2);
    for word in ["fast.wav", "44100", "16000", "--resample"] {
        assert!(message.contains(word), "{message}");
    }
    scene.separated(&[&arguments[..], &["--resample"]].concat());
    let [speech, background] =
        ["speech", "background"].map(|n| scene.stem(&format!("fast-stems/{n}.wav")));
    assert_eq!(speech.len(), audio.samples.len());
    // The recording has nothing above the dictionaries' 8 kHz but what is left of the filter's
    // edge.
    let left: f64 = audio
        .samples
        .iter()
        .zip(&speech)
        .zip(&background)
        .map(|((x, s), b)| (x - s - b).powi(2))
        .sum();
    let energy: f64 = audio.samples.iter().map(|x| x * x).sum();
    assert!(left < 1e-4 * energy, "{}", left / energy);
}
