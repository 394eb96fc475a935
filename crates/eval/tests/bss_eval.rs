//! BSS Eval against mir_eval and against dense least squares, and properties for any signals.

mod common;

use common::{Part, mix, noise, source};
use eval::{BssEval, BssEvalSettings, BssScores, MetricError, bss_eval_sources};
use proptest::prelude::*;
use serde::Deserialize;

/// The agreement with mir_eval that the crate promises. Both find the same projections, with
/// rounding errors of about 1e-16 relative to the signals. Up to an SDR of 130 dB that allows
/// differences of 1e-9 dB.
const MIR_EVAL_TOLERANCE_DB: f64 = 1e-6;

/// Against an orthogonal basis, on tiny signals with ratios of ordinary size.
const DENSE_TOLERANCE_DB: f64 = 1e-9;

/// An estimate that is exactly a filtered reference scores above this: its residual is rounding.
const PERFECT_DB: f64 = 200.0;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
    permuted: Permuted,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    taps: usize,
    samples: usize,
    references: Vec<Part>,
    estimates: Vec<Scored>,
}

#[derive(Deserialize)]
struct Scored {
    parts: Vec<Part>,
    /// SDR, SIR and SAR for each target; null stands for infinity.
    scores: Vec<[Option<f64>; 3]>,
}

#[derive(Deserialize)]
struct Permuted {
    samples: usize,
    references: Vec<Part>,
    estimates: Vec<Vec<Part>>,
    permutation: Vec<usize>,
    scores: Vec<[f64; 3]>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures/bss_eval.json")).expect("the fixture is valid")
}

fn slices(signals: &[Vec<f64>]) -> Vec<&[f64]> {
    signals.iter().map(Vec::as_slice).collect()
}

fn evaluator(references: &[Vec<f64>], taps: usize) -> Result<BssEval, MetricError> {
    BssEval::new(&slices(references), &BssEvalSettings { filter_taps: taps })
}

fn ratios(scores: &BssScores) -> [f64; 3] {
    [scores.sdr_db, scores.sir_db, scores.sar_db]
}

/// The largest difference in dB. Equal infinities do not differ.
fn difference_db(found: [f64; 3], expected: [f64; 3]) -> f64 {
    let differences = found.iter().zip(expected).map(|(a, b)| {
        if a.is_infinite() && a.total_cmp(&b).is_eq() {
            0.0
        } else {
            (a - b).abs()
        }
    });
    differences.fold(0.0, |most, d| if d > most || d.is_nan() { d } else { most })
}

#[test]
fn equals_mir_eval() {
    for case in fixture().cases {
        let references: Vec<Vec<f64>> = case
            .references
            .iter()
            .map(|part| mix(std::slice::from_ref(part), case.samples))
            .collect();
        let references = evaluator(&references, case.taps).expect("references are sound");
        for (index, scored) in case.estimates.iter().enumerate() {
            let estimate = mix(&scored.parts, case.samples);
            for (target, expected) in scored.scores.iter().enumerate() {
                let expected = expected.map(|value| value.unwrap_or(f64::INFINITY));
                let scores = references
                    .score(&estimate, target)
                    .expect("estimate is sound");
                let difference = difference_db(ratios(&scores), expected);
                let sdr = references
                    .sdr(&estimate, target)
                    .expect("estimate is sound");
                let label = format!("{}, estimate {index}, target {target}", case.name);
                assert!(
                    difference < MIR_EVAL_TOLERANCE_DB,
                    "{label}: {difference:e} dB off"
                );
                assert!(
                    (sdr - expected[0]).abs() < MIR_EVAL_TOLERANCE_DB,
                    "{label}: SDR alone"
                );
            }
        }
    }
}

#[test]
fn finds_the_permutation_of_mir_eval() {
    let permuted = fixture().permuted;
    let references: Vec<Vec<f64>> = permuted
        .references
        .iter()
        .map(|part| mix(std::slice::from_ref(part), permuted.samples))
        .collect();
    let estimates: Vec<Vec<f64>> = permuted
        .estimates
        .iter()
        .map(|parts| mix(parts, permuted.samples))
        .collect();
    let found = bss_eval_sources(&slices(&references), &slices(&estimates), true).unwrap();
    assert_eq!(found.permutation, permuted.permutation);
    for (scores, expected) in found.scores.iter().zip(permuted.scores) {
        assert!(difference_db(ratios(scores), expected) < MIR_EVAL_TOLERANCE_DB);
    }
    // In that order there is nothing left to permute, and the scores are the same.
    let ordered: Vec<&[f64]> = found
        .permutation
        .iter()
        .map(|&index| estimates[index].as_slice())
        .collect();
    let plain = bss_eval_sources(&slices(&references), &ordered, false).unwrap();
    assert_eq!(plain.scores, found.scores);
    assert_eq!(plain.permutation, [0, 1, 2]);
}

