//! A study: a list of trials, what comes of them, and the tables and figures made of that.
//!
//! > [design] -> [prepare]: corpora, [dictionaries], [mixtures], keys ([plan]) -> [work]:
//! > [separation] by every one of the [methods], [scores] -> [estimate]s, recorded one by one ->
//! > [statistics] -> [publish]: tables, figures, [examples] to hear
//!
//! `table1`, `sweep` and `realmix` are all this, with other configurations. [merge] puts together
//! what several machines recorded.

pub(crate) mod design;
pub(crate) mod dictionaries;
pub(crate) mod estimate;
pub(crate) mod examples;
pub(crate) mod foreign;
mod guard;
mod learned_weights;
pub(crate) mod merge;
pub(crate) mod methods;
pub(crate) mod mixtures;
pub(crate) mod plan;
pub(crate) mod prepare;
pub(crate) mod publish;
pub(crate) mod scores;
pub(crate) mod separation;
pub(crate) mod statistics;
pub(crate) mod work;

use anyhow::Result;

use crate::clock::Stopwatch;
use crate::corpus::{CorpusSection, Speaker};
use crate::interrupt;
use crate::progress::Progress;
use crate::store::folder::RunFolder;
use design::{Run, Study};
use estimate::{Candidate, Estimate, Outcomes, TrialResult};
use examples::Export;
use methods::{Method, Part};
use plan::{Plan, PlannedTrial};
use prepare::{Conduct, PreparedTrial};
use publish::{Ending, Publication, timing};
use statistics::Results;

/// Most speakers that are named where some are left out.
const MOST_SPEAKERS: usize = 6;

/// Runs a study, or the part of it that `conduct` asks for, and writes its results.
///
/// # Errors
/// A corpus that cannot be used, a training that fails, a folder that cannot be written, an
/// interruption. A trial that fails is recorded, and the others go on.
///
/// `export`: a folder for the signals of all trials.
pub(crate) fn run(
    study: &Study<'_>,
    folder: &mut RunFolder,
    conduct: Conduct,
    export: Option<&Export>,
    progress: Progress,
) -> Result<Ending> {
    let stopwatch = Stopwatch::start();
    if let Some(warning) = warning_of_drawn_speakers(study) {
        progress.warn(warning);
    }
    let check = |run: &Run, trials: &[PreparedTrial]| match export {
        Some(export) => export.check(study, run, trials),
        None => Ok(()),
    };
    let prepared = prepare::prepare(study, folder, conduct, progress, &check)?;
    if let Some(export) = export {
        export.begin(&prepared)?;
    }
    if conduct.dictionaries_only {
        return Ok(Ending {
            left_out: prepared.plan.left_out.len(),
            ..Ending::default()
        });
    }
    let failures = work::work(&prepared, conduct, progress)?;
    let results = results(study, &prepared.plan, &prepared.outcomes());
    if let Some(export) = export {
        export.write(&prepared, &results, progress)?;
    }
    let examples = match study.shows_trials() {
        true => examples::keep(&prepared, &results, folder.kept(), progress)?,
        false => Vec::new(),
    };
    if conduct.shard.is_some() {
        return Ok(Ending {
            table: None,
            failures,
            left_out: prepared.plan.left_out.len(),
        });
    }
    let times = match study.shows_trials() {
        true => timing::measure(&prepared.runs[0], &study.methods, progress),
        false => Err("the points of a sweep are not timed".to_owned()),
    };
    interrupt::check()?;
    let publication = Publication {
        study,
        corpus: &prepared.plan.corpus(),
        left_out: &prepared.plan.left_out,
        results: &results,
        examples: &examples,
        times: &times,
    };
    publication.publish(folder, stopwatch)
}

/// What to say where the seeds choose among the speakers of a corpus and leave some out; none where
/// they leave out nobody.
fn warning_of_drawn_speakers(study: &Study<'_>) -> Option<String> {
    let mut drawn: Vec<Speaker> = Vec::new();
    let mut all: Vec<Speaker> = Vec::new();
    // The cases of a sweep mostly draw from one corpus with the same seeds: each is listed once.
    let mut listed: Vec<(&CorpusSection, u64)> = Vec::new();
    for run in &study.runs {
        let place = (&run.config.corpus, run.seed());
        if listed.contains(&place) {
            continue;
        }
        listed.push(place);
        // What cannot be listed is refused where it is opened.
        let found = run.config.corpus.drawn_speaker(run.seed()).ok().flatten();
        if let Some((speaker, speakers)) = found {
            all = speakers;
            if !drawn.contains(&speaker) {
                drawn.push(speaker);
            }
        }
    }
    if drawn.len() >= all.len() {
        return None;
    }
    let texts: Vec<String> = drawn.iter().map(ToString::to_string).collect();
    let named = all.iter().take(MOST_SPEAKERS);
    let mut named: Vec<String> = named.map(|speaker| format!("{speaker:?}")).collect();
    if all.len() > MOST_SPEAKERS {
        named.push("...".to_owned());
    }
    Some(format!(
        "the corpus has {} speakers, and the seed has drawn {}: the others are not used; for all \
         of them, --set 'units.speakers=[{}]'",
        all.len(),
        texts.join(", "),
        named.join(", ")
    ))
}

/// The results of all trials of a plan, as far as there are any.
pub(crate) fn results(study: &Study<'_>, plan: &Plan, outcomes: &Outcomes) -> Results {
    let of_run = |(run, planned): (&Run, &plan::PlannedRun)| {
        let trials = planned.trials.iter();
        trials
            .map(|trial| result(study, run, trial, outcomes))
            .collect()
    };
    study.runs.iter().zip(&plan.runs).map(of_run).collect()
}

fn result(
    study: &Study<'_>,
    run: &Run,
    planned: &PlannedTrial,
    outcomes: &Outcomes,
) -> TrialResult {
    let mut estimates: Vec<Estimate> = Vec::new();
    let mut errors: Vec<String> = Vec::new();
    for part in study.parts() {
        let key = planned.keys.part(part);
        let error = match key.and_then(|key| outcomes.get(&key)) {
            Some(Ok(found)) if is_of_part(found, part) => {
                estimates.extend(found.iter().cloned());
                continue;
            }
            // A checksum does not say that a record is what its key is of.
            Some(Ok(_)) => "its record holds estimates of something else",
            Some(Err(error)) => error.as_str(),
            None => "it was not run",
        };
        if !errors.iter().any(|known| known == error) {
            errors.push(error.to_owned());
        }
    }
    // The mixture first, then the single orders as configured, then the methods as they are tabled.
    let orders = &run.config.training.orders;
    let place = |candidate: Candidate| match candidate {
        Candidate::Mixture => (0, None),
        Candidate::Order(order) => (1, orders.iter().position(|&other| other == order)),
        Candidate::Method(method) => (2, Method::ALL.iter().position(|&other| other == method)),
        Candidate::Foreign(name) => (3, study.foreign.iter().position(|it| it.name == name)),
    };
    estimates.sort_by_key(|estimate| place(estimate.candidate));
    TrialResult {
        trial: planned.trial,
        estimates,
        errors,
    }
}

fn is_of_part(estimates: &[Estimate], part: Part) -> bool {
    let mut parts = estimates.iter().map(|estimate| estimate.candidate.part());
    !estimates.is_empty() && parts.all(|other| other == part)
}
