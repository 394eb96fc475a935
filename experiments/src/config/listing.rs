//! A configuration with every key, what is allowed and where each value is from, as a file that can
//! be used as one.

use anyhow::Result;
use toml::{Table, Value};

use super::embedded::EmbeddedConfig;
use super::keys::{ConfigKey, config_keys};
use super::load::{read, resolve};
use super::origin::Origin;
use super::sources::Sources;

/// Most columns of the text, but for long strings.
const COLUMNS: usize = 80;
/// Where comments behind values begin, if there is room.
const COMMENT_COLUMN: usize = 40;

/// The configuration of `sources`, or of `embedded` where they name none, as TOML.
///
/// # Errors
/// Those of [`super::load`].
pub(crate) fn list(sources: &Sources, embedded: EmbeddedConfig) -> Result<String> {
    let (name, text) = read(sources, embedded)?;
    let config = resolve(&name, &text, sources)?;
    let recorded = Table::try_from(&config)?;
    let mut listing = String::new();
    push_comment(
        &mut listing,
        &format!(
            "{name}, which `vbnmf {}` runs. Above each key: what is allowed; behind it: the line \
             or option that gave it.",
            config.kind().command()
        ),
    );
    let mut section = "";
    for key in config_keys() {
        if key.section() != section {
            section = key.section();
            let is_there = section != "sweep" || config.sweep.is_some();
            let mark = if is_there { "" } else { "# " };
            listing += &format!("\n{mark}[{section}]\n");
        }
        push_comment(&mut listing, &key.allowed.to_string());
        let origin = Origin::find(key.name, &text, sources);
        listing += &setting(&key, &recorded, &origin);
    }
    Ok(listing)
}

/// The line of a key, or the lines of a long list.
fn setting(key: &ConfigKey, recorded: &Table, origin: &Origin) -> String {
    let section = recorded.get(key.section());
    let value = section.and_then(|section| section.get(key.key()));
    let text = match (value, key.unrecorded) {
        (Some(value), _) => value_text(key.key(), value),
        (None, Some(unrecorded)) => unrecorded.to_owned(),
        (None, None) => return format!("# {} =\n", key.key()),
    };
    let origin = match origin {
        Origin::Seed => "--seed".to_owned(),
        Origin::Set(_) => "--set".to_owned(),
        Origin::Line(line) => format!("line {line}"),
        Origin::Default => "default".to_owned(),
    };
    let setting = format!("{} = {text}", key.key());
    format!("{setting:<COMMENT_COLUMN$} # {origin}\n")
}

/// A value as TOML, over several lines if it is a list too long for one.
fn value_text(key: &str, value: &Value) -> String {
    let text = value.to_string();
    match value {
        Value::Array(items) if key.len() + text.len() > COLUMNS - "  =  # line 100".len() => {
            let items = items.iter().map(|item| format!("    {item},\n"));
            format!("[\n{}]", items.collect::<String>())
        }
        _ => text,
    }
}

fn push_comment(listing: &mut String, text: &str) {
    let mut line = String::from("#");
    for word in text.split(' ') {
        if line.len() > 1 && line.len() + 1 + word.len() > COLUMNS {
            *listing += &line;
            *listing += "\n";
            line.truncate(1);
        }
        line += " ";
        line += word;
    }
    *listing += &line;
    *listing += "\n";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_a_file_of_the_same_configuration() {
        for embedded in EmbeddedConfig::ALL {
            let sources = Sources {
                set: vec!["statistics.resamples=200".to_owned()],
                ..Sources::default()
            };
            let listing = list(&sources, embedded).unwrap();
            let (name, text) = read(&sources, embedded).unwrap();
            let listed = resolve("listing", &listing, &Sources::default());
            assert_eq!(
                listed.unwrap(),
                resolve(&name, &text, &sources).unwrap(),
                "{name}"
            );
            assert!(listing.contains("resamples = 200                          # --set"));
        }
    }

    #[test]
    fn a_listing_says_where_a_value_is_from() {
        let sources = Sources {
            set: vec!["model.kappa=0.5".to_owned()],
            seed: Some(3),
            ..Sources::default()
        };
        let listing = list(&sources, EmbeddedConfig::TABLE1).unwrap();
        for (setting, origin) in [
            ("seed = 3", "--seed"),
            ("kappa = 0.5", "--set"),
            ("tolerance = 0.0", "default"),
        ] {
            let line = format!("{setting:<COMMENT_COLUMN$} # {origin}");
            assert!(listing.lines().any(|found| found == line), "{line}");
        }
        let of_sweep = Sources {
            file: Some("iterations".into()),
            ..sources
        };
        let sweep = list(&of_sweep, EmbeddedConfig::TABLE1).unwrap();
        let line = format!("{:<COMMENT_COLUMN$} # --seed", "seeds = [3]");
        assert!(sweep.lines().any(|found| found == line), "{sweep}");
        assert!(
            listing.contains("\n# beta =\n"),
            "beta and kappa are one quantity"
        );
        assert!(listing.contains("# a number from 0.01 to 0.99\ndictionary_shape = 0.2"));
        assert!(listing.lines().all(|line| line.len() <= COLUMNS));
    }
}
