//! Dictionaries of a source on disk, for this program and for others: a NumPy `.npz` archive.
//!
//! | array | type | holds |
//! |---|---|---|
//! | `metadata` | uint8 | [`Metadata`] as JSON text |
//! | `dictionary_<order>` | float64, order x bins | a dictionary, its components of mean 1 |
//! | `cost_<order>` | float64, iterations + 1 | the Itakura-Saito divergence during its training |
//!
//! This is what is written. Read is more: float32, arrays in Fortran order, archives without
//! `metadata` or costs, the voices and noises of `data/voices`, and single `.npy` arrays; see
//! `docs/dictionaries.md`.
//!
//! In Python: `d = numpy.load(path); json.loads(d["metadata"].tobytes()); d["dictionary_4"]`.

mod metadata;

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use model::Dictionary;
use ndarray::{Array2, ArrayView1};

use crate::store::digest::Digest;
use crate::store::npz::{Archive, ArchiveWriter};
use metadata::MOST;

pub(crate) use metadata::Assumed;
pub use metadata::Metadata;

/// Most entries of all arrays that are read: 0.8 GB.
const MOST_ENTRIES: usize = 100_000_000;

/// Dictionaries of one source, one per order.
#[derive(Debug, Clone, PartialEq)]
pub struct DictionaryFile {
    /// Where they come from.
    pub metadata: Metadata,
    /// One per order.
    pub dictionaries: Vec<Arc<Dictionary>>,
    /// Cost traces, one per order; empty where there is none.
    pub costs: Vec<Vec<f64>>,
}

impl DictionaryFile {
    /// The bytes of the file.
    ///
    /// # Errors
    /// Those of the archive.
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let mut archive = ArchiveWriter::new();
        let metadata = serde_json::to_vec_pretty(&self.metadata)?;
        archive.add_bytes("metadata", &metadata)?;
        for (dictionary, cost) in self.dictionaries.iter().zip(&self.costs) {
            let order = dictionary.order();
            let components = dictionary.components();
            archive.add_floats(&format!("dictionary_{order}"), &components.view())?;
            archive.add_floats(&format!("cost_{order}"), &ArrayView1::from(cost.as_slice()))?;
        }
        archive.finish()
    }

    /// Reads a file that says everything of itself, and checks that it holds together.
    ///
    /// # Errors
    /// A file that cannot be read, and those of [`Self::decode`], with the path.
    pub fn read(path: &Path) -> Result<Self> {
        Self::read_with_digest(path, &Assumed::default()).map(|(file, _)| file)
    }

    /// Reads a file, of which `assumed` says what it does not say itself, and the digest of its
    /// bytes. A pipe is read once.
    ///
    /// # Errors
    /// As [`Self::read`], and what neither says.
    pub(crate) fn read_with_digest(path: &Path, assumed: &Assumed) -> Result<(Self, Digest)> {
        let read = || -> Result<(Self, Digest)> {
            let mut file = File::open(path)?;
            if file.metadata()?.is_file() {
                let decoded = Self::decode_assuming(BufReader::new(file), assumed)?;
                return Ok((decoded, Digest::of_file(path)?));
            }
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let digest = Digest::of_bytes(&bytes);
            Ok((Self::decode_assuming(Cursor::new(bytes), assumed)?, digest))
        };
        let named = || format!("{} is not a file of dictionaries", path.display());
        read().with_context(named)
    }

    /// Reads the archive of a file, and checks that it holds together.
    ///
    /// # Errors
    /// An archive that is damaged, of another kind or contradicts its own metadata; the error names
    /// what is wrong. No more memory is taken than the metadata and the arrays' headers agree on.
    pub fn decode(archive: impl Read + Seek) -> Result<Self> {
        Self::decode_assuming(archive, &Assumed::default())
    }

    fn decode_assuming(archive: impl Read + Seek, assumed: &Assumed) -> Result<Self> {
        let mut archive = Archive::new(archive)?;
        let json = archive.read_bytes("metadata")?;
        let json = json.as_deref().unwrap_or(b"{}");
        let mut metadata = Metadata::from_json(json, assumed)?;
        let prefix = metadata.prefix();
        let bins = metadata.stft.bins();
        let names: Vec<String> = match metadata.orders.as_slice() {
            [] => find_dictionaries(&archive, &prefix)?,
            orders => orders
                .iter()
                .map(|order| format!("{prefix}{order}"))
                .collect(),
        };
        let expected: Vec<Option<usize>> = match metadata.orders.as_slice() {
            [] => vec![None; names.len()],
            orders => orders.iter().copied().map(Some).collect(),
        };
        metadata.orders.clear();
        let mut room = MOST_ENTRIES;
        let mut dictionaries = Vec::new();
        let mut costs = Vec::new();
        for (name, order) in names.iter().zip(expected) {
            let most = order.unwrap_or(MOST) * bins;
            let entries: Array2<f64> = archive.read_floats(name, most.min(room))?;
            let (rows, columns) = entries.dim();
            room -= rows * columns;
            let hint = match (rows == bins, order.unwrap_or(columns) == columns) {
                (true, true) => ": is it transposed? A component is a row",
                _ => "",
            };
            ensure!(
                columns == bins && order.unwrap_or(rows) == rows && (1..=MOST).contains(&rows),
                "`{name}` is {rows} x {columns}, not {} x {bins}{hint}",
                order.map_or_else(|| "components".to_owned(), |order| order.to_string())
            );
            // Unit means, to the last bit again if another program rounded them.
            let dictionary = Dictionary::normalised(entries).with_context(|| name.clone())?;
            let cost = name.replacen("dictionary_", "cost_", 1);
            let cost = match archive.contains(&cost) && cost != *name {
                true => archive.read_floats::<ndarray::Ix1>(&cost, room)?.to_vec(),
                false => Vec::new(),
            };
            room = room.saturating_sub(cost.len());
            metadata.orders.push(rows);
            dictionaries.push(Arc::new(dictionary));
            costs.push(cost);
        }
        Ok(Self {
            metadata,
            dictionaries,
            costs,
        })
    }
}

