//! Putting the shards of a run together. Only what the shards recorded is read: no corpus, no dictionaries.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use toml::Table;

use crate::cell::grid;
use crate::clock::Stopwatch;
use crate::config::{self, Config, Kind, Realmix, Sources, differences};
use crate::digest::Digest;
use crate::durable::lock::FolderLock;
use crate::durable::plan::{Plan, PlannedRun};
use crate::durable::record::Outcome;
use crate::durable::run_folder::{RunFolder, RunPaths};
use crate::durable::shard::Shard;
use crate::durable::store::Contents;
use crate::durable::work::Work;
use crate::examples::{self, KeptExample};
use crate::progress::Progress;
use crate::realmix;
use crate::refused::Refused;
use crate::sweep::{self, Design};
use crate::table1;
use crate::tasks::{self, Parts};

/// Most missing observations that are named one by one.
const MOST_NAMED: usize = 20;
/// Why a merge has no times.
const NO_TIMES: &str = "the results were merged from shards, which are not timed";

/// What the shards recorded, in agreement with each other and complete.
#[derive(Debug)]
pub struct Merged {
    /// The configuration of all of them.
    pub config: Config,
    /// What it consists of.
    pub plan: Plan,
    /// What came of it.
    pub outcomes: HashMap<Digest, Outcome>,
    /// What can be listened to of it.
    pub examples: Vec<KeptExample>,
}

/// One shard's folder.
struct Part {
    folder: PathBuf,
    plan: Plan,
    /// Held until all is read: a run under way would go on writing it.
    _lock: Option<FolderLock>,
}

/// Reads and checks the shards.
///
/// # Errors
/// [`Refused`] for a folder that holds no run, for a configuration that is not valid, and for shards of different
/// configurations or plans. A run under way; files that cannot be read; different results of one observation;
/// observations that are in no shard, and shards that were stopped before they had a plan, with what finishes them.
pub fn read(folders: &[PathBuf], progress: Progress) -> Result<Merged> {
    let mut recorded: Option<Table> = None;
    let mut parts: Vec<Part> = Vec::new();
    let mut unplanned: Vec<&Path> = Vec::new();
    let mut outcomes: HashMap<Digest, (Outcome, usize)> = HashMap::new();
    for (index, folder) in folders.iter().enumerate() {
        let paths = RunPaths::of(folder);
        let lock = FolderLock::share(&paths.lock(), folder)?;
        let config = config::recorded(&paths.config())?.with_context(|| {
            let (folder, missing) = (folder.display(), paths.config());
            Refused(format!(
                "{folder} holds no run: there is no {}",
                missing.display()
            ))
        })?;
        let first = recorded.get_or_insert_with(|| config.clone());
        let differing = differences(first, &config);
        ensure!(
            differing.is_empty(),
            Refused(format!(
                "{} and {} are of different configurations\n  {}",
                folders[0].display(),
                folder.display(),
                differing.join("\n  ")
            ))
        );
        if !paths.plan().exists() {
            // Dictionaries are no part of the results.
            if paths.work() != Some(Work::Dictionaries) {
                unplanned.push(folder);
            }
            continue;
        }
        let plan = Plan::read(&paths.plan())?;
        if let Some(first) = parts.first() {
            ensure!(
                first.plan.agrees_with(&plan),
                Refused(format!(
                    "{} and {} have the same configuration and different observations: their corpora or programs differ",
                    first.folder.display(),
                    folder.display()
                ))
            );
        }
        let contents = Contents::read(&paths.records())?;
        if let Some(damage) = contents.damage(&paths.records()) {
            progress.warn(damage);
        }
        for (key, outcome) in contents.outcomes {
            match outcomes.get(&key) {
                // Failures are retried, so a result counts more.
                None | Some((Outcome::Failed(_), _)) => {
                    outcomes.insert(key, (outcome, index));
                }
                Some((other, _)) if *other == outcome => {}
                Some(_) if matches!(outcome, Outcome::Failed(_)) => {}
                Some((_, other)) => bail!(
                    "{} and {} have different results of one observation (key {key})",
                    folders[*other].display(),
                    folder.display()
                ),
            }
        }
        parts.push(Part {
            folder: folder.clone(),
            plan,
            _lock: lock,
        });
    }
    let file = RunPaths::of(folders.first().context("no folder to merge")?).config();
    let config = config::load(&Sources {
        file: Some(file),
        ..Sources::default()
    })
    .context(Refused(
        "the configuration of the shards is not valid".to_owned(),
    ))?;
    ensure!(unplanned.is_empty(), without_plan(&config, &unplanned));
    ensure!(
        !parts.is_empty(),
        Refused("there are dictionaries to merge, and no shards".to_owned())
    );
    let outcomes = outcomes
        .into_iter()
        .map(|(key, (outcome, _))| (key, outcome))
        .collect();
    let plan = parts[0].plan.clone();
    let mut merged = Merged {
        config,
        plan,
        outcomes,
        examples: Vec::new(),
    };
    merged.check_complete(&parts)?;
    if merged.config.kind() == Kind::Table1 {
        merged.examples = merged.kept_examples(&parts)?;
    }
    Ok(merged)
}

