//! From recordings to the frames that are learned from and those that are held out.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use dsp::{Audio, Complex64, MultichannelAudio, Stft};
use ndarray::Array2;
use rand::RngExt;
use rand::seq::SliceRandom;

use super::settings::TrainingSettings;
use crate::progress::Progress;
use crate::store::digest::Digest;
use crate::store::refused::Refused;
use crate::tools::recordings::NamedRecording;

/// With at least this number of recordings, whole recordings are held out; with fewer, stretches of
/// time.
const RECORDINGS_TO_SPLIT: usize = 10;
/// Frames of a stretch: neighbours overlap, so single frames would not be unseen.
const STRETCH: usize = 16;
/// Most held-out frames: enough for three digits of their divergence.
const MOST_HELD_OUT: usize = 2000;

/// Powers of frames.
#[derive(Debug)]
pub(super) struct TrainingFrames {
    /// Learned from, frames x bins.
    pub(super) training: Array2<f64>,
    /// Held out, frames x bins.
    pub(super) held_out: Array2<f64>,
    /// The rate of the recordings, after resampling.
    pub(super) sample_rate_hz: u32,
    /// Identifies the recordings.
    pub(super) digest: Digest,
}

impl TrainingFrames {
    /// Reads recordings, one at a time, and chooses frames at random where there are more than
    /// wanted. Frames of digital silence are left out.
    ///
    /// None if there are recordings that cannot be used, which `unusable` gets with the reasons:
    /// the choice depends on all recordings.
    ///
    /// # Errors
    /// [`Refused`] for recordings of different rates; too little to learn from.
    pub(super) fn read(
        recordings: &[NamedRecording],
        settings: &TrainingSettings,
        progress: Progress,
        unusable: &mut HashMap<PathBuf, anyhow::Error>,
    ) -> Result<Option<Self>> {
        let stft = Stft::new(&settings.stft)?;
        let mut headers = Vec::new();
        for recording in recordings {
            match recording.open() {
                Ok(reader) => headers.push((reader.sample_rate_hz(), reader.samples())),
                Err(error) => drop(unusable.insert(recording.path.clone(), error.into())),
            }
        }
        if !unusable.is_empty() {
            return Ok(None);
        }
        let sample_rate_hz = find_common_rate(recordings, &headers, settings.sample_rate_hz)?;
        let frames: Vec<usize> = headers
            .iter()
            .map(|&(rate_hz, samples)| {
                let samples = samples as f64 * f64::from(sample_rate_hz) / f64::from(rate_hz);
                stft.frames(samples as usize)
            })
            .collect();
        let split = HeldOutSplit::new(&frames, settings);

        let bins = stft.bins();
        let (mut training, mut held_out) = (Vec::new(), Vec::new());
        let mut digests = Vec::new();
        let stage = progress.stage("reading recordings", recordings.len());
        for (index, recording) in recordings.iter().enumerate() {
            let audio = match read_recording(recording, sample_rate_hz, settings) {
                Ok(audio) => audio,
                Err(error) => {
                    unusable.insert(recording.path.clone(), error);
                    continue;
                }
            };
            let bytes: Vec<u8> = audio.samples.iter().flat_map(|x| x.to_le_bytes()).collect();
            digests.push(Digest::of_bytes(&bytes).0);
            let spectrogram = stft.analyse(&audio.samples);
            let mut choice = split.begin_recording(index, settings.seed);
            for frame in spectrogram.outer_iter() {
                let chosen = match choice.place_next_frame() {
                    Place::Training => &mut training,
                    Place::HeldOut => &mut held_out,
                    Place::Neither => continue,
                };
                if frame.iter().any(|value| value.norm_sqr() > 0.0) {
                    chosen.extend(frame.iter().map(Complex64::norm_sqr));
                }
            }
            stage.step();
        }
        if !unusable.is_empty() {
            return Ok(None);
        }
        stage.finish();

        let matrix = |values: Vec<f64>| Array2::from_shape_vec((values.len() / bins, bins), values);
        let frames = Self {
            training: matrix(training)?,
            held_out: matrix(held_out)?,
            sample_rate_hz,
            digest: Digest::of_parts(digests),
        };
        let largest = settings.orders.iter().copied().max().unwrap_or(1);
        ensure!(
            frames.training.nrows() > largest,
            "too little to learn from: {} frames that are not silent, and --orders up to {largest}",
            frames.training.nrows()
        );
        Ok(Some(frames))
    }
}

fn read_recording(
    recording: &NamedRecording,
    sample_rate_hz: u32,
    settings: &TrainingSettings,
) -> Result<Audio> {
    let mut reader = recording.open()?;
    let path = reader.path().to_owned();
    let whole = MultichannelAudio {
        channels: reader.read(reader.samples())?,
        sample_rate_hz: reader.sample_rate_hz(),
    };
    let audio = whole.mixed_down();
    ensure!(
        !audio.is_silent(),
        "{}: every sample is zero",
        path.display()
    );
    let audio = audio
        .at_rate(sample_rate_hz)
        .with_context(|| format!("{}: cannot be resampled", path.display()))?;
    ensure!(
        audio.samples.len() >= settings.stft.window_samples,
        "{}: {} samples at {sample_rate_hz} Hz are shorter than a window of {} (--window)",
        path.display(),
        audio.samples.len(),
        settings.stft.window_samples
    );
    Ok(audio)
}

