//! One mixture through every method: single orders, VB selection, VB fusion, oracle, mean, and the mixture as it is.

use std::sync::Arc;

use anyhow::{Context, Result};
use dsp::{Complex64, Stft};
use eval::{BssEval, BssEvalSettings};
use model::{Dictionary, Execution, Inference, Separation, Settings, SourceModel, fusion, level};
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::unit::{Dictionaries, Mixture};
use crate::config::{Config, Realmix};
use crate::method::Method;
use crate::scoring::{ScoreError, Scores};
use crate::separation::oracle_score;

/// Position of the speaker among the sources.
const SPEAKER: usize = 0;

/// What is scored against the true speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Candidate {
    /// The mixture as it is: what a method has to improve on.
    Mixture,
    /// An estimate.
    Method(Method),
}

impl Candidate {
    /// The mixture and the methods of the table, in its order.
    pub const TABLED: [Self; 5] = [
        Self::Mixture,
        Self::Method(Method::VbSelection),
        Self::Method(Method::VbFusion),
        Self::Method(Method::OracleSelection),
        Self::Method(Method::FusionByMean),
    ];

    /// The name in results files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mixture => "mixture",
            Self::Method(method) => method.name(),
        }
    }

    /// The name in tables.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Mixture => "Mixture",
            Self::Method(method) => method.label(),
        }
    }
}

/// The scores of an estimate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// What made it.
    pub candidate: Candidate,
    /// Components of the speaker's dictionary, where it is of one order.
    pub order: Option<usize>,
    /// Of the speech.
    pub scores: Scores,
}

impl Scored {
    fn of(candidate: Candidate, order: Option<usize>, scores: Scores) -> Self {
        Self {
            candidate,
            order,
            scores,
        }
    }
}

/// Separates the mixtures of a unit, each by itself.
#[derive(Debug)]
pub struct MixtureSeparator<'a> {
    inference: Inference,
    stft: Stft,
    dictionaries: &'a Dictionaries,
    config: &'a Config,
    /// Mean power that all sources together expect; the same for every method, so that they differ by nothing else.
    power: f64,
}

impl<'a> MixtureSeparator<'a> {
    /// Sets up the inference. How it is executed changes no result.
    ///
    /// # Errors
    /// Settings that the model does not allow.
    pub fn new(
        dictionaries: &'a Dictionaries,
        config: &'a Config,
        execution: Execution,
    ) -> Result<Self> {
        let mean_order = |dictionaries: &[Arc<Dictionary>]| {
            let orders: usize = dictionaries.iter().map(|d| d.order()).sum();
            orders as f64 / dictionaries.len().max(1) as f64
        };
        let power = mean_order(&dictionaries.speech) + config.training.background_components as f64;
        let model = &config.model;
        let settings = Settings {
            dictionary_shape: model.dictionary_shape,
            activation_shape: model.activation_shape,
            noise_variance: level::noise_variance(power, Realmix::of(config).noise_db),
            iterations: model.iterations,
            tempering: model.tempering(),
            precision: model.precision,
        };
        Ok(Self {
            inference: Inference::new(settings)?.with_execution(execution),
            stft: Stft::new(&config.stft)?,
            dictionaries,
            config,
            power,
        })
    }

    /// Runs and scores all methods on one mixture.
    ///
    /// # Errors
    /// A mixture that cannot be made; those of the model. A metric that fails is part of the scores.
    pub fn run(&self, mixture: &Mixture) -> Result<Vec<Scored>> {
        let parts = mixture.parts()?;
        let signal = parts.sum();
        let mean_square = signal.iter().map(|x| x * x).sum::<f64>() / signal.len() as f64;
        let gain = level::gain(self.config.stft.mean_power(mean_square), self.power);
        let spectrogram = self.stft.analyse(&signal) * Complex64::from(gain);
        let references = [&parts.speech[..], &parts.background];
        let settings = BssEvalSettings {
            filter_taps: self.config.evaluation.filter_taps,
        };
        let bss_eval = BssEval::new(&references, &settings);
        let score_signal = |estimate: &[f64]| {
            let bss = bss_eval.as_ref().map_err(Clone::clone);
            let bss = bss.and_then(|bss_eval| bss_eval.score(estimate, SPEAKER));
            Scores::of(&bss, references[SPEAKER], estimate)
        };
        let score = |estimate: ArrayView2<'_, Complex64>| {
            let mut samples = self.stft.synthesise(estimate, signal.len());
            samples.iter_mut().for_each(|x| *x /= gain);
            score_signal(&samples)
        };

