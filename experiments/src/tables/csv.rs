//! CSV files: one row type each, which writes them and reads them back.
//!
//! The first columns of a table may be labels, such as the keys of a sweep or what names a trial;
//! which they are depends on the study. The others are the fields of the row type.

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A row of a table.
pub(crate) trait Row: Serialize + DeserializeOwned {
    /// The names of its fields, in order.
    const COLUMNS: &'static [&'static str];
}

/// A row with the labels before it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Labelled<R> {
    pub(crate) labels: Vec<String>,
    pub(crate) row: R,
}

/// The bytes of a table (RFC 4180, lines end in LF).
///
/// # Errors
/// A row with another number of labels.
pub(crate) fn write<R: Row>(
    labels: &[&str],
    rows: impl IntoIterator<Item = Labelled<R>>,
) -> Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .has_headers(false)
        .from_writer(Vec::new());
    writer.write_record(labels.iter().chain(R::COLUMNS))?;
    for Labelled { labels, row } in rows {
        writer.serialize((labels, row))?;
    }
    writer.into_inner().context("cannot write CSV")
}

/// The rows of a table.
///
/// # Errors
/// A table without the columns of the row type; a row that does not read as it.
pub(crate) fn read<R: Row>(bytes: &[u8]) -> Result<Vec<Labelled<R>>> {
    let mut reader = csv::Reader::from_reader(bytes);
    let headers = reader.headers()?.clone();
    let count = headers.len().saturating_sub(R::COLUMNS.len());
    let found: Vec<&str> = headers.iter().skip(count).collect();
    ensure!(
        found == R::COLUMNS,
        "the columns are {}, and {} are needed",
        headers.iter().collect::<Vec<_>>().join(","),
        R::COLUMNS.join(",")
    );
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        rows.push(Labelled {
            labels: record.iter().take(count).map(str::to_owned).collect(),
            row: record.deserialize(Some(&headers))?,
        });
    }
    Ok(rows)
}

/// Numbers with six decimals: far below what matters in dB, nats and seconds, and above the last
/// digits, which may depend on the machine.
pub(crate) mod decimals {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<f64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value
            .map(|value| format!("{value:.6}"))
            .serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<f64>, D::Error> {
        Option::deserialize(deserializer)
    }
}

/// Effect sizes with three decimals: a mean over a deviation that may be small, they magnify the
/// last digits of scores.
pub(crate) mod three_decimals {
    use serde::{Serialize, Serializer};

    pub(crate) use super::decimals::deserialize;

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<f64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value
            .map(|value| format!("{:.3}", (value * 1e3).round() / 1e3 + 0.0))
            .serialize(serializer)
    }
}

/// Numbers with seven digits, whatever their size: weights far below 1 count too.
pub(crate) mod digits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value:.6e}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        f64::deserialize(deserializer)
    }
}
