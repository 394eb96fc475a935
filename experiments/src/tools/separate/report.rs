//! `separation.json`: what was separated how, and what the inference says.

use anyhow::Result;
use dsp::StftSettings;
use model::{Precision, Tempering};
use serde::Serialize;

use super::channel_mode::ChannelMode;

/// All that is said of a separation. It depends on its inputs alone, not on the machine or the
/// time.
#[derive(Debug, Serialize)]
pub(crate) struct SeparationReport {
    /// Version of the program.
    pub(crate) made_with: String,
    pub(crate) mixture: MixtureReport,
    /// In the order of everything that is listed per source.
    pub(crate) sources: Vec<SourceReport>,
    pub(crate) settings: SettingsReport,
    pub(crate) level: LevelReport,
    /// In order of time.
    pub(crate) segments: Vec<SegmentReport>,
    /// Energy of what is in no stem, relative to the recording's; null if nothing is left.
    pub(crate) leftover_db: Option<f64>,
    /// Samples beyond full scale.
    pub(crate) clipped_samples: usize,
}

/// The recording.
#[derive(Debug, Serialize)]
pub(crate) struct MixtureReport {
    /// Name of its file.
    pub(crate) file: String,
    pub(crate) sample_rate_hz: u32,
    pub(crate) channels: usize,
    /// Samples of each channel.
    pub(crate) samples: usize,
}

/// A source.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SourceReport {
    pub(crate) name: String,
    pub(crate) dictionaries: DictionaryUse,
    /// Name of the dictionaries' file, or where else they come from.
    pub(crate) origin: String,
    pub(crate) orders: Vec<usize>,
}

/// How the dictionaries of a source are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DictionaryUse {
    /// Fixed.
    Known,
    /// Estimated, from given ones as a start.
    Adapted,
    /// Estimated, from a random start.
    Estimated,
}

/// Options that results depend on.
#[derive(Debug, Serialize)]
pub(crate) struct SettingsReport {
    /// Rate at which it was separated.
    pub(crate) sample_rate_hz: u32,
    pub(crate) stft: StftSettings,
    pub(crate) channels: ChannelMode,
    pub(crate) segment_seconds: f64,
    pub(crate) overlap_seconds: f64,
    /// Of each inference.
    pub(crate) iterations: usize,
    /// An inference for which f32 is not enough is done in f64.
    pub(crate) precision: Precision,
    /// Weight of the entropy of q(K).
    pub(crate) tempering: Tempering,
    pub(crate) activation_start: f64,
    pub(crate) noise_db: f64,
    pub(crate) seed: u64,
}

/// How the recording was brought to the model's level.
#[derive(Debug, Default, Serialize)]
pub(crate) struct LevelReport {
    /// Factor of its samples.
    pub(crate) gain: f64,
    /// Mean power of its coefficients after that.
    pub(crate) expected_power: f64,
    /// sigma^2.
    pub(crate) noise_variance: f64,
}

/// A segment.
#[derive(Debug, Serialize)]
pub(crate) struct SegmentReport {
    pub(crate) start_seconds: f64,
    pub(crate) end_seconds: f64,
    /// Whether there was nothing to separate.
    pub(crate) silent: bool,
    /// One per channel, or a single one if channels are shared or mixed down.
    pub(crate) inferences: Vec<InferenceReport>,
}

/// An inference.
#[derive(Debug, Serialize)]
pub(crate) struct InferenceReport {
    /// Pairs of iteration and free energy in nats.
    pub(crate) free_energy: Vec<(usize, f64)>,
    /// q(K), per source and order.
    pub(crate) order_posterior: Vec<Vec<f64>>,
}

impl SeparationReport {
    /// The report as JSON.
    ///
    /// # Errors
    /// Those of the serialiser.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }
}
