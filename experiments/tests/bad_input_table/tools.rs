//! What `train`, `separate` and `score` are asked for wrongly, or find to be wrong.

use std::fs;
use std::io::Write;
use std::path::Path;

use dsp::wav::{Encoding, write, write_channels};
use zip::write::{SimpleFileOptions, ZipWriter};

use super::common::{experiments, float_wav, stderr};
use super::{Case, Spoil};

const RATE_HZ: u32 = 16_000;

/// Recordings to separate and to score, and dictionaries.
pub(super) fn prepare(folder: &Path) {
    let signal = |step: usize| -> Vec<f64> {
        (0..8000)
            .map(|t| ((t * t * step + t) % 997) as f64 / 1994.0 - 0.25)
            .collect()
    };
    let save = |name: &str, samples: &[f64]| {
        write(folder.join(name), samples, RATE_HZ, Encoding::Pcm16).unwrap();
    };
    for kind in ["r", "e"] {
        fs::create_dir(folder.join(kind)).unwrap();
    }
    for (name, step) in [
        ("mix.wav", 3),
        ("a.wav", 5),
        ("b.wav", 7),
        ("r/1.wav", 3),
        ("r/2.wav", 5),
    ] {
        save(name, &signal(step));
    }
    save("e/1.wav", &signal(9));
    save("e/2.wav", &signal(11));
    let train = "train speech --window 256 --orders 2 --iterations 2 --out speech.npz";
    let arguments: Vec<&str> = train.split(' ').collect();
    let output = experiments(folder, &arguments);
    assert!(output.status.success(), "{}", stderr(&output));
}

const TRAIN: &str = "train speech --window 256 --orders 2 --iterations 2 --out x.npz";
const SEPARATE: &str = "separate mix.wav --speech speech.npz --iterations 2 --out out";
const SCORE: &str = "score --reference a.wav --estimate b.wav";

fn nothing(_: &Path) {}

/// An array as NumPy stores it.
fn npy(kind: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    header.extend(std::iter::repeat_n(' ', 117 - header.len()));
    header.push('\n');
    let mut array = b"\x93NUMPY\x01\x00".to_vec();
    array.extend((header.len() as u16).to_le_bytes());
    array.extend(header.as_bytes());
    array.extend(bytes);
    array
}

/// An archive with dictionaries for the transform of `speech.npz`.
fn npz(folder: &Path, arrays: &[(&str, Vec<u8>)]) {
    let mut archive = ZipWriter::new(fs::File::create(folder.join("own.npz")).unwrap());
    for (name, array) in arrays {
        archive
            .start_file(format!("{name}.npy"), SimpleFileOptions::default())
            .unwrap();
        archive.write_all(array).unwrap();
    }
    archive.finish().unwrap();
}

fn metadata(json: &str) -> (&'static str, Vec<u8>) {
    (
        "metadata",
        npy("|u1", &format!("({},)", json.len()), json.as_bytes()),
    )
}

const SAID: &str = r#"{"sample_rate_hz": 16000, "stft": {"window_samples": 256}}"#;

/// Two components of 129 bins.
fn components(value: f32) -> (&'static str, Vec<u8>) {
    (
        "dictionary_2",
        npy("<f4", "(2, 129)", &value.to_le_bytes().repeat(258)),
    )
}

