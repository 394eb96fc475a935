//! The format chunk of WAV and Wave64 files: WAVEFORMATEX and WAVEFORMATEXTENSIBLE of `mmreg.h`.

use super::error::AudioFault;
use super::pcm::{ByteOrder, Layout, SampleCode};

/// Bytes of the fields that every encoding has.
const PLAIN_BYTES: usize = 16;
/// Bytes with the additions of the extensible format.
const EXTENSIBLE_BYTES: usize = 40;
/// Bytes of a format chunk that are looked at.
pub(super) const MOST_BYTES: u64 = EXTENSIBLE_BYTES as u64;

const TAG_INTEGER: u16 = 0x0001;
const TAG_FLOAT: u16 = 0x0003;
const TAG_A_LAW: u16 = 0x0006;
const TAG_MU_LAW: u16 = 0x0007;
const TAG_EXTENSIBLE: u16 = 0xfffe;

/// What follows the tag in the sub-format of the extensible format: the registered suffix, and that
/// of ambisonic files (the latter only says what the channels are).
const SUFFIXES: [&[u8; 14]; 2] = [
    b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71",
    b"\x00\x00\x21\x07\xd3\x11\x86\x44\xc8\xc1\xca\x00\x00\x00",
];

/// How the samples are stored by the fields of a format chunk.
pub(super) fn parse_format(fields: &[u8], order: ByteOrder) -> Result<Layout, AudioFault> {
    if fields.len() < PLAIN_BYTES {
        return Err(AudioFault::Malformed("the format chunk is too short"));
    }
    let field = |offset: usize| order.u16([fields[offset], fields[offset + 1]]);
    let (tag, channels) = (field(0), usize::from(field(2)));
    let sample_rate_hz = order.u32([fields[4], fields[5], fields[6], fields[7]]);
    let (frame_bytes, bits) = (usize::from(field(12)), field(14));

    let extensible = tag == TAG_EXTENSIBLE;
    let tag = match extensible {
        true => extensible_tag(fields, order)?,
        false => tag,
    };
    // The bytes that a frame's length leaves to each sample; the length is often wrong.
    let container = match channels {
        0 => 0,
        _ if frame_bytes.is_multiple_of(channels) => frame_bytes / channels,
        _ => 0,
    };
    let code = match (tag, bits) {
        (TAG_INTEGER, 1..=32) => integer_code(usize::from(bits), container, extensible),
        (TAG_FLOAT, 32) => SampleCode::Float32,
        (TAG_FLOAT, 64) => SampleCode::Float64,
        (TAG_A_LAW, 8) => SampleCode::ALaw,
        (TAG_MU_LAW, 8) => SampleCode::MuLaw,
        (TAG_INTEGER | TAG_FLOAT, 0) => {
            return Err(AudioFault::Malformed("samples have no bits"));
        }
        (TAG_INTEGER, _) => return Err(unsupported(format!("WAV with {bits}-bit integers"))),
        (TAG_FLOAT, _) => return Err(unsupported(format!("WAV with {bits}-bit floats"))),
        _ => return Err(unsupported(tag_name(tag))),
    };
    Layout::new(code, order, channels, sample_rate_hz)
}

/// Integers of `bits` bits in as many bytes as these need, or in `container` bytes.
///
/// The bits that are valid only say which low bits are zero: the container's width scales. Two
/// things are known only from files as programs write them. Plain headers of 24 bits in 4 bytes
/// have the unused bits above (`arecord -f S24_LE`), and a frame's length that does not fit the
/// bits is a mistake in a plain header, where the extensible one means it.
fn integer_code(bits: usize, container: usize, extensible: bool) -> SampleCode {
    let needed = bits.div_ceil(8);
    if needed == 3 && container == 4 && !extensible {
        return SampleCode::Integer {
            bytes: 4,
            unused_bits: 8,
        };
    }
    match extensible && (needed..=4).contains(&container) {
        true if container == 1 => SampleCode::Unsigned8,
        true => SampleCode::integer(container),
        false if needed == 1 => SampleCode::Unsigned8,
        false => SampleCode::integer(needed),
    }
}

/// The tag in the sub-format of the extensible format.
fn extensible_tag(fields: &[u8], order: ByteOrder) -> Result<u16, AudioFault> {
    if fields.len() < EXTENSIBLE_BYTES {
        return Err(AudioFault::Malformed(
            "the extensible format chunk is too short",
        ));
    }
    let known = SUFFIXES.iter().any(|suffix| fields[26..40] == suffix[..]);
    match known {
        true => Ok(order.u16([fields[24], fields[25]])),
        false => Err(unsupported("WAV with an unknown sub-format".to_owned())),
    }
}

fn unsupported(format: String) -> AudioFault {
    AudioFault::Unsupported {
        format,
        command: "ffmpeg -i in.wav -c:a pcm_s24le out.wav",
    }
}

/// The name of an encoding that is not read.
fn tag_name(tag: u16) -> String {
    let name = match tag {
        0x0002 => "Microsoft ADPCM",
        0x0011 => "IMA ADPCM",
        0x0031 => "GSM 6.10",
        0x0040 | 0x0045 | 0x0064 => "G.721 or G.726 ADPCM",
        0x0050 => "MPEG audio",
        0x0055 => "MP3",
        0x00ff | 0x1600 | 0x1610 => "AAC",
        0x0160..=0x0163 => "Windows Media Audio",
        0x2000 => "AC-3",
        0x674f..=0x6751 | 0x676f..=0x6771 => "Vorbis",
        0xf1ac => "FLAC",
        _ => return format!("WAV with the format tag {tag:#06x}"),
    };
    format!("WAV with {name} (format tag {tag:#06x})")
}
