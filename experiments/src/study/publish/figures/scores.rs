//! The scores of the methods, and what they gain over selection, over the ratios or a swept value.

use toml::Value;

use super::axis_titles::axis_title;
use crate::config::{Axis, FigureStyle, Kind, number};
use crate::figures::{Curve, CurveChart, LegendPlace, Point, Scale, Stack, Style, title};
use crate::study::design::{Study, text};
use crate::study::estimate::Candidate;
use crate::study::methods::Method;
use crate::study::scores::Metric;
use crate::study::statistics::{Column, Mean, Summary};

/// Most curves whose names leave room among them on the screen.
const MOST_INSIDE: usize = 8;

/// Heights of charts in pixels: of scores, and of the differences below them.
fn heights(style: FigureStyle) -> (u32, u32) {
    match style {
        FigureStyle::Screen => (540, 380),
        FigureStyle::Paper => (400, 250),
    }
}

/// How many figures of scores there are: one for each combination of the values of the axes after
/// the first.
pub(super) fn combinations(study: &Study<'_>) -> usize {
    first_axis(study).map_or(1, |axis| study.cases.len() / axis.settings().len())
}

/// The name of one of these.
pub(super) fn name(study: &Study<'_>, combination: usize) -> String {
    let name = match study.config.kind() {
        Kind::Table1 => "fig1",
        Kind::Sweep => "sweep",
        Kind::Realmix => "realmix",
    };
    match combinations(study) {
        1 => name.to_owned(),
        _ => format!("{name}_{}", combination + 1),
    }
}

/// The SDR of the methods, and below what they gain over selection: over the ratios for one case
/// (Fig. 1), else over the first axis.
pub(super) fn scores(
    study: &Study<'_>,
    summary: &Summary,
    combination: usize,
    style: FigureStyle,
) -> Stack {
    let Some(axis) = first_axis(study) else {
        let mut charts = vec![over_ratios(summary, study, style)];
        charts.extend(gains_over_ratios(summary, study, style));
        return Stack(charts);
    };
    // The first axis runs slowest: cases of one combination of the others are this far apart.
    let cases = (combination..study.cases.len()).step_by(combinations(study));
    let cases: Vec<usize> = cases.collect();
    let mut charts = vec![over_axis(summary, study, axis, &cases, style)];
    charts.extend(gains_over_axis(summary, study, axis, &cases, style));
    Stack(charts)
}

fn first_axis<'a>(study: &Study<'a>) -> Option<&'a Axis> {
    study.config.sweep.as_ref()?.axis.first()
}

/// What points and bars are, if there are bars.
fn describe_bars(summary: &Summary, study: &Study<'_>) -> String {
    let (unit, units) = study.unit.names();
    let most = summary.means.iter().map(|it| it.mean.units).max();
    match most.unwrap_or_default() {
        1 => format!("1 {unit}"),
        count if summary.means.iter().any(|it| it.mean.interval.is_some()) => {
            format!("means over {count} {units}, bars: 95 % intervals")
        }
        count => format!("means over {count} {units}"),
    }
}

fn over_ratios(summary: &Summary, study: &Study<'_>, style: FigureStyle) -> CurveChart {
    let columns = summary.columns(0);
    let points = |candidate| {
        let at = |&column: &Column| match column {
            Column::Snr(snr_db) => point(snr_db, summary.mean(0, candidate, Metric::Sdr, column)?),
            Column::Average => None,
        };
        columns.iter().filter_map(at).collect()
    };
    let curves = curves(study, points);
    let corpus = study.config.corpus.kind.name();
    let text = format!("Corpus: {corpus}; {}", describe_bars(summary, study));
    CurveChart {
        style,
        height: heights(style).0,
        title: title(style, text),
        x_label: "SNR (dB)".to_owned(),
        scale: Scale::Linear,
        legend: match style {
            FigureStyle::Screen if curves.len() <= MOST_INSIDE => LegendPlace::Inside,
            FigureStyle::Screen | FigureStyle::Paper => LegendPlace::Above,
        },
        y_label: "SDR (dB)".to_owned(),
        apart: false,
        curves,
    }
}

/// What the methods gain over VB selection on the same mixtures; none where nothing is compared
/// with it.
fn gains_over_ratios(
    summary: &Summary,
    study: &Study<'_>,
    style: FigureStyle,
) -> Option<CurveChart> {
    let columns = summary.columns(0);
    let baseline = Candidate::Method(Method::VbSelection);
    let points = |candidate| {
        let at = |&column: &Column| match column {
            Column::Snr(snr_db) if candidate == baseline => Some(Point {
                x: snr_db,
                mean_db: 0.0,
                interval_db: None,
            }),
            Column::Snr(snr_db) => {
                let gain = summary.difference(0, candidate, baseline, column)?;
                point(snr_db, &gain.mean)
            }
            Column::Average => None,
        };
        columns.iter().filter_map(at).collect()
    };
    let x_axis = ("SNR (dB)".to_owned(), Scale::Linear);
    gains(style, x_axis, curves(study, points))
}

