//! The figures of a page: each for wide and for narrow screens, drawn from the tables.

use anyhow::{Context, Result};

use super::media::{PNG, SVG, data_uri};
use crate::config::FigureStyle;
use crate::figures::{Ground, Plot, Spectrograms};
use crate::study::design::Study;
use crate::study::methods::Method;
use crate::study::publish::figures::{
    ORDER_POSTERIORS, free_energy, order_posterior, scores, spectrograms,
};
use crate::study::statistics::Summary;
use crate::tables::caption::Caption;
use crate::tables::csv::Labelled;
use crate::tables::recorded::Recorded;
use crate::tables::rows::FreeEnergyRow;

/// What figures are drawn for on wide and on narrow screens: a phone has the width of a column of
/// a paper.
const STYLES: [FigureStyle; 2] = [FigureStyle::Screen, FigureStyle::Paper];
/// Panels of q(K) beside each other on these.
const PANELS_ACROSS: [usize; 2] = [3, 1];
/// Spectrograms beside each other, and the size of each.
const SPECTROGRAMS: [(usize, (u32, u32)); 2] = [(2, (320, 170)), (1, (250, 130))];
/// Pixels of a picture for each of the page.
pub(super) const PIXEL_RATIO: u32 = 2;

/// A figure, as data URIs.
pub(super) struct Drawing {
    pub(super) wide: String,
    pub(super) narrow: String,
}

impl Drawing {
    /// From the figure for wide and for narrow screens.
    fn from_plots(plots: &[impl Plot; 2]) -> Result<Self> {
        let [wide, narrow] = plots;
        Ok(Self {
            wide: data_uri(SVG, &wide.svg()?),
            narrow: data_uri(SVG, &narrow.svg()?),
        })
    }
}

/// What figures are drawn of.
pub(super) struct Drawings<'a> {
    pub(super) run: &'a Recorded,
    pub(super) study: &'a Study<'a>,
}

impl Drawings<'_> {
    /// The SDR of the methods and what they gain, one figure or more.
    pub(super) fn scores(&self, summary: &Summary, about: &Caption<'_>) -> Result<Vec<Drawing>> {
        let [wide, narrow] = STYLES.map(|style| scores(summary, about, style));
        let pairs = wide.into_iter().zip(narrow);
        pairs
            .map(|((_, wide), (_, narrow))| Drawing::from_plots(&[wide, narrow]))
            .collect()
    }

    /// q(K) of the fusions; none where its table is not there.
    pub(super) fn order_posteriors(&self) -> Result<Vec<(Method, Drawing)>> {
        const TABLE: &str = "order_posterior.csv";
        let Some(rows) = self.run.optional_rows(TABLE)? else {
            return Ok(Vec::new());
        };
        let methods = ORDER_POSTERIORS.into_iter().map(|(method, _)| method);
        methods
            .filter(|method| self.study.methods.contains(method))
            .map(|method| {
                let draw = |at: usize| {
                    let look = (STYLES[at], PANELS_ACROSS[at]);
                    order_posterior(self.study, &rows, method, look)
                };
                let drawn = || Drawing::from_plots(&[draw(0)?, draw(1)?]);
                Ok((method, drawn().with_context(|| self.run.name(TABLE))?))
            })
            .collect()
    }

    /// The free energies of the separations of one example; none where there are none.
    pub(super) fn free_energy(&self, has_examples: bool) -> Result<Option<Drawing>> {
        const TABLE: &str = "free_energy.csv";
        let Some(rows) = self.free_energies(has_examples)? else {
            return Ok(None);
        };
        let draw = || -> Result<Option<Drawing>> {
            let [wide, narrow] = STYLES.map(|style| free_energy(self.study, &rows, style));
            let pair = wide?.zip(narrow?);
            pair.map(|(wide, narrow)| Drawing::from_plots(&[wide, narrow]))
                .transpose()
        };
        draw().with_context(|| self.run.name(TABLE))
    }

    /// The signals of the same example; none where they are not there.
    pub(super) fn spectrograms(&self, has_examples: bool) -> Result<Option<Drawing>> {
        const TABLE: &str = "examples.csv";
        let rows = self.free_energies(has_examples)?.unwrap_or_default();
        let Some(first) = rows.first().filter(|_| self.run.has(TABLE)) else {
            return Ok(None);
        };
        let drawn = spectrograms(self.run, self.study, &first.labels, FigureStyle::Paper);
        let Some(drawn) = drawn.with_context(|| self.run.name(TABLE))? else {
            return Ok(None);
        };
        let picture = |(columns, panel)| {
            let figure = Spectrograms {
                ground: Ground::Dark,
                columns,
                panel,
                ..drawn.clone()
            };
            Ok::<_, anyhow::Error>(data_uri(PNG, &figure.scaled_png(PIXEL_RATIO)?))
        };
        let [wide, narrow] = SPECTROGRAMS.map(picture);
        Ok(Some(Drawing {
            wide: wide?,
            narrow: narrow?,
        }))
    }

    fn free_energies(&self, has_examples: bool) -> Result<Option<Vec<Labelled<FreeEnergyRow>>>> {
        match has_examples {
            true => self.run.optional_rows("free_energy.csv"),
            false => Ok(None),
        }
    }
}
