//! A trial, and what comes of it: its estimates, each with what made it and its scores.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::foreign::ForeignName;
use super::methods::{Method, Part};
use super::scores::{Metric, ScoreError, Scores};
use crate::corpus::{CorpusSection, Speaker};
use crate::store::digest::Digest;
use crate::store::records;

/// What came of the parts of trials, by their keys.
pub(crate) type Outcomes = records::Outcomes<Vec<Estimate>>;

/// One mixture of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trial {
    /// Ratio of the speech's power to the background's.
    pub(crate) snr_db: f64,
    pub(crate) member: Member,
}

/// Which of the mixtures at one ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Member {
    /// The one drawn from the speaker's dictionary of this order.
    TrueOrder(usize),
    /// The recordings of this number; at every ratio the same speech over the same background.
    Recording(usize),
}

impl Trial {
    /// Names the trial in random streams by what it is and not by its place, so that a part of a
    /// study draws the same numbers as the whole: by its ratio, its member, and the names of
    /// speaker and noise where they have any.
    pub(crate) fn stream_key(&self, corpus: &CorpusSection) -> Vec<u64> {
        let (Member::TrueOrder(number) | Member::Recording(number)) = self.member;
        let mut key = vec![self.snr_db.to_bits(), number as u64];
        let speaker = match &corpus.speaker {
            Some(Speaker::Name(name)) => Some(name.as_str()),
            Some(Speaker::Number(_)) | None => None,
        };
        if speaker.is_some() || corpus.noise.is_some() {
            let names = [speaker, corpus.noise.as_deref()].map(Option::unwrap_or_default);
            key.push(Digest::of_parts(names).number());
        }
        key
    }
}

/// What is scored against the true speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Candidate {
    /// The mixture as it is: what a method has to improve on.
    Mixture,
    /// The separation with one order, given by its number of components.
    Order(usize),
    /// What a method chooses or makes.
    Method(Method),
    /// What another program made.
    Foreign(ForeignName),
}

/// Stands in results files before the name of a method of another program, so that it can be that
/// of a method of this one.
const FOREIGN: &str = "foreign:";

impl From<Method> for Candidate {
    fn from(method: Method) -> Self {
        Self::Method(method)
    }
}

impl Candidate {
    /// The name in results files.
    pub(crate) fn name(self) -> Cow<'static, str> {
        match self {
            Self::Mixture => "mixture".into(),
            Self::Order(_) => "single".into(),
            Self::Method(method) => method.name().into(),
            Self::Foreign(name) => format!("{FOREIGN}{name}").into(),
        }
    }

    /// The candidate of a name in results files, single orders aside, if there is one.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match (name, name.strip_prefix(FOREIGN)) {
            ("mixture", _) => Some(Self::Mixture),
            (_, Some(name)) => Some(Self::Foreign(ForeignName::new(name).ok()?)),
            (name, None) => Method::from_name(name).map(Self::Method),
        }
    }

    /// The name in tables.
    pub(crate) fn label(self) -> Cow<'static, str> {
        match self {
            Self::Mixture => "Mixture".into(),
            Self::Order(_) => "Single order".into(),
            Self::Method(method) => method.label().into(),
            Self::Foreign(name) => format!("{name} (foreign)").into(),
        }
    }

    /// The part of a trial that it is recorded in.
    pub(crate) fn part(self) -> Part {
        match self {
            Self::Mixture => Part::Mixture,
            Self::Order(_) => Part::Singles,
            Self::Method(method) => method.part(),
            Self::Foreign(name) => Part::Foreign(name),
        }
    }

    /// Whether it is a method that is of use where the truth is not known; those of other programs
    /// are taken to be.
    pub(crate) fn is_usable(self) -> bool {
        match self {
            Self::Foreign(_) => true,
            Self::Method(method) => !method.needs_truth(),
            Self::Mixture | Self::Order(_) => false,
        }
    }
}

