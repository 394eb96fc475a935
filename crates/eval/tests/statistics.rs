//! Statistics against SciPy, closed forms and exact enumeration.

use eval::{
    EXACT_PAIRS, Interval, StatisticsError, effect_size, effective_number, mean_interval,
    paired_difference, sign_flip_test, student_interval,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

/// Rounding errors of a few sums.
const TOLERANCE: f64 = 1e-12;

/// The ends of a 95 % interval from 100 000 means scatter by about 0.7 % of its half-width. This is
/// more than four times that, relative to the whole width.
const MONTE_CARLO: f64 = 0.015;

const RESAMPLES: usize = 100_000;

#[derive(Deserialize)]
struct Fixture {
    intervals: Vec<BcaInterval>,
    tests: Vec<SignFlip>,
}

#[derive(Deserialize)]
struct BcaInterval {
    values: Vec<f64>,
    confidence: f64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct SignFlip {
    differences: Vec<f64>,
    p_value: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures/statistics.json")).expect("the fixture is valid")
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

#[test]
fn intervals_equal_scipy_bca() {
    for expected in fixture().intervals {
        let found = mean_interval(
            &expected.values,
            expected.confidence,
            RESAMPLES,
            &mut rng(1),
        )
        .unwrap();
        let tolerance = MONTE_CARLO * (expected.high - expected.low);
        assert!(
            (found.low - expected.low).abs() < tolerance,
            "{found:?} {}",
            expected.low
        );
        assert!(
            (found.high - expected.high).abs() < tolerance,
            "{found:?} {}",
            expected.high
        );
        assert_eq!(found.n, expected.values.len());
    }
}

#[test]
fn large_samples_give_the_normal_interval() {
    let values: Vec<f64> = {
        let mut rng = rng(7);
        (0..2000).map(|_| rng.random_range(-1.0..1.0)).collect()
    };
    let mean = values.iter().sum::<f64>() / 2000.0;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 2000.0;
    let half_width = 1.959_964 * (variance / 2000.0).sqrt();
    let found = mean_interval(&values, 0.95, 20_000, &mut rng(2)).unwrap();
    assert!((found.mean - mean).abs() < TOLERANCE);
    // A fifth of the resamples scatter sqrt(5) times as far. This is nearly four times that.
    let tolerance = 2.0 * MONTE_CARLO * 2.0 * half_width;
    assert!(
        (found.low - (mean - half_width)).abs() < tolerance,
        "{found:?}"
    );
    assert!(
        (found.high - (mean + half_width)).abs() < tolerance,
        "{found:?}"
    );
}

/// Of the 27 resamples of three values, six are the sample itself in another order. Whether these
/// count as ties must not depend on the last bit of the values.
#[test]
fn the_last_bit_of_the_values_does_not_move_the_interval() {
    let values = [0.1, 0.7, -0.4];
    let expected = mean_interval(&values, 0.95, 2000, &mut rng(5)).unwrap();
    for i in 0..values.len() {
        for ulps in 1..20 {
            let mut nudged = values;
            nudged[i] = f64::from_bits(values[i].to_bits() + ulps);
            let found = mean_interval(&nudged, 0.95, 2000, &mut rng(5)).unwrap();
            assert!((found.low - expected.low).abs() < TOLERANCE, "{found:?}");
            assert!((found.high - expected.high).abs() < TOLERANCE, "{found:?}");
        }
    }
}

/// Over many small samples, the interval holds the true mean about as often as it should.
#[test]
fn coverage_is_near_the_confidence() {
    const SAMPLES: u32 = 600;
    let mut rng = rng(3);
    let held = (0..SAMPLES)
        .filter(|_| {
            let values: Vec<f64> = (0..20).map(|_| rng.random_range(0.0..1.0)).collect();
            let found = mean_interval(&values, 0.9, 1000, &mut rng).unwrap();
            found.low <= 0.5 && 0.5 <= found.high
        })
        .count();
    let coverage = held as f64 / f64::from(SAMPLES);
    // Four binomial standard deviations on either side; below, another 2 % for the known lack of
    // coverage at n = 20.
    let deviation = (0.9 * 0.1 / f64::from(SAMPLES)).sqrt();
    assert!(coverage < 0.9 + 4.0 * deviation, "{coverage}");
    assert!(coverage > 0.88 - 4.0 * deviation, "{coverage}");
}

#[test]
fn p_values_equal_scipy() {
    for test in fixture().tests {
        let found = sign_flip_test(&test.differences, 1, &mut rng(1)).unwrap();
        assert!(
            (found - test.p_value).abs() < TOLERANCE,
            "{found} {}",
            test.p_value
        );
    }
}

#[test]
fn p_values_count_all_patterns_of_a_few_pairs() {
    let mut random = rng(5);
    for n in 2..=10 {
        let differences: Vec<f64> = (0..n).map(|_| random.random_range(-1.0..2.0)).collect();
        let observed = differences.iter().sum::<f64>().abs();
        let extreme = (0..1_u32 << n)
            .filter(|pattern| {
                let flipped = differences
                    .iter()
                    .enumerate()
                    .map(|(i, d)| if pattern >> i & 1 == 1 { -d } else { *d });
                flipped.sum::<f64>().abs() >= observed - TOLERANCE
            })
            .count();
        let expected = extreme as f64 / f64::from(1_u32 << n);
        let found = sign_flip_test(&differences, 1, &mut random).unwrap();
        assert!(
            (found - expected).abs() < TOLERANCE,
            "{n}: {found} {expected}"
        );
    }
}

#[test]
fn random_patterns_agree_with_all_patterns() {
    let mut random = rng(6);
    let few: Vec<f64> = (0..EXACT_PAIRS)
        .map(|_| random.random_range(-1.0..1.6))
        .collect();
    let exact = sign_flip_test(&few, 1, &mut random).unwrap();
    // A difference of zero has no sign, so the p-value is the same, but the list is now too long to
    // enumerate.
    let mut many = few;
    many.push(0.0);
    let drawn = sign_flip_test(&many, RESAMPLES, &mut random).unwrap();
    // Five binomial standard deviations.
    let tolerance = 5.0 * (exact * (1.0 - exact) / RESAMPLES as f64).sqrt();
    assert!((drawn - exact).abs() < tolerance, "{drawn} {exact}");
}

#[test]
fn paired_differences() {
    let first = [3.0, 4.0, 2.0, 5.0];
    let second = [2.0, 2.0, 1.0, 1.0];
    let found = paired_difference(&first, &second, 0.95, 2000, &mut rng(1)).unwrap();
    // Differences 1, 2, 1, 4: mean 2, variance (1 + 0 + 1 + 4) / 3.
    assert!((found.interval.mean - 2.0).abs() < TOLERANCE);
    assert!((found.effect_size.unwrap() - 2.0 / 2.0_f64.sqrt()).abs() < TOLERANCE);
    // All differences have one sign: only that pattern and its mirror image are as extreme.
    assert!((found.p_value - 2.0 / 16.0).abs() < TOLERANCE);
    let mirrored = paired_difference(&second, &first, 0.95, 2000, &mut rng(1)).unwrap();
    assert!((mirrored.p_value - found.p_value).abs() < TOLERANCE);
    assert!((mirrored.interval.mean + 2.0).abs() < TOLERANCE);
}

#[test]
fn no_spread() {
    let found = paired_difference(&[1.5; 5], &[1.0; 5], 0.95, 100, &mut rng(1)).unwrap();
    assert_eq!(found.effect_size, None);
    assert_eq!(
        found.interval,
        Interval {
            mean: 0.5,
            low: 0.5,
            high: 0.5,
            n: 5
        }
    );
    let same = paired_difference(&[1.5; 30], &[1.5; 30], 0.95, 100, &mut rng(1)).unwrap();
    assert_eq!((same.effect_size, same.p_value), (None, 1.0));
}

#[test]
fn the_same_generator_gives_the_same_digits() {
    let values: Vec<f64> = (0..42).map(|i| f64::from(i * i % 17)).collect();
    let draw = |seed| mean_interval(&values, 0.95, 500, &mut rng(seed)).unwrap();
    assert_eq!(draw(4), draw(4));
    assert_ne!(draw(4), draw(5));
}

#[test]
fn extreme_input_stays_in_range() {
    let mut random = rng(8);
    for values in [
        &[0.0, 1.0][..],
        &[1e-200, 3e-200, 0.0],
        &[0.0, 0.0, 0.0, 0.0, 1e9],
    ] {
        for (confidence, resamples) in [(0.95, 1), (0.999_999_999, 7), (1e-9, 100)] {
            let found = mean_interval(values, confidence, resamples, &mut random).unwrap();
            let ends = [found.low, found.high];
            assert!(
                ends.iter().all(|end| (0.0..=1e9).contains(end)),
                "{found:?}"
            );
            assert!(found.low <= found.high);
        }
    }
}

#[test]
fn says_what_is_wrong() {
    let interval = |values: &[f64], confidence, resamples| {
        mean_interval(values, confidence, resamples, &mut rng(1)).unwrap_err()
    };
    assert_eq!(
        interval(&[1.0], 0.95, 10),
        StatisticsError::TooFew {
            found: 1,
            needed: 2
        }
    );
    assert_eq!(
        interval(&[1.0, f64::NAN], 0.95, 10),
        StatisticsError::NotFinite { index: 1 }
    );
    assert_eq!(
        interval(&[1.0, 2.0], 1.0, 10),
        StatisticsError::Confidence(1.0)
    );
    assert_eq!(interval(&[1.0, 2.0], 0.95, 0), StatisticsError::NoResamples);
    let unpaired = paired_difference(&[1.0, 2.0], &[1.0], 0.95, 10, &mut rng(1));
    assert_eq!(
        unpaired,
        Err(StatisticsError::LengthMismatch {
            first: 2,
            second: 1
        })
    );
    for weights in [
        &[][..],
        &[0.0],
        &[1.0, -0.1],
        &[f64::NAN, 1.0],
        &[f64::INFINITY],
    ] {
        assert_eq!(
            effective_number(weights),
            Err(StatisticsError::NotADistribution)
        );
    }
}

#[test]
fn effective_number_counts_equal_weights() {
    assert!((effective_number(&[0.2; 5]).unwrap() - 5.0).abs() < TOLERANCE);
    assert!((effective_number(&[7.0, 7.0]).unwrap() - 2.0).abs() < TOLERANCE);
    assert_eq!(effective_number(&[0.0, 3.0, 0.0]), Ok(1.0));
    // Entropy of (1/2, 1/4, 1/4) is 1.5 bits.
    assert!((effective_number(&[0.5, 0.25, 0.25]).unwrap() - 2.0_f64.powf(1.5)).abs() < TOLERANCE);
}

#[test]
fn student_interval_of_five_values() {
    // scipy.stats.t.interval(0.95, 4, loc=mean, scale=sem) of fusion - selection over five seeds.
    let values = [-0.10, 0.48, 0.12, 0.11, -0.04];
    let interval = student_interval(&values, 0.95).unwrap();
    let scipy = (-0.1660771253924015, 0.3940771253924015);
    assert!((interval.mean - 0.114).abs() < 1e-15 && interval.n == 5);
    assert!((interval.low - scipy.0).abs() < 1e-12, "{interval:?}");
    assert!((interval.high - scipy.1).abs() < 1e-12, "{interval:?}");
    assert!(student_interval(&[1.0], 0.95).is_err());
    assert!(student_interval(&values, 1.0).is_err());
    assert!(student_interval(&[1.0, f64::NAN], 0.95).is_err());
}

#[test]
fn effect_size_is_the_mean_over_the_deviation() {
    // Mean 2, squared deviations 1 + 0 + 1 over n - 1 = 2: deviation 1.
    assert!((effect_size(&[1.0, 2.0, 3.0]).unwrap() - 2.0).abs() < TOLERANCE);
    // statistics.mean(d) / statistics.stdev(d) of Python 3.11.
    for (differences, expected) in [
        ([0.3, -0.1, 0.7, 0.2, 0.5], 1.055_008_757_433_259_4),
        ([-0.10, 0.48, 0.12, 0.11, -0.04], 0.505_395_417_768_984_9),
    ] {
        let found = effect_size(&differences).unwrap();
        assert!((found - expected).abs() < TOLERANCE, "{found}");
    }
    for none in [&[][..], &[1.0], &[0.5, 0.5], &[f64::NAN, 1.0]] {
        assert_eq!(effect_size(none), None, "{none:?}");
    }
}

/// The mean of three times 0.1 is not 0.1, and the differences of equally shifted values are not
/// equal: such a spread is rounding, and once gave effect sizes of 1e15.
#[test]
fn rounding_is_no_spread() {
    assert_eq!(effect_size(&[0.1; 3]), None);
    let shifted: Vec<f64> = (0..9).map(|i| 0.37 * f64::from(i)).collect();
    let differences: Vec<f64> = shifted.iter().map(|x| (x + 0.1) - x).collect();
    assert!(
        differences
            .iter()
            .any(|d| d.total_cmp(&differences[0]).is_ne())
    );
    assert_eq!(effect_size(&differences), None);

    let interval = student_interval(&[0.1; 3], 0.95).unwrap();
    let expected = Interval {
        mean: 0.1,
        low: 0.1,
        high: 0.1,
        n: 3,
    };
    assert_eq!(interval, expected);
}

/// Squares of these values overflow or underflow, the statistics do not.
#[test]
fn magnitude_does_not_matter() {
    for scale in [1e-200, 1e-100, 1e100, 1e200] {
        let values = [1.0, 2.0, 3.0].map(|x| x * scale);
        let size = effect_size(&values).expect("the values vary");
        assert!((size - 2.0).abs() < TOLERANCE, "{scale:e}: {size}");
        let expected = student_interval(&[1.0, 2.0, 3.0], 0.95).unwrap();
        let found = student_interval(&values, 0.95).unwrap();
        assert!((found.low / scale - expected.low).abs() < TOLERANCE);
        assert!((found.high / scale - expected.high).abs() < TOLERANCE);
    }
}

#[test]
fn sums_that_overflow_are_refused() {
    let large = [1e308, 1.1e308, 0.0];
    let overflow = StatisticsError::Overflow;
    let interval = mean_interval(&large, 0.95, 10, &mut rng(1));
    assert_eq!(interval, Err(overflow.clone()));
    assert_eq!(student_interval(&large, 0.95), Err(overflow.clone()));
    assert_eq!(sign_flip_test(&large, 10, &mut rng(1)), Err(overflow));
}

#[test]
fn the_highest_confidence_reaches_both_ends() {
    let values = [1.0, 2.0, 3.0, 7.0];
    let confidence = 1.0 - f64::EPSILON / 2.0;
    let found = mean_interval(&values, confidence, 10_000, &mut rng(1)).unwrap();
    // Of 10 000 resamples, about 39 hold the smallest value alone, and as many the largest.
    let expected = Interval {
        mean: 3.25,
        low: 1.0,
        high: 7.0,
        n: 4,
    };
    assert_eq!(found, expected);
}
