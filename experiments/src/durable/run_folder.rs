//! The folder of a run under way: `cells/` in the results folder.
//!
//! | file | holds |
//! |---|---|
//! | `run.toml` | the configuration of the run that was begun last |
//! | `plan.json` | what it consists of |
//! | `records.jsonl` | what is finished |
//! | `examples/` | the examples that are finished |
//! | `lock` | nothing that matters; the run under way holds a lock on it |
//!
//! `config.toml` of the results folder is written with the tables and says whose these are; `run.toml` is written before
//! the first result and says whose the records are.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::lock::FolderLock;
use super::store::CellStore;
use crate::atomic_file;
use crate::config::Config;
use crate::digest::Digest;
use crate::refused::Refused;
use crate::results_folder::{ResultsFolder, differing};

/// What to do with what an earlier run left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// Begin anew, unless that would discard an unfinished run or results of another configuration.
    #[default]
    Fresh,
    /// Go on where the same configuration stopped.
    Resume,
    /// Begin anew, whatever is there.
    Force,
}

/// The paths of a run's state.
#[derive(Debug, Clone)]
pub struct RunPaths(PathBuf);

impl RunPaths {
    /// Those in a results folder.
    #[must_use]
    pub fn of(results: &Path) -> Self {
        Self(results.join("cells"))
    }

    /// The recorded configuration.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.0.join("run.toml")
    }

    /// The recorded plan.
    #[must_use]
    pub fn plan(&self) -> PathBuf {
        self.0.join("plan.json")
    }

    /// The finished parts.
    #[must_use]
    pub fn records(&self) -> PathBuf {
        self.0.join("records.jsonl")
    }

    /// The finished examples.
    #[must_use]
    pub fn examples(&self) -> PathBuf {
        self.0.join("examples")
    }

    /// The finished example of an observation, by the key of its fusion.
    #[must_use]
    pub fn example(&self, key: &Digest) -> PathBuf {
        self.examples().join(format!("{key}.json"))
    }

    /// What a run locks.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }
}

/// A results folder that a run may go to.
#[derive(Debug)]
pub struct RunFolder {
    results: ResultsFolder,
    paths: RunPaths,
    cache: PathBuf,
    keeps_records: bool,
    was_begun: bool,
    lock: Option<FolderLock>,
}

impl RunFolder {
    /// Checks that a run of `config` may go to a folder. Nothing is created yet.
    ///
    /// # Errors
    /// [`Refused`] for results or an unfinished run that `start` does not allow to go on from or to discard. Another run
    /// under way; files that cannot be read.
    pub fn claim(path: &Path, config: &Config, start: Start) -> Result<Self> {
        let paths = RunPaths::of(path);
        let lock = if paths.lock().exists() {
            Some(FolderLock::take(&paths.lock(), path)?)
        } else {
            None
        };
        let begun = if start == Start::Force {
            None
        } else {
            differing(&paths.config(), config)?
        };
        let resumed = start == Start::Resume && begun.as_ref().is_some_and(Vec::is_empty);
        let was_begun = paths.config().exists();
        // A run to be resumed was allowed to replace what is there when it began.
        let results = ResultsFolder::claim(path, config, start == Start::Force || resumed)?;
        let unfinished = !results.is_published();
        match begun {
            Some(differing) if !differing.is_empty() => bail!(Refused(format!(
                "{} holds an unfinished run of another configuration: choose another --out, or discard it with \
                 --force\n  {}",
                path.display(),
                differing.join("\n  ")
            ))),
            Some(_) if unfinished && start == Start::Fresh => bail!(Refused(format!(
                "{} holds an unfinished run of this configuration: go on with --resume, or discard it with --force",
                path.display()
            ))),
            _ => {}
        }
        Ok(Self {
            cache: results.cache(),
            results,
            paths,
            // Records are found by keys of their own, whatever became of the configuration beside them.
            keeps_records: start == Start::Resume,
            was_begun,
            lock,
        })
    }

    /// Takes dictionaries from another folder than the results folder's own.
    #[must_use]
    pub fn with_cache(mut self, cache: Option<PathBuf>) -> Self {
        self.cache = cache.unwrap_or(self.cache);
        self
    }

    /// Where results go.
    #[must_use]
    pub fn results(&self) -> &ResultsFolder {
        &self.results
    }

