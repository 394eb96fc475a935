//! The part of a recording that is in memory.

use anyhow::Result;
use dsp::audio::Recording;

use super::channel_mode::ChannelMode;
use super::segmentation::Segment;

/// Samples read at a time where a recording is read through.
pub(super) const BLOCK_SAMPLES: usize = 1 << 16;

/// What of a recording is in memory: everything from the start of the current segment's context on.
#[derive(Debug, Default)]
pub(super) struct RecordingBuffer {
    start: usize,
    channels: Vec<Vec<f64>>,
}

impl RecordingBuffer {
    /// An empty buffer at the start of the recording.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The context of the next segment: reads what is missing and forgets what no later segment
    /// needs.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn read_context(
        &mut self,
        segment: &Segment,
        reader: &mut Recording,
        mode: ChannelMode,
    ) -> Result<Vec<Vec<f64>>> {
        let held = self.channels.first().map_or(0, Vec::len);
        let missing = segment.context_end - (self.start + held);
        let read = mode.mix_channels(reader.read(missing)?);
        if self.channels.is_empty() {
            self.channels = read;
        } else {
            for (channel, read) in self.channels.iter_mut().zip(read) {
                channel.extend(read);
            }
        }
        for channel in &mut self.channels {
            channel.drain(..segment.context_start - self.start);
        }
        self.start = segment.context_start;
        Ok(self.channels.clone())
    }

    /// The samples of one channel from `start` to `end`, as far as they are in memory.
    pub(super) fn samples(&self, channel: usize, start: usize, end: usize) -> &[f64] {
        self.channels[channel]
            .get(start.saturating_sub(self.start)..end.saturating_sub(self.start))
            .unwrap_or_default()
    }
}
