//! Correlations of signals with each other at a few lags, and the Gram matrices of their delayed
//! copies.

use std::ops::Range;

use crate::MetricError;
use crate::sections::{Sections, Spectra};
use crate::solver::Gram;

/// The largest linear system that is solved, whose matrix takes 8 GiB. It bounds what a mistaken
/// number of taps can ask for.
const MOST_UNKNOWNS: usize = 1 << 15;

/// The correlations of all pairs of some signals at the lags from 0 to `taps` - 1.
pub(crate) struct Correlations {
    taps: usize,
    /// `values[j][i][l]` = sum_t s_i\[t\] s_j\[t + l\].
    values: Vec<Vec<Vec<f64>>>,
}

impl Correlations {
    /// `spectra`: of `signals` times `scales`, by the same `sections`.
    pub(crate) fn new(
        sections: &Sections,
        taps: usize,
        signals: &[&[f64]],
        scales: &[f64],
        spectra: &[&Spectra],
    ) -> Self {
        let values = signals
            .iter()
            .zip(scales)
            .map(|(signal, &scale)| sections.correlate(signal, scale, spectra))
            .collect();
        Self { taps, values }
    }

    /// Factors the system of the delayed copies of some neighbouring signals, by their indices: a
    /// Toeplitz block for each pair.
    ///
    /// # Errors
    /// When the copies are linearly dependent, or when there are too many.
    pub(crate) fn factor_gram(&self, signals: Range<usize>) -> Result<Gram, MetricError> {
        let unknowns = self.taps.saturating_mul(signals.len());
        check_unknowns(unknowns)?;
        Gram::factor(unknowns, |i, row| self.fill_row(&signals, i, row))
    }

    /// Writes row `i` of the system from its diagonal on.
    ///
    /// Row p L + a and column q L + b hold the product of signal p delayed by a with signal q
    /// delayed by b. This is their correlation at lag a - b.
    fn fill_row(&self, signals: &Range<usize>, i: usize, row: &mut [f64]) {
        let (p, a) = (signals.start + i / self.taps, i % self.taps);
        let (diagonal, others) = row.split_at_mut(self.taps - a);
        diagonal.copy_from_slice(&self.values[p][p][..self.taps - a]);
        for (q, block) in (p + 1..signals.end).zip(others.chunks_exact_mut(self.taps)) {
            let (before, after) = block.split_at_mut(a);
            for (value, lag) in before.iter_mut().zip((1..=a).rev()) {
                *value = self.values[q][p][lag];
            }
            after.copy_from_slice(&self.values[p][q][..self.taps - a]);
        }
    }
}

/// Refuses systems that no memory holds.
pub(crate) fn check_unknowns(unknowns: usize) -> Result<(), MetricError> {
    if unknowns <= MOST_UNKNOWNS {
        Ok(())
    } else {
        Err(MetricError::TooManyTaps {
            unknowns,
            most: MOST_UNKNOWNS,
        })
    }
}
