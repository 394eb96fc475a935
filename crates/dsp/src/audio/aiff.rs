//! AIFF and AIFC files (Apple): chunks like WAV's, with the high end of numbers first.

use super::error::AudioFault;
use super::input::Input;
use super::pcm::{ByteOrder, Layout, PcmDecoder, SampleCode};

/// Bytes of the common chunk that are looked at: with the name of the encoding.
const COMMON_BYTES: u64 = 22;

/// Finds the samples; `input` stands at the first byte of the file.
pub(super) fn open_aiff(mut input: Input) -> Result<PcmDecoder, AudioFault> {
    let form: [u8; 12] = input.read_array()?.ok_or(AudioFault::NotAudio)?;
    let compressed = &form[8..] == b"AIFC";
    let mut layout: Option<Layout> = None;
    loop {
        let missing = AudioFault::Malformed("there is no chunk of samples");
        let [i0, i1, i2, i3, length @ ..] = input.read_array::<8>()?.ok_or(missing)?;
        let length = u32::from_be_bytes(length);
        let mut left = u64::from(length);
        match &[i0, i1, i2, i3] {
            b"SSND" => {
                let layout = layout.ok_or(AudioFault::Malformed(
                    "there is no common chunk before the samples",
                ))?;
                let [o0, o1, o2, o3, ..]: [u8; 8] = input.read_array()?.ok_or(AudioFault::Empty)?;
                let offset = u64::from(u32::from_be_bytes([o0, o1, o2, o3]));
                input.skip(offset)?;
                // Zero is what a writer into a pipe leaves there.
                let declared = (length > 0).then(|| left.saturating_sub(8 + offset));
                return PcmDecoder::new(input, layout, declared);
            }
            b"COMM" => {
                let fields = input.read_at_most(left.min(COMMON_BYTES))?;
                left -= fields.len() as u64;
                layout = Some(parse_common(&fields, compressed)?);
            }
            _ => {}
        }
        input.skip(left)?;
        if length % 2 == 1 && input.peek(1)? == [0] {
            input.skip(1)?;
        }
    }
}

/// How the samples are stored by the fields of the common chunk.
fn parse_common(fields: &[u8], compressed: bool) -> Result<Layout, AudioFault> {
    let needed = match compressed {
        true => 22,
        false => 18,
    };
    if fields.len() < needed {
        return Err(AudioFault::Malformed("the common chunk is too short"));
    }
    let channels = u16::from_be_bytes([fields[0], fields[1]]);
    let bits = u16::from_be_bytes([fields[6], fields[7]]);
    let rate = fields[8..18].first_chunk().and_then(parse_extended);
    let sample_rate_hz = rate.ok_or(AudioFault::Malformed("the sample rate makes no sense"))?;

    let encoding: [u8; 4] = match fields[18..].first_chunk() {
        Some(encoding) if compressed => *encoding,
        _ => *b"NONE",
    };
    let integer = || match bits {
        1..=32 => Ok(SampleCode::integer(usize::from(bits.div_ceil(8)))),
        _ => Err(AudioFault::Malformed(
            "samples have no bits, or more than 32",
        )),
    };
    let (code, order) = match &encoding {
        b"NONE" | b"twos" => (integer()?, ByteOrder::Big),
        b"sowt" => (integer()?, ByteOrder::Little),
        b"in24" => (SampleCode::integer(3), ByteOrder::Big),
        b"in32" => (SampleCode::integer(4), ByteOrder::Big),
        // As libsndfile writes them: `in24` and `in32` from the back.
        b"42n1" | b"42ni" => (SampleCode::integer(3), ByteOrder::Little),
        b"23ni" => (SampleCode::integer(4), ByteOrder::Little),
        b"raw " if bits == 8 => (SampleCode::Unsigned8, ByteOrder::Big),
        b"fl32" | b"FL32" => (SampleCode::Float32, ByteOrder::Big),
        b"fl64" | b"FL64" => (SampleCode::Float64, ByteOrder::Big),
        b"alaw" | b"ALAW" => (SampleCode::ALaw, ByteOrder::Big),
        b"ulaw" | b"ULAW" => (SampleCode::MuLaw, ByteOrder::Big),
        other => {
            return Err(AudioFault::Unsupported {
                format: format!("AIFC with the encoding `{}`", other.escape_ascii()),
                command: "ffmpeg -i in.aifc out.wav",
            });
        }
    };
    Layout::new(code, order, channels.into(), sample_rate_hz)
}

/// A positive number of 80 bits, rounded to an integer: a sign, 15 bits of the exponent and 64 of
/// the mantissa, whose highest bit is the 1 before the point.
fn parse_extended(bytes: &[u8; 10]) -> Option<u32> {
    const BIAS: i32 = 16_383;
    let [e0, e1, mantissa @ ..] = *bytes;
    let exponent = i32::from(u16::from_be_bytes([e0, e1])) - BIAS;
    // A sample rate: from 1 to what 32 bits hold; a sign makes the exponent too large.
    if !(0..32).contains(&exponent) {
        return None;
    }
    let scaled = u128::from(u64::from_be_bytes(mantissa)) << (exponent + 1);
    u32::try_from((scaled + (1 << 63)) >> 64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_from_80_bits() {
        for (bytes, rate_hz) in [
            (*b"\x40\x0e\xac\x44\0\0\0\0\0\0", Some(44_100)),
            (*b"\x40\x0b\xfa\0\0\0\0\0\0\0", Some(8_000)),
            (*b"\x3f\xff\x80\0\0\0\0\0\0\0", Some(1)),
            (*b"\x40\x0d\xad\xdd\x17\x45\xd1\x74\x5d\x17", Some(22_255)),
            (*b"\x40\x0c\xac\x44\0\0\0\0\0\0", Some(11_025)),
            (*b"\x40\x1e\xff\xff\xff\xff\0\0\0\0", Some(u32::MAX)),
            (*b"\x40\x1e\xff\xff\xff\xff\xff\0\0\0", None),
            (*b"\xc0\x0e\xac\x44\0\0\0\0\0\0", None),
            ([0; 10], None),
            ([0xff; 10], None),
        ] {
            assert_eq!(parse_extended(&bytes), rate_hz, "{bytes:x?}");
        }
    }
}
