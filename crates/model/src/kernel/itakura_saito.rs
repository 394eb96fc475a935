//! One iteration of Itakura-Saito NMF in one pass over the data.
//!
//! The activations of a frame depend on that frame alone, so a tile goes from `V` to its new
//! activations, to the new `V`, to its share of the dictionary's contractions while it is in
//! cache. Slabs of frames run in parallel and are added in order.
//!
//! | file | what it is |
//! |---|---|
//! | [`slab`] | consecutive frames, walked in tiles and blocks |
//! | [`turn`] | packs of frames become packs of bins |

mod slab;
mod turn;

use fearless_simd::{Level, dispatch};
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::layout::{Panel, slab_frames};
use super::pack::Real;
use slab::{Slab, entry};

/// The state of a training: `P ~ V = W H`.
#[derive(Debug)]
pub(crate) struct TiledTraining<T: Real> {
    level: Level,
    /// In double precision, and as the products take it.
    dictionary: Panel<f64>,
    panel: Panel<T>,
    bins: usize,
    slabs: Vec<Slab<T>>,
    /// `sum log P`, plus the number of entries: what is taken from `sum [ P / V + log V ]`.
    constant: f64,
    out_of_range: bool,
}

impl<T: Real> TiledTraining<T> {
    /// `power`: frames x bins, raised to `power_floor`, a positive normal number. `dictionary`:
    /// components x bins. `activations`: frames x components.
    pub(crate) fn new(
        power: ArrayView2<'_, f64>,
        power_floor: f64,
        dictionary: ArrayView2<'_, f64>,
        activations: ArrayView2<'_, f64>,
    ) -> Self {
        let level = Level::new();
        let (frames, bins) = power.dim();
        let slab_frames = slab_frames(frames);
        let powers: Vec<_> = power.axis_chunks_iter(Axis(0), slab_frames).collect();
        let starts: Vec<_> = activations.axis_chunks_iter(Axis(0), slab_frames).collect();
        let slab = |(power, activations)| Slab::new(power, power_floor, activations);
        let slabs: Vec<Slab<T>> = powers.into_par_iter().zip(starts).map(slab).collect();
        let log_power = |slab: &Slab<T>| dispatch!(level, simd => slab.log_power(simd, bins));
        let log_powers: Vec<f64> = slabs.par_iter().map(log_power).collect();
        Self {
            level,
            dictionary: Panel::from_array(dictionary),
            panel: Panel::from_array(dictionary),
            bins,
            slabs,
            constant: log_powers.iter().sum::<f64>() + (frames * bins) as f64,
            out_of_range: false,
        }
    }

    /// Uses the instruction set that every machine of this architecture has instead of the best
    /// one.
    #[cfg(test)]
    fn with_baseline_instructions(mut self) -> Self {
        self.level = Level::baseline();
        self
    }

    /// Updates the activations, then the dictionary, then scales its components to unit mean.
    /// Returns the cost before the updates.
    pub(crate) fn iterate(&mut self) -> f64 {
        let (level, panel, bins) = (self.level, &self.panel, self.bins);
        self.slabs.par_iter_mut().for_each(|slab| {
            dispatch!(level, simd => slab.iterate(simd, panel, bins));
        });
        self.update_dictionary();
        let scales = self.normalise_dictionary();
        self.slabs.par_iter_mut().for_each(|slab| {
            dispatch!(level, simd => slab.scale_activations(simd, &scales));
        });
        self.divergence()
    }

    /// The Itakura-Saito divergence `sum [ P / V - log(P / V) - 1 ]`.
    pub(crate) fn cost(&mut self) -> f64 {
        let (level, panel, bins) = (self.level, &self.panel, self.bins);
        self.slabs.par_iter_mut().for_each(|slab| {
            dispatch!(level, simd => slab.evaluate(simd, panel, bins));
        });
        self.divergence()
    }

    /// Whether something has left [`Real::RANGE`]: what has been found since is worth nothing.
    pub(crate) fn is_out_of_range(&self) -> bool {
        self.out_of_range || self.slabs.iter().any(|slab| slab.out_of_range)
    }

    /// The largest entries of the dictionary and of the activations.
    pub(crate) fn largest_factors(&self) -> [f64; 2] {
        let dictionary = self.dictionary.values.iter().copied();
        let activations = self.slabs.iter().map(Slab::largest_activation);
        [
            dictionary.fold(0.0, f64::max),
            activations.fold(0.0, f64::max),
        ]
    }

