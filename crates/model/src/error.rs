//! What can be wrong with a model, its settings or its mixture.

use crate::gig::GigError;

/// Why a model or an inference could not be set up.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// No frame or no bin.
    #[error("the mixture is empty: {frames} frames x {bins} bins")]
    EmptyMixture {
        /// Frames given.
        frames: usize,
        /// Bins given.
        bins: usize,
    },
    /// A mixture coefficient that is not finite or beyond 1e50, where its power divided by the
    /// square of the variance floor would overflow.
    #[error("the mixture is not finite or above 1e50 at frame {frame}, bin {bin}")]
    NotFinite {
        /// Frame of the coefficient.
        frame: usize,
        /// Bin of the coefficient.
        bin: usize,
    },
    /// No source.
    #[error("there is no source to separate")]
    NoSource,
    /// A source without any order.
    #[error("source {source_index} has no order")]
    NoOrder {
        /// Position of the source.
        source_index: usize,
    },
    /// A dictionary whose bins are not the mixture's.
    #[error(
        "order {order_index} of source {source_index} has {found} bins, the mixture {expected}"
    )]
    BinsDiffer {
        /// Position of the source.
        source_index: usize,
        /// Position of the order.
        order_index: usize,
        /// Bins of the dictionary.
        found: usize,
        /// Bins of the mixture.
        expected: usize,
    },
    /// A prior that is not one positive number per order with sum 1.
    #[error(
        "the prior over {orders} orders must be as many positive numbers of sum 1, got {prior:?}"
    )]
    InvalidPrior {
        /// Number of the source's orders.
        orders: usize,
        /// What was given.
        prior: Vec<f64>,
    },
    /// More combinations of the sources' orders than the structured posterior takes.
    #[error(
        "{combinations} combinations of orders are too many for the structured posterior, which \
         takes {most}: give fewer orders, or choose the factorised one"
    )]
    TooManyCombinations {
        /// The product of the sources' numbers of orders.
        combinations: usize,
        /// The largest number allowed.
        most: usize,
    },
    /// A balanced start of the activations, which takes the mixture's level, with a silent mixture.
    #[error("the mixture is silent: a balanced start of the activations has no level to take")]
    SilentMixture,
    /// A setting outside its range.
    #[error("{name} must be {allowed}, got {value}")]
    OutOfRange {
        /// Name of the setting.
        name: &'static str,
        /// What is allowed.
        allowed: &'static str,
        /// What was given.
        value: f64,
    },
    /// A prior shape for which the GIG expectations cannot be tabulated.
    #[error(transparent)]
    Gig(#[from] GigError),
}
