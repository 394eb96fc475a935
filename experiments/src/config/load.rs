//! From a file and `--set` to a checked configuration. Every error says where the value was given.

use std::fs;

use anyhow::{Context, Error, Result, anyhow, bail};
use model::Tempering;
use toml::de::DeTable;
use toml::{Table, Value};

use super::embedded::EmbeddedConfig;
use super::keys::find_key;
use super::origin::Origin;
use super::refusal;
use super::sources::Sources;
use super::spelling::with_quotes;
use super::{Axis, Config};
use crate::corpus::CorpusKind;

/// Each key with another one of its section for the same quantity: setting one takes the other
/// back.
const ALTERNATIVES: [(&str, &str); 2] =
    [("model.beta", "model.kappa"), ("model.kappa", "model.beta")];

/// Reads, merges and checks a configuration; `embedded` is used where no file is given.
///
/// # Errors
/// An unreadable file, a syntax error, an unknown key, a wrong type or a value out of range; each
/// names the key with the file and line, or the option, that gave it.
pub(crate) fn load(sources: &Sources, embedded: EmbeddedConfig) -> Result<Config> {
    let (name, text) = read(sources, embedded)?;
    resolve(&name, &text, sources)
}

/// What errors call the configuration, and its text. A file goes before an embedded configuration
/// of the same name.
pub(super) fn read(sources: &Sources, embedded: EmbeddedConfig) -> Result<(String, String)> {
    let Some(path) = &sources.file else {
        return Ok((embedded.file(), embedded.text.to_owned()));
    };
    let name = path.to_str().unwrap_or_default();
    if !path.is_file()
        && let Some(embedded) = EmbeddedConfig::of_name(name)
    {
        return Ok((embedded.file(), embedded.text.to_owned()));
    }
    if !path.exists() {
        let hint = EmbeddedConfig::hint(name);
        bail!(
            "cannot read configuration {}: there is no such file; {hint}",
            path.display()
        );
    }
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read configuration {}", path.display()))?;
    Ok((path.display().to_string(), text))
}

/// A configuration from the text of a file, which errors call `name`, and the options of `sources`.
pub(crate) fn resolve(name: &str, text: &str, sources: &Sources) -> Result<Config> {
    let explained = |refused: toml::de::Error| refusal::explain(name, text, &refused);
    let mut config: Config = toml::from_str(text).map_err(explained)?;
    let mut table: Table = toml::from_str(text).map_err(explained)?;
    forget_names_of_another_corpus(&mut table, sources);
    refuse_both_alternatives(sources)?;
    for option in &sources.set {
        config = set(&mut table, option).with_context(|| format!("--set {option}"))?;
    }
    if let Some(seed) = sources.seed {
        config.experiment.seed = seed;
        if let Some(sweep) = &mut config.sweep
            && !sweep.seeds.is_empty()
        {
            sweep.seeds = vec![seed];
        }
    }
    refuse_options_of_axes(&config, sources)?;
    config.normalise();
    config.validate().map_err(|invalid| {
        let place = match Origin::find(invalid.key, text, sources) {
            Origin::Seed => "--seed".to_owned(),
            Origin::Set(option) => format!("--set {option}"),
            Origin::Line(line) => format!("{name}, line {line}"),
            Origin::Default => name.to_owned(),
        };
        anyhow!("{place}: {invalid}")
    })?;
    Ok(config)
}

/// Refuses options for both of two keys for one quantity: over a file's key an option wins, and of
/// two options it is not said which is meant.
fn refuse_both_alternatives(sources: &Sources) -> Result<()> {
    for (key, other) in ALTERNATIVES {
        if let (Some(one), Some(two)) = (find_option(sources, key), find_option(sources, other)) {
            bail!(
                "--set {one} --set {two}: `{other}` is another way to say `{key}`: give one of \
                 the two"
            );
        }
    }
    Ok(())
}

