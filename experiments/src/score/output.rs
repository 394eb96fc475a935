//! Scores for people and for programs.

use anyhow::Result;
use serde_json::{Map, Number, Value, json};

use super::{SpanScores, TargetScores};
use crate::metric::Metric;
use crate::scoring::{Score, ScoreError};
use crate::table::Table;

/// The whole signals' scores, one row per target, and the reasons of those that are missing.
#[must_use]
pub fn terminal(targets: &[TargetScores]) -> String {
    let named = Metric::ALL.map(|metric| format!("{} (dB)", label(metric)));
    let columns = ["target", "estimate"].map(str::to_owned);
    let mut table = Table::new(columns.into_iter().chain(named));
    let mut reasons = String::new();
    for target in targets {
        let scores = Metric::ALL.map(|metric| written(target.whole.scores.get(metric)));
        let names = [target.name.clone(), target.estimate.clone()];
        table.push(names.into_iter().chain(scores));
        for metric in Metric::ALL {
            if let Err(error @ ScoreError::Undefined(_)) = target.whole.scores.get(metric) {
                reasons += &format!("{}, {}: {error}\n", target.name, label(metric));
            }
        }
    }
    table.markdown() + &reasons
}

/// Whole-signal scores that are missing.
#[must_use]
pub fn missing(targets: &[TargetScores]) -> usize {
    let undefined = |target: &TargetScores| {
        let of = |metric: &Metric| {
            matches!(
                target.whole.scores.get(*metric),
                Err(ScoreError::Undefined(_))
            )
        };
        Metric::ALL.iter().filter(|metric| of(metric)).count()
    };
    targets.iter().map(undefined).sum()
}

/// The shape of museval: `{"targets": [{"name", "frames": [{"time", "duration", "metrics"}]}]}`. A score that is not
/// defined, or infinite, is null. Without frames the whole signal is the only one; with frames its scores are under
/// `whole`, which museval does not have.
///
/// # Errors
/// None in practice.
pub fn museval(targets: &[TargetScores]) -> Result<Vec<u8>> {
    let targets: Vec<Value> = targets
        .iter()
        .map(|target| {
            let frames: Vec<Value> = match target.frames.as_slice() {
                [] => vec![span(&target.whole)],
                frames => frames.iter().map(span).collect(),
            };
            json!({
                "name": target.name,
                "estimate": target.estimate,
                "frames": frames,
                "whole": span(&target.whole),
            })
        })
        .collect();
    let mut bytes = serde_json::to_vec_pretty(&json!({ "targets": targets }))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn span(span: &SpanScores) -> Value {
    let metric = |metric: Metric| {
        let score = span.scores.get(metric).as_ref().ok();
        let number = score.and_then(|&db| Number::from_f64(db));
        (
            label(metric).to_owned(),
            number.map_or(Value::Null, Value::Number),
        )
    };
    let metrics: Map<String, Value> = Metric::ALL.map(metric).into_iter().collect();
    json!({ "time": span.time, "duration": span.duration, "metrics": metrics })
}

/// One row per number. `frame` is empty for the whole signals.
///
/// # Errors
/// None in practice.
pub fn csv(targets: &[TargetScores]) -> Result<Vec<u8>> {
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
                    metric.to_string(),
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

/// The metric's name as museval writes it.
fn label(metric: Metric) -> &'static str {
    match metric {
        Metric::Sdr => "SDR",
        Metric::Sir => "SIR",
        Metric::Sar => "SAR",
        Metric::PlainSdr => "plain SDR",
        Metric::SiSdr => "SI-SDR",
    }
}

fn written(score: &Score) -> String {
    match score {
        Ok(db) => format!("{db:.2}"),
        Err(ScoreError::Infinite) => "inf".to_owned(),
        Err(ScoreError::MinusInfinite) => "-inf".to_owned(),
        Err(_) => "-".to_owned(),
    }
}
