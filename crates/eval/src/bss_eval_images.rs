//! BSS Eval version 4: SDR, ISR, SIR and SAR of source images, over windows of time.
//!
//! The image of a source is what it contributes to each channel of a mixture. The estimate e_j of
//! the image s_j is split into four parts,
//!
//! > e_j = s_j + (P_j e_j - s_j) + (P e_j - P_j e_j) + (e_j - P e_j),
//!
//! the true image, spatial distortion, interference and artifacts. P_j projects every channel on
//! the delayed copies of all channels of reference j, P on those of all references. The scores are
//! ratios of energies over time and channels,
//!
//! > SDR = |s_j|^2 / |e_j - s_j|^2, ISR = |s_j|^2 / |P_j e_j - s_j|^2,
//! > SIR = |P_j e_j|^2 / |P e_j - P_j e_j|^2, SAR = |P e_j|^2 / |e_j - P e_j|^2.
//!
//! Version 4 finds the filters of the projections from the whole signals and applies them in every
//! window; version 3 finds them anew in each.
//!
//! Sources: E. Vincent, H. Sawada, P. Bofill, S. Makino, J. P. Rosca, "First stereo audio source
//! separation evaluation campaign: data, algorithms and results", ICA 2007; F.-R. Stöter,
//! A. Liutkus, N. Ito, "The 2018 signal separation evaluation campaign", LVA/ICA 2018.

use std::ops::Range;

use dsp::Complex64;
use serde::{Deserialize, Serialize};

use crate::MetricError;
use crate::bss_eval::BssEvalSettings;
use crate::correlations::Correlations;
use crate::sections::{Sections, Spectra};
use crate::signal::{check_estimate, check_reference, ratio_in_db, sum_over, unit_peak_scale};

/// The scores of one source in one window, in dB.
///
/// A ratio is infinite when its denominator is exactly 0: the SIR of a single source, for example.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ImageScores {
    /// True image to all that differs from it.
    pub sdr_db: f64,
    /// True image to spatial distortion.
    pub isr_db: f64,
    /// Projection on the own reference to interference of the others.
    pub sir_db: f64,
    /// Projection on all references to artifacts.
    pub sar_db: f64,
}

/// Estimated images, their references, and the distortion filters between them.
///
/// ```
/// use eval::{BssEvalImages, BssEvalSettings};
///
/// let signal = |step: usize| -> Vec<f64> {
///     (0..2000).map(|t| ((t * t * step + t) % 997) as f64 / 997.0 - 0.5).collect()
/// };
/// let (left, right, other) = (signal(3), signal(7), signal(11));
/// let quiet: Vec<f64> = right.iter().map(|x| 0.5 * x).collect();
/// // Two stereo images, the second one on the left only.
/// let silence = vec![0.0; 2000];
/// let references: [&[&[f64]]; 2] = [&[&left, &right], &[&other, &silence]];
/// let estimates: [&[&[f64]]; 2] = [&[&left, &quiet], &[&other, &silence]];
///
/// let settings = BssEvalSettings { filter_taps: 16 };
/// let images = BssEvalImages::new(&references, &estimates, &settings)?;
/// let scores = images.score_window(0..2000)?;
/// // A wrong level on one channel is spatial distortion, and nothing else.
/// assert!(scores[0].isr_db < 12.0 && (scores[0].isr_db - scores[0].sdr_db).abs() < 1e-6);
/// assert!(scores[0].sir_db > 200.0 && scores[0].sar_db > 200.0);
/// # Ok::<(), eval::MetricError>(())
/// ```
pub struct BssEvalImages<'a> {
    taps: usize,
    samples: usize,
    sources: Vec<Source<'a>>,
    /// What the projections are made of: the channels of all references, source after source,
    /// without those that add nothing.
    basis: Vec<Basis<'a>>,
}

/// A channel of a reference, times `scale` of a peak near 1.
struct Basis<'a> {
    signal: &'a [f64],
    scale: f64,
}

/// One source: its images and the filters of their projections.
struct Source<'a> {
    reference: Vec<&'a [f64]>,
    estimate: Vec<&'a [f64]>,
    /// Those of the basis that are its own.
    own: Range<usize>,
    /// The level at which its energies are summed.
    scale: f64,
    /// For each channel of the estimate.
    filters: Vec<ChannelFilters>,
}

/// The filters of a channel of an estimate, one for each signal of the basis, at the level of its
/// source.
struct ChannelFilters {
    /// The projection on the source's own reference: those of its own signals only.
    own: Vec<Vec<f64>>,
    /// What the projection on all references adds to that.
    interference: Vec<Vec<f64>>,
}

