//! Storage of the kernels: bins in lanes of eight, frames in groups of six.
//!
//! Eight lanes are one AVX-512 register, two AVX2 or four NEON ones. The width is part of the
//! arithmetic, not of the machine: a sum over bins is eight running sums added up in a fixed tree,
//! whatever the registers, so that results are the same bytes on all of them.

use ndarray::{Array2, ArrayView2};

/// Bins in a [`Lane`].
pub(crate) const LANE: usize = 8;

/// Frames in a group: six lanes of accumulators times two arrays fill the sixteen registers of
/// AVX2, leaving room for the operands.
pub(crate) const GROUP: usize = 6;

/// Frames in a tile.
pub(crate) const TILE: usize = 2 * GROUP;

/// Eight neighbouring bins of one frame, component or ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
pub(crate) struct Lane(pub(crate) [f64; LANE]);

pub(crate) const ZERO: Lane = Lane([0.0; LANE]);

/// The sum of lanes, in their order.
#[inline]
pub(crate) fn sum_of_lanes<'a>(lanes: impl Iterator<Item = &'a Lane>) -> Lane {
    let mut total = ZERO;
    for lane in lanes {
        for (total, value) in total.0.iter_mut().zip(lane.0) {
            *total += value;
        }
    }
    total
}

/// Number of lanes that hold `bins` bins.
pub(crate) fn lanes_for(bins: usize) -> usize {
    bins.div_ceil(LANE)
}

/// One lane per eight bins, `value` in each bin and `padding` beyond the last.
pub(crate) fn constant_row(bins: usize, value: f64, padding: f64) -> Vec<Lane> {
    let mut row = vec![Lane([padding; LANE]); lanes_for(bins)];
    for bin in 0..bins {
        row[bin / LANE].0[bin % LANE] = value;
    }
    row
}

/// A frames x bins matrix, tile by tile and within a tile lane by lane: the frames of eight bins, then
/// of the next eight. 0 in bins and frames that do not exist.
pub(crate) fn tiled(frames: usize, bins: usize, value: impl Fn(usize, usize) -> f64) -> Vec<Lane> {
    let lanes = lanes_for(bins);
    let mut matrix = vec![ZERO; frames.div_ceil(TILE) * TILE * lanes];
    for frame in 0..frames {
        for bin in 0..bins {
            let at = (frame / TILE * lanes + bin / LANE) * TILE + frame % TILE;
            matrix[at].0[bin % LANE] = value(frame, bin);
        }
    }
    matrix
}

/// A components x bins matrix, lane by lane: the lane of all components at eight bins, then the
/// next eight bins. Both the products and the contractions walk it in order. Padding bins are 0.
#[derive(Debug, Clone)]
pub(crate) struct Panels {
    pub(crate) order: usize,
    pub(crate) bins: usize,
    pub(crate) lanes: Vec<Lane>,
}

impl Panels {
    pub(crate) fn zeros(order: usize, bins: usize) -> Self {
        Self {
            order,
            bins,
            lanes: vec![ZERO; order * lanes_for(bins)],
        }
    }

    pub(crate) fn from_array(components: ArrayView2<'_, f64>) -> Self {
        let mut panels = Self::zeros(components.nrows(), components.ncols());
        for ((component, bin), &value) in components.indexed_iter() {
            *panels.at_mut(component, bin) = value;
        }
        panels
    }

    pub(crate) fn to_array(&self) -> Array2<f64> {
        Array2::from_shape_fn((self.order, self.bins), |(component, bin)| {
            self.lanes[bin / LANE * self.order + component].0[bin % LANE]
        })
    }

    pub(crate) fn at_mut(&mut self, component: usize, bin: usize) -> &mut f64 {
        &mut self.lanes[bin / LANE * self.order + component].0[bin % LANE]
    }

    /// The panel of a range of lanes.
    pub(crate) fn block(&self, lanes: &std::ops::Range<usize>) -> &[Lane] {
        &self.lanes[lanes.start * self.order..lanes.end * self.order]
    }
}

/// Values of six consecutive frames at one component.
pub(crate) type Group = [f64; GROUP];

/// A frames x components matrix in groups of six frames: all components of the first six frames,
/// then of the next. Rows beyond the last frame pad the last tile.
pub(crate) fn group_index(order: usize, frame: usize, component: usize) -> (usize, usize) {
    (frame / GROUP * order + component, frame % GROUP)
}

/// The inverse of the grouping: frames x components.
pub(crate) fn ungroup(groups: &[Group], order: usize, frames: usize) -> Array2<f64> {
    Array2::from_shape_fn((frames, order), |(frame, component)| {
        let (index, row) = group_index(order, frame, component);
        groups[index][row]
    })
}

/// Largest number of slabs, the runs of frames that work in parallel. More would allow more threads
/// on one problem, and cost one more set of dictionary sums each.
const SLABS: usize = 16;

/// Frames in a slab: whole tiles, and a function of the problem alone, so that sums over slabs do not
/// depend on the number of threads.
pub(crate) fn slab_frames(frames: usize) -> usize {
    frames.div_ceil(TILE).div_ceil(SLABS) * TILE
}

/// Lanes are worked on in blocks, small enough that the products of all orders in a tile stay in
/// the second-level cache, and of nearly equal size.
pub(crate) fn blocks(lanes: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let size = block_size(lanes);
    (0..lanes)
        .step_by(size)
        .map(move |start| start..usize::min(start + size, lanes))
}

/// Lanes in the largest block.
pub(crate) fn block_size(lanes: usize) -> usize {
    const LARGEST: usize = 24;
    lanes.div_ceil(lanes.div_ceil(LARGEST))
}
