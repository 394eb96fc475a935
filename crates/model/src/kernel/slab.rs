//! The passes of an iteration over consecutive frames, group by group.

use std::ops::Range;

use fearless_simd::{Level, Simd};
use fearless_simd_macros::simd;
use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use rustfft::num_complex::Complex64;

use super::elementwise::{self, EnergySums, Variance};
use super::layout::{At, Place, block_size, blocks, groups_per_tile, pack_frames, places};
use super::order::SlabOrder;
use super::pack::{Pack, Real};
use super::state::SourceState;
use crate::gig::Gig;
use crate::settings::Execution;
use crate::source::SourceModel;

/// What a pass reads and does not change.
pub(super) struct Pass<'a, T: Real> {
    pub(super) level: Level,
    pub(super) execution: Execution,
    pub(super) sources: &'a [SourceState<T>],
    /// GIG of the activations.
    pub(super) gig: &'a Gig,
    pub(super) noise_variance: f64,
    pub(super) bins: usize,
    /// Whether every term of the free energy is wanted, not only those that `q(K)` needs.
    pub(super) evidence: bool,
}

/// Consecutive frames, with everything that belongs to them.
#[derive(Debug)]
pub(super) struct Slab<T: Real> {
    first_frame: usize,
    frames: usize,
    places: Vec<Place<T>>,
    /// `|x|^2`.
    observed: Vec<Pack<T>>,
    sources: Vec<SlabSource<T>>,
    energy: EnergySums,
    /// `C_j` of a group in a block, source after source, `stride` packs apart.
    variances: Vec<Pack<T>>,
    stride: usize,
    /// `1 / D` of a block.
    inverse_total: Vec<Pack<T>>,
    /// `D - C_j` of a source in a block.
    others: Vec<Pack<T>>,
    /// `1 / V` of an order in a block that no one else needs.
    inverse_v: Vec<Pack<T>>,
}

#[derive(Debug)]
struct SlabSource<T: Real> {
    orders: Vec<SlabOrder<T>>,
    power: KeptPower<T>,
}

/// `E|s_j|^2` of the latest `q(S)`: of every group of frames where the second pass needs it, else
/// of those of a tile.
#[derive(Debug)]
struct KeptPower<T: Real> {
    packs: Vec<Pack<T>>,
    of_every_group: bool,
    bins: usize,
}

impl<T: Real> KeptPower<T> {
    fn new(groups: usize, bins: usize, of_every_group: bool) -> Self {
        let kept = if of_every_group {
            groups
        } else {
            groups_per_tile::<T>()
        };
        Self {
            packs: vec![Pack::ZERO; kept * bins],
            of_every_group,
            bins,
        }
    }

    fn range(&self, at: &At<'_, T>) -> Range<usize> {
        let group = if self.of_every_group {
            at.place.group
        } else {
            at.slot
        };
        let start = group * self.bins;
        start + at.block.start..start + at.block.end
    }

    /// That of a block.
    fn block(&self, at: &At<'_, T>) -> &[Pack<T>] {
        &self.packs[self.range(at)]
    }

    fn block_mut(&mut self, at: &At<'_, T>) -> &mut [Pack<T>] {
        let range = self.range(at);
        &mut self.packs[range]
    }
}

impl<T: Real> Slab<T> {
    pub(super) fn new(
        mixture: ArrayView2<'_, Complex64>,
        range: Range<usize>,
        models: &[SourceModel],
        sources: &[SourceState<T>],
    ) -> Self {
        let bins = mixture.ncols();
        let frames = range.len();
        let places = places(frames);
        let stride = block_size(bins);
        let slab_source = |(model, source): (&SourceModel, &SourceState<T>)| {
            let start = model.activation_start;
            let order = |dictionary| SlabOrder::new(dictionary, frames, bins, start);
            SlabSource {
                orders: source.orders.iter().map(order).collect(),
                power: KeptPower::new(places.len(), bins, source.is_estimated()),
            }
        };
        Self {
            first_frame: range.start,
            frames,
            observed: pack_frames(frames, bins, |frame, bin| {
                mixture[(range.start + frame, bin)].norm_sqr()
            }),
            sources: models.iter().zip(sources).map(slab_source).collect(),
            energy: EnergySums::default(),
            variances: vec![Pack::ZERO; stride * sources.len()],
            stride,
            inverse_total: vec![Pack::ZERO; stride],
            others: vec![Pack::ZERO; stride],
            inverse_v: vec![Pack::ZERO; stride],
            places,
        }
    }

    pub(super) fn frames(&self) -> usize {
        self.frames
    }

    pub(super) fn energy(&self) -> EnergySums {
        self.energy
    }

    pub(super) fn order(&self, source: usize, order: usize) -> &SlabOrder<T> {
        &self.sources[source].orders[order]
    }

    /// Whether something has left [`Real::RANGE`].
    pub(super) fn is_out_of_range(&self) -> bool {
        let mut orders = self.sources.iter().flat_map(|source| &source.orders);
        orders.any(|order| order.out_of_range)
    }