impl<'a> BssEvalImages<'a> {
    /// Finds the distortion filters of the whole signals.
    ///
    /// `references` and `estimates`: the channels of each source's image, all equally long.
    /// Estimate j is scored against reference j.
    ///
    /// # Errors
    /// When there are no references or no taps; when the numbers of sources or channels differ;
    /// when a channel is not finite or differs in length from the first, or an image is silent;
    /// when there are too few samples or too many taps; or when the delayed references are linearly
    /// dependent although no two channels of an image are equal.
    pub fn new(
        references: &[&[&'a [f64]]],
        estimates: &[&[&'a [f64]]],
        settings: &BssEvalSettings,
    ) -> Result<Self, MetricError> {
        let taps = settings.filter_taps;
        let first = references.first().ok_or(MetricError::NoReferences)?;
        let samples = first.first().ok_or(MetricError::NoReferences)?.len();
        if taps == 0 {
            return Err(MetricError::NoFilterTaps);
        }
        check_counts(references.len(), estimates.len())?;
        for image in references.iter().chain(estimates) {
            check_counts(first.len(), image.len())?;
        }

        let mut basis = Vec::new();
        let mut sources = Vec::with_capacity(references.len());
        for (index, (reference, estimate)) in references.iter().zip(estimates).enumerate() {
            let start = basis.len();
            let reference_scales =
                find_scales(reference, |signal| check_reference(signal, index, samples))?;
            let estimate_scales = find_scales(estimate, |signal| check_estimate(signal, samples))?;
            // A silent channel spans nothing, and one that is there twice nothing more.
            for (channel, (signal, scale)) in reference.iter().zip(&reference_scales).enumerate() {
                if let Some(scale) = *scale
                    && !reference[..channel].contains(signal)
                {
                    basis.push(Basis { signal, scale });
                }
            }
            // The level of the loudest channel, of whichever.
            let scales = reference_scales.iter().chain(&estimate_scales);
            sources.push(Source {
                reference: reference.to_vec(),
                estimate: estimate.to_vec(),
                own: start..basis.len(),
                scale: scales.flatten().copied().fold(f64::INFINITY, f64::min),
                filters: Vec::new(),
            });
        }
        let needed = taps.saturating_mul(basis.len() - 1).saturating_add(2);
        if samples < needed {
            return Err(MetricError::TooShort { samples, needed });
        }
        let mut images = Self {
            taps,
            samples,
            sources,
            basis,
        };
        images.find_filters()?;
        Ok(images)
    }

    /// Solves for the filters of every channel of every estimate.
    fn find_filters(&mut self) -> Result<(), MetricError> {
        let taps = self.taps;
        let sections = Sections::new(self.samples, taps);
        let spectra = self.transform_basis(&sections, &(0..self.samples));
        let spectra: Vec<&Spectra> = spectra.iter().collect();
        let signals: Vec<&[f64]> = self.basis.iter().map(|basis| basis.signal).collect();
        let scales: Vec<f64> = self.basis.iter().map(|basis| basis.scale).collect();
        let correlations = Correlations::new(&sections, taps, &signals, &scales, &spectra);
        let joint = correlations.factor_gram(0..signals.len())?;
        for source in &mut self.sources {
            let own_gram = correlations.factor_gram(source.own.clone())?;
            let scale = source.scale;
            let filters = source.estimate.iter().map(|channel| {
                let products = sections.correlate(channel, scale, &spectra);
                let own = own_gram.solve(&products[source.own.clone()].concat())?;
                let mut interference = joint.solve(&products.concat())?;
                // Small differences of large filters stay exact where those of outputs would not.
                let start = source.own.start * taps;
                for (tap, own) in interference[start..].iter_mut().zip(&own) {
                    *tap -= own;
                }
                let split = |filters: &[f64]| filters.chunks(taps).map(<[f64]>::to_vec).collect();
                Ok(ChannelFilters {
                    own: split(&own),
                    interference: split(&interference),
                })
            });
            source.filters = filters.collect::<Result<_, MetricError>>()?;
        }
        Ok(())
    }

    /// Length of each channel in samples.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Scores every source in a window of time, as far as the signals go.
    ///
    /// # Errors
    /// When the image of a reference or of an estimate is silent in the window: then no source has
    /// scores there.
    pub fn score_window(&self, window: Range<usize>) -> Result<Vec<ImageScores>, MetricError> {
        let end = window.end.min(self.samples);
        let window = window.start.min(end)..end;
        for (index, source) in self.sources.iter().enumerate() {
            if is_silent(&source.reference, &window) {
                return Err(MetricError::SilentReference { index });
            }
            if is_silent(&source.estimate, &window) {
                return Err(MetricError::SilentEstimate);
            }
        }
        let sections = Sections::new(window.len(), self.taps);
        let spectra = self.transform_basis(&sections, &window);
        let score = |source: &Source<'_>| {
            let mut energies = Energies::default();
            for channel in 0..source.estimate.len() {
                source.add_energies(channel, &window, &sections, &spectra, &mut energies);
            }
            energies.scores()
        };
        Ok(self.sources.iter().map(score).collect())
    }

    fn transform_basis(&self, sections: &Sections, window: &Range<usize>) -> Vec<Spectra> {
        let transform = |basis: &Basis<'_>| {
            sections.transform_signal(&basis.signal[window.clone()], basis.scale)
        };
        self.basis.iter().map(transform).collect()
    }
}

/// Energies of the parts of an estimate.
#[derive(Debug, Clone, Copy, Default)]
struct Energies {
    image: f64,
    /// Estimate less image.
    distortion: f64,
    /// Own projection less image.
    spatial: f64,
    /// Own projection.
    own: f64,
    interference: f64,
    /// Joint projection.
    joint: f64,
    /// Estimate less joint projection.
    artifacts: f64,
}

impl Energies {
    fn scores(self) -> ImageScores {
        ImageScores {
            sdr_db: ratio_in_db(self.image, self.distortion),
            isr_db: ratio_in_db(self.image, self.spatial),
            sir_db: ratio_in_db(self.own, self.interference),
            sar_db: ratio_in_db(self.joint, self.artifacts),
        }
    }
}

impl Source<'_> {
    /// Adds the energies of one channel in a window, with the tail of the filters behind it.
    fn add_energies(
        &self,
        channel: usize,
        window: &Range<usize>,
        sections: &Sections,
        spectra: &[Spectra],
        energies: &mut Energies,
    ) {
        let filters = &self.filters[channel];
        let transform = |filters: &[Vec<f64>]| -> Vec<Vec<Complex64>> {
            filters
                .iter()
                .map(|filter| sections.transform_filter(filter))
                .collect()
        };
        let (own, interference) = (transform(&filters.own), transform(&filters.interference));
        let banks = [
            pair_filters(&spectra[self.own.clone()], &own),
            pair_filters(spectra, &interference),
        ];
        let image = scale_signal(&self.reference[channel][window.clone()], self.scale);
        let estimate = scale_signal(&self.estimate[channel][window.clone()], self.scale);
        let mut padding = [vec![0.0; sections.points()], vec![0.0; sections.points()]];
        sections.filter(&banks, |start, [own, interference]| {
            let [image_piece, estimate_piece] = &mut padding;
            let image = copy_piece(&image, start, &mut image_piece[..own.len()]);
            let estimate = copy_piece(&estimate, start, &mut estimate_piece[..own.len()]);
            let sums = sum_over([image, estimate, own, interference], |[s, e, p, i]| {
                let joint = p + i;
                let parts = [s, e - s, p - s, p, i, joint, e - joint];
                parts.map(|part| part * part)
            });
            let [
                image,
                distortion,
                spatial,
                own,
                interference,
                joint,
                artifacts,
            ] = sums;
            energies.image += image;
            energies.distortion += distortion;
            energies.spatial += spatial;
            energies.own += own;
            energies.interference += interference;
            energies.joint += joint;
            energies.artifacts += artifacts;
        });
    }
}

/// One bank of filters: the spectra of signals with those of their filters.
fn pair_filters<'a>(
    spectra: &'a [Spectra],
    filters: &'a [Vec<Complex64>],
) -> Vec<(&'a Spectra, &'a [Complex64])> {
    spectra
        .iter()
        .zip(filters.iter().map(Vec::as_slice))
        .collect()
}

