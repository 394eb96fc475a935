//! The passes of an iteration over consecutive frames, tile by tile.

use std::ops::Range;

use fearless_simd::{Level, Simd};
use fearless_simd_macros::simd;
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2};
use rustfft::num_complex::Complex64;

use super::lanes::{
    GROUP, Group, LANE, Lane, Panels, TILE, ZERO, block_size, blocks, lanes_for, ungroup,
};
use super::micro::{combine, contract_bins, contract_frames, sum};
use super::rows;
use super::tiled::{DictionaryState, SourceState};
use crate::gig::{Gig, KlSum};
use crate::inference::Execution;
use crate::log_product::LogProduct;
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
    /// `|x|^2`, a row of lanes per frame.
    observed: Vec<Lane>,
    sources: Vec<SlabSource>,
    energy: EnergySums,
    /// Lanes in a row of a block.
    stride: usize,
    /// `C_j` of one frame in a block, a row per source.
    variances: Vec<Lane>,
}

#[derive(Debug)]
struct SlabSource {
    orders: Vec<SlabOrder>,
    /// `E|s_j|^2` of the latest `q(S)`, a row of lanes per frame: of every frame where the second
    /// pass needs it, else of one tile.
    power: Vec<Lane>,
    keeps_every_frame: bool,
}

