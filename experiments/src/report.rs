//! One self-contained HTML page of a results folder: nothing is loaded from anywhere, and without scripts it still reads
//! and plays.

mod inputs;
mod listening;
mod page;
mod results;
mod sweep;

use anyhow::Result;

use crate::recorded::Recorded;

/// The page.
///
/// `seconds`: how much of each example can be listened to.
///
/// # Errors
/// A file of the folder that is missing or broken, by its name.
pub fn html(run: &Recorded, seconds: f64) -> Result<String> {
    let markup = if sweep::is_one(run) {
        sweep::page(run)?
    } else {
        results::page(&inputs::Inputs::read(run, seconds)?)
    };
    Ok(markup.into_string())
}
