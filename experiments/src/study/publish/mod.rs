//! The tables, figures and examples of a study, as files.

pub(crate) mod figures;
pub(crate) mod timing;

use anyhow::Result;

use super::design::{Run, Study};
use super::estimate::{Candidate, TrialResult};
use super::examples::KeptExample;
use super::plan::CorpusInfo;
use super::scores::Metric;
use super::statistics::{Results, Summary, summarise};
use crate::clock::Stopwatch;
use crate::store::folder::RunFolder;
use crate::store::manifest::Manifest;
use crate::tables::caption::Caption;
use crate::tables::csv::{self, Labelled, Row};
use crate::tables::documents;
use crate::tables::recorded::{Recorded, means_file};
use crate::tables::rows::{
    DifferenceRow, EffectiveOrdersRow, ExampleRow, MeanRow, OrderPosteriorRow, ScoreRow, TimeRow,
};
use crate::tables::terminal;
use crate::tables::times::{self, Times};

/// What a run leaves to be said at its end.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// The tables, for the terminal; none where none were written.
    pub(crate) table: Option<String>,
    /// Parts of trials, or scores, that failed.
    pub(crate) failures: usize,
    /// Files of the corpora that were left out.
    pub(crate) left_out: usize,
}

/// All that is published of a study.
#[derive(Debug)]
pub(crate) struct Publication<'a> {
    pub(crate) study: &'a Study<'a>,
    pub(crate) corpus: &'a CorpusInfo,
    /// Files of the corpora that were left out, each with the reason.
    pub(crate) left_out: &'a [String],
    pub(crate) results: &'a Results,
    pub(crate) examples: &'a [KeptExample],
    pub(crate) times: &'a Times,
}

/// Names and contents.
type Files = Vec<(String, Vec<u8>)>;

