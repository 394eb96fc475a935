//! Short-time Fourier transform and its exact inverse.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2};
use rustfft::num_complex::Complex64;
use serde::{Deserialize, Serialize};

use crate::fft::RealFft;
use crate::window::{Window, overlapped_squares};

/// The longest window accepted, so that a mistyped setting is an error and not an exhausted memory.
pub const MAX_WINDOW_SAMPLES: usize = 1 << 24;

/// Least ratio of the smallest to the largest overlapped squared window.
///
/// Where the ratio is r, the inverse amplifies rounding errors by up to r^(-1/2): a thousand
/// here, which keeps the round trip within 1e-12 of a signal of full scale.
const LEAST_OVERLAP: f64 = 1e-6;

/// Window and hop of an [`Stft`]. The default is a 2048-point sine window at half overlap.
///
/// Any pair whose overlapped squared window sum_t w\[n - t hop\]^2 vanishes nowhere can be inverted
/// exactly, and every such pair is accepted. The pairs usually called COLA, whose overlapped
/// (squared) windows sum to a constant, are among them; the sum need not be constant, nor the hop
/// divide the window, because the synthesis window is normalised by the sum. What is left out is a
/// hop longer than the window, or windows that all touch zero at the same sample, such as a sine
/// window without overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StftSettings {
    /// Length N of the window and of the transform, 1 to [`MAX_WINDOW_SAMPLES`].
    pub window_samples: usize,
    /// Distance between the starts of two frames, 1 to `window_samples`.
    pub hop_samples: usize,
    /// Shape of the analysis window.
    pub window: Window,
}

impl Default for StftSettings {
    fn default() -> Self {
        Self {
            window_samples: 2048,
            hop_samples: 1024,
            window: Window::Sine,
        }
    }
}

impl StftSettings {
    /// Bins of the one-sided transform, F.
    pub fn bins(&self) -> usize {
        self.window_samples / 2 + 1
    }

    /// Checks that these settings describe an invertible transform.
    ///
    /// # Errors
    /// [`StftError`] says which setting is out of range, or that the pair cannot be inverted.
    pub fn validate(&self) -> Result<(), StftError> {
        self.windows().map(drop)
    }

    /// The mean power of the coefficients of a signal whose samples have this mean square.
    ///
    /// That is the mean square times the energy of the window, sum_n w\[n\]^2: by Parseval's
    /// theorem the mean of |X\[t, f\]|^2 over all N bins of a frame is the energy of its windowed
    /// samples.
    #[must_use]
    pub fn mean_power(&self, mean_square: f64) -> f64 {
        let window = self.window.coefficients(self.window_samples);
        mean_square * window.iter().map(|w| w * w).sum::<f64>()
    }

    /// The analysis window w and the synthesis window w / sum_t w\[n - t hop\]^2, its dual.
    fn windows(&self) -> Result<(Vec<f64>, Vec<f64>), StftError> {
        let &Self {
            window_samples,
            hop_samples,
            window,
        } = self;
        if !(1..=MAX_WINDOW_SAMPLES).contains(&window_samples) {
            return Err(StftError::WindowSamples { window_samples });
        }
        if !(1..=window_samples).contains(&hop_samples) {
            return Err(StftError::HopSamples {
                hop_samples,
                window_samples,
            });
        }

        let analysis = window.coefficients(window_samples);
        let squares = overlapped_squares(&analysis, hop_samples);
        let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
        let most = squares.iter().copied().fold(0.0, f64::max);
        // A window of zeros alone (a sine of one sample) has most = 0 and fails as well.
        if least <= LEAST_OVERLAP * most {
            return Err(StftError::NotInvertible {
                window,
                window_samples,
                hop_samples,
            });
        }
        let synthesis = analysis
            .iter()
            .zip(squares.iter().cycle())
            .map(|(w, sum)| w / sum)
            .collect();
        Ok((analysis, synthesis))
    }
}

