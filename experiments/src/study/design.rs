//! What a study consists of, as its configuration says it.
//!
//! A *trial* is one mixture, through every method. Trials with the same dictionaries are a *run*:
//! one configuration with one speaker and one seed. Runs with the same values of the swept keys are
//! a
//! *case*. `table1` has one case of one run, `sweep` a case for each point of its axes, and where
//! mixtures are recordings every case has a run for each speaker and seed.

use anyhow::{Context, Result};
use toml::Value;

use super::estimate::{Candidate, Member, Trial};
use super::methods::{Method, Part};
use crate::config::{Config, MixtureSource, assigned};

/// A study: its cases, the runs of all of them, and what intervals are over.
#[derive(Debug)]
pub(crate) struct Study<'a> {
    pub(crate) config: &'a Config,
    /// The last axis runs fastest.
    pub(crate) cases: Vec<Case>,
    /// By case, then speaker, then seed.
    pub(crate) runs: Vec<Run>,
    /// The methods that are compared.
    pub(crate) methods: Vec<Method>,
    pub(crate) unit: Unit,
}

/// One combination of the axes' values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    /// The keys and their values, in the order of the axes.
    pub(crate) values: Vec<(String, Value)>,
    /// The configuration with these values, without `[sweep]`.
    pub(crate) config: Config,
}

/// One configuration, with dictionaries of its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    /// Position of its case.
    pub(crate) case: usize,
    /// That of its case, with one speaker and one seed.
    pub(crate) config: Config,
}

/// What intervals are over: trials within one share dictionaries or recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    TrueOrder,
    Seed,
    SpeakerAndSeed,
}

impl Unit {
    /// How the unit is called, and how several of them are.
    pub(crate) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::TrueOrder => ("true order", "true orders"),
            Self::Seed => ("seed", "seeds"),
            Self::SpeakerAndSeed => ("speaker and seed", "speakers and seeds"),
        }
    }
}

impl<'a> Study<'a> {
    /// The study that a configuration asks for.
    ///
    /// # Errors
    /// A value of an axis that its key does not allow.
    pub(crate) fn new(config: &'a Config) -> Result<Self> {
        let sweep = config.sweep.as_ref();
        let cases = cases(config)?;
        let swept_seeds = sweep.map(|sweep| &sweep.seeds[..]).unwrap_or_default();
        let of_case = |(index, case): (usize, &Case)| runs(index, &case.config, swept_seeds);
        let methods = match sweep {
            Some(sweep) if !sweep.methods.is_empty() => sweep.methods.clone(),
            _ => Method::ALL.into(),
        };
        Ok(Self {
            runs: cases.iter().enumerate().flat_map(of_case).collect(),
            cases,
            methods,
            unit: match (config.mixtures.source, sweep) {
                (MixtureSource::Recordings, _) => Unit::SpeakerAndSeed,
                (MixtureSource::Drawn, Some(_)) => Unit::Seed,
                (MixtureSource::Drawn, None) => Unit::TrueOrder,
            },
            config,
        })
    }

    /// What tables compare: the methods, below the mixture where they are to improve on a
    /// recording.
    pub(crate) fn candidates(&self) -> Vec<Candidate> {
        let mixture = self.has_recordings().then_some(Candidate::Mixture);
        let methods = self.methods.iter().copied().map(Candidate::Method);
        mixture.into_iter().chain(methods).collect()
    }

