//! The audio files below a folder.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use dsp::audio::EXTENSIONS;

/// All audio files below a folder, at any depth.
///
/// # Errors
/// Those of [`list_audio_files`].
pub(super) fn find_audio_files(folder: &Path, key: &str) -> Result<Vec<PathBuf>> {
    list_audio_files(folder, key, |_| true)
}

/// All audio files below a folder, by the endings of their names, sorted by path so that their
/// order does not depend on the file system. Hidden files and folders are left out: macOS keeps a
/// hidden companion of every file on foreign disks.
///
/// `enters`: which of the folders below are looked into. `key`: the configuration key or the option
/// that the folder was given by.
///
/// # Errors
/// A folder that is missing, is none or cannot be listed, or holds no audio file.
pub(crate) fn list_audio_files(
    folder: &Path,
    key: &str,
    enters: impl Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>> {
    ensure!(
        folder.is_dir(),
        "{} is not a folder (`{key}`)",
        folder.display()
    );
    let mut found = Vec::new();
    let mut pending = vec![folder.to_owned()];
    // Links are followed, but a folder is listed once: a link to a parent folder would never end.
    let mut listed = HashSet::new();
    while let Some(current) = pending.pop() {
        let entries = list_folder(&current, &mut listed)
            .with_context(|| format!("cannot list {}", current.display()))?;
        for path in entries {
            if !path.is_dir() {
                if has_audio_ending(&path) {
                    found.push(path);
                }
            } else if enters(&path) {
                pending.push(path);
            }
        }
    }
    ensure!(
        !found.is_empty(),
        "no audio file below {} (`{key}`)",
        folder.display()
    );
    found.sort();
    Ok(found)
}

fn list_folder(folder: &Path, listed: &mut HashSet<PathBuf>) -> std::io::Result<Vec<PathBuf>> {
    if !listed.insert(folder.canonicalize()?) {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    // Which of two links to one folder is listed must not depend on the file system.
    paths.sort();
    Ok(paths)
}

fn has_audio_ending(path: &Path) -> bool {
    path.extension().is_some_and(|ending| {
        EXTENSIONS
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let found = list_audio_files(folder, "corpus.speech", |_| true).unwrap();
        let below = found.iter().map(|path| path.strip_prefix(folder).unwrap());
        below.map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn every_ending_counts_and_hidden_files_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        let mut expected: Vec<String> = EXTENSIONS.map(|ending| format!("b/c.{ending}")).into();
        expected.extend(["A.WAV".to_owned(), "b/c.Flac".to_owned()]);
        let others = ["._A.WAV", ".x/c.wav", "b/notes.txt", "b/wav", "b/a.npz"];
        for name in expected.iter().map(String::as_str).chain(others) {
            let path = top.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        expected.sort();
        assert_eq!(names(top), expected);
        let message = list_audio_files(&top.join("b/d"), "corpus.speech", |_| true).unwrap_err();
        assert!(message.to_string().contains("is not a folder"), "{message}");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_once() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let (top, elsewhere) = (folder.path().join("top"), folder.path().join("elsewhere"));
        fs::create_dir_all(top.join("a")).unwrap();
        fs::create_dir_all(&elsewhere).unwrap();
        fs::write(top.join("a/1.wav"), "").unwrap();
        fs::write(elsewhere.join("2.wav"), "").unwrap();
        symlink(&elsewhere, top.join("b")).unwrap();
        symlink(&elsewhere, top.join("c")).unwrap();
        symlink(&top, top.join("a/back")).unwrap();
        assert_eq!(names(&top), ["a/1.wav", "c/2.wav"]);
    }
}
