//! The file of finished work: records are appended, and made durable every few seconds.
//!
//! A run that is killed leaves whole records and at most a piece of one at the end, which is cut
//! off when the file is opened again. Damage elsewhere costs the damaged records only.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::sealed::{Opened, Sealed, open, seal};
use crate::clock::Stopwatch;

/// A record is made durable with those before it when this much time has passed since that was last
/// done. A run that is killed loses none of them; a machine that fails may lose those since then.
const SYNC_INTERVAL: Duration = Duration::from_secs(2);

/// What came of a piece of work: its result, or the message of what failed.
pub(crate) type Outcome<T> = std::result::Result<T, String>;

/// An outcome under the digest of what determines it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record<T> {
    pub(crate) key: Digest,
    pub(crate) outcome: Outcome<T>,
}

impl<T: Serialize + DeserializeOwned> Sealed for Record<T> {
    const KIND: &'static str = "record";
    const VERSION: u32 = 1;
}

/// Outcomes by their keys.
pub(crate) type Outcomes<T> = HashMap<Digest, Outcome<T>>;

/// What a file of records holds.
#[derive(Debug)]
pub(crate) struct Contents<T> {
    /// A later record of a key replaces an earlier one.
    pub(crate) outcomes: Outcomes<T>,
    /// Numbers, from 1, of the damaged lines before the last record.
    damaged_lines: Vec<usize>,
    /// Length up to the end of the last record; what follows is damaged.
    sound_bytes: u64,
    bytes: u64,
    /// Another version of the format than this program's, if a line is of one.
    other_version: Option<u32>,
}

impl<T: Serialize + DeserializeOwned> Contents<T> {
    /// Reads records from the bytes of a file, whatever these are.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let mut contents = Self {
            outcomes: HashMap::new(),
            damaged_lines: Vec::new(),
            sound_bytes: 0,
            bytes: bytes.len() as u64,
            other_version: None,
        };
        let mut damaged = Vec::new();
        let mut end = 0;
        for (index, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
            end += line.len() as u64;
            let opened = match line.ends_with(b"\n") {
                true => open::<Record<T>>(line),
                false => Opened::Damaged,
            };
            match opened {
                Opened::Sound(record) => {
                    contents.outcomes.insert(record.key, record.outcome);
                    contents.damaged_lines.append(&mut damaged);
                    contents.sound_bytes = end;
                }
                Opened::OtherVersion(version) => contents.other_version = Some(version),
                Opened::Damaged => damaged.push(index + 1),
            }
        }
        contents
    }

    /// Reads a file; one that does not exist holds nothing.
    ///
    /// # Errors
    /// A file that cannot be read, or is of another version: its records are no damage.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let contents = match fs::read(path) {
            Ok(bytes) => Self::parse(&bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::parse(&[]),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        if let Some(version) = contents.other_version {
            bail!(
                "{} is of version {version}, this program reads version {}",
                path.display(),
                Record::<T>::VERSION
            );
        }
        Ok(contents)
    }

    /// What is wrong with the file, in words; none if all is well.
    pub(crate) fn damage(&self, path: &Path) -> Option<String> {
        let mut said = Vec::new();
        if !self.damaged_lines.is_empty() {
            let lines: Vec<String> = self.damaged_lines.iter().map(ToString::to_string).collect();
            said.push(format!("damaged and ignored: line {}", lines.join(", ")));
        }
        if self.bytes > self.sound_bytes {
            said.push(format!(
                "cut off at the end: {} bytes of a record that was not finished or is damaged",
                self.bytes - self.sound_bytes
            ));
        }
        (!said.is_empty()).then(|| format!("{}: {}", path.display(), said.join("; ")))
    }
}

/// An open file of records, for one run at a time. May be used from any thread.
#[derive(Debug)]
pub(crate) struct Records<T> {
    path: PathBuf,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    file: File,
    length: u64,
    outcomes: Outcomes<T>,
    since_sync: Stopwatch,
    /// Whether a piece of a record stands at the end, so that none may follow.
    torn: bool,
}

impl<T: Serialize + DeserializeOwned + Clone> Records<T> {
    /// Opens a file of records for appending, or makes one; cuts off what is damaged at the end.
    /// The second value says what was damaged.
    ///
    /// # Errors
    /// A file that cannot be read or written, or is of another version.
    pub(crate) fn open(path: &Path) -> Result<(Self, Option<String>)> {
        let contents = Contents::read(path)?;
        let damage = contents.damage(path);
        let open = || {
            let file = OpenOptions::new().create(true).append(true).open(path)?;
            if contents.bytes > contents.sound_bytes {
                file.set_len(contents.sound_bytes)?;
                file.sync_all()?;
            }
            Ok::<_, std::io::Error>(file)
        };
        let file = open().with_context(|| format!("cannot write {}", path.display()))?;
        let state = State {
            file,
            length: contents.sound_bytes,
            outcomes: contents.outcomes,
            since_sync: Stopwatch::start(),
            torn: false,
        };
        let records = Self {
            path: path.to_owned(),
            state: Mutex::new(state),
        };
        Ok((records, damage))
    }

