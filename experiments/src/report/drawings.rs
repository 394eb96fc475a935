//! The figures of a page: each for wide and for narrow screens.

use anyhow::Result;

use super::media::{PNG, SVG, data_uri};
use crate::config::FigureStyle;
use crate::figures::{Formats, Ground};
use crate::study::design::Study;
use crate::study::methods::Method;
use crate::study::publish::figures::{Figures, Look, SpectrogramLook, Subject};
use crate::study::statistics::Summary;
use crate::tables::recorded::Recorded;

const WIDE: Look = Look {
    style: FigureStyle::Screen,
    panels_across: 3,
    spectrograms: SpectrogramLook {
        across: 2,
        panel: (320, 170),
        ..NARROW.spectrograms
    },
};
/// A phone has the width of a column of a paper.
const NARROW: Look = Look {
    style: FigureStyle::Paper,
    panels_across: 1,
    spectrograms: SpectrogramLook {
        style: FigureStyle::Paper,
        ground: Ground::Dark,
        across: 1,
        panel: (250, 130),
    },
};
/// Pixels of a picture for each of the page.
pub(super) const PIXEL_RATIO: u32 = 2;

/// A figure, as data URIs.
pub(super) struct Drawing {
    pub(super) wide: String,
    pub(super) narrow: String,
}

/// The figures of a run, by what they show.
#[derive(Default)]
pub(super) struct Drawings {
    pub(super) scores: Vec<Drawing>,
    pub(super) order_posteriors: Vec<(Method, Drawing)>,
    /// Only where examples were kept.
    pub(super) free_energy: Option<Drawing>,
    pub(super) spectrograms: Option<Drawing>,
}

impl Drawings {
    /// Those of a run with these means and differences.
    ///
    /// # Errors
    /// A table that is there and broken, by its name.
    pub(super) fn from_run(run: &Recorded, study: &Study<'_>, scores: &Summary) -> Result<Self> {
        let figures = Figures::read(run, study, scores)?;
        let mut drawings = Self::default();
        for subject in figures.subjects() {
            let encode: fn(&dyn Formats) -> Result<String> = match subject {
                Subject::Spectrograms => png_uri,
                Subject::Scores(_) | Subject::OrderPosterior(_) | Subject::FreeEnergy => svg_uri,
            };
            let drawing = Drawing {
                wide: encode(&*figures.draw(subject, WIDE)?)?,
                narrow: encode(&*figures.draw(subject, NARROW)?)?,
            };
            match subject {
                Subject::Scores(_) => drawings.scores.push(drawing),
                Subject::OrderPosterior(method) => {
                    drawings.order_posteriors.push((method, drawing));
                }
                Subject::FreeEnergy => drawings.free_energy = Some(drawing),
                Subject::Spectrograms => drawings.spectrograms = Some(drawing),
            }
        }
        Ok(drawings)
    }
}

fn svg_uri(figure: &dyn Formats) -> Result<String> {
    Ok(data_uri(SVG, &figure.svg()?))
}

fn png_uri(figure: &dyn Formats) -> Result<String> {
    Ok(data_uri(PNG, &figure.scaled_png(PIXEL_RATIO)?))
}
