//! The metrics, one list for the whole runner, and the scores of an estimate by all of them.
//!
//! To add a metric, add a variant: the compiler names the places here that have to know of it.

use std::collections::BTreeMap;

use eval::{BssEval, BssEvalSettings, BssScores, MetricError, plain_sdr, si_sdr};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A measure of an estimate of the speech, in dB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Metric {
    /// BSS Eval's source-to-distortion ratio, the paper's measure.
    Sdr,
    /// BSS Eval's source-to-interference ratio.
    Sir,
    /// BSS Eval's source-to-artefacts ratio.
    Sar,
    /// Power of the source over power of the error.
    PlainSdr,
    /// Scale-invariant SDR.
    SiSdr,
}

impl Metric {
    /// Every metric, in the order of the results files.
    pub(crate) const ALL: [Self; 5] =
        [Self::Sdr, Self::Sir, Self::Sar, Self::PlainSdr, Self::SiSdr];

    /// The name in configurations and results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sdr => "sdr",
            Self::Sir => "sir",
            Self::Sar => "sar",
            Self::PlainSdr => "plain_sdr",
            Self::SiSdr => "si_sdr",
        }
    }

    /// The name in headings of a table.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Sdr => "SDR",
            Self::Sir => "SIR",
            Self::Sar => "SAR",
            Self::PlainSdr => "plain SDR",
            Self::SiSdr => "SI-SDR",
        }
    }

    /// The name in headings of a document.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Sdr => "SDR (BSS Eval v3)",
            Self::Sir => "SIR (BSS Eval v3)",
            Self::Sar => "SAR (BSS Eval v3)",
            Self::PlainSdr => "Plain SDR",
            Self::SiSdr => "Scale-invariant SDR",
        }
    }
}

/// A score in dB, or why there is none.
pub(crate) type Score = Result<f64, ScoreError>;

/// Why an estimate has no score.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScoreError {
    /// The metric is not defined for these signals.
    #[error(transparent)]
    Undefined(#[from] MetricError),
    /// Nothing but the wanted is in the estimate.
    #[error("the ratio is infinite")]
    Infinite,
    /// Nothing of the wanted is in the estimate.
    #[error("the ratio is minus infinity")]
    MinusInfinite,
    #[error("no single order has an SDR for the oracle to go by")]
    NoOracle,
    #[error("no free energy is a number")]
    NoFreeEnergy,
    #[error("there is no single-order separation")]
    NoSingles,
    #[error("there are no learned weights")]
    NoWeights,
    /// Read from a record, which keeps the message only: [`ScoreError::Undefined`].
    #[error("{0}")]
    Recorded(String),
}

impl ScoreError {
    /// The error of a recorded message: itself where that makes a difference to what is done with
    /// it.
    fn from_message(message: String) -> Self {
        let told = [
            Self::Infinite,
            Self::MinusInfinite,
            Self::NoOracle,
            Self::NoFreeEnergy,
            Self::NoSingles,
            Self::NoWeights,
        ];
        told.into_iter()
            .find(|error| error.to_string() == message)
            .unwrap_or(Self::Recorded(message))
    }
}

/// The scores of one estimate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scores([Score; Metric::ALL.len()]);

impl Scores {
    /// The same failure by every metric.
    pub(crate) fn failed(error: &ScoreError) -> Self {
        Self(Metric::ALL.map(|_| Err(error.clone())))
    }

    /// All scores of an estimate in the time domain.
    ///
    /// `bss`: what BSS Eval says of it, to which the metrics without filters are added.
    pub(crate) fn new(
        bss: &Result<BssScores, MetricError>,
        reference: &[f64],
        estimate: &[f64],
    ) -> Self {
        let of_bss = |ratio: fn(&BssScores) -> f64| {
            checked(bss.as_ref().map(ratio).map_err(MetricError::clone))
        };
        Self(Metric::ALL.map(|metric| match metric {
            Metric::Sdr => of_bss(|scores| scores.sdr_db),
            Metric::Sir => of_bss(|scores| scores.sir_db),
            Metric::Sar => of_bss(|scores| scores.sar_db),
            Metric::PlainSdr => checked(plain_sdr(reference, estimate)),
            Metric::SiSdr => checked(si_sdr(reference, estimate)),
        }))
    }

    pub(crate) fn get(&self, metric: Metric) -> &Score {
        &self.0[metric as usize]
    }
}

