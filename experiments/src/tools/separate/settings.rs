//! How a recording is separated.

use dsp::wav::Encoding;
use model::{Acceleration, ActivationStart, Precision, Tempering};

use super::channel_mode::ChannelMode;
use super::method::SeparationMethod;

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
    /// How several orders become one estimate.
    pub(crate) method: SeparationMethod,
    /// Most iterations of each inference.
    pub(crate) iterations: usize,
    /// Rise of the free energy at which an inference ends before; 0 for never.
    pub(crate) tolerance: f64,
    /// Number format of the matrix products.
    pub(crate) precision: Precision,
    /// How each inference goes from one iteration to the next.
    pub(crate) acceleration: Acceleration,
    /// Weight of the entropy of q(K).
    pub(crate) tempering: Tempering,
    /// Where the activations start.
    pub(crate) activation_start: ActivationStart,
    /// Level of the sensor noise relative to the recording.
    pub(crate) noise_db: f64,
    /// Root of the random numbers.
    pub(crate) seed: u64,
}
