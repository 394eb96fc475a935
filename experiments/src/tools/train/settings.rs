//! How dictionaries are learned.

use dsp::StftSettings;
use model::Precision;

/// How dictionaries are learned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TrainingSettings {
    /// Numbers of components, each once.
    pub(crate) orders: Vec<usize>,
    /// Iterations of each training.
    pub(crate) iterations: usize,
    /// Precision of the matrix products.
    pub(crate) precision: Precision,
    pub(crate) stft: StftSettings,
    /// The rate to learn at; None: that of the recordings.
    pub(crate) sample_rate_hz: Option<u32>,
    /// Share of the recordings that is held out, 0 to 0.9.
    pub(crate) held_out: f64,
    /// Maximum number of frames to learn from.
    pub(crate) most_frames: usize,
    /// Root of the random choices.
    pub(crate) seed: u64,
}
