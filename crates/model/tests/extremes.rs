//! Training and separation at the ends of what doubles hold: powers from 1e-30 to 1e30, silence in
//! stretches, one bin, one frame, more components than either. Every result is finite, or a typed
//! error.

#[allow(dead_code, reason = "other tests use the rest")]
mod common {
    pub(crate) mod problem;
}

use std::ops::Range;

use common::problem::{Problem, cases, problems};
use model::itakura_saito::{self, MEAN_POWERS, TrainingError, TrainingSettings};
use model::{Inference, Precision};
use ndarray::Array2;
use num_complex::Complex64;
use proptest::prelude::*;
use proptest::sample::select;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Components are scaled to a mean of 1, which rounds once per entry.
const UNIT_MEAN: f64 = 1e-9;

/// The cost may rise by the rounding of its sum: relative to itself, and to frames x bins
/// logarithms of at most 100.
const COST_ROUNDING: f64 = 1e-9;

/// The same in single precision, where a term is off by the roundings of `V`, a product of at most
/// 20 components, and those of a sum over at most 48 bins: 70 times 6e-8.
const SINGLE_COST_ROUNDING: f64 = 4e-6;

/// Some of `n` places, from the first on.
fn stretch(n: usize) -> impl Strategy<Value = Range<usize>> {
    (0..=n, 0..=n).prop_map(|(a, b)| a.min(b)..a.max(b))
}

/// Powers over `decades` around `level`, zero in a stretch of frames and one of bins.
fn power(
    (frames, bins): (usize, usize),
    level: i32,
    decades: f64,
    silent: &(Range<usize>, Range<usize>),
    seed: u64,
) -> Array2<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_fn((frames, bins), |(frame, bin)| {
        let exponent = f64::from(level) + decades * (rng.random::<f64>() - 0.5);
        if silent.0.contains(&frame) || silent.1.contains(&bin) {
            0.0
        } else {
            10.0_f64.powf(exponent.clamp(-30.0, 30.0))
        }
    })
}

fn trains_soundly(
    power: &Array2<f64>,
    order: usize,
    iterations: usize,
    seed: u64,
    precision: Precision,
) {
    let settings = TrainingSettings {
        order,
        iterations,
        precision,
    };
    let train = |settings| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        itakura_saito::train(power.view(), settings, &mut rng)
    };
    let trained = match train(&settings) {
        Ok(trained) => trained,
        // Silence has no spectrum, and a component may be left with none.
        Err(TrainingError::Silent) => {
            assert!(power.iter().all(|&p| p == 0.0));
            return;
        }
        Err(TrainingError::Dictionary(_)) => return,
        Err(other) => panic!("{other}"),
    };
    let rounding = match trained.precision {
        Precision::F32 => SINGLE_COST_ROUNDING,
        Precision::F64 => {
            let double = TrainingSettings {
                precision: Precision::F64,
                ..settings
            };
            assert_eq!(train(&double).as_ref(), Ok(&trained));
            COST_ROUNDING
        }
    };
    let components = trained.dictionary.components();
    assert!(components.iter().all(|w| w.is_finite() && *w >= 0.0));
    for component in components.rows() {
        assert!((component.sum() / component.len() as f64 - 1.0).abs() < UNIT_MEAN);
    }
    assert!(
        trained
            .activations
            .iter()
            .all(|h| h.is_finite() && *h >= 0.0)
    );
    assert_eq!(trained.cost.len(), iterations + 1);
    assert!(trained.cost.iter().all(|cost| cost.is_finite()));
    for pair in trained.cost.windows(2) {
        let slack = rounding * (pair[0].abs() + 100.0 * power.len() as f64);
        assert!(pair[1] <= pair[0] + slack, "{} after {}", pair[1], pair[0]);
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn training_on_any_power(
        (frames, bins, silent) in (1..=12_usize, 1..=12_usize).prop_flat_map(|(frames, bins)| {
            (Just(frames), Just(bins), (stretch(frames), stretch(bins)))
        }),
        level in -30..=30,
        decades in prop_oneof![Just(0.0), Just(1.0), Just(60.0)],
        order in 1..=20_usize,
        seed in any::<u64>(),
        precision in select(&[Precision::F64, Precision::F32]),
    ) {
        let power = power((frames, bins), level, decades, &silent, seed);
        trains_soundly(&power, order, 8, seed, precision);
    }
}

proptest! {
    #![proptest_config(cases(40))]

    /// Silent frames and silent bins at any level, also where all of it is silent.
    #[test]
    fn separation_with_silent_stretches(
        (problem, silent) in problems(1..=16, 1..=16).prop_flat_map(|problem| {
            let silent = (stretch(problem.frames), stretch(problem.bins));
            (Just(problem), silent)
        }),
        decades in -30..=30,
    ) {
        let scale = 10.0_f64.powi(decades);
        let mut mixture = problem.mixture();
        for ((frame, bin), x) in mixture.indexed_iter_mut() {
            *x *= scale;
            if silent.0.contains(&frame) || silent.1.contains(&bin) {
                *x = Complex64::ZERO;
            }
        }
        separates_soundly(&problem, &mixture);
    }
}

fn separates_soundly(problem: &Problem, mixture: &Array2<Complex64>) {
    let inference = Inference::new(problem.settings(8)).unwrap();
    let separation = inference
        .separate(mixture.view(), &problem.sources())
        .unwrap();
    assert!(separation.free_energy.is_finite());
    for estimate in &separation.estimates {
        for (mean, x) in estimate.iter().zip(mixture) {
            assert!(mean.re.is_finite() && mean.im.is_finite());
            assert!(
                *x != Complex64::ZERO || *mean == Complex64::ZERO,
                "{mean} of silence"
            );
        }
    }
    let mut weights = separation.order_posterior.iter().flatten();
    assert!(weights.all(|q| (0.0..=1.0).contains(q)));
}

#[test]
fn silence_and_the_least_power_are_told_apart() {
    let train = |value: f64| {
        let settings = TrainingSettings {
            order: 2,
            iterations: 5,
            precision: Precision::F64,
        };
        let power = Array2::from_elem((3, 4), value);
        itakura_saito::train(power.view(), &settings, &mut ChaCha8Rng::seed_from_u64(1))
    };
    assert_eq!(train(0.0), Err(TrainingError::Silent));
    // The first update of the activations takes up the level; from then on the divergence knows
    // none.
    let expected = train(1.0).unwrap().cost;
    for value in [
        1e-30,
        1e30,
        2.0 * MEAN_POWERS.start(),
        0.5 * MEAN_POWERS.end(),
    ] {
        let cost = train(value).unwrap().cost;
        for (cost, expected) in cost.iter().zip(&expected).skip(1) {
            assert!((cost - expected).abs() < COST_ROUNDING, "{value:e}: {cost}");
        }
    }
    for value in [5e-324, 1e-300, 1e-81, 1e121, 1e300, f64::MAX] {
        let outcome = train(value);
        assert!(
            matches!(outcome, Err(TrainingError::OutOfRange { .. })),
            "{value:e}"
        );
    }
}

/// More components than a pack has lanes, of the least that there can be.
#[test]
fn seventeen_components_of_one_number() {
    for precision in [Precision::F64, Precision::F32] {
        trains_soundly(&Array2::ones((1, 1)), 17, 8, 0, precision);
    }
}
