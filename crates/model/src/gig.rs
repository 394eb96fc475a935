//! The generalised inverse Gaussian distribution, its expectations and its normaliser.
//!
//! The variational posterior of every dictionary entry and every activation is
//! `GIG(z; gamma, rho, tau)`, proportional to `z^(gamma - 1) exp(-rho z - tau / z)` on `z > 0`
//! (eq. 17). With `x = 2 sqrt(rho tau)` and `t = tau E[1/z] = (x / 2) K_{1-gamma}(x) / K_gamma(x)`:
//!
//! - the mean is `E[z] = (gamma + t) / rho`,
//! - the harmonic expectation is `1 / E[1/z] = tau / t`,
//! - the normaliser is `log Z = log Gamma(gamma) - gamma log rho + L`, where
//!   `L = log( 2 K_gamma(x) (x/2)^gamma / Gamma(gamma) )`.
//!
//! Every sum has positive terms only; the recurrence `K_{gamma+1}` in place of `K_{1-gamma}` would
//! subtract `gamma / tau` and lose all digits for small `x`. `t` and `L` vanish as `tau -> 0`, so
//! the limit, `Gamma(gamma, rho)` with harmonic expectation 0, is part of the range: a component
//! that is being switched off reaches it within a few iterations.
//!
//! `t` and `L` depend on `gamma` and on the product `y = rho tau` alone, and `gamma` takes one or
//! two values in a whole run. [`Gig`] therefore tabulates both: the binary exponent and the three
//! leading bits of the mantissa of `y` select a piece, the rest of the mantissa is the argument of
//! a polynomial. That covers 1024 octaves with one shift and eleven multiply-adds, for one variable
//! here and for eight at a time in the kernel.

mod bessel;

use std::sync::Arc;

use self::bessel::{BesselEvaluation, BesselTerms};

/// Smallest and largest shape for which the tables are built.
pub const SHAPE_RANGE: std::ops::RangeInclusive<f64> = 0.01..=0.99;

/// Largest relative error of `t`, and of `L` against `1 + x + |L|`, accepted at construction.
pub const TABLE_TOLERANCE: f64 = 1e-13;

const DEGREE: usize = 10;
const COEFFICIENTS: usize = DEGREE + 1;
/// Coefficients with one more that is 0: whole vectors of four.
pub(crate) const PADDED: usize = COEFFICIENTS + 1;
/// Pieces per octave, as a power of two.
pub(crate) const PIECE_BITS: u32 = 3;
const LOWEST_EXPONENT: i32 = -1000;
const HIGHEST_EXPONENT: i32 = 40;
pub(crate) const PIECES: usize = ((HIGHEST_EXPONENT - LOWEST_EXPONENT) as usize) << PIECE_BITS;

pub(crate) const MANTISSA_BITS: u32 = 52;
const EXPONENT_BIAS: i32 = 1023;
pub(crate) const LOCAL_BITS: u32 = MANTISSA_BITS - PIECE_BITS;
pub(crate) const FIRST_PIECE: u64 = ((EXPONENT_BIAS + LOWEST_EXPONENT) as u64) << PIECE_BITS;
pub(crate) const ONE_BITS: u64 = (EXPONENT_BIAS as u64) << MANTISSA_BITS;

/// Why a [`Gig`] could not be built.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GigError {
    /// The shape is outside [`SHAPE_RANGE`] or not a number.
    #[error("the shape of a Gamma prior must lie in 0.01 to 0.99, got {0}")]
    ShapeOutOfRange(f64),
    /// The tables differ from the trusted evaluation.
    #[error("the GIG tables for shape {shape} are off by {error:e}, more than {TABLE_TOLERANCE:e}")]
    Inaccurate {
        /// The shape asked for.
        shape: f64,
        /// The largest error found.
        error: f64,
    },
}

/// The expectations of one GIG variable that the updates use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expectations {
    /// `E[z]`.
    pub mean: f64,
    /// The harmonic expectation `1 / E[1/z]`; 0 when `tau` is 0.
    pub harmonic: f64,
}

/// GIG distributions of one shape `gamma`, with tabulated Bessel functions. Clones share the
/// tables.
///
/// ```
/// let gig = model::Gig::new(0.2)?;
/// let z = gig.expectations(3.0, 0.5);
/// assert!(0.0 < z.harmonic && z.harmonic < z.mean);
/// // tau = 0 is the Gamma distribution.
/// let gamma = gig.expectations(4.0, 0.0);
/// assert_eq!((gamma.mean, gamma.harmonic), (0.2 / 4.0, 0.0));
/// # Ok::<(), model::GigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Gig {
    shape: f64,
    bessel: BesselEvaluation,
    pub(crate) tau_mean_inverse: Arc<[Coefficients]>,
    pub(crate) scaled_log: Arc<[Coefficients]>,
}

