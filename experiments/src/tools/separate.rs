//! From a recording to stems: any length, in bounded memory.
//!
//! A recording is read once for its level and once more in overlapping segments ([`segmentation`]).
//! Each segment is separated by one inference over all orders of all sources
//! ([`segment_separator`]); an estimated dictionary starts from its posterior in the segment before
//! ([`sources`]). Stems fade from one segment to the next with weights that sum to 1, and are
//! written as they come ([`stem_writers`]), so that they sum to the mixture, up to the sensor
//! noise, everywhere.

mod channel_mode;
mod leftover;
mod recording_buffer;
mod report;
mod resampling;
mod segment_separator;
mod segmentation;
mod settings;
mod sources;
mod stem_writers;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use dsp::wav::Reader;
use dsp::{RATES_HZ, Stft};
use model::{Inference, Settings};

use crate::level;
use crate::progress::Progress;
use leftover::Leftover;
use recording_buffer::{BLOCK_SAMPLES, RecordingBuffer};
use report::{LevelReport, MixtureReport, SegmentReport, SettingsReport};
use segment_separator::{SILENCE, SegmentSeparator, mean_square};
use segmentation::Segmentation;
use stem_writers::StemWriters;

pub(crate) use channel_mode::ChannelMode;
pub(crate) use report::SeparationReport;
pub(crate) use settings::SeparationSettings;
pub(crate) use sources::{Background, SourceSet};

/// Separates a recording and writes its stems, a WAV file per source, into a folder that exists.
///
/// # Errors
/// A recording that cannot be read, is silent or does not fit the dictionaries; settings that the
/// model does not allow; files that cannot be written.
pub(crate) fn separate_recording(
    mixture: &Path,
    sources: &SourceSet,
    settings: &SeparationSettings,
    folder: &Path,
    progress: Progress,
) -> Result<SeparationReport> {
    let recording_mean_square = measure_mean_square(mixture, settings.channels)?;
    let mut reader = Reader::open(mixture)?;
    check_rate(&reader, sources, settings.resample)?;
    let stft = Stft::new(&sources.stft)?;
    let (file_hz, model_hz) = (reader.sample_rate_hz(), sources.sample_rate_hz);
    let segmentation = Segmentation::new(
        reader.samples(),
        file_hz,
        model_hz,
        sources.stft.window_samples,
        settings,
    )?;

    let channels = settings.channels.count_stem_channels(reader.channels());
    let inferences = settings.channels.count_inferences(reader.channels());
    let models = sources.build_models(settings)?;
    let power = level::expected_power(&models);
    let inference = Inference::new(Settings {
        noise_variance: level::noise_variance(power, settings.noise_db),
        iterations: settings.iterations,
        tempering: settings.tempering,
        precision: settings.precision,
        ..Settings::default()
    })?;
    let mut report = begin_report(mixture, &reader, sources, settings);
    report.level = LevelReport {
        gain: level::gain(recording_mean_square, &sources.stft, power),
        expected_power: power,
        noise_variance: inference.settings().noise_variance,
    };

    let mut separator =
        SegmentSeparator::new(inference, stft, models, inferences, report.level.gain);
    let encoding = settings.encoding.unwrap_or_else(|| reader.encoding());
    let names = sources.names();
    let mut writers = StemWriters::create(folder, &names, channels, &reader, encoding)?;
    let mut buffer = RecordingBuffer::new();
    let mut leftover = Leftover::default();
    let stage = progress.stage("separating", segmentation.segments.len());
    for (index, segment) in segmentation.segments.iter().enumerate() {
        let input = buffer.read_context(segment, &mut reader, settings.channels)?;
        let silent = mean_square(&input) <= SILENCE * recording_mean_square;
        let (stems, inferences) = if silent {
            let zeros = input.iter().map(|channel| vec![0.0; channel.len()]);
            (vec![zeros.collect(); names.len()], Vec::new())
        } else {
            let at_model = resampling::resample_channels(&input, file_hz, model_hz)?;
            let separated = separator.separate(&at_model, settings.channels)?;
            let stems = separated.stems.iter().map(|stem| {
                let samples = input[0].len();
                resampling::resample_channels_to_length(stem, model_hz, file_hz, samples)
            });
            (stems.collect::<Result<_>>()?, separated.inferences)
        };
        let finished = writers.add(&segmentation, index, &stems)?;
        leftover.add(&buffer, &finished);
        report.segments.push(SegmentReport {
            start_seconds: segment.start as f64 / f64::from(file_hz),
            end_seconds: segment.end as f64 / f64::from(file_hz),
            silent,
            inferences,
        });
        stage.step();
    }
    stage.finish();
    report.clipped_samples = writers.finish()?;
    report.leftover_db = leftover.decibels();
    Ok(report)
}

/// A report of what is to be done; the rest is filled in while it is.
fn begin_report(
    mixture: &Path,
    reader: &Reader,
    sources: &SourceSet,
    settings: &SeparationSettings,
) -> SeparationReport {
    let name = mixture.file_name().unwrap_or_default();
    SeparationReport {
        made_with: format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
        mixture: MixtureReport {
            file: name.to_string_lossy().into_owned(),
            sample_rate_hz: reader.sample_rate_hz(),
            channels: reader.channels(),
            samples: reader.samples(),
        },
        sources: sources.reports(),
        settings: SettingsReport {
            sample_rate_hz: sources.sample_rate_hz,
            stft: sources.stft.clone(),
            channels: settings.channels,
            segment_seconds: settings.segment_seconds,
            overlap_seconds: settings.overlap_seconds,
            iterations: settings.iterations,
            precision: settings.precision,
            tempering: settings.tempering,
            activation_start: settings.activation_start,
            noise_db: settings.noise_db,
            seed: settings.seed,
        },
        level: LevelReport::default(),
        segments: Vec::new(),
        leftover_db: None,
        clipped_samples: 0,
    }
}

/// The mean square of a recording, over all its channels or of their mean.
fn measure_mean_square(path: &Path, channels: ChannelMode) -> Result<f64> {
    let mut reader = Reader::open(path)?;
    let (mut sum, mut count) = (0.0, 0_usize);
    loop {
        let block = channels.mix_channels(reader.read(BLOCK_SAMPLES)?);
        let samples = block[0].len();
        if samples == 0 {
            break;
        }
        sum += mean_square(&block) * samples as f64;
        count += samples;
    }
    ensure!(sum > 0.0, "{}: every sample is zero", path.display());
    Ok(sum / count as f64)
}

fn check_rate(reader: &Reader, sources: &SourceSet, resample: bool) -> Result<()> {
    let (found, expected) = (reader.sample_rate_hz(), sources.sample_rate_hz);
    let path = reader.path().display();
    ensure!(
        found == expected || resample,
        "{path} has {found} Hz and the dictionaries were learned at {expected} Hz: resample it, or \
         let it be resampled with --resample (stems then lack what is above {} Hz)",
        found.min(expected) / 2
    );
    ensure!(
        RATES_HZ.contains(&found),
        "{path}: {found} Hz cannot be resampled, allowed are {} to {} Hz",
        RATES_HZ.start(),
        RATES_HZ.end()
    );
    let least = sources.stft.window_samples as f64 * f64::from(found) / f64::from(expected);
    ensure!(
        reader.samples() as f64 >= least,
        "{path}: {} samples are shorter than a window of {least:.0}",
        reader.samples()
    );
    (reader.channels() > 0).then_some(()).context("no channels")
}
