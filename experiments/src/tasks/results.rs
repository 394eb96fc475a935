//! From recorded outcomes to the results of observations.

use std::collections::HashMap;

use crate::cell::Cell;
use crate::digest::Digest;
use crate::durable::key::Keys;
use crate::durable::record::{Fusion, Outcome, Singles};
use crate::durable::store::CellStore;
use crate::method::Method;
use crate::metric::Metric;
use crate::scoring::{ScoreError, Scores};
use crate::separation::Separated;
use crate::summary::CellResult;

const NOT_RUN: &str = "it was not run";

/// Where outcomes are looked up.
pub trait Outcomes {
    /// The outcome under a key.
    fn outcome(&self, key: &Digest) -> Option<Outcome>;
}

impl Outcomes for CellStore {
    fn outcome(&self, key: &Digest) -> Option<Outcome> {
        self.outcome(key)
    }
}

impl Outcomes for HashMap<Digest, Outcome> {
    fn outcome(&self, key: &Digest) -> Option<Outcome> {
        self.get(key).cloned()
    }
}

/// Why an outcome is not a result.
#[must_use]
pub fn why_there_is_none(outcome: Option<Outcome>) -> String {
    match outcome {
        Some(Outcome::Failed(error)) => error,
        _ => NOT_RUN.to_owned(),
    }
}

/// What came of the two parts of an observation, or why nothing did.
#[derive(Debug, Clone)]
pub struct ObservationResult {
    /// Its cell.
    pub cell: Cell,
    /// The single orders.
    pub singles: Result<Singles, String>,
    /// The fusion.
    pub fusion: Result<Fusion, String>,
}

impl ObservationResult {
    /// The result of a cell.
    pub fn of(cell: Cell, keys: &Keys, outcomes: &impl Outcomes) -> Self {
        Self {
            cell,
            singles: match outcomes.outcome(&keys.singles) {
                Some(Outcome::Singles(singles)) => Ok(singles),
                other => Err(why_there_is_none(other)),
            },
            fusion: match outcomes.outcome(&keys.fusion) {
                Some(Outcome::Fusion(fusion)) => Ok(fusion),
                other => Err(why_there_is_none(other)),
            },
        }
    }

    /// The score of a method of Table 1, or why there is none.
    ///
    /// # Errors
    /// The message of what failed.
    pub fn score(&self, method: Method, metric: Metric) -> Result<f64, String> {
        let scores: &Scores = match method {
            Method::VbFusion => &self.fusion.as_ref().map_err(String::clone)?.scores,
            _ => {
                let singles = self.singles.as_ref().map_err(String::clone)?;
                let index = match method {
                    Method::OracleSelection => {
                        singles.oracle.ok_or(ScoreError::NoOracle.to_string())?
                    }
                    _ => singles.selected,
                };
                match method {
                    Method::FusionByMean => &singles.mean,
                    _ => &singles.orders[index].scores,
                }
            }
        };
        scores
            .get(metric)
            .clone()
            .map_err(|error| error.to_string())
    }

    fn separated(&self) -> Result<Separated, String> {
        let singles = self.singles.as_ref().map_err(String::clone)?;
        let fusion = self.fusion.as_ref().map_err(String::clone)?;
        Ok(Separated::of(singles, fusion))
    }
}

/// The results of cells, all methods together.
pub fn cell_results<'a>(
    cells: impl IntoIterator<Item = (Cell, &'a Keys)>,
    outcomes: &impl Outcomes,
) -> Vec<CellResult> {
    let result = |(cell, keys)| CellResult {
        cell,
        outcome: ObservationResult::of(cell, keys, outcomes).separated(),
    };
    cells.into_iter().map(result).collect()
}
