//! Writing block by block, for signals that are longer than memory should hold.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use hound::WavWriter;

use super::header::{begin, hound_fault};
use super::write::{Encoding, checked_spec, equal_lengths, temporary, write_samples};
use crate::audio::{AudioError, AudioFault};

/// Writes a WAV file of a length known beforehand.
///
/// The file has a temporary name in its folder until [`finish`](Self::finish) gives it its own, in
/// place of what was there; a writer that is dropped before leaves no trace.
pub struct Writer {
    path: PathBuf,
    temporary: PathBuf,
    /// None once the file is finished.
    writer: Option<WavWriter<BufferedFile>>,
    announced: usize,
    written: usize,
    clipped: usize,
}

impl Writer {
    /// Begins a file of `channels` channels of `samples` samples.
    ///
    /// # Errors
    /// [`AudioError`]: no samples, a size or rate beyond the format, a fault of the file system.
    pub fn create(
        path: impl AsRef<Path>,
        channels: usize,
        samples: usize,
        sample_rate_hz: u32,
        encoding: Encoding,
    ) -> Result<Self, AudioError> {
        let path = path.as_ref();
        let create = || {
            let spec = checked_spec(channels, samples, sample_rate_hz, encoding)?;
            let temporary = temporary(path)?;
            let file = BufferedFile::create(&temporary)?;
            Ok(Self {
                path: path.to_owned(),
                writer: Some(begin(file, spec, samples)?),
                temporary,
                announced: samples,
                written: 0,
                clipped: 0,
            })
        };
        create().map_err(|fault| AudioError::new(path, fault))
    }

    /// Appends a block, a slice per channel.
    ///
    /// # Errors
    /// [`AudioError`]: another number of channels than announced, channels of different lengths, a
    /// sample that is not finite, a fault of the file system.
    pub fn write(&mut self, channels: &[&[f64]]) -> Result<(), AudioError> {
        self.append(channels)
            .map_err(|fault| AudioError::new(&self.path, fault))
    }

    fn append(&mut self, channels: &[&[f64]]) -> Result<(), AudioFault> {
        let samples = equal_lengths(channels)?;
        let Some(writer) = &mut self.writer else {
            return Err(AudioFault::Malformed("the file is finished"));
        };
        let expected = usize::from(writer.spec().channels);
        if channels.len() != expected {
            return Err(AudioFault::Unannounced {
                what: "channels",
                expected,
                found: channels.len(),
            });
        }
        self.clipped += write_samples(writer, channels, self.written)?;
        self.written += samples;
        Ok(())
    }

    /// Gives the file its name, and returns how many samples had to be clipped; see
    /// [`write_channels`](super::write_channels).
    ///
    /// # Errors
    /// [`AudioError`]: more or fewer samples than announced, a fault of the file system.
    pub fn finish(mut self) -> Result<usize, AudioError> {
        let mut end = || {
            if let Some(writer) = self.writer.take() {
                writer.finalize().map_err(hound_fault)?;
            }
            if self.written != self.announced {
                return Err(AudioFault::Unannounced {
                    what: "samples",
                    expected: self.announced,
                    found: self.written,
                });
            }
            fs::rename(&self.temporary, &self.path)?;
            Ok(self.clipped)
        };
        let outcome: Result<usize, AudioFault> = end();
        outcome.map_err(|fault| AudioError::new(&self.path, fault))
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

/// A file that is written through a buffer, and read before the first byte is written.
struct BufferedFile(BufWriter<File>);

impl BufferedFile {
    fn create(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true);
        Ok(Self(BufWriter::new(options.open(path)?)))
    }
}

impl Read for BufferedFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.flush()?;
        self.0.get_mut().read(bytes)
    }
}

impl Write for BufferedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Seek for BufferedFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.0.seek(position)
    }
}
