//! Everything an experiment depends on, as one value. Defaults are section 4 of the paper.

pub(crate) mod check;
mod embedded;
mod keys;
mod listing;
mod load;
mod origin;
pub(crate) mod ranges;
mod recordings;
mod refusal;
mod sources;
pub(crate) mod spelling;
mod sweep;
mod units;
mod validate;

use std::path::PathBuf;

use dsp::StftSettings;
use eval::BssEvalSettings;
use model::{Acceleration, ActivationStart, Precision, Settings, Tempering};
use serde::{Deserialize, Serialize};

use crate::corpus::CorpusSection;
use crate::study::foreign::{ForeignMethod, NameError};
use crate::study::methods::Method;
use crate::study::scores::Metric;

pub(crate) use embedded::EmbeddedConfig;
pub(crate) use listing::list;
pub(crate) use load::{assigned, load, resolve};
use ranges::{DICTIONARY_START_FLOOR, TRAINING_ITERATIONS};
pub(crate) use recordings::{BackgroundModel, IsolatedSet, Recordings};
pub(crate) use sources::Sources;
pub(crate) use sweep::{Axis, Sweep, number};
pub(crate) use units::Units;

/// A whole experiment, as resolved from a file and the command line, and as recorded with its
/// results.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// What is run, and from which seed.
    pub(crate) experiment: Experiment,
    /// Where speech and background come from.
    pub(crate) corpus: CorpusSection,
    /// The short-time Fourier transform of training signals and estimates.
    pub(crate) stft: StftSettings,
    /// Learning the dictionaries.
    pub(crate) training: Training,
    /// Drawing the observations.
    pub(crate) mixtures: Mixtures,
    /// Prior, start and iterations of the separations.
    pub(crate) model: Model,
    /// Scoring the estimates.
    pub(crate) evaluation: Evaluation,
    /// Intervals over observations.
    pub(crate) statistics: Statistics,
    /// Measuring times.
    pub(crate) timings: Timings,
    /// What is varied, for `sweep` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sweep: Option<Sweep>,
    /// What is kept to be looked at and listened to.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) report: Report,
    /// What the figures are made for.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) figures: Figures,
    /// Mixtures of recordings, where [`Mixtures::source`] is that.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) recordings: Recordings,
    /// Speakers, noises and seeds of the runs.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) units: Units,
}

/// What a configuration is of: its contents say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The paper's experiment.
    Table1,
    /// A section `[sweep]` varies values, of drawn mixtures or of recordings.
    Sweep,
    /// Mixtures of recordings.
    Realmix,
}

impl Kind {
    /// The command that runs it.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::Table1 => "table1",
            Self::Sweep => "sweep",
            Self::Realmix => "realmix",
        }
    }

    /// What makes a configuration one of this kind.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Table1 => "mixtures drawn from the model and no section [sweep]",
            Self::Sweep => "a section [sweep]",
            Self::Realmix => "`mixtures.source = \"recordings\"` and no section [sweep]",
        }
    }
}

impl Config {
    pub(crate) fn kind(&self) -> Kind {
        match (&self.sweep, self.mixtures.source) {
            (Some(_), _) => Kind::Sweep,
            (None, MixtureSource::Recordings) => Kind::Realmix,
            (None, MixtureSource::Drawn) => Kind::Table1,
        }
    }

    /// The methods that are compared. Of all of them, those that can be.
    pub(crate) fn methods(&self) -> Vec<Method> {
        let methods = self.evaluation.methods.iter().copied();
        let can_be = |method: &Method| match method {
            Method::LearnedWeights => self.has_weight_mixtures(),
            Method::VbSelection
            | Method::VbFusion
            | Method::OracleSelection
            | Method::FusionByMean
            | Method::StructuredFusion
            | Method::EvidenceWeightedMean => true,
        };
        methods.filter(can_be).collect()
    }

