//! Tables of times. They vary from run to run, so they are in files of their own.

use super::caption::Caption;
use super::format::MISSING;
use super::paper;
use super::rows::Time;
use super::table::Table;
use crate::study::methods::Method;

/// The times of all methods, or why there are none.
pub(crate) type Times = std::result::Result<Vec<Time>, String>;

/// The ratio of times that the paper's Table 1 has.
const PAPER_RATIO: f64 = 2.84;

/// `timings.md`.
pub(crate) fn markdown(times: &Times, cpu: Option<&str>) -> String {
    let machine = match times.as_deref() {
        Ok([time, ..]) => {
            let cpu = cpu.unwrap_or("a processor of unknown model");
            let threads = match time.threads {
                1 => "1 thread".to_owned(),
                threads => format!("{threads} threads"),
            };
            format!(" Measured with {threads} on {cpu}.")
        }
        _ => String::new(),
    };
    let table = table(times.as_deref().unwrap_or_default()).markdown();
    format!(
        "# Times\n\nOf one mixture, each method alone, the median of several \
         repetitions.{machine}\n\n\
         {table}\n{}\n",
        ratio(times)
    )
}

/// Median and fastest times, the paper's beside them.
pub(crate) fn table(times: &[Time]) -> Table {
    let mut table = Table::new(["Method", "Median (ms)", "Fastest (ms)", "Paper (ms)"]);
    for time in times {
        let milliseconds = |seconds: f64| format!("{:.1}", 1e3 * seconds);
        let paper = paper::row(time.method).map(|row| format!("{:.1}", row.milliseconds));
        table.push([
            time.method.label().to_owned(),
            milliseconds(time.seconds),
            milliseconds(time.fastest_seconds),
            paper.unwrap_or_else(|| MISSING.to_owned()),
        ]);
    }
    table
}

/// `timings.tex`: the macros that the table of scores shows. It may be read more than once, and
/// counts from there on.
pub(crate) fn latex(times: &Times, about: &Caption<'_>) -> String {
    let define = |method| {
        let name = macro_name(&about.study.config.experiment.name, method);
        let time = milliseconds(times, method);
        format!("\\providecommand{{\\{name}}}{{}}\\renewcommand{{\\{name}}}{{{time}}}\n")
    };
    Method::ALL.into_iter().map(define).collect()
}

/// The median time of a method.
pub(super) fn milliseconds(times: &Times, method: Method) -> String {
    match seconds(times, method) {
        Some(seconds) => format!("{:.1}", 1e3 * seconds),
        None => MISSING.to_owned(),
    }
}

fn seconds(times: &Times, method: Method) -> Option<f64> {
    let mut times = times.as_ref().ok()?.iter();
    times
        .find(|time| time.method == method)
        .map(|time| time.seconds)
}

/// How much longer selection takes than fusion, or why that is not known.
pub(super) fn ratio(times: &Times) -> String {
    if let Err(reason) = times {
        return format!("There are no times: {reason}.");
    }
    let selection = seconds(times, Method::VbSelection);
    let fusion = seconds(times, Method::VbFusion);
    match selection.zip(fusion) {
        Some((selection, fusion)) => format!(
            "VB selection takes {:.2} times as long as VB fusion (in the paper: {PAPER_RATIO}).",
            selection / fusion
        ),
        None => "There are no times of VB selection and VB fusion.".to_owned(),
    }
}

/// Named by experiment and method, so that tables of several experiments can be in one document.
/// LaTeX macros have letters only: digits are spelt, and a letter after anything else is a capital.
pub(super) fn macro_name(experiment: &str, method: Method) -> String {
    const DIGITS: [&str; 10] = [
        "Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine",
    ];
    let mut name = String::new();
    let mut joined = true;
    for character in experiment.chars() {
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

    #[test]
    fn macros_of_the_times_have_letters_only_and_the_experiments_name() {
        let name = |experiment| macro_name(experiment, Method::VbFusion);
        assert_eq!(name("table1"), "tableOneTimeVBfusion");
        assert_eq!(name("my_run-2.b"), "myRunTwoBTimeVBfusion");
        assert_eq!(name("--"), "TimeVBfusion");
    }

    #[test]
    fn without_times_the_reason_is_given() {
        let none = Err("fusion: no numbers".to_owned());
        let text = markdown(&none, None);
        assert!(
            text.contains("There are no times: fusion: no numbers.") && !text.contains("NaN"),
            "{text}"
        );
    }
}
