//! The results for people and for programs.

use super::MixtureResult;
use super::summary::{Entry, Quantity, fusion_less_selection};
use crate::config::Config;
use crate::metric::Metric;
use crate::table::Table;

/// What the tables are about.
#[derive(Debug)]
pub struct Subject<'a> {
    /// Name of the experiment.
    pub experiment: &'a str,
    /// Name of the corpus.
    pub corpus: &'a str,
    /// Number of speakers.
    pub speakers: usize,
    /// Seeds of each.
    pub seeds: usize,
    /// Number of mixtures.
    pub mixtures: usize,
}

/// `realmix.csv`: one row per number.
#[must_use]
pub fn rows(results: &[MixtureResult]) -> Table {
    let mut table = Table::new([
        "seed", "speaker", "mixture", "snr_db", "method", "order", "metric", "value_db", "error",
    ]);
    for result in results {
        let mixture = [
            result.seed.to_string(),
            result.speaker.map(|s| s.to_string()).unwrap_or_default(),
            result.mixture.to_string(),
            result.snr_db.to_string(),
        ];
        let estimates = match &result.outcome {
            Ok(estimates) => estimates,
            Err(error) => {
                let nothing = [(); 4].map(|()| String::new());
                table.push(mixture.into_iter().chain(nothing).chain([error.clone()]));
                continue;
            }
        };
        for scored in estimates {
            for metric in Metric::ALL {
                let score = scored.scores.get(metric);
                let error = score.as_ref().err().map(ToString::to_string);
                table.push(
                    mixture.iter().cloned().chain([
                        scored.candidate.name().to_owned(),
                        scored
                            .order
                            .map(|order| order.to_string())
                            .unwrap_or_default(),
                        metric.to_string(),
                        optional(score.as_ref().ok().copied()),
                        error.unwrap_or_default(),
                    ]),
                );
            }
        }
    }
    table
}

/// `summary.csv`: the means.
#[must_use]
pub fn summary(entries: &[Entry]) -> Table {
    let mut table = Table::new([
        "quantity",
        "snr_db",
        "metric",
        "mean_db",
        "ci95_low_db",
        "ci95_high_db",
        "units",
        "mixtures",
    ]);
    for entry in entries {
        let (low, high) = entry.interval_db.unzip();
        let column = entry.snr_db.map(|db| (db + 0.0).to_string());
        table.push([
            entry.quantity.name(),
            column.unwrap_or_else(|| "average".to_owned()),
            entry.metric.to_string(),
            optional(entry.mean_db),
            optional(low),
            optional(high),
            entry.units.to_string(),
            entry.mixtures.to_string(),
        ]);
    }
    table
}

/// `realmix.md`: for every metric, quantities down and ratios across, intervals in the column of the average.
#[must_use]
pub fn markdown(entries: &[Entry], config: &Config, subject: &Subject<'_>) -> String {
    let mut text = format!(
        "# {}: mixtures of recordings\n\nCorpus: {}; {} speakers, {} seeds each, {} mixtures. Means over speakers and \
         seeds with 95 % intervals.\n",
        subject.experiment, subject.corpus, subject.speakers, subject.seeds, subject.mixtures
    );
    for &metric in &config.evaluation.metrics {
        text += &format!("\n## {metric} of the speech in dB\n\n");
        text += &table(entries, config, metric).markdown();
    }
    let average = |entry: &&Entry| {
        entry.quantity == fusion_less_selection()
            && entry.snr_db.is_none()
            && entry.metric == Metric::Sdr
    };
    if let Some(Entry {
        mean_db: Some(mean),
        interval_db: Some((low, high)),
        ..
    }) = entries.iter().find(average)
    {
        let verdict = match (*low > 0.0, *high < 0.0) {
            (true, _) => "is better than selection",
            (_, true) => "is worse than selection",
            _ => "is not told apart from selection",
        };
        text += &format!("\nFusion {verdict}: {mean:+.2} dB [{low:.2}, {high:.2}] of SDR.\n");
    }
    text
}

fn table(entries: &[Entry], config: &Config, metric: Metric) -> Table {
    let ratios = config.mixtures.snr_db.iter();
    let ratios = ratios.map(|&db| format!("{} dB", db + 0.0));
    let mut table = Table::new(
        [String::new()]
            .into_iter()
            .chain(ratios)
            .chain(["average".to_owned()]),
    );
    for quantity in Quantity::all() {
        let of_row = entries
            .iter()
            .filter(|entry| entry.quantity == quantity && entry.metric == metric);
        let cells = of_row.map(|entry| {
            let mean = entry.mean_db.map(two_decimals);
            let interval = entry
                .interval_db
                .filter(|_| entry.snr_db.is_none())
                .map(|(low, high)| format!(" [{low:.2}, {high:.2}]"));
            mean.unwrap_or_else(|| "-".to_owned()) + &interval.unwrap_or_default()
        });
        table.push([quantity.label()].into_iter().chain(cells));
    }
    table
}

/// Without a sign where nothing but zeros is left of a number.
fn two_decimals(value: f64) -> String {
    let text = format!("{value:.2}");
    match text.as_str() {
        "-0.00" => "0.00".to_owned(),
        _ => text,
    }
}

/// Six decimals, as in the other results.
fn optional(value: Option<f64>) -> String {
    value.map(|value| format!("{value:.6}")).unwrap_or_default()
}
