//! The passes of an iteration over consecutive frames, tile by tile.
//!
//! Matrices over bins and frames are stored tile by tile, and within a tile lane by lane: the
//! [`TILE`] frames of eight bins, then of the next eight.

use std::ops::Range;

use fearless_simd::{Level, Simd};
use fearless_simd_macros::simd;
use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use rustfft::num_complex::Complex64;

use super::lanes::{
    GROUP, Group, LANE, Lane, Panels, TILE, ZERO, block_size, blocks, lanes_for, tiled, ungroup,
};
use super::micro::{Factor, combine_pair, contract_bins, contract_frames, splat, sum};
use super::rows::{self, KeepInverses, LaneProduct, SumMisfit, Variance};
use super::tiled::{DictionaryState, SourceState};
use crate::gig::{Gig, KlSum};
use crate::inference::Execution;
use crate::source::SourceModel;

/// What a pass reads and does not change.
pub(super) struct Pass<'a> {
    pub(super) level: Level,
    pub(super) execution: Execution,
    pub(super) sources: &'a [SourceState],
    /// GIG of the activations.
    pub(super) gig: &'a Gig,
    pub(super) noise_variance: f64,
    /// [`super::VARIANCE_FLOOR`] in every bin, 1 in the padding.
    pub(super) floor: &'a [Lane],
    /// 1 in every bin, 0 in the padding.
    pub(super) valid: &'a [Lane],
    /// Whether every term of the free energy is wanted, not only those that `q(K)` needs.
    pub(super) evidence: bool,
}

/// Consecutive frames, with everything that belongs to them.
#[derive(Debug)]
pub(super) struct Slab {
    first_frame: usize,
    frames: usize,
    /// `|x|^2`.
    observed: Vec<Lane>,
    sources: Vec<SlabSource>,
    energy: EnergySums,
    /// Lanes that a tile takes in a block, the distance between sources in `variances`.
    stride: usize,
    /// `C_j` of a tile in a block, source after source.
    variances: Vec<Lane>,
}

#[derive(Debug)]
struct SlabSource {
    orders: Vec<SlabOrder>,
    /// `E|s_j|^2` of the latest `q(S)`: of every tile where the second pass needs it, else of one.
    power: Vec<Lane>,
    keeps_every_tile: bool,
}

/// The activations of one order in these frames, and its working memory.
#[derive(Debug)]
pub(super) struct SlabOrder {
    components: usize,
    mean: Vec<Group>,
    harmonic: Vec<Group>,
    /// The contractions of a tile: of `E|s|^2 / C^2` with `G(W)`, of `1 / V` with `E[W]`.
    tau: Vec<Group>,
    rho: Vec<Group>,
    /// `1 / C` of a tile in a block and then `E|s|^2 / C^2`; `1 / V`.
    inverse_c: Vec<Lane>,
    inverse_v: Vec<Lane>,
    /// For an estimated dictionary: the contractions over these frames with `G(H)` and `E[H]`.
    pub(super) dictionary_tau: Vec<Lane>,
    pub(super) dictionary_rho: Vec<Lane>,
    /// `sum [ log V + E|s|^2 / C ]`.
    misfit: f64,
    /// KL term of the activations.
    kl: f64,
}

/// Shares of the free energy that belong to no order.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct EnergySums {
    /// `sum E|x - A s|^2 / sigma^2`.
    pub(super) residual: f64,
    /// `sum log( prod_j C_j / D )`.
    pub(super) log_determinant: f64,
}

/// A tile of a slab: its number, and how many of its frames exist.
#[derive(Clone, Copy)]
struct Tile {
    index: usize,
    frames: usize,
}

impl Tile {
    /// The groups that hold a tile's activations of an order.
    fn groups(self, order: usize) -> Range<usize> {
        let size = TILE / GROUP * order;
        self.index * size..(self.index + 1) * size
    }

    /// Where a block of a tile is in a matrix of whole tiles.
    fn block(self, block: &Range<usize>, lanes: usize) -> Range<usize> {
        let start = self.index * lanes;
        (start + block.start) * TILE..(start + block.end) * TILE
    }
}

