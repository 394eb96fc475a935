//! Fewer iterations to the same free energy: every third begins at an extrapolation of the last
//! two, and is taken back if it ends lower than where it began.

use super::extrapolation::Extent;
use super::factors::Factors;
use super::pack::Real;
use super::tiled::{Checkpoint, TiledModel};

/// Bound of `alpha` in the first extrapolation.
const FIRST_MAX_ALPHA: f64 = 4.0;
/// What failures leave of it.
const LEAST_MAX_ALPHA: f64 = 1.5;
/// What successes make of it.
const MOST_MAX_ALPHA: f64 = 1e4;

/// Extrapolates a model between its iterations: [`begin`](Self::begin), the iteration,
/// [`end`](Self::end).
#[derive(Debug)]
pub(crate) struct Accelerator<T: Real> {
    /// The last states, as many as this cycle has seen.
    history: Vec<Factors<T>>,
    /// The free energy of the present state, where the next iteration begins with a leap.
    free_energy: f64,
    leap: Option<Leap<T>>,
    /// Bound of `alpha`: higher while most columns are at it, lower after a failure.
    max_alpha: f64,
}

/// Where a leap has begun, and how far it went.
#[derive(Debug)]
struct Leap<T: Real> {
    from: Checkpoint<T>,
    free_energy: f64,
    extent: Extent,
}

impl<T: Real> Accelerator<T> {
    pub(crate) fn new() -> Self {
        Self {
            history: Vec::new(),
            free_energy: f64::NEG_INFINITY,
            leap: None,
            max_alpha: FIRST_MAX_ALPHA,
        }
    }

    /// Before an iteration: keeps the state or extrapolates it. Returns whether [`Self::end`] needs
    /// the free energy.
    pub(crate) fn begin(&mut self, model: &mut TiledModel<T>, is_last: bool) -> bool {
        let Some((start, mut factors)) = self.take_history() else {
            self.history.push(model.factors());
            // A leap is measured by the free energy of the second iteration.
            return self.history.len() == 2 && !is_last;
        };
        let from = model.checkpoint();
        let extent = model.extrapolate(&mut factors, [&start, &from.factors], self.max_alpha);
        self.leap = Some(Leap {
            from,
            free_energy: self.free_energy,
            extent,
        });
        true
    }

    /// The two last states, in their order, if there are two.
    fn take_history(&mut self) -> Option<(Factors<T>, Factors<T>)> {
        if self.history.len() < 2 {
            return None;
        }
        let second = self.history.pop()?;
        Some((self.history.pop()?, second))
    }

    /// After an iteration whose free energy is needed: takes it back if it began with a leap and is
    /// lower than where that began, or out of range. Returns the free energy of the state that
    /// stands.
    pub(crate) fn end(&mut self, model: &mut TiledModel<T>, free_energy: f64) -> f64 {
        let Some(leap) = self.leap.take() else {
            self.free_energy = free_energy;
            return free_energy;
        };
        if free_energy >= leap.free_energy && !model.is_out_of_range() {
            if 2 * leap.extent.at_limit > leap.extent.moved {
                self.max_alpha = f64::min(4.0 * self.max_alpha, MOST_MAX_ALPHA);
            }
            return free_energy;
        }
        model.restore(leap.from);
        self.max_alpha = f64::max(leap.extent.largest_alpha / 2.0, LEAST_MAX_ALPHA);
        leap.free_energy
    }
}

#[cfg(test)]
mod tests {
    use fearless_simd::Level;
    use ndarray::Array2;
    use num_complex::Complex64;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::dictionary::{Dictionary, DictionaryStart};
    use crate::gig::Gig;
    use crate::kernel::tiled::Configuration;
    use crate::problem::Problem;
    use crate::settings::{Execution, Posterior};
    use crate::source::SourceModel;

    /// Everything that an inference tells of its end.
    type End = (
        f64,
        Vec<Array2<Complex64>>,
        Vec<Vec<f64>>,
        Vec<Vec<f64>>,
        Vec<Array2<f64>>,
    );

    fn end<T: Real>(model: &mut TiledModel<T>, problem: &Problem<'_>) -> End {
        let mut means = vec![Array2::zeros(problem.mixture.dim()); problem.sources.len()];
        let free_energy = model.posterior_means(problem.mixture, &mut means);
        let mut factors = Vec::new();
        for (j, source) in problem.sources.iter().enumerate() {
            for m in 0..source.orders.len() {
                let ((w, w_harmonic), (h, h_harmonic)) =
                    (model.dictionary(j, m), model.activations(j, m));
                factors.extend([w, w_harmonic, h, h_harmonic]);
            }
        }
        (
            free_energy,
            means,
            model.order_posterior(),
            model.log_order_posterior(),
            factors,
        )
    }

    /// A leap that is taken back leaves no trace, neither at an end nor in the iterations after.
    fn check<T: Real>(posterior: Posterior) {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut matrix =
            |rows, bins| Array2::from_shape_simple_fn((rows, bins), || rng.random_range(0.01..2.0));
        let sources = [
            SourceModel::known([2, 3].map(|order| Dictionary::new(matrix(order, 53)).unwrap())),
            SourceModel::new([2, 4].map(|order| DictionaryStart::new(matrix(order, 53)).unwrap())),
        ];
        let mixture = matrix(37, 53).mapv(Complex64::from);
        let problem = Problem::new(mixture.view(), &sources).unwrap();
        let gig = Gig::new(0.2).unwrap();
        let new = || {
            TiledModel::<T>::new(
                &problem,
                Configuration {
                    level: Level::new(),
                    execution: Execution::Serial,
                    posterior,
                    noise_variance: 1e-3,
                    beta: 30.0,
                    dictionary_gig: gig.clone(),
                    activation_gig: gig.clone(),
                },
            )
        };
        for iterations_after in [0, 2] {
            let (mut plain, mut model) = (new(), new());
            let mut accelerator = Accelerator::new();
            for iteration in 1..=3 {
                let is_needed = accelerator.begin(&mut model, false);
                assert_eq!(is_needed, iteration > 1);
                model.iterate(true);
                let free_energy = model.free_energy(problem.mixture);
                if iteration < 3 {
                    plain.iterate(true);
                    let expected = plain.free_energy(problem.mixture);
                    assert_eq!(
                        accelerator.end(&mut model, free_energy).to_bits(),
                        expected.to_bits()
                    );
                } else {
                    let before = plain.free_energy(problem.mixture);
                    let found = accelerator.end(&mut model, f64::NEG_INFINITY);
                    assert_eq!(found.to_bits(), before.to_bits());
                    assert!(free_energy > before, "the leap would have counted");
                }
            }
            for _ in 0..iterations_after {
                plain.iterate(true);
                model.iterate(true);
            }
            assert_eq!(end(&mut model, &problem), end(&mut plain, &problem));
        }
    }

    #[test]
    fn what_is_taken_back_leaves_no_trace() {
        for posterior in [Posterior::Factorised, Posterior::Structured] {
            check::<f64>(posterior);
            check::<f32>(posterior);
        }
    }
}
