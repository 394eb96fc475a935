//! What can go wrong with an audio file.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::input::STANDARD_INPUT;

/// An audio file that could not be read or written, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", FileName(path))]
pub struct AudioError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: AudioFault,
}

impl AudioError {
    pub(crate) fn new(path: &Path, fault: AudioFault) -> Self {
        Self {
            path: path.to_owned(),
            fault,
        }
    }
}

/// A path as people read it.
pub(super) struct FileName<'a>(pub(super) &'a Path);

impl fmt::Display for FileName<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 == Path::new(STANDARD_INPUT) {
            true => formatter.write_str("standard input"),
            false => self.0.display().fmt(formatter),
        }
    }
}

/// What can be wrong with an audio file, or with the signal that should go into one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioFault {
    /// The operating system could not open, read or write the file.
    #[error("{0}")]
    Io(io::Error),
    /// A stream that is read twice could not be copied into a temporary file.
    #[error(
        "the stream cannot be copied into a temporary file (the variable TMPDIR says where): {0}"
    )]
    Spool(io::Error),
    /// The file begins like no audio file that is known here.
    #[error("not an audio file (WAV, AIFF, FLAC, Ogg Vorbis and MP3 are read)")]
    NotAudio,
    /// The file begins like an audio file, but its header makes no sense.
    #[error("malformed audio file: {0}")]
    Malformed(&'static str),
    /// A valid format or encoding that is not read here.
    #[error("{format} is not read: convert it, for instance with `{command}`")]
    Unsupported {
        /// Its name.
        format: String,
        /// A command that converts it, with `in` and `out` for the names of the files.
        command: &'static str,
    },
    /// Compressed samples that cannot be decoded.
    #[error("damaged after {samples} samples: {reason}")]
    Damaged {
        /// Samples of each channel before the damage.
        samples: u64,
        /// The decoder's words.
        reason: String,
    },
    /// A compressed file ends before its header says.
    #[error("cut short: the header promises {promised} samples and {present} are there")]
    Truncated {
        /// Samples of each channel by the header.
        promised: u64,
        /// Samples of each channel in the file.
        present: u64,
    },
    /// There is not one sample.
    #[error("no samples")]
    Empty,
    /// A sample is not a number or is infinite, or would be so in 32 bits.
    #[error("sample {index} of channel {channel} is not finite")]
    NotFinite {
        /// Channel of the first such sample, from 0.
        channel: usize,
        /// Its position in the channel, from 0.
        index: usize,
    },
    /// The channels to write differ in length.
    #[error("channel {channel} has {found} samples and channel 0 has {expected}")]
    UnequalChannels {
        /// The first channel of another length.
        channel: usize,
        /// Its length.
        found: usize,
        /// The length of channel 0.
        expected: usize,
    },
    /// The signal to write does not fit the header's fields.
    #[error(
        "{channels} channels of {samples} samples at {sample_rate_hz} Hz cannot be stored in a \
         WAV file"
    )]
    Unstorable {
        /// Number of channels.
        channels: usize,
        /// Samples in each channel.
        samples: usize,
        /// Sample rate.
        sample_rate_hz: u32,
    },
    /// A writer was given something else than was announced when it was created.
    #[error("{what}: {expected} were announced and {found} came")]
    Unannounced {
        /// What there should have been another number of.
        what: &'static str,
        /// The number announced.
        expected: usize,
        /// The number that came.
        found: usize,
    },
}

impl From<io::Error> for AudioFault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
