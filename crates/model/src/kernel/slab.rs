//! The passes of an iteration over consecutive frames, tile by tile and block by block.

use std::ops::Range;

use fearless_simd::Simd;
use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use num_complex::Complex64;

use super::elementwise::EnergySums;
use super::extrapolation::FactorValues;
use super::factorised::Factorised;
use super::layout::{At, Place, block_size, blocks, groups_per_tile, pack_frames, places};
use super::order::SlabOrder;
use super::pack::{Pack, Real};
use super::source::SlabSource;
use super::state::{Pass, SourceState};
use super::structured::Structured;
use crate::combinations::Combinations;
use crate::problem::Problem;
use crate::settings::Posterior;

/// Consecutive frames, with everything that belongs to them.
#[derive(Debug)]
pub(super) struct Slab<T: Real> {
    first_frame: usize,
    frames: usize,
    places: Vec<Place<T>>,
    /// `|x|^2`.
    observed: Vec<Pack<T>>,
    sources: Vec<SlabSource<T>>,
    source_posterior: SourcePosterior<T>,
    /// `1 / V` of an order in a block that no one else needs.
    inverse_v: Vec<Pack<T>>,
}

/// `q(S)`, or `q(S|K)`.
#[derive(Debug)]
enum SourcePosterior<T: Real> {
    Factorised(Factorised<T>),
    Structured(Structured<T>),
}

impl<T: Real> Slab<T> {
    /// The slab of a range of frames.
    pub(super) fn new(
        problem: &Problem<'_>,
        range: Range<usize>,
        sources: &[SourceState<T>],
        posterior: Posterior,
        combinations: &Combinations,
    ) -> Self {
        let (frames, bins) = (range.len(), problem.mixture.ncols());
        let places = places(frames);
        let source_posterior = match posterior {
            Posterior::Factorised => {
                SourcePosterior::Factorised(Factorised::new(sources.len(), bins))
            }
            Posterior::Structured => {
                let combinations = combinations.orders().len();
                SourcePosterior::Structured(Structured::new(combinations, sources, bins))
            }
        };
        let size = (frames, places.len(), bins);
        let slab_source = |(source, starts): (&SourceState<T>, &Vec<f64>)| {
            SlabSource::new(source, starts, posterior, size)
        };
        Self {
            first_frame: range.start,
            frames,
            observed: pack_frames(frames, bins, |frame, bin| {
                problem.mixture[(range.start + frame, bin)].norm_sqr()
            }),
            sources: sources
                .iter()
                .zip(&problem.starts)
                .map(slab_source)
                .collect(),
            source_posterior,
            inverse_v: vec![Pack::ZERO; block_size(bins)],
            places,
        }
    }

    pub(super) fn frames(&self) -> usize {
        self.frames
    }

    /// The free energy's terms that belong to no order, of the factorised posterior.
    pub(super) fn energy(&self) -> EnergySums {
        match &self.source_posterior {
            SourcePosterior::Factorised(factorised) => factorised.energy,
            SourcePosterior::Structured(_) => EnergySums::default(),
        }
    }

    /// The share of these frames in `sum [ log D_K + |x|^2 / D_K ]` of a combination, of the
    /// structured posterior.
    pub(super) fn misfit(&self, combination: usize) -> f64 {
        match &self.source_posterior {
            SourcePosterior::Factorised(_) => 0.0,
            SourcePosterior::Structured(structured) => structured.misfit(combination),
        }
    }

    pub(super) fn order(&self, source: usize, order: usize) -> &SlabOrder<T> {
        &self.sources[source].orders[order]
    }

    fn is_factorised(&self) -> bool {
        matches!(self.source_posterior, SourcePosterior::Factorised(_))
    }

    /// Whether something has left [`Real::RANGE`].
    pub(super) fn is_out_of_range(&self) -> bool {
        self.orders().any(|order| order.out_of_range)
    }

    /// Mean and harmonic expectation of an order's activations, frames x components.
    pub(super) fn activations(&self, source: usize, order: usize) -> [Array2<f64>; 2] {
        self.order(source, order).activations(self.frames)
    }

    /// The activations, source by source and order by order.
    pub(super) fn factors(&self) -> Vec<FactorValues<T>> {
        self.orders().map(SlabOrder::factor).collect()
    }

