//! Spectrograms side by side, on one scale of levels.
//!
//! As PNG only: every pixel of them is data, and an SVG would hold the same pixels in more bytes.

use anyhow::Result;
use ndarray::{Array2, s};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{Canvas, Ground, Labels, Place, Tick};
use super::colours::shade;
use super::plot::{Plot, TextSizes, register_fonts};
use crate::config::FigureStyle;

/// Levels below the loudest that are shown.
pub(super) const RANGE_DB: f64 = 60.0;
/// Colours of the scale: few enough for small files, many enough to look continuous.
const LEVELS: f64 = 48.0;

const LEFT: i32 = 62;
const BAR: i32 = 14;
/// Right of the panels: colour bar and its labels.
const RIGHT: i32 = 108;
const GAP: (i32, i32) = (50, 58);

/// A power spectrogram.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spectrogram {
    /// Above it.
    pub(crate) title: String,
    /// Power, frames x bins.
    pub(crate) power: Array2<f64>,
}

/// Spectrograms of the same shape.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spectrograms {
    /// What it is made for.
    pub(crate) style: FigureStyle,
    /// What it is drawn on.
    pub(crate) ground: Ground,
    /// A line above all; none if empty.
    pub(crate) title: String,
    /// The panels, row by row.
    pub(crate) panels: Vec<Spectrogram>,
    /// Panels beside each other.
    pub(crate) columns: usize,
    /// Width and height of a panel.
    pub(crate) panel: (u32, u32),
    /// Distance of two frames.
    pub(crate) seconds_per_frame: f64,
    /// Frequency of the last bin.
    pub(crate) highest_khz: f64,
    /// Power at the top of the scale: 0 dB.
    pub(crate) loudest: f64,
}

/// Edges of a panel, as parts of the figure's width and height from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct PanelEdges {
    /// Where time begins.
    pub(crate) left: f64,
    /// Where it ends.
    pub(crate) right: f64,
    /// The highest frequency.
    pub(crate) top: f64,
    /// The lowest.
    pub(crate) bottom: f64,
}

impl Spectrograms {
    /// Where the first panel is.
    pub(crate) fn first_panel(&self) -> PanelEdges {
        let place = self.place(0);
        let (width, height) = self.size();
        let part = |x: i32, whole: u32| f64::from(x) / f64::from(whole);
        PanelEdges {
            left: part(place.left, width),
            right: part(place.left + place.width, width),
            top: part(place.top, height),
            bottom: part(place.top + place.height, height),
        }
    }

    fn shape(&self) -> (i32, i32) {
        let columns = self.columns.max(1);
        let rows = self.panels.len().div_ceil(columns).max(1);
        (columns as i32, rows as i32)
    }

    fn top(&self) -> i32 {
        if self.title.is_empty() { 28 } else { 62 }
    }

    fn place(&self, index: usize) -> Place {
        let (columns, _) = self.shape();
        let (column, row) = (index as i32 % columns, index as i32 / columns);
        let (width, height) = (self.panel.0 as i32, self.panel.1 as i32);
        Place {
            left: LEFT + column * (width + GAP.0),
            top: self.top() + row * (height + GAP.1),
            width,
            height,
        }
    }

    fn draw_panel<B>(&self, canvas: &Canvas<'_, B>, index: usize) -> Result<()>
    where
        B: DrawingBackend,
        B::ErrorType: 'static,
    {
        let panel = &self.panels[index];
        let place = self.place(index);
        let (frames, bins) = panel.power.dim();
        // The values that a pixel stands for: one at least.
        let span = |pixel: i32, pixels: i32, values: usize| {
            let from = pixel as usize * values / pixels as usize;
            let to = (pixel as usize + 1) * values / pixels as usize;
            from..to.max(from + 1)
        };
        if frames > 0 && bins > 0 {
            for x in 0..place.width {
                let frames = span(x, place.width, frames);
                for y in 0..place.height {
                    let bins = span(place.height - 1 - y, place.height, bins);
                    let covered = panel.power.slice(s![frames.clone(), bins]);
                    let power = covered.sum() / covered.len() as f64;
                    let level = 1.0 + 10.0 * (power / self.loudest).log10() / RANGE_DB;
                    let level = (level.clamp(0.0, 1.0) * LEVELS).round() / LEVELS;
                    let corner = canvas.pixels((place.left + x, place.top + y));
                    let opposite = canvas.pixels((place.left + x + 1, place.top + y + 1));
                    canvas.fill(corner, opposite, shade(level))?;
                }
            }
        }
        let (columns, _) = self.shape();
        let below_all = index + columns as usize >= self.panels.len();
        let seconds = frames as f64 * self.seconds_per_frame;
        canvas.frame(
            place,
            &Labels {
                title: panel.title.clone(),
                x: below_all.then(|| "Time (s)".to_owned()),
                y: (index as i32 % columns == 0).then(|| "Frequency (kHz)".to_owned()),
                x_ticks: ticks(seconds, place.width / 44),
                y_ticks: ticks(self.highest_khz, place.height / 30),
            },
        )
    }
}

impl Plot for Spectrograms {
    fn size(&self) -> (u32, u32) {
        let (columns, rows) = self.shape();
        let (width, height) = (self.panel.0 as i32, self.panel.1 as i32);
        let width = LEFT + columns * (width + GAP.0) - GAP.0 + RIGHT;
        let height = self.top() + rows * (height + GAP.1) - GAP.1 + 50;
        (width as u32, height as u32)
    }

