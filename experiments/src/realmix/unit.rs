//! A speaker and a seed: recordings to learn dictionaries from, and mixtures of what was held out.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use dsp::audio;
use model::Dictionary;
use rayon::prelude::*;

use crate::config::{BackgroundModel, Config, IsolatedSet, Realmix};
use crate::corpus::{self, Corpus, isolated, split};
use crate::digest::Digest;
use crate::durable::key;
use crate::interrupt;
use crate::training::{self, Side, Trainer};

/// A mixture of two signals, which it shares with those at other ratios.
#[derive(Debug, Clone)]
pub struct Mixture {
    /// Which of the unit's; the same at every ratio.
    pub index: usize,
    /// Ratio of the speech's energy to the background's.
    pub snr_db: f64,
    speech: Arc<Vec<f64>>,
    other: Other,
}

/// What a mixture holds beside the speech.
#[derive(Debug, Clone)]
enum Other {
    /// Background, of whatever level.
    Background(Arc<Vec<f64>>),
    /// The mixture itself; its background is what is left without the speech.
    Mixture(Arc<Vec<f64>>),
}

/// What a mixture is made of, in samples.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The speech.
    pub speech: Arc<Vec<f64>>,
    /// The background, as loud as it is in the mixture.
    pub background: Vec<f64>,
}

impl Parts {
    /// The mixture.
    #[must_use]
    pub fn sum(&self) -> Vec<f64> {
        let both = self.speech.iter().zip(&self.background);
        both.map(|(speech, background)| speech + background)
            .collect()
    }
}

impl Mixture {
    /// Makes the parts of the mixture.
    ///
    /// # Errors
    /// Silence, which cannot be brought to a ratio.
    pub fn parts(&self) -> Result<Parts> {
        let background = match &self.other {
            Other::Background(background) => {
                let energies = [&self.speech, background]
                    .map(|signal| signal.iter().map(|x| x * x).sum::<f64>());
                ensure!(
                    energies.iter().all(|&energy| energy > 0.0),
                    "the speech or the background is silent"
                );
                let ratio = 10_f64.powf(self.snr_db / 10.0);
                let gain = (energies[0] / energies[1] / ratio).sqrt();
                background.iter().map(|x| gain * x).collect()
            }
            Other::Mixture(mixture) => {
                let both = mixture.iter().zip(&*self.speech);
                both.map(|(mixture, speech)| mixture - speech).collect()
            }
        };
        Ok(Parts {
            speech: Arc::clone(&self.speech),
            background,
        })
    }

    /// The samples of the parts; of what they would be made of, where that fails.
    fn bytes(&self) -> [Vec<u8>; 2] {
        match (self.parts(), &self.other) {
            (Ok(parts), _) => [bytes(&parts.speech), bytes(&parts.background)],
            (Err(_), Other::Background(other) | Other::Mixture(other)) => {
                [bytes(&self.speech), bytes(other)]
            }
        }
    }
}

/// What a speaker and a seed separate with.
#[derive(Debug)]
pub struct Dictionaries {
    /// The speaker's, one per order.
    pub speech: Vec<Arc<Dictionary>>,
    /// The background's, where it is known.
    pub background: Option<Arc<Dictionary>>,
}

/// The recordings of a speaker and a seed: those to learn from, and the mixtures of what was held out.
#[derive(Debug)]
pub struct Recordings {
    /// The corpus, for people to read.
    pub corpus: String,
    /// In the order of the results.
    pub mixtures: Vec<Mixture>,
    training: Vec<f64>,
    background_training: Vec<f64>,
    /// Whether there shall be a dictionary of the background.
    background_known: bool,
}

impl Recordings {
    /// Reads a corpus.
    ///
    /// # Errors
    /// A corpus with too little in it, files that cannot be used, an interruption.
    pub fn read(config: &Config) -> Result<Self> {
        let realmix = &Realmix::of(config);
        let corpus = corpus::open(config)?;
        let corpus = corpus.as_ref();
        let seed = config.experiment.seed;
        let split = split(corpus, config.training.utterances_per_side, seed)?;
        let read = |indices: &[usize]| -> Result<Vec<Vec<f64>>> {
            let utterance = |&index| {
                interrupt::check()?;
                corpus.utterance(index)
            };
            indices.par_iter().map(utterance).collect()
        };
        let training = read(&split.estimation)?.concat();
        let known = realmix.background == BackgroundModel::Known;
        let training_seconds = match known {
            true => config.training.background_seconds,
            false => 0.0,
        };
        let (mixtures, background_training) = match (realmix.isolated, config.corpus.speaker) {
            (Some(set), Some(speaker)) => {
                let mixtures = isolated_mixtures(config, speaker, set, realmix.mixtures)?;
                let background = match known {
                    true => corpus.background(training_seconds)?,
                    false => Vec::new(),
                };
                (mixtures, background)
            }
            _ => {
                let held_out = &split.generation[..realmix.mixtures * realmix.utterances];
                let utterances = read(held_out)?;
                added_mixtures(corpus, config, realmix, &utterances, training_seconds)?
            }
        };
        Ok(Self {
            corpus: corpus.description(),
            mixtures,
            training,
            background_training,
            background_known: known,
        })
    }

