//! One inference, and what goes into it.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use model::{
    Acceleration, ActivationStart, Complex64, Dictionary, DictionaryModel, DictionaryStart,
    FactorExpectations, Inference, Observer, Posterior, Precision, Progress, Separation, Settings,
    SourceModel, Tempering, level,
};
use ndarray::{Array1, Array2};
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::errors::value_error;
use crate::threads::find_pool;
use crate::transform::StftInput;
use crate::watched::{self, Watch};

/// Least entry of an estimated dictionary at its start, so that no entry is stuck at zero.
const START_FLOOR: f64 = 1e-10;
/// Samples whose mean square is formed at a time, as the command line reads them: its sum over a
/// recording is one over such blocks.
const BLOCK_SAMPLES: usize = 1 << 16;

/// A source as Python has it, a dictionary with these keys.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct SourceInput<'py> {
    /// Components x bins, one per order.
    dictionaries: Vec<PyReadonlyArray2<'py, f64>>,
    /// `known`, `adapted` from these as a start, or `start`, which is taken as it is.
    kind: String,
    prior: Option<Vec<f64>>,
    /// Whether the start of the activations is balanced, and its factor or the constant.
    activation_start: (bool, f64),
}

impl SourceInput<'_> {
    fn build(&self) -> PyResult<SourceModel> {
        let orders: PyResult<Vec<DictionaryModel>> = self
            .dictionaries
            .iter()
            .map(|array| self.build_order(array.as_array().to_owned()))
            .collect();
        let start = match self.activation_start {
            (true, factor) => ActivationStart::Balanced { factor },
            (false, constant) => ActivationStart::Constant(constant),
        };
        let source = SourceModel::new(orders?)
            .with_activation_start(start)
            .map_err(value_error)?;
        match &self.prior {
            Some(prior) => source.with_prior(prior.as_slice()).map_err(value_error),
            None => Ok(source),
        }
    }

    fn build_order(&self, entries: Array2<f64>) -> PyResult<DictionaryModel> {
        let estimated = |start| {
            let start = DictionaryStart::new(start).map_err(value_error)?;
            Ok(DictionaryModel::Estimated(start))
        };
        if self.kind == "start" {
            return estimated(entries);
        }
        let dictionary = Dictionary::normalised(entries).map_err(value_error)?;
        match self.kind.as_str() {
            "adapted" => estimated(dictionary.components().mapv(|w| w.max(START_FLOOR))),
            _ => Ok(DictionaryModel::Known(Arc::new(dictionary))),
        }
    }
}

/// Settings as Python has them, a dictionary with these keys.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct SettingsInput {
    structured: bool,
    single: bool,
    iterations: usize,
    tolerance: f64,
    accelerated: bool,
    beta: Option<f64>,
    kappa: f64,
    noise_variance: f64,
    dictionary_shape: f64,
    activation_shape: f64,
}

impl From<SettingsInput> for Settings {
    fn from(input: SettingsInput) -> Self {
        Self {
            dictionary_shape: input.dictionary_shape,
            activation_shape: input.activation_shape,
            noise_variance: input.noise_variance,
            iterations: input.iterations,
            tolerance: input.tolerance,
            acceleration: match input.accelerated {
                true => Acceleration::Squarem,
                false => Acceleration::None,
            },
            tempering: match input.beta {
                Some(beta) => Tempering::Beta(beta),
                None => Tempering::Kappa(input.kappa),
            },
            posterior: match input.structured {
                true => Posterior::Structured,
                false => Posterior::Factorised,
            },
            precision: match input.single {
                true => Precision::F32,
                false => Precision::F64,
            },
        }
    }
}

/// Gain, mean power expected by the sources and noise variance, from the level of a signal or of a
/// spectrogram.
///
/// `mean_power`: the mean `|x|^2` of a spectrogram; that of a signal is found here.
#[pyfunction]
pub(crate) fn find_level(
    signal: Option<PyReadonlyArray1<'_, f64>>,
    stft: Option<StftInput>,
    mean_power: f64,
    expected_power: f64,
    noise_db: f64,
) -> PyResult<(f64, f64)> {
    let mean_power = match (signal, stft) {
        (Some(signal), Some(stft)) => {
            let samples = signal.as_array();
            let (mut sum, count) = (0.0, samples.len());
            for block in samples.axis_chunks_iter(ndarray::Axis(0), BLOCK_SAMPLES) {
                let square: f64 = block.iter().map(|x| x * x).sum();
                sum += square / block.len() as f64 * block.len() as f64;
            }
            stft.settings()?.mean_power(sum / count as f64)
        }
        _ => mean_power,
    };
    Ok((
        level::gain(mean_power, expected_power),
        level::noise_variance(expected_power, noise_db),
    ))
}

/// A start of an estimated dictionary, components x bins, drawn from the prior.
///
/// `cell`: empty for the first source, as the command line has it; its position for others.
#[pyfunction]
pub(crate) fn draw_dictionary(
    py: Python<'_>,
    components: usize,
    bins: usize,
    seed: u64,
    cell: Vec<u64>,
) -> PyResult<Bound<'_, PyArray2<f64>>> {
    let shape = Settings::default().dictionary_shape;
    let mut rng = synth::stream(seed, "background start", &cell);
    let start = synth::gamma_matrix(shape, shape, components, bins, START_FLOOR, &mut rng);
    Ok(start.map_err(value_error)?.into_pyarray(py))
}

