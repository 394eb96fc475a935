//! Why a score or a statistic cannot be given.

/// Why a separation metric has no value for these signals.
///
/// A metric that returns `Ok` never holds NaN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// There is no reference to compare with.
    #[error("there are no reference signals")]
    NoReferences,
    /// A distortion filter of no taps.
    #[error("the distortion filters must have at least one tap")]
    NoFilterTaps,
    /// The target is not the index of a reference.
    #[error("target {target} does not exist: there are {references} references")]
    NoSuchTarget {
        /// The index asked for.
        target: usize,
        /// How many references there are.
        references: usize,
    },
    /// As many estimates as references are needed.
    #[error("{estimates} estimates cannot be matched with {references} references")]
    CountMismatch {
        /// How many references there are.
        references: usize,
        /// How many estimates there are.
        estimates: usize,
    },
    /// The search for the best assignment takes time and memory exponential in the sources.
    #[error("the best order of {sources} sources cannot be searched for: at most {most}")]
    TooManySources {
        /// How many sources there are.
        sources: usize,
        /// How many can be searched.
        most: usize,
    },
    /// Every signal must have as many samples as the first reference.
    #[error("a signal has {found} samples where {expected} are needed")]
    LengthMismatch {
        /// Samples of the first reference.
        expected: usize,
        /// Samples of the signal.
        found: usize,
    },
    /// So few samples that filtered references could match any estimate.
    #[error("{samples} samples are too few to score: at least {needed} are needed")]
    TooShort {
        /// Samples of the references.
        samples: usize,
        /// The smallest number that can be scored.
        needed: usize,
    },
    /// A reference holds NaN or an infinity.
    #[error("sample {sample} of reference {index} is not finite")]
    ReferenceNotFinite {
        /// Which reference.
        index: usize,
        /// The first such sample.
        sample: usize,
    },
    /// The estimate holds NaN or an infinity.
    #[error("sample {sample} of the estimate is not finite")]
    EstimateNotFinite {
        /// The first such sample.
        sample: usize,
    },
    /// A reference is zero throughout.
    #[error("reference {index} is silent")]
    SilentReference {
        /// Which reference.
        index: usize,
    },
    /// The estimate is zero throughout.
    #[error("the estimate is silent")]
    SilentEstimate,
    /// Delayed references are linearly dependent to working precision, so that no distortion
    /// filter is determined: two references are equal up to a filter, or one is a pure tone.
    #[error("the delayed references are linearly dependent, so the score is undefined")]
    Singular,
}

/// Why a statistic of these observations cannot be given.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StatisticsError {
    /// Too few observations to say anything about their spread.
    #[error("{found} observations are too few: at least {needed} are needed")]
    TooFew {
        /// How many there are.
        found: usize,
        /// How many are needed.
        needed: usize,
    },
    /// Pairs need two lists of one length.
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
        /// The first such observation.
        index: usize,
    },
    /// A confidence outside (0, 1).
    #[error("a confidence must lie between 0 and 1, not {0}")]
    Confidence(f64),
    /// A bootstrap or a random test of no resamples.
    #[error("at least one resample is needed")]
    NoResamples,
    /// Weights that no distribution is proportional to.
    #[error("the weights must be finite, not negative and not all zero")]
    NotADistribution,
}
