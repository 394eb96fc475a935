//! Paired differences between methods, and how many orders a fusion mixes.

use super::format::{Format, MISSING};
use super::scores::paper_value;
use crate::paper;
use crate::summary::{COMPARISONS, Column, Difference, Summary};
use crate::table::Table;

/// Each comparison at the given columns of the table.
pub(super) fn table(summary: &Summary, format: Format, columns: &[Column]) -> Table {
    let effect_size = match format {
        Format::Markdown => "d",
        Format::Latex => "$d_z$",
    };
    let mut table = Table::new([
        "Difference",
        "SNR",
        "Mean (dB)",
        "p",
        effect_size,
        "n",
        "Paper (dB)",
    ]);
    for (method, baseline) in COMPARISONS {
        for &column in columns {
            if let Some(difference) = summary.difference(method, baseline, column) {
                table.push(row(difference, summary, format));
            }
        }
        table.rule();
    }
    table
}

fn row(difference: &Difference, summary: &Summary, format: Format) -> [String; 7] {
    let Difference {
        method,
        baseline,
        column,
        ..
    } = *difference;
    let paper = |method| paper_value(&paper::row(method)?, column, &summary.columns);
    let paper = paper(method)
        .zip(paper(baseline))
        .map(|(method, baseline)| format.decimals(method - baseline));
    [
        format.difference(method, baseline),
        format.column(column),
        format.mean(Some(&difference.mean)),
        format.p_value(difference.p_value),
        format.with_interval(difference.effect_size, None),
        difference.mean.n.to_string(),
        paper.unwrap_or_else(|| MISSING.to_owned()),
    ]
}

/// One row: a column per column of the table.
pub(super) fn effective_orders(summary: &Summary) -> Table {
    let columns = summary.columns.iter();
    let header = columns.map(|&column| Format::Markdown.column(column));
    let mut table = Table::new(std::iter::once("SNR".to_owned()).chain(header));
    let values = summary.columns.iter().map(|&column| {
        let effective = summary.effective(column);
        Format::Markdown.with_interval(effective, None)
    });
    table.push(std::iter::once("Orders".to_owned()).chain(values));
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::Method;
    use crate::presentation::scores::tests::summary;
    use crate::summary::Mean;

    #[test]
    fn the_papers_differences_stand_beside_a_runs() {
        let mut summary = summary(&paper::SNR_DB);
        for &column in &summary.columns {
            summary.differences.push(Difference {
                method: Method::VbFusion,
                baseline: Method::VbSelection,
                column,
                mean: Mean {
                    n: 7,
                    mean_db: Some(0.25),
                    interval_db: Some((-0.5, 1.0)),
                },
                p_value: Some(1e-5),
                effect_size: Some(-0.333),
            });
        }
        let markdown = table(&summary, Format::Markdown, &summary.columns).markdown();
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
        let latex = table(&summary, Format::Latex, &[Column::Average]).latex();
        assert!(
            latex.contains("& $<$ 0.0001 & $-0.33$ & 7 & 0.52 \\\\"),
            "{latex}"
        );
    }
}
