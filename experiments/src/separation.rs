//! One observation through every method (section 4.2): seven single-order separations, one fusion, and what is chosen
//! from or made of them.

use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context, Result};
use dsp::{Complex64, Stft};
use eval::BssEvalSettings;
use model::{
    Dictionary, Execution, Inference, Observer, Separation, Settings, SourceModel, fusion,
};
use ndarray::Array2;

use crate::config::Config;
use crate::durable::record::{Fusion, SingleOrder, Singles};
use crate::method::Method;
use crate::metric::Metric;
use crate::observation::Observation;
use crate::scoring::{ScoreError, Scorer, Scores};
use crate::training::Dictionaries;

/// Position of the speaker among the sources.
pub const SPEAKER: usize = 0;

/// What is kept of an observation: the scores of every estimate, and the fusion's q(K).
#[derive(Debug, Clone)]
pub struct Separated {
    /// The single orders first, then the methods of the table.
    pub estimates: Vec<ScoredEstimate>,
    /// q(K_1) of the fusion, one weight per order.
    pub order_posterior: Vec<f64>,
}

/// An estimate of the speaker and its scores.
#[derive(Debug, Clone)]
pub struct ScoredEstimate {
    /// How it was found.
    pub method: Method,
    /// The order it is from, where it is from one.
    pub order: Option<usize>,
    /// The free energy at the end, where it is of one separation.
    pub free_energy: Option<f64>,
    /// Its scores.
    pub scores: Scores,
}

/// Separates the observations of an experiment.
#[derive(Debug)]
pub struct Separator<'a> {
    inference: Inference,
    stft: Stft,
    dictionaries: &'a Dictionaries,
    config: &'a Config,
}

impl<'a> Separator<'a> {
    /// `execution`: whether a separation may use several threads.
    ///
    /// # Errors
    /// Settings that the model does not allow.
    pub fn new(
        dictionaries: &'a Dictionaries,
        config: &'a Config,
        execution: Execution,
    ) -> Result<Self> {
        let settings = Settings {
            dictionary_shape: config.model.dictionary_shape,
            activation_shape: config.model.activation_shape,
            noise_variance: config.mixtures.noise_variance,
            iterations: config.model.iterations,
            tempering: config.model.tempering(),
            precision: config.model.precision,
        };
        Ok(Self {
            inference: Inference::new(settings)?.with_execution(execution),
            stft: Stft::new(&config.stft)?,
            dictionaries,
            config,
        })
    }

    /// One separation with a single order of the speaker, by its position.
    ///
    /// # Errors
    /// Those of the model.
    pub fn single_order(&self, observation: &Observation, index: usize) -> Result<Separation> {
        let dictionary = &self.dictionaries.estimation[index];
        self.separate(observation, std::slice::from_ref(dictionary))
            .with_context(|| format!("separation with order {}", dictionary.order()))
    }

    /// One separation with all orders of the speaker.
    ///
    /// # Errors
    /// Those of the model.
    pub fn fusion(&self, observation: &Observation) -> Result<Separation> {
        self.separate(observation, &self.dictionaries.estimation)
            .context("fusion")
    }

    /// One separation with the given orders of the speaker, by their positions, watched.
    ///
    /// # Errors
    /// Those of the model.
    pub fn observed(
        &self,
        observation: &Observation,
        orders: Range<usize>,
        observer: &mut dyn Observer,
    ) -> Result<Separation> {
        let sources = self.sources(observation, &self.dictionaries.estimation[orders])?;
        let mixture = observation.drawn.mixture.view();
        Ok(self
            .inference
            .separate_observed(mixture, &sources, observer)?)
    }

    fn separate(
        &self,
        observation: &Observation,
        speaker: &[Arc<Dictionary>],
    ) -> Result<Separation> {
        let sources = self.sources(observation, speaker)?;
        let mixture = observation.drawn.mixture.view();
        Ok(self.inference.separate(mixture, &sources)?)
    }

    fn sources(
        &self,
        observation: &Observation,
        speaker: &[Arc<Dictionary>],
    ) -> Result<[SourceModel; 2]> {
        let start = self.config.model.activation_start;
        let background = observation.background_start.clone();
        Ok([
            SourceModel::known(speaker.iter().cloned()).with_activation_start(start)?,
            SourceModel::estimated(background)?.with_activation_start(start)?,
        ])
    }