/// Refuses an option for what is varied: every value of the axis would take it back.
fn refuse_options_of_axes(config: &Config, sources: &Sources) -> Result<()> {
    let axes = config.sweep.iter().flat_map(|sweep| &sweep.axis);
    let varied: Vec<&str> = axes.flat_map(Axis::all_keys).collect();
    for &key in &varied {
        if let Some(option) = find_option(sources, key) {
            bail!(
                "--set {option}: `{key}` is an axis of the sweep, whose values take its place: \
                 change `sweep.axis` instead"
            );
        }
    }
    for (key, other) in ALTERNATIVES {
        if let Some(option) = find_option(sources, key)
            && varied.contains(&other)
        {
            bail!(
                "--set {option}: `{key}` is another way to say `{other}`, which is an axis of the \
                 sweep: leave out one of the two"
            );
        }
    }
    Ok(())
}

/// The first `--set` for a key.
fn find_option<'a>(sources: &'a Sources, key: &str) -> Option<&'a String> {
    let mut options = sources.set.iter();
    options.find(|option| {
        let path = option.split_once('=').map(|(path, _)| path.trim());
        path == Some(key)
    })
}

/// Takes the speakers and noises of a file away where an option chooses another kind of corpus:
/// names of one are not those of another.
fn forget_names_of_another_corpus(table: &mut Table, sources: &Sources) {
    let kind_of = |option: &String| {
        let (key, kind) = option.split_once('=')?;
        (key.trim() == "corpus.kind").then(|| kind.trim().trim_matches('"').to_owned())
    };
    let corpus = table.get("corpus").and_then(|corpus| corpus.get("kind"));
    let found = corpus
        .and_then(Value::as_str)
        .unwrap_or(CorpusKind::Builtin.name());
    let asked = sources.set.iter().rev().find_map(kind_of);
    if asked.is_some_and(|kind| kind != found)
        && let Some(Value::Table(units)) = table.get_mut("units")
    {
        units.remove("speakers");
        units.remove("noises");
    }
}

/// Applies one `section.key=value` to a table that reads as a configuration.
fn set(table: &mut Table, option: &str) -> Result<Config> {
    let Some((path, text)) = option.split_once('=') else {
        bail!("expected section.key=value");
    };
    let (path, text) = (path.trim(), text.trim());
    if !path.contains('.') {
        let unknown = find_key(path).err().unwrap_or_default();
        bail!("expected section.key=value: {unknown}");
    }
    let found = find_key(path).map_err(Error::msg)?;
    let read = value(text).map_err(|error| match with_quotes(text) {
        Some(quoted) => anyhow!(
            "the words of a list are in quotes, and what holds these in others: --set \
             '{path}={quoted}'"
        ),
        None => error,
    });
    let Some(value) = read? else {
        bail!(found.refuse(text));
    };
    let is_string = value.is_str();
    let mut assigned = table.clone();
    let mut config = assign(&mut assigned, path, value);
    // A folder or a name may look like a number: `corpus.root=2014`.
    if config.is_err() && !is_string && !is_compound(text) {
        let mut as_string = table.clone();
        if let Ok(read) = assign(&mut as_string, path, Value::String(text.to_owned())) {
            (assigned, config) = (as_string, Ok(read));
        }
    }
    *table = assigned;
    config
}

/// A configuration with other values for some keys, checked.
///
/// # Errors
/// An unknown key, a wrong type or a value out of range.
pub(crate) fn assigned(config: &Config, values: &[(&str, Value)]) -> Result<Config> {
    let mut table = Table::try_from(config)?;
    let mut config = config.clone();
    for (key, value) in values {
        config = assign(&mut table, key, value.clone())?;
    }
    config.normalise();
    config.validate()?;
    Ok(config)
}

impl Config {
    /// One way to say what can be said in several, so that configurations of the same runs are the
    /// same.
    fn normalise(&mut self) {
        for snr_db in &mut self.mixtures.snr_db {
            // -0 is 0.
            *snr_db += 0.0;
        }
        match self.model.tempering() {
            Tempering::Beta(beta) => self.model.beta = Some(beta),
            Tempering::Kappa(_) => {}
        }
    }
}

