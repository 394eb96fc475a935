//! `train`: its options and its run.

use std::io::{Write, stdout};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use dsp::{StftSettings, Window};

use super::ending::{Ending, Failure};
use super::numbers::{parse_count, parse_number, parse_whole};
use super::precision::PrecisionKind;
use super::threads::start_threads;
use crate::progress::Progress;
use crate::store::output::Outputs;
use crate::tables::table::Table;
use crate::tools::dictionary_file::DictionaryFile;
use crate::tools::file_kinds::DICTIONARIES;
use crate::tools::recordings::Recordings;
use crate::tools::train::{TrainingSettings, learn_dictionaries};

/// Largest order, as configurations have it.
const MOST_COMPONENTS: usize = 1000;
/// Most entries of the matrix that is learned from.
const MOST_ENTRIES: usize = 100_000_000;

/// What to learn from, and how.
#[derive(Debug, Args)]
pub(crate) struct TrainArguments {
    /// Recordings of one source: files, folders of them, patterns, @FILE with one of these a line,
    /// - for standard input
    #[arg(value_name = "WAV|DIR|GLOB|@LIST", required = true)]
    recordings: Vec<PathBuf>,

    /// File to write the dictionaries to
    #[arg(long, value_name = "NPZ")]
    out: PathBuf,

    /// Numbers of components, one dictionary for each
    #[arg(
        long,
        value_name = "K,…",
        value_delimiter = ',',
        value_parser = parse_count,
        default_value = "2,4,6,8,10,12,14"
    )]
    orders: Vec<NonZeroUsize>,

    /// Iterations of each training
    #[arg(long, value_name = "N", value_parser = parse_count, default_value = "100")]
    iterations: NonZeroUsize,

    /// Precision of the matrix products
    #[arg(long, value_enum, default_value_t = PrecisionKind::F32)]
    precision: PrecisionKind,

    /// Rate to learn at; recordings of another are resampled. Without it all must have the same
    #[arg(long, value_name = "HZ", value_parser = parse_whole::<u32>)]
    sample_rate: Option<u32>,

    /// Samples of a window
    #[arg(
        long,
        value_name = "SAMPLES",
        value_parser = parse_whole::<usize>,
        default_value_t = StftSettings::default().window_samples
    )]
    window: usize,

    /// Samples between two windows; without it, half a window
    #[arg(long, value_name = "SAMPLES", value_parser = parse_whole::<usize>)]
    hop: Option<usize>,

    /// Shape of a window
    #[arg(long, value_enum, default_value_t = WindowKind::Sine)]
    window_kind: WindowKind,

    /// Share of the recordings that is held out, to tell how well the dictionaries explain new ones
    #[arg(long, value_name = "SHARE", value_parser = parse_number, default_value_t = 0.1)]
    held_out: f64,

    /// Most frames to learn from, chosen at random where there are more
    #[arg(long, value_name = "N", value_parser = parse_whole::<usize>, default_value_t = 20_000)]
    frames: usize,

    /// Leave out recordings that cannot be used, with a warning, instead of stopping
    #[arg(long)]
    skip_unusable: bool,

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

/// [`Window`] by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum WindowKind {
    /// Square root of the Hann window
    Sine,
    /// Hann window
    Hann,
    /// No window
    Rectangular,
}

impl WindowKind {
    pub(super) fn window(self) -> Window {
        match self {
            Self::Sine => Window::Sine,
            Self::Hann => Window::Hann,
            Self::Rectangular => Window::Rectangular,
        }
    }
}

impl TrainArguments {
    /// Learns dictionaries from recordings and writes them to a file.
    ///
    /// # Errors
    /// Options out of range, recordings that cannot be used, a file that cannot be written.
    pub(crate) fn run(&self) -> Result<Ending, Failure> {
        let settings = self.settings();
        check(&settings).map_err(Failure::Usage)?;
        self.train(&settings).map_err(Failure::Run)?;
        Ok(Ending::Done)
    }

