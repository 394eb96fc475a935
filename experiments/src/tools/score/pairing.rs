//! Which files are scored against which.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, ensure};

use super::targets::ScoredAs;
use crate::store::refused::{Refused, join_errors};
use crate::tools::recordings::{StemFolders, check_streams_once, list_recordings};

/// What `separate` adds to the name of a recording for the folder of its stems.
const STEMS_SUFFIX: &str = "-stems";

/// The files that are asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct AskedFiles {
    pub(crate) references: Vec<PathBuf>,
    pub(crate) estimates: Vec<PathBuf>,
    /// Empty if there is none.
    pub(crate) mixtures: Vec<PathBuf>,
    /// The stem that is the estimate, where each recording has a folder of stems.
    pub(crate) stem: Option<String>,
}

/// The files of one mixture, or of one pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SetFiles {
    /// One for each reference.
    pub(crate) names: Vec<String>,
    pub(crate) references: Vec<PathBuf>,
    /// As many.
    pub(crate) estimates: Vec<PathBuf>,
    pub(crate) mixture: Option<PathBuf>,
}

impl SetFiles {
    pub(crate) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let signals = self.references.iter().chain(&self.estimates);
        signals.chain(&self.mixture)
    }
}

/// Puts references, estimates and mixtures together: files in the order they are given, the files
/// of folders by their paths below them without the ending.
///
/// `wanted`: what they are to be scored as; else folders are pairs, files the sources of one
/// mixture.
///
/// # Errors
/// [`Refused`] for files that have no counterpart, all of them named, and for a stream that is
/// given twice; a folder that cannot be listed.
pub(crate) fn pair_files(
    asked: &AskedFiles,
    wanted: Option<ScoredAs>,
) -> Result<(ScoredAs, Vec<SetFiles>)> {
    let is_folder = |paths: &[PathBuf]| matches!(paths, [path] if path.is_dir());
    let by_name = is_folder(&asked.references) || is_folder(&asked.estimates);
    let scored_as = wanted.unwrap_or(match by_name {
        true => ScoredAs::Pairs,
        false => ScoredAs::Sources,
    });
    let matched = match by_name {
        true => match_by_name(asked, scored_as)?,
        false => match_by_order(asked, scored_as)?,
    };
    let sets: Vec<SetFiles> = match scored_as {
        ScoredAs::Pairs => {
            let sets = matched.into_iter().map(|pair| SetFiles {
                names: vec![pair.name],
                references: vec![pair.reference],
                estimates: vec![pair.estimate],
                mixture: pair.mixture,
            });
            sets.collect()
        }
        ScoredAs::Sources => vec![join_sources(matched, &asked.mixtures)?],
    };
    check_streams_once(sets.iter().flat_map(SetFiles::paths))?;
    Ok((scored_as, sets))
}

/// A reference with its estimate.
struct Pair {
    name: String,
    reference: PathBuf,
    estimate: PathBuf,
    mixture: Option<PathBuf>,
}

fn join_sources(pairs: Vec<Pair>, mixtures: &[PathBuf]) -> Result<SetFiles> {
    let mixture = match mixtures {
        [] => None,
        [mixture] if !mixture.is_dir() => Some(mixture.clone()),
        _ => {
            return Err(anyhow!(Refused(
                "--mixture: the sources of one mixture have one file; independent pairs (--pairs) \
                 have as many as references"
                    .to_owned()
            )));
        }
    };
    let mut set = SetFiles {
        names: Vec::new(),
        references: Vec::new(),
        estimates: Vec::new(),
        mixture,
    };
    for pair in pairs {
        set.names.push(pair.name);
        set.references.push(pair.reference);
        set.estimates.push(pair.estimate);
    }
    Ok(set)
}

