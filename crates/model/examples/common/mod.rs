//! What the measurements have in common: a problem of the paper's size, a clock, arguments.

use model::{Dictionary, DictionaryError, Precision};
use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma};

pub(crate) const BINS: usize = 1025;
pub(crate) const FRAMES: usize = 300;
/// Components of the background.
pub(crate) const BACKGROUND: usize = 16;
const ORDERS: [usize; 7] = [2, 4, 6, 8, 10, 12, 14];

/// Rows x columns drawn from Gamma(shape, rate shape), floored.
pub(crate) fn gamma_matrix(
    shape: f64,
    rows: usize,
    columns: usize,
    rng: &mut ChaCha8Rng,
) -> Array2<f64> {
    let gamma = Gamma::new(shape, 1.0 / shape).expect("a shape and a scale");
    Array2::from_shape_simple_fn((rows, columns), || f64::max(gamma.sample(rng), 1e-10))
}

/// A dictionary of each order.
pub(crate) fn draw_speaker(rng: &mut ChaCha8Rng) -> Result<Vec<Dictionary>, DictionaryError> {
    let dictionaries = ORDERS.iter();
    dictionaries
        .map(|&order| Dictionary::normalised(gamma_matrix(0.5, order, BINS, rng)))
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "a measurement")]
pub(crate) fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// The arguments `[COUNT] [f32]`.
pub(crate) fn parse_arguments(
    default: usize,
) -> Result<(usize, Precision), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let count = arguments
        .next()
        .map_or(Ok(default), |count| count.parse())?;
    let precision = match arguments.next().as_deref() {
        None => Precision::F64,
        Some("f32") => Precision::F32,
        Some(other) => return Err(format!("f32, or nothing, not {other}").into()),
    };
    Ok((count, precision))
}
