//! Putting the shards of a run together. Only what the shards recorded is read: no corpus, no
//! dictionaries.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use toml::Table;

use super::design::{Run, Study};
use super::estimate::{Estimate, Outcomes};
use super::examples::{KeptExample, chosen_trials, example_key, shown_in_figures};
use super::plan::{Plan, PlannedTrial};
use super::publish::{Ending, Publication};
use super::results;
use crate::clock::Stopwatch;
use crate::config::{self, Config, EmbeddedConfig, Sources};
use crate::progress::Progress;
use crate::store::configuration::{differences, recorded};
use crate::store::digest::Digest;
use crate::store::folder::{KeptPaths, RunFolder};
use crate::store::lock::FolderLock;
use crate::store::records::Contents;
use crate::store::refused::Refused;
use crate::store::shard::Shard;

/// Most missing trials that are named one by one.
const MOST_NAMED: usize = 20;

/// What shards recorded, in agreement with each other and complete.
#[derive(Debug)]
pub(crate) struct Merged {
    /// The configuration of all of them.
    pub(crate) config: Config,
    plan: Plan,
    outcomes: Outcomes,
    examples: Vec<KeptExample>,
}

impl Merged {
    /// Reads and checks shards.
    ///
    /// # Errors
    /// [`Refused`] for a folder that holds no run, for a configuration that is not valid, and for
    /// shards of different configurations or plans. A run under way; files that cannot be read;
    /// different results of one trial; trials and examples that are in no shard, and shards that
    /// were stopped before they had a plan, with what finishes them.
    pub(crate) fn read(paths: &[PathBuf], progress: Progress) -> Result<Self> {
        let shards = Shards::open(paths, progress)?;
        let study = Study::new(&shards.config)?;
        shards.check_complete(&study)?;
        let examples = match study.shows_trials() {
            true => shards.examples(&study)?,
            false => Vec::new(),
        };
        Ok(Self {
            examples,
            config: shards.config,
            plan: shards.plan,
            outcomes: shards.outcomes,
        })
    }

    /// Writes the tables that a run on one machine would have written, without times.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub(crate) fn publish(&self, folder: &RunFolder) -> Result<Ending> {
        let stopwatch = Stopwatch::start();
        let study = Study::new(&self.config)?;
        let publication = Publication {
            study: &study,
            corpus: &self.plan.corpus(),
            left_out: &self.plan.left_out,
            results: &results(&study, &self.plan, &self.outcomes),
            examples: &self.examples,
            times: &Err("the results were merged from shards, which are not timed".to_owned()),
        };
        publication.publish(folder, stopwatch)
    }
}

/// Shards that are being read.
struct Shards {
    config: Config,
    plan: Plan,
    outcomes: Outcomes,
    folders: Vec<ShardFolder>,
}

struct ShardFolder {
    path: PathBuf,
    kept: KeptPaths,
    shard: Option<Shard>,
    /// Held until all is read: a run under way would go on writing it.
    _lock: Option<FolderLock>,
}

impl ShardFolder {
    fn open(path: &Path) -> Result<Self> {
        let kept = KeptPaths::new(path);
        Ok(Self {
            _lock: FolderLock::share(&kept.lock(), path)?,
            shard: kept.shard(),
            path: path.to_owned(),
            kept,
        })
    }

    /// The configuration of the run in it.
    fn config(&self) -> Result<Table> {
        recorded(&self.kept.config())?.with_context(|| {
            let (folder, missing) = (self.path.display(), self.kept.config());
            Refused(format!(
                "{folder} holds no run: there is no {}",
                missing.display()
            ))
        })
    }
}

