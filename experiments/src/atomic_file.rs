//! Files that are there in full or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Writes a file under a temporary name beside its place, then renames it there.
///
/// # Errors
/// Those of the file system, with the path. An older file of that name is then untouched.
pub fn write(path: &Path, contents: &[u8]) -> Result<()> {
    Staged::new(path, contents)?.publish()
}

/// A file written in full, not yet under its name; dropped unpublished, it is removed.
pub struct Staged {
    temporary: PathBuf,
    path: PathBuf,
}

impl Staged {
    /// Writes `contents` beside `path` and makes them durable.
    ///
    /// # Errors
    /// Those of the file system, with the path.
    pub fn new(path: &Path, contents: &[u8]) -> Result<Self> {
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}.tmp", std::process::id()));
        let staged = Self {
            temporary: path.with_file_name(name),
            path: path.to_owned(),
        };
        File::create(&staged.temporary)
            .and_then(|mut file| {
                file.write_all(contents)?;
                file.sync_all()
            })
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(staged)
    }

    /// Gives the file its name, in place of any older one.
    ///
    /// # Errors
    /// Those of the file system, with the path.
    pub fn publish(self) -> Result<()> {
        fs::rename(&self.temporary, &self.path)
            .with_context(|| format!("cannot write {}", self.path.display()))
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
    fn unpublished_file_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        drop(Staged::new(&folder.path().join("a.csv"), b"x").unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn error_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(&folder.path().join("missing/a.csv"), b"x").unwrap_err();
        assert!(error.to_string().contains("missing/a.csv"));
    }
}
