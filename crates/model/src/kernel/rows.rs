//! Elementwise steps between the products of [`super::micro`], on a lane of frames and a block of
//! bins.

use fearless_simd::{Simd, SimdBase, SimdFloat, f64x8, u64x8};

use super::lanes::{LANE, Lane};
use super::micro::{Finish, load, splat, store, sum};
use super::slab::EnergySums;
use crate::log_product::LogProduct;

/// Where a source's `C_j` comes from its orders' `C`.
pub(super) enum Variance<'a> {
    /// It is not asked for.
    Unused,
    /// This order's, as the only one.
    Whole(&'a mut [Lane]),
    /// `q(K_jm) / C_jm` is added to its reciprocal (eq. 16).
    Precision { weight: f64, sum: &'a mut [Lane] },
}

impl Variance<'_> {
    #[inline(always)]
    fn take<S: Simd>(&mut self, simd: S, bin: usize, c: f64x8<S>, inverse_c: f64x8<S>) {
        match self {
            Self::Unused => {}
            Self::Whole(variance) => store(c, &mut variance[bin]),
            Self::Precision { weight, sum } => {
                let sum = &mut sum[bin];
                let weight = splat(simd, *weight);
                store(weight.mul_add_precise(inverse_c, load(simd, sum)), sum);
            }
        }
    }
}

/// Keeps the reciprocal of one product. Neighbouring bins share a division: both products are at
/// least `VARIANCE_FLOOR`, so theirs does not underflow.
pub(super) struct KeepInverse<'a> {
    pub(super) inverse: &'a mut [Lane],
    pub(super) variance: Variance<'a>,
}

impl<S: Simd> Finish<S, 1> for KeepInverse<'_> {
    #[inline(always)]
    fn finish<const BINS: usize>(&mut self, simd: S, bin: usize, [c]: [[f64x8<S>; BINS]; 1]) {
        let inverse = &mut self.inverse[bin..bin + BINS];
        let one = splat(simd, 1.0);
        let mut inverses = c;
        let mut i = 0;
        while i + 2 <= BINS {
            let reciprocal = one / (c[i] * c[i + 1]);
            inverses[i] = reciprocal * c[i + 1];
            inverses[i + 1] = reciprocal * c[i];
            i += 2;
        }
        if i < BINS {
            inverses[i] = one / c[i];
        }
        for i in 0..BINS {
            store(inverses[i], &mut inverse[i]);
            self.variance.take(simd, bin + i, c[i], inverses[i]);
        }
    }
}

/// Keeps `1 / C` and `1 / V`, two reciprocals for one division.
pub(super) struct KeepInverses<'a> {
    pub(super) inverse_c: &'a mut [Lane],
    pub(super) inverse_v: &'a mut [Lane],
    pub(super) variance: Variance<'a>,
}

impl<S: Simd> Finish<S, 2> for KeepInverses<'_> {
    #[inline(always)]
    fn finish<const BINS: usize>(&mut self, simd: S, bin: usize, [c, v]: [[f64x8<S>; BINS]; 2]) {
        let inverse_c = &mut self.inverse_c[bin..bin + BINS];
        let inverse_v = &mut self.inverse_v[bin..bin + BINS];
        for i in 0..BINS {
            let reciprocal = splat(simd, 1.0) / (c[i] * v[i]);
            let inverse = reciprocal * v[i];
            store(inverse, &mut inverse_c[i]);
            store(reciprocal * c[i], &mut inverse_v[i]);
            self.variance.take(simd, bin + i, c[i], inverse);
        }
    }
}

/// Keeps `1 / V`, and sums `log V` and `E|s|^2 / C` with the same division.
pub(super) struct SumMisfit<'a, S: Simd> {
    pub(super) power: &'a [Lane],
    pub(super) inverse_v: &'a mut [Lane],
    pub(super) volume: LaneProduct<S>,
    pub(super) quotients: f64x8<S>,
}

