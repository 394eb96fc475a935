//! The record of a finished part of an observation, or of a finished mixture, and its line in a file.
//!
//! A line is `{"version":1,"sha256":"<digest>","record":<json>}`, the digest being that of the bytes of `<json>`. Numbers
//! read back as the bits they were. What does not read as that is damaged, whatever it is.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::realmix::methods::Scored;
use crate::scoring::Scores;

/// The seven single-order separations of an observation, and what is chosen from or made of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Singles {
    /// One per order, in the configured sequence.
    pub orders: Vec<SingleOrder>,
    /// Position of the one of highest free energy.
    pub selected: usize,
    /// Position of the one of highest SDR, if any has one.
    pub oracle: Option<usize>,
    /// Of the mean of the estimates.
    pub mean: Scores,
}

/// A separation with one order of the speaker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SingleOrder {
    /// Components of the speaker's dictionary.
    pub order: usize,
    /// At the end, in nats.
    #[serde(with = "number")]
    pub free_energy: f64,
    /// Of its estimate.
    pub scores: Scores,
}

/// The separation with all orders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fusion {
    /// At the end, in nats.
    #[serde(with = "number")]
    pub free_energy: f64,
    /// q(K_1), one weight per order.
    pub order_posterior: Vec<f64>,
    /// Of its estimate.
    pub scores: Scores,
}

/// What came of a part of an observation, or of a mixture of recordings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The single orders are done.
    Singles(Singles),
    /// The fusion is done.
    Fusion(Fusion),
    /// A mixture of recordings is done.
    Mixture(Vec<Scored>),
    /// It failed with this message.
    Failed(String),
}

/// An outcome under the key of what determines it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// See [`super::key`].
    pub key: Digest,
    /// What came of it.
    pub outcome: Outcome,
}

/// Of the format.
pub const VERSION: u64 = 1;

const HEAD: &str = "{\"version\":1,\"sha256\":\"";
const MIDDLE: &str = "\",\"record\":";
const TAIL: &str = "}";

impl Record {
    /// The line of the record, with its line feed.
    ///
    /// # Errors
    /// None in practice: every record has a JSON form.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let json = serde_json::to_string(self)?;
        let digest = Digest::of_bytes(json.as_bytes());
        Ok(format!("{HEAD}{digest}{MIDDLE}{json}{TAIL}\n").into_bytes())
    }

    /// The version of the format that a line says it is of.
    #[must_use]
    pub fn version(line: &[u8]) -> Option<u64> {
        let rest = line.strip_prefix(b"{\"version\":")?;
        let digits = rest.split(|&byte| byte == b',').next()?;
        (digits.len() < rest.len()).then_some(())?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// The record of a line (without its line feed), unless it is damaged or of another version.
    #[must_use]
    pub fn decode(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?;
        let (digest, json) = line
            .strip_prefix(HEAD)?
            .strip_suffix(TAIL)?
            .split_once(MIDDLE)?;
        if digest.parse() != Ok(Digest::of_bytes(json.as_bytes())) {
            return None;
        }
        let record: Self = serde_json::from_str(json).ok()?;
        record.outcome.is_consistent().then_some(record)
    }
}

impl Outcome {
    /// Whether the positions it holds are those of orders it holds.
    fn is_consistent(&self) -> bool {
        let Self::Singles(singles) = self else {
            return true;
        };
        let orders = singles.orders.len();
        singles.selected < orders && singles.oracle.is_none_or(|oracle| oracle < orders)
    }
}

