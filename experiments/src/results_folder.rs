//! The folder of a run's results: whose it is, and how files get into it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use toml::Table;

use crate::atomic_file::{self, Staged, removed};
use crate::config::{Config, differences, recorded};
use crate::refused::Refused;

/// Name of the resolved configuration among the results.
pub const CONFIG: &str = "config.toml";

/// Name of the list of files that were published, a name per line. What is not in it is never removed.
const PUBLISHED: &str = "cells/published";

/// A folder that is free, or holds results of the same configuration.
#[derive(Debug, Clone)]
pub struct ResultsFolder(PathBuf);

impl ResultsFolder {
    /// Checks that the results of `config` may go to a folder. Nothing is created yet.
    ///
    /// # Errors
    /// [`Refused`] for what is no folder, and for results of another configuration, unless `force`, with the keys that
    /// differ; a recorded configuration that cannot be read.
    pub fn claim(path: &Path, config: &Config, force: bool) -> Result<Self> {
        ensure!(
            !path.exists() || path.is_dir(),
            Refused(format!("{} is not a folder (--out)", path.display()))
        );
        if !force {
            let differing = differing(&path.join(CONFIG), config)?.unwrap_or_default();
            ensure!(
                differing.is_empty(),
                Refused(format!(
                    "{} holds the results of another configuration: choose another --out, or overwrite them with \
                     --force\n  {}",
                    path.display(),
                    differing.join("\n  ")
                ))
            );
        }
        Ok(Self(path.to_owned()))
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether results are there.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.0.join(CONFIG).exists()
    }

    /// Takes the recorded configuration away, unless it is `config`: tables of another belong to nobody from then on.
    ///
    /// # Errors
    /// Those of the file system, with the path.
    pub fn disown_others(&self, config: &Config) -> Result<()> {
        let recorded = self.0.join(CONFIG);
        if is_of(&recorded, config) {
            return Ok(());
        }
        fs::remove_file(&recorded).with_context(|| format!("cannot remove {}", recorded.display()))
    }

    /// Where learned dictionaries are kept.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.0.join("cache")
    }

    /// Writes the results of `config`, files by name, and the configuration itself: all under temporary names first, so
    /// that an error leaves the older results as they were, then all renamed.
    ///
    /// The older configuration goes first, then older results that these do not replace, and the new configuration comes
    /// last: whenever the run is killed, a recorded configuration stands beside results of its own only.
    ///
    /// # Errors
    /// Those of the file system, with the path.
    pub fn publish<N: AsRef<str>>(&self, config: &Config, files: &[(N, Vec<u8>)]) -> Result<()> {
        fs::create_dir_all(&self.0)
            .with_context(|| format!("cannot create {}", self.0.display()))?;
        let staged: Vec<Staged> = files
            .iter()
            .map(|(name, contents)| {
                let path = self.0.join(name.as_ref());
                let parent = path.parent().unwrap_or(&self.0);
                fs::create_dir_all(parent)
                    .with_context(|| format!("cannot create {}", parent.display()))?;
                Staged::new(&path, contents)
            })
            .collect::<Result<_>>()?;
        let recorded = self.0.join(CONFIG);
        let staged_config = Staged::new(&recorded, toml::to_string(config)?.as_bytes())?;
        let names: BTreeSet<String> = files.iter().map(|(name, _)| name.as_ref().into()).collect();
        let older = self.published();
        // Killed in between, files of both are there.
        self.record_published(&older.union(&names).cloned().collect())?;
        if recorded.exists() {
            fs::remove_file(&recorded)
                .with_context(|| format!("cannot replace {}", recorded.display()))?;
        }
        for name in older.difference(&names) {
            self.remove_published(name)?;
        }
        staged.into_iter().try_for_each(Staged::publish)?;
        staged_config.publish()?;
        self.record_published(&names)
    }

    /// The names of the files that were published here, as far as they are below the folder.
    fn published(&self) -> BTreeSet<String> {
        let is_below = |name: &&str| {
            let mut components = Path::new(name).components();
            !name.is_empty() && components.all(|part| matches!(part, Component::Normal(_)))
        };
        let listed = fs::read_to_string(self.0.join(PUBLISHED)).unwrap_or_default();
        listed.lines().filter(is_below).map(Into::into).collect()
    }

    fn record_published(&self, names: &BTreeSet<String>) -> Result<()> {
        let path = self.0.join(PUBLISHED);
        let parent = path.parent().unwrap_or(&self.0);
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot create {}", parent.display()))?;
        let lines: Vec<String> = names.iter().map(|name| format!("{name}\n")).collect();
        atomic_file::write(&path, lines.concat().as_bytes())
    }

    /// Removes a published file, and the folder it was in if nothing else is there.
    fn remove_published(&self, name: &str) -> Result<()> {
        let path = self.0.join(name);
        removed(&path, fs::remove_file(&path))?;
        if let Some(parent) = path.parent().filter(|parent| *parent != self.0) {
            // One that is not empty stays.
            let _ = fs::remove_dir(parent);
        }
        Ok(())
    }
}

