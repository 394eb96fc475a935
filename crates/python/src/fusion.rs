//! What becomes of several inferences.

use model::fusion;
use ndarray::ArrayView2;
use numpy::{Complex64, IntoPyArray, PyArray2, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::errors::value_error;

/// The position of the largest free energy, the paper's VB selection.
#[pyfunction]
pub(crate) fn select(free_energies: Vec<f64>) -> PyResult<usize> {
    fusion::vb_selection(&free_energies).ok_or_else(|| value_error("there is no free energy"))
}

/// The weights of runs by their free energies in nats, which sum to 1.
#[pyfunction]
pub(crate) fn weigh_by_evidence(free_energies: Vec<f64>, beta: f64) -> PyResult<Vec<f64>> {
    fusion::evidence_weights(&free_energies, beta)
        .ok_or_else(|| value_error("no free energy is finite"))
}

/// The mean of estimates of one source, frames x bins each, by their free energies in nats.
#[pyfunction]
pub(crate) fn average_by_evidence<'py>(
    py: Python<'py>,
    estimates: Vec<PyReadonlyArray2<'py, Complex64>>,
    free_energies: Vec<f64>,
    beta: f64,
) -> PyResult<Bound<'py, PyArray2<Complex64>>> {
    let views: Vec<ArrayView2<'_, Complex64>> = estimates
        .iter()
        .map(|estimate| estimate.as_array())
        .collect();
    let mean = py.detach(|| fusion::evidence_weighted_mean(views, &free_energies, beta));
    let mean = mean.ok_or_else(|| value_error("estimates and energies do not fit each other"))?;
    Ok(mean.into_pyarray(py))
}

/// The weighted mean of estimates of one source, frames x bins each.
#[pyfunction]
pub(crate) fn average<'py>(
    py: Python<'py>,
    estimates: Vec<PyReadonlyArray2<'py, Complex64>>,
    weights: Vec<f64>,
) -> PyResult<Bound<'py, PyArray2<Complex64>>> {
    let views: Vec<ArrayView2<'_, Complex64>> = estimates
        .iter()
        .map(|estimate| estimate.as_array())
        .collect();
    let mean = py.detach(|| fusion::weighted_mean(views, &weights));
    let mean = mean.ok_or_else(|| value_error("estimates and weights do not fit each other"))?;
    Ok(mean.into_pyarray(py))
}
