//! The one sample rate of the crate.

/// Sample rate of all sounds of this crate.
pub const SAMPLE_RATE_HZ: u32 = 16_000;
