//! The experiments as functions from values to values:
//!
//! > [config] -> [corpus] -> dictionaries ([training]) -> [observation] -> estimates ([separation]) -> scores
//! > ([scoring]) -> means ([summary]) -> tables and figures ([presentation], [result_tables], figures)
//! >
//! > results folder -> values ([recorded]) -> the paper's claims ([claims]), a page ([report]), a comparison ([comparison])
//!
//! An experiment is one file that strings these together ([table1], [sweep], [realmix]) and one TOML in `configs/`. What
//! it consists of are independent [tasks], whose results are kept on disk one by one ([durable]), so that a run can be
//! stopped, resumed or spread over machines and put together again ([merge]). Files are written in one place ([results_folder]), random
//! numbers come from streams keyed by what they are for (`synth::stream`), and work is spread over cells ([cell]) that do
//! not know of one another: results are the same for any number of threads.

pub mod atomic_file;
pub mod cell;
pub mod claims;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod comparison;
pub mod config;
pub mod corpus;
pub mod dictionary_cache;
pub mod digest;
pub mod durable;
pub mod examples;
pub(crate) mod figures;
pub mod interrupt;
pub mod level;
pub mod manifest;
pub mod merge;
pub mod method;
pub mod metric;
pub mod normalisation;
pub mod observation;
pub(crate) mod output;
pub mod paper;
pub mod presentation;
pub mod progress;
pub mod realmix;
pub mod recorded;
pub mod refused;
pub mod report;
pub mod result_tables;
pub mod results_folder;
pub mod revision;
pub mod scoring;
pub mod separation;
pub mod summary;
pub mod sweep;
pub mod table;
pub mod table1;
pub mod tasks;
pub mod timing;
pub(crate) mod tools;
pub mod training;

pub use tools::dictionary_file::{DictionaryFile, Metadata};
