//! The sum of many logarithms for the price of a multiplication each: of single numbers, of packs,
//! and of any number of packs.

use fearless_simd::prelude::*;
use fearless_simd::u64x8;

use super::pack::{F64_LANES, Pack, Real, load, store};

/// `sum log z_i` over positive normal numbers, as the logarithm of a product kept as mantissa and
/// exponent: no overflow, and one rounding of 1.1e-16 a factor.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogProduct {
    mantissa: f64,
    exponent: i64,
}

pub(super) const MANTISSA_MASK: u64 = (1 << 52) - 1;
pub(super) const ONE_BITS: u64 = 1023 << 52;

impl Default for LogProduct {
    fn default() -> Self {
        Self {
            mantissa: 1.0,
            exponent: 0,
        }
    }
}

impl LogProduct {
    /// Multiplies by a positive normal number.
    #[inline]
    pub(super) fn multiply(&mut self, factor: f64) {
        // Two mantissas in [1, 2) have a product in [1, 4).
        let product = self.mantissa * mantissa(factor);
        self.exponent += exponent(factor) + exponent(product);
        self.mantissa = mantissa(product);
    }

    /// Multiplies by `2^exponent`.
    #[inline]
    pub(super) fn scale(&mut self, exponent: i64) {
        self.exponent += exponent;
    }

    /// The natural logarithm of the product.
    pub(super) fn log(&self) -> f64 {
        libm::log(self.mantissa) + self.exponent as f64 * std::f64::consts::LN_2
    }
}

#[inline]
fn mantissa(z: f64) -> f64 {
    f64::from_bits(z.to_bits() & MANTISSA_MASK | ONE_BITS)
}

#[inline]
fn exponent(z: f64) -> i64 {
    (z.to_bits() >> 52) as i64 - 1023
}

/// A product of packs of positive normal numbers, for the sum of their logarithms: mantissas are
/// multiplied, exponents added. It takes the numbers of a block at most, so that the product of
/// mantissas, each below 2, does not overflow; a [`StoredProduct`] takes any number of such
/// products.
#[derive(Clone, Copy)]
pub(super) struct PackProduct<S: Simd, T: Real> {
    mantissa: T::Vector<S>,
    exponents: T::Exponents<S>,
    factors: u64,
}

impl<S: Simd, T: Real> PackProduct<S, T> {
    #[inline(always)]
    pub(super) fn new(simd: S) -> Self {
        Self {
            mantissa: T::constant(simd, 1.0),
            exponents: T::no_exponents(simd),
            factors: 0,
        }
    }

    /// The product of one pack.
    #[inline(always)]
    pub(super) fn of(simd: S, value: T::Vector<S>) -> Self {
        let mut product = Self::new(simd);
        product.multiply(simd, value);
        product
    }

    /// Numbers that are at least at the floor, two at once: each step of the product waits for the
    /// last.
    #[inline(always)]
    pub(super) fn multiply_all<const BINS: usize>(
        &mut self,
        simd: S,
        values: [T::Vector<S>; BINS],
    ) {
        let mut product = *self;
        let mut i = 0;
        while i + 2 <= BINS {
            product.multiply_pair(simd, [values[i], values[i + 1]]);
            i += 2;
        }
        if i < BINS {
            product.multiply(simd, values[i]);
        }
        *self = product;
    }

    /// Two numbers that are at least at the floor: as one where their product is a normal number.
    #[inline(always)]
    pub(super) fn multiply_pair(&mut self, simd: S, [a, b]: [T::Vector<S>; 2]) {
        if T::PRODUCTS_ARE_NORMAL {
            self.multiply(simd, a * b);
        } else {
            let (mantissa_a, exponents_a) = T::mantissa(simd, a);
            let (mantissa_b, exponents_b) = T::mantissa(simd, b);
            self.mantissa *= mantissa_a * mantissa_b;
            self.exponents += exponents_a + exponents_b;
            self.factors += 2;
        }
    }

    #[inline(always)]
    pub(super) fn multiply(&mut self, simd: S, value: T::Vector<S>) {
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

/// The product of several [`PackProduct`]s.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredProduct {
    /// From 1 to 2.
    mantissa: Pack<f64>,
    /// Their bits, which exceed them by `bias`.
    exponents: [u64; F64_LANES],
    bias: u64,
}

impl StoredProduct {
    /// The product of nothing.
    pub(super) const ONE: Self = Self {
        mantissa: Pack([1.0; F64_LANES]),
        exponents: [0; F64_LANES],
        bias: 0,
    };

    #[inline(always)]
    pub(super) fn multiply<S: Simd, T: Real>(&mut self, simd: S, product: PackProduct<S, T>) {
        let mantissa = load(simd, &self.mantissa) * T::fold_product(simd, product.mantissa);
        let (mantissa, exponents) = f64::mantissa(simd, mantissa);
        store(mantissa, &mut self.mantissa);
        let exponents = exponents + T::fold_exponents(simd, product.exponents);
        let exponents = exponents + u64x8::load_array(simd, self.exponents);
        self.exponents = exponents.to_array();
        let folded = (T::LANES / F64_LANES) as u64;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_sum_of_logarithms() {
        let factors = [1e-300, 3.0, 0.5, 7e250, 1.999, 1.0, 1e-7, 4e300, 2e300];
        let mut product = LogProduct::default();
        for factor in factors {
            product.multiply(factor);
        }
        product.scale(-3);
        let sum: f64 = factors.iter().map(|z: &f64| z.ln()).sum::<f64>() - 8.0_f64.ln();
        assert!((product.log() - sum).abs() < 1e-12);
        assert!(LogProduct::default().log().abs() < f64::MIN_POSITIVE);
    }
}
