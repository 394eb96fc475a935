//! The page of a sweep: its figures and its tables as they are.

use anyhow::{Context, Result};
use maud::{Markup, html};

use super::inputs;
use super::page::{self, Section};
use crate::recorded::Recorded;
use crate::table::Table;

/// The long table that only a sweep has.
const LONG: &str = "sweep.csv";

/// Tables short enough to be read, where they are there.
const TABLES: [(&str, &str); 2] = [
    ("summary.csv", "Means and intervals"),
    ("differences.csv", "Paired differences"),
];

/// The figures as data URIs: `sweep.svg`, or `sweep_1.svg`, `sweep_2.svg`, … where there are several.
fn figures(run: &Recorded) -> Result<Vec<String>> {
    let several = (1..).map(|number| format!("sweep_{number}.svg"));
    let names: Vec<String> = several
        .take_while(|name| run.file(name).is_file())
        .collect();
    if names.is_empty() || run.file("sweep.svg").is_file() {
        return Ok(vec![inputs::svg(run, "sweep.svg")?]);
    }
    names.iter().map(|name| inputs::svg(run, name)).collect()
}

/// Whether a folder holds a sweep.
pub(super) fn is_one(run: &Recorded) -> bool {
    run.file(LONG).is_file()
}

pub(super) fn page(run: &Recorded) -> Result<Markup> {
    let mut content: Vec<Section> = Vec::new();
    let figures = figures(run)?;
    content.push((
        "figures",
        "Figures",
        html! {
            @for figure in &figures {
                (page::figure(
                    figure,
                    "Chart of the sweep; its numbers are those of the tables below.",
                    "The SDR over the swept values; its title says what the bars are.",
                ))
            }
        },
    ));
    let mut tables = Vec::new();
    for (name, caption) in TABLES {
        if run.file(name).is_file() {
            tables.push(page::table(&table(run, name)?, caption, "other"));
        }
    }
    content.push((
        "tables",
        "Tables",
        html! { @for table in tables { (table) } },
    ));
    let config = toml::to_string(run.config_table())?;
    content.push((
        "run",
        "What was run",
        html! { pre tabindex="0" { code { (config) } } },
    ));
    let name = run.path().file_name().unwrap_or_default().to_string_lossy();
    let lead = html! { p.lead { "A sweep over values of the configuration." } };
    Ok(page::page(&format!("Sweep: {name}"), &lead, &content))
}

fn table(run: &Recorded, name: &str) -> Result<Table> {
    let bytes = run.bytes(name)?;
    let place = || run.file(name).display().to_string();
    let mut reader = csv::Reader::from_reader(&bytes[..]);
    let mut table = Table::new(reader.headers().with_context(place)?);
    for record in reader.records() {
        table.push(record.with_context(place)?.iter());
    }
    Ok(table)
}
