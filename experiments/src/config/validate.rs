//! The range of every configuration value.

use model::ActivationStart;
use model::gig::SHAPE_RANGE;

use super::check::{Invalid, distinct, require, within};
use super::ranges::{
    BACKGROUND_SECONDS, COUNT, DRAWN_SHAPE, EXAMPLES, FILTER_TAPS, MOST_ENTRIES, NOISE_DB, ORDER,
    REPETITIONS, RESAMPLES, SCALE, SEED, SNR_DB, START, TEMPERING, TOLERANCE,
};
use super::{Config, Estimation, MixtureSource, Sweep};
use crate::study::foreign::ForeignName;
use crate::study::methods::Method;
use crate::study::scores::Metric;

impl Config {
    /// Checks every value, so that nothing later has to.
    ///
    /// # Errors
    /// The first value out of range, in the order of the sections.
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        self.validate_experiment()?;
        self.corpus.validate()?;
        self.stft.validate().map_err(|error| Invalid {
            key: "stft",
            reason: error.to_string(),
        })?;
        self.validate_training()?;
        self.validate_mixtures()?;
        self.validate_model()?;
        self.validate_evaluation()?;
        self.validate_recordings()?;
        self.units.validate(&self.corpus, self.experiment.seed)?;
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
                    "{name:?} is not allowed: it names a folder, so letters, digits, `-`, `_` and \
                     inner `.`"
                )
            },
        )?;
        within("experiment.seed", self.experiment.seed, &SEED)
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
            &BACKGROUND_SECONDS,
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
        within("training.iterations", training.iterations, &COUNT)?;
        within(
            "training.weight_mixtures",
            training.weight_mixtures,
            &REPETITIONS,
        )
    }

    fn validate_mixtures(&self) -> Result<(), Invalid> {
        let mixtures = &self.mixtures;
        distinct("mixtures.snr_db", &mixtures.snr_db)?;
        for &snr_db in &mixtures.snr_db {
            within("mixtures.snr_db", snr_db, &SNR_DB)?;
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
        let (ActivationStart::Constant(start) | ActivationStart::Balanced { factor: start }) =
            model.activation_start;
        within("model.activation_start", start, &START)?;
        within(
            "model.dictionary_start_floor",
            model.dictionary_start_floor,
            &START,
        )?;
        within("model.iterations", model.iterations, &COUNT)?;
        within("model.tolerance", model.tolerance, &TOLERANCE)?;
        require(
            "model.kappa",
            model.beta.is_none() || model.kappa.is_none(),
            || "is another way to say `model.beta`: give one of the two".to_owned(),
        )?;
        for (key, value) in [("model.beta", model.beta), ("model.kappa", model.kappa)] {
            if let Some(value) = value {
                within(key, value, &TEMPERING)?;
            }
        }
        Ok(())
    }

    fn validate_evaluation(&self) -> Result<(), Invalid> {
        let evaluation = &self.evaluation;
        within(
            "evaluation.filter_taps",
            evaluation.filter_taps,
            &FILTER_TAPS,
        )?;
        let names: Vec<&str> = evaluation
            .metrics
            .iter()
            .map(|metric| metric.name())
            .collect();
        distinct("evaluation.metrics", &names)?;
        require(
            "evaluation.metrics",
            evaluation.metrics.contains(&Metric::Sdr),
            || "must contain \"sdr\", which decides the oracle selection".to_owned(),
        )?;
        let names: Vec<&str> = evaluation
            .methods
            .iter()
            .map(|method| method.name())
            .collect();
        distinct("evaluation.methods", &names)?;
        let foreign = evaluation.foreign_methods().map_err(|error| Invalid {
            key: "evaluation.estimates",
            reason: error.to_string(),
        })?;
        let folders: Vec<ForeignName> = foreign.iter().map(|method| method.name).collect();
        let repeated = (1..folders.len()).find(|&i| folders[..i].contains(&folders[i]));
        require("evaluation.estimates", repeated.is_none(), || {
            let name = repeated.map_or_else(String::new, |i| folders[i].to_string());
            format!("two folders are named {name:?}, and a folder is named like its method")
        })?;
        within(
            "statistics.resamples",
            self.statistics.resamples,
            &RESAMPLES,
        )?;
        within(
            "timings.repetitions",
            self.timings.repetitions,
            &REPETITIONS,
        )?;
        within("report.examples", self.report.examples, &EXAMPLES)
    }

    fn validate_recordings(&self) -> Result<(), Invalid> {
        let recordings = &self.recordings;
        if self.mixtures.source == MixtureSource::Drawn {
            return require("recordings", *recordings == Default::default(), || {
                "has a meaning only where `mixtures.source` is \"recordings\"".to_owned()
            });
        }
        let kind = self.corpus.kind;
        require("mixtures.source", kind.has_recordings(), || {
            format!(
                "\"recordings\" needs a corpus of recordings, and `corpus.kind` is \"{}\"",
                kind.name()
            )
        })?;
        for (key, count) in [
            ("recordings.mixtures", recordings.mixtures),
            ("recordings.utterances", recordings.utterances),
        ] {
            within(key, count, &REPETITIONS)?;
        }
        let needed = recordings.mixtures * recordings.utterances;
        let held_out = self.training.utterances_per_side;
        require(
            "recordings.mixtures",
            recordings.isolated.is_some() || needed <= held_out,
            || {
                format!(
                    "times `recordings.utterances` is {needed}, and `training.utterances_per_side` \
                     holds out {held_out}"
                )
            },
        )?;
        within("recordings.noise_db", recordings.noise_db, &NOISE_DB)?;
        require(
            "training.estimation",
            self.training.estimation != Estimation::SameDictionaries,
            || {
                "has a meaning for drawn mixtures only: recordings have no dictionaries that \
                 generate"
                    .to_owned()
            },
        )?;
        require(
            "recordings.isolated",
            recordings.isolated.is_none() || kind.has_isolated_mixtures(),
            || format!("has no meaning when `corpus.kind` is \"{}\"", kind.name()),
        )?;
        let learns_weights = self.evaluation.methods.contains(&Method::LearnedWeights);
        require(
            "evaluation.methods",
            !learns_weights || self.has_weight_mixtures() || self.evaluation.methods == Method::ALL,
            || {
                "holds \"learned_weights\", and there is no background to learn them from: \
                 `recordings.isolated` brings mixtures of its own"
                    .to_owned()
            },
        )
    }

    /// Values that are each in range must not be out of memory together.
    fn validate_sizes(&self) -> Result<(), Invalid> {
        let frames = self.mixtures.frames;
        let bins = self.stft.bins();
        let orders = self.training.orders.iter().sum();
        let components = self.training.background_components;
        let at_most = |key, (rows, row_keys), (columns, column_keys)| {
            let entries = usize::saturating_mul(rows, columns);
            require(key, entries <= MOST_ENTRIES, || {
                format!(
                    "{rows} ({row_keys}) times {columns} ({column_keys}) is {entries}, allowed are \
                     at most {MOST_ENTRIES}"
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