/// The scale of each channel of an image that is not silent as a whole.
fn find_scales(
    image: &[&[f64]],
    check: impl Fn(&[f64]) -> Result<f64, MetricError>,
) -> Result<Vec<Option<f64>>, MetricError> {
    let mut scales = Vec::with_capacity(image.len());
    let mut silence = None;
    for signal in image {
        match check(signal) {
            Ok(peak) => scales.push(Some(unit_peak_scale(peak))),
            Err(error @ (MetricError::SilentReference { .. } | MetricError::SilentEstimate)) => {
                silence = Some(error);
                scales.push(None);
            }
            Err(error) => return Err(error),
        }
    }
    match silence {
        Some(error) if scales.iter().all(Option::is_none) => Err(error),
        _ => Ok(scales),
    }
}

fn check_counts(references: usize, estimates: usize) -> Result<(), MetricError> {
    match references == estimates {
        true => Ok(()),
        false => Err(MetricError::CountMismatch {
            references,
            estimates,
        }),
    }
}

fn is_silent(image: &[&[f64]], window: &Range<usize>) -> bool {
    let is_zero = |signal: &&[f64]| signal[window.clone()].iter().all(|&sample| sample == 0.0);
    image.iter().all(is_zero)
}

fn scale_signal(signal: &[f64], scale: f64) -> Vec<f64> {
    signal.iter().map(|sample| sample * scale).collect()
}

/// Fills `out` with the samples of `signal` from `start` on, then with zeros.
fn copy_piece<'a>(signal: &[f64], start: usize, out: &'a mut [f64]) -> &'a [f64] {
    let rest = signal.get(start..).unwrap_or_default();
    let (head, tail) = out.split_at_mut(rest.len().min(out.len()));
    head.copy_from_slice(&rest[..head.len()]);
    tail.fill(0.0);
    out
}
