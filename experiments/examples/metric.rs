//! A metric of one's own: the log-spectral distance of an estimate, in dB.
//!
//! A metric is a function from a reference and an estimate to a number or an `eval::MetricError`,
//! never NaN. To have it in all tables takes four files: its own in `crates/eval/src` with a line
//! in `lib.rs` there, a variant of `Metric` in `experiments/src/study/scores.rs`, and the place
//! where `experiments/src/tables/documents.rs` says which differences are shown. The compiler names
//! what is missing. Configurations choose it by its name then, and `score` prints it.
//!
//! `cargo run -p experiments --example metric`

use dsp::{Stft, StftSettings};
use eval::MetricError;

/// Power below the reference's peak by this much counts as silence.
const FLOOR: f64 = 1e-8;

/// Root of the mean squared difference of the log spectra.
fn log_spectral_distance(
    stft: &Stft,
    reference: &[f64],
    estimate: &[f64],
) -> Result<f64, MetricError> {
    let (expected, found) = (reference.len(), estimate.len());
    if expected != found {
        return Err(MetricError::LengthMismatch { expected, found });
    }
    let powers = [reference, estimate].map(|x| stft.analyse(x).mapv(|x| x.norm_sqr()));
    let peak = powers[0].iter().copied().fold(0.0, f64::max);
    if peak <= 0.0 {
        return Err(MetricError::SilentReference { index: 0 });
    }
    let decibels = |power: &f64| 10.0 * power.max(FLOOR * peak).log10();
    let squares = powers[0].iter().zip(&powers[1]);
    let sum: f64 = squares
        .map(|(a, b)| (decibels(a) - decibels(b)).powi(2))
        .sum();
    Ok((sum / powers[0].len() as f64).sqrt())
}

fn main() -> anyhow::Result<()> {
    let stft = Stft::new(&StftSettings::default())?;
    let reference = synth::Speech::new(1).utterance(1, 0)?.samples;
    let half: Vec<f64> = reference.iter().map(|x| 0.5 * x).collect();
    anyhow::ensure!(log_spectral_distance(&stft, &reference, &reference)? < 1e-12);
    // 6 dB everywhere but at the floor.
    let distance = log_spectral_distance(&stft, &reference, &half)?;
    anyhow::ensure!(distance > 3.0 && distance < 6.1, "{distance}");
    anyhow::ensure!(log_spectral_distance(&stft, &[0.0; 4096], &[0.0; 4096]).is_err());
    Ok(())
}
