//! What tables and figures are about, in a sentence or two.

use crate::config::MixtureSource;
use crate::study::design::{Study, Unit};
use crate::study::methods::Method;
use crate::study::scores::Metric;

/// A study and where its signals are from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caption<'a> {
    pub(crate) study: &'a Study<'a>,
    /// The corpora and their speakers.
    pub(crate) corpus: &'a str,
}

impl Caption<'_> {
    /// Whether the paper tables the same: its numbers then stand beside.
    pub(crate) fn is_the_papers(&self, metric: Metric) -> bool {
        let config = self.study.config;
        let source = (config.mixtures.source, config.sweep.is_some(), metric);
        source == (MixtureSource::Drawn, false, Metric::Sdr)
    }

    /// The caption of the scores over some trials.
    pub(crate) fn text(&self, trials: usize) -> String {
        let study = self.study;
        format!(
            "Average SDR of the speech in dB over {trials} mixtures{}. Corpus: {}; {}. In \
             brackets: {}. Bold: the best method that does not need the true speech.{}{}",
            match study.has_recordings() {
                true => " of recordings",
                false => "",
            },
            self.corpus,
            self.seeds(),
            self.intervals(),
            self.beyond_the_paper(),
            self.foreign(),
        )
    }

    /// Which methods are not the paper's, where there are some of both.
    fn beyond_the_paper(&self) -> String {
        let methods = self.study.methods.iter();
        let (paper, beyond): (Vec<Method>, Vec<Method>) =
            methods.partition(|method| Method::PAPER.contains(method));
        if paper.is_empty() || beyond.is_empty() {
            return String::new();
        }
        let names: Vec<String> = beyond.into_iter().map(Method::inline_label).collect();
        format!(" Beyond the paper: {}.", names.join(", "))
    }

    /// What is said of estimates that other programs made, if there are any.
    pub(crate) fn foreign(&self) -> &'static str {
        match self.study.foreign.is_empty() {
            true => "",
            false => " Foreign: estimates that another program made, scored as the others.",
        }
    }

    /// The seeds of the runs.
    pub(crate) fn seeds(&self) -> String {
        match self.study.seeds()[..] {
            [seed] => format!("seed {seed}"),
            ref seeds => {
                let seeds: Vec<String> = seeds.iter().map(ToString::to_string).collect();
                format!("seeds {}", seeds.join(", "))
            }
        }
    }

    /// What intervals are over.
    pub(crate) fn intervals(&self) -> String {
        let text = match self.study.unit {
            Unit::TrueOrder => {
                "95 % bootstrap intervals over the true orders, with speaker, dictionaries and \
                 SNRs held fixed"
            }
            Unit::Seed => "95 % intervals over the seeds by Student's t",
            Unit::Run(_, units) => return format!("95 % bootstrap intervals over {units}"),
        };
        text.to_owned()
    }
}
