//! From recordings to dictionaries for several orders: reading and choosing frames ([frames]), Itakura-Saito NMF, and
//! what the dictionaries say of frames that were held out ([held_out]).

pub mod frames;
pub mod held_out;

use std::path::PathBuf;

use anyhow::{Context, Result};
use dsp::StftSettings;
use model::Dictionary;
use model::itakura_saito::{self, TrainingSettings};
use rayon::prelude::*;

use crate::dictionary_file::{DictionaryFile, Metadata};
use crate::progress::Progress;

/// How dictionaries are learned.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainSettings {
    /// Numbers of components, each once.
    pub orders: Vec<usize>,
    /// Iterations of each training.
    pub iterations: usize,
    /// The transform.
    pub stft: StftSettings,
    /// The rate to learn at; None: that of the recordings.
    pub sample_rate_hz: Option<u32>,
    /// Share of the recordings that is held out, 0 to below 1.
    pub held_out: f64,
    /// Most frames to learn from.
    pub most_frames: usize,
    /// Root of the random choices.
    pub seed: u64,
}

/// Learns dictionaries from recordings, mixed down to mono.
///
/// # Errors
/// A file that cannot be used, too little to learn from, a training that fails.
pub fn train(
    paths: &[PathBuf],
    settings: &TrainSettings,
    progress: Progress,
) -> Result<DictionaryFile> {
    let frames = frames::collect(paths, settings, progress)?;
    let stage = progress.stage("training components", settings.orders.iter().sum());
    let learned: Vec<Learned> = settings
        .orders
        .par_iter()
        .map(|&order| {
            let mut rng = synth::stream(settings.seed, "train", &[order as u64]);
            let trained = itakura_saito::train(
                frames.training.view(),
                &TrainingSettings {
                    order,
                    iterations: settings.iterations,
                },
                &mut rng,
            )
            .with_context(|| format!("training of order {order}"))?;
            let held_out_divergence = (frames.held_out.nrows() > 0).then(|| {
                held_out::divergence(frames.held_out.view(), trained.dictionary.components())
            });
            stage.advance(order);
            Ok(Learned {
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

/// A training's result without its activations.
struct Learned {
    dictionary: Dictionary,
    cost: Vec<f64>,
    held_out_divergence: Option<f64>,
}
