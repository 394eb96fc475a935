//! What a file of dictionaries says of them.

use anyhow::{Context, Result, anyhow, ensure};
use dsp::{StftSettings, Window};
use serde::{Deserialize, Serialize};

use crate::store::refused::Refused;
use crate::tools::file_kinds::MADE_WITH;

/// What `format` says in every file of this kind.
const FORMAT: &str = "vb-nmf dictionaries";
/// What it says in those of `data/voices`, which are read, too.
const VOICE_FORMAT: &str = "vb-nmf voice";
const NOISE_FORMAT: &str = "vb-nmf noise";
/// What the names of arrays begin with that hold dictionaries, but for those of a voice.
const DICTIONARY: &str = "dictionary";
/// Of the two halves of a voice's utterances, that whose dictionaries are read: studies separate
/// with them.
const VOICE_HALF: &str = "estimation";
/// Raised when files are no longer read by older programs.
const FORMAT_VERSION: u32 = 1;
/// What `normalisation` says: the only one there is.
const NORMALISATION: &str = "each component has unit mean over the bins";
/// Largest order and largest number of orders read.
pub(super) const MOST: usize = 1000;

/// Where dictionaries come from, and what they can be used with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metadata {
    /// What kind of file it is.
    pub format: String,
    /// Version of the format.
    pub format_version: u32,
    /// Version of the program.
    pub made_with: String,
    /// Rate of the recordings; a mixture must have the same.
    pub sample_rate_hz: u32,
    /// Transform of the recordings; a mixture gets the same.
    pub stft: StftSettings,
    /// How components are scaled.
    pub normalisation: String,
    /// Numbers of components, in the order of training.
    pub orders: Vec<usize>,
    /// Iterations of each training.
    pub iterations: usize,
    /// Divergence at the end of each training, per order.
    pub final_cost: Vec<f64>,
    /// Frames that were learned from.
    pub training_frames: usize,
    /// Frames that were held out.
    pub held_out_frames: usize,
    /// Mean Itakura-Saito divergence of the held-out frames per bin, per order; empty if none were
    /// held out.
    pub held_out_divergence: Vec<f64>,
    /// Root of the random numbers.
    pub seed: u64,
    /// SHA-256 of the recordings' samples.
    pub corpus_sha256: String,
}

impl Metadata {
    /// Fills in what is the same for all files made by this program; the rest is the caller's.
    #[must_use]
    pub fn new(sample_rate_hz: u32, stft: StftSettings) -> Self {
        Self {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            made_with: MADE_WITH.to_owned(),
            sample_rate_hz,
            stft,
            normalisation: NORMALISATION.to_owned(),
            orders: Vec::new(),
            iterations: 0,
            final_cost: Vec::new(),
            training_frames: 0,
            held_out_frames: 0,
            held_out_divergence: Vec::new(),
            seed: 0,
            corpus_sha256: String::new(),
        }
    }

    /// The metadata of a file, of which every part may be missing that `assumed` has or that
    /// nothing depends on. No orders stand for those of the arrays that are there.
    ///
    /// # Errors
    /// [`Refused`] for a rate or a transform that neither says, or of which they say different
    /// things; a text that is no JSON of this shape.
    pub(super) fn from_json(json: &[u8], assumed: &Assumed) -> Result<Self> {
        let stored: StoredMetadata = serde_json::from_slice(json).context("`metadata`")?;
        let StoredMetadata {
            sample_rate_hz,
            stft,
            ..
        } = &stored;
        let stft = stft.as_ref().map(StoredStft::resolve);
        let missing = |what: &str, option: &str| {
            anyhow!(Refused(format!("it does not say {what}: give {option}")))
        };
        let sample_rate_hz = agree(*sample_rate_hz, assumed.sample_rate_hz, "--dictionary-rate")?
            .ok_or_else(|| missing("its sample rate", "--dictionary-rate"))?;
        let stft = agree(stft, assumed.stft.clone(), "--dictionary-window")?
            .ok_or_else(|| missing("its transform", "--dictionary-window"))?;
        let mut metadata = Self::new(sample_rate_hz, stft);
        metadata.format = stored.format.unwrap_or(metadata.format);
        metadata.format_version = stored.format_version.unwrap_or(metadata.format_version);
        metadata.normalisation = stored.normalisation.unwrap_or(metadata.normalisation);
        metadata.made_with = stored.made_with;
        metadata.orders = stored.orders;
        metadata.iterations = stored.iterations;
        metadata.final_cost = stored.final_cost;
        metadata.training_frames = stored.training_frames;
        metadata.held_out_frames = stored.held_out_frames;
        metadata.held_out_divergence = stored.held_out_divergence;
        metadata.seed = stored.seed;
        metadata.corpus_sha256 = stored.corpus_sha256;
        metadata.check()?;
        Ok(metadata)
    }

