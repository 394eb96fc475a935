//! `separate`: its options and its run.

use std::fmt::Debug;
use std::io::{Write, stdout};
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use dsp::wav::Encoding;
use dsp::{StftSettings, Window};
use model::{Acceleration, ActivationStart, Tempering, level};

use super::ending::{Ending, Failure};
use super::numbers::{parse_count, parse_number, parse_whole};
use super::precision::PrecisionKind;
use super::threads::start_threads;
use super::train::WindowKind;
use crate::clock::Stopwatch;
use crate::config::ranges::{COUNT, NOISE_DB, ORDER, START, TEMPERING, TOLERANCE};
use crate::interrupt;
use crate::progress::Progress;
use crate::store::output::Outputs;
use crate::store::refused::{Refused, join_errors};
use crate::tools::dictionary_file::Assumed;
use crate::tools::recordings::{NamedRecording, Recordings};
use crate::tools::separate::{
    Background, Batch, BatchOutcome, ChannelMode, InferenceReport, Separation, SeparationMethod,
    SeparationReport, SeparationSettings, SourceReport, SourceSet, check_recording,
};

/// What to separate, into what, and how.
#[derive(Debug, Args)]
pub(crate) struct SeparateArguments {
    /// Recordings: files, folders of them, patterns, @FILE with one of these a line, - for standard
    /// input
    #[arg(value_name = "WAV|DIR|GLOB|@LIST", required = true)]
    recordings: Vec<PathBuf>,

    /// Dictionaries of the speech: a file that `train` has written, or a voice of data/voices
    #[arg(long, value_name = "NPZ")]
    speech: Option<PathBuf>,

    /// Dictionaries of a further source, or of the only ones (repeatable)
    #[arg(long, value_name = "NAME=NPZ", value_parser = parse_named_source)]
    source: Vec<(String, PathBuf)>,

    /// Dictionaries of the background, from `train` or a noise of data/voices; without it, the
    /// background is estimated
    #[arg(long, value_name = "NPZ", conflicts_with_all = ["background_from", "no_background"])]
    background: Option<PathBuf>,

