//! A fusion rule of one's own: an average of single-order runs, weighted by their free energies.
//!
//! A rule is a function from runs to an estimate; those of the paper are in `model::fusion`. To
//! have it in all tables and figures takes three files: the function in
//! `crates/model/src/fusion.rs`, a variant of `Method` in `experiments/src/study/methods.rs`, and
//! its colour and marker in `experiments/src/figures/style.rs`. The compiler names what is missing,
//! and the tests of `methods.rs` hold the new rule to the contract below. Records of a run without
//! it are not taken.
//!
//! `cargo run -p experiments --example fusion_rule`

use dsp::Complex64;
use model::{Dictionary, Separation, Settings, SourceModel, separate, tempered_posterior};
use ndarray::{Array2, array};

/// Fusion by weighted mean: exp(free energy / beta), normalised. `beta` without bound is fusion by
/// mean, 0 VB selection.
fn fusion_by_evidence(runs: &[Separation], source: usize, beta: f64) -> Option<Array2<Complex64>> {
    let free_energies: Vec<f64> = runs.iter().map(|run| run.free_energy).collect();
    let weights = tempered_posterior(&free_energies, beta);
    let mut sum = Array2::zeros(runs.first()?.estimates[source].dim());
    for (run, weight) in runs.iter().zip(weights) {
        sum = sum + &run.estimates[source] * Complex64::from(weight);
    }
    Some(sum)
}

fn main() -> anyhow::Result<()> {
    let dictionaries = [
        array![[4.0, 1.0, 1.0, 0.2]],
        array![[4.0, 1.0, 0.1, 0.1], [0.1, 1.0, 4.0, 0.2]],
    ];
    let mixture = Array2::from_shape_fn((8, 4), |(n, f)| Complex64::new((1 + n) as f64, f as f64));
    let mut runs = Vec::new();
    for rows in dictionaries {
        let speaker = SourceModel::known([Dictionary::normalised(rows)?]);
        let background = SourceModel::estimated(array![[0.5, 0.8, 1.1, 0.9]])?;
        runs.push(separate(
            mixture.view(),
            &[speaker, background],
            Settings::default(),
        )?);
    }
    // The contract of every rule: one run gives that run's estimate, and the order of runs changes
    // nothing.
    let alone = fusion_by_evidence(&runs[..1], 0, 10.0);
    anyhow::ensure!(alone.as_ref() == Some(&runs[0].estimates[0]));
    let both = fusion_by_evidence(&runs, 0, 10.0);
    runs.reverse();
    let turned = fusion_by_evidence(&runs, 0, 10.0);
    let (Some(both), Some(turned)) = (both, turned) else {
        anyhow::bail!("no runs");
    };
    anyhow::ensure!(
        both.iter()
            .zip(&turned)
            .all(|(a, b)| (a - b).norm() < 1e-12)
    );
    Ok(())
}
