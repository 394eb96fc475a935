//! What values may be: one place for configurations and for the options of the tools.

use std::ops::RangeInclusive;

/// Any positive scale: far beyond use, and far from overflow in squares and ratios.
pub(crate) const SCALE: RangeInclusive<f64> = 1e-30..=1e30;
/// Start values: the model allows them below 1e30 only.
pub(crate) const START: RangeInclusive<f64> = 1e-30..=1e29;
/// beta and kappa; 0 is the limit of all weight on the best order.
pub(crate) const TEMPERING: RangeInclusive<f64> = 0.0..=1e30;
/// Rise of the free energy per coefficient at which an inference ends; 0 for never.
pub(crate) const TOLERANCE: RangeInclusive<f64> = 0.0..=1.0;
/// Level of the sensor noise against a recording.
pub(crate) const NOISE_DB: RangeInclusive<f64> = -200.0..=0.0;
/// Signal-to-noise ratios.
pub(crate) const SNR_DB: RangeInclusive<f64> = -100.0..=100.0;
/// Shapes of the Gamma distributions that mixtures are drawn from; the model's priors allow fewer.
pub(crate) const DRAWN_SHAPE: RangeInclusive<f64> = 1e-2..=1e2;
/// Counts that size arrays: the upper end keeps a typing mistake from asking for all memory.
pub(crate) const COUNT: RangeInclusive<usize> = 1..=1_000_000;
/// Orders, and components of a dictionary.
pub(crate) const ORDER: RangeInclusive<usize> = 1..=1000;
/// Counts of recordings, seeds and the like.
pub(crate) const REPETITIONS: RangeInclusive<usize> = 1..=1000;
/// TOML integers are signed, and a seed is recorded in one.
pub(crate) const SEED: RangeInclusive<u64> = 0..=i64::MAX as u64;
/// The numbers of the Grid corpus' speakers.
pub(crate) const SPEAKERS: RangeInclusive<u32> = 1..=34;
/// Length of an excerpt of background.
pub(crate) const BACKGROUND_SECONDS: RangeInclusive<f64> = 0.1..=3600.0;
/// Length of BSS Eval's distortion filters.
pub(crate) const FILTER_TAPS: RangeInclusive<usize> = 1..=8192;
/// Of a bootstrap: below, a 95 % interval has hardly any beyond its ends.
pub(crate) const RESAMPLES: RangeInclusive<usize> = 100..=1_000_000;
/// Observations whose signals are kept.
pub(crate) const EXAMPLES: RangeInclusive<usize> = 0..=100;
/// Rates of processing.
pub(crate) const SAMPLE_RATE_HZ: RangeInclusive<u32> = 4_000..=192_000;
/// Most entries of one matrix: frames x bins and the like.
pub(crate) const MOST_ENTRIES: usize = 100_000_000;

/// Floor of an estimated dictionary's start, which is drawn from its prior: no entry may be stuck
/// at zero.
pub(crate) const DICTIONARY_START_FLOOR: f64 = 1e-10;
/// Multiplicative updates of a training.
pub(crate) const TRAINING_ITERATIONS: usize = 100;
