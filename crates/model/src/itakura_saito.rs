//! Maximum-likelihood training of a dictionary: Itakura-Saito NMF.
//!
//! Under the Gaussian model of the sources the likelihood of `S` given `V = W H` is, up to a
//! constant, minus the Itakura-Saito divergence of the power `P = |S|^2` from `V`,
//! `sum [ P / V - log(P / V) - 1 ]`. It is *minimised*, by multiplicative updates:
//!
//! `H <- H o (W^T (P / V^2)) / (W^T (1 / V))`, then
//! `W <- W o ((P / V^2) H^T) / ((1 / V) H^T)`,
//!
//! with `V` formed anew for each, and each component of `W` scaled to unit mean afterwards, its
//! activations compensated. For this divergence the step is the majorisation-equalisation update
//! of Févotte and Idier (2011), along a level set of an auxiliary function, so the cost never
//! rises.
//!
//! Source: C. Févotte, N. Bertin, J.-L. Durrieu, "Nonnegative matrix factorization with the
//! Itakura-Saito divergence", Neural Computation 21 (2009); C. Févotte, J. Idier, "Algorithms for
//! nonnegative matrix factorization with the beta-divergence", Neural Computation 23 (2011).

use std::ops::RangeInclusive;

use ndarray::{Array2, ArrayView2};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::dictionary::{Dictionary, DictionaryError};
use crate::kernel::Real;
use crate::kernel::itakura_saito::TiledTraining;
use crate::settings::Precision;

/// Power below this fraction of the mean power is raised to it: an exact zero would make the cost
/// infinite. -120 dB, far below any recording's own noise.
pub const RELATIVE_POWER_FLOOR: f64 = 1e-12;

/// The mean powers that are trained with. Far outside, variances would meet the kernel's floor or
/// their products overflow, and nothing would be learned.
pub const MEAN_POWERS: RangeInclusive<f64> = 1e-80..=1e120;

/// What to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingSettings {
    /// Number of components `K`.
    pub order: usize,
    /// Number of iterations.
    pub iterations: usize,
    /// Precision of the matrix products. Single precision takes powers up to 1e17 whose
    /// mean is at least 1e-13, so that [`RELATIVE_POWER_FLOOR`] of it is at least 1e-25; what is
    /// outside, or leaves its range on the way, is trained in double precision from the start.
    pub precision: Precision,
}

/// Why a training could not run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// No frame or no bin.
    #[error("the training power is empty: {frames} frames x {bins} bins")]
    Empty {
        /// Frames given.
        frames: usize,
        /// Bins given.
        bins: usize,
    },
    /// A power that is negative or not finite.
    #[error("power {value} at frame {frame}, bin {bin} is not a finite number >= 0")]
    InvalidPower {
        /// Frame of the value.
        frame: usize,
        /// Bin of the value.
        bin: usize,
        /// The value.
        value: f64,
    },
    /// Zero power throughout.
    #[error("the training power is silent")]
    Silent,
    /// A mean power outside [`MEAN_POWERS`].
    #[error(
        "the mean training power is {mean:e}; rescale it to between {:e} and {:e}",
        MEAN_POWERS.start(), MEAN_POWERS.end()
    )]
    OutOfRange {
        /// The mean power.
        mean: f64,
    },
    /// No component asked for.
    #[error("a dictionary needs at least one component")]
    NoComponent,
    /// A start that does not fit the power or is not non-negative and finite.
    #[error("the start values must be non-negative, finite, and {expected}")]
    InvalidStart {
        /// The shapes that would fit.
        expected: String,
    },
    /// The result is not a dictionary: a component vanished.
    #[error(transparent)]
    Dictionary(#[from] DictionaryError),
}

/// A trained dictionary.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// Components x bins, each component of unit mean.
    pub dictionary: Dictionary,
    /// Frames x components.
    pub activations: Array2<f64>,
    /// The divergence before each iteration and after the last.
    pub cost: Vec<f64>,
    /// Precision of the result: [`Precision::F64`] also where single precision was not enough.
    pub precision: Precision,
}

/// Trains from a random start. `power`: frames x bins.
///
/// Uses the current rayon pool; the result is the same bytes for any number of threads.
///
/// ```
/// use model::Precision;
/// use model::itakura_saito::{self, TrainingSettings};
/// use ndarray::Array2;
/// use rand::SeedableRng;
///
/// let power = Array2::from_shape_fn((40, 9), |(n, f)| 1.0 + ((n * f) % 7) as f64);
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
/// let settings = TrainingSettings { order: 3, iterations: 20, precision: Precision::F64 };
/// let trained = itakura_saito::train(power.view(), &settings, &mut rng)?;
/// assert_eq!(trained.dictionary.order(), 3);
/// assert!(trained.cost[20] < trained.cost[0]);
/// # Ok::<(), model::itakura_saito::TrainingError>(())
/// ```
///
/// # Errors
/// An [`TrainingError`] when the power is empty, silent, negative, not finite or of a mean outside
/// [`MEAN_POWERS`], or no component is asked for.
pub fn train(
    power: ArrayView2<'_, f64>,
    settings: &TrainingSettings,
    rng: &mut impl Rng,
) -> Result<Trained, TrainingError> {
    let (frames, bins) = power.dim();
    // Within a decade of each other: no component starts switched off.
    let mut start = |rows, columns| {
        Array2::from_shape_simple_fn((rows, columns), || 0.1 + 0.9 * rng.random::<f64>())
    };
    let dictionary = start(settings.order, bins);
    let activations = start(frames, settings.order);
    train_from(
        power,
        dictionary.view(),
        activations.view(),
        settings.iterations,
        settings.precision,
    )
}

