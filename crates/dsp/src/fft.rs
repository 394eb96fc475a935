//! Plans of Fourier transforms of real signals.
//!
//! `rustfft` is generic over its numbers: every crate that plans a transform compiles all of its
//! kernels for all instruction sets again, fifteen seconds of a processor. Here they are compiled
//! once, in double precision, behind trait objects.
//!
//! ```
//! let dsp::fft::RealFft { forward, inverse } = dsp::fft::RealFft::new(8);
//! let mut signal = vec![1.0, 2.0, 3.0, 4.0, 4.0, 3.0, 2.0, 1.0];
//! let mut spectrum = forward.make_output_vec();
//! forward.process(&mut signal, &mut spectrum)?;
//! assert!((spectrum[0].re - 20.0).abs() < 1e-12);
//! inverse.process(&mut spectrum, &mut signal)?;
//! assert!((signal[2] / 8.0 - 3.0).abs() < 1e-12);
//! # Ok::<(), dsp::fft::FftError>(())
//! ```

use std::sync::Arc;

use realfft::RealFftPlanner;
pub use realfft::{ComplexToReal, FftError, RealToComplex};
use rustfft::num_complex::Complex64;

/// The transforms of real signals of one length, N, to their spectra and back. A clone shares them.
#[derive(Clone)]
pub struct RealFft {
    /// `X[f] = sum_n x[n] exp(-2 pi i f n / N)`, f = 0 ... N / 2 (rounded down).
    pub forward: Arc<dyn RealToComplex<f64>>,
    /// Its inverse times N.
    pub inverse: Arc<dyn ComplexToReal<f64>>,
}

impl RealFft {
    /// Plans transforms of `points` samples.
    pub fn new(points: usize) -> Self {
        let mut planner = RealFftPlanner::new();
        Self {
            forward: planner.plan_fft_forward(points),
            inverse: planner.plan_fft_inverse(points),
        }
    }

    /// The inverse transform times N, of a spectrum that is that of a real signal but for rounding:
    /// of its bins at 0 and at half the rate, which are real, any imaginary part is left out.
    ///
    /// `spectrum` is overwritten. `scratch`: as many bins as the inverse asks for.
    ///
    /// # Panics
    /// If a buffer does not have the length that `inverse` makes it with.
    pub fn invert(
        &self,
        spectrum: &mut [Complex64],
        signal: &mut [f64],
        scratch: &mut [Complex64],
    ) {
        // The transform refuses others, which rounding, or a signal that is not finite, can leave.
        spectrum[0].im = 0.0;
        if self.inverse.len().is_multiple_of(2) {
            spectrum[self.inverse.len() / 2].im = 0.0;
        }
        self.inverse
            .process_with_scratch(spectrum, signal, scratch)
            .expect("buffers of the plan's lengths, and real outer bins");
    }
}
