//! One recording, from its samples to the files of its stems.

use std::path::Path;

use anyhow::{Result, ensure};
use dsp::Stft;
use dsp::audio::Recording;
use model::{Inference, Settings, level};

use super::channel_mode::ChannelMode;
use super::describe::cut_segments;
use super::leftover::Leftover;
use super::recording_buffer::{BLOCK_SAMPLES, RecordingBuffer};
use super::report::{LevelReport, SegmentReport, SeparationInputs, SeparationReport};
use super::resampling::{resample_channels, resample_channels_to_length};
use super::segment_separator::{SILENCE, SegmentSeparator, mean_square};
use super::settings::SeparationSettings;
use super::sources::SourceSet;
use super::stem_writers::StemWriters;
use crate::interrupt;
use crate::progress::Progress;
use crate::tools::recordings::NamedRecording;

/// Separates a recording and writes its stems, a file per source, into a folder that exists.
///
/// # Errors
/// A recording that cannot be read, is silent or does not fit the sources or the settings; settings
/// that the model does not allow; files that cannot be written; an interruption.
pub(super) fn separate_recording(
    recording: &NamedRecording,
    inputs: &SeparationInputs,
    sources: &SourceSet,
    settings: &SeparationSettings,
    folder: &Path,
    progress: Progress,
) -> Result<SeparationReport> {
    let mut reader = recording.open()?;
    let recording_mean_square = measure_mean_square(&mut reader, settings.channels)?;
    let segmentation = cut_segments(&reader, sources, settings)?;
    let sources = &sources.learn_background(&mut reader, settings.seed)?;
    reader.rewind()?;
    let stft = Stft::new(&sources.stft)?;
    let (file_hz, model_hz) = (reader.sample_rate_hz(), sources.sample_rate_hz);

    let channels = settings.channels.count_stem_channels(reader.channels());
    let inferences = settings.channels.count_inferences(reader.channels());
    let models = sources.build_models(settings)?;
    let power = level::expected_power(&models);
    let alternatives = sources.build_alternatives(&models, settings)?;
    let inference = Inference::new(Settings {
        noise_variance: level::noise_variance(power, settings.noise_db),
        iterations: settings.iterations,
        tempering: settings.tempering,
        tolerance: settings.tolerance,
        posterior: settings.method.posterior(),
        precision: settings.precision,
        acceleration: settings.acceleration,
        ..Settings::default()
    })?;
    let mut report = SeparationReport::new(inputs)?;
    report.level = LevelReport {
        gain: level::gain(sources.stft.mean_power(recording_mean_square), power),
        expected_power: power,
        noise_variance: inference.settings().noise_variance,
    };

    let mut separator = SegmentSeparator::new(
        settings.method,
        inference,
        stft,
        alternatives,
        inferences,
        report.level.gain,
    );
    let encoding = inputs.settings.encoding;
    let names = sources.names();
    let mut writers = StemWriters::create(folder, &names, channels, &reader, encoding)?;
    let mut buffer = RecordingBuffer::new();
    let mut leftover = Leftover::default();
    let stage = progress.stage("separating", segmentation.segments.len());
    for (index, segment) in segmentation.segments.iter().enumerate() {
        interrupt::check()?;
        let input = buffer.read_context(segment, &mut reader, settings.channels)?;
        let silent = mean_square(&input) <= SILENCE * recording_mean_square;
        let (stems, inferences) = if silent {
            let zeros = input.iter().map(|channel| vec![0.0; channel.len()]);
            (vec![zeros.collect(); names.len()], Vec::new())
        } else {
            let at_model = resample_channels(&input, file_hz, model_hz)?;
            let separated = separator.separate(&at_model, settings.channels)?;
            let stems = separated.stems.iter().map(|stem| {
                let samples = input[0].len();
                resample_channels_to_length(stem, model_hz, file_hz, samples)
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

/// The mean square of a recording, over all its channels or of their mean.
fn measure_mean_square(reader: &mut Recording, channels: ChannelMode) -> Result<f64> {
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
    ensure!(
        sum > 0.0,
        "{}: every sample is zero",
        reader.path().display()
    );
    Ok(sum / count as f64)
}
