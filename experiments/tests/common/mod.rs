//! What the tests of the command line share: the binary, a configuration of a second, small
//! corpora.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test file includes this one and uses its part"
)]

pub mod scene;
pub mod sealed;
pub mod study;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use dsp::wav::{Encoding, write};
use synth::{SAMPLE_RATE_HZ, Speech};

/// Everything as small as it can be.
pub const TINY: &str = r#"
[experiment]
name = "tiny"
seed = 7

[stft]
window_samples = 256
hop_samples = 128

[training]
utterances_per_side = 2
background_seconds = 1.0
orders = [1, 3]
background_components = 2
iterations = 5

[mixtures]
snr_db = [-3.0, 6.0]
frames = 20

[model]
iterations = 5
kappa = 0.03

[evaluation]
filter_taps = 16

[statistics]
resamples = 100

[timings]
repetitions = 1

[report]
examples = 2
"#;

/// Runs the binary in a folder.
pub fn experiments(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vbnmf"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The files of a folder and of its folders, by their paths from it.
pub fn all_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = files(folder);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap().to_string_lossy();
            let below = all_files(&path).into_iter();
            all.extend(below.map(|(file, contents)| (format!("{name}/{file}"), contents)));
        }
    }
    all
}

/// The files of a folder by name, without those of its folders.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(path).unwrap())
        })
        .collect()
}

/// Writes utterances of a synthesised speaker, named by their sentences, and returns their paths.
pub fn write_speech(folder: &Path, utterances: u64) -> Vec<std::path::PathBuf> {
    fs::create_dir_all(folder).unwrap();
    let speech = Speech::new(1);
    (0..utterances)
        .map(|index| {
            let utterance = speech.utterance(1, index).unwrap();
            let path = folder.join(format!("{}.wav", utterance.sentence.code()));
            write(&path, &utterance.samples, SAMPLE_RATE_HZ, Encoding::Pcm16).unwrap();
            path
        })
        .collect()
}

/// Writes a recording of background.
pub fn write_background(folder: &Path, seconds: f64) {
    fs::create_dir_all(folder).unwrap();
    let samples = synth::background(seconds, &mut synth::stream(1, "test", &[])).unwrap();
    let path = folder.join("living room.wav");
    write(path, &samples, SAMPLE_RATE_HZ, Encoding::Pcm16).unwrap();
}

/// A mono WAV file of 32-bit floats at 16 kHz, whatever the samples are.
pub fn float_wav(samples: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = samples
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect();
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + data.len() as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    bytes.extend([3u16, 1].map(u16::to_le_bytes).concat());
    bytes.extend([16_000u32, 64_000].map(u32::to_le_bytes).concat());
    bytes.extend([4u16, 32].map(u16::to_le_bytes).concat());
    bytes.extend(b"data");
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes
}
