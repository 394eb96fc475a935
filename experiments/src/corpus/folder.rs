//! Two folders of WAV files, of any names and depth: one of speech, an utterance a file, and one of background.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::files::{Files, wav_files};
use crate::config::Config;

/// Lists the files of a `folder` corpus.
///
/// # Errors
/// A folder that is missing or holds no WAV file.
pub(super) fn open(config: &Config) -> Result<Files> {
    let list = |folder: &Option<PathBuf>, key| {
        let folder = folder
            .as_ref()
            .with_context(|| format!("`{key}` is missing"))?;
        wav_files(folder, key)
    };
    let speech = list(&config.corpus.speech, "corpus.speech")?;
    let background = list(&config.corpus.background, "corpus.background")?;
    Ok(Files {
        description: "folder".to_owned(),
        speech,
        background,
        sample_rate_hz: config.corpus.sample_rate_hz,
        least_samples: config.stft.window_samples,
        seed: config.experiment.seed,
    })
}
