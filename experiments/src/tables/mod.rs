//! Tables: one row type per CSV file ([`rows`]), which writes it and reads it back ([`csv`],
//! [`recorded`]), and the tables that are read by humans, in Markdown and LaTeX ([`documents`]) and
//! at the end of a run ([`terminal`]).
//!
//! What the paper printed ([`paper`]) and claims ([`claims`]) stands beside a run's own numbers,
//! and [`comparison`] tells two runs apart.

pub(crate) mod caption;
pub(crate) mod claims;
pub(crate) mod comparison;
pub(crate) mod csv;
pub(crate) mod differences;
pub(crate) mod documents;
pub(crate) mod format;
pub(crate) mod paper;
pub(crate) mod recorded;
pub(crate) mod rows;
pub(crate) mod scores;
pub(crate) mod table;
pub(crate) mod terminal;
pub(crate) mod times;
