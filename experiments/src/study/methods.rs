//! The methods that are compared: what each is called, what it is made of, and its rule.
//!
//! To add a method, add a variant: the compiler names every place here that has to know of it, and
//! `figures::style` asks for its colour. A rule that makes something of the single-order
//! separations is a function of [`Singles`]; one that separates by itself is a [`Part`] of its own.

use dsp::Complex64;
use model::{Posterior, fusion};
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::foreign::ForeignName;
use super::scores::ScoreError;

/// A way to estimate the speech of a mixture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    /// The single-order separation of highest free energy.
    VbSelection,
    /// One separation with a posterior over all orders, the paper's proposal.
    VbFusion,
    /// The single-order separation of highest SDR (BSS Eval): it takes the true speech to know
    /// which.
    OracleSelection,
    /// The mean of the single-order estimates.
    FusionByMean,
    /// One separation with a posterior of the sources for each order, q(S|K).
    StructuredFusion,
    /// The single-order estimates weighted by their tempered free energies.
    ///
    /// Source: X. Jaureguiberry, E. Vincent, G. Richard, "Multiple-order non-negative matrix
    /// factorization for speech enhancement", Interspeech (2014).
    EvidenceWeightedMean,
    /// The single-order estimates by weights that were learned from other mixtures, whose truth
    /// is known.
    ///
    /// Source: X. Jaureguiberry, E. Vincent, G. Richard, "Fusion methods for speech enhancement
    /// and audio source separation", IEEE/ACM TASLP 24 (2016).
    LearnedWeights,
}

/// What is separated, scored and recorded together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The mixture as it is, where it is of recordings.
    Mixture,
    /// One separation for each order, and all that is chosen from or made of them whatever the
    /// tempering.
    Singles,
    /// One separation with all orders.
    Fusion(Posterior),
    /// What is made of the single-order separations by their tempered free energies.
    Tempered,
    /// What is made of them by learned weights.
    Learned,
    /// What another program made, which is only scored here.
    Foreign(ForeignName),
}

/// The comparisons behind the paper's claims, then those of the methods beyond it: the method
/// expected above, and the one below.
pub(crate) const COMPARISONS: [(Method, Method); 12] = [
    (Method::VbFusion, Method::VbSelection),
    (Method::VbFusion, Method::FusionByMean),
    (Method::OracleSelection, Method::VbFusion),
    (Method::FusionByMean, Method::VbSelection),
    (Method::StructuredFusion, Method::VbSelection),
    (Method::StructuredFusion, Method::FusionByMean),
    (Method::StructuredFusion, Method::VbFusion),
    (Method::OracleSelection, Method::StructuredFusion),
    (Method::EvidenceWeightedMean, Method::VbSelection),
    (Method::LearnedWeights, Method::VbSelection),
    (Method::StructuredFusion, Method::EvidenceWeightedMean),
    (Method::StructuredFusion, Method::LearnedWeights),
];

/// The single-order separations of a mixture, in the configured sequence.
#[derive(Debug)]
pub(crate) struct Singles<'a> {
    /// Estimates of the speech, frames x bins.
    pub(crate) estimates: Vec<ArrayView2<'a, Complex64>>,
    /// At the end, in nats.
    pub(crate) free_energies: Vec<f64>,
    /// By BSS Eval: above all others for a perfect estimate, NaN for one without an SDR.
    pub(crate) sdr_db: Vec<f64>,
    /// Weight of the entropy of q(K), in nats.
    pub(crate) beta: f64,
    /// Learned from other mixtures, one for each; empty where no method asks for them.
    pub(crate) learned_weights: &'a [f64],
}

/// What a method makes of the single-order separations.
#[derive(Debug)]
pub(crate) enum Choice {
    /// It takes the one at this position.
    Order(usize),
    /// It makes an estimate of its own, frames x bins.
    Estimate(Array2<Complex64>),
    /// It makes one by these weights, which sum to 1.
    Weighted(Vec<f64>, Array2<Complex64>),
    /// There is nothing to go by.
    Nothing(ScoreError),
}

