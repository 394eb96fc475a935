//! The GIG expectations of [`crate::gig`], eight variables at a time.

use fearless_simd::prelude::*;
use fearless_simd::{f64x4, f64x8, u64x8};

use super::lanes::{LANE, Lane};
use super::micro::{load, splat, store, sum};
use super::rows::LaneProduct;
use crate::gig::{
    Coefficients, FIRST_PIECE, Gig, LOCAL_BITS, MANTISSA_BITS, ONE_BITS, PADDED, PIECE_BITS, PIECES,
};

/// Sum over GIG variables of `E[log p(z)] - E[log q(z)]`, minus their Kullback-Leibler divergence
/// from the `Gamma(gamma, gamma)` prior:
/// `gamma log gamma - log Gamma(gamma) + log Z + (rho - gamma) E[z] + tau E[1/z]`
/// (the `E[log z]` cancel), with the logarithms of `rho` gathered as one product.
pub(super) struct KlSum<S: Simd> {
    rho: LaneProduct<S>,
    rest: f64x8<S>,
    count: usize,
}

impl<S: Simd> KlSum<S> {
    #[inline(always)]
    pub(super) fn new(simd: S) -> Self {
        Self {
            rho: LaneProduct::new(simd),
            rest: splat(simd, 0.0),
            count: 0,
        }
    }

    /// The sum, in nats.
    #[inline(always)]
    pub(super) fn total(self, simd: S, gig: &Gig) -> f64 {
        let log_shape = libm::log(gig.shape()) * self.count as f64;
        gig.shape() * (log_shape - self.rho.log()) + sum(simd, self.rest)
    }
}

/// Eight variables of which the first `count` exist; the others are given expectations of 0.
pub(super) struct Variables<S: Simd> {
    pub(super) rho: f64x8<S>,
    pub(super) tau: f64x8<S>,
    pub(super) count: usize,
}

/// Updates the mean and the harmonic expectation of eight GIG variables, and adds to `kl` what they
/// add to `log q~(K)` when their prior is `Gamma(gamma, gamma)`.
#[inline(always)]
pub(super) fn update<S: Simd>(
    simd: S,
    gig: &Gig,
    variables: Variables<S>,
    [mean, harmonic]: [&mut Lane; 2],
    kl: Option<&mut KlSum<S>>,
) {
    let Variables { rho, tau, count } = variables;
    let (zero, one) = (splat(simd, 0.0), splat(simd, 1.0));
    let index = load(simd, &Lane([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]));
    let exists = index.simd_lt(splat(simd, count as f64));
    let rho = exists.select(rho, one);
    let tau = exists.select(tau, zero);

    let y = rho * tau;
    let position = Position::of(simd, y);
    let t = polynomial(simd, &gig.tau_mean_inverse, &position);
    // At tau = 0 both t and tau are 0, and so must be the harmonic expectation.
    let divisor = t.simd_eq(zero).select(one, t);
    // One division for both: 1 / rho = t / (rho t) and 1 / t = rho / (rho t).
    let reciprocal = one / (rho * divisor);
    let shape = splat(simd, gig.shape());
    let new_mean = (shape + t) * (divisor * reciprocal);
    store(exists.select(new_mean, zero), mean);
    store(tau * (rho * reciprocal), harmonic);

    let mut terms = [t, zero];
    if kl.is_some() {
        terms[1] = polynomial(simd, &gig.scaled_log, &position);
    }
    if position.is_outside(tau) {
        let (rho, tau) = (rho.to_array(), tau.to_array());
        let mut values = [terms[0].to_array(), terms[1].to_array()];
        for i in 0..count.min(LANE) {
            if position.pieces[i] >= PIECES as u64 {
                let (expectations, terms) = gig.outside(rho[i], tau[i]);
                (mean.0[i], harmonic.0[i]) = (expectations.mean, expectations.harmonic);
                (values[0][i], values[1][i]) = (terms.tau_mean_inverse, terms.scaled_log);
            }
        }
        terms = [load(simd, &Lane(values[0])), load(simd, &Lane(values[1]))];
    }
    if let Some(kl) = kl {
        let [t, scaled_log] = terms;
        let log_ratio = scaled_log - splat(simd, 2.0) * y.sqrt();
        let rest = log_ratio + (rho - shape) * load(simd, mean) + t;
        kl.rest += exists.select(rest, zero);
        kl.rho.multiply(simd, rho);
        kl.count += count;
    }
}

