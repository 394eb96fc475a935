//! What the page of a run is made of.

use anyhow::{Context, Result};
use serde_json::Value;

use super::drawings::Drawings;
use super::listening::{self, Example};
use crate::config::{Config, Kind};
use crate::study::design::Study;
use crate::study::statistics::Summary;
use crate::tables::claims::{self, Claim};
use crate::tables::recorded::Recorded;
use crate::tables::rows::Time;

/// Everything read, nothing written yet.
pub(super) struct Inputs {
    pub(super) config: Config,
    /// As recorded, for reading.
    pub(super) config_text: String,
    manifest: Value,
    pub(super) summary: Summary,
    pub(super) times: Vec<Time>,
    /// The paper's, on the only case; none of a sweep.
    pub(super) claims: Vec<Claim>,
    pub(super) drawings: Drawings,
    pub(super) examples: Vec<Example>,
}

impl Inputs {
    /// Reads a results folder; `seconds` of each example.
    pub(super) fn read(run: &Recorded, seconds: f64) -> Result<Self> {
        let config = run.config()?;
        let manifest_file = run.file("manifest.json");
        let manifest = serde_json::from_slice(&run.bytes("manifest.json")?)
            .with_context(|| manifest_file.display().to_string())?;
        let summary = run.summary()?;
        let times = run.times()?;
        let kind = config.kind();
        let study = Study::new(&config)?;
        Ok(Self {
            config_text: toml::to_string(run.config_table())?,
            manifest,
            claims: match kind {
                Kind::Table1 | Kind::Realmix => claims::judge(&summary, 0, &times),
                Kind::Sweep => Vec::new(),
            },
            drawings: Drawings::from_run(run, &study, &summary)?,
            summary,
            times,
            // A folder that lost its `cells/` may hold files of an older configuration.
            examples: match study.keeps_examples() {
                true => listening::read(run, &config, seconds)?,
                false => Vec::new(),
            },
            config: config.clone(),
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

    /// The seeds of the run.
    pub(super) fn seeds(&self) -> Option<String> {
        let seeds = self.manifest.get("seeds")?.as_array()?;
        let texts: Vec<String> = seeds.iter().map(Value::to_string).collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    }

    /// How many files of the corpora were left out, if any were.
    pub(super) fn left_out(&self) -> Option<usize> {
        let files = self.manifest.get("left_out")?.as_array()?;
        (!files.is_empty()).then_some(files.len())
    }

    /// A number of the manifest.
    pub(super) fn manifest_number(&self, pointer: &str) -> Option<f64> {
        self.manifest.pointer(pointer)?.as_f64()
    }

    /// A truth value of the manifest.
    pub(super) fn manifest_flag(&self, pointer: &str) -> bool {
        self.manifest.pointer(pointer) == Some(&Value::Bool(true))
    }
}
