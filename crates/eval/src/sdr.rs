//! Metrics without a distortion filter: the plain SDR, and the SI-SDR, which forgives a gain.

use crate::error::MetricError;
use crate::signal::{check_estimate, check_reference, ratio_in_db, sum_over, unit_peak_scale};

/// The plain signal to distortion ratio |s|^2 / |s - e|^2, in dB.
///
/// A wrong gain counts as distortion. The ratio is infinite when the estimate equals the reference,
/// and never NaN.
///
/// # Errors
/// When a signal is silent or not finite, or when the lengths differ. A silent estimate would score
/// 0 dB; it is refused because the other metrics refuse it, so that they all fail together.
pub fn plain_sdr(reference: &[f64], estimate: &[f64]) -> Result<f64, MetricError> {
    let peak = check_reference(reference, 0, reference.len())?;
    // The signals share one scale, since their difference matters.
    let scale = unit_peak_scale(peak.max(check_estimate(estimate, reference.len())?));
    let [source, distortion] = sum_over([reference, estimate], |[s, e]| {
        let (s, e) = (s * scale, e * scale);
        [s * s, (s - e) * (s - e)]
    });
    Ok(ratio_in_db(source, distortion))
}

/// The scale-invariant SDR |a s|^2 / |a s - e|^2 with the gain a = <e, s> / |s|^2, in dB.
///
/// No mean is removed. The ratio is never NaN. For an estimate that is a multiple of the reference
/// it is infinite or, by rounding, about 300 dB; for one that is orthogonal to the reference,
/// minus infinity or, by rounding, below about -300 dB.
///
/// # Errors
/// When a signal is silent or not finite, or when the lengths differ.
///
/// Source: J. Le Roux, S. Wisdom, H. Erdogan, J. R. Hershey, "SDR - half-baked or well done?",
/// ICASSP 2019, eq. (3).
pub fn si_sdr(reference: &[f64], estimate: &[f64]) -> Result<f64, MetricError> {
    let reference_scale = unit_peak_scale(check_reference(reference, 0, reference.len())?);
    let estimate_scale = unit_peak_scale(check_estimate(estimate, reference.len())?);
    let [product, power] = sum_over([reference, estimate], |[s, e]| {
        let (s, e) = (s * reference_scale, e * estimate_scale);
        [e * s, s * s]
    });
    let gain = product / power;
    let [target, distortion] = sum_over([reference, estimate], |[s, e]| {
        let (s, e) = (gain * (s * reference_scale), e * estimate_scale);
        [s * s, (s - e) * (s - e)]
    });
    Ok(ratio_in_db(target, distortion))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With signals of a few samples, only the logarithm rounds.
    const TOLERANCE_DB: f64 = 1e-12;

    #[test]
    fn worked_by_hand() {
        let (reference, estimate) = ([1.0, 2.0, -2.0, 0.0], [1.0, 2.0, -2.0, 0.3]);
        let expected = 10.0 * (9.0_f64 / 0.09).log10();
        assert!((plain_sdr(&reference, &estimate).unwrap() - expected).abs() < TOLERANCE_DB);
        assert!((si_sdr(&reference, &estimate).unwrap() - expected).abs() < TOLERANCE_DB);
        // Twice as loud: the plain SDR is |s|^2 / |s|^2 = 0 dB, the SI-SDR does not change.
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
