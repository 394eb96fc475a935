//! Free energies over iterations, the legend beside them.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axes::Axis;
use super::canvas::Canvas;
use super::colours::shade;
use super::legend::LegendEntry;
use super::plot::{FONT, GREY, GRID, Plot, register_fonts};
use crate::config::FigureStyle;

const SIZE: (u32, u32) = (760, 480);
/// Width of the legend.
const LEGEND: u32 = 150;
/// The first iterations climb so far that nothing else would be seen: the axis begins where this
/// part of them is over.
const LEFT_OUT: f64 = 0.3;
const DASHES: [Option<(u32, u32)>; 3] = [None, Some((10, 4)), Some((3, 4))];

/// One trace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trace {
    /// Name in the legend.
    pub(crate) label: String,
    /// Whether it stands out.
    pub(crate) emphasised: bool,
    /// Value after each iteration.
    pub(crate) values: Vec<f64>,
}

/// Traces over the same iterations.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Traces {
    /// What it is made for.
    pub(crate) style: FigureStyle,
    /// A line above the axes; none if empty.
    pub(crate) title: String,
    /// Label of the vertical axis, with its unit.
    pub(crate) y_label: String,
    /// The traces, in the order of the legend.
    pub(crate) lines: Vec<Trace>,
}

impl Traces {
    fn axes(&self) -> (Axis, Axis) {
        let iterations = self.lines.iter().map(|line| line.values.len()).max();
        let iterations = iterations.unwrap_or_default().max(2);
        let settled = (iterations as f64 * LEFT_OUT).ceil() as usize;
        let values = || self.lines.iter().flat_map(|line| &line.values).copied();
        let low = self.lines.iter().filter_map(|line| {
            let first = settled.min(line.values.len().checked_sub(1)?);
            line.values[first..].iter().copied().reduce(f64::min)
        });
        let low = low.reduce(f64::min).unwrap_or_default();
        let high = values().reduce(f64::max).unwrap_or(1.0);
        let spread = (high - low).max(1e-9 * high.abs()).max(f64::MIN_POSITIVE);
        let step = choose_step(spread, 7.0);
        let (bottom, top) = ((low / step).floor(), (high / step).floor() + 1.0);
        let x_step = choose_whole_step(iterations);
        let x = Axis {
            range: (1.0, iterations as f64),
            ticks: (0..=iterations / x_step)
                .map(|tick| ((tick * x_step).max(1)) as f64)
                .collect(),
        };
        let y = Axis {
            range: (bottom * step, top * step),
            ticks: (0..=(top - bottom) as usize)
                .map(|tick| (bottom + tick as f64) * step)
                .collect(),
        };
        (x, y)
    }
}

impl Plot for Traces {
    fn size(&self) -> (u32, u32) {
        SIZE
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
        let text = |size: u32| (FONT, size * scale).into_font();
        let (x, y) = self.axes();
        let bottom = y.range.0;
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(area)
            .margin(14 * scale)
            .margin_top(if self.title.is_empty() { 14 } else { 48 } * scale)
            .margin_right(LEGEND * scale)
            .x_label_area_size(50 * scale)
            .y_label_area_size(84 * scale)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID.stroke_width(scale))
            .light_line_style(TRANSPARENT)
            .axis_style(GREY.stroke_width(scale))
            .x_desc("Iteration")
            .y_desc(&self.y_label)
            .label_style(text(15))
            .axis_desc_style(text(16))
            .set_all_tick_mark_size(5 * scale)
            .draw()?;
        let canvas = Canvas {
            area,
            scale: scale as i32,
        };
        let anchor = Pos::new(HPos::Center, VPos::Top);
        if !self.title.is_empty() {
            canvas.text(&self.title, (SIZE.0 as i32 / 2, 14), 15, anchor)?;
        }
        let left = (SIZE.0 - LEGEND) as i32 + 12;
        for (index, line) in self.lines.iter().enumerate() {
            let (stroke, dash) = self.look(index, scale);
            let points = above(&line.values, bottom);
            match dash {
                None => chart.draw_series(LineSeries::new(points, stroke))?,
                Some((on, off)) => {
                    chart.draw_series(DashedLineSeries::new(points, on, off, stroke))?
                }
            };
            let height = 56 + 26 * index as i32;
            area.draw(&LegendEntry {
                at: [canvas.pixels((left, height))],
                dash,
                stroke,
                marker: Vec::new(),
                length: 34 * scale as i32,
            })?;
            let anchor = Pos::new(HPos::Left, VPos::Center);
            canvas.text(&line.label, (left + 42, height), 14, anchor)?;
        }
        Ok(())
    }
}

