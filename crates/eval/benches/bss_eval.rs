//! Times BSS Eval on two signals with the length of one observation: 300 000 samples, which last
//! 19 s at 16 kHz.

use criterion::{Criterion, criterion_group, criterion_main};
use eval::{BssEval, BssEvalSettings, bss_eval_sources};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SAMPLES: usize = 300_000;

/// Noise through a first-order low-pass: about as ill-conditioned as speech.
fn signal(seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut state = 0.0;
    (0..SAMPLES)
        .map(|_| {
            state = 0.95 * state + rng.random_range(-0.1..0.1);
            state
        })
        .collect()
}

fn bss_eval(criterion: &mut Criterion) {
    let (speech, background) = (signal(1), signal(2));
    let estimate: Vec<f64> = speech
        .iter()
        .zip(&background)
        .map(|(s, b)| s + 0.3 * b)
        .collect();
    let references = [speech.as_slice(), background.as_slice()];
    let settings = BssEvalSettings::default();
    let prepare = || BssEval::new(&references, &settings).expect("two different signals");

    let mut group = criterion.benchmark_group("bss_eval");
    group.sample_size(10);
    group.bench_function("prepare", |bencher| {
        bencher.iter(prepare);
    });
    group.bench_function("prepare_and_first_sdr", |bencher| {
        bencher.iter(|| prepare().sdr(&estimate, 0));
    });
    group.bench_function("prepare_and_first_score", |bencher| {
        bencher.iter(|| prepare().score(&estimate, 0));
    });
    let other: Vec<f64> = speech
        .iter()
        .zip(&background)
        .map(|(s, b)| b + 0.2 * s)
        .collect();
    let estimates = [estimate.as_slice(), other.as_slice()];
    group.bench_function("both_sources", |bencher| {
        bencher.iter(|| bss_eval_sources(&references, &estimates, false));
    });
    let prepared = prepare();
    group.bench_function("next_sdr", |bencher| {
        bencher.iter(|| prepared.sdr(&estimate, 0));
    });
    group.bench_function("next_score", |bencher| {
        bencher.iter(|| prepared.score(&estimate, 0));
    });
    group.finish();
}

criterion_group!(benches, bss_eval);
criterion_main!(benches);
