//! Mixtures drawn from the generative model of the separation itself: Gamma activations, complex
//! Gaussian sources, sensor noise.

use dsp::Complex64;
use ndarray::{Array2, ArrayView2};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Gamma, StandardNormal};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The parameters of a draw. The defaults are those of the experiment in section 4.1 of
/// Jaureguiberry, Vincent and Richard (2014).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MixtureSettings {
    /// Number of frames, N.
    pub frames: usize,
    /// Shape and rate b of the prior Gamma(b, b) of the activations. Its mean is 1.
    pub activation_shape: f64,
    /// Ratio of the speaker's power to the background's in dB, `10 log10(sum V_1 / sum V_2)`.
    pub snr_db: f64,
    /// Variance sigma^2 of the sensor noise in every bin.
    pub noise_variance: f64,
    /// Whether the first and the last bin are those of DC and Nyquist, which are real for a real
    /// signal. Their power is that of the model in either case.
    pub real_edges: bool,
}

impl Default for MixtureSettings {
    fn default() -> Self {
        Self {
            frames: 300,
            activation_shape: 0.2,
            snr_db: 0.0,
            noise_variance: 1e-6,
            real_edges: true,
        }
    }
}

impl MixtureSettings {
    /// Checks every value.
    ///
    /// # Errors
    /// When a value is out of range. The error names the first such value.
    pub fn validate(&self) -> Result<(), GenerativeError> {
        let Self {
            frames,
            activation_shape,
            snr_db,
            noise_variance,
            real_edges: _,
        } = *self;
        if frames == 0 {
            return Err(GenerativeError::NoFrames);
        }
        if !(activation_shape.is_finite() && activation_shape > 0.0) {
            return Err(GenerativeError::ActivationShape(activation_shape));
        }
        if !snr_db.is_finite() {
            return Err(GenerativeError::Snr(snr_db));
        }
        if !(noise_variance.is_finite() && noise_variance >= 0.0) {
            return Err(GenerativeError::NoiseVariance(noise_variance));
        }
        Ok(())
    }
}

/// Why a mixture or a matrix cannot be drawn.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum GenerativeError {
    /// The mixture has no frames.
    #[error("`frames` must be at least 1")]
    NoFrames,
    /// The prior of the activations is not a distribution.
    #[error("`activation_shape` must be positive and finite, not {0}")]
    ActivationShape(f64),
    /// The signal-to-noise ratio is not finite, or the gain for it is out of range.
    #[error("`snr_db` must be finite and within the range of numbers, not {0}")]
    Snr(f64),
    /// The variance of the sensor noise is negative or not finite.
    #[error("`noise_variance` must be finite and not negative, not {0}")]
    NoiseVariance(f64),
    /// The shape or the rate of a Gamma distribution is out of range.
    #[error("the `{name}` of a Gamma distribution must be positive and finite, not {value}")]
    GammaParameter {
        /// `shape` or `rate`.
        name: &'static str,
        /// The value that was given.
        value: f64,
    },
    /// A dictionary has no components or no bins.
    #[error(
        "the dictionary of source {source_index} is empty ({components} components x {bins} bins)"
    )]
    EmptyDictionary {
        /// 0 for the speaker, 1 for the background.
        source_index: usize,
        /// Number of rows of the dictionary.
        components: usize,
        /// Number of columns of the dictionary.
        bins: usize,
    },
    /// The two dictionaries differ in their number of bins.
    #[error("the speaker's dictionary has {speech} bins, the background's {background}")]
    BinsDiffer {
        /// Bins of the speaker's dictionary.
        speech: usize,
        /// Bins of the background's dictionary.
        background: usize,
    },
    /// An entry of a dictionary is negative, infinite or not a number.
    #[error(
        "the dictionary of source {source_index} holds {value} at component {component}, \
         bin {bin}: entries must be finite and not negative"
    )]
    DictionaryEntry {
        /// 0 for the speaker, 1 for the background.
        source_index: usize,
        /// Row of the entry.
        component: usize,
        /// Column of the entry.
        bin: usize,
        /// The entry.
        value: f64,
    },
    /// The total power of a source is zero or overflows, so that no gain gives the mixture its
    /// signal-to-noise ratio.
    #[error(
        "source {source_index} has a total power of {power}: no gain gives the mixture its SNR"
    )]
    PowerOutOfRange {
        /// 0 for the speaker, 1 for the background.
        source_index: usize,
        /// The sum of all entries of V.
        power: f64,
    },
}

