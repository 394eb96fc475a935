//! `q(S|K)` of every combination of orders, in the frames of a slab.
//!
//! A combination costs elementwise work only: it takes the variances `C_jm` that its orders have
//! anyway. The products are those of the factorised posterior but for one of each shared source:
//! there, the fit of an order needs its new `C` and `V` under the old `E|s|^2`; here, the evidence
//! of a combination needs the new `C` of all its orders together, once every factor is updated.

use fearless_simd::prelude::*;
use fearless_simd_macros::simd;

use super::elementwise::{
    Misfit, add_products, for_bins, invert_all, load_all, posterior_powers, store_all,
    sum_variances,
};
use super::layout::{At, block_size};
use super::log_product::PackProduct;
use super::pack::{Pack, Real, load, multiply_add, store};
use super::source::SlabSource;
use super::state::{Pass, SourceState};
use crate::combinations::Share;

/// Working memory of the updates of `q(S|K)`, and the sums that they add to `log q~(K)`.
#[derive(Debug)]
pub(super) struct Structured<T: Real> {
    /// `sum [ log D_K + |x|^2 / D_K ]`, combination by combination.
    misfits: Vec<Misfit>,
    stride: usize,
    variances: Variances<T>,
    /// `1 / D_K` of a combination in a block.
    inverse_total: Vec<Pack<T>>,
    /// `1 / V` of an order in a block.
    inverse_v: Vec<Pack<T>>,
    /// `sum_K q(K) C_{j K_j} / D_K` of a block, source after source, `stride` packs apart.
    gains: Vec<Pack<T>>,
}

impl<T: Real> Structured<T> {
    pub(super) fn new(combinations: usize, sources: &[SourceState<T>], bins: usize) -> Self {
        let stride = block_size(bins);
        let room = |blocks: usize| vec![Pack::ZERO; stride * blocks];
        Self {
            misfits: vec![Misfit::ZERO; combinations],
            stride,
            variances: Variances::new(sources, stride),
            inverse_total: room(1),
            inverse_v: room(1),
            gains: room(sources.len()),
        }
    }

    /// The share of this slab in `sum [ log D_K + |x|^2 / D_K ]` of a combination.
    pub(super) fn misfit(&self, combination: usize) -> f64 {
        self.misfits[combination].total()
    }

    pub(super) fn clear_misfits(&mut self) {
        self.misfits.fill(Misfit::ZERO);
    }

