//! The row types of all CSV files of a study. Each says which values it is made of and reads back
//! as them.

use anyhow::{Result, anyhow, bail};
use serde::{Deserialize, Serialize};

use super::csv::{Row, decimals, digits, three_decimals};
use crate::study::estimate::{Candidate, Estimate};
use crate::study::methods::Method;
use crate::study::scores::Metric;
use crate::study::statistics::{Column, Difference, EffectiveOrders, Mean, MeanScore};

/// `observations.csv`: one score of one estimate of a trial, or why there is none.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ScoreRow {
    method: String,
    order: Option<usize>,
    metric: String,
    #[serde(with = "decimals")]
    value_db: Option<f64>,
    #[serde(with = "decimals")]
    free_energy: Option<f64>,
    error: String,
}

impl Row for ScoreRow {
    const COLUMNS: &'static [&'static str] = &[
        "method",
        "order",
        "metric",
        "value_db",
        "free_energy",
        "error",
    ];
}

impl ScoreRow {
    pub(crate) fn new(estimate: &Estimate, metric: Metric) -> Self {
        let score = estimate.scores.get(metric);
        let error = score.as_ref().err().map(ToString::to_string);
        Self {
            method: estimate.candidate.name().into_owned(),
            order: estimate.order,
            metric: metric.name().to_owned(),
            value_db: score.as_ref().ok().copied(),
            free_energy: estimate.free_energy,
            error: error.unwrap_or_default(),
        }
    }

    /// What is written of estimates that are missing.
    pub(crate) fn missing(error: &str) -> Self {
        Self {
            error: error.to_owned(),
            ..Self::default()
        }
    }
}

/// `order_posterior.csv`: q(K_1) of a fusion, or the weights of a mean, order by order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OrderPosteriorRow {
    pub(crate) method: String,
    pub(crate) order: usize,
    #[serde(with = "digits")]
    pub(crate) probability: f64,
}

impl Row for OrderPosteriorRow {
    const COLUMNS: &'static [&'static str] = &["method", "order", "probability"];
}

/// `table1.csv` and `summary.csv`: a mean score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MeanRow {
    method: String,
    snr_db: String,
    metric: String,
    #[serde(with = "decimals")]
    mean_db: Option<f64>,
    #[serde(with = "decimals")]
    ci95_low_db: Option<f64>,
    #[serde(with = "decimals")]
    ci95_high_db: Option<f64>,
    units: usize,
    trials: usize,
}

impl Row for MeanRow {
    const COLUMNS: &'static [&'static str] = &[
        "method",
        "snr_db",
        "metric",
        "mean_db",
        "ci95_low_db",
        "ci95_high_db",
        "units",
        "trials",
    ];
}

impl MeanRow {
    pub(crate) fn new(it: &MeanScore) -> Self {
        let (ci95_low_db, ci95_high_db) = it.mean.interval.unzip();
        Self {
            method: it.candidate.name().into_owned(),
            snr_db: ratio(it.column),
            metric: it.metric.name().to_owned(),
            mean_db: it.mean.mean,
            ci95_low_db,
            ci95_high_db,
            units: it.mean.units,
            trials: it.mean.trials,
        }
    }

    /// The mean score of a case that the row holds.
    ///
    /// # Errors
    /// Names that are not of this version.
    pub(crate) fn mean_score(self, case: usize) -> Result<MeanScore> {
        Ok(MeanScore {
            case,
            candidate: candidate(&self.method)?,
            column: column(&self.snr_db)?,
            metric: metric(&self.metric)?,
            mean: mean(
                (self.units, self.trials),
                self.mean_db,
                (self.ci95_low_db, self.ci95_high_db),
            )?,
        })
    }
}