/// The activations of one order in these frames, and its working rows.
#[derive(Debug)]
pub(super) struct SlabOrder {
    components: usize,
    mean: Vec<Group>,
    harmonic: Vec<Group>,
    /// The contractions of a tile: of `E|s|^2 / C^2` with `G(W)`, of `1 / V` with `E[W]`.
    tau: Vec<Group>,
    rho: Vec<Group>,
    /// `C` of a tile in a block and then what becomes of it; likewise `V`.
    c: Vec<Lane>,
    v: Vec<Lane>,
    /// For an estimated dictionary: the contractions over these frames with `G(H)` and `E[H]`.
    pub(super) dictionary_tau: Vec<Lane>,
    pub(super) dictionary_rho: Vec<Lane>,
    /// `-sum [ log V + E|s|^2 / C ]`.
    fit: f64,
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

/// A tile of a slab, its frames counted from the slab's first.
#[derive(Clone, Copy)]
struct Tile {
    first: usize,
    frames: usize,
}

impl Tile {
    /// The groups that hold a tile's activations of an order.
    fn groups(self, order: usize) -> Range<usize> {
        let start = self.first / GROUP * order;
        start..start + TILE / GROUP * order
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
        let mut observed = vec![ZERO; frames * lanes];
        for (frame, row) in mixture
            .outer_iter()
            .skip(range.start)
            .take(frames)
            .enumerate()
        {
            for (bin, x) in row.iter().enumerate() {
                observed[frame * lanes + bin / LANE].0[bin % LANE] = x.norm_sqr();
            }
        }
        let stride = block_size(lanes);
        let slab_source = |(model, source): (&SourceModel, &SourceState)| {
            let start = model.activation_start;
            let order = |dictionary| SlabOrder::new(dictionary, frames, stride, start);
            let keeps_every_frame = source.is_estimated();
            SlabSource {
                orders: source.orders.iter().map(order).collect(),
                power: vec![ZERO; lanes * if keeps_every_frame { frames } else { TILE }],
                keeps_every_frame,
            }
        };
        Self {
            first_frame: range.start,
            frames,
            observed,
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

    fn tiles(&self) -> impl Iterator<Item = Tile> + use<> {
        let frames = self.frames;
        (0..frames).step_by(TILE).map(move |first| Tile {
            first,
            frames: usize::min(TILE, frames - first),
        })
    }

    /// `q(S)`, the activations of sources with known dictionaries and their share of `log q~(K)`,
    /// and the contractions that estimated dictionaries need.
    pub(super) fn first_pass<S: Simd>(&mut self, simd: S, pass: &Pass<'_>) {
        self.clear_sums(false);
        for tile in self.tiles() {
            self.clear_contractions();
            for block in blocks(pass.floor.len()) {
                self.update_sources(simd, pass, tile, &block);
                self.contract(simd, pass, tile, &block);
            }
            for (slab, source) in self.sources.iter_mut().zip(pass.sources) {
                if !source.is_estimated() {
                    slab.update_activations(simd, pass, source, tile, self.stride);
                }
            }
        }
    }

    /// The activations of sources with estimated dictionaries, under the new dictionaries, and
    /// their share of `log q~(K)`.
    pub(super) fn second_pass<S: Simd>(&mut self, simd: S, pass: &Pass<'_>) {
        self.clear_sums(true);
        for tile in self.tiles() {
            self.clear_contractions();
            for (slab, source) in self.sources.iter_mut().zip(pass.sources) {
                if source.is_estimated() {
                    slab.contract_again(simd, pass, source, tile, self.stride);
                    slab.update_activations(simd, pass, source, tile, self.stride);
                }
            }
        }
    }

    /// `q(S)` alone: the free energy's terms with it, and the posterior means if there are
    /// `estimates`, one view of these frames per source.
    #[simd]
    pub(super) fn posterior_pass<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_>,
        mixture: ArrayView2<'_, Complex64>,
        estimates: &mut [ArrayViewMut2<'_, Complex64>],
    ) {
        let lanes = pass.floor.len();
        self.energy = EnergySums::default();
        for order in self
            .sources
            .iter_mut()
            .flat_map(|source| &mut source.orders)
        {
            order.fit = 0.0;
        }
        for tile in self.tiles() {
            for block in blocks(lanes) {
                let width = block.len();
                for (slab, source) in self.sources.iter_mut().zip(pass.sources) {
                    slab.products(simd, pass, source, tile, &block, self.stride);
                }
                for frame in 0..tile.frames {
                    self.source_variances(simd, pass, frame, width);
                    for j in 0..self.sources.len() {
                        self.posterior_power(simd, pass, tile, frame, &block, j);
                    }
                    let row = (tile.first + frame) * lanes + block.start;
                    let sums = rows::energy(
                        simd,
                        pass.noise_variance,
                        &self.variances,
                        self.stride,
                        &self.observed[row..row + width],
                        &pass.valid[block.clone()],
                    );
                    self.energy.residual += sums.residual;
                    self.energy.log_determinant += sums.log_determinant;
                    for (j, estimate) in estimates.iter_mut().enumerate() {
                        let frame = tile.first + frame;
                        let mixture = mixture.row(self.first_frame + frame);
                        self.posterior_mean(pass, j, &block, mixture, estimate.row_mut(frame));
                    }
                }
                for slab in &mut self.sources {
                    slab.add_fit_from_inverses(simd, tile, &block, lanes, self.stride);
                }
            }
        }
    }

    /// Forgets the sums of a pass: over known dictionaries or, in the second, estimated ones.
    fn clear_sums(&mut self, estimated: bool) {
        for source in &mut self.sources {
            for order in &mut source.orders {
                if source.keeps_every_frame == estimated {
                    (order.fit, order.kl) = (0.0, 0.0);
                }
                if !estimated {
                    order.dictionary_tau.fill(ZERO);
                    order.dictionary_rho.fill(ZERO);
                }
            }
        }
    }

    fn clear_contractions(&mut self) {
        for order in self
            .sources
            .iter_mut()
            .flat_map(|source| &mut source.orders)
        {
            order.tau.fill([0.0; GROUP]);
            order.rho.fill([0.0; GROUP]);
        }
    }

    /// `q(S)` (eq. 15-16) of a tile in a block. Leaves `E|s_j|^2` in `power`, and the ratios
    /// `E|s_j|^2 / C^2` and `1 / V` in the orders' `c` and `v`, 0 in frames that do not exist.
    #[simd]
    fn update_sources<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_>,
        tile: Tile,
        block: &Range<usize>,
    ) {
        let (width, stride) = (block.len(), self.stride);
        for (slab, source) in self.sources.iter_mut().zip(pass.sources) {
            slab.products(simd, pass, source, tile, block, stride);
        }
        for frame in 0..tile.frames {
            self.source_variances(simd, pass, frame, width);
            for j in 0..self.sources.len() {
                self.posterior_power(simd, pass, tile, frame, block, j);
                let slab = &mut self.sources[j];
                let power = slab.power_rows(tile, frame, block, pass.floor.len());
                let power = &slab.power[power];
                for order in &mut slab.orders {
                    rows::ratio(simd, power, &mut order.c[frame * stride..][..width]);
                }
            }
        }
        for order in self
            .sources
            .iter_mut()
            .flat_map(|source| &mut source.orders)
        {
            order.silence_rows(tile.frames, stride);
        }
    }

    /// `C_j` of every source at one frame (eq. 16) into `variances`; the orders' `C` and `V` become
    /// their reciprocals.
    #[inline(always)]
    fn source_variances<S: Simd>(&mut self, simd: S, pass: &Pass<'_>, frame: usize, width: usize) {
        let stride = self.stride;
        let rows = self.variances.chunks_exact_mut(stride);
        for ((slab, source), variance) in self.sources.iter_mut().zip(pass.sources).zip(rows) {
            let variance = &mut variance[..width];
            let row = frame * stride..frame * stride + width;
            if let [order] = &mut slab.orders[..] {
                variance.copy_from_slice(&order.c[row.clone()]);
                rows::invert_both(simd, &mut order.c[row.clone()], &mut order.v[row]);
                continue;
            }
            variance.fill(ZERO);
            for (order, &q) in slab.orders.iter_mut().zip(&source.posterior) {
                rows::invert_both(simd, &mut order.c[row.clone()], &mut order.v[row.clone()]);
                rows::add_precision(simd, q, &order.c[row.clone()], variance);
            }
            rows::invert(simd, variance);
        }
    }

    #[inline(always)]
    fn posterior_power<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_>,
        tile: Tile,
        frame: usize,
        block: &Range<usize>,
        source: usize,
    ) {
        let lanes = pass.floor.len();
        let row = (tile.first + frame) * lanes + block.start;
        let slab = &mut self.sources[source];
        let power = slab.power_rows(tile, frame, block, lanes);
        rows::posterior_power(
            simd,
            pass.noise_variance,
            &self.variances,
            self.stride,
            source,
            &self.observed[row..row + block.len()],
            &pass.valid[block.clone()],
            &mut slab.power[power],
        );
    }

