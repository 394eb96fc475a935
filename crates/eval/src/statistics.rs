//! Means over observations, and differences between paired observations, with their uncertainty.
//!
//! Observations are taken as independent; there are few of them (7 to 42 in a table) and nothing
//! says that they are normal. So:
//!
//! - Intervals are BCa bootstrap intervals. The bias-corrected and accelerated percentiles follow
//!   the skewness of scores, and their coverage error falls as 1/n where that of plain percentiles
//!   falls as 1/sqrt(n).
//! - The paired test flips signs at random: under the null hypothesis that two methods are
//!   exchangeable on every observation, each difference is as likely with either sign. It tests
//!   the very mean that the table prints, which a rank test does not, and for up to
//!   [`EXACT_PAIRS`] pairs all sign patterns are counted, so that the p-value is exact.
//!
//! All randomness comes from the generator passed in and all sums run in a fixed order: the same
//! generator gives the same digits.
//!
//! Sources: B. Efron, "Better bootstrap confidence intervals", JASA 82(397), 1987; R. A. Fisher,
//! "The design of experiments", 1935, section 21; B. Phipson, G. K. Smyth, "Permutation p-values
//! should never be zero", Stat. Appl. Genet. Mol. Biol. 9(1), 2010.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::StatisticsError;
use crate::{normal, student};

/// Up to this many pairs the sign-flip test counts all patterns: half a million of them at most.
pub const EXACT_PAIRS: usize = 20;

/// Means that differ by less than this, relative to the sum of magnitudes, count as ties in the
/// sign-flip test: patterns that are equal in exact arithmetic must not be split by rounding.
const TIE: f64 = 1e-12;

/// A mean with its confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The mean of the observations.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Number of observations.
    pub n: usize,
}

/// How a method differs from another on the same observations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedDifference {
    /// Mean of first minus second, with its interval.
    pub interval: Interval,
    /// Two-sided p-value of the sign-flip test of no difference.
    pub p_value: f64,
    /// Cohen's d of pairs: the mean difference over the standard deviation of the differences.
    /// None when they do not vary.
    pub effect_size: Option<f64>,
}

/// The mean of `values` and its BCa bootstrap interval.
///
/// `confidence`: of the two-sided interval, such as 0.95. `resamples`: bootstrap means drawn; 10 000
/// place the ends to about 2 % of the interval's width. When all values are equal the interval is
/// that value.
///
/// With very few observations (under 10, say) every bootstrap interval is somewhat too narrow.
///
/// # Errors
/// With fewer than two values, a value not finite, a confidence outside (0, 1), or no resamples.
pub fn mean_interval(
    values: &[f64],
    confidence: f64,
    resamples: usize,
    rng: &mut impl Rng,
) -> Result<Interval, StatisticsError> {
    check(values, resamples)?;
    check_confidence(confidence)?;
    let mean = mean(values);
    let n = values.len();
    if values
        .iter()
        .all(|value| value.total_cmp(&values[0]).is_eq())
    {
        return Ok(Interval {
            mean: values[0],
            low: values[0],
            high: values[0],
            n,
        });
    }

    let mut means: Vec<f64> = (0..resamples)
        .map(|_| (0..n).map(|_| values[rng.random_range(0..n)]).sum::<f64>() / n as f64)
        .collect();
    means.sort_unstable_by(f64::total_cmp);

    // Sums of the same values in another order, and others that are equal but for rounding, are ties of
    // the mean: which side of it they fall on must not hang on their last bit.
    let largest = values
        .iter()
        .fold(0.0, |most: f64, value| most.max(value.abs()));
    let bias = bias_correction(&means, mean, 1e-12 * largest);
    let acceleration = acceleration(values, mean);
    let end = |level: f64| {
        let z = bias + normal::quantile(level);
        let stretch = 1.0 - acceleration * z;
        // Beyond the pole of the correction lies the end of the distribution.
        let z = if stretch > 0.0 {
            bias + z / stretch
        } else {
            f64::INFINITY.copysign(z)
        };
        quantile(&means, normal::distribution(z))
    };
    let tail = 0.5 * (1.0 - confidence);
    Ok(Interval {
        mean,
        low: end(tail),
        high: end(1.0 - tail),
        n,
    })
}

/// The mean of `first` - `second` over paired observations: its BCa interval, the p-value of the
/// sign-flip test, and the effect size.
///
/// For more than [`EXACT_PAIRS`] pairs the test draws `resamples` sign patterns, and the smallest
/// p-value that it can give is 1 / (resamples + 1).
///
/// # Errors
/// As [`mean_interval`], and when the lists differ in length.
pub fn paired_difference(
    first: &[f64],
    second: &[f64],
    confidence: f64,
    resamples: usize,
    rng: &mut impl Rng,
) -> Result<PairedDifference, StatisticsError> {
    if first.len() != second.len() {
        return Err(StatisticsError::LengthMismatch {
            first: first.len(),
            second: second.len(),
        });
    }
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
    let interval = mean_interval(&differences, confidence, resamples, rng)?;
    let p_value = sign_flip_test(&differences, resamples, rng)?;
    Ok(PairedDifference {
        interval,
        p_value,
        effect_size: effect_size(&differences),
    })
}

/// The mean of `values` and its interval by Student's t, for a few independent values whose mean is
/// near enough to normal: where a bootstrap has too few values to draw from.
///
/// # Errors
/// With fewer than two values, a value not finite, or a confidence outside (0, 1).
pub fn student_interval(values: &[f64], confidence: f64) -> Result<Interval, StatisticsError> {
    check_values(values)?;
    check_confidence(confidence)?;
    let (n, mean) = (values.len(), mean(values));
    let error = standard_deviation(values, mean) / (n as f64).sqrt();
    let reach = student::two_sided_quantile(confidence, n - 1) * error;
    Ok(Interval {
        mean,
        low: mean - reach,
        high: mean + reach,
        n,
    })
}

