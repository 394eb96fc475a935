//! Scores of estimated signals against true ones, whole and per frame: from files ([`pairing`],
//! [`signals`]) to numbers ([`targets`], [`scorer`], [`means`]), and to text and files ([`text`],
//! [`json`], [`csv`], [`museval`]).

mod csv;
mod json;
mod means;
mod museval;
mod pairing;
mod scorer;
mod signals;
mod targets;
mod text;

pub(crate) use csv::write_csv;
pub(crate) use json::write_json;
pub(crate) use museval::write_museval;
pub(crate) use pairing::{AskedFiles, SetFiles, pair_files};
pub(crate) use scorer::{ScoreSettings, score_sets};
pub(crate) use signals::SignalSet;
pub(crate) use targets::{Framing, ScoredAs};
pub(crate) use text::write_text;