    /// Whether a piece of work is done; one that failed is not.
    pub(crate) fn is_done(&self, key: &Digest) -> bool {
        matches!(self.state().outcomes.get(key), Some(Ok(_)))
    }

    /// All outcomes, as they are now.
    pub(crate) fn outcomes(&self) -> Outcomes<T> {
        self.state().outcomes.clone()
    }

    /// Appends a record.
    ///
    /// # Errors
    /// A file that cannot be written, such as on a full disk: the records before it are kept.
    pub(crate) fn append(&self, key: Digest, outcome: Outcome<T>) -> Result<()> {
        let record = Record { key, outcome };
        let line = seal(&record)?;
        let mut state = self.state();
        ensure!(!state.torn, self.failure(state.outcomes.len()));
        let written = state.file.write_all(&line);
        if written.is_err() {
            // A piece of the record may be there. If it cannot be cut off now, opening the file
            // does it.
            state.torn = state.file.set_len(state.length).is_err();
        }
        written.with_context(|| self.failure(state.outcomes.len()))?;
        state.length += line.len() as u64;
        state.outcomes.insert(record.key, record.outcome);
        if state.since_sync.elapsed() >= SYNC_INTERVAL {
            self.sync_state(&mut state)?;
        }
        Ok(())
    }

    /// Makes all records durable.
    pub(crate) fn sync(&self) -> Result<()> {
        self.sync_state(&mut self.state())
    }

    fn sync_state(&self, state: &mut State<T>) -> Result<()> {
        state
            .file
            .sync_data()
            .with_context(|| self.failure(state.outcomes.len()))?;
        state.since_sync = Stopwatch::start();
        Ok(())
    }

    fn failure(&self, finished: usize) -> String {
        format!(
            "cannot append to {}; the {finished} records in it are kept, and the same command goes \
             on from them",
            self.path.display()
        )
    }

    /// A thread that panicked left the state as it was before or after a record.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sealed::tests::Numbers;
    use super::*;

    fn key(seed: u64) -> Digest {
        Digest::of_parts([seed.to_le_bytes()])
    }

    fn numbers(seed: u64) -> Outcome<Numbers> {
        Ok(Numbers(vec![seed as f64, 0.1 + 0.2]))
    }

    fn open_records(path: &Path) -> (Records<Numbers>, Option<String>) {
        Records::open(path).unwrap()
    }

    #[test]
    fn a_torn_end_is_cut_off_and_a_damaged_middle_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records");
        let (records, damage) = open_records(&path);
        assert_eq!(damage, None);
        for seed in 0..4 {
            records.append(key(seed), numbers(seed)).unwrap();
        }
        records.sync().unwrap();
        drop(records);
        let whole = fs::read(&path).unwrap();
        let line = whole.len() / 4;

        for end in 3 * line..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            let (records, damage) = open_records(&path);
            assert_eq!(damage.is_some(), end > 3 * line);
            assert!(records.is_done(&key(2)) && !records.is_done(&key(3)));
            assert_eq!(fs::read(&path).unwrap(), &whole[..3 * line]);
            records.append(key(3), numbers(3)).unwrap();
            assert_eq!(fs::read(&path).unwrap(), whole);
        }

        let mut damaged = whole.clone();
        damaged[line + 80] ^= 4;
        fs::write(&path, &damaged).unwrap();
        let (records, damage) = open_records(&path);
        assert!(damage.unwrap().contains("damaged and ignored: line 2"));
        let done = [0, 1, 2, 3].map(|seed| records.is_done(&key(seed)));
        assert_eq!(done, [true, false, true, true]);
        records.append(key(1), numbers(1)).unwrap();
        drop(records);
        assert!(open_records(&path).0.is_done(&key(1)));
    }

    #[test]
    fn records_of_another_version_are_left_alone() {
        #[derive(Serialize, Deserialize)]
        struct Later {
            key: Digest,
        }
        impl Sealed for Later {
            const KIND: &'static str = "record";
            const VERSION: u32 = 2;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records");
        let bytes = seal(&Later { key: key(1) }).unwrap();
        fs::write(&path, &bytes).unwrap();
        let error = Records::<Numbers>::open(&path).unwrap_err().to_string();
        let expected = "is of version 2, this program reads version 1";
        assert!(error.contains(expected), "{error}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }

    #[test]
    fn failures_are_not_done_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records");
        let (records, _) = open_records(&path);
        let failed = Err("no numbers".to_owned());
        records.append(key(1), failed.clone()).unwrap();
        assert!(!records.is_done(&key(1)));
        assert_eq!(records.outcomes()[&key(1)], failed);
        records.append(key(1), numbers(1)).unwrap();
        drop(records);
        assert!(open_records(&path).0.is_done(&key(1)));
    }
}