fn match_by_order(asked: &AskedFiles, scored_as: ScoredAs) -> Result<Vec<Pair>> {
    let (references, estimates) = (&asked.references, &asked.estimates);
    ensure!(
        references.len() == estimates.len(),
        Refused(format!(
            "{} references (--reference) and {} estimates (--estimate): as many of the one as of \
             the other are needed",
            references.len(),
            estimates.len()
        ))
    );
    ensure!(
        asked.stem.is_none(),
        Refused("--stem: is for folders of references and estimates".to_owned())
    );
    let per_pair = scored_as == ScoredAs::Pairs && !asked.mixtures.is_empty();
    ensure!(
        !per_pair || asked.mixtures.len() == references.len(),
        Refused(format!(
            "{} references (--reference) and {} mixtures (--mixture): as many of the one as of the \
             other are needed",
            references.len(),
            asked.mixtures.len()
        ))
    );
    let names = name_files(references);
    let pairs = names.into_iter().zip(references).zip(estimates).enumerate();
    let pairs = pairs.map(|(index, ((name, reference), estimate))| Pair {
        name,
        reference: reference.clone(),
        estimate: estimate.clone(),
        mixture: asked.mixtures.get(index).filter(|_| per_pair).cloned(),
    });
    Ok(pairs.collect())
}

fn match_by_name(asked: &AskedFiles, scored_as: ScoredAs) -> Result<Vec<Pair>> {
    let one = |paths: &[PathBuf], option: &str| match paths {
        [folder] => Ok(folder.clone()),
        _ => Err(Refused(format!(
            "{option}: a folder is compared with a folder; name the files of both, or two folders"
        ))),
    };
    let reference_folder = one(&asked.references, "--reference")?;
    let estimate_folder = one(&asked.estimates, "--estimate")?;
    let references = list_by_name(&reference_folder, "--reference", None)?;
    let stem = asked.stem.as_deref();
    let mut estimates = list_by_name(&estimate_folder, "--estimate", stem)?;
    let mut mixtures = match (scored_as, asked.mixtures.as_slice()) {
        (ScoredAs::Pairs, [_, ..]) => {
            let folder = one(&asked.mixtures, "--mixture")?;
            Some(list_by_name(&folder, "--mixture", None)?)
        }
        _ => None,
    };
    let mut pairs = Vec::new();
    let mut errors = Vec::new();
    let lost = |path: &Path, name: &str, others: &str| {
        let path = path.display();
        anyhow!(Refused(format!(
            "{path}: no file {name}.wav among the {others}"
        )))
    };
    for (name, reference) in references {
        let estimate = estimates.remove(&name);
        let mixture = mixtures.as_mut().map(|mixtures| mixtures.remove(&name));
        if mixture == Some(None) {
            errors.push(lost(&reference, &name, "mixtures"));
        }
        match estimate {
            None => errors.push(lost(&reference, &name, "estimates")),
            Some(estimate) => pairs.push(Pair {
                name,
                reference,
                estimate,
                mixture: mixture.flatten(),
            }),
        }
    }
    let left = estimates.iter();
    errors.extend(left.map(|(name, estimate)| lost(estimate, name, "references")));
    join_errors(errors)?;
    Ok(pairs)
}

/// The files below a folder by their paths from it, without the ending. With `stem`, the files of
/// that name by their folders.
fn list_by_name(
    folder: &Path,
    option: &str,
    stem: Option<&str>,
) -> Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    for path in list_recordings(folder, option, StemFolders::Enter)? {
        let below = path
            .strip_prefix(folder)
            .unwrap_or(&path)
            .with_extension("");
        let key = match stem {
            None => below,
            Some(stem) if below.file_name().is_some_and(|name| name == stem) => {
                let recording = below.parent().unwrap_or(Path::new("")).to_string_lossy();
                let recording = recording.strip_suffix(STEMS_SUFFIX).unwrap_or(&recording);
                PathBuf::from(recording)
            }
            Some(_) => continue,
        };
        // The same name on systems with another separator.
        let parts: Vec<_> = key.iter().map(|part| part.to_string_lossy()).collect();
        if let Some(other) = files.insert(parts.join("/"), path.clone()) {
            return Err(anyhow!(Refused(format!(
                "{} and {} have the same name",
                other.display(),
                path.display()
            ))));
        }
    }
    ensure!(
        !files.is_empty(),
        Refused(format!(
            "{} ({option}): no stem {} in it (--stem)",
            folder.display(),
            stem.unwrap_or_default()
        ))
    );
    Ok(files)
}

