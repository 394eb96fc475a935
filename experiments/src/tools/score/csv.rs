//! Scores as CSV, one row per number.

use anyhow::Result;

use super::targets::{ScoreSheet, SpanScores};
use crate::tables::table::Table;
use crate::tools::file_kinds::SCORES_COLUMNS;

/// All numbers of a sheet; `frame` is empty for the whole signals.
///
/// # Errors
/// Those of the CSV writer.
pub(crate) fn write_csv(sheet: &ScoreSheet) -> Result<Vec<u8>> {
    let mut table = Table::new(SCORES_COLUMNS);
    for target in sheet.targets() {
        let frames = target.frames.iter().enumerate();
        let frames = frames.map(|(index, frame)| (index.to_string(), frame));
        for (frame, span) in [(String::new(), &target.whole)].into_iter().chain(frames) {
            let SpanScores {
                time,
                duration,
                scores,
            } = span;
            for (quantity, score) in sheet.quantities.iter().zip(scores) {
                let error = score.as_ref().err().map(ToString::to_string);
                table.push([
                    target.name.clone(),
                    target.estimate.clone(),
                    frame.clone(),
                    time.to_string(),
                    duration.to_string(),
                    quantity.column(),
                    score.as_ref().map(ToString::to_string).unwrap_or_default(),
                    error.unwrap_or_default(),
                ]);
            }
        }
    }
    table.csv()
}
