//! The tables of a study put together in Markdown and LaTeX.
//!
//! Times vary from run to run, so they are in files of their own, and all other files of a run are
//! reproducible.

use super::caption::Caption;
use super::differences::{self, effective_orders};
use super::format::{Format, MISSING};
use super::scores::{best, of_all_cases, of_case};
use super::table::{Entry, Table};
use super::times::macro_name;
use crate::config::Kind;
use crate::study::methods::Method;
use crate::study::scores::Metric;
use crate::study::statistics::{Column, Summary};

/// A study's tables in Markdown; `trials` of all cases together.
pub(crate) fn markdown(summary: &Summary, about: &Caption<'_>, trials: usize) -> String {
    match about.study.config.kind() {
        Kind::Table1 => of_one_case("Table 1", summary, about, trials),
        Kind::Realmix => {
            let name = &about.study.config.experiment.name;
            let title = format!("{name}: mixtures of recordings");
            of_one_case(&title, summary, about, trials)
        }
        Kind::Sweep => of_sweep(summary, about),
    }
}

fn of_one_case(title: &str, summary: &Summary, about: &Caption<'_>, trials: usize) -> String {
    let study = about.study;
    let format = Format::Markdown;
    let columns = summary.columns(0);
    let mut text = format!("# {title}\n\n{}\n", about.text(trials));
    for &metric in &study.config.evaluation.metrics {
        text += &format!("\n## {}\n\n", metric.title());
        text += &of_case(summary, about, 0, metric, format, None).markdown();
    }
    let (_, units) = study.unit.names();
    for &metric in &study.config.evaluation.metrics {
        text += &format!("\n## Paired differences: {}\n\n", metric.title());
        let shown = match metric {
            Metric::Sdr => {
                text += &format!(
                    "Mean gain on the same mixtures, its interval, the p-value of a sign-flip test \
                     over the {units}, Cohen's d of the differences, and n, the number of \
                     {units}.\n\n"
                );
                &columns[..]
            }
            Metric::Sir | Metric::Sar | Metric::PlainSdr | Metric::SiSdr => &[Column::Average],
        };
        text += &differences::table(summary, about, metric, format, shown).markdown();
    }
    text += "\n## Orders that are mixed\n\n";
    text += &format!(
        "Of {}: the exponential of the entropy of q(K), or of the weights of a mean, averaged, \
         with intervals over the {units}.\n\n",
        study.config.training.orders.len()
    );
    text += &effective_orders(summary, about, 0).markdown();
    text += "\nThe oracle takes the single order of highest SDR by BSS Eval, whatever metric is \
        shown.\n";
    text + "\nTimes are in `timings.md`: they are the one thing here that varies from run to run.\n"
}

fn of_sweep(summary: &Summary, about: &Caption<'_>) -> String {
    let study = about.study;
    let format = Format::Markdown;
    let (unit, units) = study.unit.names();
    let mut text = format!(
        "# {}\n\nCorpus: {}; {}. Means over {units} of the mean over the mixtures of each {unit}; \
         in brackets: {}. Bold: the best method that does not need the true speech.{}\n",
        study.config.experiment.name,
        about.corpus,
        about.seeds(),
        about.intervals(),
        about.foreign(),
    );
    text += &format!("\n## {}, average over the SNRs\n\n", Metric::Sdr.title());
    text += &of_all_cases(summary, about, format).markdown();
    if !summary.differences.is_empty() {
        text += "\n## Paired differences of the SDR, average over the SNRs\n\n";
        text += &averages(summary, about);
        let most = summary.differences.iter().map(|it| it.mean.units).max();
        let most = most.unwrap_or_default();
        text += &format!(
            "\np: exact sign-flip test over the {units}, {:.4} at the least with {most} of them. \
             d: mean over standard deviation of their differences; n: number of {units}.\n",
            least_p_value(most)
        );
    }
    for (index, case) in study.cases.iter().enumerate() {
        text += &format!("\n## {}\n", case.name());
        for &metric in &study.config.evaluation.metrics {
            text += &format!("\n{}:\n\n", metric.title());
            text += &of_case(summary, about, index, metric, format, None).markdown();
        }
    }
    text
}

