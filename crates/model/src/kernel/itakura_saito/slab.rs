//! The updates of a training in consecutive frames, tile by tile and block by block.

use std::ops::Range;

use fearless_simd::prelude::*;
use fearless_simd_macros::simd;
use ndarray::{Array2, ArrayView2, Axis};

use super::super::elementwise::{Misfit, invert_all, load_all, store_all};
use super::super::layout::{
    At, Panel, Place, block_size, blocks, pack_frames, places, unpack_into,
};
use super::super::log_product::{PackProduct, StoredProduct};
use super::super::pack::{F64_LANES, Pack, Real, load, splat, store};
use super::super::products::{Finish, contract_bins, product};
use super::turn::turn;

/// Groups of frames in a tile: the ratios of a block in them are in the first-level cache.
const GROUPS_PER_TILE: usize = 4;

#[derive(Debug)]
pub(super) struct Slab<T: Real> {
    frames: usize,
    order: usize,
    places: Vec<Place<T>>,
    power: Vec<Pack<T>>,
    /// In double precision, and as the products take them: in single precision small ones are zero
    /// there, and not for good.
    activations: Vec<T::Wide>,
    activation_packs: Vec<Pack<T>>,
    /// The contractions of the groups of a tile with `P / V^2` and with `1 / V`.
    numerators: Vec<T::Wide>,
    denominators: Vec<T::Wide>,
    /// `1 / V` and `P / V^2` of a block in the groups of a tile, `stride` packs apart.
    inverse_v: Vec<Pack<T>>,
    ratio: Vec<Pack<T>>,
    stride: usize,
    /// One of them with bins as the lanes, a pack for each frame of a tile.
    turned: Vec<Pack<T>>,
    /// The activations of a tile, frame by frame.
    frame_activations: Vec<T>,
    /// The contractions over these frames: a pack of bins per component, for as many bins as a pack
    /// has lanes, then for the next. What is in lanes beyond the last bin is worth nothing.
    pub(super) dictionary_numerators: Vec<T::Wide>,
    pub(super) dictionary_denominators: Vec<T::Wide>,
    /// At the start of the iteration.
    pub(super) misfit: Misfit,
    /// Whether something has left [`Real::RANGE`].
    pub(super) out_of_range: bool,
}

impl<T: Real> Slab<T> {
    /// `power`: frames x bins, raised to `power_floor`. `activations`: frames x components.
    pub(super) fn new(
        power: ArrayView2<'_, f64>,
        power_floor: f64,
        activations: ArrayView2<'_, f64>,
    ) -> Self {
        let (frames, bins) = power.dim();
        let order = activations.ncols();
        // Whole packs of bins.
        let stride = block_size(bins).next_multiple_of(T::LANES);
        let sums = bins.div_ceil(T::LANES) * order;
        let places = places(frames);
        let mut started = vec![T::WIDE_ZEROS; places.len() * order];
        for ((frame, k), &value) in activations.indexed_iter() {
            *entry_mut::<T>(&mut started[frame / T::LANES * order + k], frame % T::LANES) = value;
        }
        Self {
            frames,
            order,
            places,
            power: pack_power(power, power_floor),
            activations: started,
            activation_packs: pack_frames(frames, order, |frame, k| activations[(frame, k)]),
            numerators: vec![T::WIDE_ZEROS; GROUPS_PER_TILE * order],
            denominators: vec![T::WIDE_ZEROS; GROUPS_PER_TILE * order],
            inverse_v: vec![Pack::ZERO; GROUPS_PER_TILE * stride],
            ratio: vec![Pack::ZERO; GROUPS_PER_TILE * stride],
            stride,
            turned: vec![Pack::ZERO; GROUPS_PER_TILE * T::LANES],
            frame_activations: vec![T::default(); GROUPS_PER_TILE * T::LANES * order],
            dictionary_numerators: vec![T::WIDE_ZEROS; sums],
            dictionary_denominators: vec![T::WIDE_ZEROS; sums],
            misfit: Misfit::ZERO,
            out_of_range: false,
        }
    }

    /// Frames x components.
    pub(super) fn activations(&self) -> Array2<f64> {
        Array2::from_shape_fn((self.frames, self.order), |(frame, k)| {
            let pack = &self.activations[frame / T::LANES * self.order + k];
            entry::<T>(pack, frame % T::LANES)
        })
    }

    pub(super) fn largest_activation(&self) -> f64 {
        let packs = self.activations.iter().flat_map(AsRef::as_ref);
        packs.flat_map(|pack| pack.0).fold(0.0, f64::max)
    }

