//! The transform against its definition, against SciPy, and against its own inverse.

use std::f64::consts::TAU;

use dsp::{Complex64, Stft, StftError, StftSettings, Window};
use ndarray::Array2;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde::Deserialize;

/// Round trip of a full-scale signal: what the least overlap accepted still guarantees.
const ROUND_TRIP: f64 = 1e-12;
/// Relative to sums of up to a hundred terms of order one, in two orders of summation.
const SPECTRUM: f64 = 1e-12;

const WINDOWS: [Window; 3] = [Window::Sine, Window::Hann, Window::Rectangular];

fn stft(window: Window, window_samples: usize, hop_samples: usize) -> Stft {
    Stft::new(&StftSettings {
        window_samples,
        hop_samples,
        window,
    })
    .expect("the settings can be inverted")
}

/// A signal within full scale, without structure that a fault could hide behind.
fn noise(samples: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    (0..samples)
        .map(|_| {
            // SplitMix64.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-52) - 1.0
        })
        .collect()
}

fn worst(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

fn worst_complex(a: &Array2<Complex64>, b: &Array2<Complex64>) -> f64 {
    assert_eq!(a.dim(), b.dim());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).norm())
        .fold(0.0, f64::max)
}

/// How often a bin of the one-sided spectrum counts in the two-sided one.
fn multiplicity(bin: usize, window_samples: usize) -> f64 {
    if bin == 0 || 2 * bin == window_samples {
        1.0
    } else {
        2.0
    }
}

fn energy(spectrogram: &Array2<Complex64>, window_samples: usize) -> f64 {
    spectrogram
        .indexed_iter()
        .map(|((_, bin), x)| multiplicity(bin, window_samples) * x.norm_sqr())
        .sum()
}

/// The transform by its definition, one sum per coefficient.
fn by_definition(
    signal: &[f64],
    window: Window,
    window_samples: usize,
    hop: usize,
) -> Array2<Complex64> {
    let w = window.coefficients(window_samples);
    let padding = (window_samples - hop) as isize;
    let sample = |n: isize| {
        usize::try_from(n)
            .ok()
            .and_then(|n| signal.get(n))
            .copied()
            .unwrap_or(0.0)
    };
    let mut frames = 0;
    while (frames * hop) as isize - padding < signal.len() as isize {
        frames += 1;
    }
    Array2::from_shape_fn((frames, window_samples / 2 + 1), |(t, f)| {
        (0..window_samples)
            .map(|n| {
                let x = sample((t * hop + n) as isize - padding);
                let turns = ((f * n) % window_samples) as f64 / window_samples as f64;
                Complex64::from_polar(w[n] * x, -TAU * turns)
            })
            .sum()
    })
}

#[derive(Deserialize)]
struct Reference {
    window: Window,
    window_samples: usize,
    hop_samples: usize,
    signal: Vec<f64>,
    re: Vec<Vec<f64>>,
    im: Vec<Vec<f64>>,
}

#[test]
fn agrees_with_scipy() {
    // Made by scripts/fixtures/stft_reference.py.
    let references: Vec<Reference> =
        serde_json::from_str(include_str!("fixtures/stft_reference.json")).unwrap();
    assert!(!references.is_empty());
    for case in references {
        let stft = stft(case.window, case.window_samples, case.hop_samples);
        let expected = Array2::from_shape_fn((case.re.len(), stft.bins()), |(t, f)| {
            Complex64::new(case.re[t][f], case.im[t][f])
        });
        let found = stft.analyse(&case.signal);
        assert!(worst_complex(&found, &expected) < SPECTRUM);
    }
}

#[test]
fn the_default_is_the_2048_point_sine_window_at_half_overlap() {
    let stft = Stft::new(&StftSettings::default()).unwrap();
    assert_eq!(stft.bins(), 1025);
    assert_eq!(stft.samples(300), 299 * 1024);
    assert_eq!(stft.frames(299 * 1024), 300);
    assert_eq!(stft.frames(1), 2);
    assert_eq!(stft.frames(1024), 2);
    assert_eq!(stft.frames(1025), 3);
}

#[test]
fn a_signal_of_the_default_size_survives_the_round_trip() {
    let stft = Stft::new(&StftSettings::default()).unwrap();
    let signal = noise(stft.samples(300) - 17, 1);
    let spectrogram = stft.analyse(&signal);
    let back = stft.synthesise(spectrogram.view(), signal.len());
    assert!(worst(&signal, &back) < ROUND_TRIP);
}

#[test]
fn an_empty_signal_has_no_frames_and_comes_back_empty() {
    let stft = Stft::new(&StftSettings::default()).unwrap();
    let spectrogram = stft.analyse(&[]);
    assert_eq!(spectrogram.dim(), (0, 1025));
    assert!(stft.synthesise(spectrogram.view(), 0).is_empty());
}

