//! One mixture through every method (section 4.2): a separation for each order, one with all
//! orders, and what is chosen from or made of them.

use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context, Result};
use dsp::{Complex64, Stft};
use eval::BssEvalSettings;
use model::{Dictionary, Execution, Inference, Observer, Separation, Settings, SourceModel, level};
use ndarray::Array2;

use super::dictionaries::Dictionaries;
use super::estimate::{Candidate, Estimate, Trial};
use super::methods::{Choice, Method, Part, Singles};
use super::mixtures::Observation;
use super::mixtures::recorded::RecordedMixture;
use super::scores::{Metric, ScoreError, Scorer, Scores};
use crate::config::{Config, MixtureSource};

/// Position of the speech among the sources.
pub(crate) const SPEECH: usize = 0;

/// Separates the mixtures of a run, each by itself.
#[derive(Debug)]
pub(crate) struct Separator<'a> {
    inference: Inference,
    stft: Stft,
    dictionaries: &'a Dictionaries,
    config: &'a Config,
    /// Mean power that all sources together expect of recordings; the same for every method, so
    /// that they differ by nothing else.
    expected_power: f64,
}

/// A trial's mixture, ready to be separated and scored.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) observation: Observation,
    /// The start of `E[W_2]`, components x bins: one draw for all separations of the mixture, so
    /// that they differ by the method alone.
    background_start: Array2<f64>,
}

impl<'a> Separator<'a> {
    /// `execution`: whether a separation may use several threads, which changes no result.
    ///
    /// # Errors
    /// Settings that the model does not allow.
    pub(crate) fn new(
        dictionaries: &'a Dictionaries,
        config: &'a Config,
        execution: Execution,
    ) -> Result<Self> {
        let orders = dictionaries.estimation.iter().map(|d| d.order());
        let mean_order = orders.sum::<usize>() as f64 / dictionaries.estimation.len().max(1) as f64;
        let expected_power = mean_order + config.training.background_components as f64;
        let model = &config.model;
        let settings = Settings {
            dictionary_shape: model.dictionary_shape,
            activation_shape: model.activation_shape,
            noise_variance: match config.mixtures.source {
                MixtureSource::Drawn => config.mixtures.noise_variance,
                MixtureSource::Recordings => {
                    level::noise_variance(expected_power, config.recordings.noise_db)
                }
            },
            iterations: model.iterations,
            tempering: model.tempering(),
            posterior: model.posterior,
            precision: model.precision,
        };
        Ok(Self {
            inference: Inference::new(settings)?.with_execution(execution),
            stft: Stft::new(&config.stft)?,
            dictionaries,
            config,
            expected_power,
        })
    }

    pub(crate) fn stft(&self) -> &Stft {
        &self.stft
    }

    /// The speaker's orders, in the configured sequence.
    pub(crate) fn orders(&self) -> Vec<usize> {
        let dictionaries = self.dictionaries.estimation.iter();
        dictionaries.map(|dictionary| dictionary.order()).collect()
    }

    /// Prepares the mixture of a trial.
    ///
    /// # Errors
    /// A mixture that cannot be made.
    pub(crate) fn prepare(
        &self,
        trial: &Trial,
        recorded: Option<&RecordedMixture>,
    ) -> Result<Subject> {
        let config = self.config;
        let (dictionaries, power) = (self.dictionaries, self.expected_power);
        let observation =
            Observation::new(trial, recorded, dictionaries, config, &self.stft, power)?;
        let shape = config.model.dictionary_shape;
        let background_start = synth::gamma_matrix(
            shape,
            shape,
            config.training.background_components,
            self.stft.bins(),
            config.model.dictionary_start_floor,
            &mut synth::stream(
                config.experiment.seed,
                "start",
                &trial.stream_key(&config.corpus),
            ),
        )?;
        Ok(Subject {
            observation,
            background_start,
        })
    }

    /// Prepares the scores of a mixture's estimates.
    pub(crate) fn scorer(&self, subject: &Subject) -> Scorer {
        let settings = BssEvalSettings {
            filter_taps: self.config.evaluation.filter_taps,
        };
        Scorer::new(&subject.observation.references, &settings)
    }

    /// One separation with some orders of the speaker, by their positions.
    pub(crate) fn separate(
        &self,
        subject: &Subject,
        orders: Range<usize>,
        observer: &mut dyn Observer,
    ) -> Result<Separation> {
        let speech = self.dictionaries.estimation[orders].iter().map(Arc::clone);
        let known = |dictionary: &Arc<Dictionary>| SourceModel::known([Arc::clone(dictionary)]);
        let background = match (self.config.mixtures.source, &self.dictionaries.background) {
            // It draws the mixtures; the separations do not know it.
            (MixtureSource::Drawn, _) | (MixtureSource::Recordings, None) => {
                SourceModel::estimated(subject.background_start.clone())?
            }
            (MixtureSource::Recordings, Some(dictionary)) => known(dictionary),
        };
        let start = self.config.model.activation_start;
        let sources = [
            SourceModel::known(speech).with_activation_start(start)?,
            background.with_activation_start(start)?,
        ];
        let mixture = subject.observation.spectrogram.view();
        Ok(self
            .inference
            .separate_observed(mixture, &sources, observer)?)
    }

