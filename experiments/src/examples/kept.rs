//! Finished examples on disk: one file each in `cells/examples/` of a run, named by the key of its observation. A resumed
//! run does not make them again, and shards bring theirs to a merge.
//!
//! The first line of a file is the SHA-256 of the rest, JSON. What does not read as that is made again.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::{Example, Maker, chosen_cells};
use crate::atomic_file;
use crate::config::Config;
use crate::digest::Digest;
use crate::durable::run_folder::RunPaths;
use crate::figures::Plot;
use crate::interrupt;
use crate::presentation;
use crate::progress::Progress;
use crate::result_tables;
use crate::summary::CellResult;
use crate::tasks::{PreparedRun, guarded, name};

const VERSION: u32 = 1;

/// What the results hold of an example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptExample {
    version: u32,
    /// Its rows of `examples.csv`.
    pub rows: Vec<Vec<String>>,
    /// Its files, in base64.
    files: Vec<(String, String)>,
}

impl KeptExample {
    /// `in_figures`: whether it is the one that the figures of a single observation show.
    fn of(
        example: &Example,
        result: &CellResult,
        config: &Config,
        in_figures: bool,
    ) -> Result<Self> {
        let mut files = example.files(config.corpus.sample_rate_hz)?;
        if in_figures {
            let traces = presentation::free_energy(example, config);
            let table = result_tables::free_energy(&example.traces, example.cell);
            let spectrograms = presentation::spectrograms(example, config);
            files.extend([
                ("free_energy.csv".to_owned(), table.csv()?),
                ("free_energy.svg".to_owned(), traces.svg()?),
                ("free_energy.png".to_owned(), traces.png()?),
                ("spectrograms.png".to_owned(), spectrograms.png()?),
            ]);
        }
        let encoded = |(name, bytes)| (name, STANDARD.encode::<Vec<u8>>(bytes));
        Ok(Self {
            version: VERSION,
            rows: result_tables::example_rows(example, result),
            files: files.into_iter().map(encoded).collect(),
        })
    }

    /// One that could not be made: the run is complete without it. It is tried again when the run goes on.
    fn failed() -> Self {
        Self {
            version: VERSION,
            rows: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Whether it could be made.
    #[must_use]
    pub fn is_made(&self) -> bool {
        !self.files.is_empty()
    }

    /// Its files, by name in the results folder.
    ///
    /// # Errors
    /// None of what [`KeptExample::read`] returns.
    pub fn files(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let decoded = |(name, text): &(String, String)| {
            let bytes = STANDARD.decode(text).context("an example is damaged")?;
            Ok((name.clone(), bytes))
        };
        self.files.iter().map(decoded).collect()
    }

    /// A kept example; none if it is not there, damaged, or of another version.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let (digest, json) = text.split_once('\n')?;
        if digest.parse() != Ok(Digest::of_bytes(json.as_bytes())) {
            return None;
        }
        let kept: Self = serde_json::from_str(json).ok()?;
        (kept.version == VERSION).then_some(kept)
    }

    fn write(&self, path: &Path) -> Result<()> {
        let folder = path.parent().unwrap_or(path);
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let json = serde_json::to_string(self)?;
        let digest = Digest::of_bytes(json.as_bytes());
        atomic_file::write(path, format!("{digest}\n{json}").as_bytes())
    }
}

/// The examples of a run whose results are there, from disk or made now. One that cannot be made is said and left out.
///
/// # Errors
/// Settings that the model does not allow, a folder that cannot be written, an interruption.
pub fn keep(
    run: &PreparedRun<'_>,
    results: &[CellResult],
    paths: &RunPaths,
    progress: Progress,
) -> Result<Vec<KeptExample>> {
    let config = run.config;
    let chosen = chosen_cells(config);
    let middle = chosen.get(chosen.len() / 2);
    let wanted: Vec<_> = chosen
        .iter()
        .filter_map(|cell| {
            // Where there is no result, the table says what failed, or it is another shard's.
            let result = results.iter().find(|result| result.cell == *cell)?;
            let (_, keys) = run.cells.iter().find(|(other, _)| other == cell)?;
            result.outcome.is_ok().then_some((result, keys))
        })
        .collect();
    let maker = Maker::new(&run.dictionaries, config)?;
    let stage = progress.stage("examples", wanted.len());
    let mut examples = Vec::new();
    for (result, keys) in wanted {
        interrupt::check()?;
        let path = paths.example(&keys.fusion);
        stage.step();
        if let Some(example) = KeptExample::read(&path).filter(KeptExample::is_made) {
            examples.push(example);
            continue;
        }
        let cell = result.cell;
        let made = guarded(|| {
            let made = maker.make(cell, result)?;
            KeptExample::of(&made, result, config, Some(&cell) == middle)
        });
        match made {
            Ok(example) => {
                example.write(&path)?;
                examples.push(example);
            }
            // Without it the results still stand.
            Err(error) => {
                progress.warn(format_args!(
                    "there is no example of {}: {error:#}",
                    name(&cell, config.experiment.seed)
                ));
                KeptExample::failed().write(&path)?;
            }
        }
    }
    stage.finish();
    Ok(examples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_read_back_and_damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("examples/one.json");
        let example = KeptExample {
            version: VERSION,
            rows: vec![vec!["0".to_owned(), "mixture".to_owned()]],
            files: vec![("audio/a.wav".to_owned(), STANDARD.encode([0, 255, 10]))],
        };
        assert_eq!(KeptExample::read(&path), None);
        example.write(&path).unwrap();
        assert_eq!(KeptExample::read(&path).as_ref(), Some(&example));
        let files = example.files().unwrap();
        assert_eq!(files, [("audio/a.wav".to_owned(), vec![0, 255, 10])]);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("mixture", "mixturf")).unwrap();
        assert_eq!(KeptExample::read(&path), None);
        assert!(example.is_made());
        KeptExample::failed().write(&path).unwrap();
        assert!(!KeptExample::read(&path).unwrap().is_made());
    }
}