    /// Prepares the scores of an observation's estimates.
    #[must_use]
    pub fn scorer(&self, observation: &Observation) -> Scorer<'_> {
        let settings = BssEvalSettings {
            filter_taps: self.config.evaluation.filter_taps,
        };
        Scorer::new(&self.stft, &observation.drawn.sources, &settings)
    }

    /// Runs and scores the single orders of one observation, and what is chosen from or made of them.
    ///
    /// # Errors
    /// Those of the model. A metric that fails is part of the scores.
    pub fn scored_singles(
        &self,
        observation: &Observation,
        scorer: &Scorer<'_>,
    ) -> Result<Singles> {
        let singles: Vec<SpeakerEstimate> = (0..self.dictionaries.estimation.len())
            .map(|index| Ok(SpeakerEstimate::of(self.single_order(observation, index)?)))
            .collect::<Result<_>>()?;
        let orders: Vec<SingleOrder> = singles
            .iter()
            .zip(&self.dictionaries.estimation)
            .map(|(single, dictionary)| SingleOrder {
                order: dictionary.order(),
                free_energy: single.free_energy,
                scores: scorer.score(single.spectrogram.view()),
            })
            .collect();
        let free_energies: Vec<f64> = singles.iter().map(|single| single.free_energy).collect();
        let selected =
            fusion::vb_selection(&free_energies).context("no free energy is a number")?;
        let oracle_scores: Vec<f64> = orders
            .iter()
            .map(|single| oracle_score(&single.scores))
            .collect();
        let mean = fusion::fusion_by_mean(singles.iter().map(|single| single.spectrogram.view()))
            .context("no single-order separation")?;
        Ok(Singles {
            orders,
            selected,
            oracle: fusion::oracle_selection(&oracle_scores),
            mean: scorer.score(mean.view()),
        })
    }

    /// Runs and scores the fusion of one observation.
    ///
    /// # Errors
    /// Those of the model. A metric that fails is part of the scores.
    pub fn scored_fusion(&self, observation: &Observation, scorer: &Scorer<'_>) -> Result<Fusion> {
        let fused = self.fusion(observation)?;
        let order_posterior = fused.order_posterior[SPEAKER].clone();
        let fused = SpeakerEstimate::of(fused);
        Ok(Fusion {
            free_energy: fused.free_energy,
            order_posterior,
            scores: scorer.score(fused.spectrogram.view()),
        })
    }
}

impl Separated {
    /// All estimates of an observation, from its two parts.
    #[must_use]
    pub fn of(singles: &Singles, fusion: &Fusion) -> Self {
        let single = |method, single: &SingleOrder| ScoredEstimate {
            method,
            order: Some(single.order),
            free_energy: Some(single.free_energy),
            scores: single.scores.clone(),
        };
        let made = |method, free_energy, scores: &Scores| ScoredEstimate {
            method,
            order: None,
            free_energy,
            scores: scores.clone(),
        };
        let orders = &singles.orders;
        let tabled = [
            single(Method::VbSelection, &orders[singles.selected]),
            made(Method::VbFusion, Some(fusion.free_energy), &fusion.scores),
            match singles.oracle {
                Some(index) => single(Method::OracleSelection, &orders[index]),
                None => made(
                    Method::OracleSelection,
                    None,
                    &Scores::failed(&ScoreError::NoOracle),
                ),
            },
            made(Method::FusionByMean, None, &singles.mean),
        ];
        let singles = orders.iter().map(|order| single(Method::Single, order));
        Self {
            estimates: singles.chain(tabled).collect(),
            order_posterior: fusion.order_posterior.clone(),
        }
    }
}

/// What is kept of a separation until it is scored.
struct SpeakerEstimate {
    spectrogram: Array2<Complex64>,
    free_energy: f64,
}

impl SpeakerEstimate {
    fn of(mut separation: Separation) -> Self {
        Self {
            spectrogram: separation.estimates.swap_remove(SPEAKER),
            free_energy: separation.free_energy,
        }
    }
}

/// beta of the fusions of a configuration, however it is given.
#[must_use]
pub fn beta(config: &Config) -> f64 {
    let bins = config.stft.window_samples / 2 + 1;
    let tempering = config.model.tempering();
    tempering.beta(config.mixtures.frames, bins)
}

/// The oracle goes by the SDR of BSS Eval whatever metric is tabled, so that all its rows are of one choice. A perfect
/// estimate is above all others; one without an SDR, or with nothing of the source, is NaN, which is never chosen.
pub(crate) fn oracle_score(scores: &Scores) -> f64 {
    match scores.get(Metric::Sdr) {
        Ok(sdr_db) => *sdr_db,
        Err(ScoreError::Infinite) => f64::INFINITY,
        Err(_) => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oracle_takes_a_perfect_estimate_and_none_without_an_sdr() {
        let perfect = oracle_score(&Scores::failed(&ScoreError::Infinite));
        let empty = oracle_score(&Scores::failed(&ScoreError::MinusInfinite));
        assert_eq!(fusion::oracle_selection(&[empty, 3.0, perfect]), Some(2));
        assert_eq!(fusion::oracle_selection(&[empty, -90.0]), Some(1));
        assert_eq!(fusion::oracle_selection(&[empty, empty]), None);
    }
}
