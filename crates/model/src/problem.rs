//! A mixture and its sources, checked to fit each other.

use ndarray::ArrayView2;
use num_complex::Complex64;

use crate::activation_start::{ActivationStart, check_start};
use crate::error::ModelError;
use crate::source::{DictionaryModel, SourceModel};

/// What an inference begins with.
#[derive(Debug, Clone)]
pub(crate) struct Problem<'a> {
    /// Frames x bins.
    pub(crate) mixture: ArrayView2<'a, Complex64>,
    pub(crate) sources: &'a [SourceModel],
    /// Start of the activations, per source and order.
    pub(crate) starts: Vec<Vec<f64>>,
}

impl<'a> Problem<'a> {
    /// Checks that the mixture is finite and that every source fits it.
    pub(crate) fn new(
        mixture: ArrayView2<'a, Complex64>,
        sources: &'a [SourceModel],
    ) -> Result<Self, ModelError> {
        validate_mixture(mixture)?;
        validate_sources(sources, mixture.ncols())?;
        Ok(Self {
            mixture,
            sources,
            starts: resolve_starts(mixture, sources)?,
        })
    }
}

fn validate_mixture(mixture: ArrayView2<'_, Complex64>) -> Result<(), ModelError> {
    let (frames, bins) = mixture.dim();
    if mixture.is_empty() {
        return Err(ModelError::EmptyMixture { frames, bins });
    }
    for ((frame, bin), x) in mixture.indexed_iter() {
        if !(0.0..=1e100).contains(&x.norm_sqr()) {
            return Err(ModelError::NotFinite { frame, bin });
        }
    }
    Ok(())
}

fn validate_sources(sources: &[SourceModel], bins: usize) -> Result<(), ModelError> {
    if sources.is_empty() {
        return Err(ModelError::NoSource);
    }
    for (source_index, source) in sources.iter().enumerate() {
        if source.orders.is_empty() {
            return Err(ModelError::NoOrder { source_index });
        }
        for (order_index, order) in source.orders.iter().enumerate() {
            let (_, found) = order.shape();
            if found != bins {
                return Err(ModelError::BinsDiffer {
                    source_index,
                    order_index,
                    found,
                    expected: bins,
                });
            }
        }
    }
    Ok(())
}

/// The start of every order's activations, for this mixture.
fn resolve_starts(
    mixture: ArrayView2<'_, Complex64>,
    sources: &[SourceModel],
) -> Result<Vec<Vec<f64>>, ModelError> {
    let mean_power = || {
        mixture
            .iter()
            .map(|x| x.norm_sqr() / mixture.len() as f64)
            .sum::<f64>()
    };
    let resolve = |source: &SourceModel| match source.activation_start {
        ActivationStart::Constant(start) => Ok(vec![start; source.orders.len()]),
        ActivationStart::Balanced { factor } => {
            let share = factor * mean_power() / sources.len() as f64;
            if share <= 0.0 {
                return Err(ModelError::SilentMixture);
            }
            let start = |order: &DictionaryModel| {
                let start = share / (order.shape().0 as f64 * order.mean_entry());
                check_start("balanced activation_start", start).map(|()| start)
            };
            source.orders.iter().map(start).collect()
        }
    };
    sources.iter().map(resolve).collect()
}
