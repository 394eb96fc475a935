//! A fusion rule of one's own: the mean of the few single-order runs of highest free energy.
//!
//! A rule is a function from runs to an estimate; those of the tables are in `model::fusion`. To
//! have it in all tables and figures takes three files: the function in
//! `crates/model/src/fusion.rs`, a variant of `Method` in `experiments/src/study/methods.rs`, and
//! its colour and marker in `experiments/src/figures/style.rs`. The compiler names what is missing,
//! and the tests of `methods.rs` hold the new rule to the contract below. Records of a run without
//! it are not taken.
//!
//! `cargo run -p experiments --example fusion_rule`

use dsp::Complex64;
use model::fusion::fusion_by_mean;
use model::{Dictionary, Separation, Settings, SourceModel, separate};
use ndarray::{Array2, array};

/// Between VB selection, for a count of 1, and fusion by mean, for all.
fn fuse_best(runs: &[Separation], source: usize, count: usize) -> Option<Array2<Complex64>> {
    let mut best: Vec<&Separation> = runs.iter().collect();
    best.sort_by(|a, b| b.free_energy.total_cmp(&a.free_energy));
    let kept = best.into_iter().take(count);
    fusion_by_mean(kept.map(|run| run.estimates[source].view()))
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
    let alone = fuse_best(&runs[..1], 0, 2);
    anyhow::ensure!(alone.as_ref() == Some(&runs[0].estimates[0]));
    let both = fuse_best(&runs, 0, 2);
    runs.reverse();
    let turned = fuse_best(&runs, 0, 2);
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
