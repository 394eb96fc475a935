//! What the page of a run is made of.

use anyhow::{Context, Result};
use serde_json::Value;

use super::listening::{self, Example};
use super::media::{PNG, SVG, embed};
use crate::config::{Config, Kind};
use crate::study::methods::Method;
use crate::study::publish::figures::ORDER_POSTERIORS;
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
    /// Figures of the scores, as data URIs.
    pub(super) scores: Vec<String>,
    /// By method.
    pub(super) order_posteriors: Vec<(Method, String)>,
    /// Only where examples were kept.
    pub(super) free_energy: Option<String>,
    pub(super) spectrograms: Option<String>,
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
        // A folder that lost its `cells/` may hold files of an older configuration.
        let has_examples = kind != Kind::Sweep && config.report.examples > 0;
        let optional = |name: &str, media, wanted: bool| {
            let is_there = wanted && run.file(name).is_file();
            is_there.then(|| embed(run, name, media)).transpose()
        };
        Ok(Self {
            config_text: toml::to_string(run.config_table())?,
            manifest,
            claims: match kind {
                Kind::Table1 | Kind::Realmix => claims::judge(&summary, 0, &times),
                Kind::Sweep => Vec::new(),
            },
            summary,
            times,
            scores: score_figures(run, kind)?,
            order_posteriors: ORDER_POSTERIORS
                .into_iter()
                .filter_map(|(method, name)| {
                    let figure = optional(&format!("{name}.svg"), SVG, kind != Kind::Sweep);
                    Some(figure.transpose()?.map(|figure| (method, figure)))
                })
                .collect::<Result<_>>()?,
            free_energy: optional("free_energy.svg", SVG, has_examples)?,
            spectrograms: optional("spectrograms.png", PNG, has_examples)?,
            examples: match has_examples {
                true => listening::read(run, &config, seconds)?,
                false => Vec::new(),
            },
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

    /// A truth value of the manifest.
    pub(super) fn manifest_flag(&self, pointer: &str) -> bool {
        self.manifest.pointer(pointer) == Some(&Value::Bool(true))
    }
}

/// `fig1.svg`, `realmix.svg`, `sweep.svg`; of a sweep with several `sweep_1.svg` and so on.
fn score_figures(run: &Recorded, kind: Kind) -> Result<Vec<String>> {
    let name = match kind {
        Kind::Table1 => "fig1",
        Kind::Realmix => "realmix",
        Kind::Sweep => "sweep",
    };
    let several = (1..).map(|number| format!("{name}_{number}.svg"));
    let mut names: Vec<String> = several
        .take_while(|name| run.file(name).is_file())
        .collect();
    let only = format!("{name}.svg");
    if names.is_empty() || run.file(&only).is_file() {
        names = vec![only];
    }
    names.iter().map(|name| embed(run, name, SVG)).collect()
}
