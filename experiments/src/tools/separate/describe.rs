//! What a recording is before it is separated: whether it can be, and what its stems depend on.

use anyhow::{Result, ensure};
use dsp::RATES_HZ;
use dsp::audio::Recording;

use super::report::{MixtureReport, SeparationInputs, SettingsReport};
use super::segmentation::Segmentation;
use super::settings::SeparationSettings;
use super::sources::SourceSet;
use crate::store::digest::{Computed, Digest};
use crate::store::refused::Refused;
use crate::tools::recordings::NamedRecording;

/// Refuses a recording that cannot be separated, as far as its header tells.
///
/// # Errors
/// A recording that cannot be read; [`Refused`] for one that does not fit the dictionaries or the
/// settings.
pub(crate) fn check_recording(
    recording: &NamedRecording,
    sources: &SourceSet,
    settings: &SeparationSettings,
) -> Result<()> {
    let reader = recording.open()?;
    check_rate(&reader, sources, settings.resample)?;
    sources.check_stretch(&reader)?;
    sources.check_combinations(settings.method)?;
    cut_segments(&reader, sources, settings).map(drop)
}

/// All that the stems of a recording depend on. `sha256`: the digest of its file.
///
/// # Errors
/// A recording that cannot be read.
pub(crate) fn describe_inputs(
    recording: &NamedRecording,
    sha256: Digest,
    sources: &SourceSet,
    settings: &SeparationSettings,
) -> Result<SeparationInputs> {
    let reader = recording.open()?;
    let name = recording.file().file_name().unwrap_or_default();
    Ok(SeparationInputs {
        computed: Computed::new("separation"),
        mixture: MixtureReport {
            file: name.to_string_lossy().into_owned(),
            sha256,
            sample_rate_hz: reader.sample_rate_hz(),
            channels: reader.channels(),
            samples: reader.samples(),
        },
        sources: sources.reports(),
        settings: SettingsReport {
            sample_rate_hz: sources.sample_rate_hz,
            stft: sources.stft.clone(),
            channels: settings.channels,
            encoding: settings.encoding.unwrap_or_else(|| reader.encoding()),
            segment_seconds: settings.segment_seconds,
            overlap_seconds: settings.overlap_seconds,
            method: settings.method,
            iterations: settings.iterations,
            tolerance: settings.tolerance,
            precision: settings.precision,
            acceleration: settings.acceleration,
            tempering: settings.tempering,
            activation_start: settings.activation_start,
            noise_db: settings.noise_db,
            seed: settings.seed,
        },
    })
}

/// Where a recording is cut.
///
/// # Errors
/// [`Refused`] for settings out of range.
pub(super) fn cut_segments(
    reader: &Recording,
    sources: &SourceSet,
    settings: &SeparationSettings,
) -> Result<Segmentation> {
    Segmentation::new(
        reader.samples(),
        reader.sample_rate_hz(),
        sources.sample_rate_hz,
        sources.stft.window_samples,
        settings,
    )
}

fn check_rate(reader: &Recording, sources: &SourceSet, resample: bool) -> Result<()> {
    let (found, expected) = (reader.sample_rate_hz(), sources.sample_rate_hz);
    let path = reader.path().display();
    ensure!(
        found == expected || resample,
        Refused(format!(
            "{path} has {found} Hz and the dictionaries were learned at {expected} Hz: resample \
             it, or let it be resampled with --resample (stems then lack what is above {} Hz)",
            found.min(expected) / 2
        ))
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
    Ok(())
}