impl Method {
    /// Table 1's methods, in its order.
    pub(crate) const PAPER: [Self; 4] = [
        Self::VbSelection,
        Self::VbFusion,
        Self::OracleSelection,
        Self::FusionByMean,
    ];

    /// All methods: Table 1's, then those beyond the paper.
    pub(crate) const ALL: [Self; 7] = [
        Self::VbSelection,
        Self::VbFusion,
        Self::OracleSelection,
        Self::FusionByMean,
        Self::StructuredFusion,
        Self::EvidenceWeightedMean,
        Self::LearnedWeights,
    ];

    /// The name in results files and configurations.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::VbSelection => "vb_selection",
            Self::VbFusion => "vb_fusion",
            Self::OracleSelection => "oracle_selection",
            Self::FusionByMean => "fusion_by_mean",
            Self::StructuredFusion => "structured_fusion",
            Self::EvidenceWeightedMean => "evidence_weighted_mean",
            Self::LearnedWeights => "learned_weights",
        }
    }

    /// The method of a name in results files and configurations, if there is one.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// The name in tables and figures; the paper's, where it is the paper's method.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::VbSelection => "VB selection",
            Self::VbFusion => "VB fusion",
            Self::OracleSelection => "Oracle selection",
            Self::FusionByMean => "Fusion by mean",
            Self::StructuredFusion => "Structured fusion",
            Self::EvidenceWeightedMean => "Evidence-weighted mean",
            Self::LearnedWeights => "Learned weights",
        }
    }

    /// The name within a sentence.
    pub(crate) fn inline_label(self) -> String {
        self.label().to_lowercase().replace("vb", "VB")
    }

    /// Whether the method needs what it is to find.
    pub(crate) fn needs_truth(self) -> bool {
        match self {
            Self::OracleSelection => true,
            Self::VbSelection
            | Self::VbFusion
            | Self::FusionByMean
            | Self::StructuredFusion
            | Self::EvidenceWeightedMean
            | Self::LearnedWeights => false,
        }
    }

    /// Whether the method weighs the orders, so that its estimates have an order posterior.
    pub(crate) fn weighs_orders(self) -> bool {
        match self {
            Self::VbFusion
            | Self::StructuredFusion
            | Self::EvidenceWeightedMean
            | Self::LearnedWeights => true,
            Self::VbSelection | Self::OracleSelection | Self::FusionByMean => false,
        }
    }

    /// The separations that the method is made of.
    pub(crate) fn part(self) -> Part {
        match self {
            Self::VbFusion => Part::Fusion(Posterior::Factorised),
            Self::StructuredFusion => Part::Fusion(Posterior::Structured),
            Self::EvidenceWeightedMean => Part::Tempered,
            Self::LearnedWeights => Part::Learned,
            Self::VbSelection | Self::OracleSelection | Self::FusionByMean => Part::Singles,
        }
    }

    /// What the method makes of the single-order separations; none if it separates by itself.
    pub(crate) fn choose(self, singles: &Singles<'_>) -> Option<Choice> {
        let order = |position: Option<usize>, missing| match position {
            Some(position) => Choice::Order(position),
            None => Choice::Nothing(missing),
        };
        let weighted = |weights: Option<Vec<f64>>, missing| {
            let made = weights.and_then(|weights| {
                let estimates = singles.estimates.iter().copied();
                let mean = fusion::weighted_mean(estimates, &weights)?;
                Some(Choice::Weighted(weights, mean))
            });
            made.unwrap_or(Choice::Nothing(missing))
        };
        match self {
            Self::VbSelection => {
                let selected = fusion::vb_selection(&singles.free_energies);
                Some(order(selected, ScoreError::NoFreeEnergy))
            }
            Self::OracleSelection => {
                let best = fusion::oracle_selection(&singles.sdr_db);
                Some(order(best, ScoreError::NoOracle))
            }
            Self::FusionByMean => {
                let mean = fusion::fusion_by_mean(singles.estimates.iter().copied());
                Some(mean.map_or(Choice::Nothing(ScoreError::NoSingles), Choice::Estimate))
            }
            Self::EvidenceWeightedMean => {
                let weights = fusion::evidence_weights(&singles.free_energies, singles.beta);
                Some(weighted(weights, ScoreError::NoFreeEnergy))
            }
            Self::LearnedWeights => {
                let weights = singles.learned_weights.to_vec();
                Some(weighted(Some(weights), ScoreError::NoWeights))
            }
            Self::VbFusion | Self::StructuredFusion => None,
        }
    }
}

