//! How much of a recording is in no stem.

use super::recording_buffer::RecordingBuffer;
use super::stem_writers::FinishedStretch;

/// Energies of a recording and of what is in no stem.
#[derive(Debug, Default)]
pub(super) struct Leftover {
    mixture: f64,
    left: f64,
}

impl Leftover {
    /// Adds a stretch that is final and still in the buffer.
    pub(super) fn add(&mut self, buffer: &RecordingBuffer, finished: &FinishedStretch) {
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
    pub(super) fn decibels(&self) -> Option<f64> {
        (self.left > 0.0 && self.mixture > 0.0).then(|| 10.0 * (self.left / self.mixture).log10())
    }
}
