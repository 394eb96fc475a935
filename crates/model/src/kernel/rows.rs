//! Elementwise steps between the products of [`super::micro`], on a lane of frames and a block of
//! bins.

use fearless_simd::prelude::*;
use fearless_simd::u64x8;

use super::lanes::Lane;
use super::micro::{Finish, load, store, sum};
use super::real::{EIGHT, Real};
use super::slab::EnergySums;
use crate::log_product::LogProduct;

/// Where a source's `C_j` comes from its orders' `C`.
pub(super) enum Variance<'a, T: Real> {
    /// It is not asked for.
    Unused,
    /// This order's, as the only one.
    Whole(&'a mut [Lane<T>]),
    /// `q(K_jm) / C_jm` is added to its reciprocal (eq. 16).
    Precision { weight: f64, sum: &'a mut [Lane<T>] },
}

impl<T: Real> Variance<'_, T> {
    #[inline(always)]
    fn take<S: Simd>(&mut self, simd: S, bin: usize, c: T::Vector<S>, inverse_c: T::Vector<S>) {
        match self {
            Self::Unused => {}
            Self::Whole(variance) => store(c, &mut variance[bin]),
            Self::Precision { weight, sum } => {
                let sum = &mut sum[bin];
                let weight = T::constant(simd, *weight);
                store(weight.mul_add_precise(inverse_c, load(simd, sum)), sum);
            }
        }
    }
}

/// Keeps the reciprocal of one product.
pub(super) struct KeepInverse<'a, T: Real> {
    pub(super) inverse: &'a mut [Lane<T>],
    pub(super) variance: Variance<'a, T>,
}

impl<S: Simd, T: Real> Finish<S, T, 1> for KeepInverse<'_, T> {
    #[inline(always)]
    fn finish<const BINS: usize>(&mut self, simd: S, bin: usize, [c]: [[T::Vector<S>; BINS]; 1]) {
        let inverse = &mut self.inverse[bin..bin + BINS];
        let mut inverses = c;
        let mut i = 0;
        while i + 2 <= BINS {
            let pair = T::inverses(simd, [c[i], c[i + 1]]);
            [inverses[i], inverses[i + 1]] = pair;
            i += 2;
        }
        if i < BINS {
            inverses[i] = T::constant(simd, 1.0) / c[i];
        }
        for i in 0..BINS {
            store(inverses[i], &mut inverse[i]);
            self.variance.take(simd, bin + i, c[i], inverses[i]);
        }
    }
}

/// Keeps `1 / C` and `1 / V`.
pub(super) struct KeepInverses<'a, T: Real> {
    pub(super) inverse_c: &'a mut [Lane<T>],
    pub(super) inverse_v: &'a mut [Lane<T>],
    pub(super) variance: Variance<'a, T>,
}

impl<S: Simd, T: Real> Finish<S, T, 2> for KeepInverses<'_, T> {
    #[inline(always)]
    fn finish<const BINS: usize>(
        &mut self,
        simd: S,
        bin: usize,
        [c, v]: [[T::Vector<S>; BINS]; 2],
    ) {
        let inverse_c = &mut self.inverse_c[bin..bin + BINS];
        let inverse_v = &mut self.inverse_v[bin..bin + BINS];
        for i in 0..BINS {
            let inverses = T::inverses(simd, [c[i], v[i]]);
            store(inverses[0], &mut inverse_c[i]);
            store(inverses[1], &mut inverse_v[i]);
            self.variance.take(simd, bin + i, c[i], inverses[0]);
        }
    }
}

/// Keeps `1 / V`, and sums `log V` and `E|s|^2 / C` of a block.
pub(super) struct SumMisfit<'a, S: Simd, T: Real> {
    pub(super) power: &'a [Lane<T>],
    pub(super) inverse_v: &'a mut [Lane<T>],
    pub(super) volume: LaneProduct<S, T>,
    pub(super) quotients: T::Vector<S>,
}

impl<S: Simd, T: Real> Finish<S, T, 2> for SumMisfit<'_, S, T> {
    #[inline(always)]
    fn finish<const BINS: usize>(
        &mut self,
        simd: S,
        bin: usize,
        [c, v]: [[T::Vector<S>; BINS]; 2],
    ) {
        let power = &self.power[bin..bin + BINS];
        let inverse_v = &mut self.inverse_v[bin..bin + BINS];
        for i in 0..BINS {
            let inverses = T::inverses(simd, [c[i], v[i]]);
            store(inverses[1], &mut inverse_v[i]);
            let power = load(simd, &power[i]);
            self.quotients = power.mul_add_precise(inverses[0], self.quotients);
        }
        // Neighbours in even positions go in together.
        let mut i = 0;
        while i + 2 <= BINS {
            self.volume.multiply_pair(simd, [v[i], v[i + 1]]);
            i += 2;
        }
        if i < BINS {
            self.volume.multiply(simd, v[i]);
        }
    }
}

