//! Seeded speech, domestic noise and mixtures drawn from the generative model.

mod articulation;
mod filter;
mod formant;
pub mod generative;
mod grid;
mod phone;
mod room;
mod speaker;
mod speech;
mod stream;

pub use generative::{DrawnMixture, GenerativeError, MixtureSettings, gamma_matrix};
pub use grid::{Sentence, SentenceError, SentenceOrder};
pub use phone::Phone;
pub use room::{Room, RoomError, add_noise_floor};
pub use speaker::{Sex, Speaker};
pub use speech::{Speech, SpeechError, Utterance};
pub use stream::stream;

/// Sample rate of everything this crate sounds.
pub const SAMPLE_RATE_HZ: u32 = 16_000;
