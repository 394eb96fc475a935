//! Times of the methods, each measured alone.

use anyhow::{Context, Result};
use model::Execution;

use crate::clock::Stopwatch;
use crate::interrupt;
use crate::progress::Progress;
use crate::study::methods::{Method, Part};
use crate::study::prepare::PreparedRun;
use crate::study::separation::Separator;
use crate::study::work::guarded;
use crate::tables::rows::Time;
use crate::tables::times::Times;

/// Times the separations behind each method on the trial in the middle of a run. Nothing else may
/// be running. Without times the results still stand, so what fails is only said.
pub(crate) fn measure(run: &PreparedRun<'_>, progress: Progress) -> Times {
    guarded(|| measure_all(run, progress)).map_err(|error| {
        let reason = format!("{error:#}");
        progress.warn(format_args!("times cannot be measured: {reason}"));
        reason
    })
}

/// VB selection, oracle selection and fusion by mean all need the same single-order separations,
/// one after another, and take the same time, as in the paper; choosing and scoring are not
/// counted.
fn measure_all(run: &PreparedRun<'_>, progress: Progress) -> Result<Vec<Time>> {
    let config = &run.run.config;
    let dictionaries = run.dictionaries.as_deref().context("no dictionaries")?;
    let separator = Separator::new(dictionaries, config, Execution::Parallel)?;
    let trial = run.trials.get(run.trials.len() / 2).context("no trial")?;
    let subject = separator.prepare(&trial.trial, trial.recorded.as_ref())?;
    let orders = dictionaries.estimation.len();
    let repetitions = config.timings.repetitions;
    let stage = progress.stage("timing", Part::ALL.len() * repetitions);
    let seconds_of = |part| -> Result<f64> {
        interrupt::check()?;
        let stopwatch = Stopwatch::start();
        match part {
            Part::Singles => (0..orders).try_for_each(|position| {
                let single = position..position + 1;
                separator.separate(&subject, single, &mut ()).map(drop)
            })?,
            Part::Fusion => drop(separator.separate(&subject, 0..orders, &mut ())?),
        }
        stage.step();
        Ok(stopwatch.elapsed().as_secs_f64())
    };
    let mut measured = Part::ALL.map(|part| (part, Vec::new()));
    // Alternating, so that what else the machine does falls on all of them.
    for _ in 0..repetitions {
        for (part, seconds) in &mut measured {
            seconds.push(seconds_of(*part)?);
        }
    }
    stage.finish();
    for (_, seconds) in &mut measured {
        seconds.sort_by(f64::total_cmp);
    }
    let time = |method: Method| {
        let of_method = measured.iter().find(|(part, _)| *part == method.part());
        let (_, seconds) = of_method.context("not measured")?;
        Ok(Time {
            method,
            seconds: seconds[seconds.len() / 2],
            fastest_seconds: *seconds.first().context("no repetition")?,
            repetitions,
            threads: rayon::current_num_threads(),
        })
    };
    Method::ALL.into_iter().map(time).collect()
}
