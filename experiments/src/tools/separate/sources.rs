//! The sources of a recording: where their dictionaries come from, and what they become from
//! segment to segment.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use dsp::audio::Recording;
use dsp::{Stft, StftSettings};
use model::itakura_saito::{self, TrainingSettings};
use model::{
    Dictionary, DictionaryModel, DictionaryStart, OrderEstimate, Precision, Settings, SourceModel,
};
use ndarray::Array2;

use super::method::{Alternative, SeparationMethod};
use super::recording_buffer::BLOCK_SAMPLES;
use super::report::{DictionaryUse, SourceReport, check_source_name};
use super::resampling::resample_channels;
use super::settings::SeparationSettings;
use crate::store::digest::Digest;
use crate::store::refused::Refused;
use crate::tools::dictionary_file::{Assumed, DictionaryFile};

/// Least entry of an estimated dictionary at its start, so that no entry is stuck at zero.
const START_FLOOR: f64 = 1e-10;
/// Iterations of learning from a stretch of the recording, as in `train`.
const ITERATIONS: usize = 100;
/// Longest stretch to learn the background from.
const MOST_SECONDS: f64 = 600.0;

/// Where the background comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Background {
    /// There is none: the named sources are all.
    None,
    /// Estimated together with the rest, from a random start.
    Estimated { components: usize },
    /// A file of dictionaries; whether it is a start only.
    File { path: PathBuf, adapt: bool },
    /// Learned from a stretch of the recording that has nothing else in it.
    Stretch {
        seconds: (f64, f64),
        components: usize,
        /// Whether what is learned is a start only.
        adapt: bool,
    },
}

#[derive(Debug, Clone)]
struct Source {
    report: SourceReport,
    /// None yet, where they are estimated or learned from the recording.
    dictionaries: Vec<Arc<Dictionary>>,
}

/// All sources, with dictionaries of one rate and one transform.
#[derive(Debug, Clone)]
pub(crate) struct SourceSet {
    /// Rate of the dictionaries' recordings.
    pub(crate) sample_rate_hz: u32,
    /// Transform of the dictionaries.
    pub(crate) stft: StftSettings,
    sources: Vec<Source>,
    /// A stretch of the recording that the last source is learned from.
    stretch: Option<((f64, f64), usize)>,
    /// What files of dictionaries need not say.
    assumed: Assumed,
}

impl SourceSet {
    /// Reads the dictionaries of named sources, the first of which sets rate and transform, and of
    /// the background.
    ///
    /// # Errors
    /// [`Refused`] for no source, for names that cannot name files or are given twice, for a file
    /// that does not go with the first, and for what neither a file nor `assumed` says. A file that
    /// cannot be read.
    pub(crate) fn open(
        named: &[(String, PathBuf)],
        background: &Background,
        assumed: &Assumed,
    ) -> Result<Self> {
        let (_, first) = named
            .first()
            .ok_or_else(|| Refused("no source: give --speech or --source".to_owned()))?;
        // One after the other, and each once: it may come through a pipe.
        let mut set: Option<Self> = None;
        for (name, path) in named {
            let (file, sha256) = DictionaryFile::read_with_digest(path, assumed)?;
            let set = set.get_or_insert_with(|| Self {
                sample_rate_hz: file.metadata.sample_rate_hz,
                stft: file.metadata.stft.clone(),
                sources: Vec::new(),
                stretch: None,
                assumed: assumed.clone(),
            });
            set.check_matching(path, &file, first)?;
            set.push_file(name, DictionaryUse::Known, path, file, sha256)?;
        }
        let mut set = set.context("there is no source")?;
        set.add_background(background)?;
        Ok(set)
    }

    fn add_background(&mut self, background: &Background) -> Result<()> {
        const NAME: &str = "background";
        let choose_use = |adapt: &bool| match adapt {
            true => DictionaryUse::Adapted,
            false => DictionaryUse::Known,
        };
        let mut report = SourceReport {
            name: NAME.to_owned(),
            dictionaries: DictionaryUse::Estimated,
            origin: "random start".to_owned(),
            voice_half: None,
            sha256: None,
            orders: Vec::new(),
        };
        match background {
            Background::None => return Ok(()),
            Background::File { path, adapt } => {
                let (file, sha256) = DictionaryFile::read_with_digest(path, &self.assumed)?;
                self.check_matching(path, &file, Path::new("the first source"))?;
                return self.push_file(NAME, choose_use(adapt), path, file, sha256);
            }
            Background::Estimated { components } => report.orders = vec![*components],
            Background::Stretch {
                seconds,
                components,
                adapt,
            } => {
                self.stretch = Some((*seconds, *components));
                report.dictionaries = choose_use(adapt);
                report.origin = format!("{} s to {} s of the recording", seconds.0, seconds.1);
                report.orders = vec![*components];
            }
        }
        self.push(Source {
            report,
            dictionaries: Vec::new(),
        })
    }

