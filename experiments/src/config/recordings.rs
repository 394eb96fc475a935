//! The section `[recordings]`: which mixtures of recordings there are.

use model::level::NOISE_DB;
use serde::{Deserialize, Serialize};

/// Which mixtures are made or taken, and how they meet the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Recordings {
    /// Each with dictionaries of its own. A `folder` corpus has one speaker and takes none.
    pub(crate) speakers: Vec<u32>,
    /// Repetitions with other utterances, dictionaries and background: seeds from `experiment.seed`
    /// on.
    pub(crate) seeds: usize,
    /// Mixtures per speaker, seed and ratio.
    pub(crate) mixtures: usize,
    /// Held-out utterances in a mixture, one after another.
    pub(crate) utterances: usize,
    /// What is known of the background.
    pub(crate) background: BackgroundModel,
    /// Level of the model's sensor noise against a mixture, in dB.
    pub(crate) noise_db: f64,
    /// `chime`: take the mixtures of this set as they are, with their own ratios, instead of making
    /// some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) isolated: Option<IsolatedSet>,
}

/// What is known of the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BackgroundModel {
    /// Nothing: its dictionary is estimated from the mixture, as in the paper.
    Estimated,
    /// A dictionary learned from another excerpt.
    Known,
}

/// A set of isolated mixtures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum IsolatedSet {
    /// `devel/isolated`.
    Devel,
    /// `test/isolated`.
    Test,
}

impl Default for Recordings {
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

impl Recordings {
    /// The speakers, in the order of the results. A corpus of one speaker has none with a number.
    pub(crate) fn speakers(&self) -> Vec<Option<u32>> {
        match self.speakers.as_slice() {
            [] => vec![None],
            speakers => speakers.iter().copied().map(Some).collect(),
        }
    }
}

impl IsolatedSet {
    /// Name of its folder.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Devel => "devel",
            Self::Test => "test",
        }
    }
}
