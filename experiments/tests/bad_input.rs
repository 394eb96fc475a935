//! Every bad input has a message that names what is wrong and what would be right, an exit code, and leaves nothing
//! behind.

mod common;

use std::fs;
use std::path::Path;

use common::{experiments, float_wav, stderr, table1, write_background, write_speech};

/// A run must fail with this code and say all of this, and no results folder may come of it.
fn fails(folder: &Path, arguments: &[&str], code: i32, message: &[&str]) {
    let output = table1(folder, &[arguments, &["--out", "out"]].concat());
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    for part in message {
        assert!(
            said.contains(part),
            "{arguments:?}: {part:?} is not in {said}"
        );
    }
    assert!(!folder.join("out").exists(), "{arguments:?} left a folder");
}

#[test]
fn wrong_settings() {
    // The option that is wrong, and what must be said beside the option itself.
    let cases: [(&str, &[&str]); 35] = [
        (
            "model.iteratons=3",
            &["unknown field `iteratons`", "`iterations`"],
        ),
        ("modl.iterations=3", &["unknown field `modl`", "`model`"]),
        (
            "model.iterations=x",
            &["invalid type: string \"x\"", "expected usize"],
        ),
        (
            "model.iterations=2.5",
            &["invalid type: floating point `2.5`"],
        ),
        ("model.iterations=-1", &["invalid value: integer `-1`"]),
        (
            "model.iterations=0",
            &["`model.iterations`: 0 is out of range, allowed are 1 to 1000000"],
        ),
        ("model.iterations", &["expected section.key=value"]),
        ("iterations=3", &["expected section.key=value"]),
        ("model.iterations=", &["is not a TOML value"]),
        (
            "model.dictionary_shape=0",
            &["`model.dictionary_shape`: 0.0", "0.01 to 0.99"],
        ),
        (
            "model.dictionary_shape=nan",
            &["`model.dictionary_shape`: NaN"],
        ),
        (
            "model.activation_start=inf",
            &["`model.activation_start`: inf"],
        ),
        (
            "model.beta=-1",
            &["`model.beta`: -1.0 is out of range, allowed are 0.0 to 1e30"],
        ),
        (
            "mixtures.snr_db=[]",
            &["`mixtures.snr_db`: must not be empty"],
        ),
        (
            "mixtures.snr_db=[0, 0]",
            &["`mixtures.snr_db`: holds 0.0 twice"],
        ),
        (
            "mixtures.snr_db=[0, 1000]",
            &["`mixtures.snr_db`: 1000.0", "-100.0 to 100.0"],
        ),
        ("mixtures.snr_db=[0", &["unclosed array"]),
        ("mixtures.frames=0", &["`mixtures.frames`: 0"]),
        (
            "mixtures.noise_variance=0",
            &["`mixtures.noise_variance`: 0.0"],
        ),
        ("training.orders=[2, 0]", &["`training.orders`: 0"]),
        (
            "training.orders=[2, 2]",
            &["`training.orders`: holds 2 twice"],
        ),
        (
            "training.utterances_per_side=0",
            &["`training.utterances_per_side`: 0"],
        ),
        (
            "training.background_seconds=0",
            &["`training.background_seconds`: 0.0"],
        ),
        (
            "stft.hop_samples=300",
            &["`stft`: hop_samples is 300", "window_samples (256)"],
        ),
        ("stft.window=round", &["unknown variant `round`"]),
        (
            "evaluation.metrics=[\"si_sdr\"]",
            &["`evaluation.metrics`: must contain \"sdr\""],
        ),
        ("evaluation.filter_taps=0", &["`evaluation.filter_taps`: 0"]),
        (
            "model.activation_shape=1.5",
            &["`model.activation_shape`: 1.5", "0.01 to 0.99"],
        ),
        (
            "model.activation_start=1e30",
            &["`model.activation_start`: 1e30", "1e-30 to 1e29"],
        ),
        (
            "model.dictionary_start_floor=1e30",
            &["`model.dictionary_start_floor`: 1e30"],
        ),
        (
            "mixtures.frames=1000000",
            &[
                "1000000 (`mixtures.frames`) times 129 (bins of `stft.window_samples`) is 129000000",
                "at most 100000000",
            ],
        ),
        (
            "training.orders=[2, 2000]",
            &["`training.orders`: 2000", "1 to 1000"],
        ),
        (
            "experiment.name=../up",
            &["`experiment.name`: \"../up\" is not allowed"],
        ),
        (
            "corpus.speaker=35",
            &["`corpus.speaker`: 35 is out of range, allowed are 1 to 34"],
        ),
        (
            "corpus.root=/data",
            &["`corpus.root`: has no meaning when `corpus.kind` is \"builtin\""],
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (option, message) in cases {
        let place = format!("--set {option}: ");
        fails(
            folder.path(),
            &["--set", option],
            2,
            &[&[place.as_str()], message].concat(),
        );
    }
}

#[test]
fn wrong_configuration_files() {
    let cases: [(&str, &[&str]); 6] = [
        (
            "[model]\nbeta = 3\nkappa = 1\n",
            &["line 3: `model.kappa`", "one of the two"],
        ),
        (
            "\n[model]\nbeta = [1]\n",
            &["line 3, `beta = [1]`: invalid type: sequence"],
        ),
        (
            "[model]\nbetta = 1\n",
            &["line 2, `betta = 1`: unknown field `betta`"],
        ),
        ("model = 3\n", &["line 1, `model = 3`: invalid type"]),
        ("[model\n", &["line 1"]),
        (
            "[corpus]\nkind = \"folder\"\n",
            &["`corpus.speech`: is needed when `corpus.kind` is \"folder\""],
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (text, message) in cases {
        fs::write(folder.path().join("wrong.toml"), text).unwrap();
        // The last --config counts.
        let output = experiments(
            folder.path(),
            &["table1", "--config", "wrong.toml", "--out", "out"],
        );
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{text:?}: {said}");
        for part in [&["wrong.toml"], message].concat() {
            assert!(said.contains(part), "{text:?}: {part:?} is not in {said}");
        }
    }
    let output = experiments(folder.path(), &["table1", "--config", "missing.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("cannot read configuration missing.toml"));
    assert!(!folder.path().join("out").exists() && !folder.path().join("results").exists());
}

#[test]
fn wrong_command_lines() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&[], "Usage"),
        (&["table2"], "table2"),
        (&["table1", "--jobs", "0"], "--jobs"),
        (&["table1", "--seed", "-1"], "-1"),
        (
            &["table1", "--seed", "18446744073709551615"],
            "--seed: `experiment.seed`",
        ),
        (&["table1", "--bogus"], "--bogus"),
    ];
    for (arguments, message) in cases {
        let output = experiments(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            stderr(&output).contains(message),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
    fs::write(folder.path().join("file"), "").unwrap();
    let output = table1(folder.path(), &["--out", "file"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("file is not a folder (--out)"));
}

const FOLDER: [&str; 6] = [
    "--set",
    "corpus.kind=folder",
    "--set",
    "corpus.speech=speech",
    "--set",
    "corpus.background=background",
];

#[test]
fn missing_and_too_small_corpora() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    fails(
        folder.path(),
        &FOLDER,
        1,
        &["speech is not a folder (`corpus.speech`)"],
    );
    fs::create_dir(at("speech")).unwrap();
    fails(
        folder.path(),
        &FOLDER,
        1,
        &["no WAV file below speech (`corpus.speech`)"],
    );
    write_speech(&at("speech"), 3);
    fails(
        folder.path(),
        &FOLDER,
        1,
        &["background is not a folder (`corpus.background`)"],
    );
    write_background(&at("background"), 0.5);
    fails(
        folder.path(),
        &FOLDER,
        1,
        &[
            "too few utterances: the corpus (folder) has 3",
            "needs 4",
            "`training.utterances_per_side = 2`",
        ],
    );
    write_speech(&at("speech"), 4);
    fails(
        folder.path(),
        &FOLDER,
        1,
        &[
            "too little background",
            "1 s (`training.background_seconds`)",
            "0.5 s",
        ],
    );

    let builtin = ["--set", "training.utterances_per_side=501"];
    fails(
        folder.path(),
        &builtin,
        1,
        &["builtin, speaker", "has 1000", "needs 1002"],
    );
    let chime = ["--set", "corpus.kind=chime", "--set", "corpus.root=speech"];
    fails(
        folder.path(),
        &chime,
        1,
        &[
            "speech holds neither",
            "PCCdata16kHz/train/reverberated",
            "`corpus.root`",
        ],
    );
    let speech = at("chime/train/reverberated/id4");
    write_speech(&speech, 4);
    let chime = ["--set", "corpus.kind=chime", "--set", "corpus.root=chime"];
    fails(
        folder.path(),
        &chime,
        1,
        &[
            "chime has no folder background or train/background",
            "`corpus.background`",
        ],
    );
    let other = [&chime[..], &["--set", "corpus.speaker=5"]].concat();
    fails(
        folder.path(),
        &other,
        1,
        &["id5 is not a folder (`corpus.speaker`)"],
    );
    fs::write(speech.join("hello.wav"), "").unwrap();
    fails(
        folder.path(),
        &chime,
        1,
        &[
            "hello.wav is not named by a sentence of the Grid corpus",
            "`bgaa9a`",
        ],
    );
}

#[test]
fn unusable_recordings() {
    let folder = tempfile::tempdir().unwrap();
    let speech = write_speech(&folder.path().join("speech"), 4);
    write_background(&folder.path().join("background"), 1.5);
    let victim = &speech[2];
    let intact = fs::read(victim).unwrap();
    let mut nan = vec![0.1; 8000];
    nan[77] = f32::NAN;
    let mut infinite = nan.clone();
    infinite[77] = f32::INFINITY;
    let cases: [(Vec<u8>, &str); 8] = [
        (Vec::new(), "not an audio file"),
        (
            b"this is not a recording at all, it is a text".to_vec(),
            "not an audio file",
        ),
        (intact[..40].to_vec(), "no data chunk"),
        (float_wav(&[]), "no samples"),
        (float_wav(&nan), "sample 77 of channel 0 is not finite"),
        (float_wav(&infinite), "sample 77 of channel 0 is not finite"),
        (float_wav(&[0.0; 8000]), "every sample is zero"),
        (
            float_wav(&[0.5; 255]),
            "shorter than a frame of 256 (`stft.window_samples`)",
        ),
    ];
    let name = victim.file_name().unwrap().to_str().unwrap();
    for (contents, message) in cases {
        fs::write(victim, contents).unwrap();
        fails(folder.path(), &FOLDER, 1, &[name, message]);
    }
    fs::write(victim, intact).unwrap();
    fs::write(
        folder.path().join("background/living room.wav"),
        float_wav(&[0.0; 32_000]),
    )
    .unwrap();
    fails(
        folder.path(),
        &FOLDER,
        1,
        &["living room.wav", "every sample is zero"],
    );
}
