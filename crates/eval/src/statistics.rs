//! Means over observations and differences between paired observations, with their uncertainty.
//!
//! Observations are taken to be independent. There are few of them (7 to 42 in a table), and
//! nothing guarantees that they are normally distributed. Therefore:
//!
//! - Intervals are BCa bootstrap intervals. The bias-corrected and accelerated percentiles follow
//!   the skewness of scores. The error of their coverage falls as 1/n, where that of plain
//!   percentiles falls as 1/sqrt(n).
//! - The paired test flips signs at random: under the null hypothesis that two methods are
//!   exchangeable on every observation, either sign of a difference is equally likely. Unlike a
//!   rank test, it tests the very mean that is reported. For up to [`EXACT_PAIRS`] pairs all sign
//!   patterns are counted, so that the p-value is exact.
//!
//! All randomness comes from the generator that is passed in, and all sums run in a fixed order, so
//! the same generator gives the same digits.
//!
//! Sources: B. Efron, "Better bootstrap confidence intervals", JASA 82(397), 1987; R. A. Fisher,
//! "The design of experiments", 1935, section 21; B. Phipson, G. K. Smyth, "Permutation p-values
//! should never be zero", Stat. Appl. Genet. Mol. Biol. 9(1), 2010.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::error::StatisticsError;
use crate::signal::unit_peak_scale;
use crate::{normal, student};

/// Up to this number of pairs the sign-flip test counts all sign patterns, at most half a million.
pub const EXACT_PAIRS: usize = 20;

/// Numbers that differ by less than this, relative to what they are sums of, count as equal.
/// Rounding must not separate what is equal in exact arithmetic.
const ROUNDING: f64 = 1e-12;

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

/// How one method differs from another on the same observations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedDifference {
    /// The mean of first minus second, with its interval.
    pub interval: Interval,
    /// Two-sided p-value of the sign-flip test of no difference.
    pub p_value: f64,
    /// Cohen's d of pairs: the mean difference over the standard deviation of the differences.
    /// None when the differences do not vary.
    pub effect_size: Option<f64>,
}

/// The mean of `values` and its BCa bootstrap interval.
///
/// `confidence`: that of the two-sided interval, such as 0.95. `resamples`: number of bootstrap
/// means; 10 000 of them place the ends to about 2 % of the interval's width. When all values are
/// equal, both ends are that value.
///
/// With very few observations (fewer than 10, say) every bootstrap interval is somewhat too narrow.
///
/// # Errors
/// When there are fewer than two values, a value is not finite, the values are so large that their
/// sum could overflow, the confidence is not between 0 and 1, or there are no resamples.
pub fn mean_interval(
    values: &[f64],
    confidence: f64,
    resamples: usize,
    rng: &mut dyn Rng,
) -> Result<Interval, StatisticsError> {
    check(values, resamples)?;
    check_confidence(confidence)?;
    if let Some(interval) = interval_of_equal_values(values) {
        return Ok(interval);
    }
    let mean = mean(values);
    let n = values.len();
    let mut means: Vec<f64> = (0..resamples)
        .map(|_| (0..n).map(|_| values[rng.random_range(0..n)]).sum::<f64>() / n as f64)
        .collect();
    means.sort_unstable_by(f64::total_cmp);

    // A resample may hold the same values in another order, or others whose mean is the same but
    // for rounding. These are ties with the mean: the side on which they fall must not depend on
    // their last bit.
    let bias = bias_correction(&means, mean, ROUNDING * largest_magnitude(values));
    let acceleration = acceleration(values, mean);
    let end = |level: f64| {
        let z = bias + normal::quantile(level);
        let stretch = 1.0 - acceleration * z;
        // Past the pole of the correction, the end of the distribution is reached.
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
        // A tail below the resolution of 1 must not round this level to 1, which has no quantile.
        high: end((1.0 - tail).min(1.0 - f64::EPSILON / 2.0)),
        n,
    })
}

