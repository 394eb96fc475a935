//! One iteration of Itakura-Saito NMF in one pass over the data.
//!
//! The activations of a frame depend on that frame alone, so a tile goes from `V` to its new
//! activations, to the new `V`, to its share of the dictionary's contractions while it is in
//! cache. Slabs of frames run in parallel and are added in order.

use fearless_simd::{Level, Simd, dispatch};
use fearless_simd_macros::simd;
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::elementwise::{self, KeepInverse, KeepInverseAndVolume, Misfit};
use super::layout::{
    At, Panel, Place, TILE, block_size, blocks, groups_per_tile, pack_frames, places, slab_frames,
    unpack_frames, unpack_into,
};
use super::log_product::{LogProduct, PackProduct};
use super::pack::{Pack, Real};
use super::products::{contract_bins, contract_frames, product};

/// The state of a training: `P ~ V = W H`.
#[derive(Debug)]
pub(crate) struct TiledTraining {
    level: Level,
    dictionary: Panel<f64>,
    bins: usize,
    slabs: Vec<Slab>,
    /// `sum log P`, minus the number of entries: what the cost holds besides `P / V` and `log V`.
    constant: f64,
}

#[derive(Debug)]
struct Slab {
    frames: usize,
    places: Vec<Place<f64>>,
    power: Vec<Pack<f64>>,
    activations: Vec<Pack<f64>>,
    /// The contractions of a group with `P / V^2` and with `1 / V`.
    numerators: Vec<[Pack<f64>; 1]>,
    denominators: Vec<[Pack<f64>; 1]>,
    /// `1 / V` and `P / V^2` of a block in the groups of a tile, `stride` packs apart.
    inverse_v: Vec<Pack<f64>>,
    ratio: Vec<Pack<f64>>,
    stride: usize,
    /// The activations of a tile, frame by frame.
    frame_activations: Vec<f64>,
    /// The contractions over these frames.
    dictionary_numerators: Vec<f64>,
    dictionary_denominators: Vec<f64>,
    /// At the start of the iteration.
    misfit: Misfit,
}

