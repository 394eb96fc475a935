//! Recordings as they are given on a command line: by name, by folder, by pattern, by list, through
//! a pipe.

mod listing;
mod spool;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use dsp::AudioError;
use dsp::audio::Recording;

use crate::progress::Progress;
use crate::store::output::FileIdentity;
use crate::store::refused::{Refused, join_errors};
use spool::{STANDARD_INPUT, SpooledFile};

pub(crate) use listing::{StemFolders, list_recordings};
pub(crate) use spool::{check_streams_once, is_stream};

/// A recording.
#[derive(Debug, Clone)]
pub(crate) struct NamedRecording {
    /// As it was given or found: what messages call it.
    pub(crate) path: PathBuf,
    /// Its path below the deepest folder that holds all that was given, without the ending.
    pub(crate) name: PathBuf,
    /// What came through a pipe.
    spooled: Option<Arc<SpooledFile>>,
}

impl NamedRecording {
    /// The file that its samples are in.
    pub(crate) fn file(&self) -> &Path {
        self.spooled.as_ref().map_or(&self.path, |file| file.path())
    }

    /// Opens it, as often as is wanted; messages call it what it was given as.
    ///
    /// # Errors
    /// Those of [`Recording::open`].
    pub(crate) fn open(&self) -> Result<Recording, AudioError> {
        let Some(spooled) = &self.spooled else {
            return Recording::open(&self.path);
        };
        let name = match self.path.as_os_str() == "-" {
            true => Path::new("standard input"),
            false => &self.path,
        };
        let file = File::open(spooled.path()).map_err(|error| AudioError {
            path: name.to_owned(),
            fault: error.into(),
        })?;
        Recording::from_file(name, file)
    }

    /// The path of something that goes beside it; what has no place of its own is here.
    pub(crate) fn place_beside(&self, name: impl AsRef<Path>) -> PathBuf {
        match is_nameless(&self.path) {
            true => name.as_ref().to_owned(),
            false => self.path.with_file_name(name.as_ref()),
        }
    }
}

/// The recordings that a command is to work on.
#[derive(Debug)]
pub(crate) struct Recordings {
    /// Sorted by path, each once.
    pub(crate) list: Vec<NamedRecording>,
    /// Whether one file was asked for by its name, not a folder, a pattern or a list.
    pub(crate) is_one_file: bool,
}

impl Recordings {
    /// Finds the recordings that arguments stand for: a file itself, `-` for standard input, the
    /// recordings below a folder, the files that a pattern with `*`, `?` or `[` matches, and for
    /// `@FILE` all of these, one a line of a file.
    ///
    /// One recording under several spellings counts once.
    ///
    /// # Errors
    /// An argument that stands for no file, and [`Refused`] for a pattern that is none; the error
    /// names it and the option it was given by.
    pub(crate) fn find(arguments: &[PathBuf], option: &str) -> Result<Self> {
        let mut search = Search {
            option,
            found: Vec::new(),
            folders: Vec::new(),
            is_one_file: arguments.len() == 1,
        };
        for argument in arguments {
            match read_list(argument)? {
                None => search.add(argument)?,
                Some(entries) => {
                    search.is_one_file = false;
                    for entry in &entries {
                        search
                            .add(entry)
                            .with_context(|| argument.display().to_string())?;
                    }
                }
            }
        }
        ensure!(!search.found.is_empty(), "no recordings ({option})");
        Ok(search.finish())
    }

    /// The files, for those that only read them.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.list.iter().map(|recording| recording.path.as_path())
    }

    /// In how many folders there are regular files.
    pub(crate) fn folders(&self) -> usize {
        let files = self.paths().filter(|path| path.is_file());
        let folders =
            files.filter_map(|path| path.canonicalize().ok()?.parent().map(PathBuf::from));
        folders.collect::<HashSet<PathBuf>>().len()
    }

    /// Keeps one name of each file: links to one recording do not make it count more.
    pub(crate) fn drop_links(&mut self) {
        let mut known = HashMap::new();
        self.list.retain(|recording| {
            let Ok(identity) = FileIdentity::from_path(&recording.path) else {
                return true;
            };
            let first = known
                .entry(identity)
                .or_insert_with(|| recording.path.clone());
            let is_first = *first == recording.path;
            if !is_first {
                Progress::new(true).warn(format_args!(
                    "{} is {} under another name and counts once",
                    recording.path.display(),
                    first.display()
                ));
            }
            is_first
        });
    }

    /// Reads what comes through pipes into temporary files, so that it can be read again.
    ///
    /// # Errors
    /// A pipe that cannot be read, a temporary file that cannot be written.
    pub(crate) fn spool_streams(&mut self) -> Result<()> {
        for recording in &mut self.list {
            if is_stream(&recording.path) {
                recording.spooled = Some(Arc::new(SpooledFile::read(&recording.path)?));
            }
        }
        Ok(())
    }

    /// Leaves out the recordings that fail a check, with a warning for each, if `skip` allows it.
    ///
    /// # Errors
    /// All that fail, unless they may be skipped, and at any rate if no recording is left.
    pub(crate) fn check(
        &mut self,
        skip: bool,
        mut check: impl FnMut(&NamedRecording) -> Result<()>,
    ) -> Result<()> {
        let mut errors = Vec::new();
        self.list.retain(|recording| match check(recording) {
            Ok(()) => true,
            Err(error) => {
                errors.push(error);
                false
            }
        });
        if skip && !self.list.is_empty() {
            for error in errors {
                Progress::new(true).warn(format_args!("left out: {error:#}"));
            }
            return Ok(());
        }
        join_errors(errors)
    }
}

