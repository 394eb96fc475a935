//! The runner of the experiments: the only crate of the workspace that reads clocks, the terminal
//! and files (audio aside).
//!
//! A *study* is a list of *trials*; a trial is one mixture and the estimates of its speech: the
//! mixture as it is, each single order, and what each *method* chooses or makes of them, with their
//! scores.
//!
//! > configuration (`config`) -> corpus (`corpus`) -> dictionaries, mixtures, estimates, scores
//! > (`study`) -> means and tables (`study::statistics`, `tables`), figures (`figures`), a page
//! > (`report`)
//!
//! What is finished is kept on disk (`store`), so that a run can be stopped, goes on, and can be
//! spread over machines. `tools` are the commands that work on recordings of one's own, `cli` asks
//! for all of it. Random numbers come from streams keyed by what they are for (`synth::stream`),
//! and sums run in a fixed order: results are the same for any number of threads.
//!
//! The modules are private. What is here is for the program itself, the examples and the fuzz
//! targets.

mod cli;
mod clock;
mod config;
mod corpus;
mod figures;
mod interrupt;
mod progress;
mod report;
mod store;
mod study;
mod tables;
mod tools;

pub use cli::run;
pub use corpus::{Corpus, Split, split};
pub use tools::dictionary_file::{DictionaryFile, Metadata};

/// Readers of what is on disk, as the fuzz targets call them: whatever the bytes are, they do not
/// panic, and what they read can be written and read again.
pub mod readers {
    use model::Dictionary;

    use crate::config::{MixtureSource, Sources, Sweep, resolve};
    use crate::store::records::{Contents, Record};
    use crate::store::sealed::seal;
    use crate::study::design::Study;
    use crate::study::dictionaries::cache;
    use crate::study::estimate::Estimate;

    /// Most points of a sweep that are laid out: those of a larger one take long.
    const MOST_POINTS: usize = 100;

    /// A configuration file, with a `--set`, as it is recorded; none if it is not valid. That it
    /// cannot be recorded must not happen.
    pub fn config(text: &str, option: Option<&str>) -> Option<Result<String, toml::ser::Error>> {
        let sources = Sources {
            set: option.map(str::to_owned).into_iter().collect(),
            ..Sources::default()
        };
        let config = resolve("fuzzed.toml", text, &sources).ok()?;
        let points = config.sweep.as_ref().map_or(1, Sweep::points);
        if config.mixtures.source == MixtureSource::Drawn && points <= MOST_POINTS {
            // A value of an axis may be one that its key does not allow.
            let _ = Study::new(&config);
        }
        Some(toml::to_string(&config))
    }

    /// The sound records of a file, written again in the order of their keys.
    pub fn records(bytes: &[u8]) -> Vec<u8> {
        let contents = Contents::<Vec<Estimate>>::parse(bytes);
        let mut outcomes: Vec<_> = contents.outcomes.into_iter().collect();
        outcomes.sort_by_key(|(key, _)| *key);
        let lines = outcomes.into_iter().filter_map(|(key, outcome)| {
            let record = Record { key, outcome };
            seal(&record).ok()
        });
        lines.flatten().collect()
    }

    /// An entry of the cache of dictionaries.
    pub fn cached_dictionary(bytes: &[u8]) -> Option<Dictionary> {
        cache::decode(bytes)
    }
}
