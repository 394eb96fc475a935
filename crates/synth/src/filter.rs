//! The digital filters that voices, rooms and noises are made of. They run at
//! [`SAMPLE_RATE_HZ`].

use std::f64::consts::TAU;

use crate::sample_rate::SAMPLE_RATE_HZ;

/// The angle of a frequency on the unit circle.
fn angle(hz: f64) -> f64 {
    TAU * hz / f64::from(SAMPLE_RATE_HZ)
}

/// A filter with two poles and two zeros, in transposed direct form II.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Biquad {
    zeros: [f64; 3],
    poles: [f64; 2],
    state: [f64; 2],
}

impl Biquad {
    /// A filter from its coefficients b0, b1, b2 and a0, a1, a2.
    fn new(zeros: [f64; 3], poles: [f64; 3]) -> Self {
        Self {
            zeros: zeros.map(|b| b / poles[0]),
            poles: [poles[1] / poles[0], poles[2] / poles[0]],
            state: [0.0; 2],
        }
    }

    /// A band-pass with unit gain at its centre and zeros at zero frequency and Nyquist.
    pub(crate) fn band_pass(hz: f64, bandwidth_hz: f64) -> Self {
        let half = (angle(bandwidth_hz) / 2.0).tan();
        Self::new(
            [half, 0.0, -half],
            [1.0 + half, -2.0 * angle(hz).cos(), 1.0 - half],
        )
    }

    /// A Butterworth high-pass of second order.
    pub(crate) fn high_pass(hz: f64) -> Self {
        let (sin, cos) = angle(hz).sin_cos();
        let alpha = sin / std::f64::consts::SQRT_2;
        let b = (1.0 + cos) / 2.0;
        Self::new([b, -2.0 * b, b], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    /// A Butterworth low-pass of second order.
    pub(crate) fn low_pass(hz: f64) -> Self {
        let (sin, cos) = angle(hz).sin_cos();
        let alpha = sin / std::f64::consts::SQRT_2;
        let b = (1.0 - cos) / 2.0;
        Self::new([b, 2.0 * b, b], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    /// The next output sample.
    #[inline]
    pub(crate) fn next(&mut self, input: f64) -> f64 {
        let output = self.zeros[0] * input + self.state[0];
        self.state[0] = self.zeros[1] * input - self.poles[0] * output + self.state[1];
        self.state[1] = self.zeros[2] * input - self.poles[1] * output;
        output
    }

    /// Filters a signal in place.
    pub(crate) fn run(&mut self, samples: &mut [f64]) {
        for sample in samples {
            *sample = self.next(*sample);
        }
    }
}

/// Coefficients that can glide to others while the filter runs.
#[derive(Debug, Clone, Copy, Default)]
struct Glide {
    present: [f64; 3],
    step: [f64; 3],
    target: [f64; 3],
}

impl Glide {
    fn set(&mut self, target: [f64; 3]) {
        *self = Self {
            present: target,
            step: [0.0; 3],
            target,
        };
    }

    /// Sets out from the last target and not from the present values, so that rounding errors do
    /// not build up.
    fn start(&mut self, target: [f64; 3], samples: usize) {
        let step = std::array::from_fn(|i| (target[i] - self.target[i]) / samples as f64);
        *self = Self {
            present: self.target,
            step,
            target,
        };
    }

    #[inline]
    fn next(&mut self) -> [f64; 3] {
        for (present, step) in self.present.iter_mut().zip(self.step) {
            *present += step;
        }
        self.present
    }
}

/// A pair of poles with unit gain at zero frequency: one formant of a cascade (Klatt 1980).
///
/// It glides from one tuning to the next, so that a move makes no click. All tunings between two
/// stable ones are stable.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Resonator {
    coefficients: Glide,
    outputs: [f64; 2],
}

impl Resonator {
    pub(crate) fn new(hz: f64, bandwidth_hz: f64) -> Self {
        let mut filter = Self::default();
        filter.coefficients.set(Self::design(hz, bandwidth_hz));
        filter
    }

    fn design(hz: f64, bandwidth_hz: f64) -> [f64; 3] {
        let [b, c] = conjugate_pair(hz, bandwidth_hz);
        [1.0 - b - c, b, c]
    }

    /// Moves the poles within the next `samples` samples.
    pub(crate) fn glide(&mut self, hz: f64, bandwidth_hz: f64, samples: usize) {
        self.coefficients
            .start(Self::design(hz, bandwidth_hz), samples);
    }

    /// The next output sample.
    #[inline]
    pub(crate) fn next(&mut self, input: f64) -> f64 {
        let [gain, b, c] = self.coefficients.next();
        let [first, second] = self.outputs;
        let output = gain * input + (b * first + c * second);
        self.outputs = [output, first];
        output
    }
}

/// A pair of zeros with unit gain at zero frequency: the inverse of a [`Resonator`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Antiresonator {
    coefficients: Glide,
    inputs: [f64; 2],
}

impl Antiresonator {
    pub(crate) fn new(hz: f64, bandwidth_hz: f64) -> Self {
        let mut filter = Self::default();
        filter.coefficients.set(Self::design(hz, bandwidth_hz));
        filter
    }

    fn design(hz: f64, bandwidth_hz: f64) -> [f64; 3] {
        let [b, c] = conjugate_pair(hz, bandwidth_hz);
        let gain = (1.0 - b - c).recip();
        [gain, -b * gain, -c * gain]
    }

    /// Moves the zeros within the next `samples` samples.
    pub(crate) fn glide(&mut self, hz: f64, bandwidth_hz: f64, samples: usize) {
        self.coefficients
            .start(Self::design(hz, bandwidth_hz), samples);
    }

    /// The next output sample.
    #[inline]
    pub(crate) fn next(&mut self, input: f64) -> f64 {
        let [gain, b, c] = self.coefficients.next();
        let [first, second] = self.inputs;
        self.inputs = [input, first];
        gain * input + b * first + c * second
    }
}

/// The recursion y\[n\] = b y\[n-1\] + c y\[n-2\] of a pair of poles.
fn conjugate_pair(hz: f64, bandwidth_hz: f64) -> [f64; 2] {
    let radius = (-angle(bandwidth_hz) / 2.0).exp();
    [2.0 * radius * angle(hz).cos(), -radius * radius]
}

/// A one-pole low-pass with unit gain at zero frequency.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OnePole {
    keep: f64,
    state: f64,
}

impl OnePole {
    /// With its -3 dB point at `hz`.
    pub(crate) fn new(hz: f64) -> Self {
        let mut filter = Self::default();
        filter.tune(hz);
        filter
    }