    /// The sources for a recording, with what is learned from it; the recording is read from its
    /// start, as far as is needed.
    ///
    /// # Errors
    /// As [`Self::check_stretch`]; a stretch from which nothing can be learned.
    pub(super) fn learn_background(&self, recording: &mut Recording, seed: u64) -> Result<Self> {
        let mut set = self.clone();
        if let (Some((seconds, components)), Some(last)) = (self.stretch, set.sources.last_mut()) {
            let dictionary = self.learn_from_stretch(recording, seconds, components, seed)?;
            last.dictionaries = vec![Arc::new(dictionary)];
        }
        Ok(set)
    }

    /// The names of the sources, in order.
    pub(crate) fn names(&self) -> Vec<&str> {
        let sources = self.sources.iter();
        sources.map(|source| source.report.name.as_str()).collect()
    }

    /// What the report says of them, in order.
    pub(super) fn reports(&self) -> Vec<SourceReport> {
        let reports = self.sources.iter().map(|source| source.report.clone());
        reports.collect()
    }

    /// Refuses more combinations of orders than the method can take.
    ///
    /// # Errors
    /// [`Refused`].
    pub(super) fn check_combinations(&self, method: SeparationMethod) -> Result<()> {
        method.combinations(&self.order_counts()).map(drop)
    }

    fn order_counts(&self) -> Vec<usize> {
        let sources = self.sources.iter();
        sources.map(|source| source.report.orders.len()).collect()
    }

    /// The alternatives of a method, as they are before the first segment.
    ///
    /// # Errors
    /// As [`Self::build_models`] and [`Self::check_combinations`].
    pub(super) fn build_alternatives(
        &self,
        models: &[SourceModel],
        settings: &SeparationSettings,
    ) -> Result<Vec<Alternative>> {
        let Some(combinations) = settings.method.combinations(&self.order_counts())? else {
            return Ok(vec![Alternative {
                sources: models.to_vec(),
                combination: None,
            }]);
        };
        let alternative = |combination: Vec<usize>| {
            let sources = models.iter().zip(&combination).map(|(model, &order)| {
                let alone = SourceModel::new([model.orders()[order].clone()]);
                Ok(alone.with_activation_start(settings.activation_start)?)
            });
            Ok(Alternative {
                sources: sources.collect::<Result<_>>()?,
                combination: Some(combination),
            })
        };
        combinations.into_iter().map(alternative).collect()
    }

    /// The sources as they are before the first segment.
    ///
    /// # Errors
    /// More components than a random start can be drawn for.
    pub(super) fn build_models(&self, settings: &SeparationSettings) -> Result<Vec<SourceModel>> {
        let model = |source: &Source| -> Result<SourceModel> {
            let dictionaries = source.dictionaries.iter();
            let orders: Vec<DictionaryModel> = match source.report.dictionaries {
                DictionaryUse::Known => dictionaries.cloned().map(DictionaryModel::Known).collect(),
                DictionaryUse::Adapted => dictionaries
                    .map(|dictionary| {
                        let start = dictionary.components().mapv(|w| w.max(START_FLOOR));
                        Ok(DictionaryModel::Estimated(DictionaryStart::new(start)?))
                    })
                    .collect::<Result<_>>()?,
                DictionaryUse::Estimated => {
                    let start = self.draw_start(source.report.orders[0], settings.seed)?;
                    vec![DictionaryModel::Estimated(DictionaryStart::new(start)?)]
                }
            };
            Ok(SourceModel::new(orders).with_activation_start(settings.activation_start)?)
        };
        self.sources.iter().map(model).collect()
    }

    /// Drawn from the prior of dictionaries.
    fn draw_start(&self, components: usize, seed: u64) -> Result<Array2<f64>> {
        let shape = Settings::default().dictionary_shape;
        let bins = self.stft.bins();
        let mut rng = synth::stream(seed, "background start", &[]);
        let start = synth::gamma_matrix(shape, shape, components, bins, START_FLOOR, &mut rng);
        Ok(start?)
    }

