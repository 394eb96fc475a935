//! Scores of the speaker's estimates, in the time domain.

use std::collections::BTreeMap;

use dsp::{Complex64, Stft};
use eval::{BssEval, BssEvalSettings, BssScores, MetricError, plain_sdr, si_sdr};
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::metric::Metric;

/// A score in dB, or why there is none.
pub type Score = Result<f64, ScoreError>;

/// Why an estimate has no score.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScoreError {
    /// The metric is not defined for these signals.
    #[error(transparent)]
    Undefined(#[from] MetricError),
    /// Nothing but the wanted is in the estimate.
    #[error("the ratio is infinite")]
    Infinite,
    /// Nothing of the wanted is in the estimate.
    #[error("the ratio is minus infinity")]
    MinusInfinite,
    /// The estimate could not be chosen.
    #[error("no single order has an SDR for the oracle to go by")]
    NoOracle,
    /// Read from a record, which keeps the message only: [`ScoreError::Undefined`].
    #[error("{0}")]
    Recorded(String),
}

impl ScoreError {
    /// The error of a recorded message: itself where that makes a difference to what is done with it.
    fn read_back(message: String) -> Self {
        [Self::Infinite, Self::MinusInfinite, Self::NoOracle]
            .into_iter()
            .find(|error| error.to_string() == message)
            .unwrap_or(Self::Recorded(message))
    }
}

/// The scores of one estimate.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores([Score; Metric::ALL.len()]);

impl Scores {
    /// The same failure by every metric.
    #[must_use]
    pub fn failed(error: &ScoreError) -> Self {
        Self(Metric::ALL.map(|_| Err(error.clone())))
    }

    /// All scores of an estimate in the time domain.
    ///
    /// `bss`: what BSS Eval says of it, to which the metrics without filters are added.
    #[must_use]
    pub fn of(bss: &Result<BssScores, MetricError>, reference: &[f64], estimate: &[f64]) -> Self {
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

    /// The score by one metric.
    pub fn get(&self, metric: Metric) -> &Score {
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
                Some(RecordedScore::Failed { error }) => Err(ScoreError::read_back(error)),
                None => return Err(de::Error::missing_field(metric.name())),
            };
        }
        Ok(scores)
    }
}

/// Scores estimates of the speaker in one observation. What depends on the true sources alone is computed once.
pub struct Scorer<'a> {
    stft: &'a Stft,
    samples: usize,
    speaker: Vec<f64>,
    bss_eval: Result<BssEval, MetricError>,
}

impl<'a> Scorer<'a> {
    /// `sources`: the true spectrograms, frames x bins, the speaker's first.
    #[must_use]
    pub fn new(
        stft: &'a Stft,
        sources: &[Array2<Complex64>; 2],
        settings: &BssEvalSettings,
    ) -> Self {
        let samples = stft.samples(sources[0].nrows());
        let [speaker, background] = sources
            .each_ref()
            .map(|source| stft.synthesise(source.view(), samples));
        let bss_eval = BssEval::new(&[&speaker, &background], settings);
        Self {
            stft,
            samples,
            speaker,
            bss_eval,
        }
    }

    /// All scores of an estimate of the speaker, frames x bins.
    #[must_use]
    pub fn score(&self, estimate: ArrayView2<'_, Complex64>) -> Scores {
        let estimate = self.stft.synthesise(estimate, self.samples);
        let bss = self
            .bss_eval
            .as_ref()
            .map_err(MetricError::clone)
            .and_then(|bss_eval| bss_eval.score(&estimate, 0));
        Scores::of(&bss, &self.speaker, &estimate)
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
    use dsp::StftSettings;
    use ndarray::Array2;

    use super::*;

    fn noise(seed: u64) -> Array2<Complex64> {
        let flat = Array2::ones((1, 33));
        let settings = synth::MixtureSettings {
            frames: 200,
            ..Default::default()
        };
        let mut rng = synth::stream(seed, "test", &[]);
        let drawn = synth::generative::draw(flat.view(), flat.view(), &settings, &mut rng).unwrap();
        drawn.sources[0].clone()
    }

    #[test]
    fn failures_are_typed_and_never_nan() {
        let stft = Stft::new(&StftSettings {
            window_samples: 64,
            hop_samples: 32,
            ..StftSettings::default()
        })
        .unwrap();
        let settings = BssEvalSettings { filter_taps: 16 };
        let sources = [noise(1), noise(2)];
        let scorer = Scorer::new(&stft, &sources, &settings);
        let mixture = &sources[0] + &sources[1];

        let scores = scorer.score(mixture.view());
        for metric in Metric::ALL {
            assert!(scores.get(metric).as_ref().unwrap().is_finite());
        }
        let silent = scorer.score(Array2::zeros(mixture.dim()).view());
        for metric in Metric::ALL {
            assert_eq!(silent.get(metric), &Err(MetricError::SilentEstimate.into()));
        }
        let exact = scorer.score(sources[0].view());
        assert_eq!(exact.get(Metric::PlainSdr), &Err(ScoreError::Infinite));
        let twins = Scorer::new(&stft, &[noise(1), noise(1)], &settings);
        assert_eq!(
            twins.score(mixture.view()).get(Metric::Sir),
            &Err(MetricError::Singular.into())
        );
    }
}
