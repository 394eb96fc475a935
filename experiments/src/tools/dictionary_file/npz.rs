//! Reading arrays from an archive that nobody vouches for.
//!
//! ndarray-npy reserves what an array's header promises before it reads. So each entry is
//! decompressed first, up to a bound, and its header compared with what is there.

use std::io::{Read, Seek};

use anyhow::{Context, Result, bail, ensure};
use ndarray::{Array, Dimension};
use ndarray_npy::{ReadNpyExt, ReadableElement};
use zip::ZipArchive;
use zip::result::ZipError;

/// Most bytes of one entry: a dictionary of 1000 components for the longest window is half of that.
const MOST_BYTES: u64 = 1 << 30;
/// Most bytes that one stored byte may decompress to; real spectra reach 2, DEFLATE ends at 1032.
const MOST_EXPANSION: u64 = 64;
/// Longest array header: NumPy writes 118 bytes for up to two dimensions.
const MOST_HEADER: usize = 1024;
/// Bytes before an array's header, by major version: magic, version, length of the header.
const PREFIX: [(u8, usize); 3] = [(1, 10), (2, 12), (3, 12)];

pub(super) struct Archive<R> {
    zip: ZipArchive<R>,
}

impl<R: Read + Seek> Archive<R> {
    pub(super) fn new(source: R) -> Result<Self> {
        Ok(Self {
            zip: ZipArchive::new(source)?,
        })
    }

    /// Reads one array by its name.
    pub(super) fn array<T: ReadableElement, D: Dimension>(
        &mut self,
        name: &str,
    ) -> Result<Array<T, D>> {
        let bytes = self.bytes(name)?;
        check_size(&bytes, size_of::<T>()).with_context(|| format!("`{name}`"))?;
        Array::read_npy(bytes.as_slice()).with_context(|| format!("`{name}`"))
    }

    fn bytes(&mut self, name: &str) -> Result<Vec<u8>> {
        let entry = match self.zip.by_name(&format!("{name}.npy")) {
            Err(ZipError::FileNotFound) => bail!("there is no array `{name}`"),
            entry => entry.with_context(|| format!("`{name}`"))?,
        };
        let most = MOST_BYTES.min(entry.compressed_size().saturating_mul(MOST_EXPANSION));
        let mut bytes = Vec::new();
        entry
            .take(most + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("`{name}`"))?;
        ensure!(
            bytes.len() as u64 <= most,
            "`{name}` is too large: more than {most} bytes"
        );
        Ok(bytes)
    }
}

/// Checks that the header and the array it promises are no longer than the bytes there are.
fn check_size(bytes: &[u8], element_bytes: usize) -> Result<()> {
    let prefix = bytes
        .get(6)
        .and_then(|major| PREFIX.iter().find(|(version, _)| version == major))
        .context("not an array")?
        .1;
    let length: Vec<usize> = bytes
        .get(8..prefix)
        .context("not an array")?
        .iter()
        .map(|&byte| byte.into())
        .collect();
    let length = length.iter().rev().fold(0, |sum, byte| sum << 8 | byte);
    ensure!(length <= MOST_HEADER, "a header of {length} bytes");
    let end = prefix + length;
    let header = bytes.get(prefix..end).context("the header is cut short")?;
    let promised = std::str::from_utf8(header)
        .ok()
        .and_then(entries)
        .context("the header has no shape")?;
    let present = (bytes.len() - end) / element_bytes;
    ensure!(
        promised <= present,
        "the shape promises {promised} entries, {present} are there"
    );
    Ok(())
}

/// The product of the numbers in `'shape': (…)`.
fn entries(header: &str) -> Option<usize> {
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

    #[test]
    fn promises_are_compared_with_what_is_there() {
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }\n";
        assert!(check_size(&npy(header, 48), 8).is_ok());
        let told = |bytes: &[u8]| check_size(bytes, 8).unwrap_err().to_string();
        assert!(told(&npy(header, 47)).contains("promises 6 entries, 5"));
        let huge = header.replace("3, 2", "4000000000, 4000000000");
        assert!(told(&npy(&huge, 48)).contains("promises 16000000000000000000"));
        let overflow = header.replace("3, 2", "99999999999999999999");
        assert!(told(&npy(&overflow, 48)).contains("no shape"));
        assert!(told(&npy(&"(".repeat(5000), 48)).contains("header of 5000 bytes"));
        let mut long = b"\x93NUMPY\x02\x00".to_vec();
        long.extend(4_000_000_000_u32.to_le_bytes());
        assert!(told(&long).contains("header of 4000000000 bytes"));
        assert!(told(b"\x93NUMPY\x01").contains("not an array"));
    }
}
