//! q(K) of the fusions.

use std::ops::Range;

use anyhow::{Context, Result, ensure};

use super::look::Look;
use crate::figures::{HeatMap, HeatMaps, title};
use crate::study::design::Study;
use crate::study::estimate::{Member, Trial};
use crate::study::methods::Method;
use crate::study::statistics::Column;
use crate::tables::csv::Labelled;
use crate::tables::format::Format;
use crate::tables::rows::OrderPosteriorRow;

/// q(K_1) of one trial.
struct Weights {
    /// Position of its run.
    run: usize,
    trial: Trial,
    /// In the configured sequence of the orders; none where the table lacks one.
    of_orders: Vec<Option<f64>>,
}

/// q(K) of a fusion, a panel per signal-to-noise ratio: over the true order where mixtures are
/// drawn, averaged over the runs, else over the runs, averaged over the mixtures of each.
///
/// # Errors
/// A row of `order_posterior.csv` that is of no trial of the study.
pub(super) fn order_posterior(
    study: &Study<'_>,
    rows: &[Labelled<OrderPosteriorRow>],
    method: Method,
    look: Look,
) -> Result<HeatMaps> {
    let orders = &study.config.training.orders;
    let mut ratios = study.config.mixtures.snr_db.clone();
    ratios.sort_by(f64::total_cmp);
    let all = weights(study, rows, method)?;
    // What a row is made of: the trials of some runs, and of one member if that is named.
    let panel_rows: Vec<(Range<usize>, Option<Member>, String)> = match study.has_recordings() {
        false => {
            let runs = 0..study.runs.len();
            let row = |&order| {
                let member = Some(Member::TrueOrder(order));
                (runs.clone(), member, order.to_string())
            };
            orders.iter().map(row).collect()
        }
        true => {
            let runs = study.runs.iter().enumerate();
            runs.map(|(position, run)| (position..position + 1, None, run.short_name()))
                .collect()
        }
    };
    let means = |snr_db: f64, runs: &Range<usize>, member: Option<Member>| {
        let is_meant = |it: &&Weights| {
            runs.contains(&it.run)
                && it.trial.snr_db.total_cmp(&snr_db).is_eq()
                && member.is_none_or(|member| member == it.trial.member)
        };
        let found: Vec<&Weights> = all.iter().filter(is_meant).collect();
        let mean = |order: usize| {
            let weights = found.iter().map(|it| it.of_orders[order]);
            let weights: Vec<f64> = weights.collect::<Option<_>>()?;
            (!weights.is_empty()).then(|| weights.iter().sum::<f64>() / weights.len() as f64)
        };
        (0..orders.len()).map(mean).collect()
    };
    let panel = |&snr_db: &f64| HeatMap {
        title: format!("SNR {}", Format::Markdown.column(Column::Snr(snr_db))),
        values: panel_rows
            .iter()
            .map(|(runs, member, _)| means(snr_db, runs, *member))
            .collect(),
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
    Ok(HeatMaps {
        style: look.style,
        title: title(look.style, said),
        x_label: "Order K".to_owned(),
        y_label: y_label.to_owned(),
        value_label: "q(K)".to_owned(),
        columns: orders.iter().map(ToString::to_string).collect(),
        panels: ratios.iter().map(panel).collect(),
        rows: panel_rows.into_iter().map(|(.., name)| name).collect(),
        // Recordings have no true order.
        outlined: !study.has_recordings(),
        across: look.panels_across,
    })
}

/// The weights of a method, trial by trial.
fn weights(
    study: &Study<'_>,
    rows: &[Labelled<OrderPosteriorRow>],
    method: Method,
) -> Result<Vec<Weights>> {
    let is_of_method = |it: &&Labelled<OrderPosteriorRow>| it.row.method == method.name();
    let rows: Vec<_> = rows.iter().filter(is_of_method).collect();
    rows.chunk_by(|a, b| a.labels == b.labels)
        .map(|rows| {
            let labels = &rows[0].labels;
            let place = || format!("there is no trial {}", labels.join(","));
            let (run, trial) = study.find_trial(labels).with_context(place)?;
            let probabilities = rows.iter().map(|it| it.row.probability);
            for probability in probabilities {
                ensure!(
                    (0.0..=1.0).contains(&probability),
                    "trial {}: {probability} is not a probability",
                    labels.join(",")
                );
            }
            let weight = |order| {
                let found = rows.iter().find(|it| it.row.order == order);
                found.map(|it| it.row.probability)
            };
            let orders = study.config.training.orders.iter();
            Ok(Weights {
                run,
                trial,
                of_orders: orders.map(|&order| weight(order)).collect(),
            })
        })
        .collect()
}
