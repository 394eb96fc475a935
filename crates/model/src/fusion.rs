//! Ways to make one estimate of a source out of runs with different orders.
//!
//! *VB fusion* needs no rule here: it is one inference over all orders at once, which averages them
//! itself. The rules below combine single-order runs.
//!
//! | rule | what it does | needs |
//! |---|---|---|
//! | [`vb_selection`] | keeps the run with the largest free energy | the free energies |
//! | [`oracle_selection`] | keeps the run with the best score | the true source |
//! | [`fusion_by_mean`] | averages the estimates | the estimates |
//! | [`evidence_weighted_mean`] | averages them by evidence | estimates, free energies, beta |
//! | [`EvidenceMean`] | the same, one estimate after the other | the same |
//! | [`weighted_mean`] | averages them by any weights | estimates, weights |
//! | [`WeightFit`] | learns such weights | other mixtures with their true sources |
//!
//! All give the run's own estimate back when there is one, and none depends on the order of the
//! runs, but for ties, which go to the first.

mod evidence_mean;
mod weight_fit;

use ndarray::{Array2, ArrayView2};
use num_complex::Complex64;

use crate::order_posterior::tempered_posterior;

pub use evidence_mean::EvidenceMean;
pub use weight_fit::WeightFit;

/// Index of the run with the largest free energy, the paper's VB selection.
///
/// None when there is no run or every free energy is NaN.
#[must_use]
pub fn vb_selection(free_energies: &[f64]) -> Option<usize> {
    largest(free_energies)
}

/// Index of the run with the best score, for instance its SDR in decibels: the bound that
/// selection cannot pass, and not a method, since it needs the true source.
///
/// None when there is no run or every score is NaN.
#[must_use]
pub fn oracle_selection(scores: &[f64]) -> Option<usize> {
    largest(scores)
}

/// The mean of the estimates, frames x bins each, with equal weights.
///
/// None when there is no estimate or their shapes differ.
#[must_use]
pub fn fusion_by_mean<'a>(
    estimates: impl IntoIterator<Item = ArrayView2<'a, Complex64>>,
) -> Option<Array2<Complex64>> {
    let estimates: Vec<_> = estimates.into_iter().collect();
    let weights = vec![1.0; estimates.len()];
    weighted_mean(estimates, &weights)
}

/// The weighted mean of the estimates of runs, frames x bins each, with the weights that their free
/// energies give them: `q_m = exp(F_m / beta) / Z`, as [`evidence_weights`] has them.
///
/// None when there is no estimate with a finite free energy, when there are more of one than of the
/// other, or when the estimates' shapes differ.
///
/// ```
/// use model::fusion::evidence_weighted_mean;
/// use ndarray::array;
///
/// let estimates = [array![[4.0.into()]], array![[8.0.into()]]];
/// let estimates = estimates.each_ref().map(|estimate| estimate.view());
/// // The second run is exp(ln(3)) = 3 times as probable.
/// let fused = evidence_weighted_mean(estimates, &[-100.0, -100.0 + 3.0_f64.ln()], 1.0).unwrap();
/// assert!((fused[(0, 0)].re - 7.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn evidence_weighted_mean<'a>(
    estimates: impl IntoIterator<Item = ArrayView2<'a, Complex64>>,
    free_energies: &[f64],
    beta: f64,
) -> Option<Array2<Complex64>> {
    let mut mean = EvidenceMean::new(beta);
    let mut free_energies = free_energies.iter();
    for estimate in estimates {
        mean.add(*free_energies.next()?, estimate)?;
    }
    match free_energies.next() {
        Some(_) => None,
        None => mean.finish(),
    }
}

/// The weights of runs by their free energies in nats: `q_m = exp(F_m / beta) / Z`, the posterior
/// over the orders with the free energies as evidence.
///
/// `beta`: as of the inference, large values for weights that are nearly equal, 0 for all weight on
/// the largest free energy. A free energy that is not finite weighs nothing; none when no free
/// energy is finite.
#[must_use]
pub fn evidence_weights(free_energies: &[f64], beta: f64) -> Option<Vec<f64>> {
    let finite: Vec<f64> = free_energies
        .iter()
        .copied()
        .filter(|f| f.is_finite())
        .collect();
    if finite.is_empty() {
        return None;
    }
    let mut weights = tempered_posterior(&finite, beta).into_iter();
    let weight = |free_energy: &f64| {
        let weight = free_energy.is_finite().then(|| weights.next());
        weight.flatten().unwrap_or(0.0)
    };
    Some(free_energies.iter().map(weight).collect())
}

