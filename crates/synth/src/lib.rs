//! Seeded speech, domestic noise and mixtures drawn from the generative model.
//!
//! All the sounds that a separation experiment needs, made from a seed and without any files:
//!
//! | what | where |
//! |---|---|
//! | the random numbers of one cell of an experiment | [`stream`](stream()) |
//! | thirty-four speakers who read Grid sentences in a room | [`Speech`], [`Sentence`] |
//! | the room itself, for other sounds | [`Room`], [`add_noise_floor`] |
//! | the hum, appliances, clatter, music and talk of a home | [`background`](background()) |
//! | mixtures drawn from the generative model of the separation | [`generative`] |
//!
//! All sounds are mono at [`SAMPLE_RATE_HZ`], with a full scale of 1.
//!
//! # Example
//!
//! A speaker in the noise of a home, at an SNR of 3 dB:
//!
//! ```
//! let seed = 1;
//! let speech = synth::Speech::new(seed);
//! let utterance = speech.utterance(12, 0)?;
//! println!("{} ({})", utterance.sentence, utterance.sentence.code());
//!
//! let seconds = utterance.samples.len() as f64 / f64::from(synth::SAMPLE_RATE_HZ);
//! let noise = synth::background(seconds, &mut synth::stream(seed, "background", &[0]))?;
//!
//! let energy = |samples: &[f64]| samples.iter().map(|x| x * x).sum::<f64>();
//! let gain = (energy(&utterance.samples) / energy(&noise) / 10f64.powf(3.0 / 10.0)).sqrt();
//! let mixture: Vec<f64> =
//!     utterance.samples.iter().zip(&noise).map(|(speech, noise)| speech + gain * noise).collect();
//! # assert!(mixture.iter().all(|x| x.abs() < 1.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is promised
//!
//! The same seed gives the same numbers, whatever else is drawn, in whatever order and on however
//! many threads. The random integers are the same on every platform. The sounds and matrices made
//! from them pass through exponentials, logarithms, sines and matrix products, whose last bits may
//! differ between platforms and processors.
//!
//! # What is not promised
//!
//! The speech is a stand-in for recordings, not a replacement. Its timing, melody, formants, noises
//! and spectrum are those of speech, and its speakers differ in the ways that speakers do, but it
//! is more regular than people are.

mod articulation;
mod background;
mod filter;
mod formant;
pub mod generative;
mod grid;
mod phone;
mod room;
mod sample_rate;
mod speaker;
mod speech;
mod stream;

pub use background::{BackgroundError, background};
pub use generative::{DrawnMixture, GenerativeError, MixtureSettings, gamma_matrix};
pub use grid::{Sentence, SentenceError};
pub use room::{Room, RoomError, add_noise_floor};
pub use sample_rate::SAMPLE_RATE_HZ;
pub use speaker::{Sex, Speaker};
pub use speech::{Speech, SpeechError, Utterance};
pub use stream::stream;

/// Runs the example in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;
