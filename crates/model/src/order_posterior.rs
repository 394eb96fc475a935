//! The posterior over the number of components, eq. (18).

/// `q(K_m)` proportional to `exp(log_q[m] / beta)`.
///
/// `beta = 1` is conventional variational Bayes, larger values penalise the entropy less and
/// spread the posterior, `beta = 0` puts all of it on the largest `log_q` (the first, on a tie).
/// The largest exponent is subtracted first: adding a constant to every `log_q` changes nothing,
/// and differences of any size stay finite.
///
/// Source: Jaureguiberry, Vincent, Richard (2014), section 3.4.
#[must_use]
pub fn tempered_posterior(log_q: &[f64], beta: f64) -> Vec<f64> {
    let best = (0..log_q.len()).fold(0, |best, m| if log_q[m] > log_q[best] { m } else { best });
    if beta <= 0.0 {
        return (0..log_q.len())
            .map(|m| f64::from(u8::from(m == best)))
            .collect();
    }
    let weights: Vec<f64> = log_q
        .iter()
        .map(|&value| libm::exp((value - log_q[best]) / beta))
        .collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}

/// The entropy `-sum q log q` in nats, with `0 log 0 = 0`.
#[must_use]
pub fn entropy(posterior: &[f64]) -> f64 {
    -posterior
        .iter()
        .filter(|&&q| q > 0.0)
        .map(|&q| q * libm::log(q))
        .sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_constant_changes_nothing() {
        let log_q = [-3.0, 1.5, 0.25];
        let shifted = log_q.map(|l| l + 1024.0);
        assert_eq!(
            tempered_posterior(&log_q, 2.0),
            tempered_posterior(&shifted, 2.0)
        );
    }

    #[test]
    fn large_differences_stay_finite_and_sum_to_one() {
        for beta in [0.0, 1e-3, 1.0, 1e4, 1e300] {
            let q = tempered_posterior(&[-1e6, 0.0, 1e6, 5.0], beta);
            assert!(q.iter().all(|p| p.is_finite()));
            assert!((q.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        }
        assert_eq!(tempered_posterior(&[-1e6, 0.0, 1e6], 1.0), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn entropy_of_a_uniform_posterior_is_log_m() {
        assert!((entropy(&[0.25; 4]) - 4.0_f64.ln()).abs() < 1e-15);
        assert!(entropy(&[0.0, 1.0]).abs() < f64::MIN_POSITIVE);
    }
}
