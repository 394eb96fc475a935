//! The folder of a run: its results, and below `cells/` what it keeps to go on from.
//!
//! | file | holds |
//! |---|---|
//! | `config.toml` | the configuration of the tables beside it, written with them |
//! | `cache/` | learned dictionaries, see [`super::sealed`] |
//! | `cells/records` | what is finished, see [`super::records`] |
//! | `cells/run.toml` | the configuration of the run that was begun last |
//! | `cells/shard` | the share of it that is done here; absent where it is all |
//! | `cells/plan.json` | what the run consists of |
//! | `cells/examples/` | examples that are finished |
//! | `cells/published` | the names of the results, which go when others take their place |
//! | `cells/lock` | who is using the folder; a run under way holds a lock on it |
//!
//! Records and examples are found by digests of what determines them: whichever run left them, a
//! run takes those that fit it and adds its own. Only tables can be overwritten, and those of
//! another configuration only if that is asked for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use toml::Table;

use super::atomic::{self, Staged, create_folder};
use super::configuration::{differences_of_numbers, recorded};
use super::digest::Digest;
use super::lock::FolderLock;
use super::refused::Refused;
use super::shard::Shard;
use crate::progress::Progress;

/// Name of the resolved configuration among the results.
pub(crate) const CONFIG: &str = "config.toml";

/// Where the signals of examples are among the results.
pub(crate) const AUDIO: &str = "audio";

/// Where it keeps what it goes on from, and its dictionaries.
pub(crate) const CELLS: &str = "cells";
pub(crate) const CACHE: &str = "cache";

/// The folder of the speech among those of sources, in all layouts.
pub(crate) const SPEECH: &str = "speech";

/// Names that results have, without their endings; `sweep_1` and so on beside them.
const RESULTS: [&str; 16] = [
    "config",
    "differences",
    "effective_orders",
    "examples",
    "fig1",
    "free_energy",
    "manifest",
    "observations",
    "order_posterior",
    "order_posterior_structured",
    "realmix",
    "spectrograms",
    "summary",
    "sweep",
    "table1",
    "timings",
];
/// Endings that results have.
const ENDINGS: [&str; 8] = ["csv", "json", "md", "pdf", "png", "svg", "tex", "toml"];
/// Most foreign files that are named one by one.
const MOST_NAMED: usize = 10;

/// The paths of what a run keeps.
#[derive(Debug, Clone)]
pub(crate) struct KeptPaths(PathBuf);

impl KeptPaths {
    /// Those of a results folder.
    pub(crate) fn new(results: &Path) -> Self {
        Self(results.join(CELLS))
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.0.join("run.toml")
    }

    pub(crate) fn plan(&self) -> PathBuf {
        self.0.join("plan.json")
    }

    pub(crate) fn records(&self) -> PathBuf {
        self.0.join("records")
    }

    /// The example of the trial with this key.
    pub(crate) fn example(&self, key: &Digest) -> PathBuf {
        self.examples().join(key.to_string())
    }

    /// The share of the run that is done here; none where it is all, or nothing was begun.
    pub(crate) fn shard(&self) -> Option<Shard> {
        let text = fs::read_to_string(self.shard_file()).ok()?;
        text.trim().parse().ok()
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    fn examples(&self) -> PathBuf {
        self.0.join("examples")
    }

    fn shard_file(&self) -> PathBuf {
        self.0.join("shard")
    }

    fn published(&self) -> PathBuf {
        self.0.join("published")
    }
}

/// A folder that the results of one configuration may go to.
#[derive(Debug)]
pub(crate) struct RunFolder {
    results: PathBuf,
    kept: KeptPaths,
    cache: PathBuf,
    /// The text of the configuration, as it is recorded.
    config: String,
    overwrite: bool,
    lock: Option<FolderLock>,
    /// Whether a recorded configuration says that the tables there are a run's.
    is_recorded: bool,
}

impl RunFolder {
    /// Checks that results of a configuration, given by its text, may go to a folder. Nothing is
    /// created yet.
    ///
    /// # Errors
    /// [`Refused`] for what is no folder, and, unless they are to be overwritten, for tables of
    /// another configuration and for files that no run wrote under the names of results; another
    /// run under way; files that cannot be read.
    pub(crate) fn claim(results: &Path, config: String, overwrite: bool) -> Result<Self> {
        let kept = KeptPaths::new(results);
        let lock = match kept.lock().exists() {
            true => Some(FolderLock::take(&kept.lock(), results)?),
            false => None,
        };
        let mut folder = Self {
            results: results.to_owned(),
            cache: results.join(CACHE),
            kept,
            config,
            overwrite,
            lock,
            is_recorded: false,
        };
        folder.check()?;
        if overwrite && let Some(differing) = folder.differing()? {
            Progress::new(true).warn(format_args!(
                "{} holds the results of another configuration, which --force overwrites\n  {}",
                results.display(),
                differing.join("\n  ")
            ));
        }
        Ok(folder)
    }

