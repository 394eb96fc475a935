//! Curves over the signal-to-noise ratio with their intervals, as in Fig. 1.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;

use super::legend::Entry;
use super::{Axis, FONT, GREY, GRID, Plot, register_fonts};
use crate::style::Style;

/// Width and height in pixels.
const SIZE: (u32, u32) = (760, 540);

/// A mean with its interval, where there is one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Signal-to-noise ratio.
    pub snr_db: f64,
    /// Mean over the observations.
    pub mean_db: f64,
    /// Ends of the confidence interval.
    pub interval_db: Option<(f64, f64)>,
}

/// One method's points, by rising signal-to-noise ratio.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Name in the legend.
    pub label: String,
    /// Its look.
    pub style: Style,
    /// Its points.
    pub points: Vec<Point>,
}

/// A figure of curves over the signal-to-noise ratio.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// A line above the axes.
    pub title: String,
    /// Label of the vertical axis, with its unit.
    pub y_label: String,
    /// The curves, in the order of the legend.
    pub curves: Vec<Curve>,
}

impl Plot for Figure {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw<B>(&self, area: &DrawingArea<B, Shift>, scale: u32) -> Result<()>
    where
        B: DrawingBackend,
        B::ErrorType: 'static,
    {
        register_fonts()?;
        let axes = Axes::around(&self.curves);
        // The intervals of a point stand a little apart, so that they do not cover each other.
        let shift = 0.011 * (axes.x.range.1 - axes.x.range.0);
        let text = |size: u32| (FONT, size * scale).into_font();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, text(15).color(&GREY))
            .margin(14 * scale)
            .margin_right(22 * scale)
            .x_label_area_size(50 * scale)
            .y_label_area_size(62 * scale)
            .build_cartesian_2d(axes.x, axes.y)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID.stroke_width(scale))
            .light_line_style(TRANSPARENT)
            .axis_style(GREY.stroke_width(scale))
            .x_desc("SNR (dB)")
            .y_desc(&self.y_label)
            .label_style(text(16))
            .axis_desc_style(text(17))
            .set_all_tick_mark_size(5 * scale)
            .draw()?;

        for (index, curve) in self.curves.iter().enumerate() {
            let shift = shift * (index as f64 - 0.5 * (self.curves.len() as f64 - 1.0));
            draw_curve(&mut chart, curve, shift, scale)?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .margin(14 * scale)
            .legend_area_size(52 * scale)
            .label_font(text(16))
            .background_style(WHITE.mix(0.85))
            .border_style(GRID.stroke_width(scale))
            .draw()?;
        area.present()?;
        Ok(())
    }
}

type Chart<'a, B> = ChartContext<'a, B, Cartesian2d<Axis, Axis>>;

/// Intervals, line and markers of a curve. Only the intervals stand `shift` to the right: a steep line moved sideways
/// would look like a better one.
fn draw_curve<'a, B>(chart: &mut Chart<'a, B>, curve: &Curve, shift: f64, scale: u32) -> Result<()>
where
    B: DrawingBackend + 'a,
    B::ErrorType: 'static,
{
    let Style {
        colour,
        dash,
        marker,
    } = curve.style;
    let thin = colour.mix(0.55).stroke_width(scale);
    let thick = colour.stroke_width(2 * scale);
    let outline = marker.outline(5.0 * f64::from(scale));
    let cap = 3 * scale as i32;

    let intervals = curve
        .points
        .iter()
        .filter_map(|point| Some((point.snr_db + shift, point.interval_db?)));
    for (x, (low, high)) in intervals {
        chart.draw_series([PathElement::new([(x, low), (x, high)], thin)])?;
        let caps = [low, high]
            .map(|y| EmptyElement::at((x, y)) + PathElement::new([(-cap, 0), (cap, 0)], thin));
        chart.draw_series(caps)?;
    }
    let line = || {
        curve
            .points
            .iter()
            .map(|point| (point.snr_db, point.mean_db))
    };
    let drawn = match dash {
        None => chart.draw_series(LineSeries::new(line(), thick))?,
        Some((on, off)) => chart.draw_series(DashedLineSeries::new(
            line(),
            on * scale,
            off * scale,
            thick,
        ))?,
    };
    let legend_outline = outline.clone();
    drawn.label(&curve.label).legend(move |at| {
        Entry {
            at: [at],
            dash: dash.map(|(on, off)| (on * scale, off * scale)),
            stroke: thick,
            marker: legend_outline.clone(),
            length: 44 * scale as i32,
        }
        .into_dyn()
    });
    chart.draw_series(
        line().map(|at| EmptyElement::at(at) + Polygon::new(outline.clone(), colour.filled())),
    )?;
    Ok(())
}