impl Shards {
    /// Reads shards and checks that they are of one run.
    fn open(paths: &[PathBuf], progress: Progress) -> Result<Self> {
        let folders: Vec<ShardFolder> = paths
            .iter()
            .map(|path| ShardFolder::open(path))
            .collect::<Result<_>>()?;
        let first = folders.first().context("no folder to merge")?;
        let first_config = first.config()?;
        for folder in &folders[1..] {
            let differing = differences(&first_config, &folder.config()?);
            ensure!(
                differing.is_empty(),
                Refused(format!(
                    "{} and {} are of different configurations\n  {}",
                    first.path.display(),
                    folder.path.display(),
                    differing.join("\n  ")
                ))
            );
        }
        let sources = Sources {
            file: Some(first.kept.config()),
            ..Sources::default()
        };
        let config = config::load(&sources, EmbeddedConfig::TABLE1).context(Refused(
            "the configuration of the shards is not valid".to_owned(),
        ))?;
        let (planned, unplanned): (Vec<&ShardFolder>, Vec<&ShardFolder>) = folders
            .iter()
            .partition(|folder| folder.kept.plan().exists());
        ensure!(unplanned.is_empty(), without_plan(&config, &unplanned));
        Ok(Self {
            plan: common_plan(&planned)?,
            outcomes: read_outcomes(&planned, progress)?,
            folders,
            config,
        })
    }

    fn check_complete(&self, study: &Study<'_>) -> Result<()> {
        ensure!(self.plan.fits(&study.runs), {
            let plan = self.folders[0].kept.plan();
            format!("{} does not fit its configuration", plan.display())
        });
        let parts = study.parts();
        let is_missing = |(_, planned): &(&Run, &PlannedTrial)| {
            let mut keys = parts.iter().map(|&part| planned.keys.part(part));
            keys.any(|key| key.is_none_or(|key| !self.outcomes.contains_key(&key)))
        };
        let runs = study.runs.iter().zip(&self.plan.runs);
        let trials = runs.flat_map(|(run, planned)| planned.trials.iter().map(move |it| (run, it)));
        let missing: Vec<_> = trials.filter(is_missing).collect();
        self.refuse_missing("trials are not finished", &missing)
    }

    /// The examples that the shards kept, of all chosen trials that did not fail. Without them the
    /// results are not those of one run.
    fn examples(&self, study: &Study<'_>) -> Result<Vec<KeptExample>> {
        let (run, planned) = (&study.runs[0], &self.plan.runs[0].trials);
        let trials: Vec<_> = planned.iter().map(|planned| planned.trial).collect();
        let parts = study.parts();
        let mut kept = Vec::new();
        let mut missing = Vec::new();
        let chosen = chosen_trials(run, &trials);
        let outcome = |key| self.outcomes.get(&key);
        for trial in &chosen {
            let is_done = |planned: &&PlannedTrial| {
                let mut keys = parts.iter().map(|&part| planned.keys.part(part));
                planned.trial == *trial
                    && keys.all(|key| matches!(key.and_then(outcome), Some(Ok(_))))
            };
            let Some(planned) = planned.iter().find(is_done) else {
                continue;
            };
            let in_figures = shown_in_figures(run, &chosen) == Some(trial);
            let key = example_key((study, run), trial, &planned.keys, in_figures)?;
            let read = |folder: &ShardFolder| KeptExample::read(&folder.kept.example(&key));
            // One that could not be made counts if no other shard made it.
            let found = self.folders.iter().filter_map(read);
            match found.max_by_key(KeptExample::is_made) {
                Some(example) => kept.push(example),
                None => missing.push((run, planned)),
            }
        }
        self.refuse_missing("examples are not there", &missing)?;
        Ok(kept)
    }

    /// Fails with what is missing and what finishes it, unless that is nothing.
    fn refuse_missing(&self, what: &str, missing: &[(&Run, &PlannedTrial)]) -> Result<()> {
        if missing.is_empty() {
            return Ok(());
        }
        let named = missing.iter().take(MOST_NAMED);
        let mut said: Vec<String> = named.map(|(run, it)| run.trial_name(&it.trial)).collect();
        if missing.len() > MOST_NAMED {
            said.push(format!("and {} more", missing.len() - MOST_NAMED));
        }
        let keys = missing.iter().map(|(_, planned)| planned.keys.shared());
        bail!(
            "{} {what}:\n  {}\nto be finished with\n  {}",
            missing.len(),
            said.join("\n  "),
            self.commands(keys).join("\n  ")
        )
    }

