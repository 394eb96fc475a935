//! `realmix` on a configuration of seconds.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test file includes this one and uses its part"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Sixteen mixtures, as small as they can be.
pub const TINY: &str = r#"
[experiment]
name = "tiny"
seed = 5

[stft]
window_samples = 512
hop_samples = 256

[training]
utterances_per_side = 3
background_seconds = 1.0
orders = [2, 4]
background_components = 3
iterations = 10

[mixtures]
snr_db = [0.0, 6.0]

[model]
activation_start = 1.0
iterations = 10
kappa = 0.03

[evaluation]
filter_taps = 16

[statistics]
resamples = 100

[realmix]
speakers = [3, 7]
seeds = 2
mixtures = 2
utterances = 1
"#;

/// `realmix` on it, with more arguments.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    fs::write(folder.join("tiny.toml"), TINY).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_experiments"));
    command
        .current_dir(folder)
        .args(["realmix", "--config", "tiny.toml"])
        .args(arguments);
    command
}

/// Runs that to its end.
pub fn realmix(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}
