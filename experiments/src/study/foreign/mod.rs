//! Estimates that another program made of the mixtures of a study: a folder for each method, with
//! a file for each trial. They are scored and tabled as the study's own are.
//!
//! Which files there have to be is known by the names of the trials, and all that is wrong with
//! any of them is said at once, before the work.

mod name;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use dsp::audio::{read_channels, read_mono};
use rayon::prelude::*;

use crate::corpus::list_audio_files;
use crate::interrupt;
use crate::store::digest::Digest;
use crate::store::folder::SPEECH;
use crate::store::refused::Refused;

pub(crate) use name::{ForeignName, NameError};

/// The key of a configuration that folders of estimates are given by.
const KEY: &str = "evaluation.estimates";
/// Most problems that are told one by one.
const MOST_TOLD: usize = 20;

/// A method of another program: its name and the folder of its estimates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignMethod {
    pub(crate) name: ForeignName,
    folder: PathBuf,
}

impl ForeignMethod {
    /// The method whose estimates are in a folder, named after it.
    ///
    /// # Errors
    /// A folder whose name is none for a method.
    pub(crate) fn new(folder: &Path) -> Result<Self, NameError> {
        let name = folder.file_name().unwrap_or_default();
        Ok(Self {
            name: ForeignName::new(&name.to_string_lossy())?,
            folder: folder.to_owned(),
        })
    }

    fn speech(&self) -> PathBuf {
        self.folder.join(SPEECH)
    }
}

/// The estimate of one trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignSignal {
    pub(crate) name: ForeignName,
    path: PathBuf,
    /// Of its samples.
    pub(crate) digest: Digest,
}

impl ForeignSignal {
    /// Reads the samples again.
    ///
    /// # Errors
    /// A file that is no longer what it was when the study began.
    pub(crate) fn read(&self) -> Result<Vec<f64>> {
        let samples = read_mono(&self.path)?.samples;
        ensure!(
            Digest::of_samples(&samples) == self.digest,
            "{} was changed while the study ran",
            self.path.display()
        );
        Ok(samples)
    }
}

/// A file of a folder of estimates.
#[derive(Debug)]
struct Found {
    path: PathBuf,
    /// Nothing of a file that cannot be used, which is told once.
    signal: Option<SignalFacts>,
    /// Whether a trial has taken it.
    is_taken: bool,
}

/// What is known of the samples of a file.
#[derive(Debug)]
struct SignalFacts {
    samples: usize,
    sample_rate_hz: u32,
    digest: Digest,
}

/// The estimates of all foreign methods of a study, each looked at once.
#[derive(Debug)]
pub(crate) struct ForeignEstimates {
    /// By method, then by the name of the trial.
    methods: Vec<(ForeignMethod, BTreeMap<String, Found>)>,
    problems: Vec<String>,
}

impl ForeignEstimates {
    /// Reads all files. What is wrong with them is told by [`ForeignEstimates::check`].
    ///
    /// # Errors
    /// [`Refused`] for a folder that is not there or holds no audio file; an interruption.
    pub(crate) fn read(methods: &[ForeignMethod]) -> Result<Self> {
        let mut estimates = Self {
            methods: Vec::new(),
            problems: Vec::new(),
        };
        for method in methods {
            let listed = list_audio_files(&method.speech(), KEY, |_| false);
            let paths = listed.map_err(|error| {
                let folder = method.folder.display();
                Refused(format!(
                    "{error:#}: estimates of the method {} are {folder}/{SPEECH}/TRIAL.wav",
                    method.name
                ))
            })?;
            let look_at = |path: PathBuf| {
                interrupt::check()?;
                let signal = SignalFacts::read(&path);
                Ok((path, signal))
            };
            let looked_at: Vec<_> = paths.into_par_iter().map(look_at).collect::<Result<_>>()?;
            let mut files: BTreeMap<String, Found> = BTreeMap::new();
            for (path, signal) in looked_at {
                let signal = match signal {
                    Ok(signal) => Some(signal),
                    Err(error) => {
                        estimates.problems.push(format!("{error:#}"));
                        None
                    }
                };
                let trial = path.file_stem().unwrap_or_default();
                let trial = trial.to_string_lossy().into_owned();
                let found = Found {
                    path,
                    signal,
                    is_taken: false,
                };
                if let Some(other) = files.insert(trial, found) {
                    let path = other.path.display();
                    let problem = format!("{path}: another file there is of the same trial");
                    estimates.problems.push(problem);
                }
            }
            estimates.methods.push((method.clone(), files));
        }
        Ok(estimates)
    }

