//! The model said plainly: one method per coordinate update, its equation quoted beside it.
//!
//! [`Inference`](crate::Inference) runs the same updates tile by tile with SIMD, tens of times
//! faster. [`PlainModel`] holds every frames x bins matrix, computes them with matrix products and
//! loops over single entries, and lets each update be made on its own. It is where to read the
//! method, where to try a variation of it, and the twin that the fast path is tested against: both
//! agree to 1e-9 after the same iterations.
//!
//! Matrices are the transposes of the paper's: `V_jm`, `C_jm` and the sources are frames x bins,
//! dictionaries components x bins, activations frames x components. `G(z)` is the harmonic
//! expectation `1 / E[1/z]`, which stays finite where a component is switched off.
//!
//! Source: Jaureguiberry, Vincent, Richard (2014), sections 2 and 3.

use std::f64::consts::PI;

use libm::{lgamma, log};
use ndarray::{Array2, ArrayView2};
use rustfft::num_complex::Complex64;

use crate::error::ModelError;
use crate::gig::Gig;
use crate::order_posterior::{entropy, tempered_posterior};
use crate::range::VARIANCE_FLOOR;
use crate::separation::{FactorExpectations, OrderEstimate, Separation};
use crate::settings::{Precision, Settings};
use crate::source::{DictionaryModel, SourceModel, validate};

/// One coordinate update: a factor of the variational posterior, with all others held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// `q(S)`.
    Sources,
    /// `q(W_jm | K_jm)`.
    Dictionary {
        /// Position `j` of the source.
        source: usize,
        /// Position `m` of the order.
        order: usize,
    },
    /// `q(H_jm | K_jm)`.
    Activations {
        /// Position `j` of the source.
        source: usize,
        /// Position `m` of the order.
        order: usize,
    },
    /// `q(K_j)`.
    OrderPosterior {
        /// Position `j` of the source.
        source: usize,
    },
}

/// The parameters of `GIG(z; gamma, rho, tau)`, entry by entry, in the shape of their factor.
#[derive(Debug, Clone, PartialEq)]
pub struct GigParameters {
    /// Rate of the exponential decay in `z`.
    pub rho: Array2<f64>,
    /// Rate of the exponential decay in `1 / z`.
    pub tau: Array2<f64>,
}

/// The variational posterior of one mixture.
///
/// ```
/// use model::plain::PlainModel;
/// use model::{Dictionary, Settings, SourceModel};
/// use ndarray::{Array2, array};
///
/// let speaker = SourceModel::known([Dictionary::new(array![[4.0, 1.0, 1.0]])?]);
/// let background = SourceModel::estimated(Array2::from_elem((1, 3), 0.5))?;
/// let mixture = Array2::from_shape_fn((5, 3), |(n, f)| (1.0 + (n * f) as f64).into());
///
/// let mut model = PlainModel::new(mixture.view(), &[speaker, background], &Settings::default())?;
/// assert_eq!(model.free_energy(), None); // The start values are no distribution.
/// model.iterate();
/// let before = model.free_energy().unwrap();
/// model.update_activations(0, 0);
/// assert!(model.free_energy().unwrap() >= before);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct PlainModel {
    mixture: Array2<Complex64>,
    noise_variance: f64,
    beta: f64,
    dictionary_gig: Gig,
    activation_gig: Gig,
    sources: Vec<Source>,
    /// `E|x - A s|^2`.
    residual_power: Array2<f64>,
    /// `log det Sigma_s`.
    log_determinant: Array2<f64>,
}

#[derive(Debug, Clone)]
struct Source {
    orders: Vec<Order>,
    prior: Vec<f64>,
    /// `q(K_jm)`.
    posterior: Vec<f64>,
    /// `C_j` of eq. (16).
    variance: Array2<f64>,
    /// `mu_j` of eq. (15).
    posterior_mean: Array2<Complex64>,
    /// `E|s_j|^2`.
    posterior_power: Array2<f64>,
}

#[derive(Debug, Clone)]
struct Order {
    dictionary: Factor,
    activations: Factor,
    dictionary_is_known: bool,
}

