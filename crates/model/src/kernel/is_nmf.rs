//! One iteration of Itakura-Saito NMF in one pass over the data.
//!
//! The activations of a frame depend on that frame alone, so a tile goes from `V` to its new
//! activations, to the new `V`, to its share of the dictionary's contractions while it is in
//! cache. Slabs of frames run in parallel and are added in order.

use std::ops::Range;

use fearless_simd::{Level, Simd, dispatch};
use fearless_simd_macros::simd;
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::VARIANCE_FLOOR;
use super::lanes::{
    GROUP, Group, Lane, Panels, TILE, ZERO, block_size, blocks, constant_row, group_index,
    lanes_for, slab_frames, sum_of_lanes, tiled, ungroup,
};
use super::micro::{Factor, combine, contract_bins, contract_frames};
use super::rows;
use crate::log_product::LogProduct;

/// The state of a training: `P ~ V = W H`.
#[derive(Debug)]
pub(crate) struct TiledIsNmf {
    level: Level,
    dictionary: Panels,
    slabs: Vec<Slab>,
    floor: Vec<Lane>,
    /// `sum log P`, minus the number of entries: what the cost holds besides `P / V` and `log V`.
    constant: f64,
}

#[derive(Debug)]
struct Slab {
    frames: usize,
    power: Vec<Lane>,
    activations: Vec<Group>,
    /// The contractions of a tile with `P / V^2` and with `1 / V`.
    numerators: Vec<Group>,
    denominators: Vec<Group>,
    /// `V` of a tile in a block and then its reciprocal; `P / V^2`.
    v: Vec<Lane>,
    ratio: Vec<Lane>,
    /// The contractions over these frames.
    dictionary_numerators: Vec<Lane>,
    dictionary_denominators: Vec<Lane>,
    /// `sum [ P / V + log V ]` at the start of the iteration.
    fit: f64,
}

impl TiledIsNmf {
    /// `power`: frames x bins, raised to `power_floor`, a positive normal number. `dictionary`: components x bins. `activations`: frames x
    /// components.
    pub(crate) fn new(
        power: ArrayView2<'_, f64>,
        power_floor: f64,
        dictionary: ArrayView2<'_, f64>,
        activations: ArrayView2<'_, f64>,
    ) -> Self {
        let (frames, bins) = power.dim();
        let slab_frames = slab_frames(frames);
        let chunks = power.axis_chunks_iter(Axis(0), slab_frames);
        let slabs = chunks
            .zip(activations.axis_chunks_iter(Axis(0), slab_frames))
            .map(|(power, activations)| Slab::new(power, power_floor, activations))
            .collect();
        let mut log_power = LogProduct::default();
        for &value in power {
            log_power.multiply(value.max(power_floor));
        }
        Self {
            level: Level::new(),
            dictionary: Panels::from_array(dictionary),
            slabs,
            floor: constant_row(bins, VARIANCE_FLOOR, 1.0),
            constant: -log_power.log() - (frames * bins) as f64,
        }
    }

    /// Updates the activations, then the dictionary, then scales its components to unit mean.
    /// Returns the cost before the updates.
    pub(crate) fn iterate(&mut self) -> f64 {
        let (level, dictionary, floor) = (self.level, &self.dictionary, &self.floor);
        self.slabs.par_iter_mut().for_each(|slab| {
            dispatch!(level, simd => slab.iterate(simd, dictionary, floor));
        });
        let scales = self.update_dictionary();
        self.slabs
            .par_iter_mut()
            .for_each(|slab| slab.scale_activations(&scales));
        self.sum_of_fits()
    }

    /// The Itakura-Saito divergence `sum [ P / V - log(P / V) - 1 ]`.
    pub(crate) fn cost(&mut self) -> f64 {
        let (level, dictionary, floor) = (self.level, &self.dictionary, &self.floor);
        self.slabs.par_iter_mut().for_each(|slab| {
            dispatch!(level, simd => slab.evaluate(simd, dictionary, floor));
        });
        self.sum_of_fits()
    }

    /// Components x bins.
    pub(crate) fn dictionary(&self) -> Array2<f64> {
        self.dictionary.to_array()
    }

    /// Frames x components.
    pub(crate) fn activations(&self) -> Array2<f64> {
        let order = self.dictionary.order;
        let parts: Vec<Array2<f64>> = self
            .slabs
            .iter()
            .map(|slab| ungroup(&slab.activations, order, slab.frames))
            .collect();
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        ndarray::concatenate(Axis(0), &views).expect("slabs hold the same components")
    }

    fn sum_of_fits(&self) -> f64 {
        self.slabs.iter().map(|slab| slab.fit).sum::<f64>() + self.constant
    }

    /// `W <- W o ((P / V^2) H^T) / ((1 / V) H^T)`; returns the mean of each component, by which it
    /// has been divided. A component that has become zero is left alone.
    fn update_dictionary(&mut self) -> Vec<f64> {
        let Panels { order, bins, .. } = self.dictionary;
        let slabs = &self.slabs;
        let panels = self.dictionary.lanes.par_chunks_exact_mut(order);
        panels.enumerate().for_each(|(index, panel)| {
            for (k, entries) in panel.iter_mut().enumerate() {
                let at = index * order + k;
                let numerators = slabs.iter().map(|slab| &slab.dictionary_numerators[at]);
                let denominators = slabs.iter().map(|slab| &slab.dictionary_denominators[at]);
                let (numerators, denominators) =
                    (sum_of_lanes(numerators), sum_of_lanes(denominators));
                for (lane, entry) in entries.0.iter_mut().enumerate() {
                    *entry = multiply(*entry, numerators.0[lane], denominators.0[lane]);
                }
            }
        });
        let mut means = vec![0.0; order];
        for panel in self.dictionary.lanes.chunks_exact(order) {
            for (mean, entries) in means.iter_mut().zip(panel) {
                *mean += entries.0.iter().sum::<f64>() / bins as f64;
            }
        }
        for mean in &mut means {
            if *mean <= 0.0 {
                *mean = 1.0;
            }
        }
        for panel in self.dictionary.lanes.chunks_exact_mut(order) {
            for (mean, entries) in means.iter().zip(panel) {
                for entry in &mut entries.0 {
                    *entry /= mean;
                }
            }
        }
        means
    }
}

