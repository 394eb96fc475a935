//! Fewer iterations to the same free energy: every third begins at an extrapolation of the last
//! two, and is taken back if it has not risen.

use super::extrapolation::Columns;
use super::pack::Real;
use super::tiled::{Checkpoint, Factors, TiledModel};

/// Largest `alpha` of the first extrapolation.
const FIRST_LONGEST: f64 = 4.0;

/// Smallest that failures make of it, and largest that successes do.
const SHORTEST_LONGEST: f64 = 1.5;
const LONGEST: f64 = 1e4;

/// Extrapolates a model between its iterations: [`begin`](Self::begin), the iteration,
/// [`end`](Self::end).
#[derive(Debug)]
pub(crate) struct Accelerator<T: Real> {
    /// The last states, as many as this cycle has seen.
    history: Vec<Factors<T>>,
    /// The free energy of the present state, where the next iteration begins with a leap.
    free_energy: f64,
    leap: Option<Leap<T>>,
    /// Largest `alpha`, to be larger while most columns are at it, smaller after a failure.
    longest: f64,
}

/// Where a leap has begun.
#[derive(Debug)]
struct Leap<T: Real> {
    from: Checkpoint<T>,
    free_energy: f64,
    columns: Columns,
}

impl<T: Real> Accelerator<T> {
    pub(crate) fn new() -> Self {
        Self {
            history: Vec::new(),
            free_energy: f64::NEG_INFINITY,
            leap: None,
            longest: FIRST_LONGEST,
        }
    }

    /// Before an iteration: looks at the state or extrapolates it. Returns whether [`Self::end`]
    /// needs the free energy.
    pub(crate) fn begin(&mut self, model: &mut TiledModel<T>) -> bool {
        let [start, first] = &self.history[..] else {
            self.history.push(model.factors());
            return self.history.len() == 2;
        };
        let from = model.checkpoint();
        let columns = model.extrapolate([start, first], self.longest);
        self.leap = Some(Leap {
            from,
            free_energy: self.free_energy,
            columns,
        });
        self.history.clear();
        true
    }

    /// After an iteration whose free energy is needed: takes it back if it began with a leap that
    /// was one down or out of range. Returns the free energy of the state that stands.
    pub(crate) fn end(&mut self, model: &mut TiledModel<T>, free_energy: f64) -> f64 {
        let Some(leap) = self.leap.take() else {
            self.free_energy = free_energy;
            return free_energy;
        };
        if free_energy >= leap.free_energy && !model.is_out_of_range() {
            if 2 * leap.columns.at_limit > leap.columns.all {
                self.longest = f64::min(4.0 * self.longest, LONGEST);
            }
            return free_energy;
        }
        model.restore(leap.from);
        self.longest = f64::max(self.longest / 2.0, SHORTEST_LONGEST);
        leap.free_energy
    }
}
