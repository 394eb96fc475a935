//! Long work that Python's signals can interrupt.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use pyo3::{PyResult, Python};
use rayon::ThreadPool;

use crate::threads::Nested;

/// Time between two looks at the signals: unnoticeable to whoever presses Ctrl-C, and nothing
/// beside the work.
const SIGNAL_PERIOD: Duration = Duration::from_millis(50);

/// The working side's end of the line to Python.
pub(crate) struct Watch<M> {
    messages: SyncSender<Message<M>>,
    /// Whether Python has something to say to every message.
    is_listening: bool,
    stopped: AtomicBool,
}

enum Message<M> {
    /// What to tell, and where to say that it has been heard.
    Told(M, SyncSender<()>),
    /// The work is over, done or stopped.
    Over,
}

impl<M> Watch<M> {
    /// Whether the work is to end: its result is not wanted any more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Tells Python what `message` makes, if anybody listens, and waits until it has been heard:
    /// whether to stop is then decided.
    pub(crate) fn tell(&self, message: impl FnOnce() -> M) {
        if !self.is_listening || self.is_stopped() {
            return;
        }
        let (heard, hearing) = sync_channel(0);
        if self.messages.send(Message::Told(message(), heard)).is_ok() {
            // An error is a listener that has gone, after setting the flag.
            let _ = hearing.recv();
        }
    }
}

/// Does work on a pool while the calling thread, the only one that Python gives signals to, waits
/// for them with the interpreter's lock released.
///
/// `listen`: what Python does with a message, with the lock. Its error, or that of a signal, stops
/// the work and is returned once the work has noticed: `work` borrows from the caller, so nothing
/// is copied, and nothing goes on in the background.
///
/// # Errors
/// `KeyboardInterrupt` or whatever a signal's handler raises; those of `listen`.
pub(crate) fn run<M: Send, T: Send>(
    py: Python<'_>,
    pool: &ThreadPool,
    mut listen: Option<impl FnMut(Python<'_>, M) -> PyResult<()> + Send>,
    work: impl FnOnce(&Watch<M>) -> T + Send,
) -> PyResult<T> {
    let (messages, inbox) = sync_channel(1);
    let watch = Watch {
        messages,
        is_listening: listen.is_some(),
        stopped: AtomicBool::new(false),
    };
    py.detach(|| {
        let mut result = None;
        // The closure runs on this thread, what it spawns on the pool. A panic of the work goes on
        // here, at the end of the scope.
        let outcome = pool.in_place_scope(|scope| {
            scope.spawn(|_| {
                let _over = Over(&watch.messages);
                result = Some(work(&watch));
            });
            let outcome = attend(&inbox, &mut listen);
            if outcome.is_err() {
                watch.stopped.store(true, Ordering::Relaxed);
                // Whoever waits to be heard waits no longer.
                drop(inbox);
            }
            outcome
        });
        outcome.map(|()| result.expect("the scope ends after the work"))
    })
}

/// Says that the work is over when dropped, by a panic as well.
struct Over<'a, M>(&'a SyncSender<Message<M>>);

impl<M> Drop for Over<'_, M> {
    fn drop(&mut self) {
        let _ = self.0.send(Message::Over);
    }
}

/// Hands on messages until the work is over, and looks at the signals in between.
fn attend<M>(
    inbox: &Receiver<Message<M>>,
    listen: &mut Option<impl FnMut(Python<'_>, M) -> PyResult<()>>,
) -> PyResult<()> {
    loop {
        match inbox.recv_timeout(SIGNAL_PERIOD) {
            Ok(Message::Over) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Ok(Message::Told(message, heard)) => {
                if let Some(listen) = listen {
                    let _nested = Nested::enter();
                    Python::attach(|py| {
                        py.check_signals()?;
                        listen(py, message)
                    })?;
                }
                let _ = heard.send(());
            }
            #[expect(
                clippy::redundant_closure_for_method_calls,
                reason = "the method itself is of one lifetime, the closure of any"
            )]
            Err(RecvTimeoutError::Timeout) => Python::attach(|py| py.check_signals())?,
        }
    }
}
