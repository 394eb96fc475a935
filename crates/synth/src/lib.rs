//! Seeded speech, domestic noise and mixtures drawn from the generative model.

pub mod generative;
mod stream;

pub use generative::{DrawnMixture, GenerativeError, MixtureSettings, gamma_matrix};
pub use stream::stream;