/// A booktabs table of the SDR of the only case. Its time column shows the macros that
/// `timings.tex` defines.
pub(crate) fn latex(summary: &Summary, about: &Caption<'_>, trials: usize) -> String {
    let name = &about.study.config.experiment.name;
    let macros = |method| format!("\\{}", macro_name(name, method));
    let mut text = format!(
        "% {}\n% Needs booktabs. For the times, \\input timings.tex before this file.\n",
        about.text(trials)
    );
    for method in Method::ALL {
        let name = macro_name(name, method);
        text += &format!("\\providecommand{{\\{name}}}{{{MISSING}}}\n");
    }
    let table = of_case(summary, about, 0, Metric::Sdr, Format::Latex, Some(&macros));
    text + &table.latex()
}

/// A booktabs table of the SDR that fits a column of a paper: the methods by the ratios, without
/// intervals.
pub(crate) fn narrow_latex(summary: &Summary, about: &Caption<'_>) -> String {
    let format = Format::Latex;
    let columns = summary.columns(0);
    // The unit is the caption's: headings are as narrow as the numbers.
    let heading = |column: &Column| match column {
        Column::Snr(snr_db) => format.signed(*snr_db),
        Column::Average => "Mean".to_owned(),
    };
    let headings = columns.iter().map(heading);
    let mut table = Table::new(std::iter::once("SNR (dB)".to_owned()).chain(headings));
    let candidates = about.study.candidates();
    for &candidate in &candidates {
        let mean = |&column: &Column| {
            let mean = summary.mean(0, candidate, Metric::Sdr, column);
            let is_best = best(summary, 0, &candidates, Metric::Sdr, column) == Some(candidate);
            let text = format.with_interval(mean.and_then(|mean| mean.mean), None);
            Entry::bold_if(is_best, text)
        };
        let label = Entry::from(format.label(candidate));
        table.push(std::iter::once(label).chain(columns.iter().map(mean)));
    }
    in_a_column("Average SDR of the speech in dB by SNR.", about, &table)
}

/// A booktabs table of the SDR that fits a column of a paper, with intervals: the average over the
/// ratios, and what the methods gain over VB selection.
pub(crate) fn narrow_latex_with_intervals(summary: &Summary, about: &Caption<'_>) -> String {
    let format = Format::Latex;
    let mut table = Table::new(["Method", "SDR (dB)", "Gain (dB)"]);
    let candidates = about.study.candidates();
    let column = Column::Average;
    for &candidate in &candidates {
        let mean = summary.mean(0, candidate, Metric::Sdr, column);
        let is_best = best(summary, 0, &candidates, Metric::Sdr, column) == Some(candidate);
        let gain = summary.difference(0, candidate, Method::VbSelection, column);
        table.push([
            Entry::from(format.label(candidate)),
            Entry::bold_if(is_best, format.mean(mean)),
            Entry::from(format.mean(gain.map(|gain| &gain.mean))),
        ]);
    }
    let what = format!(
        "SDR of the speech, averaged over the SNRs, and paired difference to VB selection. In \
         brackets: {}.",
        about.intervals()
    );
    in_a_column(&what, about, &table)
}

/// A table in small type, made smaller where the column of a paper is narrower still.
fn in_a_column(what: &str, about: &Caption<'_>, table: &Table) -> String {
    format!(
        "% {what} Corpus: {}; {}. Bold: the best method that does not need the true speech.\n\
         % Needs booktabs and adjustbox.\n\
         \\begingroup\\footnotesize\\setlength{{\\tabcolsep}}{{2pt}}\n\
         \\begin{{adjustbox}}{{max width=\\columnwidth}}\n{}\\end{{adjustbox}}\n\\endgroup\n",
        about.corpus,
        about.seeds(),
        table.latex()
    )
}

