//! Where training signals come from, behind one trait.
//!
//! A corpus is a type behind [`Corpus`] in a file of its own; what else it needs is here: a variant
//! of [`CorpusKind`], what it says of itself, and its arm of [`open`].

mod builtin;
mod chime;
mod files;
mod folder;
mod isolated;
mod listing;
mod speaker;
mod split;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use rand::seq::IndexedRandom;
use serde::{Deserialize, Serialize};

use crate::config::check::{Invalid, require, within};
use crate::config::ranges::{SAMPLE_RATE_HZ, SPEAKERS};

pub(crate) use isolated::{IsolatedMixture, isolated_mixtures};
pub(crate) use listing::list_audio_files;
pub(crate) use speaker::Speaker;
pub use split::{Split, split};

/// Utterances of one speaker, and background noise.
pub trait Corpus: Sync {
    /// The corpus and its speaker in words; without paths, as results are made public.
    fn description(&self) -> String;

    /// Files that were found and are left out as they cannot be used, each with the reason.
    fn left_out(&self) -> &[String] {
        &[]
    }

    /// Number of utterances.
    fn utterances(&self) -> usize;

    /// One utterance, mono at the configured rate, made or read when asked for.
    ///
    /// # Errors
    /// A file that cannot be used; the error names it.
    fn utterance(&self, index: usize) -> Result<Vec<f64>>;

    /// Background of a length in seconds, mono at the configured rate. Where there is a choice, the
    /// seed makes it.
    ///
    /// # Errors
    /// A file that cannot be used, or too little background.
    fn background(&self, seconds: f64) -> Result<Vec<f64>>;
}

/// What a corpus consists of, and how it is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CorpusKind {
    /// Synthesised, no files.
    Builtin,
    /// A folder of speech and a folder of background recordings.
    Folder,
    /// PASCAL CHiME 1, or CHiME 2 track 1.
    Chime,
    /// Dictionaries of real speakers and noises, no recordings.
    Voices,
}

/// Which corpus, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CorpusSection {
    /// The layout.
    pub(crate) kind: CorpusKind,
    /// Which speaker; drawn from the seed if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) speaker: Option<Speaker>,
    /// `voices` and `folder`: which noise. If absent, `voices` draws one from the seed, and
    /// `folder` takes excerpts of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) noise: Option<String>,
    /// Of all processing; files of another rate are resampled.
    pub(crate) sample_rate_hz: u32,
    /// `folder`: the folder of speech.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) speech: Option<PathBuf>,
    /// `folder` and `chime`: the folder of background recordings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) background: Option<PathBuf>,
    /// `chime`: the folder that holds `PCCdata16kHz`, `aasp-chime-grid` or `train`. `voices`: a
    /// folder of archives in place of those that the program carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) root: Option<PathBuf>,
    /// `folder` and `chime`: whether files that cannot be used are left out, instead of ending the
    /// run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) skip_unusable: bool,
}

impl Default for CorpusSection {
    fn default() -> Self {
        Self {
            kind: CorpusKind::Builtin,
            speaker: None,
            noise: None,
            sample_rate_hz: 16_000,
            speech: None,
            background: None,
            root: None,
            skip_unusable: false,
        }
    }
}

impl CorpusKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Folder => "folder",
            Self::Chime => "chime",
            Self::Voices => "voices",
        }
    }

    /// Whether there are signals, and not dictionaries alone.
    pub(crate) fn has_recordings(self) -> bool {
        match self {
            Self::Builtin | Self::Folder | Self::Chime => true,
            Self::Voices => false,
        }
    }

    /// Whether it brings mixtures of its own, see [`isolated_mixtures`].
    pub(crate) fn has_isolated_mixtures(self) -> bool {
        match self {
            Self::Builtin | Self::Folder | Self::Voices => false,
            Self::Chime => true,
        }
    }

    /// Whether it is a stand-in for recordings.
    pub(crate) fn is_synthesised(self) -> bool {
        match self {
            Self::Builtin => true,
            Self::Folder | Self::Chime | Self::Voices => false,
        }
    }
}

