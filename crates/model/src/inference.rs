//! Variational inference: from a mixture and the models of its sources to posterior means.

use fearless_simd::Level;
use ndarray::{Array2, ArrayView2};
use rustfft::num_complex::Complex64;
use serde::{Deserialize, Serialize};

use crate::gig::{Gig, GigError};
use crate::kernel::real::Real;
use crate::kernel::tiled::TiledModel;
use crate::source::{DictionaryModel, SourceModel};

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

/// In which numbers an inference forms the products of its factors, the ratios made of them and their
/// sums over a block of 48 bins or 32 frames. All other sums, the expectations of the factors and the
/// posterior over the orders are computed in double precision either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Single precision: faster, with the same results but for the last digits. An inference that
    /// leaves its range, where a variance `C` or `V` reaches 1e-30 or a power or factor is above 1e17,
    /// is begun again in double precision, and its result is then that of [`Precision::F64`].
    F32,
    /// Double precision.
    #[default]
    F64,
}

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
    /// Number of iterations.
    pub iterations: usize,
    /// `beta` or `kappa`.
    pub tempering: Tempering,
    /// Numbers of the matrix products.
    pub precision: Precision,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dictionary_shape: 0.2,
            activation_shape: 0.2,
            noise_variance: 1e-6,
            iterations: 50,
            tempering: Tempering::Beta(1e4),
            precision: Precision::default(),
        }
    }
}

/// Why an inference could not be set up.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// No frame or no bin.
    #[error("the mixture is empty: {frames} frames x {bins} bins")]
    EmptyMixture {
        /// Frames given.
        frames: usize,
        /// Bins given.
        bins: usize,
    },
    /// A mixture coefficient that is not finite or beyond 1e50, where its power divided by the
    /// square of the variance floor would overflow.
    #[error("the mixture is not finite or above 1e50 at frame {frame}, bin {bin}")]
    NotFinite {
        /// Frame of the coefficient.
        frame: usize,
        /// Bin of the coefficient.
        bin: usize,
    },
    /// No source.
    #[error("there is no source to separate")]
    NoSource,
    /// A source without any order.
    #[error("source {source_index} has no order")]
    NoOrder {
        /// Position of the source.
        source_index: usize,
    },
    /// A dictionary whose bins are not the mixture's.
    #[error(
        "order {order_index} of source {source_index} has {found} bins, the mixture {expected}"
    )]
    BinsDiffer {
        /// Position of the source.
        source_index: usize,
        /// Position of the order.
        order_index: usize,
        /// Bins of the dictionary.
        found: usize,
        /// Bins of the mixture.
        expected: usize,
    },
    /// A start value of an estimated dictionary that is not positive and below 1e30.
    #[error(
        "start values of dictionary {order_index} of source {source_index} must be positive and below 1e30"
    )]
    InvalidStart {
        /// Position of the source.
        source_index: usize,
        /// Position of the order.
        order_index: usize,
    },
    /// A prior that is not one positive number per order with sum 1.
    #[error(
        "the prior of source {source_index} must be positive, sum to 1 and have one value per order"
    )]
    InvalidPrior {
        /// Position of the source.
        source_index: usize,
    },
    /// A setting outside its range.
    #[error("{name} must be {allowed}, got {value}")]
    OutOfRange {
        /// Name of the setting.
        name: &'static str,
        /// What is allowed.
        allowed: &'static str,
        /// What was given.
        value: f64,
    },
    /// A prior shape for which the GIG expectations cannot be tabulated.
    #[error(transparent)]
    Gig(#[from] GigError),
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
        let (name, value) = match self.tempering {
            Tempering::Beta(beta) => ("beta", beta),
            Tempering::Kappa(kappa) => ("kappa", kappa),
        };
        in_range(
            name,
            value,
            value >= 0.0 && value.is_finite(),
            "a finite number >= 0",
        )
    }
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

/// Where an inference stands after an iteration.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Iterations done.
    pub iteration: usize,
    /// `q(K_j)` per source and order.
    pub order_posterior: Vec<Vec<f64>>,
    /// The tempered free energy, if the observer asked for it.
    pub free_energy: Option<f64>,
}

/// Watches an inference. The solver itself neither prints nor stops early.
pub trait Observer {
    /// Whether [`Progress::free_energy`] is wanted. It costs a third of an iteration.
    fn wants_free_energy(&self) -> bool {
        false
    }

    /// Called after every iteration.
    fn iteration(&mut self, progress: &Progress);

    /// Called when single precision has not been enough: the iterations begin again with the first.
    fn restart(&mut self) {}
}

