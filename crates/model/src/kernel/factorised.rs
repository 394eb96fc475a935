//! `q(S)` of the paper, one for all orders, in the frames of a slab.

use fearless_simd::Simd;
use fearless_simd_macros::simd;

use super::elementwise::{
    self, EnergySums, add_weighted, for_bins, invert_all, load_all, posterior_powers, store_all,
    sum_variances,
};
use super::layout::{At, block_size};
use super::pack::{Pack, Real, load};
use super::source::SlabSource;
use super::state::{Pass, SourceState};

/// Working memory of the updates of `q(S)`, and the sums that it adds to the free energy.
#[derive(Debug)]
pub(super) struct Factorised<T: Real> {
    pub(super) energy: EnergySums,
    /// `C_j` of a group in a block, source after source, `stride` packs apart.
    variances: Vec<Pack<T>>,
    stride: usize,
}

impl<T: Real> Factorised<T> {
    pub(super) fn new(sources: usize, bins: usize) -> Self {
        let stride = block_size(bins);
        Self {
            energy: EnergySums::default(),
            variances: vec![Pack::ZERO; stride * sources],
            stride,
        }
    }

    /// `q(S)` (eq. 15-16) of a block. Leaves `C_j` in `variances`, `E|s_j|^2` in `power`, the
    /// orders' `1 / C` and, where a dictionary is estimated or `everywhere`, their `1 / V`.
    pub(super) fn update_sources<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        sources: &mut [SlabSource<T>],
        observed: &[Pack<T>],
        at: &At<'_, T>,
        everywhere: bool,
    ) {
        let variances = self.variances.chunks_exact_mut(self.stride);
        for ((slab, source), variance) in sources.iter_mut().zip(pass.sources).zip(variances) {
            for (order, dictionary) in slab.orders.iter_mut().zip(&source.orders) {
                let kept = (!source.averages_orders()).then_some(&mut *variance);
                order.invert_harmonic_product(simd, dictionary, at, kept);
                if everywhere || !dictionary.is_known() {
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
        // One after the other: the divisions of both are too far apart to hide in one loop.
        let bins = observed.len();
        let variances = self.variances.chunks_exact_mut(self.stride);
        for ((slab, source), variance) in sources.iter().zip(pass.sources).zip(variances) {
            if source.averages_orders() {
                for_bins!(bins, |BINS, bin| average::<S, T, BINS>(
                    simd, slab, source, at, bin, variance
                ));
            }
        }
        for_bins!(bins, |BINS, bin| self
            .form_powers_at::<S, BINS>(simd, pass, sources, observed, at, bin));
    }

    #[inline(always)]
    fn form_powers_at<S: Simd, const BINS: usize>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        sources: &mut [SlabSource<T>],
        observed: &[Pack<T>],
        at: &At<'_, T>,
        bin: usize,
    ) {
        let variances = self.variances.chunks_exact(self.stride);
        let noise = pass.noise_variance;
        let total = sum_variances::<S, T, BINS>(simd, noise, variances.clone(), bin);
        let mut inverse_total = invert_all::<S, T, BINS>(simd, total);
        let valid = load(simd, &at.place.valid);
        for inverse in &mut inverse_total {
            *inverse *= valid;
        }
        let observed = load_all::<S, T, BINS>(simd, observed, bin);
        for (j, source) in sources.iter_mut().enumerate() {
            let others = variances.clone().enumerate().filter(|&(i, _)| i != j);
            let others = others.map(|(_, variance)| variance);
            let others = sum_variances::<S, T, BINS>(simd, noise, others, bin);
            let own = load_all::<S, T, BINS>(simd, &self.variances[j * self.stride..], bin);
            let powers = posterior_powers::<S, T, BINS>(own, others, inverse_total, observed);
            store_all::<S, T, BINS>(powers, source.power.block_mut(0, at), bin);
        }
    }

    /// The free energy's terms of a block, under the `q(S)` just updated.
    #[simd]
    pub(super) fn add_energy<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        sources: &mut [SlabSource<T>],
        observed: &[Pack<T>],
        at: &At<'_, T>,
    ) {
        let sums = elementwise::sum_energy(
            simd,
            pass.noise_variance,
            &self.variances,
            self.stride,
            observed,
            &at.place.valid,
        );
        self.energy.residual += sums.residual;
        self.energy.log_determinant += sums.log_determinant;
        for source in sources {
            let power = source.power.block(0, at);
            for order in &mut source.orders {
                order.add_misfit_from_inverses(simd, power, at);
            }
        }
    }

    /// `C_j / D`, the gain of the posterior mean `mu_j` (eq. 15), at a bin of the block just
    /// updated and a frame of its group.
    pub(super) fn gain(&self, noise_variance: f64, source: usize, bin: usize, frame: usize) -> f64 {
        let variance = |pack: &Pack<T>| pack.0.as_ref()[frame].to_f64();
        let variances = self.variances.chunks_exact(self.stride);
        let total: f64 = variances.map(|packs| variance(&packs[bin])).sum();
        variance(&self.variances[source * self.stride + bin]) / (noise_variance + total)
    }
}

/// `C_j = ( sum_m q(K_jm) / C_jm )^-1` (eq. 16) at the bins from `bin` on.
#[inline(always)]
fn average<S: Simd, T: Real, const BINS: usize>(
    simd: S,
    slab: &SlabSource<T>,
    source: &SourceState<T>,
    at: &At<'_, T>,
    bin: usize,
    variance: &mut [Pack<T>],
) {
    let mut precision = [T::constant(simd, 0.0); BINS];
    for (order, &weight) in slab.orders.iter().zip(&source.posterior) {
        let weight = T::constant(simd, weight);
        add_weighted::<S, T, BINS>(simd, weight, order.inverse_c(at), bin, &mut precision);
    }
    let inverse = invert_all::<S, T, BINS>(simd, precision);
    store_all::<S, T, BINS>(inverse, variance, bin);
}
