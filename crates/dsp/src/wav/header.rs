//! The header of a WAV file, and hound behind it.
//!
//! hound writes the extensible header for all but 8- and 16-bit integers, and names the front left
//! loudspeaker for a single channel; programs that read plain headers only, such as the module
//! `wave` of Python, then refuse the file. So the header is written here, and hound appends to it.

use std::io::{Read, Seek, Write};

use hound::{SampleFormat, WavSpec, WavWriter};

use crate::audio::AudioFault;

/// Most channels with a plain header.
const PLAIN_CHANNELS: u16 = 2;

const TAG_INTEGER: u16 = 0x0001;
const TAG_FLOAT: u16 = 0x0003;
const TAG_EXTENSIBLE: u16 = 0xfffe;
/// What follows the tag in the sub-format of the extensible format.
const SUFFIX: &[u8; 14] = b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71";

/// Begins a file of `samples` samples in each channel. `spec` has been checked: every field of the
/// header can hold its value.
pub(super) fn begin<W: Read + Write + Seek>(
    mut file: W,
    spec: WavSpec,
    samples: usize,
) -> Result<WavWriter<W>, AudioFault> {
    file.write_all(&header(spec, samples))?;
    file.rewind()?;
    WavWriter::new_append(file).map_err(hound_fault)
}

/// The header up to the first sample, of a file that has none yet.
fn header(spec: WavSpec, samples: usize) -> Vec<u8> {
    let frame_bytes = spec.channels * (spec.bits_per_sample / 8);
    let tag = match spec.sample_format {
        SampleFormat::Int => TAG_INTEGER,
        SampleFormat::Float => TAG_FLOAT,
    };
    let extensible = spec.channels > PLAIN_CHANNELS;

    let mut format = Vec::new();
    format.extend(if extensible { TAG_EXTENSIBLE } else { tag }.to_le_bytes());
    format.extend(spec.channels.to_le_bytes());
    format.extend(spec.sample_rate.to_le_bytes());
    format.extend((spec.sample_rate * u32::from(frame_bytes)).to_le_bytes());
    format.extend(frame_bytes.to_le_bytes());
    format.extend(spec.bits_per_sample.to_le_bytes());
    if extensible {
        format.extend(22_u16.to_le_bytes());
        format.extend(spec.bits_per_sample.to_le_bytes());
        format.extend(loudspeakers(spec.channels).to_le_bytes());
        format.extend(tag.to_le_bytes());
        format.extend(SUFFIX);
    } else if spec.sample_format == SampleFormat::Float {
        // The length of what follows, which all but integers must have.
        format.extend(0_u16.to_le_bytes());
    }

    let mut chunks = b"WAVE".to_vec();
    append_chunk(&mut chunks, b"fmt ", &format);
    if spec.sample_format == SampleFormat::Float {
        append_chunk(&mut chunks, b"fact", &(samples as u32).to_le_bytes());
    }
    append_chunk(&mut chunks, b"data", &[]);
    let mut header = Vec::new();
    append_chunk(&mut header, b"RIFF", &chunks);
    header
}

fn append_chunk(bytes: &mut Vec<u8>, name: &[u8; 4], content: &[u8]) {
    bytes.extend(name);
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend(content);
}

/// The mask of the usual loudspeakers of as many channels (`ksmedia.h`), none for other numbers.
fn loudspeakers(channels: u16) -> u32 {
    const FRONT: u32 = 0x3;
    const CENTRE: u32 = 0x4;
    const LOW: u32 = 0x8;
    const BACK: u32 = 0x30;
    const SIDE: u32 = 0x600;
    match channels {
        3 => FRONT | CENTRE,
        4 => FRONT | BACK,
        5 => FRONT | CENTRE | BACK,
        6 => FRONT | CENTRE | LOW | BACK,
        8 => FRONT | CENTRE | LOW | BACK | SIDE,
        _ => 0,
    }
}

/// hound's errors while writing, of which only those of the file system can happen: all else has
/// been checked.
pub(super) fn hound_fault(error: hound::Error) -> AudioFault {
    match error {
        hound::Error::IoError(error) => AudioFault::Io(error),
        hound::Error::FormatError(reason) => AudioFault::Malformed(reason),
        _ => AudioFault::Malformed("the samples do not fit the header"),
    }
}
