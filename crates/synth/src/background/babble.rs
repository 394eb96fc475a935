//! A television: one voice after another, and more of them behind a door.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::articulation::plan;
use crate::filter::Biquad;
use crate::formant::Synthesiser;
use crate::grid::Sentence;
use crate::sample_rate::SAMPLE_RATE_HZ;
use crate::speaker::{Sex, Speaker};

/// Levels of the voices that are heard at the same time.
const VOICES: [f64; 4] = [1.0, 0.45, 0.35, 0.3];

/// Makes the sound of voices that take no notice of each other: one is near, the rest a murmur.
pub(super) fn make_babble(length: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut samples = vec![0.0; length];
    for (i, level) in VOICES.into_iter().enumerate() {
        let mut voice = vec![0.0; length];
        talk(&mut voice, rng);
        // The first comes from a small loudspeaker, the rest through walls.
        let [low_hz, high_hz] = if i == 0 {
            [180.0, 4500.0]
        } else {
            [120.0, 1200.0]
        };
        for mut stage in [Biquad::high_pass(low_hz), Biquad::low_pass(high_hz)] {
            stage.run(&mut voice);
        }
        for (sum, sample) in samples.iter_mut().zip(&voice) {
            *sum += level * sample;
        }
    }
    samples
}

/// Adds sentence after sentence, with a new speaker every few sentences.
fn talk(samples: &mut [f64], rng: &mut ChaCha8Rng) {
    let mut at = 0;
    while at < samples.len() {
        let sex = if rng.random_bool(0.5) {
            Sex::Female
        } else {
            Sex::Male
        };
        let speaker = Speaker::random(sex, rng);
        let voice = Synthesiser::new(&speaker);
        for _ in 0..rng.random_range(1..4) {
            let sentence = Sentence::from_index(rng.random_range(0..Sentence::COUNT));
            let said = voice.render(&plan(&sentence, &speaker, rng), rng);
            for (sample, said) in samples.iter_mut().skip(at).zip(&said) {
                *sample += said;
            }
            at += said.len();
        }
        at += (rng.random_range(0.0..1.2) * f64::from(SAMPLE_RATE_HZ)) as usize;
    }
}