#[test]
fn a_single_frame_that_covers_nothing_fully_gives_an_empty_signal() {
    let stft = Stft::new(&StftSettings::default()).unwrap();
    assert_eq!(stft.samples(1), 0);
    let frame = Array2::from_elem((1, 1025), Complex64::new(1.0, 0.0));
    assert!(stft.synthesise(frame.view(), 0).is_empty());
}

#[test]
#[should_panic(expected = "frames are not those of a signal")]
fn a_wrong_length_is_refused() {
    let stft = Stft::new(&StftSettings::default()).unwrap();
    let spectrogram = stft.analyse(&noise(5000, 2));
    stft.synthesise(spectrogram.view(), 50_000);
}

#[test]
fn imaginary_parts_at_dc_and_nyquist_are_dropped() {
    for window_samples in [16, 15] {
        let stft = stft(Window::Sine, window_samples, 5);
        let signal = noise(100, 3);
        let mut spectrogram = stft.analyse(&signal);
        spectrogram.column_mut(0).mapv_inplace(|x| x + Complex64::I);
        if window_samples % 2 == 0 {
            spectrogram
                .column_mut(stft.bins() - 1)
                .mapv_inplace(|x| x - Complex64::I);
        }
        let back = stft.synthesise(spectrogram.view(), signal.len());
        assert!(worst(&signal, &back) < ROUND_TRIP);
    }
}

#[test]
fn a_sample_that_is_not_a_number_spoils_its_own_frames_only() {
    let stft = stft(Window::Sine, 16, 8);
    let mut signal = noise(80, 4);
    signal[40] = f64::NAN;
    let spoiled: Vec<usize> = stft
        .analyse(&signal)
        .outer_iter()
        .enumerate()
        .filter(|(_, row)| row.iter().any(|x| x.is_nan()))
        .map(|(t, _)| t)
        .collect();
    // Frame t holds samples 8 t - 8 to 8 t + 7.
    assert_eq!(spoiled, [5, 6]);
}

#[test]
fn settings_that_cannot_be_inverted_are_refused() {
    let settings = |window, window_samples, hop_samples| StftSettings {
        window_samples,
        hop_samples,
        window,
    };
    let refused = |settings: StftSettings| {
        let error = settings.validate().unwrap_err();
        assert_eq!(Stft::new(&settings).unwrap_err(), error);
        error
    };

    for window_samples in [0, dsp::MAX_WINDOW_SAMPLES + 1] {
        assert!(matches!(
            refused(settings(Window::Sine, window_samples, 1)),
            StftError::WindowSamples { .. }
        ));
    }
    for hop_samples in [0, 17] {
        assert!(matches!(
            refused(settings(Window::Rectangular, 16, hop_samples)),
            StftError::HopSamples { .. }
        ));
    }
    // Both touch zero at their first sample; alone, nothing else covers it.
    for window in [Window::Sine, Window::Hann] {
        assert!(matches!(
            refused(settings(window, 16, 16)),
            StftError::NotInvertible { .. }
        ));
    }
    assert!(matches!(
        refused(settings(Window::Sine, 1, 1)),
        StftError::NotInvertible { .. }
    ));
    assert!(
        settings(Window::Rectangular, 16, 16).validate().is_ok(),
        "a rectangular window needs no overlap"
    );
}

