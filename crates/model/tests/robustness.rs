//! Inputs at the edge of what is allowed give finite results, inputs beyond it typed errors.

mod common {
    pub(crate) mod problem;
}

use common::problem::{DictionaryShape, OrderShape, Problem, cases, problems};
use model::{
    Complex64, Dictionary, DictionaryModel, DictionaryStart, Gig, Inference, ModelError,
    Separation, Settings, SourceModel, Tempering,
};
use ndarray::{Array2, array};
use proptest::prelude::*;

/// Amplitude whose square over the square of the smallest `C`, 1e-100, is still finite.
const LOUDEST: f64 = 1e50;

const ITERATIONS: usize = 10;

/// Slack for the rounding of sums and quotients that are exact in theory.
const ROUNDING: f64 = 1e-12;

/// What holds for every result: all numbers finite, distributions normalised, expectations in
/// their order, no source louder than the mixture.
fn assert_sound(separation: &Separation, mixture: &Array2<Complex64>) {
    assert!(
        separation.free_energy.is_finite(),
        "free energy {}",
        separation.free_energy
    );
    for estimate in &separation.estimates {
        for (mean, x) in estimate.iter().zip(mixture) {
            assert!(
                mean.norm() <= x.norm() * (1.0 + ROUNDING),
                "estimate {mean} of {x}"
            );
        }
    }
    for (posterior, log_posterior) in separation
        .order_posterior
        .iter()
        .zip(&separation.log_order_posterior)
    {
        assert!(
            posterior.iter().all(|q| (0.0..=1.0).contains(q)),
            "q(K) {posterior:?}"
        );
        assert!((posterior.iter().sum::<f64>() - 1.0).abs() < ROUNDING);
        assert!(
            log_posterior.iter().all(|q| q.is_finite()),
            "log q(K) {log_posterior:?}"
        );
    }
    for order in separation.factors.iter().flatten() {
        for factor in [&order.dictionary, &order.activations] {
            for (mean, harmonic) in factor.mean.iter().zip(&factor.harmonic) {
                let ordered = 0.0 <= *harmonic && *harmonic <= mean * (1.0 + ROUNDING);
                assert!(
                    ordered && mean.is_finite(),
                    "1/E[1/z] {harmonic:e}, E[z] {mean:e}"
                );
            }
        }
    }
}

/// Both implementations, the tiled one and the plain one, give sound results.
fn assert_both_sound(problem: &Problem, mixture: &Array2<Complex64>, sources: &[SourceModel]) {
    let inference = Inference::new(problem.settings(ITERATIONS)).unwrap();
    assert_sound(
        &inference.separate(mixture.view(), sources).unwrap(),
        mixture,
    );
    let mut plain = problem.plain(mixture, sources);
    for _ in 0..ITERATIONS {
        plain.iterate();
    }
    assert_sound(&plain.finish().unwrap(), mixture);
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn any_level_of_the_mixture(problem in problems(1..=20, 1..=20), decades in -30..=30) {
        let scale = 10.0_f64.powi(decades);
        let mixture = problem.mixture().mapv(|x| scale * x);
        assert_both_sound(&problem, &mixture, &problem.sources());
    }

    /// Every value at once anywhere in its range, the mixture up to [`LOUDEST`].
    #[test]
    fn any_allowed_value(
        mut problem in problems(1..=8, 1..=8),
        mixture_decades in -150.0..LOUDEST.log10() - 1.0,
        dictionary_decades in -29.0..29.0,
        start_decades in -29.0..29.0,
        noise_decades in -60.0..60.0,
        beta in prop_oneof![Just(0.0), Just(1e-300), Just(1.0), Just(1e300)],
    ) {
        problem.activation_start = f64::powf(10.0, start_decades);
        problem.noise_variance = f64::powf(10.0, noise_decades);
        problem.level = 1.0;
        problem.beta = beta;
        let scale = f64::powf(10.0, mixture_decades);
        let mixture = problem.mixture().mapv(|x| scale * x);
        let scale = f64::powf(10.0, dictionary_decades);
        let rescaled = |order: &DictionaryModel| -> DictionaryModel {
            match order {
                DictionaryModel::Known(dictionary) => {
                    let components = dictionary.components().mapv(|w| f64::min(w * scale, 9e29));
                    Dictionary::new(components).unwrap().into()
                }
                DictionaryModel::Estimated(start) => {
                    let values = start.values().mapv(|w| f64::clamp(w * scale, 1e-300, 9e29));
                    DictionaryStart::new(values).unwrap().into()
                }
            }
        };
        let sources: Vec<SourceModel> = problem
            .sources()
            .iter()
            .map(|source| {
                SourceModel::new(source.orders().iter().map(rescaled))
                    .with_activation_start(problem.activation_start)
                    .unwrap()
            })
            .collect();
        assert_both_sound(&problem, &mixture, &sources);
    }
}

