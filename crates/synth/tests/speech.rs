//! The speech corpus through its public interface.

use synth::{Sentence, Speaker, Speech, SpeechError};

fn level_db(samples: &[f64]) -> f64 {
    10.0 * (samples.iter().map(|x| x * x).sum::<f64>() / samples.len() as f64).log10()
}

#[test]
fn seed_decides() {
    let first = Speech::new(1).utterance(5, 3);
    assert_eq!(first, Speech::new(1).utterance(5, 3));
    assert_ne!(first, Speech::new(2).utterance(5, 3));
}

#[test]
fn samples_are_pinned() {
    // A snapshot of our own output. The tolerance is for exponentials and sines, which may differ
    // in their last bits between platforms.
    let speech = Speech::new(1);
    let utterance = speech.utterance(1, 0).unwrap();
    assert_eq!(utterance.sentence.code(), "bbal1a");
    assert_eq!(utterance.samples.len(), 28_864);
    for (at, expected) in [
        (5_000, -6.458576374236168e-2),
        (10_000, 3.44992462728279e-2),
        (20_000, -3.9875516984255927e-2),
    ] {
        let sample = utterance.samples[at];
        assert!((sample - expected).abs() < 1e-9, "sample {at}: {sample:e}");
    }
}

#[test]
fn utterances_do_not_depend_on_each_other() {
    let speech = Speech::new(3);
    let forwards: Vec<_> = (0..4)
        .map(|index| speech.utterance(9, index).unwrap())
        .collect();
    for (index, utterance) in forwards.iter().enumerate().rev() {
        assert_eq!(
            utterance,
            &Speech::new(3).utterance(9, index as u64).unwrap()
        );
    }
    assert_ne!(forwards[0].sentence, forwards[1].sentence);
}

#[test]
fn takes_of_one_sentence_differ() {
    let speech = Speech::new(1);
    let sentence: Sentence = "bgaa9a".parse().unwrap();
    let [first, second] = [0, 1].map(|take| speech.say(2, sentence, take).unwrap());
    assert_eq!(first.sentence, second.sentence);
    assert_ne!(first.samples, second.samples);
}

#[test]
fn lengths_and_levels_are_those_of_speech() {
    let speech = Speech::new(4);
    for speaker in 1..=Speaker::COUNT {
        for index in 0..3 {
            let samples = speech.utterance(speaker, index).unwrap().samples;
            let seconds = samples.len() as f64 / f64::from(synth::SAMPLE_RATE_HZ);
            assert!((1.2..2.4).contains(&seconds), "{seconds}");
            assert!(samples.iter().all(|x| x.is_finite() && x.abs() < 1.0));
            let level = level_db(&samples);
            assert!((-32.5..-23.5).contains(&level), "{level}");
        }
    }
}

#[test]
fn noise_floor_lies_45_db_below_the_speech() {
    let speech = Speech::new(5);
    for speaker in 1..=Speaker::COUNT {
        let samples = speech.utterance(speaker, 0).unwrap().samples;
        // Nobody speaks in the first 40 ms. The level of 640 Gaussian samples is known to 1 dB.
        let floor = level_db(&samples[..640]) - level_db(&samples);
        assert!((floor + 45.0).abs() < 1.5, "speaker {speaker}: {floor}");
    }
}

#[test]
fn spectrum_falls_as_that_of_speech() {
    // Compares the levels of bands, over all speakers, with that of 300 to 900 Hz, by a sparse DFT
    // of every twentieth frame. In human speech the level is about 8 dB lower from 900 Hz to 2 kHz
    // and 13 dB lower from 2 to 6.4 kHz.
    let speech = Speech::new(6);
    let bands_hz = [(300, 900), (900, 2000), (2000, 6400)];
    let mut energies = [0.0; 3];
    for speaker in 1..=Speaker::COUNT {
        let samples = speech.utterance(speaker, 0).unwrap().samples;
        for frame in samples.chunks_exact(320).step_by(20) {
            for (energy, (low, high)) in energies.iter_mut().zip(bands_hz) {
                for hz in (low..high).step_by(50) {
                    let step = std::f64::consts::TAU * f64::from(hz) / 16_000.0;
                    let (re, im) = frame
                        .iter()
                        .enumerate()
                        .fold((0.0, 0.0), |(re, im), (n, x)| {
                            let window = (std::f64::consts::PI * (n as f64 + 0.5) / 320.0).sin();
                            let (sin, cos) = (step * n as f64).sin_cos();
                            (re + window * x * cos, im - window * x * sin)
                        });
                    *energy += re * re + im * im;
                }
            }
        }
    }
    let below = |band: usize| 10.0 * (energies[0] / energies[band]).log10();
    assert!((4.0..13.0).contains(&below(1)), "{}", below(1));
    assert!((8.0..19.0).contains(&below(2)), "{}", below(2));
}

#[test]
fn speakers_are_counted_from_one() {
    let speech = Speech::new(1);
    for number in [0, Speaker::COUNT + 1, usize::MAX] {
        assert_eq!(
            speech.utterance(number, 0),
            Err(SpeechError::NoSuchSpeaker(number))
        );
        assert!(speech.speaker(number).is_err());
    }
    assert!(speech.speaker(Speaker::COUNT).is_ok());
}
