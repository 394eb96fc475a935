//! Learned dictionaries on disk, each under the digest of what it depends on. What is damaged, or
//! of another version, counts as absent.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use model::Dictionary;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::store::atomic::{self, create_folder};
use crate::store::digest::Digest;
use crate::store::sealed::{Sealed, open, seal};

/// A folder of dictionaries.
#[derive(Debug)]
pub(crate) struct DictionaryCache<'a> {
    folder: &'a Path,
}

#[derive(Serialize, Deserialize)]
struct CachedDictionary {
    /// Components and bins.
    shape: (usize, usize),
    /// Component by component.
    entries: Vec<f64>,
}

impl Sealed for CachedDictionary {
    const KIND: &'static str = "dictionary";
    const VERSION: u32 = 1;
}

impl<'a> DictionaryCache<'a> {
    /// The folder is created with the first dictionary.
    pub(crate) fn new(folder: &'a Path) -> Self {
        Self { folder }
    }

    /// The dictionary of a key, unless it is absent.
    pub(crate) fn load(&self, key: &Digest) -> Option<Dictionary> {
        decode(&fs::read(self.path(key)).ok()?)
    }

    /// Stores the dictionary of a key.
    ///
    /// # Errors
    /// A folder that cannot be made or written.
    pub(crate) fn store(&self, key: &Digest, dictionary: &Dictionary) -> Result<()> {
        create_folder(self.folder)?;
        let components = dictionary.components();
        let cached = CachedDictionary {
            shape: components.dim(),
            entries: components.iter().copied().collect(),
        };
        atomic::write(&self.path(key), &seal(&cached)?)
    }

    fn path(&self, key: &Digest) -> PathBuf {
        self.folder.join(format!("{key}.dictionary"))
    }
}

/// The dictionary of a file, unless that is damaged.
pub(crate) fn decode(bytes: &[u8]) -> Option<Dictionary> {
    let cached: CachedDictionary = open(bytes).sound()?;
    let entries = Array2::from_shape_vec(cached.shape, cached.entries).ok()?;
    Dictionary::new(entries).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_dictionary_is_loaded_bit_for_bit() {
        let components = Array2::from_shape_fn((3, 5), |(k, f)| 1.0 / (1 + k * 5 + f) as f64);
        let dictionary = Dictionary::new(components).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let cache_folder = folder.path().join("cache");
        let cache = DictionaryCache::new(&cache_folder);
        let key = Digest::of_bytes(b"key");
        assert!(cache.load(&key).is_none());
        cache.store(&key, &dictionary).unwrap();
        assert_eq!(
            cache.load(&key).unwrap().components(),
            dictionary.components()
        );
        let path = cache.path(&key);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("[3,5]", "[5,3]")).unwrap();
        assert!(cache.load(&key).is_none());
    }
}
