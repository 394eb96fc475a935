//! Ways to make one estimate of a source out of runs with different orders.
//!
//! *VB fusion* needs no rule here: it is one inference over all orders at once, whose `q(S)`
//! already averages them. The rules below combine single-order runs.
//!
//! | rule | what it does | needs |
//! |---|---|---|
//! | [`vb_selection`] | keeps the run with the largest free energy | the free energies |
//! | [`oracle_selection`] | keeps the run with the best score | the true source |
//! | [`fusion_by_mean`] | averages the estimates | the estimates |
//!
//! All give the run's own estimate back when there is one, and none depends on the order of the
//! runs, but for ties, which go to the first.

use ndarray::{Array2, ArrayView2};
use rustfft::num_complex::Complex64;

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
    let mut estimates = estimates.into_iter();
    let mut sum = estimates.next()?.to_owned();
    let mut count = 1.0;
    for estimate in estimates {
        if estimate.dim() != sum.dim() {
            return None;
        }
        sum += &estimate;
        count += 1.0;
    }
    Some(sum.mapv(|value| value / count))
}

fn largest(values: &[f64]) -> Option<usize> {
    (0..values.len())
        .filter(|&i| !values[i].is_nan())
        .reduce(|best, i| if values[i] > values[best] { i } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn one_run_is_returned_as_it_is() {
        let estimate = array![[Complex64::new(1.5, -2.0), Complex64::new(0.1, 0.3)]];
        assert_eq!(fusion_by_mean([estimate.view()]), Some(estimate));
        assert_eq!(vb_selection(&[-1e9]), Some(0));
        assert_eq!(oracle_selection(&[3.0]), Some(0));
    }

    #[test]
    fn permuting_runs_permutes_the_choice() {
        let scores = [1.0, 7.0, f64::NAN, 6.0];
        let reversed = [6.0, f64::NAN, 7.0, 1.0];
        assert_eq!(vb_selection(&scores), Some(1));
        assert_eq!(vb_selection(&reversed), Some(2));
        let runs = [1.0, 2.0, 6.0].map(|re| array![[Complex64::new(re, -re)]]);
        let forwards = fusion_by_mean(runs.iter().map(|run| run.view())).unwrap();
        let backwards = fusion_by_mean(runs.iter().rev().map(|run| run.view())).unwrap();
        assert_eq!(forwards, backwards);
        assert_eq!(forwards[(0, 0)], Complex64::new(3.0, -3.0));
    }

    #[test]
    fn nothing_to_choose_from_is_none() {
        assert_eq!(vb_selection(&[]), None);
        assert_eq!(oracle_selection(&[f64::NAN]), None);
        assert_eq!(fusion_by_mean([]), None);
        let (a, b) = (Array2::zeros((1, 2)), Array2::zeros((2, 1)));
        assert_eq!(fusion_by_mean([a.view(), b.view()]), None);
    }
}
