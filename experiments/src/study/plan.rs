//! The keys of trials, digests of everything that determines a result and of nothing else, and the
//! plan of a study: the keys of all its trials. Shards that record the same plan are of the same
//! study, and a merge needs no corpus to know what is missing.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use dsp::StftSettings;
use model::{Acceleration, ActivationStart, Posterior, Precision};
use serde::{Deserialize, Serialize};

use super::design::Run;
use super::dictionaries::DictionaryKeys;
use super::estimate::Trial;
use super::foreign::{ForeignName, ForeignSignal};
use super::methods::{Method, Part};
use crate::config::{Config, MixtureSource, Normalisation};
use crate::store::atomic;
use crate::store::digest::{Computed, Digest};

/// The keys of a trial's parts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Keys {
    mixture: Digest,
    /// Of the single-order separations, which do not depend on beta.
    singles: Digest,
    fusion: Digest,
    structured: Digest,
    tempered: Digest,
    learned: Digest,
    /// Of what other programs made.
    foreign: Vec<(ForeignName, Digest)>,
}

/// What determines the keys of a trial beside its configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TrialInputs<'a> {
    pub(crate) trial: &'a Trial,
    pub(crate) dictionaries: &'a DictionaryKeys,
    /// Estimates of the trial by other programs.
    pub(crate) foreign: &'a [ForeignSignal],
}

/// All that determines the scores of the mixture of a trial as it is.
#[derive(Serialize)]
struct ScoredMixtureInputs<'a> {
    computed: Computed,
    mixture: &'a MixtureInputs,
    seed: u64,
    trial: &'a [u64],
    filter_taps: usize,
}

/// All that determines the scores of an estimate that another program made: what the true sources
/// are made of, and the estimate.
#[derive(Serialize)]
struct ForeignInputs<'a> {
    computed: Computed,
    name: ForeignName,
    signal: Digest,
    mixture: &'a MixtureInputs,
    background: Option<Digest>,
    normalisation: Normalisation,
    stft: &'a StftSettings,
    seed: u64,
    trial: &'a [u64],
    filter_taps: usize,
}

/// All that determines the single-order separations of a trial and their scores.
#[derive(Serialize)]
struct SinglesInputs<'a> {
    computed: Computed,
    methods: Vec<Method>,
    mixture: &'a MixtureInputs,
    estimation: &'a [Digest],
    background: Option<Digest>,
    normalisation: Normalisation,
    stft: &'a StftSettings,
    seed: u64,
    trial: &'a [u64],
    dictionary_shape: f64,
    activation_shape: f64,
    activation_start: ActivationStart,
    dictionary_start_floor: f64,
    iterations: usize,
    tolerance: f64,
    precision: Precision,
    acceleration: Acceleration,
    background_components: usize,
    filter_taps: usize,
}

/// What a mixture is made of.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum MixtureInputs {
    Drawn {
        generation: Digest,
        frames: usize,
        activation_shape: f64,
        noise_variance: f64,
    },
    Recorded {
        signals: Digest,
        noise_db: f64,
    },
}

/// All that determines what depends on the tempering, a fusion or a mean of single orders.
#[derive(Serialize)]
struct TemperedInputs {
    computed: Computed,
    methods: Vec<Method>,
    singles: Digest,
    beta: f64,
}

/// All that determines the mean of single orders by learned weights.
#[derive(Serialize)]
struct LearnedInputs<'a> {
    computed: Computed,
    methods: Vec<Method>,
    singles: Digest,
    /// What the weights are learned from, beside what is in the key of the single orders.
    weight_mixtures: usize,
    snr_db: &'a [f64],
    signals: Option<Digest>,
}

impl Keys {
    /// The keys of a trial of drawn mixtures.
    ///
    /// `generation`: of the dictionary that draws the speech.
    pub(crate) fn of_drawn(
        inputs: TrialInputs<'_>,
        generation: Digest,
        config: &Config,
    ) -> Result<Self> {
        let mixtures = &config.mixtures;
        let mixture = MixtureInputs::Drawn {
            generation,
            frames: mixtures.frames,
            activation_shape: mixtures.activation_shape,
            noise_variance: mixtures.noise_variance,
        };
        Self::new(inputs, &mixture, mixtures.frames, None, config)
    }

    /// The keys of a trial of recordings.
    ///
    /// `signals`: of what is mixed. `frames`: of the mixture. `learned_from`: of the mixtures that
    /// weights are learned from.
    pub(crate) fn of_recorded(
        inputs: TrialInputs<'_>,
        signals: Digest,
        frames: usize,
        learned_from: Digest,
        config: &Config,
    ) -> Result<Self> {
        let noise_db = config.recordings.noise_db;
        let mixture = MixtureInputs::Recorded { signals, noise_db };
        Self::new(inputs, &mixture, frames, Some(learned_from), config)
    }

