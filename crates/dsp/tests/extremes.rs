//! Transforms and resampling at the ends of what doubles hold: levels from 1e-30 to 1e30, silent
//! stretches, signals of a sample, shorter than a window or a hop.

use dsp::{RATES_HZ, Stft, StftSettings, Window, resample};
use proptest::prelude::*;

/// Of the peak; see `StftSettings` on what a hop may cost. Half overlap costs nothing.
const ROUND_TRIP: f64 = 1e-12;
/// A band-limited signal can overshoot its samples, by the sum of the filter's magnitudes at most.
const OVERSHOOT: f64 = 10.0;

/// Noise at a level, with a silent stretch.
fn signal(most: usize) -> impl Strategy<Value = Vec<f64>> {
    (0..=most, -30..=30)
        .prop_flat_map(|(samples, decades)| {
            let noise = prop::collection::vec(-1.0..1.0_f64, samples);
            (noise, Just(decades), 0..=samples, 0..=samples)
        })
        .prop_map(|(mut signal, decades, a, b)| {
            signal.iter_mut().for_each(|x| *x *= 10.0_f64.powi(decades));
            signal[a.min(b)..a.max(b)].fill(0.0);
            signal
        })
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn peak(signal: &[f64]) -> f64 {
    signal.iter().fold(0.0, |peak, x| x.abs().max(peak))
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn the_round_trip_keeps_any_signal(signal in signal(200), half in 1..=40_usize) {
        let settings = StftSettings {
            window_samples: 2 * half,
            hop_samples: half,
            window: Window::Sine,
        };
        let stft = Stft::new(&settings).unwrap();
        let spectrogram = stft.analyse(&signal);
        prop_assert_eq!(spectrogram.dim(), (stft.frames(signal.len()), stft.bins()));
        prop_assert!(spectrogram.iter().all(|x| x.re.is_finite() && x.im.is_finite()));
        let back = stft.synthesise(spectrogram.view(), signal.len());
        prop_assert_eq!(back.len(), signal.len());
        for (back, signal_sample) in back.iter().zip(&signal) {
            prop_assert!((back - signal_sample).abs() <= ROUND_TRIP * peak(&signal));
        }
    }
}

proptest! {
    // Rates without common factors need long filters.
    #![proptest_config(config(60))]

    #[test]
    fn resampling_gives_finite_samples(
        signal in signal(300),
        from in prop_oneof![Just(8_000_u32), Just(16_000), Just(44_100), 1..=400_000_u32],
        to in prop_oneof![Just(8_000_u32), Just(16_000), Just(48_000), 1..=400_000_u32],
    ) {
        let allowed = RATES_HZ.contains(&from) && RATES_HZ.contains(&to);
        match resample(&signal, from, to) {
            Ok(resampled) => {
                prop_assert!(allowed || from == to);
                let most = OVERSHOOT * peak(&signal);
                prop_assert!(resampled.iter().all(|x| x.abs() <= most));
            }
            Err(_) => prop_assert!(!allowed),
        }
    }
}
