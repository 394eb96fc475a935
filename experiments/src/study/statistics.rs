//! From the scores of trials to means, intervals and paired differences.
//!
//! Trials within a [`Unit`] share dictionaries or recordings and are not independent; units are. So
//! intervals and tests are over units:
//!
//! | unit | a unit's value | mean | interval |
//! |---|---|---|---|
//! | true order | see [`by_true_order`] | over trials | bootstrap over units |
//! | seed | mean over its trials | over units | Student's t, from three units on |
//! | speaker, noise, seed | mean over its trials | over units | bootstrap over units |
//!
//! The paired test flips the signs of the units' differences: with n units its p-value is 2 / 2^n
//! at the least.

use anyhow::Result;
use eval::{effect_size, effective_number, mean_interval, sign_flip_test, student_interval};

use super::design::{Run, Study, Unit};
use super::estimate::{Candidate, Member, Trial, TrialResult};
use super::methods::{COMPARISONS, Method};
use super::scores::Metric;

/// Coverage of the intervals, as the columns `ci95_low_db` and `ci95_high_db` say.
const CONFIDENCE: f64 = 0.95;
/// Largest p-value of a difference that counts.
const LEVEL: f64 = 0.05;
/// Fewer seeds have no interval by Student's t.
const LEAST_SEEDS: usize = 3;

/// The results of a study, by run and trial.
pub(crate) type Results = Vec<Vec<TrialResult>>;

/// What means are over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Column {
    /// The trials at one signal-to-noise ratio.
    Snr(f64),
    /// All trials.
    Average,
}

impl Column {
    /// The name in the keys of random streams; that of a ratio in results files, too.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Snr(snr_db) => snr_db.to_string(),
            Self::Average => "average".to_owned(),
        }
    }

    fn includes(self, trial: &Trial) -> bool {
        match self {
            Self::Snr(snr_db) => trial.snr_db.total_cmp(&snr_db).is_eq(),
            Self::Average => true,
        }
    }
}

/// A mean over units. Without a value there is no mean, with too few units no interval.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Mean {
    /// Units with a value.
    pub(crate) units: usize,
    /// Trials with a value.
    pub(crate) trials: usize,
    pub(crate) mean: Option<f64>,
    /// Its 95 % confidence interval.
    pub(crate) interval: Option<(f64, f64)>,
}

/// The mean score of a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MeanScore {
    /// Position of the case.
    pub(crate) case: usize,
    pub(crate) candidate: Candidate,
    pub(crate) column: Column,
    pub(crate) metric: Metric,
    pub(crate) mean: Mean,
}

/// How much one candidate gains over another on the same trials.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Difference {
    /// Position of the case.
    pub(crate) case: usize,
    pub(crate) candidate: Candidate,
    pub(crate) baseline: Candidate,
    pub(crate) column: Column,
    pub(crate) metric: Metric,
    pub(crate) mean: Mean,
    /// Of a paired test that there is none; from two units on.
    pub(crate) p_value: Option<f64>,
    /// Cohen's d of pairs over the units.
    pub(crate) effect_size: Option<f64>,
}

/// On which side of a limit a difference is: the whole interval, and the test agrees. Of few units
/// an interval alone is too narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Above,
    Below,
    Both,
    /// There is no interval.
    Unknown,
}

impl Side {
    fn new(interval: Option<(f64, f64)>, limit_db: f64, is_certain: bool) -> Self {
        match interval {
            Some((low, _)) if low > limit_db && is_certain => Self::Above,
            Some((_, high)) if high < limit_db && is_certain => Self::Below,
            Some(_) => Self::Both,
            None => Self::Unknown,
        }
    }
}

impl Difference {
    /// The side of 0.
    pub(crate) fn side(&self) -> Side {
        let is_certain = self.p_value.is_some_and(|p| p <= LEVEL);
        Side::new(self.mean.interval, 0.0, is_certain)
    }

    /// The side of a limit in dB that is not 0. The test is of 0, so that here it is only asked
    /// whether a test of so many units could agree.
    pub(crate) fn side_of(&self, limit_db: f64) -> Side {
        let least_p = 2.0 * 0.5_f64.powf(self.mean.units as f64);
        Side::new(self.mean.interval, limit_db, least_p <= LEVEL)
    }
}

