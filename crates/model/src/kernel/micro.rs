//! The matrix products of the updates, on a lane of frames and a block of bins.
//!
//! | product | computes | used for |
//! |---|---|---|
//! | [`combine`] | `sum_k w_fk h_kn`, for one factor or two at once | `C = G(W) G(H)` (eq. 14), `V = E[W] E[H]` |
//! | [`contract_bins`] | `sum_f w_fk r_fn` | `rho` and `tau` of the activations (eq. 17) |
//! | [`contract_frames`] | `sum_n h_kn r_fn` | `rho` and `tau` of the dictionary (eq. 17) |
//!
//! Frames are the lanes of a vector; entries of a dictionary are broadcast. Each product keeps a
//! dozen AVX2 registers of accumulators and streams the rest. What becomes of `C` and `V` is decided
//! by a [`Finish`] while they are still in registers.
//!
//! `#[simd]` compiles each product once per instruction set, and the helpers are inlined into it.
//! Vectors never pass through a closure: it would be compiled for the baseline and called for every
//! operation.

use fearless_simd::{Simd, SimdBase, SimdFloat, f64x4, f64x8};
use fearless_simd_macros::simd;

use super::lanes::{Lane, ZERO};

#[inline(always)]
pub(super) fn load<S: Simd>(simd: S, lane: &Lane) -> f64x8<S> {
    f64x8::load_array_ref(simd, &lane.0)
}

/// The first eight values, or all if there are fewer, and zeros.
#[inline(always)]
pub(super) fn load_some<S: Simd>(simd: S, values: &[f64]) -> f64x8<S> {
    if let Some(values) = values.first_chunk() {
        return f64x8::load_array_ref(simd, values);
    }
    let mut lane = ZERO;
    lane.0[..values.len()].copy_from_slice(values);
    load(simd, &lane)
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

/// Takes the results of [`combine`].
pub(super) trait Finish<S: Simd, const PRODUCTS: usize> {
    /// The products at `BINS` bins of the block from `bin` on. `bin` is even, and `BINS` is but at the
    /// end of the block: what is done to pairs of bins does not depend on how many come at once, which
    /// depends on the instruction set.
    fn finish<const BINS: usize>(
        &mut self,
        simd: S,
        bin: usize,
        products: [[f64x8<S>; BINS]; PRODUCTS],
    );
}

/// One factor of a product: activations in a lane, one per component, and the panel of a block.
#[derive(Clone, Copy)]
pub(super) struct Factor<'a> {
    pub(super) activations: &'a [Lane],
    pub(super) panel: &'a [f64],
}

