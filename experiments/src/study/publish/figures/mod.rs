//! The figures of a study, drawn from its tables: what a figure shows is what the tables say, and
//! whoever has a results folder can draw it anew.

mod axis_titles;
mod order_posterior;
mod scores;
mod single_trial;

use anyhow::{Context, Result};

use crate::config::{FigureStyle, Kind};
use crate::figures::Plot;
use crate::study::design::Study;
use crate::tables::caption::Caption;
use crate::tables::recorded::Recorded;

pub(crate) use order_posterior::{ORDER_POSTERIORS, order_posterior};
pub(crate) use scores::scores;
pub(crate) use single_trial::{free_energy, loudest, spectrograms};

/// Panels of q(K) beside each other, in two columns of a paper.
const ACROSS: usize = 3;

/// Every figure of a run in all its formats, by file name: those of which the tables are there.
///
/// # Errors
/// A table of scores that is missing; a table that is broken, by its name.
pub(crate) fn draw(run: &Recorded, style: FigureStyle) -> Result<Vec<(String, Vec<u8>)>> {
    let config = run.config()?;
    let study = &Study::new(&config)?;
    let about = &Caption { study, corpus: "" };
    let mut files = Vec::new();
    for (name, figure) in scores(&run.scores()?, about, style) {
        files.extend(in_all_formats(&name, &figure)?);
    }
    if config.kind() == Kind::Sweep {
        return Ok(files);
    }
    if let Some(rows) = run.optional_rows("order_posterior.csv")? {
        for (method, name) in ORDER_POSTERIORS {
            if study.methods.contains(&method) {
                let figure = order_posterior(study, &rows, method, (style, ACROSS));
                let figure = figure.with_context(|| run.name("order_posterior.csv"))?;
                files.extend(in_all_formats(name, &figure)?);
            }
        }
    }
    if let Some(rows) = run.optional_rows("free_energy.csv")? {
        let figure = free_energy(study, &rows, style);
        if let Some(figure) = figure.with_context(|| run.name("free_energy.csv"))? {
            files.extend(in_all_formats("free_energy", &figure)?);
        }
        if let (Some(first), true) = (rows.first(), run.has("examples.csv")) {
            let figure = spectrograms(run, study, &first.labels, style);
            if let Some(figure) = figure.with_context(|| run.name("examples.csv"))? {
                files.push(("spectrograms.png".to_owned(), figure.png()?));
            }
        }
    }
    Ok(files)
}

fn in_all_formats(name: &str, figure: &impl Plot) -> Result<[(String, Vec<u8>); 3]> {
    Ok([
        (format!("{name}.svg"), figure.svg()?),
        (format!("{name}.pdf"), figure.pdf()?),
        (format!("{name}.png"), figure.png()?),
    ])
}