/// How many orders a method mixes: exp(entropy of q(K_1) or of its weights), averaged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EffectiveOrders {
    /// Position of the case.
    pub(crate) case: usize,
    pub(crate) method: Method,
    pub(crate) column: Column,
    pub(crate) mean: Mean,
}

/// All that is tabled of a study.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Summary {
    /// By case, metric, candidate, column.
    pub(crate) means: Vec<MeanScore>,
    /// By case, metric, comparison, column.
    pub(crate) differences: Vec<Difference>,
    /// By case, method that weighs the orders, column.
    pub(crate) effective_orders: Vec<EffectiveOrders>,
}

impl Summary {
    /// The columns of a case: its ratios in the configured order, then the average.
    pub(crate) fn columns(&self, case: usize) -> Vec<Column> {
        let mut columns = Vec::new();
        for mean in self.means.iter().filter(|mean| mean.case == case) {
            if !columns.contains(&mean.column) {
                columns.push(mean.column);
            }
        }
        columns
    }

    /// The mean score of a candidate.
    pub(crate) fn mean(
        &self,
        case: usize,
        candidate: Candidate,
        metric: Metric,
        column: Column,
    ) -> Option<&Mean> {
        let wanted = (case, candidate, metric, column);
        let is_wanted = |it: &&MeanScore| (it.case, it.candidate, it.metric, it.column) == wanted;
        self.means.iter().find(is_wanted).map(|it| &it.mean)
    }

    /// How much one candidate gains over another by SDR.
    pub(crate) fn difference(
        &self,
        case: usize,
        candidate: impl Into<Candidate>,
        baseline: impl Into<Candidate>,
        column: Column,
    ) -> Option<&Difference> {
        let pair = (candidate.into(), baseline.into());
        self.differences.iter().find(|it| {
            (it.case, it.metric, it.column) == (case, Metric::Sdr, column)
                && (it.candidate, it.baseline) == pair
        })
    }

    /// How many orders a method mixes.
    pub(crate) fn effective_orders(
        &self,
        case: usize,
        method: Method,
        column: Column,
    ) -> Option<&Mean> {
        let mut orders = self.effective_orders.iter();
        let wanted = (case, method, column);
        let found = orders.find(|it| (it.case, it.method, it.column) == wanted);
        found.map(|it| &it.mean)
    }
}

/// What is compared with what: the comparisons of the paper, every method of another program with
/// every one of this, and all with the mixture that they are to improve on.
fn comparisons(study: &Study<'_>) -> Vec<(Candidate, Candidate)> {
    let candidates = study.candidates();
    let methods = || study.methods.iter().copied().map(Candidate::Method);
    let foreign = study
        .foreign_candidates()
        .flat_map(|foreign| methods().map(move |method| (foreign, method)));
    let improvements = methods()
        .chain(study.foreign_candidates())
        .map(|candidate| (candidate, Candidate::Mixture));
    let pairs = COMPARISONS
        .iter()
        .map(|&(method, baseline)| (Candidate::Method(method), Candidate::Method(baseline)));
    pairs
        .chain(foreign)
        .chain(improvements)
        .filter(|(first, second)| candidates.contains(first) && candidates.contains(second))
        .collect()
}

/// Means, differences and effective orders of all cases.
///
/// # Errors
/// Statistics that cannot be had of finite scores.
pub(crate) fn summarise(study: &Study<'_>, results: &Results) -> Result<Summary> {
    let mut summary = Summary::default();
    for (case, of_case) in study.cases.iter().enumerate() {
        let ratios = of_case
            .config
            .mixtures
            .snr_db
            .iter()
            .copied()
            .map(Column::Snr);
        let columns: Vec<Column> = ratios.chain([Column::Average]).collect();
        let sample = Sample {
            study,
            results,
            case,
        };
        let metrics = &study.config.evaluation.metrics;
        for &metric in metrics {
            for candidate in study.candidates() {
                for &column in &columns {
                    summary
                        .means
                        .push(sample.mean_score(candidate, metric, column)?);
                }
            }
        }
        for &metric in metrics {
            for pair in comparisons(study) {
                for &column in &columns {
                    summary
                        .differences
                        .push(sample.difference(pair, metric, column)?);
                }
            }
        }
        for method in study.weighing_methods() {
            for &column in &columns {
                summary
                    .effective_orders
                    .push(sample.effective_orders(method, column)?);
            }
        }
    }
    Ok(summary)
}

