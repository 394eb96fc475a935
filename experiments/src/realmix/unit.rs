//! A speaker and a seed: dictionaries from training data, mixtures of what was held out.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use dsp::{Stft, wav};
use model::{Dictionary, IsNmfSettings, is_nmf};
use rayon::prelude::*;

use crate::config::{BackgroundModel, Config, IsolatedSet, Realmix};
use crate::corpus::{self, Corpus, isolated, split};
use crate::digest::Digest;

/// A mixture and what it is made of, in samples.
#[derive(Debug, Clone)]
pub struct Mixture {
    /// Which of the unit's; the same at every ratio.
    pub index: usize,
    /// Ratio of the speech's energy to the background's.
    pub snr_db: f64,
    /// The speech.
    pub speech: Vec<f64>,
    /// The background.
    pub background: Vec<f64>,
}

impl Mixture {
    /// The sum of both.
    #[must_use]
    pub fn signal(&self) -> Vec<f64> {
        let both = self.speech.iter().zip(&self.background);
        both.map(|(speech, background)| speech + background)
            .collect()
    }
}

/// All that a speaker and a seed decide.
#[derive(Debug)]
pub struct Unit {
    /// The corpus, for people to read.
    pub corpus: String,
    /// The speaker's dictionaries, one per order.
    pub speech: Vec<Arc<Dictionary>>,
    /// The background's, where it is known.
    pub background: Option<Arc<Dictionary>>,
    /// By ratio, then by index.
    pub mixtures: Vec<Mixture>,
    /// Identifies the signals.
    pub digest: Digest,
}

impl Unit {
    /// Reads a corpus, learns the dictionaries and makes the mixtures.
    ///
    /// # Errors
    /// A corpus with too little in it, files that cannot be used, a training that fails.
    pub fn prepare(config: &Config, realmix: &Realmix) -> Result<Self> {
        let corpus = corpus::open(config)?;
        let corpus = corpus.as_ref();
        let seed = config.experiment.seed;
        let split = split(corpus, config.training.utterances_per_side, seed)?;
        let read = |indices: &[usize]| -> Result<Vec<Vec<f64>>> {
            let utterances = indices.par_iter().map(|&index| corpus.utterance(index));
            utterances.collect()
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
        let speech = train(&training, &config.training.orders, 1, config)?;
        let background = match known {
            true => {
                let orders = [config.training.background_components];
                train(&background_training, &orders, 2, config)?.pop()
            }
            false => None,
        };
        let mut parts = vec![bytes(&training), bytes(&background_training)];
        for mixture in &mixtures {
            parts.extend([bytes(&mixture.speech), bytes(&mixture.background)]);
        }
        Ok(Self {
            corpus: corpus.description(),
            speech,
            background,
            mixtures,
            digest: Digest::of(parts),
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
        let energies = [&speech, &excerpt].map(|x| x.iter().map(|x| x * x).sum::<f64>());
        ensure!(
            energies.iter().all(|&energy| energy > 0.0) && excerpt.len() == speech.len(),
            "mixture {index}: the speech or the background is silent"
        );
        for &snr_db in &config.mixtures.snr_db {
            let gain = (energies[0] / energies[1] / 10_f64.powf(snr_db / 10.0)).sqrt();
            mixtures.push(Mixture {
                index,
                snr_db,
                speech: speech.clone(),
                background: excerpt.iter().map(|x| gain * x).collect(),
            });
        }
    }
    Ok((mixtures, background))
}

/// The corpus' own mixtures; their background is what is left without the speech.
fn isolated_mixtures(
    config: &Config,
    speaker: u32,
    set: IsolatedSet,
    most: usize,
) -> Result<Vec<Mixture>> {
    let rate_hz = config.corpus.sample_rate_hz;
    let read = |path: &Path| -> Result<Vec<f64>> {
        let audio = wav::read_mono(path)?;
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
            let background = mixture.iter().zip(&speech).map(|(x, s)| x - s);
            Ok(Mixture {
                index,
                snr_db: found.snr_db,
                background: background.collect(),
                speech,
            })
        });
    mixtures.collect()
}

/// One dictionary per order. `side` keeps the random streams of speech and background apart.
fn train(
    signal: &[f64],
    orders: &[usize],
    side: u64,
    config: &Config,
) -> Result<Vec<Arc<Dictionary>>> {
    let power = Stft::new(&config.stft)?
        .analyse(signal)
        .mapv(|value| value.norm_sqr());
    orders
        .par_iter()
        .map(|&order| {
            let settings = IsNmfSettings {
                order,
                iterations: config.training.iterations,
            };
            let cell = [side, order as u64];
            let mut rng = synth::stream(config.experiment.seed, "training", &cell);
            let trained = is_nmf::train(power.view(), &settings, &mut rng)
                .with_context(|| format!("training of order {order}"))?;
            Ok(Arc::new(trained.dictionary))
        })
        .collect()
}