    /// Mean and harmonic expectation of an order's activations, frames x components.
    pub(super) fn activations(&self, source: usize, order: usize) -> [Array2<f64>; 2] {
        self.order(source, order).activations(self.frames)
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

    /// `q(S)`, the activations of sources with known dictionaries and their share of `log q~(K)`,
    /// and the contractions that estimated dictionaries need.
    pub(super) fn first_pass<S: Simd>(&mut self, simd: S, pass: &Pass<'_, T>) {
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
                    self.update_sources(simd, pass, &at, false);
                    for (slab, source) in self.sources.iter_mut().zip(pass.sources) {
                        slab.use_sources(simd, source, &at);
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
                let fits = source.averages_orders();
                slab.renew(simd, pass, source, tile, &mut self.inverse_v, fits);
            }
        }
        self.places = places;
    }

    /// The activations of sources with estimated dictionaries, under the new dictionaries, and
    /// their share of `log q~(K)`.
    pub(super) fn second_pass<S: Simd>(&mut self, simd: S, pass: &Pass<'_, T>) {
        self.clear_sums(pass, true);
        for tile in self.places.chunks(groups_per_tile::<T>()) {
            for (slab, source) in self.sources.iter_mut().zip(pass.sources) {
                if source.is_estimated() {
                    slab.contract_again(simd, pass.bins, source, tile);
                    for (slot, place) in tile.iter().enumerate() {
                        slab.update_activations(simd, pass, source, place, slot);
                    }
                    if source.averages_orders() {
                        slab.renew(simd, pass, source, tile, &mut self.inverse_v, true);
                    }
                }
            }
        }
    }