    /// Components of a background that is estimated or learned
    #[arg(
        long,
        value_name = "K",
        value_parser = parse_whole::<usize>,
        default_value_t = level::BACKGROUND_COMPONENTS,
        conflicts_with_all = ["background", "no_background"]
    )]
    background_components: usize,

    /// Learn the background from a stretch of the recording with nothing else in it, in seconds
    #[arg(long, value_name = "START-END", conflicts_with = "no_background")]
    background_from: Option<Stretch>,

    /// Estimate the background further, from the given or learned dictionaries as a start
    #[arg(long)]
    adapt_background: bool,

    /// There is no background beside the given sources
    #[arg(long)]
    no_background: bool,

    /// Sample rate of dictionaries whose file does not say it
    #[arg(long, value_name = "HZ", value_parser = parse_whole::<u32>)]
    dictionary_rate: Option<u32>,

    /// Samples of a window of dictionaries whose file does not say it
    #[arg(long, value_name = "SAMPLES", value_parser = parse_whole::<usize>)]
    dictionary_window: Option<usize>,

    /// Samples between two windows of such dictionaries; without it, half a window
    #[arg(
        long,
        value_name = "SAMPLES",
        value_parser = parse_whole::<usize>,
        requires = "dictionary_window"
    )]
    dictionary_hop: Option<usize>,

    /// Shape of a window of such dictionaries; without it, sine
    #[arg(long, value_enum, requires = "dictionary_window")]
    dictionary_window_kind: Option<WindowKind>,

    /// Folder of the stems of one file, and of a folder for each recording where there may be
    /// several; without it, beside each recording, its name with -stems
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Replace the stems of another recording in the folder
    #[arg(long)]
    replace: bool,

    /// Leave out recordings that cannot be used, with a warning, instead of stopping before the
    /// work
    #[arg(long)]
    skip_unusable: bool,

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
    #[arg(long, value_name = "SECONDS", value_parser = parse_number, default_value_t = 20.0)]
    segment: f64,

    /// Overlap of two segments, over which their stems are faded into one another
    #[arg(long, value_name = "SECONDS", value_parser = parse_number, default_value_t = 1.0)]
    overlap: f64,

    /// How several orders of a source become one estimate
    #[arg(long, value_enum, default_value_t = SeparationMethod::Structured)]
    method: SeparationMethod,

    /// Iterations, at most
    #[arg(
        long,
        value_name = "N",
        value_parser = parse_whole::<usize>,
        default_value_t = level::ITERATIONS
    )]
    iterations: usize,

    /// Stop once ten iterations raise the free energy by less than this, in nats per bin and frame;
    /// 0 for never
    #[arg(
        long,
        value_name = "NATS",
        value_parser = parse_number,
        default_value_t = level::TOLERANCE,
        allow_negative_numbers = true
    )]
    tolerance: f64,

    /// How inference goes from one iteration to the next
    #[arg(long, value_enum, default_value_t)]
    acceleration: AccelerationKind,

    /// Number format of the matrix products; f64 takes about 1.8 times as long
    #[arg(long, value_enum, default_value_t = PrecisionKind::F32)]
    precision: PrecisionKind,

    /// Weight of the entropy of q(K) per bin and frame; the paper's is 0.0325. Without it, the
    /// default of recordings
    #[arg(long, value_name = "KAPPA", value_parser = parse_number, allow_negative_numbers = true)]
    kappa: Option<f64>,

    /// Weight of the entropy of q(K), whatever the length of a segment
    #[arg(
        long,
        value_name = "BETA",
        value_parser = parse_number,
        conflicts_with = "kappa",
        allow_negative_numbers = true
    )]
    beta: Option<f64>,

    /// Where the activations start: a number, `balanced` for the level of the recording, or
    /// `balanced=FACTOR`
    #[arg(long, value_name = "START", default_value_t = level::ACTIVATION_START)]
    activation_start: ActivationStart,

    /// Level of the sensor noise against the recording
    #[arg(
        long,
        value_name = "DB",
        value_parser = parse_number,
        default_value_t = level::NOISE_DB,
        allow_negative_numbers = true
    )]
    noise_db: f64,

    /// Seed of all random numbers
    #[arg(long, value_name = "N", value_parser = parse_whole::<u64>, default_value_t = 1)]
    seed: u64,

    /// Threads; without it, one per processor. Results do not depend on it
    #[arg(long, value_name = "N", value_parser = parse_count)]
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

/// [`Acceleration`] by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AccelerationKind {
    /// Each begins where the last has ended, as in the paper
    None,
    /// Every third begins at an extrapolation of the last two: a third of `--iterations` goes about
    /// as far
    Squarem,
}

impl Default for AccelerationKind {
    fn default() -> Self {
        match Acceleration::default() {
            Acceleration::None => Self::None,
            Acceleration::Squarem => Self::Squarem,
        }
    }
}

