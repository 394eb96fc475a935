//! The folder of a run under way: `cells/` in the results folder.
//!
//! | file | holds |
//! |---|---|
//! | `run.toml` | the configuration of the run that was begun last |
//! | `plan.json` | what it consists of |
//! | `records.jsonl` | what is finished |
//! | `examples/` | the examples that are finished |
//! | `unfinished` | which shard is done, or `all`; there from before the first result until the tables are written |
//! | `lock` | who has it, for people; the run under way holds a lock on it |
//!
//! `config.toml` of the results folder is written with the tables and says whose these are; `run.toml` is written before
//! the first result and says whose the records are. A run of another configuration takes `config.toml` away when it
//! begins, so that no tables seem to be its own.
//!
//! A shard and a run for the dictionaries only write no tables. They stay unfinished, so that what they found is not
//! discarded unasked, until a merge writes its tables into their folder.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::lock::FolderLock;
use super::shard::Shard;
use super::store::CellStore;
use crate::atomic_file;
use crate::config::Config;
use crate::digest::Digest;
use crate::examples::AUDIO_FOLDER;
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

    /// What is there as long as the run is unfinished.
    #[must_use]
    pub fn unfinished(&self) -> PathBuf {
        self.0.join("unfinished")
    }

    /// The shard that the unfinished run does; nothing if it does all, or does not say.
    #[must_use]
    pub fn shard(&self) -> Option<Shard> {
        fs::read_to_string(self.unfinished())
            .ok()?
            .trim()
            .parse()
            .ok()
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
    start: Start,
    lock: Option<FolderLock>,
}

impl RunFolder {
    /// Checks that a run of `config` may go to a folder. Nothing is created yet.
    ///
    /// # Errors
    /// [`Refused`] for results or an unfinished run that `start` does not allow to go on from or to discard. Another run
    /// under way; files that cannot be read.
    pub fn claim(path: &Path, config: &Config, start: Start) -> Result<Self> {
        let lock = existing_lock(path)?;
        let results = allowed(path, config, start)?;
        Ok(Self::of(results, start, lock))
    }

    /// Checks that tables of `config` may go to a folder, whose parts other folders hold. Nothing is created yet.
    ///
    /// # Errors
    /// [`Refused`] for results or an unfinished run of another configuration, unless `force`. A run under way; files that
    /// cannot be read.
    pub fn claim_for_tables(path: &Path, config: &Config, force: bool) -> Result<Self> {
        let lock = existing_lock(path)?;
        let results = ResultsFolder::claim(path, config, force)?;
        if !force {
            let begun = differing(&RunPaths::of(path).config(), config)?;
            refuse_others(path, &begun.unwrap_or_default())?;
        }
        Ok(Self::of(results, Start::Resume, lock))
    }

    fn of(results: ResultsFolder, start: Start, lock: Option<FolderLock>) -> Self {
        Self {
            cache: results.cache(),
            paths: RunPaths::of(results.path()),
            results,
            start,
            lock,
        }
    }

