//! What the terminal shows at the end of a study. The tables of one case with six ratios have 80
//! columns or less; all numbers are in the files.

use std::io::{IsTerminal, stdout};

use super::caption::Caption;
use super::format::{Format, MISSING};
use super::paper;
use super::scores::{best, paper_value};
use super::table::{Emphasis, Entry, Table};
use super::times::{Times, ratio};
use crate::config::Kind;
use crate::study::estimate::Candidate;
use crate::study::scores::Metric;
use crate::study::statistics::{Column, Difference, Summary};

/// Most columns of a text.
const COLUMNS: usize = 80;

/// Minus signs and decimals are those of the documents.
const FORMAT: Format = Format::Markdown;

/// The SDR of a study, and for one case what the methods gain over each other.
pub(crate) fn text(summary: &Summary, about: &Caption<'_>, times: &Times, trials: usize) -> String {
    let emphasis = match stdout().is_terminal() {
        true => Emphasis::Bold,
        false => Emphasis::None,
    };
    if about.study.config.kind() == Kind::Sweep {
        let title = Metric::Sdr.title();
        let cases = cases(summary, about).text(emphasis);
        let said = format!("{title} in dB, average over the SNRs; {}", about.seeds());
        return format!("{}\n\n{cases}", folded(&said));
    }
    let (_, units) = about.study.unit.names();
    format!(
        "{}\n\n{}\n{}n: number of {units}, the units of intervals and tests\n\n{}\n",
        folded(&about.text(trials)),
        scores(summary, about).text(emphasis),
        differences(summary).text(emphasis),
        ratio(times)
    )
}

/// A text in lines of at most [`COLUMNS`], broken between words.
fn folded(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

/// Means by ratio, and their average with its interval.
fn scores(summary: &Summary, about: &Caption<'_>) -> Table {
    let columns = summary.columns(0);
    let heading = |column: &Column| match column {
        Column::Snr(snr_db) => FORMAT.signed(*snr_db),
        Column::Average => "Average".to_owned(),
    };
    let candidates = about.study.candidates();
    let mut table = Table::new(
        ["SDR (dB) at SNR (dB)".to_owned()]
            .into_iter()
            .chain(columns.iter().map(heading)),
    );
    for &candidate in &candidates {
        let mean = |&column: &Column| {
            let mean = summary.mean(0, candidate, Metric::Sdr, column);
            let is_best = best(summary, 0, &candidates, Metric::Sdr, column) == Some(candidate);
            let text = match column {
                Column::Snr(_) => FORMAT.with_interval(mean.and_then(|mean| mean.mean), None),
                Column::Average => FORMAT.mean(mean),
            };
            Entry::bold_if(is_best, text)
        };
        let label = Entry::from(FORMAT.label(candidate));
        table.push([label].into_iter().chain(columns.iter().map(mean)));
        let paper = match candidate {
            Candidate::Method(method) if about.is_the_papers(Metric::Sdr) => paper::row(method),
            Candidate::Method(_)
            | Candidate::Mixture
            | Candidate::Order(_)
            | Candidate::Foreign(_) => None,
        };
        if let Some(paper) = paper {
            let value = |&column: &Column| match paper_value(&paper, column, &columns) {
                Some(value) => format!("{value:.2}"),
                None => MISSING.to_owned(),
            };
            let label = "  in the paper".to_owned();
            table.push([label].into_iter().chain(columns.iter().map(value)));
        }
    }
    table
}

/// Means of every case of a sweep.
fn cases(summary: &Summary, about: &Caption<'_>) -> Table {
    let study = about.study;
    let candidates = study.candidates();
    let keys = study.axis_keys().into_iter().map(str::to_owned);
    let labels = candidates.iter().map(|&it| FORMAT.label(it));
    let mut table = Table::new(keys.chain(labels));
    for (index, case) in study.cases.iter().enumerate() {
        let best = best(summary, index, &candidates, Metric::Sdr, Column::Average);
        let mean = |&candidate: &Candidate| {
            let mean = summary.mean(index, candidate, Metric::Sdr, Column::Average);
            let text = FORMAT.with_interval(mean.and_then(|mean| mean.mean), None);
            Entry::bold_if(best == Some(candidate), text)
        };
        let values = case.texts().map(Entry::from);
        table.push(values.chain(candidates.iter().map(mean)));
    }
    table
}

/// The differences of the SDR averaged over the ratios.
fn differences(summary: &Summary) -> Table {
    let mut table = Table::new(["Paired difference", "Mean (dB)", "p", "n"]);
    let is_shown = |it: &&Difference| (it.metric, it.column) == (Metric::Sdr, Column::Average);
    for it in summary.differences.iter().filter(is_shown) {
        table.push([
            FORMAT.difference(it.candidate, it.baseline),
            FORMAT.mean(Some(&it.mean)),
            FORMAT.p_value(it.p_value),
            it.mean.units.to_string(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::scores::tests::summary;
    use super::*;
    use crate::config::Config;
    use crate::study::design::Study;
    use crate::study::methods::COMPARISONS;
    use crate::study::statistics::Mean;

    fn widest(text: &str) -> usize {
        text.lines().map(|line| line.chars().count()).max().unwrap()
    }

    #[test]
    fn texts_are_broken_between_words() {
        assert_eq!(folded("95 % of it"), "95 % of it");
        let word = "a".repeat(39);
        assert_eq!(folded(&format!("{word} {word}")), format!("{word} {word}"));
        assert_eq!(
            folded(&format!("{word} {word} b")),
            format!("{word} {word}\nb")
        );
        let long = "−".repeat(81);
        assert_eq!(folded(&format!("a {long} b")), format!("a\n{long}\nb"));
    }

    #[test]
    fn tables_of_the_paper_fit_80_columns() {
        let config = Config::default();
        let study = Study::new(&config).unwrap();
        let about = Caption {
            study: &study,
            corpus: "a corpus",
        };
        let mut summary = summary(&paper::SNR_DB);
        let difference = |(candidate, baseline)| Difference {
            case: 0,
            candidate: Candidate::Method(candidate),
            baseline: Candidate::Method(baseline),
            column: Column::Average,
            metric: Metric::Sdr,
            mean: Mean {
                units: 40,
                trials: 240,
                mean: Some(-10.25),
                interval: Some((-12.5, -0.25)),
            },
            p_value: Some(1e-6),
            effect_size: None,
        };
        summary.differences = COMPARISONS.map(difference).into();
        let scores = scores(&summary, &about).text(Emphasis::None);
        let differences = differences(&summary).text(Emphasis::None);
        for text in [&scores, &differences] {
            assert!(widest(text) <= 80 && !text.contains('*'), "{text}");
        }
        assert!(
            scores.contains("  in the paper          3.77  4.36"),
            "{scores}"
        );
    }
}