    /// `sum log P`.
    #[simd]
    pub(super) fn log_power<S: Simd>(&self, simd: S, bins: usize) -> f64 {
        let mut volume = StoredProduct::ONE;
        for place in &self.places {
            // P, or 1 in frames that do not exist.
            let padding = T::constant(simd, 1.0) - load(simd, &place.valid);
            for block in blocks(bins) {
                let mut product = PackProduct::<S, T>::new(simd);
                let at = At::new(place, 0, block);
                for power in &self.power[at.within(bins)] {
                    product.multiply(simd, load(simd, power) + padding);
                }
                volume.multiply(simd, product);
            }
        }
        volume.log()
    }

    /// Updates the activations and gathers what the update of the dictionary needs.
    pub(super) fn iterate<S: Simd>(&mut self, simd: S, dictionary: &Panel<T>, bins: usize) {
        let order = self.order;
        self.misfit = Misfit::ZERO;
        self.dictionary_numerators.fill(T::WIDE_ZEROS);
        self.dictionary_denominators.fill(T::WIDE_ZEROS);
        let places = std::mem::take(&mut self.places);
        for tile in places.chunks(GROUPS_PER_TILE) {
            self.contract_bins(simd, dictionary, bins, tile);
            self.update_activations(simd, tile);
            let packs = tile[0].group * order..(tile[0].group + tile.len()) * order;
            let packs = &self.activation_packs[packs];
            unpack_into(packs, order, &mut self.frame_activations);
            for block in blocks(bins) {
                for (slot, place) in tile.iter().enumerate() {
                    let at = At::new(place, slot, block.clone());
                    self.form_ratios::<S, false>(simd, dictionary, bins, &at);
                }
                self.contract_frames(simd, tile.len(), &block);
            }
        }
        self.places = places;
    }

    /// The misfit alone.
    pub(super) fn evaluate<S: Simd>(&mut self, simd: S, dictionary: &Panel<T>, bins: usize) {
        self.misfit = Misfit::ZERO;
        let places = std::mem::take(&mut self.places);
        for place in &places {
            for block in blocks(bins) {
                let at = At::new(place, 0, block);
                self.form_ratios::<S, true>(simd, dictionary, bins, &at);
            }
        }
        self.places = places;
    }

    /// Multiplies the activations of each component by its scale.
    #[simd]
    pub(super) fn scale_activations<S: Simd>(&mut self, simd: S, scales: &[f64]) {
        let activations = self.activations.iter_mut().zip(&mut self.activation_packs);
        for ((entries, pack), &scale) in activations.zip(scales.iter().cycle()) {
            for entries in entries.as_mut() {
                store(load(simd, entries) * splat(simd, scale), entries);
            }
            store(T::narrow(simd, entries), pack);
        }
    }

    /// `W^T (P / V^2)` and `W^T (1 / V)` in the frames of a tile.
    fn contract_bins<S: Simd>(
        &mut self,
        simd: S,
        dictionary: &Panel<T>,
        bins: usize,
        tile: &[Place<T>],
    ) {
        self.numerators.fill(T::WIDE_ZEROS);
        self.denominators.fill(T::WIDE_ZEROS);
        for block in blocks(bins) {
            let (panel, length) = (dictionary.block(&block), block.len());
            for (slot, place) in tile.iter().enumerate() {
                // A group at a time, so that its ratios need the place of the first only.
                let at = At::new(place, 0, block.clone());
                self.form_ratios::<S, true>(simd, dictionary, bins, &at);
                let sums = slot * self.order..(slot + 1) * self.order;
                for (ratios, sums) in [
                    (&self.ratio, &mut self.numerators[sums.clone()]),
                    (&self.inverse_v, &mut self.denominators[sums]),
                ] {
                    contract_bins(simd, panel, &ratios[..length], sums);
                }
            }
        }
    }

    /// `H <- H o (W^T (P / V^2)) / (W^T (1 / V))` in the frames of a tile; an entry with nothing to
    /// explain stays as it is.
    #[simd]
    fn update_activations<S: Simd>(&mut self, simd: S, tile: &[Place<T>]) {
        let largest = splat(simd, T::RANGE.map_or(f64::INFINITY, |range| range.largest));
        let finite = splat(simd, T::RANGE.map_or(f64::INFINITY, |range| range.finite));
        let zero = splat(simd, 0.0);
        let sums = self.numerators.iter().zip(&self.denominators);
        let first = tile[0].group * self.order;
        let range = first..first + tile.len() * self.order;
        let activations = self.activations[range.clone()].iter_mut();
        let activations = activations.zip(&mut self.activation_packs[range]);
        for ((entries, pack), (numerators, denominators)) in activations.zip(sums) {
            let sums = numerators.as_ref().iter().zip(denominators.as_ref());
            for (entries, (numerators, denominators)) in entries.as_mut().iter_mut().zip(sums) {
                let (before, denominators) = (load(simd, entries), load(simd, denominators));
                let after = before * (load(simd, numerators) / denominators);
                store(denominators.simd_gt(zero).select(after, before), entries);
                // What is not a number is not within either.
                self.out_of_range |= T::RANGE.is_some()
                    && (after.simd_le(largest).any_false()
                        || denominators.simd_le(finite).any_false());
            }
            store(T::narrow(simd, entries), pack);
        }
    }