/// The results of one case.
struct Sample<'a> {
    study: &'a Study<'a>,
    results: &'a Results,
    case: usize,
}

/// A value of a trial.
#[derive(Debug, Clone, Copy)]
struct Value {
    /// Position of the run.
    run: usize,
    trial: Trial,
    value: f64,
}

impl Sample<'_> {
    fn mean_score(
        &self,
        candidate: Candidate,
        metric: Metric,
        column: Column,
    ) -> Result<MeanScore> {
        let values = self.values(column, |result| result.score(candidate, metric));
        let (name, metric_name, column_name) = (candidate.name(), metric.name(), column.name());
        let purpose = format!("bootstrap {name} {metric_name} {column_name}");
        Ok(MeanScore {
            case: self.case,
            candidate,
            column,
            metric,
            mean: self.mean(&values, &purpose)?,
        })
    }

    fn difference(
        &self,
        (candidate, baseline): (Candidate, Candidate),
        metric: Metric,
        column: Column,
    ) -> Result<Difference> {
        let values = self.values(column, |result| {
            Some(result.score(candidate, metric)? - result.score(baseline, metric)?)
        });
        let of_metric = match metric {
            Metric::Sdr => String::new(),
            other => format!(" {}", other.name()),
        };
        let of_column = match column {
            Column::Average => String::new(),
            Column::Snr(_) => format!(" {}", column.name()),
        };
        let pair = format!("{} {}{of_metric}", candidate.name(), baseline.name());
        let units = by_unit(&values, self.study.unit);
        let p_value = if units.len() < 2 {
            None
        } else {
            let seed = self.first_seed();
            let mut rng = match self.study.unit {
                Unit::TrueOrder => {
                    synth::stream(seed, &format!("sign flips {pair}{of_column}"), &[])
                }
                Unit::Seed | Unit::Run(..) => {
                    let purpose = format!("sign flips {pair} {}", column.name());
                    synth::stream(seed, &purpose, &[self.case as u64])
                }
            };
            Some(sign_flip_test(&units, self.resamples(), &mut rng)?)
        };
        Ok(Difference {
            case: self.case,
            candidate,
            baseline,
            column,
            metric,
            mean: self.mean(&values, &format!("bootstrap {pair}{of_column}"))?,
            p_value,
            effect_size: effect_size(&units),
        })
    }

    fn effective_orders(&self, method: Method, column: Column) -> Result<EffectiveOrders> {
        let values = self.values(column, |result| {
            let estimate = result.estimate(Candidate::Method(method))?;
            effective_number(estimate.order_posterior.as_ref()?).ok()
        });
        let (name, column_name) = (method.name(), column.name());
        let purpose = format!("bootstrap effective orders {name} {column_name}");
        Ok(EffectiveOrders {
            case: self.case,
            method,
            column,
            mean: self.mean(&values, &purpose)?,
        })
    }

    /// A quantity of all trials of a column that have it.
    fn values(&self, column: Column, quantity: impl Fn(&TrialResult) -> Option<f64>) -> Vec<Value> {
        let runs = self.study.runs.iter().zip(self.results).enumerate();
        let of_case = runs.filter(|(_, (run, _))| run.case == self.case);
        of_case
            .flat_map(|(run, (_, results))| results.iter().map(move |result| (run, result)))
            .filter(|(_, result)| column.includes(&result.trial))
            .filter_map(|(run, result)| {
                Some(Value {
                    run,
                    trial: result.trial,
                    value: quantity(result)?,
                })
            })
            .collect()
    }

    /// The mean of values with its interval. `purpose` names the random stream of a bootstrap.
    fn mean(&self, values: &[Value], purpose: &str) -> Result<Mean> {
        let units = by_unit(values, self.study.unit);
        let bootstrap = |purpose: &str| {
            let mut rng = synth::stream(self.first_seed(), purpose, &[]);
            mean_interval(&units, CONFIDENCE, self.resamples(), &mut rng)
        };
        let interval = match self.study.unit {
            Unit::TrueOrder if units.len() >= 2 => Some(bootstrap(purpose)?),
            Unit::Run(..) if units.len() >= 2 => Some(bootstrap(purpose)?),
            Unit::Seed if units.len() >= LEAST_SEEDS => Some(student_interval(&units, CONFIDENCE)?),
            Unit::TrueOrder | Unit::Run(..) | Unit::Seed => None,
        };
        let mean = match self.study.unit {
            Unit::TrueOrder => average(values.iter().map(|it| it.value)),
            Unit::Seed | Unit::Run(..) => average(units.iter().copied()),
        };
        Ok(Mean {
            units: units.len(),
            trials: values.len(),
            mean,
            interval: interval.map(|interval| (interval.low, interval.high)),
        })
    }

    fn first_seed(&self) -> u64 {
        self.study.runs.first().map_or(0, Run::seed)
    }

    fn resamples(&self) -> usize {
        self.study.config.statistics.resamples
    }
}