    /// Takes dictionaries from another folder than the results folder's own.
    pub(crate) fn with_cache(mut self, cache: Option<PathBuf>) -> Self {
        self.cache = cache.unwrap_or(self.cache);
        self
    }

    /// Where learned dictionaries are kept.
    pub(crate) fn cache(&self) -> &Path {
        &self.cache
    }

    /// What is kept to go on from.
    pub(crate) fn kept(&self) -> &KeptPaths {
        &self.kept
    }

    /// Makes the folder and locks it.
    ///
    /// # Errors
    /// Another run under way; a folder that cannot be written; what [`RunFolder::claim`] refuses,
    /// if it came about since.
    pub(crate) fn lock(&mut self) -> Result<()> {
        create_folder(&self.kept.0)?;
        if self.lock.is_none() {
            self.lock = Some(FolderLock::take(&self.kept.lock(), &self.results)?);
            self.check()?;
        }
        for folder in [&self.results, &self.kept.0, &self.kept.examples()] {
            atomic::remove_leftovers(folder);
        }
        atomic::remove_leftovers_below(&self.results.join(AUDIO));
        Ok(())
    }

    /// [`RunFolder::lock`], and records the configuration and the share of it that is done here.
    pub(crate) fn begin(&mut self, shard: Option<Shard>) -> Result<()> {
        self.lock()?;
        atomic::write(&self.kept.config(), self.config.as_bytes())?;
        match shard {
            Some(shard) => atomic::write(&self.kept.shard_file(), format!("{shard}\n").as_bytes()),
            None => atomic::remove(&self.kept.shard_file()),
        }
    }

    /// Writes results, files by name, and the configuration they are of: all under temporary names
    /// first, so that an error leaves the older results as they were, then all renamed.
    ///
    /// The older configuration goes first, then older results that these do not replace, and the
    /// new configuration comes last: whenever the run is killed, a recorded configuration stands
    /// beside results of its own only.
    pub(crate) fn publish(&self, files: &[(String, Vec<u8>)]) -> Result<()> {
        let staged: Vec<Staged> = files
            .iter()
            .map(|(name, contents)| {
                let path = self.results.join(name);
                create_folder(path.parent().unwrap_or(&self.results))?;
                Staged::new(&path, contents)
            })
            .collect::<Result<_>>()?;
        let recorded = self.results.join(CONFIG);
        let staged_config = Staged::new(&recorded, self.config.as_bytes())?;
        let names: BTreeSet<String> = files.iter().map(|(name, _)| name.clone()).collect();
        let older = self.published();
        if !(self.overwrite || self.is_recorded) {
            let is_foreign = |name: &&String| {
                let found = fs::symlink_metadata(self.results.join(name));
                found.is_ok_and(|found| !found.is_dir()) && !older.contains(*name)
            };
            let foreign: Vec<String> = names.iter().filter(is_foreign).cloned().collect();
            self.check_foreign(&foreign)?;
        }
        // Killed in between, files of both are there.
        self.record_published(&older.union(&names).cloned().collect())?;
        atomic::remove(&recorded)?;
        for name in older.difference(&names) {
            self.remove_published(name)?;
        }
        staged.into_iter().try_for_each(Staged::publish)?;
        staged_config.publish()?;
        self.record_published(&names)
    }

    /// Writes files that are made of the results beside them, in place of older ones of their
    /// names, all under temporary names first.
    ///
    /// # Errors
    /// [`Refused`] for a folder without results; files that cannot be written.
    pub(crate) fn add(&self, files: &[(String, Vec<u8>)]) -> Result<()> {
        ensure!(
            self.is_recorded,
            Refused(format!("{} holds no results", self.results.display()))
        );
        for (name, _) in files {
            let path = self.results.join(name);
            let is_free = fs::symlink_metadata(&path).map_or(true, |found| found.is_file());
            ensure!(
                is_free,
                Refused(format!("{} is not a regular file", path.display()))
            );
        }
        let stage =
            |(name, contents): &(String, Vec<u8>)| Staged::new(&self.results.join(name), contents);
        let staged: Vec<Staged> = files.iter().map(stage).collect::<Result<_>>()?;
        // Where a run left a list of its results, the next one is to know these too.
        if self.kept.published().exists() {
            let names = files.iter().map(|(name, _)| name.clone());
            self.record_published(&self.published().into_iter().chain(names).collect())?;
        }
        staged.into_iter().try_for_each(Staged::publish)
    }