    fn new(
        inputs: TrialInputs<'_>,
        mixture: &MixtureInputs,
        frames: usize,
        learned_from: Option<Digest>,
        config: &Config,
    ) -> Result<Self> {
        let model = &config.model;
        let dictionaries = inputs.dictionaries;
        let trial = &inputs.trial.stream_key(&config.corpus)[..];
        let seed = config.experiment.seed;
        let filter_taps = config.evaluation.filter_taps;
        let singles = Digest::of_value(&SinglesInputs {
            computed: Computed::new("single orders"),
            methods: Part::Singles.methods().collect(),
            mixture,
            estimation: &dictionaries.estimation,
            background: dictionaries.background,
            normalisation: config.training.normalisation,
            stft: &config.stft,
            seed,
            trial,
            dictionary_shape: model.dictionary_shape,
            activation_shape: model.activation_shape,
            activation_start: model.activation_start,
            dictionary_start_floor: model.dictionary_start_floor,
            iterations: model.iterations,
            tolerance: model.tolerance,
            precision: model.precision,
            acceleration: model.acceleration,
            background_components: config.training.background_components,
            filter_taps,
        })?;
        let beta = model.tempering().beta(frames, config.stft.bins());
        let tempered = |part: Part, what| {
            Digest::of_value(&TemperedInputs {
                computed: Computed::new(what),
                methods: part.methods().collect(),
                singles,
                beta,
            })
        };
        let foreign = |signal: &ForeignSignal| {
            let key = Digest::of_value(&ForeignInputs {
                computed: Computed::new("foreign"),
                name: signal.name,
                signal: signal.digest,
                mixture,
                background: dictionaries.background,
                normalisation: config.training.normalisation,
                stft: &config.stft,
                seed,
                trial,
                filter_taps,
            })?;
            Ok((signal.name, key))
        };
        Ok(Self {
            foreign: inputs.foreign.iter().map(foreign).collect::<Result<_>>()?,
            mixture: Digest::of_value(&ScoredMixtureInputs {
                computed: Computed::new("mixture"),
                mixture,
                seed,
                trial,
                filter_taps,
            })?,
            singles,
            fusion: tempered(Part::Fusion(Posterior::Factorised), "fusion")?,
            structured: tempered(Part::Fusion(Posterior::Structured), "structured fusion")?,
            tempered: tempered(Part::Tempered, "tempered")?,
            learned: Digest::of_value(&LearnedInputs {
                computed: Computed::new("learned weights"),
                methods: Part::Learned.methods().collect(),
                singles,
                weight_mixtures: config.training.weight_mixtures,
                snr_db: &config.mixtures.snr_db,
                signals: learned_from,
            })?,
        })
    }

    /// The key of a part; none of an estimate that another program did not make.
    pub(crate) fn part(&self, part: Part) -> Option<Digest> {
        match part {
            Part::Mixture => Some(self.mixture),
            Part::Singles => Some(self.singles),
            Part::Fusion(Posterior::Factorised) => Some(self.fusion),
            Part::Fusion(Posterior::Structured) => Some(self.structured),
            Part::Tempered => Some(self.tempered),
            Part::Learned => Some(self.learned),
            Part::Foreign(name) => {
                let mut foreign = self.foreign.iter();
                foreign
                    .find(|(other, _)| *other == name)
                    .map(|&(_, key)| key)
            }
        }
    }

    /// What trials have in common that differ in the tempering only: they can share their mixture
    /// and its single-order separations, and are in one shard.
    pub(crate) fn shared(&self) -> Digest {
        self.singles
    }

    /// Stands for all parts that are done here.
    pub(crate) fn whole(&self) -> Digest {
        let keys = Part::OWN.into_iter().filter_map(|part| self.part(part));
        Digest::of_parts(keys.map(|key| key.0))
    }
}

/// A trial with the keys of its parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PlannedTrial {
    pub(crate) trial: Trial,
    pub(crate) keys: Keys,
}

/// The corpus behind some of the trials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CorpusInfo {
    pub(crate) description: String,
    /// Of all signals.
    pub(crate) sha256: Digest,
}

/// What one run consists of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PlannedRun {
    pub(crate) corpus: CorpusInfo,
    pub(crate) trials: Vec<PlannedTrial>,
}

/// All runs of a study.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    version: u32,
    pub(crate) runs: Vec<PlannedRun>,
    /// Files of the corpora that were left out, each with the reason. What is said of a file may
    /// differ between machines, so it tells no plans apart.
    pub(crate) left_out: Vec<String>,
}

