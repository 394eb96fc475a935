//! Where the dictionaries of a run come from.

use std::path::Path;

use anyhow::Result;

use super::signals::Signals;
use super::voices::Voices;
use super::{Dictionaries, DictionaryKeys, learn};
use crate::config::Config;
use crate::progress::Progress;

/// What dictionaries come from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// They are learned here.
    Signals(Signals),
    /// They were learned elsewhere.
    Voices(Box<Voices>),
}

impl Origin {
    /// The keys of a configuration's dictionaries.
    pub(crate) fn keys(&self, config: &Config) -> Result<DictionaryKeys> {
        match self {
            Self::Signals(signals) => DictionaryKeys::new(&signals.digests(), config),
            Self::Voices(voices) => voices.keys(config),
        }
    }

    /// The dictionaries of a configuration: learned, or taken from the cache or from archives.
    ///
    /// # Errors
    /// A training that fails, a cache that cannot be written, an archive without them, an
    /// interruption.
    pub(crate) fn dictionaries(
        &self,
        config: &Config,
        cache: &Path,
        progress: Progress,
    ) -> Result<Dictionaries> {
        match self {
            Self::Signals(signals) => learn(signals, config, cache, progress),
            Self::Voices(voices) => voices.dictionaries(config),
        }
    }
}
