//! The section `[sweep]`: which values of a configuration are varied.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use toml::Value;

use super::check::{Invalid, require, within};
use super::ranges::SEED;

/// Points of all axes, times seeds.
const MOST_RUNS: usize = 100_000;
/// Ratio of the largest to the smallest value from which on an axis is logarithmic.
const LOG_FROM: f64 = 100.0;
/// Keys that name or summarise results and do not change them, or that have a place of their own in
/// `[sweep]`.
const NOT_SWEPT: [&str; 10] = [
    "experiment.",
    "mixtures.source",
    "units.",
    "statistics.",
    "timings.",
    "report.",
    "figures.",
    "sweep.",
    "evaluation.metrics",
    "evaluation.methods",
];

/// What is varied.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sweep {
    /// Every point is run from each; without any, from those of the configuration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) seeds: Vec<u64>,
    /// The axes of a grid. The first is that of the figure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) axis: Vec<Axis>,
}

/// One axis: a key and its values, or several keys and their values side by side.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Axis {
    /// `section.key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// Several of them, varied together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) keys: Vec<String>,
    /// The values of `key`, or of each of `keys` as many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) values: Option<Vec<Value>>,
    /// The values of `key`, evenly spaced in their logarithm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log_range: Option<LogRange>,
    /// Whether the figure's axis is logarithmic; without it, that of a `log_range` is, and that of
    /// positive values over two decades.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<bool>,
}

/// Values evenly spaced in their logarithm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogRange {
    /// The first.
    pub(crate) from: f64,
    /// The last.
    pub(crate) to: f64,
    /// How many there are, both ends included.
    pub(crate) points: usize,
}

impl LogRange {
    /// The values, rounded to 12 digits so that round numbers are round on any machine.
    pub(crate) fn values(&self) -> Vec<f64> {
        let last = self.points.saturating_sub(1);
        let at = |index: usize| {
            let exact = match index {
                0 => self.from,
                _ if index == last => self.to,
                _ => self.from * (self.to / self.from).powf(index as f64 / last as f64),
            };
            format!("{exact:.11e}").parse().unwrap_or(exact)
        };
        (0..self.points).map(at).collect()
    }
}

impl Axis {
    /// Its keys, one or several.
    pub(crate) fn all_keys(&self) -> Vec<&str> {
        let keys = self.key.iter().chain(&self.keys);
        keys.map(String::as_str).collect()
    }

    /// What the keys are set to, place by place along the axis; one value per key.
    pub(crate) fn settings(&self) -> Vec<Vec<Value>> {
        if let Some(range) = &self.log_range {
            let values = range.values().into_iter();
            return values.map(|value| vec![Value::Float(value)]).collect();
        }
        let values = self.values.as_deref().unwrap_or_default();
        if self.key.is_some() {
            return values.iter().map(|value| vec![value.clone()]).collect();
        }
        let lists: Vec<&[Value]> = values
            .iter()
            .map(|list| list.as_array().map(Vec::as_slice).unwrap_or_default())
            .collect();
        let places = lists.iter().map(|list| list.len()).min().unwrap_or(0);
        (0..places)
            .map(|place| lists.iter().map(|list| list[place].clone()).collect())
            .collect()
    }

    /// Whether the figure's axis is logarithmic.
    pub(crate) fn is_logarithmic(&self) -> bool {
        self.log
            .unwrap_or_else(|| self.log_range.is_some() || self.spans_decades())
    }

    /// Whether all values are positive numbers, the largest a hundred times the smallest.
    fn spans_decades(&self) -> bool {
        let settings = self.settings();
        let numbers: Option<Vec<f64>> = settings.iter().map(|it| number(it.first()?)).collect();
        let Some(numbers) = numbers.filter(|numbers| !numbers.is_empty()) else {
            return false;
        };
        let smallest = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        smallest > 0.0 && largest >= LOG_FROM * smallest
    }

