//! The range of every configuration value.

use std::fmt::{self, Display};
use std::ops::RangeInclusive;

use model::gig::SHAPE_RANGE;

use super::{Config, CorpusKind, Sweep};
use crate::metric::Metric;

/// The widest range of a positive scale: far beyond use, and far from overflow in squares and ratios.
const SCALE: RangeInclusive<f64> = 1e-30..=1e30;
/// Start values: the model allows them below 1e30 only.
const START: RangeInclusive<f64> = 1e-30..=1e29;
/// Shapes of the Gamma distributions that observations are drawn from; the model's priors allow fewer.
const DRAWN_SHAPE: RangeInclusive<f64> = 1e-2..=1e2;
/// Counts that size arrays: the upper end keeps a typing mistake from asking for all memory.
const COUNT: RangeInclusive<usize> = 1..=1_000_000;
/// Orders and components of a dictionary.
const ORDER: RangeInclusive<usize> = 1..=1000;
/// Most entries of one matrix: frames x bins and the like.
const ENTRIES: usize = 100_000_000;

/// A value that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// `section.key`.
    pub key: &'static str,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.key, self.reason)
    }
}

impl std::error::Error for Invalid {}

impl Config {
    /// Checks every value, so that nothing later has to.
    ///
    /// # Errors
    /// The first value out of range, in the order of the sections.
    pub fn validate(&self) -> Result<(), Invalid> {
        self.validate_experiment()?;
        self.validate_corpus()?;
        self.stft.validate().map_err(|error| Invalid {
            key: "stft",
            reason: error.to_string(),
        })?;
        self.validate_training()?;
        self.validate_mixtures()?;
        self.validate_model()?;
        self.validate_evaluation()?;
        self.validate_realmix()?;
        self.validate_sizes()?;
        self.sweep.as_ref().map_or(Ok(()), Sweep::validate)
    }

    fn validate_experiment(&self) -> Result<(), Invalid> {
        let name = &self.experiment.name;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        require(
            "experiment.name",
            !name.is_empty() && name.chars().all(plain) && !name.starts_with('.'),
            || {
                format!(
                    "{name:?} is not allowed: it names a folder, so letters, digits, `-`, `_` and inner `.`"
                )
            },
        )?;
        // TOML integers are signed, and the seed is recorded in one.
        within(
            "experiment.seed",
            self.experiment.seed,
            &(0..=i64::MAX as u64),
        )
    }

    fn validate_corpus(&self) -> Result<(), Invalid> {
        let corpus = &self.corpus;
        within(
            "corpus.sample_rate_hz",
            corpus.sample_rate_hz,
            &(4_000..=192_000),
        )?;
        if let Some(speaker) = corpus.speaker {
            within("corpus.speaker", speaker, &(1..=34))?;
        }
        let kind = format!("{:?}", corpus.kind).to_lowercase();
        let speech = ("corpus.speech", corpus.speech.is_some());
        let background = ("corpus.background", corpus.background.is_some());
        let root = ("corpus.root", corpus.root.is_some());
        let speaker = ("corpus.speaker", corpus.speaker.is_some());
        let (needed, meaningless) = match corpus.kind {
            CorpusKind::Builtin => (vec![], vec![speech, background, root]),
            CorpusKind::Folder => (vec![speech, background], vec![root, speaker]),
            CorpusKind::Chime => (vec![root], vec![speech]),
        };
        for (key, given) in needed {
            require(key, given, || {
                format!("is needed when `corpus.kind` is \"{kind}\"")
            })?;
        }
        for (key, given) in meaningless {
            require(key, !given, || {
                format!("has no meaning when `corpus.kind` is \"{kind}\"")
            })?;
        }
        Ok(())
    }

    fn validate_training(&self) -> Result<(), Invalid> {
        let training = &self.training;
        within(
            "training.utterances_per_side",
            training.utterances_per_side,
            &COUNT,
        )?;
        within(
            "training.background_seconds",
            training.background_seconds,
            &(0.1..=3600.0),
        )?;
        distinct("training.orders", &training.orders)?;
        for &order in &training.orders {
            within("training.orders", order, &ORDER)?;
        }
        within(
            "training.background_components",
            training.background_components,
            &ORDER,
        )?;
        within("training.iterations", training.iterations, &COUNT)
    }

    fn validate_mixtures(&self) -> Result<(), Invalid> {
        let mixtures = &self.mixtures;
        distinct("mixtures.snr_db", &mixtures.snr_db)?;
        for &snr_db in &mixtures.snr_db {
            within("mixtures.snr_db", snr_db, &(-100.0..=100.0))?;
        }
        within("mixtures.frames", mixtures.frames, &COUNT)?;
        within(
            "mixtures.activation_shape",
            mixtures.activation_shape,
            &DRAWN_SHAPE,
        )?;
        within("mixtures.noise_variance", mixtures.noise_variance, &SCALE)
    }

