//! Dictionaries of real speakers and real noises in place of recordings: those that this program
//! carries (`data/voices`), or a folder of such archives.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use dsp::StftSettings;
use model::Dictionary;
use ndarray::{Array1, Array2};
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

/// What an archive is of: the text of `format` in its metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Kind {
    #[serde(rename = "vb-nmf voice")]
    Voice,
    #[serde(rename = "vb-nmf noise")]
    Noise,
}

/// What is read of an archive's metadata.
#[derive(Debug, Clone, Deserialize)]
struct Metadata {
    format: Kind,
    format_version: u32,
    sample_rate_hz: u32,
    stft: StftSettings,
    iterations: usize,
}

/// The archive of a speaker or of a noise.
#[derive(Debug, Clone)]
struct VoiceFile {
    name: String,
    bytes: Vec<u8>,
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
            speaker: choose(&files, Kind::Voice, "corpus.speaker", speaker, seed)?,
            noise: choose(&files, Kind::Noise, "corpus.noise", noise, seed)?,
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
        Digest::of_parts([self.speaker.digest().0, self.noise.digest().0])
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
    fn new(name: String, bytes: Vec<u8>) -> Result<Self> {
        let read = || -> Result<Metadata> {
            let text: Array1<u8> = Archive::new(Cursor::new(&bytes))?.array("metadata")?;
            Ok(serde_json::from_slice(&text.to_vec()).context("`metadata`")?)
        };
        let metadata =
            read().with_context(|| format!("{name}.npz is no archive of a voice or a noise"))?;
        Ok(Self {
            name,
            bytes,
            metadata,
        })
    }

    fn check(&self, config: &Config) -> Result<()> {
        let found = &self.metadata;
        ensure!(
            found.format_version == 1,
            "`format_version` {} is not read by this program, which knows 1",
            found.format_version
        );
        ensure!(
            found.sample_rate_hz == config.corpus.sample_rate_hz,
            "learned at {} Hz, and `corpus.sample_rate_hz` is {}",
            found.sample_rate_hz,
            config.corpus.sample_rate_hz
        );
        ensure!(
            found.stft == config.stft,
            "learned with {:?}, and `[stft]` is {:?}",
            found.stft,
            config.stft
        );
        ensure!(
            found.iterations == config.training.iterations,
            "learned in {} iterations, and `training.iterations` is {}: what is learned already \
             cannot be learned otherwise",
            found.iterations,
            config.training.iterations
        );
        Ok(())
    }

    fn digest(&self) -> Digest {
        Digest::of_bytes(&self.bytes)
    }

    fn key(&self, array: &str) -> Result<Digest> {
        Ok(Digest::of_value(&VoiceInputs {
            computed: Computed::new("voice"),
            file: self.digest(),
            array,
        })?)
    }

    fn dictionary(&self, name: &str, shape: (usize, usize)) -> Result<Dictionary> {
        let entries: Array2<f32> = Archive::new(Cursor::new(&self.bytes))?.array(name)?;
        ensure!(
            entries.dim() == shape,
            "`{name}` is {} x {}, not {} x {}",
            entries.nrows(),
            entries.ncols(),
            shape.0,
            shape.1
        );
        // Single precision keeps unit means to seven digits only.
        let components = entries.mapv(f64::from);
        Dictionary::normalised(components).with_context(|| format!("`{name}`"))
    }
}

fn carried() -> Result<Vec<VoiceFile>> {
    let files = CARRIED.iter();
    files
        .map(|&(name, bytes)| VoiceFile::new(name.to_owned(), bytes.to_vec()))
        .collect()
}

/// All archives of a folder, by name.
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
    ensure!(
        !paths.is_empty(),
        "{} holds no .npz file (`corpus.root`)",
        folder.display()
    );
    let read = |path: &PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        VoiceFile::new(name.into_owned(), bytes).with_context(|| path.display().to_string())
    };
    paths.iter().map(read).collect()
}

/// The file of a name, or one drawn from the seed.
fn choose(
    files: &[VoiceFile],
    kind: Kind,
    key: &str,
    name: Option<String>,
    seed: u64,
) -> Result<VoiceFile> {
    let of_kind: Vec<&VoiceFile> = files
        .iter()
        .filter(|file| file.metadata.format == kind)
        .collect();
    let chosen = match &name {
        Some(name) => of_kind.iter().find(|file| file.name == *name),
        None => of_kind.choose(&mut synth::stream(seed, key, &[])),
    };
    let names: Vec<&str> = of_kind.iter().map(|file| file.name.as_str()).collect();
    match (chosen, name) {
        (Some(&file), _) => Ok(file.clone()),
        (None, Some(name)) => {
            bail!("`{key}`: there is no {name:?} among {}", names.join(", "))
        }
        (None, None) => bail!("`{key}`: there is none to draw from"),
    }
}
