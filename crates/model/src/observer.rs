//! Watching an inference from outside, iteration by iteration, and stopping it.

use std::ops::ControlFlow;

/// Where an inference stands after an iteration.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Iterations done.
    pub iteration: usize,
    /// `q(K_j)` per source and order.
    pub order_posterior: Vec<Vec<f64>>,
    /// The tempered free energy in nats: where the observer asked for it, and after the last
    /// iteration.
    pub free_energy: Option<f64>,
}

impl Progress {
    /// Whether this is the first iteration, before which nothing counts. It can come twice: an
    /// inference that single precision is not enough for begins again in double precision.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.iteration == 1
    }
}

/// Told of every iteration of an inference.
///
/// A closure that returns nothing is an observer, and `()` is the one that does not listen:
///
/// ```
/// use model::{Dictionary, Inference, Progress, Settings, SourceModel};
/// use ndarray::{Array2, array};
///
/// let source = SourceModel::known([Dictionary::new(array![[4.0, 1.0, 1.0]])?]);
/// let mixture = Array2::from_elem((5, 3), 1.0.into());
/// let inference = Inference::new(Settings { iterations: 7, ..Settings::default() })?;
///
/// let mut done = 0;
/// let mut count = |progress: &Progress| done = progress.iteration;
/// inference.separate_observed(mixture.view(), &[source], &mut count)?;
/// assert_eq!(done, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// One with a rule of its own stops the inference:
///
/// ```
/// # use model::{Dictionary, Inference, Settings, SourceModel};
/// # use ndarray::{Array2, array};
/// # let source = SourceModel::known([Dictionary::new(array![[4.0, 1.0, 1.0]])?]);
/// # let mixture = Array2::from_elem((5, 3), 1.0.into());
/// use std::ops::ControlFlow;
///
/// use model::{Observer, Progress};
///
/// /// Stops where the free energy is high enough.
/// struct Sufficient(f64);
///
/// impl Observer for Sufficient {
///     fn wants_free_energy(&self, _: usize) -> bool {
///         true
///     }
///
///     fn observe(&mut self, progress: &Progress) -> ControlFlow<()> {
///         match progress.free_energy {
///             Some(free_energy) if free_energy >= self.0 => ControlFlow::Break(()),
///             _ => ControlFlow::Continue(()),
///         }
///     }
/// }
///
/// let inference = Inference::new(Settings::default())?;
/// let mut rule = Sufficient(-50.0);
/// let separation = inference.separate_observed(mixture.view(), &[source], &mut rule)?;
/// assert!(separation.free_energy >= -50.0);
/// assert!(separation.iterations < 50);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Observer {
    /// Whether the free energy after this iteration, counted from 1, is wanted. It costs about a
    /// third of an iteration. The last iteration always has it.
    fn wants_free_energy(&self, _iteration: usize) -> bool {
        false
    }

    /// Takes note of an iteration that is done, and says whether the inference goes on.
    ///
    /// After a break the result is that of the iterations done. It has a free energy, which needs
    /// terms that an iteration gathers only where they are asked for: if this one's was not, one
    /// more iteration is made, which is the last.
    fn observe(&mut self, progress: &Progress) -> ControlFlow<()>;
}

impl Observer for () {
    fn observe(&mut self, _: &Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl<F: FnMut(&Progress)> Observer for F {
    fn observe(&mut self, progress: &Progress) -> ControlFlow<()> {
        self(progress);
        ControlFlow::Continue(())
    }
}

/// Records the free energy at regular intervals and after the last iteration.
///
/// ```
/// use model::{Dictionary, FreeEnergyTrace, Inference, Settings, SourceModel};
/// use ndarray::{Array2, array};
///
/// let source = SourceModel::known([Dictionary::new(array![[4.0, 1.0, 1.0]])?]);
/// let mixture = Array2::from_elem((5, 3), 1.0.into());
/// let inference = Inference::new(Settings { iterations: 7, ..Settings::default() })?;
///
/// let mut trace = FreeEnergyTrace::every(5);
/// let separation = inference.separate_observed(mixture.view(), &[source], &mut trace)?;
/// assert_eq!(trace.values()[1], (7, separation.free_energy));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FreeEnergyTrace {
    interval: usize,
    values: Vec<(usize, f64)>,
}

impl FreeEnergyTrace {
    /// Records every `interval`-th iteration. An `interval` of 0 records the last iteration only.
    #[must_use]
    pub fn every(interval: usize) -> Self {
        Self {
            interval,
            values: Vec::new(),
        }
    }

    /// Iterations, counted from 1, and the free energy after each in nats.
    #[must_use]
    pub fn values(&self) -> &[(usize, f64)] {
        &self.values
    }
}

impl Observer for FreeEnergyTrace {
    fn wants_free_energy(&self, iteration: usize) -> bool {
        iteration.is_multiple_of(self.interval)
    }

    fn observe(&mut self, progress: &Progress) -> ControlFlow<()> {
        if progress.is_first() {
            self.values.clear();
        }
        let value = progress.free_energy;
        self.values
            .extend(value.map(|value| (progress.iteration, value)));
        ControlFlow::Continue(())
    }
}
