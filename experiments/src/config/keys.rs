//! Every key of a configuration and what its value may be, for people: `vbnmf config` prints it,
//! and messages about a wrong key or value quote it. What is enforced is in `validate`; the tests
//! here hold the two together.

use std::fmt::{self, Debug, Display};
use std::ops::RangeInclusive;

use model::gig::SHAPE_RANGE;

use super::ranges::{
    BACKGROUND_SECONDS, COUNT, DRAWN_SHAPE, EXAMPLES, FILTER_TAPS, NOISE_DB, ORDER, REPETITIONS,
    RESAMPLES, SAMPLE_RATE_HZ, SCALE, SEED, SNR_DB, START, TEMPERING, TOLERANCE,
};
use super::spelling::closest;
use crate::study::methods::Method;
use crate::study::scores::Metric;

/// A key of a configuration.
#[derive(Debug)]
pub(crate) struct ConfigKey {
    /// `section.key`.
    pub(crate) name: &'static str,
    /// What a value may be.
    pub(crate) allowed: Allowed,
    /// What counts where the key is not given and not recorded; none where that is nothing.
    pub(crate) unrecorded: Option<&'static str>,
}

/// What a value may be.
#[derive(Debug)]
pub(crate) enum Allowed {
    /// Of this range, its ends included.
    Whole(u64, u64),
    /// Of this range, its ends included.
    Number(f64, f64),
    /// One of these words.
    OneOf(Vec<&'static str>),
    /// Several values, each once.
    ListOf(Box<Allowed>),
    Flag,
    /// In words of its own.
    Text(&'static str),
}

impl Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(low, high) => write!(f, "a whole number from {low} to {high}"),
            Self::Number(low, high) => write!(f, "a number from {low:?} to {high:?}"),
            Self::OneOf(words) => {
                let last = words.len().saturating_sub(1);
                for (index, word) in words.iter().enumerate() {
                    let before = match index {
                        0 => "",
                        _ if index == last => " or ",
                        _ => ", ",
                    };
                    write!(f, "{before}\"{word}\"")?;
                }
                Ok(())
            }
            Self::ListOf(item) => write!(f, "a list, each value once: {item}"),
            Self::Flag => f.write_str("true or false"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

fn whole<T: Copy + TryInto<u64>>(range: &RangeInclusive<T>) -> Allowed {
    let end = |end: &T| (*end).try_into().unwrap_or(u64::MAX);
    Allowed::Whole(end(range.start()), end(range.end()))
}

fn number(range: &RangeInclusive<f64>) -> Allowed {
    Allowed::Number(*range.start(), *range.end())
}

fn one_of<const N: usize>(words: [&'static str; N]) -> Allowed {
    Allowed::OneOf(words.into())
}

fn list_of(item: Allowed) -> Allowed {
    Allowed::ListOf(Box::new(item))
}

/// A key that is always recorded, or whose absence means nothing.
fn key(name: &'static str, allowed: Allowed) -> ConfigKey {
    ConfigKey {
        name,
        allowed,
        unrecorded: None,
    }
}

/// A key that is recorded where it has another value than this one.
fn rare(name: &'static str, allowed: Allowed, unrecorded: &'static str) -> ConfigKey {
    ConfigKey {
        name,
        allowed,
        unrecorded: Some(unrecorded),
    }
}

/// All keys, section by section.
pub(crate) fn config_keys() -> Vec<ConfigKey> {
    const SPEAKER: &str = "1 to 34 for \"builtin\" and \"chime\", else the name of a speaker";
    vec![
        key(
            "experiment.name",
            Allowed::Text("letters, digits, `-`, `_` and inner `.`: it names a folder"),
        ),
        key("experiment.seed", whole(&SEED)),
        key(
            "corpus.kind",
            one_of(["builtin", "folder", "chime", "voices"]),
        ),
        key("corpus.speaker", Allowed::Text(SPEAKER)),
        key(
            "corpus.noise",
            Allowed::Text("the name of a noise, for \"voices\" and \"folder\""),
        ),
        key("corpus.sample_rate_hz", whole(&SAMPLE_RATE_HZ)),
        key(
            "corpus.speech",
            Allowed::Text("a folder of recordings, for \"folder\""),
        ),
        key(
            "corpus.background",
            Allowed::Text("a folder of recordings, for \"folder\" and \"chime\""),
        ),
        key(
            "corpus.root",
            Allowed::Text("a folder, for \"chime\" and \"voices\""),
        ),
        rare("corpus.skip_unusable", Allowed::Flag, "false"),
        key(
            "stft.window_samples",
            Allowed::Whole(1, dsp::MAX_WINDOW_SAMPLES as u64),
        ),
        key(
            "stft.hop_samples",
            Allowed::Text("a whole number from 1 to `stft.window_samples`"),
        ),
        key("stft.window", one_of(["sine", "hann", "rectangular"])),
        key("training.utterances_per_side", whole(&COUNT)),
        key("training.background_seconds", number(&BACKGROUND_SECONDS)),
        key("training.orders", list_of(whole(&ORDER))),
        key("training.background_components", whole(&ORDER)),
        key("training.iterations", whole(&COUNT)),
        key("training.precision", one_of(["f32", "f64"])),
        key("training.weight_mixtures", whole(&REPETITIONS)),
        rare(
            "training.normalisation",
            one_of(["unit_mean", "unit_sum", "unit_norm", "unit_peak"]),
            "\"unit_mean\"",
        ),
        rare(
            "training.estimation",
            one_of([
                "other_utterances",
                "same_utterances",
                "another_speaker",
                "same_dictionaries",
            ]),
            "\"other_utterances\"",
        ),
        rare(
            "mixtures.source",
            one_of(["drawn", "recordings"]),
            "\"drawn\"",
        ),
        key("mixtures.snr_db", list_of(number(&SNR_DB))),
        key("mixtures.frames", whole(&COUNT)),
        key("mixtures.activation_shape", number(&DRAWN_SHAPE)),
        key("mixtures.noise_variance", number(&SCALE)),
        key("model.dictionary_shape", number(&SHAPE_RANGE)),
        key("model.activation_shape", number(&SHAPE_RANGE)),
        key(
            "model.activation_start",
            Allowed::Text(
                "a number from 1e-30 to 1e29, \"balanced\" or { balanced = number from 1e-30 to \
                 1e29 }",
            ),
        ),
        key("model.dictionary_start_floor", number(&START)),
        key("model.iterations", whole(&COUNT)),
        rare("model.tolerance", number(&TOLERANCE), "0.0"),
        key("model.precision", one_of(["f32", "f64"])),
        rare(
            "model.acceleration",
            one_of(["none", "squarem"]),
            "\"none\"",
        ),
        key("model.beta", number(&TEMPERING)),
        key("model.kappa", number(&TEMPERING)),
        key("evaluation.filter_taps", whole(&FILTER_TAPS)),
        key(
            "evaluation.metrics",
            list_of(Allowed::OneOf(Metric::ALL.map(Metric::name).into())),
        ),
        key(
            "evaluation.methods",
            list_of(Allowed::OneOf(Method::ALL.map(Method::name).into())),
        ),
        rare(
            "evaluation.estimates",
            Allowed::Text("folders of estimates of other programs, each named like its method"),
            "[]",
        ),
        key("statistics.resamples", whole(&RESAMPLES)),
        key("timings.repetitions", whole(&REPETITIONS)),
        key("sweep.seeds", list_of(whole(&SEED))),
        key(
            "sweep.axis",
            Allowed::Text(
                "tables [[sweep.axis]] with `key` or `keys`, with `values` or `log_range = { from, \
                 to, points }`, and `log`",
            ),
        ),
        rare("report.examples", whole(&EXAMPLES), "3"),
        rare("figures.style", one_of(["screen", "paper"]), "\"screen\""),
        rare("recordings.mixtures", whole(&REPETITIONS), "2"),
        rare("recordings.utterances", whole(&REPETITIONS), "4"),
        rare(
            "recordings.background",
            one_of(["estimated", "known"]),
            "\"estimated\"",
        ),
        rare("recordings.noise_db", number(&NOISE_DB), "-70.0"),
        key("recordings.isolated", one_of(["devel", "test"])),
        key("units.speakers", list_of(Allowed::Text(SPEAKER))),
        key("units.noises", list_of(Allowed::Text("names of noises"))),
        rare("units.seeds", whole(&REPETITIONS), "1"),
    ]
}

impl ConfigKey {
    /// The name before the dot.
    pub(crate) fn section(&self) -> &'static str {
        self.name.split('.').next().unwrap_or_default()
    }

    /// The name after the dot.
    pub(crate) fn key(&self) -> &'static str {
        self.name.split('.').nth(1).unwrap_or_default()
    }

    /// Says that a value, in the words of its source, is none of those that are allowed.
    pub(crate) fn refuse(&self, value: impl Display) -> String {
        let Self { name, allowed, .. } = self;
        format!("`{name}`: {value} is not allowed; allowed: {allowed}")
    }
}

/// The key of a name.
///
/// # Errors
/// What is wrong with the name, with a guess at what was meant.
pub(crate) fn find_key(name: &str) -> Result<ConfigKey, String> {
    let mut keys = config_keys();
    if let Some(index) = keys.iter().position(|key| key.name == name) {
        return Ok(keys.swap_remove(index));
    }
    Err(explain_unknown(&keys, name))
}

fn explain_unknown(keys: &[ConfigKey], name: &str) -> String {
    let mut sections: Vec<&str> = keys.iter().map(ConfigKey::section).collect();
    sections.dedup();
    let Some((section, last)) = name.split_once('.') else {
        return match sections.contains(&name) {
            true => format!("`{name}` is a section: give one of its keys, `{name}.key`"),
            false => match guess(keys, name) {
                Some(guess) => format!("unknown key `{name}`: did you mean `{guess}`?"),
                None => format!("unknown key `{name}`"),
            },
        };
    };
    let in_section: Vec<&str> = keys
        .iter()
        .filter(|key| key.section() == section)
        .map(ConfigKey::key)
        .collect();
    if in_section.is_empty() {
        let meant = closest(section, sections.iter().copied());
        return match (meant, guess(keys, last)) {
            (Some(meant), _) => format!("unknown section [{section}]: did you mean [{meant}]?"),
            (None, Some(guess)) => {
                format!("unknown section [{section}]: did you mean `{guess}`?")
            }
            (None, None) => format!(
                "unknown section [{section}]: there are [{}]",
                sections.join("], [")
            ),
        };
    }
    let meant = closest(last, in_section.iter().copied()).map(str::to_owned);
    match meant.or_else(|| guess(keys, last)) {
        Some(meant) => format!("unknown key `{last}` in [{section}]: did you mean `{meant}`?"),
        None => format!(
            "unknown key `{last}` in [{section}], which has `{}`",
            in_section.join("`, `")
        ),
    }
}

/// The keys, in whichever sections, whose names after the dot are the closest to this one.
fn guess(keys: &[ConfigKey], last: &str) -> Option<String> {
    let meant = closest(last, keys.iter().map(ConfigKey::key))?;
    let keys = keys.iter().filter(|key| key.key() == meant);
    let names: Vec<&str> = keys.map(|key| key.name).collect();
    Some(names.join("` or `"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use toml::{Table, Value};

    use super::*;
    use crate::config::{Config, Sources, resolve};

    /// What `Config` itself says of a key that it does not have: the names of those that it has.
    fn names_in(section: Option<&str>) -> Vec<String> {
        let unknown = Table::from_iter([("?".to_owned(), Value::Boolean(true))]);
        let table = match section {
            None => unknown,
            Some(section) => Table::from_iter([(section.to_owned(), Value::Table(unknown))]),
        };
        quoted(Config::deserialize(table).unwrap_err().message())
    }

    /// The words in backquotes but the first, which is the wrong one.
    fn quoted(message: &str) -> Vec<String> {
        let words = message.split('`').skip(1).step_by(2).skip(1);
        words.map(str::to_owned).collect()
    }

    fn resolved(options: &[String]) -> anyhow::Result<Config> {
        let sources = Sources {
            set: options.to_vec(),
            ..Sources::default()
        };
        resolve("test", "", &sources)
    }

    #[test]
    fn keys_are_those_of_a_configuration_in_its_order() {
        let mut expected = Vec::new();
        for section in names_in(None) {
            let keys = names_in(Some(&section));
            expected.extend(keys.iter().map(|key| format!("{section}.{key}")));
        }
        let mut found: Vec<&str> = config_keys().iter().map(|key| key.name).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn words_are_those_of_a_configuration() {
        for key in config_keys() {
            let (words, is_list) = match &key.allowed {
                Allowed::OneOf(words) => (words, false),
                Allowed::ListOf(item) => match item.as_ref() {
                    Allowed::OneOf(words) => (words, true),
                    _ => continue,
                },
                _ => continue,
            };
            let wrong = Value::String("?".to_owned());
            let wrong = if is_list {
                Value::Array(vec![wrong])
            } else {
                wrong
            };
            let section = Table::from_iter([(key.key().to_owned(), wrong)]);
            let table = Table::from_iter([(key.section().to_owned(), Value::Table(section))]);
            let refused = Config::deserialize(table).unwrap_err();
            assert_eq!(quoted(refused.message()), *words, "{}", key.name);
        }
    }

    /// The ends of a range are allowed, and what is just beyond them is not.
    #[test]
    fn ranges_are_those_that_are_enforced() {
        let mut checked = 0;
        for key in config_keys() {
            let (allowed, is_list) = match &key.allowed {
                Allowed::ListOf(item) => (item.as_ref(), true),
                allowed => (allowed, false),
            };
            let (inside, outside) = match *allowed {
                Allowed::Whole(low, high) => (
                    [low.to_string(), high.to_string()],
                    [
                        (i128::from(low) - 1).to_string(),
                        (u128::from(high) + 1).to_string(),
                    ],
                ),
                Allowed::Number(low, high) => (
                    [format!("{low:e}"), format!("{high:e}")],
                    [
                        format!("{:e}", low.next_down()),
                        format!("{:e}", high.next_up()),
                    ],
                ),
                _ => continue,
            };
            checked += 1;
            let option = |value: &str| match is_list {
                true => format!("{}=[{value}]", key.name),
                false => format!("{}={value}", key.name),
            };
            let with = |value: &str| {
                let mut options = vec![option(value)];
                // What else has to be said for a value of this key to be a valid one.
                if key.section() == "recordings" {
                    options.insert(0, "mixtures.source=recordings".to_owned());
                }
                resolved(&options)
            };
            let about = format!("`{}`: ", key.name);
            for value in outside {
                let refused = format!("{:#}", with(&value).unwrap_err());
                // What is said of it, behind the option itself.
                let said = refused.split_once(": ").unwrap().1;
                let of_section = format!("`{}`: {} is ", key.section(), key.key());
                assert!(
                    said.contains(&about) || said.contains(&of_section),
                    "{refused}"
                );
            }
            for value in inside {
                // Sizes may be too large together, which is said with several keys.
                if let Err(refused) = with(&value) {
                    let refused = format!("{refused:#}");
                    assert!(
                        !refused.contains("is out of range") && !refused.contains("is not allowed"),
                        "{refused}"
                    );
                }
            }
        }
        assert!(checked > 25, "{checked} keys have ranges");
    }

    #[test]
    fn what_counts_for_an_unrecorded_key_is_its_default() {
        let default = resolved(&[]).unwrap();
        let mut checked = 0;
        for key in config_keys() {
            let Some(unrecorded) = key.unrecorded else {
                continue;
            };
            let given = resolved(&[format!("{}={unrecorded}", key.name)]).unwrap();
            assert_eq!(given, default, "{}", key.name);
            checked += 1;
        }
        assert!(
            checked > 8,
            "{checked} keys are recorded where they are used only"
        );
    }

    #[test]
    fn wrong_names_get_a_guess() {
        for (name, says) in [
            (
                "model.betta",
                "unknown key `betta` in [model]: did you mean `beta`?",
            ),
            ("modl.beta", "unknown section [modl]: did you mean [model]?"),
            (
                "model.seed",
                "unknown key `seed` in [model]: did you mean `experiment.seed`?",
            ),
            (
                "volume.beta",
                "unknown section [volume]: did you mean `model.beta`?",
            ),
            ("beta", "unknown key `beta`: did you mean `model.beta`?"),
            (
                "model",
                "`model` is a section: give one of its keys, `model.key`",
            ),
            ("", "unknown key ``"),
        ] {
            assert_eq!(find_key(name).unwrap_err(), says);
        }
        let seeds = find_key("experiment.volume").unwrap_err();
        assert!(
            seeds.ends_with("[experiment], which has `name`, `seed`"),
            "{seeds}"
        );
    }
}
