//! One segment: from samples at the dictionaries' rate to its stems.

use anyhow::Result;
use dsp::{Complex64, Stft};
use model::{FreeEnergyTrace, Inference, Separation, SourceModel};
use ndarray::{Array2, Zip};
use serde::{Serialize, Serializer};

use super::report::InferenceReport;
use super::sources::carried_over;

/// A segment whose mean square is below this fraction of the recording's is silence: there is nothing to separate, and
/// nothing to learn of the background.
pub const SILENCE: f64 = 1e-10;
/// The free energy is traced at every so manieth iteration: it costs a third of one.
const TRACE_EVERY: usize = 5;

/// What becomes of several channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ChannelMode {
    /// Separate each channel on its own
    Each,
    /// Separate all with the same activations, found from the channels' mean power
    Shared,
    /// Mix down to one
    Mono,
}

impl Serialize for ChannelMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Each => "each",
            Self::Shared => "shared",
            Self::Mono => "mono",
        })
    }
}

impl ChannelMode {
    /// Channels of the stems of a recording of so many.
    #[must_use]
    pub fn outputs(self, channels: usize) -> usize {
        match self {
            Self::Mono => 1,
            Self::Each | Self::Shared => channels,
        }
    }

    /// Inferences per segment.
    #[must_use]
    pub fn lanes(self, channels: usize) -> usize {
        match self {
            Self::Each => channels,
            Self::Shared | Self::Mono => 1,
        }
    }

    /// The channels that are separated.
    #[must_use]
    pub fn applied(self, mut channels: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
        let count = channels.len();
        if self != Self::Mono || count < 2 {
            return channels;
        }
        let mut mean = channels.swap_remove(0);
        for channel in &channels {
            for (sum, sample) in mean.iter_mut().zip(channel) {
                *sum += sample;
            }
        }
        for sum in &mut mean {
            *sum /= count as f64;
        }
        vec![mean]
    }
}

/// The mean square over all channels; 0 without samples.
#[must_use]
pub fn mean_square(channels: &[Vec<f64>]) -> f64 {
    let count: usize = channels.iter().map(Vec::len).sum();
    let sum: f64 = channels.iter().flatten().map(|x| x * x).sum();
    sum / count.max(1) as f64
}

/// A separated segment.
#[derive(Debug)]
pub struct SeparatedSegment {
    /// Samples, per source and channel.
    pub stems: Vec<Vec<Vec<f64>>>,
    /// What the inferences say, one per lane.
    pub inferences: Vec<InferenceReport>,
}

/// Separates segment after segment.
#[derive(Debug)]
pub struct Separator {
    inference: Inference,
    stft: Stft,
    /// The sources of each lane, whose estimated dictionaries go from segment to segment.
    lanes: Vec<Vec<SourceModel>>,
    gain: f64,
}

impl Separator {
    /// `gain`: what brings samples to the model's level.
    #[must_use]
    pub fn new(
        inference: Inference,
        stft: Stft,
        models: Vec<SourceModel>,
        lanes: usize,
        gain: f64,
    ) -> Self {
        Self {
            inference,
            stft,
            lanes: vec![models; lanes],
            gain,
        }
    }

    /// Separates the next segment.
    ///
    /// # Errors
    /// Those of the model.
    pub fn separate(
        &mut self,
        channels: &[Vec<f64>],
        mode: ChannelMode,
    ) -> Result<SeparatedSegment> {
        let spectrograms: Vec<Array2<Complex64>> = channels
            .iter()
            .map(|channel| self.stft.analyse(channel) * Complex64::from(self.gain))
            .collect();
        let mut separated = SeparatedSegment {
            stems: vec![Vec::new(); self.lanes[0].len()],
            inferences: Vec::new(),
        };
        if mode == ChannelMode::Shared {
            let amplitude = mean_amplitude(&spectrograms);
            let (separation, report) = self.infer(0, &amplitude)?;
            separated.inferences.push(report);
            let amplitude = &amplitude;
            for (stem, estimate) in separated.stems.iter_mut().zip(&separation.estimates) {
                for (channel, spectrogram) in channels.iter().zip(&spectrograms) {
                    let mut share = spectrogram.clone();
                    Zip::from(&mut share).and(estimate).and(amplitude).for_each(
                        |x, estimate, amplitude| {
                            // The estimate is a real share of the amplitude, and so of every channel.
                            if amplitude.re > 0.0 {
                                *x *= estimate.re / amplitude.re;
                            }
                        },
                    );
                    stem.push(self.synthesised(&share, channel.len()));
                }
            }
        } else {
            for (lane, (channel, spectrogram)) in channels.iter().zip(&spectrograms).enumerate() {
                let (separation, report) = self.infer(lane, spectrogram)?;
                separated.inferences.push(report);
                for (stem, estimate) in separated.stems.iter_mut().zip(&separation.estimates) {
                    stem.push(self.synthesised(estimate, channel.len()));
                }
            }
        }
        Ok(separated)
    }

    fn infer(
        &mut self,
        lane: usize,
        mixture: &Array2<Complex64>,
    ) -> Result<(Separation, InferenceReport)> {
        let models = &mut self.lanes[lane];
        let mut trace = FreeEnergyTrace::every(TRACE_EVERY);
        let separation = self
            .inference
            .separate_observed(mixture.view(), models, &mut trace)?;
        for (model, factors) in models.iter_mut().zip(&separation.factors) {
            *model = carried_over(model, factors)?;
        }
        let report = InferenceReport {
            free_energy: trace.values().to_vec(),
            order_posterior: separation.order_posterior.clone(),
        };
        Ok((separation, report))
    }

    fn synthesised(&self, spectrogram: &Array2<Complex64>, samples: usize) -> Vec<f64> {
        let mut signal = self.stft.synthesise(spectrogram.view(), samples);
        for sample in &mut signal {
            *sample /= self.gain;
        }
        signal
    }
}

/// The square root of the mean power of all channels. Its phase is of no account to the model.
fn mean_amplitude(spectrograms: &[Array2<Complex64>]) -> Array2<Complex64> {
    let mut power = Array2::<f64>::zeros(spectrograms[0].dim());
    for spectrogram in spectrograms {
        Zip::from(&mut power)
            .and(spectrogram)
            .for_each(|sum, x| *sum += x.norm_sqr());
    }
    power.mapv(|sum| Complex64::from((sum / spectrograms.len() as f64).sqrt()))
}