/// A booktabs table of the paired differences of the SDR.
pub(crate) fn differences_latex(summary: &Summary, about: &Caption<'_>) -> String {
    let (_, units) = about.study.unit.names();
    let columns = summary.columns(0);
    let table = differences::table(summary, about, Metric::Sdr, Format::Latex, &columns);
    format!(
        "% Paired differences of the SDR. Corpus: {}; {}. In brackets: {}; p of a sign-flip test \
         over the {units}, n of them; d_z: Cohen's d of the differences. Needs booktabs.\n{}",
        about.corpus,
        about.seeds(),
        about.intervals(),
        table.latex()
    )
}

/// The differences of the SDR averaged over the ratios.
fn averages(summary: &Summary, about: &Caption<'_>) -> String {
    let columns = [Column::Average];
    differences::table(summary, about, Metric::Sdr, Format::Markdown, &columns).markdown()
}

/// Of a test that counts sign patterns: all signs equal, and all of them turned round.
fn least_p_value(units: usize) -> f64 {
    0.5_f64.powi(units.saturating_sub(1).min(1000) as i32)
}

#[cfg(test)]
mod tests {
    use super::super::scores::tests::summary;
    use super::*;
    use crate::config::Config;
    use crate::study::design::Study;

    #[test]
    fn the_latex_table_stands_without_the_times() {
        let mut config = Config::default();
        config.experiment.name = "table-1".to_owned();
        let study = Study::new(&config).unwrap();
        let about = Caption {
            study: &study,
            corpus: "builtin, speaker 1",
        };
        let table = latex(&summary(&[0.0]), &about, 42);
        assert!(table.contains("\\providecommand{\\tableOneTimeVBfusion}{--}"));
        assert!(table.contains("& \\tableOneTimeVBfusion \\\\"));
    }

    /// Points of a text in Times at 8 points, as IEEE's papers have it: digits are half an em wide,
    /// the minus sign 0.57, and the letters of the methods' names 0.45 on average.
    fn points(cell: &str) -> f64 {
        let plain = cell.replace("\\textbf{", "").replace(['}', '$'], "");
        let em = |letter: char| match letter {
            '0'..='9' => 0.5,
            '.' | ',' | ' ' | '[' | ']' => 0.34,
            '-' => 0.57,
            _ => 0.47,
        };
        8.0 * plain.chars().map(em).sum::<f64>()
    }

    #[test]
    fn the_narrow_table_fits_a_column() {
        let config = Config::default();
        let study = Study::new(&config).unwrap();
        let about = Caption {
            study: &study,
            corpus: "builtin, speaker 1",
        };
        let table = narrow_latex(&summary(&[-6.0, -3.0, 0.0, 3.0, 6.0, 9.0]), &about);
        let rows: Vec<Vec<&str>> = table
            .lines()
            .filter_map(|line| Some(line.strip_suffix(" \\\\")?.split(" & ").collect()))
            .collect();
        assert_eq!(
            rows[0],
            ["SNR (dB)", "$-6$", "$-3$", "0", "3", "6", "9", "Mean"]
        );
        let width = |column: usize| {
            let cells = rows.iter().map(|row| points(row[column]));
            cells.fold(0.0, f64::max)
        };
        let total: f64 = (0..8).map(width).sum::<f64>() + 2.0 * 2.0 * 8.0;
        assert!(total < 238.0, "{total} points of 84 mm");
        assert!(!table.contains('['), "intervals are in the other table");
    }

    #[test]
    fn the_narrow_table_with_intervals_has_the_average() {
        let config = Config::default();
        let study = Study::new(&config).unwrap();
        let about = Caption {
            study: &study,
            corpus: "builtin, speaker 1",
        };
        let table = narrow_latex_with_intervals(&summary(&[0.0]), &about);
        let row = "Fusion by mean & \\textbf{2.00 {\\scriptsize[1.00, 3.00]}} & -- \\\\";
        assert!(table.contains(row), "{table}");
    }
}
