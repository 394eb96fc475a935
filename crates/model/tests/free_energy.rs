//! What follows from the model for any data: the free energy rises with every single update
//! and is what numerical integration gives, and the symmetries of the problem are those of the
//! solution.

mod common {
    pub(crate) mod problem;
}

use std::f64::consts::PI;

use common::problem::{DictionaryShape, Problem, cases, problems};
use model::plain::{GigParameters, PlainModel};
use model::{Complex64, Dictionary, DictionaryModel, Separation, Settings, SourceModel, Tempering};
use ndarray::{Array2, array};
use proptest::prelude::*;
use proptest::sample::select;

/// A drop of the free energy that rounding explains, relative to its size.
const ALLOWED_DROP: f64 = 1e-9;

/// Agreement of two computations of the same quantity that add in another order.
const ROUNDING: f64 = 1e-9;

/// Agreement with numerical integration, whose own error is below 1e-11.
const INTEGRATION: f64 = 1e-9;

/// The result of a few iterations.
fn separate(problem: &Problem, mixture: &Array2<Complex64>, sources: &[SourceModel]) -> Separation {
    let mut model = problem.plain(mixture, sources);
    for _ in 0..5 {
        model.iterate();
    }
    model.finish().unwrap()
}

/// `found` is `factor` times `expected`, relative to the mixture's largest coefficient.
fn assert_estimate(
    found: &Array2<Complex64>,
    expected: &Array2<Complex64>,
    factor: f64,
    mixture: &Array2<Complex64>,
) {
    let scale = factor * mixture.iter().map(|x| x.norm()).fold(0.0, f64::max);
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - factor * expected).norm();
        assert!(error <= ROUNDING * scale, "off by {error:e} of {scale:e}");
    }
}