impl<S: Simd> Finish<S, 2> for SumMisfit<'_, S> {
    #[inline(always)]
    fn finish<const BINS: usize>(&mut self, simd: S, bin: usize, [c, v]: [[f64x8<S>; BINS]; 2]) {
        let power = &self.power[bin..bin + BINS];
        let inverse_v = &mut self.inverse_v[bin..bin + BINS];
        for i in 0..BINS {
            let reciprocal = splat(simd, 1.0) / (c[i] * v[i]);
            store(reciprocal * c[i], &mut inverse_v[i]);
            let power = load(simd, &power[i]);
            self.quotients = power.mul_add_precise(reciprocal * v[i], self.quotients);
        }
        // Neighbours in even positions go in together: the square of the floor is a normal number.
        let mut i = 0;
        while i + 2 <= BINS {
            self.volume.multiply(simd, v[i] * v[i + 1]);
            i += 2;
        }
        if i < BINS {
            self.volume.multiply(simd, v[i]);
        }
    }
}

/// Replaces a precision by the variance `C_j`.
#[inline(always)]
pub(super) fn invert<S: Simd>(simd: S, lanes: &mut [Lane]) {
    for lane in lanes {
        store(splat(simd, 1.0) / load(simd, lane), lane);
    }
}

/// Source `j` of `q(S)` (eq. 15): `E|s_j|^2 = |mu_j|^2 + Sigma_jj`, written as
/// `g (g |x|^2 + D - C_j)` with the gain `g = C_j / D`, all terms positive.
///
/// `variances`: `C_j` of every source, `stride` lanes apart; `inverse`: `1 / D` in frames that exist,
/// else 0.
#[expect(clippy::too_many_arguments, reason = "the matrices of one equation")]
#[inline(always)]
pub(super) fn posterior_power<S: Simd>(
    simd: S,
    noise_variance: f64,
    variances: &[Lane],
    stride: usize,
    source: usize,
    observed: &[Lane],
    inverse: &[Lane],
    power: &mut [Lane],
) {
    let noise = splat(simd, noise_variance);
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
pub(super) fn inverse_total<S: Simd>(
    simd: S,
    noise_variance: f64,
    variances: &[Lane],
    stride: usize,
    valid: &Lane,
    inverse: &mut [Lane],
) {
    let (noise, valid) = (splat(simd, noise_variance), load(simd, valid));
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
pub(super) fn ratio<S: Simd>(simd: S, power: &[Lane], inverse_c: &mut [Lane]) {
    for (inverse, power) in inverse_c.iter_mut().zip(power) {
        let value = load(simd, inverse);
        store(load(simd, power) * value * value, inverse);
    }
}

/// For a training: writes `P / V^2` beside `1 / V`, and returns `sum [ P / V + log V ]`. `V` is 1 in
/// frames that do not exist.
#[inline(always)]
pub(super) fn training_ratios<S: Simd>(
    simd: S,
    power: &[Lane],
    inverse_v: &[Lane],
    ratio: &mut [Lane],
) -> f64 {
    let mut quotients = splat(simd, 0.0);
    let mut inverse_volume = LaneProduct::new(simd);
    for ((power, inverse), ratio) in power.iter().zip(inverse_v).zip(ratio) {
        let inverse = load(simd, inverse);
        let quotient = load(simd, power) * inverse;
        inverse_volume.multiply(simd, inverse);
        quotients += quotient;
        store(quotient * inverse, ratio);
    }
    sum(simd, quotients) - inverse_volume.log()
}

/// Adds `E|s|^2 / C` and `log V` from the reciprocals. In frames that do not exist the power is 0 and
/// `V` is 1.
#[inline(always)]
pub(super) fn misfit_from_inverses<S: Simd>(
    simd: S,
    power: &[Lane],
    inverse_c: &[Lane],
    inverse_v: &[Lane],
    quotients: &mut f64x8<S>,
    volume: &mut LaneProduct<S>,
) {
    let one = splat(simd, 1.0);
    for ((power, c), v) in power.iter().zip(inverse_c).zip(inverse_v) {
        *quotients = load(simd, power).mul_add_precise(load(simd, c), *quotients);
        volume.multiply(simd, one / load(simd, v));
    }
}

/// Shares of the free energy that belong to no order: with `D = sigma^2 + sum_j C_j`,
/// `sum E|x - A s|^2 / sigma^2 = sum [ |x|^2 sigma^2 / D^2 + (D - sigma^2) / D ]` and
/// `sum log( prod_j C_j / D )`. `valid`: 1 in frames that exist.
#[inline(always)]
pub(super) fn energy<S: Simd>(
    simd: S,
    noise_variance: f64,
    variances: &[Lane],
    stride: usize,
    observed: &[Lane],
    valid: &Lane,
) -> EnergySums {
    let noise = splat(simd, noise_variance);
    let one = splat(simd, 1.0);
    let valid = load(simd, valid);
    let mut residual = splat(simd, 0.0);
    let mut totals = LaneProduct::new(simd);
    for (bin, observed) in observed.iter().enumerate() {
        let mut modelled = splat(simd, 0.0);
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
    let mut log_determinant = -totals.log();
    for variances in variances.chunks_exact(stride) {
        // C_j is 1 in the padding.
        let mut product = LaneProduct::new(simd);
        for variance in &variances[..observed.len()] {
            product.multiply(simd, load(simd, variance));
        }
        log_determinant += product.log();
    }
    EnergySums {
        residual: sum(simd, residual),
        log_determinant,
    }
}

/// A product of positive normal numbers in eight lanes, for the sum of their logarithms: mantissas
/// are multiplied, exponents added. The product of mantissas, each below 2, has its own exponent taken
/// out before it can overflow.
#[derive(Clone, Copy)]
pub(super) struct LaneProduct<S: Simd> {
    mantissa: f64x8<S>,
    exponents: u64x8<S>,
    factors: i64,
}

impl<S: Simd> LaneProduct<S> {
    #[inline(always)]
    pub(super) fn new(simd: S) -> Self {
        Self {
            mantissa: splat(simd, 1.0),
            exponents: u64x8::splat(simd, 0),
            factors: 0,
        }
    }

    #[inline(always)]
    pub(super) fn multiply(&mut self, simd: S, value: f64x8<S>) {
        self.absorb(simd, value);
        if self.factors % 512 == 0 {
            let product = self.mantissa;
            self.mantissa = splat(simd, 1.0);
            self.absorb(simd, product);
        }
    }

    #[inline(always)]
    fn absorb(&mut self, simd: S, value: f64x8<S>) {
        let bits = value.to_bits();
        let mantissa = (bits & u64x8::splat(simd, (1 << 52) - 1)) | u64x8::splat(simd, 1023 << 52);
        self.mantissa *= f64x8::from_bits(mantissa);
        self.exponents += bits >> 52;
        self.factors += 1;
    }

    /// Goes on where a product was left.
    #[inline(always)]
    pub(super) fn resume(simd: S, product: &StoredProduct) -> Self {
        Self {
            mantissa: load(simd, &product.mantissa),
            exponents: u64x8::load_array(simd, product.exponents),
            factors: product.factors,
        }
    }

    /// The product, to go on with later.
    #[inline(always)]
    pub(super) fn stored(self) -> StoredProduct {
        StoredProduct {
            mantissa: Lane(self.mantissa.to_array()),
            exponents: self.exponents.to_array(),
            factors: self.factors,
        }
    }

    /// The sum of the logarithms.
    #[inline(always)]
    pub(super) fn log(self) -> f64 {
        self.stored().log()
    }
}

/// A [`LaneProduct`] out of registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredProduct {
    mantissa: Lane,
    exponents: [u64; LANE],
    factors: i64,
}

impl StoredProduct {
    /// The product of nothing.
    pub(super) const ONE: Self = Self {
        mantissa: Lane([1.0; LANE]),
        exponents: [0; LANE],
        factors: 0,
    };

    /// The sum of the logarithms.
    pub(super) fn log(&self) -> f64 {
        let mut product = LogProduct::default();
        for (mantissa, exponent) in self.mantissa.0.into_iter().zip(self.exponents) {
            product.multiply(mantissa);
            product.scale(exponent as i64 - 1023 * self.factors);
        }
        product.log()
    }
}
