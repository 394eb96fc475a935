//! The tiled kernel against the plain model on shapes that fill no tile, and against itself: the
//! same bytes on any number of threads.

mod common {
    pub(crate) mod problem;
}

use std::ops::ControlFlow;

use common::problem::{DictionaryShape, OrderShape, Problem, cases, problems};
use model::{
    Execution, FactorExpectations, Inference, Observer, Posterior, Progress, Separation, Settings,
    Tempering,
};
use ndarray::Array2;
use proptest::prelude::*;

/// Relative agreement of two evaluations that round in another order. A component being switched
/// off multiplies its error by 1.6 per iteration; all else is closer by orders of magnitude.
const RELATIVE: f64 = 1e-9;

/// What `q(K)` may lose of [`RELATIVE`] to its conditioning: it is the exponential of differences
/// of `log q~(K)`, whose rounding errors are relative to their size, over `beta`. A bin that is
/// dead in every order, or an estimated dictionary far from its prior, gives them 1e12 nats. Where
/// more may be lost, no evaluation has the digits of `q(K)` and of what has been fitted under it:
/// only the free energies are compared, and the factors of the first iteration, which the prior
/// weighs.
const CONDITIONING: f64 = 0.01;

/// Harmonic expectations below this mean zero: they fall by a power per iteration.
const NEGLIGIBLE: f64 = 1e-150;

const ITERATIONS: usize = 4;

fn inference(problem: &Problem) -> Inference {
    inference_of(problem, Posterior::Factorised)
}

fn inference_of(problem: &Problem, posterior: Posterior) -> Inference {
    let settings = Settings {
        posterior,
        ..problem.settings(ITERATIONS)
    };
    Inference::new(settings).unwrap()
}

fn separate(inference: &Inference, problem: &Problem) -> Separation {
    inference
        .separate(problem.mixture().view(), &problem.sources())
        .unwrap()
}

fn assert_close(what: &str, found: f64, expected: f64, scale: f64) {
    assert!(
        (found - expected).abs() <= RELATIVE * scale,
        "{what}: {found:e}, expected {expected:e}"
    );
}

fn assert_matrix(what: &str, found: &Array2<f64>, expected: &Array2<f64>) {
    assert_eq!(found.dim(), expected.dim(), "{what}");
    for (at, &expected) in expected.indexed_iter() {
        let scale = expected.abs().max(NEGLIGIBLE / RELATIVE);
        assert_close(&format!("{what} {at:?}"), found[at], expected, scale);
    }
}

fn assert_factor(what: &str, found: &FactorExpectations, expected: &FactorExpectations) {
    assert_matrix(&format!("mean of {what}"), &found.mean, &expected.mean);
    assert_matrix(
        &format!("harmonic of {what}"),
        &found.harmonic,
        &expected.harmonic,
    );
}

/// What the plain model gives.
struct Plain {
    /// After each iteration.
    free_energies: Vec<f64>,
    result: Separation,
    /// Whether `q(K)`, and what depends on it, has the digits of [`RELATIVE`] in every iteration.
    is_well_conditioned: bool,
}

fn run_plain(problem: &Problem, posterior: Posterior, iterations: usize) -> Plain {
    let (mixture, sources) = (problem.mixture(), problem.sources());
    let mut free_energies = Vec::new();
    let mut largest_log = 0.0_f64;
    let mut look = |free_energy: Option<f64>, log_posterior: &[f64]| {
        free_energies.push(free_energy.unwrap());
        let logs = log_posterior.iter().map(|log_q| log_q.abs());
        largest_log = logs.fold(largest_log, f64::max);
    };
    let result = match posterior {
        Posterior::Factorised => {
            let mut plain = problem.plain(&mixture, &sources);
            for _ in 0..iterations {
                plain.iterate();
                plain.update_sources();
                let logs = (0..sources.len()).filter(|&j| sources[j].orders().len() > 1);
                let logs = logs.flat_map(|j| plain.log_order_posterior(j).unwrap());
                look(plain.free_energy(), &logs.collect::<Vec<_>>());
            }
            plain.finish()
        }
        Posterior::Structured => {
            let mut plain = problem.structured(&mixture, &sources);
            for _ in 0..iterations {
                plain.iterate();
                let logs = plain.log_posterior().unwrap();
                look(
                    plain.free_energy(),
                    if logs.len() > 1 { &logs } else { &[] },
                );
            }
            plain.finish()
        }
    };
    Plain {
        free_energies,
        result: result.unwrap(),
        // Selection, beta = 0, takes the largest, whatever the others.
        is_well_conditioned: problem.beta == 0.0
            || largest_log * f64::EPSILON / problem.beta <= CONDITIONING * RELATIVE,
    }
}