    /// Whether there is a background to learn the weights of the single orders with.
    fn has_weight_mixtures(&self) -> bool {
        let recordings = &self.recordings;
        recordings.isolated.is_none() || recordings.background == BackgroundModel::Known
    }
}

/// Name and seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Experiment {
    /// Names the results folder.
    pub(crate) name: String,
    /// Root of every random stream.
    pub(crate) seed: u64,
}

impl Default for Experiment {
    fn default() -> Self {
        Self {
            name: "table1".to_owned(),
            seed: 1,
        }
    }
}

/// How the components of dictionaries are scaled before they generate and estimate, all by the same
/// rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Normalisation {
    /// To a mean of 1 over the bins.
    #[default]
    #[serde(rename = "unit_mean")]
    Mean,
    /// To a sum of 1 over the bins.
    #[serde(rename = "unit_sum")]
    Sum,
    /// To a sum of squares of 1 over the bins.
    #[serde(rename = "unit_norm")]
    Norm,
    /// To a largest entry of 1.
    #[serde(rename = "unit_peak")]
    Peak,
}

/// What the dictionaries that estimate are learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Estimation {
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
pub(crate) struct Training {
    /// Utterances behind the dictionaries that generate, and as many others behind those that
    /// estimate.
    pub(crate) utterances_per_side: usize,
    /// Length of the background excerpt.
    pub(crate) background_seconds: f64,
    /// The speaker's numbers of components, K_1m.
    pub(crate) orders: Vec<usize>,
    /// The background's number of components, K_2.
    pub(crate) background_components: usize,
    /// Multiplicative updates of each training.
    pub(crate) iterations: usize,
    /// Numbers of their matrix products, `f32` or `f64`.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) precision: Precision,
    /// Mixtures of a run that the weights of the method `learned_weights` are learned from.
    pub(crate) weight_mixtures: usize,
    /// How components are scaled.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) normalisation: Normalisation,
    /// What the dictionaries that estimate are learned from.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) estimation: Estimation,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            utterances_per_side: 250,
            background_seconds: 10.0,
            orders: (1..=7).map(|m| 2 * m).collect(),
            background_components: 16,
            iterations: TRAINING_ITERATIONS,
            precision: Precision::default(),
            weight_mixtures: 7,
            normalisation: Normalisation::default(),
            estimation: Estimation::default(),
        }
    }
}

/// Where mixtures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MixtureSource {
    /// Drawn from the generative model (section 4.1).
    #[default]
    Drawn,
    /// Recordings of speech and background, added in the time domain.
    Recordings,
}

/// The mixtures that are separated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Mixtures {
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) source: MixtureSource,
    /// The signal-to-noise ratios of the table's columns.
    pub(crate) snr_db: Vec<f64>,
    /// Frames per observation, N.
    pub(crate) frames: usize,
    /// Shape and rate of the activations that generate, Gamma(b, b).
    pub(crate) activation_shape: f64,
    /// Variance sigma^2 of the sensor noise, known to the model.
    pub(crate) noise_variance: f64,
}

impl Default for Mixtures {
    fn default() -> Self {
        Self {
            source: MixtureSource::default(),
            snr_db: vec![-6.0, -3.0, 0.0, 3.0, 6.0, 9.0],
            frames: 300,
            activation_shape: Settings::default().activation_shape,
            noise_variance: Settings::default().noise_variance,
        }
    }
}

