//! The signals of all trials as files, for other programs: in the layout of examples, but all of
//! them, without gain, and in floats.
//!
//! `trials.csv` names the trials with digests of what determines them. It is written first and
//! never replaced, and a folder with another one is refused, so that files which are there already
//! are known to be those of this study: a run that goes on, and shards that share the folder,
//! leave them as they are.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail, ensure};
use dsp::wav::{Encoding, to_bytes};
use model::Execution;
use rayon::prelude::*;

use super::{Content, Example, Maker, Signal};
use crate::interrupt;
use crate::progress::Progress;
use crate::store::atomic::{self, create_folder};
use crate::store::folder::{AUDIO, CACHE, CELLS};
use crate::store::output::resolve_folder;
use crate::store::refused::Refused;
use crate::study::design::{Run, Study};
use crate::study::estimate::TrialResult;
use crate::study::guard::guarded;
use crate::study::methods::Method;
use crate::study::prepare::{Prepared, PreparedRun, PreparedTrial};
use crate::study::separation::choose_execution;
use crate::study::statistics::Results;
use crate::tables::csv::{self, Labelled};
use crate::tables::rows::ExportRow;

/// What names the trials in the folder.
const TRIALS: &str = "trials.csv";

/// A folder that the signals of a study may go to.
#[derive(Debug)]
pub(crate) struct Export {
    folder: PathBuf,
    /// The lines of its `trials.csv`, from when they were first found: nothing replaces them.
    lines: OnceLock<HashSet<Vec<u8>>>,
}

impl Export {
    /// Checks that the signals of a study may go to a folder, as far as its trials are known
    /// without its corpora. Nothing is created yet.
    ///
    /// `results`: the folder of the results, which has signals of its own.
    ///
    /// # Errors
    /// [`Refused`] for what is no folder, for those that the results are made of, and for one with
    /// trials of other names or with files that would be replaced; a folder that cannot be read or
    /// written.
    pub(crate) fn claim(folder: &Path, results: &Path, study: &Study<'_>) -> Result<Self> {
        ensure!(
            !folder.exists() || folder.is_dir(),
            Refused(format!("{} is not a folder (--export)", folder.display()))
        );
        let resolve = |folder: &Path, option: &str| {
            resolve_folder(folder)
                .with_context(|| format!("cannot write {} ({option})", folder.display()))
        };
        let (inner, outer) = (resolve(folder, "--export")?, resolve(results, "--out")?);
        let is_of_results = |name: &&str| inner.starts_with(outer.join(name));
        ensure!(
            inner != outer && ![AUDIO, CELLS, CACHE].iter().any(is_of_results),
            Refused(format!(
                "{} is a folder of the results (--out): choose another one (--export)",
                folder.display()
            ))
        );
        let export = Self {
            folder: folder.to_owned(),
            lines: OnceLock::new(),
        };
        if let Some(stems) = study.known_file_stems() {
            export.check_names(study, stems)?;
        }
        Ok(export)
    }

    /// Checks that the folder is for trials of these names and no others, or free for them.
    fn check_names(&self, study: &Study<'_>, stems: BTreeSet<String>) -> Result<()> {
        let Some(found) = self.read_names()? else {
            return self.refuse_files(study, stems);
        };
        let rows = csv::read::<ExportRow>(&found).map_err(|_| self.other_study())?;
        let named: BTreeSet<String> = rows.into_iter().map(|it| it.row.file).collect();
        let wanted = stems.iter().map(|stem| name_file(stem));
        ensure!(named == wanted.collect(), self.other_study());
        Ok(())
    }

    /// Checks that the signals of one run may go to the folder, before anything is learned for it.
    ///
    /// # Errors
    /// [`Refused`] for a folder with other trials, those of the same names included, or with files
    /// that would be replaced, and for two mixtures of one name in the corpus; a folder that cannot
    /// be read.
    pub(crate) fn check(
        &self,
        study: &Study<'_>,
        run: &Run,
        trials: &[PreparedTrial],
    ) -> Result<()> {
        let trials: Vec<NamedTrial<'_>> = trials.iter().map(|trial| (run, trial)).collect();
        let wanted = trials_table(study, &trials)?;
        let Some(found) = self.find_lines()? else {
            return self.refuse_files(study, file_stems(study, &trials));
        };
        let mut lines = wanted.split(|&byte| byte == b'\n');
        ensure!(lines.all(|line| found.contains(line)), self.other_study());
        Ok(())
    }

