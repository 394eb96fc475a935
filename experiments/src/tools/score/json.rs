//! Scores as JSON. All numbers are in dB, under keys that say what they are: the SDR, SIR and SAR
//! are those of BSS Eval version 3, never under the names that version 4 has in other programs.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use super::means::average_pairs;
use super::targets::{Quantity, ScoreSheet, ScoredAs, SpanScores, TargetScore};
use crate::tools::file_kinds::MADE_WITH;

#[derive(Serialize)]
struct SheetJson<'a> {
    made_with: &'a str,
    scored: &'a str,
    unit: &'a str,
    targets: Vec<TargetJson<'a>>,
    /// Of pairs only.
    #[serde(skip_serializing_if = "Option::is_none")]
    means: Option<BTreeMap<String, MeanJson>>,
}

#[derive(Serialize)]
struct TargetJson<'a> {
    name: &'a str,
    estimate: &'a str,
    whole: SpanJson,
    frames: Vec<SpanJson>,
}

#[derive(Serialize)]
struct SpanJson {
    time: f64,
    duration: f64,
    metrics: BTreeMap<String, Option<f64>>,
    /// Why a number is null.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    missing: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct MeanJson {
    mean: Option<f64>,
    /// 95 %; null with fewer than two pairs.
    low: Option<f64>,
    high: Option<f64>,
    interval: Option<&'static str>,
    pairs: usize,
}

/// All numbers of a sheet.
///
/// # Errors
/// Those of the serialiser.
pub(crate) fn write_json(sheet: &ScoreSheet) -> Result<Vec<u8>> {
    let span = |span: &SpanScores| span_to_json(&sheet.quantities, span);
    let targets = sheet.targets().map(|target| TargetJson {
        name: &target.name,
        estimate: &target.estimate,
        whole: span(&target.whole),
        frames: target.frames.iter().map(span).collect(),
    });
    let json = SheetJson {
        made_with: MADE_WITH,
        scored: match sheet.scored_as {
            ScoredAs::Sources => "sources of one mixture",
            ScoredAs::Pairs => "independent pairs",
        },
        unit: "dB",
        targets: targets.collect(),
        means: (sheet.scored_as == ScoredAs::Pairs).then(|| means_to_json(sheet)),
    };
    let mut bytes = serde_json::to_vec_pretty(&json)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn span_to_json(quantities: &[Quantity], span: &SpanScores) -> SpanJson {
    let scores = || quantities.iter().zip(&span.scores);
    let missing = |(quantity, score): (&Quantity, &TargetScore)| {
        let reason = score.as_ref().err()?;
        Some((quantity.key(), reason.to_string()))
    };
    SpanJson {
        time: span.time,
        duration: span.duration,
        metrics: scores()
            .map(|(quantity, score)| (quantity.key(), score.as_ref().ok().copied()))
            .collect(),
        missing: scores().filter_map(missing).collect(),
    }
}

fn means_to_json(sheet: &ScoreSheet) -> BTreeMap<String, MeanJson> {
    let means = average_pairs(sheet).into_iter().map(|mean| {
        let interval = mean.interval.as_ref();
        let json = MeanJson {
            mean: mean.mean_db,
            low: interval.map(|(interval, _)| interval.low),
            high: interval.map(|(interval, _)| interval.high),
            interval: interval.map(|(_, kind)| kind.name()),
            pairs: mean.count,
        };
        (mean.quantity.key(), json)
    });
    means.collect()
}
