//! One run against another, number by number.
//!
//! Every CSV file of the reference is compared but the times, whatever the sequence of its rows.
//! Documents and figures are made of the same numbers and are not compared; neither is the
//! manifest, which says how a run came about and not what came of it.

use std::collections::HashMap;
use std::fs;

use anyhow::{Context, Result, ensure};

use super::recorded::Recorded;
use crate::store::configuration::differences_of_numbers;
use crate::store::refused::Refused;

/// Numbers may differ by this part of their size, and by one unit of their last printed digit on
/// top: on one machine runs are the same to the byte, between machines the last digits of FFTs and
/// of elementary functions are not.
pub(crate) const TOLERANCE: f64 = 1e-6;

/// Columns of levels, which are logarithms: what is off by a part of the ratio of powers is off by
/// as many dB at 0.1 dB as at 20.
const LEVEL: &str = "_db";

/// Columns that say what a row is of, beside orders and the axes of a sweep, which are keys of the
/// configuration.
const LABELS: [&str; 11] = [
    "seed",
    "speaker",
    "noise",
    "mixture",
    "snr_db",
    "true_order",
    "method",
    "baseline",
    "signal",
    "metric",
    "iteration",
];

/// How the names of methods end that select an order.
const SELECTION: &str = "_selection";

/// Files that vary from run to run.
const VARYING: [&str; 1] = ["timings.csv"];

/// Keys that say where files are and not what is in them.
const PLACES: [&str; 4] = [
    "corpus.root",
    "corpus.speech",
    "corpus.background",
    "evaluation.estimates",
];

/// One file of the reference and what the run has in its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FileComparison {
    pub(crate) name: String,
    /// That were compared.
    pub(crate) fields: usize,
    /// The largest difference between two numbers, as a part of the reference's; of levels, of the
    /// ratio of powers.
    pub(crate) largest: f64,
    /// What differs, beyond the tolerance.
    pub(crate) differences: Vec<String>,
}

/// Compares all files of a reference.
///
/// `tolerance`: relative, on numbers; on levels relative to the ratio of powers.
///
/// # Errors
/// [`Refused`] for runs of different configurations and for a reference without tables. A file that
/// cannot be read.
pub(crate) fn compare(
    run: &Recorded,
    reference: &Recorded,
    tolerance: f64,
) -> Result<Vec<FileComparison>> {
    let mut keys = differences_of_numbers(reference.config_table(), run.config_table());
    keys.retain(|line| {
        !PLACES
            .iter()
            .any(|place| line.starts_with(&format!("{place}:")))
    });
    ensure!(
        keys.is_empty(),
        Refused(format!(
            "{} and {} are of different configurations\n  {}",
            reference.path().display(),
            run.path().display(),
            keys.join("\n  ")
        ))
    );
    let names = tables(reference)?;
    ensure!(
        !names.is_empty(),
        Refused(format!(
            "{} holds no table to compare with",
            reference.path().display()
        ))
    );
    let compared = names.into_iter().map(|name| {
        let expected = text(reference, &name)?;
        if !run.file(&name).is_file() {
            return Ok(FileComparison {
                differences: vec!["is missing".to_owned()],
                name,
                fields: 0,
                largest: 0.0,
            });
        }
        Ok(compare_tables(
            name.clone(),
            &expected,
            &text(run, &name)?,
            tolerance,
        ))
    });
    compared.collect()
}

