//! How well a dictionary explains frames that it was not learned from.

use ndarray::{Array2, ArrayView2, Zip};

/// Updates of the activations; the divergence changes by less than 0.1 % after them.
const ITERATIONS: usize = 50;
/// Power below this fraction of the mean power is raised to it, as in training.
const RELATIVE_FLOOR: f64 = model::itakura_saito::RELATIVE_POWER_FLOOR;

/// The mean Itakura-Saito divergence per bin of `power` (frames x bins) from the best product of
/// activations with a fixed `dictionary` (components x bins).
///
/// Activations are found by the multiplicative updates of training, from a constant. The result is
/// comparable between dictionaries of one corpus and one transform only.
pub(super) fn compute_divergence(
    power: ArrayView2<'_, f64>,
    dictionary: ArrayView2<'_, f64>,
) -> f64 {
    let mean = power.mean().unwrap_or_default();
    let floor = RELATIVE_FLOOR * mean;
    let order = dictionary.nrows();
    let mut activations = Array2::from_elem((power.nrows(), order), mean / order as f64);
    for _ in 0..ITERATIONS {
        let mut v = activations.dot(&dictionary);
        let mut ratio = Array2::zeros(v.dim());
        Zip::from(&mut v)
            .and(&mut ratio)
            .and(power)
            .for_each(|v, ratio, &power| {
                let inverse = 1.0 / v.max(floor);
                *ratio = power.max(floor) * inverse * inverse;
                *v = inverse;
            });
        let numerator = ratio.dot(&dictionary.t());
        let denominator = v.dot(&dictionary.t());
        Zip::from(&mut activations)
            .and(&numerator)
            .and(&denominator)
            .for_each(|h, n, d| *h *= n / d);
    }
    let v = activations.dot(&dictionary);
    let divergence = |power: f64, v: f64| {
        let ratio = power.max(floor) / v.max(floor);
        ratio - ratio.ln() - 1.0
    };
    let sum = Zip::from(power)
        .and(&v)
        .fold(0.0, |sum, &power, &v| sum + divergence(power, v));
    sum / power.len() as f64
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn frames_of_the_model_have_none_and_others_have_some() {
        let dictionary = array![[4.0, 1.0, 1.0, 2.0], [0.5, 3.0, 0.1, 0.4]];
        let activations = array![[1.0, 2.0], [30.0, 0.1], [0.2, 0.2]];
        let inside = activations.dot(&dictionary);
        assert!(compute_divergence(inside.view(), dictionary.view()) < 1e-4);
        let outside = array![[1.0, 1.0, 50.0, 1.0]];
        assert!(compute_divergence(outside.view(), dictionary.view()) > 0.5);
    }

    #[test]
    fn one_component_has_the_closed_form() {
        // The best gain of one component is the mean of power over dictionary.
        let dictionary = array![[2.0, 1.0, 1.0]];
        let power = array![[2.0, 2.0, 6.0]];
        let gain: f64 = (1.0 + 2.0 + 6.0) / 3.0;
        let expected: f64 = [1.0, 2.0, 6.0]
            .map(|ratio: f64| ratio / gain - (ratio / gain).ln() - 1.0)
            .iter()
            .sum();
        let found = compute_divergence(power.view(), dictionary.view());
        assert!((found - expected / 3.0).abs() < 1e-9, "{found}");
    }
}
