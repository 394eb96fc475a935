//! What an inference finds.

use ndarray::Array2;
use num_complex::Complex64;

use crate::settings::Precision;

/// Expectations of one factor, dictionary or activations.
#[derive(Debug, Clone, PartialEq)]
pub struct FactorExpectations {
    /// `E[z]`, entry by entry.
    pub mean: Array2<f64>,
    /// `1 / E[1/z]`, entry by entry.
    pub harmonic: Array2<f64>,
}

/// The posterior of one order of one source.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderEstimate {
    /// Components x bins.
    pub dictionary: FactorExpectations,
    /// Frames x components.
    pub activations: FactorExpectations,
}

/// The result of an inference.
#[derive(Debug, Clone, PartialEq)]
pub struct Separation {
    /// Posterior mean of each source, frames x bins (eq. 15). Of the structured posterior, the
    /// average of the combinations' by `q(K)`.
    pub estimates: Vec<Array2<Complex64>>,
    /// `q(K_j)` per source, in the order of its dictionaries. Of the structured posterior, the
    /// marginals of its `q(K)`.
    pub order_posterior: Vec<Vec<f64>>,
    /// `log q~(K_jm)` under the final `q(S)`, in nats, of which `q(K_j)` is the tempered posterior.
    /// Of the structured posterior, the free energy that is left if the source has this order,
    /// `beta log sum_K exp(log q~(K) / beta)` over the combinations with it.
    pub log_order_posterior: Vec<Vec<f64>>,
    /// The tempered free energy at the end, in nats; with one order per source it bounds the log
    /// evidence from below.
    pub free_energy: f64,
    /// Dictionaries and activations per source and order.
    pub factors: Vec<Vec<OrderEstimate>>,
    /// Iterations done: fewer than the settings' where a tolerance or an observer has stopped the
    /// inference.
    pub iterations: usize,
    /// The precision that this is the result of: double also where single was not enough.
    pub precision: Precision,
}
