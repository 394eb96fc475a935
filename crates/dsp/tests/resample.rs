//! Resampled sines against the sine itself at the new instants.

use std::f64::consts::TAU;

use dsp::{Audio, RATES_HZ, ResampleError, resample};

/// Error of a tone of amplitude one in the pass band, as documented.
const PASS_BAND: f64 = 1e-8;
/// What may be left of a tone of amplitude one above the new Nyquist frequency.
const STOP_BAND: f64 = 1e-8;
/// Where the abrupt start and end of a tone are no longer felt: the filter's length, in seconds.
const EDGE_SECONDS: f64 = 0.15;

fn tone(frequency_hz: f64, rate_hz: u32, samples: usize) -> Vec<f64> {
    (0..samples)
        .map(|n| (TAU * frequency_hz * n as f64 / f64::from(rate_hz) + 0.3).sin())
        .collect()
}

/// Largest deviation of a resampled tone from the tone itself, away from the ends.
fn worst_error(frequency_hz: f64, amplitude: f64, from_hz: u32, to_hz: u32) -> f64 {
    let resampled = resample(
        &tone(frequency_hz, from_hz, from_hz as usize),
        from_hz,
        to_hz,
    )
    .expect("the rates are valid");
    assert_eq!(resampled.len(), to_hz as usize);
    let edge = (EDGE_SECONDS * f64::from(to_hz)) as usize;
    let expected = tone(frequency_hz, to_hz, to_hz as usize);
    (edge..resampled.len() - edge)
        .map(|n| (resampled[n] - amplitude * expected[n]).abs())
        .fold(0.0, f64::max)
}

#[test]
fn tones_in_the_pass_band_are_the_same_tones_at_the_new_rate() {
    for (from_hz, to_hz) in [
        (44_100, 16_000),
        (48_000, 16_000),
        (8_000, 16_000),
        (16_000, 44_100),
        (22_050, 16_000),
        (11_025, 16_000),
    ] {
        let nyquist_hz = f64::from(from_hz.min(to_hz)) / 2.0;
        for fraction in [0.001, 0.1, 0.5, 0.9, 0.95] {
            let error = worst_error(fraction * nyquist_hz, 1.0, from_hz, to_hz);
            assert!(
                error < PASS_BAND,
                "{from_hz} to {to_hz} Hz at {fraction} of Nyquist: {error:e}"
            );
        }
    }
}

#[test]
fn tones_above_the_new_nyquist_frequency_vanish() {
    for frequency_hz in [8_000.0, 8_100.0, 12_000.0, 20_000.0] {
        let left = worst_error(frequency_hz, 0.0, 44_100, 16_000);
        assert!(left < STOP_BAND, "{frequency_hz} Hz: {left:e}");
    }
}

#[test]
fn an_impulse_stays_where_it_was() {
    let mut impulse = vec![0.0; 4_000];
    impulse[1_000] = 1.0;
    let resampled = resample(&impulse, 8_000, 16_000).unwrap();
    let peak = (0..resampled.len())
        .max_by(|&a, &b| resampled[a].total_cmp(&resampled[b]))
        .unwrap();
    assert_eq!(peak, 2_000);
}

#[test]
fn lengths_are_exact_from_one_sample_to_many_blocks() {
    for samples in (0..50).chain([441, 999, 1_000, 12_345, 100_001]) {
        for (from_hz, to_hz) in [
            (44_100, 16_000),
            (8_000, 16_000),
            (16_000, 11_025),
            (44_100, 44_101),
        ] {
            let expected =
                (samples as f64 * f64::from(to_hz) / f64::from(from_hz)).round() as usize;
            let resampled = resample(&vec![0.5; samples], from_hz, to_hz).unwrap();
            assert_eq!(
                resampled.len(),
                expected,
                "{samples} samples, {from_hz} to {to_hz} Hz"
            );
        }
    }
}

#[test]
fn equal_rates_change_nothing() {
    let signal = tone(440.0, 16_000, 1_000);
    assert_eq!(resample(&signal, 16_000, 16_000).unwrap(), signal);
    let audio = Audio {
        samples: signal,
        sample_rate_hz: 16_000,
    };
    assert_eq!(audio.clone().at_rate(16_000).unwrap(), audio);
}

#[test]
fn audio_takes_its_new_rate_along() {
    let audio = Audio {
        samples: vec![0.0; 44_100],
        sample_rate_hz: 44_100,
    }
    .at_rate(16_000)
    .unwrap();
    assert_eq!(
        (audio.samples.len(), audio.sample_rate_hz),
        (16_000, 16_000)
    );
    assert!(audio.is_silent());
    assert!((audio.seconds() - 1.0).abs() < f64::EPSILON);
}

#[test]
fn absurd_rates_and_samples_are_refused() {
    let (low, high) = (*RATES_HZ.start(), *RATES_HZ.end());
    for (from_hz, to_hz) in [
        (0, 16_000),
        (16_000, 0),
        (low - 1, 16_000),
        (16_000, high + 1),
        (u32::MAX, 16_000),
    ] {
        assert_eq!(
            resample(&[0.0; 10], from_hz, to_hz),
            Err(ResampleError::Rate { from_hz, to_hz })
        );
    }
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
        let error = resample(&[0.0, value], 8_000, 16_000).unwrap_err();
        assert!(matches!(error, ResampleError::NotFinite { index: 1, .. }));
    }
}

#[test]
fn the_extreme_rates_work() {
    let (low, high) = (*RATES_HZ.start(), *RATES_HZ.end());
    for (from_hz, to_hz) in [(low, high), (high, low), (high - 1, high)] {
        assert!(resample(&tone(100.0, from_hz, 100), from_hz, to_hz).is_ok());
    }
}
