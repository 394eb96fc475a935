//! The sound of a home: hum, appliances, clatter, music and talk.
//!
//! Each of these layers comes from its own place in a room, and grows and fades independently, so
//! that every few seconds another one is the loudest.

mod appliance;
mod babble;
mod clatter;
mod hum;
mod music;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use thiserror::Error;

use crate::filter::{amplitude, rms};
use crate::room::{Room, add_noise_floor};
use crate::sample_rate::SAMPLE_RATE_HZ;

/// Level of the whole background, relative to a full-scale square wave.
const LEVEL_DB: f64 = -28.0;
/// Noise of the microphone, relative to the background.
const FLOOR_DB: f64 = -55.0;
/// Reverberation time: that of the speech corpus.
const REVERBERATION_SECONDS: f64 = 0.3;
/// Length of the longest background: an hour.
const LONGEST_SECONDS: f64 = 3600.0;

/// Why a background cannot be made.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum BackgroundError {
    /// The duration is out of range.
    #[error("a background lasts between 0.1 and {LONGEST_SECONDS} seconds, not {0}")]
    Duration(f64),
}

/// One kind of sound in the home.
struct Layer {
    /// Makes a number of samples, at any level.
    make: fn(usize, &mut ChaCha8Rng) -> Vec<f64>,
    /// Level of the layer, relative to the other layers.
    level_db: f64,
    /// How far below its maximum the level sinks at times.
    range_db: f64,
}

const LAYERS: [Layer; 5] = [
    Layer {
        make: hum::make_hum,
        level_db: -16.0,
        range_db: 4.0,
    },
    Layer {
        make: appliance::make_appliance,
        level_db: -5.0,
        range_db: 32.0,
    },
    Layer {
        make: clatter::make_clatter,
        level_db: -4.0,
        range_db: 16.0,
    },
    Layer {
        make: music::make_music,
        level_db: -2.0,
        range_db: 26.0,
    },
    Layer {
        make: babble::make_babble,
        level_db: -2.0,
        range_db: 22.0,
    },
];

/// The background noise of a home, mono at [`SAMPLE_RATE_HZ`], with a full scale of 1.
///
/// Each layer takes one key from `rng`. A shorter background is not the beginning of a longer one.
///
/// # Errors
/// When the duration is not between 0.1 seconds and an hour.
///
/// ```
/// let noise = synth::background(2.0, &mut synth::stream(1, "background", &[0]))?;
/// assert_eq!(noise.len(), 32_000);
/// # Ok::<(), synth::BackgroundError>(())
/// ```
pub fn background(seconds: f64, rng: &mut dyn Rng) -> Result<Vec<f64>, BackgroundError> {
    if !(0.1..=LONGEST_SECONDS).contains(&seconds) {
        return Err(BackgroundError::Duration(seconds));
    }
    let length = (seconds * f64::from(SAMPLE_RATE_HZ)).round() as usize;
    let mut sum = vec![0.0; length];
    for layer in &LAYERS {
        let mut rng = ChaCha8Rng::from_rng(rng);
        let dry = (layer.make)(length, &mut rng);
        let mut wet = Room::random(REVERBERATION_SECONDS, &mut rng).reverberate(&dry);
        vary_level(&mut wet, layer.range_db, &mut rng);
        let gain = gain_to_level(&wet, layer.level_db);
        for (sum, sample) in sum.iter_mut().zip(&wet) {
            *sum += gain * sample;
        }
    }
    let gain = gain_to_level(&sum, LEVEL_DB);
    for sample in &mut sum {
        *sample *= gain;
    }
    add_noise_floor(&mut sum, FLOOR_DB, rng);
    Ok(sum)
}

/// The gain that brings a signal to a level. It is 0 for a silent signal.
fn gain_to_level(samples: &[f64], level_db: f64) -> f64 {
    let level = rms(samples);
    if level > 0.0 {
        amplitude(level_db) / level
    } else {
        0.0
    }
}

/// Makes a layer come and go: its level drifts between 0 dB and `-range_db`, towards a new random
/// level every one to three seconds.
fn vary_level(samples: &mut [f64], range_db: f64, rng: &mut dyn Rng) {
    let mut level_db = -range_db * rng.random::<f64>();
    let mut rest = samples;
    while !rest.is_empty() {
        let turn = (rng.random_range(1.0..3.0) * f64::from(SAMPLE_RATE_HZ)) as usize;
        let (part, after) = rest.split_at_mut(turn.min(rest.len()));
        let next_db = -range_db * rng.random::<f64>();
        for (i, sample) in part.iter_mut().enumerate() {
            *sample *= amplitude(level_db + (next_db - level_db) * i as f64 / turn as f64);
        }
        level_db = next_db;
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::stream;

    const SECONDS: f64 = 6.0;

    fn made(seed: u64) -> Vec<f64> {
        background(SECONDS, &mut stream(seed, "test", &[])).unwrap()
    }

    #[test]
    fn seeds_decide() {
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
    }

    #[test]
    fn level_and_length_are_as_documented() {
        let samples = made(3);
        assert_eq!(samples.len(), 96_000);
        assert!((20.0 * rms(&samples).log10() - LEVEL_DB).abs() < 0.1);
        assert!(samples.iter().all(|x| x.abs() < 1.0));
    }

    #[test]
    fn every_layer_sounds() {
        for (i, layer) in LAYERS.iter().enumerate() {
            let samples = (layer.make)(96_000, &mut stream(4, "test", &[i as u64]));
            assert_eq!(samples.len(), 96_000);
            assert!(
                samples.iter().all(|x| x.is_finite()) && rms(&samples) > 0.0,
                "layer {i}"
            );
        }
    }

    #[test]
    fn level_moves() {
        // The levels of half-second pieces spread over several decibels in a home, but not in
        // stationary noise.
        let samples = made(5);
        let levels: Vec<f64> = samples
            .chunks(8000)
            .map(|part| 20.0 * rms(part).log10())
            .collect();
        let highest = levels.iter().copied().fold(f64::MIN, f64::max);
        let lowest = levels.iter().copied().fold(f64::MAX, f64::min);
        assert!((3.0..40.0).contains(&(highest - lowest)), "{levels:?}");
    }

    #[test]
    fn durations_are_checked() {
        for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY, 4000.0] {
            assert!(matches!(
                background(seconds, &mut stream(1, "test", &[])),
                Err(BackgroundError::Duration(_))
            ));
        }
    }
}
