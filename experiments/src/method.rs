//! The compared ways to an estimate, one list for the whole runner.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// A way to estimate the speaker from a mixture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// One single-order separation, the material of the selections and of the mean.
    Single,
    /// The single-order separation of highest free energy.
    VbSelection,
    /// One separation with a posterior over all orders, the paper's proposal.
    VbFusion,
    /// The single-order separation of highest SDR (BSS Eval): it takes the true source to know which.
    OracleSelection,
    /// The mean of the single-order estimates.
    FusionByMean,
}

impl Method {
    /// The methods of Table 1, in its order.
    pub const TABLED: [Self; 4] = [
        Self::VbSelection,
        Self::VbFusion,
        Self::OracleSelection,
        Self::FusionByMean,
    ];

    /// The name in results files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::VbSelection => "vb_selection",
            Self::VbFusion => "vb_fusion",
            Self::OracleSelection => "oracle_selection",
            Self::FusionByMean => "fusion_by_mean",
        }
    }

    /// The paper's name, for tables and figures.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Single => "Single order",
            Self::VbSelection => "VB selection",
            Self::VbFusion => "VB fusion",
            Self::OracleSelection => "Oracle selection",
            Self::FusionByMean => "Fusion by mean",
        }
    }

    /// Whether the method needs what it is to find.
    #[must_use]
    pub fn needs_truth(self) -> bool {
        self == Self::OracleSelection
    }
}

impl Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
