//! One order of a source in the frames of a slab: the updates of section 3.3, block by block.

use std::ops::Range;

use fearless_simd::Simd;
use fearless_simd_macros::simd;
use ndarray::Array2;

use super::elementwise::{
    self, Keep, KeepAndMultiply, KeepInverse, KeepInverseAndVolume, Misfit, SumQuotients,
};
use super::extrapolation::FactorValues;
use super::gig::{KlSum, Variables, update_within};
use super::layout::{
    At, Place, TILE, block_size, groups_per_tile, pack_frames, unpack_frames, unpack_into,
};
use super::log_product::{PackProduct, StoredProduct};
use super::pack::{F64_LANES, Pack, Real, load, splat, store};
use super::products::{PowerRatios, contract_bins, contract_frames, contract_power, product};
use super::state::DictionaryState;
use crate::gig::Gig;

/// The activations of one order in these frames, and its working memory.
#[derive(Debug)]
pub(super) struct SlabOrder<T: Real> {
    components: usize,
    mean: Vec<Pack<T>>,
    harmonic: Vec<Pack<T>>,
    /// Contraction of a tile with `E|s|^2 / C^2`, without the factor `G(H)^2`.
    tau: Vec<T::Wide>,
    /// Contraction with `1 / V`, without the prior's rate.
    rho: Vec<T::Wide>,
    /// `1 / C` of a block and then `E|s|^2 / C^2`; `1 / V`. Of every group of a tile if the
    /// dictionary is estimated, `stride` packs apart.
    inverse_c: Vec<Pack<T>>,
    inverse_v: Vec<Pack<T>>,
    stride: usize,
    keeps_tile: bool,
    /// For an estimated dictionary: the contractions over these frames with `G(H)` and `E[H]`, and
    /// these two of a tile, frame by frame.
    pub(super) dictionary_tau: Vec<f64>,
    pub(super) dictionary_rho: Vec<f64>,
    frame_harmonic: Vec<T>,
    frame_mean: Vec<T>,
    /// `sum [ log V + E|s|^2 / C ]`; of the structured posterior `sum log V`.
    misfit: Misfit,
    /// For the structured posterior: `prod C`.
    harmonic_volume: StoredProduct,
    /// KL term of the activations.
    pub(super) kl: f64,
    /// Whether something has left [`Real::RANGE`].
    pub(super) out_of_range: bool,
}

impl<T: Real> SlabOrder<T> {
    pub(super) fn new(
        dictionary: &DictionaryState<T>,
        frames: usize,
        bins: usize,
        start: f64,
    ) -> Self {
        let components = dictionary.mean().order;
        let keeps_tile = !dictionary.is_known();
        let (sums, frame_entries, kept) = if keeps_tile {
            (
                components * bins,
                components * TILE + T::LANES,
                groups_per_tile::<T>(),
            )
        } else {
            (0, 0, 1)
        };
        let stride = block_size(bins);
        let started = pack_frames(frames, components, |_, _| start);
        Self {
            components,
            harmonic: started.clone(),
            tau: vec![T::WIDE_ZEROS; groups_per_tile::<T>() * components],
            rho: vec![T::WIDE_ZEROS; started.len()],
            mean: started,
            inverse_c: vec![Pack::ZERO; stride * kept],
            inverse_v: vec![Pack::ZERO; stride * kept],
            stride,
            keeps_tile,
            dictionary_tau: vec![0.0; sums],
            dictionary_rho: vec![0.0; sums],
            frame_harmonic: vec![T::default(); frame_entries],
            frame_mean: vec![T::default(); frame_entries],
            misfit: Misfit::ZERO,
            harmonic_volume: StoredProduct::ONE,
            kl: 0.0,
            out_of_range: false,
        }
    }

    pub(super) fn clear_misfit(&mut self) {
        self.misfit = Misfit::ZERO;
        self.harmonic_volume = StoredProduct::ONE;
    }

    /// This slab's share of `log q~(K_jm)`: the KL term, minus `sum [ log V + E|s|^2 / C ]`.
    pub(super) fn log_posterior_share(&self) -> f64 {
        self.kl - self.misfit.total()
    }

