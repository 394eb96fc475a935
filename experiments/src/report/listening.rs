//! The examples of a run: sound and spectrogram of every signal.

use anyhow::{Context, Result, anyhow, ensure};
use dsp::Stft;
use dsp::wav::{Encoding, to_bytes};
use ndarray::Array2;

use super::drawings::PIXEL_RATIO;
use super::media::{PNG, WAV, data_uri};
use crate::config::{Config, FigureStyle};
use crate::figures::{Formats, Ground, PanelEdges, Plot, Spectrogram, Spectrograms};
use crate::store::folder::AUDIO;
use crate::study::examples::Content;
use crate::study::publish::figures::loudest;
use crate::tables::csv::Labelled;
use crate::tables::format::Format;
use crate::tables::recorded::Recorded;
use crate::tables::rows::ExampleRow;

/// Size of the spectrograms, whose text is to be read on a phone too.
const PANEL: (u32, u32) = (300, 140);

/// A trial to listen to.
pub(super) struct Example {
    /// The trial in words.
    pub(super) name: String,
    /// Length of all its signals.
    pub(super) seconds: f64,
    /// Where the panel is in the spectrograms.
    pub(super) edges: PanelEdges,
    pub(super) signals: Vec<Signal>,
}

/// One of its signals.
pub(super) struct Signal {
    pub(super) label: &'static str,
    pub(super) order: Option<usize>,
    pub(super) sdr_db: Option<f64>,
    /// Data URIs.
    pub(super) audio: String,
    pub(super) spectrogram: String,
    /// Width and height of the spectrogram.
    pub(super) size: (u32, u32),
}

/// Reads the examples; none where a run's audio was not kept, as in committed results.
pub(super) fn read(run: &Recorded, config: &Config, seconds: f64) -> Result<Vec<Example>> {
    if !run.file(AUDIO).is_dir() {
        return Ok(Vec::new());
    }
    let rows = run.rows("examples.csv")?;
    let columns = columns_of(run)?;
    let stft = Stft::new(&config.stft)?;
    rows.chunk_by(|a: &Labelled<ExampleRow>, b| a.labels == b.labels)
        .map(|rows| {
            let name = describe(&columns, &rows[0].labels);
            let rows: Vec<&ExampleRow> = rows.iter().map(|labelled| &labelled.row).collect();
            example(run, name, &rows, config, &stft, seconds)
        })
        .collect()
}

/// The names of the labels before the rows.
fn columns_of(run: &Recorded) -> Result<Vec<String>> {
    let bytes = run.bytes("examples.csv")?;
    let mut reader = ::csv::Reader::from_reader(&bytes[..]);
    Ok(reader.headers()?.iter().map(str::to_owned).collect())
}

/// A trial in words, from the labels of its rows.
fn describe(columns: &[String], labels: &[String]) -> String {
    let parts = columns
        .iter()
        .zip(labels)
        .filter(|(_, value)| !value.is_empty());
    let words = parts.map(|(column, value)| match column.as_str() {
        "snr_db" => format!("SNR {} dB", Format::Markdown.number(value.clone())),
        other => format!("{} {value}", other.replace('_', " ")),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn example(
    run: &Recorded,
    name: String,
    rows: &[&ExampleRow],
    config: &Config,
    stft: &Stft,
    seconds: f64,
) -> Result<Example> {
    let rate = config.corpus.sample_rate_hz;
    let clips: Vec<Vec<f64>> = rows
        .iter()
        .map(|row| clip(run, row, rate, seconds))
        .collect::<Result<_>>()?;
    let samples = clips.first().map_or(0, Vec::len);
    ensure!(
        clips.iter().all(|clip| clip.len() == samples),
        "{}: the signals of one trial differ in length",
        run.file("examples.csv").display()
    );
    let powers: Vec<Array2<f64>> = clips
        .iter()
        .map(|clip| stft.analyse(clip).mapv(|value| value.norm_sqr()))
        .collect();
    let loudest = loudest(powers.iter());
    let mut edges = PanelEdges::default();
    let mut signals = Vec::new();
    for ((row, clip), power) in rows.iter().zip(&clips).zip(powers) {
        let content = Content::from_name(&row.signal).ok_or_else(|| {
            let file = run.file("examples.csv");
            anyhow!("{}: `{}` is not a signal", file.display(), row.signal)
        })?;
        let figure = Spectrograms {
            style: FigureStyle::Paper,
            ground: Ground::Dark,
            title: String::new(),
            panels: vec![Spectrogram {
                title: String::new(),
                power,
            }],
            columns: 1,
            panel: PANEL,
            seconds_per_frame: config.stft.hop_samples as f64 / f64::from(rate),
            highest_khz: f64::from(rate) / 2000.0,
            loudest,
        };
        edges = figure.first_panel();
        signals.push(Signal {
            label: content.label(),
            order: row.order,
            sdr_db: row.sdr_db,
            audio: data_uri(WAV, &to_bytes(clip, rate, Encoding::Pcm16)?),
            spectrogram: data_uri(PNG, &figure.scaled_png(PIXEL_RATIO)?),
            size: figure.size(),
        });
    }
    Ok(Example {
        name,
        seconds: samples as f64 / f64::from(rate),
        edges,
        signals,
    })
}

/// The beginning of a signal.
fn clip(run: &Recorded, row: &ExampleRow, sample_rate_hz: u32, seconds: f64) -> Result<Vec<f64>> {
    let file = run.file(&row.file);
    let audio = run.audio(&row.file)?;
    ensure!(
        audio.sample_rate_hz == sample_rate_hz,
        "{}: {} Hz, but the run is at {sample_rate_hz} Hz",
        file.display(),
        audio.sample_rate_hz
    );
    let mut samples = audio.samples;
    samples.truncate((seconds * f64::from(sample_rate_hz)).ceil() as usize);
    let some = samples.first().context("has no samples");
    some.with_context(|| file.display().to_string())?;
    Ok(samples)
}
