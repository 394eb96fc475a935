//! Configurations as they are recorded beside results, and how two of them differ.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::refused::Refused;

/// The configuration recorded in a file; none if there is no such file.
///
/// # Errors
/// A file that cannot be read; [`Refused`] for one that is no configuration.
pub(crate) fn recorded(path: &Path) -> Result<Option<Table>> {
    let no_configuration = || Refused(format!("{} is no configuration", path.display()));
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        // What is no folder is refused by name elsewhere.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            return Err(error).with_context(no_configuration);
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    toml::from_str(&text)
        .map(Some)
        .with_context(no_configuration)
}

/// The section whose keys change how figures look, and no number.
const LOOKS: &str = "figures.";

/// The keys in which two recorded configurations differ, and that change numbers, with both values.
pub(crate) fn differences_of_numbers(recorded: &Table, wanted: &Table) -> Vec<String> {
    let mut differing = differences(recorded, wanted);
    differing.retain(|difference| !difference.starts_with(LOOKS));
    differing
}

/// The keys in which two recorded configurations differ, with both values.
pub(crate) fn differences(recorded: &Table, wanted: &Table) -> Vec<String> {
    let (recorded, wanted) = (flattened(recorded), flattened(wanted));
    let mut keys: Vec<_> = recorded.keys().chain(wanted.keys()).collect();
    keys.sort();
    keys.dedup();
    let shown = |value: Option<&String>| value.map_or("absent", String::as_str).to_owned();
    keys.into_iter()
        .filter(|key| recorded.get(*key) != wanted.get(*key))
        .map(|key| {
            let (there, here) = (shown(recorded.get(key)), shown(wanted.get(key)));
            format!("{key}: {there} there, {here} here")
        })
        .collect()
}

/// `section.key` to the text of its value.
fn flattened(table: &Table) -> BTreeMap<String, String> {
    let mut flat = BTreeMap::new();
    for (section, entries) in table {
        match entries {
            Value::Table(entries) => {
                for (key, value) in entries {
                    flat.insert(format!("{section}.{key}"), value.to_string());
                }
            }
            other => {
                flat.insert(section.clone(), other.to_string());
            }
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_no_difference_of_numbers() {
        let table = |text: &str| toml::from_str::<Table>(text).unwrap();
        let plain = table("[model]\niterations = 5\n");
        let on_paper = table("[model]\niterations = 5\n[figures]\nstyle = \"paper\"\n");
        let said = differences(&plain, &on_paper);
        assert_eq!(said, ["figures.style: absent there, \"paper\" here"]);
        assert!(differences_of_numbers(&plain, &on_paper).is_empty());
        let longer = table("[model]\niterations = 6\n[figures]\nstyle = \"paper\"\n");
        let said = differences_of_numbers(&plain, &longer);
        assert_eq!(said, ["model.iterations: 5 there, 6 here"]);
    }
}