/// Replaces a precision by the variance `C_j`.
#[inline(always)]
pub(super) fn invert<S: Simd, T: Real>(simd: S, lanes: &mut [Lane<T>]) {
    for lane in lanes {
        store(T::constant(simd, 1.0) / load(simd, lane), lane);
    }
}

/// Source `j` of `q(S)` (eq. 15): `E|s_j|^2 = |mu_j|^2 + Sigma_jj`, written as
/// `g (g |x|^2 + D - C_j)` with the gain `g = C_j / D`, all terms positive.
///
/// `variances`: `C_j` of every source, `stride` lanes apart; `inverse`: `1 / D` in frames that exist,
/// else 0.
#[expect(clippy::too_many_arguments, reason = "the matrices of one equation")]
#[inline(always)]
pub(super) fn posterior_power<S: Simd, T: Real>(
    simd: S,
    noise_variance: f64,
    variances: &[Lane<T>],
    stride: usize,
    source: usize,
    observed: &[Lane<T>],
    inverse: &[Lane<T>],
    power: &mut [Lane<T>],
) {
    let noise = T::constant(simd, noise_variance);
    let bins = power.iter_mut().zip(observed).zip(inverse);
    for (bin, ((power, observed), inverse)) in bins.enumerate() {
        let own = load(simd, &variances[source * stride + bin]);
        let mut others = noise;
        for (j, variances) in variances.chunks_exact(stride).enumerate() {
            if j != source {
                others += load(simd, &variances[bin]);
            }
        }
        let gain = own * load(simd, inverse);
        let inner = gain.mul_add_precise(load(simd, observed), others);
        store(gain * inner, power);
    }
}

/// `1 / D` with `D = sigma^2 + sum_j C_j`, in frames that exist, else 0.
#[inline(always)]
pub(super) fn inverse_total<S: Simd, T: Real>(
    simd: S,
    noise_variance: f64,
    variances: &[Lane<T>],
    stride: usize,
    valid: &Lane<T>,
    inverse: &mut [Lane<T>],
) {
    let (noise, valid) = (T::constant(simd, noise_variance), load(simd, valid));
    for (bin, inverse) in inverse.iter_mut().enumerate() {
        let mut total = noise;
        for variances in variances.chunks_exact(stride) {
            total += load(simd, &variances[bin]);
        }
        store(valid / total, inverse);
    }
}

/// Replaces `1 / C` by `E|s_j|^2 / C^2`, the ratio that `tau` contracts.
#[inline(always)]
pub(super) fn ratio<S: Simd, T: Real>(simd: S, power: &[Lane<T>], inverse_c: &mut [Lane<T>]) {
    for (inverse, power) in inverse_c.iter_mut().zip(power) {
        let value = load(simd, inverse);
        store(load(simd, power) * value * value, inverse);
    }
}

/// For a training: writes `P / V^2` beside `1 / V`, and returns `sum [ P / V + log V ]`. `V` is 1 in
/// frames that do not exist.
#[inline(always)]
pub(super) fn training_ratios<S: Simd, T: Real>(
    simd: S,
    power: &[Lane<T>],
    inverse_v: &[Lane<T>],
    ratio: &mut [Lane<T>],
) -> f64 {
    let mut quotients = T::constant(simd, 0.0);
    let mut inverse_volume = LaneProduct::<S, T>::new(simd);
    for ((power, inverse), ratio) in power.iter().zip(inverse_v).zip(ratio) {
        let inverse = load(simd, inverse);
        let quotient = load(simd, power) * inverse;
        inverse_volume.multiply(simd, inverse);
        quotients += quotient;
        store(quotient * inverse, ratio);
    }
    sum(simd, T::fold_sum(simd, quotients)) - inverse_volume.log(simd)
}

/// Adds `E|s|^2 / C` and `log V` from the reciprocals. In frames that do not exist the power is 0 and
/// `V` is 1.
#[inline(always)]
pub(super) fn misfit_from_inverses<S: Simd, T: Real>(
    simd: S,
    power: &[Lane<T>],
    inverse_c: &[Lane<T>],
    inverse_v: &[Lane<T>],
    quotients: &mut T::Vector<S>,
    volume: &mut LaneProduct<S, T>,
) {
    let one = T::constant(simd, 1.0);
    for ((power, c), v) in power.iter().zip(inverse_c).zip(inverse_v) {
        *quotients = load(simd, power).mul_add_precise(load(simd, c), *quotients);
        volume.multiply(simd, one / load(simd, v));
    }
}

