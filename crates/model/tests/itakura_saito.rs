//! Itakura-Saito NMF against NumPy (`scripts/fixtures/itakura_saito_reference.py`), and its cost.

use model::Precision;
use model::itakura_saito::{self, TrainingSettings};
use ndarray::Array2;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

/// Sums in another order than NumPy's, over ten iterations.
const RELATIVE: f64 = 1e-10;

/// The same for an iteration in single precision. Every sum is of positive terms, so that relative
/// errors add: with `u = 6e-8` and at most 13 bins or frames and three components in these cases,
/// `V` is off by 3 `u`, a ratio by 10 `u`, its sum by 13 `u` more, new activations by about 50 `u`,
/// a new dictionary, which has three times their errors in its ratios, by 200 `u`.
const SINGLE_ITERATION: f64 = 200.0 * 6e-8;

/// Of the cost in single precision, relative to the sum of its terms: `V` is off by a rounding for
/// each of up to 20 components, a sum of `P / V` by one for each of up to 48 bins.
const SINGLE_COST: f64 = 70.0 * 6e-8;

/// A rise of the cost that rounding explains, relative to the number of entries.
const ALLOWED_RISE: f64 = 1e-12;

type Matrix = Vec<Vec<f64>>;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    case: String,
    power: Matrix,
    dictionary: Matrix,
    activations: Matrix,
    expected: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    iterations: usize,
    dictionary: Matrix,
    activations: Matrix,
    cost: Vec<f64>,
}

fn array(rows: &Matrix) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

/// Compares all cases with NumPy's results; `tolerance`: relative, per number of iterations.
fn compare_with_numpy(precision: Precision, tolerance: impl Fn(usize) -> f64) {
    let fixture: Fixture =
        serde_json::from_str(include_str!("fixtures/itakura_saito.json")).unwrap();
    assert!(fixture.cases.len() > 3);
    for case in &fixture.cases {
        for expected in &case.expected {
            let found = itakura_saito::train_from(
                array(&case.power).view(),
                array(&case.dictionary).view(),
                array(&case.activations).view(),
                expected.iterations,
                precision,
            )
            .unwrap();
            assert_eq!(found.precision, precision);
            let tolerance = tolerance(expected.iterations);
            let what = format!("{} after {}", case.case, expected.iterations);
            let pairs = [
                (
                    found.dictionary.components().to_owned(),
                    array(&expected.dictionary),
                ),
                (found.activations, array(&expected.activations)),
            ];
            for (found, expected) in pairs {
                for (index, &value) in expected.indexed_iter() {
                    let error = (found[index] - value).abs();
                    assert!(
                        error <= tolerance * value.abs(),
                        "{what}: {index:?} off by {error:e}"
                    );
                }
            }
            assert_eq!(found.cost.len(), expected.cost.len());
            for (found, expected) in found.cost.iter().zip(&expected.cost) {
                assert!(
                    (found - expected).abs() <= tolerance * expected.abs().max(1.0),
                    "{what}: cost {found} instead of {expected}"
                );
            }
        }
    }
}

#[test]
fn updates_equal_numpy() {
    compare_with_numpy(Precision::F64, |_| RELATIVE);
}

#[test]
fn updates_in_single_precision_equal_numpy() {
    compare_with_numpy(Precision::F32, |iterations| {
        SINGLE_ITERATION * iterations as f64
    });
}

/// Powers over so many decades around 1.
fn draw_power(frames: usize, bins: usize, decades: f64, seed: u64) -> Array2<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_simple_fn((frames, bins), || {
        10.0_f64.powf(decades * (rng.random::<f64>() - 0.5))
    })
}

