//! A posterior beyond the paper's, `q(S|K) q(W|K) q(H|K) q(K)`, update by update.
//!
//! The paper's `q(S)` is one for all orders, so eq. (16) averages their precisions: one order with
//! a tiny variance in a bin vetoes that bin for all, and each order is fitted to, and judged by, an
//! `E|s|^2` that the others dominate. Here `q(S)` is conditional on the orders. Every update stays
//! in closed form, and a source's estimate is an average of Wiener filters.
//!
//! Source: L. K. Saul, M. I. Jordan, "Exploiting tractable substructures in intractable networks",
//! NIPS 8 (1996); M. D. Hoffman, D. M. Blei, "Structured stochastic variational inference", AISTATS
//! (2015).

use ndarray::{Array2, ArrayView2};
use num_complex::Complex64;

use super::order::{Factor, GigParameters, Order};
use super::source_posterior::SourcePosterior;
use super::update::Update;
use crate::combinations::{Combinations, LogPosterior, validate_combinations};
use crate::error::ModelError;
use crate::gig::Gig;
use crate::problem::Problem;
use crate::separation::{FactorExpectations, Separation};
use crate::settings::{Precision, Settings};
use crate::source::SourceModel;

/// The structured variational posterior of one mixture, over all combinations
/// `K = (K_1, ..., K_J)` of an order of each source.
///
/// ```
/// use model::plain::StructuredModel;
/// use model::{Dictionary, Settings, SourceModel};
/// use ndarray::{Array2, array};
///
/// let speaker = SourceModel::known([
///     Dictionary::new(array![[4.0, 1.0, 1.0]])?,
///     Dictionary::new(array![[4.0, 1.0, 0.1], [0.1, 1.0, 1.0]])?,
/// ]);
/// let background = SourceModel::estimated(Array2::from_elem((1, 3), 0.5))?;
/// let mixture = Array2::from_shape_fn((5, 3), |(n, f)| (1.0 + (n * f) as f64).into());
///
/// let settings = Settings::default();
/// let mut model = StructuredModel::new(mixture.view(), &[speaker, background], &settings)?;
/// model.iterate();
/// let before = model.free_energy().unwrap();
/// model.update_activations(0, 1);
/// assert!(model.free_energy().unwrap() >= before);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct StructuredModel {
    mixture: Array2<Complex64>,
    noise_variance: f64,
    dictionary_gig: Gig,
    activation_gig: Gig,
    /// The orders of each source.
    sources: Vec<Vec<Order>>,
    /// `q(K)`.
    combinations: Combinations,
    /// `q(S | K)` of every combination.
    source_posteriors: Vec<SourcePosterior>,
    iterations: usize,
}

impl StructuredModel {
    /// The start: factors at their start values, `q(K)` at the prior, and the `q(S|K)` of these.
    ///
    /// `mixture`: frames x bins. The posterior is the structured one, whatever the settings say.
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

    /// [`StructuredModel::new`] with GIG distributions tabulated before, which replace the two
    /// shapes of the settings: for many small models in a row.
    ///
    /// # Errors
    /// As [`StructuredModel::new`].
    pub fn with_gigs(
        mixture: ArrayView2<'_, Complex64>,
        sources: &[SourceModel],
        settings: &Settings,
        dictionary_gig: Gig,
        activation_gig: Gig,
    ) -> Result<Self, ModelError> {
        settings.validate()?;
        let problem = Problem::new(mixture, sources)?;
        validate_combinations(sources)?;
        let (frames, bins) = mixture.dim();
        let beta = settings.tempering.beta(frames, bins);
        let orders = |(source, starts): (&SourceModel, &Vec<f64>)| {
            let order = |(dictionary, &start)| Order::new(dictionary, frames, start);
            source.orders.iter().zip(starts).map(order).collect()
        };
        let mut model = Self {
            mixture: mixture.to_owned(),
            noise_variance: settings.noise_variance,
            dictionary_gig,
            activation_gig,
            sources: sources.iter().zip(&problem.starts).map(orders).collect(),
            combinations: Combinations::new(sources, beta),
            source_posteriors: Vec::new(),
            iterations: 0,
        };
        model.update_sources();
        Ok(model)
    }

