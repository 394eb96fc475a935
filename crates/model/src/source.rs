//! What is known of a source before inference: its orders, its dictionaries, where to start.

use std::sync::Arc;

use ndarray::Array2;

use crate::dictionary::Dictionary;
use crate::inference::OrderEstimate;

/// The dictionary of one order.
#[derive(Debug, Clone, PartialEq)]
pub enum DictionaryModel {
    /// Fixed to a value, a Dirac in the variational treatment.
    Known(Arc<Dictionary>),
    /// Estimated with the activations. Holds the start value of `E[W]`, components x bins, which
    /// is also the start of the harmonic expectation.
    Estimated(Array2<f64>),
}

impl DictionaryModel {
    /// Number of components and of bins.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        match self {
            Self::Known(dictionary) => dictionary.components().dim(),
            Self::Estimated(start) => start.dim(),
        }
    }
}

/// One source `j`: a set of orders `K_jm`, each with its own dictionary, and a prior over them.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceModel {
    pub(crate) orders: Vec<DictionaryModel>,
    pub(crate) prior: Vec<f64>,
    pub(crate) activation_start: f64,
}

/// Start value of the activations unless [`SourceModel::with_activation_start`] says otherwise:
/// a thousand times their prior mean, the start that suits data drawn from the model.
pub const ACTIVATION_START: f64 = 1000.0;

impl SourceModel {
    /// A source with the given dictionaries, one per order, all equally probable a priori.
    #[must_use]
    pub fn new(orders: Vec<DictionaryModel>) -> Self {
        let prior = vec![1.0 / orders.len() as f64; orders.len()];
        Self {
            orders,
            prior,
            activation_start: ACTIVATION_START,
        }
    }

    /// A source whose dictionaries are all known, one per order.
    #[must_use]
    pub fn known(dictionaries: impl IntoIterator<Item = Arc<Dictionary>>) -> Self {
        Self::new(
            dictionaries
                .into_iter()
                .map(DictionaryModel::Known)
                .collect(),
        )
    }

    /// A source of one order whose dictionary is estimated from `start` (`E[W]`, components x
    /// bins).
    #[must_use]
    pub fn estimated(start: Array2<f64>) -> Self {
        Self::new(vec![DictionaryModel::Estimated(start)])
    }

    /// Sets the prior `pi_m` over the orders; it must be positive and sum to 1.
    #[must_use]
    pub fn with_prior(mut self, prior: Vec<f64>) -> Self {
        self.prior = prior;
        self
    }

    /// Sets the constant at which `E[H]` and `1 / E[1/H]` start.
    #[must_use]
    pub fn with_activation_start(mut self, start: f64) -> Self {
        self.activation_start = start;
        self
    }

    /// The same source as the start of another inference, of the next part of a recording for
    /// instance: estimated dictionaries start from the posterior means `E[W]` of `factors`, one per
    /// order as [`Separation::factors`](crate::Separation::factors) has them, raised to `floor`.
    /// Known dictionaries stay as they are.
    #[must_use]
    pub fn continued_from(mut self, factors: &[OrderEstimate], floor: f64) -> Self {
        for (order, factor) in self.orders.iter_mut().zip(factors) {
            if let DictionaryModel::Estimated(start) = order {
                *start = factor.dictionary.mean.mapv(|mean| mean.max(floor));
            }
        }
        self
    }

    /// The orders' dictionaries.
    #[must_use]
    pub fn orders(&self) -> &[DictionaryModel] {
        &self.orders
    }
}