    /// Components x bins.
    pub(crate) fn dictionary(&self) -> Array2<f64> {
        self.dictionary.to_array()
    }

    /// Frames x components.
    pub(crate) fn activations(&self) -> Array2<f64> {
        let parts: Vec<Array2<f64>> = self.slabs.iter().map(Slab::activations).collect();
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        ndarray::concatenate(Axis(0), &views).expect("slabs hold the same components")
    }

    fn divergence(&self) -> f64 {
        let misfits = self.slabs.iter().map(|slab| slab.misfit.total());
        misfits.sum::<f64>() - self.constant
    }

    /// `W <- W o ((P / V^2) H^T) / ((1 / V) H^T)`; an entry with nothing to explain stays as it is.
    fn update_dictionary(&mut self) {
        let (order, slabs) = (self.dictionary.order, &self.slabs);
        let groups = self.dictionary.values.par_chunks_mut(T::LANES * order);
        let update = |(group, entries): (usize, &mut [f64])| -> bool {
            let mut within = true;
            for k in 0..order {
                let at = group * order + k;
                let numerators =
                    sum_packs::<T>(slabs.iter().map(|slab| &slab.dictionary_numerators[at]));
                let denominators =
                    sum_packs::<T>(slabs.iter().map(|slab| &slab.dictionary_denominators[at]));
                for (bin, entries) in entries.chunks_exact_mut(order).enumerate() {
                    let numerator = entry::<T>(&numerators, bin);
                    let denominator = entry::<T>(&denominators, bin);
                    if denominator > 0.0 {
                        entries[k] *= numerator / denominator;
                    }
                    within &= T::RANGE.is_none_or(|range| {
                        denominator <= range.finite && entries[k] <= range.finite
                    });
                }
            }
            within
        };
        let within = groups
            .enumerate()
            .map(update)
            .reduce(|| true, |a, b| a && b);
        self.out_of_range |= !within;
    }

    /// Scales the components to unit mean; returns the means, by which they have been divided. One
    /// that has become zero is left alone.
    fn normalise_dictionary(&mut self) -> Vec<f64> {
        let (order, bins) = (self.dictionary.order, self.bins);
        let mut means = vec![0.0; order];
        for entries in self.dictionary.values.chunks_exact(order) {
            for (mean, entry) in means.iter_mut().zip(entries) {
                *mean += entry / bins as f64;
            }
        }
        for mean in &mut means {
            if *mean <= 0.0 {
                *mean = 1.0;
            }
        }
        let panel = self.panel.values.chunks_exact_mut(order);
        for (entries, panel) in self.dictionary.values.chunks_exact_mut(order).zip(panel) {
            for ((entry, of_panel), mean) in entries.iter_mut().zip(panel).zip(&means) {
                *entry /= mean;
                *of_panel = T::from_f64(*entry);
            }
        }
        means
    }
}

/// Adds packs in order.
fn sum_packs<'a, T: Real>(packs: impl Iterator<Item = &'a T::Wide>) -> T::Wide {
    let mut sums = T::WIDE_ZEROS;
    for terms in packs {
        for (sums, terms) in sums.as_mut().iter_mut().zip(terms.as_ref()) {
            for (sum, term) in sums.0.iter_mut().zip(&terms.0) {
                *sum += term;
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// 75 frames and 131 bins fill neither the last group nor the last tile or block.
    fn learn<T: Real>(order: usize) -> [(Array2<f64>, Array2<f64>, Vec<f64>); 2] {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut matrix =
            |rows, columns| Array2::from_shape_simple_fn((rows, columns), || rng.random::<f64>());
        let (power, dictionary, activations) =
            (matrix(75, 131), matrix(order, 131), matrix(75, order));
        let state =
            || TiledTraining::<T>::new(power.view(), 1e-6, dictionary.view(), activations.view());
        [state(), state().with_baseline_instructions()].map(|mut state| {
            let mut cost: Vec<f64> = (0..3).map(|_| state.iterate()).collect();
            cost.push(state.cost());
            assert!(!state.is_out_of_range());
            (state.dictionary(), state.activations(), cost)
        })
    }

    #[test]
    fn instruction_sets_leave_every_bit() {
        for order in [1, 4, 14] {
            let [best, baseline] = learn::<f64>(order);
            assert_eq!(best, baseline, "{order}");
            let [best, baseline] = learn::<f32>(order);
            assert_eq!(best, baseline, "{order} in single precision");
        }
    }
}
