//! A few trials kept whole: what a listener hears and what the figures of single trials show.
//!
//! Their mixtures are made and separated again, from the same random streams as in the tables: a
//! stage of its own after the others, so that trials need not keep their signals.

mod export;
mod kept;

use anyhow::{Context, Result};
use dsp::Complex64;
use dsp::wav::{Encoding, to_bytes};
use model::{Execution, FreeEnergyTrace, Posterior, Separation};
use ndarray::Array2;

use super::design::{Run, Study};
use super::estimate::{Candidate, Member, Trial, TrialResult};
use super::methods::{Choice, Method, Part, Singles};
use super::prepare::{PreparedRun, PreparedTrial};
use super::separation::{SPEECH, Separator, sdr_for_the_oracle};
use crate::store::folder::{AUDIO, SPEECH as SPEECH_FOLDER};

pub(crate) use export::Export;
pub(crate) use kept::{KeptExample, example_key, keep};

/// Level of an example's largest sample: -1 dB of full scale.
const PEAK: f64 = 0.891;

/// What a signal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Mixture,
    /// The true speech.
    Speech,
    /// The true background.
    Background,
    /// A method's estimate of the speech.
    Estimate(Method),
}

impl Content {
    /// All contents, in the order of files, figures and players.
    pub(crate) fn all() -> Vec<Self> {
        let estimates = Method::ALL.into_iter().map(Self::Estimate);
        [Self::Mixture, Self::Speech, Self::Background]
            .into_iter()
            .chain(estimates)
            .collect()
    }

    /// The name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mixture => "mixture",
            Self::Speech => "speech",
            Self::Background => "background",
            Self::Estimate(method) => method.name(),
        }
    }

    /// The name in figures and players.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Mixture => "Mixture",
            Self::Speech => "True speech",
            Self::Background => "True background",
            Self::Estimate(method) => method.label(),
        }
    }

    /// The content of a name, if there is one.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::all()
            .into_iter()
            .find(|content| content.name() == name)
    }

    /// The file of a trial below the folder of all signals: one file name per trial, a folder for
    /// each content.
    fn file(self, stem: &str) -> String {
        let folder = match self {
            Self::Mixture => "mixture".to_owned(),
            Self::Speech => format!("reference/{SPEECH_FOLDER}"),
            Self::Background => "reference/background".to_owned(),
            Self::Estimate(method) => format!("estimate/{}/{SPEECH_FOLDER}", method.name()),
        };
        format!("{folder}/{stem}.wav")
    }
}

/// One signal of an example.
#[derive(Debug, Clone)]
pub(crate) struct Signal {
    pub(crate) content: Content,
    /// The order an estimate was chosen from.
    pub(crate) order: Option<usize>,
    /// Without the gain.
    pub(crate) samples: Vec<f64>,
}

/// A trial with its signals.
#[derive(Debug, Clone)]
pub(crate) struct Example {
    /// The trial as the name of files.
    file_stem: String,
    /// Mixture, truth and estimates. An estimate that could not be chosen is missing.
    pub(crate) signals: Vec<Signal>,
    /// Factor of all its signals in files, so that levels can be compared and nothing is clipped.
    pub(crate) gain: f64,
    /// Free energies of its separations.
    pub(crate) traces: Vec<EnergyTrace>,
}

/// The free energy of one separation after each iteration, in nats.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EnergyTrace {
    pub(crate) candidate: Candidate,
    pub(crate) free_energy: Vec<f64>,
}

/// Whether a trial is of the order in the middle, or of the first recordings.
fn is_typical(run: &Run, trial: &Trial) -> bool {
    let orders = &run.config.training.orders;
    match trial.member {
        Member::TrueOrder(order) => orders.get(orders.len() / 2) == Some(&order),
        Member::Recording(number) => number == 0,
    }
}

