//! Everything an experiment depends on, as one value. Defaults are section 4 of the paper.

mod differences;
mod load;
mod realmix;
mod sweep;
mod validate;

use std::path::PathBuf;

use dsp::StftSettings;
use model::{Precision, Tempering};
use serde::{Deserialize, Serialize};

use crate::metric::Metric;

pub use differences::{differences, recorded};
pub use load::{Sources, assigned, load, load_or, resolve};
pub use realmix::{BackgroundModel, IsolatedSet, Realmix};
pub use sweep::{Axis, LogRange, Sweep};

/// A whole experiment, as resolved from a file and the command line, and as recorded with its results.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is run, and from which seed.
    pub experiment: Experiment,
    /// Where speech and background come from.
    pub corpus: CorpusConfig,
    /// The short-time Fourier transform of training signals and estimates.
    pub stft: StftSettings,
    /// Learning the dictionaries.
    pub training: Training,
    /// Drawing the observations.
    pub mixtures: Mixtures,
    /// Prior, start and iterations of the separations.
    pub model: Model,
    /// Scoring the estimates.
    pub evaluation: Evaluation,
    /// Intervals over observations.
    pub statistics: Statistics,
    /// Measuring times.
    pub timings: Timings,
    /// What is varied, for `sweep` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// What is kept to be looked at and listened to.
    #[serde(skip_serializing_if = "is_default")]
    pub report: Report,
    /// Mixtures of recordings, for the experiment of that name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realmix: Option<Realmix>,
}

/// What a configuration is of: its sections say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The paper's experiment.
    Table1,
    /// Values of it varied: there is a section `[sweep]`.
    Sweep,
    /// Mixtures of recordings: there is a section `[realmix]`.
    Realmix,
}

impl Kind {
    /// The command that runs it, named as the section is.
    #[must_use]
    pub fn command(self) -> &'static str {
        match self {
            Self::Table1 => "table1",
            Self::Sweep => "sweep",
            Self::Realmix => "realmix",
        }
    }
}

impl Config {
    /// What this is a configuration of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match (&self.sweep, &self.realmix) {
            (Some(_), _) => Kind::Sweep,
            (None, Some(_)) => Kind::Realmix,
            (None, None) => Kind::Table1,
        }
    }
}

/// Name and seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Experiment {
    /// Names the results folder.
    pub name: String,
    /// Root of every random stream.
    pub seed: u64,
}

impl Default for Experiment {
    fn default() -> Self {
        Self {
            name: "table1".to_owned(),
            seed: 1,
        }
    }
}

/// The layout a corpus has on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CorpusKind {
    /// Synthesised, no files.
    Builtin,
    /// A folder of speech and a folder of background WAV files.
    Folder,
    /// PASCAL CHiME 1, or CHiME 2 track 1.
    Chime,
}

/// Which corpus, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CorpusConfig {
    /// The layout.
    pub kind: CorpusKind,
    /// Which speaker, 1 to 34; drawn from the seed if absent. A `folder` corpus has one speaker and no number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<u32>,
    /// Rate of all processing; files of another rate are resampled.
    pub sample_rate_hz: u32,
    /// `folder`: the folder of speech.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speech: Option<PathBuf>,
    /// `folder` and `chime`: the folder of background recordings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<PathBuf>,
    /// `chime`: the folder that holds `PCCdata16kHz`, `aasp-chime-grid` or `train`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
}

impl Default for CorpusConfig {
    fn default() -> Self {
        Self {
            kind: CorpusKind::Builtin,
            speaker: None,
            sample_rate_hz: 16_000,
            speech: None,
            background: None,
            root: None,
        }
    }
}

/// How the components of dictionaries are scaled before they generate and estimate, all by the same rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalisation {
    /// To a mean of 1 over the bins.
    #[default]
    UnitMean,
    /// To a sum of 1 over the bins.
    UnitSum,
    /// To a sum of squares of 1 over the bins.
    UnitNorm,
    /// To a largest entry of 1.
    UnitPeak,
}

/// What the dictionaries that estimate are learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimation {
    /// Other utterances of the speaker than those behind the dictionaries that generate.
    #[default]
    OtherUtterances,
    /// The same utterances, from a random start of their own.
    SameUtterances,
    /// Utterances of another speaker of the corpus, drawn from the seed.
    AnotherSpeaker,
    /// Nothing: the dictionaries that generate estimate, too.
    SameDictionaries,
}

