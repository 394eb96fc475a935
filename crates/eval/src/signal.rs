//! What all metrics ask of a signal, and ratios in decibels.

use crate::MetricError;

/// Independent running sums, so that the compiler can vectorise a sum without changing its order.
const LANES: usize = 4;

/// Refuses a reference that is silent or not finite, or has another length; gives its peak.
pub(crate) fn reference_peak(
    reference: &[f64],
    index: usize,
    expected: usize,
) -> Result<f64, MetricError> {
    check_length(reference, expected)?;
    match peak(reference) {
        Err(sample) => Err(MetricError::ReferenceNotFinite { index, sample }),
        Ok(None) => Err(MetricError::SilentReference { index }),
        Ok(Some(peak)) => Ok(peak),
    }
}

/// Refuses an estimate that is silent or not finite, or has another length; gives its peak.
pub(crate) fn estimate_peak(estimate: &[f64], expected: usize) -> Result<f64, MetricError> {
    check_length(estimate, expected)?;
    match peak(estimate) {
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

/// The largest magnitude, None when all samples are zero; Err holds the first sample not finite.
fn peak(signal: &[f64]) -> Result<Option<f64>, usize> {
    // Adding zeros keeps NaN and infinities, and vectorises where a search for them would not.
    let finite = signal.iter().map(|x| x * 0.0).sum::<f64>() == 0.0;
    if !finite && let Some(sample) = signal.iter().position(|x| !x.is_finite()) {
        return Err(sample);
    }
    let peak = signal.iter().fold(0.0_f64, |peak, x| peak.max(x.abs()));
    Ok((peak > 0.0).then_some(peak))
}

/// The power of two that brings `peak` near 1, so that no energy overflows or underflows.
///
/// Multiplying by it is exact for all but the smallest doubles, so scores do not depend on it.
pub(crate) fn level_scale(peak: f64) -> f64 {
    // Limits of the exponents whose reciprocal powers are doubles.
    let exponent = peak.log2().floor().clamp(-1022.0, 1023.0);
    2.0_f64.powi(-(exponent as i32))
}

/// Sums of the `SUMS` values that `f` gives for the samples of all `signals` at one time, over the
/// time of the shortest.
///
/// The order is fixed, with [`LANES`] running sums for each value.
pub(crate) fn sums_over<const SIGNALS: usize, const SUMS: usize>(
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

/// A ratio of energies in decibels: infinite when the denominator is exactly 0, never NaN.
pub(crate) fn decibels(numerator: f64, denominator: f64) -> f64 {
    if denominator > 0.0 {
        10.0 * (numerator / denominator).log10()
    } else {
        f64::INFINITY
    }
}
