//! Dictionaries of real speakers and real noises in place of recordings: those that this program
//! carries (`data/voices`), or a folder of such archives.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use dsp::StftSettings;
use model::Dictionary;
use ndarray::Array2;
use rand::seq::IndexedRandom;
use serde::{Deserialize, Serialize};

use super::normalisation::normalise;
use super::{Dictionaries, DictionaryKeys};
use crate::config::{Config, Estimation};
use crate::store::digest::{Computed, Digest};
use crate::store::npz::Archive;

/// The archives of `data/voices`, by name.
macro_rules! carried {
    ($($name:literal),*) => {
        [$(($name, include_bytes!(concat!("../../../../data/voices/", $name, ".npz")))),*]
    };
}

const CARRIED: [(&str, &[u8]); 7] = carried![
    "italian_man",
    "russian_woman",
    "birds",
    "city",
    "coffee-shop",
    "rain",
    "storm"
];

const VOICE_FORMAT: &str = "vb-nmf voice";
const NOISE_FORMAT: &str = "vb-nmf noise";
const FORMAT_VERSION: u32 = 1;

/// What an archive is of: the text of `format` in its metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Kind {
    /// [`VOICE_FORMAT`].
    #[serde(rename = "vb-nmf voice")]
    Voice,
    /// [`NOISE_FORMAT`].
    #[serde(rename = "vb-nmf noise")]
    Noise,
}

/// What says how an archive is to be read.
#[derive(Debug, Deserialize)]
struct Format {
    format: String,
    format_version: u32,
}

/// What is read of an archive's metadata.
#[derive(Debug, Clone, Deserialize)]
struct Metadata {
    format: Kind,
    orders: Vec<usize>,
    sample_rate_hz: u32,
    stft: StftSettings,
    iterations: usize,
}

/// The archive of a speaker or of a noise.
#[derive(Debug, Clone)]
struct VoiceFile {
    name: String,
    bytes: Vec<u8>,
    digest: Digest,
    metadata: Metadata,
}

/// A speaker and a noise, chosen.
#[derive(Debug)]
pub(crate) struct Voices {
    speaker: VoiceFile,
    noise: VoiceFile,
}

/// All that determines a dictionary that was learned elsewhere.
#[derive(Serialize)]
struct VoiceInputs<'a> {
    computed: Computed,
    file: Digest,
    array: &'a str,
}

impl Voices {
    /// Takes the speaker and the noise of a configuration, or draws them from its seed.
    ///
    /// # Errors
    /// A folder or an archive that cannot be read, a speaker or noise that is not there.
    pub(crate) fn open(config: &Config) -> Result<Self> {
        let files = match &config.corpus.root {
            None => carried()?,
            Some(folder) => read_folder(folder)?,
        };
        let seed = config.experiment.seed;
        let speaker = config.corpus.speaker.as_ref().map(ToString::to_string);
        let noise = config.corpus.noise.clone();
        Ok(Self {
            speaker: choose(
                &files,
                Kind::Voice,
                ["corpus.speaker", "units.speakers"],
                speaker,
                seed,
            )?,
            noise: choose(
                &files,
                Kind::Noise,
                ["corpus.noise", "units.noises"],
                noise,
                seed,
            )?,
        })
    }

    /// The choice in words.
    pub(crate) fn description(&self) -> String {
        format!(
            "voices, speaker {}, noise {}",
            self.speaker.name, self.noise.name
        )
    }

    /// Identifies what was read.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of_parts([self.speaker.digest.0, self.noise.digest.0])
    }

    /// The keys of [`Self::dictionaries`].
    ///
    /// # Errors
    /// Dictionaries of another transform, rate or training than the configuration's.
    pub(crate) fn keys(&self, config: &Config) -> Result<DictionaryKeys> {
        for file in [&self.speaker, &self.noise] {
            file.check(config)
                .with_context(|| format!("{}.npz", file.name))?;
        }
        let speaker = |side: &str| -> Result<Vec<Digest>> {
            let orders = config.training.orders.iter();
            orders
                .map(|order| self.speaker.key(&format!("{side}_{order}")))
                .collect()
        };
        let components = config.training.background_components;
        Ok(DictionaryKeys {
            generation: speaker(GENERATION)?,
            estimation: speaker(estimation_side(config)?)?,
            background: Some(self.noise.key(&format!("{NOISE}_{components}"))?),
        })
    }

    /// The dictionaries that a configuration asks for.
    ///
    /// # Errors
    /// An order that an archive does not have, or arrays that are no dictionaries.
    pub(crate) fn dictionaries(&self, config: &Config) -> Result<Dictionaries> {
        let (bins, normalisation) = (config.stft.bins(), config.training.normalisation);
        let read = |file: &VoiceFile, side: &str, order: usize| {
            let read = || -> Result<Arc<Dictionary>> {
                let dictionary = file.dictionary(&format!("{side}_{order}"), (order, bins))?;
                Ok(Arc::new(normalise(dictionary, normalisation)?))
            };
            read().with_context(|| format!("{}.npz", file.name))
        };
        let speaker = |side: &str| -> Result<Vec<Arc<Dictionary>>> {
            let orders = config.training.orders.iter();
            orders
                .map(|&order| read(&self.speaker, side, order))
                .collect()
        };
        Ok(Dictionaries {
            generation: speaker(GENERATION)?,
            estimation: speaker(estimation_side(config)?)?,
            background: Some(read(
                &self.noise,
                NOISE,
                config.training.background_components,
            )?),
        })
    }
}

/// What the names of arrays begin with: the two sides of a speaker, and a noise.
const GENERATION: &str = "generation";
const ESTIMATION: &str = "estimation";
const NOISE: &str = "dictionary";

