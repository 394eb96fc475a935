//! A tune on plucked strings, through the small loudspeaker of a kitchen radio.

use std::f64::consts::TAU;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::filter::Biquad;
use crate::sample_rate::SAMPLE_RATE_HZ;

/// The major scale, in semitones above the tonic.
const SCALE: [i32; 7] = [0, 2, 4, 5, 7, 9, 11];
/// Roots of the chords, one for each bar, as degrees of the scale.
const PROGRESSIONS: [[i32; 4]; 3] = [[0, 5, 3, 4], [0, 3, 4, 4], [5, 3, 0, 4]];
/// Eighth notes in a bar.
const EIGHTHS_PER_BAR: usize = 8;

/// Makes bars of bass, chords and melody, in one key and tempo.
pub(super) fn make_music(length: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let rate = f64::from(SAMPLE_RATE_HZ);
    let tonic_hz = 130.8 * (f64::from(rng.random_range(-4..5)) / 12.0).exp2();
    let eighth_seconds = 30.0 / rng.random_range(92.0..132.0);
    let progression = PROGRESSIONS[rng.random_range(0..PROGRESSIONS.len())];
    let hz = |degree: i32| {
        let octave = degree.div_euclid(7);
        let semitones = 12 * octave + SCALE[degree.rem_euclid(7) as usize];
        tonic_hz * (f64::from(semitones) / 12.0).exp2()
    };

    let mut samples = vec![0.0; length];
    let eighths = (length as f64 / (eighth_seconds * rate)).ceil() as usize;
    let mut melody = 7;
    for eighth in 0..eighths {
        let at = (eighth as f64 * eighth_seconds * rate) as usize;
        let at = at + rng.random_range(0..160);
        let root = progression[eighth / EIGHTHS_PER_BAR % progression.len()];
        let beat = eighth % EIGHTHS_PER_BAR;
        if beat.is_multiple_of(4) {
            pluck(&mut samples, at, hz(root - 7), 0.9, rng);
        }
        if beat % 4 == 2 {
            for third in [0, 2, 4] {
                pluck(
                    &mut samples,
                    at + 60 * third as usize,
                    hz(root + third),
                    0.3,
                    rng,
                );
            }
        }
        if beat.is_multiple_of(2) || rng.random_bool(0.35) {
            melody = (melody + rng.random_range(-2..3)).clamp(5, 16);
            // On the beat the melody takes a note of the chord.
            if beat.is_multiple_of(4) && (melody - root).rem_euclid(7) % 2 == 1 {
                melody -= 1;
            }
            pluck(&mut samples, at, hz(melody), 0.7, rng);
        }
    }
    for mut stage in [
        Biquad::high_pass(190.0),
        Biquad::high_pass(150.0),
        Biquad::low_pass(4800.0),
    ] {
        stage.run(&mut samples);
    }
    samples
}

/// Adds the sound of a plucked string. Higher partials are weaker, decay faster and, since a string
/// is stiff, are slightly sharp.
fn pluck(samples: &mut [f64], start: usize, hz: f64, height: f64, rng: &mut ChaCha8Rng) {
    const PARTIALS: u32 = 14;
    const STIFFNESS: f64 = 3e-4;
    /// Where the string is plucked, as a share of its length. Partials with a node there are not
    /// excited.
    const PLACE: f64 = 0.21;
    const ATTACK_SECONDS: f64 = 0.003;

    let rate = f64::from(SAMPLE_RATE_HZ);
    let touch = height * rng.random_range(0.7..1.2);
    let Some(samples) = samples.get_mut(start..) else {
        return;
    };
    for partial in 1..=PARTIALS {
        let number = f64::from(partial);
        let partial_hz = hz * number * (1.0 + STIFFNESS * number * number).sqrt();
        if partial_hz > 7000.0 {
            break;
        }
        let decay = 0.55 / (1.0 + 0.25 * number) * (220.0 / hz).powf(0.4);
        let height = touch * (std::f64::consts::PI * number * PLACE).sin().abs() / number;
        let radius = (-1.0 / (decay * rate)).exp();
        let (sin, cos) = (TAU * partial_hz / rate).sin_cos();
        let phase = rng.random_range(0.0..TAU);
        let [mut re, mut im] = [height * phase.cos(), height * phase.sin()];
        for (n, sample) in samples
            .iter_mut()
            .take((8.0 * decay * rate) as usize)
            .enumerate()
        {
            let attack = (n as f64 / (ATTACK_SECONDS * rate)).min(1.0);
            *sample += attack * re;
            (re, im) = (
                radius * (re * cos - im * sin),
                radius * (re * sin + im * cos),
            );
        }
    }
}
