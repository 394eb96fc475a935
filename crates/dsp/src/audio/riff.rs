//! WAV files: chunks of bytes behind `RIFF`, or `RIFX` for numbers that begin with their high end,
//! or `RF64` and `BW64` for more than 4 GiB.

use super::error::AudioFault;
use super::input::Input;
use super::pcm::{ByteOrder, Layout, PcmDecoder};
use super::wave_format::{MOST_BYTES, parse_format};

/// The length that stands for another one: in a chunk `ds64`, or at the end of the file.
const UNKNOWN_BYTES: u32 = u32::MAX;
/// Lengths that programs leave in a header that they cannot come back to (SoX, eSpeak, arecord):
/// all that a 32-bit integer with sign can hold, less a few bytes or more by one.
const PLACEHOLDERS: std::ops::RangeInclusive<u32> = 0x7fff_0000..=0x8000_0000;

/// Finds the samples; `input` stands at the first byte of the file.
pub(super) fn open_wav(mut input: Input) -> Result<PcmDecoder, AudioFault> {
    let riff: [u8; 12] = input.read_array()?.ok_or(AudioFault::NotAudio)?;
    let order = match &riff[..4] {
        b"RIFX" => ByteOrder::Big,
        _ => ByteOrder::Little,
    };
    let mut layout: Option<Layout> = None;
    let mut long_bytes = None;
    loop {
        let [i0, i1, i2, i3, l0, l1, l2, l3] = input
            .read_array()?
            .ok_or(AudioFault::Malformed("there is no data chunk"))?;
        let length = order.u32([l0, l1, l2, l3]);
        let mut left = u64::from(length);
        match &[i0, i1, i2, i3] {
            b"data" => {
                let layout = layout.ok_or(AudioFault::Malformed(
                    "there is no format chunk before the samples",
                ))?;
                let declared = declared_bytes(&mut input, length, long_bytes)?;
                return Ok(PcmDecoder::new(input, layout, declared)?.of_one_chunk());
            }
            b"fmt " => {
                let fields = input.read_at_most(left.min(MOST_BYTES))?;
                left -= fields.len() as u64;
                layout = Some(parse_format(&fields, order)?);
            }
            b"ds64" => {
                let fields = input.read_at_most(left.min(16))?;
                left -= fields.len() as u64;
                long_bytes = fields
                    .last_chunk()
                    .filter(|_| fields.len() == 16)
                    .map(|bytes| u64::from_le_bytes(*bytes));
            }
            _ => {}
        }
        input.skip(left)?;
        // Chunks start at even offsets, but for those of programs that forget it.
        if length % 2 == 1 && input.peek(1)? == [0] {
            input.skip(1)?;
        }
    }
}

/// The length of the samples by the header, nothing where it leaves that open.
fn declared_bytes(
    input: &mut Input,
    length: u32,
    long_bytes: Option<u64>,
) -> Result<Option<u64>, AudioFault> {
    let declared = match length {
        UNKNOWN_BYTES => long_bytes,
        // Either there are no samples, or the writer could not come back to say how many.
        0 if is_chunk_name(input.peek(4)?) => Some(0),
        0 => None,
        length if PLACEHOLDERS.contains(&length) => {
            let present = input.remaining();
            Some(u64::from(length)).filter(|&length| present.is_some_and(|bytes| length <= bytes))
        }
        length => Some(length.into()),
    };
    Ok(declared)
}

/// Whether bytes look like the start of another chunk and not like samples.
fn is_chunk_name(bytes: &[u8]) -> bool {
    bytes.len() == 4
        && bytes[0].is_ascii_alphabetic()
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ')
}
