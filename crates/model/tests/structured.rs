//! The structured posterior: its free energy rises with every single update and is what numerical
//! integration gives, it is the factorised one where no source has a choice, and its q(K) has the
//! limits that it must have.

mod common {
    #[allow(dead_code, reason = "the factorised model is only compared with")]
    pub(crate) mod problem;
}

use common::problem::{Problem, cases, problems};
use model::plain::StructuredModel;
use model::{
    Complex64, Dictionary, DictionaryModel, FactorExpectations, Separation, Settings, SourceModel,
    Tempering,
};
use ndarray::{Array2, array};
use proptest::prelude::*;

/// A drop of the free energy that rounding explains, relative to its size.
const ALLOWED_DROP: f64 = 1e-9;

/// Agreement of two computations of the same quantity that add in another order.
const ROUNDING: f64 = 1e-9;

/// Agreement with numerical integration, whose own error is below 1e-11.
const INTEGRATION: f64 = 1e-9;

const ITERATIONS: usize = 5;

fn assert_close(what: &str, found: f64, expected: f64, scale: f64) {
    assert!(
        (found - expected).abs() <= ROUNDING * scale,
        "{what}: {found:e}, expected {expected:e}"
    );
}

fn separate(problem: &Problem, mixture: &Array2<Complex64>, sources: &[SourceModel]) -> Separation {
    let mut model = problem.structured(mixture, sources);
    for _ in 0..ITERATIONS {
        model.iterate();
    }
    model.finish().unwrap()
}

/// Two results are the same to rounding, up to a permutation of each source's orders.
fn assert_equal(
    found: &Separation,
    expected: &Separation,
    mixture: &Array2<Complex64>,
    order_of: impl Fn(usize, usize) -> usize,
) {
    let scale = expected.free_energy.abs().max(mixture.len() as f64);
    assert_close(
        "free energy",
        found.free_energy,
        expected.free_energy,
        scale,
    );
    for (found, expected) in found.estimates.iter().zip(&expected.estimates) {
        for ((found, expected), x) in found.iter().zip(expected).zip(mixture) {
            let error = (found - expected).norm();
            assert!(
                error <= ROUNDING * x.norm(),
                "estimate off by {error:e} of {x}"
            );
        }
    }
    for (source, orders) in expected.factors.iter().enumerate() {
        for (order, factors) in orders.iter().enumerate() {
            let same = order_of(source, order);
            let found_factors = &found.factors[source][same];
            assert_factor(&found_factors.activations, &factors.activations);
            assert_factor(&found_factors.dictionary, &factors.dictionary);
            let q = expected.order_posterior[source][order];
            assert_close("q(K)", found.order_posterior[source][same], q, 1.0);
        }
    }
}

