//! The CSV files of a sweep. The first columns are the axes' keys.

use super::statistics::{SeedMean, SweepSummary, effective_orders};
use super::{Design, Finished};
use crate::method::Method;
use crate::result_tables::optional;
use crate::table::Table;

fn table(design: &Design<'_>, columns: &[&str]) -> Table {
    let keys = design.sweep.axis.iter().flat_map(|axis| axis.all_keys());
    Table::new(keys.chain(columns.iter().copied()))
}

/// `sweep.csv`: every score of every observation, and the number of scores that failed.
pub(super) fn observations(finished: &Finished<'_>) -> (Table, usize) {
    let design = finished.design;
    let mut table = table(
        design,
        &[
            "seed",
            "snr_db",
            "true_order",
            "method",
            "metric",
            "value_db",
            "effective_orders",
            "error",
        ],
    );
    let mut failures = 0;
    for (point, seeds) in design.points.iter().zip(&finished.results) {
        for (seed, results) in design.seeds.iter().zip(seeds) {
            for result in results {
                for &method in &design.methods {
                    let orders = match method {
                        Method::VbFusion => effective_orders(result),
                        _ => None,
                    };
                    for &metric in &design.config.evaluation.metrics {
                        let score = result.score(method, metric);
                        failures += usize::from(score.is_err());
                        table.push(point.texts().chain([
                            seed.to_string(),
                            (result.cell.snr_db + 0.0).to_string(),
                            result.cell.true_order.to_string(),
                            method.to_string(),
                            metric.to_string(),
                            optional(score.as_ref().ok().copied()),
                            optional(orders),
                            score.err().unwrap_or_default(),
                        ]));
                    }
                }
            }
        }
    }
    (table, failures)
}

fn mean_texts(mean: &SeedMean) -> [String; 5] {
    let (low, high) = mean.interval.unzip();
    [
        optional(mean.mean),
        optional(low),
        optional(high),
        mean.seeds.to_string(),
        mean.observations.to_string(),
    ]
}

/// `summary.csv`: means over the seeds.
pub(super) fn means(design: &Design<'_>, summary: &SweepSummary) -> Table {
    let mut table = table(
        design,
        &[
            "method",
            "snr_db",
            "metric",
            "mean_db",
            "ci95_low_db",
            "ci95_high_db",
            "seeds",
            "observations",
        ],
    );
    for entry in &summary.means {
        let names = [
            entry.method.to_string(),
            entry.column.name(),
            entry.metric.to_string(),
        ];
        let point = design.points[entry.point].texts();
        table.push(point.chain(names).chain(mean_texts(&entry.mean)));
    }
    table
}

/// `differences.csv`: paired differences of the SDR.
pub(super) fn differences(design: &Design<'_>, summary: &SweepSummary) -> Table {
    let mut table = table(
        design,
        &[
            "method",
            "baseline",
            "snr_db",
            "mean_db",
            "ci95_low_db",
            "ci95_high_db",
            "seeds",
            "observations",
            "p_value",
            "effect_size",
        ],
    );
    for entry in &summary.differences {
        let names = [
            entry.method.to_string(),
            entry.baseline.to_string(),
            entry.column.name(),
        ];
        let test = [optional(entry.p_value), optional(entry.effect_size)];
        let point = design.points[entry.point].texts();
        table.push(
            point
                .chain(names)
                .chain(mean_texts(&entry.mean))
                .chain(test),
        );
    }
    table
}
