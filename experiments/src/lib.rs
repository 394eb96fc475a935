//! The experiments as functions from values to values:
//!
//! > [config] -> [corpus] -> dictionaries ([training]) -> [observation] -> estimates ([separation]) -> scores
//! > ([scoring]) -> means ([summary]) -> tables and figures ([presentation], [result_tables], [figure])
//!
//! An experiment is one file that strings these together ([table1]) and one TOML in `configs/`. Files are written in one
//! place ([results_folder]), random numbers come from streams keyed by what they are for (`synth::stream`), and work is
//! spread over cells ([cell]) that do not know of one another: results are the same for any number of threads.

pub mod atomic_file;
pub mod cell;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod corpus;
pub mod dictionary_cache;
pub mod dictionary_file;
pub mod digest;
pub mod figure;
pub mod level;
pub mod manifest;
pub mod method;
pub mod metric;
pub mod observation;
pub mod paper;
pub mod presentation;
pub mod progress;
pub mod realmix;
pub mod result_tables;
pub mod results_folder;
pub mod score;
pub mod scoring;
pub mod separate;
pub mod separation;
pub mod style;
pub mod summary;
pub mod table;
pub mod table1;
pub mod timing;
pub mod train;
pub mod training;
pub mod wav_files;