    /// Takes dictionaries from another folder than the results folder's own.
    #[must_use]
    pub fn with_cache(mut self, cache: Option<PathBuf>) -> Self {
        self.cache = cache.unwrap_or(self.cache);
        self
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
    /// resumed. The second value says what was damaged. `shard`: which one the run does, if it does not do all.
    ///
    /// # Errors
    /// Another run under way; a folder that cannot be written; what [`RunFolder::claim`] refuses, if it came about since.
    pub fn begin(
        &mut self,
        config: &Config,
        shard: Option<Shard>,
    ) -> Result<(CellStore, Option<String>)> {
        fs::create_dir_all(&self.paths.0)
            .with_context(|| format!("cannot create {}", self.paths.0.display()))?;
        if self.lock.is_none() {
            self.lock = Some(FolderLock::take(&self.paths.lock(), self.results.path())?);
            // Without a lock nothing kept off another run since the claim.
            allowed(self.results.path(), config, self.start)?;
        }
        let audio = self.results.path().join(AUDIO_FOLDER);
        let examples = self.paths.examples();
        for folder in [self.results.path(), &audio, &self.paths.0, &examples] {
            atomic_file::remove_leftovers(folder);
        }
        // What is there of a finished run is discarded from here on. Killed in between, it is unfinished.
        let work = shard.map_or_else(|| "all".to_owned(), |shard| shard.to_string());
        atomic_file::write(&self.paths.unfinished(), format!("{work}\n").as_bytes())?;
        self.results.disown_others(config)?;
        // Records are found by keys of their own, whatever became of the configuration beside them.
        if self.start != Start::Resume {
            // They go first: killed in between, no configuration stands beside records of another.
            let (records, plan) = (self.paths.records(), self.paths.plan());
            removed(&records, fs::remove_file(&records))?;
            removed(&plan, fs::remove_file(&plan))?;
            removed(&examples, fs::remove_dir_all(&examples))?;
        }
        atomic_file::write(&self.paths.config(), toml::to_string(config)?.as_bytes())?;
        CellStore::open(&self.paths.records())
    }

    /// Writes the results of `config`, files by name. With them the run is finished.
    ///
    /// # Errors
    /// As [`ResultsFolder::publish`].
    pub fn publish<N: AsRef<str>>(&self, config: &Config, files: &[(N, Vec<u8>)]) -> Result<()> {
        self.results.publish(config, files)?;
        let unfinished = self.paths.unfinished();
        removed(&unfinished, fs::remove_file(&unfinished))
    }
}

/// Locks a folder in which there was a run before.
fn existing_lock(results: &Path) -> Result<Option<FolderLock>> {
    let lock = RunPaths::of(results).lock();
    lock.exists()
        .then(|| FolderLock::take(&lock, results))
        .transpose()
}

/// The folder, if what is in it allows a run of `config`.
fn allowed(path: &Path, config: &Config, start: Start) -> Result<ResultsFolder> {
    let paths = RunPaths::of(path);
    let begun = match start {
        Start::Force => None,
        Start::Fresh | Start::Resume => differing(&paths.config(), config)?,
    };
    let resumed = start == Start::Resume && begun.as_ref().is_some_and(Vec::is_empty);
    // A run to be resumed was allowed to replace what is there when it began.
    let results = ResultsFolder::claim(path, config, start == Start::Force || resumed)?;
    refuse_others(path, begun.as_deref().unwrap_or_default())?;
    // Versions before this one left no file that says so.
    let unfinished = paths.unfinished().exists() || !results.is_published();
    if start == Start::Fresh && unfinished {
        ensure!(
            begun.is_none(),
            Refused(format!(
                "{} holds an unfinished run of this configuration: go on with --resume, or discard it with --force",
                path.display()
            ))
        );
        ensure!(
            !fs::metadata(paths.records()).is_ok_and(|records| records.len() > 0),
            Refused(format!(
                "{} holds what is finished of a run whose configuration is lost: --resume takes what fits this one, \
                 --force discards it",
                path.display()
            ))
        );
    }
    Ok(results)
}

/// Refuses a run that differs in these keys.
fn refuse_others(path: &Path, differing: &[String]) -> Result<()> {
    ensure!(
        differing.is_empty(),
        Refused(format!(
            "{} holds an unfinished run of another configuration: choose another --out, or discard it with --force\n  {}",
            path.display(),
            differing.join("\n  ")
        ))
    );
    Ok(())
}

/// What was not there is removed as well.
fn removed(path: &Path, outcome: std::io::Result<()>) -> Result<()> {
    match outcome {
        Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
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

    fn seeds() -> (Config, Config) {
        let (first, mut second) = (Config::default(), Config::default());
        second.experiment.seed += 1;
        (first, second)
    }

    /// Begins a run and leaves it, as if it were killed.
    fn begin(folder: &Path, config: &Config, start: Start) -> RunPaths {
        let mut run = RunFolder::claim(folder, config, start).unwrap();
        drop(run.begin(config, None).unwrap());
        run.paths().clone()
    }

    fn finish(folder: &Path, config: &Config) {
        let mut run = RunFolder::claim(folder, config, Start::Resume).unwrap();
        drop(run.begin(config, None).unwrap());
        run.publish(config, &[("table1.csv", b"mean\n".to_vec())])
            .unwrap();
    }

    #[test]
    fn an_unfinished_run_is_resumed_or_discarded_on_demand_only() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = seeds();
        let claim = |config: &Config, start| RunFolder::claim(folder.path(), config, start);
        let mut run = claim(&first, Start::Resume).unwrap();
        drop(run.begin(&first, None).unwrap());
        // While it is held, nobody else may.
        assert!(message(claim(&first, Start::Resume)).contains("another run"));
        drop(run);
        assert!(message(claim(&first, Start::Fresh)).contains("--resume"));
        let other = message(claim(&second, Start::Resume));
        assert!(
            other.contains("experiment.seed: 1 there, 2 here"),
            "{other}"
        );
        claim(&first, Start::Resume).unwrap();

        // Finished, the same runs again; another is refused until it is forced, and can then be resumed.
        finish(folder.path(), &first);
        claim(&first, Start::Fresh).unwrap();
        assert!(message(claim(&second, Start::Fresh)).contains("results of another configuration"));
        begin(folder.path(), &second, Start::Force);
        claim(&second, Start::Resume).unwrap();
        assert!(message(claim(&second, Start::Fresh)).contains("go on with --resume"));
        assert!(message(claim(&first, Start::Fresh)).contains("unfinished run of another"));
    }

    #[test]
    fn a_finished_run_that_is_run_again_is_unfinished_until_its_tables_are_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let (config, other) = seeds();
        let claim = |config, start| RunFolder::claim(folder.path(), config, start);
        finish(folder.path(), &config);
        let paths = begin(folder.path(), &config, Start::Fresh);
        assert!(paths.unfinished().exists());
        // Its tables are those of the same configuration.
        assert!(folder.path().join("config.toml").exists());
        assert!(message(claim(&config, Start::Fresh)).contains("go on with --resume"));
        assert!(claim(&other, Start::Fresh).is_err());
        // Killed again right after it was marked, or with the marker of whatever contents.
        fs::remove_file(paths.config()).unwrap();
        fs::write(paths.unfinished(), [0xff]).unwrap();
        fs::write(paths.records(), "half a record").unwrap();
        assert!(message(claim(&config, Start::Fresh)).contains("configuration is lost"));
        finish(folder.path(), &config);
        assert!(!paths.unfinished().exists());
        claim(&config, Start::Fresh).unwrap();
        // What was killed before its first record has nothing to lose.
        fs::write(paths.unfinished(), "all\n").unwrap();
        fs::remove_file(paths.config()).unwrap();
        fs::remove_file(paths.records()).unwrap();
        claim(&config, Start::Fresh).unwrap();
    }