/// A score in a record: dB, or the message of what failed.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum RecordedScore {
    Db(f64),
    Failed { error: String },
}

impl Serialize for Scores {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Metric::ALL.map(|metric| {
            let score = match self.get(metric) {
                Ok(db) => RecordedScore::Db(*db),
                Err(error) => RecordedScore::Failed {
                    error: error.to_string(),
                },
            };
            (metric, score)
        }))
    }
}

impl<'de> Deserialize<'de> for Scores {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut recorded = BTreeMap::<Metric, RecordedScore>::deserialize(deserializer)?;
        let mut scores = Self::failed(&ScoreError::Infinite);
        for metric in Metric::ALL {
            scores.0[metric as usize] = match recorded.remove(&metric) {
                Some(RecordedScore::Db(db)) => Ok(db),
                Some(RecordedScore::Failed { error }) => Err(ScoreError::from_message(error)),
                None => return Err(de::Error::missing_field(metric.name())),
            };
        }
        Ok(scores)
    }
}

/// Scores estimates of the speech of one mixture. What depends on the true sources alone is
/// computed once.
pub(crate) struct Scorer {
    speech: Vec<f64>,
    bss_eval: Result<BssEval, MetricError>,
}

impl Scorer {
    /// `references`: the true speech and the true background, in the time domain.
    pub(crate) fn new(references: &[Vec<f64>; 2], settings: &BssEvalSettings) -> Self {
        let [speech, background] = references;
        Self {
            speech: speech.clone(),
            bss_eval: BssEval::new(&[speech, background], settings),
        }
    }

    /// All scores of an estimate of the speech.
    pub(crate) fn score(&self, estimate: &[f64]) -> Scores {
        let bss = self
            .bss_eval
            .as_ref()
            .map_err(MetricError::clone)
            .and_then(|bss_eval| bss_eval.score(estimate, 0));
        Scores::new(&bss, &self.speech, estimate)
    }
}

fn checked(ratio: Result<f64, MetricError>) -> Score {
    match ratio? {
        db if db.is_finite() => Ok(db),
        db if db > 0.0 => Err(ScoreError::Infinite),
        _ => Err(ScoreError::MinusInfinite),
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    fn noise(seed: u64) -> Vec<f64> {
        let mut rng = synth::stream(seed, "test", &[]);
        (0..4000).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    #[test]
    fn names_are_those_of_configurations() {
        for metric in Metric::ALL {
            let value = toml::Value::try_from(metric).unwrap();
            assert_eq!(value.as_str(), Some(metric.name()));
        }
    }

    #[test]
    fn failures_are_typed_and_never_nan() {
        let settings = BssEvalSettings { filter_taps: 16 };
        let sources = [noise(1), noise(2)];
        let scorer = Scorer::new(&sources, &settings);
        let mixture: Vec<f64> = sources[0]
            .iter()
            .zip(&sources[1])
            .map(|(a, b)| a + b)
            .collect();

        let scores = scorer.score(&mixture);
        for metric in Metric::ALL {
            assert!(scores.get(metric).as_ref().unwrap().is_finite());
        }
        let silent = scorer.score(&vec![0.0; mixture.len()]);
        for metric in Metric::ALL {
            assert_eq!(silent.get(metric), &Err(MetricError::SilentEstimate.into()));
        }
        let exact = scorer.score(&sources[0]);
        assert_eq!(exact.get(Metric::PlainSdr), &Err(ScoreError::Infinite));
        let twins = Scorer::new(&[noise(1), noise(1)], &settings);
        assert_eq!(
            twins.score(&mixture).get(Metric::Sir),
            &Err(MetricError::Singular.into())
        );
    }

    #[test]
    fn what_errors_mean_outlives_a_record() {
        let read_back = |error: &ScoreError| -> Scores {
            let json = serde_json::to_string(&Scores::failed(error)).unwrap();
            serde_json::from_str(&json).unwrap()
        };
        for error in [
            ScoreError::Infinite,
            ScoreError::MinusInfinite,
            ScoreError::NoOracle,
            ScoreError::NoFreeEnergy,
            ScoreError::NoSingles,
            ScoreError::NoWeights,
        ] {
            assert_eq!(read_back(&error), Scores::failed(&error));
        }
        let silent = ScoreError::from(MetricError::SilentEstimate);
        let message = ScoreError::Recorded(silent.to_string());
        assert_eq!(read_back(&silent), Scores::failed(&message));
    }
}
