//! Single precision: close to double, the same bytes on any number of threads, and double where
//! single is not enough.

mod common {
    #[allow(dead_code, reason = "the plain model is not needed here")]
    pub(crate) mod problem;
}

use common::problem::{DictionaryShape, Problem, cases, problems};
use model::{
    Complex64, Dictionary, Execution, Inference, Posterior, Precision, Progress, Separation,
    Settings, SourceModel, Tempering,
};
use ndarray::Array2;
use proptest::prelude::*;
use proptest::sample::select;

const ITERATIONS: usize = 4;

fn inference(problem: &Problem, posterior: Posterior, precision: Precision) -> Inference {
    let settings = Settings {
        posterior,
        precision,
        ..problem.settings(ITERATIONS)
    };
    Inference::new(settings)
        .unwrap()
        .with_execution(Execution::Serial)
}

fn posteriors() -> impl Strategy<Value = Posterior> {
    select(&[Posterior::Factorised, Posterior::Structured])
}

fn separate(inference: &Inference, problem: &Problem) -> Separation {
    inference
        .separate(problem.mixture().view(), &problem.sources())
        .unwrap()
}

/// Without dead bins, which are out of range, and with a beta for which q(K) is no choice of one.
fn within(mut problem: Problem) -> Problem {
    for order in problem.sources.iter_mut().flatten() {
        if order.dictionary == DictionaryShape::Sparse {
            order.dictionary = DictionaryShape::Dense;
        }
    }
    problem.noise_variance = problem.noise_variance.max(1e-6);
    problem.level = 1.0;
    problem.beta = problem.beta.max((problem.frames * problem.bins) as f64);
    problem
}

