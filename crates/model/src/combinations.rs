//! The posterior over the orders of all sources at once, `q(K)` with `K = (K_1, ..., K_J)`.
//!
//! The structured posterior keeps `q(S)` conditional on the orders, and so its `q(K)` is joint: one
//! weight per combination of an order of each source. With one source of several orders the
//! combinations are these orders.

use crate::error::ModelError;
use crate::order_posterior::{entropy, tempered_posterior};
use crate::source::SourceModel;

/// Largest number of combinations. The work on each bin and frame grows with it, the matrix
/// products do not.
pub const MOST_COMBINATIONS: usize = 256;

/// All combinations of an order of each source, by the orders' positions, those of the last source
/// varying fastest.
#[must_use]
pub fn enumerate_combinations(order_counts: &[usize]) -> Vec<Vec<usize>> {
    let extend = |combinations: Vec<Vec<usize>>, &orders: &usize| {
        let extended = combinations.into_iter().flat_map(|combination| {
            (0..orders).map(move |order| [&combination[..], &[order]].concat())
        });
        extended.collect()
    };
    order_counts.iter().fold(vec![Vec::new()], extend)
}

/// `q(K)` over all combinations of orders.
#[derive(Debug, Clone)]
pub(crate) struct Combinations {
    beta: f64,
    /// Number of orders of each source.
    order_counts: Vec<usize>,
    /// The order of each source, combination by combination.
    orders: Vec<Vec<usize>>,
    /// `sum_j log pi_{j K_j}`.
    log_prior: Vec<f64>,
    /// `q(K)`.
    posterior: Vec<f64>,
    /// `q(K | K_j = m)` per source and order, over the combinations that have it.
    conditional: Vec<Vec<Vec<Weighted>>>,
    /// The same per combination and source.
    shares: Vec<Vec<Share>>,
}

/// What a combination is among those that have the same order of a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    /// `q(K | K_j = m)`.
    pub(crate) weight: f64,
    pub(crate) is_first: bool,
}

/// `log q~(K)` in nats but for the prior, in its parts. An order far from its prior alone has 1e12
/// nats, so where a part is the same for all that is compared it must not be added: the
/// differences, and so `q(K)`, would lose their digits in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogPosterior {
    /// What a combination has as a whole.
    pub(crate) combinations: Vec<f64>,
    /// What each order of each source adds to all its combinations.
    pub(crate) orders: Vec<Vec<f64>>,
}

/// A combination, by its position, and its weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Weighted {
    pub(crate) combination: usize,
    pub(crate) weight: f64,
}

/// Checks that there are no more than [`MOST_COMBINATIONS`].
pub(crate) fn validate_combinations(sources: &[SourceModel]) -> Result<(), ModelError> {
    let counts = sources.iter().map(|source| source.orders().len());
    let combinations = counts.fold(1, usize::saturating_mul);
    if combinations > MOST_COMBINATIONS {
        return Err(ModelError::TooManyCombinations {
            combinations,
            most: MOST_COMBINATIONS,
        });
    }
    Ok(())
}

impl Combinations {
    /// All combinations, the orders of the last source varying fastest, with `q(K)` at the prior.
    pub(crate) fn new(sources: &[SourceModel], beta: f64) -> Self {
        let order_counts: Vec<usize> = sources.iter().map(|source| source.orders.len()).collect();
        let orders = enumerate_combinations(&order_counts);
        let priors = |combination: &Vec<usize>| -> Vec<f64> {
            let choices = combination.iter().zip(sources);
            choices
                .map(|(&order, source)| source.prior[order])
                .collect()
        };
        let mut combinations = Self {
            beta,
            order_counts,
            log_prior: orders
                .iter()
                .map(|o| priors(o).iter().map(|&p| libm::log(p)).sum())
                .collect(),
            posterior: orders.iter().map(|o| priors(o).iter().product()).collect(),
            orders,
            conditional: Vec::new(),
            shares: Vec::new(),
        };
        // The start is the prior itself, not a power of it.
        combinations.conditional = combinations.per_order(|_, with_order| {
            let log_prior: Vec<f64> = with_order
                .iter()
                .map(|&c| combinations.log_prior[c])
                .collect();
            weigh(with_order, &log_prior, 1.0)
        });
        combinations.shares = combinations.gather_shares();
        combinations
    }

    /// No combination, for the factorised posterior.
    pub(crate) fn none() -> Self {
        Self {
            beta: 1.0,
            order_counts: Vec::new(),
            orders: Vec::new(),
            log_prior: Vec::new(),
            posterior: Vec::new(),
            conditional: Vec::new(),
            shares: Vec::new(),
        }
    }

    /// The orders of all combinations, one per source.
    pub(crate) fn orders(&self) -> &[Vec<usize>] {
        &self.orders
    }

    /// `q(K)` of every combination.
    pub(crate) fn posterior(&self) -> &[f64] {
        &self.posterior
    }

