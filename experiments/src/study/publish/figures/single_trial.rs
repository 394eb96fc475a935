//! Figures of one trial: the free energies of its separations, and its signals.

use anyhow::{Context, Result, anyhow};
use dsp::Stft;
use model::Tempering;
use ndarray::Array2;

use super::look::Look;
use crate::config::{Config, FigureStyle};
use crate::figures::{Spectrogram, Spectrograms, Style, Trace, Traces, title};
use crate::study::design::Study;
use crate::study::examples::Content;
use crate::study::methods::Method;
use crate::tables::csv::Labelled;
use crate::tables::recorded::Recorded;
use crate::tables::rows::{ExampleRow, FreeEnergyRow};

/// The free energies of the separations of a trial.
///
/// # Errors
/// No rows; rows that are of no trial of the study or of no method.
pub(super) fn free_energy(
    study: &Study<'_>,
    rows: &[Labelled<FreeEnergyRow>],
    style: FigureStyle,
) -> Result<Traces> {
    let first = rows.first().context("has no rows")?;
    let separations =
        rows.chunk_by(|a, b| (&a.row.method, a.row.order) == (&b.row.method, b.row.order));
    let trace = |rows: &[Labelled<FreeEnergyRow>]| {
        let name = &rows[0].row.method;
        let value = |(index, it): (usize, &Labelled<FreeEnergyRow>)| {
            let value = it.row.free_energy.filter(|value| value.is_finite());
            let is_next = it.row.iteration == index + 1;
            let place = || format!("no free energy of {name} after iteration {}", index + 1);
            value.filter(|_| is_next).with_context(place)
        };
        let values = rows.iter().enumerate().map(value);
        let (label, look) = match rows[0].row.order {
            Some(order) => (format!("order {order}"), None),
            None => {
                let method = Method::from_name(name);
                let method = method.ok_or_else(|| anyhow!("`{name}` is not a method"))?;
                (method.label().to_owned(), Some(Style::from_method(method)))
            }
        };
        Ok(Trace {
            label,
            look,
            values: values
                .map(|value| Ok(value? / 1000.0))
                .collect::<Result<_>>()?,
        })
    };
    let name = trial_name(study, &first.labels)?;
    let said = format!("{name}; fusion tempered, {}", tempering(study.config));
    Ok(Traces {
        style,
        title: title(style, said),
        y_label: "Free energy (1000 nats)".to_owned(),
        lines: separations.map(trace).collect::<Result<_>>()?,
    })
}

/// Spectrograms of a trial's mixture, truth and estimates, in the look of files on the screen; none
/// where its audio was not kept.
///
/// `labels`: those of the trial.
///
/// # Errors
/// Audio that cannot be read; rows that are of no signal.
pub(super) fn spectrograms(
    run: &Recorded,
    study: &Study<'_>,
    labels: &[String],
) -> Result<Option<Spectrograms>> {
    let config = study.config;
    let rows: Vec<Labelled<ExampleRow>> = run.rows("examples.csv")?;
    let rows = rows.iter().filter(|it| it.labels == labels);
    let rows: Vec<&ExampleRow> = rows.map(|it| &it.row).collect();
    if rows.is_empty() || rows.iter().any(|row| !run.has(&row.file)) {
        return Ok(None);
    }
    let stft = Stft::new(&config.stft)?;
    let panel = |row: &&ExampleRow| {
        let content = Content::from_name(&row.signal);
        let content = content.with_context(|| format!("`{}` is not a signal", row.signal))?;
        Ok(Spectrogram {
            title: match row.order {
                Some(order) => format!("{} (order {order})", content.label()),
                None => content.label().to_owned(),
            },
            power: stft
                .analyse(&run.audio(&row.file)?.samples)
                .mapv(|value| value.norm_sqr()),
        })
    };
    let panels: Vec<Spectrogram> = rows.iter().map(panel).collect::<Result<_>>()?;
    let rate = f64::from(config.corpus.sample_rate_hz);
    let look = Look::from_style(FigureStyle::Screen).spectrograms;
    Ok(Some(Spectrograms {
        style: look.style,
        ground: look.ground,
        title: trial_name(study, labels)?,
        loudest: loudest(panels.iter().map(|panel| &panel.power)),
        panels,
        columns: look.across,
        panel: look.panel,
        seconds_per_frame: config.stft.hop_samples as f64 / rate,
        highest_khz: rate / 2000.0,
    }))
}

/// The largest power, the top of the scale; 1 where all is silent.
pub(crate) fn loudest<'a>(powers: impl Iterator<Item = &'a Array2<f64>>) -> f64 {
    let largest = powers.flatten().copied().fold(0.0, f64::max);
    if largest > 0.0 { largest } else { 1.0 }
}

/// The trial of some labels in words.
fn trial_name(study: &Study<'_>, labels: &[String]) -> Result<String> {
    let found = study.find_trial(labels);
    let (run, trial) = found.with_context(|| format!("there is no trial {}", labels.join(",")))?;
    Ok(study.runs[run].trial_name(&trial))
}

/// The tempering of a fusion in words.
fn tempering(config: &Config) -> String {
    match config.model.tempering() {
        Tempering::Beta(beta) => format!("beta = {beta}"),
        Tempering::Kappa(kappa) => format!("kappa = {kappa}"),
    }
}
