//! The corpus without files: synthesised sentences of the Grid grammar, and a synthesised domestic
//! background.

use anyhow::Result;
use rand::RngExt;
use synth::{SAMPLE_RATE_HZ, Speech};

use super::{Corpus, CorpusSection, Speaker};
use crate::config::ranges::SPEAKERS;

/// The corpus is one and the same in every experiment, whose seed decides what is taken from it.
const CORPUS_SEED: u64 = 2014;

/// Utterances of a speaker, as many as in the Grid corpus.
const UTTERANCES: usize = 1000;

/// The configured speaker, or one drawn from the seed.
pub(crate) fn speaker(section: &CorpusSection, seed: u64) -> u32 {
    let drawn = || synth::stream(seed, "speaker", &[]).random_range(SPEAKERS);
    section
        .speaker
        .as_ref()
        .and_then(Speaker::number)
        .unwrap_or_else(drawn)
}

/// One speaker of the built-in corpus.
#[derive(Debug)]
pub(crate) struct Builtin {
    speech: Speech,
    speaker: u32,
    seed: u64,
    sample_rate_hz: u32,
}

impl Builtin {
    /// The configured speaker, or one drawn from the seed.
    pub(crate) fn new(section: &CorpusSection, seed: u64) -> Self {
        Self {
            speech: Speech::new(CORPUS_SEED),
            speaker: speaker(section, seed),
            seed,
            sample_rate_hz: section.sample_rate_hz,
        }
    }

    fn at_rate(&self, samples: Vec<f64>) -> Result<Vec<f64>> {
        let audio = dsp::Audio {
            samples,
            sample_rate_hz: SAMPLE_RATE_HZ,
        };
        Ok(audio.at_rate(self.sample_rate_hz)?.samples)
    }
}

impl Corpus for Builtin {
    fn description(&self) -> String {
        format!("builtin, speaker {}", self.speaker)
    }

    fn utterances(&self) -> usize {
        UTTERANCES
    }

    fn utterance(&self, index: usize) -> Result<Vec<f64>> {
        let utterance = self.speech.utterance(self.speaker as usize, index as u64)?;
        self.at_rate(utterance.samples)
    }

    fn background(&self, seconds: f64) -> Result<Vec<f64>> {
        let mut rng = synth::stream(self.seed, "background", &[]);
        self.at_rate(synth::background(seconds, &mut rng)?)
    }
}
