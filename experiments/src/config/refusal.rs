//! Why a file is no configuration, in the words of configurations: its unknown keys, and the keys
//! whose values are none of those that are allowed.

use std::ops::Range;

use anyhow::{Error, anyhow};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{ConfigKey, find_key};
use super::origin::line_of;

/// What is wrong with the text of a file, which messages call `name`, that the reader refused.
pub(super) fn explain(name: &str, text: &str, refused: &toml::de::Error) -> Error {
    let Some(span) = refused.span() else {
        return anyhow!("{name}: {}", refused.message());
    };
    let at = |byte: usize, what: String| anyhow!("{name}, line {}: {what}", line_of(text, byte));
    if let Ok(document) = DeTable::parse(text) {
        if let Some((byte, what)) = find_unknown(document.get_ref()) {
            return at(byte, what);
        }
        if let Some(key) = find_key_around(document.get_ref(), &span) {
            let value = text.get(span.clone()).unwrap_or_default();
            return at(span.start, key.refuse(value));
        }
    }
    // No TOML: its reader's own words, with the line that they are about.
    let line = line_of(text, span.start);
    let quoted = text.lines().nth(line - 1).unwrap_or_default().trim();
    anyhow!("{name}, line {line}, `{quoted}`: {}", refused.message())
}

/// Where the first unknown key is, and what there is to say of it.
fn find_unknown(document: &DeTable<'_>) -> Option<(usize, String)> {
    document.iter().find_map(|(section, keys)| {
        let name = section.get_ref();
        let Some(keys) = keys.get_ref().as_table() else {
            // A section that is given like a key.
            return find_key(name)
                .err()
                .map(|what| (section.span().start, what));
        };
        // Whatever its keys, which may be none, a section is known or not.
        let any_key = find_key(&format!("{name}.")).err()?;
        if any_key.starts_with("unknown section") {
            return Some((section.span().start, any_key));
        }
        keys.iter().find_map(|(key, _)| {
            let unknown = find_key(&format!("{name}.{}", key.get_ref())).err()?;
            Some((key.span().start, unknown))
        })
    })
}

/// The key whose value has this part of the text.
fn find_key_around(document: &DeTable<'_>, span: &Range<usize>) -> Option<ConfigKey> {
    document.iter().find_map(|(section, keys)| {
        let mut keys = keys.get_ref().as_table()?.iter();
        let (key, _) = keys.find(|(_, value)| holds(value, span))?;
        find_key(&format!("{}.{}", section.get_ref(), key.get_ref())).ok()
    })
}

/// Whether a value, or one within it, has this part of the text: the span of a table with a header
/// of its own is that of the header.
fn holds(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    let own = value.span();
    if own.start <= span.start && span.end <= own.end {
        return true;
    }
    match value.get_ref() {
        DeValue::Array(items) => items.iter().any(|item| holds(item, span)),
        DeValue::Table(table) => table
            .iter()
            .any(|(key, value)| key.span() == *span || holds(value, span)),
        _ => false,
    }
}
