//! What is scored, and its scores.

use crate::study::scores::Scores;

/// How signals are cut into frames, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Framing {
    /// Length of a frame.
    pub(crate) window_seconds: f64,
    /// Distance between the starts of two frames.
    pub(crate) hop_seconds: f64,
}

/// The scores of one channel of one source.
#[derive(Debug, Clone)]
pub(crate) struct TargetScores {
    /// Name of the source, from its reference file; with the channel's number if there are several.
    pub(crate) name: String,
    /// Name of the estimate that was taken for it.
    pub(crate) estimate: String,
    /// Scores of the whole signals.
    pub(crate) whole: SpanScores,
    /// Scores of the frames, in order of time; empty unless asked for.
    pub(crate) frames: Vec<SpanScores>,
}

/// Scores of a stretch of time.
#[derive(Debug, Clone)]
pub(crate) struct SpanScores {
    /// Its start in seconds.
    pub(crate) time: f64,
    /// Its length, in seconds.
    pub(crate) duration: f64,
    /// Each a number or the reason why there is none.
    pub(crate) scores: Scores,
}
