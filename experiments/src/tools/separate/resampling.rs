//! Several channels at another rate.

use anyhow::Result;
use dsp::resample;

/// Channels at another rate.
///
/// # Errors
/// Those of resampling.
pub(super) fn resample_channels(
    channels: &[Vec<f64>],
    from_hz: u32,
    to_hz: u32,
) -> Result<Vec<Vec<f64>>> {
    let all = channels
        .iter()
        .map(|channel| Ok(resample(channel, from_hz, to_hz)?));
    all.collect()
}

/// As [`resample_channels`], cut or zero-padded to `samples`: lengths are rounded on the way there
/// and back.
///
/// # Errors
/// Those of resampling.
pub(super) fn resample_channels_to_length(
    channels: &[Vec<f64>],
    from_hz: u32,
    to_hz: u32,
    samples: usize,
) -> Result<Vec<Vec<f64>>> {
    let mut resampled = resample_channels(channels, from_hz, to_hz)?;
    for channel in &mut resampled {
        channel.resize(samples, 0.0);
    }
    Ok(resampled)
}