/// The mean of the estimates, frames x bins each, by weights that need not sum to 1.
///
/// None when there is no estimate, when there are not as many weights, when a weight is negative or
/// not finite, when all are 0, or when the estimates' shapes differ.
#[must_use]
pub fn weighted_mean<'a>(
    estimates: impl IntoIterator<Item = ArrayView2<'a, Complex64>>,
    weights: &[f64],
) -> Option<Array2<Complex64>> {
    weighted_mean_of(&mut estimates.into_iter(), weights)
}

/// [`weighted_mean`], compiled here.
fn weighted_mean_of<'a>(
    estimates: &mut dyn Iterator<Item = ArrayView2<'a, Complex64>>,
    weights: &[f64],
) -> Option<Array2<Complex64>> {
    // Relative to the largest, so that a run on its own comes out as it went in.
    let most = weights.iter().copied().fold(0.0, f64::max);
    let valid = weights
        .iter()
        .all(|weight| weight.is_finite() && *weight >= 0.0);
    if !valid || most <= 0.0 {
        return None;
    }
    let mut weights = weights.iter().map(|weight| weight / most);
    let (mut sum, mut total) = (None::<Array2<Complex64>>, 0.0);
    for estimate in estimates {
        let weight = weights.next()?;
        total += weight;
        match &mut sum {
            None => sum = Some(estimate.mapv(|value| weight * value)),
            Some(sum) if sum.dim() == estimate.dim() => {
                sum.zip_mut_with(&estimate, |sum, value| *sum += weight * value);
            }
            Some(_) => return None,
        }
    }
    if weights.next().is_some() {
        return None;
    }
    Some(sum?.mapv(|value| value / total))
}

