//! Elementwise steps between the [products](super::products), on a group of frames and a block of
//! bins.

use fearless_simd::prelude::*;

use super::log_product::{PackProduct, StoredProduct};
use super::pack::{Pack, Real, load, store, sum};
use super::products::Finish;

/// Where a source's `C_j` comes from its orders' `C`.
pub(super) enum Variance<'a, T: Real> {
    /// It is not asked for.
    Unused,
    /// This order's, as the only one.
    Whole(&'a mut [Pack<T>]),
    /// `q(K_jm) / C_jm` becomes its reciprocal if it is the first order's, else is added (eq. 16).
    Precision {
        weight: f64,
        sum: &'a mut [Pack<T>],
        is_first: bool,
    },
}

impl<T: Real> Variance<'_, T> {
    /// The same for the bins of a group.
    #[inline(always)]
    fn group<const BINS: usize>(&mut self, bin: usize) -> Variance<'_, T> {
        match self {
            Self::Unused => Variance::Unused,
            Self::Whole(variance) => Variance::Whole(&mut variance[bin..bin + BINS]),
            Self::Precision {
                weight,
                sum,
                is_first,
            } => Variance::Precision {
                weight: *weight,
                sum: &mut sum[bin..bin + BINS],
                is_first: *is_first,
            },
        }
    }

    #[inline(always)]
    fn take<S: Simd>(&mut self, simd: S, bin: usize, c: T::Vector<S>, inverse_c: T::Vector<S>) {
        match self {
            Self::Unused => {}
            Self::Whole(variance) => store(c, &mut variance[bin]),
            Self::Precision {
                weight,
                sum,
                is_first,
            } => {
                let weight = T::constant(simd, *weight);
                let sum = &mut sum[bin];
                if *is_first {
                    store(weight * inverse_c, sum);
                } else {
                    store(weight.mul_add_precise(inverse_c, load(simd, sum)), sum);
                }
            }
        }
    }
}

/// Keeps the reciprocal of a product.
pub(super) struct KeepInverse<'a, T: Real> {
    pub(super) inverse: &'a mut [Pack<T>],
    pub(super) variance: Variance<'a, T>,
}

impl<S: Simd, T: Real> Finish<S, T> for KeepInverse<'_, T> {
    #[inline(always)]
    fn finish<const BINS: usize>(&mut self, simd: S, bin: usize, c: [T::Vector<S>; BINS]) {
        let inverse = &mut self.inverse[bin..bin + BINS];
        let mut variance = self.variance.group::<BINS>(bin);
        let mut i = 0;
        while i + 2 <= BINS {
            let [a, b] = T::inverses(simd, [c[i], c[i + 1]]);
            store(a, &mut inverse[i]);
            store(b, &mut inverse[i + 1]);
            variance.take(simd, i, c[i], a);
            variance.take(simd, i + 1, c[i + 1], b);
            i += 2;
        }
        if i < BINS {
            let last = T::constant(simd, 1.0) / c[i];
            store(last, &mut inverse[i]);
            variance.take(simd, i, c[i], last);
        }
    }
}

/// Keeps `1 / V`, and multiplies the `V` of a block for the sum of their logarithms.
pub(super) struct KeepInverseAndVolume<'a, S: Simd, T: Real> {
    pub(super) inverse: &'a mut [Pack<T>],
    pub(super) volume: PackProduct<S, T>,
}

impl<S: Simd, T: Real> Finish<S, T> for KeepInverseAndVolume<'_, S, T> {
    #[inline(always)]
    fn finish<const BINS: usize>(&mut self, simd: S, bin: usize, v: [T::Vector<S>; BINS]) {
        let inverse = &mut self.inverse[bin..bin + BINS];
        let mut volume = self.volume;
        let mut i = 0;
        while i + 2 <= BINS {
            let pair = [v[i], v[i + 1]];
            let [a, b] = T::inverses(simd, pair);
            store(a, &mut inverse[i]);
            store(b, &mut inverse[i + 1]);
            volume.multiply_pair(simd, pair);
            i += 2;
        }
        if i < BINS {
            store(T::constant(simd, 1.0) / v[i], &mut inverse[i]);
            volume.multiply(simd, v[i]);
        }
        self.volume = volume;
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
        let kept = &mut self.kept[bin..bin + BINS];
        let mut volume = self.volume;
        let mut i = 0;
        while i + 2 <= BINS {
            store(c[i], &mut kept[i]);
            store(c[i + 1], &mut kept[i + 1]);
            volume.multiply_pair(simd, [c[i], c[i + 1]]);
            i += 2;
        }
        if i < BINS {
            store(c[i], &mut kept[i]);
            volume.multiply(simd, c[i]);
        }
        self.volume = volume;
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
        let power = &self.power[bin..bin + BINS];
        let mut quotients = self.quotients;
        let mut i = 0;
        while i + 2 <= BINS {
            let [a, b] = T::inverses(simd, [c[i], c[i + 1]]);
            quotients = load(simd, &power[i]).mul_add_precise(a, quotients);
            quotients = load(simd, &power[i + 1]).mul_add_precise(b, quotients);
            i += 2;
        }
        if i < BINS {
            quotients += load(simd, &power[i]) / c[i];
        }
        self.quotients = quotients;
    }
}