impl Part {
    /// Those that are done here, whatever comes from other programs.
    pub(crate) const OWN: [Self; 6] = [
        Self::Mixture,
        Self::Singles,
        Self::Fusion(Posterior::Factorised),
        Self::Fusion(Posterior::Structured),
        Self::Tempered,
        Self::Learned,
    ];

    /// The methods whose estimates the part holds.
    pub(crate) fn methods(self) -> impl Iterator<Item = Method> {
        let is_of_part = move |method: &Method| method.part() == self;
        Method::ALL.into_iter().filter(is_of_part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_configurations() {
        for method in Method::ALL {
            let value = toml::Value::try_from(method).unwrap();
            assert_eq!(value.as_str(), Some(method.name()));
        }
    }

    #[test]
    fn the_oracle_takes_a_perfect_estimate_and_none_without_an_sdr() {
        let oracle = |sdr_db: &[f64]| {
            let singles = Singles {
                estimates: Vec::new(),
                free_energies: Vec::new(),
                sdr_db: sdr_db.to_vec(),
                beta: 1.0,
                learned_weights: &[],
            };
            match Method::OracleSelection.choose(&singles) {
                Some(Choice::Order(position)) => Some(position),
                _ => None,
            }
        };
        assert_eq!(oracle(&[f64::NAN, 3.0, f64::INFINITY]), Some(2));
        assert_eq!(oracle(&[f64::NAN, -90.0]), Some(1));
        assert_eq!(oracle(&[f64::NAN, f64::NAN]), None);
    }

    /// A rule gives the only order's estimate, whatever the rule, and the sequence of the orders
    /// does not matter.
    #[test]
    fn one_order_is_what_every_rule_gives_and_their_sequence_does_not_matter() {
        let estimate = |scale: f64| Array2::from_elem((2, 3), Complex64::new(scale, -scale));
        let estimates = [estimate(1.0), estimate(4.0), estimate(2.5)];
        let chosen = |method: Method, positions: &[usize]| {
            let weights: Vec<f64> = positions.iter().map(|&i| [0.2, 0.5, 0.3][i]).collect();
            let singles = Singles {
                estimates: positions.iter().map(|&i| estimates[i].view()).collect(),
                free_energies: positions.iter().map(|&i| [-3.0, -1.0, -2.0][i]).collect(),
                sdr_db: positions.iter().map(|&i| [1.0, 2.0, 3.0][i]).collect(),
                beta: 2.0,
                learned_weights: &weights,
            };
            match method.choose(&singles)? {
                Choice::Order(position) => Some(estimates[positions[position]].clone()),
                Choice::Estimate(made) | Choice::Weighted(_, made) => Some(made),
                Choice::Nothing(error) => panic!("{error}"),
            }
        };
        for method in Method::ALL {
            let alone = chosen(method, &[1]);
            assert!(
                alone.is_none_or(|alone| alone == estimates[1]),
                "{method:?}"
            );
            let near = |a: &Array2<Complex64>, b: &Array2<Complex64>| {
                a.iter().zip(b).all(|(a, b)| (a - b).norm() < 1e-12)
            };
            let (all, turned) = (chosen(method, &[0, 1, 2]), chosen(method, &[2, 0, 1]));
            assert!(
                all.zip(turned).is_none_or(|(a, b)| near(&a, &b)),
                "{method:?}"
            );
        }
    }
}
