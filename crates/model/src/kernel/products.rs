//! The matrix products of the updates, on a group of frames and a block of bins.
//!
//! | product | computes | used for |
//! |---|---|---|
//! | [`combine`] | `sum_k w_fk h_kn` | `C = G(W) G(H)` (eq. 14), `V = E[W] E[H]` |
//! | [`contract_bins`] | `sum_f w_fk r_fn` | `rho` and `tau` of the activations (eq. 17) |
//! | [`contract_frames`] | `sum_n h_kn r_fn` | `rho` and `tau` of the dictionary (eq. 17) |
//!
//! Frames are the lanes of a pack, and entries of a dictionary are broadcast; in the last product
//! components are the lanes, and ratios are broadcast. A dozen accumulators stay in registers and
//! the rest is streamed. What becomes of `C` and `V` is decided by a [`Finish`] while they are
//! still in registers.
//!
//! `#[simd]` compiles each product once per instruction set, and the helpers are inlined into it.
//! Vectors never pass through a closure: it would be compiled for the baseline and called for every
//! operation.

use fearless_simd::prelude::*;
use fearless_simd_macros::simd;

use super::layout::{At, Panel};
use super::pack::{F64_LANES, Pack, Real, add_some, load, multiply_add};

/// Takes the results of [`combine`].
pub(super) trait Finish<S: Simd, T: Real> {
    /// The product at `BINS` bins of the block from `bin` on. `bin` is even, and so is `BINS`
    /// except at the end of the block: what is done to pairs of bins does not depend on how many
    /// come at once, which depends on the instruction set.
    fn finish<const BINS: usize>(&mut self, simd: S, bin: usize, product: [T::Vector<S>; BINS]);
}

/// The product of activations and a dictionary in a block. Returns what [`combine`] does.
pub(super) fn product<S: Simd, T: Real>(
    simd: S,
    activations: &[Pack<T>],
    dictionary: &Panel<T>,
    at: &At<'_, T>,
    finish: &mut impl Finish<S, T>,
) -> bool {
    let activations = &activations[at.place.row(dictionary.order)];
    let panel = dictionary.block(&at.block);
    combine(simd, activations, panel, &at.place.start, finish)
}

/// The product of the activations of a group, a pack per component, and the panel of a block,
/// added to `start`. Returns whether a variance is below what [`Real::RANGE`] allows.
#[simd]
fn combine<S: Simd, T: Real, F: Finish<S, T>>(
    simd: S,
    activations: &[Pack<T>],
    panel: &[T],
    start: &Pack<T>,
    finish: &mut F,
) -> bool {
    combine_by::<S, T, F>(simd, activations, panel, start, finish, S::f64s::LEN >= 8)
}

/// The same, by twelve bins at a time if there are `wide` registers for them: as many accumulators
/// as leave registers for the operands, of sixteen or of 32 wide ones.
#[inline(always)]
fn combine_by<S: Simd, T: Real, F: Finish<S, T>>(
    simd: S,
    activations: &[Pack<T>],
    mut panel: &[T],
    start: &Pack<T>,
    finish: &mut F,
    wide: bool,
) -> bool {
    let order = activations.len();
    let start = load(simd, start);
    let mut lowest = T::constant(simd, 1.0);
    let mut bin = 0;
    if wide {
        while panel.len() >= 12 * order {
            let (group, rest) = panel.split_at(12 * order);
            let low = bins_at::<S, T, F, 12>(simd, activations, group, start, bin, finish);
            lowest = lowest.min(low);
            (panel, bin) = (rest, bin + 12);
        }
    }
    while panel.len() >= 6 * order {
        let (group, rest) = panel.split_at(6 * order);
        let low = bins_at::<S, T, F, 6>(simd, activations, group, start, bin, finish);
        lowest = lowest.min(low);
        (panel, bin) = (rest, bin + 6);
    }
    while panel.len() >= 2 * order {
        let (group, rest) = panel.split_at(2 * order);
        let low = bins_at::<S, T, F, 2>(simd, activations, group, start, bin, finish);
        lowest = lowest.min(low);
        (panel, bin) = (rest, bin + 2);
    }
    if !panel.is_empty() {
        let low = bins_at::<S, T, F, 1>(simd, activations, panel, start, bin, finish);
        lowest = lowest.min(low);
    }
    T::RANGE.is_some_and(|range| {
        let smallest = T::constant(simd, range.smallest_variance);
        lowest.simd_le(smallest).any_true()
    })
}