fn estimation_side(config: &Config) -> Result<&'static str> {
    match config.training.estimation {
        Estimation::OtherUtterances => Ok(ESTIMATION),
        Estimation::SameDictionaries => Ok(GENERATION),
        Estimation::SameUtterances | Estimation::AnotherSpeaker => {
            bail!("`training.estimation` needs recordings, and `corpus.kind` is \"voices\"")
        }
    }
}

impl VoiceFile {
    /// The file of an archive; none if it is of another format.
    fn read(name: String, bytes: Vec<u8>) -> Result<Option<Self>> {
        let text = Archive::new(Cursor::new(&bytes))?.read_bytes("metadata")?;
        let Some(text) = text else {
            return Ok(None);
        };
        let Format {
            format,
            format_version,
        } = serde_json::from_slice(&text).context("`metadata`")?;
        if ![VOICE_FORMAT, NOISE_FORMAT].contains(&format.as_str()) {
            return Ok(None);
        }
        ensure!(
            format_version == FORMAT_VERSION,
            "`format_version` {format_version} is not read by this program, which knows \
             {FORMAT_VERSION}"
        );
        Ok(Some(Self {
            metadata: serde_json::from_slice(&text).context("`metadata`")?,
            digest: Digest::of_bytes(&bytes),
            name,
            bytes,
        }))
    }

    fn check(&self, config: &Config) -> Result<()> {
        let found = &self.metadata;
        ensure!(
            found.sample_rate_hz == config.corpus.sample_rate_hz,
            "learned at {} Hz, and `corpus.sample_rate_hz` is {}",
            found.sample_rate_hz,
            config.corpus.sample_rate_hz
        );
        ensure!(
            found.stft == config.stft,
            "learned with a {:?} window of {} samples and a hop of {}, and `[stft]` is another",
            found.stft.window,
            found.stft.window_samples,
            found.stft.hop_samples
        );
        let (key, orders) = match found.format {
            Kind::Voice => ("training.orders", &config.training.orders[..]),
            Kind::Noise => (
                "training.background_components",
                std::slice::from_ref(&config.training.background_components),
            ),
        };
        for order in orders {
            ensure!(
                found.orders.contains(order),
                "`{key}`: {order} is not among the orders that were learned, {:?}",
                found.orders
            );
        }
        ensure!(
            found.iterations == config.training.iterations,
            "learned in {} iterations, and `training.iterations` is {}: what is learned already \
             cannot be learned otherwise",
            found.iterations,
            config.training.iterations
        );
        Ok(())
    }

    fn key(&self, array: &str) -> Result<Digest> {
        Ok(Digest::of_value(&VoiceInputs {
            computed: Computed::new("voice"),
            file: self.digest,
            array,
        })?)
    }

    fn dictionary(&self, name: &str, shape: (usize, usize)) -> Result<Dictionary> {
        let mut archive = Archive::new(Cursor::new(&self.bytes))?;
        let components: Array2<f64> = archive.read_floats(name, shape.0 * shape.1)?;
        ensure!(
            components.dim() == shape,
            "`{name}` is {} x {}, not {} x {}",
            components.nrows(),
            components.ncols(),
            shape.0,
            shape.1
        );
        // Single precision keeps unit means to seven digits only.
        Dictionary::normalised(components).with_context(|| format!("`{name}`"))
    }
}

fn carried() -> Result<Vec<VoiceFile>> {
    let read = |(name, bytes): &(&str, &[u8])| {
        let file = VoiceFile::read((*name).to_owned(), bytes.to_vec());
        file.with_context(|| format!("{name}.npz")).transpose()
    };
    CARRIED.iter().filter_map(read).collect()
}

/// All archives of voices and noises in a folder, by name.
fn read_folder(folder: &Path) -> Result<Vec<VoiceFile>> {
    let list = || -> Result<Vec<_>> {
        let mut paths = fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>>>()?;
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "npz"));
        paths.sort();
        Ok(paths)
    };
    let paths = list().with_context(|| format!("cannot list {}", folder.display()))?;
    let read = |path: &PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let file = fs::read(path)
            .map_err(Into::into)
            .and_then(|bytes| VoiceFile::read(name.into_owned(), bytes));
        file.with_context(|| format!("cannot read {}", path.display()))
            .transpose()
    };
    let files: Vec<VoiceFile> = paths.iter().filter_map(read).collect::<Result<_>>()?;
    ensure!(
        !files.is_empty(),
        "{} holds no archive of a voice or a noise (`corpus.root`)",
        folder.display()
    );
    Ok(files)
}

/// The file of a name, or one drawn from the seed.
fn choose(
    files: &[VoiceFile],
    kind: Kind,
    keys: [&str; 2],
    name: Option<String>,
    seed: u64,
) -> Result<VoiceFile> {
    let of_kind: Vec<&VoiceFile> = files
        .iter()
        .filter(|file| file.metadata.format == kind)
        .collect();
    let chosen = match &name {
        Some(name) => of_kind.iter().find(|file| file.name == *name),
        None => of_kind.choose(&mut synth::stream(seed, keys[0], &[])),
    };
    let names: Vec<&str> = of_kind.iter().map(|file| file.name.as_str()).collect();
    match (chosen, name) {
        (Some(&file), _) => Ok(file.clone()),
        (None, Some(name)) => {
            bail!(
                "there is no {name:?} (`{}` or `{}`) among {}",
                keys[0],
                keys[1],
                names.join(", ")
            )
        }
        (None, None) => bail!("there is none to draw from (`{}`)", keys[0]),
    }
}
