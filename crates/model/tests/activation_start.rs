//! Where the activations start: balanced, every source has its share of the mixture's power.

use model::plain::{PlainModel, StructuredModel};
use model::{
    ActivationStart, Complex64, Dictionary, DictionaryStart, Inference, ModelError, Settings,
    SourceModel,
};
use ndarray::Array2;

/// Agreement of two products of the same numbers in another order.
const ROUNDING: f64 = 1e-12;

const BALANCED: ActivationStart = ActivationStart::Balanced { factor: 1.0 };

/// Two orders of one and three components of different means, and an estimated source.
fn sources(start: impl Into<ActivationStart>) -> [SourceModel; 2] {
    let start = start.into();
    let known = [(1, 0.5), (3, 4.0)].map(|(order, entry)| {
        Dictionary::new(Array2::from_shape_fn((order, 5), |(k, f)| {
            entry * (1 + k + f) as f64
        }))
        .unwrap()
    });
    let estimated = DictionaryStart::new(Array2::from_elem((2, 5), 0.1)).unwrap();
    [SourceModel::known(known), SourceModel::new([estimated])]
        .map(|source| source.with_activation_start(start).unwrap())
}

fn mixture(amplitude: f64) -> Array2<Complex64> {
    Array2::from_shape_fn((7, 5), |(n, f)| {
        Complex64::new(n as f64 - 2.5, (1 + f * n % 4) as f64) * amplitude
    })
}

/// At the start `V = E[W] E[H]` of every order has the mean `factor P / J`.
#[test]
fn every_order_starts_with_its_share_of_the_power() {
    let mixture = mixture(1e-3);
    let power = mixture.iter().map(Complex64::norm_sqr).sum::<f64>() / mixture.len() as f64;
    for factor in [1.0, 10.0] {
        let sources = sources(ActivationStart::Balanced { factor });
        let settings = Settings::default();
        let plain = PlainModel::new(mixture.view(), &sources, &settings).unwrap();
        let structured = StructuredModel::new(mixture.view(), &sources, &settings).unwrap();
        for (source, order) in [(0, 0), (0, 1), (1, 0)] {
            let (w, h) = (
                plain.dictionary(source, order),
                plain.activations(source, order),
            );
            for (w, h) in [(&w.mean, &h.mean), (&w.harmonic, &h.harmonic)] {
                let mean = h.dot(w).mean().unwrap();
                let share = factor * power / 2.0;
                assert!((mean / share - 1.0).abs() < ROUNDING, "{mean} {share}");
            }
            assert_eq!(structured.activations(source, order), h);
        }
    }
}

/// The kernel starts where the plain model does: at the same constant for an order on its own.
#[test]
fn a_balanced_start_is_a_constant_of_the_mixture() {
    let mixture = mixture(0.2);
    let one_order = |start: ActivationStart| {
        let [speaker, background] = sources(start);
        let speaker = SourceModel::new([speaker.orders()[1].clone()]);
        [speaker.with_activation_start(start).unwrap(), background]
    };
    let settings = Settings {
        iterations: 3,
        ..Settings::default()
    };
    let balanced = one_order(BALANCED);
    let start = PlainModel::new(mixture.view(), &balanced, &settings).unwrap();
    let constants = [0, 1].map(|source| start.activations(source, 0).mean[(0, 0)]);
    let [speaker, background] = one_order(BALANCED);
    let constant = [
        speaker.with_activation_start(constants[0]).unwrap(),
        background.with_activation_start(constants[1]).unwrap(),
    ];
    let inference = Inference::new(settings).unwrap();
    let separate = |sources: &[SourceModel]| inference.separate(mixture.view(), sources).unwrap();
    assert_eq!(separate(&balanced), separate(&constant));
}

#[test]
fn silence_has_no_level_to_start_at() {
    let silence = Array2::zeros((7, 5));
    let inference = Inference::new(Settings::default()).unwrap();
    let error = inference
        .separate(silence.view(), &sources(BALANCED))
        .unwrap_err();
    assert_eq!(error, ModelError::SilentMixture);
    let message = "the mixture is silent: a balanced start of the activations has no level to take";
    assert_eq!(error.to_string(), message);
    assert!(inference.separate(silence.view(), &sources(1.0)).is_ok());
}

#[test]
fn a_balanced_start_out_of_range_is_an_error() {
    let inference = Inference::new(Settings::default()).unwrap();
    let loud = ActivationStart::Balanced { factor: 1e29 };
    let error = inference
        .separate(mixture(1e3).view(), &sources(loud))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("balanced activation_start must be positive and below 1e30"),
        "{error}"
    );
}