/// The products of one factor or two, each at least `floor`. `SHARED`: the factors have one panel,
/// the first one's, as a known dictionary has.
#[simd]
pub(super) fn combine<S: Simd, F, const PRODUCTS: usize, const SHARED: bool>(
    simd: S,
    factors: [Factor<'_>; PRODUCTS],
    floor: &Lane,
    finish: &mut F,
) where
    F: Finish<S, PRODUCTS>,
{
    let order = factors[0].activations.len();
    let bins = factors[0].panel.len() / order;
    let floor = load(simd, floor);
    let wide = S::f64s::LEN >= 8;
    let mut bin = 0;
    // As many accumulators as leave registers for the operands: of sixteen, or of 32 wide ones.
    if wide && PRODUCTS == 1 {
        while bin + 12 <= bins {
            bins_at::<S, F, PRODUCTS, 12, SHARED>(simd, factors, floor, bin, finish);
            bin += 12;
        }
    }
    if wide || PRODUCTS == 1 {
        while bin + 6 <= bins {
            bins_at::<S, F, PRODUCTS, 6, SHARED>(simd, factors, floor, bin, finish);
            bin += 6;
        }
    }
    while bin + 2 <= bins {
        bins_at::<S, F, PRODUCTS, 2, SHARED>(simd, factors, floor, bin, finish);
        bin += 2;
    }
    if bin < bins {
        bins_at::<S, F, PRODUCTS, 1, SHARED>(simd, factors, floor, bin, finish);
    }
}

#[inline(always)]
fn bins_at<S: Simd, F, const PRODUCTS: usize, const BINS: usize, const SHARED: bool>(
    simd: S,
    factors: [Factor<'_>; PRODUCTS],
    floor: f64x8<S>,
    bin: usize,
    finish: &mut F,
) where
    F: Finish<S, PRODUCTS>,
{
    let order = factors[0].activations.len();
    let mut rows = [[&[][..]; BINS]; PRODUCTS];
    let mut activations = [&[][..]; PRODUCTS];
    for (p, factor) in factors.iter().enumerate() {
        activations[p] = &factor.activations[..order];
        for (i, row) in rows[p].iter_mut().enumerate() {
            *row = &factor.panel[(bin + i) * order..][..order];
        }
    }
    let mut sums = [[splat(simd, 0.0); BINS]; PRODUCTS];
    for k in 0..order {
        if SHARED {
            let mut values = [floor; PRODUCTS];
            for p in 0..PRODUCTS {
                values[p] = load(simd, &activations[p][k]);
            }
            for i in 0..BINS {
                let entry = splat(simd, rows[0][i][k]);
                for p in 0..PRODUCTS {
                    sums[p][i] = values[p].mul_add_precise(entry, sums[p][i]);
                }
            }
        } else {
            for p in 0..PRODUCTS {
                let value = load(simd, &activations[p][k]);
                for i in 0..BINS {
                    let entry = splat(simd, rows[p][i][k]);
                    sums[p][i] = value.mul_add_precise(entry, sums[p][i]);
                }
            }
        }
    }
    for sums in &mut sums {
        for sum in sums {
            *sum = sum.max(floor);
        }
    }
    finish.finish(simd, bin, sums);
}

/// `sums[k][n] += sum_f w[f][k] r[f][n]` over the bins of a block.
#[simd]
pub(super) fn contract_bins<S: Simd>(simd: S, panel: &[f64], ratios: &[Lane], sums: &mut [Lane]) {
    let order = sums.len();
    let (sixes, rest) = sums.as_chunks_mut::<6>();
    for (i, sums) in sixes.iter_mut().enumerate() {
        contract_components::<S, 6, 1>(simd, panel, order, 6 * i, ratios, sums);
    }
    // Fewer components run in several phases, so that there are always enough independent sums.
    let first = order - rest.len();
    match rest {
        [a] => {
            let sums = std::array::from_mut(a);
            contract_components::<S, 1, 6>(simd, panel, order, first, ratios, sums);
        }
        [_, _] => {
            let (sums, _) = rest.as_chunks_mut::<2>();
            contract_components::<S, 2, 3>(simd, panel, order, first, ratios, &mut sums[0]);
        }
        [_, _, _] => {
            let (sums, _) = rest.as_chunks_mut::<3>();
            contract_components::<S, 3, 2>(simd, panel, order, first, ratios, &mut sums[0]);
        }
        [_, _, _, _] => {
            let (sums, _) = rest.as_chunks_mut::<4>();
            contract_components::<S, 4, 1>(simd, panel, order, first, ratios, &mut sums[0]);
        }
        [_, _, _, _, _] => {
            let (sums, _) = rest.as_chunks_mut::<5>();
            contract_components::<S, 5, 1>(simd, panel, order, first, ratios, &mut sums[0]);
        }
        _ => {}
    }
}

/// Components `first` to `first + COMPONENTS`, every bin in the phase of its number.
#[inline(always)]
fn contract_components<S: Simd, const COMPONENTS: usize, const PHASES: usize>(
    simd: S,
    panel: &[f64],
    order: usize,
    first: usize,
    ratios: &[Lane],
    sums: &mut [Lane; COMPONENTS],
) {
    let mut running = [[splat(simd, 0.0); COMPONENTS]; PHASES];
    let (whole, rest) = ratios.as_chunks::<PHASES>();
    let (panel, panel_rest) = panel.split_at(whole.len() * PHASES * order);
    for (entries, ratios) in panel.chunks_exact(PHASES * order).zip(whole) {
        for phase in 0..PHASES {
            let ratio = load(simd, &ratios[phase]);
            let entries = &entries[phase * order + first..][..COMPONENTS];
            for i in 0..COMPONENTS {
                let entry = splat(simd, entries[i]);
                running[phase][i] = ratio.mul_add_precise(entry, running[phase][i]);
            }
        }
    }
    for (phase, (entries, ratio)) in panel_rest.chunks_exact(order).zip(rest).enumerate() {
        let ratio = load(simd, ratio);
        for i in 0..COMPONENTS {
            let entry = splat(simd, entries[first + i]);
            running[phase][i] = ratio.mul_add_precise(entry, running[phase][i]);
        }
    }
    for (i, sum) in sums.iter_mut().enumerate() {
        let mut total = load(simd, sum);
        for phase in &running {
            total += phase[i];
        }
        store(total, sum);
    }
}

/// `sums[f][k] += sum_n h[k][n] r[f][n]` over the frames of a tile.
///
/// `activations`: all components in the tile's first lane, then in the next. `ratios`: the same of the
/// bins of the block, lanes `stride` apart. `sums` has the layout of the panel.
#[simd]
pub(super) fn contract_frames<S: Simd>(
    simd: S,
    activations: &[Lane],
    order: usize,
    ratios: &[Lane],
    stride: usize,
    sums: &mut [f64],
) {
    for (bin, sums) in sums.chunks_exact_mut(order).enumerate() {
        let ratios = &ratios[bin..];
        let (fours, rest) = sums.as_chunks_mut::<4>();
        let first = 4 * fours.len();
        for (i, sums) in fours.iter_mut().enumerate() {
            let added = frame_sums::<S, 4>(simd, activations, order, 4 * i, ratios, stride);
            (f64x4::load_array(simd, *sums) + added).store_array(sums);
        }
        let added = match rest.len() {
            1 => frame_sums::<S, 1>(simd, activations, order, first, ratios, stride),
            2 => frame_sums::<S, 2>(simd, activations, order, first, ratios, stride),
            3 => frame_sums::<S, 3>(simd, activations, order, first, ratios, stride),
            _ => continue,
        };
        for (i, sum) in rest.iter_mut().enumerate() {
            *sum += added[i];
        }
    }
}

/// Sums over the frames of a tile for up to four components at one bin, added up across lanes as
/// `(0 + 4) + (1 + 5)` and `(2 + 6) + (3 + 7)`.
#[inline(always)]
fn frame_sums<S: Simd, const COMPONENTS: usize>(
    simd: S,
    activations: &[Lane],
    order: usize,
    first: usize,
    ratios: &[Lane],
    stride: usize,
) -> f64x4<S> {
    let mut running = [splat(simd, 0.0); 4];
    let ratios = ratios.iter().step_by(stride);
    for (activations, ratio) in activations.chunks_exact(order).zip(ratios) {
        let ratio = load(simd, ratio);
        let activations = &activations[first..][..COMPONENTS];
        for i in 0..COMPONENTS {
            running[i] = ratio.mul_add_precise(load(simd, &activations[i]), running[i]);
        }
    }
    let mut halves = [f64x4::splat(simd, 0.0); 4];
    for (half, value) in halves.iter_mut().zip(running) {
        let (low, high) = simd.split_f64x8(value);
        *half = low + high;
    }
    let [a, b, c, d] = halves;
    let ab = simd.unzip_low_f64x4(a, b) + simd.unzip_high_f64x4(a, b);
    let cd = simd.unzip_low_f64x4(c, d) + simd.unzip_high_f64x4(c, d);
    simd.unzip_low_f64x4(ab, cd) + simd.unzip_high_f64x4(ab, cd)
}
