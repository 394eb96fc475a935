//! What the method of another program is called.

use std::fmt::{self, Display};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Most letters of a name: a column of a table has to hold it.
const MOST_LETTERS: usize = 32;

/// The name of a method of another program, which is that of the folder of its estimates.
///
/// As short as it is, it can be copied like the methods of this program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ForeignName {
    /// ASCII, filled up with zeros.
    letters: [u8; MOST_LETTERS],
}

/// A name that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name of a method: it has 1 to {MOST_LETTERS} letters, digits, `-`, `_` and inner \
     `.`"
)]
pub(crate) struct NameError(String);

impl ForeignName {
    /// Takes a name that can stand in files, tables and LaTeX.
    ///
    /// # Errors
    /// A name that is too long, or of other letters.
    pub(crate) fn new(name: &str) -> Result<Self, NameError> {
        let is_plain = |letter: u8| letter.is_ascii_alphanumeric() || b"-_.".contains(&letter);
        let is_allowed = (1..=MOST_LETTERS).contains(&name.len())
            && name.bytes().all(is_plain)
            && !name.starts_with('.')
            && !name.ends_with('.');
        if !is_allowed {
            return Err(NameError(name.to_owned()));
        }
        let mut letters = [0; MOST_LETTERS];
        letters[..name.len()].copy_from_slice(name.as_bytes());
        Ok(Self { letters })
    }
}

impl Display for ForeignName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = self.letters.iter().take_while(|&&letter| letter != 0);
        f.pad(
            &letters
                .map(|&letter| char::from(letter))
                .collect::<String>(),
        )
    }
}

impl fmt::Debug for ForeignName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl Serialize for ForeignName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ForeignName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_as_themselves() {
        let longest = "a".repeat(MOST_LETTERS);
        for name in ["m", "sudo-rm_rf.v2", &longest] {
            let found = ForeignName::new(name).unwrap();
            assert_eq!(found.to_string(), name);
            let json = serde_json::to_string(&found).unwrap();
            assert_eq!(json, format!("{name:?}"));
            assert_eq!(serde_json::from_str::<ForeignName>(&json).unwrap(), found);
        }
    }

    #[test]
    fn what_tables_and_files_cannot_hold_is_no_name() {
        let too_long = "a".repeat(MOST_LETTERS + 1);
        for name in [
            "", ".", "..", ".hidden", "a b", "a/b", "$x$", "käse", "a\0", &too_long,
        ] {
            let message = ForeignName::new(name).unwrap_err().to_string();
            assert!(message.contains(&format!("{name:?}")), "{message}");
        }
    }
}
