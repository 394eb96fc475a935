//! A corpus of one's own behind the `Corpus` trait, and dictionaries learned from it.
//!
//! To choose it in a configuration, add a kind to `experiments::config::CorpusKind` and an arm to
//! `experiments::corpus::open`.
//!
//! `cargo run -p experiments --example corpus`

use anyhow::Result;
use experiments::config::Config;
use experiments::corpus::Corpus;
use experiments::progress::Progress;
use experiments::training;
use rand::RngExt;

/// Sweeps instead of speech, white noise instead of background.
struct Sweeps {
    sample_rate_hz: u32,
}

impl Corpus for Sweeps {
    fn description(&self) -> String {
        "sweeps".to_owned()
    }

    fn utterances(&self) -> usize {
        20
    }

    fn utterance(&self, index: usize) -> Result<Vec<f64>> {
        let slope = 200.0 * (1 + index) as f64;
        let seconds = |t: u32| f64::from(t) / f64::from(self.sample_rate_hz);
        let sample = |t: u32| 0.5 * (std::f64::consts::TAU * slope * seconds(t).powi(2)).sin();
        Ok((0..self.sample_rate_hz).map(sample).collect())
    }

    fn background(&self, seconds: f64) -> Result<Vec<f64>> {
        let mut rng = synth::stream(1, "background", &[]);
        let samples = (seconds * f64::from(self.sample_rate_hz)) as usize;
        Ok((0..samples).map(|_| rng.random_range(-0.1..0.1)).collect())
    }
}

fn main() -> Result<()> {
    let mut config = Config::default();
    config.training.utterances_per_side = 5;
    config.training.background_seconds = 2.0;
    let corpus = Sweeps {
        sample_rate_hz: config.corpus.sample_rate_hz,
    };
    let signals = training::signals(&corpus, &config, Progress::new(true))?;
    // One second each, and both sides from utterances of their own.
    anyhow::ensure!(signals.generation.len() == 5 * 16_000);
    anyhow::ensure!(signals.generation != signals.estimation);
    Ok(())
}