fn assert_close(found: f64, expected: f64, tolerance: f64) {
    let error = (found - expected).abs();
    assert!(
        error <= tolerance * expected.abs().max(1.0),
        "{found}, expected {expected}"
    );
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn no_update_lowers_the_free_energy(problem in problems(1..=9, 1..=12)) {
        let mut model = problem.plain(&problem.mixture(), &problem.sources());
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

    #[test]
    fn one_order_per_source_is_the_single_order_model_for_any_beta(
        mut problem in problems(1..=9, 1..=12),
    ) {
        problem.sources.iter_mut().for_each(|orders| orders.truncate(1));
        let (mixture, sources) = (problem.mixture(), problem.sources());
        let run = |beta| separate(&Problem { beta, ..problem.clone() }, &mixture, &sources);
        let conventional = run(1.0);
        for beta in [0.0, 0.5, 1e4] {
            prop_assert_eq!(&run(beta), &conventional);
        }
    }

    #[test]
    fn equal_orders_are_one_order(
        mut problem in problems(1..=9, 1..=12),
        prior in select(vec![vec![1.0], vec![0.5, 0.5], vec![0.7, 0.2, 0.1]]),
        beta in select(&[1.0, 2.0, 1e4]),
    ) {
        problem.sources.iter_mut().for_each(|orders| orders.truncate(1));
        problem.beta = beta;
        let (mixture, mut sources) = (problem.mixture(), problem.sources());
        let one = separate(&problem, &mixture, &sources);
        let orders = vec![sources[0].orders()[0].clone(); prior.len()];
        sources[0] = SourceModel::new(orders)
            .with_prior(prior.clone())
            .and_then(|source| source.with_activation_start(problem.activation_start))
            .unwrap();
        let several = separate(&problem, &mixture, &sources);
        for (several, one) in several.estimates.iter().zip(&one.estimates) {
            assert_estimate(several, one, 1.0, &mixture);
        }
        // The data say nothing: the posterior is the prior, tempered (eq. 18).
        let tempered: Vec<f64> = prior.iter().map(|p| p.powf(1.0 / beta)).collect();
        let total: f64 = tempered.iter().sum();
        for (q, expected) in several.order_posterior[0].iter().zip(&tempered) {
            assert_close(*q, expected / total, ROUNDING);
        }
    }

    /// `x - sum_j mu_j = x sigma^2 / D`.
    #[test]
    fn three_sources_sum_to_the_mixture_up_to_the_noise(
        mut problem in problems(1..=9, 1..=12),
    ) {
        while problem.sources.len() < 3 {
            problem.sources.push(problem.sources[0].clone());
        }
        let mixture = problem.mixture();
        let mut model = problem.plain(&mixture, &problem.sources());
        for _ in 0..4 {
            model.iterate();
        }
        model.update_sources();
        let estimates = model.estimates();
        for (at, x) in mixture.indexed_iter() {
            let sum: Complex64 = estimates.iter().map(|estimate| estimate[at]).sum();
            let variance: f64 = (0..3).map(|j| model.source_variance(j)[at]).sum();
            let noise_variance = problem.settings(1).noise_variance;
            let noise_share = noise_variance / (noise_variance + variance);
            let error = (x - sum - noise_share * x).norm();
            prop_assert!(error <= ROUNDING * x.norm(), "off by {error:e} of {x}");
        }
    }

    #[test]
    fn permuting_sources_and_orders_changes_nothing(
        mut problem in problems(1..=9, 1..=12),
    ) {
        // Below 1, rounding decides between orders that fit equally well.
        problem.beta = problem.beta.max(1.0);
        let mixture = problem.mixture();
        let source = |orders| {
            SourceModel::new(orders)
                .with_activation_start(problem.activation_start)
                .unwrap()
        };
        let sources = problem.sources();
        let in_order = sources.iter().map(|s| source(s.orders().to_vec()));
        let forwards = separate(&problem, &mixture, &in_order.collect::<Vec<_>>());
        let reversed = |s: &SourceModel| source(s.orders().iter().rev().cloned().collect());
        let reversed = sources.iter().rev().map(reversed);
        let backwards = separate(&problem, &mixture, &reversed.collect::<Vec<_>>());

        assert_close(backwards.free_energy, forwards.free_energy, ROUNDING);
        for j in 0..sources.len() {
            let opposite = sources.len() - 1 - j;
            let estimate = &backwards.estimates[opposite];
            assert_estimate(estimate, &forwards.estimates[j], 1.0, &mixture);
            let posterior = backwards.order_posterior[opposite].iter().rev();
            for (q, expected) in posterior.zip(&forwards.order_posterior[j]) {
                assert_close(*q, *expected, ROUNDING);
            }
        }
    }

    /// Amplitudes times c, variances times c^2: the same activations, and a density of the mixture
    /// that is c^-2 times as large at every coefficient.
    #[test]
    fn known_sources_scale_with_the_mixture(
        mut problem in problems(1..=9, 1..=12),
        scale in select(&[1e-6, 0.1, 3.0, 4096.0]),
    ) {
        for order in problem.sources.iter_mut().flatten() {
            order.dictionary = DictionaryShape::Dense;
        }
        problem.beta = problem.beta.max(1.0);
        let mixture = problem.mixture();
        // W times `factor`, with equal priors.
        let known = |factor: f64| -> Vec<SourceModel> {
            let dictionary = |order: &DictionaryModel| match order {
                DictionaryModel::Known(dictionary) => {
                    Dictionary::new(&dictionary.components() * factor).unwrap()
                }
                DictionaryModel::Estimated(_) => unreachable!("every dictionary is known"),
            };
            let source = |source: &SourceModel| {
                SourceModel::known(source.orders().iter().map(dictionary))
                    .with_activation_start(problem.activation_start)
                    .unwrap()
            };
            problem.sources().iter().map(source).collect()
        };
        let original = separate(&problem, &mixture, &known(1.0));
        let louder = Problem {
            noise_variance: problem.noise_variance * scale * scale,
            ..problem.clone()
        };
        let scaled = separate(&louder, &mixture.mapv(|x| scale * x), &known(scale * scale));
        for (scaled, original) in scaled.estimates.iter().zip(&original.estimates) {
            assert_estimate(scaled, original, scale, &mixture);
        }
        let shift = -2.0 * f64::ln(scale) * mixture.len() as f64;
        assert_close(scaled.free_energy, original.free_energy + shift, ROUNDING);
    }
}

/// A positive variable with expectations by numerical integration, none by formula.
struct Integrated {
    mean: f64,
    mean_inverse: f64,
    /// `E[log p(z) - log q(z)]`.
    kl_term: f64,
}

impl Integrated {
    fn known(value: f64) -> Self {
        Self {
            mean: value,
            mean_inverse: 1.0 / value,
            kl_term: 0.0,
        }
    }

    /// `GIG(shape, rho, tau)` under a `Gamma(shape, shape)` prior.
    fn gig(shape: f64, parameters: &GigParameters) -> Self {
        let (rho, tau) = (parameters.rho[(0, 0)], parameters.tau[(0, 0)]);
        let log_kernel = |z: f64| (shape - 1.0) * z.ln() - rho * z - tau / z;
        let integral = |g: &dyn Fn(f64) -> f64| integrate(|z| g(z) * log_kernel(z).exp());
        let normaliser = integral(&|_| 1.0);
        let log_ratio = |z: f64| log_gamma_density(shape, z) - log_kernel(z) + normaliser.ln();
        Self {
            mean: integral(&|z| z) / normaliser,
            mean_inverse: integral(&|z| 1.0 / z) / normaliser,
            kl_term: integral(&log_ratio) / normaliser,
        }
    }
}

fn log_gamma_density(shape: f64, z: f64) -> f64 {
    shape * shape.ln() - libm::lgamma(shape) + (shape - 1.0) * z.ln() - shape * z
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

/// One bin, one frame, one component. With one component `phi` (eq. 14) is exact, and replacing
/// `E[log w h]` by `log E[w h]` (eq. 13) is the only bound beside the factorised posterior.
#[test]
fn one_coefficient_by_numerical_integration() {
    let (a, b, noise, given) = (0.4, 0.7, 0.3, 1.3);
    let settings = Settings {
        dictionary_shape: a,
        activation_shape: b,
        noise_variance: noise,
        tempering: Tempering::Beta(1.0),
        ..Settings::default()
    };
    for (x, estimated) in [
        (Complex64::new(0.8, -0.5), false),
        (Complex64::new(2.5, 1.0), false),
        (Complex64::new(0.8, -0.5), true),
        (Complex64::new(0.05, 0.02), true),
    ] {
        let source = if estimated {
            SourceModel::estimated(array![[given]]).unwrap()
        } else {
            SourceModel::known([Dictionary::new(array![[given]]).unwrap()])
        };
        let sources = [source.with_activation_start(2.0).unwrap()];
        let mut model = PlainModel::new(array![[x]].view(), &sources, &settings).unwrap();
        for _ in 0..39 {
            model.iterate();
        }
        model.update_sources();
        let mut w = Integrated::known(given);
        if estimated {
            w = Integrated::gig(a, &model.dictionary_parameters(0, 0));
            model.update_dictionary(0, 0);
        }
        let h = Integrated::gig(b, &model.activation_parameters(0, 0));
        model.update_activations(0, 0);
        model.update_sources();
        let free_energy = model.free_energy().unwrap();

        let activation = model.activations(0, 0);
        assert_close(activation.mean[(0, 0)], h.mean, INTEGRATION);
        assert_close(
            activation.harmonic[(0, 0)],
            1.0 / h.mean_inverse,
            INTEGRATION,
        );
        let objective = objective(x, &w, &h, noise);
        assert_close(free_energy, objective, INTEGRATION);

        let likelihood = |variance: f64| {
            let total = variance + noise;
            (-x.norm_sqr() / total).exp() / (PI * total)
        };
        let over_activations =
            |w: f64| integrate(|h| likelihood(w * h) * log_gamma_density(b, h).exp());
        let evidence = if estimated {
            integrate(|w| over_activations(w) * log_gamma_density(a, w).exp())
        } else {
            over_activations(given)
        };
        assert!(
            free_energy <= evidence.ln(),
            "{free_energy} above log p(x) = {}",
            evidence.ln()
        );
    }
}

/// `E[log p(x|s)] + E[log p(s|w, h)]` (bounded by eq. 13) `+ H[q(s)]` and the terms of `w` and `h`.
fn objective(x: Complex64, w: &Integrated, h: &Integrated, noise: f64) -> f64 {
    let precision = w.mean_inverse * h.mean_inverse;
    let covariance = 1.0 / (precision + 1.0 / noise);
    let mean = covariance / noise * x;
    let likelihood = -(PI * noise).ln() - ((x - mean).norm_sqr() + covariance) / noise;
    let power = mean.norm_sqr() + covariance;
    let source = -PI.ln() - (w.mean * h.mean).ln() - power * precision;
    let entropy = (PI * covariance).ln() + 1.0;
    likelihood + source + entropy + w.kl_term + h.kl_term
}
