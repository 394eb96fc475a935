//! The scores of sets of signals.
//!
//! Frames are those of `bss_eval_sources_framewise` of mir_eval: each has distortion filters of its
//! own, as BSS Eval version 3 has it, and only full frames count. Files of several channels are
//! scored channel by channel.

use std::ops::Range;

use anyhow::{Result, anyhow, ensure};
use eval::{BssEval, BssEvalSettings, MetricError, bss_eval_sources, si_sdr};
use rayon::ThreadPool;
use rayon::prelude::*;

use super::pairing::SetFiles;
use super::signals::{Signal, SignalSet};
use super::targets::{
    Framing, Missing, Quantity, ScoreSheet, ScoredAs, SpanScores, TargetScore, TargetScores,
};
use crate::progress::Progress;
use crate::store::refused::{Refused, join_errors};
use crate::study::scores::{Metric, ScoreError, Scores};
use crate::tools::work_queue::work_through;

/// How sets are scored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ScoreSettings {
    pub(crate) scored_as: ScoredAs,
    /// Whether estimates are matched with references by the greatest mean SIR of each channel's
    /// whole signals; they keep that place in the frames.
    pub(crate) permute: bool,
    pub(crate) framing: Option<Framing>,
}

/// Scores every set, as many at a time as there are threads. Of a set, the result has every channel
/// of the first source, then of the second, and so on.
///
/// `loaded`: the signals of the only set, where they have been read already.
///
/// # Errors
/// All files that cannot be read; [`Refused`] for files that do not go together, and for frames
/// that are longer than the signals or shorter than a sample; signals that cannot be permuted. A
/// score that is not defined is part of the result.
pub(crate) fn score_sets(
    sets: &[SetFiles],
    loaded: Option<&SignalSet>,
    settings: &ScoreSettings,
    pool: &ThreadPool,
    progress: Progress,
) -> Result<ScoreSheet> {
    let with_mixture = sets.iter().any(|set| set.mixture.is_some());
    let quantities = Quantity::list(settings.scored_as, with_mixture);
    let stage = (sets.len() > 1).then(|| progress.stage("scoring", sets.len()));
    let results = work_through(pool, sets, |files| {
        let read;
        let set = match loaded {
            Some(set) => set,
            None => {
                read = SignalSet::read(files)?;
                &read
            }
        };
        let scored = score_set(set, files, settings, &quantities)?;
        if let Some(stage) = &stage {
            stage.step();
        }
        Ok(scored)
    });
    if let Some(stage) = stage {
        stage.finish();
    }
    let mut scored = Vec::with_capacity(sets.len());
    let mut errors = Vec::new();
    for result in results {
        match result {
            Ok(targets) => scored.push(targets),
            Err(error) => errors.push(error),
        }
    }
    join_errors(errors)?;
    Ok(ScoreSheet {
        scored_as: settings.scored_as,
        quantities,
        sets: scored,
    })
}

fn score_set(
    set: &SignalSet,
    files: &SetFiles,
    settings: &ScoreSettings,
    quantities: &[Quantity],
) -> Result<Vec<TargetScores>> {
    let spans = settings.framing.map_or(Ok(Vec::new()), |framing| {
        cut_frames(framing, set.samples(), set.sample_rate_hz)
    })?;
    let channels = (0..set.channels())
        .map(|channel| {
            let channel = Channel {
                set,
                index: channel,
                quantities,
            };
            channel.score(files, settings.permute, &spans)
        })
        .collect::<Result<Vec<Vec<TargetScores>>>>()?;
    let sources = 0..set.references.len();
    let targets = sources.flat_map(|source| channels.iter().map(move |scored| &scored[source]));
    Ok(targets.cloned().collect())
}

/// One channel of a set of signals.
struct Channel<'a> {
    set: &'a SignalSet,
    index: usize,
    quantities: &'a [Quantity],
}