/// Why an [`Stft`] cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StftError {
    /// The window is empty or absurdly long.
    #[error(
        "window_samples is {window_samples}: it must be between 1 and {max}",
        max = MAX_WINDOW_SAMPLES
    )]
    WindowSamples {
        /// The value found.
        window_samples: usize,
    },
    /// The hop is zero, or skips samples.
    #[error(
        "hop_samples is {hop_samples}: it must be between 1 and window_samples ({window_samples})"
    )]
    HopSamples {
        /// The value found.
        hop_samples: usize,
        /// The length of the window.
        window_samples: usize,
    },
    /// Some samples get next to no weight in any frame, so that they cannot be recovered.
    #[error(
        "a {window:?} window of {window_samples} samples with a hop of {hop_samples} cannot be \
         inverted: the overlapped squared windows (nearly) vanish somewhere; use a shorter hop"
    )]
    NotInvertible {
        /// The shape of the window.
        window: Window,
        /// The length of the window.
        window_samples: usize,
        /// The hop.
        hop_samples: usize,
    },
}

/// Short-time Fourier transform of real signals, with its exact inverse.
///
/// Frame t of a signal x is the unnormalised one-sided DFT of N windowed samples,
///
/// > X\[t, f\] = sum_n w\[n\] x\[t hop - padding + n\] exp(-2 pi i f n / N),  f = 0 ... N / 2,
///
/// where x is zero outside its ends and padding = N - hop: the first frame reaches just far enough
/// before the signal that *every* sample, the first and the last included, is covered by the same
/// number of frames as one in the middle. The inverse adds up the frames' inverse DFTs, weighted by
/// the synthesis window (see [`StftSettings`]). It recovers a signal to rounding errors, and turns
/// a spectrogram that is no signal's into the signal whose own spectrogram is closest in the sense
/// of the energy below (Griffin and Lim, 1984, eq. 6).
///
/// # Energy
/// Let m_f be 1 for the DC bin and, when N is even, the Nyquist bin, and 2 for the others, which
/// stand for their mirror image too. By Parseval, sum_f m_f |X\[t, f\]|^2 is N times the
/// energy of the windowed frame. Over all frames, when the overlapped squared windows sum to a
/// constant c, the transform is a tight frame:
///
/// > sum_{t, f} m_f |X\[t, f\]|^2 = c N sum_n x\[n\]^2,
///
/// with c = 1 for the sine window at half overlap, the default.
///
/// # Sharing
/// Transforms are planned once, in [`Stft::new`]. A clone shares the plans and the windows, and an
/// `Stft` can be used from several threads at once.
#[derive(Clone)]
pub struct Stft {
    settings: StftSettings,
    fft: RealFft,
    analysis_window: Arc<[f64]>,
    /// The dual window over N, the factor that the pair of unnormalised transforms brings in.
    synthesis_window: Arc<[f64]>,
}

impl Stft {
    /// Plans the transforms.
    ///
    /// # Errors
    /// Those of [`StftSettings::validate`].
    pub fn new(settings: &StftSettings) -> Result<Self, StftError> {
        let (analysis, mut synthesis) = settings.windows()?;
        for w in &mut synthesis {
            *w /= settings.window_samples as f64;
        }
        Ok(Self {
            settings: settings.clone(),
            fft: RealFft::new(settings.window_samples),
            analysis_window: analysis.into(),
            synthesis_window: synthesis.into(),
        })
    }

    /// The settings this transform was built from.
    pub fn settings(&self) -> &StftSettings {
        &self.settings
    }

    /// Number of frequency bins, N / 2 + 1 (rounded down).
    pub fn bins(&self) -> usize {
        self.fft.forward.complex_len()
    }

    /// Centre frequency of a bin at the given sample rate.
    pub fn frequency_hz(&self, bin: usize, sample_rate_hz: f64) -> f64 {
        bin as f64 * sample_rate_hz / self.settings.window_samples as f64
    }

    /// Number of frames of a signal of `samples` samples; none for an empty signal.
    pub fn frames(&self, samples: usize) -> usize {
        if samples == 0 {
            return 0;
        }
        samples
            .saturating_add(self.padding())
            .div_ceil(self.settings.hop_samples)
    }

