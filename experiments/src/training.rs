//! From a corpus to dictionaries (section 4.1): training signals, their powers, Itakura-Saito NMF.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use anyhow::{Context, Result};
use dsp::Stft;
use model::Dictionary;
use model::itakura_saito::{self, TrainingSettings};
use ndarray::Array2;
use rayon::prelude::*;

use crate::config::{Config, Estimation};
use crate::corpus::{self, Corpus, split};
use crate::dictionary_cache::DictionaryCache;
use crate::digest::Digest;
use crate::interrupt;
use crate::normalisation::normalised;
use crate::progress::{Progress, Stage};
use crate::revision::computed;

/// The signals dictionaries are learned from, mono at the configured rate.
#[derive(Debug)]
pub struct Signals {
    /// The utterances behind the speaker's dictionaries that generate, one after another.
    pub generation: Vec<f64>,
    /// Those behind the dictionaries that estimate; none where these are the ones that generate.
    pub estimation: Vec<f64>,
    /// The background excerpt.
    pub background: Vec<f64>,
}

/// Makes or reads the training signals.
///
/// # Errors
/// Too few utterances, or a file that cannot be used.
pub fn signals(corpus: &dyn Corpus, config: &Config, progress: Progress) -> Result<Signals> {
    let training = &config.training;
    let split = split(corpus, training.utterances_per_side, config.experiment.seed)?;
    let stage = progress.stage("reading the corpus", 2 * training.utterances_per_side + 1);
    let concatenated = |corpus: &dyn Corpus, indices: &[usize]| -> Result<Vec<f64>> {
        let utterances: Vec<Vec<f64>> = indices
            .par_iter()
            .map(|&index| {
                interrupt::check()?;
                let utterance = corpus.utterance(index)?;
                stage.step();
                Ok(utterance)
            })
            .collect::<Result<_>>()?;
        Ok(utterances.concat())
    };
    let background = corpus.background(training.background_seconds)?;
    stage.step();
    let generation = concatenated(corpus, &split.generation)?;
    let estimation = match training.estimation {
        Estimation::OtherUtterances => concatenated(corpus, &split.estimation)?,
        Estimation::SameUtterances => generation.clone(),
        Estimation::AnotherSpeaker => {
            let config = corpus::of_another_speaker(config)?;
            let corpus = corpus::open(&config)?;
            let seed = config.experiment.seed;
            let split = corpus::split(corpus.as_ref(), training.utterances_per_side, seed)?;
            concatenated(corpus.as_ref(), &split.estimation)?
        }
        Estimation::SameDictionaries => Vec::new(),
    };
    let signals = Signals {
        generation,
        estimation,
        background,
    };
    stage.finish();
    Ok(signals)
}

impl Signals {
    /// Identifies the signals, and so the part of the corpus that results depend on.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digests().whole()
    }

    /// Identifies each signal.
    #[must_use]
    pub fn digests(&self) -> SignalDigests {
        SignalDigests {
            generation: digest(&self.generation),
            estimation: digest(&self.estimation),
            background: digest(&self.background),
        }
    }
}

/// What identifies training signals, one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalDigests {
    generation: Digest,
    estimation: Digest,
    background: Digest,
}

impl SignalDigests {
    /// Identifies all of them.
    #[must_use]
    pub fn whole(&self) -> Digest {
        Digest::of([self.generation.0, self.estimation.0, self.background.0])
    }
}

/// What identifies dictionaries, before their normalisation: digests of all that the training's result depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DictionaryKeys {
    /// See [`Dictionaries::generation`].
    pub generation: Vec<Digest>,
    /// See [`Dictionaries::estimation`].
    pub estimation: Vec<Digest>,
    /// See [`Dictionaries::background`].
    pub background: Digest,
}

impl DictionaryKeys {
    /// The keys of the dictionaries that a configuration learns from these signals.
    ///
    /// # Errors
    /// None in practice: every configuration has a text.
    pub fn of(signals: &SignalDigests, config: &Config) -> Result<Self> {
        let training = &config.training;
        let of_orders = |side, signal| -> Result<Vec<Digest>> {
            let orders = training.orders.iter();
            orders
                .map(|&order| key(config, side, signal, order))
                .collect()
        };
        let generation = of_orders(Side::Generation, signals.generation)?;
        let estimation = match training.estimation {
            Estimation::SameDictionaries => generation.clone(),
            _ => of_orders(Side::Estimation, signals.estimation)?,
        };
        let components = training.background_components;
        Ok(Self {
            generation,
            estimation,
            background: key(config, Side::Background, signals.background, components)?,
        })
    }
}

/// Everything a dictionary depends on.
///
/// # Errors
/// None in practice: every configuration has a text.
pub fn key(config: &Config, side: Side, signal: Digest, order: usize) -> Result<Digest> {
    let training = (
        order,
        config.training.iterations,
        side,
        config.experiment.seed,
    );
    Ok(Digest::of([
        computed("dictionary"),
        signal.to_string(),
        toml::to_string(&config.stft)?,
        format!("{training:?}"),
    ]))
}

