//! Mixtures of recordings: held-out utterances over held-out background, or those that a corpus
//! brings.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use dsp::audio;

use crate::config::{BackgroundModel, Config, IsolatedSet};
use crate::corpus::{Corpus, IsolatedMixture, isolated_mixtures, split};
use crate::store::digest::Digest;
use crate::study::dictionaries::signals::{Signals, estimation_signal, read_utterances};
use crate::study::estimate::{Member, Trial};

/// A mixture of two signals, which it shares with those at other ratios.
#[derive(Debug, Clone)]
pub(crate) struct RecordedMixture {
    pub(crate) trial: Trial,
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

impl RecordedMixture {
    /// The speech, and the background as loud as it is in the mixture; they add up to it.
    ///
    /// # Errors
    /// Silence, which cannot be brought to a ratio.
    pub(crate) fn parts(&self) -> Result<[Vec<f64>; 2]> {
        let background = match &self.other {
            Other::Background(background) => {
                let energies = [&self.speech, background]
                    .map(|signal| signal.iter().map(|x| x * x).sum::<f64>());
                ensure!(
                    energies.iter().all(|&energy| energy > 0.0),
                    "the speech or the background is silent"
                );
                let ratio = 10_f64.powf(self.trial.snr_db / 10.0);
                let gain = (energies[0] / energies[1] / ratio).sqrt();
                background.iter().map(|x| gain * x).collect()
            }
            Other::Mixture(mixture) => {
                let both = mixture.iter().zip(&*self.speech);
                both.map(|(mixture, speech)| mixture - speech).collect()
            }
        };
        Ok([self.speech.to_vec(), background])
    }

    pub(crate) fn samples(&self) -> usize {
        self.speech.len()
    }

    /// Identifies what is mixed.
    pub(crate) fn digest(&self) -> Digest {
        let (Other::Background(other) | Other::Mixture(other)) = &self.other;
        let kind: &[u8] = match &self.other {
            Other::Background(_) => b"background",
            Other::Mixture(_) => b"mixture",
        };
        let signals = [&self.speech, other].map(|signal| Digest::of_samples(signal));
        Digest::of_parts([kind, &signals[0].0, &signals[1].0])
    }
}

/// Reads a corpus: the signals to learn from, and the mixtures of what was held out.
///
/// # Errors
/// A corpus with too little in it, files that cannot be used, an interruption.
pub(crate) fn read(
    corpus: &dyn Corpus,
    config: &Config,
) -> Result<(Signals, Vec<RecordedMixture>)> {
    let recordings = &config.recordings;
    let seed = config.experiment.seed;
    let split = split(corpus, config.training.utterances_per_side, seed)?;
    let training_seconds = config.training.background_seconds;
    let (mixtures, background) = match recordings.isolated {
        Some(set) => {
            let mixtures = isolated(config, set)?;
            let background = match recordings.background {
                BackgroundModel::Known => corpus.background(training_seconds)?,
                BackgroundModel::Estimated => Vec::new(),
            };
            (mixtures, background)
        }
        None => {
            let held_out = &split.generation[..recordings.mixtures * recordings.utterances];
            let utterances = read_utterances(corpus, held_out, None)?;
            added(corpus, config, &utterances, training_seconds)?
        }
    };
    let signals = Signals {
        generation: Vec::new(),
        estimation: estimation_signal(corpus, &split, config, None)?,
        background,
    };
    Ok((signals, mixtures))
}

/// Adds utterances to learn from and background to learn from, for the weights of the single orders:
/// as long as that background, at one ratio after the other, all over the utterances. None where
/// there is no such background.
pub(crate) fn mix_to_learn_from(signals: &Signals, config: &Config) -> Vec<RecordedMixture> {
    let Signals {
        estimation,
        background,
        ..
    } = signals;
    let samples = background.len().min(estimation.len());
    if samples == 0 {
        return Vec::new();
    }
    let background = Arc::new(background[..samples].to_vec());
    let count = config.training.weight_mixtures;
    let mix = |number: usize| {
        let last = estimation.len() - samples;
        let start = last * number / (count - 1).max(1);
        let ratios = &config.mixtures.snr_db;
        RecordedMixture {
            trial: Trial {
                snr_db: ratios[number % ratios.len()],
                member: Member::Recording(number),
            },
            speech: Arc::new(estimation[start..start + samples].to_vec()),
            other: Other::Background(Arc::clone(&background)),
        }
    };
    (0..count).map(mix).collect()
}

/// Adds background to utterances, at every ratio; also returns the excerpt to learn the background
/// from, which is before all those that are added.
fn added(
    corpus: &dyn Corpus,
    config: &Config,
    utterances: &[Vec<f64>],
    training_seconds: f64,
) -> Result<(Vec<RecordedMixture>, Vec<f64>)> {
    let speech: Vec<Vec<f64>> = utterances
        .chunks(config.recordings.utterances)
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
    for (number, speech) in speech.into_iter().enumerate() {
        let after = rest.split_off(speech.len().min(rest.len()));
        let excerpt = std::mem::replace(&mut rest, after);
        ensure!(
            excerpt.len() == speech.len(),
            "mixture {number}: {} samples of background are too few for {} of speech",
            excerpt.len(),
            speech.len()
        );
        let (speech, excerpt) = (Arc::new(speech), Arc::new(excerpt));
        for &snr_db in &config.mixtures.snr_db {
            mixtures.push(RecordedMixture {
                trial: Trial {
                    snr_db,
                    member: Member::Recording(number),
                },
                speech: Arc::clone(&speech),
                other: Other::Background(Arc::clone(&excerpt)),
            });
        }
    }
    Ok((mixtures, background))
}

/// The corpus' own mixtures.
fn isolated(config: &Config, set: IsolatedSet) -> Result<Vec<RecordedMixture>> {
    let rate_hz = config.corpus.sample_rate_hz;
    let read = |path: &Path| -> Result<Vec<f64>> {
        let audio = audio::read_mono(path)?;
        let audio = audio.at_rate(rate_hz);
        Ok(audio.with_context(|| path.display().to_string())?.samples)
    };
    let most = config.recordings.mixtures;
    let snr_db = &config.mixtures.snr_db;
    let mut numbers = BTreeMap::new();
    let mixture = |found: IsolatedMixture| {
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
        let next = numbers.len();
        let number = *numbers.entry(name).or_insert(next);
        Ok(RecordedMixture {
            trial: Trial {
                snr_db: found.snr_db,
                member: Member::Recording(number),
            },
            speech: Arc::new(speech),
            other: Other::Mixture(Arc::new(mixture)),
        })
    };
    isolated_mixtures(
        &config.corpus,
        config.experiment.seed,
        set.folder(),
        snr_db,
        most,
    )?
    .into_iter()
    .map(mixture)
    .collect()
}