    /// Moves the -3 dB point and keeps the present state.
    pub(crate) fn tune(&mut self, hz: f64) {
        // The root of the equation for half power, which is exact even near Nyquist.
        let c = 2.0 - angle(hz.min(0.49 * f64::from(SAMPLE_RATE_HZ))).cos();
        self.keep = c - (c * c - 1.0).sqrt();
    }

    /// The standard deviation of the output for white noise of unit variance.
    pub(crate) fn white_gain(&self) -> f64 {
        ((1.0 - self.keep) / (1.0 + self.keep)).sqrt()
    }

    /// The next output sample.
    #[inline]
    pub(crate) fn next(&mut self, input: f64) -> f64 {
        self.state = input + self.keep * (self.state - input);
        self.state
    }
}

/// The root of the mean square, 0 for no samples.
pub(crate) fn rms(samples: &[f64]) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    (samples.iter().map(|x| x * x).sum::<f64>() / samples.len() as f64).sqrt()
}

/// The amplitude of a level in decibels.
pub(crate) fn amplitude(level_db: f64) -> f64 {
    10f64.powf(level_db / 20.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The gain of a filter at a frequency, from one second of its response to a sine, after
    /// another second in which it settles.
    fn gain(mut filter: impl FnMut(f64) -> f64, hz: f64) -> f64 {
        let rate = SAMPLE_RATE_HZ as usize;
        let output: Vec<f64> = (0..2 * rate)
            .map(|n| filter((angle(hz) * n as f64).sin()))
            .collect();
        rms(&output[rate..]) * std::f64::consts::SQRT_2
    }

    #[test]
    fn gains_are_where_the_design_puts_them() {
        let half_power = std::f64::consts::FRAC_1_SQRT_2;
        let close =
            |actual: f64, expected: f64| assert!((actual - expected).abs() < 2e-3, "{actual}");
        let biquad = |mut filter: Biquad, hz: f64| gain(|x| filter.next(x), hz);
        close(biquad(Biquad::band_pass(3000.0, 400.0), 3000.0), 1.0);
        close(biquad(Biquad::high_pass(1000.0), 1000.0), half_power);
        close(biquad(Biquad::low_pass(1000.0), 1000.0), half_power);
        close(biquad(Biquad::low_pass(1000.0), 10.0), 1.0);
        close(biquad(Biquad::high_pass(1000.0), 7900.0), 1.0);

        let mut pole = Resonator::new(500.0, 60.0);
        close(gain(|x| pole.next(x), 1.0), 1.0);
        assert!(gain(|x| pole.next(x), 500.0) > 7.0);
        let mut zero = Antiresonator::new(500.0, 60.0);
        close(gain(|x| zero.next(x), 1.0), 1.0);
        assert!(gain(|x| zero.next(x), 500.0) < 0.15);
    }

    #[test]
    fn antiresonator_undoes_the_resonator() {
        let mut pole = Resonator::new(270.0, 100.0);
        let mut zero = Antiresonator::new(270.0, 100.0);
        for n in 0..1000 {
            let input = f64::from(n % 17) - 8.0;
            assert!((zero.next(pole.next(input)) - input).abs() < 1e-9);
        }
    }

    #[test]
    fn one_pole_has_its_half_power_point() {
        for hz in [50.0, 1000.0, 6000.0] {
            let mut filter = OnePole::new(hz);
            let output: Vec<f64> = (0..32_000)
                .map(|n| filter.next((angle(hz) * f64::from(n)).sin()))
                .collect();
            let gain = rms(&output[16_000..]) * std::f64::consts::SQRT_2;
            assert!(
                (gain - std::f64::consts::FRAC_1_SQRT_2).abs() < 1e-3,
                "{hz}: {gain}"
            );
        }
    }
}
