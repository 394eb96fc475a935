//! A few observations kept whole: what a listener hears and what the figures of single observations show.
//!
//! They are drawn and separated again, from the same random streams as in the table: a stage of its own after the cells,
//! so that the cells need not keep their signals.

mod kept;

use anyhow::{Context, Result};
use dsp::wav::{Encoding, to_bytes};
use dsp::{Complex64, Stft};
use model::{Execution, FreeEnergyTrace, fusion};
use ndarray::Array2;

use crate::cell::{Cell, grid};
use crate::config::Config;
use crate::method::Method;
use crate::observation::{self, Observation};
use crate::separation::{SPEAKER, Separator};
use crate::summary::CellResult;
use crate::training::Dictionaries;

pub use kept::{KeptExample, keep};

/// Where the signals go, below the results folder.
pub const AUDIO_FOLDER: &str = "audio";

/// Level of an observation's largest sample: -1 dB of full scale.
const PEAK: f64 = 0.891;

/// What a signal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// The observed mixture.
    Mixture,
    /// The true speaker.
    Speaker,
    /// A method's estimate of the speaker.
    Estimate(Method),
}

impl Content {
    /// All contents, in the order of files, figures and players.
    pub const ALL: [Self; 6] = [
        Self::Mixture,
        Self::Speaker,
        Self::Estimate(Method::VbSelection),
        Self::Estimate(Method::VbFusion),
        Self::Estimate(Method::OracleSelection),
        Self::Estimate(Method::FusionByMean),
    ];

    /// The name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mixture => "mixture",
            Self::Speaker => "speaker",
            Self::Estimate(method) => method.name(),
        }
    }

    /// The name for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Mixture => "Mixture",
            Self::Speaker => "True speaker",
            Self::Estimate(method) => method.label(),
        }
    }

    /// The content of a name, if there is one.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|content| content.name() == name)
    }
}

/// One signal of an example.
#[derive(Debug, Clone)]
pub struct Signal {
    /// What it holds.
    pub content: Content,
    /// The order an estimate was chosen from.
    pub order: Option<usize>,
    /// Frames x bins.
    pub spectrogram: Array2<Complex64>,
    /// The same in time, without gain.
    pub samples: Vec<f64>,
}

/// An observation with its estimates.
#[derive(Debug, Clone)]
pub struct Example {
    /// The cell it belongs to.
    pub cell: Cell,
    /// Mixture, truth and estimates. An estimate that could not be chosen is missing.
    pub signals: Vec<Signal>,
    /// Factor of all its signals in files, so that levels can be compared and nothing is clipped.
    pub gain: f64,
    /// Free energies of its separations.
    pub traces: Vec<Trace>,
}

/// The free energy of one separation after each iteration, in nats.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Single order or fusion.
    pub method: Method,
    /// The order of a single one.
    pub order: Option<usize>,
    /// Iteration by iteration.
    pub free_energy: Vec<f64>,
}

/// The cells kept: of the order in the middle, spread over the signal-to-noise ratios from the lowest to the highest.
#[must_use]
pub fn chosen_cells(config: &Config) -> Vec<Cell> {
    let orders = &config.training.orders;
    let Some(&middle) = orders.get(orders.len() / 2) else {
        return Vec::new();
    };
    let mut cells = grid(config);
    cells.retain(|cell| cell.true_order == middle);
    cells.sort_by(|a, b| a.snr_db.total_cmp(&b.snr_db));
    let wanted = config.report.examples.min(cells.len());
    let last = cells.len().saturating_sub(1);
    (0..wanted)
        .map(|index| match wanted {
            1 => cells[last / 2],
            _ => cells[(index * last + (wanted - 1) / 2) / (wanted - 1)],
        })
        .collect()
}

/// Draws and separates cells again.
#[derive(Debug)]
pub struct Maker<'a> {
    separator: Separator<'a>,
    stft: Stft,
    dictionaries: &'a Dictionaries,
    config: &'a Config,
}

impl<'a> Maker<'a> {
    /// A maker for the cells of one configuration.
    ///
    /// # Errors
    /// Settings that the model does not allow.
    pub fn new(dictionaries: &'a Dictionaries, config: &'a Config) -> Result<Self> {
        Ok(Self {
            separator: Separator::new(dictionaries, config, Execution::Parallel)?,
            stft: Stft::new(&config.stft)?,
            dictionaries,
            config,
        })
    }

