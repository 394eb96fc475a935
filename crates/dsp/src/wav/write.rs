//! Writing WAV files.

use std::fs;
use std::io::{self, Cursor};
use std::path::Path;

use hound::{SampleFormat, WavSpec, WavWriter};
use serde::{Deserialize, Serialize};

use super::{WavError, WavFault};

/// How samples are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// 16-bit integers, rounded to nearest without dither.
    Pcm16,
    /// 24-bit integers, rounded to nearest without dither.
    Pcm24,
    /// 32-bit floats: nothing is ever clipped.
    #[default]
    Float32,
}

impl Encoding {
    fn bits(self) -> u16 {
        match self {
            Self::Pcm16 => 16,
            Self::Pcm24 => 24,
            Self::Float32 => 32,
        }
    }
}

/// Writes a mono signal; see [`write_channels`].
///
/// # Errors
/// Those of [`write_channels`].
pub fn write(
    path: impl AsRef<Path>,
    samples: &[f64],
    sample_rate_hz: u32,
    encoding: Encoding,
) -> Result<usize, WavError> {
    write_channels(path, &[samples], sample_rate_hz, encoding)
}

/// Writes a WAV file, and returns how many samples had to be clipped.
///
/// Integer encodings hold ±1. A sample beyond is stored as the nearest full-scale value, never
/// wrapped, and counted; whether that matters is the caller's to say. (Exactly +1 has no
/// integer code; the largest one, a single step below, stands for it and is not counted.)
///
/// The file appears whole or not at all: it is written under a temporary name in the same folder
/// and renamed, replacing what was there. On an error what was there stays.
///
/// # Errors
/// [`WavError`] names the file: no samples, channels of different lengths, a sample that is
/// not finite, a size or sample rate beyond what the format can express, or a fault of the file system.
pub fn write_channels(
    path: impl AsRef<Path>,
    channels: &[impl AsRef<[f64]>],
    sample_rate_hz: u32,
    encoding: Encoding,
) -> Result<usize, WavError> {
    let path = path.as_ref();
    let channels: Vec<&[f64]> = channels.iter().map(AsRef::as_ref).collect();
    encode(&channels, sample_rate_hz, encoding)
        .and_then(|(bytes, clipped)| {
            replace_file(path, &bytes)?;
            Ok(clipped)
        })
        .map_err(|fault| WavError::new(path, fault))
}

/// The bytes of the WAV file that [`write()`] would write of a mono signal.
///
/// # Errors
/// As [`write()`], but for the file system.
pub fn to_bytes(
    samples: &[f64],
    sample_rate_hz: u32,
    encoding: Encoding,
) -> Result<Vec<u8>, WavFault> {
    encode(&[samples], sample_rate_hz, encoding).map(|(bytes, _)| bytes)
}

/// The bytes of the file and the number of clipped samples.
fn encode(
    channels: &[&[f64]],
    sample_rate_hz: u32,
    encoding: Encoding,
) -> Result<(Vec<u8>, usize), WavFault> {
    let spec = checked_spec(channels, sample_rate_hz, encoding)?;
    let full_scale = f64::from(1_u32 << (spec.bits_per_sample - 1));

    let mut bytes = Vec::new();
    let mut writer = WavWriter::new(Cursor::new(&mut bytes), spec)?;
    let mut clipped = 0;
    for index in 0..channels[0].len() {
        for (channel, samples) in channels.iter().enumerate() {
            let sample = samples[index];
            if !sample.is_finite() {
                return Err(WavFault::NotFinite { channel, index });
            }
            if spec.sample_format == SampleFormat::Float {
                let sample = sample as f32;
                if !sample.is_finite() {
                    return Err(WavFault::NotFinite { channel, index });
                }
                writer.write_sample(sample)?;
            } else {
                clipped += usize::from(sample.abs() > 1.0);
                let code = (sample * full_scale)
                    .round()
                    .clamp(-full_scale, full_scale - 1.0);
                writer.write_sample(code as i32)?;
            }
        }
    }
    writer.finalize()?;
    Ok((bytes, clipped))
}

/// The header's fields, once it is certain that each of them can hold its value: hound computes
/// them without checking for overflow.
fn checked_spec(
    channels: &[&[f64]],
    sample_rate_hz: u32,
    encoding: Encoding,
) -> Result<WavSpec, WavFault> {
    /// More than any header that is written.
    const HEADER_BYTES: usize = 128;

    let samples = channels.first().map_or(0, |first| first.len());
    if samples == 0 {
        return Err(WavFault::Empty);
    }
    if let Some((channel, other)) = channels
        .iter()
        .enumerate()
        .find(|(_, other)| other.len() != samples)
    {
        return Err(WavFault::UnequalChannels {
            channel,
            found: other.len(),
            expected: samples,
        });
    }

    let frame_bytes = channels.len().checked_mul(usize::from(encoding.bits() / 8));
    let frame_fits = frame_bytes.is_some_and(|bytes| u16::try_from(bytes).is_ok());
    let fits_u32 = |factor: usize, extra: usize| {
        frame_bytes
            .and_then(|bytes| bytes.checked_mul(factor))
            .and_then(|bytes| bytes.checked_add(extra))
            .is_some_and(|bytes| u32::try_from(bytes).is_ok())
    };
    let rate_fits = sample_rate_hz > 0 && fits_u32(sample_rate_hz as usize, 0);
    if !(frame_fits && rate_fits && fits_u32(samples, HEADER_BYTES)) {
        return Err(WavFault::Unstorable {
            channels: channels.len(),
            samples,
            sample_rate_hz,
        });
    }
    Ok(WavSpec {
        channels: channels.len() as u16,
        sample_rate: sample_rate_hz,
        bits_per_sample: encoding.bits(),
        sample_format: match encoding {
            Encoding::Pcm16 | Encoding::Pcm24 => SampleFormat::Int,
            Encoding::Float32 => SampleFormat::Float,
        },
    })
}

/// Puts `bytes` at `path` in one step, so that no reader ever sees a part of them.
fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file"))?;
    let mut temporary_name = name.to_owned();
    // The process id keeps concurrent runs into one folder apart.
    temporary_name.push(format!(".{}.part", std::process::id()));
    let temporary = path.with_file_name(temporary_name);

    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one worth reporting.
        let _ = fs::remove_file(&temporary);
    }
    written
}