/// Puts a value in the place of `section.key` in a table that reads as a configuration.
fn assign(table: &mut Table, path: &str, value: Value) -> Result<Config> {
    let found = find_key(path).map_err(Error::msg)?;
    let (section, key) = (found.section(), found.key());
    let entry = table
        .entry(section)
        .or_insert_with(|| Value::Table(Table::new()));
    let Value::Table(entry) = entry else {
        bail!("`{section}` is not a section");
    };
    for (_, other) in ALTERNATIVES.iter().filter(|(name, _)| *name == path) {
        entry.remove(find_key(other).map_err(Error::msg)?.key());
    }
    let refused = found.refuse(&value);
    entry.insert(key.to_owned(), value);
    // It read as a configuration before, so it is this value.
    let config: Result<Config, toml::de::Error> = Value::Table(table.clone()).try_into();
    config.map_err(|_| Error::msg(refused))
}

/// A TOML value, or a string whose quotes the shell took: anything that does not begin like a value
/// of several parts. None for what is written as a value should be, with a number that no key could
/// have.
fn value(text: &str) -> Result<Option<Value>> {
    let document = format!("value = {text}");
    match toml::from_str::<Table>(&document) {
        Ok(table) if table.len() > 1 => bail!("{text:?} has more than one value"),
        Ok(mut table) => Ok(table.remove("value")),
        Err(_) if !text.is_empty() && !is_compound(text) => {
            Ok(Some(Value::String(text.to_owned())))
        }
        Err(_) if DeTable::parse(&document).is_ok() => Ok(None),
        Err(error) => bail!("{text:?} is not a TOML value: {}", error.message()),
    }
}

/// Whether a text begins like a value of several parts, or in quotes.
fn is_compound(text: &str) -> bool {
    text.starts_with(['[', '{', '"', '\''])
}

#[cfg(test)]
mod tests {
    use model::level;

    use super::*;

