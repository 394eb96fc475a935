//! The methods by which a recording is separated where sources have several orders.

use std::{iter, mem};

use anyhow::{Context, Result, ensure};
use dsp::Complex64;
use model::{
    Inference, MOST_COMBINATIONS, Observer, OrderEstimate, Posterior, Separation, SourceModel,
    enumerate_combinations, fusion,
};
use ndarray::{Array2, ArrayView2};
use serde::{Serialize, Serializer};

use crate::store::refused::Refused;

/// How several orders of the sources become one estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SeparationMethod {
    /// One inference per combination of orders: that of highest free energy is taken (VB selection)
    Selection,
    /// One inference per combination of orders: the mean of their estimates
    Mean,
    /// One inference per combination of orders: the mean of their estimates, weighted by
    /// exp(F / beta), F being their free energies
    Evidence,
    /// One inference with all orders, the paper's: their precisions are averaged (VB fusion)
    Fusion,
    /// One inference with all orders: the estimates given each combination are averaged
    Structured,
}

impl SeparationMethod {
    fn name(self) -> &'static str {
        match self {
            Self::Selection => "selection",
            Self::Mean => "mean",
            Self::Evidence => "evidence",
            Self::Fusion => "fusion",
            Self::Structured => "structured",
        }
    }

    /// Which posterior its inferences find. With one order both are the same.
    pub(super) fn posterior(self) -> Posterior {
        match self {
            Self::Structured => Posterior::Structured,
            Self::Selection | Self::Mean | Self::Evidence | Self::Fusion => Posterior::Factorised,
        }
    }

    /// The combinations of orders that are separated, each by positions, the orders of the last
    /// source varying fastest; none where one inference takes all of them.
    ///
    /// # Errors
    /// [`Refused`] for more than are allowed.
    pub(super) fn combinations(self, order_counts: &[usize]) -> Result<Option<Vec<Vec<usize>>>> {
        match self {
            Self::Fusion => return Ok(None),
            Self::Selection | Self::Mean | Self::Evidence | Self::Structured => {}
        }
        let count = order_counts.iter().copied().fold(1, usize::saturating_mul);
        ensure!(
            count <= MOST_COMBINATIONS,
            Refused(format!(
                "--method {}: the sources have {count} combinations of orders, allowed are at most \
                 {MOST_COMBINATIONS}: train fewer orders, or use --method fusion",
                self.name()
            ))
        );
        if self == Self::Structured {
            return Ok(None);
        }
        Ok(Some(enumerate_combinations(order_counts)))
    }
}

impl Serialize for SeparationMethod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The sources as an inference takes them.
#[derive(Debug, Clone)]
pub(super) struct Alternative {
    pub(super) sources: Vec<SourceModel>,
    /// The position of each source's order, where the inference is of one combination.
    pub(super) combination: Option<Vec<usize>>,
}

/// What a method makes of a mixture.
#[derive(Debug)]
pub(super) struct Separated {
    /// Of each source, frames x bins.
    pub(super) estimates: Vec<Array2<Complex64>>,
    /// q(K) per source and order: of one inference with all orders its own, else 1 for what was
    /// selected, or the sums of the weights of the combinations.
    pub(super) order_posterior: Vec<Vec<f64>>,
    /// At the end, in nats: of the inference, or of each combination.
    pub(super) free_energies: Vec<f64>,
    /// Of the inference that was selected or of the only one, or of the longest.
    pub(super) iterations: usize,
}