/// What has been found so far.
struct Search<'a> {
    option: &'a str,
    found: Vec<Found>,
    /// Folders that hold what was asked for.
    folders: Vec<PathBuf>,
    is_one_file: bool,
}

struct Found {
    path: PathBuf,
    /// Its folder without links and its name, the same for every spelling.
    place: PathBuf,
    /// What it is named by: its path below one of the folders, with that folder's canonical path
    /// before it.
    below: PathBuf,
}

impl Search<'_> {
    fn add(&mut self, argument: &Path) -> Result<()> {
        if argument.is_dir() {
            return self.add_folder(argument);
        }
        let text = argument.to_string_lossy();
        if argument.exists() || !text.contains(['*', '?', '[']) {
            self.add_file(argument);
            return Ok(());
        }
        self.is_one_file = false;
        let before = self.found.len();
        let paths = glob::glob(&text).map_err(|error| {
            Refused(format!("{text} ({}): not a pattern: {error}", self.option))
        })?;
        for path in paths {
            let path = path.map_err(|error| anyhow!("{text}: {error}"))?;
            if path.is_dir() {
                self.add_folder(&path)?;
            } else {
                self.add_file(&path);
            }
        }
        ensure!(
            self.found.len() > before,
            "{text} ({}): no file matches",
            self.option
        );
        Ok(())
    }

    fn add_folder(&mut self, folder: &Path) -> Result<()> {
        self.is_one_file = false;
        let canonical = canonicalise(folder);
        for path in list_recordings(folder, self.option, StemFolders::Skip)? {
            let below = path.strip_prefix(folder).unwrap_or(&path);
            self.found.push(Found {
                place: find_place(&path),
                below: canonical.join(below),
                path,
            });
        }
        self.folders.push(canonical);
        Ok(())
    }

    fn add_file(&mut self, path: &Path) {
        let here = || canonicalise(Path::new("."));
        let below = match (path.as_os_str() == "-", path.file_name()) {
            (true, _) => here().join(STANDARD_INPUT),
            (_, Some(name)) if is_nameless(path) => here().join(name),
            _ => find_place(path),
        };
        self.folders.extend(below.parent().map(Path::to_owned));
        self.found.push(Found {
            path: path.to_owned(),
            place: find_place(path),
            below,
        });
    }

    fn finish(mut self) -> Recordings {
        self.found.sort_by(|a, b| a.path.cmp(&b.path));
        let mut places = HashSet::new();
        self.found
            .retain(|found| places.insert(found.place.clone()));
        let common = find_common_folder(&self.folders);
        let list = self.found.into_iter().map(|found| {
            let name = found.below.strip_prefix(&common).unwrap_or(&found.below);
            NamedRecording {
                name: name.with_extension(""),
                path: found.path,
                spooled: None,
            }
        });
        Recordings {
            list: list.collect(),
            is_one_file: self.is_one_file,
        }
    }
}

/// The entries of `@FILE`: its lines, without empty ones and those that begin with `#`.
fn read_list(argument: &Path) -> Result<Option<Vec<PathBuf>>> {
    let text = argument.to_string_lossy();
    let Some(name) = text.strip_prefix('@') else {
        return Ok(None);
    };
    if argument.exists() {
        return Ok(None);
    }
    let list = match name {
        "-" => std::io::read_to_string(std::io::stdin()),
        _ => fs::read_to_string(name),
    };
    let list = list.with_context(|| format!("cannot read the list of recordings {name}"))?;
    let lines = list.lines().map(str::trim);
    let entries: Vec<PathBuf> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(PathBuf::from)
        .collect();
    ensure!(
        !entries.is_empty(),
        "the list of recordings {name} is empty"
    );
    Ok(Some(entries))
}

