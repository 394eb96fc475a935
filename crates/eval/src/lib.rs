//! Metrics of source separation, and statistics of scores over observations.
//!
//! - [`BssEval`]: the SDR, SIR and SAR of BSS Eval version 3, as computed by `bss_eval_sources` of
//!   the Matlab toolbox and of mir_eval. The references are prepared once and serve any number of
//!   estimates.
//! - [`BssEvalImages`]: the SDR, ISR, SIR and SAR of BSS Eval version 4 for images of several
//!   channels in windows of time, as museval has them.
//! - [`plain_sdr`] and [`si_sdr`]: ratios without distortion filters.
//! - [`mean_interval`] and [`student_interval`]: means with confidence intervals.
//! - [`paired_difference`], [`sign_flip_test`] and [`effect_size`]: paired comparisons.
//! - [`effective_number`]: how many outcomes a distribution spreads over.
//!
//! # Example
//!
//! The scores of one estimate, then a comparison of two methods over six observations:
//!
//! ```
//! use eval::{BssEval, BssEvalSettings, paired_difference, si_sdr};
//! use rand::{RngExt, SeedableRng};
//! use rand_chacha::ChaCha8Rng;
//!
//! let mut rng = ChaCha8Rng::seed_from_u64(1);
//! let mut noise = || -> Vec<f64> { (0..4000).map(|_| rng.random_range(-0.5..0.5)).collect() };
//! let (speech, background) = (noise(), noise());
//! let estimate: Vec<f64> = speech.iter().zip(&background).map(|(s, b)| s + 0.1 * b).collect();
//!
//! let references = BssEval::new(&[&speech, &background], &BssEvalSettings::default())?;
//! let scores = references.score(&estimate, 0)?;
//! // In a signal this short, 512 taps can match a little of the background as well.
//! assert!((scores.sdr_db - 20.0).abs() < 1.0);
//! assert!(scores.sar_db > 200.0, "the estimate is made of the two sources alone");
//! assert!((si_sdr(&speech, &estimate)? - 20.0).abs() < 0.5);
//!
//! let first = [20.1, 18.4, 17.7, 21.0, 19.3, 18.8];
//! let second = [19.0, 17.9, 17.8, 19.6, 18.1, 18.2];
//! let difference = paired_difference(&first, &second, 0.95, 10_000, &mut rng)?;
//! assert!(difference.interval.low > 0.3 && difference.interval.high < 1.2);
//! assert_eq!(difference.p_value, 4.0 / 64.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Bad input
//!
//! Nothing panics and no score is NaN. Signals without a score give a [`MetricError`]: a signal
//! that is silent or not finite, lengths that differ, references whose delayed versions are
//! linearly dependent. An infinite ratio is a result and not an error: its denominator is zero.
//!
//! # What is not promised
//!
//! - The same digits on every machine: the transforms and the solver choose the widest instructions
//!   at run time. On one machine the digits do not depend on the number of threads. Between
//!   machines, and against mir_eval, scores of up to 130 dB agree to 1e-6 dB. Higher ones measure
//!   rounding.
//! - A score for references with bands that are empty to the last bit of a double (an ideal
//!   low-pass, a pure tone). They are refused as [`MetricError::Singular`], where an implementation
//!   by general elimination returns some number. No recorded or dithered signal comes near that.
//! - Meaningful scores of very short signals. BSS Eval grants every estimate a filter of 512 taps,
//!   so the scores of signals not much longer than that say little, although they are computed.
//! - Framewise scores of version 3, and a permutation of images. [`BssEval`] on each frame, and
//!   [`BssEvalImages`] on each permutation, give them.
//!
//! # Features
//!
//! `lapack`: the dense systems are solved by the system's LAPACK through ndarray-linalg
//! (`openblas-system`; Debian packages libopenblas-dev and pkg-config) instead of plain Rust. If
//! the caller runs threads of its own, `OPENBLAS_NUM_THREADS=1` keeps OpenBLAS from adding more.

mod assignment;
mod bss_eval;
mod bss_eval_images;
// With `lapack` it is only the oracle in tests.
#[cfg(any(not(feature = "lapack"), test))]
mod cholesky;
mod correlations;
mod error;
mod normal;
mod sdr;
mod sections;
mod signal;
mod solver;
mod statistics;
mod student;

pub use bss_eval::{BssEval, BssEvalSettings, BssScores, SourceScores, bss_eval_sources};
pub use bss_eval_images::{BssEvalImages, ImageScores};
pub use error::{MetricError, StatisticsError};
pub use sdr::{plain_sdr, si_sdr};
pub use statistics::{
    EXACT_PAIRS, Interval, PairedDifference, effect_size, effective_number, mean_interval,
    paired_difference, sign_flip_test, student_interval,
};

/// Runs the example in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;
