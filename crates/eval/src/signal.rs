//! What all metrics have in common: checks of signals, sums in a fixed order, decibels.

use crate::error::MetricError;

/// Number of independent running sums. With several, the compiler can vectorise a sum without
/// changing its order.
const LANES: usize = 4;

/// Checks that a reference is finite, not silent and `expected` samples long. Returns its peak.
pub(crate) fn check_reference(
    reference: &[f64],
    index: usize,
    expected: usize,
) -> Result<f64, MetricError> {
    check_length(reference, expected)?;
    match find_peak(reference) {
        Err(sample) => Err(MetricError::ReferenceNotFinite { index, sample }),
        Ok(None) => Err(MetricError::SilentReference { index }),
        Ok(Some(peak)) => Ok(peak),
    }
}

/// Checks that an estimate is finite, not silent and `expected` samples long. Returns its peak.
pub(crate) fn check_estimate(estimate: &[f64], expected: usize) -> Result<f64, MetricError> {
    check_length(estimate, expected)?;
    match find_peak(estimate) {
        Err(sample) => Err(MetricError::EstimateNotFinite { sample }),
        Ok(None) => Err(MetricError::SilentEstimate),
        Ok(Some(peak)) => Ok(peak),
    }
}

fn check_length(signal: &[f64], expected: usize) -> Result<(), MetricError> {
    if signal.len() == expected {
        Ok(())
    } else {
        Err(MetricError::LengthMismatch {
            expected,
            found: signal.len(),
        })
    }
}

/// Finds the largest magnitude: None when all samples are zero.
///
/// # Errors
/// The index of the first sample that is not finite.
fn find_peak(signal: &[f64]) -> Result<Option<f64>, usize> {
    // A product with zero is NaN for NaN and infinities, and 0 otherwise. Summing the products
    // vectorises, which a search would not.
    let finite = signal.iter().map(|x| x * 0.0).sum::<f64>() == 0.0;
    if !finite && let Some(sample) = signal.iter().position(|x| !x.is_finite()) {
        return Err(sample);
    }
    let peak = signal.iter().fold(0.0_f64, |peak, x| peak.max(x.abs()));
    Ok((peak > 0.0).then_some(peak))
}

/// The power of two that brings `peak` near 1, so that energies neither overflow nor underflow.
///
/// Multiplying by a power of two is exact for all but the smallest doubles, so scores do not depend
/// on it.
pub(crate) fn unit_peak_scale(peak: f64) -> f64 {
    // Within these limits the reciprocal of the power is a double too.
    let exponent = peak.log2().floor().clamp(-1022.0, 1023.0);
    2.0_f64.powi(-(exponent as i32))
}

/// Sums over time the `SUMS` values that `f` computes from the samples of all `signals` at one
/// time, up to the end of the shortest signal.
///
/// The order of summation is fixed, with [`LANES`] running sums for each value.
pub(crate) fn sum_over<const SIGNALS: usize, const SUMS: usize>(
    signals: [&[f64]; SIGNALS],
    f: impl Fn([f64; SIGNALS]) -> [f64; SUMS],
) -> [f64; SUMS] {
    let samples = signals.iter().map(|signal| signal.len()).min().unwrap_or(0);
    let signals = signals.map(|signal| signal[..samples].as_chunks::<LANES>());
    let mut sums = [[0.0; LANES]; SUMS];
    for block in 0..samples / LANES {
        let blocks = signals.map(|(blocks, _)| &blocks[block]);
        for lane in 0..LANES {
            for (sum, value) in sums.iter_mut().zip(f(blocks.map(|block| block[lane]))) {
                sum[lane] += value;
            }
        }
    }
    for lane in 0..samples % LANES {
        for (sum, value) in sums.iter_mut().zip(f(signals.map(|(_, rest)| rest[lane]))) {
            sum[lane] += value;
        }
    }
    sums.map(|sum| sum.iter().sum())
}

/// A ratio of energies in decibels. It is infinite when the denominator is exactly 0, never NaN.
pub(crate) fn ratio_in_db(numerator: f64, denominator: f64) -> f64 {
    if denominator > 0.0 {
        10.0 * (numerator / denominator).log10()
    } else {
        f64::INFINITY
    }
}
