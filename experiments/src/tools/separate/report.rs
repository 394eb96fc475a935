//! `separation.json`: what was separated how, and what the inference says.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use dsp::StftSettings;
use dsp::wav::Encoding;
use model::{Acceleration, ActivationStart, Precision, Tempering};
use serde::{Deserialize, Serialize};

use super::channel_mode::ChannelMode;
use super::method::SeparationMethod;
use crate::store::digest::{Computed, Digest};
use crate::store::output::is_of_kind;
use crate::store::refused::Refused;
use crate::tools::file_kinds::{MADE_WITH, SEPARATION};

/// All that is said of a separation. It depends on its inputs alone, not on the machine or the
/// time.
#[derive(Debug, Serialize)]
pub(crate) struct SeparationReport {
    /// Version of the program.
    pub(crate) made_with: String,
    /// Digest of all that the stems depend on.
    pub(crate) inputs_sha256: Digest,
    pub(crate) mixture: MixtureReport,
    /// In the order of everything that is listed per source.
    pub(crate) sources: Vec<SourceReport>,
    pub(crate) settings: SettingsReport,
    pub(crate) level: LevelReport,
    /// In order of time.
    pub(crate) segments: Vec<SegmentReport>,
    /// Energy of what is in no stem, relative to the recording's; null if nothing is left.
    pub(crate) leftover_db: Option<f64>,
    /// Samples beyond full scale.
    pub(crate) clipped_samples: usize,
    /// The files, in the order of the sources.
    pub(crate) stems: Vec<StemReport>,
}

/// A stem, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StemReport {
    pub(crate) source: String,
    /// Its name in the folder of the report.
    pub(crate) file: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: Digest,
}

/// The recording.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MixtureReport {
    /// Name of its file.
    pub(crate) file: String,
    pub(crate) sha256: Digest,
    pub(crate) sample_rate_hz: u32,
    pub(crate) channels: usize,
    /// Samples of each channel.
    pub(crate) samples: usize,
}

/// A source.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SourceReport {
    pub(crate) name: String,
    pub(crate) dictionaries: DictionaryUse,
    /// Name of the dictionaries' file, or where else they come from.
    pub(crate) origin: String,
    /// Of a voice of `data/voices`, the half of its utterances that they were learned from; null
    /// of others.
    pub(crate) voice_half: Option<&'static str>,
    /// Digest of their file, if they come from one.
    pub(crate) sha256: Option<Digest>,
    pub(crate) orders: Vec<usize>,
}

/// How the dictionaries of a source are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DictionaryUse {
    /// Fixed.
    Known,
    /// Estimated, from given ones as a start.
    Adapted,
    /// Estimated, from a random start.
    Estimated,
}

/// Options that results depend on.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SettingsReport {
    /// Rate at which it was separated.
    pub(crate) sample_rate_hz: u32,
    pub(crate) stft: StftSettings,
    pub(crate) channels: ChannelMode,
    /// Of the stems.
    pub(crate) encoding: Encoding,
    pub(crate) segment_seconds: f64,
    pub(crate) overlap_seconds: f64,
    /// How several orders became one estimate.
    pub(crate) method: SeparationMethod,
    /// Of each inference, at most.
    pub(crate) iterations: usize,
    /// Rise of the free energy over ten iterations, in nats per coefficient, at which an inference
    /// ended before.
    pub(crate) tolerance: f64,
    /// An inference for which f32 is not enough is done in f64.
    pub(crate) precision: Precision,
    /// How an inference went from one iteration to the next.
    pub(crate) acceleration: Acceleration,
    /// Weight of the entropy of q(K).
    pub(crate) tempering: Tempering,
    pub(crate) activation_start: ActivationStart,
    pub(crate) noise_db: f64,
    pub(crate) seed: u64,
}

/// How the recording was brought to the model's level.
#[derive(Debug, Default, Serialize)]
pub(crate) struct LevelReport {
    /// Factor of its samples.
    pub(crate) gain: f64,
    /// Mean power of its coefficients after that.
    pub(crate) expected_power: f64,
    /// sigma^2.
    pub(crate) noise_variance: f64,
}

