//! The paper's claims, and whether a run bears them out: one account for the report and for
//! `verify`.
//!
//! A claim about a difference is held when the whole 95 % interval is on its side and the test
//! agrees, not held when both are on the other, and otherwise this run does not decide it.

use std::fmt::{self, Display};

use super::paper;
use super::rows::Time;
use crate::study::estimate::Candidate;
use crate::study::methods::Method;
use crate::study::scores::Metric;
use crate::study::statistics::{Column, Difference, Side, Summary};

/// The paper finds fusion 0.52 dB above selection and 0.28 dB below the oracle, and says that it
/// almost reaches it. Read as: what is left to the oracle is less than what the paper's fusion
/// gains.
const NEAR_DB: f64 = 0.5;

/// The paper's "2.8 times faster".
const TIME_RATIO: f64 = 2.8;

/// Whether a claim is borne out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// By the whole interval and the test.
    Held,
    /// By both, the contrary.
    NotHeld,
    /// The interval holds both, the test does not agree, or there is neither.
    Undecided,
}

impl Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Held => "held",
            Self::NotHeld => "not held",
            Self::Undecided => "undecided",
        })
    }
}

impl Verdict {
    /// Of a condition that several others make up.
    fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        parts
            .into_iter()
            .fold(Self::Held, |all, part| match (all, part) {
                (Self::NotHeld, _) | (_, Self::NotHeld) => Self::NotHeld,
                (Self::Undecided, _) | (_, Self::Undecided) => Self::Undecided,
                (Self::Held, Self::Held) => Self::Held,
            })
    }
}

/// A claim of the paper beside what a run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    /// What the paper says.
    pub(crate) statement: String,
    /// Its number.
    pub(crate) paper: String,
    /// The run's number.
    pub(crate) found: String,
    /// Whether the run bears it out.
    pub(crate) verdict: Verdict,
}

/// The claims about the SDR averaged over all trials of a case, and about time.
pub(crate) fn judge(summary: &Summary, case: usize, times: &[Time]) -> Vec<Claim> {
    let gain = |method, baseline| {
        let difference = summary.difference(case, method, baseline, Column::Average);
        let verdict = above(difference.map(Difference::side));
        (found(difference), verdict, paper_gain(method, baseline))
    };
    let better = |method: Method, baseline: Method| {
        let (found, verdict, paper) = gain(method, baseline);
        Claim {
            statement: format!(
                "{} is better than {}",
                method.label(),
                baseline.inline_label()
            ),
            paper: format!("{paper:+.2} dB"),
            found,
            verdict,
        }
    };
    let over_selection = better(Method::VbFusion, Method::VbSelection);
    let steps = [
        better(Method::FusionByMean, Method::VbSelection),
        better(Method::VbFusion, Method::FusionByMean),
        better(Method::OracleSelection, Method::VbFusion),
    ];
    let ordering = Claim {
        statement: "VB selection < fusion by mean < VB fusion < oracle selection".to_owned(),
        paper: "in this order".to_owned(),
        found: order_found(summary, case),
        verdict: Verdict::all(steps.iter().map(|step| step.verdict)),
    };
    let (oracle, fusion) = (Method::OracleSelection, Method::VbFusion);
    let left = summary.difference(case, oracle, fusion, Column::Average);
    let near = Claim {
        statement: format!("VB fusion almost reaches the oracle: it is within {NEAR_DB} dB"),
        paper: format!(
            "{:.2} dB below",
            paper_gain(Method::OracleSelection, Method::VbFusion)
        ),
        found: found(left),
        verdict: match above(left.map(|left| left.side_of(NEAR_DB))) {
            Verdict::Held => Verdict::NotHeld,
            Verdict::NotHeld => Verdict::Held,
            Verdict::Undecided => Verdict::Undecided,
        },
    };
    let mut claims = vec![over_selection];
    claims.extend(steps);
    claims.extend([ordering, near, faster(times)]);
    claims
}

/// The paper's difference of averages.
fn paper_gain(method: Method, baseline: Method) -> f64 {
    let average = |method| paper::row(method).map_or(f64::NAN, |row| row.average_db);
    average(method) - average(baseline)
}

/// Whether a difference is above its limit.
fn above(side: Option<Side>) -> Verdict {
    match side {
        Some(Side::Above) => Verdict::Held,
        Some(Side::Below) => Verdict::NotHeld,
        Some(Side::Both | Side::Unknown) | None => Verdict::Undecided,
    }
}

fn found(difference: Option<&Difference>) -> String {
    let mean = difference.map(|difference| difference.mean);
    let Some((mean, mean_db)) = mean.and_then(|mean| Some((mean, mean.mean?))) else {
        return "no scores".to_owned();
    };
    match mean.interval {
        Some((low, high)) => format!("{mean_db:+.2} dB [{low:+.2}, {high:+.2}]"),
        None => format!("{mean_db:+.2} dB, too few units for an interval"),
    }
    .replace('-', "\u{2212}")
}

/// The methods by their average, least first.
fn order_found(summary: &Summary, case: usize) -> String {
    let mut means: Vec<(f64, Method)> = Method::PAPER
        .into_iter()
        .filter_map(|method| {
            let candidate = Candidate::Method(method);
            let mean = summary.mean(case, candidate, Metric::Sdr, Column::Average)?;
            Some((mean.mean?, method))
        })
        .collect();
    means.sort_by(|a, b| a.0.total_cmp(&b.0));
    let names: Vec<String> = means
        .iter()
        .map(|&(_, method)| method.inline_label())
        .collect();
    if names.is_empty() {
        return "no scores".to_owned();
    }
    names.join(" < ")
}

