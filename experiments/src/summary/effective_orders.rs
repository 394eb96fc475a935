//! How many orders a fusion mixes.

use anyhow::Result;
use eval::effective_number;

use super::{CellResult, Column, average};

/// How many orders a fusion mixes: exp(entropy of q(K_1)), averaged over observations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectiveOrders {
    /// The observations averaged over.
    pub column: Column,
    /// Their number.
    pub n: usize,
    /// The mean; none without an observation.
    pub mean: Option<f64>,
}

/// The mean over a column's fusions of the effective number of orders in q(K_1).
pub(super) fn effective_orders(results: &[CellResult], column: Column) -> Result<EffectiveOrders> {
    let numbers: Vec<f64> = results
        .iter()
        .filter(|result| column.holds(&result.cell))
        .filter_map(|result| result.outcome.as_ref().ok())
        .map(|separated| effective_number(&separated.order_posterior))
        .collect::<Result<_, _>>()?;
    Ok(EffectiveOrders {
        column,
        n: numbers.len(),
        mean: (!numbers.is_empty()).then(|| average(numbers.into_iter())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Cell;
    use crate::separation::Separated;

    #[test]
    fn each_column_averages_its_own_fusions() {
        let result = |snr_db, posterior: Option<[f64; 2]>| CellResult {
            cell: Cell {
                snr_db,
                order_index: 0,
                true_order: 2,
            },
            outcome: match posterior {
                Some(posterior) => Ok(Separated {
                    estimates: Vec::new(),
                    order_posterior: posterior.to_vec(),
                }),
                None => Err("failed".to_owned()),
            },
        };
        // Certain of one order, undecided between two, and a failure that does not count.
        let results = [
            result(0.0, Some([1.0, 0.0])),
            result(3.0, Some([0.5, 0.5])),
            result(3.0, None),
        ];
        let of = |column| {
            let found = effective_orders(&results, column).unwrap();
            (found.n, found.mean)
        };
        assert_eq!(of(Column::Snr(0.0)), (1, Some(1.0)));
        let near = |(n, mean): (usize, Option<f64>), expected: f64| {
            (n, (mean.unwrap() - expected).abs() < 1e-12)
        };
        assert_eq!(near(of(Column::Snr(3.0)), 2.0), (1, true));
        assert_eq!(near(of(Column::Average), 1.5), (2, true));
        assert_eq!(of(Column::Snr(9.0)), (0, None));
    }
}
