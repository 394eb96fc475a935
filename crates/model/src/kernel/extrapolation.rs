//! The squared extrapolation of a fixed-point iteration, in the logarithms of positive numbers.
//!
//! Three successive states `z_0`, `z_1 = M(z_0)`, `z_2 = M(z_1)` of a map whose differences shrink
//! by a constant factor have `r = log(z_1 / z_0)` and `v = log(z_2 / z_1) - r`, and with
//! `alpha = |r| / |v|` the state
//!
//! `log z = log z_0 + 2 alpha r + alpha^2 v`
//!
//! is the fixed point. Where they do not quite, it is nearer. Every column of a factor, the
//! activations of a frame or a component of a dictionary, has an `alpha` of its own: they converge
//! at their own speeds.
//!
//! Source: R. Varadhan, C. Roland, "Simple and globally convergent methods for accelerating the
//! convergence of any EM algorithm", Scandinavian Journal of Statistics 35 (2008), scheme S3.

use fearless_simd::Simd;
use fearless_simd_macros::simd;

use super::pack::Real;

/// Entries below are being switched off, to arrive at 0 in a few iterations by themselves.
const SMALLEST: f64 = 1e-26;

/// Largest change of a logarithm: a longer leap would be no extrapolation.
const LONGEST_LEAP: f64 = 10.0;

/// How many columns would have gone further than they may.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Columns {
    pub(super) all: usize,
    pub(super) at_limit: usize,
}

impl Columns {
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            all: self.all + other.all,
            at_limit: self.at_limit + other.at_limit,
        }
    }
}

/// The numbers of a factor, block by block: a matrix of means, row after row, and the harmonic
/// expectations in the same order. An activation's columns are frames, a dictionary's are
/// components.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Factor<T> {
    pub(super) values: Vec<T>,
    pub(super) columns: usize,
    /// Numbers in a block.
    pub(super) block: usize,
}

impl<T: Real> Factor<T> {
    /// Extrapolates the third of three successive states, every column by an `alpha` of its own
    /// that is at most `longest`.
    pub(super) fn extrapolate<S: Simd>(
        &mut self,
        simd: S,
        [start, first]: [&Self; 2],
        longest: f64,
    ) -> Columns {
        let (columns, block) = (self.columns, self.block);
        let before = start.values.chunks(block).zip(first.values.chunks(block));
        let blocks = self.values.chunks_mut(block).zip(before);
        blocks.fold(Columns::default(), |sum, (second, (start, first))| {
            sum.plus(extrapolate(simd, columns, [start, first], second, longest))
        })
    }
}

/// Extrapolates one block: the last of its three successive states becomes the new one.
#[simd]
fn extrapolate<S: Simd, T: Real>(
    _: S,
    columns: usize,
    [start, first]: [&[T]; 2],
    second: &mut [T],
    longest: f64,
) -> Columns {
    let len = second.len();
    let (mut r, mut v) = (vec![0.0; len], vec![0.0; len]);
    for i in 0..len {
        let [z_0, z_1, z_2] = [start[i], first[i], second[i]].map(T::to_f64);
        let counts = z_0.min(z_1).min(z_2) >= SMALLEST;
        let (numerators, denominators) = if counts {
            ([z_1, z_2], [z_0, z_1])
        } else {
            ([1.0; 2], [1.0; 2])
        };
        r[i] = ln(numerators[0] / denominators[0]);
        v[i] = ln(numerators[1] / denominators[1]) - r[i];
    }
    let mut squares = vec![[0.0; 2]; columns];
    for (r, v) in r.chunks_exact(columns).zip(v.chunks_exact(columns)) {
        for ((squares, r), v) in squares.iter_mut().zip(r).zip(v) {
            squares[0] += r * r;
            squares[1] += v * v;
        }
    }
    let mut found = Columns::default();
    let weights: Vec<[f64; 2]> = squares
        .iter()
        .map(|&[r, v]| {
            let alpha = if v > 0.0 { (r / v).sqrt() } else { 1.0 };
            found.all += usize::from(r > 0.0);
            found.at_limit += usize::from(alpha >= longest);
            let alpha = alpha.clamp(1.0, longest);
            // From z_2 on: log z_2 is log z_0 + 2 r + v.
            [2.0 * alpha - 2.0, alpha * alpha - 1.0]
        })
        .collect();
    let rows = r.chunks_exact(columns).zip(v.chunks_exact(columns));
    for (row, (r, v)) in second.chunks_exact_mut(columns).zip(rows) {
        for (((z, r), v), weights) in row.iter_mut().zip(r).zip(v).zip(&weights) {
            let leap = (weights[0] * r + weights[1] * v).clamp(-LONGEST_LEAP, LONGEST_LEAP);
            *z = T::from_f64(z.to_f64() * exp(leap));
        }
    }
    // Of any distribution 1 / E[1/z] is at most E[z].
    let (means, harmonics) = second.split_at_mut(len / 2);
    for (harmonic, mean) in harmonics.iter_mut().zip(means) {
        if *harmonic > *mean {
            *harmonic = *mean;
        }
    }
    found
}

const MANTISSA_MASK: u64 = (1 << 52) - 1;
const ONE_BITS: u64 = 1023 << 52;