    /// Refuses what may not be overwritten.
    fn check(&mut self) -> Result<()> {
        let path = self.results.display();
        ensure!(
            !self.results.exists() || self.results.is_dir(),
            Refused(format!("{path} is not a folder (--out)"))
        );
        if self.overwrite {
            return Ok(());
        }
        let recorded = recorded(&self.results.join(CONFIG))
            .context("cannot go by what is recorded there (--force overwrites it)")?;
        self.is_recorded = recorded.is_some();
        let Some(recorded) = recorded else {
            return self.check_foreign(&self.find_foreign());
        };
        let wanted: Table = toml::from_str(&self.config)?;
        let differing = differences_of_numbers(&recorded, &wanted);
        ensure!(
            differing.is_empty(),
            Refused(format!(
                "{path} holds the results of another configuration: choose another --out, or \
                 overwrite them with --force\n  {}",
                differing.join("\n  ")
            ))
        );
        Ok(())
    }

    /// The keys that differ from the recorded configuration; none if that cannot be read, or
    /// nothing differs.
    fn differing(&self) -> Result<Option<Vec<String>>> {
        let Ok(Some(recorded)) = recorded(&self.results.join(CONFIG)) else {
            return Ok(None);
        };
        let wanted: Table = toml::from_str(&self.config)?;
        let differing = differences_of_numbers(&recorded, &wanted);
        Ok((!differing.is_empty()).then_some(differing))
    }

    /// Files under the names of results that were not published here.
    fn find_foreign(&self) -> Vec<String> {
        let published = self.published();
        let entries = fs::read_dir(&self.results).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| is_result(name) && !published.contains(name))
            .collect();
        names.sort();
        names
    }

    fn check_foreign(&self, names: &[String]) -> Result<()> {
        let more = match names.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = &names[..names.len().min(MOST_NAMED)];
        ensure!(
            names.is_empty(),
            Refused(format!(
                "{} holds files that no run wrote there and that results would replace: {}{more}: \
                 choose another --out, move them away, or overwrite them with --force",
                self.results.display(),
                named.join(", ")
            ))
        );
        Ok(())
    }

    /// The names of the files that were published here, as far as they are below the folder.
    fn published(&self) -> BTreeSet<String> {
        let is_below = |name: &&str| {
            let mut components = Path::new(name).components();
            !name.is_empty() && components.all(|part| matches!(part, Component::Normal(_)))
        };
        let listed = fs::read_to_string(self.kept.published()).unwrap_or_default();
        listed.lines().filter(is_below).map(Into::into).collect()
    }

    fn record_published(&self, names: &BTreeSet<String>) -> Result<()> {
        create_folder(&self.kept.0)?;
        let lines: Vec<String> = names.iter().map(|name| format!("{name}\n")).collect();
        atomic::write(&self.kept.published(), lines.concat().as_bytes())
    }

