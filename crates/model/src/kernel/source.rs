//! One source in the frames of a slab: what becomes of its orders once `q(S)` is known.

use std::ops::Range;

use fearless_simd::Simd;

use super::layout::{At, Place, blocks, groups_per_tile};
use super::order::SlabOrder;
use super::pack::{Pack, Real};
use super::state::{Pass, SourceState};
use crate::settings::Posterior;

/// The orders of one source, and what is kept of its posterior power.
#[derive(Debug)]
pub(super) struct SlabSource<T: Real> {
    pub(super) orders: Vec<SlabOrder<T>>,
    pub(super) power: KeptPower<T>,
    posterior: Posterior,
}

impl<T: Real> SlabSource<T> {
    /// `starts`: of the activations, per order. `groups`: of frames in the slab.
    pub(super) fn new(
        source: &SourceState<T>,
        starts: &[f64],
        posterior: Posterior,
        (frames, groups, bins): (usize, usize, usize),
    ) -> Self {
        let order = |(dictionary, &start)| SlabOrder::new(dictionary, frames, bins, start);
        let powers = match posterior {
            Posterior::Factorised => 1,
            Posterior::Structured => source.orders.len(),
        };
        let kept = match posterior {
            _ if source.is_estimated() => Kept::Slab,
            Posterior::Factorised => Kept::Tile,
            Posterior::Structured => Kept::Nothing,
        };
        Self {
            orders: source.orders.iter().zip(starts).map(order).collect(),
            power: KeptPower::new(powers, groups, bins, kept),
            posterior,
        }
    }

    /// Takes the ratios of a block from the `q(S)` just updated, and contracts them over bins where
    /// the activations come next.
    pub(super) fn use_powers<S: Simd>(&mut self, simd: S, source: &SourceState<T>, at: &At<'_, T>) {
        let orders = self.orders.iter_mut().zip(&source.orders);
        for (m, (order, dictionary)) in orders.enumerate() {
            if source.is_estimated() {
                // Beside an estimated dictionary, a known one's activations wait for the second
                // pass.
                if !dictionary.is_known() {
                    let power = self.power.block(power_of(self.posterior, m), at);
                    order.form_ratios(simd, power, at);
                }
            } else if self.posterior == Posterior::Structured {
                order.contract_ratio(simd, dictionary, at);
            } else {
                order.contract_tau(simd, dictionary, self.power.block(0, at), at);
            }
        }
    }

    pub(super) fn clear_rho(&mut self, tile: &[Place<T>]) {
        for order in &mut self.orders {
            order.clear_rho(tile);
        }
    }

    pub(super) fn with_estimated_dictionaries<'a>(
        &'a mut self,
        source: &'a SourceState<T>,
    ) -> impl Iterator<Item = &'a mut SlabOrder<T>> {
        let orders = self.orders.iter_mut().zip(&source.orders);
        orders.filter_map(|(order, dictionary)| (!dictionary.is_known()).then_some(order))
    }

    /// The contractions over bins under the dictionaries just updated, with the `E|s_j|^2` kept,
    /// for a tile.
    pub(super) fn contract_again<S: Simd>(
        &mut self,
        simd: S,
        bins: usize,
        source: &SourceState<T>,
        tile: &[Place<T>],
    ) {
        self.clear_rho(tile);
        for block in blocks(bins) {
            let orders = self.orders.iter_mut().zip(&source.orders);
            for (m, (order, dictionary)) in orders.enumerate() {
                for (slot, place) in tile.iter().enumerate() {
                    let at = At::new(place, slot, block.clone());
                    let power = self.power.block(power_of(self.posterior, m), &at);
                    order.invert_harmonic_product(simd, dictionary, &at, None);
                    order.invert_mean_product(simd, dictionary, &at, None);
                    order.contract_tau(simd, dictionary, power, &at);
                    order.contract_rho(simd, dictionary, &at, None);
                }
            }
        }
    }

    /// `q(H|K)` of a group (eq. 17) from its contractions.
    pub(super) fn update_activations<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        source: &SourceState<T>,
        place: &Place<T>,
        slot: usize,
    ) {
        let wants_kl = source.averages_orders() || pass.evidence;
        for order in &mut self.orders {
            order.update_activations(simd, pass.gig, place, slot, wants_kl);
        }
    }

    /// Under the activations of a tile just updated: the next `rho` of the orders with known
    /// dictionaries, which depends on these alone, and the tile's share of `log q~(K)` if it is
    /// wanted. Both need `V`, and here is the one place where it is formed for them.
    pub(super) fn renew<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        source: &SourceState<T>,
        tile: &[Place<T>],
        inverse_v: &mut [Pack<T>],
        wants_misfit: bool,
    ) {
        if !source.is_estimated() {
            self.clear_rho(tile);
        }
        for block in blocks(pass.bins) {
            let orders = self.orders.iter_mut().zip(&source.orders);
            for (m, (order, dictionary)) in orders.enumerate() {
                for (slot, place) in tile.iter().enumerate() {
                    let at = At::new(place, slot, block.clone());
                    if wants_misfit {
                        let power = self.power.block(power_of(self.posterior, m), &at);
                        order.add_misfit(simd, dictionary, power, &at, inverse_v);
                    } else {
                        order.invert_mean_product(simd, dictionary, &at, Some(inverse_v));
                    }
                    if !source.is_estimated() {
                        order.contract_rho(simd, dictionary, &at, Some(inverse_v));
                    }
                }
            }
        }
    }
}

/// Which of the kept powers an order is fitted to.
fn power_of(posterior: Posterior, order: usize) -> usize {
    match posterior {
        Posterior::Factorised => 0,
        Posterior::Structured => order,
    }
}

/// How much of a posterior power is kept.
#[derive(Debug, Clone, Copy)]
enum Kept {
    /// All of the slab, for the second pass.
    Slab,
    /// A tile, for the fit of its new factors.
    Tile,
    /// Nothing: its ratio is used at once.
    Nothing,
}

/// `E|s_j|^2` of the latest `q(S)`, one for all orders or one for each.
#[derive(Debug)]
pub(super) struct KeptPower<T: Real> {
    packs: Vec<Pack<T>>,
    kept: Kept,
    bins: usize,
    /// Packs that are kept of one power.
    stride: usize,
}

impl<T: Real> KeptPower<T> {
    fn new(powers: usize, groups: usize, bins: usize, kept: Kept) -> Self {
        let stride = match kept {
            Kept::Slab => groups * bins,
            Kept::Tile => groups_per_tile::<T>() * bins,
            Kept::Nothing => 0,
        };
        Self {
            packs: vec![Pack::ZERO; powers * stride],
            kept,
            bins,
            stride,
        }
    }

    fn range(&self, power: usize, at: &At<'_, T>) -> Range<usize> {
        let first = match self.kept {
            Kept::Slab => at.place.group * self.bins + at.block.start,
            Kept::Tile => at.slot * self.bins + at.block.start,
            Kept::Nothing => 0,
        };
        let start = power * self.stride + first;
        start..start + at.block.len()
    }

    /// That of a block.
    pub(super) fn block(&self, power: usize, at: &At<'_, T>) -> &[Pack<T>] {
        &self.packs[self.range(power, at)]
    }

    pub(super) fn block_mut(&mut self, power: usize, at: &At<'_, T>) -> &mut [Pack<T>] {
        let range = self.range(power, at);
        &mut self.packs[range]
    }
}
