//! Finished examples on disk, each under a digest of all that determines it. A run that goes on
//! does not make them again, and shards bring theirs to a merge.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::Execution;
use serde::{Deserialize, Serialize};

use super::{Content, Example, Maker, Signal, chosen_trials, shown_in_figures};
use crate::interrupt;
use crate::progress::Progress;
use crate::store::atomic::{self, create_folder};
use crate::store::digest::{Computed, Digest};
use crate::store::folder::KeptPaths;
use crate::store::sealed::{Sealed, open, seal};
use crate::study::design::{Run, Study};
use crate::study::estimate::{Candidate, Trial, TrialResult};
use crate::study::guard::guarded;
use crate::study::methods::Method;
use crate::study::plan::Keys;
use crate::study::prepare::{Prepared, PreparedTrial};
use crate::study::scores::Metric;
use crate::study::statistics::Results;
use crate::tables::csv::{self, Labelled};
use crate::tables::rows::{ExampleRow, FreeEnergyRow};

/// What the results hold of an example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptExample {
    /// Its part of `examples.csv`, with the header; empty if it could not be made.
    table: String,
    /// By name, in base64.
    files: Vec<(String, String)>,
}

impl Sealed for KeptExample {
    const KIND: &'static str = "example";
    const VERSION: u32 = 1;
}

/// All that determines what is kept of an example.
#[derive(Serialize)]
struct ExampleInputs {
    computed: Computed,
    /// The key of its trial.
    trial: Digest,
    /// What names it in tables and files.
    labels: Vec<String>,
    file_stem: String,
    /// In the headers of its files.
    sample_rate_hz: u32,
    /// Whether its free energies are kept.
    in_figures: bool,
}