/// Shares of the free energy that belong to no order: with `D = sigma^2 + sum_j C_j`,
/// `sum E|x - A s|^2 / sigma^2 = sum [ |x|^2 sigma^2 / D^2 + (D - sigma^2) / D ]` and
/// `sum log( prod_j C_j / D )`. `valid`: 1 in frames that exist.
#[inline(always)]
pub(super) fn energy<S: Simd, T: Real>(
    simd: S,
    noise_variance: f64,
    variances: &[Lane<T>],
    stride: usize,
    observed: &[Lane<T>],
    valid: &Lane<T>,
) -> EnergySums {
    let noise = T::constant(simd, noise_variance);
    let one = T::constant(simd, 1.0);
    let valid = load(simd, valid);
    let mut residual = T::constant(simd, 0.0);
    let mut totals = LaneProduct::<S, T>::new(simd);
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
        let mut product = LaneProduct::<S, T>::new(simd);
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

/// A product of positive normal numbers in the frames of a lane, for the sum of their logarithms:
/// mantissas are multiplied, exponents added. The product of mantissas, each below 2, has its own
/// exponent taken out before it can overflow.
#[derive(Clone, Copy)]
pub(super) struct LaneProduct<S: Simd, T: Real> {
    mantissa: T::Vector<S>,
    exponents: T::Exponents<S>,
    factors: u64,
}

impl<S: Simd, T: Real> LaneProduct<S, T> {
    #[inline(always)]
    pub(super) fn new(simd: S) -> Self {
        Self {
            mantissa: T::constant(simd, 1.0),
            exponents: T::no_exponents(simd),
            factors: 0,
        }
    }

    #[inline(always)]
    pub(super) fn multiply(&mut self, simd: S, value: T::Vector<S>) {
        self.absorb(simd, value);
        if self.factors.is_multiple_of(T::FACTORS) {
            let product = self.mantissa;
            self.mantissa = T::constant(simd, 1.0);
            self.absorb(simd, product);
        }
    }

    /// Two factors that are at least at the floor: as one where their product is a normal number.
    #[inline(always)]
    pub(super) fn multiply_pair(&mut self, simd: S, [a, b]: [T::Vector<S>; 2]) {
        if T::PRODUCTS_ARE_NORMAL {
            self.multiply(simd, a * b);
        } else {
            self.multiply(simd, a);
            self.multiply(simd, b);
        }
    }

    #[inline(always)]
    fn absorb(&mut self, simd: S, value: T::Vector<S>) {
        let (mantissa, exponents) = T::mantissa(simd, value);
        self.mantissa *= mantissa;
        self.exponents += exponents;
        self.factors += 1;
    }

    /// The sum of the logarithms.
    #[inline(always)]
    pub(super) fn log(self, simd: S) -> f64 {
        let mut product = StoredProduct::ONE;
        product.multiply(simd, self);
        product.log()
    }
}

/// The product of several [`LaneProduct`]s.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredProduct {
    /// From 1 to 2.
    mantissa: Lane<f64>,
    /// Their bits, which exceed them by `bias`.
    exponents: [u64; EIGHT],
    bias: u64,
}

impl StoredProduct {
    /// The product of nothing.
    pub(super) const ONE: Self = Self {
        mantissa: Lane([1.0; EIGHT]),
        exponents: [0; EIGHT],
        bias: 0,
    };

    #[inline(always)]
    pub(super) fn multiply<S: Simd, T: Real>(&mut self, simd: S, product: LaneProduct<S, T>) {
        let mantissa = load(simd, &self.mantissa) * T::fold_product(simd, product.mantissa);
        let (mantissa, exponents) = f64::mantissa(simd, mantissa);
        store(mantissa, &mut self.mantissa);
        let exponents = exponents + T::fold_exponents(simd, product.exponents);
        let exponents = exponents + u64x8::load_array(simd, self.exponents);
        self.exponents = exponents.to_array();
        let folded = (T::LANE / EIGHT) as u64;
        self.bias += f64::EXPONENT_BIAS + T::EXPONENT_BIAS * folded * product.factors;
    }

    /// The sum of the logarithms.
    pub(super) fn log(&self) -> f64 {
        let mut product = LogProduct::default();
        for (mantissa, exponent) in self.mantissa.0.into_iter().zip(self.exponents) {
            product.multiply(mantissa);
            product.scale(exponent as i64 - self.bias as i64);
        }
        product.log()
    }
}