proptest! {
    #![proptest_config(cases(48))]

    /// The root of the mean square of what differs, against that of the mixture, is a few hundred
    /// times the rounding error of one number, 6e-8.
    #[test]
    fn is_close_to_double(
        problem in problems(1..=80, 1..=120).prop_map(within),
        posterior in posteriors(),
    ) {
        let expected = separate(&inference(&problem, posterior, Precision::F64), &problem);
        let found = separate(&inference(&problem, posterior, Precision::F32), &problem);
        prop_assume!(found.precision == Precision::F32);
        let energy: f64 = problem.mixture().iter().map(Complex64::norm_sqr).sum();
        for (found, expected) in found.estimates.iter().zip(&expected.estimates) {
            let error: f64 = found.iter().zip(expected).map(|(a, b)| (a - b).norm_sqr()).sum();
            prop_assert!(error <= 1e-10 * energy, "{:e}", error / energy);
        }
        let terms = (problem.frames * problem.bins) as f64;
        let difference = (found.free_energy - expected.free_energy).abs();
        prop_assert!(difference <= 1e-5 * expected.free_energy.abs().max(terms));
        for (found, expected) in found.order_posterior.iter().zip(&expected.order_posterior) {
            for (found, expected) in found.iter().zip(expected) {
                prop_assert!((found - expected).abs() <= 1e-4, "{found} {expected}");
            }
        }
    }

    /// For any input, sparse dictionaries and extreme levels too: either close to double or
    /// double.
    #[test]
    fn is_double_where_it_does_not_suffice(
        problem in problems(1..=40, 1..=60),
        posterior in posteriors(),
    ) {
        let expected = separate(&inference(&problem, posterior, Precision::F64), &problem);
        let found = separate(&inference(&problem, posterior, Precision::F32), &problem);
        match found.precision {
            Precision::F64 => prop_assert_eq!(&found, &expected),
            Precision::F32 => {
                let finite = |x: &Complex64| x.re.is_finite() && x.im.is_finite();
                prop_assert!(found.estimates.iter().flatten().all(finite));
                prop_assert!(found.free_energy.is_finite());
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(6))]

    #[test]
    fn threads_leave_every_bit(
        problem in problems(1..=420, 1..=70).prop_map(within),
        posterior in posteriors(),
    ) {
        let serial = inference(&problem, posterior, Precision::F32);
        let expected = separate(&serial, &problem);
        let parallel = serial.with_execution(Execution::Parallel);
        for threads in 1..=3 {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let found = pool.install(|| separate(&parallel, &problem));
            prop_assert_eq!(&found, &expected, "{} threads", threads);
        }
    }
}

const WATCHED_ITERATIONS: usize = 10;

/// Two sources over four bins. The first has an order of one component for each of `entries`, its
/// last bin; its first order has nearly all of the prior.
fn two_sources(entries: &[f64]) -> [SourceModel; 2] {
    let components = |last| Array2::from_shape_fn((1, 4), |(_, f)| if f < 3 { 1.0 } else { last });
    let dictionary = |last| Dictionary::new(components(last)).unwrap();
    let source = |entries: &[f64]| {
        let prior = entries.iter().enumerate();
        let prior = prior.map(|(m, _)| if m == 0 { 1.0 } else { 1e-30 });
        SourceModel::known(entries.iter().copied().map(dictionary))
            .with_prior(prior.collect::<Vec<_>>())
            .unwrap()
    };
    [source(entries), source(&[1.0])]
}

/// The result in single precision, that in double, and the iterations that an observer of the
/// former is told of.
fn run(
    sources: &[SourceModel],
    amplitude: f64,
    noise_variance: f64,
) -> (Separation, Separation, Vec<usize>) {
    let mixture = Array2::from_shape_fn((20, 4), |(n, f)| {
        Complex64::from(amplitude * (1 + n * f % 7) as f64)
    });
    let mut told = Vec::new();
    let mut separate = |precision| {
        let settings = Settings {
            precision,
            noise_variance,
            iterations: WATCHED_ITERATIONS,
            tempering: Tempering::Beta(1.0),
            ..Settings::default()
        };
        told.clear();
        let mut observer = |progress: &Progress| told.push(progress.iteration);
        let inference = Inference::new(settings).unwrap();
        inference
            .separate_observed(mixture.view(), sources, &mut observer)
            .unwrap()
    };
    let double = separate(Precision::F64);
    let single = separate(Precision::F32);
    (single, double, told)
}

/// What an observer is told in an inference that is made once.
fn once() -> Vec<usize> {
    (1..=WATCHED_ITERATIONS).collect()
}

#[test]
fn an_ordinary_problem_stays_single() {
    let (single, double, told) = run(&two_sources(&[0.5]), 1.0, 1e-6);
    assert_eq!(single.precision, Precision::F32);
    assert_ne!(single.free_energy.to_bits(), double.free_energy.to_bits());
    assert_eq!(told, once());
}

/// A dead bin: its variance falls below the floor of single precision, not of double.
#[test]
fn a_variance_at_the_floor_begins_again_in_double() {
    let (single, double, told) = run(&two_sources(&[1e-38]), 1.0, 1e-6);
    assert_eq!(single, double);
    assert_eq!(single.precision, Precision::F64);
    assert_eq!(told, once());
}

/// The activations grow from their start beyond the range, iteration by iteration.
#[test]
fn an_observer_sees_that_an_inference_begins_again() {
    let quiet = Dictionary::new(Array2::from_elem((1, 4), 1e-20)).unwrap();
    let source = SourceModel::known([quiet]).with_activation_start(1e10);
    let (single, double, told) = run(&[source.unwrap()], 4e7, 1e-6);
    assert_eq!(single, double);
    let again = told.len() - WATCHED_ITERATIONS;
    assert!((1..WATCHED_ITERATIONS).contains(&again), "{told:?}");
    assert_eq!(told[..again], once()[..again]);
    assert_eq!(told[again..], once());
}

/// No variance is at the floor, but the square of one that q(K) dismisses is not a number that
/// `E|s|^2` can be divided by.
#[test]
fn ratios_that_overflow_begin_again_in_double() {
    let (single, double, _) = run(&two_sources(&[0.5, 1e-29]), 1e3, 1e-6);
    assert_eq!(single, double);
    assert_eq!(single.precision, Precision::F64);
}

#[test]
fn what_is_out_of_range_is_double_from_the_start() {
    for (entry, amplitude, noise) in [(0.5, 1e10, 1e-6), (0.5, 1.0, 1e-20), (1e20, 1.0, 1e-6)] {
        let (single, double, told) = run(&two_sources(&[entry]), amplitude, noise);
        assert_eq!(single, double);
        assert_eq!(told, once());
    }
}
