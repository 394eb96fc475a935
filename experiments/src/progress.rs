//! What the user sees while it runs: bars with an estimate of the time left on a terminal, else a
//! line per stage, and one a minute while it lasts.

use std::fmt::{self, Display};
use std::io::{IsTerminal, Write, stderr};
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::clock::Stopwatch;

/// Seconds between two lines of a stage where there is no bar.
const SECONDS_BETWEEN_LINES: u64 = 60;

/// Where progress goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    Bars,
    Lines,
    Nothing,
}

/// Reports the stages of a run on standard error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress(Output);

impl Progress {
    /// Bars on a terminal, lines elsewhere, warnings only if `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        Self(match (quiet, stderr().is_terminal()) {
            (true, _) => Output::Nothing,
            (false, true) => Output::Bars,
            (false, false) => Output::Lines,
        })
    }

    /// A line that stays, unless quiet.
    pub(crate) fn note(self, line: impl Display) {
        if self.0 != Output::Nothing {
            // A closed standard error is no reason to stop.
            let _ = writeln!(stderr(), "{line}");
        }
    }

    /// A line about something that is not as it should be; it is not silenced.
    pub(crate) fn warn(self, line: impl Display) {
        let _ = writeln!(stderr(), "{line}");
    }

    /// Begins a stage of a number of steps.
    pub(crate) fn stage(self, name: &'static str, steps: usize) -> Stage {
        let target = match self.0 {
            Output::Bars => ProgressDrawTarget::stderr(),
            Output::Lines | Output::Nothing => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(steps as u64), target).with_style(style());
        bar.set_message(name);
        bar.tick();
        Stage {
            progress: self,
            name,
            steps,
            bar,
            lines: AtomicU64::new(0),
            stopwatch: Stopwatch::start(),
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{msg:24} {wide_bar} {pos:>4}/{len} {elapsed:>4}{left:>11}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key(
            "left",
            |state: &ProgressState, text: &mut dyn fmt::Write| {
                // Before the first step nothing is known of the time left.
                let _ = match state.pos() {
                    0 => Ok(()),
                    _ => write!(text, ", {:#} left", HumanDuration(state.eta())),
                };
            },
        )
}

/// One stage under way; its bar is cleared when it is dropped.
#[derive(Debug)]
pub(crate) struct Stage {
    progress: Progress,
    name: &'static str,
    steps: usize,
    bar: ProgressBar,
    /// Those since the stage began that are not its last.
    lines: AtomicU64,
    stopwatch: Stopwatch,
}

impl Stage {
    /// One step done. May be called from any thread.
    pub(crate) fn step(&self) {
        self.advance(1);
    }

    /// So many steps done at once.
    pub(crate) fn advance(&self, steps: usize) {
        self.bar.inc(steps as u64);
        let elapsed = self.stopwatch.elapsed();
        let due = elapsed.as_secs() / SECONDS_BETWEEN_LINES;
        // Of the threads that see the same minute, one writes.
        if self.progress.0 == Output::Lines && self.lines.fetch_max(due, Ordering::Relaxed) < due {
            let done = self.bar.position();
            let left = elapsed.mul_f64((self.steps as f64 / done.max(1) as f64 - 1.0).max(0.0));
            self.progress.note(format_args!(
                "{}: {done} of {}, about {} left",
                self.name,
                self.steps,
                HumanDuration(left)
            ));
        }
    }

    /// The stage is done: leaves a line with its time.
    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
        let seconds = self.stopwatch.elapsed().as_secs_f64();
        self.progress.note(format_args!(
            "{}: {} in {seconds:.1} s",
            self.name, self.steps
        ));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