/// A dictionary, components x bins, whose components have unit mean.
#[pyfunction]
pub(crate) fn normalise<'py>(
    py: Python<'py>,
    components: PyReadonlyArray2<'py, f64>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let dictionary = Dictionary::normalised(components.as_array().to_owned());
    let dictionary = dictionary.map_err(value_error)?;
    Ok(dictionary.components().to_owned().into_pyarray(py))
}

/// Separates `gain` times a mixture, frames x bins. Everything in the result is at that level.
#[pyfunction]
#[expect(
    clippy::too_many_arguments,
    reason = "a function for one caller, who names them"
)]
pub(crate) fn infer<'py>(
    py: Python<'py>,
    mixture: PyReadonlyArray2<'py, Complex64>,
    gain: f64,
    sources: Vec<SourceInput<'py>>,
    settings: SettingsInput,
    trace_period: usize,
    callback: Option<Py<PyAny>>,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let pool = find_pool(py, threads)?;
    let sources: PyResult<Vec<SourceModel>> = sources.iter().map(SourceInput::build).collect();
    let (sources, mixture) = (sources?, mixture.as_array());
    let inference = prepare(py, settings.into())?;
    let listen = callback.map(|callback| {
        move |py: Python<'_>, progress: Progress| -> PyResult<()> {
            let Progress {
                iteration,
                order_posterior,
                free_energy,
            } = progress;
            callback.call1(py, (iteration, order_posterior, free_energy))?;
            Ok(())
        }
    });
    let (separation, trace) = watched::run(py, &pool, listen, |watch| {
        let mixture = mixture.mapv(|x| x * gain);
        let mut relay = Relay {
            watch,
            period: trace_period,
            trace: Vec::new(),
        };
        let separation = inference.separate_observed(mixture.view(), &sources, &mut relay);
        (separation, relay.trace)
    })?;
    describe(py, separation.map_err(value_error)?, trace)
}

/// The inference before, which most calls share the tables of the GIG expectations with: to make
/// them takes longer than to separate a second.
static BEFORE: Mutex<Option<Inference>> = Mutex::new(None);

/// The inference of some settings. The interpreter's lock is held while the mutex is, so no fork of
/// Python finds the mutex locked.
///
/// # Errors
/// A setting out of range.
fn prepare(_: Python<'_>, settings: Settings) -> PyResult<Inference> {
    let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    let inference = match &*before {
        Some(before) => before.with_settings(settings),
        None => Inference::new(settings),
    };
    let inference = inference.map_err(value_error)?;
    *before = Some(inference.clone());
    Ok(inference)
}

/// Records the free energy and tells Python of every iteration.
struct Relay<'a> {
    watch: &'a Watch<Progress>,
    period: usize,
    trace: Vec<(usize, f64)>,
}

impl Observer for Relay<'_> {
    fn wants_free_energy(&self, iteration: usize) -> bool {
        iteration.is_multiple_of(self.period)
    }

    fn observe(&mut self, progress: &Progress) -> ControlFlow<()> {
        if progress.is_first() {
            self.trace.clear();
        }
        let value = progress.free_energy;
        self.trace
            .extend(value.map(|value| (progress.iteration, value)));
        self.watch.tell(|| progress.clone());
        match self.watch.is_stopped() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

/// The result as a dictionary of arrays.
fn describe(
    py: Python<'_>,
    separation: Separation,
    trace: Vec<(usize, f64)>,
) -> PyResult<Bound<'_, PyDict>> {
    let result = PyDict::new(py);
    let estimates = separation.estimates.into_iter();
    let estimates = PyList::new(py, estimates.map(|estimate| estimate.into_pyarray(py)))?;
    result.set_item("estimates", estimates)?;
    let vectors = |vectors: Vec<Vec<f64>>| {
        let arrays = vectors.into_iter();
        PyList::new(
            py,
            arrays.map(|vector| Array1::from(vector).into_pyarray(py)),
        )
    };
    result.set_item("order_posterior", vectors(separation.order_posterior)?)?;
    let log_posterior = separation.log_order_posterior;
    result.set_item("log_order_posterior", vectors(log_posterior)?)?;
    result.set_item("free_energy", separation.free_energy)?;
    result.set_item("iterations", separation.iterations)?;
    let (iterations, values): (Vec<usize>, Vec<f64>) = trace.into_iter().unzip();
    result.set_item("trace_iterations", iterations)?;
    result.set_item("trace_values", Array1::from(values).into_pyarray(py))?;
    result.set_item("single", separation.precision == Precision::F32)?;
    let pair = |factor: FactorExpectations| {
        (
            factor.mean.into_pyarray(py),
            factor.harmonic.into_pyarray(py),
        )
    };
    let mut factors = Vec::new();
    for orders in separation.factors {
        let orders = orders.into_iter();
        let pairs = orders.map(|order| (pair(order.dictionary), pair(order.activations)));
        factors.push(PyList::new(py, pairs)?);
    }
    result.set_item("factors", factors)?;
    Ok(result)
}
