//! Archives of NumPy arrays, read from anybody: the header of each entry is compared first with
//! what may be there, and the entry decompressed no further than that.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use anyhow::{Context, Result, bail, ensure};
use ndarray::{Array, ArrayView, Dimension, Ix1};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::npy::{ArrayHeader, Element, MAGIC, write_array};

/// Longest text of metadata: names and numbers of a thousand orders are a tenth of that.
const MOST_TEXT: usize = 1 << 20;
/// What the only array of a `.npy` file is called.
const ONLY: &str = "the array";

/// The arrays of a `.npz` file, or the one of a `.npy` file.
pub(crate) enum Archive<R> {
    Zip(ZipArchive<R>),
    Single(R),
}

impl<R: Read + Seek> Archive<R> {
    pub(crate) fn new(mut source: R) -> Result<Self> {
        let mut start = Vec::new();
        source
            .by_ref()
            .take(MAGIC.len() as u64)
            .read_to_end(&mut start)?;
        source.seek(SeekFrom::Start(0))?;
        Ok(match start == MAGIC {
            true => Self::Single(source),
            false => Self::Zip(ZipArchive::new(source).context(
                "it is neither a NumPy archive (.npz), which `train` writes, nor a NumPy array \
                     (.npy)",
            )?),
        })
    }

    /// The names of all arrays.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Self::Zip(zip) => {
                let names = zip
                    .file_names()
                    .filter_map(|name| name.strip_suffix(".npy"));
                names.map(str::to_owned).collect()
            }
            Self::Single(_) => vec![ONLY.to_owned()],
        }
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        match self {
            Self::Zip(zip) => zip.index_for_name(&format!("{name}.npy")).is_some(),
            Self::Single(_) => name == ONLY,
        }
    }

    /// The bytes of a text, an array of uint8; None if there is no such array.
    pub(crate) fn read_bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        if !self.contains(name) {
            return Ok(None);
        }
        let read = |mut entry: Box<dyn Read + '_>| -> Result<Vec<u8>> {
            let header = ArrayHeader::read(&mut entry)?;
            ensure!(
                header.is_of::<u8>(),
                "it has numbers of type {}, not uint8",
                header.descriptor
            );
            let array = header.read_array::<u8, Ix1>(entry, MOST_TEXT)?;
            Ok(array.to_vec())
        };
        let entry = self.open(name)?;
        read(entry).map(Some).with_context(|| format!("`{name}`"))
    }

    /// An array of float64 or float32 with at most `most` entries, in either order of the axes.
    pub(crate) fn read_floats<D: Dimension>(
        &mut self,
        name: &str,
        most: usize,
    ) -> Result<Array<f64, D>> {
        let read = |mut entry: Box<dyn Read + '_>| -> Result<Array<f64, D>> {
            let header = ArrayHeader::read(&mut entry)?;
            let array = if header.is_of::<f64>() {
                header.read_array::<f64, D>(entry, most)?
            } else if header.is_of::<f32>() {
                header.read_array::<f32, D>(entry, most)?.mapv(f64::from)
            } else {
                bail!(
                    "it has numbers of type {}: save it as float64 or float32",
                    header.descriptor
                );
            };
            Ok(array.as_standard_layout().into_owned())
        };
        let entry = self.open(name)?;
        read(entry).with_context(|| format!("`{name}`"))
    }

    fn open(&mut self, name: &str) -> Result<Box<dyn Read + '_>> {
        match self {
            Self::Zip(zip) => match zip.by_name(&format!("{name}.npy")) {
                Err(ZipError::FileNotFound) => bail!("there is no array `{name}`"),
                entry => Ok(Box::new(entry.with_context(|| format!("`{name}`"))?)),
            },
            Self::Single(source) => {
                source.seek(SeekFrom::Start(0))?;
                Ok(Box::new(source))
            }
        }
    }
}

/// An archive that is written.
pub(crate) struct ArchiveWriter(ZipWriter<Cursor<Vec<u8>>>);