/// The natural logarithm of a positive normal number, to 1e-15 of itself near 1 and of 1 elsewhere,
/// in arithmetic that compiles to vectors: `log m = 2 artanh( (m - 1) / (m + 1) )`.
#[inline(always)]
fn ln(z: f64) -> f64 {
    /// So that mantissas are from `sqrt(1/2)` to `sqrt(2)`.
    const SHIFT: u64 = ONE_BITS - std::f64::consts::FRAC_1_SQRT_2.to_bits();
    let shifted = z.to_bits() + SHIFT;
    let exponent = (shifted >> 52) as i64 as i32 - 1023;
    let m = f64::from_bits((shifted & MANTISSA_MASK) + std::f64::consts::FRAC_1_SQRT_2.to_bits());
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let mut series = 0.0;
    for odd in [17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        series = series * square + 1.0 / odd;
    }
    f64::from(exponent) * std::f64::consts::LN_2 + 2.0 * s * series
}

/// The exponential of a number within [`LONGEST_LEAP`], to 1e-15, in the same arithmetic: a power
/// of two times a Taylor series.
#[inline(always)]
fn exp(z: f64) -> f64 {
    /// Added, it leaves a number rounded to an integer in the last bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let rounded = z * std::f64::consts::LOG2_E + ROUND;
    let fraction = z - (rounded - ROUND) * std::f64::consts::LN_2;
    let mut series = 1.0;
    for n in [
        13.0, 12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0,
    ] {
        series = series * (fraction / n) + 1.0;
    }
    series * f64::from_bits((rounded.to_bits() << 52).wrapping_add(ONE_BITS))
}

#[cfg(test)]
mod tests {
    use fearless_simd::{Level, dispatch};

    use super::*;

    /// Two roundings of numbers near 1.
    const ROUNDING: f64 = 1e-15;

    fn run(columns: usize, states: [&[f64]; 2], second: &mut [f64], longest: f64) -> Columns {
        dispatch!(Level::new(), simd => extrapolate(simd, columns, states, second, longest))
    }

    #[test]
    fn logarithms_and_exponentials_are_those_of_libm() {
        for i in -4000..=4000 {
            let x = f64::from(i) / 400.0;
            let (z, log) = (libm::exp(x), x);
            assert!((exp(x) / z - 1.0).abs() <= 2.0 * ROUNDING, "exp({x})");
            assert!(
                (ln(z) - log).abs() <= ROUNDING * log.abs().max(1.0),
                "ln({z})"
            );
            // Near 1 the logarithm keeps its digits.
            let near = 1.0 + x * 1e-9;
            let expected = libm::log(near);
            assert!((ln(near) - expected).abs() <= ROUNDING * expected.abs());
        }
        for z in [1e-300, 1e-26, 0.5, 2.0, 1e26, 1e300] {
            assert!((ln(z) / libm::log(z) - 1.0).abs() <= ROUNDING, "ln({z})");
        }
    }

    /// Differences that shrink by a factor lead to the fixed point, column by column.
    #[test]
    fn geometric_columns_arrive_at_their_fixed_points() {
        let fixed = [3.0, 0.5, 1e-3, 2e4, 2.0, 0.25, 1e-4, 1e4];
        let factors = [0.9, 0.5];
        let state = |k: i32| -> Vec<f64> {
            let entry = |(i, fixed): (usize, &f64)| {
                let distance = 0.3 + 0.1 * i as f64;
                fixed * f64::exp(distance * f64::powi(factors[i % 2], k))
            };
            fixed.iter().enumerate().map(entry).collect()
        };
        let mut second = state(2);
        let columns = run(2, [&state(0), &state(1)], &mut second, 20.0);
        assert_eq!(
            columns,
            Columns {
                all: 2,
                at_limit: 0
            }
        );
        for (found, expected) in second.iter().zip(fixed) {
            assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn steps_have_a_limit_and_are_never_shorter_than_the_two_made() {
        // By 0.9 each time: alpha would be 10.
        let state = |k: i32| vec![f64::exp(f64::powi(0.9, k)), 1.0];
        let mut second = state(2);
        let columns = run(1, [&state(0), &state(1)], &mut second, 4.0);
        assert_eq!(
            columns,
            Columns {
                all: 1,
                at_limit: 1
            }
        );
        let log = 1.0 + 2.0 * 4.0 * -0.1 + 16.0 * 0.01;
        assert!((second[0].ln() - log).abs() < 10.0 * ROUNDING);
        // To and fro: alpha would be 0.5, and is 1, which is where it was.
        let second_before = [2.0, 1.0];
        let mut second = second_before;
        run(1, [&[2.0, 1.0], &[1.5, 1.0]], &mut second, 4.0);
        assert_eq!(second.map(f64::to_bits), second_before.map(f64::to_bits));
    }

    #[test]
    fn what_is_nearly_off_stays_and_harmonic_expectations_stay_below_means() {
        let mut second = [1e-30, 1.0, 0.0, 0.99];
        let states: [&[f64]; 2] = [&[1e-10, 1.0, 0.0, 0.5], &[1e-20, 1.0, 0.0, 0.8]];
        run(2, states, &mut second, 4.0);
        assert_eq!(
            second.map(f64::to_bits),
            [1e-30, 1.0, 0.0, 1.0].map(f64::to_bits)
        );
    }
}