impl Merged {
    /// Writes the tables that a run on one machine would have written, without times.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn publish(&self, folder: &RunFolder) -> Result<table1::Outcome> {
        let stopwatch = Stopwatch::start();
        let (config, plan, outcomes) = (&self.config, &self.plan, &self.outcomes);
        match config.kind() {
            Kind::Table1 => {
                let (corpus, examples) = (&plan.corpus(), &self.examples);
                let results = table1::results(config, plan, outcomes);
                let timings = Err(NO_TIMES.to_owned());
                table1::publish(
                    config, folder, corpus, &results, examples, &timings, stopwatch,
                )
            }
            Kind::Sweep => {
                let design = Design::of(config)?;
                sweep::publish(&design, folder, plan, outcomes, stopwatch)
            }
            Kind::Realmix => realmix::publish(config, folder, plan, outcomes, stopwatch),
        }
    }

    /// The examples that the shards kept, of all observations that did not fail.
    ///
    /// # Errors
    /// Examples that are not there, with what makes them: without them the results are not those of one run.
    fn kept_examples(&self, parts: &[Part]) -> Result<Vec<KeptExample>> {
        let results = table1::results(&self.config, &self.plan, &self.outcomes);
        let keys = self.plan.runs.iter().flat_map(|run| &run.observations);
        let of_cell: Vec<_> = results.iter().zip(keys).collect();
        let mut kept = Vec::new();
        let mut missing = Vec::new();
        for cell in examples::chosen_cells(&self.config) {
            let found = of_cell.iter().find(|(result, _)| result.cell == cell);
            let Some((_, keys)) = found.filter(|(result, _)| result.outcome.is_ok()) else {
                continue;
            };
            let read =
                |part: &Part| KeptExample::read(&RunPaths::of(&part.folder).example(&keys.fusion));
            // One that could not be made counts if no other shard made it.
            match parts
                .iter()
                .filter_map(read)
                .max_by_key(KeptExample::is_made)
            {
                Some(example) => kept.push(example),
                None => {
                    let name = tasks::name(&cell, self.config.experiment.seed);
                    missing.push((name, keys.singles));
                }
            }
        }
        self.refuse_missing("examples are not there", &missing, parts)?;
        Ok(kept)
    }

    fn check_complete(&self, parts: &[Part]) -> Result<()> {
        let missing = match self.config.kind() {
            Kind::Table1 => self.missing(std::slice::from_ref(&self.config), table1::PARTS),
            Kind::Sweep => {
                let design = Design::of(&self.config)?;
                self.missing(&design.runs(), design.parts())
            }
            Kind::Realmix => self.missing_mixtures(),
        };
        let missing = missing.with_context(|| {
            let plan = RunPaths::of(&parts[0].folder).plan();
            format!("{} does not fit its configuration", plan.display())
        })?;
        self.refuse_missing("observations are not finished", &missing, parts)
    }

    /// Fails with what is missing and what finishes it, unless that is nothing.
    fn refuse_missing(
        &self,
        what: &str,
        missing: &[(String, Digest)],
        parts: &[Part],
    ) -> Result<()> {
        if missing.is_empty() {
            return Ok(());
        }
        let mut said: Vec<String> = missing
            .iter()
            .take(MOST_NAMED)
            .map(|(name, _)| name.clone())
            .collect();
        if missing.len() > MOST_NAMED {
            said.push(format!("and {} more", missing.len() - MOST_NAMED));
        }
        bail!(
            "{} {what}:\n  {}\nto be finished with\n  {}",
            missing.len(),
            said.join("\n  "),
            self.commands(missing, parts).join("\n  ")
        )
    }

    /// Names and keys (of the single orders, which shards go by) of the observations with an unfinished part; nothing if
    /// other observations are planned than these.
    fn missing(&self, runs: &[Config], wanted: Parts) -> Option<Vec<(String, Digest)>> {
        let planned = self.plan.runs.iter().map(|run| run.observations.len());
        if !planned.eq(runs.iter().map(|run| grid(run).len())) {
            return None;
        }
        let mut missing = Vec::new();
        for (run, planned) in runs.iter().zip(&self.plan.runs) {
            for (cell, keys) in grid(run).iter().zip(&planned.observations) {
                if wanted
                    .keys(keys)
                    .any(|key| !self.outcomes.contains_key(&key))
                {
                    missing.push((tasks::name(cell, run.experiment.seed), keys.singles));
                }
            }
        }
        Some(missing)
    }

    /// The same of mixtures of recordings.
    fn missing_mixtures(&self) -> Option<Vec<(String, Digest)>> {
        let units = Realmix::of(&self.config).units(self.config.experiment.seed);
        let is_sound = |run: &PlannedRun| !run.mixtures.is_empty();
        if units.len() != self.plan.runs.len() || !self.plan.runs.iter().all(is_sound) {
            return None;
        }
        let mut missing = Vec::new();
        for ((speaker, seed), planned) in units.into_iter().zip(&self.plan.runs) {
            for mixture in &planned.mixtures {
                if !self.outcomes.contains_key(&mixture.key) {
                    let name = realmix::name(speaker, seed, mixture.index, mixture.snr_db);
                    missing.push((name, mixture.key));
                }
            }
        }
        Some(missing)
    }

    /// What to run for what is missing: each shard in its folder, or in one to be made.
    fn commands(&self, missing: &[(String, Digest)], parts: &[Part]) -> Vec<String> {
        let command = |shard, out: &Path| command(&self.config, &parts[0].folder, shard, out);
        let Some(count) = parts
            .iter()
            .find_map(|part| part.plan.shard)
            .map(|s| s.count)
        else {
            return vec![command(None, &parts[0].folder)];
        };
        let shards: BTreeSet<u64> = missing
            .iter()
            .map(|(_, key)| Shard::of(key, count).index.get())
            .collect();
        let of_index = |index: u64| {
            let holds = |part: &&Part| {
                let shard = part.plan.shard;
                shard.is_some_and(|shard| shard.index.get() == index && shard.count == count)
            };
            let text = format!("{index}/{count}");
            let made = format!("shard-{index}-of-{count}");
            let out = parts.iter().find(holds).map(|part| part.folder.clone());
            command(text.parse().ok(), &out.unwrap_or_else(|| made.into()))
        };
        shards.into_iter().map(of_index).collect()
    }
}

