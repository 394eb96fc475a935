//! WAV files.
//!
//! Reads integer samples of 8, 16, 24 and 32 bits and floating-point samples of 32 bits, with any
//! number of channels, behind plain or extensible headers; writes 16- and 24-bit integers and
//! 32-bit floats. Samples are `f64` with full scale ±1: an integer of b bits is divided by 2^(b-1).
//!
//! [`read_channels`] and [`write_channels`] hold a whole file; [`Reader`] and [`Writer`] go through one
//! of any length block by block.
//!
//! A file that is not what it claims to be is an error that names the file and the fault; nothing
//! a file can contain makes the reader panic or reserve memory beyond what the file's own size warrants.

mod read;
mod stream;
mod write;

use std::io;
use std::path::{Path, PathBuf};

pub use read::{decode, read_channels, read_mono};
pub use stream::{Reader, Writer};
pub use write::{Encoding, to_bytes, write, write_channels};

/// A WAV file that could not be read or written, and why.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {fault}")]
pub struct WavError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: WavFault,
}

impl WavError {
    fn new(path: &Path, fault: WavFault) -> Self {
        Self {
            path: path.to_owned(),
            fault,
        }
    }
}

/// What can be wrong with a WAV file, or with the signal that should go into one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WavFault {
    /// The operating system could not open, read or write the file.
    #[error("{0}")]
    Io(io::Error),
    /// The file does not begin like a WAV file.
    #[error("not a WAV file")]
    NotWav,
    /// The file begins like a WAV file, but its header makes no sense.
    #[error("malformed WAV file: {0}")]
    Malformed(&'static str),
    /// A valid encoding that is not read here.
    #[error(
        "unsupported WAV encoding ({0}): integer samples of 8, 16, 24 or 32 bits and \
         floating-point samples of 32 bits are read"
    )]
    Unsupported(String),
    /// The header promises more than the file holds.
    #[error("truncated WAV file: a chunk of {promised} bytes has only {present}")]
    Truncated {
        /// Length of the chunk by its header, in bytes.
        promised: u64,
        /// Bytes from the start of the chunk to the end of the file.
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
        "{channels} channels of {samples} samples at {sample_rate_hz} Hz cannot be stored in a WAV file"
    )]
    Unstorable {
        /// Number of channels.
        channels: usize,
        /// Samples in each channel.
        samples: usize,
        /// Sample rate.
        sample_rate_hz: u32,
    },
}

impl From<io::Error> for WavFault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<hound::Error> for WavFault {
    fn from(error: hound::Error) -> Self {
        match error {
            hound::Error::IoError(error) => Self::Io(error),
            hound::Error::FormatError(reason) => Self::Malformed(reason),
            hound::Error::UnfinishedSample => Self::Malformed("the last frame lacks channels"),
            hound::Error::TooWide
            | hound::Error::Unsupported
            | hound::Error::InvalidSampleFormat => {
                Self::Unsupported("unusual sample container".to_owned())
            }
        }
    }
}
