//! Elementwise steps between the products of [`super::micro`], on the lanes of a tile in a block:
//! the [`TILE`] frames of eight bins, then of the next eight.

use fearless_simd::{Simd, SimdBase, SimdFloat, f64x8, u64x8};

use super::lanes::{Lane, TILE, ZERO};
use super::micro::{Finish, load, splat, store, sum};
use super::slab::EnergySums;
use crate::log_product::LogProduct;

/// Keeps `1 / C` and `1 / V`, two reciprocals for one division. Both are at least
/// `VARIANCE_FLOOR`, so their product does not underflow.
///
/// `variance` receives, for a source of one order, `C` itself; for one of several, this order's
/// share `q / C` of the precision (eq. 16).
pub(super) struct KeepInverses<'a> {
    pub(super) inverse_c: &'a mut [Lane],
    pub(super) inverse_v: &'a mut [Lane],
    pub(super) variance: Variance<'a>,
}

/// What an order adds to its source's `C_j`.
pub(super) enum Variance<'a> {
    /// Nothing: it is not asked for.
    Unused,
    /// All of it, as the only order.
    Whole(&'a mut [Lane]),
    /// `q(K_jm) / C_jm` to its reciprocal.
    Precision { weight: f64, sum: &'a mut [Lane] },
}

impl<S: Simd> Finish<S> for KeepInverses<'_> {
    #[inline(always)]
    fn finish<const ROWS: usize>(
        &mut self,
        simd: S,
        lane: usize,
        row: usize,
        c: [f64x8<S>; ROWS],
        v: [f64x8<S>; ROWS],
    ) {
        let range = lane * TILE + row..lane * TILE + row + ROWS;
        let inverse_c = &mut self.inverse_c[range.clone()];
        let inverse_v = &mut self.inverse_v[range.clone()];
        let mut inverses = c;
        for i in 0..ROWS {
            let reciprocal = splat(simd, 1.0) / (c[i] * v[i]);
            inverses[i] = reciprocal * v[i];
            store(inverses[i], &mut inverse_c[i]);
            store(reciprocal * c[i], &mut inverse_v[i]);
        }
        match &mut self.variance {
            Variance::Unused => {}
            Variance::Whole(variance) => {
                for (variance, &c) in variance[range].iter_mut().zip(&c) {
                    store(c, variance);
                }
            }
            Variance::Precision { weight, sum } => {
                let weight = splat(simd, *weight);
                for (sum, &inverse) in sum[range].iter_mut().zip(&inverses) {
                    store(weight.mul_add_precise(inverse, load(simd, sum)), sum);
                }
            }
        }
    }
}

/// Sums `log V` and `E|s|^2 / C` over the first `frames` frames of a tile, keeping neither matrix.
pub(super) struct SumMisfit<'a, S: Simd> {
    pub(super) power: &'a [Lane],
    pub(super) frames: usize,
    pub(super) volume: LaneProduct<S>,
    pub(super) quotients: f64x8<S>,
}