    /// Removes a published file, and the folders it was in if nothing else is there.
    fn remove_published(&self, name: &str) -> Result<()> {
        let path = self.results.join(name);
        atomic::remove(&path)?;
        let folders = path.ancestors().skip(1);
        for folder in folders.take_while(|folder| *folder != self.results) {
            // One that is not empty stays.
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// Whether a file of this name may be among the results of a run, signals aside.
fn is_result(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, ending)| {
        ENDINGS.contains(&ending) && (RESULTS.contains(&stem) || stem.starts_with("sweep_"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "[experiment]\nseed = 1\n";
    const SECOND: &str = "[experiment]\nseed = 2\n";

    fn claim(path: &Path, config: &str) -> Result<RunFolder> {
        RunFolder::claim(path, config.to_owned(), false)
    }

    fn forced(path: &Path, config: &str) -> RunFolder {
        RunFolder::claim(path, config.to_owned(), true).unwrap()
    }

    fn message(result: Result<RunFolder>) -> String {
        format!("{:#}", result.unwrap_err())
    }

    fn files(names: &[&str], contents: &str) -> Vec<(String, Vec<u8>)> {
        let file = |name: &&str| ((*name).to_owned(), contents.as_bytes().to_vec());
        names.iter().map(file).collect()
    }

    #[test]
    fn tables_of_another_configuration_are_overwritten_on_demand_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let mut run = claim(path, FIRST).unwrap();
        run.begin(None).unwrap();
        // While it is under way, nobody else may.
        assert!(message(claim(path, FIRST)).contains("another run"));
        drop(run);
        // What is unfinished has no tables, and whoever comes goes on from what fits.
        let mut run = claim(path, SECOND).unwrap();
        run.begin("1/2".parse().ok()).unwrap();
        assert_eq!(run.kept().shard(), "1/2".parse().ok());
        run.begin(None).unwrap();
        assert_eq!(run.kept().shard(), None);
        run.publish(&files(&["a.csv"], "second")).unwrap();
        drop(run);
        let refused = message(claim(path, FIRST));
        assert!(
            refused.contains("experiment.seed: 2 there, 1 here"),
            "{refused}"
        );
        claim(path, SECOND).unwrap();
        forced(path, FIRST)
            .publish(&files(&["a.csv"], "first"))
            .unwrap();
        claim(path, FIRST).unwrap();
        assert!(message(claim(path, SECOND)).contains("of another configuration"));
        fs::write(path.join(CONFIG), "not [toml").unwrap();
        assert!(message(claim(path, FIRST)).contains("--force overwrites it"));
        forced(path, FIRST);
    }

    #[test]
    fn files_that_no_run_wrote_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("table1.csv"), "mine").unwrap();
        fs::write(path("sweep_2.svg"), "mine").unwrap();
        fs::write(path("notes.md"), "mine").unwrap();
        let refused = message(claim(folder.path(), FIRST));
        let named = "would replace: sweep_2.svg, table1.csv:";
        assert!(refused.contains(named), "{refused}");
        forced(folder.path(), FIRST);
        for name in ["table1.csv", "sweep_2.svg"] {
            fs::remove_file(path(name)).unwrap();
        }
        // What only the results tell is found before the first of them is replaced.
        let run = claim(folder.path(), FIRST).unwrap();
        fs::create_dir(path("audio")).unwrap();
        fs::write(path("audio/x.wav"), "mine").unwrap();
        let error = run
            .publish(&files(&["a.csv", "audio/x.wav"], ""))
            .unwrap_err();
        assert!(error.is::<Refused>() && !path("a.csv").exists(), "{error}");
        assert_eq!(fs::read_to_string(path("audio/x.wav")).unwrap(), "mine");
        fs::remove_file(path("audio/x.wav")).unwrap();
        run.publish(&files(&["table1.csv"], "first")).unwrap();
        // Its own are replaced, also where what it keeps is gone and the configuration is left.
        drop(run);
        fs::remove_dir_all(path("cells")).unwrap();
        let run = claim(folder.path(), FIRST).unwrap();
        run.publish(&files(&["table1.csv"], "again")).unwrap();
    }

    #[test]
    fn results_that_came_about_since_the_claim_are_refused_too() {
        let folder = tempfile::tempdir().unwrap();
        let mut late = claim(folder.path(), FIRST).unwrap();
        let mut early = claim(folder.path(), SECOND).unwrap();
        early.begin(None).unwrap();
        early.publish(&[]).unwrap();
        drop(early);
        assert!(late.begin(None).unwrap_err().is::<Refused>());
    }

    #[test]
    fn a_publication_cut_short_leaves_no_configuration_beside_tables_of_two() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let tables = ["a.csv", "b.csv"];
        let run = claim(folder.path(), FIRST).unwrap();
        run.publish(&files(&tables, "first")).unwrap();
        // Renaming over a folder fails, after the first table is there already.
        fs::remove_file(path("b.csv")).unwrap();
        fs::create_dir(path("b.csv")).unwrap();
        let run = forced(folder.path(), SECOND);
        assert!(run.publish(&files(&tables, "second")).is_err());
        assert_eq!(fs::read_to_string(path("a.csv")).unwrap(), "second");
        assert!(!path(CONFIG).exists());
    }

    #[test]
    fn what_was_published_and_is_not_replaced_goes_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let run = claim(folder.path(), FIRST).unwrap();
        let publish = |names: &[&str]| run.publish(&files(names, ""));
        publish(&["a.csv", "b.csv", "audio/x/a.wav", "audio/b.wav", "more/y/a"]).unwrap();
        fs::write(path("notes.txt"), "").unwrap();
        fs::write(path("audio/notes.txt"), "").unwrap();
        // Whatever the list says, nothing outside the folder is removed.
        let beside = tempfile::NamedTempFile::new().unwrap();
        let published = run.kept().published();
        let list = fs::read_to_string(&published).unwrap();
        let outside = beside.path().display();
        fs::write(&published, format!("{list}../x\n{outside}\n\n")).unwrap();
        fs::remove_file(path("b.csv")).unwrap();

        publish(&["a.csv", "c.csv"]).unwrap();
        for gone in ["b.csv", "audio/x", "audio/b.wav", "more"] {
            assert!(!path(gone).exists(), "{gone}");
        }
        for kept in ["a.csv", "c.csv", "notes.txt", "audio/notes.txt", CONFIG] {
            assert!(path(kept).exists(), "{kept}");
        }
        assert!(beside.path().exists());
        assert_eq!(fs::read_to_string(&published).unwrap(), "a.csv\nc.csv\n");

        // Cut short, it knows of the files of both.
        fs::create_dir(path("d.csv")).unwrap();
        assert!(publish(&["d.csv"]).is_err());
        fs::remove_dir(path("d.csv")).unwrap();
        publish(&["e.csv"]).unwrap();
        assert!(!path("a.csv").exists() && !path("c.csv").exists());
    }
}