#[test]
fn the_sdr_alone_is_that_of_the_score() {
    let references = [source(0, 3000), source(1, 3000)];
    let estimate: Vec<f64> = references[0]
        .iter()
        .zip(&references[1])
        .zip(noise(4, 3000))
        .map(|((a, b), c)| a + 0.3 * b + 0.1 * c)
        .collect();
    for taps in [1, 48, 512] {
        let evaluator = evaluator(&references, taps).unwrap();
        for target in 0..2 {
            let expected = evaluator.score(&estimate, target).unwrap().sdr_db;
            assert_eq!(evaluator.sdr(&estimate, target), Ok(expected));
        }
    }
}

/// Projects `estimate` on the delayed `references` through an orthonormal basis of them, found by
/// Gram-Schmidt with each step done twice.
fn dense_projection(references: &[&Vec<f64>], estimate: &[f64], taps: usize) -> Vec<f64> {
    let length = estimate.len() + taps - 1;
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for reference in references {
        for delay in 0..taps {
            let mut column = vec![0.0; length];
            column[delay..delay + reference.len()].copy_from_slice(reference);
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
            basis.push(column.into_iter().map(|x| x / norm).collect());
        }
    }
    let mut projection = vec![0.0; length];
    for unit in &basis {
        let along = dot(unit, estimate);
        projection
            .iter_mut()
            .zip(unit)
            .for_each(|(x, u)| *x += along * u);
    }
    projection
}

fn dense_scores(references: &[Vec<f64>], estimate: &[f64], target: usize, taps: usize) -> [f64; 3] {
    let source = dense_projection(&[&references[target]], estimate, taps);
    let sources = dense_projection(&references.iter().collect::<Vec<_>>(), estimate, taps);
    let mut estimate = estimate.to_vec();
    estimate.resize(source.len(), 0.0);
    let energy =
        |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum() };
    let zero = vec![0.0; source.len()];
    [
        energy(&source, &zero) / energy(&estimate, &source),
        energy(&source, &zero) / energy(&sources, &source),
        energy(&sources, &zero) / energy(&estimate, &sources),
    ]
    .map(|ratio| 10.0 * ratio.log10())
}

#[test]
fn equals_dense_least_squares() {
    for (samples, taps, sources) in [(30, 1, 2), (40, 5, 2), (97, 7, 3), (200, 12, 3), (64, 9, 4)] {
        let references: Vec<Vec<f64>> = (0..sources)
            .map(|index| noise(300 + index, samples))
            .collect();
        let references_ready = evaluator(&references, taps).unwrap();
        let residual = noise(9, samples);
        let estimate: Vec<f64> = (0..samples)
            .map(|t| references[0][t] + 0.4 * references[1][(t + 1) % samples] + 0.2 * residual[t])
            .collect();
        for target in 0..references.len() {
            let scores = references_ready.score(&estimate, target).unwrap();
            let expected = dense_scores(&references, &estimate, target, taps);
            let difference = difference_db(ratios(&scores), expected);
            assert!(
                difference < DENSE_TOLERANCE_DB,
                "{samples} {taps} {target}: {difference:e} dB"
            );
        }
    }
}

#[test]
fn a_filtered_reference_is_perfect() {
    let references = [source(0, 3000), source(1, 3000)];
    let filter = noise(11, 512);
    // The reference ends early, so that the tail of the filter's output is not cut off.
    let mut quiet_end = references[0].clone();
    quiet_end[3000 - 511..].fill(0.0);
    let mut estimate = vec![0.0; 3000];
    for (t, x) in quiet_end.iter().enumerate() {
        for (sum, h) in estimate[t..].iter_mut().zip(&filter) {
            *sum += x * h;
        }
    }
    let references = [quiet_end, references[1].clone()];
    let scores = evaluator(&references, 512)
        .unwrap()
        .score(&estimate, 0)
        .unwrap();
    assert!(
        ratios(&scores).iter().all(|&ratio| ratio > PERFECT_DB),
        "{scores:?}"
    );
    // With one tap less, the filter cannot be matched.
    let scores = evaluator(&references, 511)
        .unwrap()
        .score(&estimate, 0)
        .unwrap();
    assert!(scores.sdr_db < 60.0, "{scores:?}");
}

