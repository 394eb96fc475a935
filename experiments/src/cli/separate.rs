//! Options of `separate`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use dsp::wav::Encoding;
use model::{Precision, Tempering};

use crate::separate::SeparateSettings;
use crate::separate::segment::ChannelMode;
use crate::separate::sources::Background;
use model::level::NOISE_DB;

/// The paper's beta of 1e4 per bin of its observations.
const KAPPA: f64 = 0.0325;

/// What to separate, into what, and how.
#[derive(Debug, Args)]
pub struct SeparateArguments {
    /// The recording
    #[arg(value_name = "WAV")]
    pub mixture: PathBuf,

    /// Dictionaries of the speech, as `train` writes them
    #[arg(long, value_name = "NPZ")]
    pub speech: Option<PathBuf>,

    /// Dictionaries of a further source, or of the only ones (repeatable)
    #[arg(long, value_name = "NAME=NPZ", value_parser = named_source)]
    pub source: Vec<(String, PathBuf)>,

    /// Dictionaries of the background; without it, the background is estimated
    #[arg(long, value_name = "NPZ", conflicts_with_all = ["background_from", "no_background"])]
    pub background: Option<PathBuf>,

    /// Components of a background that is estimated or learned
    #[arg(long, value_name = "K", default_value = "16")]
    pub background_components: NonZeroUsize,

    /// Learn the background from a stretch of the recording with nothing else in it, in seconds
    #[arg(long, value_name = "START-END", conflicts_with = "no_background")]
    pub background_from: Option<Stretch>,

    /// Estimate the background further, from the given or learned dictionaries as a start
    #[arg(long)]
    pub adapt_background: bool,

    /// There is no background beside the given sources
    #[arg(long)]
    pub no_background: bool,

    /// Folder of the stems; without it, the name of the recording with -stems
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// What becomes of several channels
    #[arg(long, value_enum, default_value_t = ChannelMode::Each)]
    pub channels: ChannelMode,

    /// Resample a recording of another rate than the dictionaries', and its stems back
    #[arg(long)]
    pub resample: bool,

    /// Encoding of the stems; without it, that of the recording
    #[arg(long, value_enum)]
    pub encoding: Option<EncodingKind>,

    /// Longest segment that is separated at once
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0)]
    pub segment: f64,

    /// Overlap of two segments, over which their stems are faded into one another
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub overlap: f64,

    /// Iterations
    #[arg(long, value_name = "N", default_value = "50")]
    pub iterations: NonZeroUsize,

    /// Numbers of the matrix products; f32 takes about 0.55 of the time
    #[arg(long, value_enum, default_value_t = PrecisionKind::F64)]
    pub precision: PrecisionKind,

    /// Weight of the entropy of q(K) per bin; by default the paper's, 0.0325
    #[arg(long, value_name = "KAPPA", allow_negative_numbers = true)]
    pub kappa: Option<f64>,

    /// Weight of the entropy of q(K), whatever the length of a segment
    #[arg(
        long,
        value_name = "BETA",
        conflicts_with = "kappa",
        allow_negative_numbers = true
    )]
    pub beta: Option<f64>,

    /// Start value of the activations; 1, the prior's mean, suits recordings
    #[arg(long, value_name = "START", default_value_t = 1.0)]
    pub activation_start: f64,

    /// Level of the sensor noise against the recording
    #[arg(long, value_name = "DB", default_value_t = NOISE_DB, allow_negative_numbers = true)]
    pub noise_db: f64,

    /// Seed of all random numbers
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Threads; without it, one per processor. Results do not depend on it
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,

    /// Report no progress, warnings only
    #[arg(long, short)]
    pub quiet: bool,
}

/// A stretch of time, `START-END` in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Its start.
    pub start: f64,
    /// Its end.
    pub end: f64,
}

impl FromStr for Stretch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let seconds = |text: &str| text.trim().parse::<f64>().ok();
        text.split_once('-')
            .and_then(|(start, end)| {
                Some(Self {
                    start: seconds(start)?,
                    end: seconds(end)?,
                })
            })
            .filter(|stretch| stretch.start < stretch.end)
            .ok_or_else(|| "expected START-END in seconds, for example 0.0-3.0".to_owned())
    }
}

/// [`Encoding`] by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EncodingKind {
    /// 16-bit integers
    Pcm16,
    /// 24-bit integers
    Pcm24,
    /// 32-bit floats
    Float32,
}

/// [`Precision`] by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrecisionKind {
    /// Single precision; what leaves its range is done again in double
    F32,
    /// Double precision
    F64,
}

fn named_source(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text
        .split_once('=')
        .ok_or("expected NAME=NPZ, for example piano=piano.npz")?;
    Ok((name.to_owned(), path.into()))
}

impl SeparateArguments {
    /// The named sources, speech first.
    #[must_use]
    pub fn named(&self) -> Vec<(String, PathBuf)> {
        let speech = self
            .speech
            .iter()
            .map(|path| ("speech".to_owned(), path.clone()));
        speech.chain(self.source.iter().cloned()).collect()
    }

    /// Where the background comes from.
    #[must_use]
    pub fn background(&self) -> Background {
        let components = self.background_components.get();
        match (self.no_background, &self.background, self.background_from) {
            (true, ..) => Background::None,
            (_, Some(path), _) => Background::File(path.clone()),
            (_, None, Some(stretch)) => Background::Stretch {
                seconds: (stretch.start, stretch.end),
                components,
            },
            (_, None, None) => Background::Estimated { components },
        }
    }

    /// The settings these options ask for.
    #[must_use]
    pub fn settings(&self) -> SeparateSettings {
        SeparateSettings {
            channels: self.channels,
            resample: self.resample,
            encoding: self.encoding.map(|encoding| match encoding {
                EncodingKind::Pcm16 => Encoding::Pcm16,
                EncodingKind::Pcm24 => Encoding::Pcm24,
                EncodingKind::Float32 => Encoding::Float32,
            }),
            segment_seconds: self.segment,
            overlap_seconds: self.overlap,
            iterations: self.iterations.get(),
            precision: match self.precision {
                PrecisionKind::F32 => Precision::F32,
                PrecisionKind::F64 => Precision::F64,
            },
            tempering: match (self.kappa, self.beta) {
                (Some(kappa), _) => Tempering::Kappa(kappa),
                (None, Some(beta)) => Tempering::Beta(beta),
                (None, None) => Tempering::Kappa(KAPPA),
            },
            activation_start: self.activation_start,
            noise_db: self.noise_db,
            seed: self.seed,
        }
    }
}
