//! `verify`.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::{Ending, Failure, opened};
use crate::claims::{self, Verdict};
use crate::cli::verify::VerifyArguments;
use crate::comparison::{self, FileComparison};
use crate::recorded::Recorded;
use crate::refused::Refused;
use crate::table::Table;

/// So many differences of a file are printed in full.
const SHOWN: usize = 5;

/// Compares a run with a committed one, or with the paper's claims.
///
/// # Errors
/// Folders that are not results, or not of the same configuration; a file of them that is missing or broken.
pub fn run(arguments: &VerifyArguments) -> Result<Ending, Failure> {
    let run = opened(&arguments.run)?;
    let (text, passed) = match &arguments.against {
        Some(against) if against == Path::new("paper") => {
            against_the_paper(&run).map_err(Failure::Run)?
        }
        against => {
            let reference = against
                .clone()
                .map_or_else(|| reference_of(&run), Ok)
                .map_err(Failure::Run)?;
            let reference = opened(&reference)?;
            let compared =
                comparison::compare(&run, &reference, arguments.tolerance).map_err(Failure::Run)?;
            let passed = compared.iter().all(|file| file.differences.is_empty());
            (compared_text(&compared), passed)
        }
    };
    write!(stdout(), "{text}")
        .context("cannot write to standard output")
        .map_err(Failure::Run)?;
    Ok(if passed {
        Ending::Done
    } else {
        Ending::Differs
    })
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
        for difference in file.differences.iter().take(SHOWN) {
            details += &format!("{}: {difference}\n", file.name);
        }
        let hidden = file.differences.len().saturating_sub(SHOWN);
        if hidden > 0 {
            details += &format!("{}: and {hidden} more\n", file.name);
        }
    }
    let separator = if details.is_empty() { "" } else { "\n" };
    format!("{}{separator}{details}", table.markdown())
}

fn against_the_paper(run: &Recorded) -> Result<(String, bool)> {
    let claims = claims::judge(&run.summary()?, &run.times()?);
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
