//! From recordings to dictionaries for several orders: reading and choosing frames ([`frames`]),
//! Itakura-Saito NMF, and what the dictionaries say of frames that were held out ([`held_out`]).

mod frames;
mod held_out;
mod settings;

use std::collections::HashMap;

use anyhow::{Context, Result};
use model::{Dictionary, itakura_saito};
use rayon::prelude::*;

use crate::progress::Progress;
use crate::tools::dictionary_file::{DictionaryFile, Metadata};
use crate::tools::recordings::Recordings;
use frames::TrainingFrames;

pub(crate) use settings::TrainingSettings;

/// Learns dictionaries from recordings, mixed down to mono.
///
/// `skip_unusable`: whether recordings that cannot be used are left out of the list; all else is
/// then as if they had not been given.
///
/// # Errors
/// All recordings that cannot be used, too little to learn from, a training that fails.
pub(crate) fn learn_dictionaries(
    recordings: &mut Recordings,
    settings: &TrainingSettings,
    skip_unusable: bool,
    progress: Progress,
) -> Result<DictionaryFile> {
    let frames = loop {
        let mut unusable = HashMap::new();
        let frames = TrainingFrames::read(&recordings.list, settings, progress, &mut unusable)?;
        if let Some(frames) = frames {
            break frames;
        }
        recordings.check(skip_unusable, |recording| {
            unusable.remove(&recording.path).map_or(Ok(()), Err)
        })?;
    };
    let stage = progress.stage("training components", settings.orders.iter().sum());
    let learned: Vec<LearnedDictionary> = settings
        .orders
        .par_iter()
        .map(|&order| {
            let mut rng = synth::stream(settings.seed, "train", &[order as u64]);
            let trained = itakura_saito::train(
                frames.training.view(),
                &itakura_saito::TrainingSettings {
                    order,
                    iterations: settings.iterations,
                    precision: settings.precision,
                },
                &mut rng,
            )
            .with_context(|| format!("training of order {order}"))?;
            let held_out_divergence = (frames.held_out.nrows() > 0).then(|| {
                held_out::compute_divergence(
                    frames.held_out.view(),
                    trained.dictionary.components(),
                )
            });
            stage.advance(order);
            Ok(LearnedDictionary {
                dictionary: trained.dictionary,
                cost: trained.cost,
                held_out_divergence,
            })
        })
        .collect::<Result<_>>()?;
    stage.finish();

    let mut metadata = Metadata::new(frames.sample_rate_hz, settings.stft.clone());
    metadata.orders.clone_from(&settings.orders);
    metadata.iterations = settings.iterations;
    metadata.seed = settings.seed;
    metadata.training_frames = frames.training.nrows();
    metadata.held_out_frames = frames.held_out.nrows();
    metadata.corpus_sha256 = frames.digest.to_string();
    let mut file = DictionaryFile {
        metadata,
        dictionaries: Vec::new(),
        costs: Vec::new(),
    };
    for learned in learned {
        file.metadata.final_cost.extend(learned.cost.last());
        file.metadata
            .held_out_divergence
            .extend(learned.held_out_divergence);
        file.dictionaries.push(learned.dictionary.into());
        file.costs.push(learned.cost);
    }
    Ok(file)
}

/// The result of a training without its activations.
struct LearnedDictionary {
    dictionary: Dictionary,
    cost: Vec<f64>,
    held_out_divergence: Option<f64>,
}
