//! Things that are knocked, dropped or put down: dishes, cutlery, pans, doors.

use std::f64::consts::TAU;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::sample_rate::SAMPLE_RATE_HZ;

/// What an object sounds like when it is struck.
struct Material {
    /// Range of the frequencies of its modes.
    hz: (f64, f64),
    /// Range of the times in which the modes decay to 1/e.
    decay_seconds: (f64, f64),
    /// Number of modes.
    modes: usize,
    /// Duration of the contact: a long, soft one does not excite high modes.
    contact_seconds: f64,
    /// Amplitude of a knock, relative to other materials.
    height: f64,
}

const MATERIALS: [Material; 5] = [
    // Crockery, cutlery, a pan, wood, a door.
    Material {
        hz: (1100.0, 6500.0),
        decay_seconds: (0.02, 0.09),
        modes: 9,
        contact_seconds: 0.0002,
        height: 1.0,
    },
    Material {
        hz: (2500.0, 7600.0),
        decay_seconds: (0.03, 0.2),
        modes: 8,
        contact_seconds: 0.0001,
        height: 0.6,
    },
    Material {
        hz: (350.0, 4500.0),
        decay_seconds: (0.08, 0.4),
        modes: 10,
        contact_seconds: 0.0004,
        height: 0.7,
    },
    Material {
        hz: (180.0, 1800.0),
        decay_seconds: (0.008, 0.03),
        modes: 8,
        contact_seconds: 0.0012,
        height: 1.2,
    },
    Material {
        hz: (60.0, 500.0),
        decay_seconds: (0.02, 0.08),
        modes: 8,
        contact_seconds: 0.004,
        height: 1.8,
    },
];

/// Makes bouts of knocks, each on one kind of object, with pauses between them.
pub(super) fn make_clatter(length: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let rate = f64::from(SAMPLE_RATE_HZ);
    let mut samples = vec![0.0; length];
    let mut seconds = rng.random_range(0.0..0.3);
    while seconds * rate < length as f64 {
        let material = &MATERIALS[rng.random_range(0..MATERIALS.len())];
        for _ in 0..rng.random_range(1..7) {
            knock(material, (seconds * rate) as usize, &mut samples, rng);
            seconds += 0.05 - 0.15 * (1.0 - rng.random::<f64>()).ln();
        }
        seconds += 0.2 - 0.6 * (1.0 - rng.random::<f64>()).ln();
    }
    samples
}

/// Adds the decaying modes of one knock.
fn knock(material: &Material, start: usize, samples: &mut [f64], rng: &mut ChaCha8Rng) {
    /// Time after which a mode is inaudible, in time constants.
    const AUDIBLE: f64 = 9.0;

    let rate = f64::from(SAMPLE_RATE_HZ);
    let strength = material.height * 10f64.powf(rng.random_range(-1.0..0.0));
    let (low, high) = material.hz;
    let (shortest, longest) = material.decay_seconds;
    let Some(samples) = samples.get_mut(start..) else {
        return;
    };
    for _ in 0..material.modes {
        let place: f64 = rng.random();
        let hz = low * (high / low).powf(place);
        // Higher modes decay faster.
        let decay = longest * (shortest / longest).powf(0.7 * place + 0.3 * rng.random::<f64>());
        let soft = 1.0 / (1.0 + (TAU * hz * material.contact_seconds).powi(2));
        let height = strength * soft * rng.random_range(0.2..1.0);
        let radius = (-1.0 / (decay * rate)).exp();
        let (sin, cos) = (TAU * hz / rate).sin_cos();
        let [mut re, mut im] = [0.0, height];
        for sample in samples.iter_mut().take((AUDIBLE * decay * rate) as usize) {
            *sample += re;
            (re, im) = (
                radius * (re * cos + im * sin),
                radius * (im * cos - re * sin),
            );
        }
    }
}
