//! Reading WAV files.
//!
//! hound decodes the samples. It trusts chunk lengths, knows no padding byte after a chunk of odd
//! length and refuses some harmless format chunks, so the chunks are located here, checked against
//! the length of the file, and handed to it as a file of exactly one format and one data chunk.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read, Seek, SeekFrom, Take};
use std::path::Path;

use hound::{SampleFormat, WavReader, WavSpec};

use super::{WavError, WavFault};
use crate::audio::{Audio, MultichannelAudio};

/// Bytes of the format fields that every encoding has.
const PLAIN_FORMAT_BYTES: usize = 16;
/// Bytes of the format fields with the extensible header's additions.
const EXTENSIBLE_FORMAT_BYTES: usize = 40;

/// Format tags, as registered in `mmreg.h`.
const TAG_INTEGER: u16 = 0x0001;
const TAG_FLOAT: u16 = 0x0003;
const TAG_EXTENSIBLE: u16 = 0xfffe;

/// Reads a WAV file and mixes it down to one channel, the mean of all.
///
/// # Errors
/// [`WavError`] names the file and what is wrong with it; see [`WavFault`] for the causes.
pub fn read_mono(path: impl AsRef<Path>) -> Result<Audio, WavError> {
    read_channels(path).map(MultichannelAudio::mixed_down)
}

/// Reads a WAV file with all its channels.
///
/// # Errors
/// [`WavError`] names the file and what is wrong with it; see [`WavFault`] for the causes.
pub fn read_channels(path: impl AsRef<Path>) -> Result<MultichannelAudio, WavError> {
    let path = path.as_ref();
    File::open(path)
        .map_err(WavFault::from)
        .and_then(|file| decode(BufReader::new(file)))
        .map_err(|fault| WavError::new(path, fault))
}

/// Reads a WAV file that is in memory, or behind whatever else can be read, with all its channels.
///
/// # Errors
/// What is wrong with it.
pub fn decode(source: impl Read + Seek) -> Result<MultichannelAudio, WavFault> {
    let mut decoder = Decoder::new(source)?;
    let channels = decoder.next(decoder.samples())?;
    Ok(MultichannelAudio {
        channels,
        sample_rate_hz: decoder.spec().sample_rate,
    })
}

/// Decodes a file from its first sample to its last, block by block.
pub(super) struct Decoder<R: Read> {
    reader: WavReader<Chain<Cursor<Vec<u8>>, Take<R>>>,
    position: usize,
}

impl<R: Read + Seek> Decoder<R> {
    /// Checks the header and finds the samples.
    pub(super) fn new(mut source: R) -> Result<Self, WavFault> {
        let chunks = locate_chunks(&mut source)?;
        let header = Cursor::new(chunks.header());
        let data = source.take(u64::from(chunks.data_bytes));
        let reader = WavReader::new(header.chain(data))?;

        let spec = reader.spec();
        if spec.sample_rate == 0 {
            return Err(WavFault::Malformed("the sample rate is zero"));
        }
        if reader.len() == 0 {
            return Err(WavFault::Empty);
        }
        match (spec.sample_format, spec.bits_per_sample) {
            (SampleFormat::Int, 8 | 16 | 24 | 32) | (SampleFormat::Float, 32) => {}
            (SampleFormat::Int, bits) => {
                return Err(WavFault::Unsupported(format!("{bits}-bit integers")));
            }
            (SampleFormat::Float, bits) => {
                return Err(WavFault::Unsupported(format!("{bits}-bit floats")));
            }
        }
        Ok(Self {
            reader,
            position: 0,
        })
    }
}

impl<R: Read> Decoder<R> {
    /// The header's fields; the encoding is one that is read.
    pub(super) fn spec(&self) -> WavSpec {
        self.reader.spec()
    }

    /// Samples of each channel.
    pub(super) fn samples(&self) -> usize {
        self.reader.duration() as usize
    }

