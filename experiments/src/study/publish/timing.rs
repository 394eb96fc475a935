//! Times of the methods, each measured alone.

use anyhow::{Context, Result};
use model::{Execution, Posterior};

use crate::clock::Stopwatch;
use crate::interrupt;
use crate::progress::Progress;
use crate::study::guard::guarded;
use crate::study::methods::{Method, Part};
use crate::study::prepare::PreparedRun;
use crate::study::separation::Separator;
use crate::tables::rows::Time;
use crate::tables::times::Times;

/// Times the separations behind each method on the trial in the middle of a run. Nothing else may
/// be running. Without times the results still stand, so what fails is only said.
pub(crate) fn measure(run: &PreparedRun<'_>, methods: &[Method], progress: Progress) -> Times {
    guarded(|| measure_all(run, methods, progress)).map_err(|error| {
        let reason = format!("{error:#}");
        progress.warn(format_args!("times cannot be measured: {reason}"));
        reason
    })
}

/// All methods that choose from the single-order separations or make something of them need the
/// same ones, one after another, and take the same time, as in the paper; choosing, averaging,
/// learning and scoring are not counted.
fn measure_all(run: &PreparedRun<'_>, methods: &[Method], progress: Progress) -> Result<Vec<Time>> {
    let config = &run.run.config;
    let dictionaries = run.dictionaries.as_deref().context("no dictionaries")?;
    let separator = Separator::new(dictionaries, config, Execution::Parallel)?;
    let trial = run.trials.get(run.trials.len() / 2).context("no trial")?;
    let subject = separator.prepare(&trial.trial, trial.recorded.as_ref())?;
    let orders = dictionaries.estimation.len();
    let repetitions = config.timings.repetitions;
    let separate = |orders, posterior| {
        let separation = separator.separate(&subject, orders, posterior, &mut ());
        separation.map(drop)
    };
    let mut measured: Vec<(Separations, Vec<f64>)> = Vec::new();
    for needed in methods.iter().map(|&method| Separations::behind(method)) {
        if measured
            .iter()
            .all(|(separations, _)| *separations != needed)
        {
            measured.push((needed, Vec::new()));
        }
    }
    let stage = progress.stage("timing", measured.len() * repetitions);
    let seconds_of = |separations| -> Result<f64> {
        interrupt::check()?;
        let stopwatch = Stopwatch::start();
        match separations {
            Separations::Singles => (0..orders)
                .try_for_each(|position| separate(position..position + 1, Posterior::Factorised))?,
            Separations::Fusion(posterior) => separate(0..orders, posterior)?,
        }
        stage.step();
        Ok(stopwatch.elapsed().as_secs_f64())
    };
    // Alternating, so that what else the machine does falls on all of them.
    for _ in 0..repetitions {
        for (separations, seconds) in &mut measured {
            seconds.push(seconds_of(*separations)?);
        }
    }
    stage.finish();
    for (_, seconds) in &mut measured {
        seconds.sort_by(f64::total_cmp);
    }
    let time = |method: Method| {
        let needed = Separations::behind(method);
        let of_method = measured
            .iter()
            .find(|(separations, _)| *separations == needed);
        let (_, seconds) = of_method.context("not measured")?;
        Ok(Time {
            method,
            seconds: seconds[seconds.len() / 2],
            fastest_seconds: *seconds.first().context("no repetition")?,
            repetitions,
            threads: rayon::current_num_threads(),
        })
    };
    methods.iter().copied().map(time).collect()
}

/// What a method has to separate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separations {
    /// One with each order.
    Singles,
    /// One with all.
    Fusion(Posterior),
}

impl Separations {
    fn behind(method: Method) -> Self {
        match method.part() {
            Part::Fusion(posterior) => Self::Fusion(posterior),
            Part::Mixture | Part::Singles | Part::Tempered | Part::Learned | Part::Foreign(_) => {
                Self::Singles
            }
        }
    }
}