/// The names of a folder's tables that should be the same in every run, in order.
fn tables(folder: &Recorded) -> Result<Vec<String>> {
    let cannot = || format!("cannot read {}", folder.path().display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.path()).with_context(cannot)? {
        let name = entry.with_context(cannot)?.file_name();
        let name = name.to_string_lossy().into_owned();
        if name.ends_with(".csv") && !VARYING.contains(&&name[..]) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn text(folder: &Recorded, name: &str) -> Result<String> {
    String::from_utf8(folder.bytes(name)?)
        .with_context(|| format!("{} is not text", folder.file(name).display()))
}

/// Rows with the same labels: a row more or less is one difference.
fn compare_tables(name: String, expected: &str, found: &str, tolerance: f64) -> FileComparison {
    let mut comparison = FileComparison {
        name,
        fields: 0,
        largest: 0.0,
        differences: Vec::new(),
    };
    let [expected, found] = [expected, found].map(records);
    let [header, found_header] =
        [&expected, &found].map(|it| it.first().cloned().unwrap_or_default());
    if header != found_header {
        comparison.differences.push(format!(
            "the columns are {} instead of {}",
            found_header.join(","),
            header.join(",")
        ));
        return comparison;
    }
    let (pairs, added) = pair_rows(&header, &expected, &found);
    for (line, (expected, found)) in expected.iter().zip(pairs).enumerate().skip(1) {
        match found {
            Some(found) => {
                comparison.compare_row(line + 1, &header, expected, found, tolerance);
            }
            None => comparison.differences.push(format!(
                "line {} of the reference is missing: {}",
                line + 1,
                expected.join(",")
            )),
        }
    }
    comparison.differences.extend(added.iter().map(|&line| {
        let row = found[line].join(",");
        format!(
            "line {} of the run is not in the reference: {row}",
            line + 1
        )
    }));
    comparison
}

/// The row of the run for each of the reference, and the indices of those that are left. Of rows
/// with the same labels those that are equal are pairs, the others in their sequence.
fn pair_rows<'a>(
    header: &[String],
    expected: &[Vec<String>],
    found: &'a [Vec<String>],
) -> (Vec<Option<&'a [String]>>, Vec<usize>) {
    let mut left: HashMap<Vec<&str>, Vec<usize>> = HashMap::new();
    for (index, row) in found.iter().enumerate().skip(1) {
        left.entry(labels(header, row)).or_default().push(index);
    }
    let mut pairs = vec![None; expected.len()];
    for only_equal in [true, false] {
        for (row, pair) in expected.iter().zip(&mut pairs).skip(1) {
            let Some(left) = left.get_mut(&labels(header, row)) else {
                continue;
            };
            let fits = |&index: &usize| !only_equal || found[index] == *row;
            let place = match pair.is_none() {
                true => left.iter().position(fits),
                false => None,
            };
            if let Some(place) = place {
                *pair = Some(found[left.remove(place)].as_slice());
            }
        }
    }
    let mut added: Vec<usize> = left.into_values().flatten().collect();
    added.sort_unstable();
    (pairs, added)
}

/// What says what a row is of. The order does, unless it was selected, which is a result.
fn labels<'a>(header: &[String], row: &'a [String]) -> Vec<&'a str> {
    let is_selection = row.iter().any(|text| text.ends_with(SELECTION));
    let fields = header.iter().zip(row);
    fields
        .filter(|(column, _)| match column.as_str() {
            "order" => !is_selection,
            column => LABELS.contains(&column) || column.contains('.'),
        })
        .map(|(_, text)| text.as_str())
        .collect()
}

impl FileComparison {
    /// Field by field. `line`: that of the row in the reference.
    fn compare_row(
        &mut self,
        line: usize,
        header: &[String],
        expected: &[String],
        found: &[String],
        tolerance: f64,
    ) {
        if expected.len() != found.len() {
            self.differences.push(format!(
                "line {line}: {} fields instead of {}",
                found.len(),
                expected.len()
            ));
            return;
        }
        for (column, (expected, found)) in expected.iter().zip(found).enumerate() {
            let column = header.get(column).map_or("", String::as_str);
            self.fields += 1;
            let (distance, size) = (distance(expected, found), size(column, expected));
            if let Some(distance) = distance.filter(|&it| it > 0.0) {
                let relative = distance / size.max(f64::MIN_POSITIVE);
                self.largest = self.largest.max(relative);
            }
            let allowed = allowed(size, expected, tolerance);
            let same = expected == found || distance.is_some_and(|distance| distance <= allowed);
            if !same {
                self.differences.push(format!(
                    "line {line}, `{column}`: {found:?} instead of {expected:?}"
                ));
            }
        }
    }
}

fn records(text: &str) -> Vec<Vec<String>> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
        .records()
        .map_while(Result::ok)
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}

/// The distance of two numbers; none if one is not a finite number.
fn distance(expected: &str, found: &str) -> Option<f64> {
    let finite = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    Some((finite(expected)? - finite(found)?).abs())
}

/// What a difference is a part of: the number, or what a level changes by where its ratio becomes e
/// times as large.
fn size(column: &str, expected: &str) -> f64 {
    match column.ends_with(LEVEL) {
        true => 10.0 / std::f64::consts::LN_10,
        false => expected.parse::<f64>().unwrap_or_default().abs(),
    }
}

fn allowed(size: f64, expected: &str, tolerance: f64) -> f64 {
    // The sum of two rounded numbers that were equal may be off by a rounding of its own.
    (tolerance * size + last_digit(expected)) * (1.0 + 1e-9)
}

