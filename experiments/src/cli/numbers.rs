//! Numbers on the command line: what is none of them is told in plain words.

use std::num::NonZeroUsize;
use std::str::FromStr;

use crate::config::ranges::SEED;

/// A whole number from 1 on.
pub(super) fn parse_count(text: &str) -> Result<NonZeroUsize, &'static str> {
    let expected = "expected a whole number, 1 or more";
    text.trim().parse().map_err(|_| expected)
}

/// A whole number.
pub(super) fn parse_whole<T: FromStr>(text: &str) -> Result<T, &'static str> {
    let expected = "expected a whole number, 0 or more";
    text.trim().parse().map_err(|_| expected)
}

/// A number.
pub(super) fn parse_number(text: &str) -> Result<f64, &'static str> {
    text.trim().parse().map_err(|_| "expected a number")
}

/// A seed that a configuration can hold.
pub(super) fn parse_seed(text: &str) -> Result<u64, String> {
    match text.trim().parse() {
        Ok(seed) if SEED.contains(&seed) => Ok(seed),
        _ => Err(format!(
            "expected a whole number from {} to {}",
            SEED.start(),
            SEED.end()
        )),
    }
}