    /// `q(S|K)` of a block: eq. (15) with the `C_jm` of each combination. What an order is fitted
    /// to is
    ///
    /// `E[ |s_j|^2 | K_j = m ] = sum_K q(K | K_j = m) E[ |s_j|^2 | K ]`.
    ///
    /// Leaves its ratio to `C^2` in the orders of a source with known dictionaries, and itself in
    /// `power` beside the orders' `1 / C`, and `1 / V` where a dictionary is estimated, of others.
    pub(super) fn update_sources<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        sources: &mut [SlabSource<T>],
        observed: &[Pack<T>],
        at: &At<'_, T>,
    ) {
        for (j, (slab, source)) in sources.iter_mut().zip(pass.sources).enumerate() {
            let orders = slab.orders.iter_mut().zip(&source.orders);
            for (m, (order, dictionary)) in orders.enumerate() {
                let variance = self.variances.order_mut(j, m);
                if source.is_estimated() {
                    order.invert_harmonic_product(simd, dictionary, at, Some(variance));
                } else {
                    order.keep_harmonic_product(simd, dictionary, at, variance);
                }
                if !dictionary.is_known() {
                    order.invert_mean_product(simd, dictionary, at, None);
                }
            }
        }
        self.form_powers(simd, pass, sources, observed, at);
    }

    #[simd]
    fn form_powers<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        sources: &mut [SlabSource<T>],
        observed: &[Pack<T>],
        at: &At<'_, T>,
    ) {
        let (bins, noise) = (observed.len(), pass.noise_variance);
        for (combination, orders) in pass.combinations.orders().iter().enumerate() {
            let inverse_total = &mut self.inverse_total[..bins];
            for_bins!(bins, |BINS, bin| {
                let total = self
                    .variances
                    .total::<S, BINS>(simd, noise, orders, None, bin);
                store_all::<S, T, BINS>(invert_all::<S, T, BINS>(simd, total), inverse_total, bin);
            });
            let shares = pass.combinations.shares(combination);
            let choices = orders.iter().zip(shares).zip(sources.iter_mut());
            for (j, ((&m, share), slab)) in choices.enumerate() {
                let choice = (&orders[..], j);
                if pass.sources[j].is_estimated() {
                    let sums = slab.power.block_mut(m, at);
                    for_bins!(bins, |BINS, bin| {
                        let power = self.power::<S, BINS>(simd, noise, choice, observed, bin);
                        add_share::<S, T, BINS>(simd, share, power, sums, bin);
                    });
                } else {
                    let sums = slab.orders[m].ratio_mut(at);
                    for_bins!(bins, |BINS, bin| {
                        let ratio = self.ratio::<S, BINS>(simd, noise, choice, observed, bin);
                        add_share::<S, T, BINS>(simd, share, ratio, sums, bin);
                    });
                }
            }
        }
    }

    /// `C_j`, `D - C_j`, `1 / D` and `|x|^2` at the bins from `bin` on.
    #[inline(always)]
    fn terms<S: Simd, const BINS: usize>(
        &self,
        simd: S,
        noise_variance: f64,
        (orders, j): (&[usize], usize),
        observed: &[Pack<T>],
        bin: usize,
    ) -> [[T::Vector<S>; BINS]; 4] {
        let own = load_all::<S, T, BINS>(simd, self.variances.order(j, orders[j]), bin);
        let others = self
            .variances
            .total::<S, BINS>(simd, noise_variance, orders, Some(j), bin);
        let inverse_total = load_all::<S, T, BINS>(simd, &self.inverse_total, bin);
        let observed = load_all::<S, T, BINS>(simd, observed, bin);
        [own, others, inverse_total, observed]
    }

    /// `E[ |s_j|^2 | K ]` at the bins from `bin` on (eq. 15), written as `g (g |x|^2 + D - C)` with
    /// the gain `g = C / D`, all terms positive.
    #[inline(always)]
    fn power<S: Simd, const BINS: usize>(
        &self,
        simd: S,
        noise_variance: f64,
        choice: (&[usize], usize),
        observed: &[Pack<T>],
        bin: usize,
    ) -> [T::Vector<S>; BINS] {
        let [own, others, inverse_total, observed] =
            self.terms::<S, BINS>(simd, noise_variance, choice, observed, bin);
        posterior_powers::<S, T, BINS>(own, others, inverse_total, observed)
    }

    /// The same divided by `C^2`, the ratio that `tau` contracts: `|x|^2 / D^2 + (D - C) / (C D)`,
    /// in an order in which nothing overflows that is not too large itself.
    #[inline(always)]
    fn ratio<S: Simd, const BINS: usize>(
        &self,
        simd: S,
        noise_variance: f64,
        choice: (&[usize], usize),
        observed: &[Pack<T>],
        bin: usize,
    ) -> [T::Vector<S>; BINS] {
        let [own, others, inverse_total, observed] =
            self.terms::<S, BINS>(simd, noise_variance, choice, observed, bin);
        let mut ratio = invert_all::<S, T, BINS>(simd, own);
        for i in 0..BINS {
            let inverse_total = inverse_total[i];
            let rest = others[i] * inverse_total * ratio[i];
            ratio[i] = multiply_add(inverse_total, inverse_total * observed[i], rest);
        }
        ratio
    }

    /// What a block adds to `log q~(K)` under the factors just updated, with the `q(S|K)` that is
    /// the best for them: `log D_K + |x|^2 / D_K` of every combination, and `log(C_jm / V_jm)` of
    /// every order of which it is wanted. The `1 / V` that this takes is also what the next `rho`
    /// of the activations under known dictionaries needs.
    pub(super) fn add_evidence<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        sources: &mut [SlabSource<T>],
        observed: &[Pack<T>],
        at: &At<'_, T>,
    ) {
        for (j, (slab, source)) in sources.iter_mut().zip(pass.sources).enumerate() {
            let wants_volumes = source.averages_orders() || pass.evidence;
            let orders = slab.orders.iter_mut().zip(&source.orders);
            for (m, (order, dictionary)) in orders.enumerate() {
                let variance = self.variances.order_mut(j, m);
                if wants_volumes {
                    order.multiply_harmonic_product(simd, dictionary, at, variance);
                } else {
                    order.keep_harmonic_product(simd, dictionary, at, variance);
                }
                if wants_volumes {
                    order.multiply_mean_product(simd, dictionary, at, &mut self.inverse_v);
                } else if !source.is_estimated() {
                    let inverse_v = Some(&mut self.inverse_v[..]);
                    order.invert_mean_product(simd, dictionary, at, inverse_v);
                }
                if !source.is_estimated() {
                    order.contract_rho(simd, dictionary, at, Some(&self.inverse_v));
                }
            }
        }
        self.add_misfits(simd, pass, observed, at);
    }

    /// Adds `log D_K + |x|^2 / D_K` of every combination. In frames that do not exist `|x|^2` is 0,
    /// and `D_K` is taken to be 1.
    #[simd]
    fn add_misfits<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        observed: &[Pack<T>],
        at: &At<'_, T>,
    ) {
        let (variances, noise) = (&self.variances, pass.noise_variance);
        let valid = load(simd, &at.place.valid);
        let padding = T::constant(simd, 1.0) - valid;
        for (orders, misfit) in pass.combinations.orders().iter().zip(&mut self.misfits) {
            let mut volume = PackProduct::<S, T>::new(simd);
            let mut quotients = T::constant(simd, 0.0);
            for_bins!(observed.len(), |BINS, bin| {
                let mut total = variances.total::<S, BINS>(simd, noise, orders, None, bin);
                for total in &mut total {
                    *total = multiply_add(valid, *total, padding);
                }
                volume.multiply_all(simd, total);
                let inverse = invert_all::<S, T, BINS>(simd, total);
                let observed = load_all::<S, T, BINS>(simd, observed, bin);
                quotients = add_products::<S, T, BINS>(observed, inverse, quotients);
            });
            misfit.add(simd, volume, quotients);
        }
    }

    /// The gains of the posterior means of a block: `sum_K q(K) C_{j K_j} / D_K`.
    pub(super) fn form_gains<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        sources: &mut [SlabSource<T>],
        at: &At<'_, T>,
    ) {
        for (j, (slab, source)) in sources.iter_mut().zip(pass.sources).enumerate() {
            let orders = slab.orders.iter_mut().zip(&source.orders);
            for (m, (order, dictionary)) in orders.enumerate() {
                let variance = self.variances.order_mut(j, m);
                order.keep_harmonic_product(simd, dictionary, at, variance);
            }
        }
        self.average_gains(simd, pass, at.block.len());
    }

    #[simd]
    fn average_gains<S: Simd>(&mut self, simd: S, pass: &Pass<'_, T>, bins: usize) {
        self.gains.fill(Pack::ZERO);
        let weights = pass.combinations.posterior();
        for (&weight, orders) in weights.iter().zip(pass.combinations.orders()) {
            let weight = T::constant(simd, weight);
            for bin in 0..bins {
                let noise = pass.noise_variance;
                let [total] = self.variances.total::<S, 1>(simd, noise, orders, None, bin);
                let scale = weight / total;
                let gains = self.gains.chunks_exact_mut(self.stride);
                for (j, (&m, gains)) in orders.iter().zip(gains).enumerate() {
                    let own = load(simd, &self.variances.order(j, m)[bin]);
                    let gain = multiply_add(own, scale, load(simd, &gains[bin]));
                    store(gain, &mut gains[bin]);
                }
            }
        }
    }

    /// The gain of the posterior mean `mu_j` at a bin of the block just updated and a frame of its
    /// group.
    pub(super) fn gain(&self, source: usize, bin: usize, frame: usize) -> f64 {
        self.gains[source * self.stride + bin].0.as_ref()[frame].to_f64()
    }
}

