//! Curves of the methods over the signal-to-noise ratio (Fig. 1) or over a swept value, with their
//! intervals.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;

use super::axes::{Axes, Axis, Scale};
use super::curve::{Curve, Point};
use super::legend::{self, LegendEntry};
use super::plot::{COLUMN, FONT, GREY, GRID, Plot, TextSizes, register_fonts};
use super::style::Style;
use crate::config::FigureStyle;

/// Width in pixels on the screen.
const WIDTH: u32 = 760;
/// How far curves that stand apart do so: a part of the axis, or of a category.
const APART: f64 = 0.011;
const APART_IN_CATEGORY: f64 = 0.12;

/// Where the legend is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LegendPlace {
    /// Among the curves, at the upper left, where rising curves are not.
    Inside,
    /// Above the axes, in a row.
    Above,
    /// In another chart of the figure.
    Elsewhere,
}

/// Curves on common axes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CurveChart {
    /// What it is made for.
    pub(crate) style: FigureStyle,
    /// In pixels.
    pub(crate) height: u32,
    /// A line above the axes; none if empty.
    pub(crate) title: String,
    /// Label of the horizontal axis, with its unit.
    pub(crate) x_label: String,
    /// Scale of the horizontal axis.
    pub(crate) scale: Scale,
    /// Where the legend is.
    pub(crate) legend: LegendPlace,
    /// Label of the vertical axis, with its unit.
    pub(crate) y_label: String,
    /// Whether the curves stand a little apart, so that the intervals of a point do not cover each
    /// other: for flat ones only, as a steep line moved sideways would look like a better one.
    pub(crate) apart: bool,
    /// The curves, in the order of the legend.
    pub(crate) curves: Vec<Curve>,
}

impl Plot for CurveChart {
    fn size(&self) -> (u32, u32) {
        let width = match self.style {
            FigureStyle::Screen => WIDTH,
            FigureStyle::Paper => COLUMN,
        };
        (width, self.height)
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
        let axes = Axes::fit(&self.curves, &self.scale);
        let categories = matches!(self.scale, Scale::Categories(_));
        let shift = match (categories, self.apart) {
            (true, _) => APART_IN_CATEGORY,
            (false, true) => APART * (axes.x.range.1 - axes.x.range.0),
            (false, false) => 0.0,
        };
        let sizes = TextSizes::from_style(self.style);
        let text = |size: u32| (FONT, size * scale).into_font();
        area.fill(&WHITE)?;
        let body = match self.legend {
            LegendPlace::Inside | LegendPlace::Elsewhere => area.clone(),
            LegendPlace::Above => {
                legend::draw_above(area, &self.title, &self.curves, (sizes, scale))?
            }
        };
        let mut builder = ChartBuilder::on(&body);
        if self.legend != LegendPlace::Above && !self.title.is_empty() {
            builder.caption(&self.title, text(sizes.small).color(&GREY));
        }
        let tick = |x: &f64| self.scale.tick(*x);
        let mut chart = builder
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
            .x_desc(&self.x_label)
            .x_label_formatter(&tick)
            .y_desc(&self.y_label)
            .label_style(text(sizes.normal))
            .axis_desc_style(text(sizes.normal))
            .set_all_tick_mark_size(5 * scale)
            .draw()?;

        for (index, curve) in self.curves.iter().enumerate() {
            let shift = shift * (index as f64 - 0.5 * (self.curves.len() as f64 - 1.0));
            let place = |point: &Point| self.scale.place(point.x) + shift;
            let points: Vec<(f64, &Point)> = curve.points.iter().map(|p| (place(p), p)).collect();
            draw_intervals(&mut chart, curve.style, &points, scale)?;
            if !categories {
                draw_line(&mut chart, curve, &points, scale)?;
            }
            draw_markers(&mut chart, curve.style, &points, scale)?;
        }
        if self.legend != LegendPlace::Inside {
            return Ok(());
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .margin(14 * scale)
            .legend_area_size(52 * scale)
            .label_font(text(sizes.normal))
            .background_style(WHITE.mix(0.85))
            .border_style(GRID.stroke_width(scale))
            .draw()?;
        Ok(())
    }
}

type Chart<'a, B> = ChartContext<'a, B, Cartesian2d<Axis, Axis>>;

/// The intervals of a curve.
fn draw_intervals<'a, B>(
    chart: &mut Chart<'a, B>,
    style: Style,
    points: &[(f64, &Point)],
    scale: u32,
) -> Result<()>
where
    B: DrawingBackend + 'a,
    B::ErrorType: 'static,
{
    let thin = style.colour.mix(0.55).stroke_width(scale);
    let cap = 3 * scale as i32;
    let intervals = points
        .iter()
        .filter_map(|(x, point)| Some((*x, point.interval_db?)));
    for (x, (low, high)) in intervals {
        chart.draw_series([PathElement::new([(x, low), (x, high)], thin)])?;
        let caps = [low, high]
            .map(|y| EmptyElement::at((x, y)) + PathElement::new([(-cap, 0), (cap, 0)], thin));
        chart.draw_series(caps)?;
    }
    Ok(())
}

