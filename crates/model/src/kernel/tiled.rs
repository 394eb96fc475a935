//! One iteration of the updates without an F x N matrix per order.
//!
//! Frames are worked on twelve at a time. For such a tile, and a block of bins, the products `C`
//! and `V` of every order are formed in cache, turned into `q(S)` (eq. 15-16) and then in place
//! into the ratios `E|s|^2 / C^2` and `1 / V`, and contracted at once (eq. 17). Where a dictionary
//! is known its activations depend on their own frame only, so a tile goes from `q(S)` to the new
//! `q(H|K)` and its share of `log q~(K)` in one visit:
//!
//! 1. *first pass*: `q(S)`; activations of sources with known dictionaries; the sums that the
//!    estimated dictionaries need;
//! 2. the estimated dictionaries, once per iteration;
//! 3. *second pass*: activations of sources with estimated dictionaries;
//! 4. `q(K)`.
//!
//! Tiles are gathered in at most sixteen slabs of consecutive frames. Slabs run in parallel,
//! their sums are added in order: the result does not depend on the number of threads.

use fearless_simd::{Level, dispatch};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;
use rustfft::num_complex::Complex64;

use super::VARIANCE_FLOOR;
use super::lanes::{LANE, Lane, Panels, constant_row, slab_frames, sum_of_lanes};
use super::slab::{Pass, Slab};
use crate::free_energy::FreeEnergyTerms;
use crate::gig::{Gig, KlSum};
use crate::inference::Execution;
use crate::order_posterior::tempered_posterior;
use crate::source::{DictionaryModel, SourceModel};

/// The state of inference on one mixture.
#[derive(Debug)]
pub(crate) struct TiledModel {
    level: Level,
    execution: Execution,
    noise_variance: f64,
    beta: f64,
    dictionary_gig: Gig,
    activation_gig: Gig,
    sources: Vec<SourceState>,
    slabs: Vec<Slab>,
    bins: usize,
    frames: usize,
    floor: Vec<Lane>,
    valid: Vec<Lane>,
}

#[derive(Debug)]
pub(super) struct SourceState {
    pub(super) orders: Vec<DictionaryState>,
    pub(super) posterior: Vec<f64>,
    log_prior: Vec<f64>,
    log_posterior: Vec<f64>,
}

#[derive(Debug)]
pub(super) enum DictionaryState {
    Known(Panels),
    Estimated(EstimatedDictionary),
}

#[derive(Debug)]
pub(super) struct EstimatedDictionary {
    mean: Panels,
    harmonic: Panels,
    kl: f64,
}

impl DictionaryState {
    pub(super) fn mean(&self) -> &Panels {
        match self {
            Self::Known(panels) => panels,
            Self::Estimated(estimated) => &estimated.mean,
        }
    }

    pub(super) fn harmonic(&self) -> &Panels {
        match self {
            Self::Known(panels) => panels,
            Self::Estimated(estimated) => &estimated.harmonic,
        }
    }

    pub(super) fn is_known(&self) -> bool {
        matches!(self, Self::Known(_))
    }

    fn kl(&self) -> f64 {
        match self {
            Self::Known(_) => 0.0,
            Self::Estimated(estimated) => estimated.kl,
        }
    }
}

impl SourceState {
    /// Whether the activations wait for the dictionary and are updated in the second pass.
    pub(super) fn is_estimated(&self) -> bool {
        !self.orders.iter().all(DictionaryState::is_known)
    }

    pub(super) fn averages_orders(&self) -> bool {
        self.orders.len() > 1
    }
}

impl TiledModel {
    pub(crate) fn new(
        mixture: ArrayView2<'_, Complex64>,
        sources: &[SourceModel],
        gigs: (Gig, Gig),
        noise_variance: f64,
        beta: f64,
        execution: Execution,
        level: Level,
    ) -> Self {
        let (frames, bins) = mixture.dim();
        let states: Vec<SourceState> = sources.iter().map(SourceState::new).collect();
        let slab_frames = slab_frames(frames);
        let slabs = (0..frames)
            .step_by(slab_frames)
            .map(|first| {
                let range = first..usize::min(first + slab_frames, frames);
                Slab::new(mixture, range, sources, &states)
            })
            .collect();
        Self {
            level,
            execution,
            noise_variance,
            beta,
            dictionary_gig: gigs.0,
            activation_gig: gigs.1,
            sources: states,
            slabs,
            bins,
            frames,
            floor: constant_row(bins, VARIANCE_FLOOR, 1.0),
            valid: constant_row(bins, 1.0, 0.0),
        }
    }