fn with_own(more: &str) -> String {
    format!("separate mix.wav --source own=own.npz --iterations 2 --out out {more}")
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |what: &str, prepare: Spoil, command: String, code: i32, says: &[&str]| {
        cases.push(Case::new(
            format!("tools: {what}"),
            prepare,
            command,
            code,
            says,
        ));
    };
    let t = |more: &str| format!("{TRAIN} {more}");
    let s = |more: &str| format!("{SEPARATE} {more}");
    let c = |more: &str| format!("{SCORE} {more}");

    add("no order", nothing, t("--orders 0"), 2, &["--orders"]);
    add(
        "an order that is no number",
        nothing,
        t("--orders two"),
        2,
        &["--orders", "two"],
    );
    add(
        "an empty order",
        nothing,
        t("--orders 2,,4"),
        2,
        &["--orders"],
    );
    add(
        "orders above all",
        nothing,
        t("--orders 1001"),
        2,
        &["--orders: 1001", "1 to 1000"],
    );
    add("no frames", nothing, t("--frames 0"), 2, &["--frames 0"]);
    add("no threads", nothing, t("--jobs 0"), 2, &["--jobs"]);
    add(
        "a hop without a window",
        nothing,
        t("--hop 300"),
        2,
        &["--window, --hop"],
    );
    add(
        "an output that is missing",
        nothing,
        "train speech".into(),
        2,
        &["--out"],
    );
    add(
        "no recordings",
        nothing,
        "train --out x.npz".into(),
        2,
        &["WAV|DIR|GLOB|@LIST"],
    );
    add(
        "a list that is missing",
        nothing,
        "train @no.txt --out x.npz".into(),
        1,
        &["no.txt"],
    );
    add(
        "a list of what is missing",
        |folder| fs::write(folder.join("list.txt"), "nope.wav\n").unwrap(),
        "train @list.txt --out x.npz".into(),
        1,
        &["nope.wav"],
    );
    add(
        "an empty list",
        |folder| fs::write(folder.join("list.txt"), "# none\n\n").unwrap(),
        "train @list.txt --out x.npz".into(),
        1,
        &["list.txt is empty"],
    );
    add(
        "a list that is no text",
        |folder| fs::write(folder.join("list.txt"), [0xff, 0x00]).unwrap(),
        "train @list.txt --out x.npz".into(),
        1,
        &["list of recordings list.txt"],
    );
    add(
        "dictionaries over a folder",
        nothing,
        t("--out speech"),
        2,
        &["--out"],
    );
    add(
        "dictionaries over a recording",
        nothing,
        "train a.wav b.wav --out mix.wav".into(),
        2,
        &["mix.wav (--out)", "not replaced"],
    );
    add(
        "dictionaries nowhere",
        nothing,
        "train speech --out no/x.npz".into(),
        1,
        &["no/x.npz", "there is no folder no"],
    );
    add(
        "a recording that is a folder",
        |folder| fs::create_dir(folder.join("a.d")).unwrap(),
        "train a.d --out x.npz".into(),
        1,
        &["no audio file", "a.d"],
    );
    add(
        "several bad recordings",
        |folder| {
            fs::write(folder.join("speech/x.wav"), "").unwrap();
            fs::write(folder.join("speech/y.wav"), "text").unwrap();
        },
        TRAIN.into(),
        1,
        &["speech/x.wav", "speech/y.wav", "2 files cannot be used"],
    );

    add(
        "no recording",
        nothing,
        "separate --speech speech.npz".into(),
        2,
        &["WAV|DIR|GLOB|@LIST"],
    );
    add(
        "a missing recording",
        nothing,
        "separate no.wav --speech speech.npz --out out".into(),
        1,
        &["no.wav"],
    );
    add(
        "dictionaries that are missing",
        nothing,
        "separate mix.wav --speech no.npz".into(),
        1,
        &["no.npz"],
    );
    add(
        "a recording as dictionaries",
        nothing,
        "separate mix.wav --speech mix.wav".into(),
        1,
        &["mix.wav is not a file of dictionaries"],
    );
    add(
        "components beside a background",
        nothing,
        s("--background speech.npz --background-components 4"),
        2,
        &["--background-components", "--background"],
    );
    add(
        "components of no background",
        nothing,
        s("--no-background --background-components 4"),
        2,
        &["--background-components"],
    );
    add(
        "too many components",
        nothing,
        s("--background-components 1001"),
        2,
        &["1001", "1 to 1000"],
    );
    add(
        "a stretch backwards",
        nothing,
        s("--background-from 2-1"),
        2,
        &["START-END"],
    );
    add(
        "a stretch behind the end",
        nothing,
        s("--background-from 0-9"),
        2,
        &["mix.wav has 0 to 0.5 s"],
    );
    add(
        "a rate that is not said",
        nothing,
        s("--source x=mix.wav=y"),
        1,
        &["mix.wav=y"],
    );
    add(
        "a source without a file",
        nothing,
        s("--source x"),
        2,
        &["NAME=NPZ"],
    );
    add(
        "a source without a name",
        nothing,
        s("--source =speech.npz"),
        2,
        &["--source \"\""],
    );
    add(
        "a hidden source",
        nothing,
        s("--source .x=speech.npz"),
        2,
        &["--source \".x\""],
    );
    add(
        "no iterations",
        nothing,
        s("--iterations 0"),
        2,
        &["--iterations"],
    );
    add(
        "segments without end",
        nothing,
        s("--segment inf"),
        2,
        &["--segment inf"],
    );
    add(
        "an overlap of no number",
        nothing,
        s("--overlap nan"),
        2,
        &["--overlap NaN"],
    );
    add(
        "a start of nothing",
        nothing,
        s("--activation-start 0"),
        2,
        &["--activation-start 0"],
    );
    add(
        "kappa and beta",
        nothing,
        s("--kappa 1 --beta 1"),
        2,
        &["--kappa", "--beta"],
    );
    add(
        "a hop of dictionaries alone",
        nothing,
        s("--dictionary-hop 4"),
        2,
        &["--dictionary-window"],
    );
    add(
        "a window of dictionaries of nothing",
        nothing,
        s("--dictionary-window 0"),
        2,
        &["--dictionary-window", "window_samples"],
    );
    add(
        "a rate against the file's",
        nothing,
        s("--dictionary-rate 8000"),
        2,
        &["--dictionary-rate", "8000", "16000"],
    );
    add(
        "stems where a file is",
        |folder| fs::write(folder.join("file"), "").unwrap(),
        "separate mix.wav --speech speech.npz --out file".into(),
        2,
        &["file (--out)", "not a folder"],
    );
    add(
        "stems over what somebody made",
        |folder| {
            fs::create_dir(folder.join("made")).unwrap();
            fs::write(folder.join("made/speech.wav"), "mine").unwrap();
        },
        "separate mix.wav --speech speech.npz --out made".into(),
        2,
        &["made/speech.wav", "not replaced"],
    );
    add(
        "stems beside a damaged report",
        |folder| {
            fs::create_dir(folder.join("made")).unwrap();
            let report = "{\n  \"made_with\": \"vbnmf 0.1.0\",\n  \"inputs_sha256\": \"x\"}";
            fs::write(folder.join("made/separation.json"), report).unwrap();
        },
        "separate mix.wav --speech speech.npz --out made".into(),
        2,
        &["made/separation.json", "damaged"],
    );
    add(
        "a recording of another rate",
        |folder| {
            write(
                folder.join("mix.wav"),
                &[0.1; 9000],
                44_100,
                Encoding::Pcm16,
            )
            .map(drop)
            .unwrap();
        },
        SEPARATE.into(),
        2,
        &["mix.wav has 44100 Hz", "--resample"],
    );
    add(
        "a recording with a number that is none",
        |folder| {
            let mut samples = [0.1; 4000];
            samples[3999] = f32::NAN;
            fs::write(folder.join("mix.wav"), float_wav(&samples)).unwrap();
        },
        SEPARATE.into(),
        1,
        &["mix.wav", "not finite"],
    );

    let own: [(&str, Spoil, &str, i32, &[&str]); 11] = [
        (
            "that say no rate",
            |f| npz(f, &[components(1.0)]),
            "",
            2,
            &["--dictionary-rate"],
        ),
        (
            "that say no transform",
            |f| npz(f, &[components(1.0)]),
            "--dictionary-rate 16000",
            2,
            &["--dictionary-window"],
        ),
        (
            "of another transform",
            |f| npz(f, &[components(1.0)]),
            "--dictionary-rate 16000 --dictionary-window 512",
            1,
            &["`dictionary_2` is 2 x 129, not components x 257"],
        ),
        (
            "of zeros",
            |f| npz(f, &[metadata(SAID), components(0.0)]),
            "",
            1,
            &["dictionary_2"],
        ),
        (
            "with a NaN",
            |f| npz(f, &[metadata(SAID), components(f32::NAN)]),
            "",
            1,
            &["dictionary_2"],
        ),
        (
            "below zero",
            |f| npz(f, &[metadata(SAID), components(-1.0)]),
            "",
            1,
            &["dictionary_2"],
        ),
        (
            "of whole numbers",
            |f| {
                npz(
                    f,
                    &[
                        metadata(SAID),
                        ("dictionary_1", npy("<i8", "(1, 129)", &[0; 1032])),
                    ],
                );
            },
            "",
            1,
            &["type <i8", "float64 or float32"],
        ),
        (
            "of complex numbers",
            |f| {
                npz(
                    f,
                    &[
                        metadata(SAID),
                        ("dictionary_1", npy("<c16", "(1, 129)", &[0; 2064])),
                    ],
                );
            },
            "",
            1,
            &["type <c16"],
        ),
        (
            "that are cut short",
            |f| {
                npz(
                    f,
                    &[
                        metadata(SAID),
                        ("dictionary_2", npy("<f4", "(2, 129)", &[0; 1000])),
                    ],
                );
            },
            "",
            1,
            &["promises 258 numbers, 250 are there"],
        ),
        (
            "whose metadata are no JSON",
            |f| npz(f, &[metadata("{"), components(1.0)]),
            "",
            1,
            &["`metadata`"],
        ),
        (
            "in another unit",
            |f| {
                npz(
                    f,
                    &[metadata(
                        r#"{"sample_rate_hz": 16000, "stft": {"window_seconds": 1}}"#,
                    )],
                );
            },
            "",
            1,
            &["`metadata`", "window_seconds"],
        ),
    ];
    for (what, prepare, more, code, says) in own {
        add(
            &format!("dictionaries {what}"),
            prepare,
            with_own(more),
            code,
            says,
        );
    }

    add(
        "no estimate",
        nothing,
        "score --reference a.wav".into(),
        2,
        &["--estimate"],
    );
    add(
        "sources and pairs",
        nothing,
        c("--sources --pairs"),
        2,
        &["--sources", "--pairs"],
    );
    add(
        "pairs in any order",
        nothing,
        c("--pairs --permute"),
        2,
        &["--permute"],
    );
    add(
        "folders in any order",
        nothing,
        "score --reference r --estimate e --permute".into(),
        2,
        &["--permute", "--sources"],
    );
    add(
        "museval of pairs",
        nothing,
        "score --reference r --estimate e --museval m.json".into(),
        2,
        &["--museval", "--sources"],
    );
    add(
        "a folder and a file",
        nothing,
        "score --reference r --estimate b.wav".into(),
        1,
        &["b.wav is not a folder"],
    );
    add(
        "folders and files",
        nothing,
        "score --reference r --estimate e a.wav".into(),
        2,
        &["--estimate"],
    );
    add(
        "a stem of files",
        nothing,
        c("--stem speech"),
        2,
        &["--stem"],
    );
    add(
        "a stem that is not there",
        nothing,
        "score --reference r --estimate e --stem piano".into(),
        2,
        &["no stem piano"],
    );
    add(
        "two mixtures of one",
        nothing,
        c("--mixture mix.wav a.wav"),
        2,
        &["--mixture"],
    );
    add(
        "mixtures of other names",
        nothing,
        "score --reference r --estimate e --mixture background".into(),
        2,
        &["r/1.wav: no file 1.wav among the mixtures"],
    );
    add(
        "a window of nothing",
        nothing,
        c("--window 0"),
        2,
        &["--window 0", "at least one sample"],
    );
    add(
        "a window below zero",
        nothing,
        c("--window=-1"),
        2,
        &["--window -1"],
    );
    add(
        "a window beyond the end",
        nothing,
        c("--window 1"),
        2,
        &["longer than the signals of 0.5 s"],
    );
    add(
        "a hop of nothing",
        nothing,
        c("--window 0.1 --hop 0"),
        2,
        &["--hop 0"],
    );
    add(
        "scores over a recording",
        nothing,
        c("--csv mix.wav"),
        2,
        &["mix.wav (--csv)", "not replaced"],
    );
    add(
        "scores over the reference",
        nothing,
        c("--json a.wav"),
        2,
        &["a.wav (--json)", "is the input"],
    );
    add(
        "scores over each other",
        nothing,
        c("--json x --csv x"),
        2,
        &["x (--csv): is the same as x (--json)"],
    );
    add(
        "scores below a file",
        nothing,
        c("--csv mix.wav/x.csv"),
        1,
        &["mix.wav/x.csv"],
    );
    add(
        "an estimate of other channels",
        |folder| {
            let channels = [[0.1; 8000], [0.2; 8000]];
            write_channels(folder.join("b.wav"), &channels, RATE_HZ, Encoding::Pcm16)
                .map(drop)
                .unwrap();
        },
        SCORE.into(),
        2,
        &["b.wav: channels: 2, but a.wav has 1"],
    );
    add(
        "a mixture of another length",
        |folder| {
            write(
                folder.join("mix.wav"),
                &[0.1; 7999],
                RATE_HZ,
                Encoding::Pcm16,
            )
            .map(drop)
            .unwrap();
        },
        c("--mixture mix.wav"),
        2,
        &["mix.wav: samples: 7999, but a.wav has 8000"],
    );
    add(
        "pairs of which one has another rate",
        |folder| {
            write(folder.join("e/2.wav"), &[0.1; 8000], 8000, Encoding::Pcm16)
                .map(drop)
                .unwrap();
        },
        "score --reference r --estimate e".into(),
        2,
        &["e/2.wav", "8000", "r/2.wav has 16000"],
    );
    add(
        "images of which one is silent",
        |folder| {
            write(folder.join("a.wav"), &[0.0; 8000], RATE_HZ, Encoding::Pcm16)
                .map(drop)
                .unwrap();
        },
        c("--museval m.json"),
        1,
        &["--museval", "a.wav is silent"],
    );
    cases
}