    /// The updates of one iteration in their order: source by source the estimated dictionaries of
    /// all orders and the activations of all orders; then `q(S|K)` and `q(K)`, which together are
    /// the posterior of the mixture's own evidence. The start has a `q(S|K)` for the first of them.
    #[must_use]
    pub fn schedule(&self) -> Vec<Update> {
        let mut updates = Vec::new();
        for (source, orders) in self.sources.iter().enumerate() {
            let positions = 0..orders.len();
            let estimated = positions
                .clone()
                .filter(|&m| !orders[m].dictionary_is_known);
            updates.extend(estimated.map(|order| Update::Dictionary { source, order }));
            updates.extend(positions.map(|order| Update::Activations { source, order }));
        }
        updates.extend([Update::Sources, Update::OrderPosterior]);
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
            Update::OrderPosterior => self.update_order_posterior(),
        }
    }

    /// One iteration: the [schedule](Self::schedule) once.
    pub fn iterate(&mut self) {
        for update in self.schedule() {
            self.apply(update);
        }
        self.iterations += 1;
    }

    /// Updates `q(S|K)` of every combination: eq. (15) with the variances of its own orders,
    ///
    /// `D_K = sigma^2 + sum_j C_{j K_j}`, `mu_j = C_{j K_j} x / D_K`,
    /// `Sigma_jj = C_{j K_j} (D_K - C_{j K_j}) / D_K`.
    pub fn update_sources(&mut self) {
        let variances: Vec<Vec<Array2<f64>>> = self
            .sources
            .iter()
            .map(|orders| orders.iter().map(Order::harmonic_variance).collect())
            .collect();
        let posterior = |combination: &Vec<usize>| {
            let choices = variances.iter().zip(combination);
            let of_combination: Vec<_> = choices.map(|(orders, &order)| &orders[order]).collect();
            SourcePosterior::new(&self.mixture, &of_combination, self.noise_variance)
        };
        let combinations = self.combinations.orders().iter();
        self.source_posteriors = combinations.map(posterior).collect();
    }

    /// `E[ |s_j|^2 | K_j = m ] = sum_K q(K | K_j = m) E[ |s_j|^2 | K ]`, frames x bins: what an
    /// order is fitted to.
    fn posterior_power(&self, source: usize, order: usize) -> Array2<f64> {
        let mut power = Array2::zeros(self.mixture.dim());
        for given in self.combinations.given(source, order) {
            let conditional = &self.source_posteriors[given.combination].power[source];
            power.scaled_add(given.weight, conditional);
        }
        power
    }

    /// `rho` and `tau` of `q(W_jm | K_jm)`, components x bins: eq. (17) with
    /// `E[ |s_j|^2 | K_j = m ]`,
    ///
    /// `rho = a + E[H]^T (1 / V_jm)`,
    /// `tau = G(W)^2 o [ G(H)^T (E[ |S_j|^2 | K_j = m ] / C_jm^2) ]`.
    ///
    /// # Panics
    /// If there is no such source or order.
    #[must_use]
    pub fn dictionary_parameters(&self, source: usize, order: usize) -> GigParameters {
        let power = self.posterior_power(source, order);
        self.sources[source][order].dictionary_parameters(self.dictionary_gig.shape(), &power)
    }

    /// `rho` and `tau` of `q(H_jm | K_jm)`, frames x components: eq. (17) with
    /// `E[ |s_j|^2 | K_j = m ]` and `W` and `H` exchanged,
    ///
    /// `rho = b + (1 / V_jm) E[W]^T`,
    /// `tau = G(H)^2 o [ (E[ |S_j|^2 | K_j = m ] / C_jm^2) G(W)^T ]`.
    ///
    /// # Panics
    /// If there is no such source or order.
    #[must_use]
    pub fn activation_parameters(&self, source: usize, order: usize) -> GigParameters {
        let power = self.posterior_power(source, order);
        self.sources[source][order].activation_parameters(self.activation_gig.shape(), &power)
    }

    /// Updates `q(W_jm | K_jm)`, a GIG per entry. A known dictionary stays as it is.
    ///
    /// # Panics
    /// If there is no such source or order.
    pub fn update_dictionary(&mut self, source: usize, order: usize) {
        if self.sources[source][order].dictionary_is_known {
            return;
        }
        let parameters = self.dictionary_parameters(source, order);
        self.sources[source][order].dictionary =
            Factor::posterior(&self.dictionary_gig, &parameters);
    }

    /// Updates `q(H_jm | K_jm)`, a GIG per entry.
    ///
    /// # Panics
    /// If there is no such source or order.
    pub fn update_activations(&mut self, source: usize, order: usize) {
        let parameters = self.activation_parameters(source, order);
        self.sources[source][order].activations =
            Factor::posterior(&self.activation_gig, &parameters);
    }

    /// Updates `q(K) = exp( log q~(K) / beta ) / Z`. Does nothing while a factor is at its start
    /// value.
    pub fn update_order_posterior(&mut self) {
        if let Some(log_posterior) = self.log_posterior_parts() {
            self.combinations.update(&log_posterior);
        }
    }

    /// `log q~(K)` of every combination in nats, under the latest `q(S|K)`:
    ///
    /// `- sum_fn [ log(pi sigma^2) + E[ |x - A s|^2 | K ] / sigma^2 ]`
    /// `+ sum_fn [ J log(pi e) + log det Sigma_K ]`
    /// `+ sum_j ( log pi_{j K_j}`
    /// `          - sum_fn [ log pi + log V_{j K_j} + E[ |s_j|^2 | K ] / C_{j K_j} ]`
    /// `          + KL terms of W_{j K_j} and H_{j K_j} )`.
    ///
    /// Where `q(S|K)` has just been updated, that is the evidence of the mixture itself:
    ///
    /// `sum_j log pi_{j K_j} + sum_fn [ - log(pi D_K) - |x|^2 / D_K ]`
    /// `+ sum_j ( sum_fn log(C_{j K_j} / V_{j K_j}) + KL terms of W_{j K_j} and H_{j K_j} )`.
    ///
    /// None while a factor is at its start value, which is no distribution.
    #[must_use]
    pub fn log_posterior(&self) -> Option<Vec<f64>> {
        Some(
            self.combinations
                .log_posterior(&self.log_posterior_parts()?),
        )
    }

    fn log_posterior_parts(&self) -> Option<LogPosterior> {
        let term = |order: &Order| Some(order.kl_terms()? - order.log_volume());
        let terms = |orders: &Vec<Order>| orders.iter().map(term).collect();
        let combinations = self.combinations.orders().iter();
        let log_likelihood = |(orders, posterior): (&Vec<usize>, &SourcePosterior)| -> f64 {
            let choices = self.sources.iter().zip(orders).zip(&posterior.power);
            let misfits = choices.map(|((orders, &m), power)| orders[m].misfit(power));
            posterior.free_energy_term(self.noise_variance) - misfits.sum::<f64>()
        };
        Some(LogPosterior {
            combinations: combinations
                .zip(&self.source_posteriors)
                .map(log_likelihood)
                .collect(),
            orders: self.sources.iter().map(terms).collect::<Option<_>>()?,
        })
    }

    /// The tempered free energy in nats, which no update lowers:
    ///
    /// `F = sum_K q(K) log q~(K) + beta H[q(K)]`.
    ///
    /// None while a factor is at its start value.
    #[must_use]
    pub fn free_energy(&self) -> Option<f64> {
        Some(self.combinations.free_energy(&self.log_posterior_parts()?))
    }

    /// `q(K_j)` of every source, the marginals of `q(K)`, in the order of its dictionaries.
    #[must_use]
    pub fn order_posterior(&self) -> Vec<Vec<f64>> {
        self.combinations.marginals()
    }

    /// `mu_j = sum_K q(K) E[ s_j | K ]` of every source under the latest `q(S|K)`, frames x bins.
    #[must_use]
    pub fn estimates(&self) -> Vec<Array2<Complex64>> {
        let mut estimates = vec![Array2::zeros(self.mixture.dim()); self.sources.len()];
        for (&q, posterior) in self
            .combinations
            .posterior()
            .iter()
            .zip(&self.source_posteriors)
        {
            for (estimate, mean) in estimates.iter_mut().zip(&posterior.mean) {
                estimate.scaled_add(Complex64::from(q), mean);
            }
        }
        estimates
    }

    /// The dictionary of an order, components x bins.
    ///
    /// # Panics
    /// If there is no such source or order.
    #[must_use]
    pub fn dictionary(&self, source: usize, order: usize) -> &FactorExpectations {
        &self.sources[source][order].dictionary.expectations
    }

    /// The activations of an order, frames x components.
    ///
    /// # Panics
    /// If there is no such source or order.
    #[must_use]
    pub fn activations(&self, source: usize, order: usize) -> &FactorExpectations {
        &self.sources[source][order].activations.expectations
    }

    /// The state as a result, after a last update of `q(S|K)`. None before the first iteration.
    #[must_use]
    pub fn finish(mut self) -> Option<Separation> {
        self.update_sources();
        let log_posterior = self.log_posterior_parts()?;
        let estimate = |orders: Vec<Order>| orders.into_iter().map(Order::into_estimate).collect();
        Some(Separation {
            precision: Precision::F64,
            iterations: self.iterations,
            estimates: self.estimates(),
            order_posterior: self.combinations.marginals(),
            log_order_posterior: self.combinations.log_marginals(&log_posterior),
            free_energy: self.combinations.free_energy(&log_posterior),
            factors: self.sources.into_iter().map(estimate).collect(),
        })
    }
}
