//! `separation.json`: what was separated how, and what the inference says.

use std::path::Path;

use anyhow::Result;
use dsp::StftSettings;
use dsp::audio::Recording;
use model::{Precision, Tempering};
use serde::Serialize;

use super::SeparateSettings;
use super::segment::ChannelMode;
use super::segments::Buffer;
use super::sources::{SourceReport, SourceSet};
use super::stems::Finished;

/// All that is said of a separation. It depends on its inputs alone, not on the machine or the time.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Version of the program.
    pub made_with: String,
    /// The recording.
    pub mixture: MixtureReport,
    /// The sources, in the order of all that is per source.
    pub sources: Vec<SourceReport>,
    /// Options.
    pub settings: SettingsReport,
    /// Scaling of the recording.
    pub level: LevelReport,
    /// The segments, in order of time.
    pub segments: Vec<SegmentReport>,
    /// Energy of what is in no stem, against the recording's; null if nothing is left.
    pub leftover_db: Option<f64>,
    /// Samples beyond full scale.
    pub clipped_samples: usize,
}

/// The recording.
#[derive(Debug, Serialize)]
pub struct MixtureReport {
    /// Name of its file.
    pub file: String,
    /// Samples per second.
    pub sample_rate_hz: u32,
    /// Channels.
    pub channels: usize,
    /// Samples of each channel.
    pub samples: usize,
}

/// Options that results depend on.
#[derive(Debug, Serialize)]
pub struct SettingsReport {
    /// Rate at which it was separated.
    pub sample_rate_hz: u32,
    /// The transform.
    pub stft: StftSettings,
    /// What became of several channels.
    pub channels: ChannelMode,
    /// Longest segment.
    pub segment_seconds: f64,
    /// Overlap of segments.
    pub overlap_seconds: f64,
    /// Iterations of each inference.
    pub iterations: usize,
    /// Numbers of the matrix products; an inference for which f32 is not enough is done in f64.
    pub precision: Precision,
    /// Weight of the entropy of q(K).
    pub tempering: Tempering,
    /// Start value of the activations.
    pub activation_start: f64,
    /// Level of the sensor noise.
    pub noise_db: f64,
    /// Root of the random numbers.
    pub seed: u64,
}

/// How the recording was brought to the model's level.
#[derive(Debug, Default, Serialize)]
pub struct LevelReport {
    /// Factor of its samples.
    pub gain: f64,
    /// Mean power of its coefficients after that.
    pub expected_power: f64,
    /// sigma^2.
    pub noise_variance: f64,
}

/// A segment.
#[derive(Debug, Serialize)]
pub struct SegmentReport {
    /// Start in the recording.
    pub start_seconds: f64,
    /// End in the recording.
    pub end_seconds: f64,
    /// Whether there was nothing to separate.
    pub silent: bool,
    /// One per channel; one in all if channels are shared or mixed down.
    pub inferences: Vec<InferenceReport>,
}

/// An inference.
#[derive(Debug, Serialize)]
pub struct InferenceReport {
    /// Pairs of iteration and free energy in nats.
    pub free_energy: Vec<(usize, f64)>,
    /// q(K), per source and order.
    pub order_posterior: Vec<Vec<f64>>,
}

impl Report {
    /// A report of what is to be done; the rest is filled in while it is.
    #[must_use]
    pub fn new(
        mixture: &Path,
        reader: &Recording,
        sources: &SourceSet,
        settings: &SeparateSettings,
    ) -> Self {
        let name = mixture.file_name().unwrap_or_default();
        Self {
            made_with: format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
            mixture: MixtureReport {
                file: name.to_string_lossy().into_owned(),
                sample_rate_hz: reader.sample_rate_hz(),
                channels: reader.channels(),
                samples: reader.samples(),
            },
            sources: sources.report(),
            settings: SettingsReport {
                sample_rate_hz: sources.sample_rate_hz,
                stft: sources.stft.clone(),
                channels: settings.channels,
                segment_seconds: settings.segment_seconds,
                overlap_seconds: settings.overlap_seconds,
                iterations: settings.iterations,
                precision: settings.precision,
                tempering: settings.tempering,
                activation_start: settings.activation_start,
                noise_db: settings.noise_db,
                seed: settings.seed,
            },
            level: LevelReport::default(),
            segments: Vec::new(),
            leftover_db: None,
            clipped_samples: 0,
        }
    }

    /// As JSON.
    ///
    /// # Errors
    /// None in practice.
    pub fn json(&self) -> Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }
}

/// Energies of a recording and of what is in no stem.
#[derive(Debug, Default)]
pub struct Leftover {
    mixture: f64,
    left: f64,
}

impl Leftover {
    /// Adds a stretch that is final, and still in the buffer.
    pub fn add(&mut self, buffer: &Buffer, finished: &Finished) {
        let Some(first) = finished.stems.first() else {
            return;
        };
        for (channel, samples) in first.iter().enumerate() {
            let end = finished.start + samples.len();
            let mixture = buffer.samples(channel, finished.start, end);
            for (index, x) in mixture.iter().enumerate() {
                let sum: f64 = finished.stems.iter().map(|stem| stem[channel][index]).sum();
                self.mixture += x * x;
                self.left += (x - sum) * (x - sum);
            }
        }
    }

    /// The ratio in dB, unless nothing is left.
    #[must_use]
    pub fn decibels(&self) -> Option<f64> {
        (self.left > 0.0 && self.mixture > 0.0).then(|| 10.0 * (self.left / self.mixture).log10())
    }
}