impl Slab {
    pub(super) fn new(
        mixture: ArrayView2<'_, Complex64>,
        range: Range<usize>,
        models: &[SourceModel],
        sources: &[SourceState],
    ) -> Self {
        let lanes = lanes_for(mixture.ncols());
        let frames = range.len();
        let tiles = frames.div_ceil(TILE);
        let stride = block_size(lanes) * TILE;
        let slab_source = |(model, source): (&SourceModel, &SourceState)| {
            let start = model.activation_start;
            let order = |dictionary| SlabOrder::new(dictionary, tiles, stride, start);
            let keeps_every_tile = source.is_estimated();
            let kept = if keeps_every_tile { tiles } else { 1 };
            SlabSource {
                orders: source.orders.iter().map(order).collect(),
                power: vec![ZERO; lanes * TILE * kept],
                keeps_every_tile,
            }
        };
        Self {
            first_frame: range.start,
            frames,
            observed: tiled(frames, mixture.ncols(), |frame, bin| {
                mixture[(range.start + frame, bin)].norm_sqr()
            }),
            sources: models.iter().zip(sources).map(slab_source).collect(),
            energy: EnergySums::default(),
            stride,
            variances: vec![ZERO; stride * sources.len()],
        }
    }

    pub(super) fn frames(&self) -> usize {
        self.frames
    }

    pub(super) fn energy(&self) -> EnergySums {
        self.energy
    }

    pub(super) fn order(&self, source: usize, order: usize) -> &SlabOrder {
        &self.sources[source].orders[order]
    }

    /// `q(S)`, the activations of sources with known dictionaries and their share of `log q~(K)`,
    /// and the contractions that estimated dictionaries need.
    pub(super) fn first_pass<S: Simd>(&mut self, simd: S, pass: &Pass<'_>) {
        self.clear_sums(false);
        for tile in tiles(self.frames) {
            for block in blocks(pass.floor.len()) {
                self.update_sources(simd, pass, tile, &block);
                for (slab, source) in self.sources.iter_mut().zip(pass.sources) {
                    slab.contract(simd, pass, source, tile, &block);
                }
            }
            for (slab, source) in self.sources.iter_mut().zip(pass.sources) {
                if !source.is_estimated() {
                    slab.update_activations(simd, pass, source, tile);
                }
            }
        }
    }

    /// The activations of sources with estimated dictionaries, under the new dictionaries, and
    /// their share of `log q~(K)`.
    pub(super) fn second_pass<S: Simd>(&mut self, simd: S, pass: &Pass<'_>) {
        self.clear_sums(true);
        for tile in tiles(self.frames) {
            for (slab, source) in self.sources.iter_mut().zip(pass.sources) {
                if source.is_estimated() {
                    slab.contract_again(simd, pass, source, tile);
                    slab.update_activations(simd, pass, source, tile);
                }
            }
        }
    }

    /// `q(S)` alone: the free energy's terms with it, and the posterior means if there are
    /// `estimates`, one view of these frames per source.
    pub(super) fn posterior_pass<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_>,
        mixture: ArrayView2<'_, Complex64>,
        estimates: &mut [ArrayViewMut2<'_, Complex64>],
    ) {
        self.energy = EnergySums::default();
        for order in self.sources.iter_mut().flat_map(|slab| &mut slab.orders) {
            order.misfit = 0.0;
        }
        for tile in tiles(self.frames) {
            for block in blocks(pass.floor.len()) {
                self.update_sources(simd, pass, tile, &block);
                self.add_energy(simd, pass, tile, &block);
                for (source, estimate) in estimates.iter_mut().enumerate() {
                    self.posterior_mean(pass, source, tile, &block, mixture, estimate);
                }
            }
        }
    }

    /// Forgets the sums of a pass: over known dictionaries or, in the second, estimated ones.
    fn clear_sums(&mut self, second: bool) {
        for source in &mut self.sources {
            for order in &mut source.orders {
                if source.keeps_every_tile == second {
                    (order.misfit, order.kl) = (0.0, 0.0);
                }
                if !second {
                    order.dictionary_tau.fill(ZERO);
                    order.dictionary_rho.fill(ZERO);
                }
            }
        }
    }

