//! Finished examples on disk, each under the key of its trial. A run that goes on does not make
//! them again, and shards bring theirs to a merge.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dsp::Stft;
use serde::{Deserialize, Serialize};

use super::{Content, Example, Maker, Signal, chosen_trials};
use crate::figures::Plot;
use crate::interrupt;
use crate::progress::Progress;
use crate::store::atomic::{self, create_folder};
use crate::store::digest::{Computed, Digest};
use crate::store::folder::KeptPaths;
use crate::store::sealed::{Sealed, open, seal};
use crate::study::design::{Run, Study};
use crate::study::estimate::{Candidate, Trial, TrialResult};
use crate::study::plan::Keys;
use crate::study::prepare::{Prepared, PreparedTrial};
use crate::study::publish::figures;
use crate::study::scores::Metric;
use crate::study::statistics::Results;
use crate::study::work::guarded;
use crate::tables::csv::{self, Labelled};
use crate::tables::rows::{ExampleRow, FreeEnergyRow};

/// What the results hold of an example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptExample {
    /// What names its trial in tables.
    labels: Vec<String>,
    /// Its rows of `examples.csv`.
    rows: Vec<ExampleRow>,
    /// By name, in base64.
    files: Vec<(String, String)>,
}

impl Sealed for KeptExample {
    const KIND: &'static str = "example";
    const VERSION: u32 = 1;
}

impl KeptExample {
    /// `in_figures`: whether it is the one that the figures of a single trial show.
    fn new(
        example: &Example,
        result: &TrialResult,
        (study, run): (&Study<'_>, &Run),
        in_figures: bool,
    ) -> Result<Self> {
        let labels = study.trial_values(run, &result.trial);
        let config = &run.config;
        let mut files = example.files(config.corpus.sample_rate_hz)?;
        if in_figures {
            let stft = Stft::new(&config.stft)?;
            let power = |signal: &Signal| stft.analyse(&signal.samples).mapv(|x| x.norm_sqr());
            let powers = example.signals.iter().map(power).collect();
            let traces = figures::free_energy(example, config);
            let spectrograms = figures::spectrograms(example, config, powers);
            files.extend([
                (
                    "free_energy.csv".to_owned(),
                    csv::write(&study.trial_columns(), free_energy_rows(example, &labels))?,
                ),
                ("free_energy.svg".to_owned(), traces.svg()?),
                ("free_energy.png".to_owned(), traces.png()?),
                ("spectrograms.png".to_owned(), spectrograms.png()?),
            ]);
        }
        let encoded = |(name, bytes)| (name, STANDARD.encode::<Vec<u8>>(bytes));
        Ok(Self {
            labels,
            rows: example
                .signals
                .iter()
                .map(|it| row(example, it, result))
                .collect(),
            files: files.into_iter().map(encoded).collect(),
        })
    }

    /// One that could not be made: the run is complete without it. It is tried again when the run
    /// goes on.
    fn failed() -> Self {
        Self {
            labels: Vec::new(),
            rows: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Whether it could be made.
    pub(crate) fn is_made(&self) -> bool {
        !self.files.is_empty()
    }

    /// Its rows of `examples.csv`.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Labelled<ExampleRow>> {
        self.rows.iter().map(|row| Labelled {
            labels: self.labels.clone(),
            row: row.clone(),
        })
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

/// The key of the example of a trial: of what determines its signals, and of what names them.
/// `trials`: all of the run.
pub(crate) fn example_key(
    (study, run): (&Study<'_>, &Run),
    trial: &Trial,
    keys: &Keys,
    trials: &[Trial],
) -> Result<Digest> {
    #[derive(Serialize)]
    struct ExampleInputs<'a> {
        computed: Computed,
        trial: Digest,
        columns: Vec<&'a str>,
        labels: Vec<String>,
        name: String,
        tempering: String,
        in_figures: bool,
    }
    Ok(Digest::of_value(&ExampleInputs {
        computed: Computed::new("example"),
        trial: keys.whole(),
        columns: study.trial_columns(),
        labels: study.trial_values(run, trial),
        name: run.trial_name(trial),
        tempering: figures::tempering(&run.config),
        in_figures: is_in_figures(run, trial, trials),
    })?)
}

/// Whether the figures of a single trial show this one: the middle one of those that are chosen.
fn is_in_figures(run: &Run, trial: &Trial, trials: &[Trial]) -> bool {
    let chosen = chosen_trials(run, trials);
    chosen.get(chosen.len() / 2) == Some(trial)
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
                method: trace.candidate.name().to_owned(),
                order: match trace.candidate {
                    Candidate::Order(order) => Some(order),
                    Candidate::Mixture | Candidate::Method(_) => None,
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
    // Where there is no result, the table says what failed, or it is another shard's.
    let is_wanted = |(trial, result): &(&PreparedTrial, &TrialResult)| {
        chosen.contains(&trial.trial) && result.errors.is_empty()
    };
    let all = run.trials.iter().zip(results);
    let mut wanted: Vec<_> = all.filter(is_wanted).collect();
    wanted.sort_by(|(a, _), (b, _)| a.trial.snr_db.total_cmp(&b.trial.snr_db));
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let maker = Maker::new(run)?;
    let stage = progress.stage("examples", wanted.len());
    let mut examples = Vec::new();
    for (trial, result) in wanted {
        interrupt::check()?;
        let about = (prepared.study, run.run);
        let path = kept.example(&example_key(about, &trial.trial, &trial.keys, &trials)?);
        stage.step();
        if let Some(example) = KeptExample::read(&path).filter(KeptExample::is_made) {
            examples.push(example);
            continue;
        }
        let made = guarded(|| {
            let made = maker.make(trial, result)?;
            let in_figures = is_in_figures(run.run, &trial.trial, &trials);
            KeptExample::new(&made, result, about, in_figures)
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
        let example = KeptExample {
            labels: vec!["1".to_owned(), "0".to_owned()],
            rows: Vec::new(),
            files: vec![("audio/a.wav".to_owned(), STANDARD.encode([0, 255, 10]))],
        };
        assert_eq!(KeptExample::read(&path), None);
        example.write(&path).unwrap();
        assert_eq!(KeptExample::read(&path).as_ref(), Some(&example));
        let files = example.files().unwrap();
        assert_eq!(files, [("audio/a.wav".to_owned(), vec![0, 255, 10])]);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("audio/a", "audio/b")).unwrap();
        assert_eq!(KeptExample::read(&path), None);
        assert!(example.is_made());
        KeptExample::failed().write(&path).unwrap();
        assert!(!KeptExample::read(&path).unwrap().is_made());
    }
}