    pub(super) fn set_factors(&mut self, factors: &[FactorValues<T>]) {
        let orders = self
            .sources
            .iter_mut()
            .flat_map(|source| &mut source.orders);
        orders
            .zip(factors)
            .for_each(|(order, factor)| order.set_factor(factor));
    }

    /// The KL term of the activations, source by source and order by order.
    pub(super) fn kl(&self) -> Vec<f64> {
        self.orders().map(|order| order.kl).collect()
    }

    /// Goes back to these KL terms of a state that was in range.
    pub(super) fn restore(&mut self, kl: &[f64]) {
        let orders = self
            .sources
            .iter_mut()
            .flat_map(|source| &mut source.orders);
        for (order, &kl) in orders.zip(kl) {
            order.kl = kl;
            order.out_of_range = false;
        }
    }

    fn orders(&self) -> impl Iterator<Item = &SlabOrder<T>> {
        self.sources.iter().flat_map(|source| &source.orders)
    }

    /// What the first pass takes for granted: `rho` of the activations under known dictionaries.
    pub(super) fn prepare<S: Simd>(&mut self, simd: S, pass: &Pass<'_, T>) {
        for tile in self.places.chunks(groups_per_tile::<T>()) {
            for (slab, source) in self.sources.iter_mut().zip(pass.sources) {
                if !source.is_estimated() {
                    slab.renew(simd, pass, source, tile, &mut self.inverse_v, false);
                }
            }
        }
    }

    /// `q(S)`, the activations of sources with known dictionaries and, of the factorised posterior,
    /// their share of `log q~(K)`, and the contractions that estimated dictionaries need.
    pub(super) fn first_pass<S: Simd>(&mut self, simd: S, pass: &Pass<'_, T>) {
        let is_factorised = self.is_factorised();
        self.clear_sums(pass, false);
        let places = std::mem::take(&mut self.places);
        for tile in places.chunks(groups_per_tile::<T>()) {
            for (slab, source) in self.sources.iter_mut().zip(pass.sources) {
                for order in slab.with_estimated_dictionaries(source) {
                    order.prepare_frames(tile);
                }
            }
            for block in blocks(pass.bins) {
                for (slot, place) in tile.iter().enumerate() {
                    let at = At::new(place, slot, block.clone());
                    self.update_sources(simd, pass, &at);
                    for (slab, source) in self.sources.iter_mut().zip(pass.sources) {
                        slab.use_powers(simd, source, &at);
                    }
                }
                for (slab, source) in self.sources.iter_mut().zip(pass.sources) {
                    for order in slab.with_estimated_dictionaries(source) {
                        order.contract_frames(simd, tile, &block);
                    }
                }
            }
            let sources = self.sources.iter_mut().zip(pass.sources);
            for (slab, source) in sources.filter(|(_, source)| !source.is_estimated()) {
                for (slot, place) in tile.iter().enumerate() {
                    slab.update_activations(simd, pass, source, place, slot);
                }
                if is_factorised {
                    let fits = source.averages_orders();
                    slab.renew(simd, pass, source, tile, &mut self.inverse_v, fits);
                }
            }
        }
        self.places = places;
    }

    /// The activations of sources with estimated dictionaries, under the new dictionaries, and, of
    /// the factorised posterior, their share of `log q~(K)`.
    pub(super) fn second_pass<S: Simd>(&mut self, simd: S, pass: &Pass<'_, T>) {
        let is_factorised = self.is_factorised();
        self.clear_sums(pass, true);
        for tile in self.places.chunks(groups_per_tile::<T>()) {
            for (slab, source) in self.sources.iter_mut().zip(pass.sources) {
                if source.is_estimated() {
                    slab.contract_again(simd, pass.bins, source, tile);
                    for (slot, place) in tile.iter().enumerate() {
                        slab.update_activations(simd, pass, source, place, slot);
                    }
                    if is_factorised && source.averages_orders() {
                        slab.renew(simd, pass, source, tile, &mut self.inverse_v, true);
                    }
                }
            }
        }
    }

