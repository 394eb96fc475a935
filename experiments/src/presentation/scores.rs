//! The table of a metric: methods by columns.

use super::format::{Format, MISSING};
use crate::method::Method;
use crate::metric::Metric;
use crate::paper;
use crate::summary::{Column, Summary};
use crate::table::{Entry, Table};

/// Methods by columns, the paper's row below each where the metric is the paper's.
pub(super) fn table(
    summary: &Summary,
    metric: Metric,
    format: Format,
    time: Option<&dyn Fn(Method) -> String>,
) -> Table {
    let header = summary.columns.iter().map(|&column| format.column(column));
    let mut header: Vec<String> = std::iter::once("Method".to_owned()).chain(header).collect();
    header.extend(time.map(|_| "Time (ms)".to_owned()));
    let mut table = Table::new(header);
    for method in Method::TABLED {
        let means = summary.columns.iter().map(|&column| {
            let best = Some(method) == best(summary, metric, column);
            Entry::bold_if(best, format.mean(summary.mean(method, metric, column)))
        });
        let mut row: Vec<Entry> = std::iter::once(method.label().into())
            .chain(means)
            .collect();
        row.extend(time.map(|time| time(method).into()));
        table.push(row);
        if let (Metric::Sdr, Some(paper)) = (metric, paper::row(method)) {
            let value = |column| paper_value(&paper, column, &summary.columns);
            let values = summary.columns.iter().map(|&column| match value(column) {
                Some(value) => format!("{value:.2}"),
                None => MISSING.to_owned(),
            });
            let mut row: Vec<String> = std::iter::once(format.paper_label())
                .chain(values)
                .collect();
            row.extend(time.map(|_| format!("{:.1}", paper.milliseconds)));
            table.push(row);
            table.rule();
        }
    }
    table
}

/// The paper's average stands beside that of the same columns only.
pub(super) fn paper_value(paper: &paper::Row, column: Column, columns: &[Column]) -> Option<f64> {
    match column {
        Column::Snr(snr_db) => paper.at(snr_db),
        Column::Average => {
            let same = columns.len() == paper::SNR_DB.len() + 1
                && paper::SNR_DB
                    .iter()
                    .all(|&snr_db| columns.contains(&Column::Snr(snr_db)));
            same.then_some(paper.average_db)
        }
    }
}

/// The method of the largest mean that does not need the true source.
#[must_use]
pub fn best(summary: &Summary, metric: Metric, column: Column) -> Option<Method> {
    best_of(&Method::TABLED, |method| {
        summary.mean(method, metric, column)?.mean_db
    })
}

/// The same among any methods.
pub(crate) fn best_of(methods: &[Method], mean: impl Fn(Method) -> Option<f64>) -> Option<Method> {
    methods
        .iter()
        .filter(|method| !method.needs_truth())
        .filter_map(|&method| Some((method, mean(method)?)))
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(method, _)| method)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::summary::{self, Mean};

    /// Oracle above mean above fusion above selection, at the paper's ratios or some of them.
    pub(in crate::presentation) fn summary(ratios: &[f64]) -> Summary {
        let ratios = ratios.iter().copied().map(Column::Snr);
        let columns: Vec<Column> = ratios.chain([Column::Average]).collect();
        let entry = |method, column, mean_db| summary::Entry {
            method,
            column,
            metric: Metric::Sdr,
            mean: Mean {
                n: 7,
                mean_db: Some(mean_db),
                interval_db: Some((mean_db - 1.0, mean_db + 1.0)),
            },
        };
        let values = [
            (Method::VbSelection, -0.001),
            (Method::VbFusion, 1.0),
            (Method::OracleSelection, 3.0),
            (Method::FusionByMean, 2.0),
        ];
        let row = |(method, mean_db)| {
            columns
                .iter()
                .map(move |&column| entry(method, column, mean_db))
        };
        Summary {
            entries: values.into_iter().flat_map(row).collect(),
            columns: columns.clone(),
            differences: Vec::new(),
            effective_orders: Vec::new(),
        }
    }

    #[test]
    fn the_best_method_without_the_truth_is_bold() {
        let table = table(&summary(&[0.0]), Metric::Sdr, Format::Markdown, None).markdown();
        let bold: Vec<&str> = table.lines().filter(|line| line.contains("**")).collect();
        assert_eq!(bold.len(), 1);
        assert!(bold[0].contains("Fusion by mean") && bold[0].contains("**2.00 [1.00, 3.00]**"));
        assert!(table.contains(" 0.00 [\u{2212}1.00, 1.00]"), "{table}");
    }

    #[test]
    fn the_papers_average_is_shown_beside_the_same_columns_only() {
        let shown =
            |ratios: &[f64]| table(&summary(ratios), Metric::Sdr, Format::Latex, None).latex();
        assert!(shown(&paper::SNR_DB).contains("5.79"));
        let part = shown(&[0.0, 4.5]);
        assert!(
            part.contains("5.47 & -- & --") && !part.contains("5.79"),
            "{part}"
        );
    }
}
