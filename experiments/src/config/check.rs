//! Checking one value: what is wrong is told with its key and what would be right.

use std::fmt::{self, Display};
use std::ops::RangeInclusive;

/// A value that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    /// `section.key`.
    pub(crate) key: &'static str,
    /// What is wrong, and what would be right.
    pub(crate) reason: String,
}

impl Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.key, self.reason)
    }
}

impl std::error::Error for Invalid {}

pub(crate) fn require(
    key: &'static str,
    holds: bool,
    reason: impl FnOnce() -> String,
) -> Result<(), Invalid> {
    if holds {
        return Ok(());
    }
    Err(Invalid {
        key,
        reason: reason(),
    })
}

/// NaN lies in no range.
pub(crate) fn within<T: PartialOrd + fmt::Debug>(
    key: &'static str,
    value: T,
    allowed: &RangeInclusive<T>,
) -> Result<(), Invalid> {
    require(key, allowed.contains(&value), || {
        let (low, high) = (allowed.start(), allowed.end());
        format!("{value:?} is out of range, allowed are {low:?} to {high:?}")
    })
}

pub(crate) fn distinct<T: PartialEq + Display>(
    key: &'static str,
    values: &[T],
) -> Result<(), Invalid> {
    require(key, !values.is_empty(), || "must not be empty".to_owned())?;
    let repeated = (1..values.len()).find(|&i| values[..i].contains(&values[i]));
    match repeated {
        None => Ok(()),
        Some(i) => require(key, false, || format!("holds {} twice", values[i])),
    }
}
