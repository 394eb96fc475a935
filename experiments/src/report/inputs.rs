//! What the page of a run is made of.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::listening::{self, Example};
use crate::claims::{self, Claim};
use crate::config::Config;
use crate::recorded::{Recorded, Time};
use crate::summary::Summary;

/// Everything read, nothing written yet.
pub(super) struct Inputs {
    pub(super) config: Config,
    /// As recorded, for reading.
    pub(super) config_text: String,
    pub(super) manifest: Value,
    pub(super) summary: Summary,
    pub(super) times: Vec<Time>,
    pub(super) claims: Vec<Claim>,
    pub(super) fig1: String,
    pub(super) order_posterior: String,
    /// Only where examples were kept.
    pub(super) free_energy: Option<String>,
    pub(super) spectrograms: Option<String>,
    pub(super) examples: Vec<Example>,
}

impl Inputs {
    pub(super) fn read(run: &Recorded, seconds: f64) -> Result<Self> {
        let config = run.config()?;
        let manifest_file = run.file("manifest.json");
        let manifest = serde_json::from_slice(&run.bytes("manifest.json")?)
            .with_context(|| manifest_file.display().to_string())?;
        let summary = run.summary()?;
        let times = run.times()?;
        // A folder that lost its `cells/` may hold files of an older configuration.
        let kept = config.report.examples > 0;
        let optional = |name: &str, kind| {
            (kept && run.file(name).is_file())
                .then(|| picture(run, name, kind))
                .transpose()
        };
        Ok(Self {
            config_text: toml::to_string(run.config_table())?,
            manifest,
            claims: claims::judge(&summary, &times),
            summary,
            times,
            fig1: picture(run, "fig1.svg", SVG)?,
            order_posterior: picture(run, "order_posterior.svg", SVG)?,
            free_energy: optional("free_energy.svg", SVG)?,
            spectrograms: optional("spectrograms.png", PNG)?,
            examples: listening::read(run, &config, seconds)?,
            config,
        })
    }

    /// A text of the manifest.
    pub(super) fn manifest_text(&self, pointer: &str) -> Option<String> {
        match self.manifest.pointer(pointer)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// A number of the manifest.
    pub(super) fn manifest_number(&self, pointer: &str) -> Option<f64> {
        self.manifest.pointer(pointer)?.as_f64()
    }
}

/// Media types.
const SVG: &str = "image/svg+xml";
pub(super) const PNG: &str = "image/png";
pub(super) const WAV: &str = "audio/wav";

/// A file of a run as a data URI.
pub(super) fn picture(run: &Recorded, name: &str, kind: &str) -> Result<String> {
    Ok(data_uri(kind, &run.bytes(name)?))
}

/// A sweep's figure as a data URI.
pub(super) fn svg(run: &Recorded, name: &str) -> Result<String> {
    picture(run, name, SVG)
}

pub(super) fn data_uri(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", STANDARD.encode(bytes))
}
