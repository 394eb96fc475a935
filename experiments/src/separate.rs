//! From a recording to stems: any length, in bounded memory.
//!
//! A recording is read once for its level and once more in overlapping segments ([segments]). Each segment is separated
//! by one inference over all orders of all sources ([segment]); an estimated dictionary starts from its posterior in
//! the segment before ([sources]). Stems fade from one segment to the next with weights that sum to 1, and are written
//! as they come ([stems]), so that they sum to the mixture, up to the sensor noise, everywhere.

pub mod report;
pub mod segment;
pub mod segments;
pub mod sources;
pub mod stems;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use dsp::wav::{Encoding, Reader};
use dsp::{RATES_HZ, Stft};
use model::{Inference, Precision, Settings, Tempering, level};

use crate::progress::Progress;
use report::{Leftover, Report, SegmentReport};
use segment::{ChannelMode, Separator};
use segments::{Buffer, Plan};
use sources::SourceSet;
use stems::StemWriters;

/// Samples read at a time for the level.
const BLOCK: usize = 1 << 16;

/// How a recording is separated.
#[derive(Debug, Clone, PartialEq)]
pub struct SeparateSettings {
    /// What becomes of several channels.
    pub channels: ChannelMode,
    /// Whether a recording of another rate than the dictionaries' is resampled and its stems back.
    pub resample: bool,
    /// How stems are stored; None: like the recording.
    pub encoding: Option<Encoding>,
    /// Longest segment, in seconds.
    pub segment_seconds: f64,
    /// Overlap of two segments, over which their stems are cross-faded, in seconds.
    pub overlap_seconds: f64,
    /// Iterations of each inference.
    pub iterations: usize,
    /// Numbers of the matrix products.
    pub precision: Precision,
    /// Weight of the entropy of q(K).
    pub tempering: Tempering,
    /// Start value of the activations.
    pub activation_start: f64,
    /// Level of the sensor noise against the recording, in dB.
    pub noise_db: f64,
    /// Root of the random numbers.
    pub seed: u64,
}

/// Separates a recording and writes its stems, a WAV file per source, into a folder that exists.
///
/// # Errors
/// A recording that cannot be read, is silent or does not fit the dictionaries; settings that the model does not
/// allow; files that cannot be written.
pub fn separate(
    mixture: &Path,
    sources: &SourceSet,
    settings: &SeparateSettings,
    folder: &Path,
    progress: Progress,
) -> Result<Report> {
    let mean_square = mean_square(mixture, settings.channels)?;
    let mut reader = Reader::open(mixture)?;
    check_rate(&reader, sources, settings.resample)?;
    let stft = Stft::new(&sources.stft)?;
    let (file_hz, model_hz) = (reader.sample_rate_hz(), sources.sample_rate_hz);
    let plan = Plan::new(
        reader.samples(),
        file_hz,
        model_hz,
        sources.stft.window_samples,
        settings,
    )?;

    let channels = settings.channels.outputs(reader.channels());
    let lanes = settings.channels.lanes(reader.channels());
    let models = sources.models(settings)?;
    let power = level::expected_power(&models);
    let inference = Inference::new(Settings {
        noise_variance: level::noise_variance(power, settings.noise_db),
        iterations: settings.iterations,
        tempering: settings.tempering,
        precision: settings.precision,
        ..Settings::default()
    })?;
    let mut report = Report::new(mixture, &reader, sources, settings);
    report.level.gain = level::gain(sources.stft.mean_power(mean_square), power);
    report.level.expected_power = power;
    report.level.noise_variance = inference.settings().noise_variance;

    let mut separator = Separator::new(inference, stft, models, lanes, report.level.gain);
    let encoding = settings.encoding.unwrap_or_else(|| reader.encoding());
    let names = sources.names();
    let mut writers = StemWriters::create(folder, &names, channels, &reader, encoding)?;
    let mut buffer = Buffer::new();
    let mut leftover = Leftover::default();
    let stage = progress.stage("separating", plan.segments.len());
    for (index, segment) in plan.segments.iter().enumerate() {
        let input = buffer.context(segment, &mut reader, settings.channels)?;
        let silent = segment::mean_square(&input) <= segment::SILENCE * mean_square;
        let (stems, inferences) = if silent {
            let zeros = input.iter().map(|channel| vec![0.0; channel.len()]);
            (vec![zeros.collect(); names.len()], Vec::new())
        } else {
            let at_model = segments::resampled(&input, file_hz, model_hz)?;
            let separated = separator.separate(&at_model, settings.channels)?;
            let stems = separated.stems.iter().map(|stem| {
                let samples = input[0].len();
                segments::resampled_to(stem, model_hz, file_hz, samples)
            });
            (stems.collect::<Result<_>>()?, separated.inferences)
        };
        let finished = writers.add(&plan, index, &stems)?;
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
fn mean_square(path: &Path, channels: ChannelMode) -> Result<f64> {
    let mut reader = Reader::open(path)?;
    let (mut sum, mut count) = (0.0, 0_usize);
    loop {
        let block = channels.applied(reader.read(BLOCK)?);
        let samples = block[0].len();
        if samples == 0 {
            break;
        }
        sum += segment::mean_square(&block) * samples as f64;
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
        "{path} has {found} Hz and the dictionaries were learned at {expected} Hz: resample it, or let it be resampled \
         with --resample (stems then lack what is above {} Hz)",
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
