//! `separate`: its options and its run.

use std::ffi::OsString;
use std::fs;
use std::io::{Write, stdout};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use dsp::wav::Encoding;
use model::{Precision, Tempering};

use super::ending::{Ending, Failure};
use super::threads::start_threads;
use crate::atomic_file;
use crate::clock::Stopwatch;
use crate::level::NOISE_DB;
use crate::progress::Progress;
use crate::tools::separate::{
    Background, ChannelMode, SeparationReport, SeparationSettings, SourceSet, separate_recording,
};

/// Most components of an estimated background, as configurations have it.
const MOST_COMPONENTS: usize = 1000;

/// The paper's beta of 1e4 per bin of its observations.
const KAPPA: f64 = 0.0325;

/// What to separate, into what, and how.
#[derive(Debug, Args)]
pub struct SeparateArguments {
    /// The recording
    #[arg(value_name = "WAV")]
    mixture: PathBuf,

    /// Dictionaries of the speech, as `train` writes them
    #[arg(long, value_name = "NPZ")]
    speech: Option<PathBuf>,

    /// Dictionaries of a further source, or of the only ones (repeatable)
    #[arg(long, value_name = "NAME=NPZ", value_parser = parse_named_source)]
    source: Vec<(String, PathBuf)>,

    /// Dictionaries of the background; without it, the background is estimated
    #[arg(long, value_name = "NPZ", conflicts_with_all = ["background_from", "no_background"])]
    background: Option<PathBuf>,

    /// Components of a background that is estimated or learned
    #[arg(long, value_name = "K", default_value = "16")]
    background_components: NonZeroUsize,

    /// Learn the background from a stretch of the recording with nothing else in it, in seconds
    #[arg(long, value_name = "START-END", conflicts_with = "no_background")]
    background_from: Option<Stretch>,

    /// Estimate the background further, from the given or learned dictionaries as a start
    #[arg(long)]
    adapt_background: bool,

    /// There is no background beside the given sources
    #[arg(long)]
    no_background: bool,

    /// Folder of the stems; without it, the name of the recording with -stems
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// What becomes of several channels
    #[arg(long, value_enum, default_value_t = ChannelMode::Each)]
    channels: ChannelMode,

    /// Resample a recording of another rate than the dictionaries', and its stems back
    #[arg(long)]
    resample: bool,

    /// Encoding of the stems; without it, that of the recording
    #[arg(long, value_enum)]
    encoding: Option<EncodingKind>,

    /// Longest segment that is separated at once
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0)]
    segment: f64,

    /// Overlap of two segments, over which their stems are faded into one another
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    overlap: f64,

    /// Iterations
    #[arg(long, value_name = "N", default_value = "50")]
    iterations: NonZeroUsize,

    /// Number format of the matrix products; f32 takes about 0.55 of the time
    #[arg(long, value_enum, default_value_t = PrecisionKind::F64)]
    precision: PrecisionKind,

    /// Weight of the entropy of q(K) per bin; without it, that of the paper, 0.0325
    #[arg(long, value_name = "KAPPA", allow_negative_numbers = true)]
    kappa: Option<f64>,

    /// Weight of the entropy of q(K), whatever the length of a segment
    #[arg(
        long,
        value_name = "BETA",
        conflicts_with = "kappa",
        allow_negative_numbers = true
    )]
    beta: Option<f64>,

    /// Start value of the activations; 1, the prior's mean, suits recordings
    #[arg(long, value_name = "START", default_value_t = 1.0)]
    activation_start: f64,

    /// Level of the sensor noise against the recording
    #[arg(long, value_name = "DB", default_value_t = NOISE_DB, allow_negative_numbers = true)]
    noise_db: f64,

    /// Seed of all random numbers
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Threads; without it, one per processor. Results do not depend on it
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Report no progress, warnings only
    #[arg(long, short)]
    quiet: bool,
}

/// A stretch of time, `START-END` in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stretch {
    /// Its start.
    start: f64,
    /// Its end.
    end: f64,
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
enum EncodingKind {
    /// 16-bit integers
    Pcm16,
    /// 24-bit integers
    Pcm24,
    /// 32-bit floats
    Float32,
}

