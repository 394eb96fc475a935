//! The paper's experiment: Table 1 and Fig. 1.

use anyhow::{Context, Result};
use model::Execution;
use rayon::prelude::*;

use crate::cell::{Cell, grid};
use crate::clock::Stopwatch;
use crate::config::Config;
use crate::corpus;
use crate::examples::{self, Example};
use crate::figure::Plot;
use crate::manifest::Manifest;
use crate::observation;
use crate::presentation::{self, Subject};
use crate::progress::Progress;
use crate::result_tables;
use crate::results_folder::ResultsFolder;
use crate::separation::{Separated, Separator};
use crate::summary::{CellResult, summarise};
use crate::timing;
use crate::training::{self, Dictionaries};

/// What a run leaves to be said at its end.
#[derive(Debug)]
pub struct Outcome {
    /// The table, for the terminal.
    pub table: String,
    /// Cells or scores that failed.
    pub failures: usize,
}

/// Runs the experiment and writes its results.
///
/// # Errors
/// A corpus that cannot be used, a training that fails, a folder that cannot be written. A cell that fails is recorded,
/// and the others go on.
pub fn run(config: &Config, folder: &ResultsFolder, progress: Progress) -> Result<Outcome> {
    let stopwatch = Stopwatch::start();
    let corpus = corpus::open(config)?;
    let signals = training::signals(corpus.as_ref(), config, progress)?;
    let corpus_digest = signals.digest();
    let dictionaries = training::dictionaries(&signals, config, &folder.cache(), progress)?;
    drop(signals);
    let results = cells(&dictionaries, config, progress)?;
    let summary = summarise(&results, config)?;
    let examples = examples::make(&dictionaries, &results, config, progress)?;
    // Without times the results still stand.
    let timings = timing::measure(&dictionaries, config, progress).map_err(|error| {
        let reason = format!("{error:#}");
        progress.note(format_args!("times cannot be measured: {reason}"));
        reason
    });

    let corpus = corpus.description();
    let subject = Subject {
        experiment: &config.experiment.name,
        corpus: &corpus,
        seed: config.experiment.seed,
        observations: results.len(),
        orders: config.training.orders.len(),
    };
    let metrics = &config.evaluation.metrics;
    let figure = presentation::figure(&summary, &subject);
    let posteriors = presentation::order_posterior(&results, config, &subject);
    let manifest = Manifest::of_run(config.experiment.seed, &corpus, corpus_digest, stopwatch);
    let fixed = [
        ("table1.csv", result_tables::means(&summary).csv()?),
        (
            "observations.csv",
            result_tables::observations(&results, config).csv()?,
        ),
        (
            "order_posterior.csv",
            result_tables::order_posterior(&results, config).csv()?,
        ),
        (
            "differences.csv",
            result_tables::differences(&summary).csv()?,
        ),
        (
            "effective_orders.csv",
            result_tables::effective_orders(&summary).csv()?,
        ),
        (
            "examples.csv",
            result_tables::examples(&examples, &results).csv()?,
        ),
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
            presentation::timings_markdown(&timings, manifest.cpu.as_deref()).into_bytes(),
        ),
        (
            "timings.tex",
            presentation::timings_latex(&timings, &subject).into_bytes(),
        ),
        ("manifest.json", manifest.json()?),
    ];
    let mut files: Vec<(String, Vec<u8>)> = fixed
        .into_iter()
        .map(|(name, contents)| (name.to_owned(), contents))
        .collect();
    files.extend(example_files(&examples, config)?);
    folder.publish(config, &files)?;
    Ok(Outcome {
        table: presentation::terminal(&summary, &timings, &subject),
        failures: results.iter().map(CellResult::failures).sum(),
    })
}

/// What is shown and heard of single observations: the signals of all examples, and the figures of the middle one.
fn example_files(examples: &[Example], config: &Config) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    if let Some(middle) = examples.get(examples.len() / 2) {
        let traces = presentation::free_energy(middle, config);
        let table = result_tables::free_energy(&middle.traces, middle.cell);
        let spectrograms = presentation::spectrograms(middle, config);
        files.extend([
            ("free_energy.csv".to_owned(), table.csv()?),
            ("free_energy.svg".to_owned(), traces.svg()?),
            ("free_energy.png".to_owned(), traces.png()?),
            ("spectrograms.png".to_owned(), spectrograms.png()?),
        ]);
    }
    for example in examples {
        files.extend(example.files(config.corpus.sample_rate_hz)?);
    }
    Ok(files)
}

/// Draws, separates and scores every cell, in parallel; the results are in the order of the grid.
fn cells(
    dictionaries: &Dictionaries,
    config: &Config,
    progress: Progress,
) -> Result<Vec<CellResult>> {
    let cells = grid(config);
    let execution = if cells.len() < 2 * rayon::current_num_threads() {
        Execution::Parallel
    } else {
        Execution::Serial
    };
    let separator = Separator::new(dictionaries, config, execution)?;
    let stage = progress.stage("separating", cells.len());
    let evaluate = |cell: &Cell| -> Result<Separated> {
        let observation =
            observation::draw(cell, dictionaries, config).context("drawing the observation")?;
        separator.run(&observation)
    };
    let results = cells
        .into_par_iter()
        .map(|cell| {
            let outcome = evaluate(&cell).map_err(|error| format!("{error:#}"));
            stage.step();
            CellResult { cell, outcome }
        })
        .collect();
    stage.finish();
    Ok(results)
}
