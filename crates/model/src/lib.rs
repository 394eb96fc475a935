//! Variational Bayesian NMF with a posterior over the number of components.
//!
//! A single-channel mixture is the sum of sources whose short-time Fourier coefficients are complex
//! Gaussian, with a variance factored as dictionary times activations. The number of components of
//! a source is a random variable: several orders are held at once, each with its own dictionary,
//! and averaged under a posterior whose entropy a factor `beta` controls.
//!
//! Source: X. Jaureguiberry, E. Vincent, G. Richard, "Variational Bayesian model averaging for
//! audio source separation", IEEE SSP (2014). Equation numbers in these pages are that paper's;
//! `NOTATION.md` in the repository maps its symbols to names.
//!
//! | module | the paper's object |
//! |---|---|
//! | [`itakura_saito`] | maximum-likelihood training of the dictionaries (section 4.1) |
//! | [`SourceModel`], [`Dictionary`] | a source with its orders `K_jm`, eq. (3) to (5) |
//! | [`Inference`], [`Settings`] | `q(S)`, `q(W\|K)`, `q(H\|K)`, `q(K)`, eq. (15) to (18) |
//! | [`gig`] | the expectations of the generalised inverse Gaussian, eq. (17) |
//! | [`tempered_posterior`] | the posterior over the order, eq. (18) |
//! | [`fusion`] | VB selection, oracle selection, fusion by mean (section 4.2), by evidence |
//! | [`plain`] | the same inference, plain and slow, to be read beside the paper |
//! | [`Posterior`] | what the sources' posterior depends on; beyond the paper, on the orders |
//! | [`ActivationStart`] | the "constants" at which activations start (section 4.2) |
//! | [`level`] | the scale at which the model meets a recording |
//!
//! Shapes are frames x bins for spectrograms, components x bins for dictionaries and frames x
//! components for activations. The free energy is *maximised*, the training cost *minimised*.
//!
//! # Separating a mixture
//!
//! ```
//! use std::sync::Arc;
//!
//! use model::itakura_saito::{self, TrainingSettings};
//! use model::{Complex64, Precision, Settings, SourceModel, fusion, separate};
//! use ndarray::Array2;
//! use rand::SeedableRng;
//!
//! // Dictionaries of the speaker at three orders, from training power, frames x bins.
//! let training = Array2::from_shape_fn((60, 17), |(n, f)| 0.1 + ((n % 5) * f % 7) as f64);
//! let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
//! let mut dictionaries = Vec::new();
//! for order in [1, 2, 4] {
//!     let (iterations, precision) = (30, Precision::F32);
//!     let settings = TrainingSettings { order, iterations, precision };
//!     let trained = itakura_saito::train(training.view(), &settings, &mut rng)?;
//!     dictionaries.push(Arc::new(trained.dictionary));
//! }
//!
//! // VB fusion: all orders of the speaker at once, a background to be estimated beside them.
//! let mixture = Array2::from_shape_fn((20, 17), |(n, f)| Complex64::new(n as f64, f as f64));
//! let background = SourceModel::estimated(Array2::from_elem((2, 17), 1.0))?;
//! let speaker = SourceModel::known(dictionaries.clone());
//! let fused = separate(mixture.view(), &[speaker, background.clone()], Settings::default())?;
//! assert_eq!(fused.order_posterior[0].len(), 3);
//!
//! // VB selection: one run per order, of which the largest free energy is kept.
//! let mut runs = Vec::new();
//! for dictionary in dictionaries {
//!     let sources = [SourceModel::known([dictionary]), background.clone()];
//!     runs.push(separate(mixture.view(), &sources, Settings::default())?);
//! }
//! let free_energies: Vec<f64> = runs.iter().map(|run| run.free_energy).collect();
//! let selected = fusion::vb_selection(&free_energies).unwrap();
//! assert_eq!(runs[selected].estimates[0].dim(), (20, 17));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Numbers
//!
//! Products add up in an order of their own, whatever the registers: bin after bin and frame after
//! frame, in fixed blocks, tiles and slabs, with fused multiply-adds throughout. Results are the
//! same bytes on AVX2, AVX-512 and NEON, for any number of threads. `C` and `V` begin at 1e-100 in
//! every bin, far below any datum. Where one is below 1e-30, single precision falls back on double.

mod activation_start;
mod combinations;
mod dictionary;
mod error;
mod free_energy;
pub mod fusion;
pub mod gig;
mod inference;
pub mod itakura_saito;
mod kernel;
pub mod level;
mod observer;
mod order_posterior;
pub mod plain;
mod problem;
mod range;
mod separation;
mod settings;
mod source;
mod stopping;

pub use activation_start::{ACTIVATION_START, ActivationStart, ParseActivationStartError};
pub use combinations::{MOST_COMBINATIONS, enumerate_combinations};
pub use dictionary::{Dictionary, DictionaryError, DictionaryStart};
pub use error::ModelError;
pub use gig::{Gig, GigError};
pub use inference::{Inference, separate};
/// The numbers of spectrograms.
pub use num_complex::Complex64;
pub use observer::{FreeEnergyTrace, Observer, Progress};
pub use order_posterior::{entropy, tempered_posterior};
pub use separation::{FactorExpectations, OrderEstimate, Separation};
pub use settings::{Acceleration, Execution, Posterior, Precision, Settings, Tempering};
pub use source::{DictionaryModel, SourceModel};
