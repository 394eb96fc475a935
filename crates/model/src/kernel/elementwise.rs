//! Elementwise steps between the [products](super::products), on a group of frames and a block of
//! bins.

use fearless_simd::prelude::*;

use super::log_product::{PackProduct, StoredProduct};
use super::pack::{Pack, Real, load, multiply_add, store, sum};
use super::products::Finish;

/// Keeps a product.
pub(super) struct Keep<'a, T: Real>(pub(super) &'a mut [Pack<T>]);

impl<S: Simd, T: Real> Finish<S, T> for Keep<'_, T> {
    #[inline(always)]
    fn finish<const BINS: usize>(&mut self, _: S, bin: usize, c: [T::Vector<S>; BINS]) {
        store_all::<S, T, BINS>(c, self.0, bin);
    }
}

/// Keeps the reciprocal of a product, and where it is asked for the product.
pub(super) struct KeepInverse<'a, T: Real> {
    pub(super) inverse: &'a mut [Pack<T>],
    pub(super) kept: Option<&'a mut [Pack<T>]>,
}

impl<S: Simd, T: Real> Finish<S, T> for KeepInverse<'_, T> {
    #[inline(always)]
    fn finish<const BINS: usize>(&mut self, simd: S, bin: usize, c: [T::Vector<S>; BINS]) {
        let inverse = invert_all::<S, T, BINS>(simd, c);
        store_all::<S, T, BINS>(inverse, self.inverse, bin);
        if let Some(kept) = &mut self.kept {
            store_all::<S, T, BINS>(c, kept, bin);
        }
    }
}

/// Reciprocals of numbers that are at least at the floor, two by one division where it can be.
#[inline(always)]
pub(super) fn invert_all<S: Simd, T: Real, const BINS: usize>(
    simd: S,
    values: [T::Vector<S>; BINS],
) -> [T::Vector<S>; BINS] {
    let mut inverses = values;
    let mut i = 0;
    while i + 2 <= BINS {
        [inverses[i], inverses[i + 1]] = T::inverses(simd, [values[i], values[i + 1]]);
        i += 2;
    }
    if i < BINS {
        inverses[i] = T::constant(simd, 1.0) / values[i];
    }
    inverses
}

/// Keeps `1 / V`, and multiplies the `V` of a block for the sum of their logarithms.
pub(super) struct KeepInverseAndVolume<'a, S: Simd, T: Real> {
    pub(super) inverse: &'a mut [Pack<T>],
    pub(super) volume: PackProduct<S, T>,
}

impl<S: Simd, T: Real> Finish<S, T> for KeepInverseAndVolume<'_, S, T> {
    #[inline(always)]
    fn finish<const BINS: usize>(&mut self, simd: S, bin: usize, v: [T::Vector<S>; BINS]) {
        store_all::<S, T, BINS>(invert_all::<S, T, BINS>(simd, v), self.inverse, bin);
        self.volume.multiply_all(simd, v);
    }
}

/// Keeps a product, and multiplies it for the sum of its logarithms.
pub(super) struct KeepAndMultiply<'a, S: Simd, T: Real> {
    pub(super) kept: &'a mut [Pack<T>],
    pub(super) volume: PackProduct<S, T>,
}

impl<S: Simd, T: Real> Finish<S, T> for KeepAndMultiply<'_, S, T> {
    #[inline(always)]
    fn finish<const BINS: usize>(&mut self, simd: S, bin: usize, c: [T::Vector<S>; BINS]) {
        store_all::<S, T, BINS>(c, self.kept, bin);
        self.volume.multiply_all(simd, c);
    }
}

/// Sums `E|s|^2 / C` of a block.
pub(super) struct SumQuotients<'a, S: Simd, T: Real> {
    pub(super) power: &'a [Pack<T>],
    pub(super) quotients: T::Vector<S>,
}

impl<S: Simd, T: Real> Finish<S, T> for SumQuotients<'_, S, T> {
    #[inline(always)]
    fn finish<const BINS: usize>(&mut self, simd: S, bin: usize, c: [T::Vector<S>; BINS]) {
        let inverse = invert_all::<S, T, BINS>(simd, c);
        let power = load_all::<S, T, BINS>(simd, self.power, bin);
        self.quotients = add_products::<S, T, BINS>(power, inverse, self.quotients);
    }
}