    /// Compares the files with the names of all trials of the study.
    ///
    /// # Errors
    /// [`Refused`] for what is missing, what is of no trial, and all that was found before.
    pub(crate) fn check_names(&mut self, trials: &BTreeSet<String>) -> Result<()> {
        for (method, files) in &self.methods {
            for trial in trials.iter().filter(|&trial| !files.contains_key(trial)) {
                self.problems.push(missing(method, trial));
            }
            for (_, found) in files.iter().filter(|&(trial, _)| !trials.contains(trial)) {
                let path = found.path.display();
                let problem = format!("{path}: the study has no trial of this name");
                self.problems.push(problem);
            }
        }
        self.check()
    }

    /// The estimates of one trial by all methods. What is missing, or does not fit the mixture, is
    /// kept for [`ForeignEstimates::check`].
    ///
    /// `trial`: the name of its files. `samples`: the length of its mixture.
    pub(crate) fn take(
        &mut self,
        trial: &str,
        samples: usize,
        sample_rate_hz: u32,
    ) -> Vec<ForeignSignal> {
        let mut signals = Vec::new();
        for (method, files) in &mut self.methods {
            let Some(found) = files.get_mut(trial) else {
                self.problems.push(missing(method, trial));
                continue;
            };
            let path = found.path.display();
            let problem = match &found.signal {
                None => continue,
                Some(_) if found.is_taken => {
                    format!("{path}: two trials of the study have this name")
                }
                Some(signal) if signal.sample_rate_hz != sample_rate_hz => {
                    format!(
                        "{path}: {} Hz, and the study is at {sample_rate_hz} Hz",
                        signal.sample_rate_hz
                    )
                }
                Some(signal) if signal.samples != samples => {
                    format!(
                        "{path}: {} samples, and the mixture has {samples}",
                        signal.samples
                    )
                }
                Some(signal) => {
                    signals.push(ForeignSignal {
                        name: method.name,
                        path: found.path.clone(),
                        digest: signal.digest,
                    });
                    found.is_taken = true;
                    continue;
                }
            };
            self.problems.push(problem);
        }
        signals
    }

    /// # Errors
    /// [`Refused`] for all that was found to be wrong so far.
    pub(crate) fn check(&self) -> Result<()> {
        let count = self.problems.len();
        let told = &self.problems[..count.min(MOST_TOLD)];
        let more = match count - told.len() {
            0 => String::new(),
            more => format!("\n  and {more} more"),
        };
        ensure!(
            count == 0,
            Refused(format!(
                "estimates that cannot be tabled (`{KEY}`):\n  {}{more}",
                told.join("\n  ")
            ))
        );
        Ok(())
    }
}

impl SignalFacts {
    fn read(path: &Path) -> Result<Self> {
        let audio = read_channels(path)?;
        let channels = audio.channels.len();
        ensure!(
            channels == 1,
            "{}: {channels} channels, and mixtures have one",
            path.display()
        );
        let audio = audio.mixed_down();
        ensure!(
            !audio.is_silent(),
            "{}: every sample is zero",
            path.display()
        );
        Ok(Self {
            samples: audio.samples.len(),
            sample_rate_hz: audio.sample_rate_hz,
            digest: Digest::of_samples(&audio.samples),
        })
    }
}

fn missing(method: &ForeignMethod, trial: &str) -> String {
    let path = method.speech().join(format!("{trial}.wav"));
    format!("{}: there is no such file", path.display())
}
