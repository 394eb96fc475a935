//! The one place where a dense Gram system is factored and solved.
//!
//! By default this is done in plain Rust, by [`crate::cholesky`]. With the feature `lapack` the
//! system's LAPACK does it (`potrf`, `potrs`).

use crate::error::MetricError;

/// A factored Gram matrix.
pub(crate) struct Gram {
    factor: Factor,
}

#[cfg(not(feature = "lapack"))]
type Factor = crate::cholesky::Cholesky;

#[cfg(feature = "lapack")]
type Factor = ndarray_linalg::CholeskyFactorized<ndarray::OwnedRepr<f64>>;

impl Gram {
    /// Factors a symmetric matrix. `fill(i, row)` writes row i of it, from the diagonal on.
    ///
    /// # Errors
    /// [`MetricError::Singular`] when a row is a linear combination of those before it, to within
    /// `order` units of rounding: a backward stable factorisation cannot tell less from 0.
    pub(crate) fn factor(
        order: usize,
        fill: impl Fn(usize, &mut [f64]),
    ) -> Result<Self, MetricError> {
        let tolerance = order as f64 * f64::EPSILON;
        let factor = factor(order, fill, tolerance).ok_or(MetricError::Singular)?;
        Ok(Self { factor })
    }

    /// Solves G x = `right`.
    ///
    /// # Errors
    /// [`MetricError::Singular`] when the solution overflows.
    pub(crate) fn solve(&self, right: &[f64]) -> Result<Vec<f64>, MetricError> {
        let x = solve(&self.factor, right).ok_or(MetricError::Singular)?;
        if x.iter().all(|value| value.is_finite()) {
            Ok(x)
        } else {
            Err(MetricError::Singular)
        }
    }
}

#[cfg(not(feature = "lapack"))]
fn factor(order: usize, fill: impl Fn(usize, &mut [f64]), tolerance: f64) -> Option<Factor> {
    Factor::new(order, fill, tolerance)
}

#[cfg(not(feature = "lapack"))]
fn solve(factor: &Factor, right: &[f64]) -> Option<Vec<f64>> {
    Some(factor.solve(right))
}

#[cfg(feature = "lapack")]
fn factor(order: usize, fill: impl Fn(usize, &mut [f64]), tolerance: f64) -> Option<Factor> {
    use ndarray_linalg::{FactorizeCInto, UPLO};

    let mut gram = ndarray::Array2::zeros((order, order));
    for (i, mut row) in gram.rows_mut().into_iter().enumerate() {
        let row = row
            .as_slice_mut()
            .expect("rows of a new array are contiguous");
        fill(i, &mut row[i..]);
    }
    let diagonal = gram.diag().to_owned();
    let factor = gram.factorizec_into(UPLO::Upper).ok()?;
    // LAPACK itself stops only at a pivot of zero or less.
    let pivots = factor.factor.diag();
    let definite = pivots
        .iter()
        .zip(&diagonal)
        .all(|(pivot, entry)| pivot * pivot > tolerance * entry);
    definite.then_some(factor)
}

#[cfg(feature = "lapack")]
fn solve(factor: &Factor, right: &[f64]) -> Option<Vec<f64>> {
    use ndarray_linalg::SolveC;

    factor
        .solvec_into(ndarray::Array1::from(right.to_vec()))
        .ok()
        .map(|x| x.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cholesky::Cholesky;

    /// The solutions are of order 1 and the condition numbers at most about 1e3.
    const TOLERANCE: f64 = 1e-11;

    /// An entry of a damped cosine's Toeplitz matrix. Its eigenvalues lie between 1/30 and 30.
    fn entry(i: usize, j: usize) -> f64 {
        let lag = i.abs_diff(j) as f64;
        0.9_f64.powf(lag) * (0.7 * lag).cos()
    }

    /// Writes row i of the matrix of [`entry`], from the diagonal on.
    fn fill(i: usize, row: &mut [f64]) {
        fill_with(entry, i, row);
    }

    fn fill_with(entry: impl Fn(usize, usize) -> f64, i: usize, row: &mut [f64]) {
        for (j, value) in (i..).zip(row) {
            *value = entry(i, j);
        }
    }

    /// Gauss-Jordan elimination, entry by entry.
    fn eliminate(order: usize, right: &[f64]) -> Vec<f64> {
        let mut rows: Vec<Vec<f64>> = (0..order)
            .map(|i| (0..order).map(|j| entry(i, j)).chain([right[i]]).collect())
            .collect();
        for k in 0..order {
            let pivot = rows[k].clone();
            for (i, row) in rows.iter_mut().enumerate() {
                let factor = if i == k {
                    1.0 - 1.0 / pivot[k]
                } else {
                    row[k] / pivot[k]
                };
                row.iter_mut()
                    .zip(&pivot)
                    .for_each(|(x, p)| *x -= factor * p);
            }
        }
        rows.iter().map(|row| row[order]).collect()
    }

    /// Orders below, at and above the edges of strips and panels.
    #[test]
    fn solutions_equal_elimination() {
        for order in [1, 2, 7, 8, 9, 63, 64, 65, 72, 128, 200] {
            let right: Vec<f64> = (0..order).map(|i| ((i * i) as f64).sin()).collect();
            let expected = eliminate(order, &right);
            let chosen = Gram::factor(order, fill).unwrap().solve(&right).unwrap();
            let plain = Cholesky::new(order, fill, 0.0)
                .expect("definite")
                .solve(&right);
            for x in [chosen, plain] {
                assert_eq!(x.len(), order);
                for (found, expected) in x.iter().zip(&expected) {
                    assert!((found - expected).abs() < TOLERANCE, "order {order}");
                }
            }
        }
    }

    #[test]
    fn what_has_no_solution_is_singular() {
        let twin = |i: usize, row: &mut [f64]| fill_with(|i, j| entry(i % 70, j % 70), i, row);
        let indefinite = |i: usize, row: &mut [f64]| {
            fill(i, row);
            if i == 99 {
                row[0] = -1.0;
            }
        };
        let nan = |_: usize, row: &mut [f64]| row.fill(f64::NAN);
        let singular = Some(MetricError::Singular);
        assert_eq!(Gram::factor(140, twin).err(), singular);
        assert_eq!(Gram::factor(140, indefinite).err(), singular);
        assert_eq!(Gram::factor(20, nan).err(), singular);
    }
}
