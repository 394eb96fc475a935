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

/// Readers of what is on disk, as the fuzz targets call them: whatever the bytes are, they say
/// whether they could be read, and do not panic.
pub mod readers {
    use std::io::Cursor;

    use crate::config::{Sources, resolve};
    use crate::store::records::Contents;
    use crate::study::dictionaries::cache;
    use crate::study::estimate::Estimate;
    use crate::tools::dictionary_file::DictionaryFile;

    /// A configuration file.
    pub fn config(text: &str) -> bool {
        resolve("fuzzed.toml", text, &Sources::default()).is_ok()
    }

    /// A file of records, all of them sound.
    pub fn records(bytes: &[u8]) -> bool {
        let contents = Contents::<Vec<Estimate>>::parse(bytes);
        contents.damage("records".as_ref()).is_none()
    }

    /// An entry of the cache of dictionaries.
    pub fn cached_dictionary(bytes: &[u8]) -> bool {
        cache::decode(bytes).is_some()
    }

    /// A file of dictionaries, as `train` writes it.
    pub fn dictionary_file(bytes: &[u8]) -> bool {
        DictionaryFile::decode(Cursor::new(bytes)).is_ok()
    }
}
