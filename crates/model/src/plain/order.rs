//! One order of a source: the posteriors of its dictionary and its activations.

use libm::{lgamma, log};
use ndarray::Array2;

use crate::gig::Gig;
use crate::range::VARIANCE_FLOOR;
use crate::separation::{FactorExpectations, OrderEstimate};
use crate::source::DictionaryModel;

/// The parameters of `GIG(z; gamma, rho, tau)`, entry by entry, in the shape of their factor.
#[derive(Debug, Clone, PartialEq)]
pub struct GigParameters {
    /// Rate of the exponential decay in `z`.
    pub rho: Array2<f64>,
    /// Rate of the exponential decay in `1 / z`.
    pub tau: Array2<f64>,
}

/// `q(W_jm | K_jm)` and `q(H_jm | K_jm)`.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) dictionary: Factor,
    pub(super) activations: Factor,
    pub(super) dictionary_is_known: bool,
}

/// The posterior of a dictionary or of activations.
#[derive(Debug, Clone)]
pub(super) struct Factor {
    pub(super) expectations: FactorExpectations,
    /// `E[log p(z) - log q(z)]`, summed over the entries: 0 for a known dictionary, none for a
    /// start value.
    kl_term: Option<f64>,
}

impl Order {
    /// The start: activations of `start` everywhere.
    pub(super) fn new(dictionary: &DictionaryModel, frames: usize, start: f64) -> Self {
        let (components, _) = dictionary.shape();
        let activations = Array2::from_elem((frames, components), start);
        let (dictionary, dictionary_is_known) = match dictionary {
            DictionaryModel::Known(known) => {
                let components = known.components().to_owned();
                (Factor::dirac(components, Some(0.0)), true)
            }
            DictionaryModel::Estimated(start) => {
                (Factor::dirac(start.values().to_owned(), None), false)
            }
        };
        Self {
            dictionary,
            activations: Factor::dirac(activations, None),
            dictionary_is_known,
        }
    }

    /// `V_jm = E[W_jm] E[H_jm]`, the `omega` of eq. (13).
    pub(super) fn variance(&self) -> Array2<f64> {
        let (w, h) = (
            &self.dictionary.expectations,
            &self.activations.expectations,
        );
        h.mean.dot(&w.mean).mapv(|v| v.max(VARIANCE_FLOOR))
    }

    /// `C_jm = G(W_jm) G(H_jm)`, the normaliser of eq. (14).
    pub(super) fn harmonic_variance(&self) -> Array2<f64> {
        let (w, h) = (
            &self.dictionary.expectations,
            &self.activations.expectations,
        );
        h.harmonic.dot(&w.harmonic).mapv(|c| c.max(VARIANCE_FLOOR))
    }

    /// `rho` and `tau` of `q(W_jm | K_jm)`, components x bins (eq. 17):
    ///
    /// `rho = a + E[H]^T (1 / V_jm)`, `tau = G(W)^2 o [ G(H)^T (E|S_j|^2 / C_jm^2) ]`.
    pub(super) fn dictionary_parameters(
        &self,
        shape: f64,
        posterior_power: &Array2<f64>,
    ) -> GigParameters {
        let FactorExpectations { mean, harmonic } = &self.activations.expectations;
        let rho = mean.t().dot(&self.variance().recip()) + shape;
        let sums = harmonic.t().dot(&self.ratio(posterior_power));
        let tau = self.dictionary.expectations.harmonic.pow2() * sums;
        GigParameters { rho, tau }
    }

    /// `rho` and `tau` of `q(H_jm | K_jm)`, frames x components (eq. 17 with `W` and `H`
    /// exchanged):
    ///
    /// `rho = b + (1 / V_jm) E[W]^T`, `tau = G(H)^2 o [ (E|S_j|^2 / C_jm^2) G(W)^T ]`.
    pub(super) fn activation_parameters(
        &self,
        shape: f64,
        posterior_power: &Array2<f64>,
    ) -> GigParameters {
        let FactorExpectations { mean, harmonic } = &self.dictionary.expectations;
        let rho = self.variance().recip().dot(&mean.t()) + shape;
        let sums = self.ratio(posterior_power).dot(&harmonic.t());
        let tau = self.activations.expectations.harmonic.pow2() * sums;
        GigParameters { rho, tau }
    }

    /// `E|S_j|^2 / C_jm^2`. With `phi` of eq. (14), `tau` of `h` is the sum over the bins of
    /// `E|s_j|^2 phi^2 / G(w) = G(h)^2 G(w) E|s_j|^2 / C_jm^2`.
    fn ratio(&self, posterior_power: &Array2<f64>) -> Array2<f64> {
        posterior_power / self.harmonic_variance().pow2()
    }

    /// The expectation of `log p(S_j | W_jm, H_jm)`, bounded by eq. (13) and (14):
    ///
    /// `- sum_fn [ log pi + log V_jm + E|s_j|^2 / C_jm ]`.
    pub(super) fn log_likelihood(&self, posterior_power: &Array2<f64>) -> f64 {
        -self.log_volume() - self.misfit(posterior_power)
    }

    /// `sum_fn [ log pi + log V_jm ]`.
    pub(super) fn log_volume(&self) -> f64 {
        let terms = self.variance().mapv(|v| log(std::f64::consts::PI) + log(v));
        terms.sum()
    }

    /// `sum_fn E|s_j|^2 / C_jm`.
    pub(super) fn misfit(&self, posterior_power: &Array2<f64>) -> f64 {
        (posterior_power / self.harmonic_variance()).sum()
    }

    /// The KL terms of `W_jm` and `H_jm`, none while one is at its start value.
    pub(super) fn kl_terms(&self) -> Option<f64> {
        Some(self.dictionary.kl_term? + self.activations.kl_term?)
    }

    pub(super) fn into_estimate(self) -> OrderEstimate {
        OrderEstimate {
            dictionary: self.dictionary.expectations,
            activations: self.activations.expectations,
        }
    }
}

impl Factor {
    /// All mass on one value: a known dictionary or a start.
    fn dirac(value: Array2<f64>, kl_term: Option<f64>) -> Self {
        Self {
            expectations: FactorExpectations {
                mean: value.clone(),
                harmonic: value,
            },
            kl_term,
        }
    }

    /// `GIG(gamma, rho, tau)` per entry under a `Gamma(gamma, gamma)` prior. In the KL term
    ///
    /// `gamma log gamma - log Gamma(gamma) + log Z + (rho - gamma) E[z] + tau E[1/z]`
    ///
    /// the `E[log z]` of prior and posterior cancel.
    pub(super) fn posterior(gig: &Gig, parameters: &GigParameters) -> Self {
        let GigParameters { rho, tau } = parameters;
        let gamma = gig.shape();
        let log_prior_constant = gamma * log(gamma) - lgamma(gamma);
        let mut expectations = FactorExpectations {
            mean: Array2::zeros(rho.dim()),
            harmonic: Array2::zeros(rho.dim()),
        };
        let mut kl_term = 0.0;
        for (at, &rho) in rho.indexed_iter() {
            let tau = tau[at];
            let z = gig.expectations(rho, tau);
            expectations.mean[at] = z.mean;
            expectations.harmonic[at] = z.harmonic;
            kl_term += log_prior_constant
                + gig.log_normaliser(rho, tau)
                + (rho - gamma) * z.mean
                + gig.tau_mean_inverse(rho, tau);
        }
        Self {
            expectations,
            kl_term: Some(kl_term),
        }
    }
}
