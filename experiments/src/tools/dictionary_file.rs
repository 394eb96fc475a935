//! Dictionaries of a source on disk, for this program and for others: a NumPy `.npz` archive.
//!
//! | array | type | holds |
//! |---|---|---|
//! | `metadata` | uint8 | [`Metadata`] as JSON text |
//! | `dictionary_<order>` | float64, order x bins | a dictionary, its components of mean 1 |
//! | `cost_<order>` | float64, iterations + 1 | the Itakura-Saito divergence during its training |
//!
//! In Python: `d = numpy.load(path); json.loads(d["metadata"].tobytes()); d["dictionary_4"]`.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use dsp::StftSettings;
use model::Dictionary;
use ndarray::{Array1, Array2};
use ndarray_npy::NpzWriter;
use serde::{Deserialize, Serialize};

use crate::store::npz::Archive;

/// What `format` says in every file of this kind.
const FORMAT: &str = "vb-nmf dictionaries";
/// Raised when files are no longer read by older programs.
const FORMAT_VERSION: u32 = 1;
/// What `normalisation` says: the only one there is.
const NORMALISATION: &str = "each component has unit mean over the bins";
/// Largest order and largest number of orders read.
const MOST: usize = 1000;

/// Where dictionaries come from, and what they can be used with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// Always the same text.
    pub format: String,
    /// Version of the format.
    pub format_version: u32,
    /// Version of the program.
    pub made_with: String,
    /// Rate of the recordings; a mixture must have the same.
    pub sample_rate_hz: u32,
    /// Transform of the recordings; a mixture gets the same.
    pub stft: StftSettings,
    /// How components are scaled.
    pub normalisation: String,
    /// Numbers of components, in the order of training.
    pub orders: Vec<usize>,
    /// Iterations of each training.
    pub iterations: usize,
    /// Divergence at the end of each training, per order.
    pub final_cost: Vec<f64>,
    /// Frames that were learned from.
    pub training_frames: usize,
    /// Frames that were held out.
    pub held_out_frames: usize,
    /// Mean Itakura-Saito divergence of the held-out frames per bin, per order; empty if none were
    /// held out.
    pub held_out_divergence: Vec<f64>,
    /// Root of the random numbers.
    pub seed: u64,
    /// SHA-256 of the recordings' samples.
    pub corpus_sha256: String,
}

/// Dictionaries of one source, one per order.
#[derive(Debug, Clone, PartialEq)]
pub struct DictionaryFile {
    /// Where they come from.
    pub metadata: Metadata,
    /// One per order.
    pub dictionaries: Vec<Arc<Dictionary>>,
    /// Cost traces, one per order.
    pub costs: Vec<Vec<f64>>,
}

impl Metadata {
    /// Fills in what is the same for all files made by this program; the rest is the caller's.
    #[must_use]
    pub fn new(sample_rate_hz: u32, stft: StftSettings) -> Self {
        Self {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            made_with: format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
            sample_rate_hz,
            stft,
            normalisation: NORMALISATION.to_owned(),
            orders: Vec::new(),
            iterations: 0,
            final_cost: Vec::new(),
            training_frames: 0,
            held_out_frames: 0,
            held_out_divergence: Vec::new(),
            seed: 0,
            corpus_sha256: String::new(),
        }
    }

    fn check(&self) -> Result<()> {
        ensure!(
            self.format == FORMAT,
            "`format` is {:?}, not {FORMAT:?}",
            self.format
        );
        ensure!(
            self.format_version == FORMAT_VERSION,
            "`format_version` {} is not read by this program, which knows {FORMAT_VERSION}",
            self.format_version
        );
        ensure!(
            self.normalisation == NORMALISATION,
            "`normalisation` is {:?}, not {NORMALISATION:?}",
            self.normalisation
        );
        ensure!(
            dsp::RATES_HZ.contains(&self.sample_rate_hz),
            "`sample_rate_hz` {} is out of range",
            self.sample_rate_hz
        );
        self.stft.validate().context("`stft`")?;
        ensure!(
            (1..=MOST).contains(&self.orders.len())
                && self.orders.iter().all(|order| (1..=MOST).contains(order)),
            "`orders` must be 1 to {MOST} numbers from 1 to {MOST}"
        );
        Ok(())
    }
}

