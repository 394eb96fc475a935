//! From scored estimates to means, intervals and paired differences.

mod effective_orders;

use std::collections::BTreeSet;

use anyhow::Result;
use eval::{effect_size, mean_interval, sign_flip_test};

use crate::cell::Cell;
use crate::config::Config;
use crate::method::Method;
use crate::metric::Metric;
use crate::scoring::Score;
use crate::separation::{ScoredEstimate, Separated};

pub use effective_orders::EffectiveOrders;
use effective_orders::effective_orders;

/// A cell and what came of it; a failure is kept as its message.
#[derive(Debug, Clone)]
pub struct CellResult {
    /// The cell.
    pub cell: Cell,
    /// Its estimates, or why there are none.
    pub outcome: Result<Separated, String>,
}

impl CellResult {
    /// Scores that are missing, or one for a cell without estimates.
    #[must_use]
    pub fn failures(&self) -> usize {
        let Ok(separated) = &self.outcome else {
            return 1;
        };
        let failed = |estimate: &ScoredEstimate| {
            let of = |&metric: &Metric| estimate.scores.get(metric).is_err();
            Metric::ALL.iter().filter(|metric| of(metric)).count()
        };
        separated.estimates.iter().map(failed).sum()
    }

    /// The estimate of a method, if there is one.
    #[must_use]
    pub fn estimate(&self, method: Method) -> Option<&ScoredEstimate> {
        let separated = self.outcome.as_ref().ok()?;
        separated
            .estimates
            .iter()
            .find(|estimate| estimate.method == method)
    }

    /// The score of a method, if there is one.
    #[must_use]
    pub fn score(&self, method: Method, metric: Metric) -> Option<f64> {
        let score: &Score = self.estimate(method)?.scores.get(metric);
        score.as_ref().ok().copied()
    }
}

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Column {
    /// The observations of one signal-to-noise ratio.
    Snr(f64),
    /// All observations.
    Average,
}

impl Column {
    /// The name in results files.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            // Adding zero turns -0 into 0.
            Self::Snr(snr_db) => (snr_db + 0.0).to_string(),
            Self::Average => "average".to_owned(),
        }
    }

    /// Whether the column is over this cell.
    #[must_use]
    pub fn holds(self, cell: &Cell) -> bool {
        match self {
            Self::Snr(snr_db) => cell.snr_db.total_cmp(&snr_db).is_eq(),
            Self::Average => true,
        }
    }
}

/// A mean over observations. Without one there is no mean, with fewer than two true orders no interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// Observations with a score.
    pub n: usize,
    /// Their mean.
    pub mean_db: Option<f64>,
    /// Its 95 % confidence interval over the true orders.
    pub interval_db: Option<(f64, f64)>,
}

/// One entry of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// The row.
    pub method: Method,
    /// The column.
    pub column: Column,
    /// The measure.
    pub metric: Metric,
    /// The mean.
    pub mean: Mean,
}

/// How much one method gains over another on the same observations, by SDR.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// The method expected above.
    pub method: Method,
    /// The method expected below.
    pub baseline: Method,
    /// The observations compared.
    pub column: Column,
    /// Mean of the differences.
    pub mean: Mean,
    /// Of a paired test that there is none.
    pub p_value: Option<f64>,
    /// Cohen's d of pairs over the true orders.
    pub effect_size: Option<f64>,
}

/// What the table and the figure show.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The table's columns: the ratios in the configured order, then the average.
    pub columns: Vec<Column>,
    /// By metric, then method, then column.
    pub entries: Vec<Entry>,
    /// The comparisons behind the paper's claims, each by column.
    pub differences: Vec<Difference>,
    /// How many orders a fusion mixes, by column.
    pub effective_orders: Vec<EffectiveOrders>,
}

impl Summary {
    /// The mean of one entry.
    #[must_use]
    pub fn mean(&self, method: Method, metric: Metric, column: Column) -> Option<&Mean> {
        self.entries
            .iter()
            .find(|entry| (entry.method, entry.metric, entry.column) == (method, metric, column))
            .map(|entry| &entry.mean)
    }

