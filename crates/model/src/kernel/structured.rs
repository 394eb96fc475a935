//! `q(S|K)` of every combination of orders, in the frames of a slab.
//!
//! A combination costs elementwise work only: it takes the variances `C_jm` that its orders have
//! anyway. The products are those of the factorised posterior but for one of each shared source:
//! there, the fit of an order needs its new `C` and `V` under the old `E|s|^2`; here, the evidence
//! of a combination needs the new `C` of all its orders together, once every factor is updated.

use fearless_simd::Simd;
use fearless_simd_macros::simd;

use super::elementwise::{self, Misfit, Share, Variance};
use super::layout::{At, block_size};
use super::log_product::PackProduct;
use super::pack::{Pack, Real};
use super::source::SlabSource;
use super::state::{Pass, SourceState};

/// Working memory of the updates of `q(S|K)`, and the sums that they add to `log q~(K)`.
#[derive(Debug)]
pub(super) struct Structured<T: Real> {
    /// `sum [ log D_K + |x|^2 / D_K ]`, combination by combination.
    misfits: Vec<Misfit>,
    /// `1 / D_K` of a block, combination after combination, `stride` packs apart.
    inverse_totals: Vec<Pack<T>>,
    stride: usize,
    variances: Variances<T>,
    /// `D_K - C_{j K_j}` of a source in a block, where it differs between combinations.
    others: Vec<Pack<T>>,
    /// `1 / V` of an order in a block.
    inverse_v: Vec<Pack<T>>,
    /// `sum_K q(K) C_{j K_j} / D_K` of a block, source after source, `stride` packs apart.
    gains: Vec<Pack<T>>,
}

impl<T: Real> Structured<T> {
    pub(super) fn new(combinations: usize, sources: &[SourceState<T>], bins: usize) -> Self {
        let stride = block_size(bins);
        let room = |blocks: usize| vec![Pack::ZERO; stride * blocks];
        Self {
            misfits: vec![Misfit::ZERO; combinations],
            inverse_totals: room(combinations),
            stride,
            variances: Variances::new(sources, stride),
            others: room(1),
            inverse_v: room(1),
            gains: room(sources.len()),
        }
    }

    /// The share of this slab in `sum [ log D_K + |x|^2 / D_K ]` of a combination.
    pub(super) fn misfit(&self, combination: usize) -> f64 {
        self.misfits[combination].total()
    }

    pub(super) fn clear_misfits(&mut self) {
        self.misfits.fill(Misfit::ZERO);
    }