/// Times have no interval: where the medians and the fastest repetitions are on two sides, the run
/// does not decide.
fn faster(times: &[Time]) -> Claim {
    let ratio = |seconds: fn(&Time) -> f64| {
        let of = |method| times.iter().find(|time| time.method == method).map(seconds);
        let ratio = of(Method::VbSelection)? / of(Method::VbFusion)?;
        ratio.is_finite().then_some(ratio)
    };
    let (median, fastest) = (
        ratio(|time| time.seconds),
        ratio(|time| time.fastest_seconds),
    );
    let (found, verdict) = match median.zip(fastest) {
        None => ("no times".to_owned(), Verdict::Undecided),
        Some((median, fastest)) => (
            format!("{median:.2} times (fastest repetitions: {fastest:.2})"),
            match (median >= TIME_RATIO, fastest >= TIME_RATIO) {
                (true, true) => Verdict::Held,
                (false, false) => Verdict::NotHeld,
                _ => Verdict::Undecided,
            },
        ),
    };
    Claim {
        statement: format!("VB selection takes at least {TIME_RATIO} times as long as VB fusion"),
        paper: "2.84 times".to_owned(),
        found,
        verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::methods::COMPARISONS;
    use crate::study::statistics::Mean;

    /// A run whose four comparisons have these intervals.
    fn summary(intervals: [Option<(f64, f64)>; 4]) -> Summary {
        let difference =
            |((method, baseline), interval): ((_, _), Option<(f64, f64)>)| Difference {
                case: 0,
                candidate: Candidate::Method(method),
                baseline: Candidate::Method(baseline),
                column: Column::Average,
                metric: Metric::Sdr,
                mean: Mean {
                    units: 7,
                    trials: 42,
                    mean: Some(interval.map_or(1.0, |(low, high)| 0.5 * (low + high))),
                    interval,
                },
                p_value: Some(0.015_625),
                effect_size: None,
            };
        Summary {
            differences: COMPARISONS
                .into_iter()
                .zip(intervals)
                .map(difference)
                .collect(),
            ..Summary::default()
        }
    }

    fn times(selection: (f64, f64), fusion: (f64, f64)) -> Vec<Time> {
        [(Method::VbSelection, selection), (Method::VbFusion, fusion)]
            .map(|(method, (seconds, fastest_seconds))| Time {
                method,
                seconds,
                fastest_seconds,
                repetitions: 3,
                threads: 1,
            })
            .into()
    }

    fn verdicts(summary: &Summary, times: &[Time]) -> Vec<Verdict> {
        judge(summary, 0, times)
            .iter()
            .map(|claim| claim.verdict)
            .collect()
    }

    use Verdict::{Held, NotHeld, Undecided};

    #[test]
    fn a_run_like_the_papers_holds_every_claim() {
        // Over selection, over the mean, the oracle over fusion, the mean over selection.
        let run = summary([
            Some((0.3, 0.7)),
            Some((0.1, 0.4)),
            Some((0.2, 0.4)),
            Some((0.1, 0.3)),
        ]);
        assert_eq!(verdicts(&run, &times((2.9, 2.85), (1.0, 1.0))), [Held; 7]);
    }

    #[test]
    fn intervals_that_the_test_agrees_with_decide() {
        let run = summary([
            Some((-0.1, 0.7)),
            Some((-0.4, -0.1)),
            Some((0.4, 0.6)),
            Some((0.1, 0.3)),
        ]);
        // Fusion over selection, mean over selection, fusion over mean, oracle over fusion,
        // ordering, near, time.
        assert_eq!(
            verdicts(&run, &times((2.9, 2.7), (1.0, 1.0))),
            [
                Undecided, Held, NotHeld, Held, NotHeld, Undecided, Undecided
            ]
        );
        let far = summary([None, None, Some((0.6, 0.9)), None]);
        assert_eq!(
            verdicts(&far, &times((2.0, 2.0), (1.0, 1.0))),
            [
                Undecided, Undecided, Undecided, Held, Undecided, NotHeld, NotHeld
            ]
        );
    }

    #[test]
    fn with_few_units_intervals_alone_decide_nothing() {
        let intervals = [(0.3, 0.7), (0.1, 0.4), (0.2, 0.4), (0.1, 0.3)];
        let mut run = summary(intervals.map(Some));
        for difference in &mut run.differences {
            difference.mean.units = 3;
            difference.p_value = Some(0.25);
        }
        let found = verdicts(&run, &times((2.9, 2.85), (1.0, 1.0)));
        assert_eq!(found[..6], [Undecided; 6]);
    }

    #[test]
    fn without_numbers_nothing_is_decided() {
        let claims = judge(&Summary::default(), 0, &[]);
        assert!(claims.iter().all(|claim| claim.verdict == Undecided));
        assert!(claims.iter().all(|claim| !claim.found.contains("NaN")));
        assert_eq!(claims[6].found, "no times");
    }

    #[test]
    fn the_papers_numbers_are_those_of_its_table() {
        let paper: Vec<String> = judge(&summary([None; 4]), 0, &[])
            .into_iter()
            .map(|claim| claim.paper)
            .collect();
        assert_eq!(paper[..4], ["+0.52 dB", "+0.25 dB", "+0.27 dB", "+0.28 dB"]);
        let milliseconds = |method| paper::row(method).unwrap().milliseconds;
        let ratio = milliseconds(Method::VbSelection) / milliseconds(Method::VbFusion);
        assert!((ratio - 2.84).abs() < 0.005);
    }
}
