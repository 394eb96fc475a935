//! `train`.

use std::io::{Write, stdout};

use anyhow::{Context, Result, ensure};

use super::{Ending, Failure, thread_pool};
use crate::cli::TrainArguments;
use crate::dictionary_file::DictionaryFile;
use crate::progress::Progress;
use crate::table::Table;
use crate::train::{self, TrainSettings};
use crate::wav_files;

/// Largest order, as configurations have it.
const MOST_COMPONENTS: usize = 1000;
/// Most entries of the matrix that is learned from.
const MOST_ENTRIES: usize = 100_000_000;

/// Learns dictionaries from recordings and writes them to a file.
///
/// # Errors
/// Options out of range, recordings that cannot be used, a file that cannot be written.
pub fn run(arguments: &TrainArguments) -> Result<Ending, Failure> {
    let settings = arguments.settings();
    check(&settings).map_err(Failure::Usage)?;
    let paths = wav_files::expand(&arguments.recordings, "recordings").map_err(Failure::Run)?;
    let progress = Progress::new(arguments.quiet);
    let file = thread_pool(arguments.jobs)
        .and_then(|pool| pool.install(|| train::train(&paths, &settings, progress)))
        .map_err(Failure::Run)?;
    file.write(&arguments.out).map_err(Failure::Run)?;
    let metadata = &file.metadata;
    writeln!(
        stdout(),
        "{}{} frames from {} recordings at {} Hz; held out: {} frames\nDictionaries: {}",
        summary(&file).markdown(),
        metadata.training_frames,
        paths.len(),
        metadata.sample_rate_hz,
        metadata.held_out_frames,
        arguments.out.display()
    )
    .context("cannot write to standard output")
    .map_err(Failure::Run)?;
    Ok(Ending::Done)
}

/// One row per order. Costs are per frame and bin, so that they compare with the held-out divergence.
fn summary(file: &DictionaryFile) -> Table {
    let metadata = &file.metadata;
    let mut table = Table::new([
        "order",
        "cost at start",
        "cost at end",
        "held-out divergence",
    ]);
    let bins = metadata.stft.window_samples / 2 + 1;
    let size = (metadata.training_frames * bins) as f64;
    for (index, (order, cost)) in metadata.orders.iter().zip(&file.costs).enumerate() {
        let per_bin =
            |cost: Option<&f64>| cost.map_or_else(String::new, |c| format!("{:.4}", c / size));
        let held_out = metadata.held_out_divergence.get(index);
        table.push([
            order.to_string(),
            per_bin(cost.first()),
            per_bin(cost.last()),
            held_out.map_or_else(|| "-".to_owned(), |divergence| format!("{divergence:.4}")),
        ]);
    }
    table
}

fn check(settings: &TrainSettings) -> Result<()> {
    settings.stft.validate().context("--window, --hop")?;
    let orders = &settings.orders;
    for (index, order) in orders.iter().enumerate() {
        ensure!(
            *order <= MOST_COMPONENTS,
            "--orders: {order} is out of range, allowed are 1 to {MOST_COMPONENTS}"
        );
        ensure!(!orders[..index].contains(order), "--orders: {order} twice");
    }
    ensure!(
        (0.0..=0.9).contains(&settings.held_out),
        "--held-out {}: is out of range, allowed are 0 to 0.9",
        settings.held_out
    );
    if let Some(rate_hz) = settings.sample_rate_hz {
        ensure!(
            dsp::RATES_HZ.contains(&rate_hz),
            "--sample-rate {rate_hz}: is out of range, allowed are {} to {}",
            dsp::RATES_HZ.start(),
            dsp::RATES_HZ.end()
        );
    }
    let bins = settings.stft.window_samples / 2 + 1;
    let most = MOST_ENTRIES / bins;
    ensure!(
        (1..=most).contains(&settings.most_frames),
        "--frames {}: is out of range, allowed are 1 to {most} for this --window",
        settings.most_frames
    );
    Ok(())
}