/// Identifies a signal.
#[must_use]
pub fn digest(signal: &[f64]) -> Digest {
    let bytes = |samples: &[f64]| -> Vec<u8> {
        let bytes = samples.iter().flat_map(|sample| sample.to_le_bytes());
        bytes.collect()
    };
    Digest::of(signal.chunks(4096).map(bytes))
}

/// The models of the sources.
#[derive(Debug, Clone)]
pub struct Dictionaries {
    /// The speaker's, one per order, that draw the observations.
    pub generation: Vec<Arc<Dictionary>>,
    /// The speaker's, one per order, that separate them.
    pub estimation: Vec<Arc<Dictionary>>,
    /// The background's, that draws the observations.
    pub background: Arc<Dictionary>,
}

/// What a dictionary is for; every training has its own random stream, which the numbers are part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The speaker's, to draw observations.
    Generation = 0,
    /// The speaker's, to separate.
    Estimation = 1,
    /// The background's.
    Background = 2,
}

/// Learns all dictionaries, or takes them from the cache.
///
/// # Errors
/// A training that fails; a cache that cannot be written.
pub fn dictionaries(
    signals: &Signals,
    config: &Config,
    cache_folder: &Path,
    progress: Progress,
) -> Result<Dictionaries> {
    let orders = &config.training.orders;
    let components = config.training.background_components;
    let sides = match config.training.estimation {
        Estimation::SameDictionaries => 1,
        _ => 2,
    };
    let steps = sides * orders.iter().sum::<usize>() + components;
    let stage = progress.stage(Trainer::STAGE, steps);
    let trainer = Trainer::new(config, cache_folder, &stage)?;
    let background = trainer.train_all(Side::Background, &signals.background, &[components])?;
    let generation = trainer.train_all(Side::Generation, &signals.generation, orders)?;
    let estimation = match config.training.estimation {
        Estimation::SameDictionaries => generation.clone(),
        _ => trainer.train_all(Side::Estimation, &signals.estimation, orders)?,
    };
    let dictionaries = Dictionaries {
        generation,
        estimation,
        background: background
            .into_iter()
            .next()
            .context("no background dictionary")?,
    };
    stage.finish();
    Ok(dictionaries)
}

/// Learns dictionaries, each unless it is in the cache.
#[derive(Debug)]
pub struct Trainer<'a> {
    stft: Stft,
    cache: DictionaryCache<'a>,
    stage: &'a Stage,
    config: &'a Config,
}

impl<'a> Trainer<'a> {
    /// Name of the stage, whose steps are components: a training takes time in proportion to its.
    pub const STAGE: &'static str = "training components";

    /// A trainer by the settings of a configuration.
    ///
    /// # Errors
    /// Settings that the transform does not allow.
    pub fn new(config: &'a Config, cache_folder: &'a Path, stage: &'a Stage) -> Result<Self> {
        Ok(Self {
            stft: Stft::new(&config.stft)?,
            cache: DictionaryCache::new(cache_folder),
            stage,
            config,
        })
    }

    /// The configuration with its settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        self.config
    }

    /// One dictionary per order, all of one signal, whose powers are computed when the first is not in the cache.
    ///
    /// # Errors
    /// A training that fails; a cache that cannot be written; an interruption.
    pub fn train_all(
        &self,
        side: Side,
        signal: &[f64],
        orders: &[usize],
    ) -> Result<Vec<Arc<Dictionary>>> {
        let signal_digest = digest(signal);
        let power = LazyLock::new(|| self.stft.analyse(signal).mapv(|value| value.norm_sqr()));
        orders
            .par_iter()
            .map(|&order| {
                interrupt::check()?;
                let key = key(self.config, side, signal_digest, order)?;
                // One of another shape was not written by this program.
                let fits = |dictionary: &Dictionary| {
                    (dictionary.order(), dictionary.bins()) == (order, self.stft.bins())
                };
                let dictionary = match self.cache.load(&key).filter(fits) {
                    Some(dictionary) => dictionary,
                    None => {
                        let learned = self.train(side, &power, order)?;
                        self.cache.store(&key, &learned)?;
                        learned
                    }
                };
                self.stage.advance(order);
                let normalisation = self.config.training.normalisation;
                Ok(Arc::new(normalised(dictionary, normalisation)?))
            })
            .collect()
    }

    fn train(&self, side: Side, power: &Array2<f64>, order: usize) -> Result<Dictionary> {
        let settings = TrainingSettings {
            order,
            iterations: self.config.training.iterations,
        };
        let cell = [side as u64, order as u64];
        let mut rng = synth::stream(self.config.experiment.seed, "training", &cell);
        let learned = itakura_saito::train(power.view(), &settings, &mut rng)
            .with_context(|| format!("training of the {side:?} dictionary of order {order}"))?;
        Ok(learned.dictionary)
    }
}