/// An estimate of the speech of a mixture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Estimate {
    pub(crate) candidate: Candidate,
    /// Components of the speaker's dictionary, where it is of one order.
    pub(crate) order: Option<usize>,
    /// At the end, in nats, where it is of one separation.
    #[serde(with = "number")]
    pub(crate) free_energy: Option<f64>,
    /// q(K_1), or the weights of the single orders in their mean: one per order, where they are
    /// weighed.
    pub(crate) order_posterior: Option<Vec<f64>>,
    pub(crate) scores: Scores,
}

impl Estimate {
    /// An estimate that is neither of one order nor of one separation.
    pub(crate) fn without_order(candidate: Candidate, scores: Scores) -> Self {
        Self {
            candidate,
            order: None,
            free_energy: None,
            order_posterior: None,
            scores,
        }
    }
}

/// A trial and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct TrialResult {
    pub(crate) trial: Trial,
    pub(crate) estimates: Vec<Estimate>,
    /// Why estimates are missing, each reason once.
    pub(crate) errors: Vec<String>,
}

impl TrialResult {
    /// The estimate of a candidate, if there is one.
    pub(crate) fn estimate(&self, candidate: Candidate) -> Option<&Estimate> {
        let of_candidate = |estimate: &&Estimate| estimate.candidate == candidate;
        self.estimates.iter().find(of_candidate)
    }

    /// The score of a candidate, if it has a finite one.
    pub(crate) fn score(&self, candidate: Candidate, metric: Metric) -> Option<f64> {
        let score = self.estimate(candidate)?.scores.get(metric);
        score.as_ref().ok().copied()
    }

    /// Estimates and scores that are missing. A ratio that is infinite is not missing: the mixture
    /// as it is has no artefacts.
    pub(crate) fn failures(&self) -> usize {
        let is_missing = |estimate: &Estimate, metric| {
            !matches!(
                estimate.scores.get(metric),
                Ok(_) | Err(ScoreError::Infinite | ScoreError::MinusInfinite)
            )
        };
        let missing = |estimate: &Estimate| {
            let metrics = Metric::ALL.into_iter();
            metrics
                .filter(|&metric| is_missing(estimate, metric))
                .count()
        };
        self.errors.len() + self.estimates.iter().map(missing).sum::<usize>()
    }
}

/// Numbers in JSON, which knows no infinity and no NaN: these are text.
mod number {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Recorded {
        Number(f64),
        Text(String),
    }

    pub(super) fn serialize<S: Serializer>(
        value: &Option<f64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let recorded = value.map(|value| match value.is_finite() {
            true => Recorded::Number(value),
            false => Recorded::Text(value.to_string()),
        });
        recorded.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<f64>, D::Error> {
        Ok(match Option::<Recorded>::deserialize(deserializer)? {
            None => None,
            Some(Recorded::Number(value)) => Some(value),
            Some(Recorded::Text(text)) => Some(text.parse().map_err(de::Error::custom)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_read_back_whatever_their_numbers() {
        let estimate = |candidate, free_energy| Estimate {
            candidate,
            order: Some(4),
            free_energy,
            order_posterior: Some(vec![0.1 + 0.2, 5e-324]),
            scores: Scores::failed(&ScoreError::Infinite),
        };
        let estimates = vec![
            estimate(Candidate::Mixture, None),
            estimate(Candidate::Order(4), Some(f64::NEG_INFINITY)),
            estimate(Candidate::Method(Method::VbFusion), Some(-0.1 - 0.2)),
            estimate(Candidate::Foreign(ForeignName::new("mine").unwrap()), None),
        ];
        let json = serde_json::to_string(&estimates).unwrap();
        let found: Vec<Estimate> = serde_json::from_str(&json).unwrap();
        assert_eq!(found, estimates);
    }

    #[test]
    fn names_in_files_are_of_one_candidate_each() {
        let foreign = ["vb_fusion", "mixture"].map(|name| ForeignName::new(name).unwrap());
        let methods = Method::ALL.map(Candidate::Method);
        let candidates = methods.into_iter().chain(foreign.map(Candidate::Foreign));
        for candidate in candidates.chain([Candidate::Mixture]) {
            assert_eq!(Candidate::from_name(&candidate.name()), Some(candidate));
        }
        for name in ["single", "mine", "foreign:", "foreign:a b"] {
            assert_eq!(Candidate::from_name(name), None, "{name}");
        }
    }
}
