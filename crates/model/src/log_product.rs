//! The sum of many logarithms for the price of a multiplication each.

/// `sum log z_i` over positive normal numbers, as the logarithm of a product kept as mantissa and
/// exponent: no overflow, and one rounding of 1.1e-16 a factor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogProduct {
    mantissa: f64,
    exponent: i64,
}

const MANTISSA_MASK: u64 = (1 << 52) - 1;
const ONE_BITS: u64 = 1023 << 52;

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
    pub(crate) fn multiply(&mut self, factor: f64) {
        // Two mantissas in [1, 2) have a product in [1, 4).
        let product = self.mantissa * mantissa(factor);
        self.exponent += exponent(factor) + exponent(product);
        self.mantissa = mantissa(product);
    }

    /// Multiplies by `2^exponent`.
    #[inline]
    pub(crate) fn scale(&mut self, exponent: i64) {
        self.exponent += exponent;
    }

    /// The natural logarithm of the product.
    pub(crate) fn log(&self) -> f64 {
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