/// Replaces a precision by the variance `C_j`, or a total by its reciprocal, two bins by one
/// division where it can be.
#[inline(always)]
pub(super) fn invert<S: Simd, T: Real>(simd: S, packs: &mut [Pack<T>]) {
    let (pairs, rest) = packs.as_chunks_mut::<2>();
    for [first, second] in pairs {
        let [a, b] = T::inverses(simd, [load(simd, first), load(simd, second)]);
        store(a, first);
        store(b, second);
    }
    for pack in rest {
        store(T::constant(simd, 1.0) / load(simd, pack), pack);
    }
}

/// `sigma^2 + sum C_i` over the sources but `source`. `variances`: `C_j` of every source, `stride`
/// packs apart.
#[inline(always)]
pub(super) fn sum_others<S: Simd, T: Real>(
    simd: S,
    noise_variance: f64,
    variances: &[Pack<T>],
    stride: usize,
    source: usize,
    others: &mut [Pack<T>],
) {
    let noise = T::constant(simd, noise_variance);
    let mut is_first = true;
    for (j, variances) in variances.chunks_exact(stride).enumerate() {
        if j == source {
            continue;
        }
        for (sum, variance) in others.iter_mut().zip(variances) {
            let before = if is_first { noise } else { load(simd, sum) };
            store(before + load(simd, variance), sum);
        }
        is_first = false;
    }
    if is_first {
        for sum in others {
            store(noise, sum);
        }
    }
}

/// `1 / D` with `D = C_j + others`, in frames that exist, else 0.
#[inline(always)]
pub(super) fn invert_totals<S: Simd, T: Real>(
    simd: S,
    own: &[Pack<T>],
    others: &[Pack<T>],
    valid: &Pack<T>,
    inverse: &mut [Pack<T>],
) {
    let valid = load(simd, valid);
    let (inverse_pairs, inverse_rest) = inverse.as_chunks_mut::<2>();
    let (own_pairs, own_rest) = own.as_chunks::<2>();
    let (others_pairs, others_rest) = others.as_chunks::<2>();
    let pairs = own_pairs.iter().zip(others_pairs);
    for ([first, second], (own, others)) in inverse_pairs.iter_mut().zip(pairs) {
        let total_a = load(simd, &own[0]) + load(simd, &others[0]);
        let total_b = load(simd, &own[1]) + load(simd, &others[1]);
        let [a, b] = T::inverses(simd, [total_a, total_b]);
        store(valid * a, first);
        store(valid * b, second);
    }
    for (inverse, (own, others)) in inverse_rest
        .iter_mut()
        .zip(own_rest.iter().zip(others_rest))
    {
        let total = load(simd, own) + load(simd, others);
        store(valid * (T::constant(simd, 1.0) / total), inverse);
    }
}

#[inline(always)]
pub(super) fn fill<S: Simd, T: Real>(simd: S, value: f64, packs: &mut [Pack<T>]) {
    let value = T::constant(simd, value);
    for pack in packs {
        store(value, pack);
    }
}

#[inline(always)]
pub(super) fn add<S: Simd, T: Real>(simd: S, terms: &[Pack<T>], sums: &mut [Pack<T>]) {
    for (sum, term) in sums.iter_mut().zip(terms) {
        store(load(simd, sum) + load(simd, term), sum);
    }
}

/// `sums = first + second`.
#[inline(always)]
pub(super) fn add_two<S: Simd, T: Real>(
    simd: S,
    first: &[Pack<T>],
    second: &[Pack<T>],
    sums: &mut [Pack<T>],
) {
    for (sum, (first, second)) in sums.iter_mut().zip(first.iter().zip(second)) {
        store(load(simd, first) + load(simd, second), sum);
    }
}

/// A source among all, in a block.
pub(super) struct Share<'a, T: Real> {
    /// `C_j`.
    pub(super) own: &'a [Pack<T>],
    /// `D - C_j`.
    pub(super) others: &'a [Pack<T>],
    /// `1 / D` in frames that exist, else 0.
    pub(super) inverse_total: &'a [Pack<T>],
}

/// The same at a bin, and `|x|^2`.
struct ShareAt<'a, T: Real> {
    own: &'a Pack<T>,
    others: &'a Pack<T>,
    inverse_total: &'a Pack<T>,
    observed: &'a Pack<T>,
}

