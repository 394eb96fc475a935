//! Two folders of audio files of any names: one of speech, an utterance a file, and one of
//! background. A folder of speech that has no audio files of its own has a folder for each speaker;
//! below that, and where it has some, files are taken from any depth.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rand::seq::IndexedRandom;

use super::files::Files;
use super::listing::find_audio_files;
use super::{CorpusSection, Speaker};
use crate::config::spelling::closest;

/// Lists the files of a `folder` corpus.
///
/// # Errors
/// A folder that is missing or holds no audio file; a speaker or a noise that it does not have; all
/// files that cannot be used, unless the section leaves them out.
pub(crate) fn open(section: &CorpusSection, least_samples: usize, seed: u64) -> Result<Files> {
    let folder = speech_folder(section)?;
    let names = speaker_names(folder)?;
    let mut description = "folder".to_owned();
    let speech = match chosen(section, &names, seed)? {
        None => find_audio_files(folder, "corpus.speech")?,
        Some(speaker) => {
            description += &format!(", speaker {speaker}");
            find_audio_files(&folder.join(speaker), "corpus.speaker")?
        }
    };
    let folder = section
        .background
        .as_ref()
        .context("`corpus.background` is missing")?;
    let mut background = find_audio_files(folder, "corpus.background")?;
    if let Some(noise) = &section.noise {
        description += &format!(", noise {noise}");
        let names: BTreeSet<String> = background
            .iter()
            .map(|path| noise_name(path, folder))
            .collect();
        ensure!(names.contains(noise), {
            let names = names.iter().map(String::as_str);
            let guess = closest(noise, names.clone());
            let guess = guess.map(|name| format!("; did you mean {name:?}?"));
            let path = folder.display();
            format!(
                "{path} has no noise {noise:?} (`corpus.noise` or `units.noises`): it is the name \
                 of a file without its ending, or of a folder; there are: {}{}",
                names.collect::<Vec<_>>().join(", "),
                guess.unwrap_or_default()
            )
        });
        background.retain(|path| noise_name(path, folder) == *noise);
    }
    let mut files = Files {
        description,
        speech,
        background,
        sample_rate_hz: section.sample_rate_hz,
        least_samples,
        seed,
        left_out: Vec::new(),
    };
    files.check(section.skip_unusable, |_| Ok(()))?;
    Ok(files)
}

/// The configured speaker or one drawn from the seed, and all that there are.
///
/// # Errors
/// A folder that cannot be listed, or has no folders of speakers.
pub(super) fn speakers(section: &CorpusSection, seed: u64) -> Result<(Speaker, Vec<Speaker>)> {
    let names = speaker_names(speech_folder(section)?)?;
    let speaker = chosen(section, &names, seed)?.unwrap_or_default();
    let all = names.into_iter().map(Speaker::Name).collect();
    Ok((Speaker::Name(speaker), all))
}

fn speech_folder(section: &CorpusSection) -> Result<&PathBuf> {
    section
        .speech
        .as_ref()
        .context("`corpus.speech` is missing")
}

/// The names of the speakers' folders; none where all recordings are one speaker's.
fn speaker_names(folder: &Path) -> Result<Vec<String>> {
    let files = find_audio_files(folder, "corpus.speech")?;
    let mut names = Vec::new();
    for path in files {
        let below = path.strip_prefix(folder).unwrap_or(&path);
        let mut parts = below.components();
        match (parts.next(), parts.next()) {
            (Some(name), Some(_)) => {
                let name = name.as_os_str().to_string_lossy().into_owned();
                if names.last() != Some(&name) {
                    names.push(name);
                }
            }
            // A recording at the top: there are no folders of speakers.
            _ => return Ok(Vec::new()),
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// The speaker that is asked for, or drawn; none where there are no names.
fn chosen(section: &CorpusSection, names: &[String], seed: u64) -> Result<Option<String>> {
    let Some(speaker) = &section.speaker else {
        let mut rng = synth::stream(seed, "speaker", &[]);
        return Ok(names.choose(&mut rng).cloned());
    };
    let speaker = speaker.to_string();
    ensure!(
        names.contains(&speaker),
        "{} has no folder of a speaker {speaker:?} (`corpus.speaker` or `units.speakers`); there \
         are: {}",
        speech_folder(section)?.display(),
        match names {
            [] => "none, as there are audio files beside the folders".to_owned(),
            names => names.join(", "),
        }
    );
    Ok(Some(speaker))
}

/// The name of a noise: of its file, or of the folder it is in.
fn noise_name(path: &Path, folder: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path);
    let mut parts = below.components();
    let name = match (parts.next(), parts.next()) {
        (Some(folder), Some(_)) => Some(folder.as_os_str()),
        _ => path.file_stem(),
    };
    name.unwrap_or_default().to_string_lossy().into_owned()
}