/// One known source of two orders and one estimated source.
fn speaker_and_background(frames: usize, bins: usize) -> Problem {
    let order = |components, dictionary| OrderShape {
        components,
        dictionary,
    };
    Problem {
        frames,
        bins,
        sources: vec![
            vec![
                order(2, DictionaryShape::Sparse),
                order(5, DictionaryShape::Dense),
            ],
            vec![order(3, DictionaryShape::Estimated)],
        ],
        dictionary_shape: 0,
        activation_shape: 0,
        activation_start: 1000.0,
        noise_variance: 1e-6,
        level: 1.0,
        beta: 1e4,
        seed: 1,
    }
}

fn assert_sound_on(problem: &Problem, mixture: &Array2<Complex64>) {
    assert_both_sound(problem, mixture, &problem.sources());
}

#[test]
fn silence() {
    let problem = speaker_and_background(20, 17);
    assert_sound_on(&problem, &Array2::zeros((20, 17)));
}

#[test]
fn silent_frames_and_bins() {
    let problem = speaker_and_background(40, 17);
    let mut mixture = problem.mixture();
    mixture
        .slice_mut(ndarray::s![5..25, ..])
        .fill(Complex64::ZERO);
    mixture.column_mut(0).fill(Complex64::ZERO);
    assert_sound_on(&problem, &mixture);
}

#[test]
fn one_loud_coefficient() {
    let problem = speaker_and_background(20, 17);
    let mut mixture = Array2::zeros((20, 17));
    mixture[(3, 16)] = Complex64::new(0.0, -1e30);
    assert_sound_on(&problem, &mixture);
}

#[test]
fn one_bin_one_frame_and_more_components_than_either() {
    for (frames, bins) in [(1, 1), (1, 17), (20, 1), (2, 3)] {
        let problem = speaker_and_background(frames, bins);
        assert_sound_on(&problem, &problem.mixture());
    }
}

/// Thirty decades in one column, bins that no component of any source reaches.
#[test]
fn dictionaries_of_wide_range_and_empty_bins() {
    let problem = speaker_and_background(20, 4);
    let wide = array![[1e15, 1e-15, 0.0, 0.0], [0.0, 1.0, 1e-30, 0.0]];
    let wide = Dictionary::new(wide).unwrap();
    let narrow = Dictionary::new(array![[1.0, 1.0, 1.0, 0.0]]).unwrap();
    let sources = [
        SourceModel::known([wide.clone(), narrow.clone()]),
        SourceModel::known([narrow]),
    ];
    let mixture = problem.mixture();
    assert_both_sound(&problem, &mixture, &sources);
    assert_both_sound(&problem, &mixture, &[SourceModel::known([wide])]);
}

#[test]
fn hundreds_of_iterations() {
    let problem = speaker_and_background(9, 11);
    let (mixture, sources) = (problem.mixture(), problem.sources());
    let settings = problem.settings(500);
    let separation = model::separate(mixture.view(), &sources, settings).unwrap();
    assert_sound(&separation, &mixture);
}

/// A source that fits every mixture of three bins.
fn source() -> SourceModel {
    SourceModel::known([dictionary(3)])
}

fn dictionary(bins: usize) -> Dictionary {
    Dictionary::new(Array2::ones((2, bins))).unwrap()
}

/// What separating a mixture of two frames and three bins fails with.
fn error(sources: &[SourceModel]) -> ModelError {
    let mixture = Array2::ones((2, 3));
    model::separate(mixture.view(), sources, Settings::default()).unwrap_err()
}

