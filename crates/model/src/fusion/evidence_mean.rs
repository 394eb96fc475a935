//! The evidence-weighted mean of estimates that come one after the other.

use ndarray::{Array2, ArrayView2};
use num_complex::Complex64;

/// The mean of estimates by their free energies, with no more in memory than their sum.
///
/// What [`evidence_weighted_mean`](super::evidence_weighted_mean) makes of all estimates at once,
/// to the last bit: weights are relative to the largest free energy so far, and a larger one scales
/// down what has been added.
///
/// ```
/// use model::fusion::EvidenceMean;
/// use ndarray::array;
///
/// let mut mean = EvidenceMean::new(1.0);
/// mean.add(-100.0, array![[4.0.into()]].view()).unwrap();
/// // The second run is exp(ln(3)) = 3 times as probable.
/// mean.add(-100.0 + 3.0_f64.ln(), array![[8.0.into()]].view()).unwrap();
/// assert!((mean.finish().unwrap()[(0, 0)].re - 7.0).abs() < 1e-12);
/// ```
#[derive(Debug, Clone)]
pub struct EvidenceMean {
    beta: f64,
    /// The largest free energy so far, in nats.
    largest: f64,
    /// The sum of the weights, and that of the estimates by them.
    total: f64,
    sum: Option<Array2<Complex64>>,
}

impl EvidenceMean {
    /// `beta`: as of the inference; 0 for the first of the largest free energy alone.
    #[must_use]
    pub fn new(beta: f64) -> Self {
        Self {
            beta,
            largest: f64::NEG_INFINITY,
            total: 0.0,
            sum: None,
        }
    }

    /// Adds a run: its free energy in nats, and its estimate, frames x bins. One whose free energy
    /// is not finite weighs nothing.
    ///
    /// None for an estimate of another shape than those before, which is not added.
    #[must_use = "an estimate of another shape is not added"]
    pub fn add(&mut self, free_energy: f64, estimate: ArrayView2<'_, Complex64>) -> Option<()> {
        let shape = self.sum.as_ref().map(Array2::dim);
        if shape.is_some_and(|shape| shape != estimate.dim()) {
            return None;
        }
        if !free_energy.is_finite() {
            return Some(());
        }
        // The larger of the two weighs 1, exp((F - F_max) / beta) the other; before the first run
        // the largest is minus infinity.
        let lesser = match self.beta > 0.0 {
            true => libm::exp(-(free_energy - self.largest).abs() / self.beta),
            false => 0.0,
        };
        let (kept, weight) = match free_energy > self.largest {
            true => (lesser, 1.0),
            false => (1.0, lesser),
        };
        self.largest = self.largest.max(free_energy);
        self.total = kept * self.total + weight;
        // What has no weight may be no number, and 0 times that is none.
        match &mut self.sum {
            _ if weight <= 0.0 => {}
            Some(sum) if kept > 0.0 => {
                sum.zip_mut_with(&estimate, |sum, value| *sum = kept * *sum + weight * value);
            }
            sum => *sum = Some(estimate.to_owned()),
        }
        Some(())
    }

    /// The mean; none if no free energy was finite.
    #[must_use]
    pub fn finish(self) -> Option<Array2<Complex64>> {
        let total = self.total;
        Some(self.sum?.mapv_into(|value| value / total))
    }
}