/// The path without links; as it is if there is nothing.
fn canonicalise(path: &Path) -> PathBuf {
    let path = match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    };
    fs::canonicalize(path)
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}

fn find_place(path: &Path) -> PathBuf {
    let folder = canonicalise(path.parent().unwrap_or(Path::new("")));
    path.file_name()
        .map_or_else(|| folder.clone(), |name| folder.join(name))
}

/// Whether a path names a stream that the shell opened: it says nothing of what is in it.
fn is_nameless(path: &Path) -> bool {
    let folder = canonicalise(path.parent().unwrap_or(Path::new("")));
    ["-", "/dev/stdin"]
        .iter()
        .any(|name| path == Path::new(name))
        || folder.starts_with("/proc")
}

/// The deepest folder that holds all of these.
fn find_common_folder(folders: &[PathBuf]) -> PathBuf {
    let Some((first, others)) = folders.split_first() else {
        return PathBuf::new();
    };
    let mut common = first.clone();
    for folder in others {
        while !folder.starts_with(&common) && common.pop() {}
    }
    common
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    fn tree(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    fn find(folder: &Path, arguments: &[&str]) -> Recordings {
        let paths: Vec<PathBuf> = arguments.iter().map(|name| folder.join(name)).collect();
        Recordings::find(&paths, "recordings").unwrap()
    }

    fn names(recordings: &Recordings) -> Vec<String> {
        let names = recordings.list.iter();
        names
            .map(|recording| recording.name.display().to_string())
            .collect()
    }

    #[test]
    fn names_are_below_what_all_have_in_common() {
        let folder = tree(&["m6dB/s1.wav", "0dB/s1.wav", "0dB/deep/s.2.wav"]);
        let find = |arguments: &[&str]| names(&find(folder.path(), arguments));
        assert_eq!(find(&["m6dB/s1.wav", "0dB/s1.wav"]), ["0dB/s1", "m6dB/s1"]);
        assert_eq!(find(&["*/s1.wav"]), ["0dB/s1", "m6dB/s1"]);
        assert_eq!(find(&["0dB"]), ["deep/s.2", "s1"]);
        assert_eq!(find(&["."]), ["0dB/deep/s.2", "0dB/s1", "m6dB/s1"]);
        assert_eq!(find(&["0dB/deep", "m6dB"]), ["0dB/deep/s.2", "m6dB/s1"]);
        assert_eq!(find(&["0dB/s1.wav"]), ["s1"]);
    }

    #[test]
    fn a_recording_counts_once_however_it_is_spelled() {
        let folder = tree(&["a/1.wav", "a/2.wav"]);
        let found = find(
            folder.path(),
            &["a/1.wav", "a", "./a/../a/1.wav", "a/*.wav"],
        );
        assert_eq!(names(&found), ["1", "2"]);
        assert!(!found.is_one_file);
        assert!(find(folder.path(), &["a/1.wav"]).is_one_file);
        assert!(!find(folder.path(), &["a/1*"]).is_one_file);
    }

    #[test]
    fn lists_hold_all_that_arguments_may_be() {
        let folder = tree(&["a/1.wav", "a/2.wav", "b/3.wav", "c/4.wav"]);
        let path = |name: &str| folder.path().join(name).display().to_string();
        let list = format!(
            "# two\r\n{}\r\n\r\n{}\n{}",
            path("a"),
            path("b/*"),
            path("c/4.wav")
        );
        fs::write(folder.path().join("list.txt"), list).unwrap();
        let argument = PathBuf::from(format!("@{}", path("list.txt")));
        let found = Recordings::find(&[argument], "recordings").unwrap();
        assert_eq!(names(&found), ["a/1", "a/2", "b/3", "c/4"]);
    }

    #[test]
    fn all_that_cannot_be_used_are_named_at_once() {
        let folder = tree(&["1.wav", "2.wav", "3.wav"]);
        let check = |recording: &NamedRecording| match recording.name.to_str() {
            Some("2") => Ok(()),
            name => bail!("bad {name:?}"),
        };
        let mut found = find(folder.path(), &["."]);
        let message = found.check(false, check).unwrap_err().to_string();
        assert!(message.contains("bad Some(\"1\")") && message.contains("bad Some(\"3\")"));
        let mut found = find(folder.path(), &["."]);
        found.check(true, check).unwrap();
        assert_eq!(names(&found), ["2"]);
        let mut found = find(folder.path(), &["1.wav"]);
        assert!(found.check(true, check).is_err(), "nothing is left");
    }
}