impl ArchiveWriter {
    /// An empty archive.
    pub(crate) fn new() -> Self {
        Self(ZipWriter::new(Cursor::new(Vec::new())))
    }

    /// Adds the bytes of a text, as an array of uint8.
    ///
    /// # Errors
    /// Those of the archive.
    pub(crate) fn add_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.add(name, &ArrayView::from(bytes))
    }

    /// Adds an array of float64.
    ///
    /// # Errors
    /// Those of the archive.
    pub(crate) fn add_floats<D: Dimension>(
        &mut self,
        name: &str,
        array: &ArrayView<'_, f64, D>,
    ) -> Result<()> {
        self.add(name, array)
    }

    fn add<T: Element, D: Dimension>(
        &mut self,
        name: &str,
        array: &ArrayView<'_, T, D>,
    ) -> Result<()> {
        // As numpy.savez has it; numbers of this kind hardly get smaller.
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        self.0.start_file(format!("{name}.npy"), options)?;
        self.0.write_all(&write_array(array))?;
        Ok(())
    }

    /// The bytes of the archive.
    ///
    /// # Errors
    /// Those of the archive.
    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        Ok(self.0.finish()?.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    fn read(bytes: &[u8], most: usize) -> Result<Array<f64, ndarray::Ix2>> {
        let mut archive = Archive::new(Cursor::new(bytes))?;
        archive.read_floats(ONLY, most)
    }

    const HEADER: &str = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }\n";

    #[test]
    fn promises_are_compared_with_what_is_there_and_with_what_may_be() {
        let told = |bytes: &[u8]| format!("{:#}", read(bytes, 6).unwrap_err());
        assert_eq!(read(&npy(HEADER, 48), 6).unwrap().dim(), (3, 2));
        assert!(told(&npy(HEADER, 47)).contains("promises 6 numbers, 5"));
        assert!(told(&npy(HEADER, 49)).contains("more numbers"));
        let message = format!("{:#}", read(&npy(HEADER, 48), 5).unwrap_err());
        assert!(message.contains("at most 5"), "{message}");
        let huge = HEADER.replace("3, 2", "4000000000, 4000000000");
        assert!(told(&npy(&huge, 48)).contains("promises 16000000000000000000"));
        let overflow = HEADER.replace("3, 2", "99999999999999999999");
        assert!(told(&npy(&overflow, 48)).contains("no shape"));
        assert!(told(&npy(&"(".repeat(5000), 48)).contains("header of 5000 bytes"));
        let mut long = b"\x93NUMPY\x02\x00".to_vec();
        long.extend(4_000_000_000_u32.to_le_bytes());
        assert!(told(&long).contains("header of 4000000000 bytes"));
        assert!(told(b"\x93NUMPY\x01").contains("cut short"));
        assert!(told(b"\x93NUMPY\x09\x00").contains("unknown version"));
        assert!(told(&npy(&HEADER.replace("<f8", "<i8"), 48)).contains("type <i8"));
    }

    #[test]
    fn numbers_of_any_float_and_either_order_are_read() {
        // By rows 0 to 5, as NumPy stores (3, 2).
        let expected = ndarray::array![[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]];
        let rows = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let columns = [0.0, 2.0, 4.0, 1.0, 3.0, 5.0];
        for (order, numbers) in [("False", rows), ("True", columns)] {
            let header = HEADER.replace("False", order);
            let doubles = numbers.map(f64::to_le_bytes).concat();
            let big = numbers.map(f64::to_be_bytes).concat();
            let floats = numbers.map(|x| (x as f32).to_le_bytes()).concat();
            for (kind, data) in [("<f8", doubles), (">f8", big), ("<f4", floats)] {
                let bytes = [npy(&header.replace("<f8", kind), 0), data].concat();
                assert_eq!(read(&bytes, 6).unwrap(), expected, "{kind} {order}");
            }
        }
    }
}