    /// `mu_j = C_j x / D` (eq. 15) of one frame in a block.
    fn posterior_mean(
        &self,
        pass: &Pass<'_>,
        source: usize,
        block: &Range<usize>,
        mixture: ArrayView1<'_, Complex64>,
        mut estimate: ArrayViewMut1<'_, Complex64>,
    ) {
        for bin in block.start * LANE..usize::min(block.end * LANE, mixture.len()) {
            let (lane, at) = (bin / LANE - block.start, bin % LANE);
            let variances = self.variances.chunks_exact(self.stride);
            let total: f64 = variances.map(|row| row[lane].0[at]).sum();
            let own = self.variances[source * self.stride + lane].0[at];
            estimate[bin] = mixture[bin] * (own / (pass.noise_variance + total));
        }
    }

    /// Contracts the ratios of a block: over bins where the dictionary is known, over frames where
    /// it is estimated.
    fn contract<S: Simd>(&mut self, simd: S, pass: &Pass<'_>, tile: Tile, block: &Range<usize>) {
        let stride = self.stride;
        for (slab, source) in self.sources.iter_mut().zip(pass.sources) {
            for (order, dictionary) in slab.orders.iter_mut().zip(&source.orders) {
                if !source.is_estimated() {
                    order.contract_bins(simd, dictionary, block, stride);
                } else if !dictionary.is_known() {
                    order.contract_frames(simd, tile, block, stride);
                }
            }
        }
    }
}

impl SlabSource {
    /// Where `E|s_j|^2` of a frame of a tile is kept, for a block of bins.
    fn power_rows(
        &self,
        tile: Tile,
        frame: usize,
        block: &Range<usize>,
        lanes: usize,
    ) -> Range<usize> {
        let frame = if self.keeps_every_frame {
            tile.first + frame
        } else {
            frame
        };
        frame * lanes + block.start..frame * lanes + block.end
    }

