//! `q(S)`, the posterior of all sources given their variances.

use std::f64::consts::PI;

use libm::log;
use ndarray::Array2;
use num_complex::Complex64;

/// `q(S)`, complex Gaussian at every frame and bin.
#[derive(Debug, Clone)]
pub(super) struct SourcePosterior {
    /// `mu_j` of every source.
    pub(super) mean: Vec<Array2<Complex64>>,
    /// `E|s_j|^2` of every source.
    pub(super) power: Vec<Array2<f64>>,
    /// `E|x - A s|^2`.
    residual_power: Array2<f64>,
    /// `log det Sigma`.
    log_determinant: Array2<f64>,
}

impl SourcePosterior {
    /// `q(S)` given the variance `C_j` of every source, eq. (15):
    ///
    /// `Sigma = ( diag(1 / C_j) + A^H A / sigma^2 )^-1`, `mu = Sigma A^H x / sigma^2`.
    ///
    /// For `A = [1 ... 1]` the inverse is explicit. With `D = sigma^2 + sum_j C_j`:
    ///
    /// `mu_j = C_j x / D`, `Sigma_jj = C_j (D - C_j) / D`, `det Sigma = sigma^2 prod_j C_j / D`,
    /// `E|x - A s|^2 = |x|^2 sigma^4 / D^2 + sigma^2 (D - sigma^2) / D`.
    pub(super) fn new(
        mixture: &Array2<Complex64>,
        variances: &[&Array2<f64>],
        noise_variance: f64,
    ) -> Self {
        let noise = noise_variance;
        let mut posterior = Self {
            mean: vec![Array2::zeros(mixture.dim()); variances.len()],
            power: vec![Array2::zeros(mixture.dim()); variances.len()],
            residual_power: Array2::zeros(mixture.dim()),
            log_determinant: Array2::zeros(mixture.dim()),
        };
        for (at, &x) in mixture.indexed_iter() {
            let modelled: f64 = variances.iter().map(|c| c[at]).sum();
            let d = noise + modelled;
            let log_c: f64 = variances.iter().map(|c| log(c[at])).sum();
            posterior.log_determinant[at] = log(noise) + log_c - log(d);
            posterior.residual_power[at] =
                x.norm_sqr() * (noise / d) * (noise / d) + noise * (modelled / d);
            for (j, variance) in variances.iter().enumerate() {
                // D - C_j as the sum of what is left: a difference would cancel.
                let others = (0..variances.len()).filter(|&i| i != j);
                let rest = noise + others.map(|i| variances[i][at]).sum::<f64>();
                let gain = variance[at] / d;
                posterior.mean[j][at] = gain * x;
                posterior.power[j][at] = gain * gain * x.norm_sqr() + gain * rest;
            }
        }
        posterior
    }

    /// What the free energy has of `q(S)` alone: `E[log p(X | S)]` and its entropy,
    ///
    /// `- sum_fn [ log(pi sigma^2) + E|x - A s|^2 / sigma^2 ]`
    /// `+ sum_fn [ J log(pi e) + log det Sigma ]`.
    pub(super) fn free_energy_term(&self, noise_variance: f64) -> f64 {
        let noise = noise_variance;
        let log_likelihood: f64 = self
            .residual_power
            .iter()
            .map(|residual| -log(PI * noise) - residual / noise)
            .sum();
        let source_constant = self.mean.len() as f64 * (log(PI) + 1.0);
        let entropy: f64 = self
            .log_determinant
            .iter()
            .map(|log_determinant| source_constant + log_determinant)
            .sum();
        log_likelihood + entropy
    }
}
