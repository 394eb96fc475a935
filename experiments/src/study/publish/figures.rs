//! What the figures of a study show.

use std::ops::Range;

use model::Tempering;
use ndarray::Array2;
use toml::Value;

use crate::config::{Axis, Config, FigureStyle, Kind, number};
use crate::figures::{
    Curve, CurveChart, HeatMap, HeatMaps, LegendPlace, Point, Scale, Spectrogram, Spectrograms,
    Stack, Style, Trace, Traces,
};
use crate::study::design::{Study, text};
use crate::study::estimate::{Candidate, Member, TrialResult};
use crate::study::examples::{Content, Example};
use crate::study::methods::Method;
use crate::study::scores::Metric;
use crate::study::statistics::{Column, Mean, Summary};
use crate::tables::caption::Caption;
use crate::tables::format::Format;

/// Heights of charts in pixels: of scores, and of the differences below them.
fn heights(style: FigureStyle) -> (u32, u32) {
    match style {
        FigureStyle::Screen => (540, 380),
        FigureStyle::Paper => (400, 250),
    }
}

/// A title for the screen; on paper, captions have what there is to say.
fn title(config: &Config, text: impl Into<String>) -> String {
    match config.figures.style {
        FigureStyle::Screen => text.into(),
        FigureStyle::Paper => String::new(),
    }
}