impl CorpusSection {
    /// Checks every value, and that those are given, and no others, that the kind asks for.
    ///
    /// # Errors
    /// The first value that is wrong.
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        within(
            "corpus.sample_rate_hz",
            self.sample_rate_hz,
            &SAMPLE_RATE_HZ,
        )?;
        if let Some(speaker) = &self.speaker {
            self.validate_speaker("corpus.speaker", speaker)?;
        }
        if self.noise.is_some() {
            self.validate_noise("corpus.noise")?;
        }
        let kind = self.kind.name();
        let speech = ("corpus.speech", self.speech.is_some());
        let background = ("corpus.background", self.background.is_some());
        let root = ("corpus.root", self.root.is_some());
        let skip = ("corpus.skip_unusable", self.skip_unusable);
        let (needed, meaningless) = match self.kind {
            CorpusKind::Builtin => (vec![], vec![speech, background, root, skip]),
            CorpusKind::Folder => (vec![speech, background], vec![root]),
            CorpusKind::Chime => (vec![root], vec![speech]),
            CorpusKind::Voices => (vec![], vec![speech, background, skip]),
        };
        for (key, given) in needed {
            require(key, given, || {
                format!("is needed when `corpus.kind` is \"{kind}\"")
            })?;
        }
        for (key, given) in meaningless {
            require(key, !given, || {
                format!("has no meaning when `corpus.kind` is \"{kind}\"")
            })?;
        }
        Ok(())
    }

    /// Checks the name of a speaker, given by `key`.
    ///
    /// # Errors
    /// A number where speakers have names, a name where they have numbers.
    pub(crate) fn validate_speaker(
        &self,
        key: &'static str,
        speaker: &Speaker,
    ) -> Result<(), Invalid> {
        let kind = self.kind.name();
        match (self.kind, speaker) {
            (CorpusKind::Builtin | CorpusKind::Chime, Speaker::Number(number)) => {
                within(key, *number, &SPEAKERS)
            }
            (CorpusKind::Builtin | CorpusKind::Chime, Speaker::Name(name)) => {
                require(key, false, || {
                    format!("{name:?} is no number: speakers of \"{kind}\" are 1 to 34")
                })
            }
            (CorpusKind::Folder | CorpusKind::Voices, Speaker::Name(_)) => Ok(()),
            (CorpusKind::Folder | CorpusKind::Voices, Speaker::Number(number)) => {
                require(key, false, || {
                    format!(
                        "speakers of \"{kind}\" have names: \"{number}\" in quotes, if it is one"
                    )
                })
            }
        }
    }

    /// Checks that noises have names, and one can be given by `key`.
    ///
    /// # Errors
    /// A corpus without names of noises.
    pub(crate) fn validate_noise(&self, key: &'static str) -> Result<(), Invalid> {
        let has_names = match self.kind {
            CorpusKind::Folder | CorpusKind::Voices => true,
            CorpusKind::Builtin | CorpusKind::Chime => false,
        };
        require(key, has_names, || {
            format!(
                "has no meaning when `corpus.kind` is \"{}\"",
                self.kind.name()
            )
        })
    }

    /// The section with another speaker of the corpus, drawn from the seed.
    ///
    /// # Errors
    /// A corpus that has no other.
    pub(crate) fn with_another_speaker(&self, seed: u64) -> Result<Self> {
        let (speaker, mut others) = match self.kind {
            CorpusKind::Builtin => numbered((builtin::speaker(self, seed), SPEAKERS.collect())),
            CorpusKind::Folder => folder::speakers(self, seed)?,
            CorpusKind::Chime => numbered(chime::speakers(self, seed)?),
            CorpusKind::Voices => bail!(
                "`training.estimation = \"another_speaker\"` needs recordings, and `corpus.kind` \
                                                           is \"voices\""
            ),
        };
        others.retain(|other| *other != speaker);
        let mut rng = synth::stream(seed, "another speaker", &[]);
        let other = others.choose(&mut rng).context(
            "`training.estimation = \"another_speaker\"` needs a second speaker, and the corpus \
                                                       has one only",
        )?;
        Ok(Self {
            speaker: Some(other.clone()),
            ..self.clone()
        })
    }

    /// The speaker that the seed draws of recordings of several, and all of them; none where there
    /// is no choice, where it is made by a name, or where there are no recordings of a user's.
    ///
    /// # Errors
    /// A folder that cannot be listed, or has no speakers.
    pub(crate) fn drawn_speaker(&self, seed: u64) -> Result<Option<(Speaker, Vec<Speaker>)>> {
        if self.speaker.is_some() {
            return Ok(None);
        }
        let (drawn, all) = match self.kind {
            CorpusKind::Builtin | CorpusKind::Voices => return Ok(None),
            CorpusKind::Folder => folder::speakers(self, seed)?,
            CorpusKind::Chime => numbered(chime::speakers(self, seed)?),
        };
        Ok((all.len() > 1).then_some((drawn, all)))
    }
}

fn numbered((speaker, all): (u32, Vec<u32>)) -> (Speaker, Vec<Speaker>) {
    let all = all.into_iter().map(Speaker::Number).collect();
    (Speaker::Number(speaker), all)
}

/// Opens a corpus.
///
/// `least_samples`: fewer samples than this are no utterance. `seed`: root of the random choices.
///
/// # Errors
/// A missing folder, or a speaker that the corpus does not have; all files that cannot be used,
/// unless the section leaves them out.
pub(crate) fn open(
    section: &CorpusSection,
    least_samples: usize,
    seed: u64,
) -> Result<Box<dyn Corpus>> {
    Ok(match section.kind {
        CorpusKind::Builtin => Box::new(builtin::Builtin::new(section, seed)),
        CorpusKind::Folder => Box::new(folder::open(section, least_samples, seed)?),
        CorpusKind::Chime => Box::new(chime::open(section, least_samples, seed)?),
        CorpusKind::Voices => bail!(
            "`corpus.kind` is \"voices\", which holds dictionaries and no recordings to learn from"
        ),
    })
}