/// Cohen's d of pairs, d_z: the mean of `differences` over their standard deviation (with n - 1).
///
/// None with fewer than two differences, when they do not vary, and when the ratio is not finite.
#[must_use]
pub fn effect_size(differences: &[f64]) -> Option<f64> {
    if differences.len() < 2 {
        return None;
    }
    let mean = mean(differences);
    let deviation = standard_deviation(differences, mean);
    let size = mean / deviation;
    (deviation > 0.0 && size.is_finite()).then_some(size)
}

/// Two-sided p-value of the hypothesis that `differences` are symmetric about zero, by their mean.
///
/// Exact for up to [`EXACT_PAIRS`] differences; `resamples` and `rng` are used only above that.
///
/// # Errors
/// With fewer than two differences, one not finite, or no resamples.
pub fn sign_flip_test(
    differences: &[f64],
    resamples: usize,
    rng: &mut impl Rng,
) -> Result<f64, StatisticsError> {
    check(differences, resamples)?;
    let magnitude: f64 = differences.iter().map(|d| d.abs()).sum();
    let limit = differences.iter().sum::<f64>().abs() - TIE * magnitude;
    if differences.len() <= EXACT_PAIRS {
        // Flipping all signs changes no magnitude, so the first sign may stay.
        let patterns = 1_u32 << (differences.len() - 1);
        let extreme = count_extreme(differences[0], &differences[1..], limit);
        return Ok(f64::from(extreme) / f64::from(patterns));
    }
    let extreme = (0..resamples)
        .filter(|_| {
            let sum: f64 = differences
                .iter()
                .map(|&d| if rng.random::<bool>() { d } else { -d })
                .sum();
            sum.abs() >= limit
        })
        .count();
    // The observed pattern is one of those drawn.
    Ok((extreme + 1) as f64 / (resamples + 1) as f64)
}

/// The number of equally likely outcomes with the entropy of this distribution, exp(entropy):
/// 1 for a certain outcome, n for n equal weights.
///
/// The weights need not sum to 1.
///
/// # Errors
/// When a weight is negative or not finite, or when their sum is zero or overflows.
pub fn effective_number(weights: &[f64]) -> Result<f64, StatisticsError> {
    let sum: f64 = weights.iter().sum();
    if !(sum > 0.0 && sum.is_finite() && weights.iter().all(|&weight| weight >= 0.0)) {
        return Err(StatisticsError::NotADistribution);
    }
    let entropy: f64 = weights
        .iter()
        .map(|weight| weight / sum)
        .filter(|&p| p > 0.0)
        .map(|p| -p * p.ln())
        .sum();
    Ok(entropy.exp())
}

fn check(values: &[f64], resamples: usize) -> Result<(), StatisticsError> {
    check_values(values)?;
    if resamples == 0 {
        return Err(StatisticsError::NoResamples);
    }
    Ok(())
}

fn check_confidence(confidence: f64) -> Result<(), StatisticsError> {
    if confidence > 0.0 && confidence < 1.0 {
        return Ok(());
    }
    Err(StatisticsError::Confidence(confidence))
}

fn check_values(values: &[f64]) -> Result<(), StatisticsError> {
    const NEEDED: usize = 2;
    if values.len() < NEEDED {
        return Err(StatisticsError::TooFew {
            found: values.len(),
            needed: NEEDED,
        });
    }
    if let Some(index) = values.iter().position(|value| !value.is_finite()) {
        return Err(StatisticsError::NotFinite { index });
    }
    Ok(())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// With n - 1, the unbiased estimate of the variance.
fn standard_deviation(values: &[f64], mean: f64) -> f64 {
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

/// z_0: the normal quantile of the share of bootstrap means below the mean, ties counted half.
fn bias_correction(sorted_means: &[f64], mean: f64, rounding: f64) -> f64 {
    let below = sorted_means.partition_point(|&value| value < mean - rounding);
    let not_above = sorted_means.partition_point(|&value| value <= mean + rounding);
    let resamples = sorted_means.len() as f64;
    let share = 0.5 * (below + not_above) as f64 / resamples;
    // Half a resample from the ends, where the quantile would be infinite.
    normal::quantile(share.clamp(0.5 / resamples, 1.0 - 0.5 / resamples))
}

/// Efron's acceleration, from the jackknife; for a mean it is the skewness over 6 sqrt(n).
fn acceleration(values: &[f64], mean: f64) -> f64 {
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let cubes: f64 = values.iter().map(|value| (value - mean).powi(3)).sum();
    let acceleration = cubes / (6.0 * squares.powf(1.5));
    // Squares of tiny deviations can underflow to 0 / 0: no skewness can be told then.
    if acceleration.is_finite() {
        acceleration
    } else {
        0.0
    }
}

/// The quantile of sorted values, with linear interpolation between them.
fn quantile(sorted: &[f64], level: f64) -> f64 {
    let position = level * (sorted.len() - 1) as f64;
    let below = position.floor();
    let (low, high) = (sorted[below as usize], sorted[position.ceil() as usize]);
    low + (position - below) * (high - low)
}

/// Counts the sign patterns of `rest` whose sum with `sum` has a magnitude of `limit` or more.
fn count_extreme(sum: f64, rest: &[f64], limit: f64) -> u32 {
    match rest.split_first() {
        None => u32::from(sum.abs() >= limit),
        Some((first, rest)) => {
            count_extreme(sum + first, rest, limit) + count_extreme(sum - first, rest, limit)
        }
    }
}