    /// `q(S|K)` of a block: eq. (15) with the `C_jm` of each combination. Leaves the orders'
    /// `1 / C` and, where a dictionary is estimated, `1 / V`, and in `power` what each order is
    /// fitted to,
    ///
    /// `E[ |s_j|^2 | K_j = m ] = sum_K q(K | K_j = m) E[ |s_j|^2 | K ]`.
    pub(super) fn update_sources<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        sources: &mut [SlabSource<T>],
        observed: &[Pack<T>],
        at: &At<'_, T>,
    ) {
        for (j, (slab, source)) in sources.iter_mut().zip(pass.sources).enumerate() {
            let orders = slab.orders.iter_mut().zip(&source.orders);
            for (m, (order, dictionary)) in orders.enumerate() {
                let variance = Variance::Whole(self.variances.order_mut(j, m));
                order.invert_harmonic_product(simd, dictionary, at, variance);
                if !dictionary.is_known() {
                    order.invert_mean_product(simd, dictionary, at, None);
                }
            }
        }
        self.form_totals(simd, pass, at);
        self.form_powers(simd, pass, sources, observed, at);
    }

    /// `1 / D_K` of every combination, from the `C_jm`.
    #[simd]
    fn form_totals<S: Simd>(&mut self, simd: S, pass: &Pass<'_, T>, at: &At<'_, T>) {
        let bins = at.block.len();
        self.variances.sum_shared(simd, pass.noise_variance, None);
        let inverses = self.inverse_totals.chunks_exact_mut(self.stride);
        for (orders, inverse) in pass.combinations.orders().iter().zip(inverses) {
            let (own, others) = self.variances.split(simd, orders, &mut self.others[..bins]);
            let valid = &at.place.valid;
            elementwise::invert_totals(simd, own, others, valid, &mut inverse[..bins]);
        }
    }

    #[simd]
    fn form_powers<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        sources: &mut [SlabSource<T>],
        observed: &[Pack<T>],
        at: &At<'_, T>,
    ) {
        let bins = observed.len();
        for (j, source) in sources.iter_mut().enumerate() {
            if source.orders.len() == 1 {
                self.variances
                    .sum_shared(simd, pass.noise_variance, Some(j));
            }
            for m in 0..source.orders.len() {
                let power = source.power.block_mut(m, at);
                for (i, given) in pass.combinations.given(j, m).iter().enumerate() {
                    let orders = &pass.combinations.orders()[given.combination];
                    let inverse_total = &self.inverse_totals[given.combination * self.stride..];
                    let room = &mut self.others[..bins];
                    let share = Share {
                        own: &self.variances.order(j, m)[..bins],
                        others: self.variances.sum_others(simd, orders, j, room),
                        inverse_total: &inverse_total[..bins],
                    };
                    let (weight, is_first) = (given.weight, i == 0);
                    elementwise::add_posterior_power(
                        simd, weight, &share, observed, is_first, power,
                    );
                }
            }
        }
    }

    /// What a block adds to `log q~(K)` under the factors just updated, with the `q(S|K)` that is
    /// the best for them: `log D_K + |x|^2 / D_K` of every combination, and `log(C_jm / V_jm)` of
    /// every order of which it is wanted. The `1 / V` that this takes is also what the next `rho`
    /// of the activations under known dictionaries needs.
    pub(super) fn add_evidence<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        sources: &mut [SlabSource<T>],
        observed: &[Pack<T>],
        at: &At<'_, T>,
    ) {
        for (j, (slab, source)) in sources.iter_mut().zip(pass.sources).enumerate() {
            let wants_volumes = source.averages_orders() || pass.evidence;
            let orders = slab.orders.iter_mut().zip(&source.orders);
            for (m, (order, dictionary)) in orders.enumerate() {
                let variance = self.variances.order_mut(j, m);
                order.multiply_harmonic_product(simd, dictionary, at, variance);
                if wants_volumes || !source.is_estimated() {
                    order.multiply_mean_product(simd, dictionary, at, &mut self.inverse_v);
                }
                if !source.is_estimated() {
                    order.contract_rho(simd, dictionary, at, Some(&self.inverse_v));
                }
            }
        }
        self.add_misfits(simd, pass, observed, at);
    }

    #[simd]
    fn add_misfits<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        observed: &[Pack<T>],
        at: &At<'_, T>,
    ) {
        self.variances.sum_shared(simd, pass.noise_variance, None);
        let (bins, valid) = (observed.len(), &at.place.valid);
        for (orders, misfit) in pass.combinations.orders().iter().zip(&mut self.misfits) {
            let (own, others) = self.variances.split(simd, orders, &mut self.others[..bins]);
            let mut volume = PackProduct::new(simd);
            let quotients =
                elementwise::measure_totals(simd, own, others, observed, valid, &mut volume);
            misfit.add(simd, volume, quotients);
        }
    }

    /// The gains of the posterior means of a block: `sum_K q(K) C_{j K_j} / D_K`.
    pub(super) fn form_gains<S: Simd>(
        &mut self,
        simd: S,
        pass: &Pass<'_, T>,
        sources: &mut [SlabSource<T>],
        at: &At<'_, T>,
    ) {
        for (j, (slab, source)) in sources.iter_mut().zip(pass.sources).enumerate() {
            let orders = slab.orders.iter_mut().zip(&source.orders);
            for (m, (order, dictionary)) in orders.enumerate() {
                let variance = Variance::Whole(self.variances.order_mut(j, m));
                order.invert_harmonic_product(simd, dictionary, at, variance);
            }
        }
        self.form_totals(simd, pass, at);
        self.average_gains(simd, pass, at.block.len());
    }

    #[simd]
    fn average_gains<S: Simd>(&mut self, simd: S, pass: &Pass<'_, T>, bins: usize) {
        self.gains.fill(Pack::ZERO);
        let inverses = self.inverse_totals.chunks_exact(self.stride);
        let weights = pass
            .combinations
            .posterior()
            .iter()
            .zip(pass.combinations.orders());
        for ((&weight, orders), inverse) in weights.zip(inverses) {
            let gains = self.gains.chunks_exact_mut(self.stride);
            for (j, (&m, gain)) in orders.iter().zip(gains).enumerate() {
                let own = self.variances.order(j, m);
                elementwise::add_gain(simd, weight, own, inverse, &mut gain[..bins]);
            }
        }
    }

    /// The gain of the posterior mean `mu_j` at a bin of the block just updated and a frame of its
    /// group.
    pub(super) fn gain(&self, source: usize, bin: usize, frame: usize) -> f64 {
        self.gains[source * self.stride + bin].0.as_ref()[frame].to_f64()
    }
}

