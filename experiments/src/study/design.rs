//! What a study consists of, as its configuration says it.
//!
//! A *trial* is one mixture, through every method. Trials with the same dictionaries are a *run*:
//! one configuration with one speaker, one noise and one seed. Runs with the same values of the
//! swept keys are a *case*. `table1` has one case of one run, `sweep` a case for each point of its
//! axes, and a section `[units]` makes every case have a run for each of several speakers, noises
//! and seeds.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, Result, bail};
use toml::Value;

use super::estimate::{Candidate, Member, Trial};
use super::foreign::ForeignMethod;
use super::methods::{Method, Part};
use crate::config::{Config, MixtureSource, assigned};
use crate::corpus::Speaker;

/// A study: its cases, the runs of all of them, and what intervals are over.
#[derive(Debug)]
pub(crate) struct Study<'a> {
    pub(crate) config: &'a Config,
    /// The last axis runs fastest.
    pub(crate) cases: Vec<Case>,
    /// By case, then speaker, then noise, then seed.
    pub(crate) runs: Vec<Run>,
    /// The methods that are compared.
    pub(crate) methods: Vec<Method>,
    /// Those of other programs, which are compared with them.
    pub(crate) foreign: Vec<ForeignMethod>,
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
    /// That of its case, with one speaker, one noise and one seed.
    pub(crate) config: Config,
    /// Whether speaker and noise tell it from others.
    is_named: bool,
}

/// What intervals are over: trials within one share dictionaries or recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// The true orders of the only run: its dictionaries.
    TrueOrder,
    /// The runs of a case, which differ in their seeds only.
    Seed,
    /// The runs of a case, and how one and several of them are called.
    Run(&'static str, &'static str),
}

impl Unit {
    fn new(config: &Config) -> Self {
        let units = &config.units;
        let sweep = config.sweep.as_ref();
        let is_drawn = config.mixtures.source == MixtureSource::Drawn;
        let swept_seeds = sweep.map_or(0, |sweep| sweep.seeds.len());
        let has_seeds = units.seeds.max(swept_seeds) > 1;
        match (
            !units.speakers.is_empty(),
            !units.noises.is_empty(),
            has_seeds,
        ) {
            (false, false, false) if is_drawn && sweep.is_none() => Self::TrueOrder,
            (false, false, _) if is_drawn => Self::Seed,
            (false, false, _) => Self::Run("seed", "seeds"),
            (true, false, false) => Self::Run("speaker", "speakers"),
            (true, false, true) => {
                Self::Run("pair of speaker and seed", "pairs of speaker and seed")
            }
            (false, true, false) => Self::Run("noise", "noises"),
            (false, true, true) => Self::Run("pair of noise and seed", "pairs of noise and seed"),
            (true, true, false) => {
                Self::Run("pair of speaker and noise", "pairs of speaker and noise")
            }
            (true, true, true) => Self::Run(
                "combination of speaker, noise and seed",
                "combinations of speaker, noise and seed",
            ),
        }
    }

    /// How the unit is called, and how several of them are: words that are true after a number
    /// of them ("over 40 pairs of speaker and noise").
    pub(crate) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::TrueOrder => ("true order", "true orders"),
            Self::Seed => ("seed", "seeds"),
            Self::Run(one, several) => (one, several),
        }
    }
}

impl<'a> Study<'a> {
    /// The study that a configuration asks for.
    ///
    /// # Errors
    /// A value of an axis that its key does not allow; speakers and noises whose files would have
    /// the same names; folders of estimates that do not name methods, which no valid configuration
    /// has.
    pub(crate) fn new(config: &'a Config) -> Result<Self> {
        let sweep = config.sweep.as_ref();
        let cases = cases(config)?;
        let swept_seeds = sweep.map(|sweep| &sweep.seeds[..]).unwrap_or_default();
        let of_case = |(index, case): (usize, &Case)| runs(index, &case.config, swept_seeds);
        // What one of the cases does not have cannot be compared over all of them.
        let mut methods = config.methods();
        methods.retain(|method| {
            cases
                .iter()
                .all(|case| case.config.methods().contains(method))
        });
        let runs: Vec<Run> = cases.iter().enumerate().flat_map(of_case).collect();
        refuse_repeated_file_names(&runs)?;
        Ok(Self {
            runs,
            cases,
            methods,
            foreign: config.evaluation.foreign_methods()?,
            unit: Unit::new(config),
            config,
        })
    }