/// `differences.csv`: how much one candidate gains over another on the same trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DifferenceRow {
    method: String,
    baseline: String,
    snr_db: String,
    metric: String,
    #[serde(with = "decimals")]
    mean_db: Option<f64>,
    #[serde(with = "decimals")]
    ci95_low_db: Option<f64>,
    #[serde(with = "decimals")]
    ci95_high_db: Option<f64>,
    #[serde(with = "decimals")]
    p_value: Option<f64>,
    #[serde(with = "three_decimals")]
    effect_size: Option<f64>,
    units: usize,
    trials: usize,
}

impl Row for DifferenceRow {
    const COLUMNS: &'static [&'static str] = &[
        "method",
        "baseline",
        "snr_db",
        "metric",
        "mean_db",
        "ci95_low_db",
        "ci95_high_db",
        "p_value",
        "effect_size",
        "units",
        "trials",
    ];
}

impl DifferenceRow {
    pub(crate) fn new(it: &Difference) -> Self {
        let (ci95_low_db, ci95_high_db) = it.mean.interval.unzip();
        Self {
            method: it.candidate.name().into_owned(),
            baseline: it.baseline.name().into_owned(),
            snr_db: ratio(it.column),
            metric: it.metric.name().to_owned(),
            mean_db: it.mean.mean,
            ci95_low_db,
            ci95_high_db,
            p_value: it.p_value,
            effect_size: it.effect_size,
            units: it.mean.units,
            trials: it.mean.trials,
        }
    }

    /// The difference of a case that the row holds.
    ///
    /// # Errors
    /// Names that are not of this version.
    pub(crate) fn difference(self, case: usize) -> Result<Difference> {
        Ok(Difference {
            case,
            candidate: candidate(&self.method)?,
            baseline: candidate(&self.baseline)?,
            column: column(&self.snr_db)?,
            metric: metric(&self.metric)?,
            mean: mean(
                (self.units, self.trials),
                self.mean_db,
                (self.ci95_low_db, self.ci95_high_db),
            )?,
            p_value: self.p_value,
            effect_size: self.effect_size,
        })
    }
}

/// `effective_orders.csv`: how many orders a method mixes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EffectiveOrdersRow {
    method: String,
    snr_db: String,
    #[serde(with = "decimals")]
    effective_orders: Option<f64>,
    #[serde(with = "decimals")]
    ci95_low: Option<f64>,
    #[serde(with = "decimals")]
    ci95_high: Option<f64>,
    units: usize,
    trials: usize,
}

impl Row for EffectiveOrdersRow {
    const COLUMNS: &'static [&'static str] = &[
        "method",
        "snr_db",
        "effective_orders",
        "ci95_low",
        "ci95_high",
        "units",
        "trials",
    ];
}

impl EffectiveOrdersRow {
    pub(crate) fn new(it: &EffectiveOrders) -> Self {
        let (ci95_low, ci95_high) = it.mean.interval.unzip();
        Self {
            method: it.method.name().to_owned(),
            snr_db: ratio(it.column),
            effective_orders: it.mean.mean,
            ci95_low,
            ci95_high,
            units: it.mean.units,
            trials: it.mean.trials,
        }
    }

    /// The effective orders of a case that the row holds.
    ///
    /// # Errors
    /// Names that are not of this version.
    pub(crate) fn effective_orders(self, case: usize) -> Result<EffectiveOrders> {
        Ok(EffectiveOrders {
            case,
            method: method(&self.method)?,
            column: column(&self.snr_db)?,
            mean: mean(
                (self.units, self.trials),
                self.effective_orders,
                (self.ci95_low, self.ci95_high),
            )?,
        })
    }
}

/// `examples.csv`: a signal of a trial that is kept to be heard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExampleRow {
    pub(crate) signal: String,
    pub(crate) order: Option<usize>,
    #[serde(with = "decimals")]
    pub(crate) sdr_db: Option<f64>,
    /// Factor of the samples in the file.
    #[serde(with = "digits")]
    pub(crate) gain: f64,
    pub(crate) file: String,
}

impl Row for ExampleRow {
    const COLUMNS: &'static [&'static str] = &["signal", "order", "sdr_db", "gain", "file"];
}