/// Trains from given start values: `dictionary` components x bins, `activations` frames x
/// components. The order is theirs.
///
/// In [`Precision::F64`] dictionary and activations are the whole state of a training: from those
/// of a result it goes on as if it had not ended. So it does in [`Precision::F32`], as long as
/// [`Trained::precision`] says that it was enough.
///
/// # Errors
/// As [`train`], and [`TrainingError::InvalidStart`].
pub fn train_from(
    power: ArrayView2<'_, f64>,
    dictionary: ArrayView2<'_, f64>,
    activations: ArrayView2<'_, f64>,
    iterations: usize,
    precision: Precision,
) -> Result<Trained, TrainingError> {
    let range = check_power(power)?;
    let (frames, bins) = power.dim();
    let order = dictionary.nrows();
    if order == 0 {
        return Err(TrainingError::NoComponent);
    }
    let fits = dictionary.ncols() == bins && activations.dim() == (frames, order);
    let valid = |values: ArrayView2<'_, f64>| values.iter().all(|v| v.is_finite() && *v >= 0.0);
    if !(fits && valid(dictionary) && valid(activations)) {
        return Err(TrainingError::InvalidStart {
            expected: format!("{order} x {bins} (dictionary) and {frames} x {order} (activations)"),
        });
    }
    let start = Start {
        power,
        range,
        dictionary,
        activations,
    };
    if precision == Precision::F32
        && let Some(Ok(trained)) = start.train::<f32>(iterations, Precision::F32)
    {
        return Ok(trained);
    }
    let trained = start.train::<f64>(iterations, Precision::F64);
    trained.expect("double precision has no bounds")
}

/// What a training begins with, all of it checked.
struct Start<'a> {
    power: ArrayView2<'a, f64>,
    /// From the floor that [`RELATIVE_POWER_FLOOR`] sets to the largest power.
    range: RangeInclusive<f64>,
    dictionary: ArrayView2<'a, f64>,
    activations: ArrayView2<'a, f64>,
}

impl Start<'_> {
    /// The training in the numbers `T` of `precision`, or none where they are not enough.
    fn train<T: Real>(
        &self,
        iterations: usize,
        precision: Precision,
    ) -> Option<Result<Trained, TrainingError>> {
        let (power, dictionary, activations) = (self.power, self.dictionary, self.activations);
        let (order, floor) = (dictionary.nrows(), *self.range.start());
        // Of the start and of every state, since a training may go on from any.
        let holds = |largest| {
            T::RANGE.is_none_or(|range| range.holds_training(&self.range, order, largest))
        };
        let largest = |values: ArrayView2<'_, f64>| values.iter().copied().fold(0.0, f64::max);
        if !holds([largest(dictionary), largest(activations)]) {
            return None;
        }
        let mut state = TiledTraining::<T>::new(power, floor, dictionary, activations);
        let mut cost = Vec::with_capacity(iterations + 1);
        for _ in 0..iterations {
            cost.push(state.iterate());
            if state.is_out_of_range() || !holds(state.largest_factors()) {
                return None;
            }
        }
        cost.push(state.cost());
        if state.is_out_of_range() {
            return None;
        }
        let trained = Dictionary::new(state.dictionary()).map(|dictionary| Trained {
            dictionary,
            activations: state.activations(),
            cost,
            precision,
        });
        Some(trained.map_err(TrainingError::from))
    }
}

/// Checks the power; returns the floor that [`RELATIVE_POWER_FLOOR`] sets, and its largest value.
fn check_power(power: ArrayView2<'_, f64>) -> Result<RangeInclusive<f64>, TrainingError> {
    let (frames, bins) = power.dim();
    // Neither holds for what is not a number.
    let is_valid = |value: f64| (0.0..f64::INFINITY).contains(&value);
    let (mut valid, mut largest) = (true, 0.0);
    for &value in power {
        valid &= is_valid(value);
        largest = if value > largest { value } else { largest };
    }
    if !valid
        && let Some(((frame, bin), &value)) =
            power.indexed_iter().find(|(_, value)| !is_valid(**value))
    {
        return Err(TrainingError::InvalidPower { frame, bin, value });
    }
    let Some(mean) = power.mean() else {
        return Err(TrainingError::Empty { frames, bins });
    };
    if mean <= 0.0 {
        return Err(TrainingError::Silent);
    }
    if !MEAN_POWERS.contains(&mean) {
        return Err(TrainingError::OutOfRange { mean });
    }
    Ok(RELATIVE_POWER_FLOOR * mean..=largest)
}
