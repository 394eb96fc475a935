//! The folder of a recording's stems: what may be written there, what is complete, and how stems
//! appear all at once.
//!
//! `separation.json` lists the stems with their digests, so what a separation wrote is known from
//! what somebody else put there or changed. Stems are made in a hidden folder inside. When all are
//! done, the stems of an earlier separation go, the report is written, and the new stems get their
//! names. A process that is killed at any time leaves a folder that can be separated into again:
//! whatever is there is listed in a report, or hidden.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::report::{SeparationReport, StemReport, StoredSeparation, stem_file};
use crate::store::atomic;
use crate::store::digest::Digest;
use crate::store::output::{OutputFile, Outputs};
use crate::store::refused::Refused;
use crate::tools::file_kinds::{SEPARATION, SEPARATION_NAME};

/// How hidden folders of stems under way begin.
const PENDING: &str = ".separating-";

/// A folder that the stems of a recording may be written to.
#[derive(Debug)]
pub(crate) struct StemFolder {
    pub(crate) path: PathBuf,
    /// Files of an earlier separation, as it left them.
    earlier: Vec<PathBuf>,
    /// What the earlier separation says of itself, if all its stems are there.
    complete: Option<StoredSeparation>,
    /// Digest of the recording, if it had to be compared.
    recording_sha256: Option<Digest>,
}

impl StemFolder {
    /// Claims a folder for the stems of `sources`.
    ///
    /// `recording`: the file that is separated. `replace`: whether the stems of another recording
    /// may be replaced. `option` is what the folder was given by.
    ///
    /// # Errors
    /// [`Refused`] if the folder holds the stems of another recording, or anything else under a
    /// name that is to be written: a file that no separation wrote or that was changed since, an
    /// input, a link. A folder that cannot be written.
    pub(crate) fn claim(
        path: &Path,
        sources: &[&str],
        recording: &Path,
        replace: bool,
        option: &str,
        outputs: &mut Outputs,
    ) -> Result<Self> {
        let what = format!("{} ({option})", path.display());
        outputs.claim_folder(path, &what)?;
        let mut folder = Self {
            path: path.to_owned(),
            earlier: Vec::new(),
            complete: None,
            recording_sha256: None,
        };
        // Another run that is at work here is met when the stems are begun.
        if let Ok(Some(_lock)) = folder.lock() {
            remove_leftovers(path);
        }
        if let Some(stored) = StoredSeparation::read(&path.join(SEPARATION_NAME))? {
            let digest = Digest::of_file(recording)?;
            folder.recording_sha256 = Some(digest);
            ensure!(
                stored.mixture.sha256 == digest || replace,
                Refused(format!(
                    "{what}: holds the stems of another recording, {}: give another --out, or \
                     replace them with --replace",
                    stored.mixture.file
                ))
            );
            folder.check_earlier(stored)?;
        }
        for source in sources {
            let stem = path.join(stem_file(source));
            let what = format!("{} ({option})", stem.display());
            outputs.check_no_input(&stem, &what)?;
            ensure!(
                folder.earlier.contains(&stem) || !exists(&stem),
                Refused(format!(
                    "{what}: is there already and is no stem that this program wrote, so it is \
                     not replaced: give another --out, or move it away"
                ))
            );
        }
        Ok(folder)
    }