    /// `C = G(W) G(H)` and `V = E[W] E[H]` of every order, on a tile and a block.
    fn products<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_>,
        source: &SourceState,
        tile: Tile,
        block: &Range<usize>,
        stride: usize,
    ) {
        let floor = &pass.floor[block.clone()];
        for (order, dictionary) in self.orders.iter_mut().zip(&source.orders) {
            let k = order.components;
            let groups = tile.groups(k);
            let harmonic = dictionary.harmonic().block(block);
            combine(
                simd,
                &order.harmonic[groups.clone()],
                harmonic,
                k,
                floor,
                &mut order.c,
                stride,
            );
            let mean = dictionary.mean().block(block);
            combine(
                simd,
                &order.mean[groups],
                mean,
                k,
                floor,
                &mut order.v,
                stride,
            );
        }
    }

    /// The contractions over bins under the dictionaries just updated, with the `E|s_j|^2` kept.
    #[simd]
    fn contract_again<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_>,
        source: &SourceState,
        tile: Tile,
        stride: usize,
    ) {
        let lanes = pass.floor.len();
        for block in blocks(lanes) {
            self.products(simd, pass, source, tile, &block, stride);
            for frame in 0..tile.frames {
                let row = frame * stride..frame * stride + block.len();
                let power = self.power_rows(tile, frame, &block, lanes);
                let power = &self.power[power];
                for order in &mut self.orders {
                    let c = &mut order.c[row.clone()];
                    rows::invert_both(simd, c, &mut order.v[row.clone()]);
                    rows::ratio(simd, power, c);
                }
            }
            for (order, dictionary) in self.orders.iter_mut().zip(&source.orders) {
                order.silence_rows(tile.frames, stride);
                order.contract_bins(simd, dictionary, &block, stride);
            }
        }
    }

    /// `q(H|K)` of a tile (eq. 17) from its contractions and, where `q(K)` or the free energy needs
    /// it, the tile's share of `log q~(K)`.
    fn update_activations<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_>,
        source: &SourceState,
        tile: Tile,
        stride: usize,
    ) {
        let wants_fit = source.averages_orders();
        for order in &mut self.orders {
            order.update_activations(pass.gig, tile, wants_fit || pass.evidence);
        }
        if wants_fit {
            for block in blocks(pass.floor.len()) {
                self.products(simd, pass, source, tile, &block, stride);
                self.add_fit(simd, tile, &block, pass.floor.len(), stride);
            }
        }
    }

    /// `-sum [ log V + E|s|^2 / C ]` of a tile in a block.
    #[simd]
    fn add_fit<S: Simd>(
        &mut self,
        simd: S,
        tile: Tile,
        block: &Range<usize>,
        lanes: usize,
        stride: usize,
    ) {
        for m in 0..self.orders.len() {
            let mut volume = rows::LaneProduct::new(simd);
            let mut quotients = 0.0;
            for frame in 0..tile.frames {
                let row = frame * stride..frame * stride + block.len();
                let power = self.power_rows(tile, frame, block, lanes);
                let order = &self.orders[m];
                volume.multiply(simd, &order.v[row.clone()]);
                let sums = rows::sum_of_quotients(simd, &self.power[power], &order.c[row]);
                quotients += sum(simd, sums);
            }
            let mut log_volume = LogProduct::default();
            volume.finish(&mut log_volume);
            self.orders[m].fit -= log_volume.log() + quotients;
        }
    }

    /// The same from `1 / C` and `1 / V`.
    #[simd]
    fn add_fit_from_inverses<S: Simd>(
        &mut self,
        simd: S,
        tile: Tile,
        block: &Range<usize>,
        lanes: usize,
        stride: usize,
    ) {
        for m in 0..self.orders.len() {
            let mut inverse_volume = rows::LaneProduct::new(simd);
            let mut quotients = 0.0;
            for frame in 0..tile.frames {
                let row = frame * stride..frame * stride + block.len();
                let power = self.power_rows(tile, frame, block, lanes);
                let order = &self.orders[m];
                inverse_volume.multiply(simd, &order.v[row.clone()]);
                let sums = rows::sum_of_products(simd, &self.power[power], &order.c[row]);
                quotients += sum(simd, sums);
            }
            let mut log_inverse = LogProduct::default();
            inverse_volume.finish(&mut log_inverse);
            self.orders[m].fit += log_inverse.log() - quotients;
        }
    }
}

