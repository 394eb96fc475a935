//! The GIG expectations of [`crate::gig`], eight variables at a time.

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, f64x4, f64x8, u64x8};
use fearless_simd_macros::simd;

use super::log_product::{PackProduct, StoredProduct};
use super::pack::{F64_LANES, Pack, Real, load, multiply_add, splat, store, sum};
use crate::gig::{
    Coefficients, Expectations, FIRST_PIECE, Gig, LOCAL_BITS, MANTISSA_BITS, ONE_BITS, PADDED,
    PIECE_BITS, PIECES,
};

/// Sum over GIG variables of `E[log p(z)] - E[log q(z)]`, minus their Kullback-Leibler divergence
/// from the `Gamma(gamma, gamma)` prior:
/// `gamma log gamma - log Gamma(gamma) + log Z + (rho - gamma) E[z] + tau E[1/z]`
/// (the `E[log z]` cancel), with the logarithms of `rho` gathered as one product.
pub(super) struct KlSum<S: Simd> {
    rho: StoredProduct,
    rest: f64x8<S>,
    count: usize,
}

impl<S: Simd> KlSum<S> {
    #[inline(always)]
    pub(super) fn new(simd: S) -> Self {
        Self {
            rho: StoredProduct::ONE,
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
    [mean, harmonic]: [&mut Pack<f64>; 2],
    kl: Option<&mut KlSum<S>>,
) {
    let Variables { rho, tau, count } = variables;
    let (zero, one) = (splat(simd, 0.0), splat(simd, 1.0));
    let index = load(simd, &Pack::<f64>([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]));
    let exists = index.simd_lt(splat(simd, count as f64));
    let rho = exists.select(rho, one);
    let tau = exists.select(tau, zero);

    let y = rho * tau;
    let position = Position::of(simd, y);
    let t = polynomial(simd, &gig.tau_mean_inverse, &position);
    // At tau = 0 both t and tau are 0, and so must be the harmonic expectation.
    let divisor = t.simd_eq(zero).select(one, t);
    let shape = splat(simd, gig.shape());
    store(exists.select((shape + t) / rho, zero), mean);
    store(tau / divisor, harmonic);

    let mut terms = [t, zero];
    if kl.is_some() {
        terms[1] = polynomial(simd, &gig.scaled_log, &position);
    }
    if position.is_outside(tau) {
        let (rho, tau) = (rho.to_array(), tau.to_array());
        let mut values = [terms[0].to_array(), terms[1].to_array()];
        for i in 0..count.min(F64_LANES) {
            if position.pieces[i] >= PIECES as u64 {
                let (expectations, terms) = gig.outside(rho[i], tau[i]);
                (mean.0[i], harmonic.0[i]) = (expectations.mean, expectations.harmonic);
                (values[0][i], values[1][i]) = (terms.tau_mean_inverse, terms.scaled_log);
            }
        }
        terms = [
            load(simd, &Pack::<f64>(values[0])),
            load(simd, &Pack::<f64>(values[1])),
        ];
    }
    if let Some(kl) = kl {
        let [t, scaled_log] = terms;
        let log_ratio = scaled_log - splat(simd, 2.0) * y.sqrt();
        let rest = log_ratio + (rho - shape) * load(simd, mean) + t;
        kl.rest += exists.select(rest, zero);
        kl.rho.multiply(simd, PackProduct::<S, f64>::of(simd, rho));
        kl.count += count;
    }
}

/// [`update`], if the variables and their expectations are in [`Real::RANGE`]. Returns whether they
/// are.
#[inline(always)]
pub(super) fn update_within<S: Simd, T: Real>(
    simd: S,
    gig: &Gig,
    variables: Variables<S>,
    [mean, harmonic]: [&mut Pack<f64>; 2],
    kl: Option<&mut KlSum<S>>,
) -> bool {
    let Some(range) = T::RANGE else {
        update(simd, gig, variables, [mean, harmonic], kl);
        return true;
    };
    if !are_within(simd, variables.rho, variables.tau, range.finite) {
        return false;
    }
    update(simd, gig, variables, [&mut *mean, &mut *harmonic], kl);
    are_within(simd, load(simd, mean), load(simd, harmonic), range.largest)
}

/// Whether all are numbers, and at most `most`.
#[inline(always)]
fn are_within<S: Simd>(simd: S, a: f64x8<S>, b: f64x8<S>, most: f64) -> bool {
    let most = splat(simd, most);
    a.simd_le(most).all_true() && b.simd_le(most).all_true()
}

impl Gig {
    /// [`Gig::expectations`] of many variables, given as `(rho, tau)`, eight at a time.
    #[must_use]
    pub fn expectations_of(&self, variables: &[(f64, f64)]) -> Vec<Expectations> {
        let mut found = Vec::with_capacity(variables.len());
        let level = Level::new();
        for variables in variables.chunks(F64_LANES) {
            dispatch!(level, simd => expectations_of_some(simd, self, variables, &mut found));
        }
        found
    }
}

#[simd]
fn expectations_of_some<S: Simd>(
    simd: S,
    gig: &Gig,
    variables: &[(f64, f64)],
    found: &mut Vec<Expectations>,
) {
    let (mut rho, mut tau, mut mean, mut harmonic) =
        (Pack::<f64>::ZERO, Pack::<f64>::ZERO, Pack::ZERO, Pack::ZERO);
    for (i, variable) in variables.iter().enumerate() {
        (rho.0[i], tau.0[i]) = *variable;
    }
    let packed = Variables {
        rho: load(simd, &rho),
        tau: load(simd, &tau),
        count: variables.len(),
    };
    update(simd, gig, packed, [&mut mean, &mut harmonic], None);
    let pairs = mean.0.into_iter().zip(harmonic.0);
    found.extend(
        pairs
            .take(variables.len())
            .map(|(mean, harmonic)| Expectations { mean, harmonic }),
    );
}

/// Where eight values of `y` are in the tables: their pieces and their places in them.
struct Position<S: Simd> {
    pieces: [u64; F64_LANES],
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
    let mut rows = [&NONE; F64_LANES];
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
        *pair = multiply_add(s, c[2 * i + 1], c[2 * i]);
    }
    let low = multiply_add(s2, pairs[1], pairs[0]);
    let middle = multiply_add(s2, pairs[3], pairs[2]);
    let high = multiply_add(s2, pairs[5], pairs[4]);
    multiply_add(s4, multiply_add(s4, high, middle), low)
}

#[inline(always)]
fn transpose<S: Simd>(simd: S, [a, b, c, d]: [f64x4<S>; 4]) -> [f64x4<S>; 4] {
    let (ac_low, ac_high) = simd.interleave_f64x4(a, c);
    let (bd_low, bd_high) = simd.interleave_f64x4(b, d);
    let (first, second) = simd.interleave_f64x4(ac_low, bd_low);
    let (third, fourth) = simd.interleave_f64x4(ac_high, bd_high);
    [first, second, third, fourth]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two evaluations of one polynomial that round differently.
    const TOLERANCE: f64 = 2e-13;

    /// A product `rho tau` in the tables, at both of their ends and beyond, and the limit 0.
    fn variables() -> Vec<(f64, f64)> {
        let mut variables = vec![(0.3, 0.0), (1e200, 0.0)];
        for exponent in -1060..=140 {
            let y = f64::exp2(f64::from(exponent)) * 1.37;
            variables.push((0.7, y / 0.7));
            variables.push((1e3 * y.sqrt(), 1e-3 * y.sqrt()));
        }
        variables
    }

    #[test]
    fn eight_at_a_time_are_what_one_at_a_time_is() {
        for shape in [0.01, 0.2, 0.5, 0.99] {
            let gig = Gig::new(shape).unwrap();
            let variables = variables();
            let found = gig.expectations_of(&variables);
            assert_eq!(found.len(), variables.len());
            for (&(rho, tau), found) in variables.iter().zip(&found) {
                let expected = gig.expectations(rho, tau);
                for (found, expected) in [
                    (found.mean, expected.mean),
                    (found.harmonic, expected.harmonic),
                ] {
                    assert!(
                        (found - expected).abs() <= TOLERANCE * expected,
                        "shape {shape}, rho {rho:e}, tau {tau:e}: {found:e}, {expected:e}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_kl_term_is_its_definition() {
        let gig = Gig::new(0.2).unwrap();
        let variables: Vec<(f64, f64)> = variables()
            .into_iter()
            .filter(|&(rho, tau)| rho * tau < 1e12)
            .collect();
        let shape = gig.shape();
        let prior = shape * shape.ln() - libm::lgamma(shape);
        for variables in variables.chunks(F64_LANES) {
            let mut expected = 0.0;
            let (mut rho, mut tau) = (Pack::<f64>::ZERO, Pack::<f64>::ZERO);
            for (i, &(a, b)) in variables.iter().enumerate() {
                (rho.0[i], tau.0[i]) = (a, b);
                let t = gig.tau_mean_inverse(a, b);
                expected += prior
                    + gig.log_normaliser(a, b)
                    + t
                    + (a - shape) * gig.expectations(a, b).mean;
            }
            let found = dispatch!(Level::new(), simd => {
                let packed = Variables {
                    rho: load(simd, &rho),
                    tau: load(simd, &tau),
                    count: variables.len(),
                };
                let mut kl = KlSum::new(simd);
                let expectations = [&mut Pack::ZERO.clone(), &mut Pack::ZERO.clone()];
                update(simd, &gig, packed, expectations, Some(&mut kl));
                kl.total(simd, &gig)
            });
            let scale = 1e3 + expected.abs();
            assert!(
                (found - expected).abs() < 1e-12 * scale,
                "{found} {expected}"
            );
        }
    }
}
