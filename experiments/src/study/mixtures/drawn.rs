//! Mixtures drawn from the generative model (section 4.1).

use anyhow::{Context, Result};
use dsp::Stft;
use synth::MixtureSettings;

use super::Observation;
use crate::config::Config;
use crate::study::dictionaries::Dictionaries;
use crate::study::estimate::{Member, Trial};

/// Draws the mixture of a trial from a random stream of its own.
///
/// # Errors
/// An order without dictionary; dictionaries without power.
pub(super) fn draw(
    trial: &Trial,
    dictionaries: &Dictionaries,
    config: &Config,
    stft: &Stft,
) -> Result<Observation> {
    let Dictionaries {
        generation,
        background,
        ..
    } = dictionaries;
    let speech = match trial.member {
        Member::TrueOrder(order) => generation.iter().find(|speech| speech.order() == order),
        Member::Recording(_) => None,
    };
    let speech = speech.with_context(|| format!("no dictionary that draws {:?}", trial.member))?;
    let background = background
        .as_ref()
        .context("no dictionary of the background")?;
    let settings = MixtureSettings {
        frames: config.mixtures.frames,
        activation_shape: config.mixtures.activation_shape,
        snr_db: trial.snr_db,
        noise_variance: config.mixtures.noise_variance,
        real_edges: true,
    };
    let seed = config.experiment.seed;
    let drawn = synth::generative::draw(
        speech.components(),
        background.components(),
        &settings,
        &mut synth::stream(seed, "mixture", &trial.stream_key(&config.corpus)),
    )?;
    let samples = stft.samples(config.mixtures.frames);
    let [speech, background] = drawn
        .sources
        .map(|source| stft.synthesise(source.view(), samples));
    Ok(Observation {
        signal: stft.synthesise(drawn.mixture.view(), samples),
        references: [speech, background],
        spectrogram: drawn.mixture,
        gain: 1.0,
    })
}
