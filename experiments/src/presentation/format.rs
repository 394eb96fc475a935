//! How numbers are written for people.

use crate::summary::{Column, Mean};

/// What stands where there is no number.
pub(super) const MISSING: &str = "--";

/// How a format writes numbers and the times it cannot know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Markdown,
    Latex,
}

impl Format {
    /// A number already in text, with this format's minus sign.
    pub(super) fn number(self, text: String) -> String {
        match (self, text.strip_prefix('-')) {
            (_, None) => text,
            (Self::Markdown, Some(digits)) => format!("\u{2212}{digits}"),
            (Self::Latex, Some(digits)) => format!("$-{digits}$"),
        }
    }

    /// The heading of a column.
    pub(super) fn column(self, column: Column) -> String {
        match column {
            Column::Snr(snr_db) => format!("{} dB", self.number((snr_db + 0.0).to_string())),
            Column::Average => "Average".to_owned(),
        }
    }

    /// With two decimals; rounded first, so that there is no minus zero.
    pub(super) fn decimals(self, value: f64) -> String {
        self.number(format!("{:.2}", (value * 100.0).round() / 100.0 + 0.0))
    }

    /// A mean with its interval.
    pub(super) fn mean(self, mean: Option<&Mean>) -> String {
        let Some((mean, mean_db)) = mean.and_then(|mean| Some((mean, mean.mean_db?))) else {
            return MISSING.to_owned();
        };
        let number = |value| self.decimals(value);
        let value = number(mean_db);
        match (mean.interval_db, self) {
            (None, _) => value,
            (Some((low, high)), Self::Markdown) => {
                format!("{value} [{}, {}]", number(low), number(high))
            }
            (Some((low, high)), Self::Latex) => {
                format!(
                    "{value} {{\\scriptsize[{}, {}]}}",
                    number(low),
                    number(high)
                )
            }
        }
    }

    /// The heading of the paper's row below a method's.
    pub(super) fn paper_label(self) -> String {
        match self {
            Self::Markdown => "\u{2013} in the paper".to_owned(),
            Self::Latex => "\\quad in the paper".to_owned(),
        }
    }
}
