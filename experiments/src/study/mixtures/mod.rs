//! The mixtures of trials as they are separated and scored, whether drawn or recorded.

mod drawn;
pub(crate) mod recorded;

use anyhow::Result;
use dsp::{Complex64, Stft};
use model::level;
use ndarray::Array2;

use super::dictionaries::Dictionaries;
use super::estimate::Trial;
use crate::config::Config;
use recorded::RecordedMixture;

/// A mixture and what it is made of.
#[derive(Debug, Clone)]
pub(crate) struct Observation {
    /// At the model's level, frames x bins.
    pub(crate) spectrogram: Array2<Complex64>,
    /// What brought the signal to that level; estimates are scaled back by it.
    pub(crate) gain: f64,
    pub(crate) signal: Vec<f64>,
    /// The true speech and the true background.
    pub(crate) references: [Vec<f64>; 2],
}

impl Observation {
    /// Draws the mixture of a trial, or adds up its recordings.
    ///
    /// `expected_power`: the mean power that the model expects of recordings.
    ///
    /// # Errors
    /// Dictionaries without power; silence, which cannot be brought to a ratio.
    pub(crate) fn new(
        trial: &Trial,
        recorded: Option<&RecordedMixture>,
        dictionaries: &Dictionaries,
        config: &Config,
        stft: &Stft,
        expected_power: f64,
    ) -> Result<Self> {
        match recorded {
            None => drawn::draw(trial, dictionaries, config, stft),
            Some(recorded) => Self::from_recording(recorded, config, stft, expected_power),
        }
    }

    fn from_recording(
        recorded: &RecordedMixture,
        config: &Config,
        stft: &Stft,
        expected_power: f64,
    ) -> Result<Self> {
        let references = recorded.parts()?;
        let [speech, background] = &references;
        let both = speech.iter().zip(background);
        let signal: Vec<f64> = both
            .map(|(speech, background)| speech + background)
            .collect();
        let mean_square = signal.iter().map(|x| x * x).sum::<f64>() / signal.len() as f64;
        let gain = level::gain(config.stft.mean_power(mean_square), expected_power);
        Ok(Self {
            spectrogram: stft.analyse(&signal) * Complex64::from(gain),
            gain,
            signal,
            references,
        })
    }

    /// An estimate, frames x bins, in the time domain.
    pub(crate) fn synthesise(&self, estimate: &Array2<Complex64>, stft: &Stft) -> Vec<f64> {
        let mut samples = stft.synthesise(estimate.view(), self.signal.len());
        samples.iter_mut().for_each(|x| *x /= self.gain);
        samples
    }
}