/// A polynomial on a piece, the constant first.
pub(crate) type Coefficients = [f64; PADDED];

impl Gig {
    /// Tabulates the Bessel terms for `shape` (gamma) and checks the tables to
    /// [`TABLE_TOLERANCE`]. Takes tens of milliseconds and about 1.5 MB.
    ///
    /// # Errors
    /// [`GigError::ShapeOutOfRange`] for a shape outside [`SHAPE_RANGE`].
    pub fn new(shape: f64) -> Result<Self, GigError> {
        if !SHAPE_RANGE.contains(&shape) {
            return Err(GigError::ShapeOutOfRange(shape));
        }
        let bessel = BesselEvaluation::new(shape);
        let interpolation = Interpolation::new();
        let pieces = (0..PIECES).map(|piece| {
            let mut tau_mean_inverse = [0.0; COEFFICIENTS];
            let mut scaled_log = [0.0; COEFFICIENTS];
            for (i, &node) in interpolation.nodes.iter().enumerate() {
                let terms = bessel.at(point(piece, node));
                tau_mean_inverse[i] = terms.tau_mean_inverse;
                scaled_log[i] = terms.scaled_log;
            }
            (
                interpolation.monomials(&tau_mean_inverse),
                interpolation.monomials(&scaled_log),
            )
        });
        let (tau_mean_inverse, scaled_log): (Vec<_>, Vec<_>) = pieces.unzip();
        let gig = Self {
            shape,
            bessel,
            tau_mean_inverse: tau_mean_inverse.into(),
            scaled_log: scaled_log.into(),
        };
        gig.check()?;
        Ok(gig)
    }

    /// The shape `gamma`.
    #[must_use]
    pub fn shape(&self) -> f64 {
        self.shape
    }

    /// Mean and harmonic expectation of `GIG(gamma, rho, tau)`, for finite `rho > 0`, `tau >= 0`.
    #[must_use]
    #[inline]
    pub fn expectations(&self, rho: f64, tau: f64) -> Expectations {
        match self.locate(rho * tau) {
            Some((piece, local)) => {
                self.expectations_at(rho, tau, polynomial(&self.tau_mean_inverse[piece], local))
            }
            None => self.expectations_outside(rho, tau),
        }
    }

    /// The expectations, given `t = tau E[1/z] > 0`.
    #[inline]
    fn expectations_at(&self, rho: f64, tau: f64, t: f64) -> Expectations {
        Expectations {
            mean: (self.shape + t) / rho,
            harmonic: tau / t,
        }
    }

    /// `tau E[1/z] = (x / 2) K_{1-gamma}(x) / K_gamma(x)`.
    #[must_use]
    pub fn tau_mean_inverse(&self, rho: f64, tau: f64) -> f64 {
        self.terms(rho, tau).tau_mean_inverse
    }

    /// `log Z`, the logarithm of the integral of `z^(gamma-1) exp(-rho z - tau / z)` over `z > 0`.
    #[must_use]
    pub fn log_normaliser(&self, rho: f64, tau: f64) -> f64 {
        libm::lgamma(self.shape) - self.shape * libm::log(rho) + self.log_ratio(rho, tau)
    }

    /// `L = log( 2 K_gamma(x) (x/2)^gamma / Gamma(gamma) )`, 0 at `tau = 0`.
    fn log_ratio(&self, rho: f64, tau: f64) -> f64 {
        self.terms(rho, tau).scaled_log - 2.0 * (rho * tau).sqrt()
    }

    fn terms(&self, rho: f64, tau: f64) -> BesselTerms {
        match self.locate(rho * tau) {
            Some(position) => self.terms_at(position),
            None => self.terms_outside(rho, tau),
        }
    }

    #[inline]
    fn terms_at(&self, (piece, local): (usize, f64)) -> BesselTerms {
        BesselTerms {
            tau_mean_inverse: polynomial(&self.tau_mean_inverse[piece], local),
            scaled_log: polynomial(&self.scaled_log[piece], local),
        }
    }

    /// The piece that holds `y` and the position in it, -0.5 to 0.5; none outside the tables.
    #[inline]
    fn locate(&self, y: f64) -> Option<(usize, f64)> {
        let bits = y.to_bits();
        let piece = (bits >> LOCAL_BITS).wrapping_sub(FIRST_PIECE) as usize;
        let local = f64::from_bits(ONE_BITS | (bits << PIECE_BITS) & ((1 << MANTISSA_BITS) - 1));
        (piece < PIECES).then_some((piece, local - 1.5))
    }