    /// `q(S)` (eq. 15-16) of a tile in a block. Leaves `C_j` in `variances`, `E|s_j|^2` in `power`,
    /// and the orders' `1 / C` and `1 / V`.
    fn update_sources<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_>,
        tile: Tile,
        block: &Range<usize>,
    ) {
        let variances = self.variances.chunks_exact_mut(self.stride);
        for ((slab, source), variance) in self.sources.iter_mut().zip(pass.sources).zip(variances) {
            slab.invert_products(simd, pass, source, tile, block, Some(variance));
        }
        self.posterior_powers(simd, pass, tile, block);
    }

    #[simd]
    fn posterior_powers<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_>,
        tile: Tile,
        block: &Range<usize>,
    ) {
        let lanes = pass.floor.len();
        let observed = &self.observed[tile.block(block, lanes)];
        let size = block.len() * TILE;
        for (j, source) in self.sources.iter().enumerate() {
            if source.orders.len() > 1 {
                rows::invert(simd, &mut self.variances[j * self.stride..][..size]);
            }
        }
        for (j, source) in self.sources.iter_mut().enumerate() {
            let kept = source.kept(tile).block(block, lanes);
            rows::posterior_power(
                simd,
                pass.noise_variance,
                &self.variances,
                self.stride,
                j,
                observed,
                &pass.valid[block.clone()],
                &mut source.power[kept],
            );
        }
    }

    /// The free energy's terms of a tile in a block, under the `q(S)` just updated.
    #[simd]
    fn add_energy<S: Simd>(&mut self, simd: S, pass: &Pass<'_>, tile: Tile, block: &Range<usize>) {
        let lanes = pass.floor.len();
        let sums = rows::energy(
            simd,
            pass.noise_variance,
            &self.variances,
            self.stride,
            &self.observed[tile.block(block, lanes)],
            &pass.valid[block.clone()],
            tile.frames,
        );
        self.energy.residual += sums.residual;
        self.energy.log_determinant += sums.log_determinant;
        for source in &mut self.sources {
            let power = &source.power[source.kept(tile).block(block, lanes)];
            for order in &mut source.orders {
                let (inverse_c, inverse_v) = (&order.inverse_c, &order.inverse_v);
                order.misfit +=
                    rows::misfit_from_inverses(simd, power, inverse_c, inverse_v, tile.frames);
            }
        }
    }

    /// `mu_j = C_j x / D` (eq. 15) of a tile in a block.
    fn posterior_mean(
        &self,
        pass: &Pass<'_>,
        source: usize,
        tile: Tile,
        block: &Range<usize>,
        mixture: ArrayView2<'_, Complex64>,
        estimate: &mut ArrayViewMut2<'_, Complex64>,
    ) {
        let bins = block.start * LANE..usize::min(block.end * LANE, mixture.ncols());
        for row in 0..tile.frames {
            let frame = tile.index * TILE + row;
            for bin in bins.clone() {
                let at = (bin / LANE - block.start) * TILE + row;
                let variances = self.variances.chunks_exact(self.stride);
                let total: f64 = variances.map(|variance| variance[at].0[bin % LANE]).sum();
                let own = self.variances[source * self.stride + at].0[bin % LANE];
                let gain = own / (pass.noise_variance + total);
                estimate[(frame, bin)] = mixture[(self.first_frame + frame, bin)] * gain;
            }
        }
    }
}

fn tiles(frames: usize) -> impl Iterator<Item = Tile> {
    (0..frames.div_ceil(TILE)).map(move |index| Tile {
        index,
        frames: usize::min(TILE, frames - index * TILE),
    })
}

/// The factors of `C` and of `V` on a block, from a tile's harmonic and mean activations.
fn factors<'a>(
    [harmonic, mean]: [&'a [Group]; 2],
    dictionary: &'a DictionaryState,
    block: &Range<usize>,
) -> [Factor<'a>; 2] {
    [
        Factor {
            activations: harmonic,
            panel: dictionary.harmonic().block(block),
        },
        Factor {
            activations: mean,
            panel: dictionary.mean().block(block),
        },
    ]
}

impl SlabSource {
    /// The tile as it is counted in `power`.
    fn kept(&self, tile: Tile) -> Tile {
        let index = if self.keeps_every_tile { tile.index } else { 0 };
        Tile { index, ..tile }
    }

