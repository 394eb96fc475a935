//! Itakura-Saito NMF.

use model::Precision;
use model::itakura_saito::{self, Trained, TrainingError, TrainingSettings};
use ndarray::{Array2, ArrayView2};
use numpy::{Complex64, IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use rand::RngExt;

use crate::errors::value_error;
use crate::threads::find_pool;
use crate::watched::{self, Watch};

/// Work between two looks at whether to stop, in multiplications of a component with a bin of a
/// frame: about a second.
const WORK: f64 = 5e8;
/// Least iterations between two such looks. Each costs about two iterations: the power is checked
/// and laid out again, and a cost is found at the end.
const LEAST_ITERATIONS: usize = 10;

/// Dictionary (components x bins), activations (frames x components), costs, and whether they are
/// of single precision.
type TrainedArrays<'py> = (
    Bound<'py, PyArray2<f64>>,
    Bound<'py, PyArray2<f64>>,
    Bound<'py, PyArray1<f64>>,
    bool,
);

/// Trains on a power, frames x bins, from given start values or from random ones.
///
/// `seed`: of the stream that the command line has for this order as well. `tolerance`: the
/// training ends where an iteration lowers the cost by less than this fraction of its first value,
/// which is looked at every ten iterations. `single`: whether in single precision; what leaves its
/// range is done again in double.
#[pyfunction]
#[expect(
    clippy::too_many_arguments,
    reason = "a function for one caller, who names them"
)]
pub(crate) fn train<'py>(
    py: Python<'py>,
    power: PyReadonlyArray2<'py, f64>,
    order: usize,
    iterations: usize,
    tolerance: f64,
    seed: u64,
    start: Option<(PyReadonlyArray2<'py, f64>, PyReadonlyArray2<'py, f64>)>,
    single: bool,
    threads: Option<usize>,
) -> PyResult<TrainedArrays<'py>> {
    let pool = find_pool(py, threads)?;
    let power = power.as_array();
    let start = start.as_ref();
    let start =
        start.map(|(dictionary, activations)| (dictionary.as_array(), activations.as_array()));
    let nobody = None::<fn(Python<'_>, ()) -> PyResult<()>>;
    let trained = watched::run(py, &pool, nobody, |watch| {
        let work = (power.len() * order.max(1)) as f64;
        let part = match tolerance > 0.0 {
            true => LEAST_ITERATIONS,
            false => ((WORK / work) as usize).max(LEAST_ITERATIONS),
        };
        let train_in = |precision| {
            let first = part.min(iterations);
            let begun = match start {
                Some((dictionary, activations)) => {
                    itakura_saito::train_from(power, dictionary, activations, first, precision)
                }
                None => {
                    let settings = TrainingSettings {
                        order,
                        iterations: first,
                        precision,
                    };
                    let mut rng = synth::stream(seed, "train", &[order as u64]);
                    itakura_saito::train(power, &settings, &mut rng)
                }
            };
            let rest = Rest {
                iterations: iterations - first,
                part,
                tolerance,
            };
            go_on(begun?, power, &rest, watch)
        };
        if single && let Some(trained) = train_in(Precision::F32)? {
            return Ok(trained);
        }
        let trained = train_in(Precision::F64)?;
        Ok(trained.expect("double precision has no bounds"))
    })?;
    let Trained {
        dictionary,
        activations,
        cost,
        precision,
    } = trained.map_err(|error: TrainingError| value_error(error))?;
    Ok((
        dictionary.components().to_owned().into_pyarray(py),
        activations.into_pyarray(py),
        cost.into_pyarray(py),
        precision == Precision::F32,
    ))
}

/// What is left of a training, in parts of as many iterations as `part`.
struct Rest {
    iterations: usize,
    part: usize,
    tolerance: f64,
}

/// Trains on in parts. Dictionary and activations are the whole state of a training, so the result
/// has the bits of one in a single part. None where a part needs more than the precision of the
/// first: all of it is then to be done again in double.
fn go_on(
    mut trained: Trained,
    power: ArrayView2<'_, f64>,
    rest: &Rest,
    watch: &Watch<()>,
) -> Result<Option<Trained>, TrainingError> {
    let mut left = rest.iterations;
    while left > 0 && !watch.is_stopped() && !has_converged(&trained.cost, rest.tolerance) {
        let iterations = rest.part.min(left);
        let next = itakura_saito::train_from(
            power,
            trained.dictionary.components(),
            trained.activations.view(),
            iterations,
            trained.precision,
        )?;
        if next.precision != trained.precision {
            return Ok(None);
        }
        // The cost at the end of a part is that at the start of the next.
        trained.cost.pop();
        trained.cost.extend(next.cost);
        trained.dictionary = next.dictionary;
        trained.activations = next.activations;
        left -= iterations;
    }
    Ok(Some(trained))
}

fn has_converged(cost: &[f64], tolerance: f64) -> bool {
    match cost {
        [first, .., before, last] => before - last < tolerance * first,
        _ => false,
    }
}

/// The power of the frames to learn from, frames x bins: of all that are not digital silence, or of
/// a random choice where there are more than `most`.
///
/// `spectrogram`: the power of one recording. `keep`: the share that is kept. `seed`, `recording`:
/// of the stream that the command line has for this recording as well.
#[pyfunction]
pub(crate) fn choose_frames<'py>(
    py: Python<'py>,
    signal: PyReadonlyArray1<'py, f64>,
    stft: crate::transform::StftInput,
    keep: f64,
    seed: u64,
    recording: u64,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let stft = dsp::Stft::new(&stft.settings()?).map_err(value_error)?;
    let samples = signal.as_slice()?;
    let power = py.detach(|| {
        let mut rng = synth::stream(seed, "frames", &[recording]);
        let mut power = Vec::new();
        for frame in stft.analyse(samples).outer_iter() {
            // Drawn for every frame, so that the choice does not depend on what is silent.
            let is_kept = rng.random::<f64>() < keep;
            if is_kept && frame.iter().any(|value| value.norm_sqr() > 0.0) {
                power.extend(frame.iter().map(Complex64::norm_sqr));
            }
        }
        let bins = stft.bins();
        Array2::from_shape_vec((power.len() / bins, bins), power)
    });
    Ok(power.map_err(value_error)?.into_pyarray(py))
}
