//! The three matrix products of the updates, on a tile of frames and a block of bins.
//!
//! | product | computes | used for |
//! |---|---|---|
//! | [`combine`] | `sum_k h_kn w_fk` | `V = E[W] E[H]`, `C = G(W) G(H)` (eq. 14) |
//! | [`contract_bins`] | `sum_f w_fk r_fn` | `rho` and `tau` of the activations (eq. 17) |
//! | [`contract_frames`] | `sum_n h_kn r_fn` | `rho` and `tau` of the dictionary (eq. 17) |
//!
//! Each keeps a dozen AVX2 registers of accumulators and streams the rest. `#[simd]` compiles
//! each once per instruction set, and the helpers are inlined into them. Vectors never pass through
//! a closure: it would be compiled for the baseline and called for every operation.

use fearless_simd::{Simd, SimdBase, SimdFloat, f64x8};
use fearless_simd_macros::simd;

use super::lanes::{GROUP, Group, Lane, TILE};

#[inline(always)]
pub(crate) fn load<S: Simd>(simd: S, lane: &Lane) -> f64x8<S> {
    f64x8::load_array_ref(simd, &lane.0)
}

#[inline(always)]
pub(crate) fn store<S: Simd>(value: f64x8<S>, lane: &mut Lane) {
    value.store_array(&mut lane.0);
}

#[inline(always)]
pub(crate) fn splat<S: Simd>(simd: S, value: f64) -> f64x8<S> {
    f64x8::splat(simd, value)
}

/// Adds the eight lanes in a fixed tree.
#[inline(always)]
pub(crate) fn sum<S: Simd>(simd: S, value: f64x8<S>) -> f64 {
    let (low, high) = simd.split_f64x8(value);
    let (a, b) = simd.split_f64x4(low + high);
    let pair = a + b;
    pair[0] + pair[1]
}

/// `out[n][f] = max( sum_k h[n][k] w[k][f], floor[f] )`.
///
/// `activations`: groups of the tile. `panel`: components x bins of the block. `out`: one row of
/// `stride` lanes per frame.
#[simd]
pub(crate) fn combine<S: Simd>(
    simd: S,
    activations: &[Group],
    panel: &[Lane],
    order: usize,
    floor: &[Lane],
    out: &mut [Lane],
    stride: usize,
) {
    for (lane, (components, floor)) in panel.chunks_exact(order).zip(floor).enumerate() {
        let floor = load(simd, floor);
        for (group, rows) in activations.chunks_exact(order).enumerate() {
            let mut sums = [splat(simd, 0.0); GROUP];
            for (component, row) in components.iter().zip(rows) {
                let component = load(simd, component);
                for (sum, &activation) in sums.iter_mut().zip(row) {
                    *sum = component.mul_add_precise(splat(simd, activation), *sum);
                }
            }
            for (row, sum) in sums.into_iter().enumerate() {
                store(
                    sum.max(floor),
                    &mut out[(group * GROUP + row) * stride + lane],
                );
            }
        }
    }
}

/// `sums[n][k] += sum_f w[k][f] r[n][f]` over the bins of a block.
///
/// `ratios`: one row of `stride` lanes per frame of the tile. `sums`: groups of the tile.
#[simd]
pub(crate) fn contract_bins<S: Simd>(
    simd: S,
    panel: &[Lane],
    order: usize,
    ratios: &[Lane],
    stride: usize,
    sums: &mut [Group],
) {
    const ROWS: usize = 3;
    let lanes = panel.len() / order;
    for (group, sums) in sums.chunks_exact_mut(order).enumerate() {
        for half in 0..GROUP / ROWS {
            let first_row = group * GROUP + half * ROWS;
            let rows: [&[Lane]; ROWS] = std::array::from_fn(|row| {
                let start = (first_row + row) * stride;
                &ratios[start..start + lanes]
            });
            let mut component = 0;
            while component + 2 <= order {
                let partial = dot_products::<S, 2>(simd, panel, order, component, rows);
                for (k, row_sums) in partial.iter().enumerate() {
                    for (row, &partial) in row_sums.iter().enumerate() {
                        sums[component + k][half * ROWS + row] += partial;
                    }
                }
                component += 2;
            }
            if component < order {
                let [row_sums] = dot_products::<S, 1>(simd, panel, order, component, rows);
                for (row, &partial) in row_sums.iter().enumerate() {
                    sums[component][half * ROWS + row] += partial;
                }
            }
        }
    }
}

