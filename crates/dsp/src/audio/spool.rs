//! A temporary file without a name, for a stream that is read more than once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Copies a stream, from where it stands to its end, into a temporary file.
///
/// The file loses its name before the first byte is written, so it vanishes with the process
/// however that ends.
pub(super) fn copy_to_temporary(stream: &mut impl Read) -> io::Result<File> {
    let mut file = create_nameless(&std::env::temp_dir())?;
    io::copy(stream, &mut file)?;
    file.rewind()?;
    Ok(file)
}

fn create_nameless(folder: &Path) -> io::Result<File> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut options = OpenOptions::new();
    // A new file only: never one that somebody else has put under this name.
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    loop {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".audio-{}-{number}.spool", std::process::id()));
        match options.open(&path) {
            Ok(file) => {
                fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_is_whole_and_has_no_name() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            create_nameless(folder.path())
                .unwrap()
                .metadata()
                .unwrap()
                .len(),
            0
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

        let bytes: Vec<u8> = (0..100_000_u32).map(|n| n as u8).collect();
        let mut copy = copy_to_temporary(&mut bytes.as_slice()).unwrap();
        let mut read = Vec::new();
        copy.read_to_end(&mut read).unwrap();
        assert_eq!(read, bytes);
    }
}
