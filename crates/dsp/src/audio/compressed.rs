//! FLAC, Vorbis and MP3, decoded by symphonia.
//!
//! Memory is bounded, but by symphonia and not by the length of the file: a Vorbis header that was
//! made to do so can ask for 16 MiB in each of its codebooks, a FLAC header for 16 MiB.

use std::io;
use std::panic::{self, AssertUnwindSafe};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_FLAC, CODEC_ID_MP3, CODEC_ID_VORBIS};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions, ReadOnlySource};
use symphonia::default::codecs::{FlacDecoder, MpaDecoder, VorbisDecoder};
use symphonia::default::formats::{FlacReader, MpaReader, OggReader};

use super::error::AudioFault;
use super::input::Input;

/// Symphonia 0.6 decodes more channels of Vorbis with errors: only 18 to 32 dB below the signal in
/// files of three whose every sample libsndfile and ffmpeg agree on.
const MOST_VORBIS_CHANNELS: usize = 2;

/// A container of compressed samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Flac,
    Ogg,
    Mp3,
}

/// Decodes samples from the first to the last, block by block.
pub(super) struct CompressedDecoder {
    packets: Box<dyn FormatReader>,
    codec: Box<dyn AudioDecoder>,
    stream: Stream,
    /// Samples of each channel by the header of a FLAC file.
    promised: Option<u64>,
    /// Decoded and not yet read; all channels from sample `start` on.
    decoded: Vec<Vec<f64>>,
    start: usize,
    /// Samples of each channel that have been decoded.
    position: u64,
}

/// What all parts of a stream have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    track: u32,
    pub(super) sample_rate_hz: u32,
    pub(super) channels: usize,
    /// Bits of its integers; none for a lossy codec, which has no such thing.
    pub(super) bits: Option<u32>,
}

impl CompressedDecoder {
    /// Reads the header; `input` stands at its first byte.
    pub(super) fn new(input: Input, container: Container) -> Result<Self, AudioFault> {
        // Even a file is read like a stream here: where it can seek, symphonia guesses the length
        // of MP3 streams that do not tell it, and ends them there.
        let source = Box::new(ReadOnlySource::new(input));
        let source = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
        let packets = guarded(|| open_container(source, container));
        let packets = packets.map_err(header_fault)?;
        let Track {
            stream,
            codec,
            samples,
        } = open_track(packets.as_ref())?;
        Ok(Self {
            promised: samples.filter(|_| container == Container::Flac),
            decoded: vec![Vec::new(); stream.channels],
            packets,
            codec,
            stream,
            start: 0,
            position: 0,
        })
    }

    pub(super) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Samples of each channel, where the header says so reliably.
    pub(super) fn samples(&self) -> Option<u64> {
        self.promised
    }

    /// The next `samples` samples of each channel, or what is left.
    pub(super) fn read(&mut self, samples: usize) -> Result<Vec<Vec<f64>>, AudioFault> {
        let mut channels = vec![Vec::new(); self.stream.channels];
        while channels[0].len() < samples {
            if self.start == self.decoded[0].len() && !self.decode_packet()? {
                break;
            }
            let wanted = samples - channels[0].len();
            let end = self.decoded[0].len().min(self.start + wanted);
            for (channel, decoded) in channels.iter_mut().zip(&self.decoded) {
                channel.extend(&decoded[self.start..end]);
            }
            self.start = end;
        }
        Ok(channels)
    }

    /// Decodes the next packet that has samples; whether there was one.
    fn decode_packet(&mut self) -> Result<bool, AudioFault> {
        loop {
            if self.promised == Some(self.position) {
                return Ok(false);
            }
            let packet = match guarded(|| self.packets.next_packet()) {
                Ok(Some(packet)) => packet,
                Ok(None) => return self.check_end(),
                Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return self.check_end();
                }
                // In Ogg another stream may follow the first.
                Err(Error::ResetRequired) => {
                    self.go_on_with_next_stream()?;
                    continue;
                }
                Err(error) => return Err(self.damage(error)),
            };
            if packet.track_id != self.stream.track {
                continue;
            }
            let decoded = match guarded(|| self.codec.decode(&packet)) {
                Ok(decoded) => decoded,
                Err(error) => return Err(self.damage(error)),
            };
            let spec = decoded.spec();
            if decoded.frames() == 0 {
                continue;
            }
            if spec.rate() != self.stream.sample_rate_hz
                || spec.channels().count() != self.stream.channels
            {
                return Err(changed());
            }
            decoded.copy_to_vecs_planar(&mut self.decoded);
            if let Some(promised) = self.promised {
                let left = usize::try_from(promised - self.position).unwrap_or(usize::MAX);
                for channel in &mut self.decoded {
                    channel.truncate(left);
                }
            }
            self.start = 0;
            self.position += self.decoded[0].len() as u64;
            self.check_finite()?;
            return Ok(true);
        }
    }

    fn go_on_with_next_stream(&mut self) -> Result<(), AudioFault> {
        let Track { stream, codec, .. } = open_track(self.packets.as_ref())?;
        let track = stream.track;
        if stream
            != (Stream {
                track,
                ..self.stream
            })
        {
            return Err(changed());
        }
        self.stream = stream;
        self.codec = codec;
        Ok(())
    }

    /// Whether the end is where the header says: there is no more.
    fn check_end(&self) -> Result<bool, AudioFault> {
        match self.promised {
            Some(promised) if promised > self.position => Err(AudioFault::Truncated {
                promised,
                present: self.position,
            }),
            _ => Ok(false),
        }
    }

    /// Damage can make a lossy codec's samples overflow.
    fn check_finite(&self) -> Result<(), AudioFault> {
        for (channel, samples) in self.decoded.iter().enumerate() {
            if let Some(index) = samples.iter().position(|sample| !sample.is_finite()) {
                let before = self.position as usize - samples.len();
                let index = before + index;
                return Err(AudioFault::NotFinite { channel, index });
            }
        }
        Ok(())
    }

    fn damage(&self, error: Error) -> AudioFault {
        match error {
            Error::IoError(error) => AudioFault::Io(error),
            error => AudioFault::Damaged {
                samples: self.position,
                reason: error.to_string(),
            },
        }
    }
}