    fn push_file(
        &mut self,
        name: &str,
        dictionary_use: DictionaryUse,
        path: &Path,
        file: DictionaryFile,
        sha256: Digest,
    ) -> Result<()> {
        self.push(Source {
            report: SourceReport {
                name: name.to_owned(),
                dictionaries: dictionary_use,
                origin: file_name(path),
                voice_half: file.metadata.voice_half(),
                sha256: Some(sha256),
                orders: file.dictionaries.iter().map(|d| d.order()).collect(),
            },
            dictionaries: file.dictionaries,
        })
    }

    fn push(&mut self, source: Source) -> Result<()> {
        let name = &source.report.name;
        check_source_name(name)?;
        let taken = self.sources.iter().any(|other| other.report.name == *name);
        ensure!(!taken, Refused(format!("two sources are named {name:?}")));
        self.sources.push(source);
        Ok(())
    }

    /// Refuses the dictionaries of a file that are not of the set's rate and transform.
    fn check_matching(&self, path: &Path, file: &DictionaryFile, first: &Path) -> Result<()> {
        let found = &file.metadata;
        let describe = |rate_hz: u32, stft: &StftSettings| {
            format!(
                "{rate_hz} Hz, a {:?} window of {} samples and a hop of {}",
                stft.window, stft.window_samples, stft.hop_samples
            )
            .to_lowercase()
        };
        ensure!(
            (found.sample_rate_hz, &found.stft) == (self.sample_rate_hz, &self.stft),
            Refused(format!(
                "{} cannot be used with {}: it was learned at {}, the other at {}",
                path.display(),
                first.display(),
                describe(found.sample_rate_hz, &found.stft),
                describe(self.sample_rate_hz, &self.stft)
            ))
        );
        Ok(())
    }

    /// Refuses a stretch to learn from that the recording does not have.
    ///
    /// # Errors
    /// [`Refused`], with what the recording has.
    pub(super) fn check_stretch(&self, reader: &Recording) -> Result<()> {
        let Some(((start, end), _)) = self.stretch else {
            return Ok(());
        };
        ensure!(
            0.0 <= start
                && start < end
                && count_samples(end, reader.sample_rate_hz()) <= reader.samples(),
            Refused(format!(
                "--background-from {start}-{end}: {} has 0 to {} s",
                reader.path().display(),
                reader.samples() as f64 / f64::from(reader.sample_rate_hz())
            ))
        );
        ensure!(
            end - start <= MOST_SECONDS,
            Refused(format!(
                "--background-from {start}-{end}: at most {MOST_SECONDS} s"
            ))
        );
        Ok(())
    }

    /// A dictionary of the mean power of all channels in a stretch of the recording.
    fn learn_from_stretch(
        &self,
        reader: &mut Recording,
        (start, end): (f64, f64),
        components: usize,
        seed: u64,
    ) -> Result<Dictionary> {
        reader.rewind()?;
        self.check_stretch(reader)?;
        let rate_hz = reader.sample_rate_hz();
        let (first, end_sample) = (count_samples(start, rate_hz), count_samples(end, rate_hz));
        let mut skipped = 0;
        while skipped < first {
            let wanted = (first - skipped).min(BLOCK_SAMPLES);
            let read = reader.read(wanted)?[0].len();
            ensure!(
                read > 0,
                "{}: ends before its header says",
                reader.path().display()
            );
            skipped += read;
        }
        let channels = reader.read(end_sample - first)?;
        let stft = Stft::new(&self.stft)?;
        let mut power = Array2::zeros((0, stft.bins()));
        for channel in resample_channels(&channels, rate_hz, self.sample_rate_hz)? {
            let of_channel = stft.analyse(&channel).mapv(|x| x.norm_sqr());
            power = match power.is_empty() {
                true => of_channel,
                false => power + of_channel,
            };
        }
        ensure!(
            power.nrows() > components,
            Refused(format!(
                "--background-from {start}-{end}: {} frames are too few for {components} \
                 components (--background-components)",
                power.nrows()
            ))
        );
        let settings = TrainingSettings {
            order: components,
            iterations: ITERATIONS,
            precision: Precision::F64,
        };
        let mut rng = synth::stream(seed, "background stretch", &[]);
        let trained = itakura_saito::train(power.view(), &settings, &mut rng)
            .with_context(|| format!("--background-from {start}-{end}"))?;
        Ok(trained.dictionary)
    }
}

/// The source for the next segment: estimated dictionaries start from their posterior means.
///
/// # Errors
/// Means that are no start.
pub(super) fn carry_over(model: &SourceModel, factors: &[OrderEstimate]) -> Result<SourceModel> {
    Ok(model.clone().continued_from(factors, START_FLOOR)?)
}

fn count_samples(seconds: f64, rate_hz: u32) -> usize {
    (seconds * f64::from(rate_hz)).round() as usize
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