/// Expectations of one factor, dictionary or activations.
#[derive(Debug, Clone, PartialEq)]
pub struct FactorExpectations {
    /// `E[z]`, entry by entry.
    pub mean: Array2<f64>,
    /// `1 / E[1/z]`, entry by entry.
    pub harmonic: Array2<f64>,
}

/// The posterior of one order of one source.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderEstimate {
    /// Components x bins.
    pub dictionary: FactorExpectations,
    /// Frames x components.
    pub activations: FactorExpectations,
}

/// The result of an inference.
#[derive(Debug, Clone, PartialEq)]
pub struct Separation {
    /// Posterior mean of each source, frames x bins (eq. 15).
    pub estimates: Vec<Array2<Complex64>>,
    /// `q(K_j)` per source, in the order of its dictionaries.
    pub order_posterior: Vec<Vec<f64>>,
    /// `log q~(K_jm)` under the final `q(S)`, in nats.
    pub log_order_posterior: Vec<Vec<f64>>,
    /// The tempered free energy at the end, in nats; with one order per source it bounds the log
    /// evidence from below.
    pub free_energy: f64,
    /// Dictionaries and activations per source and order.
    pub factors: Vec<Vec<OrderEstimate>>,
    /// The precision that this is the result of: double also where single was not enough.
    pub precision: Precision,
}

/// A checked inference, ready to run. Building one tabulates the GIG expectations, so keep it for
/// several mixtures.
///
/// ```
/// use std::sync::Arc;
/// use model::{Dictionary, Inference, Settings, SourceModel};
/// use ndarray::{Array2, array};
///
/// let speech = |rows| Arc::new(Dictionary::normalised(rows).unwrap());
/// let speaker = SourceModel::known([
///     speech(array![[4.0, 1.0, 1.0]]),
///     speech(array![[4.0, 1.0, 0.1], [1.0, 4.0, 0.1]]),
/// ]);
/// let background = SourceModel::estimated(Array2::from_elem((1, 3), 0.5));
/// let mixture = Array2::from_shape_fn((5, 3), |(n, f)| (1.0 + (n * f) as f64).into());
///
/// let inference = Inference::new(Settings::default())?;
/// let separation = inference.separate(mixture.view(), &[speaker, background])?;
/// assert_eq!(separation.estimates.len(), 2);
/// assert!((separation.order_posterior[0].iter().sum::<f64>() - 1.0).abs() < 1e-12);
/// # Ok::<(), model::ModelError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Inference {
    settings: Settings,
    execution: Execution,
    level: Level,
    dictionary_gig: Gig,
    activation_gig: Gig,
}

impl Inference {
    /// Checks the settings and tabulates the GIG expectations of both priors.
    ///
    /// # Errors
    /// [`ModelError::OutOfRange`] for a setting outside its range.
    pub fn new(settings: Settings) -> Result<Self, ModelError> {
        settings.validate()?;
        let dictionary_gig = Gig::new(settings.dictionary_shape)?;
        let activation_gig =
            if settings.activation_shape.to_bits() == settings.dictionary_shape.to_bits() {
                dictionary_gig.clone()
            } else {
                Gig::new(settings.activation_shape)?
            };
        Ok(Self {
            settings,
            execution: Execution::default(),
            level: Level::new(),
            dictionary_gig,
            activation_gig,
        })
    }

    /// Sets whether one inference may use several threads.
    #[must_use]
    pub fn with_execution(mut self, execution: Execution) -> Self {
        self.execution = execution;
        self
    }

