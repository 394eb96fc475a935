//! Paired differences between candidates, and how many orders a fusion mixes.

use super::caption::Caption;
use super::format::{Format, MISSING};
use super::paper;
use super::scores::paper_value;
use super::table::Table;
use crate::study::estimate::Candidate;
use crate::study::scores::Metric;
use crate::study::statistics::{Column, Difference, Summary};

/// Each comparison by a metric at the given columns, of all cases; where there are several, the
/// first columns are the axes.
pub(crate) fn table(
    summary: &Summary,
    about: &Caption<'_>,
    metric: Metric,
    format: Format,
    columns: &[Column],
) -> Table {
    let study = about.study;
    let (effect_size, units) = match format {
        Format::Markdown => ("d", "n"),
        Format::Latex => ("$d_z$", "$n$"),
    };
    let keys = study.axis_keys().into_iter().map(|key| format!("`{key}`"));
    let mut headings = vec!["Difference", "SNR", "Mean (dB)", "p", effect_size, units];
    headings.extend(about.is_the_papers(metric).then_some("Paper (dB)"));
    let mut table = Table::new(keys.chain(headings.into_iter().map(str::to_owned)));
    let is_shown = |it: &&Difference| it.metric == metric && columns.contains(&it.column);
    let shown: Vec<&Difference> = summary.differences.iter().filter(is_shown).collect();
    let same = |a: &&Difference, b: &&Difference| {
        (a.case, a.candidate, a.baseline) == (b.case, b.candidate, b.baseline)
    };
    for group in shown.chunk_by(same) {
        for it in group {
            let values = study.cases[it.case].texts();
            table.push(values.chain(row(it, summary, about, format)));
        }
        table.rule();
    }
    table
}

fn row(it: &Difference, summary: &Summary, about: &Caption<'_>, format: Format) -> Vec<String> {
    let mut row = vec![
        format.difference(it.candidate, it.baseline),
        format.column(it.column),
        format.mean(Some(&it.mean)),
        format.p_value(it.p_value),
        format.with_interval(it.effect_size, None),
        it.mean.units.to_string(),
    ];
    if about.is_the_papers(it.metric) {
        let columns = summary.columns(it.case);
        let paper = |candidate| match candidate {
            Candidate::Method(method) => paper_value(&paper::row(method)?, it.column, &columns),
            Candidate::Mixture | Candidate::Order(_) | Candidate::Foreign(_) => None,
        };
        let difference = paper(it.candidate).zip(paper(it.baseline));
        let difference = difference.map(|(candidate, baseline)| candidate - baseline);
        let difference = difference.map(|difference| format.decimals(difference));
        row.push(difference.unwrap_or_else(|| MISSING.to_owned()));
    }
    row
}

/// How many orders each method mixes that weighs them, column by column.
pub(crate) fn effective_orders(summary: &Summary, about: &Caption<'_>, case: usize) -> Table {
    let format = Format::Markdown;
    let columns = summary.columns(case);
    let headings = columns.iter().map(|&column| format.column(column));
    let mut table = Table::new(std::iter::once("Method".to_owned()).chain(headings));
    for method in about.study.weighing_methods() {
        let values = columns
            .iter()
            .map(|&column| format.mean(summary.effective_orders(case, method, column)));
        table.push(std::iter::once(method.label().to_owned()).chain(values));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::scores::tests::summary;
    use super::*;
    use crate::config::Config;
    use crate::study::design::Study;
    use crate::study::methods::Method;
    use crate::study::statistics::Mean;

    #[test]
    fn the_papers_differences_stand_beside_a_runs() {
        let mut summary = summary(&paper::SNR_DB);
        let columns = summary.columns(0);
        for &column in &columns {
            summary.differences.push(Difference {
                case: 0,
                candidate: Candidate::Method(Method::VbFusion),
                baseline: Candidate::Method(Method::VbSelection),
                column,
                metric: Metric::Sdr,
                mean: Mean {
                    units: 7,
                    trials: 42,
                    mean: Some(0.25),
                    interval: Some((-0.5, 1.0)),
                },
                p_value: Some(1e-5),
                effect_size: Some(-0.333),
            });
        }
        let config = Config::default();
        let study = Study::new(&config).unwrap();
        let about = Caption {
            study: &study,
            corpus: "a corpus",
        };
        let table = |format, columns: &[Column]| {
            super::table(&summary, &about, Metric::Sdr, format, columns)
        };
        let markdown = table(Format::Markdown, &columns).markdown();
        let last = markdown.lines().last().unwrap();
        for part in [
            "VB fusion \u{2212} VB selection",
            "Average",
            "0.25 [\u{2212}0.50, 1.00]",
            "< 0.0001",
            "\u{2212}0.33",
            "0.52",
        ] {
            assert!(last.contains(part), "{part} is not in {last}");
        }
        assert!(
            markdown.lines().nth(2).unwrap().contains("0.47"),
            "{markdown}"
        );
        let latex = table(Format::Latex, &[Column::Average]).latex();
        assert!(
            latex.contains("& $<$ 0.0001 & $-0.33$ & 7 & 0.52 \\\\"),
            "{latex}"
        );
    }
}
