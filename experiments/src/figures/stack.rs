//! Charts one above the other, in one figure.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;

use super::curve_chart::CurveChart;
use super::plot::Plot;
use crate::config::FigureStyle;

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

    fn style(&self) -> FigureStyle {
        self.0.first().map(CurveChart::style).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{Curve, Formats, LegendPlace, Point, Scale, Style};
    use crate::study::methods::Method;

    #[test]
    fn all_charts_are_within_one_document() {
        let chart = |title: &str, legend| CurveChart {
            style: FigureStyle::Screen,
            height: 200,
            title: title.to_owned(),
            x_label: "x".to_owned(),
            scale: Scale::Linear,
            legend,
            y_label: "y".to_owned(),
            apart: false,
            curves: vec![Curve {
                label: "a method".to_owned(),
                style: Style::from_method(Method::VbFusion),
                points: vec![Point {
                    x: 0.0,
                    mean_db: 1.0,
                    interval_db: None,
                }],
            }],
        };
        let stack = Stack(vec![
            chart("above", LegendPlace::Inside),
            chart("below", LegendPlace::Elsewhere),
        ]);
        let svg = String::from_utf8(stack.svg().unwrap()).unwrap();
        assert_eq!(svg.matches("</svg>").count(), 1);
        let end = svg.find("</svg>").unwrap();
        assert!(svg.find("above").unwrap() < end && svg.find("below").unwrap() < end);
        assert!(svg.contains("height=\"400\""));
        assert!(stack.png().unwrap().starts_with(b"\x89PNG"));
    }
}