/// One unit of the last digit printed: 0.001 for 1.234, 1e-9 for 1.234e-6. A whole number is exact.
fn last_digit(text: &str) -> f64 {
    let lower = text.to_ascii_lowercase();
    let (mantissa, exponent) = lower.split_once('e').unwrap_or((&lower, "0"));
    let Some((_, decimals)) = mantissa.split_once('.') else {
        return 0.0;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    10.0_f64.powi(exponent - decimals.len() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences_of(expected: &str, found: &str) -> Vec<String> {
        compare_tables("a.csv".to_owned(), expected, found, TOLERANCE).differences
    }

    #[test]
    fn numbers_may_differ_within_the_tolerance_and_text_may_not() {
        let same = |expected: &str, found: &str| {
            differences_of(&format!("a,b\n{expected}\n"), &format!("a,b\n{found}\n")).is_empty()
        };
        assert!(same("x,1.000000", "x,1.000001"));
        assert!(same("x,-709620.629226", "x,-709620.129226"));
        assert!(same("x,2.605113e-2", "x,2.605114e-2"));
        assert!(same("x,-0.000000", "x,0.000001"));
        assert!(!same("x,1.000000", "x,1.000003"));
        assert!(!same("x,2.605113e-20", "x,2.605213e-20"));
        assert!(!same("x,1.000000", "y,1.000000"));
        // Counts and seeds are exact.
        assert!(!same("x,42", "x,43"));
        assert!(!same("x,1.0", "x,"));
        assert!(!same("x,1.0", "x,nan"));
        assert!(same("x,", "x,"));
    }

    #[test]
    fn a_level_may_differ_by_as_much_whatever_it_is() {
        // 1 + 1e-6 is 4.34e-6 dB.
        let same = |expected: &str, found: &str| {
            differences_of(&format!("a_db\n{expected}\n"), &format!("a_db\n{found}\n")).is_empty()
        };
        for (expected, near, far) in [
            ("0.1000000", "0.1000043", "0.1000045"),
            ("20.0000000", "20.0000043", "20.0000045"),
        ] {
            assert!(same(expected, near), "{expected}");
            assert!(!same(expected, far), "{expected}");
        }
    }

    #[test]
    fn what_differs_is_named() {
        let found = differences_of(
            "method,value\na,1.0\nb,2.0\n",
            "method,value\na,1.5\nb\nc,3\n",
        );
        assert_eq!(
            found,
            [
                "line 2, `value`: \"1.5\" instead of \"1.0\"",
                "line 3: 1 fields instead of 2",
                "line 4 of the run is not in the reference: c,3"
            ]
        );
        assert_eq!(
            differences_of("method,value\n", "method,mean\n"),
            ["the columns are method,mean instead of method,value"]
        );
    }

    #[test]
    fn a_row_more_or_less_is_one_difference() {
        let short = "method,snr_db,order,value\n\
                     single,0,2,1.0\nsingle,0,4,2.0\nvb_selection,0,2,3.0\n";
        for added in [
            "single,0,3,5.0",
            "single,1,4,5.0",
            "mean,0,4,2.0",
            "single,0,4,2.0",
        ] {
            let long = short.replace("vb", &format!("{added}\nvb"));
            let line = format!("line 4 of the run is not in the reference: {added}");
            assert_eq!(differences_of(short, &long), [line]);
            let line = format!("line 4 of the reference is missing: {added}");
            assert_eq!(differences_of(&long, short), [line]);
        }
        assert_eq!(
            differences_of(short, &short.replace("selection,0,2", "selection,0,4")),
            ["line 4, `order`: \"4\" instead of \"2\""]
        );
    }

    #[test]
    fn a_wrong_label_is_a_row_less_and_one_more() {
        let right = "method,metric,value\na,sdr,1.0\na,sir,2.0\n";
        assert_eq!(
            differences_of(right, &right.replace("sdr", "sir")),
            [
                "line 2 of the reference is missing: a,sdr,1.0",
                "line 2 of the run is not in the reference: a,sir,1.0"
            ]
        );
        let turned = "method,metric,value\na,sir,2.0\na,sdr,1.0\n";
        assert!(differences_of(right, turned).is_empty());
    }

    #[test]
    fn the_largest_difference_is_told_within_the_tolerance_too() {
        let found = compare_tables(
            "a.csv".to_owned(),
            "a\n2.0000000\n",
            "a\n2.0000002\n",
            TOLERANCE,
        );
        assert!(found.differences.is_empty() && found.fields == 1);
        assert!((found.largest - 1e-7).abs() < 1e-12, "{}", found.largest);
    }
}