/// The product at the bins of a panel. Returns the least of it if [`Real::RANGE`] asks for it.
#[inline(always)]
fn bins_at<S: Simd, T: Real, F: Finish<S, T>, const BINS: usize>(
    simd: S,
    activations: &[Pack<T>],
    mut panel: &[T],
    start: T::Vector<S>,
    bin: usize,
    finish: &mut F,
) -> T::Vector<S> {
    let order = activations.len();
    let mut rows = [&[][..]; BINS];
    for row in &mut rows {
        (*row, panel) = panel.split_at(order);
    }
    let mut sums = [start; BINS];
    for (k, activations) in activations.iter().enumerate() {
        let value = load(simd, activations);
        for i in 0..BINS {
            let entry = T::Vector::splat(simd, rows[i][k]);
            sums[i] = multiply_add(value, entry, sums[i]);
        }
    }
    let mut lowest = sums[0];
    if T::RANGE.is_some() {
        for &sum in &sums {
            lowest = lowest.min(sum);
        }
    }
    finish.finish(simd, bin, sums);
    lowest
}

/// `sums[k][n] += sum_f w[f][k] r[f][n]` over the bins of a block.
#[simd]
pub(super) fn contract_bins<S: Simd, T: Real>(
    simd: S,
    panel: &[T],
    ratios: &[Pack<T>],
    sums: &mut [T::Wide],
) {
    contract_bins_by::<S, T, _>(simd, panel, FormedRatios(ratios), sums, S::f64s::LEN >= 8);
}

/// The same with `E|s|^2 / C^2`, which is formed in registers.
#[simd]
pub(super) fn contract_power<S: Simd, T: Real>(
    simd: S,
    panel: &[T],
    ratios: PowerRatios<'_, T>,
    sums: &mut [T::Wide],
) {
    contract_bins_by::<S, T, _>(simd, panel, ratios, sums, S::f64s::LEN >= 8);
}

/// What is contracted over the bins of a block.
trait Ratios<T: Real>: Copy {
    fn at<S: Simd>(&self, simd: S, bin: usize) -> T::Vector<S>;
}

/// Ratios that are in memory.
#[derive(Clone, Copy)]
struct FormedRatios<'a, T: Real>(&'a [Pack<T>]);

impl<T: Real> Ratios<T> for FormedRatios<'_, T> {
    #[inline(always)]
    fn at<S: Simd>(&self, simd: S, bin: usize) -> T::Vector<S> {
        load(simd, &self.0[bin])
    }
}

/// `E|s|^2 / C^2`, the ratio of `tau`.
#[derive(Clone, Copy)]
pub(super) struct PowerRatios<'a, T: Real> {
    pub(super) power: &'a [Pack<T>],
    pub(super) inverse_c: &'a [Pack<T>],
}

impl<T: Real> Ratios<T> for PowerRatios<'_, T> {
    #[inline(always)]
    fn at<S: Simd>(&self, simd: S, bin: usize) -> T::Vector<S> {
        let inverse_c = load(simd, &self.inverse_c[bin]);
        load(simd, &self.power[bin]) * inverse_c * inverse_c
    }
}

/// The same, by up to sixteen components at a time if there are `wide` registers for them.
///
/// One to three components run in several phases, so that there are always enough independent sums.
#[inline(always)]
fn contract_bins_by<S: Simd, T: Real, R: Ratios<T>>(
    simd: S,
    panel: &[T],
    ratios: R,
    sums: &mut [T::Wide],
    wide: bool,
) {
    let order = sums.len();
    let mut components = Components {
        panel,
        order,
        first: 0,
        ratios,
    };
    let rest = match order {
        1 => return components.contract::<S, 1, 6>(simd, sums),
        2 => return components.contract::<S, 2, 3>(simd, sums),
        3 => return components.contract::<S, 3, 2>(simd, sums),
        _ => sums,
    };
    let rest = match wide {
        true => {
            let rest = components.contract_many::<S, 16>(simd, rest);
            let rest = components.contract_many::<S, 14>(simd, rest);
            let rest = components.contract_many::<S, 12>(simd, rest);
            let rest = components.contract_many::<S, 10>(simd, rest);
            components.contract_many::<S, 8>(simd, rest)
        }
        false => rest,
    };
    let rest = components.contract_many::<S, 6>(simd, rest);
    let rest = components.contract_many::<S, 4>(simd, rest);
    let rest = components.contract_many::<S, 2>(simd, rest);
    components.contract_many::<S, 1>(simd, rest);
}

/// What is contracted, and the component to go on with.
struct Components<'a, T: Real, R: Ratios<T>> {
    panel: &'a [T],
    order: usize,
    first: usize,
    ratios: R,
}

