//! Values with a checksum around them, the one format of all that a run keeps and reads back:
//! records, examples and learned dictionaries.
//!
//! A sealed value is a line `<kind> <version> <digest> <json>`, the digest being the SHA-256 of
//! kind, version and JSON. Numbers read back as the bits they were. Lines can be appended to one
//! another, and what does not read as such a line is damaged, whatever it is.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::digest::Digest;

/// What can be sealed.
pub(crate) trait Sealed: Serialize + DeserializeOwned {
    /// Tells files apart; one word.
    const KIND: &'static str;
    /// Raised when older lines are no longer read.
    const VERSION: u32;

    /// Whether the parts fit each other, which a checksum does not say.
    fn is_consistent(&self) -> bool {
        true
    }
}

/// What a line turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Opened<T> {
    Sound(T),
    /// Sound, and of this other version.
    OtherVersion(u32),
    Damaged,
}

impl<T> Opened<T> {
    /// The value, if it is sound.
    pub(crate) fn sound(self) -> Option<T> {
        match self {
            Self::Sound(value) => Some(value),
            Self::OtherVersion(_) | Self::Damaged => None,
        }
    }
}

/// The line of a value, with its line feed.
///
/// # Errors
/// A value without a JSON form.
pub(crate) fn seal<T: Sealed>(value: &T) -> serde_json::Result<Vec<u8>> {
    let json = serde_json::to_string(value)?;
    let version = T::VERSION;
    let digest = digest::<T>(version, &json);
    Ok(format!("{} {version} {digest} {json}\n", T::KIND).into_bytes())
}

/// The value of a line, with or without its line feed.
pub(crate) fn open<T: Sealed>(line: &[u8]) -> Opened<T> {
    fields::<T>(line).unwrap_or(Opened::Damaged)
}

/// None if the line is damaged.
fn fields<T: Sealed>(line: &[u8]) -> Option<Opened<T>> {
    let line = std::str::from_utf8(line.strip_suffix(b"\n").unwrap_or(line)).ok()?;
    let rest = line.strip_prefix(T::KIND)?.strip_prefix(' ')?;
    let (version, rest) = rest.split_once(' ')?;
    let (found, json) = rest.split_once(' ')?;
    let version: u32 = version.parse().ok()?;
    if found.parse() != Ok(digest::<T>(version, json)) {
        return None;
    }
    if version != T::VERSION {
        return Some(Opened::OtherVersion(version));
    }
    let value: T = serde_json::from_str(json).ok()?;
    value.is_consistent().then_some(Opened::Sound(value))
}

fn digest<T: Sealed>(version: u32, json: &str) -> Digest {
    Digest::of_parts([T::KIND, &version.to_string(), json])
}

#[cfg(test)]
pub(super) mod tests {
    use serde::Deserialize;

    use super::*;

    /// A value with numbers that are hard to write.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(crate) struct Numbers(pub(crate) Vec<f64>);

    impl Sealed for Numbers {
        const KIND: &'static str = "numbers";
        const VERSION: u32 = 3;

        fn is_consistent(&self) -> bool {
            !self.0.is_empty()
        }
    }

    #[test]
    fn values_read_back_bit_for_bit() {
        let value = Numbers(vec![0.1 + 0.2, -5e-324, 1.797_693_134_862_315_7e308, -0.0]);
        let line = seal(&value).unwrap();
        assert_eq!(line.last(), Some(&b'\n'));
        let Opened::Sound(Numbers(found)) = open(&line) else {
            panic!("{line:?}");
        };
        let bits = |numbers: &[f64]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(&value.0));
    }

    #[test]
    fn any_changed_byte_and_any_truncation_is_noticed() {
        let line = seal(&Numbers(vec![1.5, 2.5])).unwrap();
        let line = &line[..line.len() - 1];
        for index in 0..line.len() {
            let mut damaged = line.to_vec();
            damaged[index] ^= 1;
            assert_eq!(open::<Numbers>(&damaged), Opened::Damaged, "byte {index}");
            let cut = open::<Numbers>(&line[..index]);
            assert_eq!(cut, Opened::Damaged, "length {index}");
        }
        let inconsistent = seal(&Numbers(Vec::new())).unwrap();
        assert_eq!(open::<Numbers>(&inconsistent), Opened::Damaged);
    }

    #[test]
    fn a_line_of_another_version_is_not_damaged() {
        #[derive(Serialize, Deserialize)]
        struct Later(Vec<f64>);
        impl Sealed for Later {
            const KIND: &'static str = Numbers::KIND;
            const VERSION: u32 = 4;
        }
        let line = seal(&Later(vec![1.0])).unwrap();
        assert_eq!(open::<Numbers>(&line), Opened::OtherVersion(4));
    }
}
