//! Storage of the kernels: frames in lanes.
//!
//! A lane is eight frames in double precision, sixteen in single: one AVX-512 register, two AVX2 or
//! four NEON ones. The width is part of the arithmetic, not of the machine: a sum over frames or over what
//! belongs to them is as many running sums, added up in a fixed order whatever the registers, so that results
//! are the same bytes on all of them.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

use super::real::Real;

/// Frames in a tile: they are in cache together, and read a dictionary once.
pub(crate) const TILE: usize = 32;

/// Lanes in a tile.
pub(crate) const fn tile_lanes<T: Real>() -> usize {
    TILE / T::LANE
}

/// Neighbouring frames at one bin or component.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
pub(crate) struct Lane<T: Real>(pub(crate) T::Values);

impl<T: Real> Lane<T> {
    pub(crate) const ZERO: Self = Self(T::ZEROS);

    /// `value` in the first `frames` frames, else `other`.
    fn split(frames: usize, value: T, other: T) -> Self {
        let mut lane = Self::ZERO;
        lane.0.as_mut().fill(other);
        lane.0.as_mut()[..frames].fill(value);
        lane
    }
}

/// Number of lanes that hold `frames` frames.
pub(crate) fn lanes_for<T: Real>(frames: usize) -> usize {
    frames.div_ceil(T::LANE)
}

/// A components x bins matrix, bin by bin: all components at one bin, then at the next.
#[derive(Debug, Clone)]
pub(crate) struct Panel<T> {
    pub(crate) order: usize,
    pub(crate) values: Vec<T>,
}

impl<T: Real> Panel<T> {
    pub(crate) fn from_array(components: ArrayView2<'_, f64>) -> Self {
        Self {
            order: components.nrows(),
            values: components.t().iter().map(|&w| T::from_f64(w)).collect(),
        }
    }

    /// Components x bins.
    pub(crate) fn to_array(&self) -> Array2<f64> {
        let bins = self.values.len() / self.order;
        Array2::from_shape_fn((self.order, bins), |(component, bin)| {
            self.values[bin * self.order + component].to_f64()
        })
    }

    /// The panel of a range of bins.
    pub(crate) fn block(&self, bins: &Range<usize>) -> &[T] {
        &self.values[bins.start * self.order..bins.end * self.order]
    }
}

/// A frames x columns matrix, lane by lane: all columns, bins or components, in the frames of the
/// first, then in the next. `value` in frames that exist, else 0.
pub(crate) fn lanes_of<T: Real>(
    frames: usize,
    columns: usize,
    value: impl Fn(usize, usize) -> f64,
) -> Vec<Lane<T>> {
    let mut lanes = vec![Lane::ZERO; lanes_for::<T>(frames) * columns];
    for frame in 0..frames {
        for column in 0..columns {
            let lane: &mut Lane<T> = &mut lanes[frame / T::LANE * columns + column];
            lane.0.as_mut()[frame % T::LANE] = T::from_f64(value(frame, column));
        }
    }
    lanes
}

/// The inverse of [`lanes_of`]: frames x columns.
pub(crate) fn from_lanes<T: Real>(lanes: &[Lane<T>], columns: usize, frames: usize) -> Array2<f64> {
    Array2::from_shape_fn((frames, columns), |(frame, column)| {
        lanes[frame / T::LANE * columns + column].0.as_ref()[frame % T::LANE].to_f64()
    })
}

/// Lanes of so many columns, written frame by frame.
pub(crate) fn frames_of<T: Real>(lanes: &[Lane<T>], columns: usize, frames: &mut [T]) {
    let blocks = frames.chunks_exact_mut(T::LANE * columns);
    for (lanes, frames) in lanes.chunks_exact(columns).zip(blocks) {
        for (column, lane) in lanes.iter().enumerate() {
            for (frame, value) in frames.chunks_exact_mut(columns).zip(lane.0.as_ref()) {
                frame[column] = *value;
            }
        }
    }
}

/// A lane of a slab, and which of its frames exist.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<T: Real> {
    /// Number of the lane in its slab.
    pub(crate) lane: usize,
    /// Frames that exist.
    pub(crate) frames: usize,
    /// 1 in them, else 0.
    pub(crate) valid: Lane<T>,
    /// [`Real::VARIANCE_FLOOR`] in them, else 1.
    pub(crate) floor: Lane<T>,
}

/// The lanes of so many frames.
pub(crate) fn places<T: Real>(frames: usize) -> Vec<Place<T>> {
    (0..lanes_for::<T>(frames))
        .map(|lane| Place::new(lane, frames))
        .collect()
}

impl<T: Real> Place<T> {
    fn new(lane: usize, frames: usize) -> Self {
        let frames = T::LANE.min(frames - lane * T::LANE);
        let one = T::from_f64(1.0);
        Self {
            lane,
            frames,
            valid: Lane::split(frames, one, T::from_f64(0.0)),
            floor: Lane::split(frames, T::VARIANCE_FLOOR, one),
        }
    }

    /// Where the lane is in a matrix of so many columns.
    pub(crate) fn row(&self, columns: usize) -> Range<usize> {
        self.lane * columns..(self.lane + 1) * columns
    }

    /// Where a block of its bins is.
    pub(crate) fn block(&self, block: &Range<usize>, bins: usize) -> Range<usize> {
        let start = self.lane * bins;
        start + block.start..start + block.end
    }
}

/// Largest number of slabs, the runs of frames that work in parallel. More would allow more threads
/// on one problem, and cost one more set of dictionary sums each.
const SLABS: usize = 16;

/// Frames in a slab: whole tiles, and a function of the problem alone, so that sums over slabs do not
/// depend on the number of threads.
pub(crate) fn slab_frames(frames: usize) -> usize {
    frames.div_ceil(TILE).div_ceil(SLABS) * TILE
}

/// Bins are worked on in blocks, small enough that what an order needs of one stays in the first-level
/// cache, and what all orders of a lane need in the second.
pub(crate) fn blocks(bins: usize) -> impl Iterator<Item = Range<usize>> {
    let size = block_size(bins);
    (0..bins)
        .step_by(size)
        .map(move |start| start..usize::min(start + size, bins))
}

/// Most bins in a block: mantissas of so many numbers, each below 2, have a finite product.
const LARGEST_BLOCK: usize = 48;

/// Bins in all blocks but the last, a multiple of the twelve that a product takes at once.
pub(crate) fn block_size(bins: usize) -> usize {
    bins.next_multiple_of(12).min(LARGEST_BLOCK)
}