    /// Length of the longest signal with `frames` frames: the natural length of a spectrogram that
    /// was generated and not analysed.
    ///
    /// `frames(samples(n)) == n` unless n is so small that no signal has n frames, in which case
    /// `samples(n)` is 0. With the defaults that is a single frame, which covers no sample fully.
    pub fn samples(&self, frames: usize) -> usize {
        frames
            .saturating_mul(self.settings.hop_samples)
            .saturating_sub(self.padding())
    }

    /// The spectrogram of a signal, frames x bins.
    ///
    /// Not-a-number and infinite samples spoil the frames that contain them and no others.
    pub fn analyse(&self, signal: &[f64]) -> Array2<Complex64> {
        let (frames, bins) = (self.frames(signal.len()), self.bins());
        let mut spectra = vec![Complex64::default(); frames * bins];
        let mut windowed = self.fft.forward.make_input_vec();
        let mut scratch = self.fft.forward.make_scratch_vec();

        for (t, spectrum) in spectra.chunks_exact_mut(bins).enumerate() {
            let (in_frame, in_signal) = self.overlap(t, signal.len());
            // The transform uses its input as scratch, so the padding is written anew as well.
            windowed.fill(0.0);
            let weights = &self.analysis_window[in_frame.clone()];
            for ((y, w), x) in windowed[in_frame]
                .iter_mut()
                .zip(weights)
                .zip(&signal[in_signal])
            {
                *y = w * x;
            }
            self.fft
                .forward
                .process_with_scratch(&mut windowed, spectrum, &mut scratch)
                .expect("the buffers have the planned lengths");
        }
        Array2::from_shape_vec((frames, bins), spectra)
            .expect("there are frames x bins coefficients")
    }

    /// The signal of `samples` samples of a spectrogram, frames x bins.
    ///
    /// The exact inverse of [`analyse`](Self::analyse). A one-sided spectrum of a real frame is
    /// real at DC and, when N is even, at Nyquist; an imaginary part there has no counterpart in a
    /// real signal and is dropped.
    ///
    /// # Panics
    /// If the spectrogram has not [`bins()`](Self::bins) columns, or its rows are not the
    /// [`frames`](Self::frames) of a signal of `samples` samples. `samples(frames)` always
    /// fits.
    #[expect(clippy::needless_pass_by_value, reason = "a view is a reference")]
    pub fn synthesise(&self, spectrogram: ArrayView2<'_, Complex64>, samples: usize) -> Vec<f64> {
        let (frames, bins) = spectrogram.dim();
        assert_eq!(bins, self.bins(), "bins of the spectrogram");
        assert!(
            frames == self.frames(samples) || samples == self.samples(frames),
            "{frames} frames are not those of a signal of {samples} samples"
        );

        let mut signal = vec![0.0; samples];
        let mut spectrum = self.fft.inverse.make_input_vec();
        let mut frame = self.fft.inverse.make_output_vec();
        let mut scratch = self.fft.inverse.make_scratch_vec();

        for (t, row) in spectrogram.outer_iter().enumerate() {
            for (to, from) in spectrum.iter_mut().zip(row) {
                *to = *from;
            }
            self.fft.invert(&mut spectrum, &mut frame, &mut scratch);

            let (in_frame, in_signal) = self.overlap(t, samples);
            let weights = &self.synthesis_window[in_frame.clone()];
            for ((x, w), y) in signal[in_signal]
                .iter_mut()
                .zip(weights)
                .zip(&frame[in_frame])
            {
                *x += w * y;
            }
        }
        signal
    }

    /// Zeros assumed before the signal.
    fn padding(&self) -> usize {
        self.settings.window_samples - self.settings.hop_samples
    }

    /// The part of frame t that lies within a signal of `samples` samples: its place in the frame
    /// and its place in the signal, of equal lengths.
    fn overlap(&self, t: usize, samples: usize) -> (Range<usize>, Range<usize>) {
        let start = t * self.settings.hop_samples;
        let end = start + self.settings.window_samples;
        // In the padded signal, where the signal's own samples are padding .. padding + samples.
        let first = start.max(self.padding());
        let last = end.min(self.padding() + samples).max(first);
        (
            first - start..last - start,
            first - self.padding()..last - self.padding(),
        )
    }
}

impl fmt::Debug for Stft {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Stft")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
