//! What a sweep found: the best value for each method, and where the methods gain over selection.

use maud::{Markup, html};

use super::page;
use crate::study::estimate::Candidate;
use crate::study::methods::Method;
use crate::study::scores::Metric;
use crate::study::statistics::{Column, Difference, Mean, Side, Summary};
use crate::tables::caption::Caption;
use crate::tables::format::{Format, MISSING};

const FORMAT: Format = Format::Markdown;
/// What all gains are over.
const BASELINE: Candidate = Candidate::Method(Method::VbSelection);
/// Means nearer than this are the same, in dB: a thousandth of what tables show.
const SAME_DB: f64 = 1e-5;

/// A side in words, and the class of its look.
fn described(side: Side) -> (&'static str, &'static str) {
    match side {
        Side::Above => ("gains", "held"),
        Side::Below => ("loses", "not-held"),
        Side::Both => ("undecided", "undecided"),
        Side::Unknown => ("no interval", "undecided"),
    }
}

/// Before a number, so that colours are not all there is.
fn mark(side: Side) -> &'static str {
    match side {
        Side::Above => "▲ ",
        Side::Below => "▼ ",
        Side::Both | Side::Unknown => "",
    }
}

/// The SDR of a candidate over the cases of a sweep.
struct Course<'a> {
    candidate: Candidate,
    /// By case, where there is one.
    means: Vec<(usize, &'a Mean, f64)>,
    cases: usize,
}

impl<'a> Course<'a> {
    fn new(summary: &'a Summary, cases: usize, candidate: Candidate) -> Self {
        let mean = |case| {
            let mean = summary.mean(case, candidate, Metric::Sdr, Column::Average)?;
            Some((case, mean, mean.mean?))
        };
        Self {
            candidate,
            means: (0..cases).filter_map(mean).collect(),
            cases,
        }
    }

    /// The case of the largest mean, the first of them where several are the same.
    fn best(&self) -> Option<(usize, &'a Mean, f64)> {
        let better = |best: (usize, &'a Mean, f64), it: (usize, &'a Mean, f64)| {
            if it.2 > best.2 + SAME_DB { it } else { best }
        };
        self.means.iter().copied().reduce(better)
    }

    fn lowest(&self) -> Option<f64> {
        self.means.iter().map(|&(.., mean)| mean).reduce(f64::min)
    }

    /// Whether the swept values make no difference to it.
    fn is_flat(&self) -> bool {
        let range = self.best().zip(self.lowest());
        let is_whole = self.cases > 1 && self.means.len() == self.cases;
        is_whole && range.is_some_and(|((.., best), lowest)| best - lowest <= SAME_DB)
    }
}

/// The best value for each method, then the gains value by value.
pub(super) fn verdicts(summary: &Summary, about: &Caption<'_>) -> Markup {
    let study = about.study;
    let (_, units) = study.unit.names();
    let count = study.cases.len();
    let candidates = study.candidates().into_iter();
    let courses: Vec<Course<'_>> = candidates
        .filter(|candidate| matches!(candidate, Candidate::Method(_) | Candidate::Foreign(_)))
        .map(|candidate| Course::new(summary, count, candidate))
        .filter(|course| !course.means.is_empty())
        .collect();
    let has_gains = courses.iter().any(|it| it.candidate == BASELINE) && courses.len() > 1;
    html! {
        p {
            "Gains, loses: the whole 95 % interval of the paired difference to VB selection is \
             above 0, or below, and its test has p of at most 0.05; otherwise undecided. n: number \
             of " (units) ", the units of intervals and tests. Each comparison is made by itself: \
             of many, one in twenty is clear of 0 by chance. No test compares the best value with \
             the others, and it was chosen on these very mixtures, so its numbers are somewhat \
             too good: other mixtures have to confirm it."
        }
        (best_values(summary, about, &courses))
        @if has_gains {
            (gains(summary, about, &courses))
        }
    }
}

fn best_values(summary: &Summary, about: &Caption<'_>, courses: &[Course<'_>]) -> Markup {
    const CAPTION: &str = "The value of the highest SDR for each method, averaged over the SNRs";
    let row = |course: &Course<'_>| {
        let (case, mean, _) = course.best()?;
        let lowest = course.lowest()?;
        let is_flat = course.is_flat();
        let gain = gain(summary, case, course.candidate);
        Some(html! {
            tr {
                th scope="row" { (FORMAT.label(course.candidate)) }
                td {
                    @if is_flat {
                        "all values alike"
                    } @else {
                        strong { (values(about, case)) }
                    }
                }
                (gain_cells(gain))
                td { (page::number(&FORMAT.mean(Some(mean)))) }
                td { @if is_flat { (MISSING) } @else { (FORMAT.decimals(lowest)) } }
            }
        })
    };
    let column = |heading: &str| html! { th scope="col" { (heading) } };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(CAPTION) {
            table.best {
                caption { (CAPTION) }
                thead {
                    tr {
                        (column("Method"))
                        (column(&format!("Best {}", about.study.axis_keys().join(", "))))
                        (column("Against VB selection"))
                        (column("Gain over VB selection (dB)"))
                        (column("p"))
                        (column("n"))
                        (column("SDR (dB)"))
                        (column("Lowest SDR (dB)"))
                    }
                }
                tbody {
                    @for course in courses {
                        @if let Some(row) = row(course) { (row) }
                    }
                }
            }
        }
    }
}