/// The axes of a figure.
struct Axes {
    x: Axis,
    y: Axis,
}

impl Axes {
    /// Axes that hold all points and intervals: ticks at the measured ratios, and at round numbers upwards. Without
    /// points they are around zero.
    fn around(curves: &[Curve]) -> Self {
        let points = || curves.iter().flat_map(|curve| &curve.points);
        let mut ratios: Vec<f64> = points().map(|point| point.snr_db).collect();
        ratios.sort_by(f64::total_cmp);
        ratios.dedup();
        let first = ratios.first().copied().unwrap_or_default();
        let last = ratios.last().copied().unwrap_or_default();
        let margin = if last > first {
            0.06 * (last - first)
        } else {
            1.0
        };

        let ends = |point: &Point| point.interval_db.unwrap_or((point.mean_db, point.mean_db));
        let low = points().map(|point| ends(point).0.min(point.mean_db));
        let low = low.reduce(f64::min).unwrap_or_default();
        let high = points().map(|point| ends(point).1.max(point.mean_db));
        let high = high.reduce(f64::max).unwrap_or_default();
        let step = [1.0, 2.0, 5.0, 10.0, 20.0]
            .into_iter()
            .find(|step| (high - low) / step <= 9.0)
            .unwrap_or(50.0);
        let (bottom, top) = ((low / step).floor(), (high / step).floor() + 1.0);
        Self {
            x: Axis {
                range: (first - margin, last + margin),
                ticks: ratios,
            },
            y: Axis {
                range: (bottom * step, top * step),
                ticks: (bottom as i64..=top as i64)
                    .map(|tick| tick as f64 * step)
                    .collect(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use plotters::coord::ranged1d::ValueFormatter;

    use super::*;
    use crate::method::Method;
    use crate::style;

    fn figure(points: &[Point]) -> Figure {
        Figure {
            title: "A title".to_owned(),
            y_label: "SDR (dB)".to_owned(),
            curves: Method::TABLED
                .map(|method| Curve {
                    label: method.label().to_owned(),
                    style: style::of(method),
                    points: points.to_vec(),
                })
                .into(),
        }
    }

    fn point(snr_db: f64, mean_db: f64, interval_db: Option<(f64, f64)>) -> Point {
        Point {
            snr_db,
            mean_db,
            interval_db,
        }
    }

    #[test]
    fn draws_whatever_there_is() {
        let several = [point(-6.0, -1.25, Some((-2.5, 0.5))), point(3.0, 4.0, None)];
        for points in [&several[..], &several[1..], &[]] {
            let figure = figure(points);
            let svg = String::from_utf8(figure.svg().unwrap()).unwrap();
            for method in Method::TABLED {
                assert!(svg.contains(method.label()));
            }
            assert!(figure.png().unwrap().starts_with(b"\x89PNG"));
        }
    }

    #[test]
    fn axes_hold_all_points_and_intervals() {
        let axes = Axes::around(&figure(&[point(-6.0, -1.25, Some((-2.5, 0.5)))]).curves);
        assert!(axes.x.range.0 < -6.0 && axes.x.range.1 > -6.0);
        assert!(axes.y.range.0 <= -2.5 && axes.y.range.1 >= 0.5);
        assert_eq!(axes.x.ticks, [-6.0]);
        assert_eq!(axes.y.ticks, [-3.0, -2.0, -1.0, 0.0, 1.0]);
        assert_eq!(Axis::format(&-3.0), "\u{2212}3");
    }
}
