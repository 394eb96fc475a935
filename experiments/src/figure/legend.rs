//! Entries of legends.

use plotters::element::{Drawable, PointCollection};
use plotters::prelude::*;
use plotters_backend::{BackendCoord, DrawingErrorKind};

/// A piece of a curve with the marker in its middle, for the legend.
pub(super) struct Entry {
    /// Left end.
    pub(super) at: [(i32, i32); 1],
    /// Length of dashes and gaps; a solid line if absent.
    pub(super) dash: Option<(u32, u32)>,
    pub(super) stroke: ShapeStyle,
    /// Outline of the marker around its centre; none if empty.
    pub(super) marker: Vec<(i32, i32)>,
    pub(super) length: i32,
}

impl<'a> PointCollection<'a, (i32, i32)> for &'a Entry {
    type Point = &'a (i32, i32);
    type IntoIter = std::slice::Iter<'a, (i32, i32)>;

    fn point_iter(self) -> Self::IntoIter {
        self.at.iter()
    }
}

impl<B: DrawingBackend> Drawable<B> for Entry {
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
