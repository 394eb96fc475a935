//! Signals in and out of the time-frequency plane, and in and out of files.
//!
//! - [`Stft`]: the short-time Fourier transform and its exact inverse, for any [`Window`] and hop
//!   that can be inverted;
//! - [`audio`]: audio files read whole or block by block, by content (WAV, AIFF, FLAC, Ogg Vorbis,
//!   MP3), from files and pipes;
//! - [`wav`]: WAV files written, whole or block by block;
//! - [`resample`]: a whole signal at another sample rate.
//!
//! Signals are `f64` with full scale ±1. A spectrogram is an `ndarray::Array2<Complex64>` of shape
//! frames x bins: one row per frame, the bins of a frame contiguous.
//!
//! # Example
//!
//! Analyse a signal, modify its spectrogram, synthesise the result. Here everything above 1 kHz is
//! removed, which leaves the lower of two tones:
//!
//! ```
//! use std::f64::consts::TAU;
//!
//! use dsp::{Stft, StftSettings};
//!
//! let rate_hz = 16_000.0;
//! let tone = |frequency_hz: f64| move |n: usize| (TAU * frequency_hz * n as f64 / rate_hz).sin();
//! let low: Vec<f64> = (0..16_000).map(tone(250.0)).collect();
//! let high = (0..16_000).map(tone(4_000.0));
//! let both: Vec<f64> = high.zip(&low).map(|(high, low)| high + low).collect();
//!
//! let stft = Stft::new(&StftSettings::default())?;
//! let mut spectrogram = stft.analyse(&both);
//! assert_eq!(spectrogram.dim(), (stft.frames(both.len()), stft.bins()));
//!
//! for (bin, mut column) in spectrogram.columns_mut().into_iter().enumerate() {
//!     if stft.frequency_hz(bin, rate_hz) > 1_000.0 {
//!         column.fill(0.0.into());
//!     }
//! }
//!
//! let filtered = stft.synthesise(spectrogram.view(), both.len());
//! assert_eq!(filtered.len(), both.len());
//! // Away from the ends, where the tones start and stop abruptly.
//! let worst = (2_048..14_000).map(|n| (filtered[n] - low[n]).abs()).fold(0.0, f64::max);
//! assert!(worst < 1e-4);
//! # Ok::<(), dsp::StftError>(())
//! ```

pub mod audio;
pub mod fft;
mod resample;
mod stft;
pub mod wav;
mod window;

pub use audio::{Audio, AudioError, AudioFault, MultichannelAudio};
pub use resample::{RATES_HZ, ResampleError, resample};
pub use stft::{MAX_WINDOW_SAMPLES, Stft, StftError, StftSettings};
pub use window::Window;

/// A complex number in double precision, the element of a spectrogram.
pub use rustfft::num_complex::Complex64;
