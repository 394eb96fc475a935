//! One segment: from samples at the dictionaries' rate to its stems.

use anyhow::Result;
use dsp::{Complex64, Stft};
use model::{FreeEnergyTrace, Inference};
use ndarray::{Array2, Zip};

use super::channel_mode::ChannelMode;
use super::method::{self, Alternative, SeparationMethod};
use super::report::InferenceReport;
use super::sources::carry_over;

/// A segment whose mean square is below this fraction of the recording's is silence: there is
/// nothing to separate, and nothing to learn of the background.
pub(super) const SILENCE: f64 = 1e-10;
/// Iterations between two values of the free energy: computing it costs a third of an iteration.
const TRACE_PERIOD: usize = 5;

/// The mean square over all channels; 0 without samples.
pub(super) fn mean_square(channels: &[Vec<f64>]) -> f64 {
    let count: usize = channels.iter().map(Vec::len).sum();
    let sum: f64 = channels.iter().flatten().map(|x| x * x).sum();
    sum / count.max(1) as f64
}

/// A separated segment.
#[derive(Debug)]
pub(super) struct SeparatedSegment {
    /// Samples, per source and channel.
    pub(super) stems: Vec<Vec<Vec<f64>>>,
    /// One per inference.
    pub(super) inferences: Vec<InferenceReport>,
}

/// Separates segment after segment.
#[derive(Debug)]
pub(super) struct SegmentSeparator {
    method: SeparationMethod,
    inference: Inference,
    stft: Stft,
    /// Of each separated channel. Estimated dictionaries go from segment to segment.
    alternatives: Vec<Vec<Alternative>>,
    gain: f64,
}

impl SegmentSeparator {
    /// `channels`: how many are separated. `gain`: what brings samples to the model's level.
    pub(super) fn new(
        method: SeparationMethod,
        inference: Inference,
        stft: Stft,
        alternatives: Vec<Alternative>,
        channels: usize,
        gain: f64,
    ) -> Self {
        Self {
            method,
            inference,
            stft,
            alternatives: vec![alternatives; channels],
            gain,
        }
    }

    /// Separates the next segment.
    ///
    /// # Errors
    /// Those of the model.
    pub(super) fn separate(
        &mut self,
        channels: &[Vec<f64>],
        mode: ChannelMode,
    ) -> Result<SeparatedSegment> {
        let spectrograms: Vec<Array2<Complex64>> = channels
            .iter()
            .map(|channel| self.stft.analyse(channel) * Complex64::from(self.gain))
            .collect();
        let mut separated = SeparatedSegment {
            stems: vec![Vec::new(); self.alternatives[0][0].sources.len()],
            inferences: Vec::new(),
        };
        if mode == ChannelMode::Shared {
            let amplitude = mean_amplitude(&spectrograms);
            let (estimates, report) = self.infer(0, &amplitude)?;
            separated.inferences.push(report);
            let amplitude = &amplitude;
            for (stem, estimate) in separated.stems.iter_mut().zip(&estimates) {
                for (channel, spectrogram) in channels.iter().zip(&spectrograms) {
                    let mut share = spectrogram.clone();
                    Zip::from(&mut share).and(estimate).and(amplitude).for_each(
                        |x, estimate, amplitude| {
                            // The estimate is a real share of the amplitude, and so of every
                            // channel.
                            if amplitude.re > 0.0 {
                                *x *= estimate.re / amplitude.re;
                            }
                        },
                    );
                    stem.push(self.synthesise(&share, channel.len()));
                }
            }
        } else {
            for (index, (channel, spectrogram)) in channels.iter().zip(&spectrograms).enumerate() {
                let (estimates, report) = self.infer(index, spectrogram)?;
                separated.inferences.push(report);
                for (stem, estimate) in separated.stems.iter_mut().zip(&estimates) {
                    stem.push(self.synthesise(estimate, channel.len()));
                }
            }
        }
        Ok(separated)
    }

    fn infer(
        &mut self,
        index: usize,
        mixture: &Array2<Complex64>,
    ) -> Result<(Vec<Array2<Complex64>>, InferenceReport)> {
        let alternatives = &mut self.alternatives[index];
        let is_one = alternatives.len() == 1;
        // Of several inferences only the ends are kept.
        let mut trace = FreeEnergyTrace::every(if is_one { TRACE_PERIOD } else { 0 });
        let separated = method::separate(
            self.method,
            &self.inference,
            mixture.view(),
            alternatives,
            &mut trace,
            carry_over,
        )?;
        let report = InferenceReport {
            free_energy: match is_one {
                true => trace.values().to_vec(),
                false => Vec::new(),
            },
            free_energies: separated.free_energies,
            iterations: separated.iterations,
            order_posterior: separated.order_posterior,
        };
        Ok((separated.estimates, report))
    }

    fn synthesise(&self, spectrogram: &Array2<Complex64>, samples: usize) -> Vec<f64> {
        let mut signal = self.stft.synthesise(spectrogram.view(), samples);
        for sample in &mut signal {
            *sample /= self.gain;
        }
        signal
    }
}

/// The square root of the mean power of all channels. The model takes no account of its phase.
fn mean_amplitude(spectrograms: &[Array2<Complex64>]) -> Array2<Complex64> {
    let mut power = Array2::<f64>::zeros(spectrograms[0].dim());
    for spectrogram in spectrograms {
        Zip::from(&mut power)
            .and(spectrogram)
            .for_each(|sum, x| *sum += x.norm_sqr());
    }
    power.mapv(|sum| Complex64::from((sum / spectrograms.len() as f64).sqrt()))
}
