//! What the figures of a run show.

use model::Tempering;
use ndarray::Array2;

use super::Subject;
use super::format::Format;
use crate::config::Config;
use crate::examples::{Content, Example};
use crate::figures::{
    Curve, CurveChart, HeatMap, HeatMaps, LegendPlace, Point, Scale, Spectrogram, Spectrograms,
    Style, Trace, Traces,
};
use crate::method::Method;
use crate::metric::Metric;
use crate::summary::{CellResult, Column, Summary};

/// Fig. 1: the SDR of every method at every signal-to-noise ratio.
#[must_use]
pub(crate) fn figure(summary: &Summary, subject: &Subject) -> CurveChart {
    let curve = |method: Method| {
        let mut points: Vec<Point> = summary
            .columns
            .iter()
            .filter_map(|&column| {
                let Column::Snr(snr_db) = column else {
                    return None;
                };
                let mean = summary.mean(method, Metric::Sdr, column)?;
                Some(Point {
                    x: snr_db,
                    mean_db: mean.mean_db?,
                    interval_db: mean.interval_db,
                })
            })
            .collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        Curve {
            label: method.label().to_owned(),
            style: Style::from_method(method),
            points,
        }
    };
    CurveChart {
        title: format!(
            "Corpus: {}. Points: means of {} observations, bars: 95 % intervals",
            subject.corpus, subject.orders
        ),
        x_label: "SNR (dB)".to_owned(),
        scale: Scale::Linear,
        legend: LegendPlace::Inside,
        y_label: "SDR (dB)".to_owned(),
        curves: Method::TABLED.map(curve).into(),
    }
}

/// q(K) of the fusions over true order and order, a panel per signal-to-noise ratio.
#[must_use]
pub(crate) fn order_posterior(
    results: &[CellResult],
    config: &Config,
    subject: &Subject,
) -> HeatMaps {
    let orders = &config.training.orders;
    let mut ratios = config.mixtures.snr_db.clone();
    ratios.sort_by(f64::total_cmp);
    let weights = |snr_db: f64, true_order: usize| -> Vec<Option<f64>> {
        let result = results.iter().find(|result| {
            result.cell.snr_db.total_cmp(&snr_db).is_eq() && result.cell.true_order == true_order
        });
        let separated = result.and_then(|result| result.outcome.as_ref().ok());
        (0..orders.len())
            .map(|index| Some(*separated?.order_posterior.get(index)?))
            .collect()
    };
    let names: Vec<String> = orders.iter().map(ToString::to_string).collect();
    HeatMaps {
        title: format!(
            "Order posterior of the fusion. Corpus: {}. Outlined: the true order",
            subject.corpus
        ),
        x_label: "Order K".to_owned(),
        y_label: "True order".to_owned(),
        value_label: "q(K)".to_owned(),
        columns: names.clone(),
        rows: names,
        panels: ratios
            .iter()
            .map(|&snr_db| HeatMap {
                title: format!("SNR {}", Format::Markdown.column(Column::Snr(snr_db))),
                values: orders
                    .iter()
                    .map(|&true_order| weights(snr_db, true_order))
                    .collect(),
            })
            .collect(),
    }
}

/// The free energies of the separations of an example.
#[must_use]
pub(crate) fn free_energy(example: &Example, config: &Config) -> Traces {
    let lines = example.traces.iter().map(|trace| Trace {
        label: match trace.order {
            Some(order) => format!("order {order}"),
            None => "fusion".to_owned(),
        },
        emphasised: trace.method == Method::VbFusion,
        values: trace
            .free_energy
            .iter()
            .map(|value| value / 1000.0)
            .collect(),
    });
    let tempering = match config.model.tempering() {
        Tempering::Beta(beta) => format!("beta = {beta}"),
        Tempering::Kappa(kappa) => format!("kappa = {kappa}"),
    };
    Traces {
        title: format!("{}; fusion tempered, {tempering}", about(example)),
        y_label: "Free energy (1000 nats)".to_owned(),
        lines: lines.collect(),
    }
}

/// Spectrograms of an example's mixture, truth and estimates.
#[must_use]
pub(crate) fn spectrograms(example: &Example, config: &Config) -> Spectrograms {
    let panels: Vec<Spectrogram> = example
        .signals
        .iter()
        .map(|signal| Spectrogram {
            title: match (signal.content, signal.order) {
                (content, Some(order)) => format!("{} (order {order})", content.label()),
                (Content::Estimate(method), None) => method.label().to_owned(),
                (content, None) => content.label().to_owned(),
            },
            power: signal.spectrogram.mapv(|value| value.norm_sqr()),
        })
        .collect();
    let rate = f64::from(config.corpus.sample_rate_hz);
    Spectrograms {
        title: about(example),
        loudest: loudest(panels.iter().map(|panel| &panel.power)),
        panels,
        columns: 2,
        panel: (320, 170),
        seconds_per_frame: config.stft.hop_samples as f64 / rate,
        highest_khz: rate / 2000.0,
    }
}

/// The largest power, the top of the scale; 1 where all is silent.
#[must_use]
pub(crate) fn loudest<'a>(powers: impl Iterator<Item = &'a Array2<f64>>) -> f64 {
    let largest = powers.flatten().copied().fold(0.0, f64::max);
    if largest > 0.0 { largest } else { 1.0 }
}

fn about(example: &Example) -> String {
    format!(
        "One observation: SNR {}, true order {}",
        Format::Markdown.column(Column::Snr(example.cell.snr_db)),
        example.cell.true_order
    )
}
