//! Reads the reference runs `fixtures/{model,structured,accelerated}_*.json`;
//! `scripts/fixtures/{model,structured,accelerated}_reference.py` wrote them and describe their
//! layout.

use model::{
    Complex64, Dictionary, DictionaryModel, DictionaryStart, FactorExpectations, Separation,
    Settings, SourceModel, Tempering,
};
use ndarray::Array2;
use serde::Deserialize;

/// The fixtures themselves hold to 1e-11 against mpmath, the accelerated ones to 3e-11.
pub(crate) const RELATIVE: f64 = 1e-10;

/// Harmonic expectations of components being switched off fall by a power per iteration: below
/// this they mean zero.
const NEGLIGIBLE: f64 = 1e-150;

type Matrix = Vec<Vec<f64>>;

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) case: String,
    settings: CaseSettings,
    mixture: ComplexMatrix,
    sources: Vec<CaseSource>,
    pub(crate) expected: Vec<Expected>,
}

#[derive(Deserialize)]
struct CaseSettings {
    dictionary_shape: f64,
    activation_shape: f64,
    noise_variance: f64,
    beta: f64,
}

#[derive(Deserialize)]
struct ComplexMatrix {
    re: Matrix,
    im: Matrix,
}

#[derive(Deserialize)]
struct CaseSource {
    estimated: bool,
    dictionaries: Vec<Matrix>,
    activation_start: f64,
    prior: Vec<f64>,
}

#[derive(Deserialize)]
pub(crate) struct Expected {
    pub(crate) iterations: usize,
    sources: Vec<ExpectedSource>,
    free_energy: f64,
}

#[derive(Deserialize)]
struct ExpectedSource {
    estimate: ComplexMatrix,
    order_posterior: Vec<f64>,
    log_weights_final: Vec<f64>,
    activations: Vec<ExpectedFactor>,
    dictionaries: Vec<ExpectedFactor>,
}

#[derive(Deserialize)]
struct ExpectedFactor {
    mean: Matrix,
    harmonic: Matrix,
}

impl Case {
    pub(crate) fn read(json: &str) -> Self {
        serde_json::from_str(json).unwrap()
    }

    pub(crate) fn mixture(&self) -> Array2<Complex64> {
        complex(&self.mixture)
    }

    pub(crate) fn sources(&self) -> Vec<SourceModel> {
        self.sources.iter().map(source).collect()
    }

    pub(crate) fn settings(&self, iterations: usize) -> Settings {
        Settings {
            dictionary_shape: self.settings.dictionary_shape,
            activation_shape: self.settings.activation_shape,
            noise_variance: self.settings.noise_variance,
            iterations,
            tempering: Tempering::Beta(self.settings.beta),
            ..Settings::default()
        }
    }
}

fn array(rows: &Matrix) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

fn complex(matrix: &ComplexMatrix) -> Array2<Complex64> {
    let (re, im) = (array(&matrix.re), array(&matrix.im));
    ndarray::Zip::from(&re)
        .and(&im)
        .map_collect(|&re, &im| Complex64::new(re, im))
}

fn source(case: &CaseSource) -> SourceModel {
    let orders = case.dictionaries.iter().map(|rows| -> DictionaryModel {
        if case.estimated {
            DictionaryStart::new(array(rows)).unwrap().into()
        } else {
            Dictionary::new(array(rows)).unwrap().into()
        }
    });
    SourceModel::new(orders)
        .with_prior(case.prior.clone())
        .and_then(|source| source.with_activation_start(case.activation_start))
        .unwrap()
}

pub(crate) fn assert_close(what: &str, value: f64, expected: f64, scale: f64) {
    assert!(
        (value - expected).abs() <= RELATIVE * scale,
        "{what}: {value:e}, expected {expected:e}"
    );
}

fn assert_factor(what: &str, found: &FactorExpectations, expected: &ExpectedFactor) {
    for (name, found, expected) in [
        ("mean", &found.mean, array(&expected.mean)),
        ("harmonic", &found.harmonic, array(&expected.harmonic)),
    ] {
        assert_eq!(found.dim(), expected.dim(), "{what} {name}");
        for (index, &value) in expected.indexed_iter() {
            let scale = value.abs().max(NEGLIGIBLE / RELATIVE);
            assert_close(
                &format!("{what} {name} {index:?}"),
                found[index],
                value,
                scale,
            );
        }
    }
}

/// Every number of a result against the reference run.
pub(crate) fn assert_separation(what: &str, found: &Separation, expected: &Expected) {
    let scale = expected.free_energy.abs().max(1.0);
    assert_close(
        &format!("{what}: free energy"),
        found.free_energy,
        expected.free_energy,
        scale,
    );
    for (j, source) in expected.sources.iter().enumerate() {
        let what = format!("{what}, source {j}");
        for (m, (&q, &log_q)) in source
            .order_posterior
            .iter()
            .zip(&source.log_weights_final)
            .enumerate()
        {
            assert_close(
                &format!("{what}: q(K_{m})"),
                found.order_posterior[j][m],
                q,
                1.0,
            );
            let log_found = found.log_order_posterior[j][m];
            assert_close(
                &format!("{what}: log q(K_{m})"),
                log_found,
                log_q,
                log_q.abs().max(1.0),
            );
            let factors = &found.factors[j][m];
            let what = format!("{what}, order {m}");
            assert_factor(
                &format!("{what}: H"),
                &factors.activations,
                &source.activations[m],
            );
            assert_factor(
                &format!("{what}: W"),
                &factors.dictionary,
                &source.dictionaries[m],
            );
        }
        let estimate = complex(&source.estimate);
        let scale = estimate.iter().map(|z| z.norm()).fold(0.0, f64::max);
        for (index, z) in estimate.indexed_iter() {
            let error = (found.estimates[j][index] - z).norm();
            assert!(
                error <= RELATIVE * scale,
                "{what}: estimate {index:?} off by {error:e}"
            );
        }
    }
}

/// One test per reference run, of the factorised `model` or the `structured` one.
macro_rules! for_each_case {
    ($kind:ident: $check:path) => {
        for_each_case!($kind: $check: paper, single_orders, three_sources, beta_one, zeros,
            known_background, far_start, one_bin, one_frame);
    };
    ($kind:ident: $check:path: $($name:ident),*) => {$(
        #[test]
        fn $name() {
            $check(include_str!(concat!(
                "fixtures/", stringify!($kind), "_", stringify!($name), ".json"
            )));
        }
    )*};
}
pub(crate) use for_each_case;
