//! One self-contained HTML page of a results folder: nothing is loaded from anywhere, and without
//! scripts it still reads and plays.

mod drawings;
mod inputs;
mod listening;
mod media;
mod page;
mod sections;
mod verdicts;

use anyhow::Result;

use crate::study::design::Study;
use crate::tables::recorded::Recorded;
use inputs::Inputs;

/// The page.
///
/// `seconds`: how much of each example can be listened to.
///
/// # Errors
/// A file of the folder that is missing or broken, by its name.
pub(crate) fn html(run: &Recorded, seconds: f64) -> Result<String> {
    let inputs = Inputs::read(run, seconds)?;
    let study = Study::new(&inputs.config)?;
    Ok(sections::page(&inputs, &study).into_string())
}
