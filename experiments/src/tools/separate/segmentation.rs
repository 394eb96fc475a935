//! Where a recording is cut.

use anyhow::{Result, ensure};

use super::settings::SeparationSettings;
use crate::store::refused::Refused;

/// Samples, at the lower rate, that a resampled signal needs beyond its ends: the length of the
/// resampler's filter.
const FILTER_SAMPLES: usize = 2048;

/// A stretch of a recording, in samples at its own rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    /// First sample of the segment itself.
    pub(super) start: usize,
    /// End of the segment itself.
    pub(super) end: usize,
    /// First sample of its context, which is separated with it.
    pub(super) context_start: usize,
    /// End of its context.
    pub(super) context_end: usize,
}

/// All segments of a recording. Neighbours share `overlap` samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segmentation {
    /// In order of time; together they cover the recording.
    pub(super) segments: Vec<Segment>,
    /// Samples over which one fades into the next.
    pub(super) overlap: usize,
}

impl Segmentation {
    /// Cuts a recording of `samples` samples into segments of equal length, none longer than the
    /// settings allow.
    ///
    /// Segments start where a sample at the dictionaries' rate does, so that resampling keeps the
    /// time.
    ///
    /// # Errors
    /// [`Refused`] for a length or an overlap out of range.
    pub(super) fn new(
        samples: usize,
        file_hz: u32,
        model_hz: u32,
        window_samples: usize,
        settings: &SeparationSettings,
    ) -> Result<Self> {
        let unit = (file_hz / greatest_common_divisor(file_hz, model_hz)) as usize;
        let round_up = |samples: f64| (samples / unit as f64).ceil() as usize * unit;
        let ratio = f64::from(file_hz) / f64::from(model_hz);
        let length = settings.segment_seconds * f64::from(file_hz);
        let overlap = round_up(settings.overlap_seconds * f64::from(file_hz));
        let window = window_samples as f64 * ratio;
        ensure!(
            length >= 4.0 * window && length / f64::from(file_hz) <= 600.0,
            Refused(format!(
                "--segment {}: is out of range, allowed are {:.2} (four windows) to 600 s",
                settings.segment_seconds,
                4.0 * window / f64::from(file_hz)
            ))
        );
        ensure!(
            settings.overlap_seconds >= 0.0
                && 2.0 * settings.overlap_seconds <= settings.segment_seconds
                // Rates with hardly a common divisor round it up by much.
                && overlap as f64 <= 0.75 * length,
            Refused(format!(
                "--overlap {}: is out of range, allowed are 0 to half of --segment",
                settings.overlap_seconds
            ))
        );
        let filter = match file_hz == model_hz {
            true => 0.0,
            false => FILTER_SAMPLES as f64 * ratio.max(1.0),
        };
        let margin = round_up(window + filter);

        let beyond = samples.saturating_sub(overlap) as f64;
        let count = (beyond / (length - overlap as f64)).ceil().max(1.0);
        // Not below the overlap, so that no more than two segments meet at a sample.
        let hop = round_up(beyond / count).max(unit).max(overlap);
        let count = samples.saturating_sub(overlap).div_ceil(hop).max(1);
        let segments = (0..count).map(|index| {
            let start = index * hop;
            let end = match index + 1 == count {
                true => samples,
                false => start + hop + overlap,
            };
            Segment {
                start,
                end,
                context_start: start.saturating_sub(margin),
                context_end: (end + margin).min(samples),
            }
        });
        Ok(Self {
            segments: segments.collect(),
            overlap,
        })
    }

    /// The weight of segment `index` at a sample: it rises over the overlap with the segment before
    /// and falls over that with the next, so that the weights of all segments sum to 1.
    pub(super) fn weight(&self, index: usize, sample: usize) -> f64 {
        let rise = |start: usize| {
            let phase = (sample as f64 + 0.5 - start as f64) / self.overlap as f64;
            (0.5 * std::f64::consts::PI * phase).sin().powi(2)
        };
        let segment = &self.segments[index];
        if index > 0 && sample < segment.start + self.overlap {
            return rise(segment.start);
        }
        match self.segments.get(index + 1) {
            Some(next) if sample >= next.start => 1.0 - rise(next.start),
            _ => 1.0,
        }
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    match b {
        0 => a,
        _ => greatest_common_divisor(b, a % b),
    }
}

#[cfg(test)]
mod tests {
    use super::super::channel_mode::ChannelMode;
    use super::super::method::SeparationMethod;
    use super::*;

    fn cut(
        samples: usize,
        file_hz: u32,
        model_hz: u32,
        segment: f64,
        overlap: f64,
    ) -> Segmentation {
        let settings = SeparationSettings {
            channels: ChannelMode::Each,
            resample: true,
            encoding: None,
            segment_seconds: segment,
            overlap_seconds: overlap,
            iterations: 1,
            method: SeparationMethod::Fusion,
            tolerance: 0.0,
            precision: model::Precision::F64,
            acceleration: model::Acceleration::None,
            tempering: model::Tempering::Beta(1.0),
            activation_start: 1.0.into(),
            noise_db: -70.0,
            seed: 1,
        };
        Segmentation::new(samples, file_hz, model_hz, 64, &settings).unwrap()
    }

    #[test]
    fn segments_cover_the_recording_with_weights_that_sum_to_one() {
        for (samples, file_hz, model_hz, segment, overlap) in [
            (100_000, 8000, 8000, 1.0, 0.25),
            (100_001, 44_100, 16_000, 0.5, 0.1),
            (70_000, 11_025, 16_000, 1.0, 0.5),
            (9000, 8000, 8000, 1.0, 0.0),
            (500, 8000, 8000, 1.0, 0.25),
        ] {
            let cut = cut(samples, file_hz, model_hz, segment, overlap);
            let unit = (file_hz / greatest_common_divisor(file_hz, model_hz)) as usize;
            let mut sums = vec![0.0; samples];
            for (index, segment) in cut.segments.iter().enumerate() {
                assert!(segment.start.is_multiple_of(unit));
                assert!(segment.context_start.is_multiple_of(unit));
                for (sample, sum) in (segment.start..segment.end).zip(&mut sums[segment.start..]) {
                    *sum += cut.weight(index, sample);
                }
            }
            assert!(
                sums.iter().all(|sum| (sum - 1.0).abs() < 1e-12),
                "{samples}"
            );
            let longest = cut.segments.iter().map(|s| s.end - s.start).max().unwrap();
            assert!(
                longest <= (segment * f64::from(file_hz)) as usize + 3 * unit,
                "{longest}"
            );
        }
    }
}
