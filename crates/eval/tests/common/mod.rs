//! The signals of scripts/fixtures/bss_eval_reference.py, made by the same operations in the same
//! order.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test file includes this one and uses its part"
)]

use serde::Deserialize;

/// A signal times a gain, delayed.
#[derive(Deserialize)]
pub struct Part {
    pub kind: Kind,
    pub index: u32,
    pub gain: f64,
    pub delay: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Noise,
    Source,
    LowPassed,
}

pub fn noise(seed: u32, samples: usize) -> Vec<f64> {
    let mut state = u64::from(seed);
    (0..samples)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        })
        .collect()
}

pub fn source(index: u32, samples: usize) -> Vec<f64> {
    let a1 = 1.8 - 0.5 * f64::from(index);
    let a2 = -0.9 + 0.05 * f64::from(index);
    let period = 300 + 170 * index as usize;
    let (mut y1, mut y2) = (0.0, 0.0);
    noise(100 + index, samples)
        .into_iter()
        .enumerate()
        .map(|(t, x)| {
            let gate = if (t / period).is_multiple_of(2) {
                1.0
            } else {
                0.05
            };
            (y1, y2) = (a1 * y1 + a2 * y2 + gate * x, y1);
            y1
        })
        .collect()
}

pub fn low_passed(index: u32, samples: usize) -> Vec<f64> {
    let mut signal = noise(200 + index, samples);
    let pole = 0.96 - 0.02 * f64::from(index);
    for _ in 0..3 {
        let mut y = 0.0;
        for x in &mut signal {
            y = pole * y + (1.0 - pole) * *x;
            *x = y;
        }
    }
    signal
}

pub fn mix(parts: &[Part], samples: usize) -> Vec<f64> {
    let mut total = vec![0.0; samples];
    for part in parts {
        let signal = match part.kind {
            Kind::Noise => noise(part.index, samples),
            Kind::Source => source(part.index, samples),
            Kind::LowPassed => low_passed(part.index, samples),
        };
        for (sum, x) in total[part.delay..].iter_mut().zip(signal) {
            *sum += part.gain * x;
        }
    }
    total
}
