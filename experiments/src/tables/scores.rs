//! The tables of a metric: candidates by columns for one case, and cases by candidates.

use super::caption::Caption;
use super::format::{Format, MISSING};
use super::paper;
use super::table::{Entry, Table};
use crate::study::estimate::Candidate;
use crate::study::methods::{Method, Part};
use crate::study::scores::Metric;
use crate::study::statistics::{Column, Summary};

/// Candidates by columns, the paper's row below each where it can be compared; `time` adds a last
/// column.
pub(crate) fn of_case(
    summary: &Summary,
    about: &Caption<'_>,
    case: usize,
    metric: Metric,
    format: Format,
    time: Option<&dyn Fn(Method) -> String>,
) -> Table {
    let columns = summary.columns(case);
    let headings = columns.iter().map(|&column| format.column(column));
    let mut header: Vec<String> = std::iter::once("Method".to_owned())
        .chain(headings)
        .collect();
    header.extend(time.map(|_| "Time (ms)".to_owned()));
    let candidates = about.study.candidates();
    let mut table = Table::new(header);
    let is_beyond_the_paper = |candidate: Candidate| match candidate {
        Candidate::Method(method) => !Method::PAPER.contains(&method),
        Candidate::Foreign(_) => true,
        Candidate::Mixture | Candidate::Order(_) => false,
    };
    let mut is_ruled = false;
    for &candidate in &candidates {
        if is_beyond_the_paper(candidate) && !is_ruled {
            table.rule();
            is_ruled = true;
        }
        let means = columns.iter().map(|&column| {
            let mean = summary.mean(case, candidate, metric, column);
            let is_best = best(summary, case, &candidates, metric, column) == Some(candidate);
            Entry::bold_if(is_best, format.mean(mean))
        });
        let mut row: Vec<Entry> = std::iter::once(format.label(candidate).into())
            .chain(means)
            .collect();
        let of_method = |with: &dyn Fn(Method) -> String| match candidate {
            Candidate::Method(method) => with(method),
            Candidate::Mixture | Candidate::Order(_) | Candidate::Foreign(_) => MISSING.to_owned(),
        };
        row.extend(time.map(|time| of_method(time).into()));
        table.push(row);
        let Candidate::Method(method) = candidate else {
            continue;
        };
        if let (true, Some(paper)) = (about.is_the_papers(metric), paper::row(method)) {
            let value = |&column: &Column| match paper_value(&paper, column, &columns) {
                Some(value) => format!("{value:.2}"),
                None => MISSING.to_owned(),
            };
            let mut row: Vec<String> = std::iter::once(format.paper_label())
                .chain(columns.iter().map(value))
                .collect();
            row.extend(time.map(|_| format!("{:.1}", paper.milliseconds)));
            table.push(row);
            table.rule();
        }
    }
    table
}

/// The SDR of every case, averaged over the ratios, and how many orders the fusions mix.
pub(crate) fn of_all_cases(summary: &Summary, about: &Caption<'_>, format: Format) -> Table {
    let study = about.study;
    let candidates = study.candidates();
    let keys = study.axis_keys().into_iter().map(|key| format!("`{key}`"));
    let labels = candidates.iter().map(|&candidate| format.label(candidate));
    let fusions = || {
        study
            .weighing_methods()
            .filter(|it| matches!(it.part(), Part::Fusion(_)))
    };
    let orders_of = fusions().map(|method| format!("Orders of {}", method.inline_label()));
    let mut table = Table::new(keys.chain(labels).chain(orders_of));
    for (index, case) in study.cases.iter().enumerate() {
        let column = Column::Average;
        let best = best(summary, index, &candidates, Metric::Sdr, column);
        let mean = |&candidate: &Candidate| {
            let mean = summary.mean(index, candidate, Metric::Sdr, column);
            let is_best = best == Some(candidate) && candidates.len() > 1;
            Entry::bold_if(is_best, format.mean(mean))
        };
        let orders = fusions().map(|method| {
            format
                .mean(summary.effective_orders(index, method, column))
                .into()
        });
        let values = case.texts().map(Entry::from);
        let means = candidates.iter().map(mean);
        table.push(values.chain(means).chain(orders));
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

/// The method of the largest mean that does not need the true speech.
pub(super) fn best(
    summary: &Summary,
    case: usize,
    candidates: &[Candidate],
    metric: Metric,
    column: Column,
) -> Option<Candidate> {
    candidates
        .iter()
        .filter(|candidate| candidate.is_usable())
        .filter_map(|&candidate| {
            let mean = summary.mean(case, candidate, metric, column)?;
            Some((candidate, mean.mean?))
        })
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(candidate, _)| candidate)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::Config;
    use crate::study::design::Study;
    use crate::study::statistics::{Mean, MeanScore};

    /// Oracle above mean above fusion above selection, at the paper's ratios or some of them.
    pub(in crate::tables) fn summary(ratios: &[f64]) -> Summary {
        let ratios = ratios.iter().copied().map(Column::Snr);
        let columns: Vec<Column> = ratios.chain([Column::Average]).collect();
        let values = [
            (Method::VbSelection, -0.001),
            (Method::VbFusion, 1.0),
            (Method::OracleSelection, 3.0),
            (Method::FusionByMean, 2.0),
        ];
        let row = |(method, mean)| {
            columns.iter().map(move |&column| MeanScore {
                case: 0,
                candidate: Candidate::Method(method),
                column,
                metric: Metric::Sdr,
                mean: Mean {
                    units: 7,
                    trials: 7,
                    mean: Some(mean),
                    interval: Some((mean - 1.0, mean + 1.0)),
                },
            })
        };
        Summary {
            means: values.into_iter().flat_map(row).collect(),
            ..Summary::default()
        }
    }

    fn table(ratios: &[f64], format: Format) -> Table {
        let config = Config::default();
        let study = Study::new(&config).unwrap();
        let about = Caption {
            study: &study,
            corpus: "a corpus",
        };
        of_case(&summary(ratios), &about, 0, Metric::Sdr, format, None)
    }

    #[test]
    fn the_best_method_without_the_truth_is_bold() {
        let table = table(&[0.0], Format::Markdown).markdown();
        let bold: Vec<&str> = table.lines().filter(|line| line.contains("**")).collect();
        assert_eq!(bold.len(), 1);
        assert!(bold[0].contains("Fusion by mean") && bold[0].contains("**2.00 [1.00, 3.00]**"));
        assert!(table.contains(" 0.00 [\u{2212}1.00, 1.00]"), "{table}");
    }

    #[test]
    fn the_papers_average_is_shown_beside_the_same_columns_only() {
        let shown = |ratios: &[f64]| table(ratios, Format::Latex).latex();
        assert!(shown(&paper::SNR_DB).contains("5.79"));
        let part = shown(&[0.0, 4.5]);
        assert!(
            part.contains("5.47 & -- & --") && !part.contains("5.79"),
            "{part}"
        );
    }
}
