//! Reading more than once, with a length known beforehand.

use std::fs::File;
use std::io::Seek;
use std::path::Path;

use super::error::{AudioError, AudioFault};
use super::input::Input;
use super::reader::Reader;
use super::spool::copy_to_temporary;
use crate::wav::Encoding;

/// Samples of each channel read at a time where they are only counted.
const BLOCK: usize = 1 << 16;

/// An audio file of any length that can be read again from its start, in blocks.
///
/// A pipe and standard input are copied into a temporary file first, in the folder that the
/// variable `TMPDIR` names; it has no name and vanishes with the process. Where the header does not
/// say how long the file is (MP3, Vorbis), opening it decodes it once to count.
#[derive(Debug)]
pub struct Recording {
    file: File,
    reader: Reader,
    samples: usize,
}

impl Recording {
    /// Opens a file, a pipe or, under the name `-`, standard input.
    ///
    /// # Errors
    /// Those of [`Reader::open`]; [`AudioFault::Spool`] where a stream cannot be copied; faults of
    /// the samples, where they had to be counted.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AudioError> {
        let path = path.as_ref();
        let file = rewindable(path).map_err(|fault| AudioError::new(path, fault))?;
        Self::from_file(path, file)
    }

    /// Reads a regular file that is open, from its start; `name` stands for it in messages.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn from_file(name: impl AsRef<Path>, file: File) -> Result<Self, AudioError> {
        let path = name.as_ref();
        let mut reader = start(&file, path)?;
        let samples = match reader.samples() {
            Some(samples) => samples,
            None => {
                let samples = count(&mut reader)?;
                reader = start(&file, path)?;
                samples
            }
        };
        Ok(Self {
            file,
            reader,
            samples,
        })
    }

    /// Begins again at the first sample.
    ///
    /// # Errors
    /// A fault of the file system.
    pub fn rewind(&mut self) -> Result<(), AudioError> {
        self.reader = start(&self.file, self.reader.path())?;
        Ok(())
    }

    /// The file's name, as it was given.
    pub fn path(&self) -> &Path {
        self.reader.path()
    }

    /// Samples per second.
    pub fn sample_rate_hz(&self) -> u32 {
        self.reader.sample_rate_hz()
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.reader.channels()
    }

    /// Samples of each channel in the whole file.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The encoding that holds every sample; see [`Reader::encoding`].
    pub fn encoding(&self) -> Encoding {
        self.reader.encoding()
    }

    /// The next `samples` samples of every channel; fewer at the end of the file, none behind it.
    ///
    /// # Errors
    /// Those of [`Reader::read`].
    pub fn read(&mut self, samples: usize) -> Result<Vec<Vec<f64>>, AudioError> {
        self.reader.read(samples)
    }
}

/// The file itself, or a copy of the stream.
fn rewindable(path: &Path) -> Result<File, AudioFault> {
    let mut input = if path == Path::new(super::input::STANDARD_INPUT) {
        Input::open(path)?
    } else {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_file() || metadata.is_dir() {
            return Ok(file);
        }
        Input::from_file(file)?
    };
    copy_to_temporary(&mut input).map_err(AudioFault::Spool)
}

fn start(file: &File, path: &Path) -> Result<Reader, AudioError> {
    let input = || {
        let mut file = file.try_clone()?;
        file.rewind()?;
        Input::from_file(file)
    };
    let input = input().map_err(|error| AudioError::new(path, error.into()))?;
    Reader::from_input(path, input)
}

fn count(reader: &mut Reader) -> Result<usize, AudioError> {
    let mut samples = 0;
    loop {
        let found = reader.read(BLOCK)?[0].len();
        if found == 0 {
            return Ok(samples);
        }
        samples += found;
    }
}