    fn loaded(text: &str, set: &[&str]) -> Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("experiment.toml");
        fs::write(&file, text).unwrap();
        let sources = Sources {
            file: Some(file),
            set: set.iter().copied().map(str::to_owned).collect(),
            seed: None,
        };
        load(&sources, EmbeddedConfig::TABLE1)
    }

    fn message(text: &str, set: &[&str]) -> String {
        format!("{:#}", loaded(text, set).unwrap_err())
    }

    /// Recordings are separated by a study as `separate` does unless told otherwise.
    #[test]
    fn the_embedded_study_of_recordings_has_the_defaults_of_recordings() {
        let config = load(&Sources::default(), EmbeddedConfig::REALMIX).unwrap();
        let settings = model::Settings::for_recording(1.0);
        assert_eq!(config.model.tempering(), settings.tempering);
        assert_eq!(config.model.iterations, settings.iterations);
        assert!((config.model.tolerance - settings.tolerance).abs() < f64::EPSILON);
        assert_eq!(config.model.activation_start, level::ACTIVATION_START);
        let components = config.training.background_components;
        assert_eq!(components, level::BACKGROUND_COMPONENTS);
        assert!((config.recordings.noise_db - level::NOISE_DB).abs() < f64::EPSILON);
    }

    #[test]
    fn embedded_configuration_is_the_default_one_but_for_the_corpus() {
        let mut default = Config::default();
        default.model.beta = Some(1e4);
        let sources = Sources {
            set: vec!["corpus.kind=builtin".to_owned()],
            ..Sources::default()
        };
        let embedded = load(&sources, EmbeddedConfig::TABLE1).unwrap();
        assert_eq!(embedded, default);
        assert_eq!(loaded("", &[]).unwrap(), default);
    }

    #[test]
    fn resolved_configuration_reads_back_as_itself() {
        let config = loaded("", &["model.kappa=0.03", "corpus.speaker=3"]).unwrap();
        assert_eq!((config.model.beta, config.model.kappa), (None, Some(0.03)));
        assert_eq!(
            loaded(&toml::to_string(&config).unwrap(), &[]).unwrap(),
            config
        );
    }

    #[test]
    fn a_string_may_look_like_another_value() {
        for name in ["2014", "1.5", "true", "2014-01-01", "inf"] {
            let set = |key: &str| format!("{key}={name}");
            let config = loaded(
                "",
                &[
                    &set("experiment.name"),
                    "corpus.kind=chime",
                    &set("corpus.root"),
                ],
            );
            let config = config.unwrap();
            assert_eq!(config.experiment.name, name);
            assert_eq!(config.corpus.root, Some(name.into()));
        }
        let refused = message("", &["model.iterations=many"]);
        assert!(refused.contains("model.iterations=many"), "{refused}");
        let refused = message("", &["model.beta=1\nmodel.iterations=3"]);
        assert!(refused.contains("more than one value"), "{refused}");
        // The shell has taken the quotes.
        let refused = message("", &["units.speakers=[italian_man,french_woman]"]);
        let advice = r#"--set 'units.speakers=["italian_man", "french_woman"]'"#;
        assert!(refused.ends_with(advice), "{refused}");
        let refused = message("", &["experiment.name=[1]"]);
        assert!(refused.contains("experiment.name=[1]"), "{refused}");
    }

    #[test]
    fn later_settings_win_and_strings_need_no_quotes() {
        let config = loaded(
            "[model]\niterations = 5\n",
            &[
                "model.iterations=6",
                "model.iterations = 7",
                "experiment.name=mine",
                "mixtures.snr_db=[0, 3]",
            ],
        )
        .unwrap();
        assert_eq!(config.model.iterations, 7);
        assert_eq!(config.experiment.name, "mine");
        assert_eq!(config.mixtures.snr_db, [0.0, 3.0]);
    }

    #[test]
    fn an_option_takes_the_files_alternative_back_and_two_options_are_refused() {
        let config = loaded("[model]\nbeta = 5\n", &["model.kappa=0.5"]).unwrap();
        assert_eq!((config.model.beta, config.model.kappa), (None, Some(0.5)));
        for options in [
            ["model.kappa=0.5", "model.beta=3"],
            ["model.beta=3", " model.kappa = 0.5"],
        ] {
            let refused = message("", &options);
            for named in [
                "model.beta=3",
                "kappa",
                "`model.kappa`",
                "`model.beta`",
                "one of the two",
            ] {
                assert!(refused.contains(named), "{refused}");
            }
        }
    }

    #[test]
    fn an_option_for_what_is_an_axis_is_refused_in_either_name() {
        let axis = |key: &str| {
            format!(
                "[[sweep.axis]]\nkey = 'model.iterations'\nvalues = [1, 2]\n\
                 [[sweep.axis]]\nkey = '{key}'\nvalues = [0.5, 1.0]\n"
            )
        };
        for (varied, given) in [("model.beta", "model.kappa"), ("model.kappa", "model.beta")] {
            let refused = message(&axis(varied), &[&format!("{given}=0.25")]);
            for named in [
                format!("--set {given}=0.25: `{given}`"),
                format!("`{varied}`, which is an axis"),
            ] {
                assert!(refused.contains(&named), "{refused}");
            }
            // Where the axis is another one, the option counts.
            let text = axis("model.tolerance");
            assert!(loaded(&text, &[&format!("{given}=0.25")]).is_ok());
        }
        let both = "[[sweep.axis]]\nkeys = ['model.iterations', 'model.beta']\n\
                    values = [[1, 2], [3.0, 4.0]]\n";
        let refused = message(both, &["model.kappa=0.25"]);
        assert!(
            refused.contains("`model.beta`, which is an axis"),
            "{refused}"
        );
        let refused = message(both, &["model.iterations=3"]);
        assert!(
            refused.contains("--set model.iterations=3: `model.iterations` is an axis"),
            "{refused}"
        );
    }

    #[test]
    fn errors_say_where_the_value_was_given() {
        let place = message("# a comment\n[model]\nbeta = 1.0\niterations = 0\n", &[]);
        assert!(
            place.contains("experiment.toml, line 4: `model.iterations`: 0"),
            "{place}"
        );
        let place = message("[model]\nbeta = 'x'\n", &[]);
        assert!(
            place.contains("experiment.toml, line 2: `model.beta`: 'x' is not allowed"),
            "{place}"
        );
        let place = message("[model]\niterations = 0\n", &["model.iterations=-0.5"]);
        assert!(
            place.starts_with("--set model.iterations=-0.5: `model.iterations`: -0.5 is not"),
            "{place}"
        );
        let place = message("", &["model.iterations=0"]);
        assert!(
            place.starts_with("--set model.iterations=0: `model.iterations`: 0"),
            "{place}"
        );
    }
}