/// Where eight values of `y` are in the tables: their pieces and their places in them.
struct Position<S: Simd> {
    pieces: [u64; LANE],
    local: f64x8<S>,
}

impl<S: Simd> Position<S> {
    #[inline(always)]
    fn of(simd: S, y: f64x8<S>) -> Self {
        let bits = y.to_bits();
        let mantissa = u64x8::splat(simd, (1 << MANTISSA_BITS) - 1);
        let one = u64x8::splat(simd, ONE_BITS);
        let local = f64x8::from_bits((bits << PIECE_BITS) & mantissa | one);
        // Wraps around below the first piece, and so is beyond the last.
        let pieces = (bits >> LOCAL_BITS) - u64x8::splat(simd, FIRST_PIECE);
        Self {
            pieces: pieces.to_array(),
            local: local - splat(simd, 1.5),
        }
    }

    /// Whether some value is in no piece and has not reached the limit `tau = 0` either.
    #[inline(always)]
    fn is_outside(&self, tau: f64x8<S>) -> bool {
        let tau = tau.to_array();
        let outside = |(&piece, &tau): (&u64, &f64)| piece >= PIECES as u64 && tau > 0.0;
        self.pieces.iter().zip(&tau).any(outside)
    }
}

/// The tabulated polynomials at eight positions, 0 outside the tables.
#[inline(always)]
fn polynomial<S: Simd>(simd: S, table: &[Coefficients], position: &Position<S>) -> f64x8<S> {
    const NONE: Coefficients = [0.0; PADDED];
    let mut rows = [&NONE; LANE];
    for (row, &piece) in rows.iter_mut().zip(&position.pieces) {
        *row = table.get(piece as usize).unwrap_or(&NONE);
    }
    let mut c = [splat(simd, 0.0); PADDED];
    for (group, c) in c.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let mut halves = [[f64x4::splat(simd, 0.0); 4]; 2];
        for (half, rows) in halves.iter_mut().zip(rows.as_chunks::<4>().0) {
            for (vector, row) in half.iter_mut().zip(rows) {
                *vector = f64x4::load_array_ref(simd, &row.as_chunks::<4>().0[group]);
            }
            *half = transpose(simd, *half);
        }
        for i in 0..4 {
            c[i] = simd.combine_f64x4(halves[0][i], halves[1][i]);
        }
    }
    // Estrin's scheme: the shortest chain of dependent multiply-adds.
    let s = position.local;
    let (s2, s4) = (s * s, s * s * (s * s));
    let mut pairs = [splat(simd, 0.0); PADDED / 2];
    for (i, pair) in pairs.iter_mut().enumerate() {
        *pair = s.mul_add_precise(c[2 * i + 1], c[2 * i]);
    }
    let low = s2.mul_add_precise(pairs[1], pairs[0]);
    let middle = s2.mul_add_precise(pairs[3], pairs[2]);
    let high = s2.mul_add_precise(pairs[5], pairs[4]);
    s4.mul_add_precise(s4.mul_add_precise(high, middle), low)
}

#[inline(always)]
fn transpose<S: Simd>(simd: S, [a, b, c, d]: [f64x4<S>; 4]) -> [f64x4<S>; 4] {
    let (ac_low, ac_high) = simd.interleave_f64x4(a, c);
    let (bd_low, bd_high) = simd.interleave_f64x4(b, d);
    let (first, second) = simd.interleave_f64x4(ac_low, bd_low);
    let (third, fourth) = simd.interleave_f64x4(ac_high, bd_high);
    [first, second, third, fourth]
}
