//! The costs of the transforms: 19 s at 16 kHz, the length of one observation, with the paper's
//! window.
//!
//! `cargo bench -p dsp`.

use criterion::{Criterion, criterion_group, criterion_main};
use dsp::{Stft, StftSettings};

const SAMPLES: usize = 19 * 16_000;

fn stft(c: &mut Criterion) {
    let stft = Stft::new(&StftSettings::default()).unwrap();
    let signal: Vec<f64> = (0..SAMPLES)
        .map(|n| (0.01 * (n * n % 7919) as f64).sin())
        .collect();
    let spectrogram = stft.analyse(&signal);
    c.bench_function("stft/analyse 19 s", |b| b.iter(|| stft.analyse(&signal)));
    c.bench_function("stft/synthesise 19 s", |b| {
        b.iter(|| stft.synthesise(spectrogram.view(), SAMPLES));
    });
}

criterion_group!(benches, stft);
criterion_main!(benches);
