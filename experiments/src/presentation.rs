//! Table 1 for people: Markdown, LaTeX, terminal. The paper's numbers stand below each row.
//!
//! Times vary from run to run, so they are in files of their own, and all other files of a run are reproducible.

use crate::figure::{Curve, Figure, Legend, Point, Scale};
use crate::method::Method;
use crate::metric::Metric;
use crate::paper;
use crate::style;
use crate::summary::{Column, Difference, Mean, Summary};
use crate::table::{Entry, Table};
use crate::timing::{Measured, Timing};

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

/// How a format writes numbers and the times it cannot know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Markdown,
    Latex,
}

const MISSING: &str = "--";

/// `table1.md`.
#[must_use]
pub fn markdown(summary: &Summary, metrics: &[Metric], subject: &Subject) -> String {
    let mut text = format!("# Table 1\n\n{}\n", caption(subject));
    for &metric in metrics {
        text += &format!("\n## {}\n\n", title(metric));
        text += &table(summary, metric, Format::Markdown, None).markdown();
    }
    text += "\n## Paired differences of the SDR (BSS Eval)\n\n";
    text += &differences(&summary.differences).markdown();
    if let Some(effective) = summary.effective_orders {
        text += &format!(
            "\nA fusion mixes {effective:.2} of {} orders effectively: the exponential of the entropy of q(K), on average.\n",
            subject.orders
        );
    }
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

/// The table of the SDR with times, for the terminal.
#[must_use]
pub fn terminal(summary: &Summary, timings: &Measured, subject: &Subject) -> String {
    let time = |method| milliseconds(timings, method);
    let table = table(summary, Metric::Sdr, Format::Markdown, Some(&time)).markdown();
    format!(
        "{}\n\n{table}\n{}\n{}\n",
        caption(subject),
        differences(&summary.differences).markdown(),
        time_ratio(timings)
    )
}

/// `timings.md`.
#[must_use]
pub fn timings_markdown(timings: &Measured, cpu: Option<&str>) -> String {
    let mut table = Table::new(["Method", "Time (ms)", "Paper (ms)"]);
    for method in Method::TABLED {
        let paper = paper::row(method).map(|row| format!("{:.1}", row.milliseconds));
        table.push([
            method.label().to_owned(),
            milliseconds(timings, method),
            paper.unwrap_or_else(|| MISSING.to_owned()),
        ]);
    }
    let machine = match timings.as_deref() {
        Ok([timing, ..]) => {
            let cpu = cpu.unwrap_or("a processor of unknown model");
            let threads = match timing.threads {
                1 => "1 thread".to_owned(),
                threads => format!("{threads} threads"),
            };
            format!(" Measured with {threads} on {cpu}.")
        }
        _ => String::new(),
    };
    format!(
        "# Times\n\nOf one observation, each method alone, the median of several repetitions.{machine}\n\n{}\n{}\n",
        table.markdown(),
        time_ratio(timings)
    )
}

/// `timings.tex`: the macros of `table1.tex`. It may be read more than once, and counts from there on.
#[must_use]
pub fn timings_latex(timings: &Measured, subject: &Subject) -> String {
    let define = |method| {
        let name = time_macro(subject, method);
        let time = milliseconds(timings, method);
        format!("\\providecommand{{\\{name}}}{{}}\\renewcommand{{\\{name}}}{{{time}}}\n")
    };
    Method::TABLED.into_iter().map(define).collect()
}

/// Fig. 1: the SDR of every method at every signal-to-noise ratio.
#[must_use]
pub fn figure(summary: &Summary, subject: &Subject) -> Figure {
    let curve = |method: Method| {
        let mut points: Vec<Point> = summary
            .columns
            .iter()
            .filter_map(|&column| {
                let Column::Snr(snr_db) = column else {
                    return None;
                };
                let mean = summary.mean(method, Metric::Sdr, column)?;
                Some(Point {
                    x: snr_db,
                    mean_db: mean.mean_db?,
                    interval_db: mean.interval_db,
                })
            })
            .collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        Curve {
            label: method.label().to_owned(),
            style: style::of(method),
            points,
        }
    };
    Figure {
        title: format!(
            "Corpus: {}. Points: means of {} observations, bars: 95 % intervals",
            subject.corpus, subject.orders
        ),
        x_label: "SNR (dB)".to_owned(),
        scale: Scale::Linear,
        y_label: "SDR (dB)".to_owned(),
        legend: Legend::Inside,
        curves: Method::TABLED.map(curve).into(),
    }
}

fn caption(subject: &Subject) -> String {
    format!(
        "Average SDR of the speaker in dB over {} observations. Corpus: {}; seed {}. In brackets: 95 % bootstrap \
         intervals over the true orders, with speaker, dictionaries and SNRs held fixed. Bold: the best method that \
         does not need the true source.",
        subject.observations, subject.corpus, subject.seed
    )
}

/// The name of a metric in headings.
pub(crate) fn title(metric: Metric) -> &'static str {
    match metric {
        Metric::Sdr => "SDR (BSS Eval v3)",
        Metric::Sir => "SIR (BSS Eval v3)",
        Metric::Sar => "SAR (BSS Eval v3)",
        Metric::PlainSdr => "Plain SDR",
        Metric::SiSdr => "Scale-invariant SDR",
    }
}