/// The tiled kernel gives what the plain models give, down to every factor.
fn assert_equals_plain(problem: &Problem) {
    for posterior in [Posterior::Factorised, Posterior::Structured] {
        assert_equals_plain_of(problem, posterior);
    }
}

fn assert_equals_plain_of(problem: &Problem, posterior: Posterior) {
    let plain = run_plain(problem, posterior, ITERATIONS);
    let found = run_tiled(problem, posterior, &plain);
    if plain.is_well_conditioned {
        assert_factors(&found, &plain.result);
        assert_posteriors(problem, &found, &plain.result);
    } else {
        let plain = run_plain(problem, posterior, 1);
        assert_factors(&run_tiled(problem, posterior, &plain), &plain.result);
    }
}

/// The result of the tiled kernel, whose free energies are compared.
fn run_tiled(problem: &Problem, posterior: Posterior, plain: &Plain) -> Separation {
    let (mixture, sources, expected) = (problem.mixture(), problem.sources(), &plain.result);
    let mut trace = Trace::default();
    let settings = Settings {
        posterior,
        ..problem.settings(expected.iterations)
    };
    let found = Inference::new(settings)
        .unwrap()
        .with_execution(Execution::Serial)
        .separate_observed(mixture.view(), &sources, &mut trace)
        .unwrap();

    // Each coefficient adds terms of the size of a logarithm or a quotient near 1.
    let terms = mixture.len() as f64;
    assert_eq!(trace.free_energies.len(), plain.free_energies.len());
    for (found, expected) in trace.free_energies.iter().zip(&plain.free_energies) {
        let scale = expected.abs().max(terms);
        assert_close("free energy of an iteration", *found, *expected, scale);
    }
    assert_eq!(found.iterations, expected.iterations);
    let scale = expected.free_energy.abs().max(terms);
    assert_close(
        "free energy",
        found.free_energy,
        expected.free_energy,
        scale,
    );
    found
}

fn assert_factors(found: &Separation, expected: &Separation) {
    for (j, factors) in expected.factors.iter().enumerate() {
        for (m, order) in factors.iter().enumerate() {
            let what = format!("source {j}, order {m}");
            let found_order = &found.factors[j][m];
            assert_factor(
                &format!("W of {what}"),
                &found_order.dictionary,
                &order.dictionary,
            );
            assert_factor(
                &format!("H of {what}"),
                &found_order.activations,
                &order.activations,
            );
        }
    }
}

/// `q(K)`, and the estimates under it.
fn assert_posteriors(problem: &Problem, found: &Separation, expected: &Separation) {
    let mixture = problem.mixture();
    let terms = mixture.len() as f64;
    for (j, orders) in expected.order_posterior.iter().enumerate() {
        for (m, &q) in orders.iter().enumerate() {
            let what = format!("q(K) of source {j}, order {m}");
            assert_close(&what, found.order_posterior[j][m], q, 1.0);
            let log_q = expected.log_order_posterior[j][m];
            let scale = log_q.abs().max(terms);
            let found_log_q = found.log_order_posterior[j][m];
            assert_close(&format!("log {what}"), found_log_q, log_q, scale);
        }
        for ((at, mean), x) in expected.estimates[j].indexed_iter().zip(&mixture) {
            let error = (found.estimates[j][at] - mean).norm();
            assert!(
                error <= RELATIVE * x.norm(),
                "estimate of source {j} {at:?} is off by {error:e} of {x}"
            );
        }
    }
}

#[derive(Default)]
struct Trace {
    free_energies: Vec<f64>,
    last_order_posterior: Vec<Vec<f64>>,
}

impl Observer for Trace {
    fn wants_free_energy(&self, _: usize) -> bool {
        true
    }

    fn observe(&mut self, progress: &Progress) -> ControlFlow<()> {
        self.free_energies.extend(progress.free_energy);
        self.last_order_posterior
            .clone_from(&progress.order_posterior);
        assert_eq!(progress.iteration, self.free_energies.len());
        ControlFlow::Continue(())
    }
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn equals_the_plain_model(problem in problems(1..=60, 1..=70)) {
        assert_equals_plain(&problem);
    }
}

