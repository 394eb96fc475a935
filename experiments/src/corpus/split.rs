//! Which utterances generate and which estimate.

use anyhow::{Result, ensure};
use rand::seq::SliceRandom;

use super::Corpus;

/// Indices of the utterances of the two sides; they never share one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Behind the dictionaries that draw the observations.
    pub generation: Vec<usize>,
    /// Behind the dictionaries that separate them.
    pub estimation: Vec<usize>,
}

/// Splits a corpus at random.
///
/// # Errors
/// Fewer utterances than two sides need.
pub fn split(corpus: &dyn Corpus, per_side: usize, seed: u64) -> Result<Split> {
    let (available, needed) = (corpus.utterances(), 2 * per_side);
    ensure!(
        available >= needed,
        "too few utterances: the corpus ({}) has {available}, and `training.utterances_per_side = \
         {per_side}` needs {needed} ({per_side} for generation and {per_side} others for \
         estimation)",
        corpus.description(),
    );
    let mut order: Vec<usize> = (0..available).collect();
    order.shuffle(&mut synth::stream(seed, "split", &[]));
    Ok(Split {
        generation: order[..per_side].to_vec(),
        estimation: order[per_side..needed].to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counted(usize);

    impl Corpus for Counted {
        fn description(&self) -> String {
            "counted".to_owned()
        }
        fn utterances(&self) -> usize {
            self.0
        }
        fn utterance(&self, _: usize) -> Result<Vec<f64>> {
            Ok(Vec::new())
        }
        fn background(&self, _: f64) -> Result<Vec<f64>> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn sides_are_disjoint_and_depend_on_the_seed() {
        let first = split(&Counted(50), 20, 1).unwrap();
        let mut all = [first.generation.clone(), first.estimation.clone()].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 40);
        assert_eq!(first, split(&Counted(50), 20, 1).unwrap());
        assert_ne!(first, split(&Counted(50), 20, 2).unwrap());
    }

    #[test]
    fn too_few_says_how_many_there_are_and_are_needed() {
        let error = split(&Counted(39), 20, 1).unwrap_err().to_string();
        assert!(
            error.contains("has 39") && error.contains("needs 40"),
            "{error}"
        );
    }
}