/// `q(W_jm | K_jm)` or `q(H_jm | K_jm)`.
#[derive(Debug, Clone)]
struct Factor {
    expectations: FactorExpectations,
    /// `E[log p(z) - log q(z)]`, summed over the entries: 0 for a known dictionary, none for a
    /// start value.
    kl_term: Option<f64>,
}

impl PlainModel {
    /// The start: factors at their start values, `q(K)` at the prior, `q(S)` as follows from them.
    ///
    /// `mixture`: frames x bins.
    ///
    /// # Errors
    /// As [`Inference::new`](crate::Inference::new) and
    /// [`Inference::separate`](crate::Inference::separate).
    pub fn new(
        mixture: ArrayView2<'_, Complex64>,
        sources: &[SourceModel],
        settings: &Settings,
    ) -> Result<Self, ModelError> {
        settings.validate()?;
        let dictionary_gig = Gig::new(settings.dictionary_shape)?;
        let activation_gig = Gig::new(settings.activation_shape)?;
        Self::with_gigs(mixture, sources, settings, dictionary_gig, activation_gig)
    }

    /// [`PlainModel::new`] with GIG distributions tabulated before, which replace the two shapes
    /// of the settings: for many small models in a row.
    ///
    /// # Errors
    /// As [`PlainModel::new`].
    pub fn with_gigs(
        mixture: ArrayView2<'_, Complex64>,
        sources: &[SourceModel],
        settings: &Settings,
        dictionary_gig: Gig,
        activation_gig: Gig,
    ) -> Result<Self, ModelError> {
        settings.validate()?;
        validate(mixture, sources)?;
        let (frames, bins) = mixture.dim();
        let start = |source| Source::new(source, frames, bins);
        let mut model = Self {
            mixture: mixture.to_owned(),
            noise_variance: settings.noise_variance,
            beta: settings.tempering.beta(frames, bins),
            dictionary_gig,
            activation_gig,
            sources: sources.iter().map(start).collect(),
            residual_power: Array2::zeros((frames, bins)),
            log_determinant: Array2::zeros((frames, bins)),
        };
        model.update_sources();
        Ok(model)
    }

    /// The updates of one iteration in their order: `q(S)`; then source by source the estimated
    /// dictionaries of all orders and the activations of all orders; then `q(K_j)` of every source
    /// with a choice.
    #[must_use]
    pub fn schedule(&self) -> Vec<Update> {
        let mut updates = vec![Update::Sources];
        for (source, state) in self.sources.iter().enumerate() {
            let orders = 0..state.orders.len();
            let estimated = orders
                .clone()
                .filter(|&m| !state.orders[m].dictionary_is_known);
            updates.extend(estimated.map(|order| Update::Dictionary { source, order }));
            updates.extend(orders.map(|order| Update::Activations { source, order }));
        }
        let choices = (0..self.sources.len()).filter(|&j| self.sources[j].orders.len() > 1);
        updates.extend(choices.map(|source| Update::OrderPosterior { source }));
        updates
    }

    /// Makes one update.
    ///
    /// # Panics
    /// If there is no such source or order.
    pub fn apply(&mut self, update: Update) {
        match update {
            Update::Sources => self.update_sources(),
            Update::Dictionary { source, order } => self.update_dictionary(source, order),
            Update::Activations { source, order } => self.update_activations(source, order),
            Update::OrderPosterior { source } => self.update_order_posterior(source),
        }
    }

    /// One iteration: the [schedule](Self::schedule) once.
    pub fn iterate(&mut self) {
        for update in self.schedule() {
            self.apply(update);
        }
    }

