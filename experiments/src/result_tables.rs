//! The long tables of a run, one row per number, for programs to read.

use crate::cell::Cell;
use crate::config::Config;
use crate::examples::{Content, Example, KeptExample, Signal, Trace};
use crate::metric::Metric;
use crate::summary::{CellResult, Summary};
use crate::table::Table;
use crate::timing::Timing;

/// `table1.csv`: the means.
#[must_use]
pub fn means(summary: &Summary) -> Table {
    let mut table = Table::new([
        "method",
        "snr_db",
        "metric",
        "mean_db",
        "ci95_low_db",
        "ci95_high_db",
        "n",
    ]);
    for entry in &summary.entries {
        let (low, high) = entry.mean.interval_db.unzip();
        table.push([
            entry.method.to_string(),
            entry.column.name(),
            entry.metric.to_string(),
            optional(entry.mean.mean_db),
            optional(low),
            optional(high),
            entry.mean.n.to_string(),
        ]);
    }
    table
}

/// `observations.csv`: every estimate by every metric, and what failed.
#[must_use]
pub fn observations(results: &[CellResult], config: &Config) -> Table {
    let mut table = Table::new([
        "seed",
        "snr_db",
        "true_order",
        "method",
        "order",
        "metric",
        "value_db",
        "free_energy",
        "error",
    ]);
    for result in results {
        let cell = [
            config.experiment.seed.to_string(),
            result.cell.snr_db.to_string(),
            result.cell.true_order.to_string(),
        ];
        match &result.outcome {
            Ok(separated) => {
                for estimate in &separated.estimates {
                    for metric in Metric::ALL {
                        let score = estimate.scores.get(metric);
                        table.push(
                            cell.iter().cloned().chain([
                                estimate.method.to_string(),
                                estimate
                                    .order
                                    .map(|order| order.to_string())
                                    .unwrap_or_default(),
                                metric.to_string(),
                                optional(score.as_ref().ok().copied()),
                                optional(estimate.free_energy),
                                score
                                    .as_ref()
                                    .err()
                                    .map(ToString::to_string)
                                    .unwrap_or_default(),
                            ]),
                        );
                    }
                }
            }
            Err(error) => {
                let nothing = ["", "", "", "", ""].map(String::from);
                table.push(cell.into_iter().chain(nothing).chain([error.clone()]));
            }
        }
    }
    table
}

/// `order_posterior.csv`: q(K_1) of each fusion.
#[must_use]
pub fn order_posterior(results: &[CellResult], config: &Config) -> Table {
    let mut table = Table::new(["seed", "snr_db", "true_order", "order", "probability"]);
    for result in results {
        let Ok(separated) = &result.outcome else {
            continue;
        };
        for (order, probability) in config
            .training
            .orders
            .iter()
            .zip(&separated.order_posterior)
        {
            table.push([
                config.experiment.seed.to_string(),
                result.cell.snr_db.to_string(),
                result.cell.true_order.to_string(),
                order.to_string(),
                // Weights far below 1 count too: six digits of each.
                format!("{probability:.6e}"),
            ]);
        }
    }
    table
}

/// `differences.csv`: how much methods gain over others on the same observations, by SDR.
#[must_use]
pub fn differences(summary: &Summary) -> Table {
    let mut table = Table::new([
        "method",
        "baseline",
        "snr_db",
        "metric",
        "mean_db",
        "ci95_low_db",
        "ci95_high_db",
        "p_value",
        "effect_size",
        "n",
    ]);
    for difference in &summary.differences {
        let (low, high) = difference.mean.interval_db.unzip();
        table.push([
            difference.method.to_string(),
            difference.baseline.to_string(),
            difference.column.name(),
            Metric::Sdr.to_string(),
            optional(difference.mean.mean_db),
            optional(low),
            optional(high),
            optional(difference.p_value),
            optional(difference.effect_size),
            difference.mean.n.to_string(),
        ]);
    }
    table
}

/// `effective_orders.csv`: how many orders a fusion mixes.
#[must_use]
pub fn effective_orders(summary: &Summary) -> Table {
    let mut table = Table::new(["snr_db", "effective_orders", "n"]);
    for entry in &summary.effective_orders {
        table.push([
            entry.column.name(),
            optional(entry.mean),
            entry.n.to_string(),
        ]);
    }
    table
}

/// `examples.csv`: the signals of the kept observations, and their files.
#[must_use]
pub fn examples(examples: &[KeptExample]) -> Table {
    let mut table = Table::new([
        "snr_db",
        "true_order",
        "signal",
        "order",
        "sdr_db",
        "gain",
        "file",
    ]);
    for row in examples.iter().flat_map(|example| &example.rows) {
        table.push(row.iter().cloned());
    }
    table
}

/// The rows of an example in `examples.csv`.
#[must_use]
pub fn example_rows(example: &Example, result: &CellResult) -> Vec<Vec<String>> {
    let row = |signal: &Signal| {
        let score = match signal.content {
            Content::Estimate(method) => result.score(method, Metric::Sdr),
            Content::Mixture | Content::Speaker => None,
        };
        let order = signal.order.map(|order| order.to_string());
        vec![
            (example.cell.snr_db + 0.0).to_string(),
            example.cell.true_order.to_string(),
            signal.content.name().to_owned(),
            order.unwrap_or_default(),
            optional(score),
            format!("{:.6e}", example.gain),
            example.file(signal),
        ]
    };
    example.signals.iter().map(row).collect()
}

/// `free_energy.csv`: the free energy after each iteration of the separations of one observation.
#[must_use]
pub fn free_energy(traces: &[Trace], cell: Cell) -> Table {
    let mut table = Table::new([
        "snr_db",
        "true_order",
        "method",
        "order",
        "iteration",
        "free_energy",
    ]);
    for trace in traces {
        for (index, free_energy) in trace.free_energy.iter().enumerate() {
            table.push([
                (cell.snr_db + 0.0).to_string(),
                cell.true_order.to_string(),
                trace.method.to_string(),
                trace
                    .order
                    .map(|order| order.to_string())
                    .unwrap_or_default(),
                (index + 1).to_string(),
                optional(Some(*free_energy)),
            ]);
        }
    }
    table
}

/// `timings.csv`.
#[must_use]
pub fn timings(timings: &[Timing]) -> Table {
    let mut table = Table::new([
        "method",
        "seconds",
        "fastest_seconds",
        "repetitions",
        "threads",
        "snr_db",
        "true_order",
    ]);
    for timing in timings {
        table.push([
            timing.method.to_string(),
            format!("{:.6}", timing.seconds),
            format!("{:.6}", timing.fastest_seconds),
            timing.repetitions.to_string(),
            timing.threads.to_string(),
            timing.cell.snr_db.to_string(),
            timing.cell.true_order.to_string(),
        ]);
    }
    table
}

/// Six decimals: far below what matters in dB and in nats, and above the last digits, which may depend on the machine.
pub(crate) fn optional(value: Option<f64>) -> String {
    value.map(|value| format!("{value:.6}")).unwrap_or_default()
}
