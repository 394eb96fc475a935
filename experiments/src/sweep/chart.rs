//! The figure of a sweep: the SDR, averaged over the ratios, over the first axis; one figure for each combination of the
//! other axes. Without an axis, the SDR over the ratios.

use toml::Value;

use super::Design;
use super::points::text;
use super::statistics::SweepSummary;
use crate::config::Axis;
use crate::figures::{Curve, CurveChart, LegendPlace, Point, Scale, Style};
use crate::metric::Metric;
use crate::summary::Column;

/// Names and figures: `sweep`, or `sweep_1`, `sweep_2`, … where there are several.
pub(super) fn figures(design: &Design<'_>, summary: &SweepSummary) -> Vec<(String, CurveChart)> {
    let Some(axis) = design.sweep.axis.first() else {
        return vec![("sweep".to_owned(), over_ratios(design, summary))];
    };
    // The first axis runs slowest: points of one combination of the others are this far apart.
    let combinations = design.points.len() / axis.settings().len();
    (0..combinations)
        .map(|combination| {
            let points: Vec<usize> = (combination..design.points.len())
                .step_by(combinations)
                .collect();
            let name = match combinations {
                1 => "sweep".to_owned(),
                _ => format!("sweep_{}", combination + 1),
            };
            (name, over_axis(design, summary, axis, &points))
        })
        .collect()
}

/// `points`: their numbers, along the axis.
fn over_axis(
    design: &Design<'_>,
    summary: &SweepSummary,
    axis: &Axis,
    points: &[usize],
) -> CurveChart {
    let settings = axis.settings();
    let values: Vec<&Value> = settings.iter().map(|setting| &setting[0]).collect();
    let numbers: Option<Vec<f64>> = values.iter().map(|value| number(value)).collect();
    let (scale, places) = match numbers {
        Some(numbers) if axis.is_logarithmic() => (Scale::Log, numbers),
        Some(numbers) => (Scale::Linear, numbers),
        None => {
            let names = values.iter().map(|value| text(value).replace('_', " "));
            let places = (0..values.len()).map(|place| place as f64);
            (Scale::Categories(names.collect()), places.collect())
        }
    };
    let at = |place: f64, point: usize, method| {
        let mean = summary.mean(point, method, Metric::Sdr, Column::Average)?;
        Some(Point {
            x: place,
            mean_db: mean.mean?,
            interval_db: mean.interval,
        })
    };
    let others: Vec<String> = design.points[points[0]]
        .values
        .iter()
        .skip(axis.all_keys().len())
        .map(|(key, value)| format!("{key} = {}", text(value)))
        .collect();
    figure(
        design,
        &others.join(", "),
        axis.all_keys().join(", "),
        scale,
        |method| {
            let places = places.iter().zip(points);
            let points = places.filter_map(|(&place, &point)| at(place, point, method));
            points.collect()
        },
    )
}

fn over_ratios(design: &Design<'_>, summary: &SweepSummary) -> CurveChart {
    let ratios = &design.config.mixtures.snr_db;
    figure(design, "", "SNR (dB)".to_owned(), Scale::Linear, |method| {
        let at = |&snr_db: &f64| {
            let mean = summary.mean(0, method, Metric::Sdr, Column::Snr(snr_db))?;
            Some(Point {
                x: snr_db,
                mean_db: mean.mean?,
                interval_db: mean.interval,
            })
        };
        ratios.iter().filter_map(at).collect()
    })
}

fn figure(
    design: &Design<'_>,
    fixed: &str,
    x_label: String,
    scale: Scale,
    points: impl Fn(crate::method::Method) -> Vec<Point>,
) -> CurveChart {
    let curves = design.methods.iter().map(|&method| {
        let mut points = points(method);
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        Curve {
            label: method.label().to_owned(),
            style: Style::from_method(method),
            points,
        }
    });
    let corpus = format!("{:?}", design.config.corpus.kind).to_lowercase();
    let bars = match design.seeds.len() {
        1 => "1 seed".to_owned(),
        2 => "means over 2 seeds".to_owned(),
        seeds => format!("means over {seeds} seeds, bars: 95 % intervals"),
    };
    let fixed = match fixed {
        "" => String::new(),
        fixed => format!("{fixed}; "),
    };
    CurveChart {
        title: format!("{fixed}corpus: {corpus}; {bars}"),
        x_label,
        scale,
        y_label: "SDR (dB)".to_owned(),
        legend: LegendPlace::Above,
        curves: curves.collect(),
    }
}

fn number(value: &Value) -> Option<f64> {
    let integer = || value.as_integer().map(|integer| integer as f64);
    value.as_float().or_else(integer)
}
