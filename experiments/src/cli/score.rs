//! `score`: its options and its run.

use std::io::{Write, stdout};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::ending::{Ending, Failure};
use super::numbers::{parse_count, parse_number};
use super::threads::start_threads;
use crate::progress::Progress;
use crate::store::output::Outputs;
use crate::store::refused::Refused;
use crate::tools::file_kinds::{SCORES_CSV, SCORES_JSON, SCORES_MUSEVAL};
use crate::tools::score::{
    AskedFiles, Framing, ScoreSettings, ScoredAs, SetFiles, SignalSet, pair_files, score_sets,
    write_csv, write_json, write_museval, write_text,
};

/// What to score, and how.
#[derive(Debug, Args)]
pub(crate) struct ScoreArguments {
    /// The true signals: files, or one folder of them. With one source alone nothing interferes, so
    /// there is no SIR: "-", empty in CSV, null in JSON, NaN for museval
    #[arg(long, value_name = "WAV|DIR", num_args = 1.., required = true)]
    reference: Vec<PathBuf>,

    /// Their estimates: as many files in the same order, or a folder of files of the same names
    #[arg(long, value_name = "WAV|DIR", num_args = 1.., required = true)]
    estimate: Vec<PathBuf>,

    /// The mixture, or one for each pair: scores it like an estimate, and by how much estimates are
    /// better
    #[arg(long, value_name = "WAV|DIR", num_args = 1..)]
    mixture: Vec<PathBuf>,

    /// The estimates are this stem of each recording's folder, as `separate` makes them
    #[arg(long, value_name = "NAME")]
    stem: Option<String>,

    /// Score the files as the sources of one mixture; without it, two folders are pairs
    #[arg(long, conflicts_with = "pairs")]
    sources: bool,

    /// Score every file for itself, with means over all; without it, single files are the sources
    /// of one mixture
    #[arg(long)]
    pairs: bool,

    /// Match estimates with references by the greatest mean SIR instead of by order or name
    #[arg(long, conflicts_with = "pairs")]
    permute: bool,

    /// Score frames of this length as well, each with distortion filters of its own
    #[arg(long, value_name = "SECONDS", value_parser = parse_number)]
    window: Option<f64>,

    /// Distance between the starts of two frames; without it, the window's length
    #[arg(long, value_name = "SECONDS", value_parser = parse_number, requires = "window")]
    hop: Option<f64>,

    /// Write the scores as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Write the scores as CSV, one row per number
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,

    /// Write the scores of BSS Eval version 4 in windows of a second, for museval's aggregator
    #[arg(long, value_name = "FILE", conflicts_with_all = ["pairs", "permute"])]
    museval: Option<PathBuf>,

    /// Threads; without it, one per processor. Results do not depend on it
    #[arg(long, value_name = "N", value_parser = parse_count)]
    jobs: Option<NonZeroUsize>,

    /// Report no progress, warnings only
    #[arg(long, short)]
    quiet: bool,
}

impl ScoreArguments {
    /// Scores estimates against references.
    ///
    /// # Errors
    /// Files that cannot be read or do not fit together, frames that do not fit them, files that
    /// cannot be written.
    pub(crate) fn run(&self) -> Result<Ending, Failure> {
        self.score().map_err(Failure::Run)
    }

    fn score(&self) -> Result<Ending> {
        let (scored_as, sets) = self.pair()?;
        let mut outputs = Outputs::new(sets.iter().flat_map(SetFiles::paths));
        let mut claim = |path: &Option<PathBuf>, option, kind| {
            let claimed = path
                .as_ref()
                .map(|path| outputs.claim_file(path, option, kind));
            claimed.transpose()
        };
        let json = claim(&self.json, "--json", SCORES_JSON)?;
        let csv = claim(&self.csv, "--csv", SCORES_CSV)?;
        let museval = claim(&self.museval, "--museval", SCORES_MUSEVAL)?;
        let settings = ScoreSettings {
            scored_as,
            permute: self.permute,
            framing: self.window.map(|window_seconds| Framing {
                window_seconds,
                hop_seconds: self.hop.unwrap_or(window_seconds),
            }),
        };
        let pool = start_threads(self.jobs)?;
        // Read once: it may come through a pipe.
        let loaded = match (&museval, sets.as_slice()) {
            (Some(_), [files]) => Some((SignalSet::read(files)?, files)),
            _ => None,
        };
        let signals = loaded.as_ref().map(|(set, _)| set);
        let progress = Progress::new(self.quiet);
        let sheet = score_sets(&sets, signals, &settings, &pool, progress)?;
        if !self.permute && sheet.seems_swapped() {
            progress.warn(
                "every estimate has more of other sources than of its own: are they in another \
                 order than the references? --permute matches them",
            );
        }
        let images = loaded
            .as_ref()
            .map(|(set, files)| pool.install(|| write_museval(set, files)));
        let images = images.transpose()?;
        let mut to_standard_output = false;
        for (output, contents) in [
            (json, Some(write_json(&sheet)?)),
            (csv, Some(write_csv(&sheet)?)),
            (museval, images),
        ] {
            if let (Some(output), Some(contents)) = (output, contents) {
                to_standard_output |= output.is_standard_output();
                output.write(&contents)?;
            }
        }
        if !to_standard_output {
            write!(stdout(), "{}", write_text(&sheet))
                .context("cannot write to standard output")?;
        }
        Ok(match sheet.is_partial() {
            false => Ending::Done,
            true => Ending::PartlyFailed,
        })
    }

    /// The files of each mixture or pair.
    fn pair(&self) -> Result<(ScoredAs, Vec<SetFiles>)> {
        let asked = AskedFiles {
            references: self.reference.clone(),
            estimates: self.estimate.clone(),
            mixtures: self.mixture.clone(),
            stem: self.stem.clone(),
        };
        let wanted = match (self.sources, self.pairs) {
            (true, _) => Some(ScoredAs::Sources),
            (_, true) => Some(ScoredAs::Pairs),
            _ => None,
        };
        let (scored_as, sets) = pair_files(&asked, wanted)?;
        let of_sources = [
            (self.permute, "--permute"),
            (self.museval.is_some(), "--museval"),
        ];
        for (given, option) in of_sources {
            if given && scored_as == ScoredAs::Pairs {
                bail!(Refused(format!(
                    "{option}: is for the sources of one mixture, and folders are independent \
                     pairs without --sources"
                )));
            }
        }
        Ok((scored_as, sets))
    }
}
