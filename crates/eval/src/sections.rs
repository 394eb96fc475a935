//! Correlation and filtering of long signals at few lags, by FFTs of short sections.
//!
//! To correlate a signal of N samples with another at L lags, or to filter it with L taps, it is
//! cut into sections of B samples, with transforms of B + L - 1 points or more. Correlations are
//! summed over the sections as spectra and transformed back once. Compared with one transform of
//! N + L - 1 points, this takes fewer operations, and the working set stays in the cache.
//!
//! Sources: C. M. Rader, "An improved algorithm for high speed autocorrelation with applications
//! to spectral estimation", IEEE Trans. Audio Electroacoust. 18(4), 1970; T. G. Stockham,
//! "High-speed convolution and correlation", AFIPS 1966.

use dsp::Complex64;
use dsp::fft::{RealFft, RealToComplex};

/// Transform length over number of taps. This ratio costs the fewest operations per sample.
const POINTS_PER_TAP: usize = 8;

/// FFT plans for signals of one length and filters of one length.
#[derive(Clone)]
pub(crate) struct Sections {
    samples: usize,
    taps: usize,
    points: usize,
    fft: RealFft,
}

/// The spectra of a signal's sections, section after section.
pub(crate) struct Spectra {
    values: Vec<Complex64>,
}

impl Sections {
    /// Plans transforms of signals with `samples` samples, at lags or delays from 0 to `taps` - 1.
    ///
    /// Both numbers must be at least 1.
    pub(crate) fn new(samples: usize, taps: usize) -> Self {
        let points = (POINTS_PER_TAP * taps)
            .min(samples + taps - 1)
            .next_power_of_two()
            .max(2);
        Self {
            samples,
            taps,
            points,
            fft: RealFft::new(points),
        }
    }

    /// Number of points of a transform. No piece that [`Self::filter`] hands out is longer.
    pub(crate) fn points(&self) -> usize {
        self.points
    }

    /// Number of new samples in each section, B.
    fn hop(&self) -> usize {
        self.points - (self.taps - 1)
    }

    fn bins(&self) -> usize {
        self.points / 2 + 1
    }

    /// Number of sections that cover the signal.
    fn section_count(&self) -> usize {
        self.samples.div_ceil(self.hop())
    }

    /// Transforms `signal` times `scale`, in sections of [`Self::hop`] samples.
    pub(crate) fn transform_signal(&self, signal: &[f64], scale: f64) -> Spectra {
        let mut values = vec![Complex64::ZERO; self.section_count() * self.bins()];
        let mut section = self.fft.forward.make_input_vec();
        let mut scratch = self.fft.forward.make_scratch_vec();
        for (samples, spectrum) in signal
            .chunks(self.hop())
            .zip(values.chunks_exact_mut(self.bins()))
        {
            copy_scaled(samples, scale, &mut section);
            transform_forward(&*self.fft.forward, &mut section, spectrum, &mut scratch);
        }
        Spectra { values }
    }

    /// Correlates `signal` times `scale` with each of `others`:
    /// out\[l\] = sum_t other\[t\] signal\[t + l\] for the lags l from 0 to taps - 1.
    pub(crate) fn correlate(
        &self,
        signal: &[f64],
        scale: f64,
        others: &[&Spectra],
    ) -> Vec<Vec<f64>> {
        let bins = self.bins();
        let mut sums = vec![vec![Complex64::ZERO; bins]; others.len()];
        let mut section = self.fft.forward.make_input_vec();
        let mut spectrum = self.fft.forward.make_output_vec();
        let mut scratch = self.fft.forward.make_scratch_vec();
        for index in 0..self.section_count() {
            // This section takes in every sample that the lags of the other signal's section reach.
            let start = index * self.hop();
            let end = (start + self.points).min(self.samples);
            copy_scaled(&signal[start..end], scale, &mut section);
            transform_forward(
                &*self.fft.forward,
                &mut section,
                &mut spectrum,
                &mut scratch,
            );
            for (sum, other) in sums.iter_mut().zip(others) {
                let other = &other.values[index * bins..][..bins];
                for ((sum, x), y) in sum.iter_mut().zip(other).zip(&spectrum) {
                    *sum += x.conj() * y;
                }
            }
        }
        let mut scratch = self.fft.inverse.make_scratch_vec();
        sums.iter_mut()
            .map(|sum| {
                self.fft.invert(sum, &mut section, &mut scratch);
                section[..self.taps]
                    .iter()
                    .map(|x| x / self.points as f64)
                    .collect()
            })
            .collect()
    }

