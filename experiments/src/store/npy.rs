//! NumPy's format of one array: what is needed of it for matrices of numbers.
//!
//! Source: NumPy enhancement proposal 1, "A simple file format for NumPy arrays".

use std::io::Read;

use anyhow::{Context, Result, ensure};
use ndarray::{Array, ArrayView, Dimension, IxDyn, ShapeBuilder};

/// The first bytes of an array.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";
/// Longest array header: NumPy writes 118 bytes for up to two dimensions.
const MOST_HEADER: usize = 1024;
/// Bytes before an array's header, by major version: magic, version, length of the header.
const PREFIX: [(u8, usize); 3] = [(1, 10), (2, 12), (3, 12)];
/// What the bytes before the first number come in multiples of.
const ALIGNMENT: usize = 64;

/// A number as arrays hold it.
pub(super) trait Element: Copy {
    /// The type as NumPy writes it, without the order of its bytes.
    const KIND: &str;
    /// Bytes of a number.
    const BYTES: usize;

    /// The number of these bytes, `BYTES` of them, in the order that was asked for.
    fn from_bytes(bytes: &[u8], is_big_endian: bool) -> Self;

    /// Appends the bytes, little-endian.
    fn push_bytes(self, bytes: &mut Vec<u8>);
}

/// `Element` of a type of numbers.
macro_rules! element {
    ($number:ty, $kind:literal) => {
        impl Element for $number {
            const KIND: &str = $kind;
            const BYTES: usize = size_of::<$number>();

            fn from_bytes(bytes: &[u8], is_big_endian: bool) -> Self {
                let mut number = [0; size_of::<$number>()];
                number.copy_from_slice(bytes);
                match is_big_endian {
                    true => Self::from_be_bytes(number),
                    false => Self::from_le_bytes(number),
                }
            }

            fn push_bytes(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
        }
    };
}

element!(u8, "u1");
element!(f32, "f4");
element!(f64, "f8");

/// The header of an array.
pub(super) struct ArrayHeader {
    /// The type of the numbers, as NumPy writes it.
    pub(super) descriptor: String,
    shape: Vec<usize>,
    /// Whether the first index runs fastest.
    is_by_columns: bool,
}

impl ArrayHeader {
    /// Reads the bytes before the first number.
    ///
    /// # Errors
    /// Bytes that are no header.
    pub(super) fn read(entry: &mut impl Read) -> Result<Self> {
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
        Ok(Self {
            descriptor: descriptor.to_owned(),
            shape: find_shape(header).context("its header has no shape")?,
            is_by_columns: find_order(header).context("its header has no order of axes")?,
        })
    }

    /// Whether the numbers are of a type, in whatever order of their bytes.
    pub(super) fn is_of<T: Element>(&self) -> bool {
        self.descriptor.trim_start_matches(['<', '>', '=', '|']) == T::KIND
    }

    /// Reads the numbers behind the header, of which there may be `most`.
    ///
    /// # Errors
    /// Another number of numbers than the shape promises, or of dimensions than asked for.
    pub(super) fn read_array<T: Element, D: Dimension>(
        &self,
        mut entry: impl Read,
        most: usize,
    ) -> Result<Array<T, D>> {
        // It fits: the shape was checked when the header was read.
        let promised: usize = self.shape.iter().product();
        ensure!(
            promised <= most,
            "the shape promises {promised} numbers, at most {most} can be read"
        );
        let mut bytes = Vec::new();
        let limit = (promised * T::BYTES) as u64;
        entry.by_ref().take(limit).read_to_end(&mut bytes)?;
        let present = bytes.len() / T::BYTES;
        ensure!(
            present == promised,
            "the shape promises {promised} numbers, {present} are there"
        );
        // The checksum of an entry is compared at its end.
        ensure!(
            entry.read(&mut [0])? == 0,
            "more numbers than the shape promises"
        );
        let is_big_endian = match self.descriptor.as_bytes().first() {
            Some(b'>') => true,
            Some(b'=') => cfg!(target_endian = "big"),
            _ => false,
        };
        let numbers = bytes.chunks_exact(T::BYTES);
        let numbers = numbers.map(|bytes| T::from_bytes(bytes, is_big_endian));
        let shape = IxDyn(&self.shape).set_f(self.is_by_columns);
        let array = Array::from_shape_vec(shape, numbers.collect())?;
        let dimensions = self.shape.len();
        let array = array.into_dimensionality::<D>();
        array.with_context(|| match D::NDIM {
            Some(wanted) => format!("it has {dimensions} dimensions, not {wanted}"),
            None => format!("it has {dimensions} dimensions"),
        })
    }
}

/// An array as NumPy writes it, row by row.
pub(super) fn write_array<T: Element, D: Dimension>(array: &ArrayView<'_, T, D>) -> Vec<u8> {
    let sizes = array.shape().iter();
    let shape: String = sizes.map(|size| format!("{size}, ")).collect();
    let shape = match array.ndim() {
        // A tuple of one has its comma.
        1 => shape.trim_end(),
        _ => shape.trim_end_matches(", "),
    };
    let mark = if T::BYTES == 1 { '|' } else { '<' };
    let kind = T::KIND;
    let mut header =
        format!("{{'descr': '{mark}{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
    let prefix = MAGIC.len() + 4;
    // The end of the line is the last byte of the header.
    let length = (prefix + header.len() + 1).next_multiple_of(ALIGNMENT) - prefix;
    header += &" ".repeat(length - header.len() - 1);
    header.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    for &number in array {
        number.push_bytes(&mut bytes);
    }
    bytes
}

/// The text behind `'descr': '`.
fn find_descriptor(header: &str) -> Option<&str> {
    let (_, rest) = header.split_once("'descr'")?;
    // A list of fields is no number.
    let rest = rest.trim_start().strip_prefix(':')?.trim_start();
    let rest = rest.strip_prefix('\'')?;
    rest.split_once('\'').map(|(descriptor, _)| descriptor)
}

/// The word behind `'fortran_order': `.
fn find_order(header: &str) -> Option<bool> {
    let (_, rest) = header.split_once("'fortran_order'")?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start();
    match (rest.starts_with("True"), rest.starts_with("False")) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// The numbers in `'shape': (…)`; none if their product overflows.
fn find_shape(header: &str) -> Option<Vec<usize>> {
    let (_, rest) = header.split_once("'shape'")?;
    let (_, rest) = rest.split_once('(')?;
    let (shape, _) = rest.split_once(')')?;
    let sizes = shape.split(',').map(str::trim);
    let sizes = sizes.filter(|size| !size.is_empty()).map(str::parse);
    let shape: Vec<usize> = sizes.collect::<Result<_, _>>().ok()?;
    let product = shape
        .iter()
        .try_fold(1_usize, |product, &size| product.checked_mul(size));
    product.map(|_| shape)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2, Ix2, arr0, array};

    use super::*;

    /// ndarray-npy reads what is written as the same numbers.
    #[test]
    fn what_is_written_is_an_array_to_others() {
        use ndarray_npy::ReadNpyExt;

        let matrix = array![[0.5, -1.25, 1e300], [f64::MIN_POSITIVE, 3.0, -0.0]];
        let bytes = write_array(&matrix.view());
        assert_eq!(bytes.len() % 64, 48);
        assert_eq!(Array2::<f64>::read_npy(bytes.as_slice()).unwrap(), matrix);
        // By columns in memory, by rows in the file.
        let bytes = write_array(&matrix.t());
        assert_eq!(
            Array2::<f64>::read_npy(bytes.as_slice()).unwrap(),
            matrix.t()
        );
        let text = Array1::from(b"text".to_vec());
        let bytes = write_array(&text.view());
        assert_eq!(Array1::<u8>::read_npy(bytes.as_slice()).unwrap(), text);
        let empty = Array1::<f64>::zeros(0);
        let bytes = write_array(&empty.view());
        assert_eq!(Array1::<f64>::read_npy(bytes.as_slice()).unwrap(), empty);
    }

    /// What ndarray-npy writes is read as the same numbers.
    #[test]
    fn arrays_of_others_are_read() {
        use ndarray_npy::WriteNpyExt;

        let matrix = array![[0.5, -1.25, 3.0], [1.0, 2.0, 4.0]];
        for written in [matrix.view(), matrix.t()] {
            let mut bytes = Vec::new();
            written.write_npy(&mut bytes).unwrap();
            let mut source = bytes.as_slice();
            let header = ArrayHeader::read(&mut source).unwrap();
            assert!(header.is_of::<f64>() && !header.is_of::<f32>());
            let read: Array2<f64> = header.read_array(source, 6).unwrap();
            assert_eq!(read, written);
        }
    }

    #[test]
    fn fields_are_no_numbers() {
        let fields = "{'descr': [('f8', '<f8')], 'fortran_order': False, 'shape': (1,), }";
        assert_eq!(find_descriptor(fields), None);
        assert_eq!(find_descriptor("{'descr': '<f8', }"), Some("<f8"));
    }

    #[test]
    fn another_number_of_dimensions_is_named() {
        let bytes = write_array(&arr0(1.0_f64).view());
        let mut source = bytes.as_slice();
        let header = ArrayHeader::read(&mut source).unwrap();
        let refused = header.read_array::<f64, Ix2>(source, 6).unwrap_err();
        assert_eq!(refused.to_string(), "it has 0 dimensions, not 2");
    }
}