/// A chart of differences to VB selection, if there are any.
fn gains(
    style: FigureStyle,
    (x_label, scale): (String, Scale),
    mut curves: Vec<Curve>,
) -> Option<CurveChart> {
    curves.retain(|curve| !curve.points.is_empty());
    (curves.len() > 1).then(|| CurveChart {
        style,
        height: heights(style).1,
        title: title(style, "Paired differences on the same mixtures"),
        x_label,
        scale,
        legend: LegendPlace::Elsewhere,
        y_label: match style {
            FigureStyle::Screen => "Gain over VB selection (dB)",
            FigureStyle::Paper => "Gain (dB)",
        }
        .to_owned(),
        apart: true,
        curves,
    })
}

/// The scale of an axis of a sweep, and the places of its values.
fn places(axis: &Axis) -> (Scale, Vec<f64>) {
    let settings = axis.settings();
    let values: Vec<&Value> = settings.iter().map(|setting| &setting[0]).collect();
    let numbers: Option<Vec<f64>> = values.iter().map(|value| number(value)).collect();
    match numbers {
        Some(numbers) if axis.is_logarithmic() => (Scale::Log, numbers),
        Some(numbers) => (Scale::Linear, numbers),
        None => {
            let names = values.iter().map(|value| text(value).replace('_', " "));
            let places = (0..values.len()).map(|place| place as f64);
            (Scale::Categories(names.collect()), places.collect())
        }
    }
}

/// `cases`: their positions, along the axis.
fn over_axis(
    summary: &Summary,
    study: &Study<'_>,
    axis: &Axis,
    cases: &[usize],
    style: FigureStyle,
) -> CurveChart {
    let (scale, places) = places(axis);
    let points = |candidate| {
        let at = |(&place, &case): (&f64, &usize)| {
            point(
                place,
                summary.mean(case, candidate, Metric::Sdr, Column::Average)?,
            )
        };
        places.iter().zip(cases).filter_map(at).collect()
    };
    let others = study.cases[cases[0]]
        .values
        .iter()
        .skip(axis.all_keys().len());
    let fixed = others.map(|(key, value)| format!("{key} = {}; ", text(value)));
    let bars = describe_bars(summary, study);
    let corpus = study.config.corpus.kind.name();
    let said = format!("{}Corpus: {corpus}; {bars}", fixed.collect::<String>());
    CurveChart {
        style,
        height: heights(style).0,
        title: title(style, said),
        x_label: axis_title(axis),
        scale,
        legend: LegendPlace::Above,
        y_label: "SDR (dB)".to_owned(),
        apart: false,
        curves: curves(study, points),
    }
}

/// What the methods gain over VB selection, likewise; none where nothing is compared with it.
fn gains_over_axis(
    summary: &Summary,
    study: &Study<'_>,
    axis: &Axis,
    cases: &[usize],
    style: FigureStyle,
) -> Option<CurveChart> {
    let (scale, places) = places(axis);
    let points = |candidate| {
        let at = |(&place, &case): (&f64, &usize)| {
            if candidate == Candidate::Method(Method::VbSelection) {
                return Some(Point {
                    x: place,
                    mean_db: 0.0,
                    interval_db: None,
                });
            }
            let average = Column::Average;
            let gain = summary.difference(case, candidate, Method::VbSelection, average)?;
            point(place, &gain.mean)
        };
        places.iter().zip(cases).filter_map(at).collect()
    };
    let curves = curves(study, points);
    gains(style, (axis_title(axis), scale), curves)
}

/// A curve for each method, those of other programs last.
fn curves(study: &Study<'_>, points: impl Fn(Candidate) -> Vec<Point>) -> Vec<Curve> {
    let curve = |candidate: Candidate, style| {
        let mut points = points(candidate);
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        Curve {
            label: candidate.label().into_owned(),
            style,
            points,
        }
    };
    let methods = study.methods.iter();
    let own = methods.map(|&method| curve(Candidate::Method(method), Style::from_method(method)));
    let foreign = study.foreign_candidates().enumerate();
    let foreign = foreign.map(|(position, it)| curve(it, Style::from_foreign_position(position)));
    own.chain(foreign).collect()
}

fn point(x: f64, mean: &Mean) -> Option<Point> {
    Some(Point {
        x,
        mean_db: mean.mean?,
        interval_db: mean.interval,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn many_names_stand_above_the_curves_and_few_among_them() {
        let config = Config::default();
        let mut study = Study::new(&config).unwrap();
        let mut place = |count, style| {
            study.methods = vec![Method::VbFusion; count];
            over_ratios(&Summary::default(), &study, style).legend
        };
        assert_eq!(place(8, FigureStyle::Screen), LegendPlace::Inside);
        assert_eq!(place(9, FigureStyle::Screen), LegendPlace::Above);
        assert_eq!(place(2, FigureStyle::Paper), LegendPlace::Above);
    }
}