    /// How much one method gains over another in a column.
    #[must_use]
    pub fn difference(
        &self,
        method: Method,
        baseline: Method,
        column: Column,
    ) -> Option<&Difference> {
        self.differences
            .iter()
            .find(|it| (it.method, it.baseline, it.column) == (method, baseline, column))
    }

    /// How many orders a fusion mixes in a column.
    #[must_use]
    pub fn effective(&self, column: Column) -> Option<f64> {
        let of_column = |it: &&EffectiveOrders| it.column == column;
        self.effective_orders.iter().find(of_column)?.mean
    }
}

/// Coverage of the intervals, as the columns `ci95_low_db` and `ci95_high_db` say.
pub const CONFIDENCE: f64 = 0.95;

/// The comparisons behind the paper's claims.
pub const COMPARISONS: [(Method, Method); 4] = [
    (Method::VbFusion, Method::VbSelection),
    (Method::VbFusion, Method::FusionByMean),
    (Method::OracleSelection, Method::VbFusion),
    (Method::FusionByMean, Method::VbSelection),
];

/// Means and intervals over the cells' results.
///
/// # Errors
/// Statistics that cannot be had of finite scores.
pub fn summarise(results: &[CellResult], config: &Config) -> Result<Summary> {
    let ratios = config.mixtures.snr_db.iter().copied().map(Column::Snr);
    let columns: Vec<Column> = ratios.chain([Column::Average]).collect();
    let mut entries = Vec::new();
    for &metric in &config.evaluation.metrics {
        for method in Method::TABLED {
            for &column in &columns {
                let scores: Vec<(Cell, f64)> = results
                    .iter()
                    .filter(|result| column.holds(&result.cell))
                    .filter_map(|result| Some((result.cell, result.score(method, metric)?)))
                    .collect();
                let purpose = format!("bootstrap {method} {metric} {}", column.name());
                let mean = mean(&scores, config, &purpose)?;
                entries.push(Entry {
                    method,
                    column,
                    metric,
                    mean,
                });
            }
        }
    }
    let mut differences = Vec::new();
    for pair in COMPARISONS {
        for &column in &columns {
            differences.push(difference(results, pair, column, config)?);
        }
    }
    let effective_orders = columns
        .iter()
        .map(|&column| effective_orders(results, column))
        .collect::<Result<_>>()?;
    Ok(Summary {
        columns,
        entries,
        differences,
        effective_orders,
    })
}

/// One value per true order: the mean of its scores over the signal-to-noise ratios.
///
/// The observations of one true order share their dictionaries and so are not independent, but the orders are; the
/// ratios are chosen and not sampled. Resampling these values is therefore a bootstrap of whole orders, and flipping
/// their signs flips whole orders.
///
/// The ratios' own means are replaced by the overall mean, which changes nothing unless scores are missing: then an
/// order is not judged by the ratios it lacks.
fn per_order(scores: &[(Cell, f64)]) -> Vec<f64> {
    let average_where = |holds: &dyn Fn(&Cell) -> bool| {
        let chosen = scores.iter().filter(|(cell, _)| holds(cell));
        average(chosen.map(|&(_, score)| score))
    };
    let centre = average_where(&|_| true);
    let centred: Vec<(usize, f64)> = scores
        .iter()
        .map(|(cell, score)| {
            let at_ratio = average_where(&|other| other.snr_db.total_cmp(&cell.snr_db).is_eq());
            (cell.true_order, centre + (score - at_ratio))
        })
        .collect();
    let orders: BTreeSet<usize> = scores.iter().map(|(cell, _)| cell.true_order).collect();
    orders
        .into_iter()
        .map(|order| {
            let of_order = centred.iter().filter(|&&(other, _)| other == order);
            average(of_order.map(|&(_, score)| score))
        })
        .collect()
}

fn average(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    sum / count
}