impl TiledTraining {
    /// `power`: frames x bins, raised to `power_floor`, a positive normal number. `dictionary`:
    /// components x bins. `activations`: frames x components.
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
            dictionary: Panel::from_array(dictionary),
            bins,
            slabs,
            constant: -log_power.log() - (frames * bins) as f64,
        }
    }

    /// Updates the activations, then the dictionary, then scales its components to unit mean.
    /// Returns the cost before the updates.
    pub(crate) fn iterate(&mut self) -> f64 {
        let (level, dictionary, bins) = (self.level, &self.dictionary, self.bins);
        self.slabs.par_iter_mut().for_each(|slab| {
            dispatch!(level, simd => slab.iterate(simd, dictionary, bins));
        });
        let scales = self.update_dictionary();
        self.slabs
            .par_iter_mut()
            .for_each(|slab| slab.scale_activations(&scales));
        self.divergence()
    }

    /// The Itakura-Saito divergence `sum [ P / V - log(P / V) - 1 ]`.
    pub(crate) fn cost(&mut self) -> f64 {
        let (level, dictionary, bins) = (self.level, &self.dictionary, self.bins);
        self.slabs.par_iter_mut().for_each(|slab| {
            dispatch!(level, simd => slab.evaluate(simd, dictionary, bins));
        });
        self.divergence()
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
            .map(|slab| unpack_frames(&slab.activations, order, slab.frames))
            .collect();
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        ndarray::concatenate(Axis(0), &views).expect("slabs hold the same components")
    }

    fn divergence(&self) -> f64 {
        let misfits = self.slabs.iter().map(|slab| slab.misfit.total());
        misfits.sum::<f64>() + self.constant
    }

    /// `W <- W o ((P / V^2) H^T) / ((1 / V) H^T)`; returns the mean of each component, by which it
    /// has been divided. A component that has become zero is left alone.
    fn update_dictionary(&mut self) -> Vec<f64> {
        let (order, bins) = (self.dictionary.order, self.bins);
        let slabs = &self.slabs;
        let rows = self.dictionary.values.par_chunks_exact_mut(order);
        rows.enumerate().for_each(|(bin, entries)| {
            for (k, entry) in entries.iter_mut().enumerate() {
                let at = bin * order + k;
                let numerator = slabs.iter().map(|slab| slab.dictionary_numerators[at]);
                let denominator = slabs.iter().map(|slab| slab.dictionary_denominators[at]);
                *entry = multiply(*entry, numerator.sum(), denominator.sum());
            }
        });
        let mut means = vec![0.0; order];
        for entries in self.dictionary.values.chunks_exact(order) {
            for (mean, entry) in means.iter_mut().zip(entries) {
                *mean += entry / bins as f64;
            }
        }
        for mean in &mut means {
            if *mean <= 0.0 {
                *mean = 1.0;
            }
        }
        for entries in self.dictionary.values.chunks_exact_mut(order) {
            for (mean, entry) in means.iter().zip(entries) {
                *entry /= mean;
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
        let (order, stride) = (activations.ncols(), block_size(bins));
        Self {
            frames,
            places: places(frames),
            power: pack_frames(frames, bins, |frame, bin| {
                power[(frame, bin)].max(power_floor)
            }),
            activations: pack_frames(frames, order, |frame, k| activations[(frame, k)]),
            numerators: vec![[Pack::ZERO]; order],
            denominators: vec![[Pack::ZERO]; order],
            inverse_v: vec![Pack::ZERO; groups_per_tile::<f64>() * stride],
            ratio: vec![Pack::ZERO; groups_per_tile::<f64>() * stride],
            stride,
            frame_activations: vec![0.0; TILE * order + f64::LANES],
            dictionary_numerators: vec![0.0; bins * order],
            dictionary_denominators: vec![0.0; bins * order],
            misfit: Misfit::ZERO,
        }
    }

    fn iterate<S: Simd>(&mut self, simd: S, dictionary: &Panel<f64>, bins: usize) {
        let (order, stride) = (dictionary.order, self.stride);
        self.misfit = Misfit::ZERO;
        let places = std::mem::take(&mut self.places);
        for tile in places.chunks(groups_per_tile::<f64>()) {
            for place in tile {
                self.update_activations(simd, dictionary, bins, place);
            }
            let packs = tile[0].group * order..(tile[0].group + tile.len()) * order;
            unpack_into(&self.activations[packs], order, &mut self.frame_activations);
            for block in blocks(bins) {
                for (slot, place) in tile.iter().enumerate() {
                    let at = At::new(place, slot, block.clone());
                    self.form_ratios::<S, false>(simd, dictionary, bins, &at);
                }
                let sums = block.start * order..block.end * order;
                let is_first = tile[0].group == 0;
                let entries = (tile.len() * order + 1) * f64::LANES;
                let activations = &self.frame_activations[..entries];
                for (ratios, sums) in [
                    (&self.ratio, &mut self.dictionary_numerators[sums.clone()]),
                    (&self.inverse_v, &mut self.dictionary_denominators[sums]),
                ] {
                    contract_frames(simd, order, activations, ratios, stride, is_first, sums);
                }
            }
        }
        self.places = places;
    }

    /// `H <- H o (W^T (P / V^2)) / (W^T (1 / V))` in a group of frames.
    fn update_activations<S: Simd>(
        &mut self,
        simd: S,
        dictionary: &Panel<f64>,
        bins: usize,
        place: &Place<f64>,
    ) {
        self.numerators.fill([Pack::ZERO]);
        self.denominators.fill([Pack::ZERO]);
        for block in blocks(bins) {
            let at = At::new(place, 0, block);
            self.form_ratios::<S, true>(simd, dictionary, bins, &at);
            let (panel, length) = (dictionary.block(&at.block), at.block.len());
            contract_bins(simd, panel, &self.ratio[..length], &mut self.numerators);
            contract_bins(
                simd,
                panel,
                &self.inverse_v[..length],
                &mut self.denominators,
            );
        }
        let sums = self.numerators.iter().zip(&self.denominators);
        let activations = &mut self.activations[place.row(dictionary.order)];
        for (entries, ([numerators], [denominators])) in activations.iter_mut().zip(sums) {
            for (i, entry) in entries.0.iter_mut().enumerate() {
                *entry = multiply(*entry, numerators.0[i], denominators.0[i]);
            }
        }
    }

    fn evaluate<S: Simd>(&mut self, simd: S, dictionary: &Panel<f64>, bins: usize) {
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

    /// `1 / V` and `P / V^2` of a block, and, if it is `MEASURED`, its misfit.
    #[simd]
    fn form_ratios<S: Simd, const MEASURED: bool>(
        &mut self,
        simd: S,
        dictionary: &Panel<f64>,
        bins: usize,
        at: &At<'_, f64>,
    ) {
        let start = at.slot * self.stride;
        let kept = start..start + at.block.len();
        let inverse = &mut self.inverse_v[kept.clone()];
        let mut volume = PackProduct::new(simd);
        if MEASURED {
            let mut keep = KeepInverseAndVolume { inverse, volume };
            product(simd, &self.activations, dictionary, at, &mut keep);
            volume = keep.volume;
        } else {
            let mut keep = KeepInverse {
                inverse,
                kept: None,
            };
            product(simd, &self.activations, dictionary, at, &mut keep);
        }
        let power = &self.power[at.within(bins)];
        let (inverse_v, ratio) = (&self.inverse_v[kept.clone()], &mut self.ratio[kept]);
        let quotients = elementwise::form_training_ratios(simd, power, inverse_v, ratio);
        if MEASURED {
            self.misfit.add(simd, volume, quotients);
        }
    }

    fn scale_activations(&mut self, scales: &[f64]) {
        for packs in self.activations.chunks_exact_mut(scales.len()) {
            for (pack, scale) in packs.iter_mut().zip(scales) {
                for entry in &mut pack.0 {
                    *entry *= scale;
                }
            }
        }
    }
}
