//! Recordings as they are given on a command line: by name, by folder, by pattern.

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

use crate::corpus::wav_files;
use crate::refused::Refused;

/// The files that arguments stand for: a file itself, the WAV files below a folder, or those that a
/// pattern with `*`, `?` or `[` matches. Sorted, each once.
///
/// # Errors
/// An argument that stands for no file, and [`Refused`] for a pattern that is none; the error names
/// it and the option it was given by.
pub(crate) fn find_recordings(arguments: &[PathBuf], option: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for argument in arguments {
        if argument.is_dir() {
            files.extend(wav_files(argument, option)?);
            continue;
        }
        let text = argument.to_string_lossy();
        if argument.exists() || !text.contains(['*', '?', '[']) {
            files.push(argument.clone());
            continue;
        }
        let before = files.len();
        match glob::glob(&text) {
            Err(error) => bail!(Refused(format!(
                "{text} ({option}): not a pattern: {error}"
            ))),
            Ok(paths) => {
                for path in paths {
                    files.push(path.map_err(|error| anyhow::anyhow!("{text}: {error}"))?);
                }
            }
        }
        ensure!(files.len() > before, "{text} ({option}): no file matches");
    }
    files.sort();
    files.dedup();
    Ok(files)
}