    /// The parts of each trial that the methods need.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let is_needed = |part: &Part| self.methods.iter().any(|method| method.part() == *part);
        Part::ALL.into_iter().filter(is_needed).collect()
    }

    /// The keys that are varied.
    pub(crate) fn axis_keys(&self) -> Vec<&str> {
        let sweep = self.config.sweep.iter();
        sweep
            .flat_map(|sweep| &sweep.axis)
            .flat_map(|axis| axis.all_keys())
            .collect()
    }

    /// Whether one case is all there is, whose single trials are shown and timed.
    pub(crate) fn has_examples(&self) -> bool {
        self.config.sweep.is_none()
    }

    pub(crate) fn has_recordings(&self) -> bool {
        self.config.mixtures.source == MixtureSource::Recordings
    }

    /// Seeds of the runs, each once.
    pub(crate) fn seeds(&self) -> Vec<u64> {
        let mut seeds = Vec::new();
        for run in &self.runs {
            if !seeds.contains(&run.seed()) {
                seeds.push(run.seed());
            }
        }
        seeds
    }

    /// The columns that say which trial a row is about.
    pub(crate) fn trial_columns(&self) -> Vec<&str> {
        let trial: &[&str] = match self.config.mixtures.source {
            MixtureSource::Drawn => &["seed", "snr_db", "true_order"],
            MixtureSource::Recordings => &["seed", "speaker", "mixture", "snr_db"],
        };
        [&self.axis_keys()[..], trial].concat()
    }

    /// The values of [`Study::trial_columns`].
    pub(crate) fn trial_values(&self, run: &Run, trial: &Trial) -> Vec<String> {
        let mut values: Vec<String> = self.cases[run.case].texts().collect();
        values.push(run.seed().to_string());
        let snr_db = trial.snr_db.to_string();
        match trial.member {
            Member::TrueOrder(order) => values.extend([snr_db, order.to_string()]),
            Member::Recording(number) => {
                let speaker = run.config.corpus.speaker.map(|speaker| speaker.to_string());
                values.extend([speaker.unwrap_or_default(), number.to_string(), snr_db]);
            }
        }
        values
    }
}

impl Case {
    /// The values for tables.
    pub(crate) fn texts(&self) -> impl Iterator<Item = String> {
        self.values.iter().map(|(_, value)| text(value))
    }

    /// The case in words; the base configuration, where nothing is varied.
    pub(crate) fn name(&self) -> String {
        let setting = |(key, value): &(String, Value)| format!("{key} = {}", text(value));
        let settings: Vec<String> = self.values.iter().map(setting).collect();
        if settings.is_empty() {
            return "the configuration as it is".to_owned();
        }
        settings.join(", ")
    }
}

impl Run {
    pub(crate) fn seed(&self) -> u64 {
        self.config.experiment.seed
    }

    /// The run in words.
    pub(crate) fn name(&self) -> String {
        let seed = self.seed();
        match (self.config.mixtures.source, self.config.corpus.speaker) {
            (MixtureSource::Recordings, Some(speaker)) => format!("speaker {speaker}, seed {seed}"),
            _ => format!("seed {seed}"),
        }
    }

    /// One of its trials in words.
    pub(crate) fn trial_name(&self, trial: &Trial) -> String {
        let (run, snr_db) = (self.name(), trial.snr_db);
        match trial.member {
            Member::TrueOrder(order) => format!("{run}, {snr_db} dB, true order {order}"),
            Member::Recording(number) => format!("{run}, mixture {number}, {snr_db} dB"),
        }
    }

    /// One of its trials as the name of a file.
    pub(crate) fn trial_file_stem(&self, trial: &Trial) -> String {
        let speaker = self.config.corpus.speaker;
        let speaker = speaker.map(|speaker| format!("speaker{speaker}_"));
        let member = match trial.member {
            Member::TrueOrder(order) => format!("order{order}"),
            Member::Recording(number) => format!("mixture{number}"),
        };
        let speaker = speaker.unwrap_or_default();
        format!("{speaker}seed{}_{member}_snr{}", self.seed(), trial.snr_db)
    }

    /// All mixtures that are drawn: every order at every ratio, by ratio first.
    pub(crate) fn drawn_trials(&self) -> Vec<Trial> {
        let orders = &self.config.training.orders;
        let at = |&snr_db: &f64| {
            orders.iter().map(move |&order| Trial {
                snr_db,
                member: Member::TrueOrder(order),
            })
        };
        self.config.mixtures.snr_db.iter().flat_map(at).collect()
    }
}