impl SlabOrder {
    fn new(dictionary: &DictionaryState, frames: usize, stride: usize, start: f64) -> Self {
        let Panels {
            order: components,
            bins,
            ..
        } = *dictionary.mean();
        let groups = frames.div_ceil(TILE) * (TILE / GROUP) * components;
        let sums = if dictionary.is_known() {
            0
        } else {
            components * lanes_for(bins)
        };
        Self {
            components,
            mean: vec![[start; GROUP]; groups],
            harmonic: vec![[start; GROUP]; groups],
            tau: vec![[0.0; GROUP]; TILE / GROUP * components],
            rho: vec![[0.0; GROUP]; TILE / GROUP * components],
            c: vec![ZERO; TILE * stride],
            v: vec![ZERO; TILE * stride],
            dictionary_tau: vec![ZERO; sums],
            dictionary_rho: vec![ZERO; sums],
            fit: 0.0,
            kl: 0.0,
        }
    }

    /// This slab's share of `log q~(K_jm)`.
    pub(super) fn log_posterior_share(&self) -> f64 {
        self.fit + self.kl
    }

    /// Mean and harmonic expectation of the activations, frames x components.
    pub(super) fn activations(&self, frames: usize) -> [ndarray::Array2<f64>; 2] {
        [&self.mean, &self.harmonic].map(|groups| ungroup(groups, self.components, frames))
    }

    /// Zero ratios in the frames that pad the last tile, so that they add nothing to a dictionary.
    fn silence_rows(&mut self, frames: usize, stride: usize) {
        self.c[frames * stride..].fill(ZERO);
        self.v[frames * stride..].fill(ZERO);
    }

    fn contract_bins<S: Simd>(
        &mut self,
        simd: S,
        dictionary: &DictionaryState,
        block: &Range<usize>,
        stride: usize,
    ) {
        let k = self.components;
        contract_bins(
            simd,
            dictionary.harmonic().block(block),
            k,
            &self.c,
            stride,
            &mut self.tau,
        );
        contract_bins(
            simd,
            dictionary.mean().block(block),
            k,
            &self.v,
            stride,
            &mut self.rho,
        );
    }

    fn contract_frames<S: Simd>(
        &mut self,
        simd: S,
        tile: Tile,
        block: &Range<usize>,
        stride: usize,
    ) {
        let k = self.components;
        let groups = tile.groups(k);
        let sums = block.start * k..block.end * k;
        let tau = &mut self.dictionary_tau[sums.clone()];
        contract_frames(
            simd,
            &self.harmonic[groups.clone()],
            k,
            &self.c,
            stride,
            tau,
        );
        let rho = &mut self.dictionary_rho[sums];
        contract_frames(simd, &self.mean[groups], k, &self.v, stride, rho);
    }

    /// `tau = G(H)^2 o [ G(W)^T (E|S|^2 / C^2) ]`, `rho = b + E[W]^T (1 / V)`, entry by entry.
    fn update_activations(&mut self, gig: &Gig, tile: Tile, wants_kl: bool) {
        let groups = tile.groups(self.components);
        let mut kl = KlSum::default();
        let contractions = self.tau.iter().zip(&self.rho).enumerate();
        for (index, (tau, rho)) in contractions {
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
    }
}