    /// The next `samples` samples of each channel, or what is left.
    pub(super) fn next(&mut self, samples: usize) -> Result<Vec<Vec<f64>>, WavFault> {
        let spec = self.reader.spec();
        let count = usize::from(spec.channels);
        let samples = samples.min(self.samples() - self.position);
        let mut channels = vec![Vec::with_capacity(samples); count];
        if spec.sample_format == SampleFormat::Int {
            let step = 1.0 / f64::from(1_u32 << (spec.bits_per_sample - 1));
            let codes = self.reader.samples::<i32>().take(samples * count);
            for (n, code) in codes.enumerate() {
                channels[n % count].push(f64::from(code?) * step);
            }
        } else {
            let values = self.reader.samples::<f32>().take(samples * count);
            for (n, sample) in values.enumerate() {
                let (channel, index) = (n % count, self.position + n / count);
                let sample = sample?;
                if !sample.is_finite() {
                    return Err(WavFault::NotFinite { channel, index });
                }
                channels[channel].push(f64::from(sample));
            }
        }
        self.position += samples;
        Ok(channels)
    }
}

/// The two chunks that matter.
struct Chunks {
    /// The fields of the format chunk, without what hound does not need.
    format: Vec<u8>,
    data_bytes: u32,
}

impl Chunks {
    /// A WAV header that holds nothing but these chunks, up to the first byte of data.
    fn header(&self) -> Vec<u8> {
        let mut header = b"RIFF\0\0\0\0WAVEfmt ".to_vec();
        header.extend((self.format.len() as u32).to_le_bytes());
        header.extend(&self.format);
        header.extend(b"data");
        header.extend(self.data_bytes.to_le_bytes());
        header
    }
}

/// Walks the chunks up to the data, and leaves `source` at its first byte.
fn locate_chunks(source: &mut (impl Read + Seek)) -> Result<Chunks, WavFault> {
    let file_bytes = source.seek(SeekFrom::End(0))?;
    source.rewind()?;

    let riff: [u8; 12] = read_array(source)?.ok_or(WavFault::NotWav)?;
    if &riff[..4] != b"RIFF" || &riff[8..] != b"WAVE" {
        return Err(WavFault::NotWav);
    }

    let mut format = None;
    loop {
        let [i0, i1, i2, i3, l0, l1, l2, l3] =
            read_array(source)?.ok_or(WavFault::Malformed("there is no data chunk"))?;
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        let start = source.stream_position()?;
        let present = file_bytes.saturating_sub(start);
        if u64::from(length) > present {
            return Err(WavFault::Truncated {
                promised: length.into(),
                present,
            });
        }
        match &[i0, i1, i2, i3] {
            b"data" => {
                let format = format.ok_or(WavFault::Malformed("there is no format chunk"))?;
                return Ok(Chunks {
                    format,
                    data_bytes: length,
                });
            }
            b"fmt " => format = Some(read_format(source, length)?),
            _ => {}
        }
        // Chunks start at even offsets.
        source.seek(SeekFrom::Start(
            start + u64::from(length) + u64::from(length % 2),
        ))?;
    }
}

/// The fields of a format chunk of `length` bytes that say anything about its samples.
fn read_format(source: &mut impl Read, length: u32) -> Result<Vec<u8>, WavFault> {
    let mut format = Vec::with_capacity(EXTENSIBLE_FORMAT_BYTES);
    source
        .take(u64::from(length).min(EXTENSIBLE_FORMAT_BYTES as u64))
        .read_to_end(&mut format)?;
    if format.len() < PLAIN_FORMAT_BYTES {
        return Err(WavFault::Malformed("the format chunk is too short"));
    }

    let field = |offset: usize| u16::from_le_bytes([format[offset], format[offset + 1]]);
    let (tag, bits) = (field(0), field(14));
    match tag {
        TAG_INTEGER => format.truncate(PLAIN_FORMAT_BYTES),
        TAG_FLOAT if bits == 32 => format.truncate(PLAIN_FORMAT_BYTES),
        TAG_FLOAT => return Err(WavFault::Unsupported(format!("{bits}-bit floats"))),
        // hound reports one that is too short.
        TAG_EXTENSIBLE => {}
        _ => return Err(WavFault::Unsupported(format!("format tag {tag:#06x}"))),
    }
    Ok(format)
}

/// The next N bytes, or nothing where the source ends before.
fn read_array<const N: usize>(source: &mut impl Read) -> io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    match source.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