    /// This slab's share of what the order adds to `log q~(K)` of the structured posterior: the KL
    /// term and `sum log(C / V)`.
    pub(super) fn log_evidence_share(&self) -> f64 {
        self.kl + self.harmonic_volume.log() - self.misfit.total()
    }

    /// Mean and harmonic expectation of the activations, frames x components.
    pub(super) fn activations(&self, frames: usize) -> [Array2<f64>; 2] {
        [&self.mean, &self.harmonic].map(|packs| unpack_frames(packs, self.components, frames))
    }

    /// The activations, of which a block is a group of frames.
    pub(super) fn factor(&self) -> FactorValues<T> {
        let k = self.components;
        let mut values = Vec::with_capacity(2 * self.mean.len() * T::LANES);
        for (mean, harmonic) in self.mean.chunks(k).zip(self.harmonic.chunks(k)) {
            for pack in mean.iter().chain(harmonic) {
                values.extend_from_slice(pack.0.as_ref());
            }
        }
        FactorValues {
            values,
            columns: T::LANES,
            block: 2 * k * T::LANES,
        }
    }

    pub(super) fn set_factor(&mut self, factor: &FactorValues<T>) {
        let k = self.components;
        let groups = self.mean.chunks_mut(k).zip(self.harmonic.chunks_mut(k));
        let packs = groups.flat_map(|(mean, harmonic)| mean.iter_mut().chain(harmonic));
        for (pack, values) in packs.zip(factor.values.chunks_exact(T::LANES)) {
            pack.0.as_mut().copy_from_slice(values);
        }
    }

    /// Where a block is in what is kept of a group or of a tile.
    fn kept(&self, at: &At<'_, T>) -> Range<usize> {
        let start = if self.keeps_tile {
            at.slot * self.stride
        } else {
            0
        };
        start..start + at.block.len()
    }

    /// `1 / C` of a block.
    pub(super) fn inverse_c(&self, at: &At<'_, T>) -> &[Pack<T>] {
        &self.inverse_c[self.kept(at)]
    }

    /// `1 / C` of a block, and `C` itself where it is asked for.
    pub(super) fn invert_harmonic_product<S: Simd>(
        &mut self,
        simd: S,
        dictionary: &DictionaryState<T>,
        at: &At<'_, T>,
        variance: Option<&mut [Pack<T>]>,
    ) {
        let range = self.kept(at);
        let mut keep = KeepInverse {
            inverse: &mut self.inverse_c[range],
            kept: variance,
        };
        self.out_of_range |= product(simd, &self.harmonic, dictionary.harmonic(), at, &mut keep);
    }

    /// `C` of a block, kept elsewhere.
    pub(super) fn keep_harmonic_product<S: Simd>(
        &mut self,
        simd: S,
        dictionary: &DictionaryState<T>,
        at: &At<'_, T>,
        variance: &mut [Pack<T>],
    ) {
        let mut keep = Keep(variance);
        self.out_of_range |= product(simd, &self.harmonic, dictionary.harmonic(), at, &mut keep);
    }

    /// `1 / V` of a block, kept elsewhere or beside the order's `1 / C`.
    pub(super) fn invert_mean_product<S: Simd>(
        &mut self,
        simd: S,
        dictionary: &DictionaryState<T>,
        at: &At<'_, T>,
        inverse_v: Option<&mut [Pack<T>]>,
    ) {
        let kept = self.kept(at);
        let mut keep = KeepInverse {
            inverse: inverse_v.unwrap_or(&mut self.inverse_v[kept]),
            kept: None,
        };
        self.out_of_range |= product(simd, &self.mean, dictionary.mean(), at, &mut keep);
    }

    /// `C` of a block, kept, and multiplied for `sum log C`.
    #[simd]
    pub(super) fn multiply_harmonic_product<S: Simd>(
        &mut self,
        simd: S,
        dictionary: &DictionaryState<T>,
        at: &At<'_, T>,
        variance: &mut [Pack<T>],
    ) {
        let mut keep = KeepAndMultiply {
            kept: variance,
            volume: PackProduct::new(simd),
        };
        self.out_of_range |= product(simd, &self.harmonic, dictionary.harmonic(), at, &mut keep);
        self.harmonic_volume.multiply(simd, keep.volume);
    }

