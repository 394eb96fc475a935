//! The figures of a study, drawn from its tables: what a figure shows is what the tables say, and
//! whoever has a results folder can draw it anew.

mod axis_titles;
mod look;
mod order_posterior;
mod scores;
mod single_trial;

use anyhow::{Context, Result};

use crate::config::{FigureStyle, Kind};
use crate::figures::{Formats, Spectrograms};
use crate::study::design::Study;
use crate::study::methods::Method;
use crate::study::statistics::Summary;
use crate::tables::csv::Labelled;
use crate::tables::recorded::Recorded;
use crate::tables::rows::{FreeEnergyRow, OrderPosteriorRow};

pub(crate) use look::{Look, SpectrogramLook};
pub(crate) use single_trial::loudest;

const ORDER_POSTERIOR: &str = "order_posterior.csv";
const FREE_ENERGY: &str = "free_energy.csv";
const EXAMPLES: &str = "examples.csv";

/// What a figure shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The SDR of the methods, and what they gain over selection: of a sweep, for this combination
    /// of the values of the axes after the first.
    Scores(usize),
    /// q(K) of a fusion.
    OrderPosterior(Method),
    /// The free energies of the separations of one trial.
    FreeEnergy,
    /// The signals of the same trial: as PNG only, for every pixel is data.
    Spectrograms,
}

/// The figures that a study has, and the tables that they are drawn from.
pub(crate) struct Figures<'a> {
    run: &'a Recorded,
    study: &'a Study<'a>,
    scores: &'a Summary,
    /// Empty where its table is not there.
    order_posteriors: Vec<Labelled<OrderPosteriorRow>>,
    /// Likewise, and without examples.
    free_energies: Vec<Labelled<FreeEnergyRow>>,
    /// Of the trial of the free energies, in the look of files; none without its audio.
    spectrograms: Option<Spectrograms>,
}

impl<'a> Figures<'a> {
    /// Reads what figures are drawn from, `scores` aside: the means and differences of the run.
    ///
    /// # Errors
    /// A table that is there and broken, by its name.
    pub(crate) fn read(
        run: &'a Recorded,
        study: &'a Study<'a>,
        scores: &'a Summary,
    ) -> Result<Self> {
        let mut figures = Self {
            run,
            study,
            scores,
            order_posteriors: Vec::new(),
            free_energies: Vec::new(),
            spectrograms: None,
        };
        if study.config.kind() == Kind::Sweep {
            return Ok(figures);
        }
        figures.order_posteriors = run.optional_rows(ORDER_POSTERIOR)?.unwrap_or_default();
        // A folder may hold what an older configuration left.
        if study.keeps_examples() {
            figures.free_energies = run.optional_rows(FREE_ENERGY)?.unwrap_or_default();
        }
        if let (Some(first), true) = (figures.free_energies.first(), run.has(EXAMPLES)) {
            let spectrograms = single_trial::spectrograms(run, study, &first.labels);
            figures.spectrograms = spectrograms.with_context(|| run.name(EXAMPLES))?;
        }
        Ok(figures)
    }

    /// What there is a figure of.
    pub(crate) fn subjects(&self) -> Vec<Subject> {
        let combinations = 0..scores::combinations(self.study);
        let mut subjects: Vec<Subject> = combinations.map(Subject::Scores).collect();
        if !self.order_posteriors.is_empty() {
            let fusions = [Method::VbFusion, Method::StructuredFusion];
            let configured = fusions
                .into_iter()
                .filter(|method| self.study.methods.contains(method));
            subjects.extend(configured.map(Subject::OrderPosterior));
        }
        subjects.extend((!self.free_energies.is_empty()).then_some(Subject::FreeEnergy));
        subjects.extend(self.spectrograms.as_ref().map(|_| Subject::Spectrograms));
        subjects
    }

    /// The name of a figure's files, without an ending.
    fn name(&self, subject: Subject) -> String {
        match subject {
            Subject::Scores(combination) => scores::name(self.study, combination),
            Subject::OrderPosterior(Method::StructuredFusion) => {
                "order_posterior_structured".to_owned()
            }
            Subject::OrderPosterior(_) => "order_posterior".to_owned(),
            Subject::FreeEnergy => "free_energy".to_owned(),
            Subject::Spectrograms => "spectrograms".to_owned(),
        }
    }

    /// A figure of what there is one of.
    ///
    /// # Errors
    /// A table with rows that are of no trial of the study, by its name.
    pub(crate) fn draw(&self, subject: Subject, look: Look) -> Result<Box<dyn Formats>> {
        let study = self.study;
        Ok(match subject {
            Subject::Scores(combination) => {
                let figure = scores::scores(study, self.scores, combination, look.style);
                Box::new(figure)
            }
            Subject::OrderPosterior(method) => {
                let rows = &self.order_posteriors;
                let figure = order_posterior::order_posterior(study, rows, method, look);
                Box::new(figure.with_context(|| self.run.name(ORDER_POSTERIOR))?)
            }
            Subject::FreeEnergy => {
                let figure = single_trial::free_energy(study, &self.free_energies, look.style);
                Box::new(figure.with_context(|| self.run.name(FREE_ENERGY))?)
            }
            Subject::Spectrograms => {
                let figure = self.spectrograms.as_ref();
                let figure = figure
                    .with_context(|| format!("{}: no signals to draw", self.run.name(EXAMPLES)))?;
                Box::new(look.spectrograms.applied_to(figure))
            }
        })
    }
}

/// Every figure of a run in all its formats, by file name.
///
/// # Errors
/// A table of scores that is missing; a table that is broken, by its name.
pub(crate) fn draw(run: &Recorded, style: FigureStyle) -> Result<Vec<(String, Vec<u8>)>> {
    let config = run.config()?;
    let (study, scores) = (Study::new(&config)?, run.scores()?);
    let figures = Figures::read(run, &study, &scores)?;
    let mut files = Vec::new();
    for subject in figures.subjects() {
        let name = figures.name(subject);
        let figure = figures.draw(subject, Look::from_style(style))?;
        if subject != Subject::Spectrograms {
            files.push((format!("{name}.svg"), figure.svg()?));
            files.push((format!("{name}.pdf"), figure.pdf()?));
        }
        files.push((format!("{name}.png"), figure.png()?));
    }
    Ok(files)
}
