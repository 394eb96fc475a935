//! Scores as text to read.

use std::collections::BTreeMap;

use super::means::average_pairs;
use super::targets::{Missing, ScoreSheet, ScoredAs, TargetScore, TargetScores};
use crate::tables::table::Table;

/// What is scored, a row for each target, the means over pairs, what is said of frames, and the
/// reasons of scores that are missing.
pub(crate) fn write_text(sheet: &ScoreSheet) -> String {
    let mut text = describe_sets(sheet) + &tabulate_targets(sheet);
    if sheet.scored_as == ScoredAs::Pairs {
        text += "\n";
        text += &tabulate_means(sheet);
    }
    text + &describe_frames(sheet) + &list_reasons(sheet)
}

fn describe_sets(sheet: &ScoreSheet) -> String {
    match (sheet.scored_as, sheet.sets.len()) {
        (ScoredAs::Sources, _) => {
            let sources = sheet.targets().count();
            let channels = "each channel of each file is a target";
            match sources {
                1 => "Scored: one source. --pairs is for independent files.\n\n".to_owned(),
                _ => format!(
                    "Scored: {sources} targets as the sources of one mixture ({channels}): what is \
                     of another\ncounts as interference. --pairs scores independent files.\n\n"
                ),
            }
        }
        (ScoredAs::Pairs, 1) => {
            "Scored: 1 pair. --sources scores the sources of one mixture.\n\n".to_owned()
        }
        (ScoredAs::Pairs, pairs) => format!(
            "Scored: {pairs} independent pairs. --sources scores the sources of one mixture.\n\n"
        ),
    }
}

fn tabulate_targets(sheet: &ScoreSheet) -> String {
    let quantities = sheet.quantities.iter();
    let named = quantities.map(|quantity| format!("{} (dB)", quantity.label()));
    let columns = ["target", "estimate"].map(str::to_owned);
    let mut table = Table::new(columns.into_iter().chain(named));
    for target in sheet.targets() {
        let names = [target.name.clone(), target.estimate.clone()];
        table.push(
            names
                .into_iter()
                .chain(target.whole.scores.iter().map(format_score)),
        );
    }
    table.markdown()
}

fn tabulate_means(sheet: &ScoreSheet) -> String {
    let mut table = Table::new(["mean over pairs", "dB", "95 % interval", "pairs"]);
    for mean in average_pairs(sheet) {
        let interval = mean.interval.map_or_else(
            || "-".to_owned(),
            |(interval, kind)| {
                format!(
                    "{:.2} to {:.2} ({})",
                    interval.low,
                    interval.high,
                    kind.name()
                )
            },
        );
        table.push([
            mean.quantity.label(),
            mean.mean_db
                .map_or_else(|| "-".to_owned(), |mean| format!("{mean:.2}")),
            interval,
            format!("{} of {}", mean.count, sheet.sets.len()),
        ]);
    }
    table.markdown()
}

/// How many frames have a score, where some have none.
fn describe_frames(sheet: &ScoreSheet) -> String {
    let mut text = String::new();
    for target in sheet.targets() {
        for (index, quantity) in sheet.quantities.iter().enumerate() {
            let scores = || target.frames.iter().map(|frame| &frame.scores[index]);
            let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
            for score in scores() {
                if let Err(Missing::Undefined(reason)) = score {
                    *reasons.entry(reason).or_default() += 1;
                }
            }
            let missing: usize = reasons.values().sum();
            if missing == 0 {
                continue;
            }
            let all = target.frames.len();
            let reasons: Vec<String> = reasons
                .into_iter()
                .map(|(reason, count)| format!("{count}: {reason}"))
                .collect();
            text += &format!(
                "{}, {}: {missing} of {all} frames have none ({})\n",
                target.name,
                quantity.label(),
                reasons.join("; ")
            );
        }
    }
    text
}

fn list_reasons(sheet: &ScoreSheet) -> String {
    let reasons = |target: &TargetScores| -> String {
        let scores = sheet.quantities.iter().zip(&target.whole.scores);
        let lines = scores.filter_map(|(quantity, score)| match score {
            Err(missing @ (Missing::NoInterference | Missing::Undefined(_))) => Some(format!(
                "{}, {}: {missing}\n",
                target.name,
                quantity.label()
            )),
            Ok(_) | Err(Missing::Infinite | Missing::MinusInfinite) => None,
        });
        lines.collect()
    };
    sheet.targets().map(reasons).collect()
}

fn format_score(score: &TargetScore) -> String {
    match score {
        Ok(db) => format!("{db:.2}"),
        Err(Missing::Infinite) => "inf".to_owned(),
        Err(Missing::MinusInfinite) => "-inf".to_owned(),
        Err(Missing::NoInterference | Missing::Undefined(_)) => "-".to_owned(),
    }
}