fn find_common_rate(
    recordings: &[NamedRecording],
    headers: &[(u32, usize)],
    wanted: Option<u32>,
) -> Result<u32> {
    let (first_hz, _) = *headers.first().context("no recordings")?;
    if let Some(wanted) = wanted {
        return Ok(wanted);
    }
    for (recording, &(rate_hz, _)) in recordings.iter().zip(headers) {
        ensure!(
            rate_hz == first_hz,
            Refused(format!(
                "{} has {rate_hz} Hz and {} has {first_hz} Hz: say which rate to learn at with \
                 --sample-rate",
                recording.path.display(),
                recordings[0].path.display()
            ))
        );
    }
    Ok(first_hz)
}

/// Where a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Training,
    HeldOut,
    Neither,
}

/// Which frames are held out, and what share of the others and of them is kept.
#[derive(Debug)]
struct HeldOutSplit {
    /// Whether each stretch of frames of each recording is held out.
    held_out: Vec<Vec<bool>>,
    keep_training: f64,
    keep_held_out: f64,
}

impl HeldOutSplit {
    /// `frames`: of each recording.
    fn new(frames: &[usize], settings: &TrainingSettings) -> Self {
        let mut held_out: Vec<Vec<bool>> = frames
            .iter()
            .map(|frames| vec![false; frames.div_ceil(STRETCH)])
            .collect();
        // What is held out as a whole: recordings, or stretches of all of them.
        let mut pieces: Vec<(usize, Vec<usize>)> = Vec::new();
        for (recording, stretches) in held_out.iter().enumerate() {
            let stretches = 0..stretches.len();
            if frames.len() >= RECORDINGS_TO_SPLIT {
                pieces.push((recording, stretches.collect()));
            } else {
                pieces.extend(stretches.map(|stretch| (recording, vec![stretch])));
            }
        }
        pieces.shuffle(&mut synth::stream(settings.seed, "held out", &[]));
        let count = (settings.held_out * pieces.len() as f64).ceil() as usize;
        let count = count.min(pieces.len().saturating_sub(1));
        for (recording, stretches) in pieces.into_iter().take(count) {
            for stretch in stretches {
                held_out[recording][stretch] = true;
            }
        }
        let count_held_out = |(&frames, held_out): (&usize, &Vec<bool>)| {
            (0..frames)
                .filter(|frame| held_out[frame / STRETCH])
                .count()
        };
        let held: usize = frames.iter().zip(&held_out).map(count_held_out).sum();
        let total: usize = frames.iter().sum();
        let keep = |wanted: usize, available: usize| wanted as f64 / available.max(1) as f64;
        Self {
            held_out,
            keep_training: keep(settings.most_frames, total - held),
            keep_held_out: keep(MOST_HELD_OUT, held),
        }
    }

    /// The choices for one recording, frame by frame.
    fn begin_recording(&self, index: usize, seed: u64) -> FrameChoice<'_> {
        FrameChoice {
            split: self,
            held_out: &self.held_out[index],
            frame: 0,
            rng: synth::stream(seed, "frames", &[index as u64]),
        }
    }
}

struct FrameChoice<'a> {
    split: &'a HeldOutSplit,
    held_out: &'a [bool],
    frame: usize,
    rng: rand_chacha::ChaCha8Rng,
}

impl FrameChoice<'_> {
    fn place_next_frame(&mut self) -> Place {
        // A header's length rounds: the last frame may be one more than was counted.
        let stretch = self.held_out.get(self.frame / STRETCH);
        let held_out = stretch.or(self.held_out.last()).is_some_and(|held| *held);
        self.frame += 1;
        let (place, keep) = match held_out {
            true => (Place::HeldOut, self.split.keep_held_out),
            false => (Place::Training, self.split.keep_training),
        };
        match self.rng.random::<f64>() < keep {
            true => place,
            false => Place::Neither,
        }
    }
}

#[cfg(test)]
mod tests {
    use dsp::StftSettings;

    use super::*;

    fn settings(held_out: f64, most_frames: usize) -> TrainingSettings {
        TrainingSettings {
            orders: vec![1],
            iterations: 1,
            precision: model::Precision::F64,
            stft: StftSettings::default(),
            sample_rate_hz: None,
            held_out,
            most_frames,
            seed: 3,
        }
    }

    fn counts(frames: &[usize], settings: &TrainingSettings) -> Vec<[usize; 3]> {
        let split = HeldOutSplit::new(frames, settings);
        let count = |(index, &frames): (usize, &usize)| {
            let mut choice = split.begin_recording(index, settings.seed);
            let mut counts = [0; 3];
            for _ in 0..frames {
                counts[choice.place_next_frame() as usize] += 1;
            }
            counts
        };
        frames.iter().enumerate().map(count).collect()
    }

    #[test]
    fn many_recordings_are_held_out_whole() {
        let counts = counts(&[50; 20], &settings(0.25, 10_000));
        assert_eq!(counts.iter().filter(|&&c| c == [0, 50, 0]).count(), 5);
        assert_eq!(counts.iter().filter(|&&c| c == [50, 0, 0]).count(), 15);
    }

    #[test]
    fn few_recordings_are_held_out_in_part_and_too_many_frames_are_thinned() {
        let counts = counts(&[20_000], &settings(0.1, 3000))[0];
        // Binomial: within five standard deviations of 3000 and 2000.
        assert!((2750..3250).contains(&counts[0]), "{counts:?}");
        assert!((1990..=2000).contains(&counts[1]), "{counts:?}");
        let all = self::counts(&[500, 700], &settings(0.0, 10_000));
        assert_eq!(all, [[500, 0, 0], [700, 0, 0]]);
    }
}
