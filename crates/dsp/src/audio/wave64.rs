//! Wave64 files (Sony): like WAV, with names of 16 bytes and lengths of 64 bits.

use super::error::AudioFault;
use super::input::Input;
use super::pcm::{ByteOrder, Layout, PcmDecoder};
use super::wave_format::{MOST_BYTES, parse_format};

/// The name of the whole file; its first four bytes are those of the WAV chunk.
pub(super) const RIFF: &[u8; 16] = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00";
const FORMAT: &[u8; 16] = b"fmt \xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a";
const DATA: &[u8; 16] = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a";
const WAVE: &[u8; 16] = b"wave\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a";

/// Bytes of a chunk's name and length, which the length includes.
const HEADER_BYTES: u64 = 24;

/// Finds the samples; `input` stands at the first byte of the file.
pub(super) fn open_wave64(mut input: Input) -> Result<PcmDecoder, AudioFault> {
    input.skip(HEADER_BYTES)?;
    if input.read_array::<16>()?.as_ref() != Some(WAVE) {
        return Err(AudioFault::Malformed(
            "a Wave64 file without the name `wave`",
        ));
    }
    let mut layout: Option<Layout> = None;
    loop {
        let missing = AudioFault::Malformed("there is no data chunk");
        let (Some(name), Some(length)) = (input.read_array::<16>()?, input.read_array()?) else {
            return Err(missing);
        };
        let length = u64::from_le_bytes(length);
        let mut left = length
            .checked_sub(HEADER_BYTES)
            .ok_or(AudioFault::Malformed("a chunk is shorter than its header"))?;
        match &name {
            DATA => {
                let layout = layout.ok_or(AudioFault::Malformed(
                    "there is no format chunk before the samples",
                ))?;
                // No file is that long: its writer could not come back to say how long it is.
                let declared = Some(left).filter(|&bytes| bytes < u64::MAX / 4);
                return PcmDecoder::new(input, layout, declared);
            }
            FORMAT => {
                let fields = input.read_at_most(left.min(MOST_BYTES))?;
                left -= fields.len() as u64;
                layout = Some(parse_format(&fields, ByteOrder::Little)?);
            }
            _ => {}
        }
        // Chunks start at multiples of eight.
        let padding = length.wrapping_neg() % 8;
        if !input.skip(left.saturating_add(padding))? {
            return Err(missing);
        }
    }
}
