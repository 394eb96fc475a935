//! One run at a time in a folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::progress::Progress;

/// A lock that is held until it is dropped, or its process ends in whatever way.
///
/// Some file systems have none (Lustre and NFS as they are often mounted, many in user space).
/// There a run goes on without, which is said: nothing is wrong unless two of them use one folder.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the lock that a file stands for; makes the file. `folder` is what the error names.
    ///
    /// # Errors
    /// A lock that another process holds; a file that cannot be made.
    pub(crate) fn take(path: &Path, folder: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let tried = file.try_lock();
        // Of those that share it none leaves its name.
        if matches!(tried, Err(TryLockError::WouldBlock)) && file.try_lock_shared().is_ok() {
            bail!("a merge is reading {}: wait for it", folder.display());
        }
        check_held(tried, path, folder)?;
        // For the message below only: the process, and the machine it is on, which may be another
        // that sees the folder.
        let host = host().unwrap_or_default();
        let _ = file.set_len(0);
        let _ = writeln!(&file, "{}\n{host}", std::process::id());
        Ok(Self { _file: file })
    }

    /// Keeps runs off a folder that is read, which others may read, too, and that need not be
    /// writable. Without a lock file, or a folder, there was no run.
    ///
    /// # Errors
    /// A run under way; a file that cannot be read.
    pub(crate) fn share(path: &Path, folder: &Path) -> Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        check_held(file.try_lock_shared(), path, folder)?;
        Ok(Some(Self { _file: file }))
    }
}

/// The error of a lock that another has. Where there are no locks, a warning.
fn check_held(
    tried: std::result::Result<(), TryLockError>,
    path: &Path,
    folder: &Path,
) -> Result<()> {
    match tried {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let said = fs::read_to_string(path).unwrap_or_default();
            let mut lines = said.lines().filter(|line| !line.is_empty());
            let holder = match (lines.next(), lines.next()) {
                (Some(process), Some(host)) => format!(" (process {process} on {host})"),
                (Some(process), None) => format!(" (process {process})"),
                _ => String::new(),
            };
            bail!(
                "another run{holder} is using {}: wait for it, or choose another --out",
                folder.display()
            )
        }
        Err(TryLockError::Error(error)) => {
            Progress::new(true).warn(format_args!(
                "cannot lock {} ({error}): two runs in this folder would not be kept apart",
                path.display()
            ));
            Ok(())
        }
    }
}

/// The name of this machine, if it tells.
fn host() -> Option<String> {
    // Where there is no such file there is such a command.
    let command = || {
        let output = Command::new("hostname").output().ok()?;
        String::from_utf8(output.stdout).ok()
    };
    let name = fs::read_to_string("/proc/sys/kernel/hostname");
    let name = name.ok().or_else(command)?.trim().to_owned();
    (!name.is_empty()).then_some(name)
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
        let mut holder = format!("another run (process {}", std::process::id());
        if let Some(host) = host() {
            holder += &format!(" on {host})");
        }
        assert!(message.contains(&holder), "{message}");
        assert!(FolderLock::share(&path, folder.path()).is_err());
        drop(first);
        let readers = [(); 2].map(|()| FolderLock::share(&path, folder.path()).unwrap());
        assert!(readers.iter().all(Option::is_some));
        let message = FolderLock::take(&path, folder.path())
            .unwrap_err()
            .to_string();
        assert!(message.contains("a merge is reading"), "{message}");
        drop(readers);
        FolderLock::take(&path, folder.path()).unwrap();
    }
}