/// One value for each unit that has any.
fn by_unit(values: &[Value], unit: Unit) -> Vec<f64> {
    match unit {
        Unit::TrueOrder => by_true_order(values),
        Unit::Seed | Unit::Run(..) => {
            let of_run = |values: &[Value]| average(values.iter().map(|it| it.value));
            // Runs follow one another.
            values
                .chunk_by(|a, b| a.run == b.run)
                .filter_map(of_run)
                .collect()
        }
    }
}

/// One value per true order: the mean of its values over the signal-to-noise ratios.
///
/// The trials of one true order share their dictionaries, but the orders do not; the ratios are
/// chosen and not sampled. Resampling these values is therefore a bootstrap of whole orders, and
/// flipping their signs flips whole orders.
///
/// The ratios' own means are replaced by the overall mean, which changes nothing unless values are
/// missing: then an order is not judged by the ratios it lacks.
fn by_true_order(values: &[Value]) -> Vec<f64> {
    let average_where = |is_chosen: &dyn Fn(&Trial) -> bool| {
        let chosen = values.iter().filter(|it| is_chosen(&it.trial));
        average(chosen.map(|it| it.value)).unwrap_or_default()
    };
    let centre = average_where(&|_| true);
    let centred: Vec<(Member, f64)> = values
        .iter()
        .map(|it| {
            let ratio = Column::Snr(it.trial.snr_db);
            let at_ratio = average_where(&|other| ratio.includes(other));
            (it.trial.member, centre + (it.value - at_ratio))
        })
        .collect();
    let mut orders: Vec<Member> = values.iter().map(|it| it.trial.member).collect();
    orders.sort();
    orders.dedup();
    orders
        .into_iter()
        .filter_map(|order| {
            let of_order = centred.iter().filter(|&&(other, _)| other == order);
            average(of_order.map(|&(_, value)| value))
        })
        .collect()
}

