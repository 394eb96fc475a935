//! The matrix products of the updates, on a tile of frames and a block of bins.
//!
//! | product | computes | used for |
//! |---|---|---|
//! | [`combine`] | `sum_k h_kn w_fk` | `V` of a training |
//! | [`combine_pair`] | the same for two factors | `C = G(W) G(H)` (eq. 14) and `V = E[W] E[H]` |
//! | [`contract_bins`] | `sum_f w_fk r_fn` | `rho` and `tau` of the activations (eq. 17) |
//! | [`contract_frames`] | `sum_n h_kn r_fn` | `rho` and `tau` of the dictionary (eq. 17) |
//!
//! Matrices of a tile are stored lane by lane: the [`TILE`] frames of eight bins, then of the next
//! eight. All products walk them, and the panels, in order. Each keeps a dozen AVX2 registers of
//! accumulators and streams the rest. What becomes of `C` and `V` is decided by a [`Finish`] while
//! they are still in registers.
//!
//! `#[simd]` compiles each product once per instruction set, and the helpers are inlined into it.
//! Vectors never pass through a closure: it would be compiled for the baseline and called for every
//! operation.

use fearless_simd::{Simd, SimdBase, SimdFloat, f64x8};
use fearless_simd_macros::simd;

use super::lanes::{GROUP, Group, Lane, TILE};

/// Rows that share an accumulation where a register holds half a lane or less.
const NARROW_ROWS: usize = 3;

#[inline(always)]
pub(super) fn load<S: Simd>(simd: S, lane: &Lane) -> f64x8<S> {
    f64x8::load_array_ref(simd, &lane.0)
}

#[inline(always)]
pub(super) fn store<S: Simd>(value: f64x8<S>, lane: &mut Lane) {
    value.store_array(&mut lane.0);
}

#[inline(always)]
pub(super) fn splat<S: Simd>(simd: S, value: f64) -> f64x8<S> {
    f64x8::splat(simd, value)
}

/// Adds the eight lanes in a fixed tree.
#[inline(always)]
pub(super) fn sum<S: Simd>(simd: S, value: f64x8<S>) -> f64 {
    let (low, high) = simd.split_f64x8(value);
    let (a, b) = simd.split_f64x4(low + high);
    let pair = a + b;
    pair[0] + pair[1]
}

/// Takes the results of [`combine_pair`].
pub(super) trait Finish<S: Simd> {
    /// `C` and `V` of `ROWS` frames from `row` on, in one lane of the block. `ROWS` is a multiple
    /// of three.
    fn finish<const ROWS: usize>(
        &mut self,
        simd: S,
        lane: usize,
        row: usize,
        c: [f64x8<S>; ROWS],
        v: [f64x8<S>; ROWS],
    );
}

/// One factor of a product: the activations of a tile in groups, and the panel of a block.
#[derive(Clone, Copy)]
pub(super) struct Factor<'a> {
    pub(super) activations: &'a [Group],
    pub(super) panel: &'a [Lane],
}

/// `C` from the harmonic factor and `V` from the mean one, both at least `floor`.
#[simd]
pub(super) fn combine_pair<S: Simd, F: Finish<S>>(
    simd: S,
    harmonic: Factor<'_>,
    mean: Factor<'_>,
    order: usize,
    floor: &[Lane],
    finish: &mut F,
) {
    let panels = harmonic
        .panel
        .chunks_exact(order)
        .zip(mean.panel.chunks_exact(order));
    for (lane, ((harmonic_panel, mean_panel), floor)) in panels.zip(floor).enumerate() {
        let floor = load(simd, floor);
        let groups = harmonic
            .activations
            .chunks_exact(order)
            .zip(mean.activations.chunks_exact(order));
        for (group, (harmonic_rows, mean_rows)) in groups.enumerate() {
            let row = group * GROUP;
            let panels = (harmonic_panel, mean_panel);
            let rows = (harmonic_rows, mean_rows);
            if S::f64s::LEN >= 8 {
                pair_rows::<S, F, 0, GROUP>(simd, panels, rows, floor, lane, row, finish);
            } else {
                pair_rows::<S, F, 0, NARROW_ROWS>(simd, panels, rows, floor, lane, row, finish);
                let row = row + NARROW_ROWS;
                pair_rows::<S, F, NARROW_ROWS, NARROW_ROWS>(
                    simd, panels, rows, floor, lane, row, finish,
                );
            }
        }
    }
}

/// Rows `FIRST` to `FIRST + ROWS` of a group.
#[inline(always)]
fn pair_rows<S: Simd, F: Finish<S>, const FIRST: usize, const ROWS: usize>(
    simd: S,
    panels: (&[Lane], &[Lane]),
    rows: (&[Group], &[Group]),
    floor: f64x8<S>,
    lane: usize,
    row: usize,
    finish: &mut F,
) {
    let mut c = [splat(simd, 0.0); ROWS];
    let mut v = [splat(simd, 0.0); ROWS];
    let components = panels.0.iter().zip(panels.1).zip(rows.0.iter().zip(rows.1));
    for ((harmonic, mean), (harmonic_row, mean_row)) in components {
        let (harmonic, mean) = (load(simd, harmonic), load(simd, mean));
        for i in 0..ROWS {
            c[i] = harmonic.mul_add_precise(splat(simd, harmonic_row[FIRST + i]), c[i]);
            v[i] = mean.mul_add_precise(splat(simd, mean_row[FIRST + i]), v[i]);
        }
    }
    for i in 0..ROWS {
        c[i] = c[i].max(floor);
        v[i] = v[i].max(floor);
    }
    finish.finish(simd, lane, row, c, v);
}