/// A value without the decimals, exponents and quotes of TOML.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Float(number) => number.to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// All combinations of the axes' values, the last axis running fastest.
fn cases(config: &Config) -> Result<Vec<Case>> {
    let base = Config {
        sweep: None,
        ..config.clone()
    };
    let mut cases = vec![Case {
        values: Vec::new(),
        config: base.clone(),
    }];
    for axis in config.sweep.iter().flat_map(|sweep| &sweep.axis) {
        let keys = axis.all_keys();
        let settings = axis.settings();
        let extended = |case: &Case| {
            let extend = |setting: &Vec<Value>| {
                let mut case = case.clone();
                let names = keys.iter().map(|&key| key.to_owned());
                case.values.extend(names.zip(setting.iter().cloned()));
                case
            };
            settings.iter().map(extend).collect::<Vec<_>>()
        };
        cases = cases.iter().flat_map(extended).collect();
    }
    for case in cases.iter_mut().filter(|case| !case.values.is_empty()) {
        let values: Vec<(&str, Value)> = case
            .values
            .iter()
            .map(|(key, value)| (key.as_str(), value.clone()))
            .collect();
        case.config =
            assigned(&base, &values).with_context(|| format!("sweep.axis, {}", case.name()))?;
    }
    Ok(cases)
}

/// The runs of a case: every speaker of recordings, from every seed.
fn runs(case: usize, config: &Config, swept_seeds: &[u64]) -> Vec<Run> {
    let (speakers, repetitions) = match config.mixtures.source {
        MixtureSource::Drawn => (vec![config.corpus.speaker], 1),
        MixtureSource::Recordings => (config.recordings.speakers(), config.recordings.seeds),
    };
    let seeds: Vec<u64> = match swept_seeds {
        [] => (config.experiment.seed..).take(repetitions).collect(),
        seeds => seeds.to_vec(),
    };
    let run = |speaker, seed| {
        let mut config = config.clone();
        config.corpus.speaker = speaker;
        config.experiment.seed = seed;
        Run { case, config }
    };
    let of_speaker = |speaker| seeds.iter().map(move |&seed| run(speaker, seed));
    speakers.into_iter().flat_map(of_speaker).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(config: &Config) -> Vec<[u64; 2]> {
        let study = Study::new(config).unwrap();
        let trials = study.runs[0].drawn_trials();
        trials.iter().map(Trial::stream_key).collect()
    }

    #[test]
    fn the_papers_study_has_42_trials_with_keys_of_their_own() {
        let mut keys = drawn(&Config::default());
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 42);
    }

    #[test]
    fn a_part_of_a_study_keeps_its_keys() {
        let mut part = Config::default();
        part.mixtures.snr_db = vec![3.0, 0.0];
        part.training.orders = vec![8];
        let whole = drawn(&Config::default());
        assert!(drawn(&part).iter().all(|key| whole.contains(key)));
    }

    #[test]
    fn recordings_have_a_run_for_each_case_speaker_and_seed() {
        let text = "[corpus]\nkind = 'builtin'\n[mixtures]\nsource = 'recordings'\n\
                    [recordings]\nspeakers = [3, 7]\nseeds = 2\n\
                    [[sweep.axis]]\nkey = 'model.iterations'\nvalues = [1, 2]\n";
        let config: Config = toml::from_str(text).unwrap();
        let study = Study::new(&config).unwrap();
        let names: Vec<String> = study.runs.iter().map(Run::name).collect();
        assert_eq!(names.len(), 2 * 2 * 2);
        assert_eq!(names[1], "speaker 3, seed 2");
        assert_eq!(names[6], "speaker 7, seed 1");
        assert_eq!(study.runs[4].config.model.iterations, 2);
        assert_eq!(study.unit, Unit::SpeakerAndSeed);
        let columns = ["model.iterations", "seed", "speaker", "mixture", "snr_db"];
        assert_eq!(study.trial_columns(), columns);
    }
}
