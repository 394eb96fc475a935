//! Corpora of WAV files: finding, checking and reading them.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use rand::RngExt;
use rand::seq::SliceRandom;

use super::Corpus;

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
}

impl Corpus for Files {
    fn description(&self) -> String {
        self.description.clone()
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
        let (samples, least) = (audio.samples.len(), self.least_samples);
        ensure!(
            samples >= least,
            "{}: {samples} samples at {} Hz are shorter than a frame of {least} \
             (`stft.window_samples`)",
            path.display(),
            self.sample_rate_hz,
        );
        Ok(audio.samples)
    }
}

/// All WAV files below a folder, sorted by path so that their order does not depend on the file
/// system.
///
/// # Errors
/// A folder that is missing, is none or cannot be listed, or holds no WAV file; `key` is the
/// configuration key or the option it was given by.
pub(crate) fn find_wav_files(folder: &Path, key: &str) -> Result<Vec<PathBuf>> {
    ensure!(
        folder.is_dir(),
        "{} is not a folder (`{key}`)",
        folder.display()
    );
    let mut found = Vec::new();
    let mut pending = vec![folder.to_owned()];
    // Links are followed, but a folder is listed once only: a link back to a parent folder would
    // never end.
    let mut listed = HashSet::new();
    while let Some(folder) = pending.pop() {
        let mut list = || -> std::io::Result<Vec<PathBuf>> {
            if !listed.insert(folder.canonicalize()?) {
                return Ok(Vec::new());
            }
            let mut paths: Vec<PathBuf> = fs::read_dir(&folder)?
                .map(|entry| Ok(entry?.path()))
                .collect::<std::io::Result<_>>()?;
            // Hidden files are the file manager's, not recordings.
            paths.retain(|path| !is_hidden(path));
            paths.sort();
            Ok(paths)
        };
        for path in list().with_context(|| format!("cannot list {}", folder.display()))? {
            if path.is_dir() {
                pending.push(path);
            } else if path
                .extension()
                .is_some_and(|ending| ending.eq_ignore_ascii_case("wav"))
            {
                found.push(path);
            }
        }
    }
    ensure!(
        !found.is_empty(),
        "no WAV file below {} (`{key}`)",
        folder.display()
    );
    found.sort();
    Ok(found)
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().starts_with('.')
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_once() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("top");
        let elsewhere = folder.path().join("elsewhere");
        fs::create_dir_all(top.join("a")).unwrap();
        fs::create_dir_all(&elsewhere).unwrap();
        fs::write(top.join("a/1.wav"), "").unwrap();
        fs::write(elsewhere.join("2.wav"), "").unwrap();
        symlink(&elsewhere, top.join("b")).unwrap();
        symlink(&elsewhere, top.join("c")).unwrap();
        symlink(&top, top.join("a/back")).unwrap();
        let found = find_wav_files(&top, "corpus.speech").unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.contains(&top.join("a/1.wav")));
    }
}