    /// Where learned dictionaries are kept.
    #[must_use]
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The paths of the run's state.
    #[must_use]
    pub fn paths(&self) -> &RunPaths {
        &self.paths
    }

    /// Makes the folder, locks it, records the configuration, and opens the records, which are empty unless the run is
    /// resumed. The second value says what was damaged.
    ///
    /// # Errors
    /// Another run under way; a folder that cannot be written. [`Refused`] if another run was begun since the claim.
    pub fn begin(&mut self, config: &Config) -> Result<(CellStore, Option<String>)> {
        fs::create_dir_all(&self.paths.0)
            .with_context(|| format!("cannot create {}", self.paths.0.display()))?;
        if self.lock.is_none() {
            self.lock = Some(FolderLock::take(&self.paths.lock(), self.results.path())?);
            ensure!(
                self.was_begun || !self.paths.config().exists(),
                Refused(format!(
                    "another run was begun in {} in the meantime: start again, with --resume to go on from it",
                    self.results.path().display()
                ))
            );
        }
        if !self.keeps_records {
            // The records go first: killed in between, no configuration stands beside records of another.
            let (records, plan, examples) = (
                self.paths.records(),
                self.paths.plan(),
                self.paths.examples(),
            );
            removed(&records, fs::remove_file(&records))?;
            removed(&plan, fs::remove_file(&plan))?;
            removed(&examples, fs::remove_dir_all(&examples))?;
        }
        atomic_file::write(&self.paths.config(), toml::to_string(config)?.as_bytes())?;
        CellStore::open(&self.paths.records())
    }
}

/// What was not there is removed as well.
fn removed(path: &Path, outcome: std::io::Result<()>) -> Result<()> {
    match outcome {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(result: Result<RunFolder>) -> String {
        format!("{:#}", result.unwrap_err())
    }

    #[test]
    fn an_unfinished_run_is_resumed_or_discarded_on_demand_only() {
        let folder = tempfile::tempdir().unwrap();
        let (first, mut second) = (Config::default(), Config::default());
        second.experiment.seed += 1;
        let claim = |config: &Config, start| RunFolder::claim(folder.path(), config, start);
        let mut run = claim(&first, Start::Resume).unwrap();
        drop(run.begin(&first).unwrap());
        // While it is held, nobody else may.
        assert!(message(claim(&first, Start::Resume)).contains("another run"));
        drop(run);
        assert!(message(claim(&first, Start::Fresh)).contains("--resume"));
        let other = message(claim(&second, Start::Resume));
        assert!(
            other.contains("experiment.seed: 1 there, 2 here"),
            "{other}"
        );
        assert!(claim(&first, Start::Resume).unwrap().keeps_records);

        // Finished, the same runs again; another is refused until it is forced, and can then be resumed.
        let mut run = claim(&first, Start::Resume).unwrap();
        drop(run.begin(&first).unwrap());
        run.results().publish::<&str>(&first, &[]).unwrap();
        drop(run);
        assert!(!claim(&first, Start::Fresh).unwrap().keeps_records);
        assert!(claim(&second, Start::Fresh).is_err());
        let mut run = claim(&second, Start::Force).unwrap();
        drop(run.begin(&second).unwrap());
        drop(run);
        assert!(claim(&second, Start::Resume).unwrap().keeps_records);
        assert!(message(claim(&second, Start::Fresh)).contains("another configuration"));
        assert!(message(claim(&first, Start::Fresh)).contains("unfinished run of another"));
    }

    #[test]
    fn a_run_begun_since_the_folder_was_claimed_is_not_discarded() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::default();
        let claim = |start| RunFolder::claim(folder.path(), &config, start).unwrap();
        let (mut late, mut early) = (claim(Start::Fresh), claim(Start::Fresh));
        drop(early.begin(&config).unwrap());
        drop(early);
        let error = late.begin(&config).unwrap_err().to_string();
        assert!(error.contains("in the meantime"), "{error}");
    }

    #[test]
    fn records_without_their_configuration_are_resumed() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::default();
        let claim = || RunFolder::claim(folder.path(), &config, Start::Resume).unwrap();
        let mut run = claim();
        drop(run.begin(&config).unwrap());
        fs::remove_file(run.paths().config()).unwrap();
        fs::write(run.paths().records(), "no record\n").unwrap();
        drop(run);
        let (_, damage) = claim().begin(&config).unwrap();
        assert!(damage.unwrap().contains("cut off"), "the file was read");
    }
}