impl AccelerationKind {
    fn acceleration(self) -> Acceleration {
        match self {
            Self::None => Acceleration::None,
            Self::Squarem => Acceleration::Squarem,
        }
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

/// Refuses a value of an option that is not in its range.
fn within<T: PartialOrd + Debug>(option: &str, value: T, range: &RangeInclusive<T>) -> Result<()> {
    ensure!(
        range.contains(&value),
        "--{option} {value:?}: is out of range, allowed are {:?} to {:?}",
        range.start(),
        range.end()
    );
    Ok(())
}

fn parse_named_source(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text
        .split_once('=')
        .ok_or("expected NAME=NPZ, for example piano=piano.npz")?;
    Ok((name.to_owned(), path.into()))
}

impl SeparateArguments {
    /// Separates recordings into stems.
    ///
    /// # Errors
    /// Options that do not go together, outputs that must not be written, recordings that cannot be
    /// read.
    pub(crate) fn run(&self) -> Result<Ending, Failure> {
        let settings = self.settings();
        self.check(&settings).map_err(Failure::Usage)?;
        self.separate(&settings).map_err(Failure::Run)
    }

    fn separate(&self, settings: &SeparationSettings) -> Result<Ending> {
        let progress = Progress::new(self.quiet);
        let sources = SourceSet::open(&self.name_sources(), &self.background(), &self.assumed()?)?;
        let separation = Separation {
            sources: &sources,
            settings,
        };
        let mut recordings = Recordings::find(&self.recordings, "recordings")?;
        let dictionaries = self.dictionary_paths().into_iter();
        let mut outputs = Outputs::new(recordings.paths().chain(dictionaries));
        recordings.spool_streams()?;
        recordings.check(self.skip_unusable, |recording| {
            check_recording(recording, &sources, settings)
        })?;
        let is_one = recordings.is_one_file;
        let option = match self.out {
            Some(_) => "--out",
            None => "without --out, beside the recording",
        };
        let batch = Batch::claim(
            recordings.list,
            &separation,
            |recording| self.choose_folder(recording, is_one),
            self.replace,
            option,
            &mut outputs,
        )?;
        let pool = start_threads(self.jobs)?;
        interrupt::install();
        let stopwatch = Stopwatch::start();
        let outcome = batch.run(&separation, &pool, progress);
        let mut outcome = outcome.context("the same command goes on with what is left")?;
        let seconds = stopwatch.elapsed().as_secs_f64();
        if outcome.reports.is_empty() && batch.complete.is_empty() {
            join_errors(std::mem::take(&mut outcome.errors))?;
        }
        warn_of_clipping(&outcome, progress);
        let place = match &self.out {
            Some(out) => out.display().to_string(),
            None => describe_places(&batch),
        };
        writeln!(
            stdout(),
            "{}Stems: {place}",
            summarise(&batch, &outcome, seconds)
        )
        .context("cannot write to standard output")?;
        Ok(match outcome.errors.is_empty() {
            true => Ending::Done,
            false => Ending::PartlyFailed,
        })
    }

    /// Where the stems of a recording go.
    fn choose_folder(&self, recording: &NamedRecording, is_one: bool) -> PathBuf {
        match &self.out {
            Some(out) if is_one => out.clone(),
            Some(out) => out.join(&recording.name),
            None => {
                let name = recording.name.file_name().unwrap_or_default();
                let mut name = name.to_owned();
                name.push("-stems");
                recording.place_beside(name)
            }
        }
    }

    fn dictionary_paths(&self) -> Vec<&Path> {
        let named = self.source.iter().map(|(_, path)| path);
        let paths = self.speech.iter().chain(named).chain(&self.background);
        paths.map(PathBuf::as_path).collect()
    }

    /// The named sources with their files, speech first.
    fn name_sources(&self) -> Vec<(String, PathBuf)> {
        let speech = self
            .speech
            .iter()
            .map(|path| ("speech".to_owned(), path.clone()));
        speech.chain(self.source.iter().cloned()).collect()
    }

    /// What the options say of dictionaries, for files that do not.
    fn assumed(&self) -> Result<Assumed> {
        let window = self.dictionary_window.map(|window_samples| StftSettings {
            window_samples,
            hop_samples: self.dictionary_hop.unwrap_or(window_samples.div_ceil(2)),
            window: self
                .dictionary_window_kind
                .map_or(Window::Sine, WindowKind::window),
        });
        if let Some(stft) = &window {
            let checked = stft.validate();
            checked.map_err(|error| Refused(format!("--dictionary-window: {error}")))?;
        }
        Ok(Assumed {
            sample_rate_hz: self.dictionary_rate,
            stft: window,
        })
    }

    fn background(&self) -> Background {
        let components = self.background_components;
        match (self.no_background, &self.background, self.background_from) {
            (true, ..) => Background::None,
            (_, Some(path), _) => Background::File {
                path: path.clone(),
                adapt: self.adapt_background,
            },
            (_, None, Some(stretch)) => Background::Stretch {
                seconds: (stretch.start, stretch.end),
                components,
                adapt: self.adapt_background,
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
            method: self.method,
            iterations: self.iterations,
            tolerance: self.tolerance,
            precision: self.precision.precision(),
            acceleration: self.acceleration.acceleration(),
            tempering: match (self.kappa, self.beta) {
                (Some(kappa), _) => Tempering::Kappa(kappa),
                (None, Some(beta)) => Tempering::Beta(beta),
                (None, None) => Tempering::Kappa(level::KAPPA),
            },
            activation_start: self.activation_start,
            noise_db: self.noise_db,
            seed: self.seed,
        }
    }

    fn check(&self, settings: &SeparationSettings) -> Result<()> {
        within("background-components", self.background_components, &ORDER)?;
        within("iterations", settings.iterations, &COUNT)?;
        within("tolerance", settings.tolerance, &TOLERANCE)?;
        within("noise-db", settings.noise_db, &NOISE_DB)?;
        let (ActivationStart::Constant(start) | ActivationStart::Balanced { factor: start }) =
            settings.activation_start;
        within("activation-start", start, &START)?;
        for (option, value) in [("kappa", self.kappa), ("beta", self.beta)] {
            within(option, value.unwrap_or_default(), &TEMPERING)?;
        }
        let given = self.background.is_some() || self.background_from.is_some();
        ensure!(
            given || !self.adapt_background,
            "--adapt-background needs --background or --background-from"
        );
        Ok(())
    }
}

/// What was done, in one or two lines.
fn summarise(batch: &Batch, outcome: &BatchOutcome, seconds: f64) -> String {
    let (done, complete) = (outcome.reports.len(), batch.complete.len());
    let all = batch.tasks.len() + complete;
    let mut text = match (all, complete) {
        (1, 0) => String::new(),
        (1, _) => "The stems are complete already\n".to_owned(),
        (_, 0) => format!("{done} of {all} recordings separated\n"),
        _ => format!("{done} of {all} recordings separated, {complete} complete already\n"),
    };
    let seconds_of = |report: &SeparationReport| {
        report.mixture.samples as f64 / f64::from(report.mixture.sample_rate_hz)
    };
    let length: f64 = outcome.reports.iter().map(seconds_of).sum();
    if let (1, [report]) = (all, &outcome.reports[..]) {
        text += &describe_orders(report);
    }
    if done > 0 {
        text += &format!(
            "{length:.1} s separated in {seconds:.1} s, {:.1} times as fast as real time\n",
            length / seconds
        );
    }
    text
}

/// q(K) of each source with several orders, averaged over all that was separated of a recording.
fn describe_orders(report: &SeparationReport) -> String {
    let inferences = || {
        report
            .segments
            .iter()
            .flat_map(|segment| &segment.inferences)
    };
    let count = inferences().count();
    let describe = |(position, source): (usize, &SourceReport)| {
        if source.orders.len() < 2 || count == 0 {
            return String::new();
        }
        let weight = |order: usize| {
            let of_order =
                |it: &InferenceReport| it.order_posterior.get(position)?.get(order).copied();
            inferences().filter_map(of_order).sum::<f64>() / count as f64
        };
        let orders = source.orders.iter().enumerate();
        let weights = orders.map(|(index, order)| format!("{order}: {:.2}", weight(index)));
        let weights: Vec<String> = weights.collect();
        format!("Orders of {}: {}\n", source.name, weights.join(", "))
    };
    report.sources.iter().enumerate().map(describe).collect()
}

/// The folders of stems without `--out`.
fn describe_places(batch: &Batch) -> String {
    let folders = batch.tasks.iter().map(|task| &task.folder.path);
    let folders: Vec<&PathBuf> = folders.chain(&batch.complete).collect();
    match folders.as_slice() {
        [folder] => folder.display().to_string(),
        _ => "beside the recordings".to_owned(),
    }
}

fn warn_of_clipping(outcome: &BatchOutcome, progress: Progress) {
    for report in &outcome.reports {
        if report.clipped_samples > 0 {
            progress.warn(format_args!(
                "{}: {} samples are beyond full scale and were clipped: --encoding float32 keeps \
                 them",
                report.mixture.file, report.clipped_samples
            ));
        }
    }
}
