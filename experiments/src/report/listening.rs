//! The examples of a run: sound and spectrogram of every signal.

use anyhow::{Context, Result, anyhow, ensure};
use dsp::Stft;
use dsp::wav::{Encoding, read_mono, to_bytes};
use ndarray::Array2;
use serde::Deserialize;

use super::inputs::{PNG, WAV, data_uri};
use crate::config::Config;
use crate::examples::{AUDIO_FOLDER, Content};
use crate::figures::{PanelEdges, Plot, Spectrogram, Spectrograms};
use crate::presentation::loudest;
use crate::recorded::Recorded;

/// An observation to listen to.
pub(super) struct Example {
    pub(super) snr_db: f64,
    pub(super) true_order: usize,
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

#[derive(Deserialize)]
struct Row {
    snr_db: f64,
    true_order: usize,
    signal: String,
    order: Option<usize>,
    sdr_db: Option<f64>,
    file: String,
}

/// Reads the examples; none where a run's audio was not kept, as in committed results.
pub(super) fn read(run: &Recorded, config: &Config, seconds: f64) -> Result<Vec<Example>> {
    if !run.file(AUDIO_FOLDER).is_dir() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = run.rows("examples.csv")?;
    let stft = Stft::new(&config.stft)?;
    let same =
        |a: &Row, b: &Row| a.snr_db.total_cmp(&b.snr_db).is_eq() && a.true_order == b.true_order;
    rows.chunk_by(same)
        .map(|rows| example(run, rows, config, &stft, seconds))
        .collect()
}

fn example(
    run: &Recorded,
    rows: &[Row],
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
        "{}: the signals of one observation differ in length",
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
        let content = Content::of_name(&row.signal).ok_or_else(|| {
            let file = run.file("examples.csv");
            anyhow!("{}: `{}` is not a signal", file.display(), row.signal)
        })?;
        let figure = Spectrograms {
            title: String::new(),
            panels: vec![Spectrogram {
                title: String::new(),
                power,
            }],
            columns: 1,
            panel: (420, 160),
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
            spectrogram: data_uri(PNG, &figure.png()?),
            size: figure.size(),
        });
    }
    Ok(Example {
        snr_db: rows[0].snr_db,
        true_order: rows[0].true_order,
        seconds: samples as f64 / f64::from(rate),
        edges,
        signals,
    })
}

/// The beginning of a signal.
fn clip(run: &Recorded, row: &Row, sample_rate_hz: u32, seconds: f64) -> Result<Vec<f64>> {
    let file = run.file(&row.file);
    let audio = read_mono(&file)?;
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
