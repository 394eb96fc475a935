//! What the structured posterior costs beside the factorised one, at the paper's size: both run in
//! turn, pair after pair, and the medians of their times and of the pairs' ratios are printed.
//!
//! `cargo run --release -p model --example posteriors -- [PAIRS] [f32]`

mod common;

use common::{BACKGROUND, BINS, FRAMES, draw_speaker, gamma_matrix, now, parse_arguments};
use model::{Complex64, Execution, Inference, Posterior, Settings, SourceModel};
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

const ITERATIONS: usize = 10;

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[expect(clippy::print_stdout, reason = "its result")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (pairs, precision) = parse_arguments(5)?;

    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let speaker = draw_speaker(&mut rng)?;
    let background = gamma_matrix(0.5, BACKGROUND, BINS, &mut rng);
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
