//! Corpora of audio files: checking and reading them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use dsp::audio::Recording;
use dsp::{MultichannelAudio, resample};
use rand::RngExt;
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::Corpus;
use crate::interrupt;
use crate::store::refused::join_errors;

/// Samples read at a time where they are only looked at.
const BLOCK_SAMPLES: usize = 1 << 16;

/// Speech and background as lists of files.
#[derive(Debug)]
pub(crate) struct Files {
    /// The layout and the speaker in words; no path, as results are made public.
    pub(crate) description: String,
    /// One utterance each, sorted.
    pub(crate) speech: Vec<PathBuf>,
    /// Recordings of background, sorted.
    pub(crate) background: Vec<PathBuf>,
    /// The rate signals are brought to.
    pub(crate) sample_rate_hz: u32,
    /// Fewer samples than this are no utterance: not one frame of the transform.
    pub(crate) least_samples: usize,
    pub(crate) seed: u64,
    /// Files that were taken out of the lists, each with the reason.
    pub(crate) left_out: Vec<String>,
}

/// How much of a file is looked at before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    /// Up to its first sound.
    Start,
}

impl Corpus for Files {
    fn description(&self) -> String {
        self.description.clone()
    }

    fn left_out(&self) -> &[String] {
        &self.left_out
    }

    fn utterances(&self) -> usize {
        self.speech.len()
    }

    fn utterance(&self, index: usize) -> Result<Vec<f64>> {
        self.read(&self.speech[index])
    }

    /// The excerpt is taken at random from the first file, in random order, that is long enough.
    fn background(&self, seconds: f64) -> Result<Vec<f64>> {
        let mut rng = synth::stream(self.seed, "background excerpt", &[]);
        let mut paths = self.background.clone();
        paths.shuffle(&mut rng);
        let needed = (seconds * f64::from(self.sample_rate_hz)).round() as usize;
        let mut longest = 0;
        for path in &paths {
            let mut samples = self.read(path)?;
            longest = longest.max(samples.len());
            if samples.len() >= needed {
                let start = rng.random_range(0..=samples.len() - needed);
                samples.truncate(start + needed);
                samples.drain(..start);
                ensure!(
                    samples.iter().any(|sample| sample.abs() > 0.0),
                    "{}: the excerpt from second {:.1} on is silent",
                    path.display(),
                    start as f64 / f64::from(self.sample_rate_hz),
                );
                return Ok(samples);
            }
        }
        bail!(
            "too little background: the corpus ({}) has no recording of {seconds} s \
             (`training.background_seconds`), the longest of {} has {:.1} s",
            self.description,
            paths.len(),
            longest as f64 / f64::from(self.sample_rate_hz),
        )
    }
}

impl Files {
    /// Looks at every file beforehand: at utterances from end to end, at background, which may be
    /// long, up to its first sound. What cannot be used is taken out if `skip_unusable`.
    ///
    /// `check_name` refuses what is not named like an utterance.
    ///
    /// # Errors
    /// All files that cannot be used, unless they are left out; an interruption.
    pub(crate) fn check(
        &mut self,
        skip_unusable: bool,
        check_name: impl Fn(&Path) -> Result<()> + Sync,
    ) -> Result<()> {
        let find_faults = |paths: &[PathBuf], extent| -> Result<Vec<Option<Error>>> {
            let check = |path: &PathBuf| {
                interrupt::check()?;
                let checked = match extent {
                    Extent::Whole => check_name(path).and_then(|()| self.look_at(path, extent)),
                    Extent::Start => self.look_at(path, extent),
                };
                Ok(checked.err())
            };
            paths.par_iter().map(check).collect()
        };
        let speech = find_faults(&self.speech, Extent::Whole)?;
        let background = find_faults(&self.background, Extent::Start)?;
        let mut errors = Vec::new();
        for (paths, faults) in [
            (&mut self.speech, speech),
            (&mut self.background, background),
        ] {
            let mut is_sound = faults.iter().map(Option::is_none);
            paths.retain(|_| is_sound.next().unwrap_or(true));
            errors.extend(faults.into_iter().flatten());
        }
        if !skip_unusable {
            return join_errors(errors)
                .map_err(|error| anyhow!("{error:#}\n--skip-unusable leaves such files out"));
        }
        self.left_out = errors.iter().map(|error| format!("{error:#}")).collect();
        Ok(())
    }

    /// Finds out what [`Files::read`] would refuse, without resampling.
    fn look_at(&self, path: &Path, extent: Extent) -> Result<()> {
        let mut recording = Recording::open(path)?;
        let (rate_hz, samples) = (recording.sample_rate_hz(), recording.samples());
        resample(&[], rate_hz, self.sample_rate_hz)
            .with_context(|| format!("{}: cannot be resampled", path.display()))?;
        let ratio = f64::from(self.sample_rate_hz) / f64::from(rate_hz);
        self.check_length(path, (samples as f64 * ratio).round() as usize)?;
        let mut is_silent = true;
        while is_silent || extent == Extent::Whole {
            let channels = recording.read(BLOCK_SAMPLES)?;
            if channels[0].is_empty() {
                break;
            }
            let block = MultichannelAudio {
                channels,
                sample_rate_hz: rate_hz,
            };
            is_silent &= block.mixed_down().is_silent();
        }
        ensure!(!is_silent, "{}: every sample is zero", path.display());
        Ok(())
    }

    fn check_length(&self, path: &Path, samples: usize) -> Result<()> {
        let least = self.least_samples;
        ensure!(
            samples >= least,
            "{}: {samples} samples at {} Hz are shorter than a frame of {least} \
             (`stft.window_samples`)",
            path.display(),
            self.sample_rate_hz,
        );
        Ok(())
    }

    fn read(&self, path: &Path) -> Result<Vec<f64>> {
        let audio = dsp::audio::read_mono(path)?;
        ensure!(
            !audio.is_silent(),
            "{}: every sample is zero",
            path.display()
        );
        let audio = audio
            .at_rate(self.sample_rate_hz)
            .with_context(|| format!("{}: cannot be resampled", path.display()))?;
        self.check_length(path, audio.samples.len())?;
        Ok(audio.samples)
    }
}