/// The command that finishes a run in the folder `out`, by the configuration recorded in `folder`.
fn command(config: &Config, folder: &Path, shard: Option<Shard>, out: &Path) -> String {
    let name = config.kind().command();
    let shard = shard.map(|shard| format!(" --shard {shard}"));
    format!(
        "experiments {name} --config {}{} --resume --out {}",
        quoted(&RunPaths::of(folder).config()),
        shard.unwrap_or_default(),
        quoted(out)
    )
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,:=@%".contains(c);
    if text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// What is wrong with runs that were stopped before they had a plan.
fn without_plan(config: &Config, folders: &[&Path]) -> String {
    let command = |folder: &&Path| {
        let paths = RunPaths::of(folder);
        let shard = match paths.work() {
            Some(Work::Shard(shard)) => Some(shard),
            _ => None,
        };
        let command = command(config, folder, shard, folder);
        // Runs of versions before this one did not record it.
        let unknown = !paths.unfinished().exists();
        let note = if unknown {
            "    (with the --shard it was begun with)"
        } else {
            ""
        };
        command + note
    };
    let paths = folders.iter().map(|folder| RunPaths::of(folder).plan());
    let paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
    let commands: Vec<String> = folders.iter().map(command).collect();
    format!(
        "stopped before there was a plan: no {}\nto be finished with\n  {}",
        paths.join(", "),
        commands.join("\n  ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_a_shell_would_read_more_into_them() {
        for (path, expected) in [
            ("shards/1-of-2", "shards/1-of-2"),
            ("my shards", "'my shards'"),
            ("it's", "'it'\\''s'"),
            ("$HOME", "'$HOME'"),
        ] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }
}