/// Separates a mixture by a method. The estimated dictionaries of each alternative go on from what
/// they are, by `carry_over`.
///
/// # Errors
/// Those of the model.
pub(super) fn separate(
    method: SeparationMethod,
    inference: &Inference,
    mixture: ArrayView2<'_, Complex64>,
    alternatives: &mut [Alternative],
    observer: &mut dyn Observer,
    carry_over: impl Fn(&SourceModel, &[OrderEstimate]) -> Result<SourceModel>,
) -> Result<Separated> {
    let mut free_energies: Vec<f64> = Vec::new();
    // Of several alternatives no more than two are in memory: this one, and the selected one or the
    // sum of all. Weights by evidence are known at the end only, so all estimates wait for them.
    let mut kept: Option<Separation> = None;
    let mut waiting: Vec<Vec<Array2<Complex64>>> = Vec::new();
    let (mut selected, mut longest) = (0, 0);
    for (position, alternative) in alternatives.iter_mut().enumerate() {
        let sources = &mut alternative.sources;
        let mut separation = inference.separate_observed(mixture, sources, observer)?;
        for (source, factors) in sources.iter_mut().zip(&separation.factors) {
            *source = carry_over(source, factors)?;
        }
        separation.factors = Vec::new();
        free_energies.push(separation.free_energy);
        longest = longest.max(separation.iterations);
        kept = Some(match (kept, method) {
            (_, SeparationMethod::Evidence) => {
                waiting.push(mem::take(&mut separation.estimates));
                separation
            }
            (None, _) => separation,
            (Some(mut sum), SeparationMethod::Mean) => {
                for (sum, estimate) in sum.estimates.iter_mut().zip(&separation.estimates) {
                    *sum += estimate;
                }
                sum
            }
            // As VB selection has it: the first of the largest, and none that is not a number.
            (Some(_), _) if fusion::vb_selection(&free_energies) == Some(position) => {
                selected = position;
                separation
            }
            (Some(kept), _) => kept,
        });
    }
    let kept = kept.context("no combination of orders")?;
    let count = free_energies.len() as f64;
    Ok(match method {
        SeparationMethod::Fusion | SeparationMethod::Structured => Separated {
            estimates: kept.estimates,
            order_posterior: kept.order_posterior,
            free_energies,
            iterations: kept.iterations,
        },
        SeparationMethod::Selection => Separated {
            estimates: kept.estimates,
            order_posterior: weigh(alternatives, |position| {
                f64::from(u8::from(position == selected))
            }),
            free_energies,
            iterations: kept.iterations,
        },
        SeparationMethod::Mean => Separated {
            estimates: kept
                .estimates
                .into_iter()
                .map(|sum| sum.mapv(|value| value / count))
                .collect(),
            order_posterior: weigh(alternatives, |_| 1.0 / count),
            free_energies,
            iterations: longest,
        },
        SeparationMethod::Evidence => {
            let beta = inference
                .settings()
                .tempering
                .beta(mixture.nrows(), mixture.ncols());
            let weights = fusion::evidence_weights(&free_energies, beta);
            let weights = weights.context("no free energy is finite")?;
            Separated {
                estimates: average(waiting, &weights)?,
                order_posterior: weigh(alternatives, |position| weights[position]),
                free_energies,
                iterations: longest,
            }
        }
    })
}

/// The weighted mean of the estimates of each source, given those of each combination.
fn average(
    estimates: Vec<Vec<Array2<Complex64>>>,
    weights: &[f64],
) -> Result<Vec<Array2<Complex64>>> {
    // One without weight may be no number.
    let weighted = estimates.into_iter().zip(weights.iter().copied());
    let (estimates, weights): (Vec<_>, Vec<f64>) =
        weighted.filter(|&(_, weight)| weight > 0.0).unzip();
    let sources = estimates.first().map_or(0, Vec::len);
    let mean = |source: usize| {
        let of_source = estimates.iter().map(|it| it[source].view());
        fusion::weighted_mean(of_source, &weights).context("no combination of orders")
    };
    (0..sources).map(mean).collect()
}

/// The weight of each order of each source, given that of each combination.
fn weigh(alternatives: &[Alternative], weight: impl Fn(usize) -> f64) -> Vec<Vec<f64>> {
    let mut weights: Vec<Vec<f64>> = Vec::new();
    for (position, alternative) in alternatives.iter().enumerate() {
        let combination = alternative.combination.iter().flatten();
        for (source, &order) in combination.enumerate() {
            if weights.len() <= source {
                weights.push(Vec::new());
            }
            let of_source = &mut weights[source];
            let missing = (order + 1).saturating_sub(of_source.len());
            of_source.extend(iter::repeat_n(0.0, missing));
            of_source[order] += weight(position);
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn combinations_are_all_that_there_are() {
        let of = |method: SeparationMethod, counts: &[usize]| method.combinations(counts).unwrap();
        let expected = vec![vec![0, 0], vec![0, 1], vec![1, 0], vec![1, 1]];
        assert_eq!(of(SeparationMethod::Mean, &[2, 2]), Some(expected));
        assert_eq!(of(SeparationMethod::Fusion, &[100, 100]), None);
        assert_eq!(of(SeparationMethod::Structured, &[16, 16]), None);
        let error = SeparationMethod::Structured.combinations(&[16, 17]);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("272 combinations of orders"), "{error}");
    }

    #[test]
    fn estimates_are_averaged_source_by_source_and_those_without_weight_left_out() {
        let value = |value: f64| array![[Complex64::from(value)]];
        let estimates = vec![
            vec![value(1.0), value(20.0)],
            vec![value(f64::NAN), value(f64::NAN)],
            vec![value(5.0), value(40.0)],
        ];
        let found = average(estimates.clone(), &[0.25, 0.0, 0.75]).unwrap();
        assert_eq!(found, [value(4.0), value(35.0)]);
        let alone = average(estimates, &[0.0, 0.0, 1.0]).unwrap();
        assert_eq!(alone, [value(5.0), value(40.0)]);
    }

    #[test]
    fn weights_of_combinations_are_those_of_their_orders() {
        let alternatives = [vec![0, 0], vec![0, 1], vec![2, 1]].map(|combination| Alternative {
            sources: Vec::new(),
            combination: Some(combination),
        });
        let weights = weigh(&alternatives, |position| [0.5, 0.25, 0.25][position]);
        assert_eq!(weights, [vec![0.75, 0.0, 0.25], vec![0.5, 0.5]]);
    }
}
