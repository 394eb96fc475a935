//! Stems on their way to their files: segments are faded into one another and written as soon as
//! they are final.

use std::path::Path;

use anyhow::Result;
use dsp::audio::Recording;
use dsp::wav::{Encoding, Writer};

use super::segmentation::Segmentation;

/// A stretch of the stems that has been written.
#[derive(Debug)]
pub(super) struct FinishedStretch {
    /// Index of its first sample in the recording.
    pub(super) start: usize,
    /// Samples, per source and channel.
    pub(super) stems: Vec<Vec<Vec<f64>>>,
}

/// One file per source, and the end of the last segment, to which the next one will be added.
#[derive(Debug)]
pub(super) struct StemWriters {
    writers: Vec<Writer>,
    /// The part of the last segment that overlaps the next, faded out; per source and channel.
    tails: Vec<Vec<Vec<f64>>>,
}

impl StemWriters {
    /// Begins `<name>.wav` for every source, with the rate and length of the recording.
    ///
    /// # Errors
    /// A file that cannot be created, or would be too long for its format.
    pub(super) fn create(
        folder: &Path,
        names: &[&str],
        channels: usize,
        reader: &Recording,
        encoding: Encoding,
    ) -> Result<Self> {
        let writers = names.iter().map(|name| {
            let path = folder.join(format!("{name}.wav"));
            let (samples, rate_hz) = (reader.samples(), reader.sample_rate_hz());
            Ok(Writer::create(path, channels, samples, rate_hz, encoding)?)
        });
        Ok(Self {
            writers: writers.collect::<Result<_>>()?,
            tails: vec![vec![Vec::new(); channels]; names.len()],
        })
    }

    /// Adds the stems of a segment, which cover its context, and writes what no later segment
    /// changes.
    ///
    /// # Errors
    /// Those of writing.
    pub(super) fn add(
        &mut self,
        segmentation: &Segmentation,
        index: usize,
        stems: &[Vec<Vec<f64>>],
    ) -> Result<FinishedStretch> {
        let segment = &segmentation.segments[index];
        let next_start = segmentation.segments.get(index + 1).map(|next| next.start);
        let final_samples = next_start.unwrap_or(segment.end) - segment.start;
        let weights: Vec<f64> = (segment.start..segment.end)
            .map(|sample| segmentation.weight(index, sample))
            .collect();
        let offset = segment.start - segment.context_start;
        let mut finished = Vec::new();
        for ((stem, tails), writer) in stems.iter().zip(&mut self.tails).zip(&mut self.writers) {
            let mut channels = Vec::new();
            for (samples, tail) in stem.iter().zip(tails) {
                let mut faded: Vec<f64> = weights
                    .iter()
                    .zip(&samples[offset..])
                    .map(|(weight, sample)| weight * sample)
                    .collect();
                for (sample, left) in faded.iter_mut().zip(tail.iter()) {
                    *sample += left;
                }
                *tail = faded.split_off(final_samples);
                channels.push(faded);
            }
            let slices: Vec<&[f64]> = channels.iter().map(Vec::as_slice).collect();
            writer.write(&slices)?;
            finished.push(channels);
        }
        Ok(FinishedStretch {
            start: segment.start,
            stems: finished,
        })
    }

    /// Gives the files their names; returns the number of samples that were clipped.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn finish(self) -> Result<usize> {
        let clipped = self.writers.into_iter().map(|writer| Ok(writer.finish()?));
        clipped.sum()
    }
}
