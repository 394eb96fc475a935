//! The isolated mixtures of a CHiME corpus, with the speech that is in them.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use super::CorpusSection;
use super::chime::{self, top};
use super::listing::find_audio_files;

/// A mixture as it was recorded, and its speech alone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IsolatedMixture {
    /// Ratio its folder is named by.
    pub(crate) snr_db: f64,
    /// Speech with background.
    pub(crate) mixture: PathBuf,
    /// The same speech in the same room, without background.
    pub(crate) speech: PathBuf,
}

/// Mixtures of the configured speaker, or of one drawn from the seed, in
/// `<set>/isolated/<ratio>dB/s<speaker>_<code>.wav`, at most `most` per ratio. Their speech is
/// `<set>/reverberated/id<speaker>/<code>.wav` or any file below `<set>/reverberated` of the
/// mixture's name.
///
/// # Errors
/// A missing folder, a speaker without mixtures, or a mixture without its speech.
pub(crate) fn isolated_mixtures(
    section: &CorpusSection,
    seed: u64,
    set: &str,
    snr_db: &[f64],
    most: usize,
) -> Result<Vec<IsolatedMixture>> {
    let (speaker, _) = chime::speakers(section, seed)?;
    let set = top(section)?.join(set);
    let clean = set.join("reverberated");
    ensure!(
        clean.is_dir(),
        "{} is not a folder: without the speech that is in the isolated mixtures they cannot be \
         scored (`recordings.isolated`)",
        clean.display()
    );
    // By their names without the ending: the mixtures may have been compressed, the speech not.
    let clean_files = find_audio_files(&clean, "recordings.isolated")?;
    let without_ending = |path: &PathBuf| path.with_extension("");
    let find_clean = |matches: &dyn Fn(PathBuf) -> bool| {
        clean_files
            .iter()
            .find(|path| matches(without_ending(path)))
    };
    let mut found = Vec::new();
    for &snr_db in snr_db {
        let ratio = format!("{snr_db}dB").replace('-', "m");
        let folder = set.join("isolated").join(ratio);
        let prefix = format!("s{speaker}_");
        let mixtures = find_audio_files(&folder, "mixtures.snr_db")?
            .into_iter()
            .filter_map(|path| {
                let name = path.file_stem()?.to_str()?.to_owned();
                name.starts_with(&prefix).then_some((path, name))
            });
        let mut count = 0;
        for (mixture, name) in mixtures.take(most) {
            let code = name.strip_prefix(&prefix).unwrap_or(&name);
            let of_speaker = clean.join(format!("id{speaker}")).join(code);
            let speech = find_clean(&|path| path == of_speaker)
                .or_else(|| find_clean(&|path| path.ends_with(&name)))
                .with_context(|| {
                    format!(
                        "{}: its speech is not below {}",
                        mixture.display(),
                        clean.display()
                    )
                })?;
            found.push(IsolatedMixture {
                snr_db,
                speech: speech.clone(),
                mixture,
            });
            count += 1;
        }
        ensure!(
            count > 0,
            "{} has no mixture of speaker {speaker} (`corpus.speaker` or `units.speakers`)",
            folder.display()
        );
    }
    Ok(found)
}
