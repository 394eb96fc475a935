//! What is known of a source before inference: its orders, its dictionaries, where to start.

use std::sync::Arc;

use ndarray::Array2;

use crate::activation_start::ActivationStart;
use crate::dictionary::{Dictionary, DictionaryError, DictionaryStart};
use crate::error::ModelError;
use crate::separation::OrderEstimate;

/// The dictionary of one order.
#[derive(Debug, Clone, PartialEq)]
pub enum DictionaryModel {
    /// Fixed to a value, a Dirac in the variational treatment.
    Known(Arc<Dictionary>),
    /// Estimated with the activations, from this start.
    Estimated(DictionaryStart),
}

impl DictionaryModel {
    /// Number of components and of bins.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        match self {
            Self::Known(dictionary) => dictionary.components().dim(),
            Self::Estimated(start) => start.values().dim(),
        }
    }

    /// The mean of `E[W]` over all components and bins, at the start.
    pub(crate) fn mean_entry(&self) -> f64 {
        let values = match self {
            Self::Known(dictionary) => dictionary.components(),
            Self::Estimated(start) => start.values(),
        };
        values.sum() / values.len() as f64
    }
}

impl From<Dictionary> for DictionaryModel {
    fn from(dictionary: Dictionary) -> Self {
        Self::Known(Arc::new(dictionary))
    }
}

impl From<Arc<Dictionary>> for DictionaryModel {
    fn from(dictionary: Arc<Dictionary>) -> Self {
        Self::Known(dictionary)
    }
}

impl From<DictionaryStart> for DictionaryModel {
    fn from(start: DictionaryStart) -> Self {
        Self::Estimated(start)
    }
}

/// One source `j`: a set of orders `K_jm`, each with its own dictionary, and a prior over them.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceModel {
    pub(crate) orders: Vec<DictionaryModel>,
    pub(crate) prior: Vec<f64>,
    pub(crate) activation_start: ActivationStart,
}

/// How far the sum of a prior may be from 1: what rounding makes of it.
const PRIOR_ROUNDING: f64 = 1e-9;

impl SourceModel {
    /// A source with the given dictionaries, known or estimated, one per order, all equally
    /// probable a priori.
    #[must_use]
    pub fn new(orders: impl IntoIterator<Item = impl Into<DictionaryModel>>) -> Self {
        let orders: Vec<DictionaryModel> = orders.into_iter().map(Into::into).collect();
        let prior = vec![1.0 / orders.len() as f64; orders.len()];
        Self {
            orders,
            prior,
            activation_start: ActivationStart::default(),
        }
    }

    /// A source whose dictionaries are all known, one per order. A dictionary that several sources
    /// have is best given as an `Arc`, which they share.
    #[must_use]
    pub fn known(dictionaries: impl IntoIterator<Item = impl Into<Arc<Dictionary>>>) -> Self {
        Self::new(dictionaries.into_iter().map(Into::<Arc<Dictionary>>::into))
    }

    /// A source of one order whose dictionary is estimated from `start`, components x bins.
    ///
    /// # Errors
    /// As [`DictionaryStart::new`].
    pub fn estimated(start: Array2<f64>) -> Result<Self, DictionaryError> {
        Ok(Self::new([DictionaryStart::new(start)?]))
    }

    /// Sets the prior `pi_m` over the orders.
    ///
    /// # Errors
    /// [`ModelError::InvalidPrior`] unless it is one positive number per order, of sum 1.
    pub fn with_prior(mut self, prior: impl Into<Vec<f64>>) -> Result<Self, ModelError> {
        let prior = prior.into();
        let positive = prior.iter().all(|&p| p > 0.0 && p <= 1.0);
        let sum: f64 = prior.iter().sum();
        if prior.len() != self.orders.len() || !positive || (sum - 1.0).abs() > PRIOR_ROUNDING {
            return Err(ModelError::InvalidPrior {
                orders: self.orders.len(),
                prior,
            });
        }
        self.prior = prior;
        Ok(self)
    }

    /// Sets where the activations start: a constant, or [`ActivationStart::Balanced`].
    ///
    /// # Errors
    /// [`ModelError::OutOfRange`] unless the constant or the factor is positive and below 1e30.
    pub fn with_activation_start(
        mut self,
        start: impl Into<ActivationStart>,
    ) -> Result<Self, ModelError> {
        let start = start.into();
        start.validate()?;
        self.activation_start = start;
        Ok(self)
    }

    /// The same source as the start of another inference, of the next part of a recording for
    /// instance: estimated dictionaries start from the posterior means `E[W]` of `factors`, one per
    /// order as [`Separation::factors`](crate::Separation::factors) has them, raised to `floor`.
    /// Known dictionaries stay as they are.
    ///
    /// # Errors
    /// A [`DictionaryError`] for means that cannot be a start, being 0 or above 1e30.
    pub fn continued_from(
        mut self,
        factors: &[OrderEstimate],
        floor: f64,
    ) -> Result<Self, DictionaryError> {
        for (order, factor) in self.orders.iter_mut().zip(factors) {
            if let DictionaryModel::Estimated(start) = order {
                let means = factor.dictionary.mean.mapv(|mean| mean.max(floor));
                *start = DictionaryStart::new(means)?;
            }
        }
        Ok(self)
    }

    /// The orders' dictionaries.
    #[must_use]
    pub fn orders(&self) -> &[DictionaryModel] {
        &self.orders
    }
}
