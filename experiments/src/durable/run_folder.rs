//! The folder of a run under way: `cells/` in the results folder.
//!
//! | file | holds |
//! |---|---|
//! | `run.toml` | the configuration of the run that was begun last |
//! | `plan.json` | what it consists of |
//! | `records.jsonl` | what is finished |
//! | `examples/` | the examples that are finished |
//! | `unfinished` | which [`Work`] is done; there from before the first result until the tables are written |
//! | `published` | the names of the results, which are removed when others take their place |
//! | `lock` | who has it, for people; the run under way holds a lock on it |
//!
//! `config.toml` of the results folder is written with the tables and says whose these are; `run.toml` is written before
//! the first result and says whose the records are. A run of another configuration takes `config.toml` away when it
//! begins, so that no tables seem to be its own.
//!
//! A shard and a run for the dictionaries only write no tables. They stay unfinished, so that what they found is not
//! discarded unasked, until a merge writes its tables into their folder. In the folder of a finished run they take what
//! is there and leave it finished; only a run that writes tables begins anew there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::lock::FolderLock;
use super::store::CellStore;
use super::work::Work;
use crate::atomic_file::{self, removed};
use crate::config::Config;
use crate::digest::Digest;
use crate::examples::AUDIO_FOLDER;
use crate::refused::Refused;
use crate::results_folder::{ResultsFolder, differing, is_of};

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

    /// What the unfinished run does; nothing if there is none, or it does not say.
    #[must_use]
    pub fn work(&self) -> Option<Work> {
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

    /// Checks that tables of `config` may go to a folder, whose parts other folders hold, makes the folder and locks it.
    ///
    /// # Errors
    /// [`Refused`] for results or an unfinished run of another configuration, unless `force`. A run under way; files that
    /// cannot be read.
    pub fn claim_for_tables(path: &Path, config: &Config, force: bool) -> Result<Self> {
        let allowed = || {
            let results = ResultsFolder::claim(path, config, force)?;
            if !force {
                let begun = differing(&RunPaths::of(path).config(), config)?;
                refuse_others(path, &begun.unwrap_or_default())?;
            }
            Ok::<_, anyhow::Error>(results)
        };
        let lock = existing_lock(path)?;
        let mut folder = Self::of(allowed()?, Start::Resume, lock);
        if folder.take_lock()? {
            allowed()?;
        }
        folder.remove_leftovers();
        Ok(folder)
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
    /// resumed or does not write tables. The second value says what was damaged.
    ///
    /// # Errors
    /// Another run under way; a folder that cannot be written; what [`RunFolder::claim`] refuses, if it came about since.
    pub fn begin(&mut self, config: &Config, work: Work) -> Result<(CellStore, Option<String>)> {
        if self.take_lock()? {
            allowed(self.results.path(), config, self.start)?;
        }
        self.remove_leftovers();
        let anew = match self.start {
            Start::Fresh => work == Work::All,
            Start::Resume => false,
            Start::Force => true,
        };
        let unfinished = self.paths.unfinished();
        let stays_as_it_is = match work {
            Work::All => false,
            Work::Shard(_) => !unfinished.exists() && self.results.is_published(),
            Work::Dictionaries => unfinished.exists() || self.results.is_published(),
        };
        // What is there of a finished run is discarded from here on. Killed in between, it is unfinished.
        if anew || !stays_as_it_is {
            atomic_file::write(&unfinished, format!("{work}\n").as_bytes())?;
        }
        self.results.disown_others(config)?;
        // Records are found by keys of their own, whatever became of the configuration beside them.
        if anew {
            // They go first: killed in between, no configuration stands beside records of another.
            let records = self.paths.records();
            removed(&records, fs::remove_file(&records))?;
        }
        // From here on the run can be resumed.
        atomic_file::write(&self.paths.config(), toml::to_string(config)?.as_bytes())?;
        if anew {
            self.discard_plan()?;
        }
        CellStore::open(&self.paths.records())
    }

    /// Writes the results of `config`, files by name. With them the run is finished. What is there of a run of another
    /// configuration is discarded: it was allowed to.
    ///
    /// # Errors
    /// As [`ResultsFolder::publish`].
    pub fn publish<N: AsRef<str>>(&self, config: &Config, files: &[(N, Vec<u8>)]) -> Result<()> {
        let begun = self.paths.config();
        if !is_of(&begun, config) {
            let records = self.paths.records();
            removed(&records, fs::remove_file(&records))?;
            self.discard_plan()?;
            removed(&begun, fs::remove_file(&begun))?;
        }
        self.results.publish(config, files)?;
        let unfinished = self.paths.unfinished();
        removed(&unfinished, fs::remove_file(&unfinished))
    }

    /// Makes the folder and locks it, and returns whether that is new: nothing kept off another run since the claim.
    fn take_lock(&mut self) -> Result<bool> {
        fs::create_dir_all(&self.paths.0)
            .with_context(|| format!("cannot create {}", self.paths.0.display()))?;
        let is_new = self.lock.is_none();
        if is_new {
            self.lock = Some(FolderLock::take(&self.paths.lock(), self.results.path())?);
        }
        Ok(is_new)
    }

    /// Removes what killed runs and merges left under temporary names; to be called with the lock.
    fn remove_leftovers(&self) {
        let audio = self.results.path().join(AUDIO_FOLDER);
        let examples = self.paths.examples();
        for folder in [self.results.path(), &audio, &self.paths.0, &examples] {
            atomic_file::remove_leftovers(folder);
        }
    }

    fn discard_plan(&self) -> Result<()> {
        let (plan, examples) = (self.paths.plan(), self.paths.examples());
        removed(&plan, fs::remove_file(&plan))?;
        removed(&examples, fs::remove_dir_all(&examples))
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
        drop(run.begin(config, Work::All).unwrap());
        run.paths().clone()
    }

    fn finish(folder: &Path, config: &Config) {
        let mut run = RunFolder::claim(folder, config, Start::Resume).unwrap();
        drop(run.begin(config, Work::All).unwrap());
        run.publish(config, &[("table1.csv", b"mean\n".to_vec())])
            .unwrap();
    }

    #[test]
    fn an_unfinished_run_is_resumed_or_discarded_on_demand_only() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = seeds();
        let claim = |config: &Config, start| RunFolder::claim(folder.path(), config, start);
        let mut run = claim(&first, Start::Resume).unwrap();
        drop(run.begin(&first, Work::All).unwrap());
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
            let shard: Work = "1/2".parse().unwrap();
            drop(run.begin(&second, shard).unwrap());
            assert_eq!(run.paths().work(), Some(shard));
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
        drop(claim(&second, true).unwrap());
        let tables = claim(&first, false).unwrap();
        assert!(message(claim(&first, false)).contains("another run"));
        tables.publish::<&str>(&first, &[]).unwrap();
        drop(tables);
        assert!(!paths.unfinished().exists());
        assert!(message(claim(&second, false)).contains("results of another"));
        RunFolder::claim(folder.path(), &first, Start::Fresh).unwrap();
    }

    #[test]
    fn forced_tables_leave_nothing_of_a_run_of_another_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = seeds();
        let paths = begin(folder.path(), &first, Start::Fresh);
        fs::write(paths.records(), "a record\n").unwrap();
        fs::write(paths.plan(), "a plan").unwrap();
        let tables = RunFolder::claim_for_tables(folder.path(), &second, true).unwrap();
        tables.publish::<&str>(&second, &[]).unwrap();
        drop(tables);
        for state in [paths.records(), paths.plan(), paths.config()] {
            assert!(!state.exists(), "{}", state.display());
        }
        // The first does not go on over the tables of the second, and the second is a finished run.
        let claim = |config, start| RunFolder::claim(folder.path(), config, start);
        assert!(message(claim(&first, Start::Resume)).contains("results of another"));
        claim(&second, Start::Fresh).unwrap();
    }

    #[test]
    fn tables_go_to_a_new_folder_one_merge_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("out");
        let (first, second) = seeds();
        let claim = |config| RunFolder::claim_for_tables(&folder, config, false);
        let tables = claim(&first).unwrap();
        assert!(message(claim(&second)).contains("another run"));
        assert!(message(RunFolder::claim(&folder, &first, Start::Fresh)).contains("another run"));
        let leftover = folder.join(".table1.csv.7-0.tmp");
        drop(tables);
        fs::write(&leftover, "me").unwrap();
        claim(&second).unwrap();
        assert!(!leftover.exists());
    }

    #[test]
    fn what_writes_no_tables_takes_what_a_finished_run_left() {
        let shard = "1/2".parse::<Work>().unwrap();
        for work in [shard, Work::Dictionaries] {
            for start in [Start::Fresh, Start::Resume, Start::Force] {
                let folder = tempfile::tempdir().unwrap();
                let config = Config::default();
                finish(folder.path(), &config);
                let mut run = RunFolder::claim(folder.path(), &config, start).unwrap();
                let paths = run.paths().clone();
                fs::write(paths.plan(), "a plan").unwrap();
                drop(run.begin(&config, work).unwrap());
                drop(run);
                let kept = start != Start::Force;
                assert_eq!(paths.plan().exists(), kept);
                assert_eq!(paths.work(), (!kept).then_some(work));
                let again = RunFolder::claim(folder.path(), &config, Start::Fresh);
                assert_eq!(again.is_ok(), kept);
            }
        }
        // Dictionaries are learned into the folder of a shard without a change of whose it is.
        let folder = tempfile::tempdir().unwrap();
        let config = Config::default();
        for work in [shard, Work::Dictionaries] {
            let mut run = RunFolder::claim(folder.path(), &config, Start::Resume).unwrap();
            drop(run.begin(&config, work).unwrap());
            assert_eq!(run.paths().work(), Some(shard));
        }
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
        drop(early.begin(&config, Work::All).unwrap());
        drop(early);
        let error = late.begin(&config, Work::All).unwrap_err();
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
        let (_, damage) = run.begin(&config, Work::All).unwrap();
        assert!(damage.unwrap().contains("cut off"), "the file was read");
        assert!(!leftover.exists());
    }
}