/// The key of an example; `in_figures`: whether it is the one that the figures of a single trial
/// show.
///
/// # Errors
/// Never: all inputs have a JSON form.
pub(crate) fn example_key(
    (study, run): (&Study<'_>, &Run),
    trial: &Trial,
    keys: &Keys,
    in_figures: bool,
) -> Result<Digest> {
    Ok(Digest::of_value(&ExampleInputs {
        computed: Computed::new("example"),
        trial: keys.whole(),
        labels: study.trial_values(run, trial),
        file_stem: study.trial_file_stem(run, trial),
        sample_rate_hz: run.config.corpus.sample_rate_hz,
        in_figures,
    })?)
}

impl KeptExample {
    /// `in_figures`: as for [`example_key`].
    fn new(
        example: &Example,
        result: &TrialResult,
        (study, run): (&Study<'_>, &Run),
        in_figures: bool,
    ) -> Result<Self> {
        let labels = study.trial_values(run, &result.trial);
        let mut files = example.files(run.config.corpus.sample_rate_hz)?;
        if in_figures {
            let rows = free_energy_rows(example, &labels);
            let table = csv::write(&study.trial_columns(), rows)?;
            files.push(("free_energy.csv".to_owned(), table));
        }
        let rows = example.signals.iter().map(|signal| Labelled {
            labels: labels.clone(),
            row: row(example, signal, result),
        });
        let encoded = |(name, bytes)| (name, STANDARD.encode::<Vec<u8>>(bytes));
        Ok(Self {
            table: String::from_utf8(csv::write(&study.trial_columns(), rows)?)?,
            files: files.into_iter().map(encoded).collect(),
        })
    }

    /// One that could not be made: the run is complete without it. It is tried again when the run
    /// goes on.
    fn failed() -> Self {
        Self {
            table: String::new(),
            files: Vec::new(),
        }
    }

    /// Whether it could be made.
    pub(crate) fn is_made(&self) -> bool {
        !self.files.is_empty()
    }

    /// Its rows of `examples.csv`.
    ///
    /// # Errors
    /// A table of other columns.
    pub(crate) fn rows(&self) -> Result<Vec<Labelled<ExampleRow>>> {
        match self.is_made() {
            true => csv::read(self.table.as_bytes()),
            false => Ok(Vec::new()),
        }
    }

    /// Its files, by name in the results folder.
    ///
    /// # Errors
    /// None of what [`KeptExample::read`] returns.
    pub(crate) fn files(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let decoded = |(name, text): &(String, String)| {
            let bytes = STANDARD.decode(text).context("an example is damaged")?;
            Ok((name.clone(), bytes))
        };
        self.files.iter().map(decoded).collect()
    }

    /// A kept example; none if it is not there, damaged, or of another version.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        open(&fs::read(path).ok()?).sound()
    }

    fn write(&self, path: &Path) -> Result<()> {
        create_folder(path.parent().unwrap_or(path))?;
        atomic::write(path, &seal(self)?)
    }
}

fn row(example: &Example, signal: &Signal, result: &TrialResult) -> ExampleRow {
    ExampleRow {
        signal: signal.content.name().to_owned(),
        order: signal.order,
        sdr_db: match signal.content {
            Content::Estimate(method) => result.score(Candidate::Method(method), Metric::Sdr),
            Content::Mixture | Content::Speech | Content::Background => None,
        },
        gain: example.gain,
        file: example.file(signal),
    }
}

fn free_energy_rows(
    example: &Example,
    labels: &[String],
) -> impl Iterator<Item = Labelled<FreeEnergyRow>> {
    example.traces.iter().flat_map(move |trace| {
        let values = trace.free_energy.iter().enumerate();
        values.map(move |(index, &free_energy)| Labelled {
            labels: labels.to_vec(),
            row: FreeEnergyRow {
                method: trace.candidate.name().into_owned(),
                order: match trace.candidate {
                    Candidate::Order(order) => Some(order),
                    Candidate::Mixture | Candidate::Method(_) | Candidate::Foreign(_) => None,
                },
                iteration: index + 1,
                free_energy: Some(free_energy),
            },
        })
    })
}

/// The examples of the first run of a study, of trials whose results are there, from disk or made
/// now. One that cannot be made is said and left out.
///
/// # Errors
/// Settings that the model does not allow, a folder that cannot be written, an interruption.
pub(crate) fn keep(
    prepared: &Prepared<'_>,
    results: &Results,
    kept: &KeptPaths,
    progress: Progress,
) -> Result<Vec<KeptExample>> {
    let (run, results) = (&prepared.runs[0], &results[0]);
    let trials: Vec<_> = run.trials.iter().map(|trial| trial.trial).collect();
    let chosen = chosen_trials(run.run, &trials);
    let in_figures = shown_in_figures(run.run, &chosen);
    // Where there is no result, the table says what failed, or it is another shard's.
    let is_wanted = |(trial, result): &(&PreparedTrial, &TrialResult)| {
        chosen.contains(&trial.trial) && result.errors.is_empty()
    };
    let all = run.trials.iter().zip(results);
    let mut wanted: Vec<_> = all.filter(is_wanted).collect();
    // A merge has them in the same order.
    wanted.sort_by_key(|(trial, _)| chosen.iter().position(|other| *other == trial.trial));
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let maker = Maker::new(prepared.study, run, Execution::Parallel)?;
    let stage = progress.stage("examples", wanted.len());
    let mut examples = Vec::new();
    for (trial, result) in wanted {
        interrupt::check()?;
        let in_figures = in_figures == Some(&trial.trial);
        let of_run = (prepared.study, run.run);
        let path = kept.example(&example_key(of_run, &trial.trial, &trial.keys, in_figures)?);
        stage.step();
        if let Some(example) = KeptExample::read(&path).filter(KeptExample::is_made) {
            examples.push(example);
            continue;
        }
        let made = guarded(|| {
            let made = maker.make(trial, result, &Method::ALL)?;
            KeptExample::new(&made, result, of_run, in_figures)
        });
        match made {
            Ok(example) => {
                example.write(&path)?;
                examples.push(example);
            }
            // Without it the results still stand.
            Err(error) => {
                let name = run.run.trial_name(&trial.trial);
                progress.warn(format_args!("there is no example of {name}: {error:#}"));
                KeptExample::failed().write(&path)?;
            }
        }
    }
    stage.finish();
    Ok(examples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_read_back_and_damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("examples/one");
        let row = Labelled {
            labels: vec!["1".to_owned(), "0".to_owned()],
            row: ExampleRow {
                signal: "vb_selection".to_owned(),
                order: Some(4),
                sdr_db: Some(-1.25),
                gain: 1.242_632,
                file: "audio/a.wav".to_owned(),
            },
        };
        let table = csv::write(&["seed", "snr_db"], [row.clone()]).unwrap();
        let example = KeptExample {
            table: String::from_utf8(table).unwrap(),
            files: vec![("audio/a.wav".to_owned(), STANDARD.encode([0, 255, 10]))],
        };
        assert_eq!(KeptExample::read(&path), None);
        example.write(&path).unwrap();
        assert_eq!(KeptExample::read(&path).as_ref(), Some(&example));
        assert_eq!(example.rows().unwrap(), [row]);
        let files = example.files().unwrap();
        assert_eq!(files, [("audio/a.wav".to_owned(), vec![0, 255, 10])]);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("audio/a", "audio/b")).unwrap();
        assert_eq!(KeptExample::read(&path), None);
        assert!(example.is_made());
        KeptExample::failed().write(&path).unwrap();
        let failed = KeptExample::read(&path).unwrap();
        assert!(!failed.is_made() && failed.rows().unwrap().is_empty());
    }
}