    /// Makes the folder and writes the names of the trials, unless they are there.
    ///
    /// # Errors
    /// Those of [`Export::check`], for all runs together; a folder that cannot be written.
    pub(crate) fn begin(&self, prepared: &Prepared<'_>) -> Result<()> {
        let trials = list_trials(prepared);
        let wanted = trials_table(prepared.study, &trials)?;
        if self.read_names()?.is_none() {
            self.refuse_files(prepared.study, file_stems(prepared.study, &trials))?;
            create_folder(&self.folder)?;
            atomic::write_new(&self.folder.join(TRIALS), &wanted)?;
        }
        // Another shard, or another study, may have written them meanwhile.
        let found = self.read_names()?;
        ensure!(found.is_some_and(|it| it == wanted), self.other_study());
        Ok(())
    }

    /// The lines of the names that are there.
    fn find_lines(&self) -> Result<Option<&HashSet<Vec<u8>>>> {
        if self.lines.get().is_none()
            && let Some(found) = self.read_names()?
        {
            let lines = found.split(|&byte| byte == b'\n');
            self.lines
                .get_or_init(|| lines.map(<[u8]>::to_vec).collect());
        }
        Ok(self.lines.get())
    }

    fn read_names(&self) -> Result<Option<Vec<u8>>> {
        let path = self.folder.join(TRIALS);
        match fs::read(&path) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn other_study(&self) -> Refused {
        Refused(format!(
            "{} names the trials of another study: choose another folder (--export)",
            self.folder.join(TRIALS).display()
        ))
    }

    /// Refuses files of trials in a folder without names: nothing says that they are of this study.
    fn refuse_files(
        &self,
        study: &Study<'_>,
        stems: impl IntoIterator<Item = String>,
    ) -> Result<()> {
        for stem in stems {
            for path in self.files(study, &stem) {
                // Another shard may have begun meanwhile: it writes the names before the files.
                ensure!(
                    fs::symlink_metadata(&path).is_err() || self.folder.join(TRIALS).exists(),
                    Refused(format!(
                        "{} is there, and no study wrote it: choose another folder (--export)",
                        path.display()
                    ))
                );
            }
        }
        Ok(())
    }

    /// The files of a trial.
    fn files(&self, study: &Study<'_>, stem: &str) -> Vec<PathBuf> {
        let contents = Content::all().into_iter();
        let is_wanted = |content: &Content| match content {
            Content::Estimate(method) => study.methods.contains(method),
            Content::Mixture | Content::Speech | Content::Background => true,
        };
        contents
            .filter(is_wanted)
            .map(|content| self.folder.join(content.file(stem)))
            .collect()
    }

    /// Makes the signals of all trials of this share that are not there. Of a trial that failed,
    /// which is said, only the mixture and the true sources.
    ///
    /// # Errors
    /// Settings that the model does not allow, a folder that cannot be written, an interruption.
    pub(crate) fn write(
        &self,
        prepared: &Prepared<'_>,
        results: &Results,
        progress: Progress,
    ) -> Result<()> {
        let mut missing: Vec<Missing<'_>> = Vec::new();
        for (run, results) in prepared.runs.iter().zip(results) {
            for (trial, result) in run.trials.iter().zip(results) {
                let stem = prepared.study.trial_file_stem(run.run, &trial.trial);
                let mut files = self.files(prepared.study, &stem).into_iter();
                if trial.is_included && !files.all(|file| file.is_file()) {
                    missing.push(Missing { run, trial, result });
                }
            }
        }
        let execution = choose_execution(missing.len());
        let stage = progress.stage("exporting", missing.len());
        missing.par_iter().try_for_each(|missing| {
            interrupt::check()?;
            let methods = &prepared.study.methods;
            let all = guarded(|| self.encode(missing, prepared.study, methods, execution));
            // What other programs need is the mixture.
            let files = all.or_else(|error| {
                let name = missing.run.run.trial_name(&missing.trial.trial);
                progress.warn(format_args!(
                    "{name}: estimates are not exported: {error:#}"
                ));
                guarded(|| self.encode(missing, prepared.study, &[], execution)).inspect_err(
                    |error| {
                        progress.warn(format_args!("{name} is not exported: {error:#}"));
                    },
                )
            });
            for (path, bytes) in files.unwrap_or_default() {
                create_folder(path.parent().unwrap_or(&self.folder))?;
                atomic::write(&path, &bytes)?;
            }
            stage.step();
            anyhow::Ok(())
        })?;
        stage.finish();
        Ok(())
    }

    /// The files of a trial that are not there, with the estimates of some methods.
    fn encode(
        &self,
        missing: &Missing<'_>,
        study: &Study<'_>,
        methods: &[Method],
        execution: Execution,
    ) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let sample_rate_hz = missing.run.run.config.corpus.sample_rate_hz;
        let example = missing.make(study, methods, execution)?;
        let paths = example.signals.iter().map(|signal| {
            let path = self.folder.join(signal.content.file(&example.file_stem));
            (path, signal)
        });
        let encode = |(path, signal): (PathBuf, &Signal)| {
            let bytes = to_bytes(&signal.samples, sample_rate_hz, Encoding::Float32)
                .with_context(|| format!("cannot make {}", path.display()))?;
            Ok((path, bytes))
        };
        let missing = paths.filter(|(path, _)| !path.is_file());
        missing.map(encode).collect()
    }
}

