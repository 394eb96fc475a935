//! Drawing the observations from the generative model (section 4.1).

use anyhow::{Context, Result};
use ndarray::Array2;
use synth::{DrawnMixture, MixtureSettings};

use crate::cell::Cell;
use crate::config::Config;
use crate::training::Dictionaries;

/// A mixture, its sources, and where its separations start.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The mixture and what it is made of.
    pub drawn: DrawnMixture,
    /// The start of `E[W_2]`, components x bins: one draw for all separations of the observation, so that they differ
    /// by the method alone.
    pub background_start: Array2<f64>,
}

/// Draws the observation of a cell from its own random streams.
///
/// # Errors
/// Dictionaries without power.
pub fn draw(cell: &Cell, dictionaries: &Dictionaries, config: &Config) -> Result<Observation> {
    let speech = dictionaries
        .generation
        .get(cell.order_index)
        .with_context(|| format!("no dictionary of order {}", cell.true_order))?;
    let settings = MixtureSettings {
        frames: config.mixtures.frames,
        activation_shape: config.mixtures.activation_shape,
        snr_db: cell.snr_db,
        noise_variance: config.mixtures.noise_variance,
        real_edges: true,
    };
    let stream = |purpose| synth::stream(config.experiment.seed, purpose, &cell.key());
    let drawn = synth::generative::draw(
        speech.components(),
        dictionaries.background.components(),
        &settings,
        &mut stream("mixture"),
    )?;
    let background_start = synth::gamma_matrix(
        config.model.dictionary_shape,
        config.model.dictionary_shape,
        config.training.background_components,
        speech.bins(),
        config.model.dictionary_start_floor,
        &mut stream("start"),
    )?;
    Ok(Observation {
        drawn,
        background_start,
    })
}
