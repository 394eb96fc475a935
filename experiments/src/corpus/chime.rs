//! The PASCAL CHiME corpora: the small-vocabulary data of CHiME 1, and track 1 of CHiME 2.
//!
//! Training speech is `train/reverberated/id<speaker>/<code>.wav`, below `PCCdata16kHz` (CHiME 1)
//! or `aasp-chime-grid` (CHiME 2); the code spells the sentence, for example `bgaa9a` for "bin
//! green at a nine again". Background recordings are in `background`, beside `train` or in it, or
//! where `corpus.background` says.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rand::RngExt;
use synth::Sentence;

use super::files::Files;
use super::listing::find_audio_files;
use super::{CorpusSection, Speaker};
use crate::config::ranges::SPEAKERS;

/// Folders the corpora unpack to, searched below the given one; the last is the given one itself.
const TOPS: [&str; 3] = ["PCCdata16kHz", "aasp-chime-grid", ""];
/// The speakers' folders, below the top.
const SPEECH: &str = "train/reverberated";
/// Where background recordings may be, below the top.
const BACKGROUNDS: [&str; 2] = ["background", "train/background"];

/// Lists one speaker's files of a `chime` corpus.
///
/// # Errors
/// A missing folder, a speaker without files; all files that are not named by a sentence or cannot
/// be used, unless the section leaves them out.
pub(crate) fn open(section: &CorpusSection, least_samples: usize, seed: u64) -> Result<Files> {
    let top = top(section)?;
    let (speaker, _) = speakers(section, seed)?;
    let speech = find_audio_files(
        &top.join(SPEECH).join(format!("id{speaker}")),
        "corpus.speaker",
    )?;
    let background = match &section.background {
        Some(folder) => folder.clone(),
        None => BACKGROUNDS
            .iter()
            .map(|background| top.join(background))
            .find(|folder| folder.is_dir())
            .with_context(|| {
                format!(
                    "{} has no folder {} of recordings: say where they are (`corpus.background`)",
                    top.display(),
                    BACKGROUNDS.join(" or ")
                )
            })?,
    };
    let background = find_audio_files(&background, "corpus.background")?;
    let mut files = Files {
        description: format!("chime, speaker {speaker}"),
        speech,
        background,
        sample_rate_hz: section.sample_rate_hz,
        least_samples,
        seed,
        left_out: Vec::new(),
    };
    files.check(section.skip_unusable, check_code)?;
    Ok(files)
}

/// The folder that holds `train`.
///
/// # Errors
/// A root that is none, or holds neither corpus.
pub(crate) fn top(section: &CorpusSection) -> Result<PathBuf> {
    let root = section
        .root
        .as_deref()
        .context("`corpus.root` is missing")?;
    ensure!(
        root.is_dir(),
        "{} is not a folder (`corpus.root`)",
        root.display()
    );
    TOPS.iter()
        // Collected from its parts, the path does not end in a slash where the top is the root
        // itself.
        .map(|top| root.join(top).components().collect::<PathBuf>())
        .find(|top| top.join(SPEECH).is_dir())
        .with_context(|| {
            format!(
                "{} holds neither PCCdata16kHz/{SPEECH} (CHiME 1) nor aasp-chime-grid/{SPEECH} \
                 (CHiME 2) (`corpus.root`)",
                root.display()
            )
        })
}

/// The configured speaker or one drawn from the seed, and all that there are.
pub(crate) fn speakers(section: &CorpusSection, seed: u64) -> Result<(u32, Vec<u32>)> {
    let folder = top(section)?.join(SPEECH);
    let present: Vec<u32> = SPEAKERS
        .filter(|speaker| folder.join(format!("id{speaker}")).is_dir())
        .collect();
    if let Some(speaker) = section.speaker.as_ref().and_then(Speaker::number) {
        return Ok((speaker, present));
    }
    ensure!(
        !present.is_empty(),
        "{} has no speaker folder id1 to id34 (`corpus.root`)",
        folder.display()
    );
    let chosen = synth::stream(seed, "speaker", &[]).random_range(0..present.len());
    Ok((present[chosen], present))
}

fn check_code(path: &Path) -> Result<()> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.parse::<Sentence>().map(drop).with_context(|| {
        format!(
            "{} is not named by a sentence of the Grid corpus",
            path.display()
        )
    })
}
