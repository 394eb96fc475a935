//! Slow, trusted evaluation of what the GIG expectations need of the modified Bessel function.
//!
//! Two formulas that share nothing but the definition: the ascending series of K_nu for small
//! arguments and the trapezoidal rule on its integral representation for the others. Both are sums
//! of a handful of terms with at most mild cancellation, good to a few units in the fifteenth
//! digit. The tables of [`crate::gig`] are built from them and checked against them.

use std::f64::consts::PI;

/// `y = x^2 / 4` below which the ascending series is used. Its cancellation grows with `y`; at this
/// point the quadrature needs about twenty nodes.
const SERIES_BELOW: f64 = 1.0 / 16.0;

/// What a GIG with `gamma` in (0, 1) needs at one value of `y = rho tau = (x / 2)^2`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BesselTerms {
    /// `t = (x / 2) K_{1 - gamma}(x) / K_gamma(x) = tau E[1/z]`.
    pub(crate) tau_mean_inverse: f64,
    /// `log( 2 K_gamma(x) (x / 2)^gamma / Gamma(gamma) ) + x`: 0 at `x = 0`, and without the
    /// exponential decay of K.
    pub(crate) scaled_log: f64,
}

/// The terms for one `gamma` in (0, 1), with its Gamma functions at hand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BesselEvaluation {
    gamma: f64,
    log_gamma: f64,
    /// `Gamma(-gamma) / Gamma(gamma)`, the weight of the second solution in `K_gamma`.
    second: f64,
    /// `Gamma(1 - gamma) / Gamma(gamma)` and `Gamma(gamma - 1) / Gamma(gamma)`.
    upper: (f64, f64),
}

impl BesselEvaluation {
    pub(crate) fn new(gamma: f64) -> Self {
        let gamma_function = libm::tgamma(gamma);
        Self {
            gamma,
            log_gamma: libm::lgamma(gamma),
            second: libm::tgamma(-gamma) / gamma_function,
            upper: (
                libm::tgamma(1.0 - gamma) / gamma_function,
                libm::tgamma(gamma - 1.0) / gamma_function,
            ),
        }
    }

    /// Both terms at finite normal `y > 0`.
    pub(crate) fn at(&self, y: f64) -> BesselTerms {
        if y < SERIES_BELOW {
            self.series(y)
        } else {
            self.quadrature(y)
        }
    }

    /// `K_nu(x) = 1/2 [ Gamma(nu) (x/2)^-nu S_-nu(y) + Gamma(-nu) (x/2)^nu S_nu(y) ]` (DLMF
    /// 10.27.4 with 10.25.2), where `S_nu(y) = sum_k y^k / (k! (1 + nu)_k)`. All powers of `x / 2`
    /// cancel in `t` but for `u = y^gamma`, so nothing overflows down to the smallest normal `y`.
    fn series(&self, y: f64) -> BesselTerms {
        let gamma = self.gamma;
        let u = libm::pow(y, gamma);
        // K_gamma relative to its leading term, minus 1: a logarithm near 0 keeps its digits.
        let correction =
            ascending_tail(-gamma, y) + self.second * u * (1.0 + ascending_tail(gamma, y));
        let upper = self.upper.0 * u * (1.0 + ascending_tail(gamma - 1.0, y))
            + self.upper.1 * y * (1.0 + ascending_tail(1.0 - gamma, y));
        BesselTerms {
            tau_mean_inverse: upper / (1.0 + correction),
            scaled_log: libm::log1p(correction) + 2.0 * y.sqrt(),
        }
    }

    /// `e^x K_nu(x) = integral_0^inf exp(-x (cosh t - 1)) cosh(nu t) dt` (DLMF 10.32.9) by the
    /// trapezoidal rule, which converges exponentially for this integrand: the step keeps the
    /// discretisation error below 1e-17, and the cut-off drops less than that.
    fn quadrature(&self, y: f64) -> BesselTerms {
        let gamma = self.gamma;
        let x = 2.0 * y.sqrt();
        let step = f64::min(0.2, 0.7 / x.sqrt());
        let (mut lower, mut upper) = (0.5, 0.5);
        for i in 1.. {
            let t = f64::from(i) * step;
            let half = libm::sinh(0.5 * t);
            let exponent = 2.0 * x * half * half;
            if exponent > 50.0 {
                break;
            }
            let weight = libm::exp(-exponent);
            lower += weight * libm::cosh(gamma * t);
            upper += weight * libm::cosh((1.0 - gamma) * t);
        }
        BesselTerms {
            tau_mean_inverse: 0.5 * x * upper / lower,
            scaled_log: libm::log(2.0 * step * lower) + gamma * libm::log(0.5 * x) - self.log_gamma,
        }
    }