/// Numbers in JSON, which knows no infinity and no NaN: these are text.
mod number {
    use serde::{Deserialize, Deserializer, Serializer, de};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Recorded {
        Number(f64),
        Text(String),
    }

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            serializer.serialize_f64(*value)
        } else {
            serializer.collect_str(value)
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Recorded::deserialize(deserializer)? {
            Recorded::Number(value) => Ok(value),
            Recorded::Text(text) => text.parse().map_err(de::Error::custom),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::scoring::ScoreError;

    /// A record with numbers that are hard to write.
    pub(crate) fn record(seed: u64) -> Record {
        let failed = Scores::failed(&ScoreError::MinusInfinite);
        let order = |order, free_energy| SingleOrder {
            order,
            free_energy,
            scores: failed.clone(),
        };
        Record {
            key: Digest::of([seed.to_le_bytes()]),
            outcome: Outcome::Singles(Singles {
                orders: vec![
                    order(2, 0.1 + 0.2),
                    order(4, f64::NEG_INFINITY),
                    order(6, -5e-324),
                    order(8, 1.797_693_134_862_315_7e308),
                ],
                selected: 3,
                oracle: None,
                mean: failed,
            }),
        }
    }

    #[test]
    fn records_read_back_bit_for_bit() {
        let bits = |record: &Record| {
            let Outcome::Singles(singles) = &record.outcome else {
                panic!("singles");
            };
            let energies = singles.orders.iter().map(|single| single.free_energy);
            energies.map(f64::to_bits).collect::<Vec<_>>()
        };
        let line = record(1).encode().unwrap();
        let (last, contents) = line.split_last().unwrap();
        assert_eq!(*last, b'\n');
        let decoded = Record::decode(contents).unwrap();
        assert_eq!(bits(&decoded), bits(&record(1)));
        // Errors are kept as messages, which stay the same from then on.
        assert_eq!(decoded.encode().unwrap(), line);
    }

    #[test]
    fn what_the_errors_of_scores_mean_outlives_a_record() {
        use crate::realmix::methods::Candidate;
        use eval::MetricError;
        let candidates = Candidate::TABLED.into_iter();
        let errors = [
            ScoreError::Infinite,
            ScoreError::MinusInfinite,
            ScoreError::NoOracle,
        ];
        let scored = candidates.zip(errors).map(|(candidate, error)| Scored {
            candidate,
            order: Some(2),
            scores: Scores::failed(&error),
        });
        let record = Record {
            key: Digest::of_bytes(b"key"),
            outcome: Outcome::Mixture(scored.collect()),
        };
        let read_back = |record: &Record| {
            let line = record.encode().unwrap();
            Record::decode(&line[..line.len() - 1]).unwrap()
        };
        assert_eq!(read_back(&record), record);
        let silent = ScoreError::from(MetricError::SilentEstimate);
        let record = Record {
            outcome: Outcome::Mixture(vec![Scored {
                candidate: Candidate::Mixture,
                order: None,
                scores: Scores::failed(&silent),
            }]),
            ..record
        };
        let Outcome::Mixture(found) = read_back(&record).outcome else {
            panic!("a mixture");
        };
        let message = ScoreError::Recorded(silent.to_string());
        assert_eq!(found[0].scores, Scores::failed(&message));
    }

    #[test]
    fn any_changed_byte_and_any_truncation_is_noticed() {
        let line = record(2).encode().unwrap();
        let line = &line[..line.len() - 1];
        for index in 0..line.len() {
            let mut damaged = line.to_vec();
            damaged[index] ^= 1;
            assert!(Record::decode(&damaged).is_none(), "byte {index}");
            assert!(Record::decode(&line[..index]).is_none(), "length {index}");
        }
    }

    #[test]
    fn a_line_says_its_version() {
        assert_eq!(Record::version(&record(4).encode().unwrap()), Some(VERSION));
        assert_eq!(Record::version(b"{\"version\":12,\"sha"), Some(12));
        for line in ["", "{\"version\":1", "{\"version\":,", "{\"version\":x,"] {
            assert_eq!(Record::version(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn positions_out_of_range_are_damage() {
        let mut wrong = record(3);
        if let Outcome::Singles(singles) = &mut wrong.outcome {
            singles.oracle = Some(4);
        }
        let line = wrong.encode().unwrap();
        assert!(Record::decode(&line[..line.len() - 1]).is_none());
    }
}