impl<T: Real, R: Ratios<T>> Components<'_, T, R> {
    /// As many times `COMPONENTS` as there are. Returns the sums of the others.
    #[inline(always)]
    fn contract_many<'s, S: Simd, const COMPONENTS: usize>(
        &mut self,
        simd: S,
        sums: &'s mut [T::Wide],
    ) -> &'s mut [T::Wide] {
        let (whole, rest) = sums.as_chunks_mut::<COMPONENTS>();
        for sums in whole {
            self.contract::<S, COMPONENTS, 1>(simd, sums);
        }
        rest
    }

    /// The next `COMPONENTS`, every bin in the phase of its number.
    #[inline(always)]
    fn contract<S: Simd, const COMPONENTS: usize, const PHASES: usize>(
        &mut self,
        simd: S,
        sums: &mut [T::Wide],
    ) {
        let (order, first) = (self.order, self.first);
        let mut running = [[T::constant(simd, 0.0); COMPONENTS]; PHASES];
        let whole = self.panel.chunks_exact(PHASES * order);
        let rest = whole.remainder().chunks_exact(order);
        let mut bin = 0;
        for entries in whole {
            for (phase, running) in running.iter_mut().enumerate() {
                let ratio = self.ratios.at(simd, bin + phase);
                let entries = &entries[phase * order + first..][..COMPONENTS];
                for i in 0..COMPONENTS {
                    let entry = T::Vector::splat(simd, entries[i]);
                    running[i] = multiply_add(ratio, entry, running[i]);
                }
            }
            bin += PHASES;
        }
        for (phase, entries) in rest.enumerate() {
            let ratio = self.ratios.at(simd, bin + phase);
            for i in 0..COMPONENTS {
                let entry = T::Vector::splat(simd, entries[first + i]);
                running[phase][i] = multiply_add(ratio, entry, running[phase][i]);
            }
        }
        for (i, sum) in sums.iter_mut().enumerate() {
            for phase in &running {
                T::add_to(simd, phase[i], sum);
            }
        }
        self.first += COMPONENTS;
    }
}

/// `sums[f][k] += sum_n h[n][k] r[f][n]` over the frames of a tile, or `=` if it is the first of
/// its sum.
///
/// Components are the lanes. `activations`: frame by frame, all components of each, and as many
/// numbers more as a pack has lanes, which are read but not used. `ratios`: those of a block in
/// the first group of the tile, then in the next, `stride` packs apart. `sums` has the layout of
/// the panel.
#[simd]
pub(super) fn contract_frames<S: Simd, T: Real>(
    simd: S,
    order: usize,
    activations: &[T],
    ratios: &[Pack<T>],
    stride: usize,
    is_first: bool,
    sums: &mut [f64],
) {
    let frames = (activations.len() - T::LANES) / order;
    let tile = Tile {
        order,
        activations,
        ratios: &ratios[..frames / T::LANES * stride],
        stride,
        is_first,
    };
    contract_tile(simd, &tile, sums, S::f64s::LEN >= 8);
}

/// The same, by twelve bins at a time if there are `wide` registers for them.
#[inline(always)]
fn contract_tile<S: Simd, T: Real>(simd: S, tile: &Tile<'_, T>, sums: &mut [f64], wide: bool) {
    let mut rest = (0, sums);
    if wide {
        rest = contract_frames_by::<S, T, 12>(simd, tile, rest);
    }
    rest = contract_frames_by::<S, T, 6>(simd, tile, rest);
    contract_frames_by::<S, T, 1>(simd, tile, rest);
}

/// What [`contract_frames`] reads.
struct Tile<'a, T: Real> {
    order: usize,
    activations: &'a [T],
    ratios: &'a [Pack<T>],
    stride: usize,
    is_first: bool,
}

/// The bins from a first one on, with their sums, `BINS` at a time. Returns those that are left.
#[inline(always)]
fn contract_frames_by<'a, S: Simd, T: Real, const BINS: usize>(
    simd: S,
    tile: &Tile<'_, T>,
    (mut bin, sums): (usize, &'a mut [f64]),
) -> (usize, &'a mut [f64]) {
    let order = tile.order;
    let bins = sums.len() / (BINS * order) * BINS;
    let (whole, rest) = sums.split_at_mut(bins * order);
    for sums in whole.chunks_exact_mut(BINS * order) {
        for first in (0..order).step_by(T::LANES) {
            let running = contract_lanes::<S, T, BINS>(simd, tile, bin, first);
            for i in 0..BINS {
                let last = usize::min(first + T::LANES, order);
                let sums = &mut sums[i * order..][first..last];
                let running = T::widen(simd, running[i]);
                for (sums, running) in sums.chunks_mut(F64_LANES).zip(running.as_ref()) {
                    add_some(simd, running, sums, tile.is_first);
                }
            }
        }
        bin += BINS;
    }
    (bin, rest)
}

