//! All that moves in an inference, taken out of its model to be extrapolated and put back.

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;

use super::extrapolation::{Extent, FactorValues};
use super::pack::Real;
use crate::settings::Execution;

/// All factors that are not known.
#[derive(Debug)]
pub(crate) struct Factors<T: Real> {
    /// The activations, slab by slab, source by source and order by order.
    pub(super) activations: Vec<Vec<FactorValues<T>>>,
    /// The estimated dictionaries, likewise.
    pub(super) dictionaries: Vec<FactorValues<T>>,
}

impl<T: Real> Factors<T> {
    /// Becomes, from the second of three successive states, what they lead to.
    pub(super) fn extrapolate(
        &mut self,
        [start, last]: [&Self; 2],
        max_alpha: f64,
        level: Level,
        execution: Execution,
    ) -> Extent {
        let extrapolate = |first: &mut [FactorValues<T>], start: &[_], last: &[_]| -> Extent {
            let others = start.iter().zip(last);
            let extents = first.iter_mut().zip(others).map(|(first, (start, last))| {
                dispatch!(level, simd => first.extrapolate(simd, [start, last], max_alpha))
            });
            extents.fold(Extent::default(), Extent::plus)
        };
        let slab = |(slab, first): (usize, &mut Vec<FactorValues<T>>)| {
            extrapolate(first, &start.activations[slab], &last.activations[slab])
        };
        let extents: Vec<Extent> = match execution {
            Execution::Serial => self.activations.iter_mut().enumerate().map(slab).collect(),
            Execution::Parallel => {
                let slabs = self.activations.par_iter_mut().enumerate();
                slabs.map(slab).collect()
            }
        };
        let of_dictionaries = extrapolate(
            &mut self.dictionaries,
            &start.dictionaries,
            &last.dictionaries,
        );
        extents.into_iter().fold(of_dictionaries, Extent::plus)
    }
}
