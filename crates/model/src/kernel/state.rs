//! What all slabs of a model share: the sources' dictionaries and the posteriors over their orders.

use std::ops::Range;

use fearless_simd::{Level, Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::extrapolation::Factor;
use super::gig::{KlSum, Variables, update_within};
use super::layout::Panel;
use super::pack::{F64_LANES, Pack, Real, load, load_some, splat};
use crate::combinations::Combinations;
use crate::gig::Gig;
use crate::settings::Execution;
use crate::source::{DictionaryModel, SourceModel};

/// What a pass over the slabs reads and does not change.
pub(super) struct Pass<'a, T: Real> {
    pub(super) level: Level,
    pub(super) execution: Execution,
    pub(super) sources: &'a [SourceState<T>],
    /// `q(K)` of the structured posterior.
    pub(super) combinations: &'a Combinations,
    /// GIG of the activations.
    pub(super) gig: &'a Gig,
    pub(super) noise_variance: f64,
    pub(super) bins: usize,
    /// Whether every term of the free energy is wanted, not only those that `q(K)` needs.
    pub(super) evidence: bool,
}

/// The dictionaries of a source, and its `q(K_j)` in the factorised posterior.
#[derive(Debug)]
pub(super) struct SourceState<T: Real> {
    pub(super) orders: Vec<DictionaryState<T>>,
    pub(super) posterior: Vec<f64>,
    pub(super) log_prior: Vec<f64>,
    pub(super) log_posterior: Vec<f64>,
}

#[derive(Debug)]
pub(super) enum DictionaryState<T: Real> {
    Known(Panel<T>),
    Estimated(EstimatedDictionary<T>),
}

#[derive(Debug)]
pub(super) struct EstimatedDictionary<T: Real> {
    mean: Panel<T>,
    harmonic: Panel<T>,
    pub(super) kl: f64,
}

impl<T: Real> DictionaryState<T> {
    pub(super) fn mean(&self) -> &Panel<T> {
        match self {
            Self::Known(panels) => panels,
            Self::Estimated(estimated) => &estimated.mean,
        }
    }

    pub(super) fn harmonic(&self) -> &Panel<T> {
        match self {
            Self::Known(panels) => panels,
            Self::Estimated(estimated) => &estimated.harmonic,
        }
    }

    pub(super) fn is_known(&self) -> bool {
        matches!(self, Self::Known(_))
    }

    pub(super) fn kl(&self) -> f64 {
        match self {
            Self::Known(_) => 0.0,
            Self::Estimated(estimated) => estimated.kl,
        }
    }
}

impl<T: Real> SourceState<T> {
    pub(super) fn new(source: &SourceModel) -> Self {
        let orders = source.orders.iter().map(|order| match order {
            DictionaryModel::Known(dictionary) => {
                DictionaryState::Known(Panel::from_array(dictionary.components()))
            }
            DictionaryModel::Estimated(start) => {
                let panels = Panel::from_array(start.values());
                DictionaryState::Estimated(EstimatedDictionary {
                    mean: panels.clone(),
                    harmonic: panels,
                    kl: 0.0,
                })
            }
        });
        Self {
            orders: orders.collect(),
            log_prior: source.prior.iter().map(|&p| libm::log(p)).collect(),
            posterior: source.prior.clone(),
            log_posterior: vec![0.0; source.prior.len()],
        }
    }

    /// Whether the activations wait for the dictionary and are updated in the second pass.
    pub(super) fn is_estimated(&self) -> bool {
        !self.orders.iter().all(DictionaryState::is_known)
    }

    pub(super) fn averages_orders(&self) -> bool {
        self.orders.len() > 1
    }

    pub(super) fn estimated(&self) -> impl Iterator<Item = &EstimatedDictionary<T>> {
        self.orders.iter().filter_map(|order| match order {
            DictionaryState::Known(_) => None,
            DictionaryState::Estimated(estimated) => Some(estimated),
        })
    }

    pub(super) fn estimated_mut(&mut self) -> impl Iterator<Item = &mut EstimatedDictionary<T>> {
        self.orders.iter_mut().filter_map(|order| match order {
            DictionaryState::Known(_) => None,
            DictionaryState::Estimated(estimated) => Some(estimated),
        })
    }
}

