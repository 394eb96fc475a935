//! Student's t distribution, for intervals from a handful of independent values.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

/// P(|T| < t) for whole degrees of freedom, as a function of theta = atan(t / sqrt(freedom)).
///
/// Source: M. Abramowitz, I. A. Stegun, "Handbook of mathematical functions", 1964, 26.7.3 and
/// 26.7.4: a finite sum of positive terms.
fn central_probability(theta: f64, freedom: usize) -> f64 {
    let (sin, cos) = (libm::sin(theta), libm::cos(theta));
    let odd = freedom % 2 == 1;
    // The first term of the series, and the first k of its factors (k - 1) / k, which all have the
    // same parity.
    let (mut term, first) = if odd { (cos, 3) } else { (1.0, 2) };
    let mut sum = if freedom == 1 { 0.0 } else { term };
    for k in (first..freedom.saturating_sub(1)).step_by(2) {
        term *= cos * cos * (k - 1) as f64 / k as f64;
        sum += term;
    }
    if odd {
        FRAC_2_PI * (theta + sin * sum)
    } else {
        sin * sum
    }
}

/// The t with P(|T| < t) = `probability` in (0, 1), for one degree of freedom or more.
pub(crate) fn two_sided_quantile(probability: f64, freedom: usize) -> f64 {
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    // The bisection ends when there is no number left between the two ends.
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return (freedom as f64).sqrt() * libm::tan(middle);
        }
        if central_probability(middle, freedom) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_scipy() {
        // scipy.stats.t.ppf(0.975, freedom), then ppf(0.995, freedom).
        const REFERENCE: [(usize, f64, f64); 7] = [
            (1, 12.706204736174694, 63.656741162871526),
            (2, 4.302652729749462, 9.924843200918287),
            (3, 3.1824463052837078, 5.840909309733355),
            (4, 2.7764451051977934, 4.604094871349992),
            (9, 2.262157162798205, 3.249835541592126),
            (30, 2.0422724563012378, 2.7499956535672254),
            (101, 1.983731002955606, 2.6253859646684408),
        ];
        for (freedom, at_95, at_99) in REFERENCE {
            for (probability, expected) in [(0.95, at_95), (0.99, at_99)] {
                let found = two_sided_quantile(probability, freedom);
                // Rounding of the probability to 1e-16 changes a tail of 0.01 by 1e-14.
                assert!(
                    (found / expected - 1.0).abs() < 1e-12,
                    "{freedom}: {found} {expected}"
                );
            }
        }
    }
}
