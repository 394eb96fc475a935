//! One iteration of the updates without an F x N matrix per order.
//!
//! Frames are worked on in groups of as many as a pack has lanes. For such a group, and a block of
//! bins, the product `C` of every order is formed in cache, turned into `q(S)` (eq. 15-16) and then
//! into the ratio `E|s|^2 / C^2`, which is contracted at once (eq. 17). A tile of 32 frames is
//! in cache together: dictionaries are read once for its groups, and an estimated one's
//! contractions are added up over it. Where a dictionary is known its activations depend on their
//! own frame only, so a tile goes from `q(S)` to the new `q(H|K)` and its share of `log q~(K)` in
//! one visit. That share needs the new `V`, whose reciprocal gives the `rho` of the next iteration:
//! it is contracted there and then, and `V` is formed once an iteration.
//!
//! 1. *first pass*: `q(S)`; activations of sources with known dictionaries; the sums that the
//!    estimated dictionaries need;
//! 2. the estimated dictionaries, once per iteration;
//! 3. *second pass*: activations of sources with estimated dictionaries;
//! 4. of the structured posterior, the *evidence pass*: `log q~(K)` with the `q(S|K)` that is the
//!    best for the new factors;
//! 5. `q(K)`.
//!
//! Between iterations the factors can be extrapolated ([`super::acceleration`]).
//!
//! Tiles are gathered in at most sixteen slabs of consecutive frames. Slabs run in parallel and
//! their sums are added in order: the result does not depend on the number of threads.

use fearless_simd::{Level, dispatch};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};
use num_complex::Complex64;
use rayon::prelude::*;

use super::extrapolation::Extent;
use super::factors::Factors;
use super::layout::slab_frames;
use super::pack::Real;
use super::slab::Slab;
use super::state::{DictionaryState, EstimatedDictionary, Pass, SourceState};
use crate::combinations::{Combinations, LogPosterior};
use crate::free_energy::FreeEnergyTerms;
use crate::gig::Gig;
use crate::order_posterior::tempered_posterior;
use crate::problem::Problem;
use crate::settings::{Execution, Posterior};

/// How to infer.
#[derive(Debug, Clone)]
pub(crate) struct Configuration {
    pub(crate) level: Level,
    pub(crate) execution: Execution,
    pub(crate) posterior: Posterior,
    pub(crate) noise_variance: f64,
    pub(crate) beta: f64,
    pub(crate) dictionary_gig: Gig,
    pub(crate) activation_gig: Gig,
}

/// All that an iteration changes and the next one, or the end, depends on.
#[derive(Debug)]
pub(crate) struct Checkpoint<T: Real> {
    pub(super) factors: Factors<T>,
    activation_kl: Vec<Vec<f64>>,
    dictionary_kl: Vec<f64>,
    /// `q(K_j)` of the factorised posterior, source by source.
    order_posteriors: Vec<Vec<f64>>,
    /// `log q~(K)` of the structured one.
    log_posterior: LogPosterior,
}

/// The state of inference on one mixture.
#[derive(Debug)]
pub(crate) struct TiledModel<T: Real> {
    configuration: Configuration,
    sources: Vec<SourceState<T>>,
    /// `q(K)` and `log q~(K)` of the structured posterior.
    combinations: Combinations,
    /// Complete after an iteration that has gathered evidence.
    log_posterior: LogPosterior,
    slabs: Vec<Slab<T>>,
    bins: usize,
    frames: usize,
    out_of_range: bool,
}

impl<T: Real> TiledModel<T> {
    pub(crate) fn new(problem: &Problem<'_>, mut configuration: Configuration) -> Self {
        let (frames, bins) = problem.mixture.dim();
        let sources: Vec<SourceState<T>> = problem.sources.iter().map(SourceState::new).collect();
        if !sources.iter().any(SourceState::averages_orders) {
            // With nothing to condition on both are the same, and the factorised one has no
            // evidence pass.
            configuration.posterior = Posterior::Factorised;
        }
        let combinations = match configuration.posterior {
            Posterior::Factorised => Combinations::none(),
            Posterior::Structured => Combinations::new(problem.sources, configuration.beta),
        };
        let slab_frames = slab_frames(frames);
        let slab = |index: usize| {
            let first = index * slab_frames;
            let range = first..usize::min(first + slab_frames, frames);
            Slab::new(
                problem,
                range,
                &sources,
                configuration.posterior,
                &combinations,
            )
        };
        let indices = 0..frames.div_ceil(slab_frames);
        let slabs = match configuration.execution {
            Execution::Serial => indices.map(slab).collect(),
            Execution::Parallel => indices.into_par_iter().map(slab).collect(),
        };
        let mut model = Self {
            configuration,
            sources,
            log_posterior: LogPosterior::default(),
            combinations,
            slabs,
            bins,
            frames,
            out_of_range: false,
        };
        model.prepare();
        model
    }