    /// `1 / V` of a block, with `V` multiplied for `sum log V`.
    #[simd]
    pub(super) fn multiply_mean_product<S: Simd>(
        &mut self,
        simd: S,
        dictionary: &DictionaryState<T>,
        at: &At<'_, T>,
        inverse_v: &mut [Pack<T>],
    ) {
        let mut keep = KeepInverseAndVolume {
            inverse: inverse_v,
            volume: PackProduct::new(simd),
        };
        self.out_of_range |= product(simd, &self.mean, dictionary.mean(), at, &mut keep);
        self.misfit.add(simd, keep.volume, T::constant(simd, 0.0));
    }

    /// Adds `sum [ log V + E|s|^2 / C ]` of a block; leaves `1 / V`.
    #[simd]
    pub(super) fn add_misfit<S: Simd>(
        &mut self,
        simd: S,
        dictionary: &DictionaryState<T>,
        power: &[Pack<T>],
        at: &At<'_, T>,
        inverse_v: &mut [Pack<T>],
    ) {
        let mut of_v = KeepInverseAndVolume {
            inverse: inverse_v,
            volume: PackProduct::new(simd),
        };
        let at_floor = product(simd, &self.mean, dictionary.mean(), at, &mut of_v);
        let mut of_c = SumQuotients {
            power,
            quotients: T::constant(simd, 0.0),
        };
        self.out_of_range |=
            at_floor | product(simd, &self.harmonic, dictionary.harmonic(), at, &mut of_c);
        self.misfit.add(simd, of_v.volume, of_c.quotients);
    }

    /// The same from the reciprocals.
    #[simd]
    pub(super) fn add_misfit_from_inverses<S: Simd>(
        &mut self,
        simd: S,
        power: &[Pack<T>],
        at: &At<'_, T>,
    ) {
        let kept = self.kept(at);
        let inverse_c = &self.inverse_c[kept.clone()];
        let inverse_v = &self.inverse_v[kept];
        let mut quotients = T::constant(simd, 0.0);
        let mut volume = PackProduct::new(simd);
        elementwise::add_misfit_from_inverses(
            simd,
            power,
            inverse_c,
            inverse_v,
            &mut quotients,
            &mut volume,
        );
        self.misfit.add(simd, volume, quotients);
    }

    /// `1 / C` becomes `E|s|^2 / C^2`.
    #[simd]
    pub(super) fn form_ratios<S: Simd>(&mut self, simd: S, power: &[Pack<T>], at: &At<'_, T>) {
        let kept = self.kept(at);
        elementwise::form_ratios(simd, power, &mut self.inverse_c[kept]);
    }

    /// Where `E|s|^2 / C^2` of a block is kept for [`Self::contract_ratio`].
    pub(super) fn ratio_mut(&mut self, at: &At<'_, T>) -> &mut [Pack<T>] {
        let kept = self.kept(at);
        &mut self.inverse_c[kept]
    }

    pub(super) fn clear_rho(&mut self, tile: &[Place<T>]) {
        for place in tile {
            self.rho[place.row(self.components)].fill(T::WIDE_ZEROS);
        }
    }

    /// Adds to `G(W)^T (E|S|^2 / C^2)`.
    pub(super) fn contract_tau<S: Simd>(
        &mut self,
        simd: S,
        dictionary: &DictionaryState<T>,
        power: &[Pack<T>],
        at: &At<'_, T>,
    ) {
        let panel = dictionary.harmonic().block(&at.block);
        let ratios = PowerRatios {
            power,
            inverse_c: &self.inverse_c[self.kept(at)],
        };
        let k = self.components;
        contract_power(
            simd,
            panel,
            ratios,
            &mut self.tau[at.slot * k..(at.slot + 1) * k],
        );
    }

    /// The same, with a ratio that has been formed.
    pub(super) fn contract_ratio<S: Simd>(
        &mut self,
        simd: S,
        dictionary: &DictionaryState<T>,
        at: &At<'_, T>,
    ) {
        let panel = dictionary.harmonic().block(&at.block);
        let ratios = &self.inverse_c[self.kept(at)];
        let k = self.components;
        let tau = &mut self.tau[at.slot * k..(at.slot + 1) * k];
        contract_bins(simd, panel, ratios, tau);
    }

