//! A speaker to learn and a noisy recording to separate.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test file includes this one and uses its part"
)]

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use dsp::audio::read_mono;
use dsp::wav::{Encoding, write};
use serde_json::Value;
use synth::{SAMPLE_RATE_HZ, Speech};

use super::{experiments, stderr, write_speech};

/// A folder with dictionaries of a speaker and a noisy recording of another sentence.
pub struct Scene {
    /// Where everything is.
    pub folder: tempfile::TempDir,
    /// The true speech.
    pub speech: Vec<f64>,
    /// The true background, as loud.
    pub background: Vec<f64>,
}

impl Scene {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_speech(&folder.path().join("speech"), 4);
        let speaker = Speech::new(1);
        let mut speech = Vec::new();
        for index in 100..103 {
            speech.extend(speaker.utterance(1, index).unwrap().samples);
        }
        let seconds = speech.len() as f64 / f64::from(SAMPLE_RATE_HZ) + 0.1;
        let mut rng = synth::stream(1, "test", &[]);
        let mut background = synth::background(seconds, &mut rng).unwrap();
        background.truncate(speech.len());
        // 0 dB.
        let energy = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>();
        let gain = (energy(&speech) / energy(&background)).sqrt();
        background.iter_mut().for_each(|x| *x *= gain);
        let scene = Self {
            folder,
            speech,
            background,
        };
        write(
            scene.path("mix.wav"),
            &scene.mixture(),
            SAMPLE_RATE_HZ,
            Encoding::Float32,
        )
        .unwrap();
        let output = scene.train(&["--out", "speech.npz"]);
        assert!(output.status.success(), "{}", stderr(&output));
        scene
    }

    pub fn mixture(&self) -> Vec<f64> {
        let both = self.speech.iter().zip(&self.background);
        both.map(|(s, b)| 0.5 * (s + b)).collect()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn train(&self, arguments: &[&str]) -> Output {
        let fixed = [
            "train",
            "speech",
            "--window",
            "1024",
            "--orders",
            "2,6",
            "--iterations",
            "30",
        ];
        experiments(self.folder.path(), &[&fixed[..], arguments].concat())
    }

    pub fn separate(&self, arguments: &[&str]) -> Output {
        let fixed = ["separate", "--iterations", "20"];
        experiments(self.folder.path(), &[&fixed[..], arguments].concat())
    }

    /// Separates with success.
    pub fn separated(&self, arguments: &[&str]) -> String {
        let output = self.separate(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            stderr(&output)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn stem(&self, name: &str) -> Vec<f64> {
        read_mono(self.path(name)).unwrap().samples
    }

    pub fn report(&self, folder: &str) -> Value {
        let text = fs::read_to_string(self.path(folder).join("separation.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The message of a refusal.
    pub fn refused(&self, arguments: &[&str], code: i32) -> String {
        let output = self.separate(arguments);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
        message
    }
}
