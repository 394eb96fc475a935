//! Signals with their sample rate.

use crate::resample::{ResampleError, resample};

/// A mono signal and its sample rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    /// The samples, full scale ±1.
    pub samples: Vec<f64>,
    /// Samples per second.
    pub sample_rate_hz: u32,
}

impl Audio {
    /// Duration in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate_hz)
    }

    /// Whether every sample is exactly zero.
    pub fn is_silent(&self) -> bool {
        self.samples.iter().all(|&sample| sample == 0.0)
    }

    /// The same sound at another sample rate; unchanged when the rates agree.
    ///
    /// # Errors
    /// Those of [`resample`].
    pub fn at_rate(self, sample_rate_hz: u32) -> Result<Self, ResampleError> {
        if sample_rate_hz == self.sample_rate_hz {
            return Ok(self);
        }
        Ok(Self {
            samples: resample(&self.samples, self.sample_rate_hz, sample_rate_hz)?,
            sample_rate_hz,
        })
    }
}

/// A signal of several channels and its sample rate.
#[derive(Clone, Debug, PartialEq)]
pub struct MultichannelAudio {
    /// The samples of each channel, full scale ±1. All channels are equally long.
    pub channels: Vec<Vec<f64>>,
    /// Samples per second.
    pub sample_rate_hz: u32,
}

impl MultichannelAudio {
    /// The mean of the channels.
    ///
    /// A mean and not a sum, so that channels within full scale give a mix within full scale, and a
    /// sound in the middle of a stereo picture keeps its level.
    pub fn mixed_down(self) -> Audio {
        let Self {
            mut channels,
            sample_rate_hz,
        } = self;
        let count = channels.len();
        let mut samples = channels.pop().unwrap_or_default();
        for channel in &channels {
            for (sum, sample) in samples.iter_mut().zip(channel) {
                *sum += sample;
            }
        }
        if count > 1 {
            for sum in &mut samples {
                *sum /= count as f64;
            }
        }
        Audio {
            samples,
            sample_rate_hz,
        }
    }
}
