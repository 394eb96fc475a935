//! Learned dictionaries on disk, each under the digest of what it depends on.
//!
//! An entry is a magic number, components and bins (u64), the entries row by row (f64), and the SHA-256 digest of all
//! before it; numbers are little-endian. What does not read as that, and what a crash left, counts as absent.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use model::Dictionary;
use ndarray::Array2;

use crate::atomic_file;
use crate::digest::Digest;

const MAGIC: &[u8; 8] = b"DICTNRY1";
const DIGEST_BYTES: usize = 32;

/// A folder of entries.
#[derive(Debug)]
pub struct DictionaryCache<'a> {
    folder: &'a Path,
}

impl<'a> DictionaryCache<'a> {
    /// The folder is created with the first entry.
    #[must_use]
    pub fn new(folder: &'a Path) -> Self {
        Self { folder }
    }

    /// The entry of a key, unless it is absent or damaged.
    #[must_use]
    pub fn load(&self, key: &Digest) -> Option<Dictionary> {
        decode(&fs::read(self.path(key)).ok()?)
    }

    /// Stores the entry of a key.
    ///
    /// # Errors
    /// A folder that cannot be made or written.
    pub fn store(&self, key: &Digest, dictionary: &Dictionary) -> Result<()> {
        fs::create_dir_all(self.folder)
            .with_context(|| format!("cannot create {}", self.folder.display()))?;
        atomic_file::write(&self.path(key), &encode(dictionary))
    }

    fn path(&self, key: &Digest) -> PathBuf {
        self.folder.join(format!("{key}.dictionary"))
    }
}

fn encode(dictionary: &Dictionary) -> Vec<u8> {
    let components = dictionary.components();
    let mut bytes = MAGIC.to_vec();
    for size in components.shape() {
        bytes.extend((*size as u64).to_le_bytes());
    }
    for value in components {
        bytes.extend(value.to_le_bytes());
    }
    let digest = Digest::of_bytes(&bytes);
    bytes.extend(digest.0);
    bytes
}

/// The dictionary that the bytes of an entry hold, unless they are damaged.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Dictionary> {
    let (contents, digest) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST_BYTES)?)?;
    if Digest::of_bytes(contents).0 != digest {
        return None;
    }
    let (words, rest) = contents.strip_prefix(MAGIC)?.as_chunks::<8>();
    let [components, bins, values @ ..] = words else {
        return None;
    };
    if !rest.is_empty() {
        return None;
    }
    let size = |word: &[u8; 8]| usize::try_from(u64::from_le_bytes(*word)).ok();
    let values = values
        .iter()
        .map(|word| f64::from_le_bytes(*word))
        .collect();
    let entries = Array2::from_shape_vec((size(components)?, size(bins)?), values).ok()?;
    Dictionary::new(entries).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dictionary() -> Dictionary {
        Dictionary::new(Array2::from_shape_fn((3, 5), |(k, f)| {
            (1 + k * 5 + f) as f64
        }))
        .unwrap()
    }

    #[test]
    fn stored_dictionary_is_loaded_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let cache_folder = folder.path().join("cache");
        let cache = DictionaryCache::new(&cache_folder);
        let key = Digest::of_bytes(b"key");
        assert!(cache.load(&key).is_none());
        cache.store(&key, &dictionary()).unwrap();
        assert_eq!(
            cache.load(&key).unwrap().components(),
            dictionary().components()
        );
    }

    #[test]
    fn any_damaged_byte_and_any_truncation_is_noticed() {
        let bytes = encode(&dictionary());
        assert!(decode(&bytes).is_some());
        for index in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[index] ^= 1;
            assert!(decode(&damaged).is_none(), "byte {index}");
            assert!(decode(&bytes[..index]).is_none(), "length {index}");
        }
    }
}
