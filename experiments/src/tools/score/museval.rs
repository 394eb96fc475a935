//! Scores of BSS Eval version 4 in the file that museval writes of a track, for its aggregator.

use std::ops::Range;

use anyhow::{Result, anyhow};
use eval::{BssEvalImages, BssEvalSettings, ImageScores, MetricError};
use rayon::prelude::*;

use super::pairing::SetFiles;
use super::signals::{Signal, SignalSet};
use crate::tools::file_kinds::MADE_WITH;

/// Length of a window and distance of two, as in museval's campaigns.
const WINDOW_SECONDS: f64 = 1.0;

/// Scores the images of the sources of one mixture in windows of a second.
///
/// What has no number, or an infinite one, is written as `NaN`, as museval does. That is no JSON to
/// the letter, but null would make a column of its tables something that it takes no median of.
///
/// # Errors
/// Images of which there are no scores.
pub(crate) fn write_museval(set: &SignalSet, files: &SetFiles) -> Result<Vec<u8>> {
    let references = borrow_channels(&set.references);
    let estimates = borrow_channels(&set.estimates);
    let [references, estimates] = [&references, &estimates]
        .map(|images| images.iter().map(Vec::as_slice).collect::<Vec<&[&[f64]]>>());
    let images = BssEvalImages::new(&references, &estimates, &BssEvalSettings::default())
        .map_err(|error| anyhow!("--museval: {}", explain(&error, files)))?;
    let window = (WINDOW_SECONDS * f64::from(set.sample_rate_hz)) as usize;
    let scores: Vec<Option<Vec<ImageScores>>> = cut_windows(set.samples(), window)
        .into_par_iter()
        .map(|window| images.score_window(window).ok())
        .collect();

    let mut targets = Vec::with_capacity(files.names.len());
    for (source, name) in files.names.iter().enumerate() {
        let frames = scores.iter().enumerate().map(|(index, scores)| {
            write_frame(index, scores.as_ref().map(|scores| scores[source]))
        });
        targets.push(format!(
            "    {{\n      \"name\": {},\n      \"frames\": [\n{}\n      ]\n    }}",
            serde_json::to_string(name)?,
            frames.collect::<Vec<String>>().join(",\n")
        ));
    }
    let text = format!(
        "{{\n  \"made_with\": {},\n  \"metrics\": \"BSS Eval v4\",\n\
         \x20 \"targets\": [\n{}\n  ]\n}}\n",
        serde_json::to_string(MADE_WITH)?,
        targets.join(",\n")
    );
    Ok(text.into_bytes())
}

fn borrow_channels(signals: &[Signal]) -> Vec<Vec<&[f64]>> {
    signals
        .iter()
        .map(|signal| signal.channels.iter().map(Vec::as_slice).collect())
        .collect()
}

/// The full windows of signals that are longer than one, else all there is.
fn cut_windows(samples: usize, window: usize) -> Vec<Range<usize>> {
    let (count, length) = match window == 0 || window >= samples {
        true => (1, samples),
        false => (samples / window, window),
    };
    let starts = (0..count).map(|index| index * length);
    starts.map(|start| start..start + length).collect()
}

fn write_frame(index: usize, scores: Option<ImageScores>) -> String {
    let number = |ratio: fn(ImageScores) -> f64| match scores.map(ratio) {
        Some(db) if db.is_finite() => format!("{db:?}"),
        _ => "NaN".to_owned(),
    };
    let metrics = [
        ("SDR", number(|scores| scores.sdr_db)),
        ("SIR", number(|scores| scores.sir_db)),
        ("SAR", number(|scores| scores.sar_db)),
        ("ISR", number(|scores| scores.isr_db)),
    ];
    let metrics = metrics.map(|(name, number)| format!("            \"{name}\": {number}"));
    format!(
        "        {{\n          \"time\": {:?},\n          \"duration\": {WINDOW_SECONDS:?},\n\
         \x20         \"metrics\": {{\n{}\n          }}\n        }}",
        index as f64 * WINDOW_SECONDS,
        metrics.join(",\n")
    )
}

/// What the metric says, with the file's name.
fn explain(error: &MetricError, files: &SetFiles) -> String {
    match error {
        MetricError::SilentReference { index } => {
            format!("{} is silent", files.references[*index].display())
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_those_of_museval() {
        let cut = |samples| -> Vec<(usize, usize)> {
            let windows = cut_windows(samples, 4).into_iter();
            windows.map(|window| (window.start, window.end)).collect()
        };
        assert_eq!(cut(10), [(0, 4), (4, 8)]);
        assert_eq!(cut(7), [(0, 4)]);
        assert_eq!(cut(4), [(0, 4)]);
        assert_eq!(cut(3), [(0, 3)]);
    }
}
