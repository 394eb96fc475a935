//! Itakura-Saito NMF against NumPy (`scripts/fixtures/itakura_saito_reference.py`), and its cost.

use model::itakura_saito::{self, TrainingSettings};
use ndarray::Array2;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

/// Sums in another order than NumPy's, over ten iterations.
const RELATIVE: f64 = 1e-10;

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

#[test]
fn updates_equal_numpy() {
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
            )
            .unwrap();
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
                        error <= RELATIVE * value.abs(),
                        "{what}: {index:?} off by {error:e}"
                    );
                }
            }
            assert_eq!(found.cost.len(), expected.cost.len());
            for (found, expected) in found.cost.iter().zip(&expected.cost) {
                assert!(
                    (found - expected).abs() <= RELATIVE * expected.abs().max(1.0),
                    "{what}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_cost_never_rises(
        seed: u64, frames in 1_usize..40, bins in 1_usize..30, order in 1_usize..8,
        decades in 0.0..25.0_f64,
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut state = seed;
        let power = Array2::from_shape_simple_fn((frames, bins), || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            10.0_f64.powf(decades * ((state >> 40) as f64 / (1_u64 << 24) as f64 - 0.5))
        });
        let settings = TrainingSettings { order, iterations: 15 };
        let trained = itakura_saito::train(power.view(), &settings, &mut rng).unwrap();
        let allowed = ALLOWED_RISE * (frames * bins) as f64;
        for pair in trained.cost.windows(2) {
            let rise = pair[1] - pair[0];
            prop_assert!(rise <= allowed.max(ALLOWED_RISE * pair[0].abs()), "rose by {rise:e}");
        }
        for row in trained.dictionary.components().outer_iter() {
            prop_assert!((row.sum() / bins as f64 - 1.0).abs() < 1e-12);
        }
    }
}

#[test]
fn training_is_the_same_for_any_number_of_threads() {
    let power = Array2::from_shape_fn((500, 33), |(n, f)| ((n * 7 + f * f) % 19) as f64 + 0.1);
    let train = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let settings = TrainingSettings {
            order: 4,
            iterations: 5,
        };
        pool.install(|| itakura_saito::train(power.view(), &settings, &mut rng).unwrap())
    };
    assert_eq!(train(1), train(3));
}

#[test]
fn bad_input_is_named() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut error = |power: Array2<f64>, order| {
        let settings = TrainingSettings {
            order,
            iterations: 1,
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