/// A stream, its decoder and its length by the header.
struct Track {
    stream: Stream,
    codec: Box<dyn AudioDecoder>,
    samples: Option<u64>,
}

/// The first track of samples that can be decoded.
fn open_track(packets: &dyn FormatReader) -> Result<Track, AudioFault> {
    let missing = AudioFault::Malformed("there is no stream of samples");
    let track = packets
        .first_track_known_codec(TrackType::Audio)
        .ok_or(missing)?;
    let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
        return Err(AudioFault::Malformed("the stream has no header"));
    };
    let codec = guarded(|| open_codec(parameters)).map_err(header_fault)?;
    let unsaid = AudioFault::Malformed("the header says nothing of sample rate or channels");
    let (Some(sample_rate_hz), Some(channels)) =
        (parameters.sample_rate, parameters.channels.as_ref())
    else {
        return Err(unsaid);
    };
    let stream = Stream {
        track: track.id,
        sample_rate_hz,
        channels: channels.count(),
        bits: parameters
            .bits_per_sample
            .filter(|_| parameters.codec == CODEC_ID_FLAC),
    };
    if stream.channels == 0 || stream.sample_rate_hz == 0 {
        return Err(unsaid);
    }
    if parameters.codec == CODEC_ID_VORBIS && stream.channels > MOST_VORBIS_CHANNELS {
        return Err(AudioFault::Unsupported {
            format: "Ogg Vorbis of more than two channels".to_owned(),
            command: "ffmpeg -i in.ogg out.wav",
        });
    }
    Ok(Track {
        stream,
        codec,
        samples: track.num_frames,
    })
}

/// What symphonia gives, an error where it panics: damaged headers can violate what it asserts.
fn guarded<T>(call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // Whatever a panic left half done, the next call is guarded as well.
    panic::catch_unwind(AssertUnwindSafe(call)).unwrap_or(Err(Error::DecodeError(
        "the decoder cannot make sense of it",
    )))
}

fn open_container(
    source: MediaSourceStream<'static>,
    container: Container,
) -> Result<Box<dyn FormatReader>, Error> {
    let options = FormatOptions::default();
    Ok(match container {
        Container::Flac => Box::new(FlacReader::try_new(source, options)?),
        Container::Ogg => Box::new(OggReader::try_new(source, options)?),
        Container::Mp3 => Box::new(MpaReader::try_new(source, options)?),
    })
}

fn open_codec(parameters: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>, Error> {
    let options = AudioDecoderOptions::default();
    Ok(match parameters.codec {
        CODEC_ID_FLAC => Box::new(FlacDecoder::try_new(parameters, &options)?),
        CODEC_ID_VORBIS => Box::new(VorbisDecoder::try_new(parameters, &options)?),
        CODEC_ID_MP3 => Box::new(MpaDecoder::try_new(parameters, &options)?),
        _ => return Err(Error::Unsupported("the codec is not known")),
    })
}

fn header_fault(error: Error) -> AudioFault {
    match error {
        Error::IoError(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            AudioFault::Io(error)
        }
        Error::IoError(_) => AudioFault::Malformed("the file ends in its header"),
        Error::DecodeError(reason) | Error::Unsupported(reason) | Error::LimitError(reason) => {
            AudioFault::Malformed(reason)
        }
        _ => AudioFault::Malformed("the header cannot be read"),
    }
}

fn changed() -> AudioFault {
    AudioFault::Unsupported {
        format: "a stream whose sample rate or channels change on the way".to_owned(),
        command: "ffmpeg -i in.ogg out.wav",
    }
}
