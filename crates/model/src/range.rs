//! The numbers that the model can be trusted with, in either precision.

use std::ops::RangeInclusive;

use ndarray::ArrayView2;

use crate::problem::Problem;
use crate::source::{DictionaryModel, SourceModel};

/// Floor of `C` and `V` in every bin. Far below any datum and far above the square root of the
/// smallest normal number, so that `1 / C^2` and `1 / (C V)` stay finite where every component of a
/// source is switched off.
pub(crate) const VARIANCE_FLOOR: f64 = 1e-100;

/// What an inference or a training in single precision must stay within.
pub(crate) const SINGLE_RANGE: Range = Range {
    largest: 1e17,
    smallest_variance: 1e-30,
    smallest_noise: 1e-15,
    smallest_power: 1e-25,
    smallest_ratio: f32::MIN_POSITIVE as f64,
    finite: f32::MAX as f64,
};

/// What numbers must be for single precision to be as good as double. Inside these bounds nothing
/// overflows unnoticed, and what underflows is far below what it is added to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    /// Largest factor, power of the mixture and noise variance.
    pub(crate) largest: f64,
    /// All `C` and `V` are above it.
    pub(crate) smallest_variance: f64,
    pub(crate) smallest_noise: f64,
    /// Smallest power of a training, five decades above the smallest `V`.
    pub(crate) smallest_power: f64,
    /// Smallest `P / V^2` of a training: below, there are fewer digits.
    pub(crate) smallest_ratio: f64,
    /// Largest parameter of a posterior.
    pub(crate) finite: f64,
}

impl Range {
    /// Whether all that an inference begins with is inside.
    pub(crate) fn holds(&self, problem: &Problem<'_>, noise_variance: f64) -> bool {
        let holds = |values: ArrayView2<'_, f64>| values.iter().all(|&w| w <= self.largest);
        let source = |source: &SourceModel| {
            source.orders.iter().all(|order| match order {
                DictionaryModel::Known(dictionary) => holds(dictionary.components()),
                DictionaryModel::Estimated(start) => holds(start.values()),
            })
        };
        (self.smallest_noise..=self.largest).contains(&noise_variance)
            && problem.mixture.iter().all(|x| x.norm_sqr() <= self.largest)
            && problem
                .starts
                .iter()
                .flatten()
                .all(|&start| start <= self.largest)
            && problem.sources.iter().all(source)
    }

    /// Whether the state of a training is inside. `power`: its floor and largest value; `largest`:
    /// the largest entries of its `order` components and of its activations.
    pub(crate) fn holds_training(
        &self,
        power: &RangeInclusive<f64>,
        order: usize,
        [w, h]: [f64; 2],
    ) -> bool {
        // `V` is not above this, or will come down to it.
        let v = f64::max(order as f64 * w * h, *power.end());
        [w, h, v].iter().all(|&value| value <= self.largest)
            && *power.start() >= f64::max(self.smallest_power, self.smallest_ratio * v * v)
    }
}
