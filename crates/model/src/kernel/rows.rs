//! Elementwise steps on one row of bins, between the products of [`super::micro`].

use fearless_simd::{Simd, SimdBase, SimdFloat, f64x8, u64x8};

use super::lanes::Lane;
use super::micro::{load, splat, store, sum};
use super::slab::EnergySums;
use crate::log_product::LogProduct;

/// Replaces `C` and `V` by `1 / C` and `1 / V` with one division.
///
/// Both are floored at `VARIANCE_FLOOR`, so their product does not underflow.
#[inline(always)]
pub(crate) fn invert_both<S: Simd>(simd: S, c: &mut [Lane], v: &mut [Lane]) {
    let one = splat(simd, 1.0);
    for (c_lane, v_lane) in c.iter_mut().zip(v) {
        let (c, v) = (load(simd, c_lane), load(simd, v_lane));
        let reciprocal = one / (c * v);
        store(reciprocal * v, c_lane);
        store(reciprocal * c, v_lane);
    }
}

/// `precision += q / C` (eq. 16), from `1 / C`.
#[inline(always)]
pub(crate) fn add_precision<S: Simd>(simd: S, q: f64, inverse_c: &[Lane], precision: &mut [Lane]) {
    let q = splat(simd, q);
    for (precision, inverse) in precision.iter_mut().zip(inverse_c) {
        let total = q.mul_add_precise(load(simd, inverse), load(simd, precision));
        store(total, precision);
    }
}

/// Replaces a precision by the variance `C_j`.
#[inline(always)]
pub(crate) fn invert<S: Simd>(simd: S, row: &mut [Lane]) {
    for lane in row {
        store(splat(simd, 1.0) / load(simd, lane), lane);
    }
}

/// Source `j` of `q(S)` (eq. 15) for one frame: `E|s_j|^2 = |mu_j|^2 + Sigma_jj`, written as
/// `g (g |x|^2 + D - C_j)` with the gain `g = C_j / D`, all terms positive.
///
/// `variances`: a row `C_j` of `stride` lanes per source. `valid`: 1 in bins that exist, else 0.
#[expect(clippy::too_many_arguments, reason = "the rows of one equation")]
#[inline(always)]
pub(crate) fn posterior_power<S: Simd>(
    simd: S,
    noise_variance: f64,
    variances: &[Lane],
    stride: usize,
    source: usize,
    observed: &[Lane],
    valid: &[Lane],
    power: &mut [Lane],
) {
    for (lane, ((power, observed), valid)) in power.iter_mut().zip(observed).zip(valid).enumerate()
    {
        let mut others = splat(simd, noise_variance);
        let mut own = others;
        for (j, variances) in variances.chunks_exact(stride).enumerate() {
            let variance = load(simd, &variances[lane]);
            if j == source {
                own = variance;
            } else {
                others += variance;
            }
        }
        let gain = own / (own + others);
        let inner = gain.mul_add_precise(load(simd, observed), others);
        store(gain * inner * load(simd, valid), power);
    }
}

/// Replaces `1 / C` by `E|s_j|^2 / C^2`, the ratio that `tau` contracts.
#[inline(always)]
pub(crate) fn ratio<S: Simd>(simd: S, power: &[Lane], inverse_c: &mut [Lane]) {
    for (inverse, power) in inverse_c.iter_mut().zip(power) {
        let value = load(simd, inverse);
        store(load(simd, power) * value * value, inverse);
    }
}

/// Replaces `V` by `1 / V`, writes `P / V^2` beside it and returns the sum of `P / V`.
#[inline(always)]
pub(super) fn power_ratios<S: Simd>(
    simd: S,
    power: &[Lane],
    v: &mut [Lane],
    ratio: &mut [Lane],
) -> f64x8<S> {
    let mut total = splat(simd, 0.0);
    for ((power, v), ratio) in power.iter().zip(v).zip(ratio) {
        let inverse = splat(simd, 1.0) / load(simd, v);
        let quotient = load(simd, power) * inverse;
        total += quotient;
        store(inverse, v);
        store(quotient * inverse, ratio);
    }
    total
}

