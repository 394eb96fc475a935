//! The scale of dictionaries' components. Activations are drawn and start at one scale for all, so
//! it is part of the model.

use anyhow::Result;
use model::Dictionary;
use ndarray::ArrayView1;

use crate::config::Normalisation;

/// Scales the components of a dictionary as it was learned, of unit mean.
///
/// # Errors
/// A component whose entries leave the range of dictionaries.
pub(super) fn normalise(
    dictionary: Dictionary,
    normalisation: Normalisation,
) -> Result<Dictionary> {
    let size: fn(ArrayView1<'_, f64>) -> f64 = match normalisation {
        // As it is, to the last bit.
        Normalisation::Mean => return Ok(dictionary),
        Normalisation::Sum => |component| component.sum(),
        Normalisation::Norm => |component| component.dot(&component).sqrt(),
        Normalisation::Peak => |component| component.fold(0.0, |peak, &value| value.max(peak)),
    };
    let mut components = dictionary.components().to_owned();
    for mut component in components.outer_iter_mut() {
        let size = size(component.view());
        component /= size;
    }
    Ok(Dictionary::new(components)?)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn components_are_scaled_by_the_rule() {
        let learned = Dictionary::new(array![[0.0, 1.5, 1.5], [0.0, 0.75, 2.25]]).unwrap();
        let second = |normalisation| {
            let dictionary = normalise(learned.clone(), normalisation).unwrap();
            dictionary.components().row(1).to_vec()
        };
        assert_eq!(second(Normalisation::Mean), [0.0, 0.75, 2.25]);
        assert_eq!(second(Normalisation::Sum), [0.0, 0.25, 0.75]);
        assert_eq!(second(Normalisation::Peak), [0.0, 1.0 / 3.0, 1.0]);
        let norm: f64 = second(Normalisation::Norm).iter().map(|x| x * x).sum();
        assert!((norm - 1.0).abs() < 1e-15);
    }
}
