//! Table 1 for people: Markdown, LaTeX, terminal. The paper's numbers stand below each row.
//!
//! Times vary from run to run, so they are in files of their own, and all other files of a run are reproducible.

mod differences;
mod figures;
mod format;
mod scores;
mod times;

use crate::method::Method;
use crate::metric::Metric;
use crate::summary::{Column, Summary};
use crate::table::Table;
use crate::timing::Measured;

pub(crate) use figures::{figure, free_energy, loudest, order_posterior, spectrograms};
pub use scores::best;
pub(crate) use scores::best_of;
pub use times::{timings_latex, timings_markdown};

pub(crate) use format::{Format, MISSING};
use scores::table;
use times::{milliseconds, time_macro, time_ratio};

/// What a table is about, for its caption.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The experiment's name.
    pub experiment: &'a str,
    /// The corpus and its speaker.
    pub corpus: &'a str,
    /// The seed.
    pub seed: u64,
    /// Number of observations.
    pub observations: usize,
    /// Orders at generation, over which each column averages.
    pub orders: usize,
}

/// `table1.md`.
#[must_use]
pub fn markdown(summary: &Summary, metrics: &[Metric], subject: &Subject) -> String {
    let mut text = format!("# Table 1\n\n{}\n", caption(subject));
    for &metric in metrics {
        text += &format!("\n## {}\n\n", title(metric));
        text += &table(summary, metric, Format::Markdown, None).markdown();
    }
    text += "\n## Paired differences of the SDR (BSS Eval)\n\n";
    text += "Mean gain on the same observations, its interval, the p-value of a sign-flip test over the true orders, \
             and Cohen's d of pairs.\n\n";
    text += &differences::table(summary, Format::Markdown, &summary.columns).markdown();
    text += "\n## Orders that a fusion mixes\n\n";
    text += &format!(
        "Of {}: the exponential of the entropy of q(K), averaged over the observations.\n\n",
        subject.orders
    );
    text += &differences::effective_orders(summary).markdown();
    text += "\nThe oracle takes the single order of highest SDR by BSS Eval, whatever metric is shown.\n";
    text + "\nTimes are in `timings.md`: they are the one thing here that varies from run to run.\n"
}

/// `table1.tex`: a booktabs table of the SDR. Its time column shows the macros that `timings.tex` defines.
#[must_use]
pub fn latex(summary: &Summary, subject: &Subject) -> String {
    let macros = |method| format!("\\{}", time_macro(subject, method));
    let mut text = format!(
        "% {}\n% Needs booktabs. For the times, \\input timings.tex before this file.\n",
        caption(subject)
    );
    for method in Method::TABLED {
        text += &format!(
            "\\providecommand{{\\{}}}{{{MISSING}}}\n",
            time_macro(subject, method)
        );
    }
    text + &table(summary, Metric::Sdr, Format::Latex, Some(&macros)).latex()
}

/// `differences.tex`: a booktabs table of the paired differences.
#[must_use]
pub fn differences_latex(summary: &Summary, subject: &Subject) -> String {
    format!(
        "% Paired differences of the SDR. Corpus: {}; seed {}. In brackets: 95 % bootstrap intervals over the true \
         orders; p of a sign-flip test over them; d_z: Cohen's d of pairs. Needs booktabs.\n{}",
        subject.corpus,
        subject.seed,
        differences::table(summary, Format::Latex, &summary.columns).latex()
    )
}

/// The table of the SDR with times, for the terminal.
#[must_use]
pub fn terminal(summary: &Summary, timings: &Measured, subject: &Subject) -> String {
    let time = |method| milliseconds(timings, method);
    let table = table(summary, Metric::Sdr, Format::Markdown, Some(&time)).markdown();
    format!(
        "{}\n\n{table}\n{}\n{}\n",
        caption(subject),
        differences::table(summary, Format::Markdown, &[Column::Average]).markdown(),
        time_ratio(timings)
    )
}

/// Methods by columns, with the paper's rows.
#[must_use]
pub fn score_table(summary: &Summary, metric: Metric) -> Table {
    table(summary, metric, Format::Markdown, None)
}

/// Every paired difference at every column.
#[must_use]
pub fn difference_table(summary: &Summary) -> Table {
    differences::table(summary, Format::Markdown, &summary.columns)
}

/// How many orders a fusion mixes, by column.
#[must_use]
pub fn effective_orders_table(summary: &Summary) -> Table {
    differences::effective_orders(summary)
}

/// A number with a minus sign that is one.
#[must_use]
pub fn signed(number: f64) -> String {
    Format::Markdown.number((number + 0.0).to_string())
}

/// What Table 1 shows, in a sentence or two.
#[must_use]
pub fn caption(subject: &Subject) -> String {
    format!(
        "Average SDR of the speaker in dB over {} observations. Corpus: {}; seed {}. In brackets: 95 % bootstrap \
         intervals over the true orders, with speaker, dictionaries and SNRs held fixed. Bold: the best method that \
         does not need the true source.",
        subject.observations, subject.corpus, subject.seed
    )
}

/// The name of a metric in headings.
#[must_use]
pub fn title(metric: Metric) -> &'static str {
    match metric {
        Metric::Sdr => "SDR (BSS Eval v3)",
        Metric::Sir => "SIR (BSS Eval v3)",
        Metric::Sar => "SAR (BSS Eval v3)",
        Metric::PlainSdr => "Plain SDR",
        Metric::SiSdr => "Scale-invariant SDR",
    }
}

#[cfg(test)]
mod tests {
    use super::scores::tests::summary;
    use super::*;

    #[test]
    fn the_latex_table_stands_without_the_times() {
        let subject = Subject {
            corpus: "builtin, speaker 1",
            experiment: "table-1",
            seed: 1,
            observations: 42,
            orders: 7,
        };
        let table = latex(&summary(&[0.0]), &subject);
        assert!(table.contains("\\providecommand{\\tableOneTimeVBfusion}{--}"));
        assert!(table.contains("& \\tableOneTimeVBfusion \\\\"));
    }
}
