//! Where the activations of a source start.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::ModelError;

/// The constant at which activations start unless said otherwise: a thousand times their prior mean,
/// the start that suits data drawn from the model.
pub const ACTIVATION_START: f64 = 1000.0;

/// The value at which `E[H]` and `1 / E[1/H]` start, the same for all activations of an order.
///
/// The paper says "constants", and which ones is open. A constant that ignores the data is above it
/// in one recording and below it in another.
///
/// In a configuration it is a number, `"balanced"`, or `{ balanced = 2.0 }`:
///
/// ```
/// use model::ActivationStart;
///
/// let read = |json| serde_json::from_str::<ActivationStart>(json);
/// assert_eq!(read("1000.0")?, ActivationStart::Constant(1000.0));
/// assert_eq!(read(r#""balanced""#)?, ActivationStart::Balanced { factor: 1.0 });
/// assert_eq!(read(r#"{ "balanced": 2.0 }"#)?, ActivationStart::Balanced { factor: 2.0 });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub enum ActivationStart {
    /// This value.
    Constant(f64),
    /// At the level of the data: each source has an equal share of the mixture's mean power
    /// `P = mean |x|^2`, times a factor,
    ///
    /// `h0_jm = factor P / (J K_jm mean(E[W_jm]))`.
    Balanced {
        /// 1 for exactly that share.
        factor: f64,
    },
}

impl Default for ActivationStart {
    fn default() -> Self {
        Self::Constant(ACTIVATION_START)
    }
}

impl From<f64> for ActivationStart {
    fn from(constant: f64) -> Self {
        Self::Constant(constant)
    }
}

/// A start that is neither of the ways to say one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a number, `balanced` or `balanced=FACTOR`, for example balanced=10")]
pub struct ParseActivationStartError;

/// As an option of a command line: `1000`, `balanced`, `balanced=10`.
impl FromStr for ActivationStart {
    type Err = ParseActivationStartError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.trim().parse().map_err(|_| ParseActivationStartError);
        match text.split_once('=') {
            None if text == "balanced" => Ok(Self::Balanced { factor: 1.0 }),
            Some(("balanced", factor)) => Ok(Self::Balanced {
                factor: number(factor)?,
            }),
            _ => Ok(Self::Constant(number(text)?)),
        }
    }
}

impl Display for ActivationStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Constant(start) => write!(f, "{start}"),
            Self::Balanced { factor: 1.0 } => f.write_str("balanced"),
            Self::Balanced { factor } => write!(f, "balanced={factor}"),
        }
    }
}

impl ActivationStart {
    /// Checks that the constant or the factor is positive and below 1e30.
    ///
    /// # Errors
    /// [`ModelError::OutOfRange`].
    pub fn validate(&self) -> Result<(), ModelError> {
        let (name, value) = match *self {
            Self::Constant(start) => ("activation_start", start),
            Self::Balanced { factor } => ("factor of the balanced activation_start", factor),
        };
        check_start(name, value)
    }
}

/// Checks that a start is positive and below 1e30.
pub(crate) fn check_start(name: &'static str, value: f64) -> Result<(), ModelError> {
    if value > 0.0 && value < 1e30 {
        return Ok(());
    }
    Err(ModelError::OutOfRange {
        name,
        allowed: "positive and below 1e30",
        value,
    })
}

/// An [`ActivationStart`] as a configuration has it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number, \"balanced\" or { balanced = factor }"
)]
enum Written {
    Constant(f64),
    Word(Word),
    Balanced { balanced: f64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Balanced,
}

impl From<Written> for ActivationStart {
    fn from(written: Written) -> Self {
        match written {
            Written::Constant(start) => Self::Constant(start),
            Written::Word(Word::Balanced) => Self::Balanced { factor: 1.0 },
            Written::Balanced { balanced } => Self::Balanced { factor: balanced },
        }
    }
}

impl From<ActivationStart> for Written {
    fn from(start: ActivationStart) -> Self {
        match start {
            ActivationStart::Constant(start) => Self::Constant(start),
            ActivationStart::Balanced { factor: 1.0 } => Self::Word(Word::Balanced),
            ActivationStart::Balanced { factor } => Self::Balanced { balanced: factor },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (start, written) in [
            (ActivationStart::Constant(0.5), "0.5"),
            (ActivationStart::Balanced { factor: 1.0 }, r#""balanced""#),
            (
                ActivationStart::Balanced { factor: 2.5 },
                r#"{"balanced":2.5}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&start).unwrap(), written);
            let read: ActivationStart = serde_json::from_str(written).unwrap();
            assert_eq!(read, start);
        }
        let error = serde_json::from_str::<ActivationStart>(r#""level""#).unwrap_err();
        assert!(
            error.to_string().contains("a number, \"balanced\" or"),
            "{error}"
        );
    }

    #[test]
    fn faults_are_named() {
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e30] {
            let error = ActivationStart::Balanced { factor: value }
                .validate()
                .unwrap_err();
            let message = format!(
                "factor of the balanced activation_start must be positive and below 1e30, got {value}"
            );
            assert_eq!(error.to_string(), message);
        }
    }
}
