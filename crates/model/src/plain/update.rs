//! The names of the coordinate updates.

/// One coordinate update: a factor of the variational posterior, with all others held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// `q(S)`.
    Sources,
    /// `q(W_jm | K_jm)`.
    Dictionary {
        /// Position `j` of the source.
        source: usize,
        /// Position `m` of the order.
        order: usize,
    },
    /// `q(H_jm | K_jm)`.
    Activations {
        /// Position `j` of the source.
        source: usize,
        /// Position `m` of the order.
        order: usize,
    },
    /// `q(K)` of all sources.
    OrderPosterior,
}