/// The mean of `first` - `second` over paired observations, with its BCa interval, the p-value of
/// the sign-flip test, and the effect size.
///
/// For more than [`EXACT_PAIRS`] pairs the test draws `resamples` sign patterns, and the smallest
/// p-value it can return is 1 / (resamples + 1).
///
/// # Errors
/// As for [`mean_interval`], and when the lists differ in length.
pub fn paired_difference(
    first: &[f64],
    second: &[f64],
    confidence: f64,
    resamples: usize,
    rng: &mut dyn Rng,
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

/// The mean of `values` and its interval by Student's t distribution.
///
/// It is meant for a few independent values whose mean is close to normally distributed: too few
/// for a bootstrap to draw from.
///
/// # Errors
/// When there are fewer than two values, a value is not finite, the values are so large that their
/// sum could overflow, or the confidence is not between 0 and 1.
pub fn student_interval(values: &[f64], confidence: f64) -> Result<Interval, StatisticsError> {
    check_values(values)?;
    check_confidence(confidence)?;
    if let Some(interval) = interval_of_equal_values(values) {
        return Ok(interval);
    }
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
/// None when there are fewer than two differences, when they do not vary by more than rounding, or
/// when the ratio is not finite.
pub fn effect_size(differences: &[f64]) -> Option<f64> {
    if differences.len() < 2 {
        return None;
    }
    let mean = mean(differences);
    let deviation = standard_deviation(differences, mean);
    let size = mean / deviation;
    let varies = deviation > ROUNDING * largest_magnitude(differences);
    (varies && size.is_finite()).then_some(size)
}

/// The two-sided p-value of the hypothesis that `differences` are symmetric about zero. The test
/// statistic is their mean.
///
/// The p-value is exact for up to [`EXACT_PAIRS`] differences. Only above that are `resamples` and
/// `rng` used.
///
/// # Errors
/// When there are fewer than two differences, one is not finite, they are so large that their sum
/// could overflow, or there are no resamples.
pub fn sign_flip_test(
    differences: &[f64],
    resamples: usize,
    rng: &mut dyn Rng,
) -> Result<f64, StatisticsError> {
    check(differences, resamples)?;
    let magnitude: f64 = differences.iter().map(|d| d.abs()).sum();
    let limit = differences.iter().sum::<f64>().abs() - ROUNDING * magnitude;
    if differences.len() <= EXACT_PAIRS {
        // Flipping all signs does not change the magnitude of a sum, so the first sign is fixed.
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
    // The observed pattern counts as one of the patterns drawn.
    Ok((extreme + 1) as f64 / (resamples + 1) as f64)
}

/// The effective number of outcomes of a distribution: the number of equally likely outcomes that
/// have the same entropy, exp(entropy). It is 1 for a certain outcome and n for n equal weights.
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
    // No sum of as many of the values can be larger than this.
    if !(values.len() as f64 * largest_magnitude(values)).is_finite() {
        return Err(StatisticsError::Overflow);
    }
    Ok(())
}

/// The interval of values that are all equal, which has no width. None when they are not.
fn interval_of_equal_values(values: &[f64]) -> Option<Interval> {
    let (&first, rest) = values.split_first()?;
    let equal = rest.iter().all(|value| value.total_cmp(&first).is_eq());
    equal.then_some(Interval {
        mean: first,
        low: first,
        high: first,
        n: values.len(),
    })
}

fn largest_magnitude(values: &[f64]) -> f64 {
    values
        .iter()
        .fold(0.0, |most: f64, value| most.max(value.abs()))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard deviation, from the unbiased estimate of the variance (with n - 1).
fn standard_deviation(values: &[f64], mean: f64) -> f64 {
    let deviations = values.iter().map(|value| value - mean);
    let largest = deviations
        .clone()
        .fold(0.0, |most: f64, deviation| most.max(deviation.abs()));
    // A power of two, so that the squares neither overflow nor underflow and no digit changes.
    let scale = unit_peak_scale(largest);
    let squares: f64 = deviations
        .map(|deviation| (deviation * scale).powi(2))
        .sum();
    (squares / (values.len() - 1) as f64).sqrt() / scale
}

/// z_0: the normal quantile of the share of bootstrap means below the mean, counting ties half.
fn bias_correction(sorted_means: &[f64], mean: f64, rounding: f64) -> f64 {
    let below = sorted_means.partition_point(|&value| value < mean - rounding);
    let not_above = sorted_means.partition_point(|&value| value <= mean + rounding);
    let resamples = sorted_means.len() as f64;
    let share = 0.5 * (below + not_above) as f64 / resamples;
    // At 0 and 1 the quantile would be infinite, so the share stays half a resample away.
    normal::quantile(share.clamp(0.5 / resamples, 1.0 - 0.5 / resamples))
}

/// Efron's acceleration, from the jackknife; for a mean it is the skewness over 6 sqrt(n).
fn acceleration(values: &[f64], mean: f64) -> f64 {
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let cubes: f64 = values.iter().map(|value| (value - mean).powi(3)).sum();
    let acceleration = cubes / (6.0 * squares.powf(1.5));
    // The sums of tiny deviations can underflow to 0 / 0. The skewness is unknown then.
    if acceleration.is_finite() {
        acceleration
    } else {
        0.0
    }
}

/// A quantile of sorted values, with linear interpolation between them.
fn quantile(sorted: &[f64], level: f64) -> f64 {
    let position = level * (sorted.len() - 1) as f64;
    let below = position.floor();
    let (low, high) = (sorted[below as usize], sorted[position.ceil() as usize]);
    low + (position - below) * (high - low)
}

/// Counts the sign patterns of `rest` whose sum, added to `sum`, has a magnitude of at least
/// `limit`.
fn count_extreme(sum: f64, rest: &[f64], limit: f64) -> u32 {
    match rest.split_first() {
        None => u32::from(sum.abs() >= limit),
        Some((first, rest)) => {
            count_extreme(sum + first, rest, limit) + count_extreme(sum - first, rest, limit)
        }
    }
}