    /// Updates `q(S)`, eq. (15) and (16): complex Gaussian at every frame and bin, with
    ///
    /// `C_j = ( sum_m q(K_jm) / C_jm )^-1`,
    /// `Sigma = ( diag(1 / C_j) + A^H A / sigma^2 )^-1`, `mu = Sigma A^H x / sigma^2`.
    ///
    /// For `A = [1 ... 1]` the inverse is explicit. With `D = sigma^2 + sum_j C_j`:
    ///
    /// `mu_j = C_j x / D`, `Sigma_jj = C_j (D - C_j) / D`, `det Sigma = sigma^2 prod_j C_j / D`,
    /// `E|x - A s|^2 = |x|^2 sigma^4 / D^2 + sigma^2 (D - sigma^2) / D`.
    pub fn update_sources(&mut self) {
        for source in &mut self.sources {
            source.update_variance();
        }
        let noise = self.noise_variance;
        for (at, &x) in self.mixture.indexed_iter() {
            let modelled: f64 = self.sources.iter().map(|s| s.variance[at]).sum();
            let d = noise + modelled;
            let log_c: f64 = self.sources.iter().map(|s| log(s.variance[at])).sum();
            self.log_determinant[at] = log(noise) + log_c - log(d);
            self.residual_power[at] =
                x.norm_sqr() * (noise / d) * (noise / d) + noise * (modelled / d);
            for j in 0..self.sources.len() {
                // D - C_j as the sum of what is left: a difference would cancel.
                let others = (0..self.sources.len()).filter(|&i| i != j);
                let rest = noise + others.map(|i| self.sources[i].variance[at]).sum::<f64>();
                let source = &mut self.sources[j];
                let gain = source.variance[at] / d;
                source.posterior_mean[at] = gain * x;
                source.posterior_power[at] = gain * gain * x.norm_sqr() + gain * rest;
            }
        }
    }

    /// `rho` and `tau` of `q(W_jm | K_jm)`, components x bins (eq. 17):
    ///
    /// `rho = a + E[H]^T (1 / V_jm)`, `tau = G(W)^2 o [ G(H)^T (E|S_j|^2 / C_jm^2) ]`.
    ///
    /// # Panics
    /// If there is no such source or order.
    #[must_use]
    pub fn dictionary_parameters(&self, source: usize, order: usize) -> GigParameters {
        let (source, order) = (&self.sources[source], &self.sources[source].orders[order]);
        let FactorExpectations { mean, harmonic } = &order.activations.expectations;
        let rho = mean.t().dot(&order.variance().recip()) + self.dictionary_gig.shape();
        let sums = harmonic.t().dot(&order.ratio(&source.posterior_power));
        let tau = order.dictionary.expectations.harmonic.pow2() * sums;
        GigParameters { rho, tau }
    }

    /// `rho` and `tau` of `q(H_jm | K_jm)`, frames x components (eq. 17 with `W` and `H`
    /// exchanged):
    ///
    /// `rho = b + (1 / V_jm) E[W]^T`, `tau = G(H)^2 o [ (E|S_j|^2 / C_jm^2) G(W)^T ]`.
    ///
    /// # Panics
    /// If there is no such source or order.
    #[must_use]
    pub fn activation_parameters(&self, source: usize, order: usize) -> GigParameters {
        let (source, order) = (&self.sources[source], &self.sources[source].orders[order]);
        let FactorExpectations { mean, harmonic } = &order.dictionary.expectations;
        let rho = order.variance().recip().dot(&mean.t()) + self.activation_gig.shape();
        let sums = order.ratio(&source.posterior_power).dot(&harmonic.t());
        let tau = order.activations.expectations.harmonic.pow2() * sums;
        GigParameters { rho, tau }
    }

    /// Updates `q(W_jm | K_jm)`, a GIG per entry. A known dictionary stays as it is.
    ///
    /// # Panics
    /// If there is no such source or order.
    pub fn update_dictionary(&mut self, source: usize, order: usize) {
        if self.sources[source].orders[order].dictionary_is_known {
            return;
        }
        let parameters = self.dictionary_parameters(source, order);
        self.sources[source].orders[order].dictionary =
            Factor::posterior(&self.dictionary_gig, &parameters);
    }

    /// Updates `q(H_jm | K_jm)`, a GIG per entry.
    ///
    /// # Panics
    /// If there is no such source or order.
    pub fn update_activations(&mut self, source: usize, order: usize) {
        let parameters = self.activation_parameters(source, order);
        self.sources[source].orders[order].activations =
            Factor::posterior(&self.activation_gig, &parameters);
    }

