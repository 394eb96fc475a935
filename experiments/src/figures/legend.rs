//! Legends: pieces of the curves with their names.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::element::{Drawable, PointCollection};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters_backend::{BackendCoord, DrawingErrorKind};

use super::curve::Curve;
use super::plot::{FONT, GREY, TextSizes};
use super::style::Style;

/// Length of the piece of a curve, in pixels.
const LENGTH: i32 = 44;
/// Of the title with the blank above and below it.
const TITLE: i32 = 38;
/// Of the blank where there is no title.
const BLANK: i32 = 8;
/// Of a row.
const ROW: i32 = 24;
/// Between a piece of a curve and its name.
const SPACE: i32 = 8;
/// Between two entries.
const GAP: i32 = 22;
/// Figures narrower than this, in pixels, have pieces and gaps of little more than half the length.
const NARROW: i32 = 500;

/// Draws a title, if it is not empty. What is left of the area is returned.
pub(super) fn draw_title<B>(
    area: &DrawingArea<B, Shift>,
    title: &str,
    sizes: TextSizes,
    scale: u32,
) -> Result<DrawingArea<B, Shift>>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    draw_above(area, title, &[], (sizes, scale))
}

/// Draws a title, if it is not empty, and below it the names of the curves, in as many rows as they
/// take. What is left of the area is returned.
pub(super) fn draw_above<B>(
    area: &DrawingArea<B, Shift>,
    title: &str,
    curves: &[Curve],
    (sizes, scale): (TextSizes, u32),
) -> Result<DrawingArea<B, Shift>>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    let scaled = |pixels: i32| pixels * scale as i32;
    let text = |size: u32, colour: RGBColor, horizontal| {
        let anchor = Pos::new(horizontal, VPos::Center);
        (FONT, size * scale).into_font().color(&colour).pos(anchor)
    };
    let width = area.dim_in_pixel().0 as i32;
    let is_narrow = width < scaled(NARROW);
    let shortened = |pixels: i32| if is_narrow { pixels * 5 / 8 } else { pixels };
    let (length, gap) = (shortened(LENGTH), scaled(shortened(GAP)));
    let label = text(sizes.normal, BLACK, HPos::Left);
    let mut entries = Vec::new();
    for curve in curves {
        let (width, _) = area.estimate_text_size(&curve.label, &label)?;
        entries.push((curve, scaled(length + SPACE) + width as i32));
    }
    let rows = break_rows(&entries, gap, width - gap);
    let top = if title.is_empty() { BLANK } else { TITLE };
    let height = scaled(top + ROW * rows.len() as i32);
    let (head, rest) = area.split_vertically(height);
    if !title.is_empty() {
        let heading = text(sizes.small, GREY, HPos::Center);
        head.draw(&Text::new(title, (width / 2, scaled(24)), heading))?;
    }
    for (index, row) in rows.iter().enumerate() {
        let middle = scaled(top + ROW * index as i32 + ROW / 2);
        let mut left = (width - row_width(row, gap)) / 2;
        for (curve, width) in *row {
            let entry = LegendEntry::new((left, middle), curve.style, scale);
            head.draw(&LegendEntry {
                length: scaled(length),
                ..entry
            })?;
            let at = (left + scaled(length + SPACE), middle + scaled(1));
            head.draw(&Text::new(curve.label.as_str(), at, label.clone()))?;
            left += width + gap;
        }
    }
    Ok(rest)
}

/// An entry's curve with the width of both.
type Entry<'a> = (&'a Curve, i32);

/// The entries in rows, each with as many as fit within `most`, and one at least.
fn break_rows<'a, 'b>(entries: &'b [Entry<'a>], gap: i32, most: i32) -> Vec<&'b [Entry<'a>]> {
    let mut rows = Vec::new();
    let mut rest = entries;
    while !rest.is_empty() {
        let fits = |count: &usize| row_width(&rest[..*count], gap) <= most;
        let count = (1..=rest.len()).take_while(fits).last().unwrap_or(1);
        let (row, others) = rest.split_at(count);
        rows.push(row);
        rest = others;
    }
    rows
}

fn row_width(row: &[Entry<'_>], gap: i32) -> i32 {
    let gaps = gap * (row.len() as i32 - 1).max(0);
    row.iter().map(|(_, width)| width).sum::<i32>() + gaps
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
            stroke: style.colour.stroke_width(style.width * scale),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::methods::Method;

    #[test]
    fn entries_take_the_rows_that_they_need() {
        let curve = Curve {
            label: String::new(),
            style: Style::from_method(Method::VbFusion),
            points: Vec::new(),
        };
        let rows = |widths: &[i32]| {
            let entries: Vec<Entry<'_>> = widths.iter().map(|&width| (&curve, width)).collect();
            let rows = break_rows(&entries, 10, 100);
            rows.iter().map(|row| row.len()).collect::<Vec<_>>()
        };
        assert_eq!(rows(&[]), [0; 0]);
        assert_eq!(rows(&[45, 45]), [2]);
        assert_eq!(rows(&[45, 45, 45]), [2, 1]);
        assert_eq!(rows(&[20; 7]), [3, 3, 1]);
        assert_eq!(rows(&[30, 30, 60, 20]), [2, 2]);
        assert_eq!(rows(&[150, 20]), [1, 1]);
    }
}
