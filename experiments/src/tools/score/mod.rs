//! Scores of estimated signals against true ones, whole and per frame: from WAV files ([`signals`])
//! to numbers ([`targets`]), and to text and files ([`output`]).
//!
//! Frames are those of `bss_eval_sources_framewise` of mir_eval: each has distortion filters of its
//! own, as BSS Eval version 3 has it, and only full frames count. Files of several channels are
//! scored channel by channel.

mod output;
mod signals;
mod targets;

use std::ops::Range;

use anyhow::{Result, ensure};
use eval::{BssEval, BssEvalSettings, bss_eval_sources};
use rayon::prelude::*;

use crate::store::refused::Refused;
use crate::study::scores::Scores;

pub(crate) use output::{ScoreFormat, count_missing, format_scores};
pub(crate) use signals::SignalSet;
pub(crate) use targets::{Framing, SpanScores, TargetScores};

/// Scores every estimate of a set. The result has every channel of the first source, then of the
/// second, and so on.
///
/// With `permute`, estimates are matched with references by the greatest mean SIR of each channel's
/// whole signals, and keep that place in the frames.
///
/// # Errors
/// [`Refused`] for frames that are longer than the signals or shorter than a sample. Signals that
/// cannot be permuted. A score that is not defined is part of the result.
pub(crate) fn score_set(
    set: &SignalSet,
    permute: bool,
    framing: Option<Framing>,
) -> Result<Vec<TargetScores>> {
    let samples = set.samples();
    let spans = framing.map_or(Ok(Vec::new()), |framing| {
        cut_frames(framing, samples, set.sample_rate_hz)
    })?;
    let channels: Vec<Vec<TargetScores>> = (0..set.channels())
        .map(|channel| score_channel(set, channel, permute, &spans))
        .collect::<Result<_>>()?;
    let sources = set.references.len();
    Ok((0..sources)
        .flat_map(|source| channels.iter().map(move |scored| scored[source].clone()))
        .collect())
}

fn score_channel(
    set: &SignalSet,
    channel: usize,
    permute: bool,
    spans: &[Range<usize>],
) -> Result<Vec<TargetScores>> {
    let references: Vec<&[f64]> = set.references.iter().map(|s| s.channel(channel)).collect();
    let estimates: Vec<&[f64]> = set.estimates.iter().map(|s| s.channel(channel)).collect();
    let order = if permute {
        bss_eval_sources(&references, &estimates, true)?.permutation
    } else {
        (0..references.len()).collect()
    };
    let estimates: Vec<&[f64]> = order.iter().map(|&index| estimates[index]).collect();
    let score_span = |span: Range<usize>| -> Vec<SpanScores> {
        let cut = |signals: &[&'_ [f64]]| -> Vec<Vec<f64>> {
            signals.iter().map(|s| s[span.clone()].to_vec()).collect()
        };
        let seconds = |samples: usize| samples as f64 / f64::from(set.sample_rate_hz);
        score_estimates(&cut(&references), &cut(&estimates))
            .into_iter()
            .map(|scores| SpanScores {
                time: seconds(span.start),
                duration: seconds(span.len()),
                scores,
            })
            .collect()
    };
    let whole = score_span(0..set.samples());
    let framed: Vec<Vec<SpanScores>> = spans.par_iter().cloned().map(score_span).collect();
    let several = set.channels() > 1;
    Ok(whole
        .into_iter()
        .enumerate()
        .map(|(source, whole)| TargetScores {
            name: match several {
                true => format!("{}.{}", set.references[source].name, channel + 1),
                false => set.references[source].name.clone(),
            },
            estimate: set.estimates[order[source]].name.clone(),
            whole,
            frames: framed.iter().map(|frame| frame[source].clone()).collect(),
        })
        .collect())
}

/// Scores estimate j against reference j; all are equally long.
fn score_estimates(references: &[Vec<f64>], estimates: &[Vec<f64>]) -> Vec<Scores> {
    let slices: Vec<&[f64]> = references.iter().map(Vec::as_slice).collect();
    let bss_eval = BssEval::new(&slices, &BssEvalSettings::default());
    references
        .iter()
        .zip(estimates)
        .enumerate()
        .map(|(target, (reference, estimate))| {
            let bss = match &bss_eval {
                Ok(bss_eval) => bss_eval.score(estimate, target),
                Err(error) => Err(error.clone()),
            };
            Scores::new(&bss, reference, estimate)
        })
        .collect()
}

/// The full frames of signals of `samples` samples.
fn cut_frames(framing: Framing, samples: usize, sample_rate_hz: u32) -> Result<Vec<Range<usize>>> {
    let in_samples = |name: &str, seconds: f64| -> Result<usize> {
        let count = seconds * f64::from(sample_rate_hz);
        ensure!(
            count >= 1.0 && count.is_finite(),
            Refused(format!(
                "--{name} {seconds}: must be at least one sample, 1/{sample_rate_hz} s"
            ))
        );
        Ok(count as usize)
    };
    let window = in_samples("window", framing.window_seconds)?;
    let hop = in_samples("hop", framing.hop_seconds)?;
    ensure!(
        window <= samples,
        Refused(format!(
            "--window {}: is longer than the signals of {} s",
            framing.window_seconds,
            samples as f64 / f64::from(sample_rate_hz)
        ))
    );
    let count = (samples - window) / hop + 1;
    Ok((0..count)
        .map(|index| index * hop..index * hop + window)
        .collect())
}
