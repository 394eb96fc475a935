//! Files that are there in full or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Writes a file under a temporary name beside its place, then renames it there.
///
/// # Errors
/// Those of the file system, with the path. An older file of that name is then untouched.
pub(crate) fn write(path: &Path, contents: &[u8]) -> Result<()> {
    Staged::new(path, contents)?.publish()
}

/// As [`write`], but where there is a file of that name already it stays: of several that write one
/// at the same time, one does. Returns whether this one did.
///
/// On file systems without links it is empty for a moment before it is there in full.
///
/// # Errors
/// Those of [`write`].
pub(crate) fn write_new(path: &Path, contents: &[u8]) -> Result<bool> {
    let staged = Staged::new(path, contents)?;
    let named = match fs::hard_link(&staged.temporary, path) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::Unsupported | ErrorKind::PermissionDenied
            ) =>
        {
            rename_new(&staged.temporary, path)
        }
        linked => linked,
    };
    match named {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        named => {
            named.with_context(|| format!("cannot write {}", path.display()))?;
            sync_name(path);
            Ok(true)
        }
    }
}

/// Renames a file unless there is one of the new name: an empty file holds the name first, so that
/// it is only this one which is replaced.
fn rename_new(from: &Path, to: &Path) -> std::io::Result<()> {
    File::create_new(to)?;
    fs::rename(from, to).inspect_err(|_| {
        let _ = fs::remove_file(to);
    })
}

/// Makes the name of a file durable, which it is once its folder is; not every system can say so of
/// a folder.
fn sync_name(path: &Path) {
    if let Some(folder) = path.parent() {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

/// Makes a folder, and those above it, unless it is there.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))
}

/// Removes a file; one that is not there counts as removed.
///
/// # Errors
/// A file that is still there, with its path.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// A file written in full, not yet under its name; dropped unpublished, it is removed.
pub(crate) struct Staged {
    temporary: PathBuf,
    path: PathBuf,
}

impl Staged {
    /// Writes `contents` beside `path` and makes them durable.
    pub(crate) fn new(path: &Path, contents: &[u8]) -> Result<Self> {
        let write = || {
            let (mut file, temporary) = create_beside(path)?;
            let staged = Self {
                temporary,
                path: path.to_owned(),
            };
            file.write_all(contents)?;
            file.sync_all()?;
            Ok::<_, std::io::Error>(staged)
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }

    /// Gives the file its name, in place of any older one.
    pub(crate) fn publish(self) -> Result<()> {
        fs::rename(&self.temporary, &self.path)
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        sync_name(&self.path);
        Ok(())
    }
}

/// Removes what killed writers left in a folder under temporary names, as far as it can: what stays
/// is in nobody's way. To be called where nobody else is writing.
pub(crate) fn remove_leftovers(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| is_temporary(&entry.file_name())) {
        let _ = fs::remove_file(entry.path());
    }
}

/// [`remove_leftovers`] in a folder and in all below it.
pub(crate) fn remove_leftovers_below(folder: &Path) {
    remove_leftovers(folder);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove_leftovers_below(&entry.path());
    }
}

/// Whether a name is one that [`create_beside`] gives.
fn is_temporary(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let inner = name
        .strip_prefix('.')
        .and_then(|name| name.strip_suffix(".tmp"));
    let numbers = inner
        .and_then(|inner| inner.rsplit_once('.'))
        .and_then(|(_, numbers)| numbers.split_once('-'));
    numbers.is_some_and(|(process, attempt)| {
        process.parse::<u32>().is_ok() && attempt.parse::<u64>().is_ok()
    })
}

/// A new file beside `path`, under a name that nobody else has: processes on other machines that
/// share the folder may have the same number.
fn create_beside(path: &Path) -> std::io::Result<(File, PathBuf)> {
    let mut attempt = 0;
    loop {
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}-{attempt}.tmp", std::process::id()));
        let temporary = path.with_file_name(name);
        match File::create_new(&temporary) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => attempt += 1,
            file => return Ok((file?, temporary)),
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Gone already once published; otherwise there is nobody left to tell.
        let _ = fs::remove_file(&self.temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_an_older_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        write(&path, b"old").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn of_several_that_write_a_new_file_one_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let texts: Vec<String> = (0..8).map(|number| format!("text {number}")).collect();
        let written: Vec<&String> = std::thread::scope(|scope| {
            let path = &path;
            let write = |text: &String| {
                let bytes = text.clone().into_bytes();
                scope.spawn(move || write_new(path, &bytes).unwrap())
            };
            let writers: Vec<_> = texts.iter().map(|text| (text, write(text))).collect();
            let won = writers.into_iter().filter_map(|(text, writer)| {
                let has_written = writer.join().unwrap();
                has_written.then_some(text)
            });
            won.collect()
        });
        let found = fs::read_to_string(&path).unwrap();
        assert_eq!(written, [&found]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn without_links_a_new_file_replaces_none_either() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        fs::write(&from, "new").unwrap();
        rename_new(&from, &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"new");
        fs::write(&from, "newer").unwrap();
        let refused = rename_new(&from, &to).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&to).unwrap(), b"new");
        // A name that was held in vain is free again.
        let other = folder.path().join("other");
        let missing = rename_new(&folder.path().join("missing"), &other).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        assert!(!other.exists());
    }

    #[test]
    fn a_new_file_that_cannot_be_written_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_new(&folder.path().join("missing/a.csv"), b"x").unwrap_err();
        assert!(error.to_string().contains("missing/a.csv"), "{error}");
    }

    #[test]
    fn unpublished_file_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        drop(Staged::new(&folder.path().join("a.csv"), b"x").unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_writer_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let mut killed = Staged::new(&path, b"x").unwrap();
        // Dropped, it does not find its file, as if its process were gone.
        killed.temporary = folder.path().join("gone");
        drop(killed);
        let others = [".a.csv.tmp", ".hidden", ".a.b-0.tmp", "a.1-0.tmp"];
        for name in others {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 5);
        remove_leftovers(folder.path());
        remove_leftovers(&path);
        for name in others {
            assert!(folder.path().join(name).exists(), "{name}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }

    #[test]
    fn two_writers_of_one_file_do_not_meet() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let (first, second) = (Staged::new(&path, b"1"), Staged::new(&path, b"2"));
        first.unwrap().publish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"1");
        second.unwrap().publish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"2");
    }

    #[test]
    fn error_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(&folder.path().join("missing/a.csv"), b"x").unwrap_err();
        assert!(error.to_string().contains("missing/a.csv"));
    }
}