    /// What the first pass takes for granted of the factors.
    fn prepare(&mut self) {
        self.for_each_slab(false, |slab, pass| {
            dispatch!(pass.level, simd => slab.prepare(simd, pass));
        });
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
        match self.configuration.posterior {
            Posterior::Factorised => self.update_order_posteriors(),
            Posterior::Structured => {
                self.for_each_slab(evidence, |slab, pass| {
                    dispatch!(pass.level, simd => slab.evidence_pass(simd, pass));
                });
                self.update_combinations(evidence);
            }
        }
    }

    /// The free energy after an iteration that has gathered evidence. The factorised posterior
    /// updates `q(S)` for it.
    pub(crate) fn free_energy(&mut self, mixture: ArrayView2<'_, Complex64>) -> f64 {
        if self.configuration.posterior == Posterior::Factorised {
            self.posterior_pass(mixture, &mut []);
        }
        self.sum_free_energy()
    }

    /// Updates `q(S)` and returns the free energy with it, after an iteration that has gathered
    /// evidence. `estimates` receives the posterior means, frames x bins per source.
    pub(crate) fn posterior_means(
        &mut self,
        mixture: ArrayView2<'_, Complex64>,
        estimates: &mut [Array2<Complex64>],
    ) -> f64 {
        self.posterior_pass(mixture, estimates);
        self.sum_free_energy()
    }

    pub(super) fn factors(&self) -> Factors<T> {
        let dictionaries = self.sources.iter().flat_map(SourceState::estimated);
        Factors {
            activations: self.slabs.iter().map(Slab::factors).collect(),
            dictionaries: dictionaries.map(EstimatedDictionary::factor).collect(),
        }
    }

    fn set_factors(&mut self, factors: &Factors<T>) {
        for (slab, factors) in self.slabs.iter_mut().zip(&factors.activations) {
            slab.set_factors(factors);
        }
        let dictionaries = self.sources.iter_mut().flat_map(SourceState::estimated_mut);
        for (dictionary, factor) in dictionaries.zip(&factors.dictionaries) {
            dictionary.set_factor(factor);
        }
        self.prepare();
    }

    /// Goes where three successive states lead: `factors` is the second, and becomes the new one.
    pub(super) fn extrapolate(
        &mut self,
        factors: &mut Factors<T>,
        others: [&Factors<T>; 2],
        max_alpha: f64,
    ) -> Extent {
        let Configuration {
            level, execution, ..
        } = self.configuration;
        let extent = factors.extrapolate(others, max_alpha, level, execution);
        self.set_factors(factors);
        extent
    }

    pub(super) fn checkpoint(&self) -> Checkpoint<T> {
        let sources = self.sources.iter();
        let dictionaries = sources.clone().flat_map(SourceState::estimated);
        Checkpoint {
            factors: self.factors(),
            activation_kl: self.slabs.iter().map(Slab::kl).collect(),
            dictionary_kl: dictionaries.map(|dictionary| dictionary.kl).collect(),
            order_posteriors: sources.map(|source| source.posterior.clone()).collect(),
            log_posterior: self.log_posterior.clone(),
        }
    }

    /// Goes back to a state that was in range, after an iteration that has gathered evidence.
    pub(super) fn restore(&mut self, checkpoint: Checkpoint<T>) {
        for (slab, kl) in self.slabs.iter_mut().zip(&checkpoint.activation_kl) {
            slab.restore(kl);
        }
        let dictionaries = self.sources.iter_mut().flat_map(SourceState::estimated_mut);
        for (dictionary, kl) in dictionaries.zip(checkpoint.dictionary_kl) {
            dictionary.kl = kl;
        }
        for (source, posterior) in self.sources.iter_mut().zip(checkpoint.order_posteriors) {
            source.posterior = posterior;
        }
        self.log_posterior = checkpoint.log_posterior;
        if self.configuration.posterior == Posterior::Structured {
            self.combinations.update(&self.log_posterior);
        }
        self.out_of_range = false;
        self.set_factors(&checkpoint.factors);
    }

    fn posterior_pass(
        &mut self,
        mixture: ArrayView2<'_, Complex64>,
        estimates: &mut [Array2<Complex64>],
    ) {
        let slab_frames = self.slabs[0].frames();
        let mut outputs: Vec<Vec<ArrayViewMut2<'_, Complex64>>> =
            self.slabs.iter().map(|_| Vec::new()).collect();
        for estimate in estimates {
            let chunks = estimate.axis_chunks_iter_mut(Axis(0), slab_frames);
            for (output, chunk) in outputs.iter_mut().zip(chunks) {
                output.push(chunk);
            }
        }
        let (pass, slabs) = self.pass(true);
        let work = |(slab, outputs): (&mut Slab<T>, &mut Vec<ArrayViewMut2<'_, Complex64>>)| {
            dispatch!(pass.level, simd => slab.posterior_pass(simd, &pass, mixture, outputs));
        };
        match pass.execution {
            Execution::Serial => slabs.iter_mut().zip(&mut outputs).for_each(work),
            Execution::Parallel => slabs.par_iter_mut().zip(&mut outputs).for_each(work),
        }
    }

    fn sum_free_energy(&mut self) -> f64 {
        if self.configuration.posterior == Posterior::Structured {
            return self.combinations.free_energy(&self.log_posterior);
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
            beta: self.configuration.beta,
        };
        let orders = self.sources.iter();
        terms.total(orders.map(|source| (&source.posterior[..], &source.log_posterior[..])))
    }

