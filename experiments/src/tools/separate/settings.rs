//! How a recording is separated.

use dsp::wav::Encoding;
use model::{Posterior, Precision, Tempering};

use super::channel_mode::ChannelMode;

/// How a recording is separated.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SeparationSettings {
    pub(crate) channels: ChannelMode,
    /// Whether a recording of another rate than the dictionaries' is resampled and its stems back.
    pub(crate) resample: bool,
    /// How stems are stored; None: like the recording.
    pub(crate) encoding: Option<Encoding>,
    /// Longest segment.
    pub(crate) segment_seconds: f64,
    /// Overlap of two segments, over which their stems are cross-faded.
    pub(crate) overlap_seconds: f64,
    /// Iterations of each inference.
    pub(crate) iterations: usize,
    /// Which posterior each inference finds.
    pub(crate) posterior: Posterior,
    /// Number format of the matrix products.
    pub(crate) precision: Precision,
    /// Weight of the entropy of q(K).
    pub(crate) tempering: Tempering,
    /// Start value of the activations.
    pub(crate) activation_start: f64,
    /// Level of the sensor noise relative to the recording.
    pub(crate) noise_db: f64,
    /// Root of the random numbers.
    pub(crate) seed: u64,
}