/// Dot products of `COMPONENTS` neighbouring components with `ROWS` rows.
#[inline(always)]
fn dot_products<S: Simd, const COMPONENTS: usize>(
    simd: S,
    panel: &[Lane],
    order: usize,
    first: usize,
    rows: [&[Lane]; 3],
) -> [[f64; 3]; COMPONENTS] {
    let mut sums = [[splat(simd, 0.0); 3]; COMPONENTS];
    let [row0, row1, row2] = rows;
    for (((panel, r0), r1), r2) in panel.chunks_exact(order).zip(row0).zip(row1).zip(row2) {
        let ratios = [load(simd, r0), load(simd, r1), load(simd, r2)];
        let components = &panel[first..first + COMPONENTS];
        for (sums, component) in sums.iter_mut().zip(components) {
            let component = load(simd, component);
            for (sum, ratio) in sums.iter_mut().zip(ratios) {
                *sum = component.mul_add_precise(ratio, *sum);
            }
        }
    }
    let mut totals = [[0.0; 3]; COMPONENTS];
    for (totals, sums) in totals.iter_mut().zip(&sums) {
        for (total, &value) in totals.iter_mut().zip(sums) {
            *total = sum(simd, value);
        }
    }
    totals
}

/// `sums[k][f] += sum_n h[n][k] r[n][f]` over the frames of a tile.
///
/// `sums` has the layout of the panel. Frames are added in order, four components at a time.
#[simd]
pub(crate) fn contract_frames<S: Simd>(
    simd: S,
    activations: &[Group],
    order: usize,
    ratios: &[Lane],
    stride: usize,
    sums: &mut [Lane],
) {
    for (lane, sums) in sums.chunks_exact_mut(order).enumerate() {
        let (fours, rest) = sums.as_chunks_mut::<4>();
        for (i, sums) in fours.iter_mut().enumerate() {
            accumulate_frames(simd, activations, order, 4 * i, ratios, stride, lane, sums);
        }
        let first = order - rest.len();
        for (i, sums) in rest.iter_mut().enumerate() {
            let sums = std::array::from_mut(sums);
            accumulate_frames(
                simd,
                activations,
                order,
                first + i,
                ratios,
                stride,
                lane,
                sums,
            );
        }
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "a loop body, split off for its constant width"
)]
#[inline(always)]
fn accumulate_frames<S: Simd, const COMPONENTS: usize>(
    simd: S,
    activations: &[Group],
    order: usize,
    first: usize,
    ratios: &[Lane],
    stride: usize,
    lane: usize,
    sums: &mut [Lane; COMPONENTS],
) {
    let mut running = [splat(simd, 0.0); COMPONENTS];
    for (value, sum) in running.iter_mut().zip(sums.iter()) {
        *value = load(simd, sum);
    }
    for group in 0..TILE / GROUP {
        let start = group * order + first;
        let Some(groups) = activations[start..].first_chunk::<COMPONENTS>() else {
            unreachable!("a tile holds every component of its groups");
        };
        for row in 0..GROUP {
            let ratio = load(simd, &ratios[(group * GROUP + row) * stride + lane]);
            for (sum, group) in running.iter_mut().zip(groups) {
                *sum = ratio.mul_add_precise(splat(simd, group[row]), *sum);
            }
        }
    }
    for (&value, sum) in running.iter().zip(sums) {
        store(value, sum);
    }
}
