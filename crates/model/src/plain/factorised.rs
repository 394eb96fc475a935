//! The paper's posterior, `q(S) q(W|K) q(H|K) prod_j q(K_j)`, update by update.

use libm::log;
use ndarray::{Array2, ArrayView2};
use num_complex::Complex64;

use super::order::{Factor, GigParameters, Order};
use super::source_posterior::SourcePosterior;
use super::update::Update;
use crate::error::ModelError;
use crate::gig::Gig;
use crate::order_posterior::{entropy, tempered_posterior};
use crate::problem::Problem;
use crate::separation::{FactorExpectations, Separation};
use crate::settings::{Precision, Settings};
use crate::source::SourceModel;

/// The variational posterior of one mixture as the paper has it.
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
    source_posterior: SourcePosterior,
    iterations: usize,
}

#[derive(Debug, Clone)]
struct Source {
    orders: Vec<Order>,
    prior: Vec<f64>,
    /// `q(K_jm)`.
    posterior: Vec<f64>,
    /// `C_j` of eq. (16).
    variance: Array2<f64>,
}

impl PlainModel {
    /// The start: factors at their start values, `q(K)` at the prior, `q(S)` as follows from them.
    ///
    /// `mixture`: frames x bins. The posterior is the factorised one, whatever the settings say.
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
        let problem = Problem::new(mixture, sources)?;
        let (frames, bins) = mixture.dim();
        let mixture = mixture.to_owned();
        let with_starts = sources.iter().zip(&problem.starts);
        let sources: Vec<Source> = with_starts
            .map(|(source, starts)| Source::new(source, starts, frames, bins))
            .collect();
        Ok(Self {
            noise_variance: settings.noise_variance,
            beta: settings.tempering.beta(frames, bins),
            dictionary_gig,
            activation_gig,
            source_posterior: source_posterior(&mixture, &sources, settings.noise_variance),
            mixture,
            sources,
            iterations: 0,
        })
    }

    /// The updates of one iteration in their order: `q(S)`; then source by source the estimated
    /// dictionaries of all orders and the activations of all orders; then `q(K)`.
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
        updates.push(Update::OrderPosterior);
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
            Update::OrderPosterior => {
                for source in 0..self.sources.len() {
                    self.update_order_posterior(source);
                }
            }
        }
    }

    /// One iteration: the [schedule](Self::schedule) once.
    pub fn iterate(&mut self) {
        for update in self.schedule() {
            self.apply(update);
        }
        self.iterations += 1;
    }

    /// Updates `q(S)`, eq. (15) with the variances of eq. (16):
    ///
    /// `C_j = ( sum_m q(K_jm) / C_jm )^-1`,
    /// `Sigma = ( diag(1 / C_j) + A^H A / sigma^2 )^-1`, `mu = Sigma A^H x / sigma^2`.
    pub fn update_sources(&mut self) {
        for source in &mut self.sources {
            source.update_variance();
        }
        self.source_posterior = source_posterior(&self.mixture, &self.sources, self.noise_variance);
    }

    /// `rho` and `tau` of `q(W_jm | K_jm)`, components x bins (eq. 17):
    ///
    /// `rho = a + E[H]^T (1 / V_jm)`, `tau = G(W)^2 o [ G(H)^T (E|S_j|^2 / C_jm^2) ]`.
    ///
    /// # Panics
    /// If there is no such source or order.
    #[must_use]
    pub fn dictionary_parameters(&self, source: usize, order: usize) -> GigParameters {
        let power = &self.source_posterior.power[source];
        self.sources[source].orders[order].dictionary_parameters(self.dictionary_gig.shape(), power)
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
        let power = &self.source_posterior.power[source];
        self.sources[source].orders[order].activation_parameters(self.activation_gig.shape(), power)
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
        let power = &self.source_posterior.power[source];
        let source = &self.sources[source];
        let log_posterior = |(order, &prior): (&Order, &f64)| {
            Some(log(prior) + order.log_likelihood(power) + order.kl_terms()?)
        };
        let orders = source.orders.iter().zip(&source.prior);
        orders.map(log_posterior).collect()
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
        let mut free_energy = self.source_posterior.free_energy_term(self.noise_variance);
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
    pub fn estimates(&self) -> &[Array2<Complex64>] {
        &self.source_posterior.mean
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
        let estimate = |source: Source| {
            let orders = source.orders.into_iter();
            orders.map(Order::into_estimate).collect()
        };
        Some(Separation {
            precision: Precision::F64,
            iterations: self.iterations,
            log_order_posterior: log_order_posterior.collect::<Option<_>>()?,
            estimates: self.source_posterior.mean,
            order_posterior: self.sources.iter().map(|s| s.posterior.clone()).collect(),
            free_energy,
            factors: self.sources.into_iter().map(estimate).collect(),
        })
    }
}

impl Source {
    fn new(model: &SourceModel, starts: &[f64], frames: usize, bins: usize) -> Self {
        let order = |(dictionary, &start)| Order::new(dictionary, frames, start);
        let mut source = Self {
            orders: model.orders.iter().zip(starts).map(order).collect(),
            prior: model.prior.clone(),
            posterior: model.prior.clone(),
            variance: Array2::zeros((frames, bins)),
        };
        source.update_variance();
        source
    }

    /// `C_j = ( sum_m q(K_jm) / C_jm )^-1`, eq. (16): precisions are averaged.
    fn update_variance(&mut self) {
        let mut precision = Array2::zeros(self.variance.dim());
        for (order, &q) in self.orders.iter().zip(&self.posterior) {
            precision += &(q / order.harmonic_variance());
        }
        self.variance = precision.recip();
    }
}

fn source_posterior(
    mixture: &Array2<Complex64>,
    sources: &[Source],
    noise_variance: f64,
) -> SourcePosterior {
    let variances: Vec<&Array2<f64>> = sources.iter().map(|source| &source.variance).collect();
    SourcePosterior::new(mixture, &variances, noise_variance)
}