/// The multiplicative step; an entry with nothing to explain stays as it is.
fn multiply(entry: f64, numerator: f64, denominator: f64) -> f64 {
    if denominator > 0.0 {
        entry * (numerator / denominator)
    } else {
        entry
    }
}

impl Slab {
    fn new(power: ArrayView2<'_, f64>, power_floor: f64, activations: ArrayView2<'_, f64>) -> Self {
        let (frames, bins) = power.dim();
        let (lanes, order) = (lanes_for(bins), activations.ncols());
        let groups = frames.div_ceil(TILE) * (TILE / GROUP) * order;
        let mut grouped = vec![[0.0; GROUP]; groups];
        for ((frame, component), &value) in activations.indexed_iter() {
            let (index, row) = group_index(order, frame, component);
            grouped[index][row] = value;
        }
        let tile = TILE * block_size(lanes);
        Self {
            frames,
            power: tiled(frames, bins, |frame, bin| {
                power[(frame, bin)].max(power_floor)
            }),
            activations: grouped,
            numerators: vec![[0.0; GROUP]; TILE / GROUP * order],
            denominators: vec![[0.0; GROUP]; TILE / GROUP * order],
            v: vec![ZERO; tile],
            ratio: vec![ZERO; tile],
            dictionary_numerators: vec![ZERO; lanes * order],
            dictionary_denominators: vec![ZERO; lanes * order],
            fit: 0.0,
        }
    }

    fn iterate<S: Simd>(&mut self, simd: S, dictionary: &Panels, floor: &[Lane]) {
        let order = dictionary.order;
        self.fit = 0.0;
        self.dictionary_numerators.fill(ZERO);
        self.dictionary_denominators.fill(ZERO);
        for tile in 0..self.frames.div_ceil(TILE) {
            let groups = TILE / GROUP * order;
            let groups = tile * groups..(tile + 1) * groups;
            self.numerators.fill([0.0; GROUP]);
            self.denominators.fill([0.0; GROUP]);
            for block in blocks(floor.len()) {
                self.fit += self.form_ratios(simd, dictionary, floor, tile, &block);
                let panel = dictionary.block(&block);
                contract_bins(simd, panel, order, &self.ratio, &mut self.numerators);
                contract_bins(simd, panel, order, &self.v, &mut self.denominators);
            }
            let sums = self.numerators.iter().zip(&self.denominators);
            let activations = self.activations[groups.clone()].iter_mut();
            for (entries, (numerators, denominators)) in activations.zip(sums) {
                for (row, entry) in entries.iter_mut().enumerate() {
                    *entry = multiply(*entry, numerators[row], denominators[row]);
                }
            }
            for block in blocks(floor.len()) {
                self.form_ratios(simd, dictionary, floor, tile, &block);
                let sums = block.start * order..block.end * order;
                let activations = &self.activations[groups.clone()];
                let numerators = &mut self.dictionary_numerators[sums.clone()];
                contract_frames(simd, activations, order, &self.ratio, numerators);
                let denominators = &mut self.dictionary_denominators[sums];
                contract_frames(simd, activations, order, &self.v, denominators);
            }
        }
    }

    fn evaluate<S: Simd>(&mut self, simd: S, dictionary: &Panels, floor: &[Lane]) {
        self.fit = 0.0;
        for tile in 0..self.frames.div_ceil(TILE) {
            for block in blocks(floor.len()) {
                self.fit += self.form_ratios(simd, dictionary, floor, tile, &block);
            }
        }
    }

    /// `1 / V` and `P / V^2` of a tile in a block, 0 in frames that do not exist. Returns
    /// `sum [ P / V + log V ]`.
    #[simd]
    fn form_ratios<S: Simd>(
        &mut self,
        simd: S,
        dictionary: &Panels,
        floor: &[Lane],
        tile: usize,
        block: &Range<usize>,
    ) -> f64 {
        let Panels { order, .. } = *dictionary;
        let groups = TILE / GROUP * order;
        let factor = Factor {
            activations: &self.activations[tile * groups..(tile + 1) * groups],
            panel: dictionary.block(block),
        };
        combine(simd, factor, order, &floor[block.clone()], &mut self.v);
        let frames = usize::min(TILE, self.frames - tile * TILE);
        let start = tile * floor.len();
        let power = &self.power[(start + block.start) * TILE..(start + block.end) * TILE];
        let fit = rows::training_ratios(simd, power, frames, &mut self.v, &mut self.ratio);
        rows::silence(&mut self.v, frames);
        rows::silence(&mut self.ratio, frames);
        fit
    }

    fn scale_activations(&mut self, scales: &[f64]) {
        for groups in self.activations.chunks_exact_mut(scales.len()) {
            for (group, scale) in groups.iter_mut().zip(scales) {
                for entry in group {
                    *entry *= scale;
                }
            }
        }
    }
}
