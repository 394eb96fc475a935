//! Telling two recorded configurations apart.

use std::collections::BTreeMap;

use toml::{Table, Value};

/// The keys in which two recorded configurations differ, with both values.
#[must_use]
pub fn differences(recorded: &Table, wanted: &Table) -> Vec<String> {
    let flatten = |table: &Table| {
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
    };
    let (recorded, wanted) = (flatten(recorded), flatten(wanted));
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
