//! What the structured posterior costs beside the factorised one, at the paper's size: both run in
//! turn, pair after pair, and the medians of their times and of the pairs' ratios are printed.
//!
//! `cargo run --release -p model --example posteriors -- [PAIRS] [f32]`

use model::{
    Complex64, Dictionary, Execution, Inference, Posterior, Precision, Settings, SourceModel,
};
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, StandardNormal};

const BINS: usize = 1025;
const FRAMES: usize = 300;
const ORDERS: [usize; 7] = [2, 4, 6, 8, 10, 12, 14];
const BACKGROUND: usize = 16;
const ITERATIONS: usize = 10;

fn gamma_matrix(rows: usize, columns: usize, rng: &mut ChaCha8Rng) -> Array2<f64> {
    let gamma = Gamma::new(0.5, 2.0).expect("a shape and a scale");
    Array2::from_shape_simple_fn((rows, columns), || f64::max(gamma.sample(rng), 1e-10))
}

#[expect(clippy::disallowed_methods, reason = "a measurement")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[expect(clippy::print_stdout, reason = "its result")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let pairs: usize = arguments.next().map_or(Ok(5), |pairs| pairs.parse())?;
    let precision = match arguments.next().as_deref() {
        None => Precision::F64,
        Some("f32") => Precision::F32,
        Some(other) => return Err(format!("f32, or nothing, not {other}").into()),
    };

    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let speaker = ORDERS
        .iter()
        .map(|&order| Dictionary::normalised(gamma_matrix(order, BINS, &mut rng)))
        .collect::<Result<Vec<_>, _>>()?;
    let background = gamma_matrix(BACKGROUND, BINS, &mut rng);
    let mixture = Array2::from_shape_simple_fn((FRAMES, BINS), || {
        Complex64::new(
            StandardNormal.sample(&mut rng),
            StandardNormal.sample(&mut rng),
        )
    });
    let sources = [
        SourceModel::known(speaker),
        SourceModel::estimated(background)?,
    ];
    let inference = |posterior| {
        let settings = Settings {
            iterations: ITERATIONS,
            posterior,
            precision,
            ..Settings::default()
        };
        Ok::<_, model::ModelError>(Inference::new(settings)?.with_execution(Execution::Serial))
    };
    let inferences = [
        inference(Posterior::Factorised)?,
        inference(Posterior::Structured)?,
    ];
    let mut seconds = [Vec::new(), Vec::new()];
    for _ in 0..pairs {
        for (inference, seconds) in inferences.iter().zip(&mut seconds) {
            let start = now();
            let separation = inference.separate(mixture.view(), &sources)?;
            seconds.push(start.elapsed().as_secs_f64());
            if separation.precision != precision {
                return Err("single precision was not enough".into());
            }
        }
    }
    let [factorised, structured] = &seconds;
    let ratios = structured.iter().zip(factorised).map(|(s, f)| s / f);
    let ratio = median(ratios.collect());
    let [factorised, structured] = seconds.map(median);
    println!("factorised {factorised:.3} s, structured {structured:.3} s, ratio {ratio:.3}");
    Ok(())
}