    /// Identifies all signals.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let learned = [bytes(&self.training), bytes(&self.background_training)];
        let mixed = self.mixtures.iter().flat_map(Mixture::bytes);
        Digest::of(learned.into_iter().chain(mixed))
    }

    /// The keys of the mixtures' results.
    ///
    /// # Errors
    /// None in practice: every configuration has a text.
    pub fn keys(&self, config: &Config) -> Result<Vec<Digest>> {
        let signal = training::digest(&self.training);
        let orders = config.training.orders.iter();
        let speech: Vec<Digest> = orders
            .map(|&order| training::key(config, Side::Estimation, signal, order))
            .collect::<Result<_>>()?;
        let components = config.training.background_components;
        let background = if self.background_known {
            let signal = training::digest(&self.background_training);
            Some(training::key(config, Side::Background, signal, components)?)
        } else {
            None
        };
        let of_mixture = |mixture: &Mixture| {
            let name = (mixture.index, mixture.snr_db);
            let signals = Digest::of(mixture.bytes());
            key::of_mixture(name, signals, &speech, background, config)
        };
        self.mixtures.iter().map(of_mixture).collect()
    }

    /// Learns the dictionaries, or takes them from the cache.
    ///
    /// # Errors
    /// A training that fails; a cache that cannot be written; an interruption.
    pub fn learn(&self, trainer: &Trainer<'_>) -> Result<Dictionaries> {
        let (speech, background) = (&self.training, &self.background_training);
        let training = &trainer.config().training;
        let components = [training.background_components];
        Ok(Dictionaries {
            speech: trainer.train_all(Side::Estimation, speech, &training.orders)?,
            background: match self.background_known {
                true => trainer
                    .train_all(Side::Background, background, &components)?
                    .pop(),
                false => None,
            },
        })
    }
}

fn bytes(signal: &[f64]) -> Vec<u8> {
    signal.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// Adds background to utterances, at every ratio; also returns the excerpt to learn the background from, which is
/// before all those that are added.
fn added_mixtures(
    corpus: &dyn Corpus,
    config: &Config,
    realmix: &Realmix,
    utterances: &[Vec<f64>],
    training_seconds: f64,
) -> Result<(Vec<Mixture>, Vec<f64>)> {
    let speech: Vec<Vec<f64>> = utterances
        .chunks(realmix.utterances)
        .map(<[Vec<f64>]>::concat)
        .collect();
    let rate_hz = f64::from(config.corpus.sample_rate_hz);
    let needed: usize = speech.iter().map(Vec::len).sum();
    // A sample more, as seconds are rounded to samples.
    let seconds = training_seconds + (needed + 1) as f64 / rate_hz;
    let mut background = corpus.background(seconds)?;
    let first = background.len().saturating_sub(needed);
    let mut rest = background.split_off(first);
    let mut mixtures = Vec::new();
    for (index, speech) in speech.into_iter().enumerate() {
        let after = rest.split_off(speech.len().min(rest.len()));
        let excerpt = std::mem::replace(&mut rest, after);
        ensure!(
            excerpt.len() == speech.len(),
            "mixture {index}: {} samples of background are too few for {} of speech",
            excerpt.len(),
            speech.len()
        );
        let (speech, excerpt) = (Arc::new(speech), Arc::new(excerpt));
        for &snr_db in &config.mixtures.snr_db {
            mixtures.push(Mixture {
                index,
                snr_db,
                speech: Arc::clone(&speech),
                other: Other::Background(Arc::clone(&excerpt)),
            });
        }
    }
    Ok((mixtures, background))
}

/// The corpus' own mixtures.
fn isolated_mixtures(
    config: &Config,
    speaker: u32,
    set: IsolatedSet,
    most: usize,
) -> Result<Vec<Mixture>> {
    let rate_hz = config.corpus.sample_rate_hz;
    let read = |path: &Path| -> Result<Vec<f64>> {
        let audio = audio::read_mono(path)?;
        let audio = audio.at_rate(rate_hz);
        Ok(audio.with_context(|| path.display().to_string())?.samples)
    };
    let mut indices = std::collections::BTreeMap::new();
    let mixtures = isolated(config, speaker, set, most)?
        .into_iter()
        .map(|found| {
            let (mixture, speech) = (read(&found.mixture)?, read(&found.speech)?);
            ensure!(
                mixture.len() == speech.len(),
                "{} has {} samples and its speech, {}, {}",
                found.mixture.display(),
                mixture.len(),
                found.speech.display(),
                speech.len()
            );
            // The same utterance has the same number at every ratio.
            let name = found.mixture.file_name().unwrap_or_default().to_owned();
            let next = indices.len();
            let index = *indices.entry(name).or_insert(next);
            Ok(Mixture {
                index,
                snr_db: found.snr_db,
                speech: Arc::new(speech),
                other: Other::Mixture(Arc::new(mixture)),
            })
        });
    mixtures.collect()
}
