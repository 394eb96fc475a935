//! The native half of the Python package `vbnmf`.
//!
//! Functions over arrays, without defaults and without classes: what a user sees, its documentation
//! and its defaults are in `python/vbnmf`. Arrays come in as float64 or complex128, in any layout,
//! and are borrowed where the work allows it; results are handed over without a copy. The
//! interpreter's lock is released during all work. What the crates refuse is a `ValueError` with
//! their message.

mod activations;
mod errors;
mod fusion;
mod metrics;
mod moments;
mod separation;
mod threads;
mod training;
mod transform;
mod watched;

/// The module `vbnmf._native`.
#[pyo3::pymodule]
mod _native {
    #[pymodule_export]
    use super::activations::fit_activations;
    #[pymodule_export]
    use super::fusion::{average, average_by_evidence, select, weigh_by_evidence};
    #[pymodule_export]
    use super::metrics::{BssEval, bss_eval_sources, plain_sdr, si_sdr};
    #[pymodule_export]
    use super::moments::posterior_moments;
    #[pymodule_export]
    use super::separation::{draw_dictionary, find_level, infer, normalise};
    #[pymodule_export]
    use super::training::{choose_frames, train};
    #[pymodule_export]
    use super::transform::{analyse, synthesise};

    /// What the crates do unless told otherwise, for recordings.
    #[pymodule_init]
    fn init(module: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
        use pyo3::types::PyModuleMethods;

        let settings = model::Settings::default();
        module.add("VERSION", env!("CARGO_PKG_VERSION"))?;
        let start = match model::level::ACTIVATION_START {
            model::ActivationStart::Constant(start) => (false, start),
            model::ActivationStart::Balanced { factor } => (true, factor),
        };
        let acceleration = match settings.acceleration {
            model::Acceleration::None => "none",
            model::Acceleration::Squarem => "squarem",
        };
        module.add("ITERATIONS", model::level::ITERATIONS)?;
        module.add("ACCELERATION", acceleration)?;
        module.add("TOLERANCE", model::level::TOLERANCE)?;
        module.add("ACTIVATION_START", start)?;
        module.add("BACKGROUND_COMPONENTS", model::level::BACKGROUND_COMPONENTS)?;
        module.add("DICTIONARY_SHAPE", settings.dictionary_shape)?;
        module.add("ACTIVATION_SHAPE", settings.activation_shape)?;
        module.add("KAPPA", model::level::KAPPA)?;
        module.add("NOISE_DB", model::level::NOISE_DB)?;
        let stft = dsp::StftSettings::default();
        module.add("WINDOW_SAMPLES", stft.window_samples)?;
        module.add("HOP_SAMPLES", stft.hop_samples)
    }
}