/// A trial whose signals are not all there.
struct Missing<'a> {
    run: &'a PreparedRun<'a>,
    trial: &'a PreparedTrial,
    result: &'a TrialResult,
}

impl Missing<'_> {
    fn make(&self, study: &Study<'_>, methods: &[Method], execution: Execution) -> Result<Example> {
        if let Some(error) = self.result.errors.first()
            && !methods.is_empty()
        {
            bail!("{error}");
        }
        let maker = Maker::new(study, self.run, execution)?;
        maker.make(self.trial, self.result, methods)
    }
}

/// A trial and the run that it is of.
type NamedTrial<'a> = (&'a Run, &'a PreparedTrial);

/// All trials of the study, whatever the share of them that is done here.
fn list_trials<'a>(prepared: &'a Prepared<'_>) -> Vec<NamedTrial<'a>> {
    let runs = prepared.runs.iter();
    runs.flat_map(|run| run.trials.iter().map(move |trial| (run.run, trial)))
        .collect()
}

fn file_stems<'a>(
    study: &'a Study<'_>,
    trials: &'a [NamedTrial<'_>],
) -> impl Iterator<Item = String> + 'a {
    let trials = trials.iter();
    trials.map(|(run, trial)| study.trial_file_stem(run, &trial.trial))
}

/// The files of a trial as `trials.csv` has them.
fn name_file(stem: &str) -> String {
    format!("{stem}.wav")
}

/// The names of some trials.
fn trials_table(study: &Study<'_>, trials: &[NamedTrial<'_>]) -> Result<Vec<u8>> {
    let rows: Vec<Labelled<ExportRow>> = trials
        .iter()
        .map(|(run, trial)| Labelled {
            labels: study.trial_values(run, &trial.trial),
            row: ExportRow {
                file: name_file(&study.trial_file_stem(run, &trial.trial)),
                sample_rate_hz: run.config.corpus.sample_rate_hz,
                samples: trial.samples,
                key: trial.keys.whole().to_string(),
            },
        })
        .collect();
    let mut names: Vec<&str> = rows.iter().map(|it| it.row.file.as_str()).collect();
    names.sort_unstable();
    let repeated = names.windows(2).find(|pair| pair[0] == pair[1]);
    ensure!(
        repeated.is_none(),
        Refused(format!(
            "two mixtures of the corpus would have the file name {} (--export)",
            repeated.map_or("", |pair| pair[0])
        ))
    );
    csv::write(&study.trial_columns(), rows)
}
