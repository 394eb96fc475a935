//! The tempered free energy, the objective that every update raises or keeps. It is *maximised*.
//!
//! `F_beta = - sum_fn [ log(pi sigma^2) + E|x - A s|^2 / sigma^2 ]`
//! `         + sum_fn [ J log(pi e) + log det Sigma ]`
//! `         + sum_jm q(K_jm) log q~(K_jm) + beta sum_j H[q(K_j)]`
//!
//! With `log det Sigma = log( sigma^2 prod_j C_j / D )` the `log sigma^2` cancel. `beta = 1` is the
//! conventional lower bound of the log evidence; with one order per source it is what VB selection
//! compares.

use crate::order_posterior::entropy;

/// Sums over bins and frames, gathered by a backend.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FreeEnergyTerms {
    /// `F N`.
    pub(crate) observations: usize,
    /// `sum E|x - A s|^2 / sigma^2`.
    pub(crate) residual: f64,
    /// `sum log( prod_j C_j / D )`.
    pub(crate) log_determinant: f64,
    pub(crate) beta: f64,
}

impl FreeEnergyTerms {
    /// The tempered free energy in nats, given `q(K_j)` and `log q~(K_j)` of every source.
    pub(crate) fn total<'a>(
        &self,
        orders: impl ExactSizeIterator<Item = (&'a [f64], &'a [f64])>,
    ) -> f64 {
        let log_pi = libm::log(std::f64::consts::PI);
        let constant = orders.len() as f64 * (log_pi + 1.0) - log_pi;
        let order_terms: f64 = orders
            .map(|(posterior, log_posterior)| {
                let expected: f64 = posterior
                    .iter()
                    .zip(log_posterior)
                    // A weight of 0 stands for 0 even where log q~ is minus infinity.
                    .filter(|&(&q, _)| q > 0.0)
                    .map(|(q, log_q)| q * log_q)
                    .sum();
                expected + self.beta * entropy(posterior)
            })
            .sum();
        self.observations as f64 * constant - self.residual + self.log_determinant + order_terms
    }
}