impl Plan {
    const VERSION: u32 = 4;

    pub(crate) fn new(runs: Vec<PlannedRun>, left_out: Vec<String>) -> Self {
        Self {
            version: Self::VERSION,
            runs,
            left_out,
        }
    }

    /// Whether the plan can be one of these runs.
    pub(crate) fn fits(&self, runs: &[Run]) -> bool {
        let is_fitting = |(planned, run): (&PlannedRun, &Run)| {
            let trials = || planned.trials.iter().map(|planned| planned.trial);
            match run.config.mixtures.source {
                MixtureSource::Drawn => trials().eq(run.drawn_trials()),
                // Which there are is not known without the corpus.
                MixtureSource::Recordings => trials().next().is_some(),
            }
        };
        self.runs.len() == runs.len() && self.runs.iter().zip(runs).all(is_fitting)
    }

    /// The corpora, each once, and their digest: for one corpus its own.
    pub(crate) fn corpus(&self) -> CorpusInfo {
        let mut corpora: Vec<&CorpusInfo> = Vec::new();
        for run in &self.runs {
            if !corpora.contains(&&run.corpus) {
                corpora.push(&run.corpus);
            }
        }
        if let [corpus] = corpora[..] {
            return corpus.clone();
        }
        let descriptions: Vec<&str> = corpora.iter().map(|it| it.description.as_str()).collect();
        CorpusInfo {
            description: joined(&descriptions),
            sha256: Digest::of_parts(corpora.iter().map(|corpus| corpus.sha256.0)),
        }
    }

    /// Records the plan.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        atomic::write(path, &serde_json::to_vec(self)?)
    }

    /// Reads a recorded plan.
    ///
    /// # Errors
    /// A file that cannot be read, is no plan, or is one of another version.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let plan: Self = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is not the plan of a run", path.display()))?;
        ensure!(
            plan.version == Self::VERSION,
            "{} is of version {}, this program reads version {}",
            path.display(),
            plan.version,
            Self::VERSION
        );
        Ok(plan)
    }
}

/// Descriptions of one corpus with several speakers and noises as one: what varies is listed.
fn joined(descriptions: &[&str]) -> String {
    let parts: Vec<Vec<&str>> = descriptions
        .iter()
        .map(|description| description.split(", ").collect())
        .collect();
    let listed = |position: usize| -> Option<String> {
        let names = distinct(parts.iter().map(|parts| parts[position]));
        if let [name] = names[..] {
            return Some(name.to_owned());
        }
        let labelled: Option<Vec<_>> = names.iter().map(|name| name.split_once(' ')).collect();
        let (labels, names): (Vec<&str>, Vec<&str>) = labelled?.into_iter().unzip();
        let [label @ ("speaker" | "noise")] = distinct(labels.into_iter())[..] else {
            return None;
        };
        let (last, others) = names.split_last()?;
        Some(format!("{label}s {} and {last}", others.join(", ")))
    };
    let count = parts[0].len();
    let whole = match parts.iter().all(|parts| parts.len() == count) {
        true => (0..count).map(listed).collect::<Option<Vec<_>>>(),
        false => None,
    };
    match whole {
        Some(parts) => parts.join(", "),
        None => distinct(descriptions.iter().copied()).join("; "),
    }
}

