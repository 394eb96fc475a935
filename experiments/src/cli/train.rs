//! Options of `train`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use dsp::{StftSettings, Window};

use crate::train::TrainSettings;

/// What to learn from, and how.
#[derive(Debug, Args)]
pub struct TrainArguments {
    /// Recordings of one source: WAV files, folders of them, or patterns
    #[arg(value_name = "WAV|DIR|GLOB", required = true)]
    pub recordings: Vec<PathBuf>,

    /// File to write the dictionaries to
    #[arg(long, value_name = "NPZ")]
    pub out: PathBuf,

    /// Numbers of components, one dictionary for each
    #[arg(
        long,
        value_name = "K,…",
        value_delimiter = ',',
        default_value = "2,4,6,8,10,12,14"
    )]
    pub orders: Vec<NonZeroUsize>,

    /// Iterations of each training
    #[arg(long, value_name = "N", default_value = "100")]
    pub iterations: NonZeroUsize,

    /// Rate to learn at; recordings of another are resampled. Without it all must have the same
    #[arg(long, value_name = "HZ")]
    pub sample_rate: Option<u32>,

    /// Samples of a window
    #[arg(long, value_name = "SAMPLES", default_value_t = StftSettings::default().window_samples)]
    pub window: usize,

    /// Samples between two windows; without it, half a window
    #[arg(long, value_name = "SAMPLES")]
    pub hop: Option<usize>,

    /// Shape of a window
    #[arg(long, value_enum, default_value_t = WindowKind::Sine)]
    pub window_kind: WindowKind,

    /// Share of the recordings that is held out, to tell how well the dictionaries explain what is new
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub held_out: f64,

    /// Most frames to learn from, chosen at random where there are more
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub frames: usize,

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

/// [`Window`] by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WindowKind {
    /// Square root of the Hann window
    Sine,
    /// Hann window
    Hann,
    /// No window
    Rectangular,
}

impl TrainArguments {
    /// The settings these options ask for.
    #[must_use]
    pub fn settings(&self) -> TrainSettings {
        TrainSettings {
            orders: self.orders.iter().map(|order| order.get()).collect(),
            iterations: self.iterations.get(),
            stft: StftSettings {
                window_samples: self.window,
                hop_samples: self.hop.unwrap_or(self.window.div_ceil(2)),
                window: match self.window_kind {
                    WindowKind::Sine => Window::Sine,
                    WindowKind::Hann => Window::Hann,
                    WindowKind::Rectangular => Window::Rectangular,
                },
            },
            sample_rate_hz: self.sample_rate,
            held_out: self.held_out,
            most_frames: self.frames,
            seed: self.seed,
        }
    }
}