/// The contractions at `BINS` bins, of as many components as a pack has lanes.
#[inline(always)]
fn contract_lanes<S: Simd, T: Real, const BINS: usize>(
    simd: S,
    tile: &Tile<'_, T>,
    bin: usize,
    first: usize,
) -> [T::Vector<S>; BINS] {
    let mut running = [T::constant(simd, 0.0); BINS];
    let mut at = first;
    for ratios in tile.ratios.chunks_exact(tile.stride) {
        let ratios = &ratios[bin..bin + BINS];
        for frame in 0..T::LANES {
            let activations = &tile.activations[at..at + T::LANES];
            let activations = T::Vector::from_slice(simd, activations);
            for i in 0..BINS {
                let ratio = T::Vector::splat(simd, ratios[i].0.as_ref()[frame]);
                running[i] = multiply_add(activations, ratio, running[i]);
            }
            at += tile.order;
        }
    }
    running
}

#[cfg(test)]
mod tests {
    use fearless_simd::{Level, dispatch, f64x8};

    use super::*;

    /// Keeps the product as it is.
    struct Keep<'a>(&'a mut [Pack<f64>]);

    impl<S: Simd> Finish<S, f64> for Keep<'_> {
        #[inline(always)]
        fn finish<const BINS: usize>(&mut self, _: S, bin: usize, product: [f64x8<S>; BINS]) {
            for (kept, product) in self.0[bin..bin + BINS].iter_mut().zip(product) {
                product.store_array(&mut kept.0);
            }
        }
    }

    /// Entries that no sum is exact of.
    fn entries(count: usize) -> Vec<f64> {
        (0..count).map(|i| 1.0 / (1.0 + i as f64)).collect()
    }

    fn packs(count: usize) -> Vec<Pack<f64>> {
        let entries = entries(F64_LANES * count);
        let (packs, _) = entries.as_chunks();
        packs.iter().map(|&values| Pack(values)).collect()
    }

    /// How many bins or components go together depends on the registers, but no bit of a result
    /// does.
    #[test]
    fn groups_of_twelve_and_of_six_give_the_same_bits() {
        let level = Level::new();
        for order in 1..=31 {
            for bins in 1..=48 {
                let (activations, panel) = (packs(order), entries(order * bins));
                let products = [false, true].map(|wide| {
                    let mut kept = vec![Pack::ZERO; bins];
                    let (finish, start) = (&mut Keep(&mut kept), &Pack([0.0; F64_LANES]));
                    dispatch!(level, simd =>
                        combine_by(simd, &activations, &panel, start, finish, wide));
                    kept
                });
                assert_eq!(products[0], products[1], "{order} x {bins}");
                let sums = [false, true].map(|wide| {
                    let mut sums = vec![[Pack::ZERO]; order];
                    let ratios = FormedRatios(&products[0]);
                    dispatch!(level, simd =>
                        contract_bins_by(simd, &panel, ratios, &mut sums, wide));
                    sums
                });
                assert_eq!(sums[0], sums[1], "{order} x {bins}");
            }
        }
    }

    /// Sums of 24 terms, most of which are rounded.
    const ROUNDING: f64 = 1e-14;

    #[test]
    fn contractions_over_frames_are_their_definition() {
        let (frames, stride, level) = (3 * F64_LANES, 50, Level::new());
        let ratios = packs(3 * stride);
        for order in 1..=20 {
            let activations = entries(frames * order + F64_LANES);
            for bins in 1..=48 {
                let [narrow, wide] = [false, true].map(|wide| {
                    let mut sums = vec![2.0; order * bins];
                    let tile = Tile {
                        order,
                        activations: &activations,
                        ratios: &ratios,
                        stride,
                        is_first: false,
                    };
                    dispatch!(level, simd => contract_tile(simd, &tile, &mut sums, wide));
                    sums
                });
                assert_eq!(narrow, wide, "{order} x {bins}");
                for (i, sum) in wide.into_iter().enumerate() {
                    let (bin, k) = (i / order, i % order);
                    let term = |frame: usize| {
                        let ratio = &ratios[frame / F64_LANES * stride + bin];
                        ratio.0[frame % F64_LANES] * activations[frame * order + k]
                    };
                    let expected = 2.0 + (0..frames).map(term).sum::<f64>();
                    assert!(
                        (sum - expected).abs() < ROUNDING * expected,
                        "{order} x {bins}"
                    );
                }
            }
        }
    }
}