/// The trials that are kept of a run: of the order in the middle, or the first recordings, spread
/// over the signal-to-noise ratios from the lowest to the highest. Where these are too few, there
/// are others beside them.
pub(crate) fn chosen_trials(run: &Run, trials: &[Trial]) -> Vec<Trial> {
    let (mut typical, others): (Vec<Trial>, Vec<Trial>) = trials
        .iter()
        .copied()
        .partition(|trial| is_typical(run, trial));
    typical.sort_by(|a, b| a.snr_db.total_cmp(&b.snr_db));
    let wanted = run.config.report.examples;
    if wanted >= typical.len() {
        let more = wanted - typical.len();
        typical.extend(others.into_iter().take(more));
        typical.sort_by(|a, b| a.snr_db.total_cmp(&b.snr_db));
        return typical;
    }
    let last = typical.len() - 1;
    let spread = |index: usize| match wanted {
        1 => typical[last / 2],
        _ => typical[(index * last + (wanted - 1) / 2) / (wanted - 1)],
    };
    (0..wanted).map(spread).collect()
}

/// Which of the chosen trials the figures of a single trial show.
pub(crate) fn shown_in_figures<'a>(run: &Run, chosen: &'a [Trial]) -> Option<&'a Trial> {
    let typical: Vec<&Trial> = chosen.iter().filter(|it| is_typical(run, it)).collect();
    typical.get(typical.len() / 2).copied()
}

/// Makes and separates the mixtures of trials again.
#[derive(Debug)]
struct Maker<'a> {
    separator: Separator<'a>,
    study: &'a Study<'a>,
    run: &'a Run,
}

impl<'a> Maker<'a> {
    /// A maker for the trials of one run.
    fn new(study: &'a Study<'a>, run: &'a PreparedRun<'a>, execution: Execution) -> Result<Self> {
        let dictionaries = run.dictionaries.as_deref().context("no dictionaries")?;
        Ok(Self {
            separator: Separator::new(dictionaries, &run.run.config, execution)?,
            study,
            run: run.run,
        })
    }

    /// The example of a trial, with the estimates of some methods; `result` says what the oracle
    /// goes by.
    fn make(
        &self,
        trial: &PreparedTrial,
        result: &TrialResult,
        methods: &[Method],
    ) -> Result<Example> {
        let subject = self
            .separator
            .prepare(&trial.trial, trial.recorded.as_ref())?;
        let orders = self.separator.orders();
        let mut traces = Vec::new();
        let mut separate = |candidate, positions, posterior| -> Result<Separation> {
            let mut trace = FreeEnergyTrace::every(1);
            let separator = &self.separator;
            let separation = separator.separate(&subject, positions, posterior, &mut trace)?;
            traces.push(EnergyTrace {
                candidate,
                free_energy: trace.values().iter().map(|&(_, value)| value).collect(),
            });
            Ok(separation)
        };
        let mut separations = Vec::new();
        for (position, &order) in orders.iter().enumerate() {
            let (candidate, single) = (Candidate::Order(order), position..position + 1);
            separations.push(separate(candidate, single, Posterior::Factorised)?);
        }
        let mut fuse = |method, posterior| {
            let candidate = Candidate::Method(method);
            let is_wanted = methods.contains(&method);
            is_wanted
                .then(|| separate(candidate, 0..orders.len(), posterior))
                .transpose()
        };
        let factorised = fuse(Method::VbFusion, Posterior::Factorised)?;
        let structured = fuse(Method::StructuredFusion, Posterior::Structured)?;
        let learned = result.estimate(Candidate::Method(Method::LearnedWeights));
        let learned_weights = learned.and_then(|estimate| estimate.order_posterior.as_deref());
        let singles = Singles {
            estimates: separations
                .iter()
                .map(|it| it.estimates[SPEECH].view())
                .collect(),
            free_energies: separations.iter().map(|it| it.free_energy).collect(),
            sdr_db: orders
                .iter()
                .map(|&order| result.estimate(Candidate::Order(order)))
                .map(|single| single.map_or(f64::NAN, |it| sdr_for_the_oracle(&it.scores)))
                .collect(),
            beta: self.separator.beta(&subject),
            learned_weights: learned_weights.unwrap_or_default(),
        };

        let observation = &subject.observation;
        let synthesise =
            |estimate: &Array2<Complex64>| observation.synthesise(estimate, self.separator.stft());
        let estimate = |method: Method| match method.part() {
            Part::Mixture | Part::Foreign(_) => None,
            Part::Fusion(posterior) => {
                let fused = match posterior {
                    Posterior::Factorised => &factorised,
                    Posterior::Structured => &structured,
                };
                Some((None, synthesise(&fused.as_ref()?.estimates[SPEECH])))
            }
            Part::Singles | Part::Tempered | Part::Learned => match method.choose(&singles)? {
                Choice::Order(position) => {
                    let estimate = &separations[position].estimates[SPEECH];
                    Some((Some(orders[position]), synthesise(estimate)))
                }
                Choice::Estimate(made) | Choice::Weighted(_, made) => {
                    Some((None, synthesise(&made)))
                }
                Choice::Nothing(_) => None,
            },
        };
        let signal = |content| {
            let (order, samples) = match content {
                Content::Mixture => (None, observation.signal.clone()),
                Content::Speech => (None, observation.references[0].clone()),
                Content::Background => (None, observation.references[1].clone()),
                Content::Estimate(method) if methods.contains(&method) => estimate(method)?,
                Content::Estimate(_) => return None,
            };
            Some(Signal {
                content,
                order,
                samples,
            })
        };
        let signals: Vec<Signal> = Content::all().into_iter().filter_map(signal).collect();
        let samples = signals.iter().flat_map(|signal| &signal.samples);
        let peak = samples.fold(0.0_f64, |peak, sample| peak.max(sample.abs()));
        Ok(Example {
            file_stem: self.study.trial_file_stem(self.run, &trial.trial),
            signals,
            gain: if peak > 0.0 { PEAK / peak } else { 1.0 },
            traces,
        })
    }
}

