//! Scores as text to read, and as JSON and CSV for programs.

use anyhow::Result;
use serde_json::{Map, Number, Value, json};

use super::targets::{SpanScores, TargetScores};
use crate::study::scores::{Metric, Score, ScoreError};
use crate::tables::table::Table;

/// How scores are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScoreFormat {
    /// A table of the whole signals' scores, with the reasons of those that are missing.
    Text,
    /// museval's JSON.
    Json,
    /// One row per number.
    Csv,
}

/// Writes scores in a format.
///
/// # Errors
/// Those of the serialiser.
pub(crate) fn format_scores(targets: &[TargetScores], format: ScoreFormat) -> Result<Vec<u8>> {
    match format {
        ScoreFormat::Text => Ok(write_text(targets).into_bytes()),
        ScoreFormat::Json => write_json(targets),
        ScoreFormat::Csv => write_csv(targets),
    }
}

/// The scores of the whole signals, one row per target, and the reasons of those that are missing.
fn write_text(targets: &[TargetScores]) -> String {
    let named = Metric::ALL.map(|metric| format!("{} (dB)", metric.label()));
    let columns = ["target", "estimate"].map(str::to_owned);
    let mut table = Table::new(columns.into_iter().chain(named));
    let mut reasons = String::new();
    for target in targets {
        let scores = Metric::ALL.map(|metric| format_score(target.whole.scores.get(metric)));
        let names = [target.name.clone(), target.estimate.clone()];
        table.push(names.into_iter().chain(scores));
        for metric in Metric::ALL {
            if let Err(error @ ScoreError::Undefined(_)) = target.whole.scores.get(metric) {
                reasons += &format!("{}, {}: {error}\n", target.name, metric.label());
            }
        }
    }
    table.markdown() + &reasons
}

/// The number of whole-signal scores that are not defined.
pub(crate) fn count_missing(targets: &[TargetScores]) -> usize {
    let count = |target: &TargetScores| {
        let is_undefined = |metric: &Metric| {
            matches!(
                target.whole.scores.get(*metric),
                Err(ScoreError::Undefined(_))
            )
        };
        Metric::ALL
            .iter()
            .filter(|metric| is_undefined(metric))
            .count()
    };
    targets.iter().map(count).sum()
}

/// The shape of museval: `{"targets": [{"name", "frames": [{"time", "duration", "metrics"}]}]}`. A
/// score that is not defined, or infinite, is null. Without frames the whole signal is the only
/// one; with frames its scores are under `whole`, which museval does not have.
fn write_json(targets: &[TargetScores]) -> Result<Vec<u8>> {
    let targets: Vec<Value> = targets
        .iter()
        .map(|target| {
            let frames: Vec<Value> = match target.frames.as_slice() {
                [] => vec![span_to_json(&target.whole)],
                frames => frames.iter().map(span_to_json).collect(),
            };
            json!({
                "name": target.name,
                "estimate": target.estimate,
                "frames": frames,
                "whole": span_to_json(&target.whole),
            })
        })
        .collect();
    let mut bytes = serde_json::to_vec_pretty(&json!({ "targets": targets }))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn span_to_json(span: &SpanScores) -> Value {
    let metric = |metric: Metric| {
        let score = span.scores.get(metric).as_ref().ok();
        let number = score.and_then(|&db| Number::from_f64(db));
        (
            metric.label().to_owned(),
            number.map_or(Value::Null, Value::Number),
        )
    };
    let metrics: Map<String, Value> = Metric::ALL.map(metric).into_iter().collect();
    json!({ "time": span.time, "duration": span.duration, "metrics": metrics })
}

/// `frame` is empty for the whole signals.
fn write_csv(targets: &[TargetScores]) -> Result<Vec<u8>> {
    let mut table = Table::new([
        "target", "estimate", "frame", "time", "duration", "metric", "value_db", "error",
    ]);
    for target in targets {
        let frames = target.frames.iter().enumerate();
        let frames = frames.map(|(index, frame)| (index.to_string(), frame));
        for (frame, span) in [(String::new(), &target.whole)].into_iter().chain(frames) {
            for metric in Metric::ALL {
                let score = span.scores.get(metric);
                table.push([
                    target.name.clone(),
                    target.estimate.clone(),
                    frame.clone(),
                    span.time.to_string(),
                    span.duration.to_string(),
                    metric.name().to_owned(),
                    score.as_ref().map(ToString::to_string).unwrap_or_default(),
                    score
                        .as_ref()
                        .err()
                        .map(ToString::to_string)
                        .unwrap_or_default(),
                ]);
            }
        }
    }
    table.csv()
}

fn format_score(score: &Score) -> String {
    match score {
        Ok(db) => format!("{db:.2}"),
        Err(ScoreError::Infinite) => "inf".to_owned(),
        Err(ScoreError::MinusInfinite) => "-inf".to_owned(),
        Err(_) => "-".to_owned(),
    }
}
