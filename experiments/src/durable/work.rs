//! What a run does of an experiment.

use std::fmt::{self, Display};
use std::str::FromStr;

use super::shard::Shard;

/// What a run does. Only [`Work::All`] ends with tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Everything.
    All,
    /// A share of it.
    Shard(Shard),
    /// No more than learning the dictionaries.
    Dictionaries,
}

impl Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Shard(shard) => shard.fmt(f),
            Self::Dictionaries => f.write_str("dictionaries"),
        }
    }
}

impl FromStr for Work {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            "dictionaries" => Ok(Self::Dictionaries),
            shard => shard.parse().map(Self::Shard),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_back() {
        for text in ["all", "dictionaries", "2/3"] {
            assert_eq!(text.parse::<Work>().unwrap().to_string(), text);
        }
        assert!("none".parse::<Work>().is_err());
    }
}
