//! Reading once, from the first sample to the last.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::aiff::open_aiff;
use super::compressed::{CompressedDecoder, Container};
use super::content::{Format, recognise};
use super::error::{AudioError, AudioFault, FileName};
use super::input::Input;
use super::pcm::{PcmDecoder, SampleCode, Shortfall};
use super::riff::open_wav;
use super::signal::{Audio, MultichannelAudio};
use super::wave64::open_wave64;
use crate::wav::Encoding;

/// Samples of each channel read at a time where a file is read whole.
const BLOCK: usize = 1 << 16;

/// Reads an audio file and mixes it down to one channel, the mean of all.
///
/// # Errors
/// [`AudioError`] names the file and what is wrong with it; see [`AudioFault`] for the causes.
pub fn read_mono(path: impl AsRef<Path>) -> Result<Audio, AudioError> {
    read_channels(path).map(MultichannelAudio::mixed_down)
}

/// Reads an audio file with all its channels.
///
/// # Errors
/// [`AudioError`] names the file and what is wrong with it; see [`AudioFault`] for the causes.
pub fn read_channels(path: impl AsRef<Path>) -> Result<MultichannelAudio, AudioError> {
    let reader = Reader::open(path)?;
    let mut warned = reader.warned;
    let Reader { path, decoder, .. } = reader;
    let (audio, shortfall) = decoder
        .read_whole()
        .map_err(|fault| AudioError::new(&path, fault))?;
    warn_of(shortfall, &path, &mut warned);
    Ok(audio)
}

/// Warns once of a file that ends before its header says: other programs read it as well, some of
/// them in silence, and half a recording is no fault of a header but a loss.
fn warn_of(shortfall: Option<Shortfall>, path: &Path, warned: &mut bool) {
    let Some(Shortfall { promised, present }) = shortfall.filter(|_| !*warned) else {
        return;
    };
    *warned = true;
    log::warn!(
        "{}: cut short: the header promises {promised} samples, and {present} are there and read",
        FileName(path)
    );
}

/// Decodes an audio file that is in memory, with all its channels.
///
/// # Errors
/// What is wrong with it.
pub fn decode(file: impl Into<Vec<u8>>) -> Result<MultichannelAudio, AudioFault> {
    let (audio, _) = Decoder::new(Input::from_bytes(file.into()))?.read_whole()?;
    Ok(audio)
}

/// Reads an audio file of any length, once, in blocks.
///
/// ```no_run
/// let mut reader = dsp::audio::Reader::open("long.flac")?;
/// loop {
///     let channels = reader.read(65_536)?;
///     if channels[0].is_empty() {
///         break;
///     }
/// }
/// # Ok::<(), dsp::AudioError>(())
/// ```
pub struct Reader {
    path: PathBuf,
    decoder: Decoder,
    warned: bool,
}

