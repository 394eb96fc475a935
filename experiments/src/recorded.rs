//! Reading the results of a run back. Every error names the file, and the line where there is one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Table;

use crate::config::Config;
use crate::method::Method;
use crate::metric::Metric;
use crate::refused::Refused;
use crate::results_folder::CONFIG;
use crate::summary::{Column, Difference, EffectiveOrders, Entry, Mean, Summary};

/// A folder that holds the results of a run.
#[derive(Debug, Clone)]
pub struct Recorded {
    path: PathBuf,
    config: Table,
}

impl Recorded {
    /// Opens a results folder.
    ///
    /// # Errors
    /// [`Refused`] for no folder of that name, and for one without a configuration: not a run, or one that was cut short.
    /// A configuration that cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            bail!(Refused(format!(
                "{}: there is no such folder",
                path.display()
            )));
        }
        let file = path.join(CONFIG);
        if !file.is_file() {
            bail!(Refused(format!(
                "{} does not hold the results of a run: {CONFIG} is missing",
                path.display()
            )));
        }
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let config = toml::from_str(&text).with_context(|| file.display().to_string())?;
        Ok(Self {
            path: path.to_owned(),
            config,
        })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The recorded configuration, of whatever kind of experiment.
    #[must_use]
    pub fn config_table(&self) -> &Table {
        &self.config
    }

    /// The recorded configuration of one run.
    ///
    /// # Errors
    /// A configuration of something else, or of another version.
    pub fn config(&self) -> Result<Config> {
        let config: Config = self
            .config
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| anyhow!("{}", error.message()))
            .with_context(|| self.file(CONFIG).display().to_string())?;
        config
            .validate()
            .with_context(|| self.file(CONFIG).display().to_string())?;
        Ok(config)
    }

    /// Where a result is, or would be.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The contents of a result.
    ///
    /// # Errors
    /// A file that is missing or cannot be read.
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>> {
        let file = self.file(name);
        fs::read(&file).with_context(|| format!("cannot read {}", file.display()))
    }

    /// The rows of a table.
    ///
    /// # Errors
    /// As [`Recorded::bytes`]; a row that does not read as `T`.
    pub fn rows<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>> {
        let bytes = self.bytes(name)?;
        csv::Reader::from_reader(&bytes[..])
            .deserialize()
            .collect::<Result<_, csv::Error>>()
            .with_context(|| self.file(name).display().to_string())
    }

    /// Means, differences and effective orders.
    ///
    /// # Errors
    /// Those of [`Recorded::rows`] on the three tables; names that are not of this version.
    pub fn summary(&self) -> Result<Summary> {
        let entries = self.converted("table1.csv", MeanRow::entry)?;
        let mut columns: Vec<Column> = Vec::new();
        for entry in &entries {
            if !columns.contains(&entry.column) {
                columns.push(entry.column);
            }
        }
        Ok(Summary {
            columns,
            entries,
            differences: self.converted("differences.csv", DifferenceRow::difference)?,
            effective_orders: self.converted("effective_orders.csv", OrdersRow::effective)?,
        })
    }

    /// The times of the methods; none where they could not be measured.
    ///
    /// # Errors
    /// Those of [`Recorded::rows`]; a method that is not of this version.
    pub fn times(&self) -> Result<Vec<Time>> {
        self.converted("timings.csv", |row: TimeRow| {
            Ok(Time {
                method: method(&row.method)?,
                seconds: row.seconds,
                fastest_seconds: row.fastest_seconds,
                repetitions: row.repetitions,
                threads: row.threads,
            })
        })
    }

    fn converted<R: DeserializeOwned, T>(
        &self,
        name: &str,
        convert: impl Fn(R) -> Result<T>,
    ) -> Result<Vec<T>> {
        let rows: Vec<R> = self.rows(name)?;
        let numbered = rows.into_iter().enumerate();
        numbered
            .map(|(index, row)| {
                // The header is line 1.
                let place = || format!("{}, line {}", self.file(name).display(), index + 2);
                convert(row).with_context(place)
            })
            .collect()
    }
}

/// What a method takes for one observation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Time {
    /// The method.
    pub method: Method,
    /// Median over the repetitions.
    pub seconds: f64,
    /// Least of the repetitions.
    pub fastest_seconds: f64,
    /// Repetitions.
    pub repetitions: usize,
    /// Threads a separation could use.
    pub threads: usize,
}

#[derive(Deserialize)]
struct MeanRow {
    method: String,
    snr_db: String,
    metric: String,
    mean_db: Option<f64>,
    ci95_low_db: Option<f64>,
    ci95_high_db: Option<f64>,
    n: usize,
}

