//! One fusion of a given size, for measuring how time and memory grow: prints the seconds of its
//! fastest iteration.
//!
//! `cargo run -p model --example growth -- FRAMES LARGEST_ORDER [f32]`;
//! `scripts/benchmark/growth.py` makes a table of several sizes.

use model::{
    Complex64, Dictionary, Execution, Inference, Precision, Progress, Settings, SourceModel,
};
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, StandardNormal};

const BINS: usize = 1025;
const BACKGROUND: usize = 16;
const ITERATIONS: usize = 4;

#[expect(clippy::disallowed_methods, reason = "a measurement")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

#[expect(clippy::print_stdout, reason = "its result")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |what| -> Result<usize, Box<dyn std::error::Error>> {
        Ok(arguments.next().ok_or(what)?.parse()?)
    };
    let frames = number("how many frames?")?;
    let largest = number("which largest order?")?;
    let precision = match arguments.next().as_deref() {
        None => Precision::F64,
        Some("f32") => Precision::F32,
        Some(other) => return Err(format!("f32, or nothing, not {other}").into()),
    };
    let orders: Vec<usize> = (1..=7).map(|m| largest * m / 7).collect();

    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let gamma = Gamma::new(0.2, 5.0)?;
    let mut dictionary = |order| {
        Array2::from_shape_simple_fn((order, BINS), || f64::max(gamma.sample(&mut rng), 1e-10))
    };
    let speaker = orders
        .iter()
        .map(|&order| Dictionary::normalised(dictionary(order)))
        .collect::<Result<Vec<_>, model::DictionaryError>>()?;
    let background = dictionary(BACKGROUND);
    let mixture = Array2::from_shape_simple_fn((frames, BINS), || {
        Complex64::new(
            StandardNormal.sample(&mut rng),
            StandardNormal.sample(&mut rng),
        )
    });
    let settings = Settings {
        iterations: ITERATIONS,
        precision,
        ..Settings::default()
    };
    let inference = Inference::new(settings)?.with_execution(Execution::Serial);
    let sources = [
        SourceModel::known(speaker),
        SourceModel::estimated(background)?,
    ];
    let mut ends = Vec::new();
    let mut clock = |_: &Progress| ends.push(now());
    let separation = inference.separate_observed(mixture.view(), &sources, &mut clock)?;
    if separation.precision != precision {
        return Err("single precision was not enough".into());
    }

    let steps = ends
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs_f64());
    // The last iteration also gathers the evidence.
    let fastest = steps.take(ITERATIONS - 2).fold(f64::INFINITY, f64::min);
    println!("{fastest}");
    Ok(())
}
