//! One run at a time in a folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// A lock that is held until it is dropped, or its process ends in whatever way.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the lock that a file stands for; makes the file. `folder` is what the error names.
    ///
    /// # Errors
    /// A lock that another process holds; a file that cannot be made.
    pub fn take(path: &Path, folder: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        held(file.try_lock(), path, folder)?;
        // For the message below only.
        let _ = file.set_len(0);
        let _ = writeln!(&file, "{}", std::process::id());
        Ok(Self { _file: file })
    }

    /// Keeps runs off a folder that is read, which others may read, too, and that need not be writable. Without a lock
    /// file there was no run.
    ///
    /// # Errors
    /// A run under way; a file that cannot be read.
    pub fn share(path: &Path, folder: &Path) -> Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        held(file.try_lock_shared(), path, folder)?;
        Ok(Some(Self { _file: file }))
    }
}

/// The error of a lock that could not be had.
fn held(tried: std::result::Result<(), TryLockError>, path: &Path, folder: &Path) -> Result<()> {
    match tried {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let holder = match fs::read_to_string(path) {
                Ok(process) if !process.trim().is_empty() => {
                    format!(" (process {})", process.trim())
                }
                _ => String::new(),
            };
            bail!(
                "another run{holder} is using {}: wait for it, or choose another --out",
                folder.display()
            )
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = FolderLock::take(&path, folder.path()).unwrap();
        let message = FolderLock::take(&path, folder.path())
            .unwrap_err()
            .to_string();
        let process = std::process::id().to_string();
        assert!(
            message.contains("another run") && message.contains(&process),
            "{message}"
        );
        assert!(FolderLock::share(&path, folder.path()).is_err());
        drop(first);
        let readers = [(); 2].map(|()| FolderLock::share(&path, folder.path()).unwrap());
        assert!(readers.iter().all(Option::is_some));
        assert!(FolderLock::take(&path, folder.path()).is_err());
        drop(readers);
        FolderLock::take(&path, folder.path()).unwrap();
    }
}