impl<S: Simd> Finish<S> for SumMisfit<'_, S> {
    #[inline(always)]
    fn finish<const ROWS: usize>(
        &mut self,
        simd: S,
        lane: usize,
        row: usize,
        c: [f64x8<S>; ROWS],
        v: [f64x8<S>; ROWS],
    ) {
        let power = &self.power[lane * TILE + row..lane * TILE + row + ROWS];
        if row + ROWS > self.frames {
            for i in 0..ROWS {
                if row + i < self.frames {
                    self.volume.multiply(simd, v[i]);
                    self.quotients += load(simd, &power[i]) / c[i];
                }
            }
            return;
        }
        for i in (0..ROWS).step_by(3) {
            // Three quotients for one division; three floors do not underflow either.
            let (c01, p) = (c[i] * c[i + 1], &power[i..i + 3]);
            let numerator01 = load(simd, &p[0]) * c[i + 1] + load(simd, &p[1]) * c[i];
            let numerator = numerator01 * c[i + 2] + load(simd, &p[2]) * c01;
            self.quotients += numerator / (c01 * c[i + 2]);
            for v in &v[i..i + 3] {
                self.volume.multiply(simd, *v);
            }
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
/// `variances`: `C_j` of every source, `stride` lanes apart. `valid`: 1 in bins that exist, else 0.
#[expect(clippy::too_many_arguments, reason = "the matrices of one equation")]
#[inline(always)]
pub(super) fn posterior_power<S: Simd>(
    simd: S,
    noise_variance: f64,
    variances: &[Lane],
    stride: usize,
    source: usize,
    observed: &[Lane],
    valid: &[Lane],
    power: &mut [Lane],
) {
    let (powers, _) = power.as_chunks_mut::<TILE>();
    let (observed, _) = observed.as_chunks::<TILE>();
    for (lane, ((power, observed), valid)) in powers.iter_mut().zip(observed).zip(valid).enumerate()
    {
        let valid = load(simd, valid);
        for frame in 0..TILE {
            let mut others = splat(simd, noise_variance);
            let mut own = others;
            for (j, variances) in variances.chunks_exact(stride).enumerate() {
                let variance = load(simd, &variances[lane * TILE + frame]);
                if j == source {
                    own = variance;
                } else {
                    others += variance;
                }
            }
            let gain = own / (own + others);
            let inner = gain.mul_add_precise(load(simd, &observed[frame]), others);
            store(gain * inner * valid, &mut power[frame]);
        }
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

/// Zeros the frames of a tile that do not exist, so that they add nothing to a contraction.
pub(super) fn silence(lanes: &mut [Lane], frames: usize) {
    if frames < TILE {
        for tile in lanes.chunks_exact_mut(TILE) {
            tile[frames..].fill(ZERO);
        }
    }
}

/// For a training: replaces `V` by `1 / V`, writes `P / V^2` beside it, and returns
/// `sum [ P / V + log V ]` over the first `frames` frames.
#[inline(always)]
pub(super) fn training_ratios<S: Simd>(
    simd: S,
    power: &[Lane],
    frames: usize,
    v: &mut [Lane],
    ratio: &mut [Lane],
) -> f64 {
    let mut quotients = splat(simd, 0.0);
    let mut volume = LaneProduct::new(simd);
    let tiles = power.chunks_exact(TILE).zip(v.chunks_exact_mut(TILE));
    for ((power, v), ratio) in tiles.zip(ratio.chunks_exact_mut(TILE)) {
        for ((power, v), ratio) in power.iter().zip(v).zip(ratio).take(frames) {
            let variance = load(simd, v);
            let inverse = splat(simd, 1.0) / variance;
            let quotient = load(simd, power) * inverse;
            volume.multiply(simd, variance);
            quotients += quotient;
            store(inverse, v);
            store(quotient * inverse, ratio);
        }
    }
    sum(simd, quotients) + volume.log()
}

/// `sum [ log V + E|s|^2 / C ]` over the first `frames` frames, from the reciprocals.
#[inline(always)]
pub(super) fn misfit_from_inverses<S: Simd>(
    simd: S,
    power: &[Lane],
    inverse_c: &[Lane],
    inverse_v: &[Lane],
    frames: usize,
) -> f64 {
    let mut quotients = splat(simd, 0.0);
    let mut inverse_volume = LaneProduct::new(simd);
    let tiles = power.chunks_exact(TILE).zip(inverse_c.chunks_exact(TILE));
    for ((power, inverse_c), inverse_v) in tiles.zip(inverse_v.chunks_exact(TILE)) {
        for ((power, c), v) in power.iter().zip(inverse_c).zip(inverse_v).take(frames) {
            quotients = load(simd, power).mul_add_precise(load(simd, c), quotients);
            inverse_volume.multiply(simd, load(simd, v));
        }
    }
    sum(simd, quotients) - inverse_volume.log()
}

/// Shares of the free energy that belong to no order: with `D = sigma^2 + sum_j C_j`,
/// `sum E|x - A s|^2 / sigma^2 = sum [ |x|^2 sigma^2 / D^2 + (D - sigma^2) / D ]` and
/// `sum log( prod_j C_j / D )`, over the first `frames` frames.
#[inline(always)]
pub(super) fn energy<S: Simd>(
    simd: S,
    noise_variance: f64,
    variances: &[Lane],
    stride: usize,
    observed: &[Lane],
    valid: &[Lane],
    frames: usize,
) -> EnergySums {
    let noise = splat(simd, noise_variance);
    let one = splat(simd, 1.0);
    let mut residual = splat(simd, 0.0);
    let mut totals = LaneProduct::new(simd);
    for (lane, (observed, valid)) in observed.chunks_exact(TILE).zip(valid).enumerate() {
        let valid = load(simd, valid);
        for (frame, observed) in observed.iter().enumerate().take(frames) {
            let mut modelled = splat(simd, 0.0);
            for variances in variances.chunks_exact(stride) {
                modelled += load(simd, &variances[lane * TILE + frame]);
            }
            let total = noise + modelled;
            // D, or 1 in the padding.
            totals.multiply(simd, valid.mul_add_precise(total, one - valid));
            let inverse = valid / total;
            let share = noise * load(simd, observed) * inverse + modelled;
            residual = inverse.mul_add_precise(share, residual);
        }
    }
    let mut log_determinant = -totals.log();
    for variances in variances.chunks_exact(stride) {
        // C_j is 1 in the padding.
        let mut product = LaneProduct::new(simd);
        for tile in variances[..observed.len()].chunks_exact(TILE) {
            for variance in &tile[..frames] {
                product.multiply(simd, load(simd, variance));
            }
        }
        log_determinant += product.log();
    }
    EnergySums {
        residual: sum(simd, residual),
        log_determinant,
    }
}

/// A product of positive normal numbers in eight lanes, for the sum of their logarithms: mantissas
/// are multiplied, exponents added. Good for a thousand factors a lane, three times a tile in the
/// largest block.
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
        let bits = value.to_bits();
        let mantissa = (bits & u64x8::splat(simd, (1 << 52) - 1)) | u64x8::splat(simd, 1023 << 52);
        self.mantissa *= f64x8::from_bits(mantissa);
        self.exponents += bits >> 52;
        self.factors += 1;
    }

    /// The sum of the logarithms.
    #[inline(always)]
    pub(super) fn log(self) -> f64 {
        let mut product = LogProduct::default();
        let exponents = self.exponents.to_array();
        for (mantissa, exponent) in self.mantissa.to_array().into_iter().zip(exponents) {
            product.multiply(mantissa);
            product.scale(exponent as i64 - 1023 * self.factors);
        }
        product.log()
    }
}
