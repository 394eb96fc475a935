//! The signals that dictionaries are learned from.

use anyhow::Result;
use rayon::prelude::*;

use crate::config::{Config, Estimation};
use crate::corpus::{self, Corpus, CorpusSection, Split, split};
use crate::interrupt;
use crate::progress::{Progress, Stage};
use crate::store::digest::Digest;

/// Training signals, mono at the configured rate; a signal that nothing is learned from is empty.
#[derive(Debug, PartialEq)]
pub(crate) struct Signals {
    /// Behind the speaker's dictionaries that draw mixtures.
    pub(crate) generation: Vec<f64>,
    /// Behind the speaker's dictionaries that separate them.
    pub(crate) estimation: Vec<f64>,
    pub(crate) background: Vec<f64>,
}

impl Signals {
    /// Makes or reads the signals for mixtures that are drawn.
    ///
    /// # Errors
    /// Too few utterances, or a file that cannot be used.
    pub(crate) fn read(corpus: &dyn Corpus, config: &Config, progress: Progress) -> Result<Self> {
        let training = &config.training;
        let split = split(corpus, training.utterances_per_side, config.experiment.seed)?;
        let utterances = match training.estimation {
            Estimation::OtherUtterances | Estimation::AnotherSpeaker => {
                split.generation.len() + split.estimation.len()
            }
            Estimation::SameUtterances | Estimation::SameDictionaries => split.generation.len(),
        };
        let stage = progress.stage("reading the corpus", utterances + 1);
        let background = corpus.background(training.background_seconds)?;
        stage.step();
        let generation = read_utterances(corpus, &split.generation, Some(&stage))?.concat();
        let estimation = match training.estimation {
            Estimation::SameUtterances => generation.clone(),
            Estimation::SameDictionaries => Vec::new(),
            Estimation::OtherUtterances | Estimation::AnotherSpeaker => {
                estimation_signal(corpus, &split, config, Some(&stage))?
            }
        };
        stage.finish();
        Ok(Self {
            generation,
            estimation,
            background,
        })
    }

    /// Identifies each signal.
    pub(crate) fn digests(&self) -> SignalDigests {
        SignalDigests {
            generation: Digest::of_samples(&self.generation),
            estimation: Digest::of_samples(&self.estimation),
            background: Digest::of_samples(&self.background),
        }
    }
}

/// What identifies training signals, one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SignalDigests {
    pub(crate) generation: Digest,
    pub(crate) estimation: Digest,
    pub(crate) background: Digest,
}

impl SignalDigests {
    /// Identifies all of them.
    pub(crate) fn whole(&self) -> Digest {
        Digest::of_parts([self.generation.0, self.estimation.0, self.background.0])
    }
}

/// The utterances that dictionaries which separate are learned from, one after another.
///
/// # Errors
/// A file that cannot be used, a corpus without another speaker where one is asked for.
pub(crate) fn estimation_signal(
    corpus: &dyn Corpus,
    split: &Split,
    config: &Config,
    stage: Option<&Stage>,
) -> Result<Vec<f64>> {
    let utterances = match config.training.estimation {
        Estimation::OtherUtterances => read_utterances(corpus, &split.estimation, stage)?,
        Estimation::SameUtterances | Estimation::SameDictionaries => {
            read_utterances(corpus, &split.generation, stage)?
        }
        Estimation::AnotherSpeaker => {
            let other = open_corpus(&other_speaker(config)?, config)?;
            let (per_side, seed) = (config.training.utterances_per_side, config.experiment.seed);
            let split = corpus::split(other.as_ref(), per_side, seed)?;
            read_utterances(other.as_ref(), &split.estimation, stage)?
        }
    };
    Ok(utterances.concat())
}

/// Reads utterances in parallel.
///
/// # Errors
/// A file that cannot be used; an interruption.
pub(crate) fn read_utterances(
    corpus: &dyn Corpus,
    indices: &[usize],
    stage: Option<&Stage>,
) -> Result<Vec<Vec<f64>>> {
    let read = |&index| {
        interrupt::check()?;
        let utterance = corpus.utterance(index)?;
        if let Some(stage) = stage {
            stage.step();
        }
        Ok(utterance)
    };
    indices.par_iter().map(read).collect()
}

/// Opens the corpus of a section for a configuration.
///
/// # Errors
/// A missing folder, or a speaker that the corpus does not have.
pub(crate) fn open_corpus(section: &CorpusSection, config: &Config) -> Result<Box<dyn Corpus>> {
    corpus::open(section, config.stft.window_samples, config.experiment.seed)
}

/// What is said about the corpus of a configuration beside its results.
///
/// # Errors
/// A corpus without another speaker where one is asked for.
pub(crate) fn describe(corpus: &dyn Corpus, config: &Config) -> Result<String> {
    let description = corpus.description();
    if config.training.estimation != Estimation::AnotherSpeaker {
        return Ok(description);
    }
    let other = other_speaker(config)?.speaker;
    let other = other.map(|speaker| speaker.to_string());
    let other = other.unwrap_or_default();
    Ok(format!(
        "{description}, estimated with dictionaries of speaker {other}"
    ))
}

fn other_speaker(config: &Config) -> Result<CorpusSection> {
    config.corpus.with_another_speaker(config.experiment.seed)
}
