//! The model said plainly: one method per coordinate update, its equation quoted beside it.
//!
//! [`Inference`](crate::Inference) runs the same updates tile by tile with SIMD, tens of times
//! faster. The plain models hold every frames x bins matrix, compute them with matrix products and
//! loops over single entries, and let each update be made on its own. They are where to read the
//! method, where to try a variation of it, and the twins that the fast path is tested against: both
//! agree to 1e-9 after the same iterations.
//!
//! | | `q` | |
//! |---|---|---|
//! | [`PlainModel`] | `q(S) q(W\|K) q(H\|K) prod_j q(K_j)` | the paper's |
//! | [`StructuredModel`] | `q(S\|K) q(W\|K) q(H\|K) q(K)` | beyond the paper |
//!
//! Matrices are the transposes of the paper's: `V_jm`, `C_jm` and the sources are frames x bins,
//! dictionaries components x bins, activations frames x components. `G(z)` is the harmonic
//! expectation `1 / E[1/z]`, which stays finite where a component is switched off.
//!
//! Source: Jaureguiberry, Vincent, Richard (2014), sections 2 and 3.

mod factorised;
mod order;
mod source_posterior;
mod structured;
mod update;

pub use factorised::PlainModel;
pub use order::GigParameters;
pub use structured::StructuredModel;
pub use update::Update;
