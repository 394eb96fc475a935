//! An inference that ends before its last iteration is one of fewer iterations, to the byte.

mod common {
    #[allow(dead_code, reason = "the plain model is not needed here")]
    pub(crate) mod problem;
}

use std::ops::ControlFlow;

use common::problem::{DictionaryShape, OrderShape, Problem, cases, problems};
use model::{
    Complex64, Dictionary, FreeEnergyTrace, Inference, Observer, Posterior, Precision, Progress,
    Separation, Settings, SourceModel,
};
use ndarray::Array2;
use proptest::prelude::*;

const ITERATIONS: usize = 60;

/// Iterations between two looks of the rule at the free energy.
const INTERVAL: usize = 10;

/// Both posteriors in both precisions.
fn variants(problem: &Problem) -> impl Iterator<Item = Settings> {
    let settings = problem.settings(ITERATIONS);
    let posteriors = [Posterior::Factorised, Posterior::Structured];
    posteriors.into_iter().flat_map(move |posterior| {
        [Precision::F64, Precision::F32].map(|precision| Settings {
            posterior,
            precision,
            ..settings
        })
    })
}

fn separate(problem: &Problem, settings: Settings, observer: &mut dyn Observer) -> Separation {
    Inference::new(settings)
        .unwrap()
        .separate_observed(problem.mixture().view(), &problem.sources(), observer)
        .unwrap()
}

/// A speaker of two orders and a background to be estimated, which converge quickly.
fn speaker_and_background() -> Problem {
    let order = |components, dictionary| OrderShape {
        components,
        dictionary,
    };
    Problem {
        frames: 37,
        bins: 53,
        sources: vec![
            vec![
                order(2, DictionaryShape::Dense),
                order(5, DictionaryShape::Dense),
            ],
            vec![order(3, DictionaryShape::Estimated)],
        ],
        dictionary_shape: 0,
        activation_shape: 0,
        activation_start: 1.0,
        noise_variance: 1e-3,
        level: 1.0,
        beta: 1000.0,
        seed: 1,
    }
}

#[test]
fn a_tolerance_stops_where_the_free_energy_rises_by_less() {
    let problem = speaker_and_background();
    for settings in variants(&problem) {
        let mut trace = FreeEnergyTrace::every(INTERVAL);
        let whole = separate(&problem, settings, &mut trace);
        assert_eq!(whole.iterations, ITERATIONS);
        let coefficients = (problem.frames * problem.bins) as f64;
        let pairs = trace.values().windows(2);
        let rises: Vec<(usize, f64)> = pairs
            .map(|pair| (pair[1].0, (pair[1].1 - pair[0].1) / coefficients))
            .collect();
        for &(_, rise) in &rises[..rises.len() - 1] {
            let tolerance = 1.01 * rise;
            let with_tolerance = Settings {
                tolerance,
                ..settings
            };
            let found = separate(&problem, with_tolerance, &mut ());
            let first = rises.iter().find(|(_, rise)| *rise < tolerance);
            assert_eq!(Some(found.iterations), first.map(|(end, _)| *end));
        }
    }
}

/// The free energies that the rule looks at leave every bit of what is found without.
#[test]
fn a_tolerance_that_is_never_met_changes_nothing() {
    let problem = speaker_and_background();
    for settings in variants(&problem) {
        let with_tolerance = Settings {
            tolerance: f64::MIN_POSITIVE,
            ..settings
        };
        let found = separate(&problem, with_tolerance, &mut ());
        assert_eq!(found, separate(&problem, settings, &mut ()));
    }
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn what_a_tolerance_stops_is_an_inference_of_fewer_iterations(
        problem in problems(1..=40, 1..=60),
        tolerance in 1e-3..1.0,
        interval in 0_usize..13,
    ) {
        for settings in variants(&problem) {
            let with_tolerance = Settings { tolerance, ..settings };
            let found = separate(&problem, with_tolerance, &mut ());
            let fewer = Settings { iterations: found.iterations, ..settings };
            prop_assert_eq!(&separate(&problem, fewer, &mut ()), &found);

            let mut trace = FreeEnergyTrace::every(interval);
            prop_assert_eq!(&separate(&problem, with_tolerance, &mut trace), &found);
            let end = (found.iterations, found.free_energy);
            prop_assert_eq!(trace.values().last(), Some(&end));
        }
    }

    #[test]
    fn what_an_observer_stops_is_an_inference_of_fewer_iterations(
        problem in problems(1..=40, 1..=60),
        stop_at in 1_usize..9,
        wants_free_energy in any::<bool>(),
    ) {
        for settings in variants(&problem) {
            let settings = Settings { iterations: 9, ..settings };
            let mut observer = Stop { stop_at, wants_free_energy, told: Vec::new() };
            let found = separate(&problem, settings, &mut observer);
            let iterations = if wants_free_energy { stop_at } else { stop_at + 1 };
            prop_assert_eq!(found.iterations, iterations);
            let fewer = Settings { iterations, ..settings };
            prop_assert_eq!(&separate(&problem, fewer, &mut ()), &found);

            prop_assert_eq!(observer.told.len(), iterations);
            prop_assert_eq!(observer.told.last().copied().flatten(), Some(found.free_energy));
        }
    }
}

/// Stops an inference after an iteration.
struct Stop {
    stop_at: usize,
    wants_free_energy: bool,
    /// The free energies told of, one for each iteration.
    told: Vec<Option<f64>>,
}

impl Observer for Stop {
    fn wants_free_energy(&self, _: usize) -> bool {
        self.wants_free_energy
    }

    fn observe(&mut self, progress: &Progress) -> ControlFlow<()> {
        if progress.is_first() {
            self.told.clear();
        }
        self.told.push(progress.free_energy);
        assert_eq!(progress.iteration, self.told.len());
        if progress.iteration == self.stop_at {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// The activations grow from their start beyond the range of single precision, iteration by
/// iteration: what stops the inference begins again with it.
#[test]
fn an_inference_that_begins_again_in_double_is_stopped_there() {
    let quiet = Dictionary::new(Array2::from_elem((1, 4), 1e-20)).unwrap();
    let sources = [SourceModel::known([quiet])
        .with_activation_start(1e10)
        .unwrap()];
    let mixture = Array2::from_shape_fn((20, 4), |(n, f)| {
        Complex64::from(4e7 * (1 + n * f % 7) as f64)
    });
    let separate = |precision, observer: &mut Stop| {
        let settings = Settings {
            precision,
            tolerance: 1e-3,
            ..Settings::default()
        };
        let inference = Inference::new(settings).unwrap();
        inference
            .separate_observed(mixture.view(), &sources, observer)
            .unwrap()
    };
    for stop_at in [ITERATIONS, 1, 12] {
        let mut observer = Stop {
            stop_at,
            wants_free_energy: true,
            told: Vec::new(),
        };
        let double = separate(Precision::F64, &mut observer);
        assert!(double.iterations < 50);
        assert_eq!(double.precision, Precision::F64);
        if stop_at > 1 {
            assert_eq!(separate(Precision::F32, &mut observer), double);
        }
    }
}
