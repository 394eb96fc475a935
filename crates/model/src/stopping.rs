//! When an inference has converged.

/// Iterations over which a rise is measured, and between two looks at it: a free energy costs
/// about a third of an iteration.
pub(crate) const STOPPING_INTERVAL: usize = 10;

/// Ends an inference after an iteration `i`, a multiple of [`STOPPING_INTERVAL`], in which
///
/// `( F_i - F_{i-10} ) / (F N) < tolerance`,
///
/// the rise of the free energy in nats per coefficient of the mixture. `F` itself is no measure of
/// the rise: it depends on the recording's level and goes through 0.
#[derive(Debug)]
pub(crate) struct StoppingRule {
    tolerance: f64,
    coefficients: f64,
    last: Option<f64>,
}

impl StoppingRule {
    /// The rule for a mixture of this number of coefficients. A tolerance of 0 never stops.
    pub(crate) fn new(tolerance: f64, coefficients: usize) -> Self {
        Self {
            tolerance,
            coefficients: coefficients as f64,
            last: None,
        }
    }

    /// Whether the rule looks at the free energy after this iteration, counted from 1.
    pub(crate) fn is_due(&self, iteration: usize) -> bool {
        self.tolerance > 0.0 && iteration.is_multiple_of(STOPPING_INTERVAL)
    }

    /// Takes the free energy at an iteration that is due, in nats; returns whether to stop.
    pub(crate) fn is_met(&mut self, free_energy: f64) -> bool {
        let last = self.last.replace(free_energy);
        last.is_some_and(|last| (free_energy - last) / self.coefficients < self.tolerance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_due_at_every_tenth_iteration_if_at_all() {
        let due = |tolerance| {
            let rule = StoppingRule::new(tolerance, 1);
            (1..=30).filter(|&i| rule.is_due(i)).collect::<Vec<_>>()
        };
        assert_eq!(due(1e-3), [10, 20, 30]);
        assert_eq!(due(0.0), []);
    }

    /// Through 0 as well, and for a rise of exactly the tolerance.
    #[test]
    fn is_met_by_a_small_rise_per_coefficient() {
        let mut rule = StoppingRule::new(0.25, 8);
        let met = [-4.0, -1.0, 1.0, 2.0].map(|free_energy| rule.is_met(free_energy));
        assert_eq!(met, [false, false, false, true]);
    }
}