impl DictionaryFile {
    /// The bytes of the file.
    ///
    /// # Errors
    /// Those of the archive.
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let mut archive = NpzWriter::new(Cursor::new(Vec::new()));
        let metadata = serde_json::to_vec_pretty(&self.metadata)?;
        archive.add_array("metadata", &Array1::from(metadata))?;
        for (dictionary, cost) in self.dictionaries.iter().zip(&self.costs) {
            let order = dictionary.order();
            archive.add_array(format!("dictionary_{order}"), &dictionary.components())?;
            archive.add_array(format!("cost_{order}"), &Array1::from(cost.clone()))?;
        }
        Ok(archive.finish()?.into_inner())
    }

    /// Reads a file, and checks that it holds together.
    ///
    /// # Errors
    /// A file that cannot be read, and those of [`Self::decode`], with the path.
    pub fn read(path: &Path) -> Result<Self> {
        let read = || Self::decode(BufReader::new(File::open(path)?));
        read().with_context(|| format!("{} is not a file of dictionaries", path.display()))
    }

    /// Reads the archive of a file, and checks that it holds together.
    ///
    /// # Errors
    /// An archive that is damaged, of another kind or contradicts its own metadata; the error names
    /// what is wrong. No more memory is taken than the archive's size warrants.
    pub fn decode(archive: impl Read + Seek) -> Result<Self> {
        let mut archive = Archive::new(archive)?;
        let metadata: Array1<u8> = archive.array("metadata")?;
        let metadata: Metadata =
            serde_json::from_slice(&metadata.to_vec()).context("`metadata`")?;
        metadata.check()?;
        let bins = metadata.stft.bins();
        let mut dictionaries = Vec::new();
        let mut costs = Vec::new();
        for &order in &metadata.orders {
            let name = format!("dictionary_{order}");
            let entries: Array2<f64> = archive.array(&name)?;
            ensure!(
                entries.dim() == (order, bins),
                "`{name}` is {} x {}, not {order} x {bins}",
                entries.nrows(),
                entries.ncols()
            );
            // Unit means, to the last bit again if another program rounded them.
            let dictionary = Dictionary::normalised(entries).with_context(|| name)?;
            dictionaries.push(Arc::new(dictionary));
            let cost: Array1<f64> = archive.array(&format!("cost_{order}"))?;
            costs.push(cost.to_vec());
        }
        Ok(Self {
            metadata,
            dictionaries,
            costs,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn file() -> DictionaryFile {
        let stft = StftSettings {
            window_samples: 8,
            hop_samples: 4,
            ..StftSettings::default()
        };
        let dictionary = |order: usize| {
            let entries = Array2::from_shape_fn((order, 5), |(k, f)| (1 + (k * 3 + f) % 4) as f64);
            Arc::new(Dictionary::normalised(entries).unwrap())
        };
        let mut metadata = Metadata::new(8000, stft);
        metadata.orders = vec![1, 3];
        DictionaryFile {
            metadata,
            dictionaries: vec![dictionary(1), dictionary(3)],
            costs: vec![vec![2.0, 1.0], vec![1.5, 0.5]],
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        fs::write(&path, file().encode().unwrap()).unwrap();
        let read = DictionaryFile::read(&path).unwrap();
        assert_eq!(
            (&read.metadata, &read.costs),
            (&file().metadata, &file().costs)
        );
        for (read, written) in read.dictionaries.iter().zip(&file().dictionaries) {
            assert!(
                (&read.components() - &written.components())
                    .iter()
                    .all(|d| d.abs() < 1e-15)
            );
        }
    }

    #[test]
    fn no_truncation_and_no_damaged_byte_panics() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let bytes = file().encode().unwrap();
        for length in 0..bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            let error = DictionaryFile::read(&path).unwrap_err();
            assert!(format!("{error:#}").contains("a.npz"), "{error:#}");
        }
        let mut noticed = 0;
        for index in 0..bytes.len() {
            for flip in [0x01, 0xff] {
                let mut damaged = bytes.clone();
                damaged[index] ^= flip;
                fs::write(&path, &damaged).unwrap();
                noticed += usize::from(DictionaryFile::read(&path).is_err());
            }
        }
        // Dates and the like are not read; every byte of an array is under a checksum.
        assert!(noticed > bytes.len(), "{noticed} of {}", 2 * bytes.len());
    }

    #[test]
    fn contradictions_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let message = |change: fn(&mut DictionaryFile)| {
            let mut changed = file();
            change(&mut changed);
            fs::write(&path, changed.encode().unwrap()).unwrap();
            format!("{:#}", DictionaryFile::read(&path).unwrap_err())
        };
        let told = message(|file| file.metadata.stft.window_samples = 16);
        assert!(
            told.contains("dictionary_1") && told.contains("1 x 9"),
            "{told}"
        );
        let told = message(|file| file.metadata.orders.push(7));
        assert!(told.contains("no array `dictionary_7`"), "{told}");
        let told = message(|file| file.metadata.orders = vec![usize::MAX]);
        assert!(told.contains("`orders`"), "{told}");
        let told = message(|file| file.metadata.format_version = 9);
        assert!(told.contains("format_version"), "{told}");
        let told = message(|file| file.metadata.stft.hop_samples = 0);
        assert!(told.contains("hop_samples"), "{told}");
        fs::write(&path, "text").unwrap();
        assert!(DictionaryFile::read(&path).is_err());
    }
}
