//! Weights of runs that are learned from mixtures whose sources are known.

use ndarray::Array2;

/// Steps after which the weights are what they are; they are reached within a few hundred.
const MOST_STEPS: usize = 100_000;
/// Slope along which the error is not worth a further step, as a part of the largest error.
const FLAT: f64 = 1e-14;

/// Fits the weights of [`weighted_mean`](super::weighted_mean) to mixtures whose sources are known.
///
/// The weights are at least 0, sum to 1, and have the least sum over the mixtures of the error
/// relative to the source's energy,
///
/// `sum_t |s_t - sum_m w_m s_mt|^2 / |s_t|^2`,
///
/// where `s_mt` is what run m estimates of the source `s_t` of mixture t. As they sum to 1, it is a
/// quadratic form of the runs' own errors. What one order gets wrong and another does not decides;
/// free energies are not asked.
///
/// ```
/// use model::fusion::WeightFit;
///
/// let mut fit = WeightFit::new(2);
/// // One run overshoots by 3 where the other falls short by 1.
/// assert!(fit.add(&[4.0, 4.0], &[&[7.0, 7.0], &[3.0, 3.0]]));
/// let weights = fit.weights().unwrap();
/// assert!((weights[0] - 0.25).abs() < 1e-9);
/// ```
///
/// Source: X. Jaureguiberry, E. Vincent, G. Richard, "Fusion methods for speech enhancement and
/// audio source separation", IEEE/ACM Transactions on Audio, Speech, and Language Processing 24
/// (2016).
#[derive(Debug, Clone, PartialEq)]
pub struct WeightFit {
    /// Inner products of the runs' errors, runs x runs, summed over the mixtures.
    errors: Array2<f64>,
    mixtures: usize,
}

impl WeightFit {
    /// A fit of the weights of so many runs.
    #[must_use]
    pub fn new(runs: usize) -> Self {
        Self {
            errors: Array2::zeros((runs, runs)),
            mixtures: 0,
        }
    }

    /// Adds a mixture: its source and what each run estimates of it, as samples or any other real
    /// numbers.
    ///
    /// Whether it was added: not when the source is silent, when a number is not finite, or when
    /// there is not one estimate of the source's length for each run.
    pub fn add<E: AsRef<[f64]>>(&mut self, source: &[f64], estimates: &[E]) -> bool {
        let estimates: Vec<&[f64]> = estimates.iter().map(AsRef::as_ref).collect();
        self.add_slices(source, &estimates)
    }

    /// [`Self::add`], compiled here.
    fn add_slices(&mut self, source: &[f64], estimates: &[&[f64]]) -> bool {
        let runs = self.errors.nrows();
        let energy: f64 = source.iter().map(|s| s * s).sum();
        let fits = |estimate: &&[f64]| estimate.len() == source.len();
        if estimates.len() != runs || !estimates.iter().all(fits) || energy <= 0.0 {
            return false;
        }
        let product = |a: &[f64], b: &[f64]| {
            let both = a.iter().zip(b).zip(source);
            both.map(|((a, b), s)| (a - s) * (b - s)).sum::<f64>() / energy
        };
        let mut products = Array2::zeros((runs, runs));
        for m in 0..runs {
            for n in m..runs {
                let product = product(estimates[m], estimates[n]);
                products[(m, n)] = product;
                products[(n, m)] = product;
            }
        }
        if !products.iter().all(|product| product.is_finite()) {
            return false;
        }
        self.errors += &products;
        self.mixtures += 1;
        true
    }

    /// Mixtures that were added.
    #[must_use]
    pub fn mixtures(&self) -> usize {
        self.mixtures
    }

