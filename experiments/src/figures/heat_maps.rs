//! Weights over two lists of orders, as panels of coloured cells.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{Canvas, Ground, Labels, Place, Tick};
use super::colours::shade;
use super::plot::{BLACK, Plot, TextSizes, register_fonts};
use super::surfaces::Letters;
use crate::config::FigureStyle;

/// Side of a panel.
const SIDE: i32 = 172;
/// Between panels, for titles and ticks.
const GAP: (i32, i32) = (38, 62);
/// Left of the panels, for the names of rows of up to two characters.
const LEFT: i32 = 66;
/// That the label of the rows takes of it.
const LABEL: i32 = 24;
/// That a further character of them takes.
const CHARACTER: i32 = 8;
/// The blank beside the title.
const TITLE_MARGIN: i32 = 12;
/// Width of an outline where cells are large.
const OUTLINE: i32 = 2;
/// Cells with more weight than this are dark.
const DARK: f64 = 0.4;
/// Above the panels, with and without a title.
const TOP: i32 = 66;
const TOP_UNTITLED: i32 = 34;
const BAR: i32 = 16;
/// Less would make labels of two digits touch.
const LABEL_WIDTH: i32 = 24;

/// One panel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HeatMap {
    /// Above it.
    pub(crate) title: String,
    /// By row, then column, between 0 and 1; none where there is no value.
    pub(crate) values: Vec<Vec<Option<f64>>>,
}

/// Panels on the same axes and colours.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HeatMaps {
    /// What it is made for.
    pub(crate) style: FigureStyle,
    /// A line above all; none if empty.
    pub(crate) title: String,
    /// Label of the columns.
    pub(crate) x_label: String,
    /// Label of the rows.
    pub(crate) y_label: String,
    /// Label of the colours.
    pub(crate) value_label: String,
    /// Names of the columns, from left to right.
    pub(crate) columns: Vec<String>,
    /// Names of the rows, from bottom to top.
    pub(crate) rows: Vec<String>,
    /// Whether rows are of what columns are of: a row's own column is outlined then. Names that
    /// are the same by chance, such as a seed and an order, mean nothing.
    pub(crate) outlined: bool,
    /// The panels.
    pub(crate) panels: Vec<HeatMap>,
    /// Most of them beside each other.
    pub(crate) across: usize,
}

impl HeatMaps {
    fn shape(&self) -> (i32, i32) {
        let columns = self.panels.len().min(self.across).max(1);
        let rows = self.panels.len().div_ceil(columns).max(1);
        (columns as i32, rows as i32)
    }

    /// Left of the panels, for what is written there.
    fn margin(&self) -> i32 {
        let longest = self.rows.iter().map(|name| name.chars().count()).max();
        let unlabelled = if self.y_label.is_empty() { LABEL } else { 0 };
        LEFT + CHARACTER * (longest.unwrap_or_default() as i32 - 2).max(0) - unlabelled
    }

    /// What the panels take, with all that stands around them.
    fn content_width(&self) -> i32 {
        let (columns, _) = self.shape();
        self.margin() + columns * (SIDE + GAP.0) - GAP.0 + 24 + BAR + 76
    }

    /// The width of the figure: a title may be longer than a few panels are wide.
    fn width(&self) -> i32 {
        let size = f64::from(TextSizes::from_style(self.style).small);
        let title = Letters::new().map_or(0.0, |letters| letters.width(&self.title, size));
        let title = title.ceil() as i32 + 2 * TITLE_MARGIN;
        self.content_width().max(title)
    }

    /// Left of the panels.
    fn left(&self) -> i32 {
        self.margin() + (self.width() - self.content_width()) / 2
    }

    fn top(&self) -> i32 {
        match self.title.is_empty() {
            true => TOP_UNTITLED,
            false => TOP,
        }
    }

    fn place(&self, index: usize) -> Place {
        let (columns, _) = self.shape();
        let (column, row) = (index as i32 % columns, index as i32 / columns);
        Place {
            left: self.left() + column * (SIDE + GAP.0),
            top: self.top() + row * (SIDE + GAP.1),
            width: SIDE,
            height: SIDE,
        }
    }
}

