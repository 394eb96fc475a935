//! Source separation metrics, and statistics of them over observations.
//!
//! - [`BssEval`]: the SDR, SIR and SAR of BSS Eval version 3, as `bss_eval_sources` of the Matlab
//!   toolbox and of mir_eval. The references are prepared once and score any number of estimates.
//! - [`plain_sdr`] and [`si_sdr`]: ratios without distortion filters.
//! - [`mean_interval`], [`paired_difference`], [`sign_flip_test`], [`effect_size`]: means with bootstrap
//!   intervals, and paired comparisons with p-value and effect size. [`effective_number`] of a
//!   distribution.
//!
//! # Example
//!
//! Two methods on one observation, and on six:
//!
//! ```
//! use eval::{BssEval, BssEvalSettings, paired_difference, si_sdr};
//! use rand::{RngExt, SeedableRng};
//! use rand_chacha::ChaCha8Rng;
//!
//! let mut rng = ChaCha8Rng::seed_from_u64(1);
//! let mut noise = || -> Vec<f64> { (0..4000).map(|_| rng.random_range(-0.5..0.5)).collect() };
//! let (speech, background) = (noise(), noise());
//! let with = |leak: f64| -> Vec<f64> {
//!     speech.iter().zip(&background).map(|(s, b)| s + leak * b).collect()
//! };
//!
//! let references = BssEval::new(&[&speech, &background], &BssEvalSettings::default())?;
//! let scores = references.score(&with(0.1), 0)?;
//! // 512 taps fit a little of the background, too, in so short a signal.
//! assert!((scores.sdr_db - 20.0).abs() < 1.0);
//! assert!(scores.sar_db > 200.0, "nothing but the two sources is in it");
//! assert!((si_sdr(&speech, &with(0.1))? - 20.0).abs() < 0.5);
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
//! Nothing panics and no score is NaN. What has no score is a [`MetricError`]: a silent or
//! non-finite signal, lengths that differ, references that are linearly dependent once delayed. An
//! infinite ratio is a result, not an error: nothing was left in its denominator.
//!
//! # What is not promised
//!
//! - The digits depend on the machine: transforms and the solver choose the widest instructions at
//!   run time. On one machine they do not depend on the number of threads. Between machines, and
//!   against mir_eval, scores agree to 1e-6 dB.
//! - References with bands that are empty to the last bit of a double (an ideal low-pass, a pure
//!   tone) are refused as [`MetricError::Singular`], where an implementation by general elimination
//!   returns some number. Any recorded or dithered signal is far from that.
//! - BSS Eval grants every estimate a filter of 512 taps. Scores of signals not much longer than
//!   that say little, although they are computed.
//! - The image metrics (`bss_eval_images`, ISR) and framewise scores are not here.
//!
//! # Features
//!
//! `lapack`: the dense systems are solved by the system's LAPACK through ndarray-linalg
//! (`openblas-system`; Debian packages libopenblas-dev and pkg-config) instead of plain Rust. Where
//! callers run threads of their own, `OPENBLAS_NUM_THREADS=1` keeps OpenBLAS from adding to them.

mod assignment;
mod bss_eval;
// With `lapack` it serves as the oracle in tests.
#[cfg(any(not(feature = "lapack"), test))]
mod cholesky;
mod error;
mod normal;
mod sdr;
mod sections;
mod signal;
mod solver;
mod statistics;
mod student;

pub use bss_eval::{BssEval, BssEvalSettings, BssScores, SourceScores, bss_eval_sources};
pub use error::{MetricError, StatisticsError};
pub use sdr::{plain_sdr, si_sdr};
pub use statistics::{
    EXACT_PAIRS, Interval, PairedDifference, effect_size, effective_number, mean_interval,
    paired_difference, sign_flip_test, student_interval,
};