    /// What tables compare: the methods, below the mixture where they are to improve on a
    /// recording.
    pub(crate) fn candidates(&self) -> Vec<Candidate> {
        let mixture = self.has_recordings().then_some(Candidate::Mixture);
        let methods = self.methods.iter().copied().map(Candidate::Method);
        mixture
            .into_iter()
            .chain(methods)
            .chain(self.foreign_candidates())
            .collect()
    }

    /// The estimates of other programs.
    pub(crate) fn foreign_candidates(&self) -> impl Iterator<Item = Candidate> {
        self.foreign
            .iter()
            .map(|method| Candidate::Foreign(method.name))
    }

    /// Those of the compared methods that weigh the orders.
    pub(crate) fn weighing_methods(&self) -> impl Iterator<Item = Method> {
        let methods = self.methods.iter().copied();
        methods.filter(|method| method.weighs_orders())
    }

    /// The parts of each trial that are tabled.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let candidates = self.candidates();
        let is_needed = |part: &Part| candidates.iter().any(|it| it.part() == *part);
        let own = Part::OWN.into_iter().filter(is_needed);
        own.chain(self.foreign_candidates().map(Candidate::part))
            .collect()
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
    pub(crate) fn shows_trials(&self) -> bool {
        self.config.sweep.is_none()
    }

    /// Whether signals of some trials are kept, to be heard.
    pub(crate) fn keeps_examples(&self) -> bool {
        self.shows_trials() && self.config.report.examples > 0
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
        let mut columns = self.axis_keys();
        columns.push("seed");
        if self.names_speakers() {
            columns.push("speaker");
        }
        if self.names_noises() {
            columns.push("noise");
        }
        columns.extend(match self.config.mixtures.source {
            MixtureSource::Drawn => ["snr_db", "true_order"],
            MixtureSource::Recordings => ["mixture", "snr_db"],
        });
        columns
    }

    /// The values of [`Study::trial_columns`].
    pub(crate) fn trial_values(&self, run: &Run, trial: &Trial) -> Vec<String> {
        let mut values = self.run_values(run);
        let snr_db = trial.snr_db.to_string();
        values.extend(match trial.member {
            Member::TrueOrder(order) => [snr_db, order.to_string()],
            Member::Recording(number) => [number.to_string(), snr_db],
        });
        values
    }

    /// The position of the run and the trial of some [`Study::trial_values`], if there is one.
    pub(crate) fn find_trial(&self, values: &[String]) -> Option<(usize, Trial)> {
        let (of_run, [first, second]) = values.split_last_chunk()?;
        let run = self.runs.iter();
        let run = run
            .map(|run| self.run_values(run))
            .position(|it| it == of_run)?;
        let (snr_db, member) = match self.config.mixtures.source {
            MixtureSource::Drawn => (first, Member::TrueOrder(second.parse().ok()?)),
            MixtureSource::Recordings => (second, Member::Recording(first.parse().ok()?)),
        };
        let snr_db: f64 = snr_db.parse().ok()?;
        let config = &self.runs[run].config;
        let is_there = match member {
            Member::TrueOrder(order) => {
                let mut ratios = config.mixtures.snr_db.iter();
                config.training.orders.contains(&order)
                    && ratios.any(|ratio| ratio.total_cmp(&snr_db).is_eq())
            }
            // How many there are is known of a corpus that has mixtures of its own.
            Member::Recording(_) => snr_db.is_finite(),
        };
        is_there.then_some((run, Trial { snr_db, member }))
    }

    /// Those of the values that tell runs apart.
    fn run_values(&self, run: &Run) -> Vec<String> {
        let corpus = &run.config.corpus;
        let mut values: Vec<String> = self.cases[run.case].texts().collect();
        values.push(run.seed().to_string());
        if self.names_speakers() {
            let speaker = corpus.speaker.as_ref().map(ToString::to_string);
            values.push(speaker.unwrap_or_default());
        }
        if self.names_noises() {
            values.push(corpus.noise.clone().unwrap_or_default());
        }
        values
    }

