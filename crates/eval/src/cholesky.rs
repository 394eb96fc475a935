//! Cholesky factorisation of a dense symmetric positive definite matrix, in plain Rust.

use fearless_simd::{Level, Simd, SimdBase, SimdFloat, dispatch, f64x8};

use crate::signal::sum_over;

/// Columns of a strip, and also rows and columns of the tile that is held in registers.
const STRIP: usize = 8;

/// Rows of a panel. One packed strip of it (4 KiB) stays in the first-level cache.
const PANEL: usize = 64;

/// The upper triangular U of G = U^T U.
pub(crate) struct Cholesky {
    /// Row-major, `size` by `size`. The part below the diagonal is not used.
    upper: Vec<f64>,
    /// Order of the matrix, rounded up to a whole number of strips.
    size: usize,
}

impl Cholesky {
    /// Factors a symmetric matrix. `fill(i, row)` writes row i of it, from the diagonal on.
    ///
    /// Returns None when a pivot is not greater than `tolerance` times its diagonal entry: to
    /// working precision that row is a linear combination of those before it.
    pub(crate) fn new(
        order: usize,
        fill: impl Fn(usize, &mut [f64]),
        tolerance: f64,
    ) -> Option<Self> {
        // Rows and columns of the identity fill up the last strip, so that no loop has a remainder.
        let size = order.next_multiple_of(STRIP);
        let mut upper = vec![0.0; size * size];
        for (i, row) in upper.chunks_exact_mut(size).enumerate() {
            if i < order {
                fill(i, &mut row[i..order]);
            } else {
                row[i] = 1.0;
            }
        }
        let least_pivots: Vec<f64> = (0..size).map(|i| tolerance * upper[i * size + i]).collect();
        let level = Level::new();
        dispatch!(level, simd => factor(simd, &mut upper, size, &least_pivots))
            .then_some(Self { upper, size })
    }

    /// Solves G x = `right`. The padding is added here: `right` has one entry per row of G proper.
    pub(crate) fn solve(&self, right: &[f64]) -> Vec<f64> {
        let size = self.size;
        let mut x = right.to_vec();
        x.resize(size, 0.0);
        // U^T y = right, by columns of U^T: they are the rows of U, which are contiguous.
        for (i, row) in self.upper.chunks_exact(size).enumerate() {
            x[i] /= row[i];
            let y = x[i];
            for (value, u) in x[i + 1..].iter_mut().zip(&row[i + 1..]) {
                *value -= u * y;
            }
        }
        // U x = y, by rows of U from the last to the first.
        for (i, row) in self.upper.chunks_exact(size).enumerate().rev() {
            let [product] = sum_over([&row[i + 1..], &x[i + 1..]], |[u, x]| [u * x]);
            x[i] = (x[i] - product) / row[i];
        }
        x.truncate(right.len());
        x
    }
}

/// Factors by panels of rows, right-looking. Returns false when a pivot is too small.
#[inline(always)]
fn factor<S: Simd>(simd: S, upper: &mut [f64], size: usize, least_pivots: &[f64]) -> bool {
    let mut packed = vec![0.0; PANEL * size];
    for start in (0..size).step_by(PANEL) {
        let end = (start + PANEL).min(size);
        if !factor_diagonal(upper, size, start..end, least_pivots) {
            return false;
        }
        simd.vectorize(
            #[inline(always)]
            || {
                let strip_len = (end - start) * STRIP;
                let packed = &mut packed[..(size - end) / STRIP * strip_len];
                for (index, strip) in packed.chunks_exact_mut(strip_len).enumerate() {
                    solve_strip(simd, upper, size, start, end + index * STRIP, strip);
                }
                for (i, rows) in packed.chunks_exact(strip_len).enumerate() {
                    for (j, columns) in packed.chunks_exact(strip_len).enumerate().skip(i) {
                        let corner = (end + i * STRIP) * size + end + j * STRIP;
                        update_tile(simd, &mut upper[corner..], size, rows, columns);
                    }
                }
            },
        );
    }
    true
}

/// Factors the square of `upper` whose rows and columns are `range`, without blocking.
fn factor_diagonal(
    upper: &mut [f64],
    size: usize,
    range: std::ops::Range<usize>,
    least_pivots: &[f64],
) -> bool {
    for k in range.clone() {
        let (above, below) = upper.split_at_mut((k + 1) * size);
        let row = &mut above[k * size..][..range.end];
        let pivot = row[k];
        // A NaN pivot fails this test too.
        if !(pivot > least_pivots[k] && pivot.is_finite()) {
            return false;
        }
        let root = pivot.sqrt();
        row[k] = root;
        for value in &mut row[k + 1..] {
            *value /= root;
        }
        for (i, other) in (k + 1..range.end).zip(below.chunks_exact_mut(size)) {
            let factor = row[i];
            for (value, u) in other[i..range.end].iter_mut().zip(&row[i..]) {
                *value -= factor * u;
            }
        }
    }
    true
}

/// Solves U_d^T Z = G for eight columns from `column`, where U_d is the panel's diagonal block.
/// Z replaces G and is packed into `strip`, row after row.
#[inline(always)]
fn solve_strip<S: Simd>(
    simd: S,
    upper: &mut [f64],
    size: usize,
    start: usize,
    column: usize,
    strip: &mut [f64],
) {
    for (row, values) in upper[start * size..]
        .chunks_exact(size)
        .zip(strip.chunks_exact_mut(STRIP))
    {
        values.copy_from_slice(&row[column..column + STRIP]);
    }
    let rows = strip.len() / STRIP;
    for k in 0..rows {
        let diagonal = &upper[(start + k) * size + start..][..rows];
        let (solved, rest) = strip.split_at_mut((k + 1) * STRIP);
        let solved = &mut solved[k * STRIP..];
        let z = f64x8::from_slice(simd, solved) / f64x8::splat(simd, diagonal[k]);
        z.store_slice(solved);
        for (values, u) in rest.chunks_exact_mut(STRIP).zip(&diagonal[k + 1..]) {
            let g = f64x8::from_slice(simd, values);
            z.mul_add(f64x8::splat(simd, -u), g).store_slice(values);
        }
    }
    for (row, values) in upper[start * size..]
        .chunks_exact_mut(size)
        .zip(strip.chunks_exact(STRIP))
    {
        row[column..column + STRIP].copy_from_slice(values);
    }
}

/// Subtracts `rows`^T `columns`, a product of two packed strips, from the tile that `tile` starts
/// with.
#[inline(always)]
fn update_tile<S: Simd>(simd: S, tile: &mut [f64], size: usize, rows: &[f64], columns: &[f64]) {
    let mut sums: [f64x8<S>; STRIP] =
        std::array::from_fn(|r| f64x8::from_slice(simd, &tile[r * size..][..STRIP]));
    for (u_row, u_column) in rows.chunks_exact(STRIP).zip(columns.chunks_exact(STRIP)) {
        let u_column = f64x8::from_slice(simd, u_column);
        for (sum, &u) in sums.iter_mut().zip(u_row) {
            *sum = u_column.mul_add(f64x8::splat(simd, -u), *sum);
        }
    }
    for (r, sum) in sums.iter().enumerate() {
        sum.store_slice(&mut tile[r * size..][..STRIP]);
    }
}