    /// The weights, one for each run; none when no mixture was added.
    #[must_use]
    pub fn weights(&self) -> Option<Vec<f64>> {
        let runs = self.errors.nrows();
        if self.mixtures == 0 || runs == 0 {
            return None;
        }
        let largest = self.errors.diag().iter().copied().fold(0.0, f64::max);
        let mut weights = vec![1.0 / runs as f64; runs];
        // Weight goes from the run whose share costs most to the one whose share costs least, as
        // much as lowers the error most: the error is convex, so this ends at its minimum.
        for _ in 0..MOST_STEPS {
            let slope = |m: usize| {
                let row = self.errors.row(m);
                row.iter().zip(&weights).map(|(e, w)| e * w).sum::<f64>()
            };
            let slopes: Vec<f64> = (0..runs).map(slope).collect();
            let order = |&a: &usize, &b: &usize| slopes[a].total_cmp(&slopes[b]);
            let to = (0..runs).min_by(order)?;
            let from = (0..runs).filter(|&m| weights[m] > 0.0).max_by(order)?;
            let gain = slopes[from] - slopes[to];
            if gain <= FLAT * largest {
                break;
            }
            let e = &self.errors;
            let curvature = e[(from, from)] + e[(to, to)] - 2.0 * e[(from, to)];
            let step = match curvature > 0.0 {
                true => (gain / curvature).min(weights[from]),
                false => weights[from],
            };
            weights[from] -= step;
            weights[to] += step;
        }
        Some(weights)
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// A source and estimates of it, each with errors of its own and some in common.
    fn mixture(rng: &mut ChaCha8Rng, levels: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
        let mut noise = || -> Vec<f64> { (0..400).map(|_| rng.random_range(-1.0..1.0)).collect() };
        let (source, common) = (noise(), noise());
        let estimate = |&level: &f64| {
            let own = noise();
            let errors = own.iter().zip(&common);
            let errors = errors.map(|(own, common)| level * own + 0.3 * common);
            source.iter().zip(errors).map(|(s, e)| s + e).collect()
        };
        (source.clone(), levels.iter().map(estimate).collect())
    }

    fn error(mixtures: &[(Vec<f64>, Vec<Vec<f64>>)], weights: &[f64]) -> f64 {
        let of_one = |(source, estimates): &(Vec<f64>, Vec<Vec<f64>>)| {
            let energy: f64 = source.iter().map(|s| s * s).sum();
            let residual = |n: usize| {
                let mean = weights.iter().zip(estimates).map(|(w, e)| w * e[n]);
                source[n] - mean.sum::<f64>()
            };
            (0..source.len()).map(|n| residual(n).powi(2)).sum::<f64>() / energy
        };
        mixtures.iter().map(of_one).sum()
    }

    /// No other weights on a grid are better, and the weights are where the slopes say: equal where
    /// there is weight, and no less where there is none (Karush, Kuhn and Tucker).
    #[test]
    fn no_other_weights_have_a_smaller_error() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for levels in [[0.2, 0.3, 0.4], [0.1, 0.1, 3.0], [0.0, 1.0, 1.0]] {
            let mixtures = [(); 3].map(|()| mixture(&mut rng, &levels));
            let mut fit = WeightFit::new(3);
            for (source, estimates) in &mixtures {
                assert!(fit.add(source, estimates));
            }
            let weights = fit.weights().unwrap();
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!(weights.iter().all(|&weight| weight >= 0.0));
            let least = error(&mixtures, &weights);
            for i in 0..=40 {
                for j in 0..=40 - i {
                    let (a, b) = (f64::from(i) / 40.0, f64::from(j) / 40.0);
                    let other = error(&mixtures, &[a, b, 1.0 - a - b]);
                    assert!(least <= other + 1e-9, "{weights:?}: {least} {other}");
                }
            }
            let slopes = fit.errors.dot(&ndarray::aview1(&weights));
            let lowest = slopes.iter().copied().fold(f64::INFINITY, f64::min);
            for (slope, weight) in slopes.iter().zip(&weights) {
                assert!(
                    *weight <= 0.0 || slope - lowest < 1e-9,
                    "{slopes} {weights:?}"
                );
            }
        }
    }

    #[test]
    fn equal_runs_share_the_weight() {
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let (source, estimates) = mixture(&mut rng, &[0.2]);
        let mut fit = WeightFit::new(2);
        assert!(fit.add(&source, &[&estimates[0], &estimates[0]]));
        assert_eq!(fit.weights(), Some(vec![0.5, 0.5]));
    }

    #[test]
    fn what_cannot_be_learned_from_is_left_out() {
        let mut fit = WeightFit::new(2);
        assert!(!fit.add(&[0.0, 0.0], &[[1.0, 1.0], [2.0, 2.0]]));
        assert!(!fit.add(&[1.0, 2.0], &[[1.0, 1.0]]));
        assert!(!fit.add(&[1.0, 2.0], &[vec![1.0, 1.0], vec![1.0]]));
        assert!(!fit.add(&[1.0, 2.0], &[[1.0, f64::NAN], [2.0, 2.0]]));
        assert_eq!((fit.mixtures(), fit.weights()), (0, None));
        assert!(fit.add(&[1.0, 2.0], &[[1.0, 2.0], [2.0, 2.0]]));
        assert_eq!(fit.weights(), Some(vec![1.0, 0.0]));
        assert_eq!(WeightFit::new(0).weights(), None);
    }
}