/// How dictionaries are learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Training {
    /// Utterances behind the dictionaries that generate, and as many others behind those that estimate.
    pub utterances_per_side: usize,
    /// Length of the background excerpt.
    pub background_seconds: f64,
    /// The speaker's numbers of components, K_1m.
    pub orders: Vec<usize>,
    /// The background's number of components, K_2.
    pub background_components: usize,
    /// Multiplicative updates of each training.
    pub iterations: usize,
    /// How components are scaled.
    #[serde(skip_serializing_if = "is_default")]
    pub normalisation: Normalisation,
    /// What the dictionaries that estimate are learned from.
    #[serde(skip_serializing_if = "is_default")]
    pub estimation: Estimation,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            utterances_per_side: 250,
            background_seconds: 10.0,
            orders: (1..=7).map(|m| 2 * m).collect(),
            background_components: 16,
            iterations: 100,
            normalisation: Normalisation::default(),
            estimation: Estimation::default(),
        }
    }
}

/// How observations are drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mixtures {
    /// The signal-to-noise ratios of the table's columns.
    pub snr_db: Vec<f64>,
    /// Frames per observation, N.
    pub frames: usize,
    /// Shape and rate of the activations that generate, Gamma(b, b).
    pub activation_shape: f64,
    /// Variance sigma^2 of the sensor noise, known to the model.
    pub noise_variance: f64,
}

impl Default for Mixtures {
    fn default() -> Self {
        Self {
            snr_db: vec![-6.0, -3.0, 0.0, 3.0, 6.0, 9.0],
            frames: 300,
            activation_shape: 0.2,
            noise_variance: 1e-6,
        }
    }
}

/// The separations. At most one of `beta` and `kappa` is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Model {
    /// Shape and rate a of the dictionary prior, Gamma(a, a).
    pub dictionary_shape: f64,
    /// Shape and rate b of the activation prior, Gamma(b, b).
    pub activation_shape: f64,
    /// Start value of `E[H]`, with `E[1/H]` its reciprocal.
    pub activation_start: f64,
    /// Floor of the start of `E[W_2]`, which is drawn from its prior.
    pub dictionary_start_floor: f64,
    /// Sweeps over all factors.
    pub iterations: usize,
    /// Numbers of the matrix products, `f64` or `f32`.
    pub precision: Precision,
    /// Weight of the entropy of q(K), in nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta: Option<f64>,
    /// The same per time-frequency bin, beta / (F N).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kappa: Option<f64>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            dictionary_shape: 0.2,
            activation_shape: 0.2,
            activation_start: 1000.0,
            dictionary_start_floor: 1e-10,
            iterations: 50,
            precision: Precision::default(),
            beta: None,
            kappa: None,
        }
    }
}

impl Model {
    /// The paper's beta, used where neither `beta` nor `kappa` is given.
    pub const BETA: f64 = 1e4;

    /// How the posterior over the orders is tempered.
    #[must_use]
    pub fn tempering(&self) -> Tempering {
        match (self.kappa, self.beta) {
            (Some(kappa), _) => Tempering::Kappa(kappa),
            (None, beta) => Tempering::Beta(beta.unwrap_or(Self::BETA)),
        }
    }
}

/// How estimates are scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Evaluation {
    /// Length of the distortion filters BSS Eval allows.
    pub filter_taps: usize,
    /// The metrics averaged in `table1.csv`; `sdr` is always among them.
    pub metrics: Vec<Metric>,
}

impl Default for Evaluation {
    fn default() -> Self {
        Self {
            filter_taps: 512,
            metrics: vec![Metric::Sdr, Metric::PlainSdr, Metric::SiSdr],
        }
    }
}

/// Bootstrap intervals over observations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Statistics {
    /// Bootstrap resamples.
    pub resamples: usize,
}

impl Default for Statistics {
    fn default() -> Self {
        Self { resamples: 10_000 }
    }
}

/// Times of the methods, each measured alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timings {
    /// Repetitions of each measurement; the median is reported.
    pub repetitions: usize,
}

impl Default for Timings {
    fn default() -> Self {
        Self { repetitions: 5 }
    }
}

/// What is kept of a run for its report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Report {
    /// Observations whose signals are kept, spread over the signal-to-noise ratios.
    pub examples: usize,
}

impl Default for Report {
    fn default() -> Self {
        Self { examples: 3 }
    }
}

/// Keys that were added later are recorded where they are used only.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