proptest! {
    #![proptest_config(cases(6))]

    /// Several blocks of bins.
    #[test]
    fn equals_the_plain_model_on_many_bins(problem in problems(1..=25, 190..=420)) {
        assert_equals_plain(&problem);
    }

    /// More than 16 tiles of frames: slabs of several tiles.
    #[test]
    fn equals_the_plain_model_on_many_frames(problem in problems(190..=420, 1..=20)) {
        assert_equals_plain(&problem);
    }

    #[test]
    fn threads_leave_every_bit(problem in problems(1..=420, 1..=70)) {
        for posterior in [Posterior::Factorised, Posterior::Structured] {
            let serial = inference_of(&problem, posterior).with_execution(Execution::Serial);
            let expected = separate(&serial, &problem);
            let parallel = serial.with_execution(Execution::Parallel);
            for threads in 1..=3 {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let found = pool.install(|| separate(&parallel, &problem));
                prop_assert_eq!(&found, &expected, "{} threads", threads);
            }
        }
    }

    #[test]
    fn an_observer_sees_the_result_and_changes_nothing(problem in problems(1..=60, 1..=70)) {
        for posterior in [Posterior::Factorised, Posterior::Structured] {
            let inference = inference_of(&problem, posterior);
            let silent = separate(&inference, &problem);
            let mut trace = Trace::default();
            let (mixture, sources) = (problem.mixture(), problem.sources());
            let observed = inference
                .separate_observed(mixture.view(), &sources, &mut trace)
                .unwrap();
            prop_assert_eq!(&observed, &silent);
            prop_assert_eq!(trace.free_energies.last(), Some(&silent.free_energy));
            prop_assert_eq!(&trace.last_order_posterior, &silent.order_posterior);
        }
    }

    /// To the byte, but for `log q~(K)`: the structured posterior has that of all sources at once.
    #[test]
    fn one_order_per_source_is_the_factorised_posterior(mut problem in problems(1..=60, 1..=70)) {
        problem.sources.iter_mut().for_each(|orders| orders.truncate(1));
        let factorised = separate(&inference(&problem), &problem);
        let structured = separate(&inference_of(&problem, Posterior::Structured), &problem);
        let log_order_posterior = vec![vec![factorised.free_energy]; problem.sources.len()];
        prop_assert_eq!(structured, Separation { log_order_posterior, ..factorised });
    }

    #[test]
    fn beta_does_not_matter_with_one_order_per_source(mut problem in problems(1..=60, 1..=70)) {
        problem.sources.iter_mut().for_each(|orders| orders.truncate(1));
        let expected = separate(&inference(&problem), &problem);
        for tempering in [Tempering::Beta(0.0), Tempering::Kappa(0.03)] {
            let settings = Settings { tempering, ..problem.settings(ITERATIONS) };
            let found = separate(&Inference::new(settings).unwrap(), &problem);
            prop_assert_eq!(&found, &expected);
        }
    }

    /// No known dictionary: all activations wait for the second pass.
    #[test]
    fn equals_the_plain_model_with_every_dictionary_estimated(
        mut problem in problems(1..=30, 1..=40),
    ) {
        for order in problem.sources.iter_mut().flatten() {
            order.dictionary = DictionaryShape::Estimated;
        }
        assert_equals_plain(&problem);
    }
}

/// Enough sources for the mantissas of `prod_j C_j` over a block to overflow a double if kept in
/// one.
#[test]
fn equals_the_plain_model_with_hundreds_of_sources() {
    let order = OrderShape {
        components: 1,
        dictionary: DictionaryShape::Estimated,
    };
    assert_equals_plain(&Problem {
        frames: 2,
        bins: 190,
        sources: vec![vec![order]; 300],
        dictionary_shape: 0,
        activation_shape: 0,
        activation_start: 5.0,
        noise_variance: 1e-3,
        level: 1.0,
        beta: 1.0,
        seed: 1,
    });
}

/// Enough components for the mantissas of `prod_k rho_kn`, which `log q~(K)` needs, to overflow a
/// double if kept in one.
#[test]
fn equals_the_plain_model_with_thousands_of_components() {
    let order = |components| OrderShape {
        components,
        dictionary: DictionaryShape::Dense,
    };
    assert_equals_plain(&Problem {
        frames: 9,
        bins: 7,
        sources: vec![vec![order(2100), order(3)], vec![order(2)]],
        dictionary_shape: 0,
        activation_shape: 0,
        activation_start: 5.0,
        noise_variance: 1e-3,
        level: 1.0,
        beta: 1000.0,
        seed: 1,
    });
}

/// As many combinations as are allowed.
#[test]
fn equals_the_plain_model_with_hundreds_of_combinations() {
    let order = |components| OrderShape {
        components,
        dictionary: DictionaryShape::Dense,
    };
    let two = vec![order(1), order(2)];
    let four = vec![order(3), order(1), order(4), order(2)];
    assert_equals_plain_of(
        &Problem {
            frames: 11,
            bins: 53,
            sources: vec![
                two.clone(),
                four.clone(),
                two,
                vec![order(2)],
                four.clone(),
                four,
            ],
            dictionary_shape: 0,
            activation_shape: 0,
            activation_start: 5.0,
            noise_variance: 1e-3,
            level: 1.0,
            beta: 1000.0,
            seed: 1,
        },
        Posterior::Structured,
    );
}