    #[test]
    fn a_forced_run_takes_the_configuration_from_tables_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = seeds();
        let recorded = folder.path().join("config.toml");
        for contents in [None, Some("not [toml")] {
            finish(folder.path(), &first);
            if let Some(contents) = contents {
                fs::write(&recorded, contents).unwrap();
            }
            let mut run = RunFolder::claim(folder.path(), &second, Start::Force).unwrap();
            drop(run.begin(&second, "1/2".parse().ok()).unwrap());
            assert_eq!(run.paths().shard(), "1/2".parse().ok());
            assert!(!recorded.exists());
            drop(run);
            // The first is not begun again over the shard, and the shard is not taken for finished.
            let claim = |config, start| RunFolder::claim(folder.path(), config, start);
            assert!(message(claim(&first, Start::Fresh)).contains("unfinished run of another"));
            assert!(message(claim(&second, Start::Fresh)).contains("go on with --resume"));
            fs::remove_dir_all(folder.path().join("cells")).unwrap();
        }
    }

    #[test]
    fn tables_of_a_merge_finish_a_run_and_do_not_join_another() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = seeds();
        let paths = begin(folder.path(), &first, Start::Fresh);
        let claim = |config, force| RunFolder::claim_for_tables(folder.path(), config, force);
        assert!(message(claim(&second, false)).contains("unfinished run of another"));
        claim(&second, true).unwrap();
        let tables = claim(&first, false).unwrap();
        assert!(message(claim(&first, false)).contains("another run"));
        tables.publish::<&str>(&first, &[]).unwrap();
        drop(tables);
        assert!(!paths.unfinished().exists());
        assert!(message(claim(&second, false)).contains("results of another"));
        RunFolder::claim(folder.path(), &first, Start::Fresh).unwrap();
    }

    #[test]
    fn folders_of_versions_that_marked_nothing_are_judged_by_their_tables() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = seeds();
        let claim = |config, start| RunFolder::claim(folder.path(), config, start);
        let paths = begin(folder.path(), &first, Start::Fresh);
        fs::remove_file(paths.unfinished()).unwrap();
        assert!(message(claim(&first, Start::Fresh)).contains("go on with --resume"));
        finish(folder.path(), &first);
        claim(&first, Start::Fresh).unwrap();
        // A forced run of another, whose tables were not there yet.
        fs::write(paths.config(), toml::to_string(&second).unwrap()).unwrap();
        assert!(claim(&first, Start::Fresh).is_err());
        assert!(claim(&second, Start::Fresh).is_err());
        claim(&second, Start::Resume).unwrap();
    }

    #[test]
    fn a_run_begun_since_the_folder_was_claimed_is_not_discarded() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::default();
        let claim = |start| RunFolder::claim(folder.path(), &config, start).unwrap();
        let (mut late, mut early) = (claim(Start::Fresh), claim(Start::Fresh));
        drop(early.begin(&config, None).unwrap());
        drop(early);
        let error = late.begin(&config, None).unwrap_err();
        assert!(error.is::<Refused>());
        assert!(error.to_string().contains("go on with --resume"), "{error}");
    }

    #[test]
    fn records_without_their_configuration_are_resumed() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::default();
        let paths = begin(folder.path(), &config, Start::Resume);
        // Killed while it wrote its tables.
        let leftover = folder.path().join(".table1.csv.7-0.tmp");
        fs::write(&leftover, "me").unwrap();
        fs::remove_file(paths.config()).unwrap();
        fs::write(paths.records(), "no record\n").unwrap();
        let mut run = RunFolder::claim(folder.path(), &config, Start::Resume).unwrap();
        let (_, damage) = run.begin(&config, None).unwrap();
        assert!(damage.unwrap().contains("cut off"), "the file was read");
        assert!(!leftover.exists());
    }
}
