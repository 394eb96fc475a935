//! `q(S)` of the paper, one for all orders, in the frames of a slab.

use fearless_simd::Simd;
use fearless_simd_macros::simd;

use super::elementwise::{self, EnergySums, Share, Variance};
use super::layout::{At, block_size};
use super::pack::{Pack, Real};
use super::source::SlabSource;
use super::state::Pass;

/// Working memory of the updates of `q(S)`, and the sums that it adds to the free energy.
#[derive(Debug)]
pub(super) struct Factorised<T: Real> {
    pub(super) energy: EnergySums,
    /// `C_j` of a group in a block, source after source, `stride` packs apart.
    variances: Vec<Pack<T>>,
    stride: usize,
    /// `1 / D` of a block.
    inverse_total: Vec<Pack<T>>,
    /// `D - C_j` of a source in a block.
    others: Vec<Pack<T>>,
}

impl<T: Real> Factorised<T> {
    pub(super) fn new(sources: usize, bins: usize) -> Self {
        let stride = block_size(bins);
        Self {
            energy: EnergySums::default(),
            variances: vec![Pack::ZERO; stride * sources],
            stride,
            inverse_total: vec![Pack::ZERO; stride],
            others: vec![Pack::ZERO; stride],
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
        for (j, source) in sources.iter().enumerate() {
            if source.orders.len() > 1 {
                let start = j * self.stride;
                elementwise::invert(simd, &mut self.variances[start..start + observed.len()]);
            }
        }
        let (noise, variances, stride) = (pass.noise_variance, &self.variances, self.stride);
        let inverse = &mut self.inverse_total[..observed.len()];
        let others = &mut self.others[..observed.len()];
        for (j, source) in sources.iter_mut().enumerate() {
            let own = &variances[j * stride..][..observed.len()];
            elementwise::sum_others(simd, noise, variances, stride, j, others);
            if j == 0 {
                elementwise::invert_totals(simd, own, others, &at.place.valid, inverse);
            }
            let share = Share {
                own,
                others,
                inverse_total: inverse,
            };
            let power = source.power.block_mut(0, at);
            elementwise::form_posterior_power(simd, &share, observed, power);
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