/// A gain, its verdict, its test and the number of units of that.
fn gain_cells(gain: Option<&Difference>) -> Markup {
    let Some(gain) = gain else {
        return html! { @for _ in 0..4 { td { (MISSING) } } };
    };
    let (word, class) = described(gain.side());
    html! {
        td { span class={ "verdict " (class) } { (word) } }
        td { (page::number(&FORMAT.mean(Some(&gain.mean)))) }
        td { (FORMAT.p_value(gain.p_value)) }
        td { (gain.mean.units) }
    }
}

/// The gains of all methods at all values.
fn gains(summary: &Summary, about: &Caption<'_>, courses: &[Course<'_>]) -> Markup {
    let study = about.study;
    let (_, units) = study.unit.names();
    let caption = format!(
        "Gain over VB selection on the same mixtures, in dB, with 95 % intervals over {units}. ▲ \
         gains, ▼ loses"
    );
    let others: Vec<Candidate> = courses
        .iter()
        .map(|course| course.candidate)
        .filter(|&candidate| {
            let mut cases = 0..study.cases.len();
            cases.any(|case| gain(summary, case, candidate).is_some())
        })
        .collect();
    let cell = |case: usize, candidate: Candidate| {
        let Some(gain) = gain(summary, case, candidate) else {
            return html! { td { (MISSING) } };
        };
        let side = gain.side();
        let text = FORMAT.mean(Some(&gain.mean));
        html! {
            td class=(described(side).1) { (mark(side)) (page::number(&text)) }
        }
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table.gains {
                caption { (caption) }
                thead {
                    tr {
                        th scope="col" { (study.axis_keys().join(", ")) }
                        @for &candidate in &others { th scope="col" { (FORMAT.label(candidate)) } }
                    }
                }
                tbody {
                    @for index in 0..study.cases.len() {
                        tr {
                            th scope="row" { (values(about, index)) }
                            @for &candidate in &others { (cell(index, candidate)) }
                        }
                    }
                }
            }
        }
    }
}

/// The swept values of a case.
fn values(about: &Caption<'_>, case: usize) -> String {
    let values: Vec<String> = about.study.cases[case].texts().collect();
    values.join(", ")
}

/// The highest of all means, of the methods that do not need the true speech, in a sentence.
pub(super) fn highest(summary: &Summary, about: &Caption<'_>) -> Option<String> {
    let candidates = about.study.candidates().into_iter();
    let courses = candidates
        .filter(|candidate| candidate.is_usable())
        .map(|candidate| Course::new(summary, about.study.cases.len(), candidate));
    let best = courses.filter_map(|course| {
        let (case, mean, value) = course.best()?;
        Some((value, case, mean, course))
    });
    let (_, case, mean, course) = best.max_by(|(a, ..), (b, ..)| a.total_cmp(b))?;
    let place = match course.is_flat() {
        true => "whatever the value".to_owned(),
        false => format!("at {}", about.study.cases[case].name()),
    };
    let method = FORMAT.label(course.candidate);
    let sdr = FORMAT.mean(Some(mean));
    Some(format!(
        "The highest SDR of a method that does not need the true speech: {method}, {sdr} dB, \
         {place}."
    ))
}

fn gain(summary: &Summary, case: usize, candidate: Candidate) -> Option<&Difference> {
    summary.difference(case, candidate, BASELINE, Column::Average)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::statistics::MeanScore;

    #[test]
    fn the_first_of_the_best_values_is_named_and_flat_ones_are_told() {
        let summary = |means: &[f64]| Summary {
            means: means
                .iter()
                .enumerate()
                .map(|(case, &mean)| MeanScore {
                    case,
                    candidate: BASELINE,
                    column: Column::Average,
                    metric: Metric::Sdr,
                    mean: Mean {
                        mean: Some(mean),
                        ..Mean::default()
                    },
                })
                .collect(),
            ..Summary::default()
        };
        let rising = summary(&[1.0, 3.0, 3.000_001, 2.0]);
        let course = Course::new(&rising, 4, BASELINE);
        assert_eq!(course.best().map(|(case, ..)| case), Some(1));
        assert!(!course.is_flat() && course.lowest() == Some(1.0));
        let level = summary(&[2.0, 2.0]);
        assert!(Course::new(&level, 2, BASELINE).is_flat());
        // Of what is missing nothing is known.
        assert!(!Course::new(&level, 3, BASELINE).is_flat());
    }
}
