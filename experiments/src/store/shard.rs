//! Which machine of several does which part of an experiment.

use std::fmt::{self, Display};
use std::num::NonZeroU64;
use std::str::FromStr;

use super::digest::Digest;

/// One of `count` shares of an experiment. A part's share follows from its own key: adding others
/// moves none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shard {
    /// From 1.
    pub(crate) index: NonZeroU64,
    /// How many there are.
    pub(crate) count: NonZeroU64,
}

impl Shard {
    /// The shard, of `count`, that a key belongs to.
    pub(crate) fn of_key(key: &Digest, count: NonZeroU64) -> Self {
        let (head, _) = key.0.as_chunks::<8>();
        let number = head.first().map_or(0, |head| u64::from_le_bytes(*head));
        Self {
            index: NonZeroU64::MIN.saturating_add(number % count),
            count,
        }
    }

    /// Whether a key belongs to this shard.
    pub(crate) fn holds(self, key: &Digest) -> bool {
        Self::of_key(key, self.count) == self
    }
}

impl Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text
            .split_once('/')
            .and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        match parsed {
            Some((index, count)) if index <= count => Ok(Self { index, count }),
            _ => Err("expected i/n with i from 1 to n, for example 2/8".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_in_one_shard() {
        let keys: Vec<Digest> = (0..100_u64)
            .map(|i| Digest::of_parts([i.to_le_bytes()]))
            .collect();
        let shards = ["1/3", "2/3", "3/3"].map(|text| text.parse::<Shard>().unwrap());
        for key in &keys {
            assert_eq!(shards.iter().filter(|shard| shard.holds(key)).count(), 1);
        }
        for shard in shards {
            let held = keys.iter().filter(|key| shard.holds(key)).count();
            assert!(held > 15, "{shard} holds {held} of 100");
        }
        for wrong in ["", "1", "0/3", "4/3", "1/0", "-1/3", "a/b", "1/2/3"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
