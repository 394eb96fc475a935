//! One run at a time in a folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
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
        match file.try_lock() {
            Ok(()) => {}
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
                );
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        // For the message above only.
        let _ = file.set_len(0);
        let _ = writeln!(&file, "{}", std::process::id());
        Ok(Self { _file: file })
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
        drop(first);
        FolderLock::take(&path, folder.path()).unwrap();
    }
}