/// Names of files without folder and ending; with both where that would not tell them apart.
fn name_files(paths: &[PathBuf]) -> Vec<String> {
    let stem = |path: &PathBuf| {
        let stem = path.file_stem().unwrap_or_default();
        stem.to_string_lossy().into_owned()
    };
    let names: Vec<String> = paths.iter().map(stem).collect();
    let distinct: HashSet<&String> = names.iter().collect();
    match distinct.len() == names.len() {
        true => names,
        false => paths
            .iter()
            .map(|path| path.display().to_string())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tree(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    fn asked(folder: &Path, reference: &str, estimate: &str) -> AskedFiles {
        AskedFiles {
            references: vec![folder.join(reference)],
            estimates: vec![folder.join(estimate)],
            ..AskedFiles::default()
        }
    }

    fn names(sets: &[SetFiles]) -> Vec<&str> {
        sets.iter()
            .flat_map(|set| &set.names)
            .map(String::as_str)
            .collect()
    }

    #[test]
    fn folders_are_pairs_by_relative_path() {
        let folder = tree(&[
            "r/a/1.wav",
            "r/b/1.wav",
            "e/a/1.flac",
            "e/b/1.wav",
            "m/a/1.wav",
        ]);
        let mut asked = asked(folder.path(), "r", "e");
        let (scored_as, sets) = pair_files(&asked, None).unwrap();
        assert_eq!(
            (scored_as, names(&sets)),
            (ScoredAs::Pairs, vec!["a/1", "b/1"])
        );
        assert!(sets[0].estimates[0].ends_with("e/a/1.flac"));
        let (_, sets) = pair_files(&asked, Some(ScoredAs::Sources)).unwrap();
        assert_eq!((sets.len(), names(&sets)), (1, vec!["a/1", "b/1"]));
        asked.mixtures = vec![folder.path().join("m")];
        let message = pair_files(&asked, None).unwrap_err().to_string();
        assert!(
            message.contains("no file b/1.wav among the mixtures"),
            "{message}"
        );
    }

    #[test]
    fn stems_are_found_in_the_folders_that_separate_makes() {
        let files = [
            "r/x/1.wav",
            "r/2.wav",
            "e/x/1/speech.wav",
            "e/x/1/background.wav",
        ];
        let folder = tree(&files);
        fs::create_dir_all(folder.path().join("e/2-stems")).unwrap();
        fs::write(folder.path().join("e/2-stems/speech.wav"), "").unwrap();
        let mut asked = asked(folder.path(), "r", "e");
        asked.stem = Some("speech".to_owned());
        let (_, sets) = pair_files(&asked, None).unwrap();
        assert_eq!(names(&sets), ["2", "x/1"]);
        asked.stem = Some("piano".to_owned());
        assert!(
            pair_files(&asked, None)
                .unwrap_err()
                .to_string()
                .contains("no stem piano")
        );
    }

    #[test]
    fn all_that_have_no_counterpart_are_named() {
        let folder = tree(&["r/1.wav", "r/2.wav", "r/3.wav", "e/2.wav", "e/4.wav"]);
        let error = pair_files(&asked(folder.path(), "r", "e"), None).unwrap_err();
        assert!(error.is::<Refused>());
        for name in ["r/1.wav", "r/3.wav", "e/4.wav"] {
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn files_of_one_name_are_told_apart() {
        let paths = ["a/speech.wav", "b/speech.wav"].map(PathBuf::from);
        assert_eq!(name_files(&paths), ["a/speech.wav", "b/speech.wav"]);
        assert_eq!(name_files(&paths[..1]), ["speech"]);
    }
}
