//! Warnings of the libraries on standard error.

use std::collections::HashSet;
use std::io::{Write, stderr};
use std::sync::{Mutex, PoisonError};

use log::{LevelFilter, Log, Metadata, Record};

/// The library whose warnings are shown; others have nothing to say to users of this program.
const LIBRARY: &str = "dsp";

/// Shows each warning once: files are looked at beforehand and read again.
#[derive(Debug)]
struct Warnings {
    shown: Mutex<Option<HashSet<String>>>,
}

static WARNINGS: Warnings = Warnings {
    shown: Mutex::new(None),
};

/// Lets warnings be shown from now on.
pub(crate) fn install() {
    // Only a second call can fail, and then they are shown already.
    if log::set_logger(&WARNINGS).is_ok() {
        log::set_max_level(LevelFilter::Warn);
    }
}

impl Log for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().split("::").next() == Some(LIBRARY)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = record.args().to_string();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.get_or_insert_default().insert(line.clone()) {
            // A closed standard error is no reason to stop.
            let _ = writeln!(stderr(), "{line}");
        }
    }

    fn flush(&self) {}
}