    /// Of the structured posterior: the share of these frames in `log q~(K)` under the factors just
    /// updated, and `rho` of the activations under known dictionaries.
    pub(super) fn evidence_pass<S: Simd>(&mut self, simd: S, pass: &Pass<'_, T>) {
        let SourcePosterior::Structured(structured) = &mut self.source_posterior else {
            return;
        };
        structured.clear_misfits();
        for order in self.sources.iter_mut().flat_map(|slab| &mut slab.orders) {
            order.clear_misfit();
        }
        for tile in self.places.chunks(groups_per_tile::<T>()) {
            for (slab, source) in self.sources.iter_mut().zip(pass.sources) {
                if !source.is_estimated() {
                    slab.clear_rho(tile);
                }
            }
            for block in blocks(pass.bins) {
                for (slot, place) in tile.iter().enumerate() {
                    let at = At::new(place, slot, block.clone());
                    let observed = &self.observed[at.within(pass.bins)];
                    let sources = &mut self.sources;
                    structured.add_evidence(simd, pass, sources, observed, &at);
                }
            }
        }
    }

    /// `q(S)` alone: the posterior means if there are `estimates`, one view of these frames per
    /// source, and, of the factorised posterior, the free energy's terms with it.
    pub(super) fn posterior_pass<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        mixture: ArrayView2<'_, Complex64>,
        estimates: &mut [ArrayViewMut2<'_, Complex64>],
    ) {
        if let SourcePosterior::Factorised(factorised) = &mut self.source_posterior {
            factorised.energy = EnergySums::default();
            for order in self.sources.iter_mut().flat_map(|slab| &mut slab.orders) {
                order.clear_misfit();
            }
        }
        let places = std::mem::take(&mut self.places);
        for place in &places {
            for block in blocks(pass.bins) {
                let at = At::new(place, 0, block);
                self.evaluate_sources(simd, pass, &at);
                for (source, estimate) in estimates.iter_mut().enumerate() {
                    self.write_means(pass, source, &at, mixture, estimate);
                }
            }
        }
        self.places = places;
    }

    /// Forgets the sums of a pass: those of sources with known dictionaries or with estimated ones.
    fn clear_sums(&mut self, pass: &Pass<'_, T>, estimated: bool) {
        let sources = self.sources.iter_mut().zip(pass.sources);
        for (slab, _) in sources.filter(|(_, source)| source.is_estimated() == estimated) {
            for order in &mut slab.orders {
                order.clear_misfit();
                order.kl = 0.0;
            }
        }
    }

    /// `q(S)` of a block, for the factors to be fitted to.
    fn update_sources<S: Simd>(&mut self, simd: S, pass: &Pass<'_, T>, at: &At<'_, T>) {
        let observed = &self.observed[at.within(pass.bins)];
        let sources = &mut self.sources;
        match &mut self.source_posterior {
            SourcePosterior::Factorised(factorised) => {
                factorised.update_sources(simd, pass, sources, observed, at, false);
            }
            SourcePosterior::Structured(structured) => {
                structured.update_sources(simd, pass, sources, observed, at);
            }
        }
    }

    /// `q(S)` of a block, for the posterior means and the free energy.
    fn evaluate_sources<S: Simd>(&mut self, simd: S, pass: &Pass<'_, T>, at: &At<'_, T>) {
        let observed = &self.observed[at.within(pass.bins)];
        let sources = &mut self.sources;
        match &mut self.source_posterior {
            SourcePosterior::Factorised(factorised) => {
                factorised.update_sources(simd, pass, sources, observed, at, true);
                factorised.add_energy(simd, pass, sources, observed, at);
            }
            SourcePosterior::Structured(structured) => {
                structured.form_gains(simd, pass, sources, at);
            }
        }
    }

    /// The posterior means `mu_j` of a block.
    fn write_means(
        &self,
        pass: &Pass<'_, T>,
        source: usize,
        at: &At<'_, T>,
        mixture: ArrayView2<'_, Complex64>,
        estimate: &mut ArrayViewMut2<'_, Complex64>,
    ) {
        for row in 0..at.place.frames {
            let frame = at.place.group * T::LANES + row;
            for (i, bin) in at.block.clone().enumerate() {
                let gain = match &self.source_posterior {
                    SourcePosterior::Factorised(factorised) => {
                        factorised.gain(pass.noise_variance, source, i, row)
                    }
                    SourcePosterior::Structured(structured) => structured.gain(source, i, row),
                };
                estimate[(frame, bin)] = mixture[(self.first_frame + frame, bin)] * gain;
            }
        }
    }
}
