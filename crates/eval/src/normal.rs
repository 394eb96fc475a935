//! The standard normal distribution.

#![expect(
    clippy::excessive_precision,
    reason = "the coefficients stand as they were published"
)]

use std::f64::consts::SQRT_2;

/// P(X < x), to full relative precision in the lower tail.
pub(crate) fn distribution(x: f64) -> f64 {
    0.5 * libm::erfc(-x / SQRT_2)
}

/// The quantile of `level` in (0, 1), to about 1e-15 relative.
///
/// Source: M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution",
/// Applied Statistics 37(3), 1988, routine PPND16.
pub(crate) fn quantile(level: f64) -> f64 {
    let q = level - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * evaluate(&CENTRE_NUMERATOR, r) / evaluate(&CENTRE_DENOMINATOR, r);
    }
    let tail = if q < 0.0 { level } else { 1.0 - level };
    let r = (-tail.ln()).sqrt();
    let magnitude = if r <= 5.0 {
        let r = r - 1.6;
        evaluate(&MIDDLE_NUMERATOR, r) / evaluate(&MIDDLE_DENOMINATOR, r)
    } else {
        let r = r - 5.0;
        evaluate(&FAR_NUMERATOR, r) / evaluate(&FAR_DENOMINATOR, r)
    };
    magnitude.copysign(q)
}

/// Evaluates a polynomial, whose coefficients start with the constant, by Horner's rule.
fn evaluate(coefficients: &[f64], x: f64) -> f64 {
    coefficients
        .iter()
        .rev()
        .fold(0.0, |sum, coefficient| sum * x + coefficient)
}

const CENTRE_NUMERATOR: [f64; 8] = [
    3.387_132_872_796_366_608,
    133.141_667_891_784_377_45,
    1_971.590_950_306_551_442_7,
    13_731.693_765_509_461_125,
    45_921.953_931_549_871_457,
    67_265.770_927_008_700_853,
    33_430.575_583_588_128_105,
    2_509.080_928_730_122_672_7,
];
const CENTRE_DENOMINATOR: [f64; 8] = [
    1.0,
    42.313_330_701_600_911_252,
    687.187_007_492_057_908_3,
    5_394.196_021_424_751_107_7,
    21_213.794_301_586_595_867,
    39_307.895_800_092_710_61,
    28_729.085_735_721_942_674,
    5_226.495_278_852_854_561,
];
const MIDDLE_NUMERATOR: [f64; 8] = [
    1.423_437_110_749_683_577_34,
    4.630_337_846_156_545_295_9,
    5.769_497_221_460_691_405_5,
    3.647_848_324_763_204_605_04,
    1.270_458_252_452_368_382_58,
    0.241_780_725_177_450_611_77,
    0.022_723_844_989_269_184_583_3,
    7.745_450_142_783_414_076_4e-4,
];
const MIDDLE_DENOMINATOR: [f64; 8] = [
    1.0,
    2.053_191_626_637_758_821_87,
    1.676_384_830_183_803_849_4,
    0.689_767_334_985_100_004_55,
    0.148_103_976_427_480_074_59,
    0.015_198_666_563_616_457_196_6,
    5.475_938_084_995_344_946e-4,
    1.050_750_071_644_416_843_24e-9,
];
const FAR_NUMERATOR: [f64; 8] = [
    6.657_904_643_501_103_777_2,
    5.463_784_911_164_114_369_9,
    1.784_826_539_917_291_335_8,
    0.296_560_571_828_504_891_23,
    0.026_532_189_526_576_123_093,
    1.242_660_947_388_078_438_6e-3,
    2.711_555_568_743_487_578_15e-5,
    2.010_334_399_292_288_132_65e-7,
];
const FAR_DENOMINATOR: [f64; 8] = [
    1.0,
    0.599_832_206_555_887_937_69,
    0.136_929_880_922_735_805_31,
    0.014_875_361_290_850_615_025,
    7.868_691_311_456_132_591e-4,
    1.846_318_317_510_054_681_8e-5,
    1.421_511_758_316_445_888_7e-7,
    2.044_263_103_389_939_785_64e-15,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A few units in the last place.
    const TOLERANCE: f64 = 2e-15;

    #[test]
    fn equal_scipy() {
        let fixture: serde_json::Value =
            serde_json::from_str(include_str!("../tests/fixtures/statistics.json")).unwrap();
        let pairs = |key: &str| -> Vec<(f64, f64)> {
            serde_json::from_value(fixture[key].clone()).expect("pairs of numbers")
        };
        for (level, expected) in pairs("quantiles") {
            let error = (quantile(level) - expected).abs();
            assert!(
                error <= TOLERANCE * expected.abs(),
                "quantile of {level}: off by {error}"
            );
        }
        for (x, expected) in pairs("distribution") {
            let error = (distribution(x) - expected).abs();
            // In the lower tail a relative error in x is magnified by x^2.
            assert!(
                error <= TOLERANCE * (1.0 + x * x) * expected,
                "distribution at {x}: off by {error}"
            );
        }
    }
}
