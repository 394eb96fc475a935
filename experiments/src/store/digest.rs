//! SHA-256 digests of what results depend on.

use std::fmt::{self, Display};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

/// Revision of what this program computes, the libraries below it included: raise it whenever a
/// dictionary, an estimate or a score comes out with other bits. One for all keys: neither
/// dictionaries in caches nor records of an earlier program are then taken for those of today.
const REVISION: u32 = 9;

/// Bytes of a file read at a time.
const BLOCK_BYTES: usize = 1 << 16;

/// What is computed, by which program.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Computed {
    what: &'static str,
    program: &'static str,
    version: &'static str,
    revision: u32,
}

impl Computed {
    pub(crate) fn new(what: &'static str) -> Self {
        Self {
            what,
            program: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            revision: REVISION,
        }
    }
}

/// A SHA-256 digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Digest(pub(crate) [u8; 32]);

impl Digest {
    /// The digest of a sequence of parts. Parts are delimited: moving bytes from one to the next
    /// changes it.
    pub(crate) fn of_parts(parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            let part = part.as_ref();
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The digest of all that a value holds, by its JSON form.
    ///
    /// # Errors
    /// A value without a JSON form, such as a number that is not finite inside a map's key.
    pub(crate) fn of_value(value: &impl Serialize) -> serde_json::Result<Self> {
        Ok(Self::of_bytes(&serde_json::to_vec(value)?))
    }

    /// The digest of the samples of a signal.
    pub(crate) fn of_samples(samples: &[f64]) -> Self {
        let mut hash = Sha256::new();
        for sample in samples {
            hash.update(sample.to_le_bytes());
        }
        Self(hash.finalize().into())
    }

    /// The digest of the bytes of a file, as `sha256sum` prints it.
    ///
    /// # Errors
    /// Those of reading, with the path.
    pub(crate) fn of_file(path: &Path) -> Result<Self> {
        let mut hash = Sha256::new();
        let mut block = vec![0; BLOCK_BYTES];
        let mut hash_all = || -> io::Result<()> {
            let mut file = File::open(path)?;
            loop {
                match file.read(&mut block) {
                    Ok(0) => return Ok(()),
                    Ok(bytes) => hash.update(&block[..bytes]),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        };
        hash_all().with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self(hash.finalize().into()))
    }

    /// A number that stands for the digest, as part of the key of a random stream.
    pub(crate) fn number(&self) -> u64 {
        self.0
            .iter()
            .take(8)
            .fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    /// The plain digest of some bytes, as `sha256sum` prints it.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that is not the 64 hexadecimal digits of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 digest of 64 hexadecimal digits")]
pub(crate) struct NotADigest;

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let nibble = |digit: u8| char::from(digit).to_digit(16).ok_or(NotADigest);
        let bytes: Vec<u8> = pairs
            .iter()
            .map(|&[high, low]| Ok((nibble(high)? << 4 | nibble(low)?) as u8))
            .collect::<Result<_, NotADigest>>()?;
        match (bytes.try_into(), rest) {
            (Ok(digest), []) => Ok(Self(digest)),
            _ => Err(NotADigest),
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_digest_is_that_of_sha256sum() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of_bytes(b"abc").to_string(), expected);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(Digest::of_file(&path).unwrap().to_string(), expected);
        let message = Digest::of_file(folder.path()).unwrap_err().to_string();
        assert!(message.contains("cannot read"), "{message}");
    }

    #[test]
    fn digests_are_read_back_and_nothing_else_is() {
        let digest = Digest::of_bytes(b"abc");
        let text = digest.to_string();
        assert_eq!(text.parse(), Ok(digest));
        for wrong in [
            "",
            "ab",
            &text[1..],
            &format!("{text}00"),
            &text.replace('a', "g"),
            "\u{e9}",
        ] {
            assert_eq!(wrong.parse::<Digest>(), Err(NotADigest), "{wrong}");
        }
    }

    #[test]
    fn parts_are_delimited() {
        assert_ne!(Digest::of_parts(["ab", "c"]), Digest::of_parts(["a", "bc"]));
    }
}
