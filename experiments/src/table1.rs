//! The paper's experiment: Table 1 and Fig. 1.

use anyhow::Result;

use crate::cell::grid;
use crate::clock::Stopwatch;
use crate::config::Config;
use crate::durable::plan::{CorpusInfo, Plan};
use crate::durable::run_folder::RunFolder;
use crate::examples::{self, KeptExample};
use crate::figures::Plot;
use crate::interrupt;
use crate::manifest::Manifest;
use crate::presentation::{self, Subject};
use crate::progress::Progress;
use crate::result_tables;
use crate::summary::{CellResult, summarise};
use crate::tasks::{self, Conduct, Outcomes, Parts};
use crate::timing::{self, Measured};

/// The parts of each observation that the table needs.
pub const PARTS: Parts = Parts {
    singles: true,
    fusion: true,
};

/// What a run leaves to be said at its end.
#[derive(Debug)]
pub struct Outcome {
    /// The table, for the terminal; none for a shard.
    pub table: Option<String>,
    /// Cells or scores that failed.
    pub failures: usize,
}

/// Runs the experiment, or the part of it that `conduct` asks for, and writes its results.
///
/// # Errors
/// A corpus that cannot be used, a training that fails, a folder that cannot be written, an interruption. A cell that
/// fails is recorded, and the others go on.
pub fn run(
    config: &Config,
    folder: &mut RunFolder,
    conduct: Conduct,
    progress: Progress,
) -> Result<Outcome> {
    let stopwatch = Stopwatch::start();
    let prepared = tasks::prepare(config, &[config], folder, conduct, progress)?;
    if conduct.dictionaries_only {
        return Ok(Outcome {
            table: None,
            failures: 0,
        });
    }
    let failures = tasks::work(&prepared, PARTS, conduct, progress)?;
    let (plan, outcomes, run) = (&prepared.plan, &prepared.store, &prepared.runs[0]);
    let results = results(config, plan, outcomes);
    let examples = examples::keep(run, &results, folder.paths(), progress)?;
    if conduct.shard.is_some() {
        return Ok(Outcome {
            table: None,
            failures,
        });
    }
    // Without times the results still stand.
    let measure = || timing::measure(&run.dictionaries, config, progress);
    let timings = tasks::guarded(measure).map_err(|error| {
        let reason = format!("{error:#}");
        progress.warn(format_args!("times cannot be measured: {reason}"));
        reason
    });
    interrupt::check()?;
    let corpus = &plan.corpus();
    publish(
        config, folder, corpus, &results, &examples, &timings, stopwatch,
    )
}

/// The results of all cells, in the order of the grid.
pub fn results(config: &Config, plan: &Plan, outcomes: &impl Outcomes) -> Vec<CellResult> {
    let keys = plan.runs.iter().flat_map(|run| &run.observations);
    tasks::cell_results(grid(config).into_iter().zip(keys), outcomes)
}

/// Writes the tables, the figures and the examples of finished cells.
///
/// # Errors
/// A folder that cannot be written.
pub fn publish(
    config: &Config,
    folder: &RunFolder,
    corpus: &CorpusInfo,
    results: &[CellResult],
    examples: &[KeptExample],
    timings: &Measured,
    stopwatch: Stopwatch,
) -> Result<Outcome> {
    let summary = summarise(results, config)?;
    let subject = Subject {
        experiment: &config.experiment.name,
        corpus: &corpus.description,
        seed: config.experiment.seed,
        observations: results.len(),
        orders: config.training.orders.len(),
    };
    let metrics = &config.evaluation.metrics;
    let figure = presentation::figure(&summary, &subject);
    let posteriors = presentation::order_posterior(results, config, &subject);
    let seed = config.experiment.seed;
    let manifest = Manifest::of_run(seed, &corpus.description, corpus.sha256, stopwatch);
    let fixed = [
        ("table1.csv", result_tables::means(&summary).csv()?),
        (
            "observations.csv",
            result_tables::observations(results, config).csv()?,
        ),
        (
            "order_posterior.csv",
            result_tables::order_posterior(results, config).csv()?,
        ),
        (
            "differences.csv",
            result_tables::differences(&summary).csv()?,
        ),
        (
            "effective_orders.csv",
            result_tables::effective_orders(&summary).csv()?,
        ),
        ("examples.csv", result_tables::examples(examples).csv()?),
        (
            "table1.md",
            presentation::markdown(&summary, metrics, &subject).into_bytes(),
        ),
        (
            "table1.tex",
            presentation::latex(&summary, &subject).into_bytes(),
        ),
        (
            "differences.tex",
            presentation::differences_latex(&summary, &subject).into_bytes(),
        ),
        ("fig1.svg", figure.svg()?),
        ("fig1.png", figure.png()?),
        ("order_posterior.svg", posteriors.svg()?),
        ("order_posterior.png", posteriors.png()?),
        (
            "timings.csv",
            result_tables::timings(timings.as_deref().unwrap_or_default()).csv()?,
        ),
        (
            "timings.md",
            presentation::timings_markdown(timings, manifest.cpu.as_deref()).into_bytes(),
        ),
        (
            "timings.tex",
            presentation::timings_latex(timings, &subject).into_bytes(),
        ),
        ("manifest.json", manifest.json()?),
    ];
    let mut files: Vec<(String, Vec<u8>)> = fixed
        .into_iter()
        .map(|(name, contents)| (name.to_owned(), contents))
        .collect();
    for example in examples {
        files.extend(example.files()?);
    }
    folder.publish(config, &files)?;
    Ok(Outcome {
        table: Some(presentation::terminal(&summary, timings, &subject)),
        failures: results.iter().map(CellResult::failures).sum(),
    })
}
