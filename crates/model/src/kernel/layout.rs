//! How matrices are laid out for the kernels: frames in groups, tiles and slabs, bins in blocks.
//!
//! Frames are worked on in groups of as many as a [`Pack`] has lanes. Consecutive groups make a
//! tile, whose frames are in cache together, and consecutive tiles a slab, which works on one
//! thread. Bins are worked on in blocks.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

use super::pack::{Pack, Real};

/// Frames in a tile: they are in cache together, and read a dictionary once.
pub(super) const TILE: usize = 32;

/// Groups of frames in a tile.
pub(super) const fn groups_per_tile<T: Real>() -> usize {
    TILE / T::LANES
}

/// Number of groups that hold `frames` frames.
fn count_groups<T: Real>(frames: usize) -> usize {
    frames.div_ceil(T::LANES)
}

/// A components x bins matrix, bin by bin: all components at one bin, then at the next.
#[derive(Debug, Clone)]
pub(super) struct Panel<T> {
    pub(super) order: usize,
    pub(super) values: Vec<T>,
}

impl<T: Real> Panel<T> {
    pub(super) fn from_array(components: ArrayView2<'_, f64>) -> Self {
        Self {
            order: components.nrows(),
            values: components.t().iter().map(|&w| T::from_f64(w)).collect(),
        }
    }

    /// Components x bins.
    pub(super) fn to_array(&self) -> Array2<f64> {
        let bins = self.values.len() / self.order;
        Array2::from_shape_fn((self.order, bins), |(component, bin)| {
            self.values[bin * self.order + component].to_f64()
        })
    }

    /// The panel of a range of bins.
    pub(super) fn block(&self, bins: &Range<usize>) -> &[T] {
        &self.values[bins.start * self.order..bins.end * self.order]
    }
}

/// A frames x columns matrix, group by group: a pack per column, bin or component, for the frames
/// of the first group, then for those of the next. `value` in frames that exist, else 0.
pub(super) fn pack_frames<T: Real>(
    frames: usize,
    columns: usize,
    value: impl Fn(usize, usize) -> f64,
) -> Vec<Pack<T>> {
    let mut packs = vec![Pack::ZERO; count_groups::<T>(frames) * columns];
    for frame in 0..frames {
        for column in 0..columns {
            let pack: &mut Pack<T> = &mut packs[frame / T::LANES * columns + column];
            pack.0.as_mut()[frame % T::LANES] = T::from_f64(value(frame, column));
        }
    }
    packs
}

/// The inverse of [`pack_frames`]: frames x columns.
pub(super) fn unpack_frames<T: Real>(
    packs: &[Pack<T>],
    columns: usize,
    frames: usize,
) -> Array2<f64> {
    Array2::from_shape_fn((frames, columns), |(frame, column)| {
        packs[frame / T::LANES * columns + column].0.as_ref()[frame % T::LANES].to_f64()
    })
}

/// Writes packs of `columns` columns frame by frame.
pub(super) fn unpack_into<T: Real>(packs: &[Pack<T>], columns: usize, frames: &mut [T]) {
    let blocks = frames.chunks_exact_mut(T::LANES * columns);
    for (packs, frames) in packs.chunks_exact(columns).zip(blocks) {
        for (column, pack) in packs.iter().enumerate() {
            for (frame, value) in frames.chunks_exact_mut(columns).zip(pack.0.as_ref()) {
                frame[column] = *value;
            }
        }
    }
}

/// A group of frames of a slab, and which of them exist.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<T: Real> {
    /// Number of the group in its slab.
    pub(super) group: usize,
    /// Frames that exist.
    pub(super) frames: usize,
    /// 1 in them, else 0.
    pub(super) valid: Pack<T>,
    /// What a variance begins with: [`Real::VARIANCE_START`] in them, else 1.
    pub(super) start: Pack<T>,
}

/// The groups of a slab of `frames` frames.
pub(super) fn places<T: Real>(frames: usize) -> Vec<Place<T>> {
    (0..count_groups::<T>(frames))
        .map(|group| Place::new(group, frames))
        .collect()
}

impl<T: Real> Place<T> {
    fn new(group: usize, frames: usize) -> Self {
        let frames = T::LANES.min(frames - group * T::LANES);
        let one = T::from_f64(1.0);
        Self {
            group,
            frames,
            valid: Pack::split(frames, one, T::from_f64(0.0)),
            start: Pack::split(frames, T::VARIANCE_START, one),
        }
    }

    /// Where the group is in a matrix of `columns` columns.
    pub(super) fn row(&self, columns: usize) -> Range<usize> {
        self.group * columns..(self.group + 1) * columns
    }

    /// Where a block of its bins is.
    fn block(&self, block: &Range<usize>, bins: usize) -> Range<usize> {
        let start = self.group * bins;
        start + block.start..start + block.end
    }
}

/// A block of bins in a group of frames.
#[derive(Debug)]
pub(super) struct At<'a, T: Real> {
    pub(super) place: &'a Place<T>,
    /// Number of the group in its tile, where something is kept for a whole tile.
    pub(super) slot: usize,
    pub(super) block: Range<usize>,
}

impl<'a, T: Real> At<'a, T> {
    pub(super) fn new(place: &'a Place<T>, slot: usize, block: Range<usize>) -> Self {
        Self { place, slot, block }
    }

    /// Where the block is in a matrix of all groups and bins.
    pub(super) fn within(&self, bins: usize) -> Range<usize> {
        self.place.block(&self.block, bins)
    }
}

/// Largest number of slabs, the runs of frames that work in parallel. More would allow more threads
/// on one problem, and cost one more set of dictionary sums each.
const SLABS: usize = 16;

/// Frames in a slab: whole tiles, and a function of the problem alone, so that sums over slabs do
/// not depend on the number of threads.
pub(super) fn slab_frames(frames: usize) -> usize {
    frames.div_ceil(TILE).div_ceil(SLABS) * TILE
}

/// The blocks of `bins` bins, small enough that what an order needs of one stays in the first-level
/// cache, and what all orders need in the second.
pub(super) fn blocks(bins: usize) -> impl Iterator<Item = Range<usize>> {
    let size = block_size(bins);
    (0..bins)
        .step_by(size)
        .map(move |start| start..usize::min(start + size, bins))
}

/// Most bins in a block: as many mantissas, each below 2, have a finite product.
const LARGEST_BLOCK: usize = 48;

/// Bins in all blocks but the last, a multiple of the twelve that a product takes at once.
pub(super) fn block_size(bins: usize) -> usize {
    bins.next_multiple_of(12).min(LARGEST_BLOCK)
}
