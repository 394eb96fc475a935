//! Times of the methods, each measured alone.

use anyhow::{Context, Result};
use model::Execution;

use crate::cell::{Cell, grid};
use crate::clock::Stopwatch;
use crate::config::Config;
use crate::interrupt;
use crate::method::Method;
use crate::observation;
use crate::progress::Progress;
use crate::separation::Separator;
use crate::training::Dictionaries;

/// What a method takes for one observation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// The method.
    pub method: Method,
    /// Median over the repetitions.
    pub seconds: f64,
    /// Least of the repetitions.
    pub fastest_seconds: f64,
    /// Repetitions.
    pub repetitions: usize,
    /// Threads a separation could use.
    pub threads: usize,
    /// The observation it was measured on.
    pub cell: Cell,
}

/// The times of all methods, or why there are none.
pub type Measured = std::result::Result<Vec<Timing>, String>;

/// Times the separations behind each method on the observation in the middle of the grid. Nothing else may be running.
///
/// VB selection, oracle selection and fusion by mean all need the same single-order separations, one after another, and
/// take the same time, as in the paper; choosing and scoring are not counted.
///
/// # Errors
/// Those of drawing and separating.
pub fn measure(
    dictionaries: &Dictionaries,
    config: &Config,
    progress: Progress,
) -> Result<Vec<Timing>> {
    let cells = grid(config);
    let cell = cells[cells.len() / 2];
    let observation = observation::draw(&cell, dictionaries, config)?;
    let separator = Separator::new(dictionaries, config, Execution::Parallel)?;
    let repetitions = config.timings.repetitions;
    let stage = progress.stage("timing", 2 * repetitions);
    let seconds_of = |run: &dyn Fn() -> Result<()>| -> Result<f64> {
        interrupt::check()?;
        let stopwatch = Stopwatch::start();
        run()?;
        stage.step();
        Ok(stopwatch.elapsed().as_secs_f64())
    };
    let mut single_orders = Vec::new();
    let mut fusion = Vec::new();
    // Alternating, so that both meet the same moods of the machine.
    for _ in 0..repetitions {
        single_orders.push(seconds_of(&|| {
            (0..dictionaries.estimation.len())
                .try_for_each(|index| separator.single_order(&observation, index).map(drop))
        })?);
        fusion.push(seconds_of(&|| separator.fusion(&observation).map(drop))?);
    }
    stage.finish();
    Method::TABLED
        .into_iter()
        .map(|method| {
            let mut seconds = match method {
                Method::VbFusion => fusion.clone(),
                _ => single_orders.clone(),
            };
            seconds.sort_by(f64::total_cmp);
            Ok(Timing {
                method,
                seconds: seconds[seconds.len() / 2],
                fastest_seconds: *seconds.first().context("no repetition")?,
                repetitions,
                threads: rayon::current_num_threads(),
                cell,
            })
        })
        .collect()
}