    fn style(&self) -> FigureStyle {
        self.style
    }

    fn draw<B>(&self, area: &DrawingArea<B, Shift>, scale: u32) -> Result<()>
    where
        B: DrawingBackend,
        B::ErrorType: 'static,
    {
        register_fonts()?;
        let canvas = Canvas {
            area,
            scale: scale as i32,
            sizes: TextSizes::from_style(self.style),
            ground: self.ground,
        };
        let (columns, rows) = self.shape();
        canvas.clear()?;
        let (width, _) = self.size();
        if !self.title.is_empty() {
            let anchor = Pos::new(HPos::Center, VPos::Top);
            canvas.text(&self.title, (width as i32 / 2, 10), anchor)?;
        }
        for index in 0..self.panels.len() {
            self.draw_panel(&canvas, index)?;
        }
        let (panel_width, panel_height) = (self.panel.0 as i32, self.panel.1 as i32);
        let bar = Place {
            left: LEFT + columns * (panel_width + GAP.0) - GAP.0 + 22,
            top: self.top(),
            width: BAR,
            height: rows * (panel_height + GAP.1) - GAP.1,
        };
        let ticks: Vec<Tick> = (0..=3)
            .map(|tick| {
                let level = f64::from(tick) / 3.0;
                let db = (RANGE_DB * (level - 1.0)).round() + 0.0;
                (level, db.to_string().replace('-', "\u{2212}"))
            })
            .collect();
        canvas.colour_bar(bar, &ticks, "Level (dB)", shade)?;
        Ok(())
    }
}

/// At most about `most` ticks, at round numbers from 0 to `end`.
fn ticks(end: f64, most: i32) -> Vec<Tick> {
    let most = f64::from(most.max(1));
    let step = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]
        .into_iter()
        .find(|step| end / step <= most)
        .unwrap_or(end);
    if !(end > 0.0 && step > 0.0) {
        return Vec::new();
    }
    (0..=(end / step + 1e-9).floor() as usize)
        .map(|index| {
            let value = index as f64 * step;
            let text = if step < 1.0 {
                format!("{value:.1}")
            } else {
                format!("{value:.0}")
            };
            (value / end, text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Formats;

    fn figure(panels: usize, shape: (usize, usize)) -> Spectrograms {
        Spectrograms {
            style: FigureStyle::Screen,
            ground: Ground::Light,
            title: "A title".to_owned(),
            panels: (0..panels)
                .map(|index| Spectrogram {
                    title: format!("Panel {index}"),
                    power: Array2::from_shape_fn(shape, |(n, f)| (n * f) as f64),
                })
                .collect(),
            columns: 2,
            panel: (200, 100),
            seconds_per_frame: 0.064,
            highest_khz: 8.0,
            loudest: 9.0,
        }
    }

    #[test]
    fn draws_any_number_of_panels_of_any_shape() {
        for (panels, shape) in [(0, (1, 1)), (1, (0, 5)), (3, (1, 1)), (6, (500, 40))] {
            let png = figure(panels, shape).png().unwrap();
            assert!(png.starts_with(b"\x89PNG"));
        }
    }

    #[test]
    fn ticks_are_round_and_not_too_many() {
        let texts = |end, most| -> Vec<String> {
            ticks(end, most).into_iter().map(|(_, text)| text).collect()
        };
        assert_eq!(texts(8.0, 4), ["0", "2", "4", "6", "8"]);
        assert_eq!(texts(19.1, 4), ["0", "5", "10", "15"]);
        assert_eq!(texts(0.4, 4), ["0.0", "0.1", "0.2", "0.3", "0.4"]);
        assert!(texts(0.0, 4).is_empty());
    }

    #[test]
    fn the_first_panel_lies_inside() {
        let edges = figure(1, (4, 4)).first_panel();
        for (from, to) in [(edges.left, edges.right), (edges.top, edges.bottom)] {
            assert!(0.0 < from && from < to && to < 1.0, "{edges:?}");
        }
    }
}
