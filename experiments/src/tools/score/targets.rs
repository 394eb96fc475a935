//! What is scored, by what, and the scores.

use std::fmt::{self, Display};

use crate::study::scores::Metric;

/// What the files are to one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScoredAs {
    /// The sources of one mixture: what is of another source is interference.
    Sources,
    /// Pairs of a reference and its estimate that have nothing to do with the other pairs.
    Pairs,
}

/// How signals are cut into frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Framing {
    /// Length of a frame.
    pub(crate) window_seconds: f64,
    /// Distance between the starts of two frames.
    pub(crate) hop_seconds: f64,
}

/// A number that is given of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantity {
    Estimate(Metric),
    /// The mixture, as if it were the estimate.
    Mixture(Metric),
    /// Estimate less mixture.
    Improvement(Metric),
}

impl Quantity {
    /// Metrics by which estimates are compared with the mixture.
    pub(crate) const COMPARED: [Metric; 2] = [Metric::Sdr, Metric::SiSdr];

    /// All that is given, in order.
    pub(crate) fn list(scored_as: ScoredAs, with_mixture: bool) -> Vec<Self> {
        // A pair on its own has no interference: no SIR, and the SAR is the SDR.
        let metrics: &[Metric] = match scored_as {
            ScoredAs::Sources => &Metric::ALL,
            ScoredAs::Pairs => &[Metric::Sdr, Metric::PlainSdr, Metric::SiSdr],
        };
        let mut list: Vec<Self> = metrics.iter().copied().map(Self::Estimate).collect();
        if with_mixture {
            for metric in Self::COMPARED {
                list.extend([Self::Mixture(metric), Self::Improvement(metric)]);
            }
        }
        list
    }

    /// The name in headings of a table.
    pub(crate) fn label(self) -> String {
        match self {
            Self::Estimate(metric) => metric.label().to_owned(),
            Self::Mixture(metric) => format!("mixture {}", metric.label()),
            Self::Improvement(metric) => format!("{} improvement", metric.label()),
        }
    }

    /// The name in CSV files, as in those of studies.
    pub(crate) fn column(self) -> String {
        match self {
            Self::Estimate(metric) => metric.name().to_owned(),
            Self::Mixture(metric) => format!("mixture_{}", metric.name()),
            Self::Improvement(metric) => format!("{}_improvement", metric.name()),
        }
    }

    /// The name in JSON files, which says whose SDR it is: others write that of version 4.
    pub(crate) fn key(self) -> String {
        let name = |metric: Metric| match metric {
            Metric::Sdr | Metric::Sir | Metric::Sar => format!("bss_eval_v3_{}", metric.name()),
            Metric::PlainSdr | Metric::SiSdr => metric.name().to_owned(),
        };
        match self {
            Self::Estimate(metric) => name(metric),
            Self::Mixture(metric) => format!("mixture_{}", name(metric)),
            Self::Improvement(metric) => format!("{}_improvement", name(metric)),
        }
    }
}

/// Why there is no number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The SIR where there is one source only: infinite for whatever estimate.
    NoInterference,
    Infinite,
    MinusInfinite,
    /// The metric is not defined for these signals; the reason names the file.
    Undefined(String),
}

impl Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoInterference => {
                formatter.write_str("there is no other source that could interfere")
            }
            Self::Infinite => formatter.write_str("the ratio is infinite"),
            Self::MinusInfinite => formatter.write_str("the ratio is minus infinity"),
            Self::Undefined(reason) => formatter.write_str(reason),
        }
    }
}

/// A number in dB, or why there is none.
pub(crate) type TargetScore = Result<f64, Missing>;

/// The scores of a stretch of time.
#[derive(Debug, Clone)]
pub(crate) struct SpanScores {
    /// Its start in seconds.
    pub(crate) time: f64,
    /// Its length in seconds.
    pub(crate) duration: f64,
    /// One per quantity.
    pub(crate) scores: Vec<TargetScore>,
}

/// The scores of one channel of one source.
#[derive(Debug, Clone)]
pub(crate) struct TargetScores {
    /// Name of the source; with the channel's number if there are several.
    pub(crate) name: String,
    /// Name of the estimate that was taken for it.
    pub(crate) estimate: String,
    /// Scores of the whole signals.
    pub(crate) whole: SpanScores,
    /// Scores of the frames, in order of time; empty unless asked for.
    pub(crate) frames: Vec<SpanScores>,
}

/// All scores of a command.
#[derive(Debug)]
pub(crate) struct ScoreSheet {
    pub(crate) scored_as: ScoredAs,
    pub(crate) quantities: Vec<Quantity>,
    /// The targets of each set of signals: the one of all sources, or one for each pair.
    pub(crate) sets: Vec<Vec<TargetScores>>,
}

impl ScoreSheet {
    pub(crate) fn targets(&self) -> impl Iterator<Item = &TargetScores> {
        self.sets.iter().flatten()
    }

    /// Whether a number is missing that should be there: of a whole signal, or of every frame.
    pub(crate) fn is_partial(&self) -> bool {
        let is_undefined = |score: &TargetScore| matches!(score, Err(Missing::Undefined(_)));
        self.targets().any(|target| {
            let in_all_frames = |index: usize| {
                let mut frames = target.frames.iter();
                !target.frames.is_empty() && frames.all(|frame| is_undefined(&frame.scores[index]))
            };
            target.whole.scores.iter().any(is_undefined)
                || (0..self.quantities.len()).any(in_all_frames)
        })
    }

    /// Whether every estimate of a mixture has less of its own source than of an average other one,
    /// as the mixture itself, at equal levels, has not.
    pub(crate) fn seems_swapped(&self) -> bool {
        let sir = Quantity::Estimate(Metric::Sir);
        let Some(index) = self.quantities.iter().position(|&it| it == sir) else {
            return false;
        };
        // Of several channels there are as many targets more, and the bound is lower.
        let others = self.targets().count().saturating_sub(1).max(1);
        let least = -10.0 * (others as f64).log10();
        let is_less = |target: &TargetScores| match &target.whole.scores[index] {
            Ok(db) => *db < least,
            Err(reason) => *reason == Missing::MinusInfinite,
        };
        self.targets().all(is_less)
    }
}
