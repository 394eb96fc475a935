//! The crates' errors as exceptions of Python.

use std::fmt::Display;

use pyo3::PyErr;
use pyo3::exceptions::PyValueError;

mod exception {
    #![allow(
        missing_docs,
        reason = "what the macro makes has none; the class itself is in Python"
    )]

    pyo3::import_exception!(vbnmf._errors, MetricError);
}

/// A `ValueError` with the message of an error of the crates.
pub(crate) fn value_error(error: impl Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// A `vbnmf.MetricError` with the message of an error of `eval` and its name.
pub(crate) fn metric_error(error: eval::MetricError) -> PyErr {
    exception::MetricError::new_err((error.to_string(), name_reason(&error)))
}

/// The name of an error, as the enumeration `vbnmf.Reason` has it.
fn name_reason(error: &eval::MetricError) -> &'static str {
    use eval::MetricError as E;
    match error {
        E::NoReferences => "no references",
        E::NoFilterTaps | E::TooManyTaps { .. } => "filter taps",
        E::NoSuchTarget { .. } => "no such target",
        E::CountMismatch { .. } => "count mismatch",
        E::TooManySources { .. } => "too many sources",
        E::LengthMismatch { .. } => "length mismatch",
        E::TooShort { .. } => "too short",
        E::ReferenceNotFinite { .. } => "reference not finite",
        E::EstimateNotFinite { .. } => "estimate not finite",
        E::SilentReference { .. } => "silent reference",
        E::SilentEstimate => "silent estimate",
        E::Singular => "singular",
        _ => "other",
    }
}