    /// `1 / C` and `1 / V` of every order, on a tile and a block. `variance` receives the source's
    /// `C_j` or, where it has several orders, its precision.
    fn invert_products<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_>,
        source: &SourceState,
        tile: Tile,
        block: &Range<usize>,
        mut variance: Option<&mut [Lane]>,
    ) {
        if let (Some(sum), true) = (&mut variance, source.averages_orders()) {
            sum.fill(ZERO);
        }
        let orders = self.orders.iter_mut().zip(&source.orders);
        for ((order, dictionary), &weight) in orders.zip(&source.posterior) {
            let variance = match variance.as_deref_mut() {
                None => Variance::Unused,
                Some(variance) if !source.averages_orders() => Variance::Whole(variance),
                Some(sum) => Variance::Precision { weight, sum },
            };
            let groups = tile.groups(order.components);
            let activations = [&order.harmonic[groups.clone()], &order.mean[groups]];
            let [harmonic, mean] = factors(activations, dictionary, block);
            let mut keep = KeepInverses {
                inverse_c: &mut order.inverse_c,
                inverse_v: &mut order.inverse_v,
                variance,
            };
            let floor = &pass.floor[block.clone()];
            combine_pair(simd, harmonic, mean, order.components, floor, &mut keep);
        }
    }

    /// Contracts the ratios of a block under the `q(S)` just updated: over bins where the activations
    /// come next, over frames where an estimated dictionary does.
    fn contract<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_>,
        source: &SourceState,
        tile: Tile,
        block: &Range<usize>,
    ) {
        let power = &self.power[self.kept(tile).block(block, pass.floor.len())];
        for (order, dictionary) in self.orders.iter_mut().zip(&source.orders) {
            if !source.is_estimated() {
                order.form_ratios(simd, power, tile.frames);
                order.contract_bins(simd, dictionary, block);
            } else if !dictionary.is_known() {
                order.form_ratios(simd, power, tile.frames);
                order.contract_frames(simd, tile, block);
            }
        }
    }

    /// The contractions over bins under the dictionaries just updated, with the `E|s_j|^2` kept.
    fn contract_again<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_>,
        source: &SourceState,
        tile: Tile,
    ) {
        let lanes = pass.floor.len();
        for block in blocks(lanes) {
            self.invert_products(simd, pass, source, tile, &block, None);
            let power = &self.power[self.kept(tile).block(&block, lanes)];
            for (order, dictionary) in self.orders.iter_mut().zip(&source.orders) {
                order.form_ratios(simd, power, tile.frames);
                order.contract_bins(simd, dictionary, &block);
            }
        }
    }

    /// `q(H|K)` of a tile (eq. 17) from its contractions and, where `q(K)` needs it, the tile's
    /// share of `log q~(K)`.
    fn update_activations<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_>,
        source: &SourceState,
        tile: Tile,
    ) {
        for order in &mut self.orders {
            order.update_activations(pass.gig, tile, source.averages_orders() || pass.evidence);
        }
        if source.averages_orders() {
            let lanes = pass.floor.len();
            for block in blocks(lanes) {
                let power = &self.power[self.kept(tile).block(&block, lanes)];
                for (order, dictionary) in self.orders.iter_mut().zip(&source.orders) {
                    order.add_misfit(simd, pass, dictionary, power, tile, &block);
                }
            }
        }
    }
}

impl SlabOrder {
    fn new(dictionary: &DictionaryState, tiles: usize, stride: usize, start: f64) -> Self {
        let Panels {
            order: components,
            bins,
            ..
        } = *dictionary.mean();
        let groups = TILE / GROUP * components;
        let sums = if dictionary.is_known() {
            0
        } else {
            components * lanes_for(bins)
        };
        Self {
            components,
            mean: vec![[start; GROUP]; tiles * groups],
            harmonic: vec![[start; GROUP]; tiles * groups],
            tau: vec![[0.0; GROUP]; groups],
            rho: vec![[0.0; GROUP]; groups],
            inverse_c: vec![ZERO; stride],
            inverse_v: vec![ZERO; stride],
            dictionary_tau: vec![ZERO; sums],
            dictionary_rho: vec![ZERO; sums],
            misfit: 0.0,
            kl: 0.0,
        }
    }