    /// The half of a voice's utterances whose dictionaries are read; none of other files.
    #[must_use]
    pub fn voice_half(&self) -> Option<&'static str> {
        (self.format == VOICE_FORMAT).then_some(VOICE_HALF)
    }

    /// What the names of the dictionaries that are read begin with.
    pub(super) fn prefix(&self) -> String {
        format!("{}_", self.voice_half().unwrap_or(DICTIONARY))
    }

    /// Checks what a file says of itself.
    ///
    /// # Errors
    /// The first key whose value this program does not know.
    pub(super) fn check(&self) -> Result<()> {
        ensure!(
            [FORMAT, VOICE_FORMAT, NOISE_FORMAT].contains(&self.format.as_str()),
            "`format` is {:?}, not {FORMAT:?}, which `train` writes, and neither {VOICE_FORMAT:?} \
             nor {NOISE_FORMAT:?} of data/voices",
            self.format
        );
        ensure!(
            self.format_version == FORMAT_VERSION,
            "`format_version` {} is not read by this program, which knows {FORMAT_VERSION}",
            self.format_version
        );
        ensure!(
            self.normalisation == NORMALISATION,
            "`normalisation` is {:?}, not {NORMALISATION:?}",
            self.normalisation
        );
        ensure!(
            dsp::RATES_HZ.contains(&self.sample_rate_hz),
            "`sample_rate_hz` {} is out of range",
            self.sample_rate_hz
        );
        self.stft.validate().context("`stft`")?;
        ensure!(
            self.orders.len() <= MOST && self.orders.iter().all(|order| (1..=MOST).contains(order)),
            "`orders` must be 1 to {MOST} numbers from 1 to {MOST}"
        );
        Ok(())
    }
}

/// What is said of dictionaries beside their file, for files that do not say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Assumed {
    pub(crate) sample_rate_hz: Option<u32>,
    pub(crate) stft: Option<StftSettings>,
}

/// Metadata as a file may have them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct StoredMetadata {
    format: Option<String>,
    format_version: Option<u32>,
    made_with: String,
    sample_rate_hz: Option<u32>,
    stft: Option<StoredStft>,
    normalisation: Option<String>,
    orders: Vec<usize>,
    iterations: usize,
    final_cost: Vec<f64>,
    training_frames: usize,
    held_out_frames: usize,
    held_out_divergence: Vec<f64>,
    seed: u64,
    corpus_sha256: String,
}

/// A transform of which the window must be said; the hop is half of it, the shape a sine's, unless
/// they are said as well.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredStft {
    window_samples: usize,
    hop_samples: Option<usize>,
    window: Option<Window>,
}

impl StoredStft {
    fn resolve(&self) -> StftSettings {
        StftSettings {
            window_samples: self.window_samples,
            hop_samples: self.hop_samples.unwrap_or(self.window_samples.div_ceil(2)),
            window: self.window.unwrap_or(Window::Sine),
        }
    }
}

/// What either says, if they do not contradict each other.
fn agree<T: PartialEq + std::fmt::Debug>(
    stored: Option<T>,
    assumed: Option<T>,
    option: &str,
) -> Result<Option<T>> {
    match (stored, assumed) {
        (Some(stored), Some(assumed)) => {
            ensure!(
                stored == assumed,
                Refused(format!(
                    "{option}: says {assumed:?}, and the file itself {stored:?}"
                ))
            );
            Ok(Some(stored))
        }
        (stored, assumed) => Ok(stored.or(assumed)),
    }
}