    /// `q(K | K_j = m)` over the combinations that have it: its limit where `q(K_j = m)` is 0.
    pub(crate) fn given(&self, source: usize, order: usize) -> &[Weighted] {
        &self.conditional[source][order]
    }

    /// `q(K | K_j = m)` of a combination for its order of each source.
    pub(crate) fn shares(&self, combination: usize) -> &[Share] {
        &self.shares[combination]
    }

    /// Updates `q(K) = exp( log q~(K) / beta ) / Z`.
    pub(crate) fn update(&mut self, log_posterior: &LogPosterior) {
        let best = log_posterior.orders.iter().map(|orders| {
            orders
                .iter()
                .fold(f64::NEG_INFINITY, |best, &term| f64::max(best, term))
        });
        let best: Vec<f64> = best.collect();
        // Against the best order of each source, of which nothing is left, and without that of a
        // source whose order is given.
        let relative = |c: usize, given: Option<usize>| -> f64 {
            self.sum_terms(c, log_posterior, |j, term| match Some(j) == given {
                true => 0.0,
                false => term - best[j],
            })
        };
        let all: Vec<f64> = (0..self.orders.len()).map(|c| relative(c, None)).collect();
        let posterior = tempered_posterior(&all, self.beta);
        let conditional = self.per_order(|source, with_order| {
            let logs: Vec<f64> = with_order
                .iter()
                .map(|&c| relative(c, Some(source)))
                .collect();
            weigh(with_order, &logs, self.beta)
        });
        (self.posterior, self.conditional) = (posterior, conditional);
        self.shares = self.gather_shares();
    }

    fn gather_shares(&self) -> Vec<Vec<Share>> {
        let mut shares = vec![Vec::new(); self.orders.len()];
        for with_order in self.conditional.iter().flatten() {
            for (
                i,
                &Weighted {
                    combination,
                    weight,
                },
            ) in with_order.iter().enumerate()
            {
                let is_first = i == 0;
                shares[combination].push(Share { weight, is_first });
            }
        }
        shares
    }

    /// `log q~(K)` of every combination.
    pub(crate) fn log_posterior(&self, parts: &LogPosterior) -> Vec<f64> {
        let all = 0..self.orders.len();
        all.map(|c| self.sum_terms(c, parts, |_, term| term))
            .collect()
    }

    /// The terms of a combination, of which a function makes something of those of its orders.
    fn sum_terms(
        &self,
        c: usize,
        parts: &LogPosterior,
        of_source: impl Fn(usize, f64) -> f64,
    ) -> f64 {
        let choices = self.orders[c].iter().zip(&parts.orders).enumerate();
        let terms = choices.map(|(j, (&m, terms))| of_source(j, terms[m]));
        self.log_prior[c] + parts.combinations[c] + terms.sum::<f64>()
    }

    /// `q(K_j = m)` of every source.
    pub(crate) fn marginals(&self) -> Vec<Vec<f64>> {
        self.per_order(|_, with_order| with_order.iter().map(|&c| self.posterior[c]).sum())
    }

    /// `log q~(K_j = m)` of every source: `beta log sum exp( log q~(K) / beta )` over the
    /// combinations with `K_j = m`, of which `q(K_j = m)` is the tempered posterior, and which is
    /// the largest free energy with that order.
    pub(crate) fn log_marginals(&self, parts: &LogPosterior) -> Vec<Vec<f64>> {
        let log_posterior = self.log_posterior(parts);
        self.per_order(|_, with_order| {
            let logs = with_order.iter().map(|&c| log_posterior[c]);
            let best = logs.clone().fold(f64::NEG_INFINITY, f64::max);
            if self.beta <= 0.0 || with_order.len() == 1 {
                return best;
            }
            let sum: f64 = logs
                .map(|log_q| libm::exp((log_q - best) / self.beta))
                .sum();
            best + self.beta * libm::log(sum)
        })
    }

    /// `sum_K q(K) log q~(K) + beta H[q(K)]`, the tempered free energy.
    pub(crate) fn free_energy(&self, parts: &LogPosterior) -> f64 {
        let log_posterior = self.log_posterior(parts);
        let terms = self.posterior.iter().zip(log_posterior);
        // A weight of 0 stands for 0 even where log q~ is minus infinity.
        let expected = terms.filter(|&(&q, _)| q > 0.0).map(|(q, log_q)| q * log_q);
        expected.sum::<f64>() + self.beta * entropy(&self.posterior)
    }

    /// What a function makes of a source and the combinations with an order of it, for each of
    /// these.
    fn per_order<T>(&self, function: impl Fn(usize, &[usize]) -> T) -> Vec<Vec<T>> {
        let of_order = |source: usize, order: usize| {
            let all = 0..self.orders.len();
            let with_order: Vec<usize> = all.filter(|&c| self.orders[c][source] == order).collect();
            function(source, &with_order)
        };
        let sources = self.order_counts.iter().enumerate();
        sources
            .map(|(source, &orders)| (0..orders).map(|order| of_order(source, order)).collect())
            .collect()
    }
}

