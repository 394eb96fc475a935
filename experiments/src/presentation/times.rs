//! Times for people. They vary from run to run, so they are in files of their own.

use super::Subject;
use super::format::MISSING;
use crate::method::Method;
use crate::paper;
use crate::table::Table;
use crate::timing::{Measured, Timing};

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

fn timing(timings: &Measured, method: Method) -> Option<&Timing> {
    let timings = timings.as_ref().ok()?;
    timings.iter().find(|timing| timing.method == method)
}

pub(super) fn milliseconds(timings: &Measured, method: Method) -> String {
    match timing(timings, method) {
        Some(timing) => format!("{:.1}", 1e3 * timing.seconds),
        None => MISSING.to_owned(),
    }
}

pub(super) fn time_ratio(timings: &Measured) -> String {
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
pub(super) fn time_macro(subject: &Subject, method: Method) -> String {
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
