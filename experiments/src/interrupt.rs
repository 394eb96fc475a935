//! Ctrl-C and termination signals: the first lets what is under way finish, the second ends the
//! process at once. Either way what is finished is on disk.

use std::fmt::Display;
use std::io::{Write, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::progress::Progress;

/// The exit code of an interrupted run, as shells have it for Ctrl-C.
pub(crate) const EXIT_CODE: u8 = 130;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// The run was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted: the same command goes on from what is finished")]
pub(crate) struct Interrupted;

/// Catches signals from now on, if the system allows a thread that waits for them; else a signal
/// stops at once, which is said. To be called once.
pub(crate) fn install() {
    let handle = || {
        if REQUESTED.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(EXIT_CODE));
        }
        // A closed standard error is no reason not to stop.
        let _ = writeln!(
            stderr(),
            "stopping as soon as what is under way is done; once more stops at once"
        );
    };
    let warn = |reason: &dyn Display| {
        Progress::new(true).warn(format_args!(
            "cannot catch Ctrl-C ({reason}): a signal stops at once"
        ));
    };
    // Tried beforehand: signals that are caught without the thread would be lost.
    if let Err(error) = thread::Builder::new().spawn(|| {}) {
        warn(&error);
        return;
    }
    if let Err(error) = ctrlc::set_handler(handle) {
        warn(&error);
    }
}

/// To be asked between pieces of work.
///
/// # Errors
/// When a signal came.
pub(crate) fn check() -> Result<(), Interrupted> {
    if REQUESTED.load(Ordering::Relaxed) {
        return Err(Interrupted);
    }
    Ok(())
}