/// Adds the products of two numbers at each bin to a sum over bins, of two bins at once: each step
/// of the sum waits for the last.
#[inline(always)]
pub(super) fn add_products<S: Simd, T: Real, const BINS: usize>(
    a: [T::Vector<S>; BINS],
    b: [T::Vector<S>; BINS],
    mut sum: T::Vector<S>,
) -> T::Vector<S> {
    let mut i = 0;
    while i + 2 <= BINS {
        sum += multiply_add(a[i], b[i], a[i + 1] * b[i + 1]);
        i += 2;
    }
    if i < BINS {
        sum = multiply_add(a[i], b[i], sum);
    }
    sum
}

/// Walks the bins of a block, six at a time and the rest one by one: enough independent work to
/// hide a division, and few enough numbers for registers. The step is a call with the number of
/// bins as a constant, and the first of them; a closure could not have the constant.
macro_rules! for_bins {
    ($bins:expr, |$BINS:ident, $bin:ident| $step:expr) => {{
        let bins = $bins;
        let mut first = 0;
        while first + 6 <= bins {
            const $BINS: usize = 6;
            let $bin = first;
            $step;
            first += $BINS;
        }
        while first < bins {
            const $BINS: usize = 1;
            let $bin = first;
            $step;
            first += $BINS;
        }
    }};
}
pub(super) use for_bins;

/// The numbers at the bins from `bin` on.
#[inline(always)]
pub(super) fn load_all<S: Simd, T: Real, const BINS: usize>(
    simd: S,
    packs: &[Pack<T>],
    bin: usize,
) -> [T::Vector<S>; BINS] {
    let packs = &packs[bin..bin + BINS];
    let mut values = [T::constant(simd, 0.0); BINS];
    for i in 0..BINS {
        values[i] = load(simd, &packs[i]);
    }
    values
}

#[inline(always)]
pub(super) fn store_all<S: Simd, T: Real, const BINS: usize>(
    values: [T::Vector<S>; BINS],
    packs: &mut [Pack<T>],
    bin: usize,
) {
    for (value, pack) in values.into_iter().zip(&mut packs[bin..bin + BINS]) {
        store(value, pack);
    }
}

/// Adds `weight` times the numbers at the bins from `bin` on.
#[inline(always)]
pub(super) fn add_weighted<S: Simd, T: Real, const BINS: usize>(
    simd: S,
    weight: T::Vector<S>,
    packs: &[Pack<T>],
    bin: usize,
    sums: &mut [T::Vector<S>; BINS],
) {
    let terms = load_all::<S, T, BINS>(simd, packs, bin);
    for i in 0..BINS {
        sums[i] = multiply_add(weight, terms[i], sums[i]);
    }
}

/// `sigma^2` and the variances of some sources, each in a block, added up at the bins from `bin`
/// on.
#[inline(always)]
pub(super) fn sum_variances<'a, S: Simd, T: Real, const BINS: usize>(
    simd: S,
    noise_variance: f64,
    variances: impl Iterator<Item = &'a [Pack<T>]>,
    bin: usize,
) -> [T::Vector<S>; BINS] {
    let mut sums = [T::constant(simd, noise_variance); BINS];
    for variances in variances {
        let terms = load_all::<S, T, BINS>(simd, variances, bin);
        for i in 0..BINS {
            sums[i] += terms[i];
        }
    }
    sums
}

/// `E|s_j|^2 = |mu_j|^2 + Sigma_jj` of `q(S)` (eq. 15), written as `g (g |x|^2 + D - C_j)` with the
/// gain `g = C_j / D`, all terms positive. `others`: `D - C_j`.
#[inline(always)]
pub(super) fn posterior_powers<S: Simd, T: Real, const BINS: usize>(
    own: [T::Vector<S>; BINS],
    others: [T::Vector<S>; BINS],
    inverse_total: [T::Vector<S>; BINS],
    observed: [T::Vector<S>; BINS],
) -> [T::Vector<S>; BINS] {
    let mut powers = own;
    for i in 0..BINS {
        let gain = own[i] * inverse_total[i];
        powers[i] = gain * multiply_add(gain, observed[i], others[i]);
    }
    powers
}

