//! The file of finished parts: records are appended, and made durable every few seconds.
//!
//! A run that is killed leaves whole records and at most a piece of one at the end, which is cut off when the file is
//! opened again. Damage elsewhere costs the damaged records only.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::record::{Outcome, Record, VERSION};
use crate::clock::Stopwatch;
use crate::digest::Digest;

/// A record is made durable with those before it when so much time has passed since that was last done. A run that is
/// killed loses none of them; a machine that fails may lose those since then.
const SYNC_INTERVAL: Duration = Duration::from_secs(2);

/// What a file of records holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// The outcomes by their keys; a later record of a key replaces an earlier one.
    pub outcomes: HashMap<Digest, Outcome>,
    /// Numbers, from 1, of the damaged lines before the last record.
    pub damaged_lines: Vec<usize>,
    /// Length up to the end of the last record; what follows is damaged.
    pub sound_bytes: u64,
    /// Length of the file.
    pub bytes: u64,
    /// Another version of the format than this program's, if a line says that it is of one.
    pub other_version: Option<u64>,
}

impl Contents {
    /// Reads records from the bytes of a file, whatever these are.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut contents = Self {
            bytes: bytes.len() as u64,
            ..Self::default()
        };
        let mut damaged = Vec::new();
        let mut end = 0;
        for (index, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
            end += line.len() as u64;
            match line.strip_suffix(b"\n").and_then(Record::decode) {
                Some(record) => {
                    contents.outcomes.insert(record.key, record.outcome);
                    contents.damaged_lines.append(&mut damaged);
                    contents.sound_bytes = end;
                }
                None => {
                    let version = Record::version(line).filter(|&version| version != VERSION);
                    contents.other_version = contents.other_version.or(version);
                    damaged.push(index + 1);
                }
            }
        }
        contents
    }

    /// Reads a file; one that does not exist holds nothing.
    ///
    /// # Errors
    /// A file that cannot be read, or is of another version: its records are no damage.
    pub fn read(path: &Path) -> Result<Self> {
        let contents = match fs::read(path) {
            Ok(bytes) => Self::parse(&bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::default(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        if let Some(version) = contents.other_version {
            bail!(
                "{} is of version {version}, this program reads version {VERSION}",
                path.display()
            );
        }
        Ok(contents)
    }

    /// What is wrong with the file, for people; nothing if all is well.
    #[must_use]
    pub fn damage(&self, path: &Path) -> Option<String> {
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
pub struct CellStore {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    length: u64,
    outcomes: HashMap<Digest, Outcome>,
    since_sync: Stopwatch,
    /// Whether a piece of a record stands at the end, so that none may follow.
    torn: bool,
}

impl CellStore {
    /// Opens a file of records for appending, or makes one; cuts off what is damaged at the end. The second value says
    /// what was damaged.
    ///
    /// # Errors
    /// A file that cannot be read or written, or is of another version.
    pub fn open(path: &Path) -> Result<(Self, Option<String>)> {
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
        let store = Self {
            path: path.to_owned(),
            state: Mutex::new(state),
        };
        Ok((store, damage))
    }

    /// The outcome under a key.
    #[must_use]
    pub fn outcome(&self, key: &Digest) -> Option<Outcome> {
        self.state().outcomes.get(key).cloned()
    }

    /// Whether a part is done; one that failed is not.
    #[must_use]
    pub fn is_done(&self, key: &Digest) -> bool {
        let state = self.state();
        let outcome = state.outcomes.get(key);
        outcome.is_some_and(|outcome| !matches!(outcome, Outcome::Failed(_)))
    }

    /// Appends a record.
    ///
    /// # Errors
    /// A file that cannot be written, such as on a full disk: the records before it are kept.
    pub fn append(&self, record: Record) -> Result<()> {
        let line = record.encode()?;
        let mut state = self.state();
        ensure!(!state.torn, self.failure(state.outcomes.len()));
        let written = state.file.write_all(&line);
        if written.is_err() {
            // A piece of the record may be there. If it cannot be cut off now, opening the file does it.
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
    ///
    /// # Errors
    /// Those of the file system.
    pub fn sync(&self) -> Result<()> {
        self.sync_state(&mut self.state())
    }

    fn sync_state(&self, state: &mut State) -> Result<()> {
        state
            .file
            .sync_data()
            .with_context(|| self.failure(state.outcomes.len()))?;
        state.since_sync = Stopwatch::start();
        Ok(())
    }

    fn failure(&self, finished: usize) -> String {
        format!(
            "cannot append to {}; the {finished} records in it are kept, and --resume goes on from them",
            self.path.display()
        )
    }

    /// A thread that panicked left the state as it was before or after a record.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable::record::tests::record;

    #[test]
    fn a_torn_end_is_cut_off_and_a_damaged_middle_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        let (store, damage) = CellStore::open(&path).unwrap();
        assert_eq!(damage, None);
        for seed in 0..4 {
            store.append(record(seed)).unwrap();
        }
        store.sync().unwrap();
        drop(store);
        let whole = fs::read(&path).unwrap();
        let line = whole.len() / 4;

        for end in 3 * line..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            let (store, damage) = CellStore::open(&path).unwrap();
            assert_eq!(damage.is_some(), end > 3 * line);
            assert!(store.is_done(&record(2).key) && !store.is_done(&record(3).key));
            assert_eq!(fs::read(&path).unwrap(), &whole[..3 * line]);
            store.append(record(3)).unwrap();
            assert_eq!(fs::read(&path).unwrap(), whole);
        }

        let mut damaged = whole.clone();
        damaged[line + 80] ^= 4;
        fs::write(&path, &damaged).unwrap();
        let (store, damage) = CellStore::open(&path).unwrap();
        assert!(damage.unwrap().contains("damaged and ignored: line 2"));
        let done = [0, 1, 2, 3].map(|seed| store.is_done(&record(seed).key));
        assert_eq!(done, [true, false, true, true]);
        store.append(record(1)).unwrap();
        drop(store);
        assert!(CellStore::open(&path).unwrap().0.is_done(&record(1).key));
    }

    #[test]
    fn records_of_another_version_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        let text = String::from_utf8(record(1).encode().unwrap()).unwrap();
        let text = text.clone() + &text.replacen("\"version\":1,", "\"version\":2,", 1);
        fs::write(&path, &text).unwrap();
        let error = CellStore::open(&path).unwrap_err().to_string();
        assert!(
            error.contains("is of version 2, this program reads version 1"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn failures_are_not_done_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        let (store, _) = CellStore::open(&path).unwrap();
        let done = record(1);
        let failed = Outcome::Failed("no numbers".to_owned());
        let key = done.key;
        store
            .append(Record {
                key,
                outcome: failed.clone(),
            })
            .unwrap();
        assert!(!store.is_done(&key));
        assert_eq!(store.outcome(&key), Some(failed));
        store.append(done).unwrap();
        drop(store);
        assert!(CellStore::open(&path).unwrap().0.is_done(&key));
    }
}