#[test]
fn settings_are_read_with_defaults_and_without_unknown_keys() {
    let settings: StftSettings =
        serde_json::from_str(r#"{"hop_samples": 512, "window": "hann"}"#).unwrap();
    assert_eq!(
        settings,
        StftSettings {
            window_samples: 2048,
            hop_samples: 512,
            window: Window::Hann,
        }
    );
    assert!(serde_json::from_str::<StftSettings>(r#"{"hop": 512}"#).is_err());
}

/// White noise: the mean over 200,000 coefficients is within half a per cent of its expectation,
/// and the frames at the ends, which reach over them, are two of 197.
#[test]
fn mean_power_is_that_of_the_coefficients() {
    for window in [Window::Sine, Window::Hann] {
        let settings = StftSettings {
            window,
            ..StftSettings::default()
        };
        let signal = noise(200_000, 1);
        let mean_square = signal.iter().map(|x| x * x).sum::<f64>() / signal.len() as f64;
        let spectrogram = Stft::new(&settings).unwrap().analyse(&signal);
        let mean = spectrogram.mapv(|x| x.norm_sqr()).mean().unwrap();
        assert!(
            (mean / settings.mean_power(mean_square) - 1.0).abs() < 0.02,
            "{mean}"
        );
    }
}

#[test]
fn can_be_shared_between_threads() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Stft>();
}

prop_compose! {
    /// A transform that can be inverted, and a length from nothing to several windows.
    fn cases()(window in prop::sample::select(&WINDOWS[..]), window_samples in 1_usize..80)
              (window in Just(window), window_samples in Just(window_samples),
               hop in 1..=window_samples, samples in 0..4 * window_samples + 10,
               seed in any::<u64>())
              -> (Window, usize, usize, usize, u64) {
        (window, window_samples, hop, samples, seed)
    }
}

fn invertible(window: Window, window_samples: usize, hop_samples: usize) -> Option<Stft> {
    Stft::new(&StftSettings {
        window_samples,
        hop_samples,
        window,
    })
    .ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_failure_persistence(
        FileFailurePersistence::WithSource("proptest-regressions")
    ))]

    #[test]
    fn every_signal_survives_the_round_trip(case in cases()) {
        let (window, window_samples, hop, samples, seed) = case;
        let Some(stft) = invertible(window, window_samples, hop) else { return Ok(()) };
        let signal = noise(samples, seed);
        let spectrogram = stft.analyse(&signal);
        prop_assert_eq!(spectrogram.dim(), (stft.frames(samples), stft.bins()));
        let back = stft.synthesise(spectrogram.view(), samples);
        prop_assert!(worst(&signal, &back) < ROUND_TRIP, "{}", worst(&signal, &back));
    }

    #[test]
    fn agrees_with_the_definition((window, window_samples, hop, samples, seed) in cases()) {
        let Some(stft) = invertible(window, window_samples, hop) else { return Ok(()) };
        let signal = noise(samples, seed);
        let expected = by_definition(&signal, window, window_samples, hop);
        // An empty signal has no frames, although those of the definition could start before it.
        let expected = if samples == 0 { Array2::zeros((0, stft.bins())) } else { expected };
        prop_assert!(worst_complex(&stft.analyse(&signal), &expected) < SPECTRUM);
    }

    #[test]
    fn frames_and_samples_are_each_others_counterpart(case in cases()) {
        let (window, window_samples, hop, samples, _) = case;
        let Some(stft) = invertible(window, window_samples, hop) else { return Ok(()) };
        let longest = stft.samples(stft.frames(samples));
        prop_assert!(longest >= samples);
        prop_assert_eq!(stft.frames(longest), stft.frames(samples));
        if samples > 0 {
            prop_assert_eq!(stft.frames(longest + 1), stft.frames(samples) + 1);
        }
    }

    /// Parseval in each frame, and the tight frame over all of them.
    #[test]
    fn energy_is_kept(half in 1_usize..40, samples in 0_usize..300, seed in any::<u64>()) {
        let stft = stft(Window::Sine, 2 * half, half);
        let signal = noise(samples, seed);
        let expected: f64 = 2.0 * half as f64 * signal.iter().map(|x| x * x).sum::<f64>();
        let found = energy(&stft.analyse(&signal), 2 * half);
        prop_assert!((found - expected).abs() <= 1e-12 * expected);
    }

    /// The inverse is the orthogonal projection onto the spectrograms of signals: what it leaves
    /// out of any spectrogram is orthogonal to every signal's, so no signal comes closer.
    #[test]
    fn synthesis_finds_the_closest_signal((window, window_samples, hop, samples, seed) in cases()) {
        let Some(stft) = invertible(window, window_samples, hop) else { return Ok(()) };
        let shape = (stft.frames(samples), stft.bins());
        let parts = noise(2 * shape.0 * shape.1, seed);
        let mut arbitrary = Array2::from_shape_vec(
            shape,
            parts.chunks(2).map(|p| Complex64::new(p[0], p[1])).collect(),
        ).unwrap();
        // Where a real frame's spectrum is real, so is this one.
        for ((_, bin), x) in arbitrary.indexed_iter_mut() {
            if bin == 0 || 2 * bin == window_samples {
                x.im = 0.0;
            }
        }
        let closest = stft.analyse(&stft.synthesise(arbitrary.view(), samples));
        let other = stft.analyse(&noise(samples, seed ^ 1));
        let product: f64 = arbitrary
            .indexed_iter()
            .map(|((t, bin), x)| {
                let left_out = (x - closest[(t, bin)]) * other[(t, bin)].conj();
                multiplicity(bin, window_samples) * left_out.re
            })
            .sum();
        let scale = (energy(&arbitrary, window_samples) * energy(&other, window_samples)).sqrt();
        prop_assert!(product.abs() <= ROUND_TRIP * scale.max(1.0), "{} of {}", product, scale);
    }
}