/// The tempered posterior over some combinations.
fn weigh(combinations: &[usize], log_q: &[f64], beta: f64) -> Vec<Weighted> {
    let weights = tempered_posterior(log_q, beta);
    let weighted = combinations.iter().zip(weights);
    weighted
        .map(|(&combination, weight)| Weighted {
            combination,
            weight,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::dictionary::Dictionary;

    /// Agreement of sums of a handful of numbers near 1.
    const ROUNDING: f64 = 1e-14;

    fn source(prior: &[f64]) -> SourceModel {
        let dictionary = Dictionary::new(Array2::ones((1, 2))).unwrap();
        SourceModel::known(vec![dictionary; prior.len()])
            .with_prior(prior)
            .unwrap()
    }

    /// Under the two priors of [0.5, 0.5] `log q~(K)` is this but for a constant.
    fn without_order_terms(combinations: &[f64]) -> LogPosterior {
        LogPosterior {
            combinations: combinations.to_vec(),
            orders: vec![vec![0.0; 2]; 2],
        }
    }

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < ROUNDING, "{found} {expected}");
        }
    }

    #[test]
    fn the_start_is_the_product_of_the_priors() {
        let sources = [
            source(&[0.25, 0.75]),
            source(&[1.0]),
            source(&[0.5, 0.3, 0.2]),
        ];
        let combinations = Combinations::new(&sources, 1e4);
        assert_eq!(combinations.orders()[4], [1, 0, 1]);
        assert_close(&combinations.posterior()[3..], &[0.375, 0.225, 0.15]);
        for (marginal, source) in combinations.marginals().iter().zip(&sources) {
            assert_close(marginal, &source.prior);
        }
        let given: Vec<f64> = combinations.given(0, 1).iter().map(|w| w.weight).collect();
        assert_close(&given, &[0.5, 0.3, 0.2]);
    }

    #[test]
    fn marginals_are_the_tempered_posterior_of_their_logarithms() {
        for beta in [0.0, 0.5, 1.0, 30.0] {
            let mut combinations =
                Combinations::new(&[source(&[0.25, 0.75]), source(&[0.5, 0.5])], beta);
            let log_posterior = without_order_terms(&[-3.0, 1.0, 0.5, -0.25]);
            combinations.update(&log_posterior);
            let logs = combinations.log_marginals(&log_posterior);
            for (marginal, logs) in combinations.marginals().iter().zip(&logs) {
                assert_close(marginal, &tempered_posterior(logs, beta));
            }
        }
    }

    /// `q(K_1 = 0)` underflows to 0, but not its split between the orders of the other source.
    #[test]
    fn conditional_weights_survive_where_their_condition_is_impossible() {
        let mut combinations = Combinations::new(&[source(&[0.5, 0.5]), source(&[0.5, 0.5])], 1.0);
        let ln_3 = 3.0_f64.ln();
        combinations.update(&without_order_terms(&[-1e6, -1e6 + ln_3, 0.0, 0.0]));
        assert_close(&combinations.marginals()[0], &[0.0, 1.0]);
        let given = combinations.given(0, 0);
        assert!((given[0].weight - 0.25).abs() < 1e-9);
        assert!((given[1].weight - 0.75).abs() < 1e-9);
    }

    /// The orders of one source have 1e15 nats, in which `log 3` would be lost.
    #[test]
    fn large_terms_of_orders_leave_the_digits_of_the_others() {
        let mut combinations = Combinations::new(&[source(&[0.5, 0.5]), source(&[0.5, 0.5])], 1.0);
        let ln_3 = 3.0_f64.ln();
        combinations.update(&LogPosterior {
            combinations: vec![0.0, ln_3, -ln_3, 0.0],
            orders: vec![vec![-1e15, -2e15], vec![0.25, 0.25]],
        });
        assert_close(combinations.posterior(), &[0.25, 0.75, 0.0, 0.0]);
        for order in 0..2 {
            let given: Vec<f64> = combinations
                .given(0, order)
                .iter()
                .map(|w| w.weight)
                .collect();
            assert_close(&given, &[0.25, 0.75]);
        }
    }

    #[test]
    fn more_than_the_limit_is_an_error() {
        let seventeen = source(&[1.0 / 17.0; 17]);
        assert!(validate_combinations(&vec![source(&[1.0]); 300]).is_ok());
        assert!(validate_combinations(&vec![source(&[0.5, 0.5]); 8]).is_ok());
        let error = validate_combinations(&[seventeen.clone(), seventeen]).unwrap_err();
        let message = "289 combinations of orders are too many for the structured posterior, which \
                       takes 256";
        assert!(error.to_string().starts_with(message), "{error}");
    }
}