/// A segment.
#[derive(Debug, Serialize)]
pub(crate) struct SegmentReport {
    pub(crate) start_seconds: f64,
    pub(crate) end_seconds: f64,
    /// Whether there was nothing to separate.
    pub(crate) silent: bool,
    /// One per channel, or a single one if channels are shared or mixed down.
    pub(crate) inferences: Vec<InferenceReport>,
}

/// The inferences behind one channel of a segment.
#[derive(Debug, Serialize)]
pub(crate) struct InferenceReport {
    /// Pairs of iteration and free energy in nats, of the only inference; empty where there is one
    /// per combination of orders.
    pub(crate) free_energy: Vec<(usize, f64)>,
    /// At the end, in nats: of the only inference, or of each combination, the orders of the last
    /// source varying fastest.
    pub(crate) free_energies: Vec<f64>,
    /// Iterations done: of the only inference, of the selected one, or of the longest.
    pub(crate) iterations: usize,
    /// q(K), per source and order; 1 for what was selected, and the same for all in a mean.
    pub(crate) order_posterior: Vec<Vec<f64>>,
}

/// All that the stems of a recording depend on.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SeparationInputs {
    pub(crate) computed: Computed,
    pub(crate) mixture: MixtureReport,
    pub(crate) sources: Vec<SourceReport>,
    pub(crate) settings: SettingsReport,
}

impl SeparationInputs {
    /// What tells these inputs from others.
    ///
    /// # Errors
    /// Those of the serialiser.
    pub(crate) fn digest(&self) -> Result<Digest> {
        Ok(Digest::of_value(self)?)
    }
}

/// What a written report says of itself and its stems.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct StoredSeparation {
    pub(crate) inputs_sha256: Digest,
    pub(crate) mixture: StoredMixture,
    pub(crate) stems: Vec<StemReport>,
}

/// The recording of a written report.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct StoredMixture {
    pub(crate) file: String,
    pub(crate) sha256: Digest,
}

impl StoredSeparation {
    /// Reads a report, if there is one.
    ///
    /// # Errors
    /// [`Refused`] for a file that this program did not write or that is damaged; a file that
    /// cannot be read.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        let json = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            json => json.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let refuse = |what: String| {
            Refused(format!(
                "{}: {what}, and it is not replaced: give another --out, or move it away",
                path.display()
            ))
        };
        ensure!(
            is_of_kind(path, SEPARATION),
            refuse("is no report of a separation".to_owned())
        );
        let stored: Self = serde_json::from_slice(&json)
            .map_err(|error| refuse(format!("is a damaged report of a separation ({error})")))?;
        // Other names were never written by a separation, and may lead elsewhere.
        let is_stem = |stem: &StemReport| {
            check_source_name(&stem.source).is_ok() && stem.file == stem_file(&stem.source)
        };
        ensure!(
            stored.stems.iter().all(is_stem),
            refuse("is a damaged report of a separation".to_owned())
        );
        Ok(Some(stored))
    }
}

/// The file of a source's stem.
pub(crate) fn stem_file(source: &str) -> String {
    format!("{source}.wav")
}

/// Refuses names that cannot be those of files.
///
/// # Errors
/// [`Refused`], with what is allowed.
pub(crate) fn check_source_name(name: &str) -> Result<()> {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    ensure!(
        !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain),
        Refused(format!(
            "--source {name:?}: a source names its file, so letters, digits, `-`, `_` and inner `.`"
        ))
    );
    Ok(())
}

impl SeparationReport {
    /// A report of what is to be done; the rest is filled in while it is.
    ///
    /// # Errors
    /// Those of the serialiser.
    pub(crate) fn new(inputs: &SeparationInputs) -> Result<Self> {
        let inputs_sha256 = inputs.digest()?;
        let inputs = inputs.clone();
        Ok(Self {
            made_with: MADE_WITH.to_owned(),
            inputs_sha256,
            mixture: inputs.mixture,
            sources: inputs.sources,
            settings: inputs.settings,
            level: LevelReport::default(),
            segments: Vec::new(),
            leftover_db: None,
            clipped_samples: 0,
            stems: Vec::new(),
        })
    }

    /// The report as JSON.
    ///
    /// # Errors
    /// Those of the serialiser.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }
}
