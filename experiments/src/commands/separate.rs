//! `separate`.

use std::ffi::OsString;
use std::fs;
use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use super::{Ending, Failure, thread_pool};
use crate::atomic_file;
use crate::cli::SeparateArguments;
use crate::clock::Stopwatch;
use crate::progress::Progress;
use crate::separate::report::Report;
use crate::separate::sources::SourceSet;
use crate::separate::{self, SeparateSettings};

/// Most components of an estimated background, as configurations have it.
const MOST_COMPONENTS: usize = 1000;

/// Separates a recording into stems.
///
/// # Errors
/// Options that do not go together, files that cannot be read or written.
pub fn run(arguments: &SeparateArguments) -> Result<Ending, Failure> {
    let settings = arguments.settings();
    check(arguments, &settings).map_err(Failure::Usage)?;
    let sources = SourceSet::open(&arguments.named()).map_err(Failure::Run)?;
    let folder = arguments
        .out
        .clone()
        .unwrap_or_else(|| default_folder(arguments));
    let progress = Progress::new(arguments.quiet);
    let stopwatch = Stopwatch::start();
    let separate = || -> Result<Report> {
        let background = arguments.background();
        let adapt = arguments.adapt_background;
        let mixture = &arguments.mixture;
        let sources = sources.with_background(&background, adapt, mixture, settings.seed)?;
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let report = separate::separate(mixture, &sources, &settings, &folder, progress)?;
        atomic_file::write(&folder.join("separation.json"), &report.json()?)?;
        Ok(report)
    };
    let report = thread_pool(arguments.jobs)
        .and_then(|pool| pool.install(separate))
        .map_err(Failure::Run)?;
    let seconds = stopwatch.elapsed().as_secs_f64();
    let mixture = &report.mixture;
    let length = mixture.samples as f64 / f64::from(mixture.sample_rate_hz);
    if report.clipped_samples > 0 {
        progress.warn(format_args!(
            "{} samples are beyond full scale and were clipped: --encoding float32 keeps them",
            report.clipped_samples
        ));
    }
    writeln!(
        stdout(),
        "{length:.1} s separated in {seconds:.1} s, {:.1} times as fast as real time\nStems: {}",
        length / seconds,
        folder.display()
    )
    .context("cannot write to standard output")
    .map_err(Failure::Run)?;
    Ok(Ending::Done)
}

fn default_folder(arguments: &SeparateArguments) -> PathBuf {
    let mut name = OsString::from(arguments.mixture.file_stem().unwrap_or_default());
    name.push("-stems");
    name.into()
}

fn check(arguments: &SeparateArguments, settings: &SeparateSettings) -> Result<()> {
    let components = arguments.background_components.get();
    ensure!(
        components <= MOST_COMPONENTS,
        "--background-components {components}: is out of range, allowed are 1 to {MOST_COMPONENTS}"
    );
    ensure!(
        (-200.0..=0.0).contains(&settings.noise_db),
        "--noise-db {}: is out of range, allowed are -200 to 0",
        settings.noise_db
    );
    ensure!(
        (1e-30..=1e29).contains(&settings.activation_start),
        "--activation-start {}: is out of range, allowed are 1e-30 to 1e29",
        settings.activation_start
    );
    for (option, value) in [("kappa", arguments.kappa), ("beta", arguments.beta)] {
        let value = value.unwrap_or_default();
        ensure!(
            (0.0..=1e30).contains(&value),
            "--{option} {value}: is out of range, allowed are 0 to 1e30"
        );
    }
    let given = arguments.background.is_some() || arguments.background_from.is_some();
    ensure!(
        given || !arguments.adapt_background,
        "--adapt-background needs --background or --background-from"
    );
    Ok(())
}
