//! Ratios that allow no filter: the plain SDR, and the SI-SDR that allows a gain.

use crate::MetricError;
use crate::signal::{decibels, estimate_peak, level_scale, reference_peak, sums_over};

/// The plain signal to distortion ratio |s|^2 / |s - e|^2, in dB.
///
/// It counts a wrong gain as distortion. Infinite when the estimate equals the reference, never
/// NaN.
///
/// # Errors
/// When a signal is silent or not finite, or when the lengths differ. An estimate that is silent
/// would get 0 dB; it is refused like in the other metrics, so that they fail together.
pub fn plain_sdr(reference: &[f64], estimate: &[f64]) -> Result<f64, MetricError> {
    let peak = reference_peak(reference, 0, reference.len())?;
    // One scale for both, whose difference matters.
    let scale = level_scale(peak.max(estimate_peak(estimate, reference.len())?));
    let [source, distortion] = sums_over([reference, estimate], |[s, e]| {
        let (s, e) = (s * scale, e * scale);
        [s * s, (s - e) * (s - e)]
    });
    Ok(decibels(source, distortion))
}

/// The scale-invariant SDR |a s|^2 / |a s - e|^2 with the gain a = <e, s> / |s|^2, in dB.
///
/// No mean is removed. It is infinite when the estimate is a multiple of the reference, negative
/// infinite when it is orthogonal to it, never NaN.
///
/// # Errors
/// When a signal is silent or not finite, or when the lengths differ.
///
/// Source: J. Le Roux, S. Wisdom, H. Erdogan, J. R. Hershey, "SDR - half-baked or well done?",
/// ICASSP 2019, eq. (3).
pub fn si_sdr(reference: &[f64], estimate: &[f64]) -> Result<f64, MetricError> {
    let reference_scale = level_scale(reference_peak(reference, 0, reference.len())?);
    let estimate_scale = level_scale(estimate_peak(estimate, reference.len())?);
    let [product, power] = sums_over([reference, estimate], |[s, e]| {
        let (s, e) = (s * reference_scale, e * estimate_scale);
        [e * s, s * s]
    });
    let gain = product / power;
    let [target, distortion] = sums_over([reference, estimate], |[s, e]| {
        let (s, e) = (gain * (s * reference_scale), e * estimate_scale);
        [s * s, (s - e) * (s - e)]
    });
    Ok(decibels(target, distortion))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signals of a few samples: nothing but the rounding of a logarithm.
    const TOLERANCE_DB: f64 = 1e-12;

    #[test]
    fn worked_by_hand() {
        let (reference, estimate) = ([1.0, 2.0, -2.0, 0.0], [1.0, 2.0, -2.0, 0.3]);
        let expected = 10.0 * (9.0_f64 / 0.09).log10();
        assert!((plain_sdr(&reference, &estimate).unwrap() - expected).abs() < TOLERANCE_DB);
        assert!((si_sdr(&reference, &estimate).unwrap() - expected).abs() < TOLERANCE_DB);
        // Twice as loud: |s|^2 / |s|^2 = 0 dB for the one, no change for the other.
        let loud = reference.map(|s| 2.0 * s);
        assert!(plain_sdr(&reference, &loud).unwrap().abs() < TOLERANCE_DB);
        assert_eq!(si_sdr(&reference, &loud), Ok(f64::INFINITY));
    }

    #[test]
    fn neither_overflows_nor_underflows() {
        let (reference, estimate) = ([1.0, 2.0, -2.0, 0.0], [1.0, 2.0, -2.0, 0.3]);
        let expected = plain_sdr(&reference, &estimate).unwrap();
        for scale in [1e-300, 1e300] {
            let reference = reference.map(|s| s * scale);
            let estimate = estimate.map(|e| e * scale);
            assert!((plain_sdr(&reference, &estimate).unwrap() - expected).abs() < TOLERANCE_DB);
            assert!((si_sdr(&reference, &estimate).unwrap() - expected).abs() < TOLERANCE_DB);
        }
        assert!(si_sdr(&[f64::MAX], &[5e-324]).unwrap().is_infinite());
    }

    #[test]
    fn says_what_is_wrong() {
        use MetricError::*;
        for metric in [plain_sdr, si_sdr] {
            let mismatch = LengthMismatch {
                expected: 2,
                found: 1,
            };
            assert_eq!(metric(&[1.0, 0.0], &[1.0]), Err(mismatch));
            assert_eq!(
                metric(&[0.0, -0.0], &[1.0, 0.0]),
                Err(SilentReference { index: 0 })
            );
            assert_eq!(metric(&[1.0, 0.0], &[0.0, 0.0]), Err(SilentEstimate));
            assert_eq!(metric(&[], &[]), Err(SilentReference { index: 0 }));
            let not_finite = ReferenceNotFinite {
                index: 0,
                sample: 1,
            };
            assert_eq!(metric(&[1.0, f64::NAN], &[1.0, 1.0]), Err(not_finite));
            let not_finite = EstimateNotFinite { sample: 0 };
            assert_eq!(metric(&[1.0, 1.0], &[f64::INFINITY, 1.0]), Err(not_finite));
        }
    }
}