    /// The digest of the recording, computed if it has not been.
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) fn digest_recording(&self, recording: &Path) -> Result<Digest> {
        self.recording_sha256
            .map_or_else(|| Digest::of_file(recording), Ok)
    }

    /// Whether all stems of some separation of the recording are there.
    pub(crate) fn has_all_stems(&self) -> bool {
        self.complete.is_some()
    }

    /// Whether the folder holds all that a separation with these inputs would write.
    pub(crate) fn is_complete(&self, inputs: Digest) -> bool {
        let stored = self.complete.as_ref();
        stored.is_some_and(|stored| stored.inputs_sha256 == inputs)
    }

    /// Makes the folder, and a hidden one inside for the stems until all are done.
    ///
    /// # Errors
    /// A folder that cannot be written, another run that is separating into it.
    pub(crate) fn begin(&self) -> Result<PendingStems> {
        let is_new = !self.path.exists();
        fs::create_dir_all(&self.path)
            .with_context(|| format!("cannot create {}", self.path.display()))?;
        let lock = self.lock()?;
        remove_leftovers(&self.path);
        let path = self.path.join(format!("{PENDING}{}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(PendingStems {
            path,
            made: is_new.then(|| self.path.clone()),
            _lock: lock,
        })
    }

    /// Gives stems their names, in place of those of an earlier separation, and writes the report.
    ///
    /// # Errors
    /// Those of the file system; a file that has appeared since the claim.
    pub(crate) fn publish(
        &self,
        pending: &PendingStems,
        report: &mut SeparationReport,
    ) -> Result<()> {
        let sources = report.sources.iter().map(|source| source.name.clone());
        let sources: Vec<String> = sources.collect();
        for source in sources {
            let file = stem_file(&source);
            let stem = pending.path.join(&file);
            // Before the report says so, it must be on the disk.
            let stem_file = File::open(&stem).and_then(|stem| stem.sync_all().map(|()| stem));
            let bytes = stem_file
                .and_then(|stem| stem.metadata())
                .map(|stem| stem.len());
            report.stems.push(StemReport {
                source,
                file,
                bytes: bytes.with_context(|| format!("cannot write {}", stem.display()))?,
                sha256: Digest::of_file(&stem)?,
            });
        }
        let json = report.to_json()?;
        let claimed = self.claim_report()?;
        for earlier in &self.earlier {
            atomic::remove(earlier)?;
        }
        claimed.write(&json)?;
        for stem in &report.stems {
            let place = self.path.join(&stem.file);
            ensure!(
                !exists(&place),
                Refused(format!(
                    "{}: has appeared since, and stays",
                    place.display()
                ))
            );
            fs::rename(pending.path.join(&stem.file), &place)
                .with_context(|| format!("cannot write {}", place.display()))?;
        }
        Ok(())
    }

    fn claim_report(&self) -> Result<OutputFile> {
        let path = self.path.join(SEPARATION_NAME);
        Outputs::default().claim_file(&path, "report of the separation", SEPARATION)
    }

    /// Takes over the stems of an earlier separation, if nobody has changed them since.
    fn check_earlier(&mut self, stored: StoredSeparation) -> Result<()> {
        let mut complete = true;
        for stem in &stored.stems {
            let path = self.path.join(&stem.file);
            if !exists(&path) {
                complete = false;
                continue;
            }
            let is_file = fs::symlink_metadata(&path).is_ok_and(|found| found.is_file());
            ensure!(
                is_file && Digest::of_file(&path)? == stem.sha256,
                Refused(format!(
                    "{}: was changed since it was separated, so it is not replaced: give another \
                     --out, or move it away",
                    path.display()
                ))
            );
            self.earlier.push(path);
        }
        self.complete = complete.then_some(stored);
        Ok(())
    }

    /// Keeps other runs off the folder, where the file system has locks.
    fn lock(&self) -> Result<Option<File>> {
        let Ok(folder) = File::open(&self.path) else {
            return Ok(None);
        };
        match folder.try_lock() {
            Ok(()) => Ok(Some(folder)),
            Err(TryLockError::WouldBlock) => {
                bail!("another run is separating into {}", self.path.display())
            }
            Err(TryLockError::Error(_)) => Ok(None),
        }
    }
}

/// Stems that are not complete yet, in a hidden folder that goes when this is dropped.
#[derive(Debug)]
pub(crate) struct PendingStems {
    pub(crate) path: PathBuf,
    /// The folder of the stems, if it was not there before.
    made: Option<PathBuf>,
    _lock: Option<File>,
}

impl Drop for PendingStems {
    fn drop(&mut self) {
        // What stays is removed by the next separation into the folder.
        let _ = fs::remove_dir_all(&self.path);
        // Nothing has come of it if it is empty: else it stays.
        if let Some(folder) = &self.made {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Whether there is anything under a name, be it a link to nowhere.
fn exists(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

/// Removes what killed processes have left, as far as it can.
fn remove_leftovers(folder: &Path) {
    atomic::remove_leftovers(folder);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with(PENDING) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
