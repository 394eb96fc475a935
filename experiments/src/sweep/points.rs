//! The points of a sweep: one configuration for each combination of the axes' values.

use anyhow::{Context, Result};
use toml::Value;

use crate::config::{Config, Sweep, assigned};

/// One combination of the axes' values.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The keys and their values, in the order of the axes.
    pub values: Vec<(String, Value)>,
    /// The configuration with these values, without `[sweep]`.
    pub config: Config,
}

impl Point {
    /// The values for tables.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.values.iter().map(|(_, value)| text(value))
    }

    /// The point in words; the base configuration, where nothing is varied.
    #[must_use]
    pub fn name(&self) -> String {
        let settings: Vec<String> = self
            .values
            .iter()
            .map(|(key, value)| format!("{key} = {}", text(value)))
            .collect();
        if settings.is_empty() {
            return "the configuration as it is".to_owned();
        }
        settings.join(", ")
    }
}

/// A value without the decimals, exponents and quotes of TOML.
#[must_use]
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Float(number) => number.to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// All points, the last axis running fastest.
///
/// # Errors
/// A value that its key does not allow; the error names both.
pub fn points(config: &Config, sweep: &Sweep) -> Result<Vec<Point>> {
    let mut base = config.clone();
    base.sweep = None;
    let mut points = vec![Point {
        values: Vec::new(),
        config: base.clone(),
    }];
    for axis in &sweep.axis {
        let keys = axis.all_keys();
        let settings = axis.settings();
        points = points
            .iter()
            .flat_map(|point| {
                settings.iter().map(|setting| {
                    let mut point = point.clone();
                    let names = keys.iter().map(|&key| key.to_owned());
                    point.values.extend(names.zip(setting.iter().cloned()));
                    point
                })
            })
            .collect();
    }
    for point in &mut points {
        let values: Vec<(&str, Value)> = point
            .values
            .iter()
            .map(|(key, value)| (key.as_str(), value.clone()))
            .collect();
        point.config =
            assigned(&base, &values).with_context(|| format!("sweep.axis, {}", point.name()))?;
    }
    Ok(points)
}