    /// Uses the instruction set that every machine of this architecture has instead of the best
    /// one. Results are the same bytes; it is there to check that.
    #[must_use]
    pub fn with_baseline_instructions(mut self) -> Self {
        self.level = Level::baseline();
        self
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Separates a mixture, frames x bins.
    ///
    /// # Errors
    /// A [`ModelError`] when the mixture is empty or not finite or a source does not fit it.
    pub fn separate(
        &self,
        mixture: ArrayView2<'_, Complex64>,
        sources: &[SourceModel],
    ) -> Result<Separation, ModelError> {
        struct Silent;
        impl Observer for Silent {
            fn iteration(&mut self, _: &Progress) {}
        }
        self.separate_observed(mixture, sources, &mut Silent)
    }

    /// [`Inference::separate`], reporting every iteration to `observer`.
    ///
    /// # Errors
    /// As [`Inference::separate`].
    pub fn separate_observed(
        &self,
        mixture: ArrayView2<'_, Complex64>,
        sources: &[SourceModel],
        observer: &mut impl Observer,
    ) -> Result<Separation, ModelError> {
        validate(mixture, sources)?;
        if self.settings.precision == Precision::F32
            && let Some(separation) = self.infer::<f32>(mixture, sources, observer)
        {
            return Ok(separation);
        }
        let separation = self.infer::<f64>(mixture, sources, observer);
        Ok(separation.expect("double precision has no bounds"))
    }

    /// None where the numbers are not enough.
    fn infer<T: Real>(
        &self,
        mixture: ArrayView2<'_, Complex64>,
        sources: &[SourceModel],
        observer: &mut impl Observer,
    ) -> Option<Separation> {
        let noise_variance = self.settings.noise_variance;
        if !T::RANGE.is_none_or(|range| range.holds(mixture, sources, noise_variance)) {
            return None;
        }
        let (frames, bins) = mixture.dim();
        let mut model = TiledModel::<T>::new(
            mixture,
            sources,
            (self.dictionary_gig.clone(), self.activation_gig.clone()),
            noise_variance,
            self.settings.tempering.beta(frames, bins),
            self.execution,
            self.level,
        );
        for iteration in 1..=self.settings.iterations {
            let wants_free_energy = observer.wants_free_energy();
            model.iterate(wants_free_energy || iteration == self.settings.iterations);
            if model.is_out_of_range() {
                observer.restart();
                return None;
            }
            let free_energy = wants_free_energy.then(|| model.posterior_means(mixture, None));
            observer.iteration(&Progress {
                iteration,
                order_posterior: model.order_posterior(),
                free_energy,
            });
        }
        let mut estimates = vec![Array2::zeros((frames, bins)); sources.len()];
        let free_energy = model.posterior_means(mixture, Some(&mut estimates));
        if model.is_out_of_range() {
            observer.restart();
            return None;
        }
        let factor = |(mean, harmonic)| FactorExpectations { mean, harmonic };
        let factors = sources.iter().enumerate().map(|(j, source)| {
            let order = |m| OrderEstimate {
                dictionary: factor(model.dictionary(j, m)),
                activations: factor(model.activations(j, m)),
            };
            (0..source.orders.len()).map(order).collect()
        });
        Some(Separation {
            precision: T::PRECISION,
            order_posterior: model.order_posterior(),
            log_order_posterior: model.log_order_posterior(),
            free_energy,
            factors: factors.collect(),
            estimates,
        })
    }
}

/// Separates a mixture once; see [`Inference`] for several.
///
/// # Errors
/// As [`Inference::new`] and [`Inference::separate`].
pub fn separate(
    mixture: ArrayView2<'_, Complex64>,
    sources: &[SourceModel],
    settings: Settings,
) -> Result<Separation, ModelError> {
    Inference::new(settings)?.separate(mixture, sources)
}

/// Checks that the mixture is finite and that every source fits it.
pub(crate) fn validate(
    mixture: ArrayView2<'_, Complex64>,
    sources: &[SourceModel],
) -> Result<(), ModelError> {
    let (frames, bins) = mixture.dim();
    if mixture.is_empty() {
        return Err(ModelError::EmptyMixture { frames, bins });
    }
    for ((frame, bin), x) in mixture.indexed_iter() {
        if !(0.0..=1e100).contains(&x.norm_sqr()) {
            return Err(ModelError::NotFinite { frame, bin });
        }
    }
    if sources.is_empty() {
        return Err(ModelError::NoSource);
    }
    for (source_index, source) in sources.iter().enumerate() {
        if source.orders.is_empty() {
            return Err(ModelError::NoOrder { source_index });
        }
        let prior = &source.prior;
        let positive = prior.iter().all(|&p| p > 0.0 && p <= 1.0);
        let sum: f64 = prior.iter().sum();
        if prior.len() != source.orders.len() || !positive || (sum - 1.0).abs() > 1e-9 {
            return Err(ModelError::InvalidPrior { source_index });
        }
        if !(source.activation_start > 0.0 && source.activation_start < 1e30) {
            return Err(ModelError::OutOfRange {
                name: "activation_start",
                allowed: "positive and below 1e30",
                value: source.activation_start,
            });
        }
        for (order_index, order) in source.orders.iter().enumerate() {
            let (_, found) = order.shape();
            if found != bins {
                return Err(ModelError::BinsDiffer {
                    source_index,
                    order_index,
                    found,
                    expected: bins,
                });
            }
            if let DictionaryModel::Estimated(start) = order
                && (start.is_empty() || !start.iter().all(|&w| w > 0.0 && w < 1e30))
            {
                return Err(ModelError::InvalidStart {
                    source_index,
                    order_index,
                });
            }
        }
    }
    Ok(())
}
