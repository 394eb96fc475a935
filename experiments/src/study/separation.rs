//! One mixture through every method (section 4.2): a separation for each order, one with all orders
//! for each posterior, and what is chosen from or made of the single orders.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use dsp::{Complex64, Stft};
use eval::BssEvalSettings;
use model::{
    Dictionary, Execution, Inference, Observer, Posterior, Separation, Settings, SourceModel, level,
};
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
    factorised: Inference,
    structured: Inference,
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
    /// Those with one order, once they are needed. They do not depend on the tempering: trials
    /// that differ in nothing else share them.
    singles: OnceCell<Vec<SpeechEstimate>>,
}

/// What a part of a trial needs beside its mixture.
#[derive(Debug)]
pub(crate) enum Given<'a> {
    Nothing,
    /// For the method that goes by them, one for each single order.
    LearnedWeights(&'a [f64]),
    /// The estimate that another program made, in the time domain.
    Signal(Vec<f64>),
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
            tolerance: model.tolerance,
            tempering: model.tempering(),
            posterior: Posterior::Factorised,
            precision: model.precision,
            acceleration: model.acceleration,
        };
        let inference = |posterior| {
            let inference = Inference::new(Settings {
                posterior,
                ..settings
            });
            inference.map(|inference| inference.with_execution(execution))
        };
        Ok(Self {
            factorised: inference(Posterior::Factorised)?,
            structured: inference(Posterior::Structured)?,
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
            singles: OnceCell::new(),
        })
    }

    /// Prepares the scores of a mixture's estimates.
    pub(crate) fn scorer(&self, subject: &Subject) -> Scorer {
        let settings = BssEvalSettings {
            filter_taps: self.config.evaluation.filter_taps,
        };
        Scorer::new(&subject.observation.references, &settings)
    }

    /// One separation with some orders of the speaker, by their positions. With one order both
    /// posteriors are the same.
    pub(crate) fn separate(
        &self,
        subject: &Subject,
        orders: Range<usize>,
        posterior: Posterior,
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
        let inference = match posterior {
            Posterior::Factorised => &self.factorised,
            Posterior::Structured => &self.structured,
        };
        Ok(inference.separate_observed(mixture, &sources, observer)?)
    }

    /// Runs and scores one part of a trial. `given`: what the part needs beside the mixture.
    ///
    /// # Errors
    /// Those of the model. A metric that fails is part of the scores.
    pub(crate) fn estimates(
        &self,
        part: Part,
        subject: &Subject,
        scorer: &Scorer,
        given: &Given<'_>,
    ) -> Result<Vec<Estimate>> {
        match part {
            Part::Foreign(name) => {
                let Given::Signal(signal) = given else {
                    bail!("there is no estimate of {name}");
                };
                let scores = scorer.score(signal);
                let candidate = Candidate::Foreign(name);
                Ok(vec![Estimate::without_order(candidate, scores)])
            }
            Part::Mixture => {
                let scores = scorer.score(&subject.observation.signal);
                Ok(vec![Estimate::without_order(Candidate::Mixture, scores)])
            }
            Part::Fusion(posterior) => self.fusion(posterior, subject, scorer),
            Part::Singles => {
                let separations = self.separate_singles(subject)?;
                let score = |separation: &SpeechEstimate| {
                    self.score(&separation.spectrogram, subject, scorer)
                };
                let scores: Vec<Scores> = separations.iter().map(score).collect();
                let estimates = (0..separations.len()).map(|position| {
                    let order = self.dictionaries.estimation[position].order();
                    Estimate {
                        order: Some(order),
                        free_energy: Some(separations[position].free_energy),
                        ..Estimate::without_order(Candidate::Order(order), scores[position].clone())
                    }
                });
                let singles: Vec<Estimate> = estimates.collect();
                let methods = self.made_of_singles(part, &singles, subject, scorer, &[])?;
                Ok(singles.into_iter().chain(methods).collect())
            }
            // Neither goes by the scores of the single orders.
            Part::Tempered | Part::Learned => {
                let weights = match given {
                    Given::LearnedWeights(weights) => weights,
                    Given::Nothing | Given::Signal(_) => &[][..],
                };
                self.made_of_singles(part, &[], subject, scorer, weights)
            }
        }
    }

    /// The methods of a part that choose from the single-order separations or make something of
    /// them. `scored`: these, for the methods that choose.
    fn made_of_singles(
        &self,
        part: Part,
        scored: &[Estimate],
        subject: &Subject,
        scorer: &Scorer,
        learned_weights: &[f64],
    ) -> Result<Vec<Estimate>> {
        let separations = self.separate_singles(subject)?;
        let singles = Singles {
            estimates: separations.iter().map(|it| it.spectrogram.view()).collect(),
            free_energies: separations.iter().map(|it| it.free_energy).collect(),
            sdr_db: scored
                .iter()
                .map(|it| sdr_for_the_oracle(&it.scores))
                .collect(),
            beta: self.beta(subject),
            learned_weights,
        };
        let estimate = |method: Method| {
            let candidate = Candidate::Method(method);
            let made = |spectrogram: &Array2<Complex64>| {
                Estimate::without_order(candidate, self.score(spectrogram, subject, scorer))
            };
            Some(match method.choose(&singles)? {
                Choice::Order(position) => Estimate {
                    candidate,
                    ..scored.get(position)?.clone()
                },
                Choice::Estimate(mean) => made(&mean),
                Choice::Weighted(weights, mean) => Estimate {
                    order_posterior: Some(weights),
                    ..made(&mean)
                },
                Choice::Nothing(error) => {
                    Estimate::without_order(candidate, Scores::failed(&error))
                }
            })
        };
        Ok(part.methods().filter_map(estimate).collect())
    }

    /// The single-order separations of a mixture, by the sequence of the orders.
    ///
    /// # Errors
    /// Those of the model.
    pub(crate) fn separate_singles<'s>(
        &self,
        subject: &'s Subject,
    ) -> Result<&'s [SpeechEstimate]> {
        if let Some(separations) = subject.singles.get() {
            return Ok(separations);
        }
        let separate = |(position, order): (usize, usize)| {
            let single = position..position + 1;
            let separation = self.separate(subject, single, Posterior::Factorised, &mut ());
            let separation =
                separation.with_context(|| format!("separation with order {order}"))?;
            Ok(SpeechEstimate::new(separation))
        };
        let orders = self.orders().into_iter().enumerate();
        let separations = orders.map(separate).collect::<Result<Vec<_>>>()?;
        Ok(subject.singles.get_or_init(|| separations))
    }

    fn fusion(
        &self,
        posterior: Posterior,
        subject: &Subject,
        scorer: &Scorer,
    ) -> Result<Vec<Estimate>> {
        let all = 0..self.dictionaries.estimation.len();
        let separated = self.separate(subject, all, posterior, &mut ());
        let mut fused = separated.context("fusion")?;
        let order_posterior = fused.order_posterior.swap_remove(SPEECH);
        let fused = SpeechEstimate::new(fused);
        let scores = self.score(&fused.spectrogram, subject, scorer);
        let estimate = |method| Estimate {
            free_energy: Some(fused.free_energy),
            order_posterior: Some(order_posterior.clone()),
            ..Estimate::without_order(Candidate::Method(method), scores.clone())
        };
        Ok(Part::Fusion(posterior).methods().map(estimate).collect())
    }

    /// `beta` for a mixture of this size.
    pub(crate) fn beta(&self, subject: &Subject) -> f64 {
        let (frames, bins) = subject.observation.spectrogram.dim();
        self.factorised.settings().tempering.beta(frames, bins)
    }

    fn score(&self, estimate: &Array2<Complex64>, subject: &Subject, scorer: &Scorer) -> Scores {
        scorer.score(&subject.observation.synthesise(estimate, &self.stft))
    }
}

/// Whether separations use several threads: each by itself where there are few of them.
pub(crate) fn choose_execution(tasks: usize) -> Execution {
    match tasks < 2 * rayon::current_num_threads() {
        true => Execution::Parallel,
        false => Execution::Serial,
    }
}

/// What is kept of a separation until it is scored.
#[derive(Debug)]
pub(crate) struct SpeechEstimate {
    /// Frames x bins.
    pub(crate) spectrogram: Array2<Complex64>,
    /// In nats.
    pub(crate) free_energy: f64,
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
