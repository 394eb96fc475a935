//! One mixture through every method: single orders, VB selection, VB fusion, oracle, mean, and the mixture as it is.

use std::sync::Arc;

use anyhow::{Context, Result};
use dsp::{Complex64, Stft};
use eval::{BssEval, BssEvalSettings};
use model::{Dictionary, Execution, Inference, Separation, Settings, SourceModel, fusion};
use ndarray::{Array2, ArrayView2};

use super::unit::{Mixture, Unit};
use crate::config::{Config, Realmix};
use crate::level;
use crate::method::Method;
use crate::scoring::{ScoreError, Scores};
use crate::separation::oracle_score;

/// Position of the speaker among the sources.
const SPEAKER: usize = 0;

/// What is scored against the true speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

/// An estimate, its order if it has one, its scores.
pub type Scored = (Candidate, Option<usize>, Scores);

/// Separates the mixtures of a unit.
#[derive(Debug)]
pub struct MixtureSeparator<'a> {
    inference: Inference,
    stft: Stft,
    unit: &'a Unit,
    config: &'a Config,
    /// Mean power that all sources together expect; the same for every method, so that they differ by nothing else.
    power: f64,
}

impl<'a> MixtureSeparator<'a> {
    /// Sets up the inference.
    ///
    /// # Errors
    /// Settings that the model does not allow.
    pub fn new(unit: &'a Unit, config: &'a Config, realmix: &Realmix) -> Result<Self> {
        let mean_order = |dictionaries: &[Arc<Dictionary>]| {
            let orders: usize = dictionaries.iter().map(|d| d.order()).sum();
            orders as f64 / dictionaries.len().max(1) as f64
        };
        let power = mean_order(&unit.speech) + config.training.background_components as f64;
        let model = &config.model;
        let settings = Settings {
            dictionary_shape: model.dictionary_shape,
            activation_shape: model.activation_shape,
            noise_variance: level::noise_variance(power, realmix.noise_db),
            iterations: model.iterations,
            tempering: model.tempering(),
            precision: model.precision,
        };
        Ok(Self {
            inference: Inference::new(settings)?.with_execution(Execution::Serial),
            stft: Stft::new(&config.stft)?,
            unit,
            config,
            power,
        })
    }

    /// Runs and scores all methods on one mixture.
    ///
    /// # Errors
    /// Those of the model. A metric that fails is part of the scores.
    pub fn run(&self, mixture: &Mixture) -> Result<Vec<Scored>> {
        let signal = mixture.signal();
        let mean_square = signal.iter().map(|x| x * x).sum::<f64>() / signal.len() as f64;
        let gain = level::gain(mean_square, &self.config.stft, self.power);
        let spectrogram = self.stft.analyse(&signal) * Complex64::from(gain);
        let references = [&mixture.speech[..], &mixture.background];
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
            .unit
            .speech
            .iter()
            .map(|dictionary| self.separate(&spectrogram, std::slice::from_ref(dictionary), &start))
            .collect::<Result<_>>()?;
        let scored: Vec<Scores> = singles
            .iter()
            .map(|single| score(single.estimates[SPEAKER].view()))
            .collect();
        let order = |index: usize| Some(self.unit.speech[index].order());
        let mut all: Vec<Scored> = vec![(Candidate::Mixture, None, score_signal(&signal))];
        for (index, scores) in scored.iter().enumerate() {
            let single = Candidate::Method(Method::Single);
            all.push((single, order(index), scores.clone()));
        }
        let chosen = |method, index: usize| {
            (
                Candidate::Method(method),
                order(index),
                scored[index].clone(),
            )
        };

        let free_energies: Vec<f64> = singles.iter().map(|single| single.free_energy).collect();
        let selected =
            fusion::vb_selection(&free_energies).context("no free energy is a number")?;
        all.push(chosen(Method::VbSelection, selected));

        let fused = self.separate(&spectrogram, &self.unit.speech, &start)?;
        let fused = score(fused.estimates[SPEAKER].view());
        all.push((Candidate::Method(Method::VbFusion), None, fused));

        let sdrs: Vec<f64> = scored.iter().map(oracle_score).collect();
        all.push(match fusion::oracle_selection(&sdrs) {
            Some(index) => chosen(Method::OracleSelection, index),
            None => {
                let oracle = Candidate::Method(Method::OracleSelection);
                (oracle, None, Scores::failed(&ScoreError::NoOracle))
            }
        });

        let estimates = singles
            .iter()
            .map(|single| single.estimates[SPEAKER].view());
        let mean = fusion::fusion_by_mean(estimates).context("no single order")?;
        let mean = score(mean.view());
        all.push((Candidate::Method(Method::FusionByMean), None, mean));
        Ok(all)
    }

    fn separate(
        &self,
        mixture: &Array2<Complex64>,
        speaker: &[Arc<Dictionary>],
        background_start: &Array2<f64>,
    ) -> Result<Separation> {
        let background = match &self.unit.background {
            Some(dictionary) => SourceModel::known([dictionary.clone()]),
            None => SourceModel::estimated(background_start.clone()),
        };
        let start = self.config.model.activation_start;
        let sources = [SourceModel::known(speaker.iter().cloned()), background]
            .map(|source| source.with_activation_start(start));
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
