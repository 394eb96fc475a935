//! The activations of a dictionary that is fixed.

use model::itakura_saito::RELATIVE_POWER_FLOOR;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, Zip};
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray2};
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::errors::value_error;
use crate::threads::find_pool;
use crate::watched::{self, Watch};

/// Frames that are worked on at a time: their activations depend on nothing else, and what they
/// need stays in cache.
const BLOCK_FRAMES: usize = 32;

/// Activations, frames x components, by the multiplicative updates of training,
///
/// `H <- H o (W^T (P / V^2)) / (W^T (1 / V))`,
///
/// from a constant, and the Itakura-Saito divergence at the end. The cost never rises.
///
/// `power`: frames x bins, finite and not negative. `dictionary`: components x bins.
#[pyfunction]
pub(crate) fn fit_activations<'py>(
    py: Python<'py>,
    power: PyReadonlyArray2<'py, f64>,
    dictionary: PyReadonlyArray2<'py, f64>,
    iterations: usize,
    threads: Option<usize>,
) -> PyResult<(Bound<'py, PyArray2<f64>>, f64)> {
    let pool = find_pool(py, threads)?;
    let (power, dictionary) = (power.as_array(), dictionary.as_array());
    if power.ncols() != dictionary.ncols() {
        return Err(value_error(format!(
            "the power has {} bins, the dictionary {}",
            power.ncols(),
            dictionary.ncols()
        )));
    }
    let mean = power.mean().unwrap_or_default();
    if !(mean > 0.0 && mean.is_finite()) || dictionary.nrows() == 0 {
        return Err(value_error("the power is empty, silent or not finite"));
    }
    let nobody = None::<fn(Python<'_>, ()) -> PyResult<()>>;
    let (activations, divergence) = watched::run(py, &pool, nobody, |watch| {
        let start = dictionary.nrows() as f64 * dictionary.mean().unwrap_or(1.0);
        let mut activations = Array2::from_elem((power.nrows(), dictionary.nrows()), mean / start);
        let fit = Fit {
            dictionary,
            floor: RELATIVE_POWER_FLOOR * mean,
            iterations,
        };
        let blocks: Vec<_> = activations
            .axis_chunks_iter_mut(Axis(0), BLOCK_FRAMES)
            .zip(power.axis_chunks_iter(Axis(0), BLOCK_FRAMES))
            .collect();
        let divergences: Vec<f64> = blocks
            .into_par_iter()
            .map(|(activations, power)| fit.run(power, activations, watch))
            .collect();
        (activations, divergences.iter().sum::<f64>())
    })?;
    Ok((activations.into_pyarray(py), divergence))
}

/// What is the same for all frames.
struct Fit<'a> {
    dictionary: ArrayView2<'a, f64>,
    floor: f64,
    iterations: usize,
}

impl Fit<'_> {
    /// Fits the activations of a few frames and returns their divergence.
    fn run(
        &self,
        power: ArrayView2<'_, f64>,
        mut activations: ArrayViewMut2<'_, f64>,
        watch: &Watch<()>,
    ) -> f64 {
        let transposed = self.dictionary.t();
        let mut ratio = Array2::zeros(power.dim());
        for _ in 0..self.iterations {
            if watch.is_stopped() {
                break;
            }
            let mut inverse = activations.dot(&self.dictionary);
            Zip::from(&mut inverse)
                .and(&mut ratio)
                .and(power)
                .for_each(|v, ratio, &power| {
                    let inverse = 1.0 / v.max(self.floor);
                    *ratio = power.max(self.floor) * inverse * inverse;
                    *v = inverse;
                });
            let (numerator, denominator) = (ratio.dot(&transposed), inverse.dot(&transposed));
            Zip::from(&mut activations)
                .and(&numerator)
                .and(&denominator)
                .for_each(|h, n, d| *h *= n / d);
        }
        let v = activations.dot(&self.dictionary);
        Zip::from(power).and(&v).fold(0.0, |sum, &power, &v| {
            let ratio = power.max(self.floor) / v.max(self.floor);
            sum + ratio - ratio.ln() - 1.0
        })
    }
}