/// The `C_jm` of a block, and sums of them.
#[derive(Debug)]
struct Variances<T: Real> {
    /// Order after order and source after source, `stride` packs apart.
    packs: Vec<Pack<T>>,
    stride: usize,
    /// Position of each source's first order in `packs`.
    first_orders: Vec<usize>,
    /// The sources with several orders, and those with one, which all combinations share.
    choices: Vec<usize>,
    shared: Vec<usize>,
    /// `sigma^2 + sum_j C_j` over the sources with one order.
    base: Vec<Pack<T>>,
    /// The same but for the source that is left out.
    rest: Vec<Pack<T>>,
}

impl<T: Real> Variances<T> {
    fn new(sources: &[SourceState<T>], stride: usize) -> Self {
        let (choices, shared) = (0..sources.len()).partition(|&j| sources[j].averages_orders());
        let mut orders = 0;
        let mut first_orders = Vec::new();
        for source in sources {
            first_orders.push(orders);
            orders += source.orders.len();
        }
        Self {
            packs: vec![Pack::ZERO; stride * orders],
            stride,
            first_orders,
            choices,
            shared,
            base: vec![Pack::ZERO; stride],
            rest: vec![Pack::ZERO; stride],
        }
    }

    fn order(&self, source: usize, order: usize) -> &[Pack<T>] {
        let start = (self.first_orders[source] + order) * self.stride;
        &self.packs[start..start + self.stride]
    }

    fn order_mut(&mut self, source: usize, order: usize) -> &mut [Pack<T>] {
        let start = (self.first_orders[source] + order) * self.stride;
        &mut self.packs[start..start + self.stride]
    }

    /// Sums up what all combinations share, with and without a source.
    #[inline(always)]
    fn sum_shared<S: Simd>(&mut self, simd: S, noise_variance: f64, left_out: Option<usize>) {
        let sum = match left_out {
            Some(_) => &mut self.rest,
            None => &mut self.base,
        };
        elementwise::fill(simd, noise_variance, sum);
        for &j in self.shared.iter().filter(|&&j| Some(j) != left_out) {
            let start = self.first_orders[j] * self.stride;
            elementwise::add(simd, &self.packs[start..start + self.stride], sum);
        }
    }

    /// The two parts of `D_K`: `C_{j K_j}` of the last source with a choice, and all else. Most
    /// often it is the only one, and nothing needs to be summed up.
    #[inline(always)]
    fn split<'a, S: Simd>(
        &'a self,
        simd: S,
        orders: &[usize],
        room: &'a mut [Pack<T>],
    ) -> (&'a [Pack<T>], &'a [Pack<T>]) {
        let last = self.choices[self.choices.len() - 1];
        let own = &self.order(last, orders[last])[..room.len()];
        (own, self.sum_others(simd, orders, last, room))
    }

    /// `D_K - C_{j K_j}` of a source, in `room` unless it is the same for all combinations.
    #[inline(always)]
    fn sum_others<'a, S: Simd>(
        &'a self,
        simd: S,
        orders: &[usize],
        source: usize,
        room: &'a mut [Pack<T>],
    ) -> &'a [Pack<T>] {
        let shared = match self.shared.contains(&source) {
            true => &self.rest[..room.len()],
            false => &self.base[..room.len()],
        };
        let mut choices = self.choices.iter().filter(|&&j| j != source);
        let Some(&first) = choices.next() else {
            return shared;
        };
        elementwise::add_two(simd, shared, self.order(first, orders[first]), room);
        for &j in choices {
            elementwise::add(simd, self.order(j, orders[j]), room);
        }
        room
    }
}