/// The separations. At most one of `beta` and `kappa` is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Model {
    /// Shape and rate a of the dictionary prior, Gamma(a, a).
    pub(crate) dictionary_shape: f64,
    /// Shape and rate b of the activation prior, Gamma(b, b).
    pub(crate) activation_shape: f64,
    /// Where `E[H]` starts, with `E[1/H]` its reciprocal: a number, `"balanced"` for the level of
    /// the mixture, or `{ balanced = factor }`.
    pub(crate) activation_start: ActivationStart,
    /// Floor of the start of `E[W_2]`, which is drawn from its prior.
    pub(crate) dictionary_start_floor: f64,
    /// Sweeps over all factors, at most.
    pub(crate) iterations: usize,
    /// Ends a separation once ten sweeps raise its free energy by less than this, in nats per bin
    /// and frame; 0 for never.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) tolerance: f64,
    /// Precision of the matrix products, `f32` or `f64`.
    pub(crate) precision: Precision,
    /// Whether sweeps begin at extrapolations, `none` or `squarem`: a third of them goes as far.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) acceleration: Acceleration,
    /// Weight of the entropy of q(K), in nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) beta: Option<f64>,
    /// The same per time-frequency bin, beta / (F N).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kappa: Option<f64>,
}

impl Default for Model {
    fn default() -> Self {
        let paper = Settings::default();
        Self {
            dictionary_shape: paper.dictionary_shape,
            activation_shape: paper.activation_shape,
            activation_start: ActivationStart::default(),
            dictionary_start_floor: DICTIONARY_START_FLOOR,
            iterations: paper.iterations,
            tolerance: paper.tolerance,
            precision: Precision::F32,
            acceleration: paper.acceleration,
            beta: None,
            kappa: None,
        }
    }
}

impl Model {
    /// How the posterior over the orders is tempered.
    pub(crate) fn tempering(&self) -> Tempering {
        match (self.kappa, self.beta) {
            (Some(kappa), _) => Tempering::Kappa(kappa),
            (None, Some(beta)) => Tempering::Beta(beta),
            (None, None) => Settings::default().tempering,
        }
    }
}

/// How estimates are scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Evaluation {
    /// Length of the distortion filters BSS Eval allows.
    pub(crate) filter_taps: usize,
    /// The metrics averaged in `table1.csv`; `sdr` is always among them.
    pub(crate) metrics: Vec<Metric>,
    /// The methods that are compared.
    pub(crate) methods: Vec<Method>,
    /// Folders of estimates that other programs made, to be compared with these: each is named like
    /// its method and holds `speech/`, a file for each trial.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) estimates: Vec<PathBuf>,
}

impl Evaluation {
    /// The methods of other programs.
    ///
    /// # Errors
    /// A folder whose name is none for a method.
    pub(crate) fn foreign_methods(&self) -> Result<Vec<ForeignMethod>, NameError> {
        let folders = self.estimates.iter();
        folders.map(|folder| ForeignMethod::new(folder)).collect()
    }
}

impl Default for Evaluation {
    fn default() -> Self {
        Self {
            filter_taps: BssEvalSettings::default().filter_taps,
            metrics: vec![Metric::Sdr, Metric::PlainSdr, Metric::SiSdr],
            methods: Method::ALL.into(),
            estimates: Vec::new(),
        }
    }
}

/// Bootstrap intervals over observations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Statistics {
    /// Bootstrap resamples.
    pub(crate) resamples: usize,
}

impl Default for Statistics {
    fn default() -> Self {
        Self { resamples: 10_000 }
    }
}

/// Times of the methods, each measured alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Timings {
    /// Repetitions of each measurement; the median is reported.
    pub(crate) repetitions: usize,
}

impl Default for Timings {
    fn default() -> Self {
        Self { repetitions: 5 }
    }
}

/// What is kept of a run for its report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Report {
    /// Observations whose signals are kept, spread over the signal-to-noise ratios.
    pub(crate) examples: usize,
}

impl Default for Report {
    fn default() -> Self {
        Self { examples: 3 }
    }
}

/// What figures are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FigureStyle {
    /// A page that is looked at.
    #[default]
    Screen,
    /// A paper: the width of its column, text of 8 points, no titles, which captions are for.
    Paper,
}

/// The figures of a study.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Figures {
    /// What they are made for.
    pub(crate) style: FigureStyle,
}

/// Keys that were added later are recorded where they are used only.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
