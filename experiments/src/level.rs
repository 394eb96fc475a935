//! The level at which the model meets a recording.
//!
//! Its priors have a level of their own: components of unit mean over the bins and activations of mean 1 give a source
//! of K components the mean power K. A recording is scaled so that the mean power of its coefficients is what all
//! sources together expect, the sum of their mean numbers of components, and estimates are scaled back.

use dsp::StftSettings;
use model::SourceModel;

/// Level of the sensor noise against a recording's mean power, unless said otherwise: that of the paper's observations
/// (1e-6 against a power of order 10), and of 16-bit quantisation under a recording of usual level.
pub const NOISE_DB: f64 = -70.0;

/// The mean power that sources expect of their mixture.
#[must_use]
pub fn expected_power(sources: &[SourceModel]) -> f64 {
    let mean_order = |source: &SourceModel| {
        let components = source.orders().iter().map(|order| order.shape().0);
        components.sum::<usize>() as f64 / source.orders().len() as f64
    };
    sources.iter().map(mean_order).sum()
}

/// The variance of the sensor noise at that level.
#[must_use]
pub fn noise_variance(expected_power: f64, noise_db: f64) -> f64 {
    expected_power * 10_f64.powf(noise_db / 10.0)
}

/// The factor that brings samples of a mean square to the level of `expected_power`.
///
/// The mean power of the coefficients of an unnormalised transform is the mean square of the samples times the energy
/// of the window.
#[must_use]
pub fn gain(mean_square: f64, stft: &StftSettings, expected_power: f64) -> f64 {
    let window = stft.window.coefficients(stft.window_samples);
    let energy: f64 = window.iter().map(|w| w * w).sum();
    (expected_power / (mean_square * energy)).sqrt()
}

#[cfg(test)]
mod tests {
    use dsp::Stft;
    use rand::RngExt;

    use super::*;

    #[test]
    fn a_scaled_signal_has_the_expected_power() {
        let settings = StftSettings::default();
        let mut rng = synth::stream(1, "test", &[]);
        let noise: Vec<f64> = (0..200_000)
            .map(|_| rng.random_range(-1e-3..1e-3))
            .collect();
        let mean_square = noise.iter().map(|x| x * x).sum::<f64>() / noise.len() as f64;
        let gain = gain(mean_square, &settings, 24.0);
        let scaled: Vec<f64> = noise.iter().map(|x| gain * x).collect();
        let power = Stft::new(&settings)
            .unwrap()
            .analyse(&scaled)
            .mapv(|x| x.norm_sqr());
        // White noise: the mean over 200,000 coefficients is within a per cent; the ends' frames are half empty.
        let mean = power.mean().unwrap();
        assert!((mean / 24.0 - 1.0).abs() < 0.02, "{mean}");
    }
}
