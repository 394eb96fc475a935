//! The image metrics of version 4 against museval, against dense least squares, and at their edges.

mod common;

use common::{Part, mix, noise, source};
use eval::{BssEvalImages, BssEvalSettings, ImageScores, MetricError};
use serde::Deserialize;

/// Both find the same projections. museval subtracts filtered signals where this crate subtracts
/// filters, and adds 2e-16 to the diagonal of its systems: 1e-6 dB, as with mir_eval, holds for
/// ratios up to 130 dB.
const MUSEVAL_TOLERANCE_DB: f64 = 1e-6;

/// Against an orthogonal basis on tiny signals, with ratios of ordinary size.
const DENSE_TOLERANCE_DB: f64 = 1e-9;

/// What rounding leaves of a part that is exactly zero: museval has a number where this crate has
/// infinity.
const PERFECT_DB: f64 = 200.0;

/// Parts of each channel of each source.
type Images = Vec<Vec<Vec<Part>>>;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    taps: usize,
    samples: usize,
    window: usize,
    hop: usize,
    references: Images,
    estimates: Images,
    /// Windows x sources x SDR, ISR, SIR, SAR; null where there is none.
    scores: Vec<Vec<[Option<f64>; 4]>>,
}

fn make_images(images: &Images, samples: usize) -> Vec<Vec<Vec<f64>>> {
    let channels = |image: &Vec<Vec<Part>>| image.iter().map(|parts| mix(parts, samples)).collect();
    images.iter().map(channels).collect()
}

fn evaluate<'a>(
    references: &'a [Vec<Vec<f64>>],
    estimates: &'a [Vec<Vec<f64>>],
    taps: usize,
) -> Result<BssEvalImages<'a>, MetricError> {
    let borrow = |images: &'a [Vec<Vec<f64>>]| -> Vec<Vec<&'a [f64]>> {
        let channels = |image: &'a Vec<Vec<f64>>| image.iter().map(Vec::as_slice).collect();
        images.iter().map(channels).collect()
    };
    let (references, estimates) = (borrow(references), borrow(estimates));
    let [references, estimates] = [&references, &estimates]
        .map(|images| images.iter().map(Vec::as_slice).collect::<Vec<_>>());
    BssEvalImages::new(
        &references,
        &estimates,
        &BssEvalSettings { filter_taps: taps },
    )
}

fn ratios(scores: &ImageScores) -> [f64; 4] {
    [scores.sdr_db, scores.isr_db, scores.sir_db, scores.sar_db]
}

