//! Window functions.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// The shape of an analysis window of N samples.
///
/// All are periodic: the sample that would close the period, n = N, is left out, which is what
/// makes shifted copies add up to a constant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Window {
    /// sin(pi n / N), the square root of the Hann window. Its squares at half overlap sum to one,
    /// so it is its own dual there.
    #[default]
    Sine,
    /// sin^2(pi n / N) = (1 - cos(2 pi n / N)) / 2.
    Hann,
    /// One everywhere.
    Rectangular,
}

impl Window {
    /// The window's `samples` coefficients.
    ///
    /// ```
    /// let window = dsp::Window::Hann.coefficients(4);
    /// assert!(window.iter().zip([0.0, 0.5, 1.0, 0.5]).all(|(a, b)| (a - b).abs() < 1e-15));
    /// ```
    pub fn coefficients(self, samples: usize) -> Vec<f64> {
        let sine = |n: usize| (PI * n as f64 / samples as f64).sin();
        (0..samples)
            .map(|n| match self {
                Window::Sine => sine(n),
                Window::Hann => sine(n).powi(2),
                Window::Rectangular => 1.0,
            })
            .collect()
    }
}

/// Sum over all frames of the squared window, sum_t w[n - t hop]^2.
///
/// It has period `hop`, and element n of the result is its value at n mod `hop`; this holds
/// whether or not the hop divides the window's length.
pub(crate) fn overlapped_squares(window: &[f64], hop_samples: usize) -> Vec<f64> {
    let mut sums = vec![0.0; hop_samples];
    for shifted in window.chunks(hop_samples) {
        for (sum, w) in sums.iter_mut().zip(shifted) {
            *sum += w * w;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A few roundings of sums of order one.
    const ROUNDING: f64 = 1e-14;

    fn assert_all_near(values: &[f64], expected: f64) {
        for value in values {
            assert!(
                (value - expected).abs() < ROUNDING,
                "{value} is not {expected}"
            );
        }
    }

    #[test]
    fn the_squared_sine_window_sums_to_one_at_half_overlap() {
        assert_all_near(
            &overlapped_squares(&Window::Sine.coefficients(2048), 1024),
            1.0,
        );
    }

    #[test]
    fn the_squared_hann_window_sums_to_three_halves_at_three_quarters_overlap() {
        assert_all_near(
            &overlapped_squares(&Window::Hann.coefficients(512), 128),
            1.5,
        );
    }

    #[test]
    fn the_rectangular_window_counts_frames_when_the_hop_does_not_divide_it() {
        let sums = overlapped_squares(&Window::Rectangular.coefficients(7), 3);
        assert_all_near(&sums[..1], 3.0);
        assert_all_near(&sums[1..], 2.0);
    }
}
