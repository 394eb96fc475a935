//! Dictionaries: the spectral patterns of a source, one row per component.

use ndarray::{Array2, ArrayView2, Axis};

/// Why a matrix is not a dictionary.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DictionaryError {
    /// No component or no bin.
    #[error("a dictionary needs at least one component and one bin, got {components} x {bins}")]
    Empty {
        /// Rows given.
        components: usize,
        /// Columns given.
        bins: usize,
    },
    /// An entry that is negative, not finite or beyond 1e30.
    #[error(
        "dictionary entry {value} at component {component}, bin {bin} is not a number from 0 to \
         1e30"
    )]
    InvalidEntry {
        /// Row of the entry.
        component: usize,
        /// Column of the entry.
        bin: usize,
        /// The entry.
        value: f64,
    },
    /// A start value of an estimated dictionary that is not positive and below 1e30.
    #[error(
        "start value {value} at component {component}, bin {bin} is not positive and below 1e30"
    )]
    InvalidStart {
        /// Row of the value.
        component: usize,
        /// Column of the value.
        bin: usize,
        /// The value.
        value: f64,
    },
    /// A component that is zero in every bin.
    #[error("dictionary component {component} is zero in every bin")]
    SilentComponent {
        /// Row of the component.
        component: usize,
    },
}

/// Largest entry of a dictionary: its products with activations stay far from overflow.
const LARGEST_ENTRY: f64 = 1e30;

/// A known dictionary `W`: components x bins, non-negative, no component silent.
///
/// In the variational treatment a known dictionary is a Dirac: its mean and its harmonic
/// expectation are both `W`, and it adds no entropy. Exact zeros are welcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Dictionary {
    components: Array2<f64>,
}

impl Dictionary {
    /// Takes a components x bins matrix as it is.
    ///
    /// # Errors
    /// A [`DictionaryError`] naming the first offending entry or component.
    pub fn new(components: Array2<f64>) -> Result<Self, DictionaryError> {
        reject_empty(&components)?;
        for ((component, bin), &value) in components.indexed_iter() {
            if !(0.0..=LARGEST_ENTRY).contains(&value) {
                return Err(DictionaryError::InvalidEntry {
                    component,
                    bin,
                    value,
                });
            }
        }
        for (component, row) in components.outer_iter().enumerate() {
            if row.iter().all(|&value| value <= 0.0) {
                return Err(DictionaryError::SilentComponent { component });
            }
        }
        Ok(Self {
            components: components.as_standard_layout().into_owned(),
        })
    }

    /// Scales each component to unit mean over the bins, so that activations of mean 1 give a
    /// variance whose mean is the order.
    ///
    /// # Errors
    /// As [`Dictionary::new`].
    pub fn normalised(components: Array2<f64>) -> Result<Self, DictionaryError> {
        let mut dictionary = Self::new(components)?;
        for mut row in dictionary.components.axis_iter_mut(Axis(0)) {
            let mean = row.sum() / row.len() as f64;
            row /= mean;
        }
        Ok(dictionary)
    }

    /// Number of components `K`.
    #[must_use]
    pub fn order(&self) -> usize {
        self.components.nrows()
    }

    /// Number of frequency bins `F`.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.components.ncols()
    }

    /// The matrix, components x bins.
    #[must_use]
    pub fn components(&self) -> ArrayView2<'_, f64> {
        self.components.view()
    }
}

/// Where the estimation of a dictionary starts: the value of `E[W]` and of the harmonic expectation
/// `1 / E[1/W]`, components x bins, all positive.
#[derive(Debug, Clone, PartialEq)]
pub struct DictionaryStart {
    values: Array2<f64>,
}

impl DictionaryStart {
    /// Takes a components x bins matrix as it is.
    ///
    /// # Errors
    /// A [`DictionaryError`] naming the first value that is not positive and below 1e30.
    pub fn new(values: Array2<f64>) -> Result<Self, DictionaryError> {
        reject_empty(&values)?;
        for ((component, bin), &value) in values.indexed_iter() {
            if !(value > 0.0 && value < LARGEST_ENTRY) {
                return Err(DictionaryError::InvalidStart {
                    component,
                    bin,
                    value,
                });
            }
        }
        Ok(Self { values })
    }

    /// The matrix, components x bins.
    #[must_use]
    pub fn values(&self) -> ArrayView2<'_, f64> {
        self.values.view()
    }
}

fn reject_empty(matrix: &Array2<f64>) -> Result<(), DictionaryError> {
    if matrix.is_empty() {
        let (components, bins) = matrix.dim();
        return Err(DictionaryError::Empty { components, bins });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn normalisation_gives_unit_means_and_keeps_zeros() {
        let dictionary =
            Dictionary::normalised(array![[0.0, 3.0, 1e-30], [5.0, 5.0, 5.0]]).unwrap();
        assert_eq!((dictionary.order(), dictionary.bins()), (2, 3));
        for row in dictionary.components().outer_iter() {
            assert!((row.sum() / 3.0 - 1.0).abs() < 1e-15);
        }
        assert_eq!(dictionary.components()[(0, 0)].to_bits(), 0);
    }

    #[test]
    fn faults_are_named() {
        let message = |m: Array2<f64>| Dictionary::new(m).unwrap_err().to_string();
        assert!(message(array![[1.0, f64::NAN]]).contains("component 0, bin 1"));
        assert!(message(array![[1.0, -2.0]]).contains("-2"));
        assert!(message(array![[1.0, 1e31]]).contains("from 0 to 1e30"));
        assert!(message(array![[1.0], [0.0]]).contains("component 1 is zero"));
        assert!(message(Array2::zeros((0, 3))).contains("0 x 3"));
    }

    #[test]
    fn a_start_is_positive_and_below_the_largest_entry() {
        assert!(DictionaryStart::new(array![[1e-300, 9e29]]).is_ok());
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e30] {
            let error = DictionaryStart::new(array![[1.0], [value]]).unwrap_err();
            let expected =
                format!("start value {value} at component 1, bin 0 is not positive and below 1e30");
            assert_eq!(error.to_string(), expected);
        }
        assert!(DictionaryStart::new(Array2::zeros((2, 0))).is_err());
    }
}