#[test]
fn equals_museval_in_every_window() {
    let fixture: Fixture =
        serde_json::from_str(include_str!("fixtures/bss_eval_images.json")).unwrap();
    let mut compared = 0;
    for case in fixture.cases {
        let references = make_images(&case.references, case.samples);
        let estimates = make_images(&case.estimates, case.samples);
        let images = evaluate(&references, &estimates, case.taps).unwrap();
        for (index, expected) in case.scores.iter().enumerate() {
            let start = index * case.hop;
            let label = format!("{}, window {index}", case.name);
            let found = match images.score_window(start..start + case.window) {
                Ok(found) => found,
                Err(error) => {
                    assert_eq!(error, MetricError::SilentReference { index: 1 }, "{label}");
                    assert!(expected.iter().flatten().all(Option::is_none), "{label}");
                    continue;
                }
            };
            assert_eq!(found.len(), expected.len(), "{label}");
            for (scores, expected) in found.iter().zip(expected) {
                for (found, expected) in ratios(scores).into_iter().zip(expected) {
                    let expected = expected.expect("a number where there is one here");
                    let both_perfect = found > PERFECT_DB && expected > PERFECT_DB;
                    assert!(
                        both_perfect || (found - expected).abs() < MUSEVAL_TOLERANCE_DB,
                        "{label}: {found} is not {expected}"
                    );
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 100, "{compared} numbers");
}

/// The projection of `signal` on `columns`, through an orthonormal basis of them, found by
/// Gram-Schmidt with each step done twice. Columns that add nothing are left out.
fn project(columns: &[Vec<f64>], signal: &[f64]) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for column in columns {
        let before = dot(column, column).sqrt();
        let mut column = column.clone();
        for _ in 0..2 {
            for unit in &basis {
                let along = dot(unit, &column);
                column
                    .iter_mut()
                    .zip(unit)
                    .for_each(|(x, u)| *x -= along * u);
            }
        }
        let norm = dot(&column, &column).sqrt();
        if norm > 1e-9 * before {
            basis.push(column.into_iter().map(|x| x / norm).collect());
        }
    }
    let mut projection = vec![0.0; signal.len()];
    for unit in &basis {
        let along = dot(unit, signal);
        projection
            .iter_mut()
            .zip(unit)
            .for_each(|(x, u)| *x += along * u);
    }
    projection
}

/// Delayed copies of a signal, with the tail behind its end.
fn delay(signal: &[f64], taps: usize) -> Vec<Vec<f64>> {
    let copy = |lag: usize| {
        let mut column = vec![0.0; signal.len() + taps - 1];
        column[lag..lag + signal.len()].copy_from_slice(signal);
        column
    };
    (0..taps).map(copy).collect()
}

/// All four scores of one source over the whole signals, by the definition.
fn dense_scores(
    references: &[Vec<Vec<f64>>],
    estimate: &[Vec<f64>],
    target: usize,
    taps: usize,
) -> [f64; 4] {
    let columns = |images: &[Vec<Vec<f64>>]| -> Vec<Vec<f64>> {
        images
            .iter()
            .flatten()
            .flat_map(|channel| delay(channel, taps))
            .collect()
    };
    let (own, all) = (columns(&references[target..=target]), columns(references));
    let mut energies = [0.0; 7];
    for (estimate, image) in estimate.iter().zip(&references[target]) {
        let pad = |signal: &Vec<f64>| {
            let mut padded = signal.clone();
            padded.resize(signal.len() + taps - 1, 0.0);
            padded
        };
        let (estimate, image) = (pad(estimate), pad(image));
        let (own, joint) = (project(&own, &estimate), project(&all, &estimate));
        for t in 0..estimate.len() {
            let (e, s, p, q) = (estimate[t], image[t], own[t], joint[t]);
            let parts = [s, e - s, p - s, p, q - p, q, e - q];
            for (energy, part) in energies.iter_mut().zip(parts) {
                *energy += part * part;
            }
        }
    }
    let [
        image,
        distortion,
        spatial,
        own,
        interference,
        joint,
        artifacts,
    ] = energies;
    [
        image / distortion,
        image / spatial,
        own / interference,
        joint / artifacts,
    ]
    .map(|ratio| 10.0 * ratio.log10())
}

#[test]
fn equals_dense_least_squares() {
    for (samples, taps, channels) in [(60, 1, 2), (80, 5, 2), (97, 4, 3), (120, 9, 1)] {
        let image = |first: u32| -> Vec<Vec<f64>> {
            (0..channels)
                .map(|channel| noise(first + channel, samples))
                .collect()
        };
        let references = [image(300), image(400)];
        let leaky = |own: &[Vec<f64>], other: &[Vec<f64>], seed: u32| -> Vec<Vec<f64>> {
            let channels = own.iter().zip(other).zip(seed..);
            let mix = |((own, other), seed): ((&Vec<f64>, &Vec<f64>), u32)| {
                let residual = noise(seed, samples);
                (0..samples)
                    .map(|t| 0.9 * own[t] + 0.3 * other[t] + 0.2 * residual[t])
                    .collect()
            };
            channels.map(mix).collect()
        };
        let estimates = [
            leaky(&references[0], &references[1], 500),
            leaky(&references[1], &references[0], 600),
        ];
        let images = evaluate(&references, &estimates, taps).unwrap();
        let found = images.score_window(0..samples).unwrap();
        for (target, scores) in found.iter().enumerate() {
            let expected = dense_scores(&references, &estimates[target], target, taps);
            for (found, expected) in ratios(scores).into_iter().zip(expected) {
                assert!(
                    (found - expected).abs() < DENSE_TOLERANCE_DB,
                    "{samples} {taps} {channels}: {found} {expected}"
                );
            }
        }
    }
}

#[test]
fn a_channel_that_is_there_twice_adds_nothing() {
    let (left, other) = (noise(1, 400), noise(2, 400));
    let twice = vec![left.clone(), left.clone()];
    let references = [twice.clone(), vec![other.clone(), noise(3, 400)]];
    let rest = noise(4, 400);
    let estimate: Vec<f64> = (0..400)
        .map(|t| left[t] + 0.1 * other[t] + 0.05 * rest[t])
        .collect();
    let estimates = [vec![estimate.clone(), estimate], references[1].clone()];
    let images = evaluate(&references, &estimates, 6).unwrap();
    let found = images.score_window(0..400).unwrap();
    let expected = dense_scores(&references, &estimates[0], 0, 6);
    for (found, expected) in ratios(&found[0]).into_iter().zip(expected) {
        assert!(
            (found - expected).abs() < DENSE_TOLERANCE_DB,
            "{found} {expected}"
        );
    }
}

#[test]
fn levels_change_nothing_and_never_overflow() {
    let references = [vec![source(0, 2000)], vec![source(1, 2000)]];
    let estimates = [
        vec![
            references[0][0]
                .iter()
                .zip(noise(7, 2000))
                .map(|(s, n)| s + 0.1 * n)
                .collect(),
        ],
        references[1].clone(),
    ];
    let images = evaluate(&references, &estimates, 32).unwrap();
    let expected = images.score_window(500..1500).unwrap();
    for exponent in [-900, -300, 300, 900] {
        let scale = |images: &[Vec<Vec<f64>>]| -> Vec<Vec<Vec<f64>>> {
            let factor = 2.0_f64.powi(exponent);
            let channel = |x: &Vec<f64>| x.iter().map(|x| x * factor).collect();
            images
                .iter()
                .map(|image| image.iter().map(channel).collect())
                .collect()
        };
        let (references, estimates) = (scale(&references), scale(&estimates));
        let images = evaluate(&references, &estimates, 32).unwrap();
        // Powers of two are exact.
        assert_eq!(
            images.score_window(500..1500).unwrap(),
            expected,
            "2^{exponent}"
        );
    }
}

#[test]
fn what_has_no_scores_is_an_error() {
    let (a, b) = (noise(1, 300), noise(2, 300));
    let error = |references: &[Vec<Vec<f64>>], estimates: &[Vec<Vec<f64>>], taps| {
        evaluate(references, estimates, taps).err()
    };
    let good = [vec![a.clone()], vec![b.clone()]];
    assert_eq!(error(&[], &[], 4), Some(MetricError::NoReferences));
    assert_eq!(
        error(&[vec![]], &[vec![]], 4),
        Some(MetricError::NoReferences)
    );
    assert_eq!(error(&good, &good, 0), Some(MetricError::NoFilterTaps));
    let count = |references, estimates| {
        Some(MetricError::CountMismatch {
            references,
            estimates,
        })
    };
    assert_eq!(error(&good, &good[..1], 4), count(2, 1));
    assert_eq!(
        error(&good[..1], &[vec![a.clone(), b.clone()]], 4),
        count(1, 2)
    );
    let silent = [vec![a.clone()], vec![vec![0.0; 300]]];
    assert_eq!(
        error(&silent, &good, 4),
        Some(MetricError::SilentReference { index: 1 })
    );
    assert_eq!(error(&good, &silent, 4), Some(MetricError::SilentEstimate));
    let short = [vec![a.clone()], vec![b[..299].to_vec()]];
    assert!(matches!(
        error(&short, &good, 4),
        Some(MetricError::LengthMismatch { .. })
    ));
    let mut infinite = good.clone();
    infinite[1][0][7] = f64::INFINITY;
    let expected = MetricError::ReferenceNotFinite {
        index: 1,
        sample: 7,
    };
    assert_eq!(error(&infinite, &good, 4), Some(expected));
    let too_short = MetricError::TooShort {
        samples: 300,
        needed: 302,
    };
    assert_eq!(error(&good, &good, 300), Some(too_short));
    let twins = [vec![a.clone()], vec![a.clone()]];
    assert_eq!(error(&twins, &good, 4), Some(MetricError::Singular));
    let images = evaluate(&good, &good, 4).unwrap();
    assert_eq!(
        images.score_window(400..500),
        Err(MetricError::SilentReference { index: 0 })
    );
}