/// Replaces `1 / C` by `E|s_j|^2 / C^2`, the ratio that `tau` contracts.
#[inline(always)]
pub(super) fn form_ratios<S: Simd, T: Real>(simd: S, power: &[Pack<T>], inverse_c: &mut [Pack<T>]) {
    for (inverse, power) in inverse_c.iter_mut().zip(power) {
        let value = load(simd, inverse);
        store(load(simd, power) * value * value, inverse);
    }
}

/// Adds `E|s|^2 / C` and `log V` from the reciprocals. In frames that do not exist the power is 0
/// and `V` is 1.
#[inline(always)]
pub(super) fn add_misfit_from_inverses<S: Simd, T: Real>(
    simd: S,
    power: &[Pack<T>],
    inverse_c: &[Pack<T>],
    inverse_v: &[Pack<T>],
    quotients: &mut T::Vector<S>,
    volume: &mut PackProduct<S, T>,
) {
    let one = T::constant(simd, 1.0);
    for ((power, c), v) in power.iter().zip(inverse_c).zip(inverse_v) {
        *quotients = multiply_add(load(simd, power), load(simd, c), *quotients);
        volume.multiply(simd, one / load(simd, v));
    }
}

/// Shares of the free energy that belong to no order.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct EnergySums {
    /// `sum E|x - A s|^2 / sigma^2`.
    pub(super) residual: f64,
    /// `sum log( prod_j C_j / D )`.
    pub(super) log_determinant: f64,
}

/// Shares of the free energy that belong to no order: with `D = sigma^2 + sum_j C_j`,
/// `sum E|x - A s|^2 / sigma^2 = sum [ |x|^2 sigma^2 / D^2 + (D - sigma^2) / D ]` and
/// `sum log( prod_j C_j / D )`. `valid`: 1 in frames that exist.
#[inline(always)]
pub(super) fn sum_energy<S: Simd, T: Real>(
    simd: S,
    noise_variance: f64,
    variances: &[Pack<T>],
    stride: usize,
    observed: &[Pack<T>],
    valid: &Pack<T>,
) -> EnergySums {
    let noise = T::constant(simd, noise_variance);
    let one = T::constant(simd, 1.0);
    let valid = load(simd, valid);
    let mut residual = T::constant(simd, 0.0);
    let mut totals = PackProduct::<S, T>::new(simd);
    for (bin, observed) in observed.iter().enumerate() {
        let mut modelled = T::constant(simd, 0.0);
        for variances in variances.chunks_exact(stride) {
            modelled += load(simd, &variances[bin]);
        }
        let total = noise + modelled;
        // D, or 1 in the padding.
        totals.multiply(simd, multiply_add(valid, total, one - valid));
        let inverse = valid / total;
        let share = noise * load(simd, observed) * inverse + modelled;
        residual = multiply_add(inverse, share, residual);
    }
    let mut log_determinant = -totals.log(simd);
    for variances in variances.chunks_exact(stride) {
        // C_j is 1 in the padding.
        let mut product = PackProduct::<S, T>::new(simd);
        for variance in &variances[..observed.len()] {
            product.multiply(simd, load(simd, variance));
        }
        log_determinant += product.log(simd);
    }
    EnergySums {
        residual: sum(simd, T::fold_sum(simd, residual)),
        log_determinant,
    }
}

/// How badly variances fit powers: `sum [ log V + P / C ]`, which is `sum [ log V + P / V ]` in a
/// training.
#[derive(Debug, Clone, Copy)]
pub(super) struct Misfit {
    volume: StoredProduct,
    quotients: Pack<f64>,
}

impl Misfit {
    /// The sum of nothing.
    pub(super) const ZERO: Self = Self {
        volume: StoredProduct::ONE,
        quotients: Pack::ZERO,
    };

    /// Adds a block: the product of its `V` and the sums of `P / C`.
    #[inline(always)]
    pub(super) fn add<S: Simd, T: Real>(
        &mut self,
        simd: S,
        volume: PackProduct<S, T>,
        quotients: T::Vector<S>,
    ) {
        self.volume.multiply(simd, volume);
        let quotients = load(simd, &self.quotients) + T::fold_sum(simd, quotients);
        store(quotients, &mut self.quotients);
    }

    pub(super) fn total(&self) -> f64 {
        let [a, b, c, d, e, f, g, h] = self.quotients.0;
        self.volume.log() + (((a + b) + (c + d)) + ((e + f) + (g + h)))
    }
}
