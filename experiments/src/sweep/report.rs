//! A sweep for people: `sweep.md`, and its overview for the terminal.

use super::Design;
use super::statistics::{SeedMean, SweepSummary, columns};
use crate::method::Method;
use crate::metric::Metric;
use crate::presentation::{Format, best_of, title};
use crate::summary::Column;
use crate::table::{Entry, Table};

const FORMAT: Format = Format::Markdown;

/// `sweep.md`.
pub(super) fn markdown(design: &Design<'_>, summary: &SweepSummary, corpus: &str) -> String {
    let mut text = format!(
        "# {}\n\nCorpus: {corpus}; seeds {}. Means over the seeds of the mean over each seed's observations; in \
         brackets: 95 % intervals over the seeds by Student's t. Bold: the best method that does not need the true \
         source.\n",
        design.config.experiment.name,
        list(&design.seeds),
    );
    text += &format!("\n## {}, average over the SNRs\n\n", title(Metric::Sdr));
    text += &overview(design, summary).markdown();
    if summary.differences.is_empty() {
        text += "\n";
    } else {
        text += "\n## Paired differences of the SDR, average over the SNRs\n\n";
        text += &differences(design, summary).markdown();
        text += &format!(
            "\np: exact sign-flip test over the seeds, {:.4} at the least with {} seeds. d: mean over standard deviation \
             of the seeds' differences.\n",
            least_p_value(design.seeds.len()),
            design.seeds.len()
        );
    }
    for (index, point) in design.points.iter().enumerate() {
        text += &format!("\n## {}\n", point.name());
        for &metric in &design.config.evaluation.metrics {
            text += &format!("\n{}:\n\n", title(metric));
            text += &of_point(design, summary, index, metric).markdown();
        }
    }
    text
}

/// The overview.
pub(super) fn terminal(design: &Design<'_>, summary: &SweepSummary) -> String {
    let mut text = format!(
        "{}, average over the SNRs; seeds {}\n\n{}",
        title(Metric::Sdr),
        list(&design.seeds),
        overview(design, summary).markdown()
    );
    if !summary.differences.is_empty() {
        text += "\n";
        text += &differences(design, summary).markdown();
    }
    text
}

fn list(seeds: &[u64]) -> String {
    let texts: Vec<String> = seeds.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// Of a test that counts sign patterns: all signs equal, and all of them turned round.
fn least_p_value(seeds: usize) -> f64 {
    0.5_f64.powi(seeds.saturating_sub(1).min(1000) as i32)
}

fn keys<'a>(design: &'a Design<'_>) -> impl Iterator<Item = String> + use<'a> {
    let keys = design.sweep.axis.iter().flat_map(|axis| axis.all_keys());
    keys.map(|key| format!("`{key}`"))
}

/// The SDR at every point.
fn overview(design: &Design<'_>, summary: &SweepSummary) -> Table {
    let labels = design
        .methods
        .iter()
        .map(|method| method.label().to_owned());
    let mut table = Table::new(
        keys(design)
            .chain(labels)
            .chain(["Effective orders".to_owned()]),
    );
    for (index, point) in design.points.iter().enumerate() {
        let means = row(design, summary, index, Metric::Sdr, Column::Average);
        let orders = summary.effective_orders[index];
        table.push(
            point
                .texts()
                .map(Entry::from)
                .chain(means)
                .chain([Entry::from(mean_text(Some(&orders)))]),
        );
    }
    table
}

/// The methods of one column, the best of them in bold.
fn row(
    design: &Design<'_>,
    summary: &SweepSummary,
    point: usize,
    metric: Metric,
    column: Column,
) -> Vec<Entry> {
    let mean = |method| summary.mean(point, method, metric, column);
    let best = best_of(&design.methods, |method| mean(method)?.mean);
    let entry = |&method: &Method| {
        let is_best = best == Some(method) && design.methods.len() > 1;
        Entry::bold_if(is_best, mean_text(mean(method)))
    };
    design.methods.iter().map(entry).collect()
}

fn differences(design: &Design<'_>, summary: &SweepSummary) -> Table {
    let columns = ["Difference", "Mean (dB)", "p", "d", "Seeds"].map(str::to_owned);
    let mut table = Table::new(keys(design).chain(columns));
    for entry in &summary.differences {
        if entry.column != Column::Average {
            continue;
        }
        table.push(design.points[entry.point].texts().chain([
            FORMAT.difference(entry.method, entry.baseline),
            mean_text(Some(&entry.mean)),
            FORMAT.p_value(entry.p_value),
            FORMAT.with_interval(entry.effect_size, None),
            entry.mean.seeds.to_string(),
        ]));
    }
    table
}

/// Methods by ratios at one point.
fn of_point(design: &Design<'_>, summary: &SweepSummary, point: usize, metric: Metric) -> Table {
    let columns = columns(&design.points[point].config);
    let names = columns.iter().map(|&column| FORMAT.column(column));
    let mut table = Table::new(std::iter::once("Method".to_owned()).chain(names));
    let by_column: Vec<Vec<Entry>> = columns
        .iter()
        .map(|&column| row(design, summary, point, metric, column))
        .collect();
    for (index, method) in design.methods.iter().enumerate() {
        let entries = by_column.iter().map(|entries| entries[index].clone());
        table.push(std::iter::once(Entry::from(method.label())).chain(entries));
    }
    table
}

fn mean_text(mean: Option<&SeedMean>) -> String {
    let mean = mean.copied().unwrap_or_default();
    FORMAT.with_interval(mean.mean, mean.interval)
}
