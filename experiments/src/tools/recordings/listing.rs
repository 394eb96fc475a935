//! The recordings below a folder.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use dsp::audio::EXTENSIONS;

use crate::store::output::is_of_kind;
use crate::tools::file_kinds::{SEPARATION, SEPARATION_NAME};

/// Whether folders that hold the stems of a separation are looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StemFolders {
    /// They hold what was made of recordings, not recordings.
    Skip,
    Enter,
}

/// All recordings below a folder, sorted by path so that their order does not depend on the file
/// system. Hidden files and folders are left out: macOS keeps a hidden companion of every file on
/// foreign disks.
///
/// # Errors
/// A folder that is missing, is none or cannot be listed, or holds no recording; `option` is what
/// it was given by.
pub(crate) fn list_recordings(
    folder: &Path,
    option: &str,
    stem_folders: StemFolders,
) -> Result<Vec<PathBuf>> {
    ensure!(
        folder.is_dir(),
        "{} is not a folder (`{option}`)",
        folder.display()
    );
    let mut found = Vec::new();
    let mut pending = vec![folder.to_owned()];
    // Links are followed, but a folder is listed once: a link to a parent folder would never end.
    let mut listed = HashSet::new();
    while let Some(current) = pending.pop() {
        let entries = list_folder(&current, &mut listed)
            .with_context(|| format!("cannot list {}", current.display()))?;
        let is_stems = is_of_kind(&current.join(SEPARATION_NAME), SEPARATION);
        if is_stems && stem_folders == StemFolders::Skip && current != folder {
            continue;
        }
        for path in entries {
            if path.is_dir() {
                pending.push(path);
            } else if has_audio_ending(&path) {
                found.push(path);
            }
        }
    }
    ensure!(
        !found.is_empty(),
        "no WAV file or other audio file below {} (`{option}`)",
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

    fn names(folder: &Path, stem_folders: StemFolders) -> Vec<String> {
        let found = list_recordings(folder, "recordings", stem_folders).unwrap();
        let below = found.iter().map(|path| path.strip_prefix(folder).unwrap());
        below.map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn hidden_files_and_stems_are_no_recordings() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        for name in [
            "b.wav",
            "A.WAV",
            "._b.wav",
            ".x/c.wav",
            "s/speech.wav",
            "t/d.wav",
            "e.txt",
        ] {
            let path = top.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let report = [SEPARATION.start, SEPARATION.mark].concat();
        fs::write(top.join("s").join(SEPARATION_NAME), report).unwrap();
        assert_eq!(names(top, StemFolders::Skip), ["A.WAV", "b.wav", "t/d.wav"]);
        let all = ["A.WAV", "b.wav", "s/speech.wav", "t/d.wav"];
        assert_eq!(names(top, StemFolders::Enter), all);
        // What is asked for is looked into.
        assert_eq!(names(&top.join("s"), StemFolders::Skip), ["speech.wav"]);
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
        assert_eq!(names(&top, StemFolders::Skip), ["a/1.wav", "c/2.wav"]);
    }
}