    /// Updates `q(K_jm) = exp( log q~(K_jm) / beta ) / Z`, eq. (18). Does nothing while a factor of
    /// the source is at its start value.
    ///
    /// # Panics
    /// If there is no such source.
    pub fn update_order_posterior(&mut self, source: usize) {
        if let Some(log_posterior) = self.log_order_posterior(source) {
            self.sources[source].posterior = tempered_posterior(&log_posterior, self.beta);
        }
    }

    /// `log q~(K_jm)` of every order of a source in nats, eq. (12):
    ///
    /// `log pi_jm - sum_fn [ log pi + log V_jm + E|s_j|^2 / C_jm ] + KL terms of W_jm and H_jm`.
    ///
    /// None while a factor of the source is at its start value, which is no distribution.
    ///
    /// # Panics
    /// If there is no such source.
    #[must_use]
    pub fn log_order_posterior(&self, source: usize) -> Option<Vec<f64>> {
        let source = &self.sources[source];
        let log_posterior = |(order, &prior): (&Order, &f64)| {
            let kl_terms = order.dictionary.kl_term? + order.activations.kl_term?;
            let (v, c) = (order.variance(), order.harmonic_variance());
            let fit = ndarray::Zip::from(&v)
                .and(&c)
                .and(&source.posterior_power)
                .fold(0.0, |sum, v, c, power| {
                    sum - (log(PI) + log(*v) + power / c)
                });
            Some(log(prior) + fit + kl_terms)
        };
        source
            .orders
            .iter()
            .zip(&source.prior)
            .map(log_posterior)
            .collect()
    }

    /// The tempered free energy in nats, which no update lowers:
    ///
    /// `F = - sum_fn [ log(pi sigma^2) + E|x - A s|^2 / sigma^2 ]`
    /// `    + sum_fn [ J log(pi e) + log det Sigma ]`
    /// `    + sum_jm q(K_jm) log q~(K_jm) + beta sum_j H[q(K_j)]`.
    ///
    /// `E[log p(X|S)]`, the entropy of `q(S)`, and all that depends on `K`. None while a factor is
    /// at its start value.
    #[must_use]
    pub fn free_energy(&self) -> Option<f64> {
        let noise = self.noise_variance;
        let log_likelihood: f64 = self
            .residual_power
            .iter()
            .map(|residual| -log(PI * noise) - residual / noise)
            .sum();
        let source_constant = self.sources.len() as f64 * (log(PI) + 1.0);
        let source_entropy: f64 = self
            .log_determinant
            .iter()
            .map(|log_determinant| source_constant + log_determinant)
            .sum();
        let mut free_energy = log_likelihood + source_entropy;
        for (j, source) in self.sources.iter().enumerate() {
            for (q, log_q) in source.posterior.iter().zip(self.log_order_posterior(j)?) {
                // 0 log 0 = 0, also where log q~ is minus infinity.
                free_energy += if *q > 0.0 { q * log_q } else { 0.0 };
            }
            free_energy += self.beta * entropy(&source.posterior);
        }
        Some(free_energy)
    }

    /// `q(K_j)` of a source, in the order of its dictionaries.
    ///
    /// # Panics
    /// If there is no such source.
    #[must_use]
    pub fn order_posterior(&self, source: usize) -> &[f64] {
        &self.sources[source].posterior
    }

    /// `mu_j` of every source under the latest `q(S)`, frames x bins.
    #[must_use]
    pub fn estimates(&self) -> Vec<Array2<Complex64>> {
        let sources = self.sources.iter();
        sources.map(|s| s.posterior_mean.clone()).collect()
    }