/// A mixture and the parts that it is made of. Spectrograms are frames x bins.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnMixture {
    /// x = s_1 + s_2 + eps.
    pub mixture: Array2<Complex64>,
    /// s_1, the speaker, and s_2, the background.
    pub sources: [Array2<Complex64>; 2],
    /// H_1 and H_2, frames x components. H_1 includes the gain that sets the signal-to-noise ratio,
    /// so that the powers of the sources are V_j = H_j W_j.
    pub activations: [Array2<f64>; 2],
}

/// Draws a mixture of a speaker and a background from the model, given their dictionaries
/// (components x bins).
///
/// H_1 and H_2 are drawn from Gamma(b, b), and the speaker's V_1 = H_1 W_1 is scaled to the wanted
/// signal-to-noise ratio. Then s_j ~ CN(0, V_j) and eps ~ CN(0, sigma^2) are drawn independently in
/// every frame and bin. With [`real_edges`](MixtureSettings::real_edges) the first and the last bin
/// are real, with N(0, V_j) and N(0, sigma^2).
///
/// One key is taken from `rng` for each of H_1, H_2, s_1, s_2 and eps. So another signal-to-noise
/// ratio or noise variance, or another dictionary of one source, does not change the other draws.
///
/// # Errors
/// When a setting is out of range, when a dictionary is empty or holds an entry that is negative or
/// not finite, when the dictionaries differ in their number of bins, or when the power of a source
/// is zero or overflows.
///
/// Source: Jaureguiberry, Vincent, Richard (2014), sections 2 and 4.1.
///
/// ```
/// use ndarray::Array2;
/// use synth::generative::{MixtureSettings, draw};
///
/// let speech = Array2::from_shape_fn((4, 65), |(k, f)| if f % (k + 2) == 0 { 1.0 } else { 0.01 });
/// let background = Array2::ones((2, 65));
/// let settings = MixtureSettings { frames: 10, snr_db: 3.0, ..Default::default() };
/// let mut rng = synth::stream(1, "mixture", &[0]);
/// let drawn = draw(speech.view(), background.view(), &settings, &mut rng)?;
/// assert_eq!(drawn.mixture.dim(), (10, 65));
///
/// let power = |j: usize, dictionary: &Array2<f64>| drawn.activations[j].dot(dictionary).sum();
/// let snr_db = 10.0 * (power(0, &speech) / power(1, &background)).log10();
/// assert!((snr_db - 3.0).abs() < 1e-9);
/// # Ok::<(), synth::generative::GenerativeError>(())
/// ```
#[expect(
    clippy::needless_pass_by_value,
    reason = "ndarray views are passed by value"
)]
pub fn draw(
    speech: ArrayView2<'_, f64>,
    background: ArrayView2<'_, f64>,
    settings: &MixtureSettings,
    rng: &mut impl Rng,
) -> Result<DrawnMixture, GenerativeError> {
    settings.validate()?;
    let streams = std::array::from_fn(|_| ChaCha8Rng::from_rng(rng));
    draw_from(speech, background, settings, streams)
}

/// [`draw`] from a stream each for `H_1`, `H_2`, `S_1`, `S_2` and the noise. It is compiled here,
/// once for all generators.
fn draw_from(
    speech: ArrayView2<'_, f64>,
    background: ArrayView2<'_, f64>,
    settings: &MixtureSettings,
    streams: [ChaCha8Rng; 5],
) -> Result<DrawnMixture, GenerativeError> {
    let dictionaries = [speech, background];
    for (source_index, dictionary) in dictionaries.iter().enumerate() {
        check_dictionary(source_index, dictionary)?;
    }
    if speech.ncols() != background.ncols() {
        return Err(GenerativeError::BinsDiffer {
            speech: speech.ncols(),
            background: background.ncols(),
        });
    }

    let prior = gamma_distribution(settings.activation_shape, settings.activation_shape)?;
    let [
        mut activation_1,
        mut activation_2,
        mut source_1,
        mut source_2,
        mut noise,
    ] = streams;
    let mut activations = [
        Array2::from_shape_simple_fn((settings.frames, speech.nrows()), || {
            activation_1.sample(prior)
        }),
        Array2::from_shape_simple_fn((settings.frames, background.nrows()), || {
            activation_2.sample(prior)
        }),
    ];

    let mut powers = [activations[0].dot(&speech), activations[1].dot(&background)];
    let totals = [powers[0].sum(), powers[1].sum()];
    for (source_index, power) in totals.into_iter().enumerate() {
        if !power.is_normal() {
            return Err(GenerativeError::PowerOutOfRange {
                source_index,
                power,
            });
        }
    }
    let gain = 10f64.powf(settings.snr_db / 10.0) * totals[1] / totals[0];
    if !gain.is_normal() {
        return Err(GenerativeError::Snr(settings.snr_db));
    }
    activations[0] *= gain;
    powers[0] *= gain;

    let sources = [
        draw_gaussian(&powers[0], settings.real_edges, &mut source_1),
        draw_gaussian(&powers[1], settings.real_edges, &mut source_2),
    ];
    let noise_power = Array2::from_elem(powers[0].dim(), settings.noise_variance);
    let mixture =
        &sources[0] + &sources[1] + draw_gaussian(&noise_power, settings.real_edges, &mut noise);
    Ok(DrawnMixture {
        mixture,
        sources,
        activations,
    })
}

