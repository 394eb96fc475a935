//! The costs of the model at the paper's size: 1025 bins, 300 frames, orders 2 to 14, a background
//! of 16 components, 50 iterations.
//!
//! `cargo bench -p model`. Compare ratios within one run: absolute times depend on the machine.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use fearless_simd::{Level, Simd, SimdBase, SimdFloat, dispatch};
use fearless_simd_macros::simd;
use model::itakura_saito::{self, TrainingSettings};
use model::{Complex64, Dictionary, Execution, Gig, Inference, Precision, Settings, SourceModel};
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, StandardNormal};

const BINS: usize = 1025;
const FRAMES: usize = 300;
const ORDERS: [usize; 7] = [2, 4, 6, 8, 10, 12, 14];
const BACKGROUND: usize = 16;

fn gamma_matrix(shape: f64, rows: usize, columns: usize, rng: &mut ChaCha8Rng) -> Array2<f64> {
    let gamma = Gamma::new(shape, 1.0 / shape).unwrap();
    Array2::from_shape_simple_fn((rows, columns), || f64::max(gamma.sample(rng), 1e-10))
}

struct Problem {
    mixture: Array2<Complex64>,
    speaker: Vec<Arc<Dictionary>>,
    background: SourceModel,
}

fn problem() -> Problem {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut dictionary =
        |order| Dictionary::normalised(gamma_matrix(0.5, order, BINS, &mut rng)).unwrap();
    let speaker: Vec<Arc<Dictionary>> = ORDERS.iter().map(|&k| Arc::new(dictionary(k))).collect();
    let background = dictionary(BACKGROUND);
    let variance = gamma_matrix(0.2, FRAMES, 8, &mut rng).dot(&speaker[3].components())
        + gamma_matrix(0.2, FRAMES, BACKGROUND, &mut rng).dot(&background.components());
    let mixture = variance.mapv(|v| {
        let re: f64 = StandardNormal.sample(&mut rng);
        let im: f64 = StandardNormal.sample(&mut rng);
        Complex64::new(re, im) * (0.5 * v).sqrt()
    });
    let start = gamma_matrix(0.2, BACKGROUND, BINS, &mut rng);
    Problem {
        mixture,
        speaker,
        background: SourceModel::estimated(start).unwrap(),
    }
}

fn separations(c: &mut Criterion) {
    let problem = problem();
    let mut group = c.benchmark_group("separation");
    group.sample_size(10);
    for (name, execution, precision) in [
        ("serial", Execution::Serial, Precision::F64),
        ("parallel", Execution::Parallel, Precision::F64),
        ("serial_f32", Execution::Serial, Precision::F32),
        ("parallel_f32", Execution::Parallel, Precision::F32),
    ] {
        let settings = Settings {
            precision,
            ..Settings::default()
        };
        let inference = Inference::new(settings).unwrap().with_execution(execution);
        let separate = |dictionaries: &[Arc<Dictionary>]| {
            let speaker = SourceModel::known(dictionaries.iter().cloned());
            let sources = [speaker, problem.background.clone()];
            let separation = inference.separate(problem.mixture.view(), &sources);
            let separation = separation.unwrap();
            assert_eq!(separation.precision, precision);
            separation
        };
        group.bench_function(format!("fusion/{name}"), |b| {
            b.iter(|| separate(&problem.speaker));
        });
        group.bench_function(format!("selection/{name}"), |b| {
            b.iter(|| {
                for dictionary in problem.speaker.chunks(1) {
                    black_box(separate(dictionary));
                }
            });
        });
    }
    let one = Settings {
        iterations: 1,
        ..Settings::default()
    };
    let eleven = Settings {
        iterations: 11,
        ..Settings::default()
    };
    for (name, settings) in [("1", one), ("11", eleven)] {
        let inference = Inference::new(settings)
            .unwrap()
            .with_execution(Execution::Serial);
        let sources = [
            SourceModel::known(problem.speaker.clone()),
            problem.background.clone(),
        ];
        group.bench_function(format!("fusion/serial/{name}_iterations"), |b| {
            b.iter(|| {
                inference
                    .separate(problem.mixture.view(), &sources)
                    .unwrap()
            });
        });
    }
    group.finish();
}

fn gig(c: &mut Criterion) {
    let gig = Gig::new(0.2).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let normal = |rng: &mut ChaCha8Rng| -> f64 { StandardNormal.sample(rng) };
    let arguments: Vec<(f64, f64)> = (0..1000)
        .map(|_| {
            (
                (3.0 * normal(&mut rng)).exp(),
                (8.0 * normal(&mut rng)).exp(),
            )
        })
        .collect();
    c.bench_function("gig/1000 expectations", |b| {
        b.iter(|| {
            let sum = |sum, &(rho, tau)| sum + gig.expectations(rho, tau).harmonic;
            arguments.iter().fold(0.0, sum)
        });
    });
    c.bench_function("gig/1000 expectations, eight at a time", |b| {
        b.iter(|| gig.expectations_of(&arguments));
    });
    c.bench_function("gig/tables", |b| b.iter(|| Gig::new(black_box(0.2))));
}

fn training(c: &mut Criterion) {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let power = gamma_matrix(0.5, 7000, 14, &mut rng).dot(&gamma_matrix(0.5, 14, BINS, &mut rng));
    let mut group = c.benchmark_group("itakura_saito");
    group.sample_size(10);
    for (name, precision) in [("", Precision::F64), ("_f32", Precision::F32)] {
        for iterations in [1, 11] {
            let settings = TrainingSettings {
                order: 14,
                iterations,
                precision,
            };
            let train = |mut rng: ChaCha8Rng| {
                let trained = itakura_saito::train(power.view(), &settings, &mut rng).unwrap();
                assert_eq!(trained.precision, precision);
                trained
            };
            group.bench_function(format!("7000 frames/{iterations} iterations{name}"), |b| {
                let rng = || ChaCha8Rng::seed_from_u64(4);
                b.iter_batched(rng, train, BatchSize::PerIteration);
            });
        }
    }
    group.finish();
}

/// Fused multiply-adds of [`multiply_adds`].
const MULTIPLY_ADDS: usize = 96_000_000;

/// Twelve independent chains of multiply-adds in registers: what one core can do at most.
#[simd]
fn multiply_adds<S: Simd>(simd: S) -> f64 {
    // Unknown to the compiler, or it would run the twelve equal chains as one.
    let (factor, term) = black_box((0.999, 1e-3));
    let (factor, term) = (S::f64s::splat(simd, factor), S::f64s::splat(simd, term));
    let mut chains = [term; 12];
    for (i, chain) in chains.iter_mut().enumerate() {
        *chain *= S::f64s::splat(simd, black_box(1.0 + i as f64));
    }
    for _ in 0..MULTIPLY_ADDS / (12 * S::f64s::LEN) {
        for chain in &mut chains {
            *chain = chain.mul_add_precise(factor, term);
        }
    }
    chains.iter().map(|chain| chain.as_slice()[0]).sum()
}

fn fma_peak(c: &mut Criterion) {
    let level = Level::new();
    let mut group = c.benchmark_group("fma_peak");
    group.throughput(Throughput::Elements(2 * MULTIPLY_ADDS as u64));
    group.bench_function("one core", |b| {
        b.iter(|| dispatch!(level, simd => multiply_adds(simd)));
    });
    group.finish();
}

criterion_group!(benches, fma_peak, gig, separations, training);
criterion_main!(benches);