/// A component that is being switched off multiplies its relative error in each iteration, until
/// it means zero.
fn assert_factor(found: &FactorExpectations, expected: &FactorExpectations) {
    const NEGLIGIBLE: f64 = 1e-150;
    for (found, expected) in [
        (&found.mean, &expected.mean),
        (&found.harmonic, &expected.harmonic),
    ] {
        for (found, expected) in found.iter().zip(expected) {
            let scale = expected.abs().max(NEGLIGIBLE / ROUNDING);
            assert_close("factor", *found, *expected, scale);
        }
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn no_update_lowers_the_free_energy(problem in problems(1..=9, 1..=12)) {
        let mut model = problem.structured(&problem.mixture(), &problem.sources());
        let schedule = model.schedule();
        let mut before: Option<f64> = None;
        for iteration in 0..12 {
            for &update in &schedule {
                model.apply(update);
                let after = model.free_energy();
                if let (Some(before), Some(after)) = (before, after) {
                    prop_assert!(
                        after >= before - ALLOWED_DROP * before.abs(),
                        "{update:?} of iteration {iteration}: from {before} to {after}"
                    );
                }
                before = after;
            }
            prop_assert!(before.is_some(), "every factor has been updated");
        }
    }
}

proptest! {
    #![proptest_config(cases(100))]

    /// Both begin with the start's q(S) and then make the same updates, but the factorised model's
    /// schedule begins with q(S) and the structured one's ends with it.
    #[test]
    fn one_order_per_source_is_the_factorised_model(mut problem in problems(1..=9, 1..=12)) {
        problem.sources.iter_mut().for_each(|orders| orders.truncate(1));
        let (mixture, sources) = (problem.mixture(), problem.sources());
        let structured = separate(&problem, &mixture, &sources);
        let mut factorised = problem.plain(&mixture, &sources);
        for _ in 0..ITERATIONS {
            factorised.iterate();
        }
        let factorised = factorised.finish().unwrap();
        assert_equal(&structured, &factorised, &mixture, |_, order| order);
        for log_q in &structured.log_order_posterior {
            prop_assert_eq!(log_q[0].to_bits(), structured.free_energy.to_bits());
        }
    }

    #[test]
    fn permuting_orders_changes_nothing(mut problem in problems(1..=9, 1..=12)) {
        // Below 1, rounding decides between orders that fit equally well.
        problem.beta = problem.beta.max(1.0);
        let (mixture, sources) = (problem.mixture(), problem.sources());
        let equally_probable = |orders: Vec<DictionaryModel>| {
            SourceModel::new(orders).with_activation_start(problem.activation_start).unwrap()
        };
        let in_order: Vec<_> =
            sources.iter().map(|source| equally_probable(source.orders().to_vec())).collect();
        let reversed: Vec<_> = sources
            .iter()
            .map(|source| equally_probable(source.orders().iter().rev().cloned().collect()))
            .collect();
        let forwards = separate(&problem, &mixture, &in_order);
        let backwards = separate(&problem, &mixture, &reversed);
        let opposite = |source: usize, order: usize| sources[source].orders().len() - 1 - order;
        assert_equal(&backwards, &forwards, &mixture, opposite);
    }

    /// With an infinite beta the data say nothing, and q(K_j) is uniform: eq. (18) tempers the
    /// prior as well.
    #[test]
    fn a_large_beta_gives_uniform_weights(mut problem in problems(1..=9, 1..=12)) {
        problem.beta = 1e200;
        let found = separate(&problem, &problem.mixture(), &problem.sources());
        for posterior in &found.order_posterior {
            for q in posterior {
                assert_close("q(K)", *q, 1.0 / posterior.len() as f64, 1.0);
            }
        }
    }

    #[test]
    fn no_beta_gives_all_weight_to_the_best_orders(mut problem in problems(1..=9, 1..=12)) {
        problem.beta = 0.0;
        let (mixture, sources) = (problem.mixture(), problem.sources());
        let mut model = problem.structured(&mixture, &sources);
        for _ in 0..ITERATIONS {
            model.iterate();
        }
        let log_posterior = model.log_posterior().unwrap();
        let best = log_posterior.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        prop_assert_eq!(model.free_energy(), Some(best));
        let found = model.finish().unwrap();
        let pairs = found.order_posterior.iter().zip(&found.log_order_posterior);
        for (posterior, log_posterior) in pairs {
            let chosen = posterior.iter().position(|&q| q > 0.0).unwrap();
            prop_assert_eq!(posterior[chosen].to_bits(), 1.0_f64.to_bits());
            prop_assert!(log_posterior.iter().all(|log_q| *log_q <= log_posterior[chosen]));
        }
    }

    /// `x - sum_j mu_j = x sigma^2 sum_K q(K) / D_K`: between the largest share and the smallest.
    #[test]
    fn estimates_leave_no_more_than_the_noise(problem in problems(1..=9, 1..=12)) {
        let mixture = problem.mixture();
        let found = separate(&problem, &mixture, &problem.sources());
        for (at, x) in mixture.indexed_iter() {
            let sum: Complex64 = found.estimates.iter().map(|estimate| estimate[at]).sum();
            let left = (x - sum).norm();
            prop_assert!(left <= x.norm() * (1.0 + ROUNDING), "{left} of {x}");
            let share = if x.norm() > 0.0 { ((x - sum) / x).re } else { 0.0 };
            prop_assert!(share >= -ROUNDING, "{share} of {x}");
        }
    }
}

/// A positive variable with expectations by numerical integration, none by formula.
struct Integrated {
    mean: f64,
    mean_inverse: f64,
    /// `E[log p(z) - log q(z)]`.
    kl_term: f64,
}

/// `GIG(shape, rho, tau)` under a `Gamma(shape, shape)` prior.
fn integrate_gig(shape: f64, rho: f64, tau: f64) -> Integrated {
    let log_kernel = |z: f64| (shape - 1.0) * z.ln() - rho * z - tau / z;
    let integral = |g: &dyn Fn(f64) -> f64| integrate(|z| g(z) * log_kernel(z).exp());
    let normaliser = integral(&|_| 1.0);
    let log_prior =
        |z: f64| shape * shape.ln() - libm::lgamma(shape) + (shape - 1.0) * z.ln() - shape * z;
    let log_ratio = |z: f64| log_prior(z) - log_kernel(z) + normaliser.ln();
    Integrated {
        mean: integral(&|z| z) / normaliser,
        mean_inverse: integral(&|z| 1.0 / z) / normaliser,
        kl_term: integral(&log_ratio) / normaliser,
    }
}

/// The integral over `z > 0` by the trapezoidal rule in `log z`, which converges exponentially for
/// integrands that vanish at both ends, here well within `e^-160` and `e^8`.
fn integrate(integrand: impl Fn(f64) -> f64) -> f64 {
    const STEP: f64 = 1.0 / 32.0;
    let node = |i: i32| {
        let z = f64::exp(f64::from(i) * STEP);
        integrand(z) * z * STEP
    };
    (-160 * 32..=8 * 32).map(node).sum()
}

/// One bin, one frame, two sources of two orders and of one: the free energy is the sum over the
/// combinations of `q(K) log( p(x | C, V) p(K) / q(K)^beta )`, with all expectations by integration
/// and each order's sources integrated by the formula of a Gaussian mixture of variances.
#[test]
fn one_coefficient_by_numerical_integration() {
    const BETA: f64 = 2.5;
    let (shape, noise, x) = (0.7, 0.3, Complex64::new(0.8, -0.5));
    let entries = [0.4, 3.0, 1.1];
    let settings = Settings {
        activation_shape: shape,
        noise_variance: noise,
        tempering: Tempering::Beta(BETA),
        ..Settings::default()
    };
    let known = |entry: f64| Dictionary::new(array![[entry]]).unwrap();
    let source = |entries: &[f64]| {
        let source = SourceModel::known(entries.iter().map(|&entry| known(entry)));
        source.with_activation_start(2.0).unwrap()
    };
    let sources = [
        source(&entries[..2]).with_prior([0.3, 0.7]).unwrap(),
        source(&entries[2..]),
    ];
    let mut model = StructuredModel::new(array![[x]].view(), &sources, &settings).unwrap();
    for _ in 0..40 {
        model.iterate();
    }
    let mut integrated = Vec::new();
    for (j, m) in [(0, 0), (0, 1), (1, 0)] {
        let parameters = model.activation_parameters(j, m);
        let h = integrate_gig(shape, parameters.rho[(0, 0)], parameters.tau[(0, 0)]);
        model.update_activations(j, m);
        let found = model.activations(j, m);
        assert!((found.mean[(0, 0)] / h.mean - 1.0).abs() < INTEGRATION);
        assert!((found.harmonic[(0, 0)] * h.mean_inverse - 1.0).abs() < INTEGRATION);
        integrated.push(h);
    }
    model.update_sources();
    model.update_order_posterior();
    let q = &model.order_posterior()[0];

    let [a, b, shared] = &integrated[..] else {
        unreachable!("three orders")
    };
    let mut objective = 0.0;
    for (m, (h, prior)) in [(a, 0.3_f64), (b, 0.7)].into_iter().enumerate() {
        let mut log_evidence = prior.ln() + h.kl_term + shared.kl_term;
        let mut total = noise;
        for (h, entry) in [(h, entries[m]), (shared, entries[2])] {
            let variance = entry / h.mean_inverse;
            total += variance;
            // E[log p(s|h)] is bounded by log E[h] (eq. 13) and E[1/h] (eq. 14).
            log_evidence += variance.ln() - (entry * h.mean).ln();
        }
        log_evidence -= (std::f64::consts::PI * total).ln() + x.norm_sqr() / total;
        objective += q[m] * log_evidence - BETA * q[m] * q[m].ln();
    }
    let found = model.free_energy().unwrap();
    assert!(
        (found - objective).abs() < INTEGRATION,
        "{found} {objective}"
    );
}

/// With beta = 1 the free energy is a bound of the log evidence, which is the prior's mixture of
/// the orders' own.
#[test]
fn one_coefficient_is_bounded_by_its_evidence() {
    let (shape, noise, entries) = (0.7, 0.3, [0.4, 3.0]);
    let settings = Settings {
        activation_shape: shape,
        noise_variance: noise,
        tempering: Tempering::Beta(1.0),
        ..Settings::default()
    };
    let dictionaries = entries.map(|entry| Dictionary::new(array![[entry]]).unwrap());
    let source = SourceModel::known(dictionaries)
        .with_activation_start(2.0)
        .unwrap();
    for x in [0.1, 0.9, 3.0].map(Complex64::from) {
        let sources = [source.clone()];
        let mut model = StructuredModel::new(array![[x]].view(), &sources, &settings).unwrap();
        for _ in 0..40 {
            model.iterate();
        }
        let free_energy = model.finish().unwrap().free_energy;
        let log_prior =
            |h: f64| shape * shape.ln() - libm::lgamma(shape) + (shape - 1.0) * h.ln() - shape * h;
        let evidence = |entry: f64| {
            integrate(|h| {
                let total = entry * h + noise;
                (log_prior(h) - x.norm_sqr() / total).exp() / (std::f64::consts::PI * total)
            })
        };
        let log_evidence = entries
            .map(|entry| 0.5 * evidence(entry))
            .iter()
            .sum::<f64>()
            .ln();
        assert!(
            free_energy <= log_evidence,
            "{free_energy} above {log_evidence}"
        );
        assert!(
            free_energy >= log_evidence - 1.0,
            "{free_energy} far below {log_evidence}"
        );
    }
}
