//! The settings of an inference: hyperparameters, schedule, precision, threads.

use serde::{Deserialize, Serialize};

use crate::error::ModelError;

/// Hyperparameters and schedule. The defaults are the paper's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Shape and rate `a` of the prior of estimated dictionary entries.
    pub dictionary_shape: f64,
    /// Shape and rate `b` of the prior of activations.
    pub activation_shape: f64,
    /// Variance `sigma^2` of the sensor noise.
    pub noise_variance: f64,
    /// Number of iterations, or the largest where there is a `tolerance`.
    pub iterations: usize,
    /// Stops an inference that has converged: after the first iteration `i`, a multiple of 10, with
    ///
    /// `( F_i - F_{i-10} ) / (F N) < tolerance`,
    ///
    /// the rise of the tempered free energy over ten iterations in nats per coefficient of the
    /// mixture. To look at it costs about 3 % of the time. 0, the default, never stops.
    pub tolerance: f64,
    /// `beta` or `kappa`.
    pub tempering: Tempering,
    /// What the posterior of the sources is conditional on.
    pub posterior: Posterior,
    /// Precision of the matrix products.
    pub precision: Precision,
    /// Whether iterations begin at extrapolations.
    pub acceleration: Acceleration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dictionary_shape: 0.2,
            activation_shape: 0.2,
            noise_variance: 1e-6,
            iterations: 50,
            tolerance: 0.0,
            tempering: Tempering::Beta(1e4),
            posterior: Posterior::default(),
            precision: Precision::default(),
            acceleration: Acceleration::default(),
        }
    }
}

impl Settings {
    /// Checks every value.
    ///
    /// # Errors
    /// [`ModelError::OutOfRange`] naming the first setting outside its range.
    pub fn validate(&self) -> Result<(), ModelError> {
        let in_range = |name, value: f64, ok: bool, allowed| {
            if ok {
                Ok(())
            } else {
                Err(ModelError::OutOfRange {
                    name,
                    allowed,
                    value,
                })
            }
        };
        for (name, shape) in [
            ("dictionary_shape", self.dictionary_shape),
            ("activation_shape", self.activation_shape),
        ] {
            let ok = crate::gig::SHAPE_RANGE.contains(&shape);
            in_range(name, shape, ok, "between 0.01 and 0.99")?;
        }
        let noise = self.noise_variance;
        let ok = (1e-60..=1e60).contains(&noise);
        in_range("noise_variance", noise, ok, "between 1e-60 and 1e60")?;
        let iterations = self.iterations as f64;
        in_range("iterations", iterations, self.iterations > 0, "at least 1")?;
        let is_allowed = |value: f64| value >= 0.0 && value.is_finite();
        let allowed = "a finite number >= 0";
        in_range(
            "tolerance",
            self.tolerance,
            is_allowed(self.tolerance),
            allowed,
        )?;
        let (name, value) = match self.tempering {
            Tempering::Beta(beta) => ("beta", beta),
            Tempering::Kappa(kappa) => ("kappa", kappa),
        };
        in_range(name, value, is_allowed(value), allowed)
    }
}

/// The factor by which the log posterior over the orders is divided, eq. (18).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tempering {
    /// `beta` itself.
    Beta(f64),
    /// `kappa = beta / (F N)`: what carries over to another length or window, since `log q~` is a
    /// sum over bins and frames.
    Kappa(f64),
}

impl Tempering {
    /// `beta` for a mixture of this size.
    #[must_use]
    pub fn beta(self, frames: usize, bins: usize) -> f64 {
        match self {
            Self::Beta(beta) => beta,
            Self::Kappa(kappa) => kappa * (frames * bins) as f64,
        }
    }
}

/// Which variational posterior an inference finds. With one order per source both are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Posterior {
    /// The paper's, `q(S) q(W|K) q(H|K) prod_j q(K_j)`: the sources are independent of the orders,
    /// and eq. (16) averages the orders' precisions.
    #[default]
    Factorised,
    /// `q(S|K) q(W|K) q(H|K) q(K)`: the sources depend on the orders, and the estimate is the
    /// average of what each combination of orders estimates, by its probability. Takes up to 256
    /// combinations.
    ///
    /// Source: L. K. Saul, M. I. Jordan, "Exploiting tractable substructures in intractable
    /// networks", NIPS 8 (1996); M. D. Hoffman, D. M. Blei, "Structured stochastic variational
    /// inference", AISTATS (2015).
    Structured,
}

/// The numbers in which an inference or a training forms the products of its factors, the ratios
/// made of them and their sums over a block of 48 bins or a tile of at most 64 frames. All other
/// sums, the expectations of the factors, the posterior over the orders and the dictionary of a
/// training are in double precision either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Single precision: faster, with the same results but for the last digits. What leaves its
    /// range, where a variance `C` or `V` reaches 1e-30 or a power or factor is above 1e17, begins
    /// again in double precision, and its result is then that of [`Precision::F64`].
    F32,
    /// Double precision.
    #[default]
    F64,
}

/// How an inference goes from one iteration to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acceleration {
    /// Each begins where the last has ended.
    #[default]
    None,
    /// Every third begins at an extrapolation of the last two, in the logarithms of the factors and
    /// with a step of its own for the activations of each frame and for each dictionary component.
    /// One that ends at a lower free energy than where it began is taken back, and counts among the
    /// iterations. The free energy of 200 plain iterations takes about a third of them: set fewer,
    /// or a tolerance.
    ///
    /// Source: R. Varadhan, C. Roland, "Simple and globally convergent methods for accelerating the
    /// convergence of any EM algorithm", Scandinavian Journal of Statistics 35 (2008).
    Squarem,
}

/// Whether one inference may use several threads. Results are the same bytes either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Execution {
    /// On the calling thread: best when many mixtures are separated at once.
    Serial,
    /// On the current rayon pool: best for one mixture.
    #[default]
    Parallel,
}