    fn validate_model(&self) -> Result<(), Invalid> {
        let model = &self.model;
        within(
            "model.dictionary_shape",
            model.dictionary_shape,
            &SHAPE_RANGE,
        )?;
        within(
            "model.activation_shape",
            model.activation_shape,
            &SHAPE_RANGE,
        )?;
        within("model.activation_start", model.activation_start, &START)?;
        within(
            "model.dictionary_start_floor",
            model.dictionary_start_floor,
            &START,
        )?;
        within("model.iterations", model.iterations, &COUNT)?;
        require(
            "model.kappa",
            model.beta.is_none() || model.kappa.is_none(),
            || "is another way to say `model.beta`: give one of the two".to_owned(),
        )?;
        // beta = 0 is the limit of all weight on the best order.
        for (key, value) in [("model.beta", model.beta), ("model.kappa", model.kappa)] {
            if let Some(value) = value {
                within(key, value, &(0.0..=1e30))?;
            }
        }
        Ok(())
    }

    fn validate_evaluation(&self) -> Result<(), Invalid> {
        let evaluation = &self.evaluation;
        within(
            "evaluation.filter_taps",
            evaluation.filter_taps,
            &(1..=8192),
        )?;
        distinct("evaluation.metrics", &evaluation.metrics)?;
        require(
            "evaluation.metrics",
            evaluation.metrics.contains(&Metric::Sdr),
            || "must contain \"sdr\", which decides the oracle selection".to_owned(),
        )?;
        within(
            "statistics.resamples",
            self.statistics.resamples,
            &(100..=1_000_000),
        )?;
        within("timings.repetitions", self.timings.repetitions, &(1..=1000))?;
        within("report.examples", self.report.examples, &(0..=100))
    }

    fn validate_realmix(&self) -> Result<(), Invalid> {
        let Some(realmix) = &self.realmix else {
            return Ok(());
        };
        require("realmix", self.sweep.is_none(), || {
            "has no meaning beside a section [sweep], which varies the paper's experiment"
                .to_owned()
        })?;
        let speakers = &realmix.speakers;
        let chime = self.corpus.kind == CorpusKind::Chime;
        if self.corpus.kind == CorpusKind::Folder {
            require("realmix.speakers", speakers.is_empty(), || {
                "must be empty when `corpus.kind` is \"folder\", which has one speaker".to_owned()
            })?;
        } else {
            distinct("realmix.speakers", speakers)?;
        }
        for &speaker in speakers {
            within("realmix.speakers", speaker, &(1..=34))?;
        }
        within("realmix.seeds", realmix.seeds, &(1..=1000))?;
        within("realmix.mixtures", realmix.mixtures, &(1..=1000))?;
        within("realmix.utterances", realmix.utterances, &(1..=1000))?;
        let needed = realmix.mixtures * realmix.utterances;
        let held_out = self.training.utterances_per_side;
        require(
            "realmix.mixtures",
            realmix.isolated.is_some() || needed <= held_out,
            || {
                format!(
                    "times `realmix.utterances` is {needed}, and `training.utterances_per_side` holds out {held_out}"
                )
            },
        )?;
        within("realmix.noise_db", realmix.noise_db, &(-200.0..=0.0))?;
        require(
            "realmix.isolated",
            realmix.isolated.is_none() || chime,
            || "has a meaning only when `corpus.kind` is \"chime\"".to_owned(),
        )
    }

    /// Values that are each in range must not be out of memory together.
    fn validate_sizes(&self) -> Result<(), Invalid> {
        let frames = self.mixtures.frames;
        let bins = self.stft.window_samples / 2 + 1;
        let orders = self.training.orders.iter().sum();
        let components = self.training.background_components;
        let at_most = |key, (rows, row_keys), (columns, column_keys)| {
            let entries = usize::saturating_mul(rows, columns);
            require(key, entries <= ENTRIES, || {
                format!(
                    "{rows} ({row_keys}) times {columns} ({column_keys}) is {entries}, allowed are at most {ENTRIES}"
                )
            })
        };
        let frames = (frames, "`mixtures.frames`");
        let bins = (bins, "bins of `stft.window_samples`");
        at_most("mixtures.frames", frames, bins)?;
        for columns in [frames, bins] {
            at_most(
                "training.orders",
                (orders, "the sum of `training.orders`"),
                columns,
            )?;
            at_most(
                "training.background_components",
                (components, "`training.background_components`"),
                columns,
            )?;
        }
        Ok(())
    }
}

pub(super) fn require(
    key: &'static str,
    holds: bool,
    reason: impl FnOnce() -> String,
) -> Result<(), Invalid> {
    if holds {
        return Ok(());
    }
    Err(Invalid {
        key,
        reason: reason(),
    })
}

/// NaN lies in no range.
pub(super) fn within<T: PartialOrd + fmt::Debug>(
    key: &'static str,
    value: T,
    allowed: &RangeInclusive<T>,
) -> Result<(), Invalid> {
    require(key, allowed.contains(&value), || {
        let (low, high) = (allowed.start(), allowed.end());
        format!("{value:?} is out of range, allowed are {low:?} to {high:?}")
    })
}

pub(super) fn distinct<T: PartialEq + fmt::Debug>(
    key: &'static str,
    values: &[T],
) -> Result<(), Invalid> {
    require(key, !values.is_empty(), || "must not be empty".to_owned())?;
    let repeated = (1..values.len()).find(|&i| values[..i].contains(&values[i]));
    match repeated {
        None => Ok(()),
        Some(i) => require(key, false, || format!("holds {:?} twice", values[i])),
    }
}