    /// Adds to `E[W]^T (1 / V)`, with a `1 / V` from elsewhere or the order's own.
    pub(super) fn contract_rho<S: Simd>(
        &mut self,
        simd: S,
        dictionary: &DictionaryState<T>,
        at: &At<'_, T>,
        inverse_v: Option<&[Pack<T>]>,
    ) {
        let panel = dictionary.mean().block(&at.block);
        let ratios = match inverse_v {
            Some(inverse_v) => &inverse_v[..at.block.len()],
            None => &self.inverse_v[self.kept(at)],
        };
        let rho = &mut self.rho[at.place.row(self.components)];
        contract_bins(simd, panel, ratios, rho);
    }

    /// Lays out a tile's activations for [`Self::contract_frames`].
    pub(super) fn prepare_frames(&mut self, tile: &[Place<T>]) {
        let k = self.components;
        let packs = tile[0].group * k..(tile[0].group + tile.len()) * k;
        unpack_into(&self.harmonic[packs.clone()], k, &mut self.frame_harmonic);
        unpack_into(&self.mean[packs], k, &mut self.frame_mean);
    }

    /// Adds to `(E|S|^2 / C^2) G(H)^T` and `(1 / V) E[H]^T` what a tile has in a block, or begins
    /// them if it is the slab's first.
    pub(super) fn contract_frames<S: Simd>(
        &mut self,
        simd: S,
        tile: &[Place<T>],
        block: &Range<usize>,
    ) {
        let (k, stride) = (self.components, self.stride);
        let entries = (tile.len() * k + 1) * T::LANES;
        let sums = block.start * k..block.end * k;
        let is_first = tile[0].group == 0;
        for (activations, ratios, sums) in [
            (
                &self.frame_harmonic[..entries],
                &self.inverse_c,
                &mut self.dictionary_tau[sums.clone()],
            ),
            (
                &self.frame_mean[..entries],
                &self.inverse_v,
                &mut self.dictionary_rho[sums],
            ),
        ] {
            contract_frames(simd, k, activations, ratios, stride, is_first, sums);
        }
    }

    /// `tau = G(H)^2 o [ G(W)^T (E|S|^2 / C^2) ]`, `rho = b + E[W]^T (1 / V)` and the GIG
    /// expectations with them, entry by entry. The contraction of `tau` is left at 0 for the next
    /// tile.
    #[simd]
    pub(super) fn update_activations<S: Simd>(
        &mut self,
        simd: S,
        gig: &Gig,
        place: &Place<T>,
        slot: usize,
        wants_kl: bool,
    ) {
        let k = self.components;
        let row = place.row(k);
        let mut kl = KlSum::new(simd);
        let rate = splat(simd, gig.shape());
        let taus = &mut self.tau[slot * k..(slot + 1) * k];
        let rhos = &self.rho[row.clone()];
        let (means, harmonics) = (&mut self.mean[row.clone()], &mut self.harmonic[row]);
        for component in 0..k {
            let mut starts = T::widen(simd, load(simd, &harmonics[component]));
            let mut new_means = T::WIDE_ZEROS;
            let expectations = new_means.as_mut().iter_mut().zip(starts.as_mut());
            let sums = rhos[component]
                .as_ref()
                .iter()
                .zip(taus[component].as_ref());
            for (eighth, ((mean, harmonic), (rho, tau))) in expectations.zip(sums).enumerate() {
                let start = load(simd, harmonic);
                let variables = Variables {
                    rho: rate + load(simd, rho),
                    tau: start * start * load(simd, tau),
                    count: place
                        .frames
                        .saturating_sub(eighth * F64_LANES)
                        .min(F64_LANES),
                };
                let expectations = [mean, harmonic];
                let kl = wants_kl.then_some(&mut kl);
                self.out_of_range |= !update_within::<S, T>(simd, gig, variables, expectations, kl);
            }
            store(T::narrow(simd, &new_means), &mut means[component]);
            store(T::narrow(simd, &starts), &mut harmonics[component]);
        }
        if wants_kl {
            self.kl += kl.total(simd, gig);
        }
        taus.fill(T::WIDE_ZEROS);
    }
}
