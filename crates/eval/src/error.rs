//! The reasons why a score or a statistic has no value.

/// Why a separation metric has no value for these signals.
///
/// A metric that returns `Ok` never returns NaN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// No reference was given.
    #[error("there are no reference signals")]
    NoReferences,
    /// The distortion filters have no taps.
    #[error("the distortion filters must have at least one tap")]
    NoFilterTaps,
    /// The linear system of the distortion filters would be too large.
    #[error("distortion filters of {unknowns} taps in all cannot be solved for: at most {most}")]
    TooManyTaps {
        /// Taps of all filters that are solved for together.
        unknowns: usize,
        /// The largest number that is allowed.
        most: usize,
    },
    /// The target is not the index of a reference.
    #[error("target {target} does not exist: there are {references} references")]
    NoSuchTarget {
        /// The index that was asked for.
        target: usize,
        /// Number of references.
        references: usize,
    },
    /// The numbers of estimates and references differ.
    #[error("{estimates} estimates cannot be matched with {references} references")]
    CountMismatch {
        /// Number of references.
        references: usize,
        /// Number of estimates.
        estimates: usize,
    },
    /// Too many sources to search for the best permutation: the time and memory for that grow
    /// exponentially with their number.
    #[error("the best permutation of {sources} sources cannot be found: at most {most} sources")]
    TooManySources {
        /// Number of sources.
        sources: usize,
        /// The largest number that is allowed.
        most: usize,
    },
    /// A signal differs in length from the first reference.
    #[error("a signal has {found} samples instead of {expected}")]
    LengthMismatch {
        /// Length of the first reference, in samples.
        expected: usize,
        /// Length of the signal, in samples.
        found: usize,
    },
    /// The signals are so short that filtered references could match any estimate.
    #[error("{samples} samples are too few to score: at least {needed} are needed")]
    TooShort {
        /// Length of the references, in samples.
        samples: usize,
        /// The smallest length that can be scored.
        needed: usize,
    },
    /// A reference holds NaN or an infinity.
    #[error("sample {sample} of reference {index} is not finite")]
    ReferenceNotFinite {
        /// Index of the reference.
        index: usize,
        /// Index of the first such sample.
        sample: usize,
    },
    /// The estimate holds NaN or an infinity.
    #[error("sample {sample} of the estimate is not finite")]
    EstimateNotFinite {
        /// Index of the first such sample.
        sample: usize,
    },
    /// A reference is zero throughout.
    #[error("reference {index} is silent")]
    SilentReference {
        /// Index of the reference.
        index: usize,
    },
    /// The estimate is zero throughout.
    #[error("the estimate is silent")]
    SilentEstimate,
    /// The delayed references are linearly dependent to working precision, so that the distortion
    /// filters are not determined: two references are equal up to a filter, or one is a pure tone.
    #[error("the delayed references are linearly dependent, so the score is undefined")]
    Singular,
}

/// Why a statistic of these observations has no value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StatisticsError {
    /// There are too few observations to estimate their spread.
    #[error("{found} observations are too few: at least {needed} are needed")]
    TooFew {
        /// Number of observations.
        found: usize,
        /// The smallest number that will do.
        needed: usize,
    },
    /// The two lists of paired observations differ in length.
    #[error("{first} and {second} observations cannot be paired")]
    LengthMismatch {
        /// Length of the first list.
        first: usize,
        /// Length of the second list.
        second: usize,
    },
    /// An observation is NaN or infinite.
    #[error("observation {index} is not finite")]
    NotFinite {
        /// Index of the first such observation.
        index: usize,
    },
    /// The observations are so large that their sum could overflow.
    #[error("the observations are so large that their sum could overflow")]
    Overflow,
    /// The confidence level is not between 0 and 1.
    #[error("a confidence must lie between 0 and 1, not {0}")]
    Confidence(f64),
    /// A bootstrap or a random test needs at least one resample.
    #[error("at least one resample is needed")]
    NoResamples,
    /// The weights are not proportional to a probability distribution.
    #[error("the weights must be finite, not negative and not all zero")]
    NotADistribution,
}