    /// This slab's share of `log q~(K_jm)`.
    pub(super) fn log_posterior_share(&self) -> f64 {
        self.kl - self.misfit
    }

    /// Mean and harmonic expectation of the activations, frames x components.
    pub(super) fn activations(&self, frames: usize) -> [Array2<f64>; 2] {
        [&self.mean, &self.harmonic].map(|groups| ungroup(groups, self.components, frames))
    }

    /// `1 / C` becomes `E|s|^2 / C^2`; frames that do not exist become 0 in it and in `1 / V`.
    #[simd]
    fn form_ratios<S: Simd>(&mut self, simd: S, power: &[Lane], frames: usize) {
        rows::ratio(simd, power, &mut self.inverse_c);
        rows::silence(&mut self.inverse_c, frames);
        rows::silence(&mut self.inverse_v, frames);
    }

    fn contract_bins<S: Simd>(
        &mut self,
        simd: S,
        dictionary: &DictionaryState,
        block: &Range<usize>,
    ) {
        let k = self.components;
        let (harmonic, mean) = (
            dictionary.harmonic().block(block),
            dictionary.mean().block(block),
        );
        contract_bins(simd, harmonic, k, &self.inverse_c, &mut self.tau);
        contract_bins(simd, mean, k, &self.inverse_v, &mut self.rho);
    }

    fn contract_frames<S: Simd>(&mut self, simd: S, tile: Tile, block: &Range<usize>) {
        let k = self.components;
        let groups = tile.groups(k);
        let sums = block.start * k..block.end * k;
        let tau = &mut self.dictionary_tau[sums.clone()];
        contract_frames(
            simd,
            &self.harmonic[groups.clone()],
            k,
            &self.inverse_c,
            tau,
        );
        let rho = &mut self.dictionary_rho[sums];
        contract_frames(simd, &self.mean[groups], k, &self.inverse_v, rho);
    }

    /// `tau = G(H)^2 o [ G(W)^T (E|S|^2 / C^2) ]`, `rho = b + E[W]^T (1 / V)`, entry by entry. The
    /// contractions are left at 0 for the next tile.
    fn update_activations(&mut self, gig: &Gig, tile: Tile, wants_kl: bool) {
        let groups = tile.groups(self.components);
        let mut kl = KlSum::default();
        for (index, (tau, rho)) in self.tau.iter().zip(&self.rho).enumerate() {
            let first = index / self.components * GROUP;
            let real = GROUP.min(tile.frames.saturating_sub(first));
            let mean = &mut self.mean[groups.start + index];
            let harmonic = &mut self.harmonic[groups.start + index];
            for row in 0..real {
                let tau = harmonic[row] * harmonic[row] * tau[row];
                let rho = gig.shape() + rho[row];
                let z = if wants_kl {
                    gig.expectations_and_kl(rho, tau, &mut kl)
                } else {
                    gig.expectations(rho, tau)
                };
                (mean[row], harmonic[row]) = (z.mean, z.harmonic);
            }
        }
        if wants_kl {
            self.kl += gig.kl(&kl);
        }
        self.tau.fill([0.0; GROUP]);
        self.rho.fill([0.0; GROUP]);
    }

    /// `sum [ log V + E|s|^2 / C ]` of a tile in a block.
    #[simd]
    fn add_misfit<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_>,
        dictionary: &DictionaryState,
        power: &[Lane],
        tile: Tile,
        block: &Range<usize>,
    ) {
        let groups = tile.groups(self.components);
        let activations = [&self.harmonic[groups.clone()], &self.mean[groups]];
        let [harmonic, mean] = factors(activations, dictionary, block);
        let floor = &pass.floor[block.clone()];
        let mut fit = SumMisfit {
            power,
            frames: tile.frames,
            volume: LaneProduct::new(simd),
            quotients: splat(simd, 0.0),
        };
        combine_pair(simd, harmonic, mean, self.components, floor, &mut fit);
        self.misfit += sum(simd, fit.quotients) + fit.volume.log();
    }
}
