//! Where training signals come from, behind one trait.

mod builtin;
mod chime;
mod files;
mod folder;
mod isolated;
mod split;

use anyhow::{Context, Result};
use rand::seq::IndexedRandom;

use crate::config::{Config, CorpusKind, Estimation};

pub use files::wav_files;
pub use isolated::{IsolatedMixture, isolated};
pub use split::split;

/// Utterances of one speaker, and background noise.
pub trait Corpus: Sync {
    /// The corpus and its speaker, for people to read; without paths, as results are made public.
    fn description(&self) -> String;

    /// Number of utterances.
    fn utterances(&self) -> usize;

    /// One utterance, mono at the configured rate, made or read when asked for.
    ///
    /// # Errors
    /// A file that cannot be used; the error names it.
    fn utterance(&self, index: usize) -> Result<Vec<f64>>;

    /// So many seconds of background, mono at the configured rate. Where there is a choice, the seed makes it.
    ///
    /// # Errors
    /// A file that cannot be used, or too little background.
    fn background(&self, seconds: f64) -> Result<Vec<f64>>;
}

/// Opens the configured corpus.
///
/// # Errors
/// A missing folder, or a speaker that the corpus does not have.
pub fn open(config: &Config) -> Result<Box<dyn Corpus>> {
    Ok(match config.corpus.kind {
        CorpusKind::Builtin => Box::new(builtin::Builtin::new(config)),
        CorpusKind::Folder => Box::new(folder::open(config)?),
        CorpusKind::Chime => Box::new(chime::open(config)?),
    })
}

/// What is said about the corpus of a configuration beside its results.
///
/// # Errors
/// As [`of_another_speaker`].
pub fn description(corpus: &dyn Corpus, config: &Config) -> Result<String> {
    let description = corpus.description();
    Ok(match config.training.estimation {
        Estimation::AnotherSpeaker => {
            let other = of_another_speaker(config)?.corpus.speaker;
            let other = other.context("the other speaker has no number")?;
            format!("{description}, estimated with dictionaries of speaker {other}")
        }
        _ => description,
    })
}

/// The configuration with another speaker of its corpus, drawn from the seed.
///
/// # Errors
/// A corpus that has no other.
pub fn of_another_speaker(config: &Config) -> Result<Config> {
    let (speaker, mut others) = match config.corpus.kind {
        CorpusKind::Builtin => (builtin::speaker(config), SPEAKERS.collect()),
        CorpusKind::Folder => (0, Vec::new()),
        CorpusKind::Chime => chime::speakers(config)?,
    };
    others.retain(|&other| other != speaker);
    let mut rng = synth::stream(config.experiment.seed, "another speaker", &[]);
    let other = others.choose(&mut rng).context(
        "`training.estimation = \"another_speaker\"` needs a second speaker, and the corpus has one only",
    )?;
    let mut config = config.clone();
    config.corpus.speaker = Some(*other);
    Ok(config)
}

/// The numbers of the Grid corpus' speakers.
const SPEAKERS: std::ops::RangeInclusive<u32> = 1..=34;
