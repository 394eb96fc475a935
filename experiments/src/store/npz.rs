//! Reading arrays from an archive that nobody vouches for.
//!
//! ndarray-npy reserves what an array's header promises before it reads. So the header of each
//! entry is compared first with what may be there, and the entry decompressed no further than that.

use std::io::{Chain, Cursor, Read, Seek, SeekFrom};

use anyhow::{Context, Result, bail, ensure};
use ndarray::{Array, Dimension};
use ndarray_npy::ReadNpyExt;
use zip::ZipArchive;
use zip::result::ZipError;

/// Longest text of metadata: names and numbers of a thousand orders are a tenth of that.
const MOST_TEXT: usize = 1 << 20;
/// Longest array header: NumPy writes 118 bytes for up to two dimensions.
const MOST_HEADER: usize = 1024;
/// The first bytes of an array.
const MAGIC: &[u8] = b"\x93NUMPY";
/// Bytes before an array's header, by major version: magic, version, length of the header.
const PREFIX: [(u8, usize); 3] = [(1, 10), (2, 12), (3, 12)];
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
            false => Self::Zip(ZipArchive::new(source)?),
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
                header.is_of("u1"),
                "it has numbers of type {}, not uint8",
                header.descriptor
            );
            let bytes = header.read_entry(entry, 1, MOST_TEXT)?;
            let array: Array<u8, ndarray::Ix1> = Array::read_npy(bytes.as_slice())?;
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
            let array = if header.is_of("f8") {
                let bytes = header.read_entry(entry, 8, most)?;
                Array::<f64, D>::read_npy(bytes.as_slice())?
            } else if header.is_of("f4") {
                let bytes = header.read_entry(entry, 4, most)?;
                Array::<f32, D>::read_npy(bytes.as_slice())?.mapv(f64::from)
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

/// The header of an array.
struct ArrayHeader {
    /// All bytes before the first number.
    bytes: Vec<u8>,
    /// The type of the numbers, as NumPy writes it.
    descriptor: String,
    /// Numbers that the shape promises.
    entries: usize,
}

impl ArrayHeader {
    /// Reads the bytes before the first number.
    fn read(entry: &mut impl Read) -> Result<Self> {
        let mut bytes = Vec::new();
        let mut fill = |bytes: &mut Vec<u8>, length: usize| -> Result<()> {
            let missing = (length - bytes.len()) as u64;
            entry.take(missing).read_to_end(bytes)?;
            Ok(())
        };
        fill(&mut bytes, MAGIC.len() + 2)?;
        ensure!(bytes.starts_with(MAGIC), "it is not an array");
        let major = bytes.get(MAGIC.len()).copied();
        let prefix = PREFIX.iter().find(|(version, _)| Some(*version) == major);
        let prefix = prefix.context("it is an array of an unknown version")?.1;
        fill(&mut bytes, prefix)?;
        let length = bytes
            .get(MAGIC.len() + 2..prefix)
            .context("its header is cut short")?;
        let length = length
            .iter()
            .rev()
            .fold(0, |sum, &byte| sum << 8 | usize::from(byte));
        ensure!(length <= MOST_HEADER, "a header of {length} bytes");
        fill(&mut bytes, prefix + length)?;
        let header = bytes
            .get(prefix..prefix + length)
            .context("its header is cut short")?;
        let header = std::str::from_utf8(header)
            .ok()
            .context("its header is no text")?;
        let descriptor = find_descriptor(header).context("its header has no type")?;
        let entries = count_entries(header).context("its header has no shape")?;
        Ok(Self {
            descriptor: descriptor.to_owned(),
            entries,
            bytes,
        })
    }

    /// Whether the numbers are of a type, in whatever order of their bytes.
    fn is_of(&self, kind: &str) -> bool {
        self.descriptor.trim_start_matches(['<', '>', '=', '|']) == kind
    }

    /// The whole array: the header, and as many numbers as it promises.
    fn read_entry(&self, entry: impl Read, element_bytes: usize, most: usize) -> Result<Vec<u8>> {
        let promised = self.entries;
        ensure!(
            promised <= most,
            "the shape promises {promised} numbers, at most {most} can be read"
        );
        let limit = promised * element_bytes;
        let mut bytes = Vec::new();
        let mut whole: Chain<Cursor<&[u8]>, _> =
            Cursor::new(self.bytes.as_slice()).chain(entry.take(limit as u64));
        whole.read_to_end(&mut bytes)?;
        let present = (bytes.len() - self.bytes.len()) / element_bytes;
        ensure!(
            present == promised,
            "the shape promises {promised} numbers, {present} are there"
        );
        // Its checksum is compared at its end.
        let (_, mut rest) = whole.into_inner();
        ensure!(
            rest.get_mut().read(&mut [0])? == 0,
            "more numbers than the shape promises"
        );
        Ok(bytes)
    }
}

/// The text behind `'descr': '`.
fn find_descriptor(header: &str) -> Option<&str> {
    let (_, rest) = header.split_once("'descr'")?;
    let (_, rest) = rest.split_once('\'')?;
    rest.split_once('\'').map(|(descriptor, _)| descriptor)
}

/// The product of the numbers in `'shape': (…)`.
fn count_entries(header: &str) -> Option<usize> {
    let (_, rest) = header.split_once("'shape'")?;
    let (_, rest) = rest.split_once('(')?;
    let (shape, _) = rest.split_once(')')?;
    let sizes = shape.split(',').map(str::trim);
    sizes
        .filter(|size| !size.is_empty())
        .try_fold(1_usize, |product, size| {
            product.checked_mul(size.parse().ok()?)
        })
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