    /// Updates `q(S)`, `q(W|K)`, `q(H|K)` and `q(K)` once, in the order of the module's list.
    ///
    /// `evidence`: whether a free energy will be asked for afterwards.
    pub(crate) fn iterate(&mut self, evidence: bool) {
        self.for_each_slab(evidence, |slab, pass| {
            dispatch!(pass.level, simd => slab.first_pass(simd, pass));
        });
        if self.sources.iter().any(SourceState::is_estimated) {
            self.update_dictionaries(evidence);
            self.for_each_slab(evidence, |slab, pass| {
                dispatch!(pass.level, simd => slab.second_pass(simd, pass));
            });
        }
        self.sum_log_posteriors();
        let beta = self.beta;
        for source in &mut self.sources {
            if source.averages_orders() {
                source.posterior = tempered_posterior(&source.log_posterior, beta);
            }
        }
    }

    /// Updates `q(S)` and returns the free energy with it. `estimates`, when given, receives the
    /// posterior means, frames x bins per source. The last iteration must have gathered evidence.
    pub(crate) fn posterior_means(
        &mut self,
        mixture: ArrayView2<'_, Complex64>,
        estimates: Option<&mut [Array2<Complex64>]>,
    ) -> f64 {
        let slab_frames = self.slabs[0].frames();
        let mut outputs: Vec<Vec<ArrayViewMut2<'_, Complex64>>> =
            self.slabs.iter().map(|_| Vec::new()).collect();
        for estimate in estimates.into_iter().flatten() {
            let chunks = estimate.axis_chunks_iter_mut(Axis(0), slab_frames);
            for (output, chunk) in outputs.iter_mut().zip(chunks) {
                output.push(chunk);
            }
        }
        let (pass, slabs) = self.pass(true);
        let work = |(slab, outputs): (&mut Slab, &mut Vec<ArrayViewMut2<'_, Complex64>>)| {
            dispatch!(pass.level, simd => slab.posterior_pass(simd, &pass, mixture, outputs));
        };
        match pass.execution {
            Execution::Serial => slabs.iter_mut().zip(&mut outputs).for_each(work),
            Execution::Parallel => slabs.par_iter_mut().zip(&mut outputs).for_each(work),
        }
        self.sum_log_posteriors();
        let energies = self.slabs.iter().map(Slab::energy);
        let (residual, log_determinant) = energies.fold((0.0, 0.0), |sums, energy| {
            (sums.0 + energy.residual, sums.1 + energy.log_determinant)
        });
        let terms = FreeEnergyTerms {
            observations: self.frames * self.bins,
            residual,
            log_determinant,
            beta: self.beta,
        };
        let orders = self.sources.iter();
        terms.total(orders.map(|source| (&source.posterior[..], &source.log_posterior[..])))
    }

    pub(crate) fn order_posterior(&self) -> Vec<Vec<f64>> {
        self.sources
            .iter()
            .map(|source| source.posterior.clone())
            .collect()
    }

    /// `log q~(K_jm)` as last evaluated.
    pub(crate) fn log_order_posterior(&self) -> Vec<Vec<f64>> {
        self.sources
            .iter()
            .map(|source| source.log_posterior.clone())
            .collect()
    }

    /// Mean and harmonic expectation of a dictionary, components x bins.
    pub(crate) fn dictionary(&self, source: usize, order: usize) -> (Array2<f64>, Array2<f64>) {
        let state = &self.sources[source].orders[order];
        (state.mean().to_array(), state.harmonic().to_array())
    }

    /// Mean and harmonic expectation of the activations, frames x components.
    pub(crate) fn activations(&self, source: usize, order: usize) -> (Array2<f64>, Array2<f64>) {
        let parts: Vec<[Array2<f64>; 2]> = self
            .slabs
            .iter()
            .map(|slab| slab.order(source, order).activations(slab.frames()))
            .collect();
        let gather = |which: usize| {
            let views: Vec<_> = parts.iter().map(|part| part[which].view()).collect();
            ndarray::concatenate(Axis(0), &views).expect("slabs hold the same components")
        };
        (gather(0), gather(1))
    }

    /// What the slabs read in a pass, and the slabs.
    fn pass(&mut self, evidence: bool) -> (Pass<'_>, &mut [Slab]) {
        let pass = Pass {
            level: self.level,
            execution: self.execution,
            sources: &self.sources,
            gig: &self.activation_gig,
            noise_variance: self.noise_variance,
            floor: &self.floor,
            valid: &self.valid,
            evidence,
        };
        (pass, &mut self.slabs)
    }

