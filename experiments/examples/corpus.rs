//! A corpus of one's own behind the `Corpus` trait, and a dictionary learned from it.
//!
//! To choose it in a configuration takes two files: the type in one of its own in
//! `experiments/src/corpus`, and a variant of `CorpusKind` in `mod.rs` there. The compiler names
//! what is missing.
//!
//! `cargo run -p experiments --example corpus`

use anyhow::Result;
use dsp::{Stft, StftSettings};
use experiments::{Corpus, split};
use model::Precision;
use model::itakura_saito::{self, TrainingSettings};
use rand::RngExt;

const SAMPLE_RATE_HZ: u32 = 16_000;

/// Sweeps instead of speech, white noise instead of background.
struct Sweeps;

impl Corpus for Sweeps {
    fn description(&self) -> String {
        "sweeps".to_owned()
    }

    fn utterances(&self) -> usize {
        20
    }

    fn utterance(&self, index: usize) -> Result<Vec<f64>> {
        let slope = 200.0 * (1 + index) as f64;
        let seconds = |t: u32| f64::from(t) / f64::from(SAMPLE_RATE_HZ);
        let sample = |t: u32| 0.5 * (std::f64::consts::TAU * slope * seconds(t).powi(2)).sin();
        Ok((0..SAMPLE_RATE_HZ).map(sample).collect())
    }

    fn background(&self, seconds: f64) -> Result<Vec<f64>> {
        let mut rng = synth::stream(1, "background", &[]);
        let samples = (seconds * f64::from(SAMPLE_RATE_HZ)) as usize;
        Ok((0..samples).map(|_| rng.random_range(-0.1..0.1)).collect())
    }
}

fn main() -> Result<()> {
    // Five utterances for the dictionaries that draw mixtures, five others for those that separate.
    let sides = split(&Sweeps, 5, 1)?;
    anyhow::ensure!(
        sides
            .generation
            .iter()
            .all(|index| !sides.estimation.contains(index))
    );
    let utterances: Vec<Vec<f64>> = sides
        .estimation
        .iter()
        .map(|&index| Sweeps.utterance(index))
        .collect::<Result<_>>()?;
    let stft = Stft::new(&StftSettings::default())?;
    let power = stft.analyse(&utterances.concat()).mapv(|x| x.norm_sqr());
    let settings = TrainingSettings {
        order: 4,
        iterations: 20,
        precision: Precision::F32,
    };
    let mut rng = synth::stream(1, "training", &[]);
    let learned = itakura_saito::train(power.view(), &settings, &mut rng)?;
    anyhow::ensure!(learned.dictionary.order() == 4);
    anyhow::ensure!(learned.cost.last() < learned.cost.first());
    Ok(())
}