impl Plot for HeatMaps {
    fn size(&self) -> (u32, u32) {
        let (_, rows) = self.shape();
        let height = self.top() + rows * (SIDE + GAP.1) - GAP.1 + 56;
        (self.width() as u32, height as u32)
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
        let scale = scale as i32;
        let canvas = Canvas {
            area,
            scale,
            sizes: TextSizes::from_style(self.style),
            ground: Ground::Light,
        };
        let (columns, rows) = self.shape();
        canvas.clear()?;
        let anchor = Pos::new(HPos::Center, VPos::Top);
        if !self.title.is_empty() {
            canvas.text(&self.title, (self.width() / 2, 12), anchor)?;
        }
        // White is no weight, as paper is.
        let colour = |value: f64| shade(1.0 - value);
        for (index, panel) in self.panels.iter().enumerate() {
            let place = self.place(index);
            let below_all = index + columns as usize >= self.panels.len();
            let is_first = index as i32 % columns == 0;
            let labels = Labels {
                title: panel.title.clone(),
                x: below_all.then(|| self.x_label.clone()),
                y: is_first.then(|| self.y_label.clone()),
                x_ticks: ticks(&self.columns),
                y_ticks: match is_first || self.margin() <= LEFT {
                    true => ticks(&self.rows),
                    false => Vec::new(),
                },
            };
            let edge = |start: i32, index: usize, count: usize| {
                start * scale + SIDE * scale * index as i32 / count.max(1) as i32
            };
            for (row, values) in panel.values.iter().enumerate() {
                for (column, value) in values.iter().enumerate() {
                    let Some(value) = value else { continue };
                    let x = |column| edge(place.left, column, self.columns.len());
                    let from_top = |row| edge(place.top, self.rows.len() - row, self.rows.len());
                    let (from, to) = (
                        (x(column), from_top(row + 1)),
                        (x(column + 1), from_top(row)),
                    );
                    // Below the cells that are drawn next: where two edges only meet, what is
                    // behind them shines through once a figure is scaled.
                    let has = |row: usize, column: usize| {
                        let of_row = panel.values.get(row);
                        of_row.is_some_and(|it| it.get(column).is_some_and(Option::is_some))
                    };
                    let below = |is_drawn: bool| if is_drawn { scale } else { 0 };
                    let (above, right) = (below(has(row + 1, column)), below(has(row, column + 1)));
                    let filled = ((from.0, from.1 - above), (to.0 + right, to.1));
                    canvas.fill(filled.0, filled.1, colour(*value))?;
                    if self.outlined && self.rows.get(row) == self.columns.get(column) {
                        let side = (to.0 - from.0).min(to.1 - from.1);
                        let width = (OUTLINE * scale).min(side / 4);
                        // Inside, where it is not taken for an edge of the cell.
                        let inset = width / 2;
                        let corners = (
                            (from.0 + inset, from.1 + inset),
                            (to.0 - inset, to.1 - inset),
                        );
                        let colour = if *value > DARK { WHITE } else { BLACK };
                        canvas.outline(corners, width, colour)?;
                    }
                }
            }
            canvas.frame(place, &labels)?;
        }
        let bar = Place {
            left: self.left() + columns * (SIDE + GAP.0) - GAP.0 + 24,
            top: self.top(),
            width: BAR,
            height: rows * (SIDE + GAP.1) - GAP.1,
        };
        let ticks: Vec<Tick> = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
            .map(|value| (value, format!("{value:.1}")))
            .into();
        canvas.colour_bar(bar, &ticks, &self.value_label, colour)?;
        Ok(())
    }
}

/// A tick in the middle of each cell, as many as there is room for.
fn ticks(names: &[String]) -> Vec<Tick> {
    let room = (SIDE / LABEL_WIDTH) as usize;
    let step = names.len().div_ceil(room.max(1)).max(1);
    let place = |index: usize| (index as f64 + 0.5) / names.len() as f64;
    (0..names.len())
        .step_by(step)
        .map(|index| (place(index), names[index].clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Formats;

    fn figure(panels: usize, orders: usize) -> HeatMaps {
        let names: Vec<String> = (0..orders).map(|order| order.to_string()).collect();
        let row = |row: usize| (0..orders).map(move |column| Some(f64::from(row == column)));
        HeatMaps {
            style: FigureStyle::Screen,
            title: "A title".to_owned(),
            x_label: "Order".to_owned(),
            y_label: "True order".to_owned(),
            value_label: "q(K)".to_owned(),
            columns: names.clone(),
            rows: names,
            outlined: true,
            panels: (0..panels)
                .map(|panel| HeatMap {
                    title: format!("Panel {panel}"),
                    values: (0..orders).map(|index| row(index).collect()).collect(),
                })
                .collect(),
            across: 3,
        }
    }

    #[test]
    fn draws_any_number_of_panels_and_orders() {
        for (panels, orders) in [(0, 0), (1, 1), (4, 7), (13, 40)] {
            let figure = figure(panels, orders);
            let svg = String::from_utf8(figure.svg().unwrap()).unwrap();
            assert_eq!(svg.matches("Panel").count(), panels);
            assert!(figure.png().unwrap().starts_with(b"\x89PNG"));
        }
    }

    #[test]
    fn only_what_is_meant_is_outlined() {
        let rectangles = |figure: &HeatMaps| {
            let svg = String::from_utf8(figure.svg().unwrap()).unwrap();
            svg.matches("<rect ").count()
        };
        let outlined = figure(2, 5);
        let plain = HeatMaps {
            outlined: false,
            ..outlined.clone()
        };
        assert_eq!(rectangles(&outlined), rectangles(&plain) + 2 * 5 * 4);
    }

    #[test]
    fn a_title_that_is_longer_than_the_panels_are_wide_has_room() {
        let long = HeatMaps {
            title: "W".repeat(80),
            ..figure(1, 3)
        };
        let (short, long) = (figure(1, 3), long);
        // The advance of a W of DejaVu Sans is 2025 of 2048 units, an em at size 14 11.29 pixels.
        let title = 80.0 * 11.29 * 2025.0 / 2048.0;
        assert!(f64::from(long.size().0) >= title && long.size().1 == short.size().1);
        // What is around the panels stays as far from them.
        let right = |it: &HeatMaps| it.size().0 as i32 - it.place(0).left;
        let grown = (long.size().0 - short.size().0) as i32;
        assert!((right(&long) - right(&short) - grown / 2).abs() <= 1);
    }

    #[test]
    fn labels_are_thinned_where_there_is_no_room() {
        assert_eq!(ticks(&figure(1, 7).rows).len(), 7);
        let many = ticks(&figure(1, 40).rows);
        assert!(many.len() <= 7 && many[0].1 == "0", "{many:?}");
    }
}