/// `trials.csv` beside exported signals: the file name of a trial, and what its signals depend on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExportRow {
    /// Of all its files, without the folder.
    pub(crate) file: String,
    pub(crate) sample_rate_hz: u32,
    pub(crate) samples: usize,
    /// A digest.
    pub(crate) key: String,
}

impl Row for ExportRow {
    const COLUMNS: &'static [&'static str] = &["file", "sample_rate_hz", "samples", "key"];
}

/// `free_energy.csv`: the free energy of a separation after an iteration, in nats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FreeEnergyRow {
    pub(crate) method: String,
    pub(crate) order: Option<usize>,
    pub(crate) iteration: usize,
    #[serde(with = "decimals")]
    pub(crate) free_energy: Option<f64>,
}

impl Row for FreeEnergyRow {
    const COLUMNS: &'static [&'static str] = &["method", "order", "iteration", "free_energy"];
}

/// `timings.csv`: what a method takes for one mixture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TimeRow {
    method: String,
    #[serde(with = "decimals")]
    seconds: Option<f64>,
    #[serde(with = "decimals")]
    fastest_seconds: Option<f64>,
    repetitions: usize,
    threads: usize,
}

impl Row for TimeRow {
    const COLUMNS: &'static [&'static str] = &[
        "method",
        "seconds",
        "fastest_seconds",
        "repetitions",
        "threads",
    ];
}

/// What a method takes for one mixture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Time {
    pub(crate) method: Method,
    /// Median over the repetitions.
    pub(crate) seconds: f64,
    pub(crate) fastest_seconds: f64,
    pub(crate) repetitions: usize,
    /// That a separation could use.
    pub(crate) threads: usize,
}

impl TimeRow {
    pub(crate) fn new(time: &Time) -> Self {
        Self {
            method: time.method.name().to_owned(),
            seconds: Some(time.seconds),
            fastest_seconds: Some(time.fastest_seconds),
            repetitions: time.repetitions,
            threads: time.threads,
        }
    }

    /// The time that the row holds.
    ///
    /// # Errors
    /// A method that is not of this version; no number of seconds.
    pub(crate) fn time(self) -> Result<Time> {
        let seconds = |seconds: Option<f64>| seconds.ok_or_else(|| anyhow!("no number of seconds"));
        Ok(Time {
            method: method(&self.method)?,
            seconds: seconds(self.seconds)?,
            fastest_seconds: seconds(self.fastest_seconds)?,
            repetitions: self.repetitions,
            threads: self.threads,
        })
    }
}

fn method(name: &str) -> Result<Method> {
    Method::from_name(name).ok_or_else(|| anyhow!("`{name}` is not a method"))
}

fn candidate(name: &str) -> Result<Candidate> {
    Candidate::from_name(name).ok_or_else(|| anyhow!("`{name}` is not a method"))
}

fn metric(name: &str) -> Result<Metric> {
    let mut metrics = Metric::ALL.into_iter();
    metrics
        .find(|metric| metric.name() == name)
        .ok_or_else(|| anyhow!("`{name}` is not a metric"))
}

/// The cell of a ratio: empty for the average over all, so that the column has numbers only.
fn ratio(column: Column) -> String {
    match column {
        Column::Snr(_) => column.name(),
        Column::Average => String::new(),
    }
}

/// The ratio of a cell.
fn column(cell: &str) -> Result<Column> {
    match (cell, cell.parse::<f64>()) {
        ("", _) => Ok(Column::Average),
        (_, Ok(snr_db)) if snr_db.is_finite() => Ok(Column::Snr(snr_db)),
        _ => bail!("`{cell}` is neither a signal-to-noise ratio nor empty, as for the average"),
    }
}

/// No score is beyond: the ratio of the largest double to the smallest is below 13,000 dB.
const LARGEST_DB: f64 = 2e4;