    /// `C_j`, the variance of a source before the mixture is seen, under the latest `q(S)`.
    ///
    /// # Panics
    /// If there is no such source.
    #[must_use]
    pub fn source_variance(&self, source: usize) -> ArrayView2<'_, f64> {
        self.sources[source].variance.view()
    }

    /// The dictionary of an order, components x bins.
    ///
    /// # Panics
    /// If there is no such source or order.
    #[must_use]
    pub fn dictionary(&self, source: usize, order: usize) -> &FactorExpectations {
        &self.sources[source].orders[order].dictionary.expectations
    }

    /// The activations of an order, frames x components.
    ///
    /// # Panics
    /// If there is no such source or order.
    #[must_use]
    pub fn activations(&self, source: usize, order: usize) -> &FactorExpectations {
        &self.sources[source].orders[order].activations.expectations
    }

    /// The state as a result, after a last update of `q(S)`. None before the first iteration.
    #[must_use]
    pub fn finish(mut self) -> Option<Separation> {
        self.update_sources();
        let free_energy = self.free_energy()?;
        let log_order_posterior = (0..self.sources.len()).map(|j| self.log_order_posterior(j));
        Some(Separation {
            precision: Precision::F64,
            estimates: self.estimates(),
            log_order_posterior: log_order_posterior.collect::<Option<_>>()?,
            order_posterior: self.sources.iter().map(|s| s.posterior.clone()).collect(),
            free_energy,
            factors: self.sources.into_iter().map(Source::factors).collect(),
        })
    }
}

impl Source {
    fn new(model: &SourceModel, frames: usize, bins: usize) -> Self {
        let order = |dictionary: &DictionaryModel| Order::new(dictionary, frames, model);
        Self {
            orders: model.orders.iter().map(order).collect(),
            prior: model.prior.clone(),
            posterior: model.prior.clone(),
            variance: Array2::zeros((frames, bins)),
            posterior_mean: Array2::zeros((frames, bins)),
            posterior_power: Array2::zeros((frames, bins)),
        }
    }

    /// `C_j = ( sum_m q(K_jm) / C_jm )^-1`, eq. (16): precisions are averaged.
    fn update_variance(&mut self) {
        let mut precision = Array2::zeros(self.variance.dim());
        for (order, &q) in self.orders.iter().zip(&self.posterior) {
            precision += &(q / order.harmonic_variance());
        }
        self.variance = precision.recip();
    }

    fn factors(self) -> Vec<OrderEstimate> {
        let factors = |order: Order| OrderEstimate {
            dictionary: order.dictionary.expectations,
            activations: order.activations.expectations,
        };
        self.orders.into_iter().map(factors).collect()
    }
}

impl Order {
    fn new(dictionary: &DictionaryModel, frames: usize, source: &SourceModel) -> Self {
        let (components, _) = dictionary.shape();
        let start = Array2::from_elem((frames, components), source.activation_start);
        let (dictionary, dictionary_is_known) = match dictionary {
            DictionaryModel::Known(known) => (
                Factor::dirac(known.components().to_owned(), Some(0.0)),
                true,
            ),
            DictionaryModel::Estimated(start) => {
                (Factor::dirac(start.values().to_owned(), None), false)
            }
        };
        Self {
            dictionary,
            activations: Factor::dirac(start, None),
            dictionary_is_known,
        }
    }

    /// `V_jm = E[W_jm] E[H_jm]`, the `omega` of eq. (13).
    fn variance(&self) -> Array2<f64> {
        let (w, h) = (
            &self.dictionary.expectations,
            &self.activations.expectations,
        );
        h.mean.dot(&w.mean).mapv(|v| v.max(VARIANCE_FLOOR))
    }

    /// `C_jm = G(W_jm) G(H_jm)`, the normaliser of eq. (14).
    fn harmonic_variance(&self) -> Array2<f64> {
        let (w, h) = (
            &self.dictionary.expectations,
            &self.activations.expectations,
        );
        h.harmonic.dot(&w.harmonic).mapv(|c| c.max(VARIANCE_FLOOR))
    }

    /// `E|S_j|^2 / C_jm^2`. With `phi` of eq. (14), `tau` of `h` is the sum over the bins of
    /// `E|s_j|^2 phi^2 / G(w) = G(h)^2 G(w) E|s_j|^2 / C_jm^2`.
    fn ratio(&self, posterior_power: &Array2<f64>) -> Array2<f64> {
        posterior_power / self.harmonic_variance().pow2()
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
    fn posterior(gig: &Gig, parameters: &GigParameters) -> Self {
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
