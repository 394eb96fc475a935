//! The short-time Fourier transform.

use dsp::{Stft, StftSettings, Window};
use numpy::{Complex64, IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::errors::value_error;

/// A transform as Python has it, an object with these attributes.
#[derive(FromPyObject)]
pub(crate) struct StftInput {
    window_samples: usize,
    hop_samples: usize,
    window: String,
}

impl StftInput {
    /// # Errors
    /// An unknown window; a transform that cannot be inverted.
    pub(crate) fn settings(self) -> PyResult<StftSettings> {
        let window = match self.window.as_str() {
            "sine" => Window::Sine,
            "hann" => Window::Hann,
            "rectangular" => Window::Rectangular,
            other => {
                return Err(value_error(format!(
                    "window must be \"sine\", \"hann\" or \"rectangular\", got {other:?}"
                )));
            }
        };
        let settings = StftSettings {
            window_samples: self.window_samples,
            hop_samples: self.hop_samples,
            window,
        };
        settings.validate().map_err(value_error)?;
        Ok(settings)
    }
}

/// The spectrogram of a signal, frames x bins.
#[pyfunction]
pub(crate) fn analyse<'py>(
    py: Python<'py>,
    signal: PyReadonlyArray1<'py, f64>,
    stft: StftInput,
) -> PyResult<Bound<'py, PyArray2<Complex64>>> {
    let stft = Stft::new(&stft.settings()?).map_err(value_error)?;
    let spectrogram = match signal.as_slice() {
        Ok(samples) => py.detach(|| stft.analyse(samples)),
        Err(_) => {
            let samples = signal.as_array().to_vec();
            py.detach(|| stft.analyse(&samples))
        }
    };
    Ok(spectrogram.into_pyarray(py))
}

/// The signal of `samples` samples of a spectrogram, or the longest that it can be of.
#[pyfunction]
pub(crate) fn synthesise<'py>(
    py: Python<'py>,
    spectrogram: PyReadonlyArray2<'py, Complex64>,
    stft: StftInput,
    samples: Option<usize>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let stft = Stft::new(&stft.settings()?).map_err(value_error)?;
    let spectrogram = spectrogram.as_array();
    let (frames, bins) = spectrogram.dim();
    if bins != stft.bins() {
        let expected = stft.bins();
        return Err(value_error(format!(
            "the spectrogram has {bins} bins, the transform {expected}"
        )));
    }
    let samples = samples.unwrap_or_else(|| stft.samples(frames));
    if frames != stft.frames(samples) && samples != stft.samples(frames) {
        return Err(value_error(format!(
            "{frames} frames are not those of a signal of {samples} samples, which has {}",
            stft.frames(samples)
        )));
    }
    let signal = py.detach(|| stft.synthesise(spectrogram, samples));
    Ok(signal.into_pyarray(py))
}