    /// What to run for trials with these keys: each shard in its folder, or in one to be made.
    fn commands(&self, keys: impl Iterator<Item = Digest>) -> Vec<String> {
        let first = &self.folders[0];
        let command = |shard, out: &Path| command(&self.config, &first.kept, shard, out);
        let shard = self.folders.iter().find_map(|folder| folder.shard);
        let Some(count) = shard.map(|shard| shard.count) else {
            return vec![command(None, &first.path)];
        };
        let shards: BTreeSet<Shard> = keys.map(|key| Shard::of_key(&key, count)).collect();
        let of_shard = |shard: Shard| {
            let made = || PathBuf::from(format!("shard-{}-of-{count}", shard.index));
            let folder = self.folders.iter().find(|it| it.shard == Some(shard));
            command(
                Some(shard),
                &folder.map_or_else(made, |folder| folder.path.clone()),
            )
        };
        shards.into_iter().map(of_shard).collect()
    }
}

/// The plan that all shards recorded, with the files that any of them left out.
fn common_plan(folders: &[&ShardFolder]) -> Result<Plan> {
    let mut common: Option<Plan> = None;
    for folder in folders {
        let plan = Plan::read(&folder.kept.plan())?;
        let first = common.get_or_insert_with(|| plan.clone());
        ensure!(
            first.runs == plan.runs,
            Refused(format!(
                "{} and {} have the same configuration and different trials: their corpora or \
                 programs differ",
                folders[0].path.display(),
                folder.path.display()
            ))
        );
        for file in plan.left_out {
            if !first.left_out.contains(&file) {
                first.left_out.push(file);
            }
        }
    }
    common.context("no folder to merge")
}

/// What all shards recorded. Failures are tried again, so a result counts more than they do.
fn read_outcomes(folders: &[&ShardFolder], progress: Progress) -> Result<Outcomes> {
    let mut outcomes = Outcomes::new();
    for folder in folders {
        let path = folder.kept.records();
        let contents = Contents::<Vec<Estimate>>::read(&path)?;
        if let Some(damage) = contents.damage(&path) {
            progress.warn(damage);
        }
        for (key, outcome) in contents.outcomes {
            match (outcomes.get(&key), &outcome) {
                (Some(Ok(known)), Ok(found)) => ensure!(
                    known == found,
                    "{} has other results of a trial than the shards before it (key {key})",
                    folder.path.display()
                ),
                (Some(Ok(_)), Err(_)) => {}
                (None | Some(Err(_)), _) => {
                    outcomes.insert(key, outcome);
                }
            }
        }
    }
    Ok(outcomes)
}

/// The command that finishes a run in the folder `out`, by the configuration recorded elsewhere.
fn command(config: &Config, recorded: &KeptPaths, shard: Option<Shard>, out: &Path) -> String {
    let name = config.kind().command();
    let shard = shard.map(|shard| format!(" --shard {shard}"));
    format!(
        "vbnmf {name} --config {}{} --out {}",
        quote(&recorded.config()),
        shard.unwrap_or_default(),
        quote(out)
    )
}

/// A path as a shell reads it.
fn quote(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,:=@%".contains(c);
    if text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// What is wrong with runs that were stopped before they had a plan.
fn without_plan(config: &Config, folders: &[&ShardFolder]) -> String {
    let command = |folder: &&ShardFolder| command(config, &folder.kept, folder.shard, &folder.path);
    let path = |folder: &&ShardFolder| folder.kept.plan().display().to_string();
    let paths: Vec<String> = folders.iter().map(path).collect();
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
            assert_eq!(quote(Path::new(path)), expected);
        }
    }
}