impl Channel<'_> {
    fn score(
        &self,
        files: &SetFiles,
        permute: bool,
        spans: &[Range<usize>],
    ) -> Result<Vec<TargetScores>> {
        let order = self.find_order(permute)?;
        let whole = self.score_span(&order, 0..self.set.samples());
        let frames: Vec<Vec<SpanScores>> = spans
            .par_iter()
            .map(|span| self.score_span(&order, span.clone()))
            .collect();
        let targets = whole.into_iter().enumerate().map(|(source, whole)| {
            let name = &files.names[source];
            TargetScores {
                name: match self.set.channels() {
                    1 => name.clone(),
                    _ => format!("{name}.{}", self.index + 1),
                },
                estimate: name_file(&self.set.estimates[order[source]]),
                whole,
                frames: frames.iter().map(|frame| frame[source].clone()).collect(),
            }
        });
        Ok(targets.collect())
    }

    /// The index of the estimate of each reference.
    fn find_order(&self, permute: bool) -> Result<Vec<usize>> {
        if !permute {
            return Ok((0..self.set.references.len()).collect());
        }
        let [references, estimates] = [&self.set.references, &self.set.estimates].map(|signals| {
            signals
                .iter()
                .map(|signal| self.samples(signal))
                .collect::<Vec<_>>()
        });
        let scores = bss_eval_sources(&references, &estimates, true).map_err(|error| {
            let silent = self
                .set
                .estimates
                .iter()
                .find(|estimate| self.samples(estimate).iter().all(|&sample| sample == 0.0));
            anyhow!("--permute: {}", self.explain(&error, 0, silent))
        })?;
        Ok(scores.permutation)
    }

    /// The scores of all sources in a span.
    fn score_span(&self, order: &[usize], span: Range<usize>) -> Vec<SpanScores> {
        let references: Vec<&[f64]> = self
            .set
            .references
            .iter()
            .map(|signal| &self.samples(signal)[span.clone()])
            .collect();
        let bss_eval = BssEval::new(&references, &BssEvalSettings::default());
        let seconds = |samples: usize| samples as f64 / f64::from(self.set.sample_rate_hz);
        let score = |target: usize| {
            let scores = self.score_target(&bss_eval, &references, target, order[target], &span);
            SpanScores {
                time: seconds(span.start),
                duration: seconds(span.len()),
                scores,
            }
        };
        (0..references.len()).map(score).collect()
    }

    fn score_target(
        &self,
        bss_eval: &Result<BssEval, MetricError>,
        references: &[&[f64]],
        target: usize,
        estimate: usize,
        span: &Range<usize>,
    ) -> Vec<TargetScore> {
        let reference = references[target];
        let estimate = &self.set.estimates[estimate];
        let bss = match bss_eval {
            Ok(bss_eval) => bss_eval.score(&self.samples(estimate)[span.clone()], target),
            Err(error) => Err(error.clone()),
        };
        let scores = Scores::new(&bss, reference, &self.samples(estimate)[span.clone()]);
        let of_estimate = |metric: Metric| -> TargetScore {
            let of_bss = matches!(metric, Metric::Sdr | Metric::Sir | Metric::Sar);
            // The other metrics see one reference only, under the index 0.
            let offset = if of_bss { 0 } else { target };
            scores.get(metric).clone().map_err(|error| match error {
                ScoreError::Infinite if metric == Metric::Sir && references.len() == 1 => {
                    Missing::NoInterference
                }
                ScoreError::Infinite => Missing::Infinite,
                ScoreError::MinusInfinite => Missing::MinusInfinite,
                ScoreError::Undefined(error) => {
                    Missing::Undefined(self.explain(&error, offset, Some(estimate)))
                }
                error => Missing::Undefined(error.to_string()),
            })
        };
        let of_mixture = |metric: Metric| -> TargetScore {
            let Some(mixture) = &self.set.mixture else {
                return Err(Missing::Undefined("there is no mixture".to_owned()));
            };
            let samples = &self.samples(mixture)[span.clone()];
            let (score, offset) = match (metric, bss_eval) {
                (Metric::SiSdr, _) => (si_sdr(reference, samples), target),
                (_, Ok(bss_eval)) => (bss_eval.sdr(samples, target), 0),
                (_, Err(error)) => (Err(error.clone()), 0),
            };
            match score {
                Ok(db) if db.is_finite() => Ok(db),
                Ok(db) if db > 0.0 => Err(Missing::Infinite),
                Ok(_) => Err(Missing::MinusInfinite),
                Err(error) => Err(Missing::Undefined(self.explain(
                    &error,
                    offset,
                    Some(mixture),
                ))),
            }
        };
        let quantities = self.quantities.iter();
        let scores = quantities.map(|quantity| match *quantity {
            Quantity::Estimate(metric) => of_estimate(metric),
            Quantity::Mixture(metric) => of_mixture(metric),
            Quantity::Improvement(metric) => Ok(of_estimate(metric)? - of_mixture(metric)?),
        });
        scores.collect()
    }

    fn samples<'b>(&self, signal: &'b Signal) -> &'b [f64] {
        &signal.channels[self.index]
    }

    /// What a metric says of signals, with their files' names.
    ///
    /// `offset`: the place of the reference that the metric calls its first.
    fn explain(&self, error: &MetricError, offset: usize, estimate: Option<&Signal>) -> String {
        let channel = match self.set.channels() {
            1 => String::new(),
            _ => format!(" (channel {})", self.index + 1),
        };
        match (error, estimate) {
            (MetricError::SilentReference { index }, _) => {
                let reference = &self.set.references[offset + index];
                format!("{}{channel} is silent", reference.path.display())
            }
            (MetricError::SilentEstimate, Some(estimate)) => {
                format!("{}{channel} is silent", estimate.path.display())
            }
            _ => error.to_string(),
        }
    }
}

fn name_file(signal: &Signal) -> String {
    let stem = signal.path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
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
