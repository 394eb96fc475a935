//! What speakers are called.

use std::fmt::{self, Debug, Display};

use serde::{Deserialize, Serialize};

/// A speaker of a corpus: by number, as the Grid corpus has them, or by the name of a folder or
/// file.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Speaker {
    Number(u32),
    Name(String),
}

impl Speaker {
    /// The number, if it is one.
    pub(crate) fn number(&self) -> Option<u32> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Name(_) => None,
        }
    }
}

impl Display for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => Display::fmt(number, f),
            Self::Name(name) => Display::fmt(name, f),
        }
    }
}

impl Debug for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => Debug::fmt(number, f),
            Self::Name(name) => write!(f, "{name:?}"),
        }
    }
}