    /// The example of a cell; `result` says which orders were chosen.
    ///
    /// # Errors
    /// Those of drawing and separating.
    pub fn make(&self, cell: Cell, result: &CellResult) -> Result<Example> {
        let observation = observation::draw(&cell, self.dictionaries, self.config)?;
        let count = self.dictionaries.estimation.len();
        let orders: Vec<usize> = self
            .dictionaries
            .estimation
            .iter()
            .map(|dictionary| dictionary.order())
            .collect();
        let mut traces = Vec::new();
        let mut singles = Vec::new();
        for (index, &order) in orders.iter().enumerate() {
            let (estimate, free_energy) = traced(&self.separator, &observation, index..index + 1)?;
            singles.push(estimate);
            traces.push(Trace {
                method: Method::Single,
                order: Some(order),
                free_energy,
            });
        }
        let (fused, free_energy) = traced(&self.separator, &observation, 0..count)?;
        traces.push(Trace {
            method: Method::VbFusion,
            order: None,
            free_energy,
        });

        let position = |method| {
            let chosen = result.estimate(method)?.order?;
            orders.iter().position(|&order| order == chosen)
        };
        let mean = fusion::fusion_by_mean(singles.iter().map(|single| single.view()))
            .context("no single-order separation")?;
        let spectrogram = |content| match content {
            Content::Mixture => Some((None, observation.drawn.mixture.clone())),
            Content::Speaker => Some((None, observation.drawn.sources[SPEAKER].clone())),
            Content::Estimate(Method::VbFusion) => Some((None, fused.clone())),
            Content::Estimate(Method::FusionByMean) => Some((None, mean.clone())),
            Content::Estimate(method) => {
                let index = position(method)?;
                Some((Some(orders[index]), singles[index].clone()))
            }
        };
        let samples = self.stft.samples(self.config.mixtures.frames);
        let signals: Vec<Signal> = Content::ALL
            .into_iter()
            .filter_map(|content| {
                let (order, spectrogram) = spectrogram(content)?;
                Some(Signal {
                    content,
                    order,
                    samples: self.stft.synthesise(spectrogram.view(), samples),
                    spectrogram,
                })
            })
            .collect();
        let peak = signals
            .iter()
            .flat_map(|signal| &signal.samples)
            .fold(0.0_f64, |peak, sample| peak.max(sample.abs()));
        Ok(Example {
            cell,
            signals,
            gain: if peak > 0.0 { PEAK / peak } else { 1.0 },
            traces,
        })
    }
}

/// The speaker's estimate, frames x bins, and the free energy after each iteration.
fn traced(
    separator: &Separator,
    observation: &Observation,
    orders: std::ops::Range<usize>,
) -> Result<(Array2<Complex64>, Vec<f64>)> {
    let mut trace = FreeEnergyTrace::every(1);
    let mut separation = separator.observed(observation, orders, &mut trace)?;
    let free_energies = trace.values().iter().map(|&(_, value)| value);
    let estimate = separation.estimates.swap_remove(SPEAKER);
    Ok((estimate, free_energies.collect()))
}

impl Example {
    /// The name of a signal's file in the results folder.
    #[must_use]
    pub fn file(&self, signal: &Signal) -> String {
        let Cell {
            snr_db, true_order, ..
        } = self.cell;
        let (snr_db, content) = (snr_db + 0.0, signal.content.name());
        format!("{AUDIO_FOLDER}/snr{snr_db}_order{true_order}_{content}.wav")
    }

    /// The files to listen to, 16-bit mono, by name.
    ///
    /// # Errors
    /// A signal that no WAV file can hold.
    pub fn files(&self, sample_rate_hz: u32) -> Result<Vec<(String, Vec<u8>)>> {
        self.signals
            .iter()
            .map(|signal| {
                let name = self.file(signal);
                let scaled: Vec<f64> = signal.samples.iter().map(|x| x * self.gain).collect();
                let bytes = to_bytes(&scaled, sample_rate_hz, Encoding::Pcm16)
                    .with_context(|| format!("cannot make {name}"))?;
                Ok((name, bytes))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(examples: usize) -> Vec<(f64, usize)> {
        let mut config = Config::default();
        config.report.examples = examples;
        chosen_cells(&config)
            .iter()
            .map(|cell| (cell.snr_db, cell.true_order))
            .collect()
    }

    #[test]
    fn examples_reach_from_the_lowest_ratio_to_the_highest() {
        assert_eq!(chosen(0), []);
        assert_eq!(chosen(1), [(0.0, 8)]);
        assert_eq!(chosen(2), [(-6.0, 8), (9.0, 8)]);
        assert_eq!(chosen(3), [(-6.0, 8), (3.0, 8), (9.0, 8)]);
        let ratios: Vec<f64> = chosen(100).iter().map(|&(snr_db, _)| snr_db).collect();
        assert_eq!(ratios, Config::default().mixtures.snr_db);
    }

    #[test]
    fn names_are_of_one_content_each() {
        for content in Content::ALL {
            assert_eq!(Content::of_name(content.name()), Some(content));
        }
        assert_eq!(Content::of_name("single"), None);
    }
}