#[test]
fn one_reference_has_no_interference() {
    let scores = evaluator(&[source(0, 2000)], 64)
        .unwrap()
        .score(&noise(1, 2000), 0)
        .unwrap();
    assert!(scores.sir_db == f64::INFINITY);
    assert!((scores.sdr_db - scores.sar_db).abs() < MIR_EVAL_TOLERANCE_DB);
}

#[test]
fn powers_of_two_change_no_bit() {
    let references = [source(0, 2000), source(1, 2000)];
    let estimate: Vec<f64> = references[0]
        .iter()
        .zip(&references[1])
        .map(|(a, b)| a + 0.3 * b)
        .collect();
    let expected = evaluator(&references, 32)
        .unwrap()
        .score(&estimate, 0)
        .unwrap();
    for (of_reference, of_estimate) in [(0.25, 8.0), (2.0_f64.powi(900), 2.0_f64.powi(-900))] {
        let mut references = references.clone();
        references[0].iter_mut().for_each(|x| *x *= of_reference);
        let estimate: Vec<f64> = estimate.iter().map(|x| x * of_estimate).collect();
        assert_eq!(
            evaluator(&references, 32).unwrap().score(&estimate, 0),
            Ok(expected)
        );
    }
}

#[test]
fn says_what_is_wrong_with_references() {
    let sound = noise(1, 300);
    let error = |references: &[Vec<f64>], taps| evaluator(references, taps).err();
    assert_eq!(error(&[], 4), Some(MetricError::NoReferences));
    assert_eq!(
        error(std::slice::from_ref(&sound), 0),
        Some(MetricError::NoFilterTaps)
    );
    let silent = [sound.clone(), vec![0.0; 300]];
    assert_eq!(
        error(&silent, 4),
        Some(MetricError::SilentReference { index: 1 })
    );
    let shorter = [sound.clone(), noise(2, 299)];
    assert_eq!(
        error(&shorter, 4),
        Some(MetricError::LengthMismatch {
            expected: 300,
            found: 299
        })
    );
    let mut broken = noise(2, 300);
    broken[7] = f64::NAN;
    let broken = [sound.clone(), broken];
    assert_eq!(
        error(&broken, 4),
        Some(MetricError::ReferenceNotFinite {
            index: 1,
            sample: 7
        })
    );
    let few = [noise(1, 5), noise(2, 5)];
    assert_eq!(
        error(&few, 4),
        Some(MetricError::TooShort {
            samples: 5,
            needed: 6
        })
    );
    assert!(error(&few, 3).is_none());
    // One reference can be scored with filters longer than itself, but not with any length.
    assert!(error(std::slice::from_ref(&sound), 1000).is_none());
    for unknowns in [40_000, 1 << 40, usize::MAX] {
        let too_many = MetricError::TooManyTaps {
            unknowns,
            most: 32_768,
        };
        assert_eq!(
            error(std::slice::from_ref(&sound), unknowns),
            Some(too_many)
        );
    }
}

#[test]
fn the_joint_system_is_bounded_too() {
    let references = [noise(1, 20_000), noise(2, 20_000)];
    let evaluator = evaluator(&references, 16_385).unwrap();
    let too_many = MetricError::TooManyTaps {
        unknowns: 32_770,
        most: 32_768,
    };
    assert_eq!(evaluator.score(&noise(3, 20_000), 0), Err(too_many));
}

#[test]
fn says_what_is_wrong_with_estimates() {
    let references = evaluator(&[noise(1, 300), noise(2, 300)], 4).unwrap();
    let no_target = Err(MetricError::NoSuchTarget {
        target: 2,
        references: 2,
    });
    let mut broken = noise(3, 300);
    broken[299] = f64::NEG_INFINITY;
    let mismatch = MetricError::LengthMismatch {
        expected: 300,
        found: 3,
    };
    let cases = [
        (vec![0.0; 300], MetricError::SilentEstimate),
        (vec![1.0; 3], mismatch),
        (broken, MetricError::EstimateNotFinite { sample: 299 }),
    ];
    for (estimate, expected) in cases {
        assert_eq!(references.score(&estimate, 0), Err(expected.clone()));
        assert_eq!(references.sdr(&estimate, 0), Err(expected));
    }
    assert_eq!(references.score(&noise(3, 300), 2), no_target);
    assert_eq!(references.sdr(&noise(3, 300), 2).err(), no_target.err());
    let one = noise(1, 300);
    let mismatch = Err(MetricError::CountMismatch {
        references: 1,
        estimates: 2,
    });
    assert_eq!(bss_eval_sources(&[&one], &[&one, &one], true), mismatch);
    let many = vec![one.as_slice(); 21];
    let many = bss_eval_sources(&many, &many, true);
    assert_eq!(
        many,
        Err(MetricError::TooManySources {
            sources: 21,
            most: 20
        })
    );
}

