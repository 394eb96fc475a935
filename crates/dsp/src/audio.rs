//! Audio files, read whole or block by block.
//!
//! | container | samples |
//! |---|---|
//! | WAV, RIFX, RF64, BW64, Wave64 | integers of 8 to 32 bits, floats of 32 and 64, A-law, mu-law |
//! | AIFF, AIFC | the same |
//! | FLAC, also in Ogg | integers of 4 to 32 bits |
//! | Ogg Vorbis of one or two channels, MP3 | lossy; decoded in single precision |
//!
//! What a file is, its first bytes say; its name does not matter. [`read_mono`] and
//! [`read_channels`] hold a whole file, [`Reader`] goes once through one of any length, and
//! [`Recording`] also knows its length and can begin again. All of them read pipes, and standard
//! input under the name `-` (a file of that name is `./-`).
//!
//! Samples are `f64` with full scale ±1: an integer of b bits is divided by 2^(b-1). In a container
//! wider than its samples, the container's width counts and the low bits are zero; only plain WAV
//! with 24 bits in 4 bytes is the other way round, as `arecord -f S24_LE` writes it. Lossy codecs
//! and floats can exceed ±1.
//!
//! The samples that the encoder of an MP3 or Vorbis stream added at its ends are left out where the
//! stream says how many they are, as other players do.
//!
//! Headers that lie about lengths are common, as a program that writes into a pipe cannot go back
//! to fill them in: uncompressed samples are read to the end that the header gives or to the end of
//! the file, whichever comes first. Where a length was filled in and the file ends before, it has
//! lost samples: what is there is read, with a warning by [`log`] that names the file. FLAC carries
//! checksums, so there damage is an error, and so is an end that comes too early.
//!
//! A file that cannot be read is an error that names the file and the fault, and for a format that
//! is not read a program that converts it. Nothing a file can contain ends the program; memory is
//! in proportion to the samples asked for, but for headers of compressed streams made to waste it.

mod aiff;
mod compressed;
mod content;
mod error;
mod g711;
mod input;
mod pcm;
mod reader;
mod recording;
mod riff;
mod signal;
mod spool;
mod wave64;
mod wave_format;

pub use error::{AudioError, AudioFault};
pub use reader::{Reader, decode, read_channels, read_mono};
pub use recording::Recording;
pub use signal::{Audio, MultichannelAudio};

/// Endings of the names of files that are read, in lower case, for listing folders: reading itself
/// goes by content.
pub const EXTENSIONS: [&str; 11] = [
    "aif", "aifc", "aiff", "bwf", "flac", "mp3", "oga", "ogg", "rf64", "w64", "wav",
];