    fn validate(&self) -> Result<(), Invalid> {
        let keys = self.all_keys();
        let name = keys.join(", ");
        let fails = |holds: bool, reason: &str| {
            require("sweep.axis", holds, || format!("axis `{name}`: {reason}"))
        };
        fails(
            self.key.is_some() != (self.keys.len() > 1),
            "needs either `key`, or `keys` with two keys at least",
        )?;
        fails(
            self.values.is_some() != self.log_range.is_some(),
            "needs either `values` or `log_range`",
        )?;
        for key in &keys {
            fails(
                key.contains('.'),
                "a key is `section.key`, for example `model.beta`",
            )?;
            fails(
                !NOT_SWEPT.iter().any(|fixed| key.starts_with(fixed)),
                &format!(
                    "`{key}` cannot be an axis: it changes no result, or what it says is the same \
                     for a whole study, as `sweep.seeds` and `[units]` are"
                ),
            )?;
        }
        if let Some(range) = &self.log_range {
            fails(self.key.is_some(), "a `log_range` is for a single `key`")?;
            let ends = [range.from, range.to];
            fails(
                ends.iter().all(|end| (1e-300..=1e300).contains(end)),
                "`from` and `to` of a `log_range` are positive numbers",
            )?;
            within("sweep.axis", range.points, &(2..=MOST_RUNS))?;
        } else if !self.keys.is_empty() {
            let lists = self.values.iter().flatten();
            let lengths: Vec<Option<usize>> =
                lists.map(|list| Some(list.as_array()?.len())).collect();
            fails(
                lengths.len() == self.keys.len()
                    && lengths
                        .iter()
                        .all(|length| length.is_some() && *length == lengths[0]),
                "`values` of `keys` is one list per key, all of one length",
            )?;
        }
        let settings = self.settings();
        fails(!settings.is_empty(), "has no values")?;
        let positive = |value: &Value| number(value).is_some_and(|number| number > 0.0);
        fails(
            !self.is_logarithmic() || settings.iter().all(|setting| positive(&setting[0])),
            "`log = true` is for positive numbers",
        )?;
        let mut seen = HashSet::new();
        for setting in &settings {
            let text = setting_text(setting);
            fails(seen.insert(text.clone()), &format!("holds {text} twice"))?;
        }
        Ok(())
    }
}

/// A value as a number, if it is one.
pub(crate) fn number(value: &Value) -> Option<f64> {
    let integer = || value.as_integer().map(|integer| integer as f64);
    value.as_float().or_else(integer)
}

/// Values of an axis in the words of its file.
pub(crate) fn setting_text(values: &[Value]) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

impl Sweep {
    /// How many combinations of values there are.
    pub(crate) fn points(&self) -> usize {
        let lengths = self.axis.iter().map(|axis| axis.settings().len());
        lengths.fold(1, usize::saturating_mul)
    }

    /// Checks what can be told without the rest of the configuration.
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        let twice = |key: &'static str, repeated: bool| {
            require(key, !repeated, || "holds a value twice".to_owned())
        };
        let seeds: HashSet<u64> = self.seeds.iter().copied().collect();
        twice("sweep.seeds", seeds.len() < self.seeds.len())?;
        for &seed in &self.seeds {
            within("sweep.seeds", seed, &SEED)?;
        }
        self.axis.iter().try_for_each(Axis::validate)?;
        let keys: Vec<&str> = self.axis.iter().flat_map(Axis::all_keys).collect();
        if let Some(index) = (1..keys.len()).find(|&i| keys[..i].contains(&keys[i])) {
            require("sweep.axis", false, || {
                format!("`{}` is on an axis twice", keys[index])
            })?;
        }
        let runs = self.points().saturating_mul(self.seeds.len().max(1));
        require("sweep.axis", runs <= MOST_RUNS, || {
            format!("{runs} points and seeds, allowed are at most {MOST_RUNS}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_over_decades_are_logarithmic_unless_told_otherwise() {
        let axis = |values: &[f64], log| Axis {
            key: Some("model.kappa".to_owned()),
            values: Some(values.iter().map(|&value| Value::Float(value)).collect()),
            log,
            ..Axis::default()
        };
        assert!(axis(&[0.01, 0.1, 1.0], None).is_logarithmic());
        assert!(!axis(&[0.01, 0.1, 1.0], Some(false)).is_logarithmic());
        assert!(!axis(&[1.0, 10.0], None).is_logarithmic());
        assert!(!axis(&[0.0, 1.0, 100.0], None).is_logarithmic());
    }

    #[test]
    fn log_range_has_round_numbers() {
        let range = LogRange {
            from: 1.0,
            to: 1e7,
            points: 15,
        };
        let values = range.values();
        assert_eq!(values.len(), 15);
        for (index, expected) in [(0, 1.0), (2, 10.0), (8, 1e4), (14, 1e7)] {
            assert_eq!(values[index].to_string(), f64::to_string(&expected));
        }
        assert!((values[1] - 10.0_f64.sqrt()).abs() < 1e-10);
    }
}