    fn for_each_slab(&mut self, evidence: bool, work: impl Fn(&mut Slab, &Pass<'_>) + Sync) {
        let (pass, slabs) = self.pass(evidence);
        match pass.execution {
            Execution::Serial => slabs.iter_mut().for_each(|slab| work(slab, &pass)),
            Execution::Parallel => slabs.par_iter_mut().for_each(|slab| work(slab, &pass)),
        }
    }

    /// `q(W|K)` of every estimated dictionary (eq. 17), from the sums of the first pass.
    fn update_dictionaries(&mut self, evidence: bool) {
        let gig = &self.dictionary_gig;
        for (j, source) in self.sources.iter_mut().enumerate() {
            let wants_kl = evidence || source.averages_orders();
            for (m, dictionary) in source.orders.iter_mut().enumerate() {
                let DictionaryState::Estimated(estimated) = dictionary else {
                    continue;
                };
                let sums: Vec<_> = self
                    .slabs
                    .iter()
                    .map(|slab| {
                        let order = slab.order(j, m);
                        (&order.dictionary_tau[..], &order.dictionary_rho[..])
                    })
                    .collect();
                estimated.update(gig, &sums, wants_kl, self.execution);
            }
        }
    }

    /// `log q~(K_jm)` (eq. 12) from the slabs' shares, added in order.
    fn sum_log_posteriors(&mut self) {
        let constant = -(self.bins as f64) * self.frames as f64 * libm::log(std::f64::consts::PI);
        for (j, source) in self.sources.iter_mut().enumerate() {
            for m in 0..source.orders.len() {
                let shares = self
                    .slabs
                    .iter()
                    .map(|slab| slab.order(j, m).log_posterior_share());
                source.log_posterior[m] =
                    source.log_prior[m] + constant + shares.sum::<f64>() + source.orders[m].kl();
            }
        }
    }
}

impl EstimatedDictionary {
    /// `tau = G(W)^2 o [ (E|S|^2 / C^2) G(H)^T ]`, `rho = a + (1 / V) E[H]^T`, entry by entry.
    fn update(
        &mut self,
        gig: &Gig,
        sums: &[(&[Lane], &[Lane])],
        wants_kl: bool,
        execution: Execution,
    ) {
        let (order, bins) = (self.mean.order, self.mean.bins);
        let update = |(index, (mean, harmonic)): (usize, (&mut [Lane], &mut [Lane]))| {
            let mut kl = KlSum::default();
            let real = LANE.min(bins - index * LANE);
            for (k, (mean, harmonic)) in mean.iter_mut().zip(harmonic).enumerate() {
                let at = index * order + k;
                let tau = sum_of_lanes(sums.iter().map(|(tau, _)| &tau[at]));
                let rho = sum_of_lanes(sums.iter().map(|(_, rho)| &rho[at]));
                for lane in 0..real {
                    let tau = harmonic.0[lane] * harmonic.0[lane] * tau.0[lane];
                    let rho = gig.shape() + rho.0[lane];
                    let z = if wants_kl {
                        gig.expectations_and_kl(rho, tau, &mut kl)
                    } else {
                        gig.expectations(rho, tau)
                    };
                    mean.0[lane] = z.mean;
                    harmonic.0[lane] = z.harmonic;
                }
            }
            if wants_kl { gig.kl(&kl) } else { 0.0 }
        };
        let (mean, harmonic) = (&mut self.mean.lanes, &mut self.harmonic.lanes);
        let kl: Vec<f64> = match execution {
            Execution::Serial => mean
                .chunks_exact_mut(order)
                .zip(harmonic.chunks_exact_mut(order))
                .enumerate()
                .map(update)
                .collect(),
            Execution::Parallel => mean
                .par_chunks_exact_mut(order)
                .zip(harmonic.par_chunks_exact_mut(order))
                .enumerate()
                .map(update)
                .collect(),
        };
        self.kl = kl.iter().sum();
    }
}

impl SourceState {
    fn new(source: &SourceModel) -> Self {
        let orders = source.orders.iter().map(|order| match order {
            DictionaryModel::Known(dictionary) => {
                DictionaryState::Known(Panels::from_array(dictionary.components()))
            }
            DictionaryModel::Estimated(start) => {
                let panels = Panels::from_array(start.view());
                DictionaryState::Estimated(EstimatedDictionary {
                    mean: panels.clone(),
                    harmonic: panels,
                    kl: 0.0,
                })
            }
        });
        Self {
            orders: orders.collect(),
            log_prior: source.prior.iter().map(|&p| libm::log(p)).collect(),
            posterior: source.prior.clone(),
            log_posterior: vec![0.0; source.prior.len()],
        }
    }
}
