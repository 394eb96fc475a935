//! What becomes of the channels of a recording.

use serde::{Serialize, Serializer};

/// What becomes of several channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ChannelMode {
    /// Separate each channel on its own
    Each,
    /// Separate all with the same activations, found from the channels' mean power
    Shared,
    /// Mix down to one
    Mono,
}

impl Serialize for ChannelMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Each => "each",
            Self::Shared => "shared",
            Self::Mono => "mono",
        })
    }
}

impl ChannelMode {
    /// Channels of the stems of a recording with `channels` channels.
    pub(crate) fn count_stem_channels(self, channels: usize) -> usize {
        match self {
            Self::Mono => 1,
            Self::Each | Self::Shared => channels,
        }
    }

    /// Inferences per segment of a recording with `channels` channels.
    pub(crate) fn count_inferences(self, channels: usize) -> usize {
        match self {
            Self::Each => channels,
            Self::Shared | Self::Mono => 1,
        }
    }

    /// The channels that are separated: their mean in mode `Mono`, else all of them as they are.
    pub(crate) fn mix_channels(self, mut channels: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
        let count = channels.len();
        if self != Self::Mono || count < 2 {
            return channels;
        }
        let mut mean = channels.swap_remove(0);
        for channel in &channels {
            for (sum, sample) in mean.iter_mut().zip(channel) {
                *sum += sample;
            }
        }
        for sum in &mut mean {
            *sum /= count as f64;
        }
        vec![mean]
    }
}
