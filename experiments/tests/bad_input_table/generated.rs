//! What is wrong in the same way in many places: every key with values of other types, every
//! encoding of WAV that is not read, every table with damage, every number of the command line.

use std::fs;
use std::path::{Path, PathBuf};

use super::recordings::{recording, wav};
use super::{Case, parts};

pub(super) fn cases() -> Vec<Case> {
    [
        keys_of_other_types(),
        keys_that_are_not_numbers(),
        recordings(),
        damaged_tables(),
        damaged_dictionaries(),
        options(),
        methods_of_others(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A configuration with one value, on its second line.
fn value(key: &str, value: &str, says: &str) -> Case {
    let (section, name) = key.split_once('.').unwrap();
    let line = format!("{name} = {value}");
    Case::in_file(
        "table1",
        format!("[{section}]\n{line}\n"),
        &format!("line 2 … {says}"),
    )
}

const WHOLE_NUMBERS: [&str; 13] = [
    "corpus.sample_rate_hz",
    "evaluation.filter_taps",
    "mixtures.frames",
    "model.iterations",
    "report.examples",
    "statistics.resamples",
    "stft.hop_samples",
    "stft.window_samples",
    "timings.repetitions",
    "training.background_components",
    "training.iterations",
    "training.utterances_per_side",
    "training.weight_mixtures",
];
const NUMBERS: [&str; 8] = [
    "mixtures.activation_shape",
    "mixtures.noise_variance",
    "model.activation_shape",
    "model.beta",
    "model.dictionary_shape",
    "model.dictionary_start_floor",
    "model.tolerance",
    "training.background_seconds",
];
const LISTS: [&str; 5] = [
    "evaluation.estimates",
    "evaluation.methods",
    "evaluation.metrics",
    "mixtures.snr_db",
    "training.orders",
];
const NAMES: [&str; 7] = [
    "corpus.kind",
    "experiment.name",
    "mixtures.source",
    "model.precision",
    "training.estimation",
    "training.normalisation",
    "training.precision",
];

fn keys_of_other_types() -> Vec<Case> {
    let table: [(&[&str], &[&str]); 4] = [
        (&WHOLE_NUMBERS, &["\"3\"", "true", "2.5", "[3]"]),
        (&NUMBERS, &["\"3\"", "false", "[3.0]"]),
        (&LISTS, &["3", "[[]]", "2014-01-01"]),
        (&NAMES, &["3", "[\"a\"]"]),
    ];
    let mut cases = Vec::new();
    for (keys, values) in table {
        for key in keys {
            let says = format!("`{key}`: … is not allowed; allowed: ");
            cases.extend(values.iter().map(|wrong| value(key, wrong, &says)));
        }
    }
    cases
}

fn keys_that_are_not_numbers() -> Vec<Case> {
    let not_a_number = |key: &&str| value(key, "nan", &format!("`{key}`: NaN is out of range"));
    let infinite = |key: &&str| value(key, "-inf", &format!("`{key}`: -inf is out of range"));
    let negative = |key: &&str| value(key, "-1", &format!("`{key}`: -1 is not allowed"));
    let mut cases: Vec<Case> = NUMBERS.iter().map(not_a_number).collect();
    cases.extend(NUMBERS.iter().map(infinite));
    cases.extend(WHOLE_NUMBERS.iter().map(negative));
    cases
}

fn recordings() -> Vec<Case> {
    const BYTES: usize = 16_000;
    let mut cases = Vec::new();
    let unread = [
        (0x0010, "format tag 0x0010"),
        (0x0011, "IMA ADPCM (format tag 0x0011)"),
        (0x0022, "format tag 0x0022"),
        (0x0031, "GSM 6.10 (format tag 0x0031)"),
        (0x0045, "ADPCM (format tag 0x0045)"),
        (0x0050, "MPEG audio (format tag 0x0050)"),
        (0x0055, "MP3 (format tag 0x0055)"),
        (0x00ff, "AAC (format tag 0x00ff)"),
        (0x0161, "Windows Media Audio (format tag 0x0161)"),
        (0x2000, "AC-3 (format tag 0x2000)"),
        (0x674f, "Vorbis (format tag 0x674f)"),
        (0xf1ac, "FLAC (format tag 0xf1ac)"),
        (0xffff, "format tag 0xffff"),
    ];
    for (tag, says) in unread {
        let file = wav(tag, 1, 16_000, 16, BYTES);
        cases.push(recording(&format!("tag {tag:#x}"), file, says));
    }
    for bits in [33, 40, 64, 255, u16::MAX] {
        let file = wav(1, 1, 16_000, bits, BYTES);
        let says = format!("{bits}-bit integers is not read");
        cases.push(recording(&format!("integers of {bits} bits"), file, &says));
    }
    for bits in [8, 16, 24, 80, 128] {
        let file = wav(3, 1, 16_000, bits, BYTES);
        let says = format!("{bits}-bit floats is not read");
        cases.push(recording(&format!("floats of {bits} bits"), file, &says));
    }
    for channels in [1025, u16::MAX] {
        let file = wav(1, channels, 16_000, 8, BYTES);
        cases.push(recording(
            &format!("{channels} channels"),
            file,
            "more than 1024 channels",
        ));
    }
    for (rate_hz, says) in [(2, "2 Hz"), (u32::MAX, "4294967295 Hz")] {
        let file = wav(1, 1, rate_hz, 16, BYTES);
        cases.push(recording(&format!("rate {rate_hz}"), file, says));
    }
    // Every field of the header cut off, one after another.
    let whole = wav(1, 1, 16_000, 16, BYTES);
    for (bytes, says) in [
        (4, "not an audio file"),
        (12, "no data chunk"),
        (16, "no data chunk"),
        (22, "the format chunk is too short"),
        (36, "no data chunk"),
        (40, "no data chunk"),
        (44, "no samples"),
        (45, "no samples"),
    ] {
        cases.push(recording(
            &format!("the first {bytes} bytes"),
            whole[..bytes].to_vec(),
            says,
        ));
    }
    cases
}

/// Damage to a text.
type Damage = fn(String) -> Vec<u8>;

fn damaged_tables() -> Vec<Case> {
    let damages: [(&str, Damage); 5] = [
        ("that is empty", |_| Vec::new()),
        ("without its header", |text| {
            text.split_once('\n').unwrap().1.as_bytes().to_vec()
        }),
        ("with a row that is too short", |text| {
            [text.as_bytes(), b"1,2\n"].concat()
        }),
        ("with a word for a number", |text| {
            let (rest, last) = text.trim_end().rsplit_once(',').unwrap();
            assert!(!last.is_empty());
            format!("{rest},many\n").into_bytes()
        }),
        ("that is no text", |text| {
            [text.as_bytes(), &[0xff, 0xfe, b'\n']].concat()
        }),
    ];
    let mut cases = Vec::new();
    let mut add = |file: &'static str, what: &str, damage: Damage| {
        cases.push(Case::new(
            format!("report of {file} {what}"),
            move |folder| {
                let path = folder.join("done").join(file);
                let text = fs::read_to_string(&path).unwrap();
                fs::write(path, damage(text)).unwrap();
            },
            "report done",
            1,
            &[file],
        ));
    };
    for file in [
        "table1.csv",
        "differences.csv",
        "effective_orders.csv",
        "timings.csv",
    ] {
        for (what, damage) in damages {
            add(file, what, damage);
        }
    }
    let of_json: [(&str, Damage); 4] = [
        ("that is empty", |_| Vec::new()),
        ("that is cut short", |text| {
            text.as_bytes()[..text.len() / 2].to_vec()
        }),
        ("with more behind it", |text| {
            [text.as_bytes(), b"{}"].concat()
        }),
        ("that is no text", |_| vec![0xff]),
    ];
    for (what, damage) in of_json {
        add("manifest.json", what, damage);
    }
    cases
}

fn damaged_dictionaries() -> Vec<Case> {
    const SEPARATE: &str = "separate mix.wav --speech speech.npz --iterations 2 --out out";
    let mut cases: Vec<Case> = Vec::new();
    for (numerator, what) in [(0, "nothing"), (1, "a quarter"), (2, "half"), (3, "most")] {
        let cut = move |folder: &Path| {
            let path = folder.join("speech.npz");
            let bytes = fs::read(&path).unwrap();
            fs::write(path, &bytes[..bytes.len() * numerator / 4]).unwrap();
        };
        let what = format!("dictionaries of which {what} is there");
        cases.push(Case::new(what, cut, SEPARATE, 1, &["speech.npz"]));
    }
    // What may be of another program has to say its rate first.
    for (what, bytes, code) in [
        ("a recording", b"RIFF\0\0\0\0WAVEfmt ".to_vec(), 1),
        (
            "an archive of nothing",
            [b"PK\x05\x06".as_slice(), &[0; 18]].concat(),
            2,
        ),
        ("an array alone", b"\x93NUMPY\x01\x00".to_vec(), 2),
        ("zeros", vec![0; 1000], 1),
    ] {
        let replace = move |folder: &Path| fs::write(folder.join("speech.npz"), &bytes).unwrap();
        let what = format!("dictionaries that are {what}");
        cases.push(Case::new(what, replace, SEPARATE, code, &["speech.npz"]));
    }
    cases
}

fn options() -> Vec<Case> {
    let commands: [(&str, &[&str]); 5] = [
        (
            "separate mix.wav --speech speech.npz --out out",
            &[
                "--background-components",
                "--iterations",
                "--tolerance",
                "--kappa",
                "--beta",
                "--noise-db",
                "--segment",
                "--overlap",
                "--seed",
                "--jobs",
                "--dictionary-rate",
                "--dictionary-window",
                "--channels",
                "--encoding",
                "--method",
                "--precision",
                "--activation-start",
            ],
        ),
        (
            "train speech --out x.npz",
            &[
                "--orders",
                "--iterations",
                "--precision",
                "--sample-rate",
                "--window",
                "--hop",
                "--window-kind",
                "--held-out",
                "--frames",
                "--seed",
                "--jobs",
            ],
        ),
        (
            "score --reference a.wav --estimate b.wav",
            &["--window", "--hop", "--jobs"],
        ),
        ("report done", &["--seconds"]),
        ("verify done --against done", &["--tolerance"]),
    ];
    let mut cases = Vec::new();
    for (command, options) in commands {
        for option in options {
            for wrong in ["many", "1e5x"] {
                let line = format!("{command} {option} {wrong}");
                cases.push(Case::new(line.clone(), |_| (), line, 2, &[option, wrong]));
            }
        }
    }
    cases
}

/// A folder of estimates beside a study that wants others.
fn methods_of_others() -> Vec<Case> {
    const STUDY: &str = "table1 --config tiny.toml --out out";
    /// The files that the study expects.
    fn speech(folder: &Path) -> PathBuf {
        let speech = folder.join("mine/speech");
        fs::create_dir_all(&speech).unwrap();
        for snr_db in [-3, 6] {
            for order in [1, 3] {
                let name = format!("order{order}_snr{snr_db}dB_seed7.wav");
                fs::write(speech.join(name), wav(1, 1, 16_000, 16, 5_000)).unwrap();
            }
        }
        speech
    }
    let table: [(&str, super::Spoil, &str, i32, &str); 12] = [
        (
            "no such folder",
            |_| (),
            "--estimates mine",
            2,
            "mine/speech is not a folder (`evaluation.estimates`) … mine/speech/TRIAL.wav",
        ),
        (
            "an empty folder",
            |folder| fs::create_dir_all(folder.join("mine/speech")).unwrap(),
            "--estimates mine",
            2,
            "no audio file below mine/speech",
        ),
        (
            "a file",
            |folder| fs::write(folder.join("mine"), "").unwrap(),
            "--estimates mine",
            2,
            "mine/speech is not a folder",
        ),
        (
            "files of another length",
            |folder| drop(speech(folder)),
            "--estimates mine",
            2,
            "order3_snr6dB_seed7.wav: 2500 samples, and the mixture has",
        ),
        (
            "a file too few",
            |folder| fs::remove_file(speech(folder).join("order3_snr-3dB_seed7.wav")).unwrap(),
            "--estimates mine",
            2,
            "mine/speech/order3_snr-3dB_seed7.wav: there is no such file",
        ),
        (
            "a file too many",
            |folder| {
                let speech = speech(folder);
                let from = speech.join("order1_snr6dB_seed7.wav");
                fs::copy(from, speech.join("order1_snr6dB_seed8.wav")).unwrap();
            },
            "--estimates mine",
            2,
            "order1_snr6dB_seed8.wav: the study has no trial of this name",
        ),
        (
            "two files of one trial",
            |folder| {
                let speech = speech(folder);
                let from = speech.join("order1_snr6dB_seed7.wav");
                fs::copy(from, speech.join("order1_snr6dB_seed7.flac")).unwrap();
            },
            "--estimates mine",
            2,
            "order1_snr6dB_seed7 … another file there is of the same trial",
        ),
        (
            "another seed",
            |folder| drop(speech(folder)),
            "--estimates mine --seed 8",
            2,
            "mine/speech/order1_snr6dB_seed8.wav: there is no such file",
        ),
        (
            "a folder that names no method",
            |_| (),
            "--estimates my\u{e9}thod",
            2,
            "`evaluation.estimates`: \"my\u{e9}thod\" is no name of a method",
        ),
        (
            "a folder without a name",
            |_| (),
            "--estimates ..",
            2,
            "`evaluation.estimates`: \"\" is no name of a method",
        ),
        (
            "a method twice",
            |_| (),
            "--estimates a/mine --estimates b/mine/",
            2,
            "`evaluation.estimates`: two folders are named \"mine\"",
        ),
        (
            "an export into the results",
            |_| (),
            "--export out/audio",
            2,
            "out/audio is a folder of the results (--out)",
        ),
    ];
    let table = table.into_iter();
    table
        .map(|(what, prepare, more, code, says)| {
            let what = format!("estimates: {what}");
            Case::new(what, prepare, format!("{STUDY} {more}"), code, &parts(says))
        })
        .collect()
}
