//! Variational inference: from a mixture and the models of its sources to posterior means.

use fearless_simd::Level;
use ndarray::{Array2, ArrayView2};
use num_complex::Complex64;

use crate::combinations::validate_combinations;
use crate::error::ModelError;
use crate::gig::Gig;
use crate::kernel::Real;
use crate::kernel::acceleration::Accelerator;
use crate::kernel::tiled::{Configuration, TiledModel};
use crate::observer::{Observer, Progress};
use crate::problem::Problem;
use crate::separation::{FactorExpectations, OrderEstimate, Separation};
use crate::settings::{Acceleration, Execution, Posterior, Precision, Settings};
use crate::source::SourceModel;
use crate::stopping::StoppingRule;

/// A checked inference, ready to run. Building one tabulates the GIG expectations, so keep it for
/// several mixtures, and [`Inference::with_settings`] for others.
///
/// ```
/// use model::{Dictionary, Inference, Settings, SourceModel};
/// use ndarray::{Array2, array};
///
/// let speaker = SourceModel::known([
///     Dictionary::normalised(array![[4.0, 1.0, 1.0]])?,
///     Dictionary::normalised(array![[4.0, 1.0, 0.1], [1.0, 4.0, 0.1]])?,
/// ]);
/// let background = SourceModel::estimated(Array2::from_elem((1, 3), 0.5))?;
/// let mixture = Array2::from_shape_fn((5, 3), |(n, f)| (1.0 + (n * f) as f64).into());
///
/// let inference = Inference::new(Settings::default())?;
/// let separation = inference.separate(mixture.view(), &[speaker, background])?;
/// assert_eq!(separation.estimates.len(), 2);
/// assert!((separation.order_posterior[0].iter().sum::<f64>() - 1.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
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
        Self::with_tables(settings, &[])
    }

    /// The same inference with other settings, which shares the tables of all shapes that both
    /// have: for settings that change from mixture to mixture.
    ///
    /// # Errors
    /// As [`Inference::new`].
    pub fn with_settings(&self, settings: Settings) -> Result<Self, ModelError> {
        let tables = [&self.dictionary_gig, &self.activation_gig];
        Ok(Self {
            execution: self.execution,
            level: self.level,
            ..Self::with_tables(settings, &tables)?
        })
    }

    fn with_tables(settings: Settings, tables: &[&Gig]) -> Result<Self, ModelError> {
        settings.validate()?;
        let find = |shape: f64, tables: &[&Gig]| {
            let mut tables = tables.iter();
            let known = tables.find(|gig| gig.shape().to_bits() == shape.to_bits());
            known.map_or_else(|| Gig::new(shape), |&gig| Ok(gig.clone()))
        };
        let dictionary_gig = find(settings.dictionary_shape, tables)?;
        let tables = [&[&dictionary_gig], tables].concat();
        let activation_gig = find(settings.activation_shape, &tables)?;
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
    /// one.
    #[cfg(test)]
    fn with_baseline_instructions(mut self) -> Self {
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
        self.separate_observed(mixture, sources, &mut ())
    }

    /// [`Inference::separate`], reporting every iteration to `observer`, which may stop it.
    ///
    /// # Errors
    /// As [`Inference::separate`].
    pub fn separate_observed(
        &self,
        mixture: ArrayView2<'_, Complex64>,
        sources: &[SourceModel],
        observer: &mut dyn Observer,
    ) -> Result<Separation, ModelError> {
        let problem = Problem::new(mixture, sources)?;
        if self.settings.posterior == Posterior::Structured {
            validate_combinations(sources)?;
        }
        if self.settings.precision == Precision::F32
            && let Some(separation) = self.infer::<f32>(Precision::F32, &problem, observer)
        {
            return Ok(separation);
        }
        let separation = self.infer::<f64>(Precision::F64, &problem, observer);
        Ok(separation.expect("double precision has no bounds"))
    }

    /// The inference in the numbers `T` of `precision`, or none where they are not enough.
    fn infer<T: Real>(
        &self,
        precision: Precision,
        problem: &Problem<'_>,
        observer: &mut dyn Observer,
    ) -> Option<Separation> {
        let settings = &self.settings;
        if !T::RANGE.is_none_or(|range| range.holds(problem, settings.noise_variance)) {
            return None;
        }
        let (mixture, (frames, bins)) = (problem.mixture, problem.mixture.dim());
        let configuration = Configuration {
            level: self.level,
            execution: self.execution,
            posterior: settings.posterior,
            noise_variance: settings.noise_variance,
            beta: settings.tempering.beta(frames, bins),
            dictionary_gig: self.dictionary_gig.clone(),
            activation_gig: self.activation_gig.clone(),
        };
        let mut model = TiledModel::<T>::new(problem, configuration);
        let End {
            iterations,
            is_observed,
        } = self.iterate(&mut model, mixture, observer)?;
        let mut estimates = vec![Array2::zeros((frames, bins)); problem.sources.len()];
        let free_energy = model.posterior_means(mixture, &mut estimates);
        if model.is_out_of_range() {
            return None;
        }
        if !is_observed {
            // There is nothing left to stop.
            let _ = observer.observe(&Progress {
                iteration: iterations,
                order_posterior: model.order_posterior(),
                free_energy: Some(free_energy),
            });
        }
        let factor = |(mean, harmonic)| FactorExpectations { mean, harmonic };
        let factors = problem.sources.iter().enumerate().map(|(j, source)| {
            let order = |m| OrderEstimate {
                dictionary: factor(model.dictionary(j, m)),
                activations: factor(model.activations(j, m)),
            };
            (0..source.orders.len()).map(order).collect()
        });
        let has_choice = problem.sources.iter().any(|source| source.orders.len() > 1);
        let log_order_posterior = if settings.posterior == Posterior::Structured && !has_choice {
            // The model has run the factorised posterior, to the same end: the one combination's
            // log q~(K) is the free energy.
            vec![vec![free_energy]; problem.sources.len()]
        } else {
            model.log_order_posterior()
        };
        Some(Separation {
            precision,
            order_posterior: model.order_posterior(),
            log_order_posterior,
            free_energy,
            factors: factors.collect(),
            estimates,
            iterations,
        })
    }

    /// Iterates until the settings or the observer say that it is enough. The last iteration has
    /// gathered the evidence. None where the numbers `T` are not enough.
    fn iterate<T: Real>(
        &self,
        model: &mut TiledModel<T>,
        mixture: ArrayView2<'_, Complex64>,
        observer: &mut dyn Observer,
    ) -> Option<End> {
        let mut rule = StoppingRule::new(self.settings.tolerance, mixture.len());
        let mut accelerator = match self.settings.acceleration {
            Acceleration::None => None,
            Acceleration::Squarem => Some(Accelerator::new()),
        };
        let mut last = self.settings.iterations;
        let mut iteration = 1;
        loop {
            let end = |is_observed| End {
                iterations: iteration,
                is_observed,
            };
            let is_watched = observer.wants_free_energy(iteration);
            let is_due = rule.is_due(iteration);
            let accelerates = accelerator
                .as_mut()
                .is_some_and(|it| it.begin(model, iteration == last));
            model.iterate(is_watched || is_due || accelerates || iteration == last);
            let is_wanted = accelerates || (is_watched || is_due) && iteration < last;
            let mut free_energy = is_wanted.then(|| model.free_energy(mixture));
            if let (Some(accelerator), Some(value)) = (&mut accelerator, &mut free_energy) {
                *value = accelerator.end(model, *value);
            }
            if iteration == last {
                return Some(end(false));
            }
            if model.is_out_of_range() {
                return None;
            }
            if is_due && free_energy.is_some_and(|value| rule.is_met(value)) {
                return Some(end(false));
            }
            let flow = observer.observe(&Progress {
                iteration,
                order_posterior: model.order_posterior(),
                free_energy: free_energy.filter(|_| is_watched),
            });
            if flow.is_break() {
                if is_watched {
                    return Some(end(true));
                }
                last = iteration + 1;
            }
            iteration += 1;
        }
    }
}

