//! Means over independent pairs, with their intervals.

use eval::{Interval, mean_interval, student_interval};

use super::targets::{Quantity, ScoreSheet, TargetScores};

/// Of the intervals.
const CONFIDENCE: f64 = 0.95;
/// Fewer values than this have an interval by Student's t: a bootstrap of so few is too narrow.
const LEAST_FOR_BOOTSTRAP: usize = 10;
/// Bootstrap means drawn.
const RESAMPLES: usize = 10_000;

/// How an interval was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IntervalKind {
    Student,
    Bootstrap,
}

impl IntervalKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Student => "Student's t",
            Self::Bootstrap => "BCa bootstrap",
        }
    }
}

/// The mean of one quantity.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PairMean {
    pub(super) quantity: Quantity,
    /// Pairs that have a finite number on every channel.
    pub(super) count: usize,
    /// None if there is no such pair.
    pub(super) mean_db: Option<f64>,
    /// None with fewer than two.
    pub(super) interval: Option<(Interval, IntervalKind)>,
}

/// The mean of every quantity over the pairs. The channels of a pair are averaged first: they are
/// not independent.
pub(super) fn average_pairs(sheet: &ScoreSheet) -> Vec<PairMean> {
    let quantities = sheet.quantities.iter().enumerate();
    let mean = |(index, &quantity): (usize, &Quantity)| {
        let values: Vec<f64> = sheet
            .sets
            .iter()
            .filter_map(|targets| average_channels(targets, index))
            .collect();
        let count = values.len();
        let kind = match count < LEAST_FOR_BOOTSTRAP {
            true => IntervalKind::Student,
            false => IntervalKind::Bootstrap,
        };
        let interval = match kind {
            IntervalKind::Student => student_interval(&values, CONFIDENCE),
            IntervalKind::Bootstrap => {
                let mut rng = synth::stream(0, "interval of scores", &[index as u64]);
                mean_interval(&values, CONFIDENCE, RESAMPLES, &mut rng)
            }
        };
        PairMean {
            quantity,
            count,
            mean_db: (count > 0).then(|| values.iter().sum::<f64>() / count as f64),
            interval: interval.ok().map(|interval| (interval, kind)),
        }
    };
    quantities.map(mean).collect()
}

fn average_channels(targets: &[TargetScores], index: usize) -> Option<f64> {
    let scores = targets
        .iter()
        .map(|target| target.whole.scores[index].as_ref().ok());
    let sum = scores.sum::<Option<f64>>()?;
    Some(sum / targets.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::super::targets::{Missing, ScoredAs, SpanScores, TargetScore};
    use super::*;
    use crate::study::scores::Metric;

    fn sheet(pairs: &[&[TargetScore]]) -> ScoreSheet {
        let target = |score: &TargetScore| TargetScores {
            name: String::new(),
            estimate: String::new(),
            whole: SpanScores {
                time: 0.0,
                duration: 1.0,
                scores: vec![score.clone()],
            },
            frames: Vec::new(),
        };
        ScoreSheet {
            scored_as: ScoredAs::Pairs,
            quantities: vec![Quantity::Estimate(Metric::Sdr)],
            sets: pairs
                .iter()
                .map(|pair| pair.iter().map(target).collect())
                .collect(),
        }
    }

    #[test]
    fn channels_are_averaged_first_and_pairs_without_a_number_are_left_out() {
        let pairs: [&[TargetScore]; 5] = [
            &[Ok(1.0), Ok(3.0)],
            &[Ok(4.0)],
            &[Ok(6.0)],
            &[Err(Missing::Infinite)],
            &[Ok(100.0), Err(Missing::Undefined(String::new()))],
        ];
        let mean = &average_pairs(&sheet(&pairs))[0];
        assert_eq!((mean.count, mean.mean_db), (3, Some(4.0)));
        // By hand: standard deviation 2, t of 2 degrees of freedom 4.302652729749462.
        let (interval, kind) = mean.interval.unwrap();
        let half = 4.302_652_729_749_462 * 2.0 / 3.0_f64.sqrt();
        assert_eq!(kind, IntervalKind::Student);
        assert!(
            (interval.low - (4.0 - half)).abs() < 1e-9
                && (interval.high - (4.0 + half)).abs() < 1e-9
        );
    }

    #[test]
    fn one_pair_has_no_interval_and_none_no_mean() {
        let mean = &average_pairs(&sheet(&[&[Ok(2.0)]]))[0];
        assert_eq!((mean.mean_db, mean.interval), (Some(2.0), None));
        let mean = &average_pairs(&sheet(&[&[Err(Missing::Infinite)]]))[0];
        assert_eq!((mean.count, mean.mean_db, mean.interval), (0, None, None));
    }

    #[test]
    fn many_pairs_have_a_bootstrap_interval_that_is_the_same_every_time() {
        let scores: Vec<[TargetScore; 1]> = (0..20).map(|i| [Ok(f64::from(i * i % 7))]).collect();
        let pairs: Vec<&[TargetScore]> = scores.iter().map(<[TargetScore; 1]>::as_slice).collect();
        let mean = &average_pairs(&sheet(&pairs))[0];
        let (interval, kind) = mean.interval.unwrap();
        assert_eq!(kind, IntervalKind::Bootstrap);
        assert!(interval.low < mean.mean_db.unwrap() && mean.mean_db.unwrap() < interval.high);
        assert_eq!(*mean, average_pairs(&sheet(&pairs))[0]);
    }
}
