//! Vacuum cleaners, washing machines and kettles: coloured noise and a motor.

use std::f64::consts::TAU;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::filter::{Biquad, OnePole};
use crate::sample_rate::SAMPLE_RATE_HZ;

/// What one kind of machine sounds like.
struct Machine {
    /// Bands of the noise: centre and bandwidth in Hz, amplitude.
    bands: [(f64, f64, f64); 3],
    /// Tone of the motor, if the machine has one: fundamental in Hz and amplitude.
    motor: (f64, f64),
    /// Beat of the noise: rate in Hz and depth.
    beat: (f64, f64),
    /// Random unevenness of the noise, fast for bubbles and slow for a brush on a carpet: corner
    /// frequency in Hz and depth.
    unevenness: (f64, f64),
}

const VACUUM_CLEANER: Machine = Machine {
    bands: [
        (450.0, 500.0, 1.0),
        (1500.0, 1400.0, 0.6),
        (3800.0, 2600.0, 0.22),
    ],
    motor: (295.0, 0.5),
    beat: (0.7, 0.25),
    unevenness: (1.5, 0.3),
};
const WASHING_MACHINE: Machine = Machine {
    bands: [
        (140.0, 120.0, 1.6),
        (700.0, 600.0, 0.6),
        (2400.0, 1800.0, 0.12),
    ],
    motor: (97.0, 0.5),
    beat: (0.9, 0.75),
    unevenness: (6.0, 0.3),
};
const KETTLE: Machine = Machine {
    bands: [
        (520.0, 400.0, 0.9),
        (1500.0, 900.0, 0.7),
        (3500.0, 2500.0, 0.2),
    ],
    motor: (0.0, 0.0),
    beat: (0.1, 0.1),
    unevenness: (25.0, 0.6),
};

/// Makes the sound of machines that run one after the other, each for a few seconds.
pub(super) fn make_appliance(length: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut samples = Vec::with_capacity(length);
    while samples.len() < length {
        let machine = match rng.random_range(0..3) {
            0 => &VACUUM_CLEANER,
            1 => &WASHING_MACHINE,
            _ => &KETTLE,
        };
        let seconds = rng.random_range(5.0..15.0);
        run(machine, seconds, &mut samples, rng);
    }
    samples.truncate(length);
    samples
}

/// Appends the sound of one machine, from start to stop.
fn run(machine: &Machine, seconds: f64, samples: &mut Vec<f64>, rng: &mut ChaCha8Rng) {
    /// Time that a machine takes to come up to speed, and to stop.
    const START_SECONDS: f64 = 0.8;
    /// Number of the motor's harmonics.
    const HARMONICS: usize = 9;

    let rate = f64::from(SAMPLE_RATE_HZ);
    let build = rng.random_range(0.93..1.07);
    let mut bands = machine
        .bands
        .map(|(hz, bandwidth_hz, height)| (Biquad::band_pass(hz * build, bandwidth_hz), height));
    let (corner_hz, depth) = machine.unevenness;
    let mut uneven = OnePole::new(corner_hz);
    let uneven_gain = depth / uneven.white_gain();
    let mut load = OnePole::new(1.0);
    let load_gain = 0.01 / load.white_gain();
    let heights: [f64; HARMONICS] =
        std::array::from_fn(|i| rng.random_range(0.3..1.0) / (i + 1) as f64);
    let (motor_hz, motor_height) = machine.motor;
    let (beat_hz, beat_depth) = machine.beat;
    let [mut turn, beat_start]: [f64; 2] = [rng.random(), rng.random()];

    let count = (seconds * rate) as usize;
    for n in 0..count {
        let time = n as f64 / rate;
        let speed = (time.min(seconds - time) / START_SECONDS)
            .clamp(0.0, 1.0)
            .sqrt();
        let white: f64 = rng.sample(StandardNormal);
        let rough = (1.0 + uneven_gain * uneven.next(rng.sample(StandardNormal))).max(0.0);
        let beat = 1.0 + beat_depth * (TAU * (beat_hz * time + beat_start)).sin();
        let wind: f64 = bands
            .iter_mut()
            .map(|(filter, height)| *height * filter.next(white))
            .sum();

        let wobble = 1.0 + load_gain * load.next(rng.sample(StandardNormal));
        turn += motor_hz * build * (0.3 + 0.7 * speed) * wobble / rate;
        let whine = if motor_height > 0.0 {
            sum_harmonics(turn, &heights)
        } else {
            0.0
        };
        samples.push(speed * (rough * beat * wind + 0.3 * motor_height * whine));
    }
}

/// One sample of a harmonic tone, whose phase is given in turns. The sines of the multiples follow
/// from the Chebyshev recursion.
fn sum_harmonics(turn: f64, heights: &[f64]) -> f64 {
    let (sin, cos) = (TAU * turn).sin_cos();
    let [mut before, mut present] = [0.0, sin];
    let mut sum = 0.0;
    for height in heights {
        sum += height * present;
        (before, present) = (present, 2.0 * cos * present - before);
    }
    sum
}
