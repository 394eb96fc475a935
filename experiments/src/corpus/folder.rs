//! Two folders of WAV files, of any names and depth: one of speech, an utterance a file, and one of
//! background.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::CorpusSection;
use super::files::{Files, find_wav_files};

/// Lists the files of a `folder` corpus.
///
/// # Errors
/// A folder that is missing or holds no WAV file.
pub(crate) fn open(section: &CorpusSection, least_samples: usize, seed: u64) -> Result<Files> {
    let list = |folder: &Option<PathBuf>, key| {
        let folder = folder
            .as_ref()
            .with_context(|| format!("`{key}` is missing"))?;
        find_wav_files(folder, key)
    };
    let speech = list(&section.speech, "corpus.speech")?;
    let background = list(&section.background, "corpus.background")?;
    Ok(Files {
        description: "folder".to_owned(),
        speech,
        background,
        sample_rate_hz: section.sample_rate_hz,
        least_samples,
        seed,
    })
}
