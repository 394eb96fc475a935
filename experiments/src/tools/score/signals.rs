//! The signals of a set of files, all of one rate, one length and one number of channels.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use dsp::audio::read_channels;

use super::pairing::SetFiles;
use crate::store::refused::Refused;

/// One file's signal.
#[derive(Debug, Clone)]
pub(crate) struct Signal {
    pub(crate) path: PathBuf,
    pub(crate) channels: Vec<Vec<f64>>,
    sample_rate_hz: u32,
}

impl Signal {
    fn read(path: &Path) -> Result<Self> {
        let audio = read_channels(path)?;
        Ok(Self {
            path: path.to_owned(),
            channels: audio.channels,
            sample_rate_hz: audio.sample_rate_hz,
        })
    }
}

/// References, as many estimates, and the mixture if it is given.
#[derive(Debug, Clone)]
pub(crate) struct SignalSet {
    pub(crate) references: Vec<Signal>,
    pub(crate) estimates: Vec<Signal>,
    pub(crate) mixture: Option<Signal>,
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

    /// Reads a set of files.
    ///
    /// # Errors
    /// A file that cannot be read; [`Refused`] for one whose rate, length or number of channels is
    /// not that of the first reference, and for a set without references.
    pub(crate) fn read(files: &SetFiles) -> Result<Self> {
        let read_all = |paths: &[PathBuf]| -> Result<Vec<Signal>> {
            paths.iter().map(|path| Signal::read(path)).collect()
        };
        let references = read_all(&files.references)?;
        let estimates = read_all(&files.estimates)?;
        let mixture = files.mixture.as_deref().map(Signal::read).transpose()?;
        ensure!(
            !references.is_empty(),
            Refused("no references (--reference)".to_owned())
        );
        let first = &references[0];
        for signal in references.iter().chain(&estimates).chain(&mixture) {
            check_alike(first, signal)?;
        }
        Ok(Self {
            sample_rate_hz: first.sample_rate_hz,
            references,
            estimates,
            mixture,
        })
    }
}

fn check_alike(first: &Signal, signal: &Signal) -> Result<()> {
    let alike = |what: &str, expected: u64, found: u64| {
        ensure!(
            expected == found,
            Refused(format!(
                "{}: {what} {found}, but {} has {expected}",
                signal.path.display(),
                first.path.display()
            ))
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