/// Draws a rows x columns matrix from Gamma(shape, rate) and raises what is below `floor` to it.
///
/// It serves as the start of a dictionary that is to be estimated, with rows for components and
/// columns for bins. With a shape far below 1 the draws span many decades: they go down to about
/// 1e-80 for a shape of 0.2, and to zero below about 0.05. The floor is there for that.
///
/// # Errors
/// When the shape or the rate is not positive and finite.
///
/// ```
/// let mut rng = synth::stream(1, "start", &[0]);
/// let start = synth::gamma_matrix(0.2, 0.2, 16, 1025, 1e-10, &mut rng)?;
/// assert!(start.iter().all(|&value| value >= 1e-10));
/// # Ok::<(), synth::GenerativeError>(())
/// ```
pub fn gamma_matrix(
    shape: f64,
    rate: f64,
    rows: usize,
    columns: usize,
    floor: f64,
    rng: &mut dyn Rng,
) -> Result<Array2<f64>, GenerativeError> {
    let distribution = gamma_distribution(shape, rate)?;
    Ok(Array2::from_shape_simple_fn((rows, columns), || {
        rng.sample(distribution).max(floor)
    }))
}

fn gamma_distribution(shape: f64, rate: f64) -> Result<Gamma<f64>, GenerativeError> {
    for (name, value) in [("shape", shape), ("rate", rate)] {
        if !(value.is_finite() && value > 0.0) {
            return Err(GenerativeError::GammaParameter { name, value });
        }
    }
    Gamma::new(shape, rate.recip()).map_err(|_| GenerativeError::GammaParameter {
        name: "rate",
        value: rate,
    })
}

fn check_dictionary(
    source_index: usize,
    dictionary: &ArrayView2<'_, f64>,
) -> Result<(), GenerativeError> {
    if dictionary.is_empty() {
        return Err(GenerativeError::EmptyDictionary {
            source_index,
            components: dictionary.nrows(),
            bins: dictionary.ncols(),
        });
    }
    let wrong = dictionary
        .indexed_iter()
        .find(|&(_, &value)| !(value.is_finite() && value >= 0.0));
    match wrong {
        Some(((component, bin), &value)) => Err(GenerativeError::DictionaryEntry {
            source_index,
            component,
            bin,
            value,
        }),
        None => Ok(()),
    }
}

