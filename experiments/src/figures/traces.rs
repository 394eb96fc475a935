//! Free energies over iterations, each trace named at its end.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axes::Axis;
use super::colours::shade;
use super::labels::spread;
use super::legend::draw_title;
use super::plot::{COLUMN, FONT, GREY, GRID, Plot, TextSizes, register_fonts};
use super::style::Style;
use crate::config::FigureStyle;

/// The first iterations climb so far that nothing else would be seen: the axis begins where this
/// part of them is over,
const LEFT_OUT: f64 = 0.3;
/// but no further below the lowest end than this many times the distance of all ends.
const MOST_SPREADS: f64 = 3.0;
const DASHES: [Option<(u32, u32)>; 3] = [None, Some((10, 4)), Some((3, 4))];
/// From the end of a trace to its name, in pixels.
const LEADER: i32 = 22;
/// Between the names of two traces, from middle to middle.
const LINE: u32 = 18;

/// One trace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trace {
    /// Name at its end.
    pub(crate) label: String,
    /// That of its method; traces without go from dark to light.
    pub(crate) look: Option<Style>,
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
    /// The traces.
    pub(crate) lines: Vec<Trace>,
}

impl Traces {
    fn axes(&self) -> (Axis, Axis) {
        let iterations = self.lines.iter().map(|line| line.values.len()).max();
        let iterations = iterations.unwrap_or_default().max(2);
        let settled = (iterations as f64 * LEFT_OUT).ceil() as usize;
        let values = || self.lines.iter().flat_map(|line| &line.values).copied();
        let ends = || {
            self.lines
                .iter()
                .filter_map(|line| line.values.last().copied())
        };
        let low = self.lines.iter().filter_map(|line| {
            let first = settled.min(line.values.len().checked_sub(1)?);
            line.values[first..].iter().copied().reduce(f64::min)
        });
        let low = low.reduce(f64::min).unwrap_or_default();
        let high = values().reduce(f64::max).unwrap_or(1.0);
        let lowest_end = ends().reduce(f64::min).unwrap_or_default();
        let distance = ends().reduce(f64::max).unwrap_or_default() - lowest_end;
        let low = match distance > 0.0 {
            true => low.max(lowest_end - MOST_SPREADS * distance),
            false => low,
        };
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

    /// The line of a trace and its dashes.
    fn look(&self, index: usize, scale: u32) -> (ShapeStyle, Option<(u32, u32)>) {
        let scaled = |dash: Option<(u32, u32)>| dash.map(|(on, off)| (on * scale, off * scale));
        if let Some(look) = self.lines[index].look {
            let stroke = look.colour.stroke_width((look.width + 1) * scale);
            return (stroke, scaled(look.dash));
        }
        let others = self.lines.iter().filter(|line| line.look.is_none()).count();
        let colour = shade(0.02 + 0.5 * index as f64 / others.max(2) as f64);
        let dash = scaled(DASHES[index % DASHES.len()]);
        (colour.stroke_width(2 * scale), dash)
    }
}

impl Plot for Traces {
    fn size(&self) -> (u32, u32) {
        match self.style {
            FigureStyle::Screen => (760, 480),
            FigureStyle::Paper => (COLUMN, 320),
        }
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
        let sizes = TextSizes::from_style(self.style);
        let text = |size: u32| (FONT, size * scale).into_font();
        let name = text(sizes.normal)
            .color(&BLACK)
            .pos(Pos::new(HPos::Left, VPos::Center));
        let widths = self.lines.iter().map(|line| {
            let size = area.estimate_text_size(&line.label, &name);
            size.map_or(0, |(width, _)| width)
        });
        let names = widths.max().unwrap_or_default();
        let (x, y) = self.axes();
        let (iterations, (bottom, top)) = (x.range.1, y.range);
        area.fill(&WHITE)?;
        let body = draw_title(area, &self.title, sizes, scale)?;
        let mut chart = ChartBuilder::on(&body)
            .margin(14 * scale)
            .margin_right(names + (LEADER as u32 + 12) * scale)
            .x_label_area_size(50 * scale)
            .y_label_area_size(78 * scale)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID.stroke_width(scale))
            .light_line_style(TRANSPARENT)
            .axis_style(GREY.stroke_width(scale))
            .x_desc("Iteration")
            .y_desc(&self.y_label)
            .label_style(text(sizes.normal))
            .axis_desc_style(text(sizes.normal))
            .set_all_tick_mark_size(5 * scale)
            .draw()?;
        for (index, line) in self.lines.iter().enumerate() {
            let (stroke, dash) = self.look(index, scale);
            let points = above(&line.values, bottom);
            match dash {
                None => chart.draw_series(LineSeries::new(points, stroke))?,
                Some((on, off)) => {
                    chart.draw_series(DashedLineSeries::new(points, on, off, stroke))?
                }
            };
        }
        // In pixels of the whole surface, of which `area` is a part.
        let (left, above) = area.get_base_pixel();
        let pixel = |at: (f64, f64)| {
            let (x, y) = chart.backend_coord(&at);
            (x - left, y - above)
        };
        let ends: Vec<(usize, (i32, i32))> = self
            .lines
            .iter()
            .enumerate()
            .filter_map(|(index, line)| {
                let end = (line.values.len() as f64, *line.values.last()?);
                Some((index, pixel(end)))
            })
            .collect();
        let wanted: Vec<f64> = ends.iter().map(|(_, (_, y))| f64::from(*y)).collect();
        let range = [top, bottom].map(|y| f64::from(pixel((iterations, y)).1));
        let places = spread(&wanted, f64::from(LINE * scale), range.into());
        let (right, _) = pixel((iterations, bottom));
        let leader = LEADER * scale as i32;
        for (&(index, (x, y)), place) in ends.iter().zip(places) {
            let (stroke, _) = self.look(index, scale);
            let thin = stroke.stroke_width(scale);
            let place = place.round() as i32;
            let gap = 3 * scale as i32;
            let line = [(x + gap, y), (right + leader - gap, place)];
            area.draw(&PathElement::new(line, thin))?;
            let label = self.lines[index].label.as_str();
            area.draw(&Text::new(label, (right + leader, place), name.clone()))?;
        }
        Ok(())
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
    use crate::figures::Formats;
    use crate::study::methods::Method;

    fn figure(values: &[f64]) -> Traces {
        Traces {
            style: FigureStyle::Screen,
            title: "A title".to_owned(),
            y_label: "Free energy".to_owned(),
            lines: ["first", "second"]
                .map(|label| Trace {
                    label: label.to_owned(),
                    look: (label == "second").then(|| Style::from_method(Method::VbFusion)),
                    values: values.to_vec(),
                })
                .into(),
        }
    }

    #[test]
    fn draws_whatever_there_is() {
        for values in [&[][..], &[3.0], &[5.0, 5.0], &[-1e9, -70.0, -65.0, -64.5]] {
            let svg = String::from_utf8(figure(values).svg().unwrap()).unwrap();
            // A trace is named at its end, if it has one.
            for name in ["first", "second"] {
                assert_eq!(svg.contains(name), !values.is_empty(), "{name}, {values:?}");
            }
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