    /// A trial as the name of its files: as [`Run::trial_file_stem`], after the number of its case
    /// where there are several.
    pub(crate) fn trial_file_stem(&self, run: &Run, trial: &Trial) -> String {
        let stem = run.trial_file_stem(trial);
        match self.cases.len() {
            1 => stem,
            _ => format!("case{}_{stem}", run.case + 1),
        }
    }

    /// [`Study::trial_file_stem`] of all trials, where they are known without the corpora.
    pub(crate) fn known_file_stems(&self) -> Option<BTreeSet<String>> {
        let mut stems = BTreeSet::new();
        for run in &self.runs {
            let trials = run.known_trials()?.into_iter();
            stems.extend(trials.map(|trial| self.trial_file_stem(run, &trial)));
        }
        Some(stems)
    }

    fn names_speakers(&self) -> bool {
        self.has_recordings() || !self.config.units.speakers.is_empty()
    }

    fn names_noises(&self) -> bool {
        !self.config.units.noises.is_empty()
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

    /// What tells the run from others of its case, as short as it can be.
    pub(crate) fn short_name(&self) -> String {
        let corpus = &self.config.corpus;
        let mut parts: Vec<String> = Vec::new();
        if self.is_named {
            parts.extend(corpus.speaker.as_ref().map(ToString::to_string));
            parts.extend(corpus.noise.clone());
        }
        parts.push(self.seed().to_string());
        parts.join(" / ")
    }

    /// The run in words.
    pub(crate) fn name(&self) -> String {
        let corpus = &self.config.corpus;
        let speaker = corpus.speaker.as_ref().filter(|_| self.is_named);
        let noise = corpus.noise.as_ref().filter(|_| self.is_named);
        let mut parts: Vec<String> = Vec::new();
        parts.extend(speaker.map(|speaker| format!("speaker {speaker}")));
        parts.extend(noise.map(|noise| format!("noise {noise}")));
        parts.push(format!("seed {}", self.seed()));
        parts.join(", ")
    }

    /// One of its trials in words.
    pub(crate) fn trial_name(&self, trial: &Trial) -> String {
        let (run, snr_db) = (self.name(), trial.snr_db);
        match trial.member {
            Member::TrueOrder(order) => format!("{run}, {snr_db} dB, true order {order}"),
            Member::Recording(number) => format!("{run}, mixture {number}, {snr_db} dB"),
        }
    }

    /// One of its trials as the name of a file. Where `[units]` lists speakers or noises, the
    /// speaker and the noise come first, so that a listing reads by them:
    /// `dutch_woman_in_rain_mixture0_snr-6dB_seed1`.
    pub(crate) fn trial_file_stem(&self, trial: &Trial) -> String {
        let mut parts: Vec<String> = self.signals_file_stem().into_iter().collect();
        parts.push(match trial.member {
            Member::TrueOrder(order) => format!("order{order}"),
            Member::Recording(number) => format!("mixture{number}"),
        });
        parts.push(format!("snr{}dB", trial.snr_db));
        parts.push(format!("seed{}", self.seed()));
        parts.join("_")
    }

    /// The speaker in the noise as a part of the name of a file, where they tell runs apart.
    fn signals_file_stem(&self) -> Option<String> {
        let corpus = &self.config.corpus;
        let speaker = corpus.speaker.as_ref().filter(|_| self.is_named);
        let speaker = speaker.map(|speaker| match speaker {
            Speaker::Number(number) => format!("speaker{number}"),
            Speaker::Name(name) => name.clone(),
        });
        let noise = corpus.noise.clone().filter(|_| self.is_named);
        let signals: Vec<String> = speaker.into_iter().chain(noise).collect();
        (!signals.is_empty()).then(|| signals.join("_in_").replace(' ', "-"))
    }

    /// All its trials, in no certain order, where they are known without the corpus: only one that
    /// brings mixtures decides which there are.
    pub(crate) fn known_trials(&self) -> Option<Vec<Trial>> {
        let recordings = &self.config.recordings;
        match self.config.mixtures.source {
            MixtureSource::Drawn => Some(self.drawn_trials()),
            MixtureSource::Recordings if recordings.isolated.is_some() => None,
            MixtureSource::Recordings => {
                let at = |&snr_db: &f64| {
                    (0..recordings.mixtures).map(move |number| Trial {
                        snr_db,
                        member: Member::Recording(number),
                    })
                };
                Some(self.config.mixtures.snr_db.iter().flat_map(at).collect())
            }
        }
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

/// The runs of a case: every speaker with every noise from every seed.
fn runs(case: usize, config: &Config, swept_seeds: &[u64]) -> Vec<Run> {
    let units = &config.units;
    let speakers: Vec<Option<Speaker>> = match &units.speakers[..] {
        [] => vec![config.corpus.speaker.clone()],
        speakers => speakers.iter().cloned().map(Some).collect(),
    };
    let noises: Vec<Option<String>> = match &units.noises[..] {
        [] => vec![config.corpus.noise.clone()],
        noises => noises.iter().cloned().map(Some).collect(),
    };
    let seeds: Vec<u64> = match swept_seeds {
        [] => (config.experiment.seed..).take(units.seeds).collect(),
        seeds => seeds.to_vec(),
    };
    let is_named = !(units.speakers.is_empty() && units.noises.is_empty());
    let mut runs = Vec::new();
    for speaker in &speakers {
        for noise in &noises {
            for &seed in &seeds {
                let mut config = config.clone();
                config.corpus.speaker.clone_from(speaker);
                config.corpus.noise.clone_from(noise);
                config.experiment.seed = seed;
                runs.push(Run {
                    case,
                    config,
                    is_named,
                });
            }
        }
    }
    runs
}

/// Refuses runs of one case and seed whose speakers and noises read the same in names of files:
/// what else these names are made of tells their trials apart.
fn refuse_repeated_file_names(runs: &[Run]) -> Result<()> {
    let mut seen: HashMap<_, &Run> = HashMap::new();
    for run in runs {
        let stem = run.signals_file_stem();
        if let Some(other) = seen.insert((run.case, run.seed(), stem.clone()), run) {
            bail!(
                "`units`: files of \"{}\" and of \"{}\" would have the same names, which begin \
                 with {}_: rename a speaker or a noise",
                other.name(),
                run.name(),
                stem.unwrap_or_default()
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(config: &Config) -> Vec<Vec<u64>> {
        let study = Study::new(config).unwrap();
        let trials = study.runs[0].drawn_trials();
        trials
            .iter()
            .map(|trial| trial.stream_key(&config.corpus))
            .collect()
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
                    [units]\nspeakers = [3, 7]\nseeds = 2\n\
                    [[sweep.axis]]\nkey = 'model.iterations'\nvalues = [1, 2]\n";
        let config: Config = toml::from_str(text).unwrap();
        let study = Study::new(&config).unwrap();
        let names: Vec<String> = study.runs.iter().map(Run::name).collect();
        assert_eq!(names.len(), 2 * 2 * 2);
        assert_eq!(names[1], "speaker 3, seed 2");
        assert_eq!(names[6], "speaker 7, seed 1");
        assert_eq!(study.runs[4].config.model.iterations, 2);
        assert_eq!(
            study.unit,
            Unit::Run("pair of speaker and seed", "pairs of speaker and seed")
        );
        let columns = ["model.iterations", "seed", "speaker", "mixture", "snr_db"];
        assert_eq!(study.trial_columns(), columns);
    }

    #[test]
    fn files_of_trials_are_named_in_words() {
        let stems = |text: &str| -> Vec<String> {
            let config: Config = toml::from_str(text).unwrap();
            let study = Study::new(&config).unwrap();
            let stem = |run: &Run| {
                let trial = *run.known_trials().unwrap().first()?;
                Some(study.trial_file_stem(run, &trial))
            };
            study.runs.iter().filter_map(stem).collect()
        };
        assert_eq!(stems(""), ["order2_snr-6dB_seed1"]);
        let recordings = "[mixtures]\nsource = 'recordings'\n";
        let numbered = "[corpus]\nkind = 'builtin'\n[units]\nspeakers = [3]\nseeds = 2\n";
        assert_eq!(
            stems(&format!("{recordings}{numbered}")),
            [
                "speaker3_mixture0_snr-6dB_seed1",
                "speaker3_mixture0_snr-6dB_seed2"
            ]
        );
        let named = "[corpus]\nkind = 'folder'\nspeech = 's'\nbackground = 'n'\n[units]\n\
                     speakers = ['Anna Maria']\nnoises = ['coffee-shop']\n\
                     [[sweep.axis]]\nkey = 'model.iterations'\nvalues = [1, 2]\n";
        let found = stems(&format!("{recordings}{named}"));
        assert_eq!(
            found[1],
            "case2_Anna-Maria_in_coffee-shop_mixture0_snr-6dB_seed1"
        );
    }

    #[test]
    fn speakers_and_noises_that_read_the_same_in_names_of_files_are_refused() {
        let made = |units: &str| {
            let corpus = "[mixtures]\nsource = 'recordings'\n[corpus]\nkind = 'folder'\n\
                          speech = 's'\nbackground = 'n'\n[units]\n";
            let config: Config = toml::from_str(&format!("{corpus}{units}")).unwrap();
            config.validate().unwrap();
            Study::new(&config).map(|_| ()).map_err(|it| it.to_string())
        };
        for (units, named) in [
            (
                "speakers = ['Anna Maria', 'Anna', 'Anna-Maria']\n",
                ["speaker Anna Maria,", "speaker Anna-Maria,", "Anna-Maria_:"],
            ),
            (
                "speakers = ['a', 'b']\nnoises = ['bus stop', 'bus-stop']\nseeds = 2\n",
                ["noise bus stop,", "noise bus-stop,", "a_in_bus-stop_:"],
            ),
            (
                "speakers = ['a', 'a_in_b']\nnoises = ['c', 'b_in_c']\n",
                [
                    "speaker a, noise b_in_c",
                    "speaker a_in_b, noise c",
                    "a_in_b_in_c_:",
                ],
            ),
        ] {
            let refused = made(units).unwrap_err();
            for part in named {
                assert!(refused.contains(part), "{part}: {refused}");
            }
        }
        assert_eq!(
            made("speakers = ['Anna Maria', 'Anna']\nseeds = 2\n"),
            Ok(())
        );
    }

    #[test]
    fn a_unit_is_called_by_what_tells_it_from_others() {
        let (speakers, noises) = ("speakers = ['a', 'b']\n", "noises = ['c', 'd', 'e']\n");
        let recordings = "[mixtures]\nsource = 'recordings'\n[corpus]\nkind = 'folder'\n\
                          speech = 's'\nbackground = 'n'\n[units]\n";
        let units_of = |text: &str| {
            let config: Config = toml::from_str(text).unwrap();
            let study = Study::new(&config).unwrap();
            let (one, several) = study.unit.names();
            (study.runs.len(), one, several)
        };
        let of = |units: &[&str]| units_of(&(recordings.to_owned() + &units.concat()));
        let seeds = "seeds = 2\n";
        assert_eq!(units_of(""), (1, "true order", "true orders"));
        assert_eq!(of(&[]), (1, "seed", "seeds"));
        assert_eq!(of(&[seeds]), (2, "seed", "seeds"));
        assert_eq!(of(&[speakers]), (2, "speaker", "speakers"));
        assert_eq!(of(&[noises]), (3, "noise", "noises"));
        let pairs = ("pair of speaker and noise", "pairs of speaker and noise");
        assert_eq!(of(&[speakers, noises]), (6, pairs.0, pairs.1));
        let repeated = of(&[speakers, noises, seeds]);
        assert_eq!(repeated.0, 12);
        assert_eq!(repeated.2, "combinations of speaker, noise and seed");
        assert_eq!(of(&[noises, seeds]).2, "pairs of noise and seed");
    }
}
