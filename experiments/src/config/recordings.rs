//! The section `[recordings]`: which mixtures of recordings there are.

use model::level::NOISE_DB;
use serde::{Deserialize, Serialize};

/// Which mixtures are made or taken, and how they meet the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Recordings {
    /// Mixtures per unit and ratio.
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
            mixtures: 2,
            utterances: 4,
            background: BackgroundModel::Estimated,
            noise_db: NOISE_DB,
            isolated: None,
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