    /// Adds to `(P / V^2) H^T` and `(1 / V) H^T` what a tile of so many `groups` has in a block.
    #[simd]
    fn contract_frames<S: Simd>(&mut self, simd: S, groups: usize, block: &Range<usize>) {
        let order = self.order;
        let activations = &self.frame_activations[..groups * T::LANES * order];
        let turned = &mut self.turned[..groups * T::LANES];
        for first in (0..block.len()).step_by(T::LANES) {
            let at = (block.start + first) / T::LANES * order;
            for (ratios, sums) in [
                (&self.ratio, &mut self.dictionary_numerators),
                (&self.inverse_v, &mut self.dictionary_denominators),
            ] {
                let squares = ratios.chunks_exact(self.stride);
                for (ratios, turned) in squares.zip(turned.chunks_exact_mut(T::LANES)) {
                    turn(simd, &ratios[first..first + T::LANES], turned);
                }
                contract_bins(simd, activations, turned, &mut sums[at..at + order]);
            }
        }
    }

    /// `1 / V` and `P / V^2` of a block, and, if it is `MEASURED`, its misfit.
    #[simd]
    fn form_ratios<S: Simd, const MEASURED: bool>(
        &mut self,
        simd: S,
        dictionary: &Panel<T>,
        bins: usize,
        at: &At<'_, T>,
    ) {
        let start = at.slot * self.stride;
        let kept = start..start + at.block.len();
        let mut keep = KeepRatios::<S, T, MEASURED> {
            power: &self.power[at.within(bins)],
            inverse_v: &mut self.inverse_v[kept.clone()],
            ratio: &mut self.ratio[kept],
            volume: PackProduct::new(simd),
            quotients: T::constant(simd, 0.0),
        };
        self.out_of_range |= product(simd, &self.activation_packs, dictionary, at, &mut keep);
        if MEASURED {
            self.misfit.add(simd, keep.volume, keep.quotients);
        }
    }
}

/// What a lane of a pack holds.
pub(super) fn entry<T: Real>(pack: &T::Wide, lane: usize) -> f64 {
    pack.as_ref()[lane / F64_LANES].0[lane % F64_LANES]
}

fn entry_mut<T: Real>(pack: &mut T::Wide, lane: usize) -> &mut f64 {
    &mut pack.as_mut()[lane / F64_LANES].0[lane % F64_LANES]
}

/// The powers of frames, raised to the floor; 0 in frames that do not exist.
fn pack_power<T: Real>(power: ArrayView2<'_, f64>, floor: f64) -> Vec<Pack<T>> {
    let (frames, bins) = power.dim();
    let mut packs = vec![Pack::ZERO; frames.div_ceil(T::LANES) * bins];
    let groups = power.axis_chunks_iter(Axis(0), T::LANES);
    for (power, packs) in groups.zip(packs.chunks_exact_mut(bins)) {
        for (frame, power) in power.outer_iter().enumerate() {
            for (pack, value) in packs.iter_mut().zip(power) {
                let pack: &mut Pack<T> = pack;
                pack.0.as_mut()[frame] = T::from_f64(value.max(floor));
            }
        }
    }
    packs
}

/// Keeps `1 / V` and `P / V^2`, and, if they are `MEASURED`, multiplies the `V` of a block for the
/// sum of their logarithms and adds up `P / V`.
struct KeepRatios<'a, S: Simd, T: Real, const MEASURED: bool> {
    power: &'a [Pack<T>],
    inverse_v: &'a mut [Pack<T>],
    ratio: &'a mut [Pack<T>],
    volume: PackProduct<S, T>,
    quotients: T::Vector<S>,
}

impl<S: Simd, T: Real, const MEASURED: bool> Finish<S, T> for KeepRatios<'_, S, T, MEASURED> {
    #[inline(always)]
    fn finish<const BINS: usize>(&mut self, simd: S, bin: usize, v: [T::Vector<S>; BINS]) {
        let inverses = invert_all::<S, T, BINS>(simd, v);
        let mut ratios = load_all::<S, T, BINS>(simd, self.power, bin);
        // In registers: in memory each step of the sum would wait for the last.
        let mut quotients = self.quotients;
        for i in 0..BINS {
            let quotient = ratios[i] * inverses[i];
            if MEASURED {
                quotients += quotient;
            }
            ratios[i] = quotient * inverses[i];
        }
        self.quotients = quotients;
        if MEASURED {
            self.volume.multiply_all(simd, v);
        }
        store_all::<S, T, BINS>(inverses, self.inverse_v, bin);
        store_all::<S, T, BINS>(ratios, self.ratio, bin);
    }
}
