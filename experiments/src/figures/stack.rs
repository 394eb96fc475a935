//! Charts one above the other, in one figure.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;

use super::curve_chart::CurveChart;
use super::plot::Plot;

/// Charts of one width, from the top.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stack(pub(crate) Vec<CurveChart>);

impl Plot for Stack {
    fn size(&self) -> (u32, u32) {
        let sizes = self.0.iter().map(Plot::size);
        sizes.fold((1, 0), |(width, height), size| {
            (width.max(size.0), height + size.1)
        })
    }

    fn draw<B>(&self, area: &DrawingArea<B, Shift>, scale: u32) -> Result<()>
    where
        B: DrawingBackend,
        B::ErrorType: 'static,
    {
        let mut rest = area.clone();
        for chart in &self.0 {
            let (here, below) = rest.split_vertically(chart.size().1 * scale);
            chart.draw(&here, scale)?;
            rest = below;
        }
        Ok(())
    }
}
