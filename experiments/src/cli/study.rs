//! `table1`, `sweep` and `realmix`: the studies, which differ in their configurations.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;

use super::chosen_config::ChosenConfig;
use super::ending::{Ending, Failure, announce, ending, say_left_out};
use super::numbers::parse_count;
use super::threads::start_threads;
use crate::config::{self, Config, EmbeddedConfig, Kind};
use crate::progress::Progress;
use crate::store::folder::RunFolder;
use crate::store::shard::Shard;
use crate::study::design::Study;
use crate::study::examples::Export;
use crate::study::prepare::Conduct;
use crate::{interrupt, study};

/// Options of every study.
#[derive(Debug, Args)]
pub(crate) struct StudyArguments {
    #[command(flatten)]
    chosen: ChosenConfig,

    /// Threads; without it, one per processor. Results do not depend on it
    #[arg(long, value_name = "N", value_parser = parse_count)]
    jobs: Option<NonZeroUsize>,

    /// Folder of the results; without it, results/<experiment.name>. What is finished there and
    /// fits the configuration is taken, the rest is done
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Overwrite the tables of another configuration
    #[arg(long)]
    force: bool,

    /// Go on where a run stopped. Every run does: kept for scripts, it changes nothing
    #[arg(long)]
    resume: bool,

    /// Stop at the first trial that fails, instead of recording it and going on
    #[arg(long)]
    fail_fast: bool,

    /// Leave out files of the corpus that cannot be used, instead of stopping before the work; the
    /// same as --set corpus.skip_unusable=true
    #[arg(long)]
    skip_unusable: bool,

    /// Do the i-th of n shares of the trials, for `merge` to put together; no tables are written
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,

    /// Learn the dictionaries into the cache and stop, so that shards which share it need not
    #[arg(long)]
    dictionaries_only: bool,

    /// Folder of learned dictionaries, which several runs may share; without it, cache/ in the
    /// results folder
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,

    /// Write the signals of all trials to a folder: mixture/, reference/SOURCE/ and
    /// estimate/METHOD/SOURCE/, one file name per trial, as WAV files of 32-bit floats. What is
    /// there already is not made again
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,

    /// Compare the estimates of another program: a folder named like its method that holds
    /// speech/, a file for each trial under the name that --export gives it (repeatable; in the
    /// place of evaluation.estimates)
    #[arg(long, value_name = "DIR")]
    estimates: Vec<PathBuf>,

    /// Report no progress, warnings only
    #[arg(long, short)]
    quiet: bool,
}

impl StudyArguments {
    /// Runs a study of the kind that the command is for.
    ///
    /// # Errors
    /// A configuration that is not valid or of another kind, a run that fails.
    pub(crate) fn run(&self, kind: Kind) -> Result<Ending, Failure> {
        let config = configuration(self, kind).map_err(Failure::Usage)?;
        // What is wrong with a value of an axis is found out here.
        let study = Study::new(&config).with_context(|| self.chosen.name());
        let study = study.map_err(Failure::Usage)?;
        let conduct = Conduct {
            fail_fast: self.fail_fast,
            shard: self.shard,
            dictionaries_only: self.dictionaries_only,
            exports: self.export.is_some(),
        };
        let default_out = || Path::new("results").join(&config.experiment.name);
        let out = self.out.clone().unwrap_or_else(default_out);
        let progress = Progress::new(self.quiet);
        let work = || -> anyhow::Result<study::publish::Ending> {
            let text = toml::to_string(&config)?;
            let mut folder =
                RunFolder::claim(&out, text, self.force)?.with_cache(self.cache.clone());
            let export = self.export.as_deref();
            let export = export
                .map(|folder| Export::claim(folder, &out, &study))
                .transpose()?;
            interrupt::install();
            let pool = start_threads(self.jobs)?;
            pool.install(|| study::run(&study, &mut folder, conduct, export.as_ref(), progress))
        };
        let done = work().map_err(Failure::Run)?;
        let said = match (done.table, conduct.shard) {
            (Some(table), _) => table,
            (None, _) if conduct.dictionaries_only => {
                "The dictionaries are learned; the next run takes them.".to_owned()
            }
            (None, shard) => {
                let shard = shard.map(|shard| format!("Shard {shard} is done. "));
                format!(
                    "{}When all shards are done: vbnmf merge <their folders> --out <folder>",
                    shard.unwrap_or_default()
                )
            }
        };
        announce(&(said + &say_left_out(done.left_out)), &out)?;
        Ok(ending(done.failures, progress))
    }
}

fn configuration(arguments: &StudyArguments, kind: Kind) -> anyhow::Result<Config> {
    let chosen = &arguments.chosen;
    let mut sources = chosen.sources();
    if arguments.skip_unusable {
        sources.set.push("corpus.skip_unusable=true".to_owned());
    }
    if !arguments.estimates.is_empty() {
        let folders: Vec<toml::Value> = arguments
            .estimates
            .iter()
            .map(|folder| match folder.to_str() {
                Some(text) => Ok(toml::Value::from(text)),
                None => Err(anyhow!(
                    "--estimates {}: not a name in UTF-8",
                    folder.display()
                )),
            })
            .collect::<anyhow::Result<_>>()?;
        sources.set.push(format!(
            "evaluation.estimates={}",
            toml::Value::Array(folders)
        ));
    }
    let embedded = match kind {
        Kind::Table1 | Kind::Sweep => EmbeddedConfig::TABLE1,
        Kind::Realmix => EmbeddedConfig::REALMIX,
    };
    let config = config::load(&sources, embedded)?;
    let found = config.kind();
    if found != kind {
        let has = found.sign();
        let other = found.command();
        let command = kind.command();
        let wanted = kind.sign();
        // Nobody who names no configuration means the other command.
        let advice = match chosen.is_default() && sources.set.is_empty() {
            true => format!(
                "`vbnmf {command}` is for {wanted}: choose one with --config, for example {}",
                EmbeddedConfig::names_of(kind).join(", ")
            ),
            false => format!("run it with `vbnmf {other}`; `vbnmf {command}` is for {wanted}"),
        };
        return Err(anyhow!("{} has {has}: {advice}", chosen.name()));
    }
    Ok(config)
}