    /// The same from the expansion `K_nu(x) = sqrt(pi / 2x) e^-x sum_k a_k(nu) / x^k` (DLMF
    /// 10.40.2), for `x` above about 100.
    pub(crate) fn asymptotic(&self, y: f64) -> BesselTerms {
        let gamma = self.gamma;
        let x = 2.0 * y.sqrt();
        let (lower, upper) = (expansion(gamma, x), expansion(1.0 - gamma, x));
        BesselTerms {
            tau_mean_inverse: 0.5 * x * upper / lower,
            scaled_log: 0.5 * libm::log(2.0 * PI / x)
                + libm::log(lower)
                + gamma * libm::log(0.5 * x)
                - self.log_gamma,
        }
    }

    /// `log t` in the limit of small `y`, given as `log y` so that `y` itself may underflow:
    /// `t = v / (1 + c u)` with `u = y^gamma`; minus infinity at `y = 0`.
    pub(crate) fn log_power_law(&self, log_y: f64) -> f64 {
        let log_u = self.gamma * log_y;
        log_u + libm::log(self.upper.0) - libm::log1p(self.second * libm::exp(log_u))
    }

    /// `L` in the same limit: `log(1 + c u)`.
    pub(crate) fn log_ratio_power_law(&self, log_y: f64) -> f64 {
        libm::log1p(self.second * libm::exp(self.gamma * log_y))
    }
}

/// `S_nu(y) - 1`.
fn ascending_tail(nu: f64, y: f64) -> f64 {
    let mut k = 1.0;
    let mut term = y / (1.0 + nu);
    let mut sum = 0.0;
    while f64::abs(term) > f64::EPSILON * 1e-2 * f64::abs(sum) {
        sum += term;
        k += 1.0;
        term *= y / (k * (k + nu));
    }
    sum
}

/// `sum_k a_k(nu) / x^k`, eight terms.
fn expansion(nu: f64, x: f64) -> f64 {
    let mu = 4.0 * nu * nu;
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..=8 {
        let k = f64::from(k);
        term *= (mu - (2.0 * k - 1.0) * (2.0 * k - 1.0)) / (8.0 * k * x);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two evaluations, each with up to a dozen roundings, and a cancellation of up to a factor of
    /// thirty in the series at the largest `y` compared.
    const TOLERANCE: f64 = 5e-14;

    fn relative(a: f64, b: f64) -> f64 {
        (a - b).abs() / b.abs()
    }

    #[test]
    fn the_formulas_agree_where_they_overlap() {
        for gamma in [0.01, 0.1, 0.2, 0.5, 0.8, 0.99] {
            let bessel = BesselEvaluation::new(gamma);
            for y in [0.01, 0.02, 0.04, SERIES_BELOW] {
                let (a, b) = (bessel.series(y), bessel.quadrature(y));
                assert!(relative(a.tau_mean_inverse, b.tau_mean_inverse) < TOLERANCE);
                assert!((a.scaled_log - b.scaled_log).abs() < TOLERANCE);
            }
            for y in [1e4, 1e6, 1e10] {
                let (a, b) = (bessel.quadrature(y), bessel.asymptotic(y));
                assert!(relative(a.tau_mean_inverse, b.tau_mean_inverse) < TOLERANCE);
                assert!((a.scaled_log - b.scaled_log).abs() < TOLERANCE);
            }
        }
    }

    #[test]
    fn one_half_is_elementary() {
        // K_1/2(x) = sqrt(pi / 2x) e^-x, so t = x / 2 and L = -x.
        let bessel = BesselEvaluation::new(0.5);
        for y in [1e-200, 1e-9, 0.01, 0.0624, 0.0626, 1.0, 3e7] {
            let terms = bessel.at(y);
            assert!(relative(terms.tau_mean_inverse, y.sqrt()) < 2e-15);
            assert!(terms.scaled_log.abs() < 2e-15);
        }
    }
}