/// The mean; none of nothing.
fn average(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn value(run: usize, snr_db: f64, order: usize, value: f64) -> Value {
        let member = Member::TrueOrder(order);
        Value {
            run,
            trial: Trial { snr_db, member },
            value,
        }
    }

    /// Values of five orders at three ratios that are far apart: the same deviation of an order at
    /// every ratio.
    fn values() -> Vec<Value> {
        let deviations = [-0.3, -0.1, 0.0, 0.1, 0.3];
        let at = |ratio: f64| (0..5).map(move |k| value(0, ratio, k, ratio + deviations[k]));
        [-10.0, 0.0, 10.0].into_iter().flat_map(at).collect()
    }

    fn mean(values: &[Value], text: &str) -> Mean {
        let config: Config = toml::from_str(text).unwrap();
        let study = Study::new(&config).unwrap();
        let sample = Sample {
            study: &study,
            results: &Vec::new(),
            case: 0,
        };
        sample.mean(values, "test").unwrap()
    }

    #[test]
    fn a_side_is_taken_by_the_whole_interval_and_the_test() {
        let difference = |interval, units, p_value| Difference {
            case: 0,
            candidate: Candidate::Method(Method::VbFusion),
            baseline: Candidate::Method(Method::VbSelection),
            column: Column::Average,
            metric: Metric::Sdr,
            mean: Mean {
                units,
                interval,
                ..Mean::default()
            },
            p_value,
            effect_size: None,
        };
        let side = |interval, p_value| difference(interval, 8, p_value).side();
        for (interval, expected) in [
            (Some((0.1, 0.4)), Side::Above),
            (Some((-0.4, -0.1)), Side::Below),
            (Some((-0.1, 0.1)), Side::Both),
            (None, Side::Unknown),
        ] {
            assert_eq!(side(interval, Some(0.05)), expected);
        }
        // 0 itself is not a gain.
        assert_eq!(side(Some((0.0, 0.2)), Some(0.01)), Side::Both);
        for p_value in [None, Some(0.0625)] {
            assert_eq!(side(Some((0.1, 0.2)), p_value), Side::Both);
        }
        // With five units p is 0.0625 at the least, with six 0.03125; the p of 0 says nothing here.
        let side_of = |units| difference(Some((0.1, 0.2)), units, Some(0.5)).side_of(0.5);
        assert_eq!([5, 6].map(side_of), [Side::Both, Side::Below]);
    }

    #[test]
    fn trials_of_one_order_count_once() {
        let all = mean(&values(), "");
        assert_eq!((all.units, all.trials), (5, 15));
        assert!(all.mean.unwrap().abs() < 1e-12);
        // As certain as one ratio is: the others repeat it.
        let one = mean(&values()[5..10], "");
        assert_eq!((one.units, one.trials), (5, 5));
        let ((low, high), (one_low, one_high)) = all.interval.zip(one.interval).unwrap();
        assert!((low - one_low).abs() < 1e-12 && (high - one_high).abs() < 1e-12);
        assert!(low < -0.1 && high > 0.1, "{low} {high}");
    }

    #[test]
    fn an_order_is_not_judged_by_the_ratios_it_lacks() {
        let mut values = values();
        values.remove(0);
        let orders = by_true_order(&values);
        let centre = average(orders.iter().copied()).unwrap();
        let deviations = orders.iter().map(|value| (value - centre).abs());
        let spread = deviations.fold(0.0, f64::max);
        assert!(orders.len() == 5 && spread < 0.4, "{orders:?}");
    }

    #[test]
    fn no_interval_without_a_spread_to_estimate() {
        let one_order = mean(&[value(0, 0.0, 2, 1.0), value(0, 3.0, 2, 3.0)], "");
        assert_eq!((one_order.trials, one_order.mean), (2, Some(2.0)));
        assert_eq!(one_order.interval, None);
        assert_eq!(mean(&[], ""), Mean::default());
    }

    #[test]
    fn seeds_count_alike_and_have_an_interval_from_three_on() {
        let sweep = "[sweep]\nseeds = [1, 2, 3]";
        let of_seeds = |means: &[f64]| -> Vec<Value> {
            let seeds = means.iter().enumerate();
            seeds
                .flat_map(|(run, &mean)| {
                    [
                        value(run, 0.0, 2, mean - 1.0),
                        value(run, 0.0, 4, mean + 1.0),
                    ]
                })
                .collect()
        };
        let mut values = of_seeds(&[1.0, 2.0, 6.0]);
        values.pop();
        values[4].value = 6.0;
        let three = mean(&values, sweep);
        assert_eq!((three.units, three.trials), (3, 5));
        assert_eq!(three.mean, Some(3.0));
        // scipy.stats.t.interval(0.95, 2, 3, scipy.stats.sem([1, 2, 6])).
        let (low, high) = three.interval.unwrap();
        assert!((low - -3.572_410_607_728_428).abs() < 1e-9, "{low}");
        assert!((high - 9.572_410_607_728_429).abs() < 1e-9, "{high}");
        assert_eq!(mean(&of_seeds(&[1.0, 2.0]), sweep).interval, None);
    }
}