/// `out[f][n] = max( sum_k h[n][k] w[k][f], floor[f] )`.
#[simd]
pub(super) fn combine<S: Simd>(
    simd: S,
    factor: Factor<'_>,
    order: usize,
    floor: &[Lane],
    out: &mut [Lane],
) {
    let (out, _) = out.as_chunks_mut::<TILE>();
    for ((components, floor), out) in factor.panel.chunks_exact(order).zip(floor).zip(out) {
        let floor = load(simd, floor);
        let (out, _) = out.as_chunks_mut::<GROUP>();
        for (rows, out) in factor.activations.chunks_exact(order).zip(out) {
            let mut sums = [splat(simd, 0.0); GROUP];
            for (component, row) in components.iter().zip(rows) {
                let component = load(simd, component);
                for i in 0..GROUP {
                    sums[i] = component.mul_add_precise(splat(simd, row[i]), sums[i]);
                }
            }
            for i in 0..GROUP {
                store(sums[i].max(floor), &mut out[i]);
            }
        }
    }
}

/// `sums[n][k] += sum_f w[k][f] r[f][n]` over the bins of a block.
#[simd]
pub(super) fn contract_bins<S: Simd>(
    simd: S,
    panel: &[Lane],
    order: usize,
    ratios: &[Lane],
    sums: &mut [Group],
) {
    let (ratios, _) = ratios.as_chunks::<TILE>();
    for (group, sums) in sums.chunks_exact_mut(order).enumerate() {
        for half in 0..GROUP / NARROW_ROWS {
            let row = group * GROUP + half * NARROW_ROWS;
            let mut component = 0;
            while component + 2 <= order {
                let partial = dot_products::<S, 2>(simd, panel, order, component, ratios, row);
                for (k, partial) in partial.iter().enumerate() {
                    for (i, partial) in partial.iter().enumerate() {
                        sums[component + k][half * NARROW_ROWS + i] += partial;
                    }
                }
                component += 2;
            }
            if component < order {
                let [partial] = dot_products::<S, 1>(simd, panel, order, component, ratios, row);
                for (i, partial) in partial.iter().enumerate() {
                    sums[component][half * NARROW_ROWS + i] += partial;
                }
            }
        }
    }
}

/// Dot products over the bins of a block of `COMPONENTS` neighbouring components with
/// `NARROW_ROWS` neighbouring frames.
#[inline(always)]
fn dot_products<S: Simd, const COMPONENTS: usize>(
    simd: S,
    panel: &[Lane],
    order: usize,
    first: usize,
    ratios: &[[Lane; TILE]],
    row: usize,
) -> [[f64; NARROW_ROWS]; COMPONENTS] {
    let mut sums = [[splat(simd, 0.0); NARROW_ROWS]; COMPONENTS];
    for (components, ratios) in panel.chunks_exact(order).zip(ratios) {
        let components = &components[first..first + COMPONENTS];
        let mut values = [splat(simd, 0.0); NARROW_ROWS];
        for (value, ratio) in values.iter_mut().zip(&ratios[row..row + NARROW_ROWS]) {
            *value = load(simd, ratio);
        }
        for (sums, component) in sums.iter_mut().zip(components) {
            let component = load(simd, component);
            for i in 0..NARROW_ROWS {
                sums[i] = component.mul_add_precise(values[i], sums[i]);
            }
        }
    }
    let mut totals = [[0.0; NARROW_ROWS]; COMPONENTS];
    for (totals, sums) in totals.iter_mut().zip(&sums) {
        for (total, &value) in totals.iter_mut().zip(sums) {
            *total = sum(simd, value);
        }
    }
    totals
}

/// `sums[k][f] += sum_n h[n][k] r[f][n]` over the frames of a tile.
///
/// `sums` has the layout of the panel. Frames are added in order, four components at a time.
#[simd]
pub(super) fn contract_frames<S: Simd>(
    simd: S,
    activations: &[Group],
    order: usize,
    ratios: &[Lane],
    sums: &mut [Lane],
) {
    let (ratios, _) = ratios.as_chunks::<TILE>();
    for (sums, ratios) in sums.chunks_exact_mut(order).zip(ratios) {
        let (fours, rest) = sums.as_chunks_mut::<4>();
        let first = 4 * fours.len();
        for (i, sums) in fours.iter_mut().enumerate() {
            accumulate_frames(simd, activations, order, 4 * i, ratios, sums);
        }
        for (i, sums) in rest.iter_mut().enumerate() {
            let sums = std::array::from_mut(sums);
            accumulate_frames(simd, activations, order, first + i, ratios, sums);
        }
    }
}

#[inline(always)]
fn accumulate_frames<S: Simd, const COMPONENTS: usize>(
    simd: S,
    activations: &[Group],
    order: usize,
    first: usize,
    ratios: &[Lane; TILE],
    sums: &mut [Lane; COMPONENTS],
) {
    let mut running = [splat(simd, 0.0); COMPONENTS];
    for (value, sum) in running.iter_mut().zip(sums.iter()) {
        *value = load(simd, sum);
    }
    let (ratios, _) = ratios.as_chunks::<GROUP>();
    for (groups, ratios) in activations.chunks_exact(order).zip(ratios) {
        let groups = &groups[first..first + COMPONENTS];
        for (row, ratio) in ratios.iter().enumerate() {
            let ratio = load(simd, ratio);
            for (sum, group) in running.iter_mut().zip(groups) {
                *sum = ratio.mul_add_precise(splat(simd, group[row]), *sum);
            }
        }
    }
    for (&value, sum) in running.iter().zip(sums) {
        store(value, sum);
    }
}
