//! `--precision`.

use clap::ValueEnum;
use model::Precision;

/// [`Precision`] by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PrecisionKind {
    /// Single precision; what leaves its range is done again in double
    F32,
    /// Double precision
    F64,
}

impl PrecisionKind {
    pub(super) fn precision(self) -> Precision {
        match self {
            Self::F32 => Precision::F32,
            Self::F64 => Precision::F64,
        }
    }
}