#[test]
fn dependent_references_are_singular() {
    const SAMPLES: usize = 3000;
    // The silence at the end keeps filtered versions from being cut off.
    let mut speech = source(0, SAMPLES);
    speech[SAMPLES - 100..].fill(0.0);
    let louder: Vec<f64> = speech.iter().map(|x| 3.0 * x).collect();
    let mut filtered = vec![0.0; SAMPLES];
    for t in 0..SAMPLES - 5 {
        filtered[t + 2] += 0.7 * speech[t];
        filtered[t + 5] -= 0.2 * speech[t];
    }
    let estimate = noise(3, SAMPLES);
    for other in [speech.clone(), louder, filtered] {
        for taps in [16, 512] {
            let references = evaluator(&[speech.clone(), other.clone()], taps).unwrap();
            assert_eq!(
                references.score(&estimate, 0),
                Err(MetricError::Singular),
                "{taps} taps"
            );
            assert!(
                references.sdr(&estimate, 0).is_ok(),
                "each reference alone is sound"
            );
        }
    }
    let tone: Vec<f64> = (0..SAMPLES).map(|t| (0.1 * t as f64).sin()).collect();
    // The start and the end of the signal are not a tone, so a few taps are determined.
    assert!(
        evaluator(std::slice::from_ref(&tone), 4)
            .unwrap()
            .sdr(&estimate, 0)
            .is_ok()
    );
}

proptest! {
    #[test]
    fn scores_are_never_nan_and_nothing_panics(
        references in prop::collection::vec(prop::collection::vec(any::<f64>(), 0..12), 0..4),
        estimate in prop::collection::vec(any::<f64>(), 0..12),
        taps in 0_usize..8,
        target in 0_usize..4,
    ) {
        if let Ok(references) = evaluator(&references, taps) {
            if let Ok(scores) = references.score(&estimate, target) {
                prop_assert!(ratios(&scores).iter().all(|ratio| !ratio.is_nan()), "{scores:?}");
            }
            if let Ok(sdr) = references.sdr(&estimate, target) {
                prop_assert!(!sdr.is_nan());
            }
        }
    }

    #[test]
    fn finite_signals_of_one_length_are_never_nan(
        (references, estimate) in (2_usize..40, 1_usize..4).prop_flat_map(|(samples, sources)| {
            let signal = prop::collection::vec(-1e200_f64..1e200, samples);
            (prop::collection::vec(signal.clone(), sources), signal)
        }),
        taps in 1_usize..12,
    ) {
        if let Ok(evaluator) = evaluator(&references, taps) {
            for target in 0..references.len() {
                if let Ok(scores) = evaluator.score(&estimate, target) {
                    prop_assert!(ratios(&scores).iter().all(|ratio| !ratio.is_nan()), "{scores:?}");
                }
            }
        }
    }

    #[test]
    fn permuting_sources_permutes_scores(seed in 0_u32..1000, turn in 0_usize..3) {
        let mut references: Vec<Vec<f64>> =
            (0..3).map(|index| noise(seed + index, 200)).collect();
        let estimate: Vec<f64> = (0..200)
            .map(|t| {
                let mixture = references[0][t] + 0.5 * references[1][t] - 0.1 * references[2][t];
                mixture + 0.01 * (t % 7) as f64
            })
            .collect();
        let scores = |references: &[Vec<f64>]| -> Vec<BssScores> {
            let evaluator = evaluator(references, 8).expect("noise is sound");
            (0..3).map(|target| evaluator.score(&estimate, target).expect("sound")).collect()
        };
        let before = scores(&references);
        references.rotate_left(turn);
        let after = scores(&references);
        for (j, scores) in after.iter().enumerate() {
            let difference = difference_db(ratios(scores), ratios(&before[(j + turn) % 3]));
            prop_assert!(difference < DENSE_TOLERANCE_DB, "{difference:e} dB");
        }
    }
}
