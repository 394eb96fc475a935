//! How numbers and names are written in Markdown and LaTeX.

use crate::study::estimate::Candidate;
use crate::study::statistics::{Column, Mean};

/// What stands where there is no number.
pub(crate) const MISSING: &str = "--";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Markdown,
    Latex,
}

impl Format {
    /// A number already in text, with this format's minus sign.
    pub(crate) fn number(self, text: String) -> String {
        match (self, text.strip_prefix('-')) {
            (_, None) => text,
            (Self::Markdown, Some(digits)) => format!("\u{2212}{digits}"),
            (Self::Latex, Some(digits)) => format!("$-{digits}$"),
        }
    }

    /// The heading of a column.
    pub(crate) fn column(self, column: Column) -> String {
        match column {
            Column::Snr(snr_db) => format!("{} dB", self.number(snr_db.to_string())),
            Column::Average => "Average".to_owned(),
        }
    }

    /// With two decimals; rounded first, so that there is no minus zero.
    pub(crate) fn decimals(self, value: f64) -> String {
        self.number(format!("{:.2}", (value * 100.0).round() / 100.0 + 0.0))
    }

    /// A mean with its interval.
    pub(crate) fn mean(self, mean: Option<&Mean>) -> String {
        mean.map_or_else(
            || MISSING.to_owned(),
            |mean| self.with_interval(mean.mean, mean.interval),
        )
    }

    /// A value, if there is one, with its interval, if that has one.
    pub(crate) fn with_interval(self, value: Option<f64>, interval: Option<(f64, f64)>) -> String {
        let Some(value) = value else {
            return MISSING.to_owned();
        };
        let number = |value| self.decimals(value);
        let value = number(value);
        match (interval, self) {
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

    /// One candidate minus another.
    pub(crate) fn difference(self, candidate: Candidate, baseline: Candidate) -> String {
        let minus = match self {
            Self::Markdown => "\u{2212}",
            Self::Latex => "$-$",
        };
        format!("{} {minus} {}", self.label(candidate), self.label(baseline))
    }

    /// The name of a candidate; that of another program's method may hold what LaTeX reads as an
    /// index.
    pub(crate) fn label(self, candidate: Candidate) -> String {
        let label = candidate.label();
        match self {
            Self::Markdown => label.into_owned(),
            Self::Latex => label.replace('_', "\\_"),
        }
    }

    /// A p-value.
    pub(crate) fn p_value(self, p_value: Option<f64>) -> String {
        match (p_value, self) {
            (None, _) => MISSING.to_owned(),
            (Some(p), _) if p >= 1e-4 => format!("{p:.4}"),
            (_, Self::Markdown) => "< 0.0001".to_owned(),
            (_, Self::Latex) => "$<$ 0.0001".to_owned(),
        }
    }

    /// A number with a sign.
    pub(crate) fn signed(self, number: f64) -> String {
        self.number(number.to_string())
    }

    /// The heading of the paper's row below a method's.
    pub(crate) fn paper_label(self) -> String {
        match self {
            Self::Markdown => "\u{2013} in the paper".to_owned(),
            Self::Latex => "\\quad in the paper".to_owned(),
        }
    }
}