/// The arrays that are dictionaries where no metadata say it: those named so, else the only one.
fn find_dictionaries<R: Read + Seek>(archive: &Archive<R>, prefix: &str) -> Result<Vec<String>> {
    let names = archive.names();
    let mut named: Vec<String> = names
        .iter()
        .filter(|name| name.starts_with(prefix))
        .cloned()
        .collect();
    // By their numbers: dictionary_10 follows dictionary_2.
    named.sort_by_key(|name| (name.len(), name.clone()));
    if !named.is_empty() {
        ensure!(named.len() <= MOST, "it has more than {MOST} dictionaries");
        return Ok(named);
    }
    let mut others = names.into_iter().filter(|name| name != "metadata");
    match (others.next(), others.next()) {
        (Some(only), None) => Ok(vec![only]),
        (None, _) => anyhow::bail!("it has no arrays"),
        (Some(_), Some(_)) => {
            anyhow::bail!("it has several arrays, none of them named `dictionary_<order>`")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use dsp::{StftSettings, Window};
    use ndarray::Array1;
    use ndarray_npy::NpzWriter;

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

    /// An archive of given arrays, as other programs write it.
    fn archive(arrays: &[(&str, Array2<f32>)], metadata: Option<&str>) -> Cursor<Vec<u8>> {
        let mut archive = NpzWriter::new(Cursor::new(Vec::new()));
        if let Some(metadata) = metadata {
            let bytes = Array1::from(metadata.as_bytes().to_vec());
            archive.add_array("metadata", &bytes).unwrap();
        }
        for (name, array) in arrays {
            archive.add_array(*name, array).unwrap();
        }
        archive.finish().unwrap()
    }

    fn components(order: usize) -> Array2<f32> {
        Array2::from_shape_fn((order, 5), |(k, f)| (1 + (k + 2 * f) % 3) as f32)
    }

    #[test]
    fn the_least_that_is_said_is_enough() {
        let arrays = [
            ("dictionary_10", components(10)),
            ("dictionary_2", components(2)),
        ];
        let said = r#"{"sample_rate_hz": 8000, "stft": {"window_samples": 8}}"#;
        let file = DictionaryFile::decode(archive(&arrays, Some(said))).unwrap();
        assert_eq!(file.metadata.orders, [2, 10]);
        let stft = StftSettings {
            window_samples: 8,
            hop_samples: 4,
            window: Window::Sine,
        };
        assert_eq!(
            (file.metadata.sample_rate_hz, &file.metadata.stft),
            (8000, &stft)
        );
        assert!(file.costs.len() == 2 && file.costs.iter().all(Vec::is_empty));
        let row: Vec<f64> = file.dictionaries[0].components().row(0).to_vec();
        // 1, 3, 2, 1, 3 over their mean.
        let expected = [0.5, 1.5, 1.0, 0.5, 1.5];
        assert!(
            row.iter()
                .zip(expected)
                .all(|(found, expected)| (found - expected).abs() < 1e-15)
        );

        let assumed = Assumed {
            sample_rate_hz: Some(8000),
            stft: Some(stft),
        };
        let arrays = [("components_", components(3))];
        let file = DictionaryFile::decode_assuming(archive(&arrays, None), &assumed).unwrap();
        assert_eq!(file.metadata.orders, [3]);
        let mut npy = Vec::new();
        ndarray_npy::WriteNpyExt::write_npy(&components(4), &mut npy).unwrap();
        let file = DictionaryFile::decode_assuming(Cursor::new(npy), &assumed).unwrap();
        assert_eq!(file.metadata.orders, [4]);
    }

    #[test]
    fn a_voice_is_read_as_the_half_that_studies_separate_with() {
        let said = |format: &str| {
            format!(
                r#"{{"format": "{format}", "format_version": 1, "orders": [2, 3],
                "sample_rate_hz": 8000, "stft": {{"window_samples": 8}}}}"#
            )
        };
        let other = |order: usize| components(order).mapv(|entry| 1.0 / entry);
        let halves = [
            ("generation_2", components(2)),
            ("generation_3", components(3)),
            ("estimation_2", other(2)),
            ("estimation_3", other(3)),
        ];
        let voice = DictionaryFile::decode(archive(&halves, Some(&said("vb-nmf voice")))).unwrap();
        let one = [("dictionary_2", other(2)), ("dictionary_3", other(3))];
        let noise = DictionaryFile::decode(archive(&one, Some(&said("vb-nmf noise")))).unwrap();
        assert_eq!(voice.dictionaries, noise.dictionaries);
        assert_eq!(voice.metadata.orders, [2, 3]);
        assert_eq!(voice.metadata.voice_half(), Some("estimation"));
        assert_eq!(noise.metadata.voice_half(), None);
        let error = DictionaryFile::decode(archive(&one, Some(&said("vb-nmf voice"))));
        let error = format!("{:#}", error.unwrap_err());
        assert!(error.contains("no array `estimation_2`"), "{error}");
        let error = DictionaryFile::decode(archive(&one, Some(&said("vb-nmf song"))));
        let error = format!("{:#}", error.unwrap_err());
        for format in [
            "vb-nmf song",
            "vb-nmf dictionaries",
            "vb-nmf voice",
            "vb-nmf noise",
        ] {
            assert!(error.contains(format), "{error}");
        }
    }

    #[test]
    fn the_voices_and_noises_of_the_repository_are_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/voices");
        let orders = |name: &str| {
            DictionaryFile::read(&folder.join(name))
                .unwrap()
                .metadata
                .orders
        };
        assert_eq!(orders("russian_woman.npz"), [2, 4, 6, 8, 10, 12, 14]);
        assert_eq!(orders("coffee-shop.npz"), [16]);
    }

    #[test]
    fn what_is_not_said_or_contradicted_is_named() {
        let said = r#"{"sample_rate_hz": 8000, "stft": {"window_samples": 8}}"#;
        let told = |arrays: &[(&str, Array2<f32>)], said: Option<&str>, assumed: &Assumed| {
            let file = DictionaryFile::decode_assuming(archive(arrays, said), assumed);
            format!("{:#}", file.unwrap_err())
        };
        let one = [("dictionary_2", components(2))];
        let nothing = Assumed::default();
        assert!(told(&one, None, &nothing).contains("--dictionary-rate"));
        let rate = r#"{"sample_rate_hz": 8000}"#;
        assert!(told(&one, Some(rate), &nothing).contains("--dictionary-window"));
        let other = Assumed {
            sample_rate_hz: Some(16_000),
            stft: None,
        };
        let message = told(&one, Some(said), &other);
        assert!(
            message.contains("16000") && message.contains("8000"),
            "{message}"
        );
        let transposed = [("dictionary_2", components(2).reversed_axes())];
        assert!(told(&transposed, Some(said), &nothing).contains("transposed"));
        let several = [("a", components(2)), ("b", components(2))];
        assert!(told(&several, Some(said), &nothing).contains("several arrays"));
        assert!(told(&[], Some(said), &nothing).contains("no arrays"));
        let mut negative = components(2);
        negative[[1, 3]] = -1.0;
        assert!(told(&[("dictionary_2", negative)], Some(said), &nothing).contains("dictionary_2"));
    }

    #[test]
    fn a_dictionary_that_compresses_well_is_read() {
        // All of a constant: less than a hundredth of its bytes is left.
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let mut add = |name: &str, bytes: &[u8]| {
            let options = zip::write::SimpleFileOptions::default()
                .compression_method(zip::CompressionMethod::Deflated);
            zip.start_file(format!("{name}.npy"), options).unwrap();
            std::io::Write::write_all(&mut zip, bytes).unwrap();
        };
        let mut npy = Vec::new();
        let constant = Array2::from_elem((100, 1025), 1.0_f64);
        ndarray_npy::WriteNpyExt::write_npy(&constant, &mut npy).unwrap();
        add("dictionary_100", &npy);
        let archive = zip.finish().unwrap().into_inner();
        assert!(archive.len() < npy.len() / 100, "{}", archive.len());
        let assumed = Assumed {
            sample_rate_hz: Some(16_000),
            stft: Some(StftSettings::default()),
        };
        let file = DictionaryFile::decode_assuming(Cursor::new(archive), &assumed).unwrap();
        assert_eq!(file.dictionaries[0].components(), constant);
    }
}
