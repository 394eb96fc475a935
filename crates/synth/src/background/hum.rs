//! The sounds that never stop: mains hum, a refrigerator, distant traffic.

use std::f64::consts::TAU;

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::filter::{Biquad, OnePole};
use crate::sample_rate::SAMPLE_RATE_HZ;

const MAINS_HZ: f64 = 50.0;
/// A refrigerator's motor turns a little slower than the mains.
const MOTOR_HZ: f64 = 48.6;

/// Makes harmonics of the mains, harmonics of a compressor, and rumble.
pub(super) fn make_hum(length: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut samples = vec![0.0; length];
    // Transformers hum at the even harmonics, motors at all of them.
    for harmonic in 1..=14 {
        let even = if harmonic % 2 == 0 { 1.0 } else { 0.35 };
        let height = even / f64::from(harmonic).powf(0.8) * rng.random_range(0.5..1.5);
        add_tone(&mut samples, MAINS_HZ * f64::from(harmonic), height, rng);
    }
    for harmonic in 1..=10 {
        let height = 0.5 / f64::from(harmonic) * rng.random_range(0.3..1.5);
        add_tone(&mut samples, MOTOR_HZ * f64::from(harmonic), height, rng);
    }
    let mut rumble = OnePole::new(90.0);
    let mut rattle = Biquad::band_pass(310.0, 120.0);
    for sample in &mut samples {
        let white: f64 = rng.sample(StandardNormal);
        *sample += 2.0 * rumble.next(white) + 0.5 * rattle.next(white);
    }
    samples
}

/// Adds a tone whose amplitude varies by about a tenth within a few seconds.
fn add_tone(samples: &mut [f64], hz: f64, height: f64, rng: &mut impl Rng) {
    let step = hz / f64::from(SAMPLE_RATE_HZ);
    let beat = rng.random_range(0.1..0.6) / f64::from(SAMPLE_RATE_HZ);
    let [start, beat_start]: [f64; 2] = [rng.random(), rng.random()];
    for (n, sample) in samples.iter_mut().enumerate() {
        let n = n as f64;
        let waver = 1.0 + 0.12 * (TAU * (beat * n + beat_start)).sin();
        *sample += height * waver * (TAU * (step * n + start)).sin();
    }
}
