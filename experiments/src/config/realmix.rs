//! The section `[realmix]`: mixtures of recordings.

use serde::{Deserialize, Serialize};

use super::Config;
use model::level::NOISE_DB;

/// Which mixtures are made or taken, and how they meet the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Realmix {
    /// The speakers, each with dictionaries of its own. A `folder` corpus has one and takes none.
    pub speakers: Vec<u32>,
    /// Repetitions with other utterances, dictionaries and background: seeds from `experiment.seed` on.
    pub seeds: usize,
    /// Mixtures per speaker, seed and ratio.
    pub mixtures: usize,
    /// Held-out utterances in a mixture, one after another.
    pub utterances: usize,
    /// What is known of the background.
    pub background: BackgroundModel,
    /// Level of the model's sensor noise against a mixture, in dB.
    pub noise_db: f64,
    /// `chime`: take the mixtures of this set as they are, with their own ratios, instead of making some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolated: Option<IsolatedSet>,
}

/// What is known of the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackgroundModel {
    /// Nothing: its dictionary is estimated from the mixture, as in the paper.
    Estimated,
    /// A dictionary learned from another excerpt.
    Known,
}

/// A set of isolated mixtures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IsolatedSet {
    /// `devel/isolated`.
    Devel,
    /// `test/isolated`.
    Test,
}

impl Default for Realmix {
    fn default() -> Self {
        Self {
            speakers: vec![1, 2, 3, 4],
            seeds: 2,
            mixtures: 2,
            utterances: 4,
            background: BackgroundModel::Estimated,
            noise_db: NOISE_DB,
            isolated: None,
        }
    }
}

impl Realmix {
    /// The section of a configuration, or its default.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        config.realmix.clone().unwrap_or_default()
    }

    /// The speakers and seeds, in the order of the results. A corpus of one speaker has none with a number.
    #[must_use]
    pub fn units(&self, first_seed: u64) -> Vec<(Option<u32>, u64)> {
        let speakers: Vec<Option<u32>> = match self.speakers.as_slice() {
            [] => vec![None],
            speakers => speakers.iter().copied().map(Some).collect(),
        };
        let seeds = (first_seed..).take(self.seeds);
        speakers
            .into_iter()
            .flat_map(|speaker| seeds.clone().map(move |seed| (speaker, seed)))
            .collect()
    }
}

impl IsolatedSet {
    /// Name of its folder.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Devel => "devel",
            Self::Test => "test",
        }
    }
}