impl<'a, T: Real> Share<'a, T> {
    #[inline(always)]
    fn bins(&self, observed: &'a [Pack<T>]) -> impl Iterator<Item = ShareAt<'a, T>> {
        let variances = self.own.iter().zip(self.others);
        let rest = self.inverse_total.iter().zip(observed);
        variances
            .zip(rest)
            .map(|((own, others), (inverse_total, observed))| ShareAt {
                own,
                others,
                inverse_total,
                observed,
            })
    }
}

/// `E|s_j|^2 = |mu_j|^2 + Sigma_jj` of `q(S)` (eq. 15), written as `g (g |x|^2 + D - C_j)` with the
/// gain `g = C_j / D`, all terms positive.
#[inline(always)]
pub(super) fn form_posterior_power<S: Simd, T: Real>(
    simd: S,
    share: &Share<'_, T>,
    observed: &[Pack<T>],
    power: &mut [Pack<T>],
) {
    for (power, bin) in power.iter_mut().zip(share.bins(observed)) {
        store(posterior_power_at(simd, bin), power);
    }
}

/// Adds the same times a weight, or begins with it if it is the first of its sum.
#[inline(always)]
pub(super) fn add_posterior_power<S: Simd, T: Real>(
    simd: S,
    weight: f64,
    share: &Share<'_, T>,
    observed: &[Pack<T>],
    is_first: bool,
    power: &mut [Pack<T>],
) {
    let weight = T::constant(simd, weight);
    let bins = power.iter_mut().zip(share.bins(observed));
    if is_first {
        for (power, bin) in bins {
            store(weight * posterior_power_at(simd, bin), power);
        }
    } else {
        for (power, bin) in bins {
            let sum = weight.mul_add_precise(posterior_power_at(simd, bin), load(simd, power));
            store(sum, power);
        }
    }
}

#[inline(always)]
fn posterior_power_at<S: Simd, T: Real>(simd: S, bin: ShareAt<'_, T>) -> T::Vector<S> {
    let gain = load(simd, bin.own) * load(simd, bin.inverse_total);
    gain * gain.mul_add_precise(load(simd, bin.observed), load(simd, bin.others))
}

/// Adds `weight C_j / D` to the gain of a posterior mean.
#[inline(always)]
pub(super) fn add_gain<S: Simd, T: Real>(
    simd: S,
    weight: f64,
    own: &[Pack<T>],
    inverse_total: &[Pack<T>],
    gain: &mut [Pack<T>],
) {
    let weight = T::constant(simd, weight);
    for ((gain, own), inverse) in gain.iter_mut().zip(own).zip(inverse_total) {
        let own = weight * load(simd, own);
        store(
            own.mul_add_precise(load(simd, inverse), load(simd, gain)),
            gain,
        );
    }
}

/// Multiplies the totals `D = C_j + others` for the sum of their logarithms, and returns the sums
/// of `|x|^2 / D`. In frames that do not exist `|x|^2` is 0, and `D` is taken to be 1.
#[inline(always)]
pub(super) fn measure_totals<S: Simd, T: Real>(
    simd: S,
    own: &[Pack<T>],
    others: &[Pack<T>],
    observed: &[Pack<T>],
    valid: &Pack<T>,
    volume: &mut PackProduct<S, T>,
) -> T::Vector<S> {
    let valid = load(simd, valid);
    let padding = T::constant(simd, 1.0) - valid;
    let mut quotients = T::constant(simd, 0.0);
    let (own_pairs, own_rest) = own.as_chunks::<2>();
    let (others_pairs, others_rest) = others.as_chunks::<2>();
    let (observed_pairs, observed_rest) = observed.as_chunks::<2>();
    let pairs = own_pairs.iter().zip(others_pairs);
    for ((own, others), observed) in pairs.zip(observed_pairs) {
        let total_a = load(simd, &own[0]) + load(simd, &others[0]);
        let total_b = load(simd, &own[1]) + load(simd, &others[1]);
        let pair = [
            valid.mul_add_precise(total_a, padding),
            valid.mul_add_precise(total_b, padding),
        ];
        volume.multiply_pair(simd, pair);
        let [a, b] = T::inverses(simd, pair);
        quotients = load(simd, &observed[0]).mul_add_precise(a, quotients);
        quotients = load(simd, &observed[1]).mul_add_precise(b, quotients);
    }
    for ((own, others), observed) in own_rest.iter().zip(others_rest).zip(observed_rest) {
        let total = valid.mul_add_precise(load(simd, own) + load(simd, others), padding);
        volume.multiply(simd, total);
        quotients += load(simd, observed) / total;
    }
    quotients
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
        *quotients = load(simd, power).mul_add_precise(load(simd, c), *quotients);
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
        totals.multiply(simd, valid.mul_add_precise(total, one - valid));
        let inverse = valid / total;
        let share = noise * load(simd, observed) * inverse + modelled;
        residual = inverse.mul_add_precise(share, residual);
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