    /// `q(S)` alone: the free energy's terms with it, and the posterior means if there are
    /// `estimates`, one view of these frames per source.
    pub(super) fn posterior_pass<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        mixture: ArrayView2<'_, Complex64>,
        estimates: &mut [ArrayViewMut2<'_, Complex64>],
    ) {
        self.energy = EnergySums::default();
        for order in self.sources.iter_mut().flat_map(|slab| &mut slab.orders) {
            order.clear_misfit();
        }
        let places = std::mem::take(&mut self.places);
        for place in &places {
            for block in blocks(pass.bins) {
                let at = At::new(place, 0, block);
                self.update_sources(simd, pass, &at, true);
                self.add_energy(simd, pass, &at);
                for (source, estimate) in estimates.iter_mut().enumerate() {
                    self.posterior_mean(pass, source, &at, mixture, estimate);
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

    /// `q(S)` (eq. 15-16) of a block. Leaves `C_j` in `variances`, `E|s_j|^2` in `power`, the
    /// orders' `1 / C` and, where a dictionary is estimated or `everywhere`, their `1 / V`.
    fn update_sources<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        at: &At<'_, T>,
        everywhere: bool,
    ) {
        let variances = self.variances.chunks_exact_mut(self.stride);
        for ((slab, source), variance) in self.sources.iter_mut().zip(pass.sources).zip(variances) {
            let orders = slab.orders.iter_mut().zip(&source.orders);
            for (m, ((order, dictionary), &weight)) in orders.zip(&source.posterior).enumerate() {
                let variance = if source.averages_orders() {
                    Variance::Precision {
                        weight,
                        sum: variance,
                        is_first: m == 0,
                    }
                } else {
                    Variance::Whole(variance)
                };
                order.invert_harmonic_product(simd, dictionary, at, variance);
                if everywhere || !dictionary.is_known() {
                    order.invert_mean_product(simd, dictionary, at, None);
                }
            }
        }
        self.posterior_powers(simd, pass, at);
    }

    #[simd]
    fn posterior_powers<S: Simd>(&mut self, simd: S, pass: &Pass<'_, T>, at: &At<'_, T>) {
        let observed = &self.observed[at.within(pass.bins)];
        for (j, source) in self.sources.iter().enumerate() {
            if source.orders.len() > 1 {
                let start = j * self.stride;
                elementwise::invert(simd, &mut self.variances[start..start + observed.len()]);
            }
        }
        let (noise, variances, stride) = (pass.noise_variance, &self.variances, self.stride);
        let inverse = &mut self.inverse_total[..observed.len()];
        let others = &mut self.others[..observed.len()];
        for (j, source) in self.sources.iter_mut().enumerate() {
            let own = &variances[j * stride..][..observed.len()];
            elementwise::sum_others(simd, noise, variances, stride, j, others);
            if j == 0 {
                elementwise::invert_totals(simd, own, others, &at.place.valid, inverse);
            }
            let power = source.power.block_mut(at);
            elementwise::form_posterior_power(simd, own, others, observed, inverse, power);
        }
    }

    /// The free energy's terms of a block, under the `q(S)` just updated.
    #[simd]
    fn add_energy<S: Simd>(&mut self, simd: S, pass: &Pass<'_, T>, at: &At<'_, T>) {
        let sums = elementwise::sum_energy(
            simd,
            pass.noise_variance,
            &self.variances,
            self.stride,
            &self.observed[at.within(pass.bins)],
            &at.place.valid,
        );
        self.energy.residual += sums.residual;
        self.energy.log_determinant += sums.log_determinant;
        for source in &mut self.sources {
            let power = source.power.block(at);
            for order in &mut source.orders {
                order.add_misfit_from_inverses(simd, power, at);
            }
        }
    }

    /// `mu_j = C_j x / D` (eq. 15) of a block.
    fn posterior_mean(
        &self,
        pass: &Pass<'_, T>,
        source: usize,
        at: &At<'_, T>,
        mixture: ArrayView2<'_, Complex64>,
        estimate: &mut ArrayViewMut2<'_, Complex64>,
    ) {
        for row in 0..at.place.frames {
            let frame = at.place.group * T::LANES + row;
            let of = |pack: &Pack<T>| pack.0.as_ref()[row].to_f64();
            for (i, bin) in at.block.clone().enumerate() {
                let variances = self.variances.chunks_exact(self.stride);
                let total: f64 = variances.map(|variance| of(&variance[i])).sum();
                let own = of(&self.variances[source * self.stride + i]);
                let gain = own / (pass.noise_variance + total);
                estimate[(frame, bin)] = mixture[(self.first_frame + frame, bin)] * gain;
            }
        }
    }
}

impl<T: Real> SlabSource<T> {
    /// Takes the ratios of a block from the `q(S)` just updated, and contracts them over bins where
    /// the activations come next.
    fn use_sources<S: Simd>(&mut self, simd: S, source: &SourceState<T>, at: &At<'_, T>) {
        let power = self.power.block(at);
        for (order, dictionary) in self.orders.iter_mut().zip(&source.orders) {
            // Beside an estimated dictionary, a known one's activations wait for the second pass.
            if !source.is_estimated() || !dictionary.is_known() {
                order.form_ratios(simd, power, at);
            }
            if !source.is_estimated() {
                order.contract_tau(simd, dictionary, at);
            }
        }
    }

    fn with_estimated_dictionaries<'a>(
        &'a mut self,
        source: &'a SourceState<T>,
    ) -> impl Iterator<Item = &'a mut SlabOrder<T>> {
        let orders = self.orders.iter_mut().zip(&source.orders);
        orders.filter_map(|(order, dictionary)| (!dictionary.is_known()).then_some(order))
    }

    /// The contractions over bins under the dictionaries just updated, with the `E|s_j|^2` kept,
    /// for a tile.
    fn contract_again<S: Simd>(
        &mut self,
        simd: S,
        bins: usize,
        source: &SourceState<T>,
        tile: &[Place<T>],
    ) {
        for order in &mut self.orders {
            order.clear_rho(tile);
        }
        for block in blocks(bins) {
            for (order, dictionary) in self.orders.iter_mut().zip(&source.orders) {
                for (slot, place) in tile.iter().enumerate() {
                    let at = At::new(place, slot, block.clone());
                    let power = self.power.block(&at);
                    order.invert_harmonic_product(simd, dictionary, &at, Variance::Unused);
                    order.invert_mean_product(simd, dictionary, &at, None);
                    order.form_ratios(simd, power, &at);
                    order.contract_tau(simd, dictionary, &at);
                    order.contract_rho(simd, dictionary, &at, None);
                }
            }
        }
    }

    /// `q(H|K)` of a group (eq. 17) from its contractions.
    fn update_activations<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        source: &SourceState<T>,
        place: &Place<T>,
        slot: usize,
    ) {
        let wants_kl = source.averages_orders() || pass.evidence;
        for order in &mut self.orders {
            order.update_activations(simd, pass.gig, place, slot, wants_kl);
        }
    }

    /// Under the activations of a tile just updated: the next `rho` of the orders with known
    /// dictionaries, which depends on these alone, and the tile's share of `log q~(K)` if it is
    /// wanted. Both need `V`, and here is the one place where it is formed for them.
    fn renew<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        source: &SourceState<T>,
        tile: &[Place<T>],
        inverse_v: &mut [Pack<T>],
        wants_misfit: bool,
    ) {
        if !source.is_estimated() {
            for order in &mut self.orders {
                order.clear_rho(tile);
            }
        }
        for block in blocks(pass.bins) {
            for (order, dictionary) in self.orders.iter_mut().zip(&source.orders) {
                for (slot, place) in tile.iter().enumerate() {
                    let at = At::new(place, slot, block.clone());
                    let power = self.power.block(&at);
                    if wants_misfit {
                        order.add_misfit(simd, dictionary, power, &at, inverse_v);
                    } else {
                        order.invert_mean_product(simd, dictionary, &at, Some(inverse_v));
                    }
                    if !source.is_estimated() {
                        order.contract_rho(simd, dictionary, &at, Some(inverse_v));
                    }
                }
            }
        }
    }
}
