//! `manifest.json`: what made the results of a folder, and at what cost.

use std::fs;
use std::process::Command;

use anyhow::Result;
use serde::Serialize;

use super::digest::Digest;
use crate::clock::Stopwatch;

const CARGO_LOCK: &[u8] = include_bytes!("../../../Cargo.lock");

/// Where, when and by what a run was made. What cannot be found out is null.
#[derive(Debug, Serialize)]
pub(crate) struct Manifest<'a> {
    pub(crate) version: &'static str,
    /// State of the checkout when the run ended; the binary may have been built from an earlier
    /// one.
    pub(crate) checkout_at_run: Option<Checkout>,
    /// SHA-256 of the Cargo.lock the binary was built with.
    pub(crate) cargo_lock_sha256: Digest,
    pub(crate) rustc: &'static str,
    /// `debug` or `release`; both are optimised.
    pub(crate) profile: &'static str,
    pub(crate) seeds: Vec<u64>,
    /// The corpora, their speakers and noises.
    pub(crate) corpus: &'a str,
    /// SHA-256 of all signals, or of the dictionaries where there are none.
    pub(crate) corpus_sha256: Digest,
    /// Files of the corpora that could not be used and were left out, each with the reason.
    pub(crate) left_out: &'a [String],
    pub(crate) cpu: Option<String>,
    pub(crate) threads: usize,
    pub(crate) wall_seconds: f64,
    /// Most memory held at once.
    pub(crate) peak_memory_bytes: Option<u64>,
}

/// A working copy of the sources.
#[derive(Debug, Serialize)]
pub(crate) struct Checkout {
    pub(crate) commit: String,
    /// Whether tracked files differ from it.
    pub(crate) dirty: bool,
}

impl<'a> Manifest<'a> {
    /// The manifest of a run that ends now. Of the corpora: what they are, their digest, the files
    /// that were left out.
    pub(crate) fn new(
        seeds: Vec<u64>,
        (corpus, corpus_sha256, left_out): (&'a str, Digest, &'a [String]),
        stopwatch: Stopwatch,
    ) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            checkout_at_run: checkout(),
            cargo_lock_sha256: Digest::of_bytes(CARGO_LOCK),
            rustc: env!("RUSTC_VERSION"),
            profile: env!("BUILD_PROFILE"),
            seeds,
            corpus,
            corpus_sha256,
            left_out,
            cpu: cpu(),
            threads: rayon::current_num_threads(),
            wall_seconds: stopwatch.elapsed().as_secs_f64(),
            peak_memory_bytes: peak_memory_bytes(),
        }
    }

    /// As JSON.
    pub(crate) fn json(&self) -> Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }
}

fn checkout() -> Option<Checkout> {
    let output = |arguments: &[&str]| {
        let run = Command::new("git")
            .args(["-C", env!("CARGO_MANIFEST_DIR")])
            .args(arguments)
            .output()
            .ok()?;
        let text = String::from_utf8(run.stdout).ok()?;
        run.status.success().then(|| text.trim().to_owned())
    };
    Some(Checkout {
        commit: output(&["rev-parse", "HEAD"])?,
        dirty: !output(&["status", "--porcelain", "--untracked-files=no"])?.is_empty(),
    })
}

fn cpu() -> Option<String> {
    field(&fs::read_to_string("/proc/cpuinfo").ok()?, "model name")
}

fn peak_memory_bytes() -> Option<u64> {
    let peak = field(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM")?;
    let kibibytes: u64 = peak.strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024 * kibibytes)
}

/// The value of the first `name: value` line.
fn field(text: &str, name: &str) -> Option<String> {
    let (_, value) = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}