fn largest(values: &[f64]) -> Option<usize> {
    (0..values.len())
        .filter(|&i| !values[i].is_nan())
        .reduce(|best, i| if values[i] > values[best] { i } else { best })
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    /// Sums in another order.
    const ROUNDING: f64 = 1e-14;

    /// Estimates of runs, their free energies and scores.
    struct Runs {
        estimates: Vec<Array2<Complex64>>,
        free_energies: Vec<f64>,
    }

    type Rule = fn(&Runs) -> Option<Array2<Complex64>>;

    /// Every rule, as a function from runs to an estimate.
    const RULES: [(&str, Rule); 6] = [
        ("vb_selection", |runs| {
            vb_selection(&runs.free_energies).map(|index| runs.estimates[index].clone())
        }),
        ("oracle_selection", |runs| {
            oracle_selection(&runs.free_energies).map(|index| runs.estimates[index].clone())
        }),
        ("fusion_by_mean", |runs| fusion_by_mean(runs.views())),
        ("evidence_weighted_mean", |runs| {
            evidence_weighted_mean(runs.views(), &runs.free_energies, 2.5)
        }),
        ("evidence_weighted_mean, beta 0", |runs| {
            evidence_weighted_mean(runs.views(), &runs.free_energies, 0.0)
        }),
        ("weighted_mean", |runs| {
            let weights: Vec<f64> = runs.free_energies.iter().map(|f| 0.3 + f * f).collect();
            weighted_mean(runs.views(), &weights)
        }),
    ];

    impl Runs {
        fn new(runs: &[(f64, f64)]) -> Self {
            let estimate = |&(value, _): &(f64, f64)| {
                array![[Complex64::new(value, -0.1), Complex64::new(0.7, value)]]
            };
            Self {
                estimates: runs.iter().map(estimate).collect(),
                free_energies: runs.iter().map(|&(_, free_energy)| free_energy).collect(),
            }
        }

        fn views(&self) -> Vec<ArrayView2<'_, Complex64>> {
            self.estimates
                .iter()
                .map(|estimate| estimate.view())
                .collect()
        }
    }

    #[test]
    fn every_rule_gives_one_run_back() {
        let runs = Runs::new(&[(1.1, -1e5)]);
        for (name, rule) in RULES {
            assert_eq!(rule(&runs).as_ref(), Some(&runs.estimates[0]), "{name}");
        }
    }

    #[test]
    fn no_rule_depends_on_the_order_of_the_runs() {
        let mut values = [(1.1, -7.0), (-3.0, -5.5), (0.4, -1.0), (9.0, -6.0)];
        for (name, rule) in RULES {
            let expected = rule(&Runs::new(&values)).unwrap();
            values.reverse();
            values.swap(0, 1);
            let found = rule(&Runs::new(&values)).unwrap();
            let error = (&found - &expected)
                .iter()
                .map(|z| z.norm())
                .fold(0.0, f64::max);
            assert!(error < ROUNDING, "{name}: {error:e}");
        }
    }

    #[test]
    fn no_rule_makes_something_of_nothing() {
        for (name, rule) in RULES {
            assert_eq!(rule(&Runs::new(&[])), None, "{name}");
        }
    }

    #[test]
    fn a_run_that_is_not_a_number_is_passed_over() {
        let scores = [1.0, 7.0, f64::NAN, 6.0];
        assert_eq!(vb_selection(&scores), Some(1));
        assert_eq!(oracle_selection(&scores), Some(1));
        assert_eq!(oracle_selection(&[f64::NAN]), None);
        let weights = evidence_weights(&[0.0, f64::NAN, 0.0, f64::NEG_INFINITY], 1.0).unwrap();
        assert_eq!(weights, [0.5, 0.0, 0.5, 0.0]);
        assert_eq!(evidence_weights(&[f64::NAN], 1.0), None);
    }

    #[test]
    fn the_running_mean_is_that_by_the_weights() {
        let values = [
            (1.1, -7.0),
            (-3.0, -5.5),
            (0.4, -1.0),
            (9.0, -6.0),
            (2.0, -1.0),
        ];
        for beta in [0.0, 0.01, 1.0, 3.0, 1e300] {
            for turn in 0..values.len() {
                let mut values = values;
                values.rotate_left(turn);
                let runs = Runs::new(&values);
                let found = evidence_weighted_mean(runs.views(), &runs.free_energies, beta);
                let weights = evidence_weights(&runs.free_energies, beta).unwrap();
                let expected = weighted_mean(runs.views(), &weights).unwrap();
                let error = (found.unwrap() - expected).mapv(Complex64::norm);
                let worst = error.iter().copied().fold(0.0, f64::max);
                assert!(worst < ROUNDING, "beta {beta}, turn {turn}: {worst:e}");
            }
        }
    }

    #[test]
    fn what_has_no_weight_may_be_no_number() {
        let number = array![[Complex64::new(3.0, -4.0)]];
        let none = array![[Complex64::new(f64::NAN, f64::INFINITY)]];
        for beta in [0.0, 1e-3, 1.0] {
            for free_energy in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -f64::MAX, -1e4] {
                let mean = |runs: [(f64, &Array2<Complex64>); 2]| {
                    let estimates = runs.map(|(_, estimate)| estimate.view());
                    evidence_weighted_mean(estimates, &runs.map(|(of_run, _)| of_run), beta)
                };
                let (one, other) = ((free_energy, &none), (f64::MAX.sqrt(), &number));
                assert_eq!(mean([one, other]).as_ref(), Some(&number), "{free_energy}");
                assert_eq!(mean([other, one]).as_ref(), Some(&number), "{free_energy}");
            }
        }
        assert_eq!(
            evidence_weighted_mean([number.view()], &[f64::NAN], 1.0),
            None
        );
    }

    #[test]
    fn the_mean_weighs_equally() {
        let runs = [1.0, 2.0, 6.0].map(|re| array![[Complex64::new(re, -re)]]);
        let mean = fusion_by_mean(runs.iter().map(|run| run.view())).unwrap();
        assert_eq!(mean[(0, 0)], Complex64::new(3.0, -3.0));
    }

    #[test]
    fn estimates_and_weights_must_fit() {
        let (a, b) = (Array2::zeros((1, 2)), Array2::zeros((2, 1)));
        assert_eq!(fusion_by_mean([a.view(), b.view()]), None);
        for free_energies in [&[1.0, 2.0][..], &[2.0, 1.0]] {
            assert_eq!(
                evidence_weighted_mean([a.view(), b.view()], free_energies, 1.0),
                None
            );
        }
        for free_energies in [&[1.0][..], &[1.0; 3]] {
            assert_eq!(
                evidence_weighted_mean([a.view(), a.view()], free_energies, 1.0),
                None
            );
        }
        for weights in [
            &[1.0][..],
            &[1.0; 3],
            &[0.0; 2],
            &[1.0, -1.0],
            &[1.0, f64::NAN],
        ] {
            assert_eq!(
                weighted_mean([a.view(), a.view()], weights),
                None,
                "{weights:?}"
            );
        }
    }
}