/// [`Precision`] by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PrecisionKind {
    /// Single precision; what leaves its range is done again in double
    F32,
    /// Double precision
    F64,
}

fn parse_named_source(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text
        .split_once('=')
        .ok_or("expected NAME=NPZ, for example piano=piano.npz")?;
    Ok((name.to_owned(), path.into()))
}

impl SeparateArguments {
    /// Separates a recording into stems.
    ///
    /// # Errors
    /// Options that do not go together, files that cannot be read or written.
    pub fn run(&self) -> Result<Ending, Failure> {
        let settings = self.settings();
        self.check(&settings).map_err(Failure::Usage)?;
        let sources = SourceSet::open(&self.name_sources()).map_err(Failure::Run)?;
        let folder = self
            .out
            .clone()
            .unwrap_or_else(|| default_folder(&self.mixture));
        let progress = Progress::new(self.quiet);
        let stopwatch = Stopwatch::start();
        let separate = || -> Result<SeparationReport> {
            let adapt = self.adapt_background;
            let mixture = &self.mixture;
            let sources =
                sources.with_background(&self.background(), adapt, mixture, settings.seed)?;
            fs::create_dir_all(&folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
            let report = separate_recording(mixture, &sources, &settings, &folder, progress)?;
            atomic_file::write(&folder.join("separation.json"), &report.to_json()?)?;
            Ok(report)
        };
        let report = start_threads(self.jobs)
            .and_then(|pool| pool.install(separate))
            .map_err(Failure::Run)?;
        let seconds = stopwatch.elapsed().as_secs_f64();
        let mixture = &report.mixture;
        let length = mixture.samples as f64 / f64::from(mixture.sample_rate_hz);
        if report.clipped_samples > 0 {
            progress.warn(format_args!(
                "{} samples are beyond full scale and were clipped: --encoding float32 keeps them",
                report.clipped_samples
            ));
        }
        writeln!(
            stdout(),
            "{length:.1} s separated in {seconds:.1} s, {:.1} times as fast as real time\n\
             Stems: {}",
            length / seconds,
            folder.display()
        )
        .context("cannot write to standard output")
        .map_err(Failure::Run)?;
        Ok(Ending::Done)
    }

    /// The named sources with their files, speech first.
    fn name_sources(&self) -> Vec<(String, PathBuf)> {
        let speech = self
            .speech
            .iter()
            .map(|path| ("speech".to_owned(), path.clone()));
        speech.chain(self.source.iter().cloned()).collect()
    }

    fn background(&self) -> Background {
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

    fn settings(&self) -> SeparationSettings {
        SeparationSettings {
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

    fn check(&self, settings: &SeparationSettings) -> Result<()> {
        let components = self.background_components.get();
        ensure!(
            components <= MOST_COMPONENTS,
            "--background-components {components}: is out of range, allowed are 1 to \
             {MOST_COMPONENTS}"
        );
        ensure!(
            (-200.0..=0.0).contains(&settings.noise_db),
            "--noise-db {}: is out of range, allowed are -200 to 0",
            settings.noise_db
        );
        ensure!(
            (1e-30..=1e29).contains(&settings.activation_start),
            "--activation-start {}: is out of range, allowed are 1e-30 to 1e29",
            settings.activation_start
        );
        for (option, value) in [("kappa", self.kappa), ("beta", self.beta)] {
            let value = value.unwrap_or_default();
            ensure!(
                (0.0..=1e30).contains(&value),
                "--{option} {value}: is out of range, allowed are 0 to 1e30"
            );
        }
        let given = self.background.is_some() || self.background_from.is_some();
        ensure!(
            given || !self.adapt_background,
            "--adapt-background needs --background or --background-from"
        );
        Ok(())
    }
}

fn default_folder(mixture: &Path) -> PathBuf {
    let mut name = OsString::from(mixture.file_stem().unwrap_or_default());
    name.push("-stems");
    name.into()
}
