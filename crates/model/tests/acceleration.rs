//! Accelerated inference: never down, on any number of threads the same bytes, and sooner at the
//! free energy of plain iterations.

mod common {
    #[allow(dead_code, reason = "the plain model is not needed here")]
    pub(crate) mod problem;
}

use std::ops::ControlFlow;

use common::problem::{Problem, cases, problems};
use model::{
    Acceleration, Complex64, Dictionary, Execution, FreeEnergyTrace, Inference, Observer,
    Posterior, Precision, Progress, Separation, Settings, SourceModel, separate as separate_once,
};
use ndarray::Array2;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, StandardNormal};

/// A cycle is three iterations: five of them.
const ITERATIONS: usize = 15;

/// Both posteriors in both precisions.
fn variants(problem: &Problem, iterations: usize) -> impl Iterator<Item = Settings> {
    let settings = problem.settings(iterations);
    let posteriors = [Posterior::Factorised, Posterior::Structured];
    posteriors.into_iter().flat_map(move |posterior| {
        [Precision::F64, Precision::F32].map(|precision| Settings {
            posterior,
            precision,
            acceleration: Acceleration::Squarem,
            ..settings
        })
    })
}

fn separate(
    problem: &Problem,
    settings: Settings,
    execution: Execution,
    observer: &mut dyn Observer,
) -> Separation {
    Inference::new(settings)
        .unwrap()
        .with_execution(execution)
        .separate_observed(problem.mixture().view(), &problem.sources(), observer)
        .unwrap()
}

/// Rounding of a free energy: of its own size, and of terms of the size of a logarithm.
fn rounding(problem: &Problem, precision: Precision, free_energy: f64) -> f64 {
    let terms = (problem.frames * problem.bins) as f64;
    let relative = match precision {
        Precision::F64 => 1e-11,
        Precision::F32 => 1e-5,
    };
    relative * free_energy.abs().max(terms)
}

struct StopAfter(usize);

impl Observer for StopAfter {
    fn wants_free_energy(&self, iteration: usize) -> bool {
        iteration == self.0
    }

    fn observe(&mut self, progress: &Progress) -> ControlFlow<()> {
        if progress.iteration == self.0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn the_free_energy_never_falls(problem in problems(1..=40, 1..=60)) {
        for settings in variants(&problem, ITERATIONS) {
            let mut trace = FreeEnergyTrace::every(1);
            let found = separate(&problem, settings, Execution::Serial, &mut trace);
            prop_assert_eq!(trace.values().len(), ITERATIONS);
            for pair in trace.values().windows(2) {
                let allowed = rounding(&problem, found.precision, pair[0].1);
                prop_assert!(pair[1].1 >= pair[0].1 - allowed, "{:?} {:?}", settings, pair);
            }
        }
    }

    /// Also those that end within a cycle.
    #[test]
    fn to_stop_is_to_have_fewer_iterations(
        problem in problems(1..=30, 1..=40),
        after in 1..15_usize,
    ) {
        for settings in variants(&problem, ITERATIONS) {
            let stopped =
                separate(&problem, settings, Execution::Serial, &mut StopAfter(after));
            let fewer = Settings { iterations: after, ..settings };
            prop_assert_eq!(stopped, separate(&problem, fewer, Execution::Serial, &mut ()));
        }
    }
}

proptest! {
    #![proptest_config(cases(6))]

    #[test]
    fn threads_leave_every_bit(problem in problems(1..=420, 1..=70)) {
        for settings in variants(&problem, ITERATIONS) {
            let expected = separate(&problem, settings, Execution::Serial, &mut ());
            for threads in 1..=3 {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let found =
                    pool.install(|| separate(&problem, settings, Execution::Parallel, &mut ()));
                prop_assert_eq!(&found, &expected, "{} threads", threads);
            }
        }
    }
}

/// On a mixture drawn from the model: a speaker of three orders, a background to be estimated.
#[test]
fn a_third_of_the_iterations_has_the_free_energy_of_all() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut matrix = |shape: f64, rows, columns| {
        let gamma = Gamma::new(shape, 1.0 / shape).unwrap();
        Array2::from_shape_simple_fn((rows, columns), || f64::max(gamma.sample(&mut rng), 1e-6))
    };
    let (frames, bins) = (45, 130);
    let speaker = [2, 5, 7].map(|order| matrix(0.5, order, bins));
    let variance =
        matrix(0.2, frames, 5).dot(&speaker[1]) + matrix(0.2, frames, 4).dot(&matrix(0.2, 4, bins));
    let start = matrix(0.2, 4, bins);
    let mixture = variance.mapv(|variance| {
        let [re, im]: [f64; 2] = std::array::from_fn(|_| StandardNormal.sample(&mut rng));
        Complex64::new(re, im) * f64::sqrt(variance / 2.0)
    });
    let sources = [
        SourceModel::known(speaker.map(|matrix| Dictionary::new(matrix).unwrap())),
        SourceModel::estimated(start).unwrap(),
    ];
    for posterior in [Posterior::Factorised, Posterior::Structured] {
        let [plain, accelerated] = [(Acceleration::None, 300), (Acceleration::Squarem, 100)].map(
            |(acceleration, iterations)| {
                let settings = Settings {
                    posterior,
                    acceleration,
                    iterations,
                    ..Settings::default()
                };
                separate_once(mixture.view(), &sources, settings).unwrap()
            },
        );
        let (plain, accelerated) = (plain.free_energy, accelerated.free_energy);
        assert!(accelerated >= plain, "{posterior:?}: {accelerated} {plain}");
    }
}