fn train(
    power: &Array2<f64>,
    order: usize,
    iterations: usize,
    precision: Precision,
) -> itakura_saito::Trained {
    let settings = TrainingSettings {
        order,
        iterations,
        precision,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    itakura_saito::train(power.view(), &settings, &mut rng).unwrap()
}

fn is_of_unit_mean(trained: &itakura_saito::Trained) -> bool {
    let components = trained.dictionary.components();
    let mut means = components.outer_iter().map(|row| row.mean().unwrap());
    means.all(|mean| (mean - 1.0).abs() < 1e-12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_cost_never_rises(
        seed: u64, frames in 1_usize..40, bins in 1_usize..30, order in 1_usize..8,
        decades in 0.0..25.0_f64,
    ) {
        let power = draw_power(frames, bins, decades, seed);
        let trained = train(&power, order, 15, Precision::F64);
        let allowed = ALLOWED_RISE * (frames * bins) as f64;
        for pair in trained.cost.windows(2) {
            let rise = pair[1] - pair[0];
            prop_assert!(rise <= allowed.max(ALLOWED_RISE * pair[0].abs()), "rose by {rise:e}");
        }
        prop_assert!(is_of_unit_mean(&trained));
    }

    /// Sizes that fill neither the last pack nor the last block, and several tiles.
    #[test]
    fn single_precision_is_close_to_double(
        seed: u64, frames in 1_usize..150, bins in 1_usize..120, order in 1_usize..20,
        decades in 0.0..6.0_f64,
    ) {
        let power = draw_power(frames, bins, decades, seed);
        let found = train(&power, order, 15, Precision::F32);
        let expected = train(&power, order, 15, Precision::F64);
        prop_assert_eq!(found.precision, Precision::F32);
        prop_assert!(is_of_unit_mean(&found));
        let terms = (frames * bins) as f64;
        for (found, expected) in found.cost.iter().zip(&expected.cost) {
            let slack = SINGLE_COST * (terms + expected);
            prop_assert!((found - expected).abs() <= slack, "{found} instead of {expected}");
        }
        for pair in found.cost.windows(2) {
            prop_assert!(pair[1] <= pair[0] + SINGLE_COST * (terms + pair[0]));
        }
    }
}

#[test]
fn training_is_the_same_for_any_number_of_threads() {
    let power = Array2::from_shape_fn((1100, 35), |(n, f)| ((n * 7 + f * f) % 19) as f64 + 0.1);
    for precision in [Precision::F64, Precision::F32] {
        let train = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| train(&power, 4, 5, precision))
        };
        let expected = train(1);
        assert_eq!(expected.precision, precision);
        assert_eq!(train(2), expected);
        assert_eq!(train(4), expected);
    }
}

#[test]
fn a_training_goes_on_from_its_result() {
    let power = draw_power(70, 53, 3.0, 1);
    for precision in [Precision::F64, Precision::F32] {
        let whole = train(&power, 5, 7, precision);
        let first = train(&power, 5, 3, precision);
        let second = itakura_saito::train_from(
            power.view(),
            first.dictionary.components(),
            first.activations.view(),
            4,
            precision,
        )
        .unwrap();
        assert_eq!(second.dictionary, whole.dictionary);
        assert_eq!(second.activations, whole.activations);
        assert_eq!([&first.cost[..3], &second.cost[..]].concat(), whole.cost);
    }
}

/// Where single precision is not enough the result has the bytes of double precision.
#[test]
fn what_leaves_the_range_is_trained_in_double() {
    let power = draw_power(20, 9, 2.0, 1);
    for level in [1e-60, 1e-20, 1e20, 1e60] {
        let power = level * &power;
        let found = train(&power, 3, 5, Precision::F32);
        assert_eq!(found.precision, Precision::F64, "{level:e}");
        assert_eq!(found, train(&power, 3, 5, Precision::F64));
    }
    for level in [1e-9, 1e9] {
        let found = train(&(level * &power), 3, 5, Precision::F32);
        assert_eq!(found.precision, Precision::F32, "{level:e}");
    }
    // A bin that no component explains, and activations that grow beyond the range.
    let dead = Array2::from_shape_fn((3, 9), |(_, f)| if f == 4 { 0.0 } else { 1.0 });
    let tiny = Array2::from_shape_fn((3, 9), |(k, f)| 1e-35 * (1 + k + f) as f64);
    let activations = Array2::from_shape_fn((20, 3), |(n, k)| (1 + n + k) as f64);
    for dictionary in [dead, tiny] {
        let train = |precision| {
            itakura_saito::train_from(
                power.view(),
                dictionary.view(),
                activations.view(),
                5,
                precision,
            )
            .unwrap()
        };
        let found = train(Precision::F32);
        assert_eq!(found.precision, Precision::F64);
        assert_eq!(found, train(Precision::F64));
    }
}

#[test]
fn bad_input_is_named() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut error = |power: Array2<f64>, order| {
        let settings = TrainingSettings {
            order,
            iterations: 1,
            precision: Precision::F32,
        };
        itakura_saito::train(power.view(), &settings, &mut rng)
            .unwrap_err()
            .to_string()
    };
    assert!(error(Array2::zeros((0, 4)), 1).contains("empty"));
    assert!(error(Array2::zeros((3, 4)), 1).contains("silent"));
    assert!(error(Array2::ones((3, 4)), 0).contains("component"));
    assert!(error(Array2::from_elem((3, 4), -1.0), 1).contains("frame 0, bin 0"));
    assert!(error(Array2::from_elem((3, 4), f64::NAN), 1).contains("NaN"));
}