    /// Whether something has left [`Real::RANGE`]: what has been found since is worth nothing.
    pub(crate) fn is_out_of_range(&self) -> bool {
        self.out_of_range || self.slabs.iter().any(Slab::is_out_of_range)
    }

    /// `q(K_jm)` per source and order.
    pub(crate) fn order_posterior(&self) -> Vec<Vec<f64>> {
        match self.configuration.posterior {
            Posterior::Structured => self.combinations.marginals(),
            Posterior::Factorised => {
                let sources = self.sources.iter();
                sources.map(|source| source.posterior.clone()).collect()
            }
        }
    }

    /// `log q~(K_jm)` as last evaluated.
    pub(crate) fn log_order_posterior(&self) -> Vec<Vec<f64>> {
        match self.configuration.posterior {
            Posterior::Structured => self.combinations.log_marginals(&self.log_posterior),
            Posterior::Factorised => {
                let sources = self.sources.iter();
                sources.map(|source| source.log_posterior.clone()).collect()
            }
        }
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
            .map(|slab| slab.activations(source, order))
            .collect();
        let gather = |which: usize| {
            let views: Vec<_> = parts.iter().map(|part| part[which].view()).collect();
            ndarray::concatenate(Axis(0), &views).expect("slabs hold the same components")
        };
        (gather(0), gather(1))
    }

    /// What the slabs read in a pass, and the slabs.
    fn pass(&mut self, evidence: bool) -> (Pass<'_, T>, &mut [Slab<T>]) {
        let pass = Pass {
            level: self.configuration.level,
            execution: self.configuration.execution,
            sources: &self.sources,
            combinations: &self.combinations,
            gig: &self.configuration.activation_gig,
            noise_variance: self.configuration.noise_variance,
            bins: self.bins,
            evidence,
        };
        (pass, &mut self.slabs)
    }

    fn for_each_slab(&mut self, evidence: bool, work: impl Fn(&mut Slab<T>, &Pass<'_, T>) + Sync) {
        let (pass, slabs) = self.pass(evidence);
        match pass.execution {
            Execution::Serial => slabs.iter_mut().for_each(|slab| work(slab, &pass)),
            Execution::Parallel => slabs.par_iter_mut().for_each(|slab| work(slab, &pass)),
        }
    }

    /// `q(W|K)` of every estimated dictionary (eq. 17), from the sums of the first pass.
    fn update_dictionaries(&mut self, evidence: bool) {
        let Configuration {
            dictionary_gig: gig,
            level,
            execution,
            ..
        } = &self.configuration;
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
                let within = estimated.update(*level, gig, &sums, wants_kl, *execution);
                self.out_of_range |= !within;
            }
        }
    }

    /// `q(K_j)` of every source with a choice (eq. 18).
    fn update_order_posteriors(&mut self) {
        self.sum_log_posteriors();
        for source in &mut self.sources {
            if source.averages_orders() {
                source.posterior =
                    tempered_posterior(&source.log_posterior, self.configuration.beta);
            }
        }
    }

    /// `q(K)` of the structured posterior: `log q~(K)` is the evidence of the mixture itself,
    ///
    /// `sum_j log pi_{j K_j} + sum_fn [ - log(pi D_K) - |x|^2 / D_K ]`
    /// `+ sum_j ( sum_fn log(C_{j K_j} / V_{j K_j}) + KL terms )`,
    ///
    /// The terms of sources that have no choice leave `q(K)` as it is, and are summed up for
    /// `evidence` only.
    fn update_combinations(&mut self, evidence: bool) {
        let order_term = |j: usize, m: usize| -> f64 {
            let shares = self
                .slabs
                .iter()
                .map(|slab| slab.order(j, m).log_evidence_share());
            shares.sum::<f64>() + self.sources[j].orders[m].kl()
        };
        let order_terms = |(j, source): (usize, &SourceState<T>)| -> Vec<f64> {
            if source.averages_orders() || evidence {
                (0..source.orders.len()).map(|m| order_term(j, m)).collect()
            } else {
                vec![0.0]
            }
        };
        let constant = self.log_likelihood_constant();
        let log_likelihood = |k: usize| -> f64 {
            let misfit: f64 = self.slabs.iter().map(|slab| slab.misfit(k)).sum();
            constant - misfit
        };
        let combinations = 0..self.combinations.orders().len();
        self.log_posterior = LogPosterior {
            combinations: combinations.map(log_likelihood).collect(),
            orders: self.sources.iter().enumerate().map(order_terms).collect(),
        };
        self.combinations.update(&self.log_posterior);
    }

    /// `- sum_fn log pi`.
    fn log_likelihood_constant(&self) -> f64 {
        -(self.bins as f64) * self.frames as f64 * libm::log(std::f64::consts::PI)
    }

    /// `log q~(K_jm)` (eq. 12) from the slabs' shares, added in order.
    fn sum_log_posteriors(&mut self) {
        let constant = self.log_likelihood_constant();
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
