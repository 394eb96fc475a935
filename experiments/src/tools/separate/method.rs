//! The methods by which a recording is separated where sources have several orders.

use std::iter;

use anyhow::{Context, Result, ensure};
use dsp::Complex64;
use model::fusion::{self, EvidenceMean};
use model::{
    Inference, MOST_COMBINATIONS, Observer, OrderEstimate, Posterior, Separation, SourceModel,
    enumerate_combinations,
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
    let tempering = inference.settings().tempering;
    let beta = tempering.beta(mixture.nrows(), mixture.ncols());
    let mut free_energies: Vec<f64> = Vec::new();
    // However many alternatives there are, the estimates of two are in memory: those of this one,
    // and either those of the selected one or the means so far, one per source.
    let mut kept: Option<(usize, Separation)> = None;
    let mut means: Vec<EvidenceMean> = Vec::new();
    let mut longest = 0;
    for (position, alternative) in alternatives.iter_mut().enumerate() {
        let sources = &mut alternative.sources;
        let mut separation = inference.separate_observed(mixture, sources, observer)?;
        for (source, factors) in sources.iter_mut().zip(&separation.factors) {
            *source = carry_over(source, factors)?;
        }
        separation.factors = Vec::new();
        free_energies.push(separation.free_energy);
        longest = longest.max(separation.iterations);
        let (evidence, beta) = match method {
            SeparationMethod::Fusion
            | SeparationMethod::Structured
            | SeparationMethod::Selection => {
                // As VB selection has it: the first of the largest, and none that is not a number.
                let is_best = fusion::vb_selection(&free_energies) == Some(position);
                if kept.is_none() || is_best {
                    kept = Some((position, separation));
                }
                continue;
            }
            // The same for all, so that any beta but 0 weighs them equally.
            SeparationMethod::Mean => (0.0, 1.0),
            SeparationMethod::Evidence => (separation.free_energy, beta),
        };
        means.resize(separation.estimates.len(), EvidenceMean::new(beta));
        for (mean, estimate) in means.iter_mut().zip(&separation.estimates) {
            let added = mean.add(evidence, estimate.view());
            added.context("estimates of several shapes")?;
        }
    }
    let no_combination = "no combination of orders";
    let not_finite = "no free energy is finite";
    let means: Option<Vec<_>> = means.into_iter().map(EvidenceMean::finish).collect();
    Ok(match method {
        SeparationMethod::Fusion | SeparationMethod::Structured => {
            let (_, only) = kept.context(no_combination)?;
            Separated {
                estimates: only.estimates,
                order_posterior: only.order_posterior,
                free_energies,
                iterations: only.iterations,
            }
        }
        SeparationMethod::Selection => {
            let (selected, separation) = kept.context(no_combination)?;
            Separated {
                estimates: separation.estimates,
                order_posterior: weigh(alternatives, |position| {
                    f64::from(u8::from(position == selected))
                }),
                free_energies,
                iterations: separation.iterations,
            }
        }
        SeparationMethod::Mean => Separated {
            estimates: means.context(not_finite)?,
            order_posterior: weigh(alternatives, |_| 1.0 / free_energies.len() as f64),
            free_energies,
            iterations: longest,
        },
        SeparationMethod::Evidence => {
            let weights = fusion::evidence_weights(&free_energies, beta);
            let weights = weights.context(not_finite)?;
            Separated {
                estimates: means.context(not_finite)?,
                order_posterior: weigh(alternatives, |position| weights[position]),
                free_energies,
                iterations: longest,
            }
        }
    })
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
    fn weights_of_combinations_are_those_of_their_orders() {
        let alternatives = [vec![0, 0], vec![0, 1], vec![2, 1]].map(|combination| Alternative {
            sources: Vec::new(),
            combination: Some(combination),
        });
        let weights = weigh(&alternatives, |position| [0.5, 0.25, 0.25][position]);
        assert_eq!(weights, [vec![0.75, 0.0, 0.25], vec![0.5, 0.5]]);
    }
}
