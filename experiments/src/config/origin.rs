//! Where a value of a configuration was given.

use toml::de::DeTable;

use super::sources::Sources;

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// `--seed`.
    Seed,
    /// A `--set`, as it was given.
    Set(String),
    /// A line of the file, from 1.
    Line(usize),
    /// Nowhere.
    Default,
}

impl Origin {
    /// The last place that gives `section.key`, or a section: an option, or a line of the file
    /// with this text.
    pub(super) fn find(key: &str, text: &str, sources: &Sources) -> Self {
        let is_seed = |key| {
            // Those of a sweep are replaced where it has some.
            key == "experiment.seed" || key == "sweep.seeds" && find_line(key, text).is_some()
        };
        if sources.seed.is_some() && is_seed(key) {
            return Self::Seed;
        }
        let given = |option: &&String| {
            let path = option.split('=').next().unwrap_or_default().trim();
            path == key || (!key.contains('.') && path.starts_with(&format!("{key}.")))
        };
        if let Some(option) = sources.set.iter().rev().find(given) {
            return Self::Set(option.clone());
        }
        find_line(key, text).map_or(Self::Default, Self::Line)
    }
}

/// The line of a key; that of its section, for a section.
fn find_line(key: &str, text: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let (section, key) = match key.split_once('.') {
        Some((section, key)) => (section, Some(key)),
        None => (key, None),
    };
    let (name, section) = find_entry(document.get_ref(), section)?;
    let span = match key {
        None => name,
        Some(key) => find_entry(section.get_ref().as_table()?, key)?.0,
    };
    Some(line_of(text, span.start))
}

type Entry<'a, 'i> = (
    std::ops::Range<usize>,
    &'a toml::Spanned<toml::de::DeValue<'i>>,
);

fn find_entry<'a, 'i>(table: &'a DeTable<'i>, key: &str) -> Option<Entry<'a, 'i>> {
    let mut entries = table.iter();
    let (name, value) = entries.find(|(name, _)| name.get_ref() == key)?;
    Some((name.span(), value))
}

/// The number, from 1, of the line that holds a byte.
pub(super) fn line_of(text: &str, byte: usize) -> usize {
    1 + text
        .bytes()
        .take(byte)
        .filter(|&byte| byte == b'\n')
        .count()
}