        let start = self.background_start(mixture)?;
        let singles: Vec<Separation> = self
            .dictionaries
            .speech
            .iter()
            .map(|dictionary| self.separate(&spectrogram, std::slice::from_ref(dictionary), &start))
            .collect::<Result<_>>()?;
        let scored: Vec<Scores> = singles
            .iter()
            .map(|single| score(single.estimates[SPEAKER].view()))
            .collect();
        let order = |index: usize| Some(self.dictionaries.speech[index].order());
        let mixed = score_signal(&signal);
        let mut all = vec![Scored::of(Candidate::Mixture, None, mixed)];
        let of_order = |method, index: usize| {
            let scores = scored[index].clone();
            Scored::of(Candidate::Method(method), order(index), scores)
        };
        all.extend((0..scored.len()).map(|index| of_order(Method::Single, index)));
        let of_all = |method, scores| Scored::of(Candidate::Method(method), None, scores);

        let free_energies: Vec<f64> = singles.iter().map(|single| single.free_energy).collect();
        let selected =
            fusion::vb_selection(&free_energies).context("no free energy is a number")?;
        all.push(of_order(Method::VbSelection, selected));

        let fused = self.separate(&spectrogram, &self.dictionaries.speech, &start)?;
        let fused = score(fused.estimates[SPEAKER].view());
        all.push(of_all(Method::VbFusion, fused));

        let sdrs: Vec<f64> = scored.iter().map(oracle_score).collect();
        all.push(match fusion::oracle_selection(&sdrs) {
            Some(index) => of_order(Method::OracleSelection, index),
            None => {
                let failed = Scores::failed(&ScoreError::NoOracle);
                of_all(Method::OracleSelection, failed)
            }
        });

        let estimates = singles
            .iter()
            .map(|single| single.estimates[SPEAKER].view());
        let mean = fusion::fusion_by_mean(estimates).context("no single order")?;
        let mean = score(mean.view());
        all.push(of_all(Method::FusionByMean, mean));
        Ok(all)
    }

    fn separate(
        &self,
        mixture: &Array2<Complex64>,
        speaker: &[Arc<Dictionary>],
        background_start: &Array2<f64>,
    ) -> Result<Separation> {
        let start = self.config.model.activation_start;
        let background = match &self.dictionaries.background {
            Some(dictionary) => {
                SourceModel::known([dictionary.clone()]).with_activation_start(start)?
            }
            None => {
                SourceModel::estimated(background_start.clone())?.with_activation_start(start)?
            }
        };
        let speaker = SourceModel::known(speaker.iter().cloned()).with_activation_start(start)?;
        let sources = [speaker, background];
        Ok(self.inference.separate(mixture.view(), &sources)?)
    }

    /// One draw for all separations of a mixture, so that they differ by the method alone.
    fn background_start(&self, mixture: &Mixture) -> Result<Array2<f64>> {
        let config = self.config;
        let shape = config.model.dictionary_shape;
        // Adding zero turns -0 into 0.
        let cell = [(mixture.snr_db + 0.0).to_bits(), mixture.index as u64];
        Ok(synth::gamma_matrix(
            shape,
            shape,
            config.training.background_components,
            self.stft.bins(),
            config.model.dictionary_start_floor,
            &mut synth::stream(config.experiment.seed, "start", &cell),
        )?)
    }
}
