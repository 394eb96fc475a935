//! From signals to dictionaries (section 4.1): their powers, Itakura-Saito NMF, one scale for all
//! components. What was learned before is taken from a cache.

pub(crate) mod cache;
mod normalisation;
pub(crate) mod origin;
pub(crate) mod signals;
pub(crate) mod voices;

use std::path::Path;
use std::sync::{Arc, LazyLock};

use anyhow::{Context, Result};
use dsp::{Stft, StftSettings};
use model::itakura_saito::{self, TrainingSettings};
use model::{Dictionary, Precision};
use ndarray::Array2;
use rayon::prelude::*;
use serde::Serialize;

use crate::config::{BackgroundModel, Config, Estimation, MixtureSource};
use crate::interrupt;
use crate::progress::{Progress, Stage};
use crate::store::digest::{Computed, Digest};
use cache::DictionaryCache;
use normalisation::normalise;
use signals::{SignalDigests, Signals};

/// The models of the sources; what is not learned is empty.
#[derive(Debug, Clone)]
pub(crate) struct Dictionaries {
    /// The speaker's, one per order, that draw mixtures.
    pub(crate) generation: Vec<Arc<Dictionary>>,
    /// The speaker's, one per order, that separate them.
    pub(crate) estimation: Vec<Arc<Dictionary>>,
    /// The background's: it draws mixtures, or is known to those that separate recordings.
    pub(crate) background: Option<Arc<Dictionary>>,
}

/// What identifies dictionaries, before their normalisation: digests of all that determines them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct DictionaryKeys {
    pub(crate) generation: Vec<Digest>,
    pub(crate) estimation: Vec<Digest>,
    pub(crate) background: Option<Digest>,
}

/// What a dictionary is for; every training has a random stream of its own, which the numbers are
/// part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Side {
    Generation = 0,
    Estimation = 1,
    Background = 2,
}

/// All that determines a dictionary.
#[derive(Serialize)]
struct TrainingInputs<'a> {
    computed: Computed,
    signal: Digest,
    stft: &'a StftSettings,
    side: Side,
    order: usize,
    iterations: usize,
    precision: Precision,
    seed: u64,
}

/// Which dictionaries a configuration learns.
struct Wanted<'a> {
    generation: &'a [usize],
    /// None where those that generate separate, too.
    estimation: Option<&'a [usize]>,
    /// Components of the background, where it is learned.
    background: Option<usize>,
}

impl<'a> Wanted<'a> {
    fn new(config: &'a Config) -> Self {
        let orders = &config.training.orders[..];
        let components = config.training.background_components;
        match config.mixtures.source {
            MixtureSource::Drawn => Self {
                generation: orders,
                estimation: match config.training.estimation {
                    Estimation::SameDictionaries => None,
                    Estimation::OtherUtterances
                    | Estimation::SameUtterances
                    | Estimation::AnotherSpeaker => Some(orders),
                },
                background: Some(components),
            },
            MixtureSource::Recordings => Self {
                generation: &[],
                estimation: Some(orders),
                background: match config.recordings.background {
                    BackgroundModel::Known => Some(components),
                    BackgroundModel::Estimated => None,
                },
            },
        }
    }

    fn components(&self) -> usize {
        let speech = self
            .generation
            .iter()
            .chain(self.estimation.unwrap_or_default());
        speech.sum::<usize>() + self.background.unwrap_or_default()
    }
}

impl DictionaryKeys {
    /// The keys of the dictionaries that a configuration learns from signals.
    fn new(signals: &SignalDigests, config: &Config) -> Result<Self> {
        let wanted = Wanted::new(config);
        let of_orders = |side, signal, orders: &[usize]| -> Result<Vec<Digest>> {
            orders
                .iter()
                .map(|&order| key(config, side, signal, order))
                .collect()
        };
        let generation = of_orders(Side::Generation, signals.generation, wanted.generation)?;
        Ok(Self {
            estimation: match wanted.estimation {
                Some(orders) => of_orders(Side::Estimation, signals.estimation, orders)?,
                None => generation.clone(),
            },
            generation,
            background: wanted
                .background
                .map(|components| key(config, Side::Background, signals.background, components))
                .transpose()?,
        })
    }
}

fn key(config: &Config, side: Side, signal: Digest, order: usize) -> Result<Digest> {
    Ok(Digest::of_value(&TrainingInputs {
        computed: Computed::new("dictionary"),
        signal,
        stft: &config.stft,
        side,
        order,
        iterations: config.training.iterations,
        precision: config.training.precision,
        seed: config.experiment.seed,
    })?)
}

/// Learns all dictionaries of a configuration, or takes them from the cache.
///
/// # Errors
/// A training that fails; a cache that cannot be written; an interruption.
fn learn(
    signals: &Signals,
    config: &Config,
    cache: &Path,
    progress: Progress,
) -> Result<Dictionaries> {
    let wanted = Wanted::new(config);
    let stage = progress.stage("training components", wanted.components());
    let trainer = Trainer {
        stft: Stft::new(&config.stft)?,
        cache: DictionaryCache::new(cache),
        stage: &stage,
        config,
    };
    let components: Vec<usize> = wanted.background.into_iter().collect();
    let background = trainer.train(Side::Background, &signals.background, &components)?;
    let generation = trainer.train(Side::Generation, &signals.generation, wanted.generation)?;
    let estimation = match wanted.estimation {
        Some(orders) => trainer.train(Side::Estimation, &signals.estimation, orders)?,
        None => generation.clone(),
    };
    stage.finish();
    Ok(Dictionaries {
        generation,
        estimation,
        background: background.into_iter().next(),
    })
}

struct Trainer<'a> {
    stft: Stft,
    cache: DictionaryCache<'a>,
    /// Its steps are components: a training takes time in proportion to its.
    stage: &'a Stage,
    config: &'a Config,
}

impl Trainer<'_> {
    /// One dictionary per order, all of one signal, whose powers are computed when the first is not
    /// in the cache.
    fn train(&self, side: Side, signal: &[f64], orders: &[usize]) -> Result<Vec<Arc<Dictionary>>> {
        let digest = Digest::of_samples(signal);
        let power = LazyLock::new(|| self.stft.analyse(signal).mapv(|value| value.norm_sqr()));
        let train = |&order: &usize| {
            interrupt::check()?;
            let key = key(self.config, side, digest, order)?;
            // One of another shape was not written by this program.
            let fits = |dictionary: &Dictionary| {
                (dictionary.order(), dictionary.bins()) == (order, self.stft.bins())
            };
            let dictionary = match self.cache.load(&key).filter(fits) {
                Some(dictionary) => dictionary,
                None => {
                    let learned = self.train_order(side, &power, order)?;
                    self.cache.store(&key, &learned)?;
                    learned
                }
            };
            self.stage.advance(order);
            Ok(Arc::new(normalise(
                dictionary,
                self.config.training.normalisation,
            )?))
        };
        orders.par_iter().map(train).collect()
    }

    fn train_order(&self, side: Side, power: &Array2<f64>, order: usize) -> Result<Dictionary> {
        let settings = TrainingSettings {
            order,
            iterations: self.config.training.iterations,
            precision: self.config.training.precision,
        };
        let stream_key = [side as u64, order as u64];
        let mut rng = synth::stream(self.config.experiment.seed, "training", &stream_key);
        let learned = itakura_saito::train(power.view(), &settings, &mut rng)
            .with_context(|| format!("training of the {side:?} dictionary of order {order}"))?;
        Ok(learned.dictionary)
    }
}
