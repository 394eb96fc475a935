//! The measures of an estimate, one list for the whole runner.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// A measure of an estimate of the speaker, in dB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// BSS Eval's source-to-distortion ratio, the paper's measure.
    Sdr,
    /// BSS Eval's source-to-interference ratio.
    Sir,
    /// BSS Eval's source-to-artefacts ratio.
    Sar,
    /// Power of the source over power of the error.
    PlainSdr,
    /// Scale-invariant SDR.
    SiSdr,
}

impl Metric {
    /// Every metric, in the order of the results files.
    pub const ALL: [Self; 5] = [Self::Sdr, Self::Sir, Self::Sar, Self::PlainSdr, Self::SiSdr];

    /// The name in configurations and results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sdr => "sdr",
            Self::Sir => "sir",
            Self::Sar => "sar",
            Self::PlainSdr => "plain_sdr",
            Self::SiSdr => "si_sdr",
        }
    }
}

impl Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_configurations() {
        for metric in Metric::ALL {
            let value = toml::Value::try_from(metric).unwrap();
            assert_eq!(value.as_str(), Some(metric.name()));
        }
    }
}
