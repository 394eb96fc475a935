//! WAV files block by block, for those that are longer than memory should hold.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavWriter};

use super::read::Decoder;
use super::write::{checked_spec, equal_lengths, temporary, write_samples};
use super::{Encoding, WavError, WavFault};

/// Reads a WAV file from its first sample to its last.
///
/// ```no_run
/// let mut reader = dsp::wav::Reader::open("long.wav")?;
/// loop {
///     let channels = reader.read(65_536)?;
///     if channels[0].is_empty() {
///         break;
///     }
/// }
/// # Ok::<(), dsp::WavError>(())
/// ```
pub struct Reader {
    path: PathBuf,
    decoder: Decoder<BufReader<File>>,
}

impl Reader {
    /// Opens a file and checks its header.
    ///
    /// # Errors
    /// Those of [`read_channels`](super::read_channels), but for faults of the samples themselves.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, WavError> {
        let path = path.as_ref();
        File::open(path)
            .map_err(WavFault::from)
            .and_then(|file| Decoder::new(BufReader::new(file)))
            .map(|decoder| Self {
                path: path.to_owned(),
                decoder,
            })
            .map_err(|fault| WavError::new(path, fault))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Samples per second.
    pub fn sample_rate_hz(&self) -> u32 {
        self.decoder.spec().sample_rate
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.decoder.spec().channels.into()
    }

    /// Samples of each channel in the whole file.
    pub fn samples(&self) -> usize {
        self.decoder.samples()
    }

    /// The encoding written here that holds every sample of this file: of 8-bit integers the 16-bit
    /// ones, of 32-bit integers the floats, which round them to 24 bits.
    pub fn encoding(&self) -> Encoding {
        let spec = self.decoder.spec();
        match (spec.sample_format, spec.bits_per_sample) {
            (SampleFormat::Int, 8 | 16) => Encoding::Pcm16,
            (SampleFormat::Int, 24) => Encoding::Pcm24,
            _ => Encoding::Float32,
        }
    }

    /// The next `samples` samples of every channel; fewer at the end of the file, and none behind it.
    ///
    /// # Errors
    /// [`WavError`] for a sample that is not finite or cannot be read.
    pub fn read(&mut self, samples: usize) -> Result<Vec<Vec<f64>>, WavError> {
        self.decoder
            .next(samples)
            .map_err(|fault| WavError::new(&self.path, fault))
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Reader")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Writes a WAV file of a length known beforehand.
///
/// The file has a temporary name in its folder until [`finish`](Self::finish) gives it its own, in
/// place of what was there; a writer that is dropped before leaves no trace.
pub struct Writer {
    path: PathBuf,
    temporary: PathBuf,
    /// None once the file is finished.
    writer: Option<WavWriter<BufWriter<File>>>,
    promised: usize,
    written: usize,
    clipped: usize,
}

impl Writer {
    /// Begins a file of `channels` channels of `samples` samples.
    ///
    /// # Errors
    /// [`WavError`]: no samples, a size or rate beyond the format, a fault of the file system.
    pub fn create(
        path: impl AsRef<Path>,
        channels: usize,
        samples: usize,
        sample_rate_hz: u32,
        encoding: Encoding,
    ) -> Result<Self, WavError> {
        let path = path.as_ref();
        let begin = || {
            let spec = checked_spec(channels, samples, sample_rate_hz, encoding)?;
            let temporary = temporary(path)?;
            let file = BufWriter::new(File::create(&temporary)?);
            Ok(Self {
                path: path.to_owned(),
                writer: Some(WavWriter::new(file, spec)?),
                temporary,
                promised: samples,
                written: 0,
                clipped: 0,
            })
        };
        begin().map_err(|fault| WavError::new(path, fault))
    }

    /// Appends a block, a slice per channel.
    ///
    /// # Errors
    /// [`WavError`]: another number of channels than promised, channels of different lengths, a
    /// sample that is not finite, a fault of the file system.
    pub fn write(&mut self, channels: &[&[f64]]) -> Result<(), WavError> {
        self.append(channels)
            .map_err(|fault| WavError::new(&self.path, fault))
    }

    fn append(&mut self, channels: &[&[f64]]) -> Result<(), WavFault> {
        let samples = equal_lengths(channels)?;
        let Some(writer) = &mut self.writer else {
            return Err(WavFault::Malformed("the file is finished"));
        };
        if channels.len() != usize::from(writer.spec().channels) {
            return Err(WavFault::Malformed("another number of channels"));
        }
        self.clipped += write_samples(writer, channels, self.written)?;
        self.written += samples;
        Ok(())
    }

    /// Gives the file its name, and returns how many samples had to be clipped; see
    /// [`write_channels`](super::write_channels).
    ///
    /// # Errors
    /// [`WavError`]: more or fewer samples than promised, a fault of the file system.
    pub fn finish(mut self) -> Result<usize, WavError> {
        let mut end = || {
            if let Some(writer) = self.writer.take() {
                writer.finalize()?;
            }
            if self.written != self.promised {
                return Err(WavFault::Malformed("another number of samples"));
            }
            fs::rename(&self.temporary, &self.path)?;
            Ok(self.clipped)
        };
        let outcome: Result<usize, WavFault> = end();
        outcome.map_err(|fault| WavError::new(&self.path, fault))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Closed first; gone already if the file has its name.
        self.writer = None;
        let _ = fs::remove_file(&self.temporary);
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Writer")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