    fn train(&self, settings: &TrainingSettings) -> Result<()> {
        let mut recordings = Recordings::find(&self.recordings, "recordings")?;
        let mut outputs = Outputs::new(recordings.paths());
        let output = outputs.claim_file(&self.out, "--out", DICTIONARIES)?;
        recordings.drop_links();
        recordings.spool_streams()?;
        let progress = Progress::new(self.quiet);
        let folders = recordings.folders();
        if folders > 1 {
            // Which may be of several people.
            progress.note(format_args!(
                "recordings in {folders} folders, taken for one source"
            ));
        }
        let skip = self.skip_unusable;
        let file = start_threads(self.jobs)?
            .install(|| learn_dictionaries(&mut recordings, settings, skip, progress))?;
        let to_standard_output = output.is_standard_output();
        output.write(&file.encode()?)?;
        if to_standard_output {
            return Ok(());
        }
        let metadata = &file.metadata;
        writeln!(
            stdout(),
            "{}{} frames from {} recordings at {} Hz; held out: {} frames\nDictionaries: {}",
            summarise(&file).markdown(),
            metadata.training_frames,
            recordings.list.len(),
            metadata.sample_rate_hz,
            metadata.held_out_frames,
            self.out.display()
        )
        .context("cannot write to standard output")
    }

    fn settings(&self) -> TrainingSettings {
        TrainingSettings {
            orders: self.orders.iter().map(|order| order.get()).collect(),
            iterations: self.iterations.get(),
            precision: self.precision.precision(),
            stft: StftSettings {
                window_samples: self.window,
                hop_samples: self.hop.unwrap_or(self.window.div_ceil(2)),
                window: self.window_kind.window(),
            },
            sample_rate_hz: self.sample_rate,
            held_out: self.held_out,
            most_frames: self.frames,
            seed: self.seed,
        }
    }
}

/// One row per order. Costs are per frame and bin, so that they compare with the held-out
/// divergence.
fn summarise(file: &DictionaryFile) -> Table {
    let metadata = &file.metadata;
    let mut table = Table::new([
        "order",
        "cost at start",
        "cost at end",
        "held-out divergence",
    ]);
    let bins = metadata.stft.bins();
    let size = (metadata.training_frames * bins) as f64;
    for (index, (order, cost)) in metadata.orders.iter().zip(&file.costs).enumerate() {
        let per_bin =
            |cost: Option<&f64>| cost.map_or_else(String::new, |c| format!("{:.4}", c / size));
        let held_out = metadata.held_out_divergence.get(index);
        table.push([
            order.to_string(),
            per_bin(cost.first()),
            per_bin(cost.last()),
            held_out.map_or_else(|| "-".to_owned(), |divergence| format!("{divergence:.4}")),
        ]);
    }
    table
}

fn check(settings: &TrainingSettings) -> Result<()> {
    settings.stft.validate().context("--window, --hop")?;
    let orders = &settings.orders;
    for (index, order) in orders.iter().enumerate() {
        ensure!(
            *order <= MOST_COMPONENTS,
            "--orders: {order} is out of range, allowed are 1 to {MOST_COMPONENTS}"
        );
        ensure!(!orders[..index].contains(order), "--orders: {order} twice");
    }
    ensure!(
        (0.0..=0.9).contains(&settings.held_out),
        "--held-out {}: is out of range, allowed are 0 to 0.9",
        settings.held_out
    );
    if let Some(rate_hz) = settings.sample_rate_hz {
        ensure!(
            dsp::RATES_HZ.contains(&rate_hz),
            "--sample-rate {rate_hz}: is out of range, allowed are {} to {}",
            dsp::RATES_HZ.start(),
            dsp::RATES_HZ.end()
        );
    }
    let bins = settings.stft.bins();
    let most = MOST_ENTRIES / bins;
    ensure!(
        (1..=most).contains(&settings.most_frames),
        "--frames {}: is out of range, allowed are 1 to {most} for this --window",
        settings.most_frames
    );
    Ok(())
}