/// Methods by columns, the paper's row below each where the metric is the paper's.
fn table(
    summary: &Summary,
    metric: Metric,
    format: Format,
    time: Option<&dyn Fn(Method) -> String>,
) -> Table {
    let header = summary.columns.iter().map(|column| match column {
        Column::Snr(snr_db) => format!("{} dB", format.number(snr_db.to_string())),
        Column::Average => "Average".to_owned(),
    });
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
fn paper_value(paper: &paper::Row, column: Column, columns: &[Column]) -> Option<f64> {
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

fn best(summary: &Summary, metric: Metric, column: Column) -> Option<Method> {
    let mean = |method| {
        summary
            .mean(method, metric, column)
            .and_then(|mean| mean.mean_db)
    };
    Method::TABLED
        .into_iter()
        .filter(|method| !method.needs_truth())
        .filter_map(|method| Some((method, mean(method)?)))
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(method, _)| method)
}

fn differences(differences: &[Difference]) -> Table {
    let mut table = Table::new(["Difference", "Mean (dB)", "p", "n", "Paper (dB)"]);
    let average = |method| paper::row(method).map(|row| row.average_db);
    for difference in differences {
        let paper = average(difference.method)
            .zip(average(difference.baseline))
            .map(|(method, baseline)| format!("{:.2}", method - baseline));
        let p_value = difference.p_value.map(|p| {
            if p < 1e-4 {
                "< 0.0001".to_owned()
            } else {
                format!("{p:.4}")
            }
        });
        table.push([
            format!(
                "{} \u{2212} {}",
                difference.method.label(),
                difference.baseline.label()
            ),
            Format::Markdown.mean(Some(&difference.mean)),
            p_value.unwrap_or_else(|| MISSING.to_owned()),
            difference.mean.n.to_string(),
            paper.unwrap_or_else(|| MISSING.to_owned()),
        ]);
    }
    table
}

impl Format {
    /// A number already in text, with this format's minus sign.
    fn number(self, text: String) -> String {
        match (self, text.strip_prefix('-')) {
            (_, None) => text,
            (Self::Markdown, Some(digits)) => format!("\u{2212}{digits}"),
            (Self::Latex, Some(digits)) => format!("$-{digits}$"),
        }
    }

    fn mean(self, mean: Option<&Mean>) -> String {
        let Some((mean, mean_db)) = mean.and_then(|mean| Some((mean, mean.mean_db?))) else {
            return MISSING.to_owned();
        };
        // Rounded first, so that there is no minus zero.
        let number =
            |value: f64| self.number(format!("{:.2}", (value * 100.0).round() / 100.0 + 0.0));
        let value = number(mean_db);
        match (mean.interval_db, self) {
            (None, _) => value,
            (Some((low, high)), Self::Markdown) => {
                format!("{value} [{}, {}]", number(low), number(high))
            }
            (Some((low, high)), Self::Latex) => {
                format!(
                    "{value} {{\\scriptsize[{}, {}]}}",
                    number(low),
                    number(high)
                )
            }
        }
    }

    fn paper_label(self) -> String {
        match self {
            Self::Markdown => "\u{2013} in the paper".to_owned(),
            Self::Latex => "\\quad in the paper".to_owned(),
        }
    }
}

fn timing(timings: &Measured, method: Method) -> Option<&Timing> {
    let timings = timings.as_ref().ok()?;
    timings.iter().find(|timing| timing.method == method)
}

fn milliseconds(timings: &Measured, method: Method) -> String {
    match timing(timings, method) {
        Some(timing) => format!("{:.1}", 1e3 * timing.seconds),
        None => MISSING.to_owned(),
    }
}

fn time_ratio(timings: &Measured) -> String {
    if let Err(reason) = timings {
        return format!("There are no times: {reason}.");
    }
    let seconds = |method| timing(timings, method).map_or(f64::NAN, |timing| timing.seconds);
    format!(
        "VB selection takes {:.2} times as long as VB fusion (in the paper: 2.84).",
        seconds(Method::VbSelection) / seconds(Method::VbFusion)
    )
}

/// Named by experiment and method, so that tables of several experiments can be in one document. LaTeX macros have
/// letters only: digits are spelt, and a letter after anything else is a capital.
fn time_macro(subject: &Subject, method: Method) -> String {
    const DIGITS: [&str; 10] = [
        "Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine",
    ];
    let mut name = String::new();
    let mut joined = true;
    for character in subject.experiment.chars() {
        match character.to_digit(10) {
            Some(digit) => name += DIGITS[digit as usize],
            None if !character.is_ascii_alphabetic() => {}
            None if joined || name.is_empty() => name.push(character),
            None => name.push(character.to_ascii_uppercase()),
        }
        joined = character.is_ascii_alphabetic();
    }
    let letters = method.label().chars().filter(char::is_ascii_alphabetic);
    name.push_str("Time");
    name.extend(letters);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary;

    /// Oracle above mean above fusion above selection, at the paper's ratios or some of them.
    fn summary(ratios: &[f64]) -> Summary {
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
            effective_orders: Some(1.5),
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

    #[test]
    fn macros_of_the_times_have_letters_only_and_the_experiments_name() {
        let subject = |experiment| Subject {
            experiment,
            corpus: "",
            seed: 1,
            observations: 1,
            orders: 1,
        };
        let name = |experiment| time_macro(&subject(experiment), Method::VbFusion);
        assert_eq!(name("table1"), "tableOneTimeVBfusion");
        assert_eq!(name("my_run-2.b"), "myRunTwoBTimeVBfusion");
        assert_eq!(name("--"), "TimeVBfusion");
    }

    #[test]
    fn without_times_the_reason_is_given() {
        let none = Err("fusion: no numbers".to_owned());
        let text = timings_markdown(&none, None);
        assert!(
            text.contains("There are no times: fusion: no numbers.") && !text.contains("NaN"),
            "{text}"
        );
    }
}