impl MeanRow {
    fn entry(self) -> Result<Entry> {
        Ok(Entry {
            method: method(&self.method)?,
            column: column(&self.snr_db)?,
            metric: metric(&self.metric)?,
            mean: mean(self.n, self.mean_db, self.ci95_low_db, self.ci95_high_db)?,
        })
    }
}

#[derive(Deserialize)]
struct DifferenceRow {
    method: String,
    baseline: String,
    snr_db: String,
    mean_db: Option<f64>,
    ci95_low_db: Option<f64>,
    ci95_high_db: Option<f64>,
    p_value: Option<f64>,
    effect_size: Option<f64>,
    n: usize,
}

impl DifferenceRow {
    fn difference(self) -> Result<Difference> {
        Ok(Difference {
            method: method(&self.method)?,
            baseline: method(&self.baseline)?,
            column: column(&self.snr_db)?,
            mean: mean(self.n, self.mean_db, self.ci95_low_db, self.ci95_high_db)?,
            p_value: self.p_value,
            effect_size: self.effect_size,
        })
    }
}

#[derive(Deserialize)]
struct OrdersRow {
    snr_db: String,
    effective_orders: Option<f64>,
    n: usize,
}

impl OrdersRow {
    fn effective(self) -> Result<EffectiveOrders> {
        Ok(EffectiveOrders {
            column: column(&self.snr_db)?,
            n: self.n,
            mean: self.effective_orders,
        })
    }
}

#[derive(Deserialize)]
struct TimeRow {
    method: String,
    seconds: f64,
    fastest_seconds: f64,
    repetitions: usize,
    threads: usize,
}

fn method(name: &str) -> Result<Method> {
    Method::TABLED
        .into_iter()
        .find(|method| method.name() == name)
        .ok_or_else(|| anyhow!("`{name}` is not a method of the table"))
}

fn metric(name: &str) -> Result<Metric> {
    Metric::ALL
        .into_iter()
        .find(|metric| metric.name() == name)
        .ok_or_else(|| anyhow!("`{name}` is not a metric"))
}

fn column(name: &str) -> Result<Column> {
    match (name, name.parse::<f64>()) {
        ("average", _) => Ok(Column::Average),
        (_, Ok(snr_db)) if snr_db.is_finite() => Ok(Column::Snr(snr_db)),
        _ => bail!("`{name}` is neither a signal-to-noise ratio nor `average`"),
    }
}

fn mean(n: usize, mean_db: Option<f64>, low: Option<f64>, high: Option<f64>) -> Result<Mean> {
    let numbers = [mean_db, low, high];
    if numbers
        .into_iter()
        .flatten()
        .any(|number| !number.is_finite())
    {
        bail!("a mean or an end of its interval is not a finite number");
    }
    Ok(Mean {
        n,
        mean_db,
        interval_db: low.zip(high),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn error(files: &[(&str, &str)], read: impl Fn(Recorded) -> Result<()>) -> String {
        let folder = run(files);
        format!(
            "{:#}",
            Recorded::open(folder.path()).and_then(read).unwrap_err()
        )
    }

    #[test]
    fn errors_name_the_file_and_the_line() {
        const HEADER: &str = "method,snr_db,metric,mean_db,ci95_low_db,ci95_high_db,n\n";
        let summary = |run: Recorded| run.summary().map(drop);
        let table = |row: &str| format!("{HEADER}vb_fusion,0,sdr,1.0,,,1\n{row}\n");
        for (row, expected) in [
            ("vb_fuson,0,sdr,1,,,1", "line 3: `vb_fuson` is not a method"),
            ("vb_fusion,x,sdr,1,,,1", "line 3: `x` is neither"),
            ("vb_fusion,0,snr,1,,,1", "line 3: `snr` is not a metric"),
            ("vb_fusion,0,sdr,nan,,,1", "line 3: a mean or an end"),
            ("vb_fusion,0,sdr,one,,,1", "invalid float literal"),
            ("vb_fusion,0,sdr", "found record with 3 fields"),
        ] {
            let found = error(&[("config.toml", ""), ("table1.csv", &table(row))], summary);
            assert!(
                found.contains("table1.csv") && found.contains(expected),
                "{found}"
            );
        }
        let found = error(&[("config.toml", "")], summary);
        assert!(
            found.contains("cannot read") && found.contains("table1.csv"),
            "{found}"
        );
        let found = error(&[("config.toml", "[model]\niterations = 0")], |run| {
            run.config().map(drop)
        });
        assert!(
            found.contains("config.toml: `model.iterations`: 0"),
            "{found}"
        );
        let found = error(&[("config.toml", "a = ")], |_| Ok(()));
        assert!(found.contains("config.toml"), "{found}");
        let found = error(&[], |_| Ok(()));
        assert!(
            found.contains("does not hold the results of a run"),
            "{found}"
        );
    }
}