    /// Transforms the `taps` of a filter, for [`Self::filter`].
    pub(crate) fn transform_filter(&self, taps: &[f64]) -> Vec<Complex64> {
        let mut section = self.fft.forward.make_input_vec();
        let mut spectrum = self.fft.forward.make_output_vec();
        let mut scratch = self.fft.forward.make_scratch_vec();
        // The normalising factor of the inverse transform is applied here, once.
        copy_scaled(taps, 1.0 / self.points as f64, &mut section);
        transform_forward(
            &*self.fft.forward,
            &mut section,
            &mut spectrum,
            &mut scratch,
        );
        spectrum
    }

    /// Filters signals and hands the outputs to `visit` piece by piece.
    ///
    /// `banks[i]` holds pairs of a signal's spectra and a filter's spectrum; output i is the sum of
    /// these filtered signals. `visit(start, pieces)` gets the samples of the outputs from `start`
    /// on. The pieces together cover all samples + taps - 1 samples of each output; zeros follow.
    pub(crate) fn filter<const OUTPUTS: usize>(
        &self,
        banks: &[Vec<(&Spectra, &[Complex64])>; OUTPUTS],
        mut visit: impl FnMut(usize, [&[f64]; OUTPUTS]),
    ) {
        let (bins, hop) = (self.bins(), self.hop());
        let mut spectrum = self.fft.inverse.make_input_vec();
        let mut scratch = self.fft.inverse.make_scratch_vec();
        let mut tails = [(); OUTPUTS].map(|()| vec![0.0; self.taps - 1]);
        let mut pieces = [(); OUTPUTS].map(|()| vec![0.0; self.points]);
        for index in 0..self.section_count() {
            for ((bank, piece), tail) in banks.iter().zip(&mut pieces).zip(&mut tails) {
                spectrum.fill(Complex64::ZERO);
                for (signal, filter) in bank {
                    let signal = &signal.values[index * bins..][..bins];
                    for ((sum, x), h) in spectrum.iter_mut().zip(signal).zip(*filter) {
                        *sum += x * h;
                    }
                }
                self.fft.invert(&mut spectrum, piece, &mut scratch);
                for (sample, left) in piece.iter_mut().zip(tail.iter()) {
                    *sample += left;
                }
                tail.copy_from_slice(&piece[hop..]);
            }
            visit(index * hop, std::array::from_fn(|i| &pieces[i][..hop]));
        }
        visit(
            self.section_count() * hop,
            std::array::from_fn(|i| tails[i].as_slice()),
        );
    }
}

/// Fills `out` with `signal` times `scale`, followed by zeros.
fn copy_scaled(signal: &[f64], scale: f64, out: &mut [f64]) {
    let (head, rest) = out.split_at_mut(signal.len());
    for (out, sample) in head.iter_mut().zip(signal) {
        *out = sample * scale;
    }
    rest.fill(0.0);
}

fn transform_forward(
    plan: &dyn RealToComplex<f64>,
    section: &mut [f64],
    spectrum: &mut [Complex64],
    scratch: &mut [Complex64],
) {
    plan.process_with_scratch(section, spectrum, scratch)
        .expect("all buffers have the plan's own lengths");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(seed: u64, samples: usize) -> Vec<f64> {
        let mut state = seed;
        (0..samples)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 33) as f64 / (1_u64 << 31) as f64 - 0.5
            })
            .collect()
    }

    /// Rounding errors of transforms of at most 1024 points, on samples of order 1.
    const TOLERANCE: f64 = 1e-12;

    #[test]
    fn equal_direct_sums_for_any_lengths() {
        for (samples, taps) in [
            (1, 1),
            (1, 4),
            (5, 1),
            (7, 7),
            (40, 3),
            (333, 16),
            (1000, 64),
        ] {
            let sections = Sections::new(samples, taps);
            let (x, y, h) = (signal(1, samples), signal(2, samples), signal(3, taps));
            let spectra = sections.transform_signal(&x, 2.0);

            let correlation = &sections.correlate(&y, 1.0, &[&spectra])[0];
            for (lag, value) in correlation.iter().enumerate() {
                let direct: f64 = (lag..samples).map(|t| 2.0 * x[t - lag] * y[t]).sum();
                assert!((value - direct).abs() < TOLERANCE, "{samples} {taps} {lag}");
            }

            let filter = sections.transform_filter(&h);
            let mut filtered = Vec::new();
            sections.filter(&[vec![(&spectra, filter.as_slice())]], |start, [piece]| {
                assert_eq!(start, filtered.len());
                filtered.extend_from_slice(piece);
            });
            assert!(filtered.len() >= samples + taps - 1);
            for (t, value) in filtered.iter().enumerate() {
                let direct: f64 = (0..taps)
                    .filter(|&l| l <= t && t - l < samples)
                    .map(|l| 2.0 * h[l] * x[t - l])
                    .sum();
                assert!((value - direct).abs() < TOLERANCE, "{samples} {taps} {t}");
            }
        }
    }
}
