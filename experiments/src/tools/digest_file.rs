//! Digests of files.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};

use crate::digest::Digest;

/// Bytes read at a time.
const BLOCK_BYTES: usize = 1 << 16;

/// The SHA-256 digest of the bytes of a file, as `sha256sum` prints it.
///
/// # Errors
/// Those of reading, with the path.
pub(crate) fn digest_file(path: &Path) -> Result<Digest> {
    let mut hash = Sha256::new();
    let mut hash_file = || -> io::Result<()> {
        let mut file = File::open(path)?;
        let mut block = vec![0; BLOCK_BYTES];
        loop {
            match file.read(&mut block) {
                Ok(0) => return Ok(()),
                Ok(bytes) => hash.update(&block[..bytes]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    };
    hash_file().with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Digest(hash.finalize().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_that_of_the_standard() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest_file(&path).unwrap().to_string(), expected);
        assert!(digest_file(folder.path()).is_err());
    }
}
