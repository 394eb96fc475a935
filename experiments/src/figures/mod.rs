//! Figures as SVG, PDF and PNG: one file per kind, and what they share.
//!
//! Imports go one way: the look of methods ([`style`]) and of values ([`colours`]), what is
//! drawn on ([`surfaces`], [`plot`], [`canvas`]), the parts of a chart ([`curve`], [`axes`],
//! [`labels`], [`legend`]), then the kinds.

mod axes;
mod canvas;
mod colours;
mod curve;
mod curve_chart;
mod heat_maps;
mod labels;
mod legend;
mod plot;
mod spectrograms;
mod stack;
mod style;
mod surfaces;
mod traces;

pub(crate) use axes::Scale;
pub(crate) use canvas::Ground;
pub(crate) use curve::{Curve, Point};
pub(crate) use curve_chart::{CurveChart, LegendPlace};
pub(crate) use heat_maps::{HeatMap, HeatMaps};
pub(crate) use plot::{Formats, Plot, title};
pub(crate) use spectrograms::{PanelEdges, Spectrogram, Spectrograms};
pub(crate) use stack::Stack;
pub(crate) use style::Style;
pub(crate) use traces::{Trace, Traces};
