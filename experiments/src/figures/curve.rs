//! What a chart of curves shows: one curve per method, its points and their intervals.

use super::style::Style;

/// A mean with its interval, where there is one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    /// Place on the horizontal axis; the index of the category, from 0, where it has categories.
    pub(crate) x: f64,
    pub(crate) mean_db: f64,
    /// Ends of the confidence interval.
    pub(crate) interval_db: Option<(f64, f64)>,
}

/// The points of one method, from left to right.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Curve {
    /// Name in the legend.
    pub(crate) label: String,
    pub(crate) style: Style,
    pub(crate) points: Vec<Point>,
}