/// Each text once, in the order of the first.
fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all = Vec::new();
    for text in texts {
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::estimate::Member;
    use super::*;

    const TRIAL: Trial = Trial {
        snr_db: 0.0,
        member: Member::TrueOrder(4),
    };

    fn dictionaries(background: bool) -> DictionaryKeys {
        let digest = |text: &str| Digest::of_bytes(text.as_bytes());
        DictionaryKeys {
            generation: Vec::new(),
            estimation: vec![digest("2"), digest("4")],
            background: background.then(|| digest("background")),
        }
    }

    fn drawn(change: impl FnOnce(&mut Config)) -> Keys {
        let mut config = Config::default();
        change(&mut config);
        let generation = Digest::of_bytes(b"generation");
        Keys::of_drawn(inputs(&TRIAL, &dictionaries(true)), generation, &config).unwrap()
    }

    fn inputs<'a>(trial: &'a Trial, dictionaries: &'a DictionaryKeys) -> TrialInputs<'a> {
        TrialInputs {
            trial,
            dictionaries,
            foreign: &[],
        }
    }

    fn recorded(trial: &Trial, known: bool, change: impl FnOnce(&mut Config)) -> Keys {
        let mut config = Config::default();
        change(&mut config);
        let signals = Digest::of_bytes(b"signals");
        let learned_from = Digest::of_bytes(b"learned from");
        let dictionaries = dictionaries(known);
        let inputs = inputs(trial, &dictionaries);
        Keys::of_recorded(inputs, signals, 100, learned_from, &config).unwrap()
    }

    #[test]
    fn what_does_not_determine_a_result_is_not_in_its_key() {
        let same: [fn(&mut Config); 7] = [
            |config| config.experiment.name = "other".to_owned(),
            |config| config.statistics.resamples = 100,
            |config| config.timings.repetitions = 1,
            |config| config.evaluation.metrics.truncate(1),
            |config| config.evaluation.methods.truncate(1),
            |config| config.units.seeds = 3,
            // The default, said.
            |config| config.model.beta = Some(1e4),
        ];
        for change in same {
            assert_eq!(drawn(change), drawn(|_| {}));
            assert_eq!(
                recorded(&TRIAL, false, change),
                recorded(&TRIAL, false, |_| {})
            );
        }
    }

    #[test]
    fn what_determines_a_result_is_in_its_key() {
        let both: [fn(&mut Config); 11] = [
            |config| config.experiment.seed = 2,
            |config| config.stft.hop_samples = 512,
            |config| config.training.background_components = 8,
            |config| config.training.normalisation = Normalisation::Sum,
            |config| config.model.activation_start = ActivationStart::Constant(10.0),
            |config| config.model.dictionary_start_floor = 1e-9,
            |config| config.model.iterations = 51,
            |config| config.model.tolerance = 1e-4,
            |config| config.model.precision = Precision::F64,
            |config| config.model.acceleration = Acceleration::Squarem,
            |config| config.evaluation.filter_taps = 256,
        ];
        let of_drawn: [fn(&mut Config); 3] = [
            |config| config.mixtures.frames = 200,
            |config| config.mixtures.activation_shape = 0.3,
            |config| config.mixtures.noise_variance = 1e-7,
        ];
        let plain = (drawn(|_| {}), recorded(&TRIAL, false, |_| {}));
        for (index, change) in both.iter().chain(&of_drawn).enumerate() {
            let changed = drawn(change);
            assert_ne!(changed.singles, plain.0.singles, "{index}");
            assert_ne!(changed.fusion, plain.0.fusion, "{index}");
        }
        for (index, change) in both.iter().enumerate() {
            assert_ne!(recorded(&TRIAL, false, change), plain.1, "{index}");
        }
        let louder = recorded(&TRIAL, false, |config| config.recordings.noise_db = -60.0);
        assert_ne!(louder, plain.1);
        assert_ne!(recorded(&TRIAL, true, |_| {}), plain.1);
        for (snr_db, number) in [(3.0, 4), (0.0, 5)] {
            let member = Member::Recording(number);
            assert_ne!(recorded(&Trial { snr_db, member }, false, |_| {}), plain.1);
        }
    }

    #[test]
    fn what_weights_are_learned_from_is_in_their_key_only() {
        let plain = drawn(|_| {});
        let changes: [fn(&mut Config); 2] = [
            |config| config.mixtures.snr_db = vec![20.0],
            |config| config.training.weight_mixtures = 8,
        ];
        for changed in changes.map(drawn) {
            for part in Part::OWN {
                let is_learned = part == Part::Learned;
                assert_eq!(
                    changed.part(part) != plain.part(part),
                    is_learned,
                    "{part:?}"
                );
            }
        }
    }

    #[test]
    fn speakers_of_one_corpus_are_listed_together() {
        let speakers = [
            "builtin, speaker 3",
            "builtin, speaker 7",
            "builtin, speaker 3",
        ];
        assert_eq!(joined(&speakers), "builtin, speakers 3 and 7");
        assert_eq!(joined(&["folder", "folder"]), "folder");
        assert_eq!(
            joined(&["folder", "chime, speaker 1"]),
            "folder; chime, speaker 1"
        );
    }

    #[test]
    fn beta_is_in_the_keys_of_what_it_tempers() {
        let plain = drawn(|_| {});
        let changed = drawn(|config| config.model.beta = Some(1.0));
        for part in Part::OWN {
            let is_tempered = matches!(part, Part::Fusion(_) | Part::Tempered);
            assert_eq!(
                changed.part(part) != plain.part(part),
                is_tempered,
                "{part:?}"
            );
        }
        // The same beta, given per bin.
        let kappa = drawn(|config| config.model.kappa = Some(0.5));
        let beta = drawn(|config| config.model.beta = Some(0.5 * 1025.0 * 300.0));
        assert_eq!(kappa, beta);
    }
}