/// The sum of `E|s_j|^2 / C`, given both; two bins share a division.
#[inline(always)]
pub(crate) fn sum_of_quotients<S: Simd>(simd: S, power: &[Lane], c: &[Lane]) -> f64x8<S> {
    let mut total = splat(simd, 0.0);
    let (power_pairs, power_rest) = power.as_chunks::<2>();
    let (c_pairs, c_rest) = c.as_chunks::<2>();
    for ([p0, p1], [c0, c1]) in power_pairs.iter().zip(c_pairs) {
        let (c0, c1) = (load(simd, c0), load(simd, c1));
        let numerator = load(simd, p0) * c1 + load(simd, p1) * c0;
        total += numerator / (c0 * c1);
    }
    for (p, c) in power_rest.iter().zip(c_rest) {
        total += load(simd, p) / load(simd, c);
    }
    total
}

/// The sum of products of two rows.
#[inline(always)]
pub(crate) fn sum_of_products<S: Simd>(simd: S, a: &[Lane], b: &[Lane]) -> f64x8<S> {
    let mut total = splat(simd, 0.0);
    for (a, b) in a.iter().zip(b) {
        total = load(simd, a).mul_add_precise(load(simd, b), total);
    }
    total
}

/// A product of positive normal numbers in eight lanes, for the sum of their logarithms: mantissas
/// are multiplied, exponents added. Good for a thousand factors a lane.
#[derive(Clone, Copy)]
pub(crate) struct LaneProduct<S: Simd> {
    mantissa: f64x8<S>,
    exponents: u64x8<S>,
    factors: i64,
}

impl<S: Simd> LaneProduct<S> {
    #[inline(always)]
    pub(crate) fn new(simd: S) -> Self {
        Self {
            mantissa: splat(simd, 1.0),
            exponents: u64x8::splat(simd, 0),
            factors: 0,
        }
    }

    #[inline(always)]
    pub(crate) fn multiply_value(&mut self, simd: S, value: f64x8<S>) {
        let bits = value.to_bits();
        let mantissa = (bits & u64x8::splat(simd, (1 << 52) - 1)) | u64x8::splat(simd, 1023 << 52);
        self.mantissa *= f64x8::from_bits(mantissa);
        self.exponents += bits >> 52;
        self.factors += 1;
    }

    /// Multiplies by every lane of a row.
    #[inline(always)]
    pub(crate) fn multiply(&mut self, simd: S, row: &[Lane]) {
        for lane in row {
            self.multiply_value(simd, load(simd, lane));
        }
    }

    /// Hands the product on, lane by lane.
    #[inline(always)]
    pub(crate) fn finish(self, product: &mut LogProduct) {
        let exponents = self.exponents.to_array();
        for (mantissa, exponent) in self.mantissa.to_array().into_iter().zip(exponents) {
            product.multiply(mantissa);
            product.scale(exponent as i64 - 1023 * self.factors);
        }
    }
}

/// Shares of the free energy of one frame that belong to no order: with `D = sigma^2 + sum_j C_j`,
/// `sum E|x - A s|^2 / sigma^2 = sum [ |x|^2 sigma^2 / D^2 + (D - sigma^2) / D ]` and
/// `sum log( prod_j C_j / D )`.
#[inline(always)]
pub(super) fn energy<S: Simd>(
    simd: S,
    noise_variance: f64,
    variances: &[Lane],
    stride: usize,
    observed: &[Lane],
    valid: &[Lane],
) -> EnergySums {
    let noise = splat(simd, noise_variance);
    let one = splat(simd, 1.0);
    let mut residual = splat(simd, 0.0);
    let mut numerators = LaneProduct::new(simd);
    let mut totals = LaneProduct::new(simd);
    for (lane, (observed, valid)) in observed.iter().zip(valid).enumerate() {
        let valid = load(simd, valid);
        let mut modelled = splat(simd, 0.0);
        for variances in variances.chunks_exact(stride) {
            // C_j is 1 in the padding.
            let variance = load(simd, &variances[lane]);
            numerators.multiply_value(simd, variance);
            modelled += variance;
        }
        let total = noise + modelled;
        let padded_total = valid.mul_add_precise(total - one, one);
        totals.multiply_value(simd, padded_total);
        let inverse = valid / total;
        let share = noise * load(simd, observed) * inverse + modelled;
        residual = inverse.mul_add_precise(share, residual);
    }
    let (mut numerator, mut denominator) = (LogProduct::default(), LogProduct::default());
    numerators.finish(&mut numerator);
    totals.finish(&mut denominator);
    EnergySums {
        residual: sum(simd, residual),
        log_determinant: numerator.log() - denominator.log(),
    }
}
