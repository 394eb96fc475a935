//! `verify`: a run compared with a committed one, or with the paper's claims.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::Args;

use super::ending::{Ending, Failure, say};
use crate::store::refused::Refused;
use crate::tables::claims::{self, Verdict};
use crate::tables::comparison::{self, FileComparison, TOLERANCE};
use crate::tables::recorded::Recorded;
use crate::tables::table::Table;

/// Most differences of a file that are printed in full.
const MOST_SHOWN: usize = 5;

/// What to verify, and against what.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// Results folder of a run or a sweep
    #[arg(value_name = "DIR")]
    run: PathBuf,

    /// Results folder to compare with, or `paper` for the paper's claims; without it,
    /// results/reference/<experiment.name>
    #[arg(long, value_name = "DIR|paper")]
    against: Option<PathBuf>,

    /// Allowed difference of two numbers, as a part of the reference's; of levels in dB, as a part
    /// of the power ratio (1e-6 is 4.3e-6 dB). One unit of the last printed digit comes on top
    #[arg(long, value_name = "X", default_value_t = TOLERANCE, value_parser = tolerance)]
    tolerance: f64,
}

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("allowed are numbers from 0 to 1".to_owned()),
    }
}

impl VerifyArguments {
    /// Compares a run with a committed one, or with the paper's claims.
    ///
    /// # Errors
    /// Folders that are not results, or not of the same configuration; a file of them that is
    /// missing or broken.
    pub(crate) fn run(&self) -> Result<Ending, Failure> {
        let (text, passed) = verify(self).map_err(Failure::Run)?;
        say(&text)?;
        Ok(match passed {
            true => Ending::Done,
            false => Ending::Differs,
        })
    }
}

/// What there is to say, and whether all is as it should be.
fn verify(arguments: &VerifyArguments) -> Result<(String, bool)> {
    let run = Recorded::open(&arguments.run)?;
    let reference = match &arguments.against {
        Some(against) if against == Path::new("paper") => return against_the_paper(&run),
        Some(against) => against.clone(),
        None => reference_of(&run)?,
    };
    let reference = Recorded::open(&reference)?;
    let compared = comparison::compare(&run, &reference, arguments.tolerance)?;
    let passed = compared.iter().all(|file| file.differences.is_empty());
    Ok((compared_text(&compared), passed))
}

/// The committed results of the run's experiment.
fn reference_of(run: &Recorded) -> Result<PathBuf> {
    let name = run
        .config_table()
        .get("experiment")
        .and_then(|experiment| experiment.get("name"))
        .and_then(toml::Value::as_str)
        .ok_or_else(|| {
            Refused(format!(
                "{} has no experiment.name: say with --against what to compare with",
                run.file("config.toml").display()
            ))
        })?;
    let path = Path::new("results/reference").join(name);
    ensure!(
        path.is_dir(),
        Refused(format!(
            "{} is not a folder: say with --against what to compare with",
            path.display()
        ))
    );
    Ok(path)
}

fn compared_text(compared: &[FileComparison]) -> String {
    let mut table = Table::new(["File", "Fields", "Largest difference", "Result"]);
    let mut details = String::new();
    for file in compared {
        let result = match file.differences.len() {
            0 => "the same".to_owned(),
            1 => "1 difference".to_owned(),
            count => format!("{count} differences"),
        };
        table.push([
            file.name.clone(),
            file.fields.to_string(),
            format!("{:.1e}", file.largest),
            result,
        ]);
        for difference in file.differences.iter().take(MOST_SHOWN) {
            details += &format!("{}: {difference}\n", file.name);
        }
        let hidden = file.differences.len().saturating_sub(MOST_SHOWN);
        if hidden > 0 {
            details += &format!("{}: and {hidden} more\n", file.name);
        }
    }
    let separator = if details.is_empty() { "" } else { "\n" };
    format!("{}{separator}{details}", table.markdown())
}

fn against_the_paper(run: &Recorded) -> Result<(String, bool)> {
    let claims = claims::judge(&run.summary()?, 0, &run.times()?);
    let mut table = Table::new(["The paper's claim", "Paper", "This run", "Result"]);
    for claim in &claims {
        table.push([
            claim.statement.clone(),
            claim.paper.clone(),
            claim.found.clone(),
            claim.verdict.to_string(),
        ]);
    }
    let passed = claims.iter().all(|claim| claim.verdict != Verdict::NotHeld);
    Ok((table.markdown(), passed))
}
