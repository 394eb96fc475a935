//! The recordings below a folder.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::corpus::list_audio_files;
use crate::store::output::is_of_kind;
use crate::tools::file_kinds::{SEPARATION, SEPARATION_NAME};

/// Whether folders that hold the stems of a separation are looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StemFolders {
    /// They hold what was made of recordings, not recordings.
    Skip,
    Enter,
}

/// All recordings below a folder, sorted by path, without hidden ones.
///
/// # Errors
/// Those of [`list_audio_files`]; `option` is what the folder was given by.
pub(crate) fn list_recordings(
    folder: &Path,
    option: &str,
    stem_folders: StemFolders,
) -> Result<Vec<PathBuf>> {
    list_audio_files(folder, option, |below| {
        stem_folders == StemFolders::Enter || !is_of_kind(&below.join(SEPARATION_NAME), SEPARATION)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(folder: &Path, stem_folders: StemFolders) -> Vec<String> {
        let found = list_recordings(folder, "recordings", stem_folders).unwrap();
        let below = found.iter().map(|path| path.strip_prefix(folder).unwrap());
        below.map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn stems_are_no_recordings() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        for name in ["b.wav", "s/speech.wav", "t/d.wav"] {
            let path = top.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let report = [SEPARATION.start, SEPARATION.mark].concat();
        fs::write(top.join("s").join(SEPARATION_NAME), report).unwrap();
        assert_eq!(names(top, StemFolders::Skip), ["b.wav", "t/d.wav"]);
        let all = ["b.wav", "s/speech.wav", "t/d.wav"];
        assert_eq!(names(top, StemFolders::Enter), all);
        // What is asked for is looked into.
        assert_eq!(names(&top.join("s"), StemFolders::Skip), ["speech.wav"]);
    }
}
