//! Scores of estimates against true sources.

use eval::{BssEvalSettings, BssScores};
use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::errors::{metric_error, value_error};

/// SDR, SIR and SAR in dB.
type Ratios = (f64, f64, f64);

fn ratios(scores: BssScores) -> Ratios {
    (scores.sdr_db, scores.sir_db, scores.sar_db)
}

/// References of BSS Eval version 3, prepared for any number of estimates.
#[pyclass(frozen, module = "vbnmf._native")]
pub(crate) struct BssEval {
    prepared: eval::BssEval,
}

#[pymethods]
impl BssEval {
    /// `references`: sources x samples, contiguous.
    #[new]
    fn new(
        py: Python<'_>,
        references: PyReadonlyArray2<'_, f64>,
        filter_taps: usize,
    ) -> PyResult<Self> {
        let rows = rows(&references)?;
        let settings = BssEvalSettings { filter_taps };
        let prepared = py.detach(|| eval::BssEval::new(&rows, &settings));
        Ok(Self {
            prepared: prepared.map_err(metric_error)?,
        })
    }

    #[getter]
    fn sources(&self) -> usize {
        self.prepared.sources()
    }

    #[getter]
    fn samples(&self) -> usize {
        self.prepared.samples()
    }

    fn score(
        &self,
        py: Python<'_>,
        estimate: PyReadonlyArray1<'_, f64>,
        target: usize,
    ) -> PyResult<Ratios> {
        let estimate = estimate.as_slice()?;
        let scores = py.detach(|| self.prepared.score(estimate, target));
        scores.map(ratios).map_err(metric_error)
    }

    fn sdr(
        &self,
        py: Python<'_>,
        estimate: PyReadonlyArray1<'_, f64>,
        target: usize,
    ) -> PyResult<f64> {
        let estimate = estimate.as_slice()?;
        let sdr = py.detach(|| self.prepared.sdr(estimate, target));
        sdr.map_err(metric_error)
    }
}

/// Ratios per reference, and the estimate that each is matched with.
#[pyfunction]
pub(crate) fn bss_eval_sources(
    py: Python<'_>,
    references: PyReadonlyArray2<'_, f64>,
    estimates: PyReadonlyArray2<'_, f64>,
    permutation: bool,
) -> PyResult<(Vec<Ratios>, Vec<usize>)> {
    let (references, estimates) = (rows(&references)?, rows(&estimates)?);
    let scored = py.detach(|| eval::bss_eval_sources(&references, &estimates, permutation));
    let scored = scored.map_err(metric_error)?;
    let scores = scored.scores.into_iter().map(ratios).collect();
    Ok((scores, scored.permutation))
}

/// The scale-invariant SDR in dB of one estimate.
#[pyfunction]
pub(crate) fn si_sdr(
    py: Python<'_>,
    reference: PyReadonlyArray1<'_, f64>,
    estimate: PyReadonlyArray1<'_, f64>,
) -> PyResult<f64> {
    let (reference, estimate) = (reference.as_slice()?, estimate.as_slice()?);
    let ratio = py.detach(|| eval::si_sdr(reference, estimate));
    ratio.map_err(metric_error)
}

/// The plain SDR in dB of one estimate.
#[pyfunction]
pub(crate) fn plain_sdr(
    py: Python<'_>,
    reference: PyReadonlyArray1<'_, f64>,
    estimate: PyReadonlyArray1<'_, f64>,
) -> PyResult<f64> {
    let (reference, estimate) = (reference.as_slice()?, estimate.as_slice()?);
    let ratio = py.detach(|| eval::plain_sdr(reference, estimate));
    ratio.map_err(metric_error)
}

/// The signals of an array of sources x samples.
fn rows<'a>(signals: &'a PyReadonlyArray2<'_, f64>) -> PyResult<Vec<&'a [f64]>> {
    let [sources, samples] = [signals.as_array().nrows(), signals.as_array().ncols()];
    let all = signals.as_slice()?;
    if samples == 0 {
        return Err(value_error(format!("{sources} signals without samples")));
    }
    Ok(all.chunks_exact(samples).collect())
}