impl Reader {
    /// Opens a file, a pipe or, under the name `-`, standard input, and reads the header.
    ///
    /// # Errors
    /// Those of [`read_channels`], but for faults of the samples themselves.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AudioError> {
        let path = path.as_ref();
        let input = Input::open(path).map_err(|error| AudioError::new(path, error.into()))?;
        Self::from_input(path, input)
    }

    /// Reads a stream that holds an audio file; `name` stands for it in messages.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn from_stream(
        name: impl AsRef<Path>,
        stream: impl Read + Send + Sync + 'static,
    ) -> Result<Self, AudioError> {
        Self::from_input(name.as_ref(), Input::from_stream(stream))
    }

    pub(super) fn from_input(path: &Path, input: Input) -> Result<Self, AudioError> {
        let decoder = Decoder::new(input).map_err(|fault| AudioError::new(path, fault))?;
        let mut warned = false;
        warn_of(decoder.shortfall(), path, &mut warned);
        Ok(Self {
            path: path.to_owned(),
            decoder,
            warned,
        })
    }

    /// The file's name, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Samples per second.
    pub fn sample_rate_hz(&self) -> u32 {
        match &self.decoder.kind {
            Kind::Pcm(decoder) => decoder.layout().sample_rate_hz,
            Kind::Compressed(decoder) => decoder.stream().sample_rate_hz,
        }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.decoder.channels()
    }

    /// Samples of each channel in the whole file, where that is known beforehand: of uncompressed
    /// samples in a regular file, and of FLAC. As many are read, or there is an error.
    pub fn samples(&self) -> Option<usize> {
        self.decoder.samples()
    }

    /// The encoding of [`wav`](crate::wav) that holds every sample of this file: 16 bits for
    /// shorter integers and G.711; floats, which round to 24 bits, for 32-bit integers, 64-bit
    /// floats and lossy codecs.
    pub fn encoding(&self) -> Encoding {
        let bits = match &self.decoder.kind {
            Kind::Pcm(decoder) => match decoder.layout().code {
                SampleCode::Unsigned8 | SampleCode::ALaw | SampleCode::MuLaw => Some(16),
                SampleCode::Integer { bytes, unused_bits } => Some(8 * bytes as u32 - unused_bits),
                SampleCode::Float32 | SampleCode::Float64 => None,
            },
            Kind::Compressed(decoder) => decoder.stream().bits,
        };
        match bits {
            Some(0..=16) => Encoding::Pcm16,
            Some(17..=24) => Encoding::Pcm24,
            _ => Encoding::Float32,
        }
    }

    /// The next `samples` samples of every channel; fewer at the end of the file, none behind it.
    ///
    /// # Errors
    /// [`AudioError`] for a sample that is not finite or cannot be read, and for a stream that has
    /// no sample at all.
    pub fn read(&mut self, samples: usize) -> Result<Vec<Vec<f64>>, AudioError> {
        let read = self.decoder.read(samples);
        warn_of(self.decoder.shortfall(), &self.path, &mut self.warned);
        read.map_err(|fault| AudioError::new(&self.path, fault))
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

/// A file of any format.
struct Decoder {
    kind: Kind,
    /// Whether there has been a sample.
    begun: bool,
}

enum Kind {
    Pcm(PcmDecoder),
    Compressed(Box<CompressedDecoder>),
}

impl Decoder {
    fn new(mut input: Input) -> Result<Self, AudioFault> {
        let compressed = |input, container| {
            CompressedDecoder::new(input, container)
                .map(|decoder| Kind::Compressed(Box::new(decoder)))
        };
        let kind = match recognise(&mut input)? {
            Format::Wav => Kind::Pcm(open_wav(input)?),
            Format::Wave64 => Kind::Pcm(open_wave64(input)?),
            Format::Aiff => Kind::Pcm(open_aiff(input)?),
            Format::Flac => compressed(input, Container::Flac)?,
            Format::Ogg => compressed(input, Container::Ogg)?,
            Format::Mp3 => compressed(input, Container::Mp3)?,
        };
        Ok(Self { kind, begun: false })
    }

    fn channels(&self) -> usize {
        match &self.kind {
            Kind::Pcm(decoder) => decoder.layout().channels,
            Kind::Compressed(decoder) => decoder.stream().channels,
        }
    }

    fn samples(&self) -> Option<usize> {
        let samples = match &self.kind {
            Kind::Pcm(decoder) => decoder.samples(),
            Kind::Compressed(decoder) => decoder.samples(),
        };
        samples.and_then(|samples| usize::try_from(samples).ok())
    }

    fn read(&mut self, samples: usize) -> Result<Vec<Vec<f64>>, AudioFault> {
        let channels = match &mut self.kind {
            Kind::Pcm(decoder) => decoder.read(samples),
            Kind::Compressed(decoder) => decoder.read(samples),
        }?;
        self.begun |= !channels[0].is_empty();
        match self.begun || samples == 0 {
            true => Ok(channels),
            false => Err(AudioFault::Empty),
        }
    }

    fn shortfall(&self) -> Option<Shortfall> {
        match &self.kind {
            Kind::Pcm(decoder) => decoder.shortfall(),
            // Where that is known, it is an error.
            Kind::Compressed(_) => None,
        }
    }

    /// All samples, and what is missing of those that were promised.
    fn read_whole(mut self) -> Result<(MultichannelAudio, Option<Shortfall>), AudioFault> {
        let mut channels = self.read(BLOCK)?;
        loop {
            let block = self.read(BLOCK)?;
            if block[0].is_empty() {
                break;
            }
            for (channel, block) in channels.iter_mut().zip(block) {
                channel.extend(block);
            }
        }
        let sample_rate_hz = match &self.kind {
            Kind::Pcm(decoder) => decoder.layout().sample_rate_hz,
            Kind::Compressed(decoder) => decoder.stream().sample_rate_hz,
        };
        let audio = MultichannelAudio {
            channels,
            sample_rate_hz,
        };
        Ok((audio, self.shortfall()))
    }
}