/// How an inference has ended.
struct End {
    iterations: usize,
    /// Whether the observer has been told of the last iteration.
    is_observed: bool,
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::dictionary::{Dictionary, DictionaryStart};

    #[test]
    fn other_settings_share_the_tables_of_their_shapes() {
        let first = Inference::new(Settings::default()).unwrap();
        let first = first.with_execution(Execution::Serial);
        let settings = Settings {
            iterations: 3,
            activation_shape: 0.3,
            ..Settings::default()
        };
        let second = first.with_settings(settings).unwrap();
        assert_eq!(
            (second.settings, second.execution),
            (settings, first.execution)
        );
        let tables = |gig: &Gig| gig.tau_mean_inverse.clone();
        let (a, b) = (
            tables(&first.dictionary_gig),
            tables(&second.dictionary_gig),
        );
        assert!(Arc::ptr_eq(&a, &b));
        assert_eq!(second.activation_gig.shape().to_bits(), 0.3_f64.to_bits());
        // The shape of activations is found among the tables of dictionaries, too.
        let third = second.with_settings(Settings::default()).unwrap();
        assert!(Arc::ptr_eq(&a, &tables(&third.activation_gig)));
        let wrong = Settings {
            activation_shape: 2.0,
            ..settings
        };
        assert!(first.with_settings(wrong).is_err());
    }

    /// How many bins or components a product takes at once depends on the instruction set, but no
    /// bit of a result does: 37 frames and 131 bins fill neither the last group nor the last block.
    #[test]
    fn instruction_sets_leave_every_bit() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut matrix =
            |rows, bins| Array2::from_shape_simple_fn((rows, bins), || rng.random_range(0.01..2.0));
        let speaker = [1, 3, 7, 14].map(|order| Dictionary::new(matrix(order, 131)).unwrap());
        let sources = [
            SourceModel::known(speaker),
            SourceModel::new(
                [4, 13].map(|order| DictionaryStart::new(matrix(order, 131)).unwrap()),
            ),
        ];
        let mixture = matrix(37, 131).mapv(Complex64::from);
        let (plain, accelerated) = (Acceleration::None, Acceleration::Squarem);
        for (posterior, precision, acceleration) in [
            (Posterior::Factorised, Precision::F64, plain),
            (Posterior::Factorised, Precision::F32, accelerated),
            (Posterior::Structured, Precision::F64, accelerated),
            (Posterior::Structured, Precision::F32, plain),
        ] {
            let settings = Settings {
                iterations: 4,
                posterior,
                precision,
                acceleration,
                ..Settings::default()
            };
            let best = Inference::new(settings).unwrap();
            let separate = |inference: &Inference| {
                let separation = inference.separate(mixture.view(), &sources).unwrap();
                assert_eq!(separation.precision, precision);
                separation
            };
            let expected = separate(&best);
            assert_eq!(separate(&best.with_baseline_instructions()), expected);
        }
    }
}
