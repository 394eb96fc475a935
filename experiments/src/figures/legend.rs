//! Legends: pieces of the curves with their names.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::element::{Drawable, PointCollection};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters_backend::{BackendCoord, DrawingErrorKind};

use super::curve::Curve;
use super::plot::{FONT, GREY};
use super::style::Style;

/// Length of the piece of a curve, in pixels.
const LENGTH: i32 = 44;
/// Height of a title with a legend below it.
pub(super) const HEIGHT: u32 = 64;

/// Draws a title and, below it, the names of the curves in a row.
pub(super) fn draw_above<B>(
    area: &DrawingArea<B, Shift>,
    title: &str,
    curves: &[Curve],
    scale: u32,
) -> Result<()>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    let scaled = |pixels: i32| pixels * scale as i32;
    let text = |size: u32, colour: RGBColor, horizontal| {
        let anchor = Pos::new(horizontal, VPos::Center);
        (FONT, size * scale).into_font().color(&colour).pos(anchor)
    };
    let centre = area.dim_in_pixel().0 as i32 / 2;
    let heading = text(15, GREY, HPos::Center);
    area.draw(&Text::new(title, (centre, scaled(24)), heading))?;
    let label = text(15, BLACK, HPos::Left);
    let mut widths = Vec::new();
    for curve in curves {
        let (width, _) = area.estimate_text_size(&curve.label, &label)?;
        widths.push(scaled(LENGTH + 8) + width as i32);
    }
    let gap = scaled(22);
    let total: i32 = widths.iter().sum::<i32>() + gap * (widths.len() as i32 - 1);
    let mut left = centre - total / 2;
    for (curve, width) in curves.iter().zip(widths) {
        area.draw(&LegendEntry::new((left, scaled(50)), curve.style, scale))?;
        let at = (left + scaled(LENGTH + 8), scaled(51));
        area.draw(&Text::new(curve.label.as_str(), at, label.clone()))?;
        left += width + gap;
    }
    Ok(())
}

/// A piece of a curve with the marker in its middle.
pub(super) struct LegendEntry {
    /// Left end.
    pub(super) at: [(i32, i32); 1],
    /// Length of dashes and gaps; a solid line if absent.
    pub(super) dash: Option<(u32, u32)>,
    pub(super) stroke: ShapeStyle,
    /// Outline of the marker around its centre; none if empty.
    pub(super) marker: Vec<(i32, i32)>,
    pub(super) length: i32,
}

impl LegendEntry {
    /// The look of a curve, its left end `at`.
    pub(super) fn new(at: (i32, i32), style: Style, scale: u32) -> Self {
        Self {
            at: [at],
            dash: style.dash.map(|(on, off)| (on * scale, off * scale)),
            stroke: style.colour.stroke_width(2 * scale),
            marker: style.marker.outline(5.0 * f64::from(scale)),
            length: LENGTH * scale as i32,
        }
    }
}

impl<'a> PointCollection<'a, (i32, i32)> for &'a LegendEntry {
    type Point = &'a (i32, i32);
    type IntoIter = std::slice::Iter<'a, (i32, i32)>;

    fn point_iter(self) -> Self::IntoIter {
        self.at.iter()
    }
}

impl<B: DrawingBackend> Drawable<B> for LegendEntry {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        positions: I,
        backend: &mut B,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<B::ErrorType>> {
        let (on, off) = self
            .dash
            .map_or((self.length, 0), |(on, off)| (on as i32, off as i32));
        for (x, y) in positions {
            for start in (0..self.length).step_by((on + off).max(1) as usize) {
                let end = (start + on).min(self.length);
                backend.draw_line((x + start, y), (x + end, y), &self.stroke)?;
            }
            let centre = x + self.length / 2;
            if self.marker.is_empty() {
                continue;
            }
            let outline = self.marker.iter().map(|&(dx, dy)| (centre + dx, y + dy));
            backend.fill_polygon(outline, &self.stroke.color)?;
        }
        Ok(())
    }
}