    #[cold]
    fn terms_outside(&self, rho: f64, tau: f64) -> BesselTerms {
        if rho * tau > 1.0 {
            return self.bessel.asymptotic(rho * tau);
        }
        let log_y = libm::log(rho) + libm::log(tau);
        BesselTerms {
            tau_mean_inverse: libm::exp(self.bessel.log_power_law(log_y)),
            scaled_log: self.bessel.log_ratio_power_law(log_y),
        }
    }

    /// What the tables do not hold: underflown or very large `rho tau`.
    #[cold]
    pub(crate) fn outside(&self, rho: f64, tau: f64) -> (Expectations, BesselTerms) {
        (
            self.expectations_outside(rho, tau),
            self.terms_outside(rho, tau),
        )
    }

    #[cold]
    fn expectations_outside(&self, rho: f64, tau: f64) -> Expectations {
        let t = self.terms_outside(rho, tau).tau_mean_inverse;
        let harmonic = if rho * tau > 1.0 {
            tau / t
        } else if tau > 0.0 {
            // In logarithms: rho tau underflows long before tau / t does.
            let log_tau = libm::log(tau);
            libm::exp(log_tau - self.bessel.log_power_law(libm::log(rho) + log_tau))
        } else {
            0.0
        };
        Expectations {
            mean: (self.shape + t) / rho,
            harmonic,
        }
    }

    /// Compares every 7th piece, between its nodes, with the trusted evaluation.
    fn check(&self) -> Result<(), GigError> {
        let mut worst = 0.0_f64;
        for piece in (0..PIECES).step_by(7) {
            for local in [-0.487, -0.11, 0.3] {
                let y = point(piece, local);
                let exact = self.bessel.at(y);
                let t = polynomial(&self.tau_mean_inverse[piece], local);
                let scaled_log = polynomial(&self.scaled_log[piece], local);
                worst = worst
                    .max((t / exact.tau_mean_inverse - 1.0).abs())
                    .max((scaled_log - exact.scaled_log).abs() / (1.0 + 2.0 * y.sqrt()));
            }
        }
        if worst < TABLE_TOLERANCE {
            Ok(())
        } else {
            Err(GigError::Inaccurate {
                shape: self.shape,
                error: worst,
            })
        }
    }
}

/// `y` at position `local` (-0.5 to 0.5) of a piece.
fn point(piece: usize, local: f64) -> f64 {
    let start = f64::from_bits((piece as u64 + FIRST_PIECE) << LOCAL_BITS);
    let end = f64::from_bits((piece as u64 + 1 + FIRST_PIECE) << LOCAL_BITS);
    start + (local + 0.5) * (end - start)
}

/// Estrin's scheme: the shortest chain of dependent multiply-adds.
#[inline]
fn polynomial(c: &Coefficients, s: f64) -> f64 {
    let s2 = s * s;
    let s4 = s2 * s2;
    let s8 = s4 * s4;
    let pair = |i: usize| c[i] + c[i + 1] * s;
    let low = (pair(0) + pair(2) * s2) + (pair(4) + pair(6) * s2) * s4;
    low + (pair(8) + c[10] * s2) * s8
}

/// Interpolation at Chebyshev nodes on -0.5 ..= 0.5, as coefficients of powers.
struct Interpolation {
    nodes: [f64; COEFFICIENTS],
}

impl Interpolation {
    fn new() -> Self {
        let node = |i: usize| {
            let angle = std::f64::consts::PI * (i as f64 + 0.5) / COEFFICIENTS as f64;
            0.5 * libm::cos(angle)
        };
        Self {
            nodes: std::array::from_fn(node),
        }
    }

    /// Newton's divided differences, expanded into powers of the local variable.
    fn monomials(&self, values: &[f64; COEFFICIENTS]) -> Coefficients {
        let mut newton = *values;
        for level in 1..COEFFICIENTS {
            for i in (level..COEFFICIENTS).rev() {
                newton[i] = (newton[i] - newton[i - 1]) / (self.nodes[i] - self.nodes[i - level]);
            }
        }
        let mut powers = [0.0; PADDED];
        for i in (0..COEFFICIENTS).rev() {
            // powers <- powers * (s - node_i) + newton_i
            for d in (1..COEFFICIENTS).rev() {
                powers[d] = powers[d - 1] - self.nodes[i] * powers[d];
            }
            powers[0] = newton[i] - self.nodes[i] * powers[0];
        }
        powers
    }
}