/// The keys in which the configuration recorded in a file differs from `config`; nothing if there is no such file.
///
/// # Errors
/// A file that cannot be read or is no configuration.
pub fn differing(path: &Path, config: &Config) -> Result<Option<Vec<String>>> {
    let recorded =
        recorded(path).context("cannot go by what is recorded there (--force overwrites it)")?;
    let wanted = Table::try_from(config)?;
    Ok(recorded.map(|recorded| differences(&recorded, &wanted)))
}

/// Whether a file records no configuration but `config`: what is none is not this one either.
#[must_use]
pub fn is_of(path: &Path, config: &Config) -> bool {
    differing(path, config)
        .is_ok_and(|differing| differing.is_none_or(|differing| differing.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publication_cut_short_leaves_no_configuration_beside_tables_of_two() {
        let folder = tempfile::tempdir().unwrap();
        let (first, mut second) = (Config::default(), Config::default());
        second.experiment.seed += 1;
        let results = ResultsFolder::claim(folder.path(), &first, false).unwrap();
        let table = |contents: &str| [("a.csv", contents.into()), ("b.csv", contents.into())];
        results.publish(&first, &table("first")).unwrap();
        assert!(folder.path().join(CONFIG).exists());
        assert!(ResultsFolder::claim(folder.path(), &second, false).is_err());

        // Renaming over a folder fails, after the first table is there already.
        fs::remove_file(folder.path().join("b.csv")).unwrap();
        fs::create_dir(folder.path().join("b.csv")).unwrap();
        assert!(results.publish(&second, &table("second")).is_err());
        let contents = fs::read_to_string(folder.path().join("a.csv")).unwrap();
        assert_eq!(contents, "second");
        assert!(!folder.path().join(CONFIG).exists());
    }

    #[test]
    fn what_was_published_and_is_not_replaced_goes_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let config = Config::default();
        let results = ResultsFolder::claim(folder.path(), &config, false).unwrap();
        let publish = |names: &[&str]| {
            let files: Vec<_> = names.iter().map(|&name| (name, Vec::new())).collect();
            results.publish(&config, &files)
        };
        publish(&["a.csv", "b.csv", "audio/a.wav", "audio/b.wav", "more/a"]).unwrap();
        fs::write(path("notes.txt"), "").unwrap();
        fs::write(path("audio/notes.txt"), "").unwrap();
        // Whatever the list says, nothing outside the folder is removed.
        let beside = tempfile::NamedTempFile::new().unwrap();
        let list = fs::read_to_string(path(PUBLISHED)).unwrap();
        let outside = beside.path().display();
        fs::write(path(PUBLISHED), format!("{list}../x\n{outside}\n\n")).unwrap();
        fs::remove_file(path("b.csv")).unwrap();

        publish(&["a.csv", "c.csv"]).unwrap();
        for gone in ["b.csv", "audio/a.wav", "audio/b.wav", "more"] {
            assert!(!path(gone).exists(), "{gone}");
        }
        for kept in ["a.csv", "c.csv", "notes.txt", "audio/notes.txt", CONFIG] {
            assert!(path(kept).exists(), "{kept}");
        }
        assert!(beside.path().exists());
        assert_eq!(
            fs::read_to_string(path(PUBLISHED)).unwrap(),
            "a.csv\nc.csv\n"
        );

        // Cut short, it knows of the files of both.
        fs::create_dir(path("d.csv")).unwrap();
        assert!(publish(&["d.csv"]).is_err());
        fs::remove_dir(path("d.csv")).unwrap();
        publish(&["e.csv"]).unwrap();
        assert!(!path("a.csv").exists() && !path("c.csv").exists());
    }
}