fn mean(
    (units, trials): (usize, usize),
    mean: Option<f64>,
    (low, high): (Option<f64>, Option<f64>),
) -> Result<Mean> {
    let numbers = [mean, low, high].into_iter().flatten();
    for number in numbers {
        if !number.is_finite() {
            bail!("a mean or an end of its interval is not a finite number");
        }
        if number.abs() > LARGEST_DB {
            bail!("a mean or an end of its interval is {number} dB, which no score is");
        }
    }
    Ok(Mean {
        units,
        trials,
        mean,
        interval: low.zip(high),
    })
}

#[cfg(test)]
mod tests {
    use super::super::csv::{Labelled, read, write};
    use super::*;

    fn round_trip<R: Row + Clone + PartialEq + std::fmt::Debug>(row: &R) {
        // The columns are those that the row writes.
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.serialize(row).unwrap();
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        assert_eq!(text.lines().next().unwrap(), R::COLUMNS.join(","));
        let labelled = |row: &R| Labelled {
            labels: vec!["1e4".to_owned(), "a, b".to_owned()],
            row: row.clone(),
        };
        let bytes = write(&["model.beta", "speaker"], [labelled(row)]).unwrap();
        assert_eq!(read::<R>(&bytes).unwrap(), [labelled(row)]);
        assert!(read::<R>(b"a,b\n1,2\n").is_err());
    }

    #[test]
    fn rows_read_back_as_what_was_written() {
        round_trip(&ScoreRow {
            method: "single".to_owned(),
            order: Some(4),
            metric: "sdr".to_owned(),
            value_db: Some(-1.25),
            free_energy: None,
            error: String::new(),
        });
        round_trip(&ScoreRow::missing("no numbers, \"none\""));
        round_trip(&OrderPosteriorRow {
            method: "vb_fusion".to_owned(),
            order: 2,
            probability: 2.5e-20,
        });
        let mean = Mean {
            units: 7,
            trials: 42,
            mean: Some(4.5),
            interval: Some((-0.25, 5.0)),
        };
        let mean_score = MeanScore {
            case: 3,
            candidate: Candidate::Mixture,
            column: Column::Snr(-3.0),
            metric: Metric::SiSdr,
            mean,
        };
        let row = MeanRow::new(&mean_score);
        round_trip(&row);
        assert_eq!(row.mean_score(3).unwrap(), mean_score);
        let difference = Difference {
            case: 1,
            candidate: Candidate::Method(Method::VbFusion),
            baseline: Candidate::Mixture,
            column: Column::Average,
            metric: Metric::Sdr,
            mean,
            p_value: Some(0.015_625),
            effect_size: None,
        };
        let row = DifferenceRow::new(&difference);
        round_trip(&row);
        assert_eq!(row.difference(1).unwrap(), difference);
        let orders = EffectiveOrders {
            case: 0,
            method: Method::StructuredFusion,
            column: Column::Average,
            mean: Mean::default(),
        };
        let row = EffectiveOrdersRow::new(&orders);
        round_trip(&row);
        assert_eq!(row.effective_orders(0).unwrap(), orders);
        let time = Time {
            method: Method::OracleSelection,
            seconds: 0.5,
            fastest_seconds: 0.25,
            repetitions: 5,
            threads: 2,
        };
        let row = TimeRow::new(&time);
        round_trip(&row);
        assert_eq!(row.time().unwrap(), time);
        round_trip(&FreeEnergyRow {
            method: "single".to_owned(),
            order: Some(2),
            iteration: 50,
            free_energy: Some(-480_003.5),
        });
        round_trip(&ExportRow {
            file: "order2_snr0dB_seed1.wav".to_owned(),
            sample_rate_hz: 16_000,
            samples: 4800,
            key: "0af".to_owned(),
        });
        round_trip(&ExampleRow {
            signal: "mixture".to_owned(),
            order: None,
            sdr_db: None,
            gain: 1.984766,
            file: "audio/mixture/a.wav".to_owned(),
        });
    }
}
