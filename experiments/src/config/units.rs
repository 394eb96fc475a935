//! The section `[units]`: whose mixtures a study is of.

use serde::{Deserialize, Serialize};

use super::check::{Invalid, distinct, require, within};
use super::ranges::{REPETITIONS, SEED};
use crate::corpus::{CorpusSection, Speaker};

/// Every speaker with every noise from every seed is a run with mixtures of its own, and intervals
/// are over these runs. Those of one speaker share its dictionaries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Units {
    /// In place of `corpus.speaker`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) speakers: Vec<Speaker>,
    /// In place of `corpus.noise`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) noises: Vec<String>,
    /// Repetitions with other choices of what is drawn: seeds from `experiment.seed` on.
    pub(crate) seeds: usize,
}

impl Default for Units {
    fn default() -> Self {
        Self {
            speakers: Vec::new(),
            noises: Vec::new(),
            seeds: 1,
        }
    }
}

impl Units {
    /// Checks what is given.
    ///
    /// # Errors
    /// The first value that is wrong.
    pub(super) fn validate(&self, corpus: &CorpusSection, seed: u64) -> Result<(), Invalid> {
        within("units.seeds", self.seeds, &REPETITIONS)?;
        let last = seed.saturating_add(self.seeds as u64 - 1);
        within("experiment.seed", last, &SEED)?;
        if !self.speakers.is_empty() {
            distinct("units.speakers", &self.speakers)?;
            require("corpus.speaker", corpus.speaker.is_none(), || {
                "has no meaning beside `units.speakers`".to_owned()
            })?;
        }
        if !self.noises.is_empty() {
            distinct("units.noises", &self.noises)?;
            require("corpus.noise", corpus.noise.is_none(), || {
                "has no meaning beside `units.noises`".to_owned()
            })?;
        }
        for speaker in &self.speakers {
            corpus.validate_speaker("units.speakers", speaker)?;
        }
        if !self.noises.is_empty() {
            corpus.validate_noise("units.noises")?;
        }
        Ok(())
    }
}
