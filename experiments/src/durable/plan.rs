//! What an experiment consists of: the keys of all its observations or mixtures, and the corpora they come from. Shards
//! that record the same plan are of the same experiment, and a merge needs no corpus to know what is missing.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::key::Keys;
use super::shard::Shard;
use crate::atomic_file;
use crate::digest::Digest;

const VERSION: u32 = 1;

/// The corpus behind some of the observations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorpusInfo {
    /// For people.
    pub description: String,
    /// Of the training signals.
    pub sha256: Digest,
}

/// What one configuration consists of: observations drawn from the model, or mixtures of recordings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedRun {
    /// Where its dictionaries come from.
    pub corpus: CorpusInfo,
    /// One per cell, in the order of the grid; none of `realmix`.
    pub observations: Vec<Keys>,
    /// Those of `realmix`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mixtures: Vec<PlannedMixture>,
}

/// A mixture of recordings. Which there are is not always known without the corpus.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlannedMixture {
    /// Which of its speaker and seed; the same at every ratio.
    pub index: usize,
    /// Ratio of speech to background.
    pub snr_db: f64,
    /// See [`super::key`].
    pub key: Digest,
}

/// All runs of an experiment: one, or one per point and seed of a sweep, or one per speaker and seed of `realmix`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    version: u32,
    /// The shard whose run recorded the plan. It is no part of what is planned.
    pub shard: Option<Shard>,
    /// The runs.
    pub runs: Vec<PlannedRun>,
}

impl Plan {
    /// A plan of these runs.
    #[must_use]
    pub fn new(runs: Vec<PlannedRun>, shard: Option<Shard>) -> Self {
        Self {
            version: VERSION,
            shard,
            runs,
        }
    }

    /// Whether the same is planned.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.runs == other.runs
    }

    /// The corpora, each once, and their digest: for one corpus its own.
    #[must_use]
    pub fn corpus(&self) -> CorpusInfo {
        let mut corpora: Vec<&CorpusInfo> = Vec::new();
        for run in &self.runs {
            if !corpora.contains(&&run.corpus) {
                corpora.push(&run.corpus);
            }
        }
        if let [corpus] = corpora[..] {
            return corpus.clone();
        }
        let mut descriptions: Vec<&str> = Vec::new();
        for corpus in &corpora {
            if !descriptions.contains(&corpus.description.as_str()) {
                descriptions.push(&corpus.description);
            }
        }
        CorpusInfo {
            description: descriptions.join("; "),
            sha256: Digest::of(corpora.iter().map(|corpus| corpus.sha256.0)),
        }
    }

    /// Records the plan.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, path: &Path) -> Result<()> {
        atomic_file::write(path, &serde_json::to_vec(self)?)
    }

    /// Reads a recorded plan.
    ///
    /// # Errors
    /// A file that cannot be read, is no plan, or is one of another version.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let plan: Self = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is not the plan of a run", path.display()))?;
        ensure!(
            plan.version == VERSION,
            "{} is of version {}, this program reads version {VERSION}",
            path.display(),
            plan.version
        );
        Ok(plan)
    }
}
