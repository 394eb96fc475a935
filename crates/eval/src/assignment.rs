//! Matching estimates with references, so that their order does not matter.

/// The most sources that can be matched: the search keeps a state for each of 2^20 subsets.
pub(crate) const MOST_SOURCES: usize = 20;

/// Larger than any ratio of doubles in dB, so that infinite gains can be added up.
const GREATEST_DB: f64 = 1e4;

/// Finds the assignment with the greatest sum of `gain_db(estimate, target)`: element j of the
/// result is the estimate of target j.
///
/// The method is dynamic programming over the subsets of estimates that are left for the last
/// targets. Of assignments with equal sums, the lexicographically first is returned. `sources` is
/// at most [`MOST_SOURCES`].
pub(crate) fn find_best_assignment(
    sources: usize,
    gain_db: impl Fn(usize, usize) -> f64,
) -> Vec<usize> {
    let full = (1_usize << sources) - 1;
    // best[free] is the greatest gain of giving the estimates in the bit set `free` to the last
    // targets, choice[free] the estimate that the first of these targets gets.
    let mut best = vec![0.0; full + 1];
    let mut choice = vec![0; full + 1];
    for free in 1..=full {
        let target = sources - free.count_ones() as usize;
        best[free] = f64::NEG_INFINITY;
        for estimate in (0..sources).filter(|estimate| free >> estimate & 1 == 1) {
            let gain = gain_db(estimate, target).clamp(-GREATEST_DB, GREATEST_DB)
                + best[free & !(1 << estimate)];
            if gain > best[free] {
                best[free] = gain;
                choice[free] = estimate;
            }
        }
    }
    let mut free = full;
    (0..sources)
        .map(|_| {
            let estimate = choice[free];
            free &= !(1 << estimate);
            estimate
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_greatest_sum_not_the_greedy_one() {
        let gains = [[10.0, 9.0, 0.0], [9.0, 0.0, 0.0], [0.0, 0.0, 1.0]];
        assert_eq!(
            find_best_assignment(3, |estimate, target| gains[estimate][target]),
            [1, 0, 2]
        );
    }

    #[test]
    fn equal_or_infinite_gains_keep_the_order() {
        assert_eq!(find_best_assignment(4, |_, _| f64::INFINITY), [0, 1, 2, 3]);
        assert_eq!(find_best_assignment(3, |_, _| f64::NEG_INFINITY), [0, 1, 2]);
        assert_eq!(find_best_assignment(0, |_, _| 0.0), [0; 0]);
    }
}