impl Publication<'_> {
    /// Writes all files, in place of those of an earlier run.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub(crate) fn publish(&self, folder: &RunFolder, stopwatch: Stopwatch) -> Result<Ending> {
        let study = self.study;
        let summary = summarise(study, self.results)?;
        let about = Caption {
            study,
            corpus: &self.corpus.description,
        };
        let corpus = (about.corpus, self.corpus.sha256, self.left_out);
        let manifest = Manifest::new(study.seeds(), corpus, stopwatch);
        let trials = self.results.iter().map(Vec::len).sum();
        let mut files = self.tables(&summary)?;
        files.extend(self.documents(&summary, &about, trials, manifest.cpu.as_deref())?);
        for example in self.examples {
            files.extend(example.files()?);
        }
        let recorded = Recorded::from_files(study.config, files)?;
        let figures = figures::draw(&recorded, study.config.figures.style)?;
        let mut files = recorded.into_files();
        files.extend(figures);
        files.push(("manifest.json".to_owned(), manifest.json()?));
        folder.publish(&files)?;
        Ok(Ending {
            table: Some(terminal::text(&summary, &about, self.times, trials)),
            failures: self
                .results
                .iter()
                .flatten()
                .map(TrialResult::failures)
                .sum(),
            left_out: self.left_out.len(),
        })
    }

    /// The CSV files.
    fn tables(&self, summary: &Summary) -> Result<Files> {
        let study = self.study;
        let axes = study.axis_keys();
        let values = |case: usize| study.cases[case].texts().collect();
        let means = summary.means.iter();
        let means = means.map(|it| labelled(values(it.case), MeanRow::new(it)));
        let differences = summary.differences.iter();
        let differences = differences.map(|it| labelled(values(it.case), DifferenceRow::new(it)));
        let orders = summary.effective_orders.iter();
        let orders = orders.map(|it| labelled(values(it.case), EffectiveOrdersRow::new(it)));
        let trial = study.trial_columns();
        let mut files = vec![
            file(means_file(study.config.kind()), &axes, means)?,
            file("observations.csv", &trial, self.score_rows())?,
            file("order_posterior.csv", &trial, self.order_posterior_rows())?,
            file("differences.csv", &axes, differences)?,
            file("effective_orders.csv", &axes, orders)?,
        ];
        if study.shows_trials() {
            let examples = self.examples.iter().map(KeptExample::rows);
            let examples = examples.collect::<Result<Vec<_>>>()?.into_iter().flatten();
            files.push(file::<ExampleRow>("examples.csv", &trial, examples)?);
            let times = self.times.iter().flatten();
            let times = times.map(|time| labelled(Vec::new(), TimeRow::new(time)));
            files.push(file("timings.csv", &[], times)?);
        }
        Ok(files)
    }

    fn trials(&self) -> impl Iterator<Item = (&Run, &TrialResult)> {
        let runs = self.study.runs.iter().zip(self.results);
        runs.flat_map(|(run, results)| results.iter().map(move |result| (run, result)))
    }

    /// Every score of every estimate, and what failed. A sweep leaves out the single orders.
    fn score_rows(&self) -> impl Iterator<Item = Labelled<ScoreRow>> {
        let candidates = self.study.candidates();
        let has_singles = self.study.shows_trials();
        self.trials().flat_map(move |(run, result)| {
            let labels = self.study.trial_values(run, &result.trial);
            let is_tabled = |candidate: Candidate| match candidate {
                Candidate::Order(_) => has_singles,
                Candidate::Mixture | Candidate::Method(_) | Candidate::Foreign(_) => {
                    candidates.contains(&candidate)
                }
            };
            let estimates = result.estimates.iter().filter(|it| is_tabled(it.candidate));
            let scores = estimates
                .flat_map(|estimate| Metric::ALL.map(|metric| ScoreRow::new(estimate, metric)));
            let errors = result.errors.iter().map(|error| ScoreRow::missing(error));
            let rows: Vec<ScoreRow> = scores.chain(errors).collect();
            rows.into_iter()
                .map(move |row| labelled(labels.clone(), row))
        })
    }

    /// q(K_1) of each fusion, and the weights of each mean that has some.
    fn order_posterior_rows(&self) -> impl Iterator<Item = Labelled<OrderPosteriorRow>> {
        self.trials().flat_map(|(run, result)| {
            let labels = self.study.trial_values(run, &result.trial);
            let orders = &run.config.training.orders;
            result.estimates.iter().flat_map(move |estimate| {
                let labels = labels.clone();
                let weights = estimate.order_posterior.iter().flatten();
                orders
                    .iter()
                    .zip(weights)
                    .map(move |(&order, &probability)| {
                        let method = estimate.candidate.name().into_owned();
                        let row = OrderPosteriorRow {
                            method,
                            order,
                            probability,
                        };
                        labelled(labels.clone(), row)
                    })
            })
        })
    }

    /// The Markdown and LaTeX files.
    fn documents(
        &self,
        summary: &Summary,
        about: &Caption<'_>,
        trials: usize,
        cpu: Option<&str>,
    ) -> Result<Files> {
        let kind = self.study.config.kind().command();
        let mut documents = vec![(
            format!("{kind}.md"),
            documents::markdown(summary, about, trials),
        )];
        if self.study.shows_trials() {
            documents.extend([
                (
                    format!("{kind}.tex"),
                    documents::latex(summary, about, trials),
                ),
                (
                    format!("{kind}_column.tex"),
                    documents::narrow_latex(summary, about),
                ),
                (
                    format!("{kind}_intervals.tex"),
                    documents::narrow_latex_with_intervals(summary, about),
                ),
                (
                    "differences.tex".to_owned(),
                    documents::differences_latex(summary, about),
                ),
                ("timings.md".to_owned(), times::markdown(self.times, cpu)),
                ("timings.tex".to_owned(), times::latex(self.times, about)),
            ]);
        }
        let bytes = |(name, text): (String, String)| (name, text.into_bytes());
        Ok(documents.into_iter().map(bytes).collect())
    }
}

fn labelled<R>(labels: Vec<String>, row: R) -> Labelled<R> {
    Labelled { labels, row }
}

fn file<R: Row>(
    name: &str,
    labels: &[&str],
    rows: impl IntoIterator<Item = Labelled<R>>,
) -> Result<(String, Vec<u8>)> {
    Ok((name.to_owned(), csv::write(labels, rows)?))
}