/// The figures of the SDR with their names, and below what the methods gain over selection: over
/// the ratios for one case (Fig. 1), else over the first axis, one for each combination of the
/// others.
pub(crate) fn scores(summary: &Summary, about: &Caption<'_>) -> Vec<(String, Stack)> {
    let study = about.study;
    let name = match study.config.kind() {
        Kind::Table1 => "fig1",
        Kind::Sweep => "sweep",
        Kind::Realmix => "realmix",
    };
    let axis = study
        .config
        .sweep
        .iter()
        .flat_map(|sweep| &sweep.axis)
        .next();
    let Some(axis) = axis else {
        let mut charts = vec![over_ratios(summary, about)];
        charts.extend(gains_over_ratios(summary, about));
        return vec![(name.to_owned(), Stack(charts))];
    };
    // The first axis runs slowest: cases of one combination of the others are this far apart.
    let combinations = study.cases.len() / axis.settings().len();
    (0..combinations)
        .map(|combination| {
            let cases: Vec<usize> = (combination..study.cases.len())
                .step_by(combinations)
                .collect();
            let name = match combinations {
                1 => name.to_owned(),
                _ => format!("{name}_{}", combination + 1),
            };
            let mut charts = vec![over_axis(summary, about, axis, &cases)];
            charts.extend(gains_over_axis(summary, about, axis, &cases));
            (name, Stack(charts))
        })
        .collect()
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

fn over_ratios(summary: &Summary, about: &Caption<'_>) -> CurveChart {
    let columns = summary.columns(0);
    let points = |candidate| {
        let at = |&column: &Column| match column {
            Column::Snr(snr_db) => point(snr_db, summary.mean(0, candidate, Metric::Sdr, column)?),
            Column::Average => None,
        };
        columns.iter().filter_map(at).collect()
    };
    let corpus = about.study.config.corpus.kind.name();
    let config = &about.study.config;
    let style = config.figures.style;
    let text = format!("Corpus: {corpus}; {}", describe_bars(summary, about.study));
    CurveChart {
        style,
        height: heights(style).0,
        title: title(config, text),
        x_label: "SNR (dB)".to_owned(),
        scale: Scale::Linear,
        legend: match style {
            FigureStyle::Screen => LegendPlace::Inside,
            FigureStyle::Paper => LegendPlace::Above,
        },
        y_label: "SDR (dB)".to_owned(),
        apart: false,
        curves: curves(about.study, points),
    }
}

/// What the methods gain over VB selection on the same mixtures; none where nothing is compared
/// with it.
fn gains_over_ratios(summary: &Summary, about: &Caption<'_>) -> Option<CurveChart> {
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
    gains(about, x_axis, curves(about.study, points))
}

/// A chart of differences to VB selection, if there are any.
fn gains(
    about: &Caption<'_>,
    (x_label, scale): (String, Scale),
    mut curves: Vec<Curve>,
) -> Option<CurveChart> {
    curves.retain(|curve| !curve.points.is_empty());
    let config = &about.study.config;
    let style = config.figures.style;
    (curves.len() > 1).then(|| CurveChart {
        style,
        height: heights(style).1,
        title: title(config, "Paired differences on the same mixtures"),
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

/// The title of an axis of a sweep, for people.
fn axis_title(axis: &Axis) -> String {
    let keys = axis.all_keys();
    let titles: Vec<String> = keys.iter().map(|key| key_title(key)).collect();
    titles.join(", ")
}

/// A key in words, with its unit.
fn key_title(key: &str) -> String {
    let fixed = match key {
        "model.beta" => "β (nats)",
        "model.kappa" => "κ (nats per bin and frame)",
        "model.activation_start" => "Start of the activations",
        "model.iterations" => "Iterations of a separation",
        "training.iterations" => "Iterations of a training",
        "mixtures.activation_shape" => "Shape of the activations that generate, b",
        "model.activation_shape" => "Shape of the activation prior, b",
        "model.dictionary_shape" => "Shape of the dictionary prior, a",
        _ => "",
    };
    if !fixed.is_empty() {
        return fixed.to_owned();
    }
    let (section, name) = key.split_once('.').unwrap_or(("", key));
    let units = [
        ("_db", " (dB)"),
        ("_hz", " (Hz)"),
        ("_seconds", " (s)"),
        ("_samples", " (samples)"),
    ];
    let unit = units.iter().find(|(ending, _)| name.ends_with(ending));
    let (name, unit) = match unit {
        Some((ending, unit)) => (name.strip_suffix(ending).unwrap_or(name), *unit),
        None => (name, ""),
    };
    let mut words = name.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!("{words}{unit}, {section}")
}

/// `cases`: their positions, along the axis.
fn over_axis(summary: &Summary, about: &Caption<'_>, axis: &Axis, cases: &[usize]) -> CurveChart {
    let study = about.study;
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
    let said = format!("{}corpus: {corpus}; {bars}", fixed.collect::<String>());
    let style = study.config.figures.style;
    CurveChart {
        style,
        height: heights(style).0,
        title: title(study.config, said),
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
    about: &Caption<'_>,
    axis: &Axis,
    cases: &[usize],
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
    let curves = curves(about.study, points);
    gains(about, (axis_title(axis), scale), curves)
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

/// The methods whose q(K) is drawn, and the names of the figures.
pub(crate) const ORDER_POSTERIORS: [(Method, &str); 2] = [
    (Method::VbFusion, "order_posterior"),
    (Method::StructuredFusion, "order_posterior_structured"),
];

/// q(K) of a fusion, a panel per signal-to-noise ratio: over the true order where mixtures are
/// drawn, averaged over the runs, else over the runs, averaged over the mixtures of each.
pub(crate) fn order_posterior(
    study: &Study<'_>,
    results: &[Vec<TrialResult>],
    method: Method,
) -> HeatMaps {
    let orders = &study.config.training.orders;
    let mut ratios = study.config.mixtures.snr_db.clone();
    ratios.sort_by(f64::total_cmp);
    let columns: Vec<String> = orders.iter().map(ToString::to_string).collect();
    // What a row is made of: the trials of some runs, and of one member if that is named.
    let rows: Vec<(Range<usize>, Option<Member>, String)> = match study.has_recordings() {
        false => {
            let all = 0..study.runs.len();
            let row = |&order| {
                (
                    all.clone(),
                    Some(Member::TrueOrder(order)),
                    order.to_string(),
                )
            };
            orders.iter().map(row).collect()
        }
        true => {
            let runs = study.runs.iter().enumerate();
            runs.map(|(position, run)| (position..position + 1, None, run.short_name()))
                .collect()
        }
    };
    let weights = |snr_db: f64, runs: Range<usize>, member: Option<Member>| {
        let is_meant = |result: &&TrialResult| {
            result.trial.snr_db.total_cmp(&snr_db).is_eq()
                && member.is_none_or(|member| member == result.trial.member)
        };
        let found: Vec<&Vec<f64>> = results[runs]
            .iter()
            .flatten()
            .filter(is_meant)
            .filter_map(|result| result.estimate(Candidate::Method(method)))
            .filter_map(|estimate| estimate.order_posterior.as_ref())
            .collect();
        let of_order = |order: usize| {
            let weights: Option<Vec<f64>> = found
                .iter()
                .map(|weights| weights.get(order).copied())
                .collect();
            let weights = weights.filter(|weights| !weights.is_empty())?;
            Some(weights.iter().sum::<f64>() / weights.len() as f64)
        };
        (0..orders.len())
            .map(of_order)
            .collect::<Vec<Option<f64>>>()
    };
    let (unit, units) = study.unit.names();
    let (y_label, averaged) = match study.has_recordings() {
        false if study.runs.len() > 1 => (
            "True order",
            format!("means over {units}; outlined: the true order"),
        ),
        false => ("True order", "outlined: the true order".to_owned()),
        true => ("", format!("means over the mixtures of each {unit}")),
    };
    let said = format!(
        "q(K) of {}, corpus {}; {averaged}",
        method.inline_label(),
        study.config.corpus.kind.name()
    );
    HeatMaps {
        style: study.config.figures.style,
        title: title(study.config, said),
        x_label: "Order K".to_owned(),
        y_label: y_label.to_owned(),
        value_label: "q(K)".to_owned(),
        columns,
        rows: rows.iter().map(|(_, _, name)| name.clone()).collect(),
        panels: ratios
            .iter()
            .map(|&snr_db| HeatMap {
                title: format!("SNR {}", Format::Markdown.column(Column::Snr(snr_db))),
                values: rows
                    .iter()
                    .map(|(runs, member, _)| weights(snr_db, runs.clone(), *member))
                    .collect(),
            })
            .collect(),
    }
}

/// The tempering of a fusion in words.
pub(crate) fn tempering(config: &Config) -> String {
    match config.model.tempering() {
        Tempering::Beta(beta) => format!("beta = {beta}"),
        Tempering::Kappa(kappa) => format!("kappa = {kappa}"),
    }
}

/// The free energies of the separations of an example.
pub(crate) fn free_energy(example: &Example, config: &Config) -> Traces {
    let lines = example.traces.iter().map(|trace| Trace {
        label: match trace.candidate {
            Candidate::Order(order) => format!("order {order}"),
            Candidate::Method(method) => method.label().to_owned(),
            other @ (Candidate::Mixture | Candidate::Foreign(_)) => other.label().into_owned(),
        },
        emphasised: matches!(trace.candidate, Candidate::Method(_)),
        values: trace
            .free_energy
            .iter()
            .map(|value| value / 1000.0)
            .collect(),
    });
    let said = format!("{}; fusion tempered, {}", example.name, tempering(config));
    Traces {
        style: config.figures.style,
        title: title(config, said),
        y_label: "Free energy (1000 nats)".to_owned(),
        lines: lines.collect(),
    }
}

/// Spectrograms of an example's mixture, truth and estimates.
pub(crate) fn spectrograms(
    example: &Example,
    config: &Config,
    powers: Vec<Array2<f64>>,
) -> Spectrograms {
    let signals = example.signals.iter().zip(powers);
    let panels: Vec<Spectrogram> = signals
        .map(|(signal, power)| Spectrogram {
            title: match (signal.content, signal.order) {
                (content, Some(order)) => format!("{} (order {order})", content.label()),
                (Content::Estimate(method), None) => method.label().to_owned(),
                (content, None) => content.label().to_owned(),
            },
            power,
        })
        .collect();
    let rate = f64::from(config.corpus.sample_rate_hz);
    Spectrograms {
        style: config.figures.style,
        title: title(config, example.name.as_str()),
        loudest: loudest(panels.iter().map(|panel| &panel.power)),
        panels,
        columns: 2,
        panel: (320, 170),
        seconds_per_frame: config.stft.hop_samples as f64 / rate,
        highest_khz: rate / 2000.0,
    }
}

/// The largest power, the top of the scale; 1 where all is silent.
pub(crate) fn loudest<'a>(powers: impl Iterator<Item = &'a Array2<f64>>) -> f64 {
    let largest = powers.flatten().copied().fold(0.0, f64::max);
    if largest > 0.0 { largest } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_titles_with_units() {
        for (key, title) in [
            ("model.kappa", "κ (nats per bin and frame)"),
            ("recordings.noise_db", "Noise (dB), recordings"),
            (
                "training.background_components",
                "Background components, training",
            ),
            ("stft.window_samples", "Window (samples), stft"),
        ] {
            assert_eq!(key_title(key), title);
        }
    }
}
