//! Metrics of extreme signals: levels from 1e-30 to 1e30, silent stretches, signals of one sample
//! or shorter than the filters. A score is a number or an infinity, never NaN, and signals without
//! one give a typed error.

use eval::{BssEval, BssEvalSettings, MetricError, plain_sdr, si_sdr};
use proptest::prelude::*;

/// Noise with a silent stretch, which may be empty.
fn signal(samples: usize) -> impl Strategy<Value = Vec<f64>> {
    let noise = prop::collection::vec(-1.0..1.0_f64, samples);
    (noise, 0..=samples, 0..=samples).prop_map(|(mut noise, a, b)| {
        noise[a.min(b)..a.max(b)].fill(0.0);
        noise
    })
}

/// Two references and an estimate, all of one length, and a number of taps that may exceed it.
fn problem() -> impl Strategy<Value = ([Vec<f64>; 3], usize)> {
    (1..=80_usize, 1..=24_usize).prop_flat_map(|(samples, taps)| {
        (
            [signal(samples), signal(samples), signal(samples)],
            Just(taps),
        )
    })
}

fn scaled(signal: &[f64], scale: f64) -> Vec<f64> {
    signal.iter().map(|x| x * scale).collect()
}

/// SDR, SIR and SAR of the estimate as one of the first reference.
fn scores(references: [&[f64]; 2], estimate: &[f64], taps: usize) -> Result<[f64; 3], MetricError> {
    let settings = BssEvalSettings { filter_taps: taps };
    let bss = BssEval::new(&references, &settings)?;
    let scores = bss.score(estimate, 0)?;
    let sdr_db = bss.sdr(estimate, 0)?;
    assert!(!sdr_db.is_nan());
    Ok([scores.sdr_db, scores.sir_db, scores.sar_db])
}

fn silent(signal: &[f64]) -> bool {
    signal.iter().all(|&x| x == 0.0)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn bss_eval_of_anything(
        ([first, second, estimate], taps) in problem(),
        decades in [-30..=30, -30..=30, -30..=30],
    ) {
        let scale = decades.map(|decades| 10.0_f64.powi(decades));
        let found = scores(
            [&scaled(&first, scale[0]), &scaled(&second, scale[1])],
            &scaled(&estimate, scale[2]),
            taps,
        );
        if let Ok(found) = &found {
            prop_assert!(found.iter().all(|score| !score.is_nan()), "{found:?}");
        }
        if silent(&first) || silent(&second) || silent(&estimate) {
            prop_assert!(found.is_err());
        }
    }

    #[test]
    fn plain_ratios_of_anything(
        ([reference, estimate, _], _) in problem(),
        decades in [-30..=30, -30..=30],
    ) {
        let [reference, estimate] = [
            scaled(&reference, 10.0_f64.powi(decades[0])),
            scaled(&estimate, 10.0_f64.powi(decades[1])),
        ];
        for metric in [plain_sdr, si_sdr] {
            let score = metric(&reference, &estimate);
            prop_assert_eq!(score.is_err(), silent(&reference) || silent(&estimate));
            prop_assert!(!score.is_ok_and(f64::is_nan));
        }
    }
}

#[test]
fn degenerate_signals() {
    let settings = BssEvalSettings { filter_taps: 4 };
    let constant = [1e30; 16];
    let alternating: Vec<f64> = (0..16)
        .map(|n| if n % 2 == 0 { 1e-30 } else { -1e-30 })
        .collect();
    let mut impulse = [0.0; 16];
    impulse[7] = 5e-324;
    for reference in [&constant[..], &alternating, &impulse] {
        for other in [&constant[..], &alternating, &impulse] {
            for estimate in [&constant[..], &alternating, &impulse] {
                if let Ok(bss) = BssEval::new(&[reference, other], &settings)
                    && let Ok(scores) = bss.score(estimate, 0)
                {
                    let all = [scores.sdr_db, scores.sir_db, scores.sar_db];
                    assert!(all.iter().all(|score| !score.is_nan()), "{all:?}");
                }
            }
        }
    }
    assert!(BssEval::new(&[&[], &[]], &settings).is_err());
    // The same reference twice is refused when the system is factored or, if rounding hides that it
    // is singular, when it is solved.
    let twice = BssEval::new(&[&impulse, &impulse], &settings);
    assert!(twice.and_then(|bss| bss.score(&constant, 0)).is_err());
}