impl<T: Real> EstimatedDictionary<T> {
    pub(super) fn factor(&self) -> Factor<T> {
        let values = [&self.mean.values[..], &self.harmonic.values[..]].concat();
        Factor {
            columns: self.mean.order,
            block: values.len(),
            values,
        }
    }

    pub(super) fn set_factor(&mut self, factor: &Factor<T>) {
        let (mean, harmonic) = factor.values.split_at(self.mean.values.len());
        self.mean.values.copy_from_slice(mean);
        self.harmonic.values.copy_from_slice(harmonic);
    }

    /// `tau = G(W)^2 o [ (E|S|^2 / C^2) G(H)^T ]`, `rho = a + (1 / V) E[H]^T`, entry by entry.
    /// `sums`: both contractions, slab by slab. Returns whether all is in [`Real::RANGE`].
    pub(super) fn update(
        &mut self,
        level: Level,
        gig: &Gig,
        sums: &[(&[f64], &[f64])],
        wants_kl: bool,
        execution: Execution,
    ) -> bool {
        /// Entries worked on at once: enough to be worth a task.
        const CHUNK: usize = 128 * F64_LANES;
        let update = |(index, (mean, harmonic)): (usize, (&mut [T], &mut [T]))| -> Option<f64> {
            let start = index * CHUNK;
            let range = start..start + mean.len();
            dispatch!(level, simd =>
                update_entries(simd, gig, sums, range, [mean, harmonic], wants_kl))
        };
        let (mean, harmonic) = (&mut self.mean.values, &mut self.harmonic.values);
        let kl: Vec<Option<f64>> = match execution {
            Execution::Serial => mean
                .chunks_mut(CHUNK)
                .zip(harmonic.chunks_mut(CHUNK))
                .enumerate()
                .map(update)
                .collect(),
            Execution::Parallel => mean
                .par_chunks_mut(CHUNK)
                .zip(harmonic.par_chunks_mut(CHUNK))
                .enumerate()
                .map(update)
                .collect(),
        };
        self.kl = kl.iter().flatten().sum();
        kl.iter().all(Option::is_some)
    }
}

/// Updates the entries of a dictionary at `range` from the slabs' sums; returns their KL term, or
/// none if something has left [`Real::RANGE`].
#[simd]
fn update_entries<S: Simd, T: Real>(
    simd: S,
    gig: &Gig,
    sums: &[(&[f64], &[f64])],
    range: Range<usize>,
    [mean, harmonic]: [&mut [T]; 2],
    wants_kl: bool,
) -> Option<f64> {
    let mut kl = KlSum::new(simd);
    let mut within = true;
    let rate = splat(simd, gig.shape());
    let entries = mean
        .chunks_mut(F64_LANES)
        .zip(harmonic.chunks_mut(F64_LANES));
    for (first, (mean, harmonic)) in range.step_by(F64_LANES).zip(entries) {
        let (mut tau, mut rho) = (splat(simd, 0.0), splat(simd, 0.0));
        for (slab_tau, slab_rho) in sums {
            tau += load_some(simd, &slab_tau[first..]);
            rho += load_some(simd, &slab_rho[first..]);
        }
        let (mut new_mean, mut new_harmonic) = (Pack::ZERO, Pack::<f64>::ZERO);
        for (start, entry) in new_harmonic.0.iter_mut().zip(&*harmonic) {
            *start = entry.to_f64();
        }
        let start = load(simd, &new_harmonic);
        let variables = Variables {
            rho: rate + rho,
            tau: start * start * tau,
            count: mean.len(),
        };
        let expectations = [&mut new_mean, &mut new_harmonic];
        let kl = wants_kl.then_some(&mut kl);
        within &= update_within::<S, T>(simd, gig, variables, expectations, kl);
        for (entry, value) in mean.iter_mut().zip(new_mean.0) {
            *entry = T::from_f64(value);
        }
        for (entry, value) in harmonic.iter_mut().zip(new_harmonic.0) {
            *entry = T::from_f64(value);
        }
    }
    let kl = if wants_kl { kl.total(simd, gig) } else { 0.0 };
    within.then_some(kl)
}
