//! Varying values of a configuration: the points of a grid of axes, each run from several seeds, as a long table, means
//! and paired differences with intervals over the seeds, and a figure.

mod chart;
mod points;
mod report;
mod statistics;
mod tables;

use anyhow::Result;

use crate::clock::Stopwatch;
use crate::config::{Config, Sweep};
use crate::durable::plan::Plan;
use crate::durable::run_folder::RunFolder;
use crate::figures::Plot;
use crate::manifest::Manifest;
use crate::method::Method;
use crate::progress::Progress;
use crate::table1::Outcome;
use crate::tasks::{self, Conduct, ObservationResult, Outcomes, Parts};

pub use points::{Point, points};

/// The points of a sweep and what is common to them.
#[derive(Debug, Clone)]
pub struct Design<'a> {
    /// The configuration with its section `[sweep]`.
    pub config: &'a Config,
    /// That section.
    pub sweep: &'a Sweep,
    /// The points, the last axis running fastest.
    pub points: Vec<Point>,
    /// The seeds of every point.
    pub seeds: Vec<u64>,
    /// The methods compared.
    pub methods: Vec<Method>,
}

impl<'a> Design<'a> {
    /// The sweep that a configuration asks for.
    ///
    /// # Errors
    /// A configuration without `[sweep]`; a value of an axis that its key does not allow.
    pub fn of(config: &'a Config) -> Result<Self> {
        let sweep = config.sweep.as_ref().ok_or_else(|| {
            anyhow::anyhow!(
                "the configuration has no section [sweep]: `experiments table1` runs it, and configs/beta_sweep.toml \
                 is one that has"
            )
        })?;
        let or = |given: &[u64], default| match given {
            [] => vec![default],
            given => given.to_vec(),
        };
        Ok(Self {
            config,
            sweep,
            points: points(config, sweep)?,
            seeds: or(&sweep.seeds, config.experiment.seed),
            methods: match &sweep.methods[..] {
                [] => Method::TABLED.into(),
                given => given.to_vec(),
            },
        })
    }

    /// The configurations of all runs: every point from every seed, seeds running fastest.
    #[must_use]
    pub fn runs(&self) -> Vec<Config> {
        let of_point = |point: &Point| {
            let config = point.config.clone();
            self.seeds.iter().map(move |&seed| {
                let mut config = config.clone();
                config.experiment.seed = seed;
                config
            })
        };
        self.points.iter().flat_map(of_point).collect()
    }

    /// The parts of each observation that the methods need.
    #[must_use]
    pub fn parts(&self) -> Parts {
        Parts::of(&self.methods)
    }
}

/// A sweep with its results: by point, then seed, then cell.
#[derive(Debug)]
struct Finished<'a> {
    design: &'a Design<'a>,
    results: Vec<Vec<Vec<ObservationResult>>>,
}

/// Runs a sweep, or the part of it that `conduct` asks for, and writes its results.
///
/// # Errors
/// A corpus that cannot be used, a training that fails, a folder that cannot be written, an interruption. An
/// observation that fails is recorded, and the others go on.
pub fn run(
    design: &Design<'_>,
    folder: &mut RunFolder,
    conduct: Conduct,
    progress: Progress,
) -> Result<Outcome> {
    let stopwatch = Stopwatch::start();
    let runs = design.runs();
    let configs: Vec<&Config> = runs.iter().collect();
    let prepared = tasks::prepare(design.config, &configs, folder, conduct, progress)?;
    if conduct.dictionaries_only {
        return Ok(Outcome {
            table: None,
            failures: 0,
        });
    }
    let failures = tasks::work(&prepared, design.parts(), conduct, progress)?;
    if conduct.shard.is_some() {
        return Ok(Outcome {
            table: None,
            failures,
        });
    }
    let (plan, outcomes) = (&prepared.plan, &prepared.store);
    publish(design, folder, plan, outcomes, stopwatch)
}

/// Writes the tables and figures of finished observations.
///
/// # Errors
/// A folder that cannot be written.
pub fn publish(
    design: &Design<'_>,
    folder: &RunFolder,
    plan: &Plan,
    outcomes: &impl Outcomes,
    stopwatch: Stopwatch,
) -> Result<Outcome> {
    let finished = Finished::of(design, plan, outcomes);
    let summary = statistics::summarise(&finished)?;
    let corpus = plan.corpus();
    let seed = design.seeds[0];
    let manifest = Manifest::of_run(seed, &corpus.description, corpus.sha256, stopwatch);
    let (table, failures) = tables::observations(&finished);
    let mut files = vec![
        ("sweep.csv".to_owned(), table.csv()?),
        (
            "summary.csv".to_owned(),
            tables::means(design, &summary).csv()?,
        ),
        (
            "differences.csv".to_owned(),
            tables::differences(design, &summary).csv()?,
        ),
        (
            "sweep.md".to_owned(),
            report::markdown(design, &summary, &corpus.description).into_bytes(),
        ),
        ("manifest.json".to_owned(), manifest.json()?),
    ];
    for (name, figure) in chart::figures(design, &summary) {
        files.push((format!("{name}.svg"), figure.svg()?));
        files.push((format!("{name}.png"), figure.png()?));
    }
    folder.publish(design.config, &files)?;
    Ok(Outcome {
        table: Some(report::terminal(design, &summary)),
        failures,
    })
}

impl<'a> Finished<'a> {
    fn of(design: &'a Design<'a>, plan: &Plan, outcomes: &impl Outcomes) -> Self {
        let mut planned = plan.runs.iter();
        let of_point = |point: &Point| {
            let cells = crate::cell::grid(&point.config);
            let of_run = |keys| {
                cells
                    .iter()
                    .zip(keys)
                    .map(|(cell, keys)| ObservationResult::of(*cell, keys, outcomes))
                    .collect()
            };
            planned
                .by_ref()
                .take(design.seeds.len())
                .map(|run| of_run(&run.observations))
                .collect()
        };
        Self {
            design,
            results: design.points.iter().map(of_point).collect(),
        }
    }
}
