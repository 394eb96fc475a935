//! WAV files out: 16- and 24-bit integers and 32-bit floats. Reading is in [`audio`](crate::audio).
//!
//! [`write()`] and [`write_channels`] write a whole signal, [`Writer`] one of any length block by
//! block. One and two channels get the plain header, which every program reads; more channels get
//! the extensible one, with the loudspeakers of the usual layouts.

mod header;
mod write;
mod writer;

pub use write::{Encoding, to_bytes, write, write_channels};
pub use writer::Writer;
