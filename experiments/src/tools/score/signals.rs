//! The signals to score: files given one by one, or two folders matched by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::corpus::find_wav_files;
use crate::store::refused::Refused;

/// One file's signal.
#[derive(Debug, Clone)]
pub(crate) struct Signal {
    /// The file's name without ending.
    pub(crate) name: String,
    path: PathBuf,
    channels: Vec<Vec<f64>>,
    sample_rate_hz: u32,
}

impl Signal {
    /// The samples of one channel.
    ///
    /// # Panics
    /// If there is no such channel.
    pub(crate) fn channel(&self, index: usize) -> &[f64] {
        &self.channels[index]
    }

    fn read(path: &Path) -> Result<Self> {
        let audio = dsp::audio::read_channels(path)?;
        Ok(Self {
            name: file_stem(path),
            path: path.to_owned(),
            channels: audio.channels,
            sample_rate_hz: audio.sample_rate_hz,
        })
    }
}

/// References and their estimates, all of one rate, one length and one number of channels.
#[derive(Debug, Clone)]
pub(crate) struct SignalSet {
    /// The true signals.
    pub(crate) references: Vec<Signal>,
    /// As many estimates.
    pub(crate) estimates: Vec<Signal>,
    /// The rate of all.
    pub(crate) sample_rate_hz: u32,
}

impl SignalSet {
    /// Samples of each channel.
    pub(crate) fn samples(&self) -> usize {
        self.references[0].channels[0].len()
    }

    /// Channels of each signal.
    pub(crate) fn channels(&self) -> usize {
        self.references[0].channels.len()
    }

    /// Reads the files of `--reference` and `--estimate`.
    ///
    /// # Errors
    /// A file that cannot be read, that has no counterpart, or whose rate, length or number of
    /// channels differs; the error names it.
    pub(crate) fn read(references: &[PathBuf], estimates: &[PathBuf]) -> Result<Self> {
        let (references, estimates) = match (references, estimates) {
            ([reference], [estimate]) if reference.is_dir() || estimate.is_dir() => {
                match_by_name(reference, estimate)?
            }
            _ => (references.to_vec(), estimates.to_vec()),
        };
        ensure!(
            references.len() == estimates.len(),
            Refused(format!(
                "{} references (--reference) and {} estimates (--estimate): as many of the one as \
                 of the other are needed",
                references.len(),
                estimates.len()
            ))
        );
        let read = |paths: &[PathBuf]| -> Result<Vec<Signal>> {
            paths.iter().map(|path| Signal::read(path)).collect()
        };
        let set = Self {
            references: read(&references)?,
            estimates: read(&estimates)?,
            sample_rate_hz: 0,
        };
        let first = set.references.first().context("no references")?;
        for signal in set.references.iter().chain(&set.estimates) {
            check_alike(first, signal)?;
        }
        let sample_rate_hz = first.sample_rate_hz;
        Ok(Self {
            sample_rate_hz,
            ..set
        })
    }
}

fn check_alike(first: &Signal, signal: &Signal) -> Result<()> {
    let alike = |what: &str, expected: u64, found: u64| {
        ensure!(
            expected == found,
            "{}: {what} {found}, but {} has {expected}",
            signal.path.display(),
            first.path.display()
        );
        Ok(())
    };
    alike(
        "a sample rate in Hz of",
        first.sample_rate_hz.into(),
        signal.sample_rate_hz.into(),
    )?;
    let channels = |signal: &Signal| signal.channels.len() as u64;
    alike("channels:", channels(first), channels(signal))?;
    let samples = |signal: &Signal| signal.channels[0].len() as u64;
    alike("samples:", samples(first), samples(signal))
}

/// Pairs the files of two folders that have the same names.
fn match_by_name(references: &Path, estimates: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let list = |folder: &Path, option: &str| -> Result<BTreeMap<String, PathBuf>> {
        let mut files = BTreeMap::new();
        for path in find_wav_files(folder, option)? {
            if let Some(other) = files.insert(file_stem(&path), path.clone()) {
                anyhow::bail!(
                    "{} and {} have the same name",
                    other.display(),
                    path.display()
                );
            }
        }
        Ok(files)
    };
    let references = list(references, "--reference")?;
    let mut estimates = list(estimates, "--estimate")?;
    let pairs: Vec<(PathBuf, PathBuf)> = references
        .into_iter()
        .map(|(name, reference)| {
            let estimate = estimates.remove(&name).with_context(|| {
                format!(
                    "{}: no file {name}.wav among the estimates",
                    reference.display()
                )
            })?;
            Ok((reference, estimate))
        })
        .collect::<Result<_>>()?;
    if let Some((name, estimate)) = estimates.first_key_value() {
        anyhow::bail!(
            "{}: no file {name}.wav among the references",
            estimate.display()
        );
    }
    Ok(pairs.into_iter().unzip())
}

fn file_stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
