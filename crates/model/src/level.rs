//! The level at which the model meets a recording.
//!
//! Its priors have a level of their own: components of unit mean over the bins and activations of
//! mean 1 give a source of K components the mean power K. A recording is scaled so that the mean
//! power of its coefficients is what all sources together expect, the sum of their mean numbers of
//! components, and estimates are scaled back.
//!
//! ```
//! use model::{Dictionary, Settings, SourceModel, level};
//! use ndarray::{Array2, array};
//!
//! let sources = [
//!     SourceModel::known([Dictionary::new(array![[2.0, 0.5, 0.5], [0.5, 2.0, 0.5]])?]),
//!     SourceModel::estimated(Array2::ones((4, 3)))?,
//! ];
//! let expected = level::expected_power(&sources);
//! assert_eq!(expected, 6.0);
//! // A mixture whose coefficients have a mean |x|^2 of 1.5e-3 is multiplied by this.
//! let gain = level::gain(1.5e-3, expected);
//! assert!((gain * gain * 1.5e-3 - 6.0).abs() < 1e-12);
//! let settings = Settings::for_recording(expected);
//! assert!((settings.noise_variance - 6e-7).abs() < 1e-18);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::activation_start::ActivationStart;
use crate::settings::{Posterior, Settings, Tempering};
use crate::source::SourceModel;

/// Level of the sensor noise against a recording's mean power, unless said otherwise: that of the
/// paper's observations (1e-6 against a power of order 10), and of 16-bit quantisation under a
/// recording of usual level.
pub const NOISE_DB: f64 = -70.0;

/// `kappa = beta / (F N)`, unless said otherwise. Recordings differ in length, so it is `beta` per
/// bin and frame that carries over; the paper's 1e4 over 1025 bins and 300 frames is 0.0325.
pub const KAPPA: f64 = 0.325;

/// Largest number of iterations, unless said otherwise: on recordings the paper's 50 are far from
/// the end.
pub const ITERATIONS: usize = 200;

/// Rise of the free energy at which an inference ends before, unless said otherwise; see
/// [`Settings::tolerance`].
pub const TOLERANCE: f64 = 0.0;

/// Where activations start, unless said otherwise.
pub const ACTIVATION_START: ActivationStart = ActivationStart::Constant(1000.0);

/// Components of a background that is estimated, unless said otherwise.
pub const BACKGROUND_COMPONENTS: usize = 16;

/// The mean power that sources expect of their mixture.
#[must_use]
pub fn expected_power(sources: &[SourceModel]) -> f64 {
    let mean_order = |source: &SourceModel| {
        let components = source.orders().iter().map(|order| order.shape().0);
        components.sum::<usize>() as f64 / source.orders().len() as f64
    };
    sources.iter().map(mean_order).sum()
}

/// The variance of sensor noise at `noise_db` decibels against the expected power.
#[must_use]
pub fn noise_variance(expected_power: f64, noise_db: f64) -> f64 {
    expected_power * 10_f64.powf(noise_db / 10.0)
}

/// The factor that brings coefficients whose mean `|x|^2` is `mean_power` to the level of
/// `expected_power`. Not finite for silence.
#[must_use]
pub fn gain(mean_power: f64, expected_power: f64) -> f64 {
    (expected_power / mean_power).sqrt()
}

impl Settings {
    /// Settings for recordings that [`gain`] brings to the level of `expected_power`. The defaults
    /// are for mixtures drawn from the model, whose noise variance and number of bins and frames
    /// are the paper's; here the noise is at [`NOISE_DB`], `beta` follows the size by [`KAPPA`],
    /// the posterior is structured, and [`ITERATIONS`] and [`TOLERANCE`] say when it ends. Sources
    /// start at [`ACTIVATION_START`] if they are told to.
    #[must_use]
    pub fn for_recording(expected_power: f64) -> Self {
        Self {
            noise_variance: noise_variance(expected_power, NOISE_DB),
            iterations: ITERATIONS,
            tolerance: TOLERANCE,
            tempering: Tempering::Kappa(KAPPA),
            posterior: Posterior::Structured,
            ..Self::default()
        }
    }
}