impl Traces {
    /// The emphasised trace is thick and orange; the others go from dark to light.
    fn look(&self, index: usize, scale: u32) -> (ShapeStyle, Option<(u32, u32)>) {
        if self.lines[index].emphasised {
            return (RGBColor(213, 94, 0).stroke_width(3 * scale), None);
        }
        let others = self.lines.iter().filter(|line| !line.emphasised).count();
        let colour = shade(0.02 + 0.5 * index as f64 / others.max(2) as f64);
        let dash = DASHES[index % DASHES.len()].map(|(on, off)| (on * scale, off * scale));
        (colour.stroke_width(2 * scale), dash)
    }
}

/// The points of a trace from where it comes above the axis.
fn above(values: &[f64], bottom: f64) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    let mut before: Option<(f64, f64)> = None;
    for (index, &value) in values.iter().enumerate() {
        let iteration = (index + 1) as f64;
        if value >= bottom {
            if let (Some((x, y)), true) = (before, points.is_empty()) {
                // Where it crosses the axis.
                points.push((x + (iteration - x) * (bottom - y) / (value - y), bottom));
            }
            points.push((iteration, value));
        }
        before = Some((iteration, value));
    }
    points
}

/// The smallest round step that fits into `spread` at most `most` times.
fn choose_step(spread: f64, most: f64) -> f64 {
    let magnitude = 10.0_f64.powf((spread / most).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * magnitude);
    let fits = |step: &f64| spread / step <= most;
    steps.into_iter().find(fits).unwrap_or(10.0 * magnitude)
}

fn choose_whole_step(count: usize) -> usize {
    (choose_step(count as f64, 8.0).round() as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(values: &[f64]) -> Traces {
        Traces {
            style: FigureStyle::Screen,
            title: "A title".to_owned(),
            y_label: "Free energy".to_owned(),
            lines: ["one", "two"]
                .map(|label| Trace {
                    label: label.to_owned(),
                    emphasised: label == "two",
                    values: values.to_vec(),
                })
                .into(),
        }
    }

    #[test]
    fn draws_whatever_there_is() {
        for values in [&[][..], &[3.0], &[5.0, 5.0], &[-1e9, -70.0, -65.0, -64.5]] {
            let svg = String::from_utf8(figure(values).svg().unwrap()).unwrap();
            assert!(svg.contains("one") && svg.contains("two"));
            assert!(figure(values).png().unwrap().starts_with(b"\x89PNG"));
        }
    }

    #[test]
    fn a_trace_enters_where_it_crosses_the_axis() {
        assert_eq!(
            above(&[-10.0, 10.0, 20.0], 0.0),
            [(1.5, 0.0), (2.0, 10.0), (3.0, 20.0)]
        );
        assert_eq!(above(&[1.0, 2.0], 0.0), [(1.0, 1.0), (2.0, 2.0)]);
    }

    #[test]
    fn the_first_climb_is_left_out() {
        let mut values = vec![-1e9];
        values.extend((1..20).map(|iteration| -10.0 / f64::from(iteration)));
        let (_, y) = figure(&values).axes();
        assert!(y.range.0 > -20.0 && y.range.1 > -0.5, "{:?}", y.range);
    }
}