/// The line of a curve, and its entry in a legend inside.
fn draw_line<'a, B>(
    chart: &mut Chart<'a, B>,
    curve: &Curve,
    points: &[(f64, &Point)],
    scale: u32,
) -> Result<()>
where
    B: DrawingBackend + 'a,
    B::ErrorType: 'static,
{
    let thick = curve.style.colour.stroke_width(curve.style.width * scale);
    let line = points.iter().map(|(x, point)| (*x, point.mean_db));
    let drawn = match curve.style.dash {
        None => chart.draw_series(LineSeries::new(line, thick))?,
        Some((on, off)) => {
            chart.draw_series(DashedLineSeries::new(line, on * scale, off * scale, thick))?
        }
    };
    let style = curve.style;
    drawn
        .label(&curve.label)
        .legend(move |at| LegendEntry::new(at, style, scale).into_dyn());
    Ok(())
}

fn draw_markers<'a, B>(
    chart: &mut Chart<'a, B>,
    style: Style,
    points: &[(f64, &Point)],
    scale: u32,
) -> Result<()>
where
    B: DrawingBackend + 'a,
    B::ErrorType: 'static,
{
    let outline = style.marker.outline(5.0 * f64::from(scale));
    let filled = style.colour.filled();
    chart.draw_series(points.iter().map(|(x, point)| {
        EmptyElement::at((*x, point.mean_db)) + Polygon::new(outline.clone(), filled)
    }))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Formats;
    use crate::study::methods::Method;

    fn chart(points: &[Point]) -> CurveChart {
        CurveChart {
            style: FigureStyle::Screen,
            height: 540,
            title: "A title".to_owned(),
            x_label: "SNR (dB)".to_owned(),
            scale: Scale::Linear,
            legend: LegendPlace::Inside,
            y_label: "SDR (dB)".to_owned(),
            apart: false,
            curves: Method::ALL
                .map(|method| Curve {
                    label: method.label().to_owned(),
                    style: Style::from_method(method),
                    points: points.to_vec(),
                })
                .into(),
        }
    }

    fn point(x: f64, mean_db: f64, interval_db: Option<(f64, f64)>) -> Point {
        Point {
            x,
            mean_db,
            interval_db,
        }
    }

    #[test]
    fn draws_whatever_there_is() {
        let several = [point(-6.0, -1.25, Some((-2.5, 0.5))), point(3.0, 4.0, None)];
        for points in [&several[..], &several[1..], &[]] {
            let chart = chart(points);
            let svg = String::from_utf8(chart.svg().unwrap()).unwrap();
            for method in Method::ALL {
                assert!(svg.contains(method.label()));
            }
            assert!(chart.png().unwrap().starts_with(b"\x89PNG"));
        }
    }

    #[test]
    fn draws_on_any_scale_with_the_legend_above() {
        let points = [
            point(1.0, -1.25, Some((-2.5, 0.5))),
            point(100.0, 4.0, None),
        ];
        let categories = [point(0.0, -1.25, Some((-2.5, 0.5))), point(1.0, 4.0, None)];
        let names = vec!["first".to_owned(), "second".to_owned()];
        for (scale, points, tick) in [
            (Scale::Log, &points, ">100<"),
            (Scale::Categories(names), &categories, "second"),
        ] {
            let mut chart = chart(points);
            chart.scale = scale;
            chart.legend = LegendPlace::Above;
            let svg = String::from_utf8(chart.svg().unwrap()).unwrap();
            let svg = svg.replace('\n', "");
            assert!(svg.contains(tick), "{tick}: {svg}");
            for method in Method::ALL {
                assert!(svg.contains(method.label()));
            }
        }
    }
}
