//! What squared extrapolations save: the iterations and the time after which the free energy of
//! plain ones is reached, on a mixture drawn from the model at the paper's size. Both run in turn.
//!
//! `cargo run --release -p model --example acceleration -- [PLAIN_ITERATIONS] [f32]`

mod common;

use std::ops::ControlFlow;

use common::{BACKGROUND, BINS, FRAMES, draw_speaker, gamma_matrix, now, parse_arguments};
use model::{
    Acceleration, Complex64, Execution, Inference, Observer, Posterior, Progress, Settings,
    SourceModel,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Stops at a free energy.
struct Until(f64);

impl Observer for Until {
    fn wants_free_energy(&self, _: usize) -> bool {
        true
    }

    fn observe(&mut self, progress: &Progress) -> ControlFlow<()> {
        match progress.free_energy {
            Some(free_energy) if free_energy >= self.0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

#[expect(clippy::print_stdout, reason = "its result")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (iterations, precision) = parse_arguments(400)?;

    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let speaker = draw_speaker(&mut rng)?;
    let background = gamma_matrix(0.2, BACKGROUND, BINS, &mut rng);
    // Of order 8, and a background of its own.
    let variance = gamma_matrix(0.2, FRAMES, 8, &mut rng).dot(&speaker[3].components())
        + gamma_matrix(0.2, FRAMES, BACKGROUND, &mut rng)
            .dot(&gamma_matrix(0.2, BACKGROUND, BINS, &mut rng));
    let mixture = variance.mapv(|variance: f64| {
        let [re, im]: [f64; 2] = std::array::from_fn(|_| StandardNormal.sample(&mut rng));
        Complex64::new(re, im) * f64::sqrt(variance / 2.0)
    });
    let sources = [
        SourceModel::known(speaker),
        SourceModel::estimated(background)?,
    ];
    for posterior in [Posterior::Factorised, Posterior::Structured] {
        let inference = |acceleration| {
            let settings = Settings {
                iterations,
                posterior,
                precision,
                acceleration,
                ..Settings::default()
            };
            Ok::<_, model::ModelError>(Inference::new(settings)?.with_execution(Execution::Serial))
        };
        let (plain, accelerated) = (
            inference(Acceleration::None)?,
            inference(Acceleration::Squarem)?,
        );
        let start = now();
        let target = plain.separate(mixture.view(), &sources)?;
        let plain_seconds = start.elapsed().as_secs_f64();
        let mut until = Until(target.free_energy);
        let reached = accelerated.separate_observed(mixture.view(), &sources, &mut until)?;
        let settings = Settings {
            iterations: reached.iterations,
            ..*accelerated.settings()
        };
        let timed = Inference::new(settings)?.with_execution(Execution::Serial);
        let start = now();
        let again = timed.separate(mixture.view(), &sources)?;
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{posterior:?}: F = {:.0} after {iterations} plain iterations in {plain_seconds:.2} s, \
             {:.0} after {} accelerated in {seconds:.2} s",
            target.free_energy, again.free_energy, again.iterations,
        );
    }
    Ok(())
}
