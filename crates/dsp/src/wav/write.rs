//! Writing whole signals.

use std::fs;
use std::io::{self, Cursor, Seek, Write};
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavSpec, WavWriter};
use serde::{Deserialize, Serialize};

use super::header::{begin, hound_fault};
use crate::audio::{AudioError, AudioFault};

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
) -> Result<usize, AudioError> {
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
/// [`AudioError`] names the file: no samples, channels of different lengths, a sample that is not
/// finite, a size or sample rate beyond what the format can express, or a fault of the file system.
pub fn write_channels(
    path: impl AsRef<Path>,
    channels: &[impl AsRef<[f64]>],
    sample_rate_hz: u32,
    encoding: Encoding,
) -> Result<usize, AudioError> {
    let path = path.as_ref();
    let channels: Vec<&[f64]> = channels.iter().map(AsRef::as_ref).collect();
    encode(&channels, sample_rate_hz, encoding)
        .and_then(|(bytes, clipped)| {
            replace_file(path, &bytes)?;
            Ok(clipped)
        })
        .map_err(|fault| AudioError::new(path, fault))
}

/// The bytes of the WAV file that [`write()`] would write of a mono signal.
///
/// # Errors
/// As [`write()`], but for the file system.
pub fn to_bytes(
    samples: &[f64],
    sample_rate_hz: u32,
    encoding: Encoding,
) -> Result<Vec<u8>, AudioFault> {
    encode(&[samples], sample_rate_hz, encoding).map(|(bytes, _)| bytes)
}

/// The bytes of the file and the number of clipped samples.
fn encode(
    channels: &[&[f64]],
    sample_rate_hz: u32,
    encoding: Encoding,
) -> Result<(Vec<u8>, usize), AudioFault> {
    let samples = equal_lengths(channels)?;
    let spec = checked_spec(channels.len(), samples, sample_rate_hz, encoding)?;
    let mut bytes = Vec::new();
    let mut writer = begin(Cursor::new(&mut bytes), spec, samples)?;
    let clipped = write_samples(&mut writer, channels, 0)?;
    writer.finalize().map_err(hound_fault)?;
    Ok((bytes, clipped))
}

/// Appends samples, those from `start` on, and counts the clipped ones.
pub(super) fn write_samples(
    writer: &mut WavWriter<impl Write + Seek>,
    channels: &[&[f64]],
    start: usize,
) -> Result<usize, AudioFault> {
    let spec = writer.spec();
    let full_scale = f64::from(1_u32 << (spec.bits_per_sample - 1));
    let mut clipped = 0;
    for index in 0..channels.first().map_or(0, |first| first.len()) {
        for (channel, samples) in channels.iter().enumerate() {
            let sample = samples[index];
            let index = start + index;
            if !sample.is_finite() {
                return Err(AudioFault::NotFinite { channel, index });
            }
            if spec.sample_format == SampleFormat::Float {
                let sample = sample as f32;
                if !sample.is_finite() {
                    return Err(AudioFault::NotFinite { channel, index });
                }
                writer.write_sample(sample).map_err(hound_fault)?;
            } else {
                clipped += usize::from(sample.abs() > 1.0);
                let code = (sample * full_scale)
                    .round()
                    .clamp(-full_scale, full_scale - 1.0);
                writer.write_sample(code as i32).map_err(hound_fault)?;
            }
        }
    }
    Ok(clipped)
}

/// The length of all channels.
pub(super) fn equal_lengths(channels: &[&[f64]]) -> Result<usize, AudioFault> {
    let samples = channels.first().map_or(0, |first| first.len());
    match channels
        .iter()
        .enumerate()
        .find(|(_, other)| other.len() != samples)
    {
        None => Ok(samples),
        Some((channel, other)) => Err(AudioFault::UnequalChannels {
            channel,
            found: other.len(),
            expected: samples,
        }),
    }
}

/// The header's fields, once it is certain that each of them can hold its value: hound computes
/// them without checking for overflow.
pub(super) fn checked_spec(
    channels: usize,
    samples: usize,
    sample_rate_hz: u32,
    encoding: Encoding,
) -> Result<WavSpec, AudioFault> {
    /// More than any header that is written.
    const HEADER_BYTES: usize = 128;

    if samples == 0 {
        return Err(AudioFault::Empty);
    }
    let frame_bytes = channels.checked_mul(usize::from(encoding.bits() / 8));
    let frame_fits = frame_bytes.is_some_and(|bytes| u16::try_from(bytes).is_ok());
    let fits_u32 = |factor: usize, extra: usize| {
        frame_bytes
            .and_then(|bytes| bytes.checked_mul(factor))
            .and_then(|bytes| bytes.checked_add(extra))
            .is_some_and(|bytes| u32::try_from(bytes).is_ok())
    };
    let rate_fits = sample_rate_hz > 0 && fits_u32(sample_rate_hz as usize, 0);
    if !(frame_fits && rate_fits && fits_u32(samples, HEADER_BYTES)) {
        return Err(AudioFault::Unstorable {
            channels,
            samples,
            sample_rate_hz,
        });
    }
    Ok(WavSpec {
        channels: channels as u16,
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
    let temporary = temporary(path)?;
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one worth reporting.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// The name beside `path` that a file has until it is whole.
pub(super) fn temporary(path: &Path) -> io::Result<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file"))?;
    let mut temporary_name = name.to_owned();
    // The process id keeps concurrent runs into one folder apart.
    temporary_name.push(format!(".{}.part", std::process::id()));
    Ok(path.with_file_name(temporary_name))
}