/// The mean of scores, with an interval over the true orders where there are two at least. `purpose` names the random
/// stream.
fn mean(scores: &[(Cell, f64)], config: &Config, purpose: &str) -> Result<Mean> {
    let orders = per_order(scores);
    let interval_db = if orders.len() < 2 {
        None
    } else {
        let mut rng = synth::stream(config.experiment.seed, purpose, &[]);
        let resamples = config.statistics.resamples;
        let interval = mean_interval(&orders, CONFIDENCE, resamples, &mut rng)?;
        Some((interval.low, interval.high))
    };
    Ok(Mean {
        n: scores.len(),
        mean_db: (!scores.is_empty()).then(|| average(scores.iter().map(|&(_, score)| score))),
        interval_db,
    })
}

fn difference(
    results: &[CellResult],
    (method, baseline): (Method, Method),
    column: Column,
    config: &Config,
) -> Result<Difference> {
    let gains: Vec<(Cell, f64)> = results
        .iter()
        .filter(|result| column.holds(&result.cell))
        .filter_map(|result| {
            let gain = result.score(method, Metric::Sdr)? - result.score(baseline, Metric::Sdr)?;
            Some((result.cell, gain))
        })
        .collect();
    let orders = per_order(&gains);
    let of_column = match column {
        Column::Average => String::new(),
        Column::Snr(_) => format!(" {}", column.name()),
    };
    let p_value = if orders.len() < 2 {
        None
    } else {
        let purpose = format!("sign flips {method} {baseline}{of_column}");
        let mut rng = synth::stream(config.experiment.seed, &purpose, &[]);
        let resamples = config.statistics.resamples;
        Some(sign_flip_test(&orders, resamples, &mut rng)?)
    };
    Ok(Difference {
        method,
        baseline,
        column,
        mean: mean(
            &gains,
            config,
            &format!("bootstrap {method} {baseline}{of_column}"),
        )?,
        p_value,
        effect_size: effect_size(&orders),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(snr_db: f64, true_order: usize) -> Cell {
        Cell {
            snr_db,
            order_index: 0,
            true_order,
        }
    }

    /// Scores of five orders at three ratios that are far apart: the same deviation of an order at every ratio.
    fn scores() -> Vec<(Cell, f64)> {
        let deviations = [-0.3, -0.1, 0.0, 0.1, 0.3];
        [-10.0, 0.0, 10.0]
            .into_iter()
            .flat_map(|ratio| (0..5).map(move |k| (cell(ratio, k), ratio + deviations[k])))
            .collect()
    }

    #[test]
    fn observations_of_one_order_count_once() {
        let config = Config::default();
        let all = mean(&scores(), &config, "test").unwrap();
        assert_eq!(all.n, 15);
        assert!(all.mean_db.unwrap().abs() < 1e-12);
        // As certain as one ratio is: the others repeat it.
        let one = mean(&scores()[5..10], &config, "test").unwrap();
        assert_eq!(one.n, 5);
        let ((low, high), (one_low, one_high)) = all.interval_db.zip(one.interval_db).unwrap();
        assert!((low - one_low).abs() < 1e-12 && (high - one_high).abs() < 1e-12);
        assert!(low < -0.1 && high > 0.1, "{low} {high}");
    }

    #[test]
    fn an_order_is_not_judged_by_the_ratios_it_lacks() {
        let mut scores = scores();
        scores.remove(0);
        let orders = per_order(&scores);
        let spread = orders.iter().fold(0.0_f64, |most, value| {
            most.max((value - average(orders.iter().copied())).abs())
        });
        assert!(orders.len() == 5 && spread < 0.4, "{orders:?}");
    }

    #[test]
    fn no_interval_without_a_spread_to_estimate() {
        let config = Config::default();
        let scores = [(cell(0.0, 2), 1.0), (cell(3.0, 2), 3.0)];
        let one_order = mean(&scores, &config, "test").unwrap();
        assert_eq!(
            (one_order.n, one_order.mean_db, one_order.interval_db),
            (2, Some(2.0), None)
        );
        let none = mean(&[], &config, "test").unwrap();
        assert_eq!((none.n, none.mean_db, none.interval_db), (0, None, None));
    }
}