/// Draws circular complex Gaussian numbers with the given variances (frames x bins). If asked to,
/// it draws real numbers in the edge bins. Every bin takes two numbers from `rng`, so that the
/// edges do not shift the rest.
fn draw_gaussian(power: &Array2<f64>, real_edges: bool, rng: &mut impl Rng) -> Array2<Complex64> {
    let last = power.ncols() - 1;
    Array2::from_shape_fn(power.dim(), |(frame, bin)| {
        let variance = power[(frame, bin)];
        let [re, im]: [f64; 2] = [rng.sample(StandardNormal), rng.sample(StandardNormal)];
        if real_edges && (bin == 0 || bin == last) {
            Complex64::new(variance.sqrt() * re, 0.0)
        } else {
            (variance / 2.0).sqrt() * Complex64::new(re, im)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::stream;

    /// Sampling errors may reach five standard deviations. The seeds are fixed, and only a fault
    /// goes further than that.
    const DEVIATIONS: f64 = 5.0;

    fn settings() -> MixtureSettings {
        MixtureSettings {
            frames: 40,
            ..MixtureSettings::default()
        }
    }

    fn dictionaries() -> [Array2<f64>; 2] {
        [
            Array2::from_shape_fn((5, 33), |(k, f)| {
                1.0 / (1.0 + (f as f64 - 6.0 * k as f64).powi(2))
            }),
            Array2::from_shape_fn((3, 33), |(k, f)| 0.2 + ((f + k) % 4) as f64),
        ]
    }

    fn drawn(settings: &MixtureSettings, seed: u64) -> DrawnMixture {
        let [speech, background] = dictionaries();
        draw(
            speech.view(),
            background.view(),
            settings,
            &mut stream(seed, "test", &[]),
        )
        .unwrap()
    }

    #[test]
    fn mixture_is_the_sum_of_its_sources_without_noise() {
        let silent = MixtureSettings {
            noise_variance: 0.0,
            ..settings()
        };
        let drawn = drawn(&silent, 1);
        assert_eq!(drawn.mixture, &drawn.sources[0] + &drawn.sources[1]);
    }

    #[test]
    fn noise_has_its_variance_in_every_bin() {
        let variance = 0.3;
        let noisy = MixtureSettings {
            frames: 4000,
            noise_variance: variance,
            ..settings()
        };
        let drawn = drawn(&noisy, 2);
        let residual = &drawn.mixture - &drawn.sources[0] - &drawn.sources[1];
        for (bin, column) in residual.columns().into_iter().enumerate() {
            let mean = column.iter().map(Complex64::norm_sqr).sum::<f64>() / column.len() as f64;
            // The relative variance of |eps|^2, which is exponential, or at the real edges
            // chi-squared.
            let relative_variance: f64 = if bin == 0 || bin == column.len() - 1 {
                2.0
            } else {
                1.0
            };
            let error = (relative_variance / column.len() as f64).sqrt();
            assert!(
                (mean / variance - 1.0).abs() < DEVIATIONS * error,
                "bin {bin}: {mean}"
            );
        }
    }

    #[test]
    fn sources_have_the_power_of_the_model() {
        let long = MixtureSettings {
            frames: 4000,
            ..settings()
        };
        let drawn = drawn(&long, 3);
        for (dictionary, (activations, source)) in dictionaries()
            .iter()
            .zip(drawn.activations.iter().zip(&drawn.sources))
        {
            let power = activations.dot(dictionary);
            for bin in 0..power.ncols() {
                let ratios =
                    power.column(bin).into_owned() / &source.column(bin).mapv(|s| s.norm_sqr());
                let mean = ratios.mapv(f64::recip).mean().unwrap();
                let relative_variance: f64 = if bin == 0 || bin == power.ncols() - 1 {
                    2.0
                } else {
                    1.0
                };
                let error = (relative_variance / power.nrows() as f64).sqrt();
                assert!((mean - 1.0).abs() < DEVIATIONS * error, "bin {bin}: {mean}");
            }
            // Circular: E[s^2] = 0 away from the edges.
            let mut pseudo = Complex64::ZERO;
            for frame in 0..power.nrows() {
                pseudo += source[(frame, 5)].powi(2) / power[(frame, 5)];
            }
            assert!(
                pseudo.norm() < DEVIATIONS * (power.nrows() as f64).sqrt(),
                "{pseudo}"
            );
        }
    }

    #[test]
    fn signal_to_noise_ratio_is_exact() {
        for snr_db in [-6.0, 0.0, 9.0] {
            let drawn = drawn(
                &MixtureSettings {
                    snr_db,
                    ..settings()
                },
                4,
            );
            let [speech, background] = dictionaries();
            let ratio = drawn.activations[0].dot(&speech).sum()
                / drawn.activations[1].dot(&background).sum();
            assert!((10.0 * ratio.log10() - snr_db).abs() < 1e-10);
        }
    }

    #[test]
    fn another_ratio_scales_the_speaker_and_leaves_the_rest() {
        let quiet = drawn(&settings(), 5);
        let loud = drawn(
            &MixtureSettings {
                snr_db: 20.0,
                ..settings()
            },
            5,
        );
        assert_eq!(quiet.sources[1], loud.sources[1]);
        for (a, b) in quiet.sources[0].iter().zip(&loud.sources[0]) {
            assert!((a * 10.0 - b).norm() <= 1e-12 * b.norm());
        }
    }

    #[test]
    fn edges_are_real_only_when_asked_for() {
        let real = drawn(&settings(), 6);
        let complex = drawn(
            &MixtureSettings {
                real_edges: false,
                ..settings()
            },
            6,
        );
        for frame in 0..40 {
            for bin in [0, 32] {
                assert_eq!(real.mixture[(frame, bin)].im.to_bits() << 1, 0);
                assert!(complex.mixture[(frame, bin)].im.abs() > 0.0);
            }
            assert_eq!(real.mixture[(frame, 7)], complex.mixture[(frame, 7)]);
        }
    }

    #[test]
    fn activations_have_the_moments_of_their_prior() {
        // Gamma(b, b): mean 1, variance 1/b, E[log h] = digamma(b) - log b.
        let b = 0.2;
        let draws = gamma_matrix(b, b, 200, 500, 0.0, &mut stream(7, "test", &[])).unwrap();
        let n = draws.len() as f64;
        let mean = draws.sum() / n;
        assert!(
            (mean - 1.0).abs() < DEVIATIONS * (1.0 / (b * n)).sqrt(),
            "{mean}"
        );
        let variance = draws.mapv(|h| (h - 1.0).powi(2)).sum() / n;
        // Var[(h-1)^2] = 3/b^2 (1 + 2 b) - 1/b^2 for Gamma(b, b).
        let error = ((3.0 * (1.0 + 2.0 / b) - 1.0) / (b * b * n)).sqrt();
        assert!(
            (variance - 1.0 / b).abs() < DEVIATIONS * error,
            "{variance}"
        );
        // digamma(0.2) = -5.2890398965921883, trigamma(0.2) = 26.267377258, by mpmath.
        let log_mean = draws.mapv(f64::ln).sum() / n;
        let expected = -5.289_039_896_592_188 - b.ln();
        assert!(
            (log_mean - expected).abs() < DEVIATIONS * (26.267_377 / n).sqrt(),
            "{log_mean}"
        );
    }

    #[test]
    fn gamma_matrix_respects_floor_and_rate() {
        let floored = gamma_matrix(0.2, 0.2, 100, 100, 1e-3, &mut stream(8, "test", &[])).unwrap();
        assert!(floored.iter().all(|&value| value >= 1e-3));
        let scaled = gamma_matrix(0.2, 0.1, 100, 100, 0.0, &mut stream(8, "test", &[])).unwrap();
        for (a, b) in floored.iter().zip(&scaled) {
            assert!(a <= &1e-3 || (b / a - 2.0).abs() < 1e-12);
        }
    }

    #[test]
    fn bad_settings_are_named() {
        let [speech, background] = dictionaries();
        let outcome = |settings: MixtureSettings| {
            draw(
                speech.view(),
                background.view(),
                &settings,
                &mut stream(1, "test", &[]),
            )
            .unwrap_err()
        };
        assert_eq!(
            outcome(MixtureSettings {
                frames: 0,
                ..settings()
            }),
            GenerativeError::NoFrames
        );
        assert_eq!(
            outcome(MixtureSettings {
                activation_shape: 0.0,
                ..settings()
            }),
            GenerativeError::ActivationShape(0.0)
        );
        assert_eq!(
            outcome(MixtureSettings {
                snr_db: f64::INFINITY,
                ..settings()
            }),
            GenerativeError::Snr(f64::INFINITY)
        );
        assert_eq!(
            outcome(MixtureSettings {
                snr_db: 1e9,
                ..settings()
            }),
            GenerativeError::Snr(1e9)
        );
        assert_eq!(
            outcome(MixtureSettings {
                noise_variance: -1.0,
                ..settings()
            }),
            GenerativeError::NoiseVariance(-1.0)
        );
    }

    #[test]
    fn bad_dictionaries_are_named() {
        let [speech, background] = dictionaries();
        let outcome = |speech: &Array2<f64>, background: &Array2<f64>| {
            draw(
                speech.view(),
                background.view(),
                &settings(),
                &mut stream(1, "test", &[]),
            )
            .unwrap_err()
        };
        assert_eq!(
            outcome(&speech, &Array2::ones((2, 32))),
            GenerativeError::BinsDiffer {
                speech: 33,
                background: 32
            }
        );
        assert_eq!(
            outcome(&speech, &Array2::ones((0, 33))),
            GenerativeError::EmptyDictionary {
                source_index: 1,
                components: 0,
                bins: 33
            }
        );
        assert_eq!(
            outcome(&Array2::zeros((2, 33)), &background),
            GenerativeError::PowerOutOfRange {
                source_index: 0,
                power: 0.0
            }
        );
        let mut negative = background;
        negative[(2, 4)] = -0.5;
        assert_eq!(
            outcome(&speech, &negative),
            GenerativeError::DictionaryEntry {
                source_index: 1,
                component: 2,
                bin: 4,
                value: -0.5
            }
        );
    }
}
