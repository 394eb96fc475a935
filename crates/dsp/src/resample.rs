//! Change of sample rate.

use std::ops::RangeInclusive;

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

/// Sample rates that [`resample`] accepts.
///
/// The filter's length grows with the rates when they have no large common divisor (44100 to 44101,
/// say): the bounds keep a mistyped or corrupted rate from asking for all of memory.
pub const RATES_HZ: RangeInclusive<u32> = 1_000..=768_000;

/// Least number of samples spanned by half the anti-aliasing filter, at the lower of the two rates.
///
/// It sets the width of the transition band, which with 512 lies within 5 % of the lower Nyquist
/// frequency.
const HALF_FILTER_SAMPLES: u32 = 512;

/// Largest magnitude accepted: beyond any audio, and far from overflow in the filter's transforms.
const MAX_MAGNITUDE: f64 = 1e100;

/// Why a signal cannot be resampled.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ResampleError {
    /// A rate is zero or absurd.
    #[error(
        "cannot resample from {from_hz} Hz to {to_hz} Hz: both rates must be between {} and {} Hz",
        RATES_HZ.start(), RATES_HZ.end()
    )]
    Rate {
        /// The signal's rate.
        from_hz: u32,
        /// The rate asked for.
        to_hz: u32,
    },
    /// A sample is not a number, infinite, or absurdly large.
    #[error("cannot resample: sample {index} is {value}")]
    NotFinite {
        /// Position of the first such sample.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// The resampler refused.
    #[error("resampling from {from_hz} Hz to {to_hz} Hz failed: {reason}")]
    Failed {
        /// The signal's rate.
        from_hz: u32,
        /// The rate asked for.
        to_hz: u32,
        /// The resampler's words.
        reason: String,
    },
}

/// A signal at another sample rate.
///
/// The result has exactly `round(n to_hz / from_hz)` samples, and sample k of it is the signal at
/// the instant k / to_hz: the filter's delay is compensated. Beyond its ends the signal is taken to
/// be zero. Equal rates return the signal as it is.
///
/// The filter is linear phase (a sinc under a squared Blackman-Harris window). Tones up to 95 % of
/// the lower Nyquist frequency come out within 1e-8 of their amplitude, and what a lower rate
/// cannot hold is attenuated below 1e-8.
///
/// # Errors
/// [`ResampleError`] for rates outside [`RATES_HZ`] or samples that are not finite.
pub fn resample(signal: &[f64], from_hz: u32, to_hz: u32) -> Result<Vec<f64>, ResampleError> {
    if !RATES_HZ.contains(&from_hz) || !RATES_HZ.contains(&to_hz) {
        return Err(ResampleError::Rate { from_hz, to_hz });
    }
    // Checked here because the resampler's transforms panic on what is not a number.
    if let Some((index, &value)) = signal
        .iter()
        .enumerate()
        .find(|(_, sample)| sample.is_nan() || sample.abs() > MAX_MAGNITUDE)
    {
        return Err(ResampleError::NotFinite { index, value });
    }
    if from_hz == to_hz || signal.is_empty() {
        return Ok(signal.to_vec());
    }

    let failed = |reason: String| ResampleError::Failed {
        from_hz,
        to_hz,
        reason,
    };
    let mut resampler = resampler(from_hz, to_hz).map_err(|error| failed(error.to_string()))?;
    let input =
        SequentialSlice::new(signal, 1, signal.len()).map_err(|error| failed(error.to_string()))?;
    let mut resampled = resampler
        .process_all(&input, signal.len(), None)
        .map_err(|error| failed(error.to_string()))?
        .take_data();
    // The resampler rounds the length up.
    resampled.resize(resampled_len(signal.len(), from_hz, to_hz), 0.0);
    Ok(resampled)
}

/// n to / from, rounded to nearest, halves up.
fn resampled_len(samples: usize, from_hz: u32, to_hz: u32) -> usize {
    let (from, to) = (u128::from(from_hz), u128::from(to_hz));
    let len = (2 * samples as u128 * to + from) / (2 * from);
    usize::try_from(len).unwrap_or(usize::MAX)
}

/// A one-channel resampler whose delay is a whole number of samples at both rates.
fn resampler(from_hz: u32, to_hz: u32) -> Result<Fft<f64>, rubato::ResamplerConstructionError> {
    let divisor = greatest_common_divisor(from_hz, to_hz);
    let (from_unit, to_unit) = (from_hz / divisor, to_hz / divisor);
    // The filter spans one block, and is centred in it exactly only if the block is even.
    let blocks = 2 * HALF_FILTER_SAMPLES.div_ceil(from_unit.min(to_unit));
    let block_samples = (blocks * from_unit) as usize;
    Fft::new_custom(
        from_hz as usize,
        to_hz as usize,
        block_samples,
        1,
        1,
        WindowFunction::BlackmanHarris2,
        FixedSync::Both,
    )
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_round_to_nearest() {
        assert_eq!(resampled_len(441, 44_100, 16_000), 160);
        assert_eq!(resampled_len(442, 44_100, 16_000), 160);
        assert_eq!(resampled_len(1, 44_100, 16_000), 0);
        assert_eq!(resampled_len(1, 32_000, 16_000), 1);
        assert_eq!(resampled_len(usize::MAX, 1_000, 768_000), usize::MAX);
    }
}
