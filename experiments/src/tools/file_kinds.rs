//! The files that single commands write, and how this program knows its own.

use crate::store::output::FileKind;

/// Name and version of the program, as its files have it.
pub(crate) const MADE_WITH: &str = concat!("vbnmf ", env!("CARGO_PKG_VERSION"));

/// Dictionaries: a NumPy archive whose first array is the metadata, stored as text.
pub(crate) const DICTIONARIES: FileKind = FileKind {
    name: "a file of dictionaries",
    start: b"PK\x03\x04",
    mark: b"\"format\": \"vb-nmf dictionaries\"",
};

/// The report beside the stems of a recording.
pub(crate) const SEPARATION: FileKind = FileKind {
    name: "a separation.json",
    start: b"{\n  \"made_with\": \"vbnmf ",
    mark: b"\"inputs_sha256\": \"",
};
/// Its name in the folder of the stems.
pub(crate) const SEPARATION_NAME: &str = "separation.json";

/// Scores as JSON.
pub(crate) const SCORES_JSON: FileKind = FileKind {
    name: "a JSON file of scores",
    start: b"{\n  \"made_with\": \"vbnmf ",
    mark: b"\"scored\": \"",
};

/// The columns of scores as CSV.
pub(crate) const SCORES_COLUMNS: [&str; 8] = [
    "target", "estimate", "frame", "time", "duration", "metric", "value_db", "error",
];
/// Scores as CSV.
pub(crate) const SCORES_CSV: FileKind = FileKind {
    name: "a CSV file of scores",
    start: b"target,estimate,frame,time,duration,metric,value_db,error\n",
    mark: b"",
};

/// Scores of BSS Eval version 4, as museval reads them.
pub(crate) const SCORES_MUSEVAL: FileKind = FileKind {
    name: "a museval file",
    start: b"{\n  \"made_with\": \"vbnmf ",
    mark: b"\"targets\": [",
};

/// The page of a run.
pub(crate) const REPORT: FileKind = FileKind {
    name: "a report page",
    start: b"<!DOCTYPE html>",
    mark: b"<meta name=\"generator\" content=\"vbnmf ",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_scores_is_that_of_their_columns() {
        let header = SCORES_COLUMNS.join(",") + "\n";
        assert_eq!(SCORES_CSV.start, header.as_bytes());
        assert!(MADE_WITH.starts_with("vbnmf "));
    }
}