    /// Runs and scores one part of a trial.
    ///
    /// # Errors
    /// Those of the model. A metric that fails is part of the scores.
    pub(crate) fn estimates(
        &self,
        part: Part,
        subject: &Subject,
        scorer: &Scorer,
    ) -> Result<Vec<Estimate>> {
        match part {
            Part::Singles => self.singles(subject, scorer),
            Part::Fusion => Ok(vec![self.fusion(subject, scorer)?]),
        }
    }

    /// The mixture as it is, where that is tabled; the single orders; the methods that choose from
    /// them or make something of them.
    fn singles(&self, subject: &Subject, scorer: &Scorer) -> Result<Vec<Estimate>> {
        let observation = &subject.observation;
        let score = |estimate: &Array2<Complex64>| {
            scorer.score(&observation.synthesise(estimate, &self.stft))
        };
        let orders = self.orders();
        let separations: Vec<SpeechEstimate> = orders
            .iter()
            .enumerate()
            .map(|(position, order)| {
                let separation = self.separate(subject, position..position + 1, &mut ());
                let separation =
                    separation.with_context(|| format!("separation with order {order}"))?;
                Ok(SpeechEstimate::new(separation))
            })
            .collect::<Result<_>>()?;
        let scores: Vec<Scores> = separations
            .iter()
            .map(|separation| score(&separation.spectrogram))
            .collect();
        let of_order = |candidate, position: usize| Estimate {
            candidate,
            order: Some(orders[position]),
            free_energy: Some(separations[position].free_energy),
            order_posterior: None,
            scores: scores[position].clone(),
        };
        let without_order = |candidate, scores| Estimate {
            candidate,
            order: None,
            free_energy: None,
            order_posterior: None,
            scores,
        };
        let mut estimates = Vec::new();
        if self.config.mixtures.source == MixtureSource::Recordings {
            let scores = scorer.score(&observation.signal);
            estimates.push(without_order(Candidate::Mixture, scores));
        }
        let positions = orders.iter().enumerate();
        let singles =
            positions.map(|(position, &order)| of_order(Candidate::Order(order), position));
        estimates.extend(singles);
        let singles = Singles {
            estimates: separations.iter().map(|s| s.spectrogram.view()).collect(),
            free_energies: separations.iter().map(|s| s.free_energy).collect(),
            sdr_db: scores.iter().map(sdr_for_the_oracle).collect(),
        };
        for method in Method::ALL {
            let candidate = Candidate::Method(method);
            estimates.extend(method.choose(&singles).map(|choice| match choice {
                Choice::Order(position) => of_order(candidate, position),
                Choice::Estimate(made) => without_order(candidate, score(&made)),
                Choice::Nothing(error) => without_order(candidate, Scores::failed(&error)),
            }));
        }
        Ok(estimates)
    }

    fn fusion(&self, subject: &Subject, scorer: &Scorer) -> Result<Estimate> {
        let all = 0..self.dictionaries.estimation.len();
        let mut fused = self.separate(subject, all, &mut ()).context("fusion")?;
        let order_posterior = fused.order_posterior.swap_remove(SPEECH);
        let fused = SpeechEstimate::new(fused);
        let samples = subject
            .observation
            .synthesise(&fused.spectrogram, &self.stft);
        Ok(Estimate {
            candidate: Candidate::Method(Method::VbFusion),
            order: None,
            free_energy: Some(fused.free_energy),
            order_posterior: Some(order_posterior),
            scores: scorer.score(&samples),
        })
    }
}

/// What is kept of a separation until it is scored.
struct SpeechEstimate {
    spectrogram: Array2<Complex64>,
    free_energy: f64,
}

impl SpeechEstimate {
    fn new(mut separation: Separation) -> Self {
        Self {
            spectrogram: separation.estimates.swap_remove(SPEECH),
            free_energy: separation.free_energy,
        }
    }
}

/// The oracle goes by the SDR of BSS Eval whatever metric is tabled, so that all its rows are of
/// one choice. A perfect estimate is above all others; one without an SDR, or with nothing of the
/// source, is NaN, which is never chosen.
pub(crate) fn sdr_for_the_oracle(scores: &Scores) -> f64 {
    match scores.get(Metric::Sdr) {
        Ok(sdr_db) => *sdr_db,
        Err(ScoreError::Infinite) => f64::INFINITY,
        Err(_) => f64::NAN,
    }
}