#[test]
fn an_empty_mixture_is_an_error() {
    for (frames, bins) in [(0, 3), (2, 0), (0, 0)] {
        let error = model::separate(
            Array2::zeros((frames, bins)).view(),
            &[source()],
            Settings::default(),
        )
        .unwrap_err();
        assert_eq!(error, ModelError::EmptyMixture { frames, bins });
        let message = format!("the mixture is empty: {frames} frames x {bins} bins");
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_mixture_that_is_not_finite_is_an_error() {
    for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e200, 1.1e50] {
        for x in [Complex64::new(x, 0.0), Complex64::new(0.0, x)] {
            let mut mixture = Array2::ones((2, 3));
            mixture[(1, 2)] = x;
            let error =
                model::separate(mixture.view(), &[source()], Settings::default()).unwrap_err();
            assert_eq!(error, ModelError::NotFinite { frame: 1, bin: 2 });
            assert_eq!(
                error.to_string(),
                "the mixture is not finite or above 1e50 at frame 1, bin 2"
            );
        }
    }
}

#[test]
fn sources_without_content_are_errors() {
    assert_eq!(error(&[]), ModelError::NoSource);
    assert_eq!(error(&[]).to_string(), "there is no source to separate");
    let no_order = error(&[source(), SourceModel::known([] as [Dictionary; 0])]);
    assert_eq!(no_order, ModelError::NoOrder { source_index: 1 });
    assert_eq!(no_order.to_string(), "source 1 has no order");
}

#[test]
fn a_dictionary_of_other_bins_is_an_error() {
    let error = error(&[source(), SourceModel::known([dictionary(3), dictionary(4)])]);
    let expected = ModelError::BinsDiffer {
        source_index: 1,
        order_index: 1,
        found: 4,
        expected: 3,
    };
    assert_eq!(error, expected);
    assert_eq!(
        error.to_string(),
        "order 1 of source 1 has 4 bins, the mixture 3"
    );
}

#[test]
fn a_prior_that_is_no_distribution_is_an_error() {
    let priors = [
        vec![],
        vec![1.0],
        vec![1.0, 0.0],
        vec![1.5, -0.5],
        vec![0.4, 0.4],
        vec![0.5, 0.25, 0.25],
    ];
    for prior in priors {
        let source = SourceModel::known([dictionary(3), dictionary(3)]);
        let error = source.with_prior(prior.clone()).unwrap_err();
        let message = format!(
            "the prior over 2 orders must be as many positive numbers of sum 1, got {prior:?}"
        );
        assert_eq!(error.to_string(), message);
        assert_eq!(error, ModelError::InvalidPrior { orders: 2, prior });
    }
    let source = SourceModel::known([dictionary(3), dictionary(3)]);
    assert!(source.with_prior([0.5, f64::NAN]).is_err());
}

#[test]
fn settings_out_of_range_are_errors_with_their_name() {
    type Change = fn(&mut Settings, f64);
    let changes: [(&str, &str, Change, &[f64]); 7] = [
        (
            "dictionary_shape",
            "between 0.01 and 0.99",
            |settings, value| settings.dictionary_shape = value,
            &[0.0, -1.0, 1.0, f64::NAN, f64::INFINITY],
        ),
        (
            "activation_shape",
            "between 0.01 and 0.99",
            |settings, value| settings.activation_shape = value,
            &[0.009, 2.0, f64::NAN],
        ),
        (
            "noise_variance",
            "between 1e-60 and 1e60",
            |settings, value| settings.noise_variance = value,
            &[0.0, -1e-6, 1e-61, 1e61, f64::NAN, f64::INFINITY],
        ),
        (
            "iterations",
            "at least 1",
            |settings, _| settings.iterations = 0,
            &[0.0],
        ),
        (
            "tolerance",
            "a finite number >= 0",
            |settings, value| settings.tolerance = value,
            &[-1e-9, f64::NAN, f64::INFINITY],
        ),
        (
            "beta",
            "a finite number >= 0",
            |settings, value| settings.tempering = Tempering::Beta(value),
            &[-1.0, f64::NAN, f64::INFINITY],
        ),
        (
            "kappa",
            "a finite number >= 0",
            |settings, value| settings.tempering = Tempering::Kappa(value),
            &[-1.0, f64::NAN, f64::INFINITY],
        ),
    ];
    for (name, allowed, change, values) in changes {
        for &value in values {
            let mut settings = Settings::default();
            change(&mut settings, value);
            let error = Inference::new(settings).unwrap_err();
            assert!(
                matches!(error, ModelError::OutOfRange { name: n, .. } if n == name),
                "{error}"
            );
            let message = format!("{name} must be {allowed}, got {value}");
            assert_eq!(error.to_string(), message);
        }
    }
    for start in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e31] {
        let error = source().with_activation_start(start).unwrap_err();
        let message = format!("activation_start must be positive and below 1e30, got {start}");
        assert_eq!(error.to_string(), message);
    }
}

/// The settings are checked before any table is built, so that this error needs a `Gig` of one's
/// own.
#[test]
fn a_shape_without_tables_is_an_error() {
    let error = ModelError::from(Gig::new(1.5).unwrap_err());
    assert_eq!(
        error.to_string(),
        "the shape of a Gamma prior must lie in 0.01 to 0.99, got 1.5"
    );
}