impl Example {
    /// The name of a signal's file in the results folder.
    pub(crate) fn file(&self, signal: &Signal) -> String {
        format!("{AUDIO}/{}", signal.content.file(&self.file_stem))
    }

    /// The files to listen to, 16-bit mono, by name.
    fn files(&self, sample_rate_hz: u32) -> Result<Vec<(String, Vec<u8>)>> {
        let file = |signal: &Signal| {
            let name = self.file(signal);
            let scaled: Vec<f64> = signal.samples.iter().map(|x| x * self.gain).collect();
            let bytes = to_bytes(&scaled, sample_rate_hz, Encoding::Pcm16)
                .with_context(|| format!("cannot make {name}"))?;
            Ok((name, bytes))
        };
        self.signals.iter().map(file).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::study::design::Study;

    fn chosen(examples: usize) -> (Vec<Trial>, Option<Trial>) {
        let mut config = Config::default();
        config.report.examples = examples;
        let study = Study::new(&config).unwrap();
        let run = &study.runs[0];
        let trials = chosen_trials(run, &run.drawn_trials());
        let shown = shown_in_figures(run, &trials).copied();
        (trials, shown)
    }

    fn ratios(examples: usize) -> Vec<f64> {
        let (trials, _) = chosen(examples);
        for trial in &trials {
            assert_eq!(trial.member, Member::TrueOrder(8));
        }
        trials.iter().map(|trial| trial.snr_db).collect()
    }

    #[test]
    fn examples_reach_from_the_lowest_ratio_to_the_highest() {
        assert!(ratios(0).is_empty());
        assert_eq!(ratios(1), [0.0]);
        assert_eq!(ratios(2), [-6.0, 9.0]);
        assert_eq!(ratios(3), [-6.0, 3.0, 9.0]);
        assert_eq!(ratios(6), Config::default().mixtures.snr_db);
    }

    #[test]
    fn as_many_examples_as_are_wanted_are_kept() {
        // Six ratios of seven orders.
        for (wanted, found) in [(7, 7), (40, 40), (42, 42), (100, 42)] {
            let (trials, shown) = chosen(wanted);
            assert_eq!(trials.len(), found);
            let distinct = |index: usize| !trials[..index].contains(&trials[index]);
            assert!((0..trials.len()).all(distinct));
            let shown = shown.unwrap();
            assert_eq!((shown.member, shown.snr_db), (Member::TrueOrder(8), 3.0));
        }
        assert_eq!(chosen(3).1.map(|trial| trial.snr_db), Some(3.0));
        assert_eq!(chosen(0).1, None);
    }

    #[test]
    fn names_are_of_one_content_each() {
        for content in Content::all() {
            assert_eq!(Content::from_name(content.name()), Some(content));
        }
        assert_eq!(Content::from_name("single"), None);
    }
}