/// Adds what a combination has with its weight, or begins with it if it is the first.
#[inline(always)]
fn add_share<S: Simd, T: Real, const BINS: usize>(
    simd: S,
    share: &Share,
    mut terms: [T::Vector<S>; BINS],
    sums: &mut [Pack<T>],
    bin: usize,
) {
    let weight = T::constant(simd, share.weight);
    if share.is_first {
        for term in &mut terms {
            *term *= weight;
        }
    } else {
        let before = load_all::<S, T, BINS>(simd, sums, bin);
        for i in 0..BINS {
            terms[i] = multiply_add(weight, terms[i], before[i]);
        }
    }
    store_all::<S, T, BINS>(terms, sums, bin);
}

/// The `C_jm` of a block.
#[derive(Debug)]
struct Variances<T: Real> {
    /// Order after order and source after source, `stride` packs apart.
    packs: Vec<Pack<T>>,
    stride: usize,
    /// Position of each source's first order in `packs`.
    first_orders: Vec<usize>,
}

impl<T: Real> Variances<T> {
    fn new(sources: &[SourceState<T>], stride: usize) -> Self {
        let mut orders = 0;
        let mut first_orders = Vec::new();
        for source in sources {
            first_orders.push(orders);
            orders += source.orders.len();
        }
        Self {
            packs: vec![Pack::ZERO; stride * orders],
            stride,
            first_orders,
        }
    }

    fn order(&self, source: usize, order: usize) -> &[Pack<T>] {
        let start = (self.first_orders[source] + order) * self.stride;
        &self.packs[start..start + self.stride]
    }

    fn order_mut(&mut self, source: usize, order: usize) -> &mut [Pack<T>] {
        let start = (self.first_orders[source] + order) * self.stride;
        &mut self.packs[start..start + self.stride]
    }

    /// `D_K` of a combination, or, without a source, `D_K - C_{j K_j}`, at the bins from `bin` on.
    #[inline(always)]
    fn total<S: Simd, const BINS: usize>(
        &self,
        simd: S,
        noise_variance: f64,
        orders: &[usize],
        left_out: Option<usize>,
        bin: usize,
    ) -> [T::Vector<S>; BINS] {
        let kept = orders
            .iter()
            .enumerate()
            .filter(|&(j, _)| Some(j) != left_out);
        let variances = kept.map(|(j, &m)| self.order(j, m));
        sum_variances::<S, T, BINS>(simd, noise_variance, variances, bin)
    }
}
