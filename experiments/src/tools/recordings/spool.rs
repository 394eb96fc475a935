//! Recordings that come through a pipe, kept in a file while they are read more than once.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};

use crate::store::output::FileIdentity;
use crate::store::refused::Refused;

/// What standard input is called, also where its stems go.
pub(super) const STANDARD_INPUT: &str = "standard-input";

/// Whether what is behind a path can be read once only: a pipe, a device, standard input as `-`.
pub(crate) fn is_stream(path: &Path) -> bool {
    let is_pipe = |metadata: fs::Metadata| !metadata.is_file() && !metadata.is_dir();
    path.as_os_str() == "-" || fs::metadata(path).is_ok_and(is_pipe)
}

/// Refuses a stream that is given twice: there would be nothing left of it.
///
/// # Errors
/// [`Refused`], with its name.
pub(crate) fn check_streams_once<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Result<()> {
    let mut known = HashSet::new();
    for path in paths.filter(|path| is_stream(path)) {
        let stream = match path.as_os_str() == "-" {
            true => Path::new("/dev/stdin"),
            false => path.as_path(),
        };
        // Without an identity its name has to do.
        let identity = FileIdentity::from_path(stream).map_err(|_| stream.to_owned());
        if !known.insert(identity) {
            bail!(Refused(format!(
                "{}: is given twice, and what comes through a pipe can be read once",
                path.display()
            )));
        }
    }
    Ok(())
}

/// A temporary file, gone when it is dropped.
#[derive(Debug)]
pub(super) struct SpooledFile {
    folder: PathBuf,
    path: PathBuf,
}

impl SpooledFile {
    /// Reads a pipe to its end; `-` is standard input.
    ///
    /// # Errors
    /// A pipe that cannot be read, a temporary file that cannot be written.
    pub(super) fn read(pipe: &Path) -> Result<Self> {
        let (mut source, name): (Box<dyn Read>, _) = if pipe.as_os_str() == "-" {
            (Box::new(io::stdin().lock()), Path::new(STANDARD_INPUT))
        } else {
            let file = File::open(pipe).with_context(|| pipe.display().to_string())?;
            (
                Box::new(file),
                Path::new(pipe.file_name().unwrap_or_default()),
            )
        };
        // In a folder of its own, so that messages have its plain name.
        let folder = create_folder().context("cannot keep what comes through a pipe")?;
        let spooled = Self {
            path: folder.join(name),
            folder,
        };
        let mut file = File::create_new(&spooled.path)
            .with_context(|| format!("cannot write {}", spooled.path.display()))?;
        io::copy(&mut source, &mut file)
            .with_context(|| format!("cannot read {}", name.display()))?;
        Ok(spooled)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SpooledFile {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn create_folder() -> io::Result<PathBuf> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("experiments-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            created => return created.map(|()| folder),
        }
    }
}
