//! The independent tasks of an experiment, for one configuration or many: their preparation (corpora, dictionaries,
//! keys), their work, and their results.

mod prepare;
mod recorder;
mod results;
mod work;

use crate::cell::Cell;
use crate::durable::key::Keys;
use crate::durable::run_folder::Start;
use crate::durable::shard::Shard;
use crate::durable::work::Work;
use crate::method::Method;

pub use prepare::{Prepared, PreparedRun, begin, prepare, record_plan};
pub use recorder::{Recorder, guarded};
pub use results::{ObservationResult, Outcomes, cell_results, why_there_is_none};
pub use work::work;

/// How a run is conducted. Nothing of it changes a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Conduct {
    /// What to do with what an earlier run left.
    pub start: Start,
    /// End at the first task that fails.
    pub fail_fast: bool,
    /// Do a share of the tasks only.
    pub shard: Option<Shard>,
    /// Learn the dictionaries, and do none of the tasks.
    pub dictionaries_only: bool,
}

impl Conduct {
    /// What is done.
    #[must_use]
    pub fn work(self) -> Work {
        match self.shard {
            _ if self.dictionaries_only => Work::Dictionaries,
            Some(shard) => Work::Shard(shard),
            None => Work::All,
        }
    }
}

/// Which parts of each observation are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// The single orders, which the selections and the mean are made of.
    pub singles: bool,
    /// The fusion.
    pub fusion: bool,
}

impl Parts {
    /// What these methods need.
    #[must_use]
    pub fn of(methods: &[Method]) -> Self {
        Self {
            singles: methods.iter().any(|&method| method != Method::VbFusion),
            fusion: methods.contains(&Method::VbFusion),
        }
    }

    /// The wanted keys of an observation.
    pub fn keys(self, keys: &Keys) -> impl Iterator<Item = crate::digest::Digest> + use<> {
        let singles = self.singles.then_some(keys.singles);
        singles
            .into_iter()
            .chain(self.fusion.then_some(keys.fusion))
    }
}

/// An observation for people, in errors and lists.
#[must_use]
pub fn name(cell: &Cell, seed: u64) -> String {
    format!(
        "seed {seed}, {} dB, true order {}",
        cell.snr_db + 0.0,
        cell.true_order
    )
}
