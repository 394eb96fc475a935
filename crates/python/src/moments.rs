//! What the posterior says of the sources beside their means.

use model::tempered_posterior;
use ndarray::{Array2, Array3, ArrayView2, Axis};
use numpy::{Complex64, IntoPyArray, PyArray3, PyReadonlyArray2};
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::errors::value_error;
use crate::threads::find_pool;

/// Floor of a variance `C`, that of the model.
const VARIANCE_FLOOR: f64 = 1e-100;
/// Largest difference between a marginal of `q(K)` and what the fit makes of it.
const MARGINAL_ERROR: f64 = 1e-13;
/// Most passes of the fit. It converges by a constant factor, in few passes where the orders of
/// different sources hardly depend on each other.
const MOST_PASSES: usize = 10_000;

/// Harmonic expectations of dictionary (components x bins) and activations (frames x components).
type OrderFactors<'py> = (PyReadonlyArray2<'py, f64>, PyReadonlyArray2<'py, f64>);

/// The same without the interpreter.
type FactorViews<'a> = (ArrayView2<'a, f64>, ArrayView2<'a, f64>);

/// Posterior variance, the mask and its spread, sources x frames x bins.
type Moments<'py> = (Bound<'py, PyArray3<f64>>, Bound<'py, PyArray3<f64>>);

/// The posterior variance `E|s_j - mu_j|^2` of every source and the mask `mu_j / x`, both sources x
/// frames x bins.
///
/// With `C_jm = G(W_jm) G(H_jm)`, `C_j = (sum_m q(K_jm) / C_jm)^-1` and `D = sigma^2 + sum_j C_j`
/// the paper's posterior has the mask `C_j / D` and the variance `C_j (D - C_j) / D`. The
/// structured one has these of each combination `K` of orders and averages them by `q(K)`, and its
/// variance has that of the combinations' means as well,
///
/// `sum_K q(K) [ C_jK (D_K - C_jK) / D_K + |x|^2 (C_jK / D_K - mask_j)^2 ]`.
#[pyfunction]
#[expect(
    clippy::too_many_arguments,
    reason = "a function for one caller, who names them"
)]
pub(crate) fn posterior_moments<'py>(
    py: Python<'py>,
    mixture: PyReadonlyArray2<'py, Complex64>,
    gain: f64,
    factors: Vec<Vec<OrderFactors<'py>>>,
    order_posterior: Vec<Vec<f64>>,
    noise_variance: f64,
    beta: f64,
    structured: bool,
    threads: Option<usize>,
) -> PyResult<Moments<'py>> {
    let pool = find_pool(py, threads)?;
    let mixture = mixture.as_array();
    let mut views: Vec<Vec<FactorViews<'_>>> = Vec::new();
    for orders in &factors {
        let view = |order: &'_ OrderFactors<'py>| -> PyResult<()> {
            let (w, h) = (order.0.as_array(), order.1.as_array());
            // In a product, a shape that does not fit would be a panic.
            match w.nrows() == h.ncols() && (h.nrows(), w.ncols()) == mixture.dim() {
                true => Ok(()),
                false => Err(value_error("the factors do not fit the mixture")),
            }
        };
        orders.iter().try_for_each(view)?;
        views.push(
            orders
                .iter()
                .map(|(w, h)| (w.as_array(), h.as_array()))
                .collect(),
        );
    }
    let (variance, mask) = py.detach(|| {
        pool.install(|| {
            let variances: Vec<Vec<Array2<f64>>> = views
                .par_iter()
                .map(|orders| {
                    let product =
                        |(w, h): &FactorViews<'_>| h.dot(w).mapv_into(|c| c.max(VARIANCE_FLOOR));
                    orders.iter().map(product).collect()
                })
                .collect();
            let power = mixture.mapv(|x| x.norm_sqr() * gain * gain);
            if structured {
                let q = JointPosterior {
                    power: power.view(),
                    variances: &variances,
                    noise_variance,
                    beta,
                };
                average(&q.fit(&order_posterior), &variances, &power, noise_variance)
            } else {
                let averaged = average_precisions(&variances, &order_posterior);
                let alone = [(vec![0; averaged.len()], 1.0)];
                average(&alone, &averaged, &power, noise_variance)
            }
        })
    });
    Ok((variance.into_pyarray(py), mask.into_pyarray(py)))
}

/// Eq. (16): `C_j = (sum_m q(K_jm) / C_jm)^-1`, as a source of one order.
fn average_precisions(variances: &[Vec<Array2<f64>>], q: &[Vec<f64>]) -> Vec<Vec<Array2<f64>>> {
    let average = |(orders, q): (&Vec<Array2<f64>>, &Vec<f64>)| {
        let mut precision = Array2::<f64>::zeros(orders[0].dim());
        for (variance, &q) in orders.iter().zip(q) {
            precision.zip_mut_with(variance, |sum, c| *sum += q / c);
        }
        vec![precision.mapv_into(f64::recip)]
    };
    variances.iter().zip(q).map(average).collect()
}

/// Variance and mask of the average of Wiener filters, one per combination of orders with its
/// weight.
fn average(
    combinations: &[(Vec<usize>, f64)],
    variances: &[Vec<Array2<f64>>],
    power: &Array2<f64>,
    noise_variance: f64,
) -> (Array3<f64>, Array3<f64>) {
    let (frames, bins) = power.dim();
    let mut variance = Array3::zeros((variances.len(), frames, bins));
    let mut mask = Array3::<f64>::zeros(variance.dim());
    let rows: Vec<_> = variance
        .axis_iter_mut(Axis(1))
        .zip(mask.axis_iter_mut(Axis(1)))
        .enumerate()
        .collect();
    rows.into_par_iter()
        .for_each(|(n, (mut variance, mut mask))| {
            let mut filter = WienerFilter::new(variances, noise_variance);
            for f in 0..bins {
                for (orders, q) in combinations {
                    filter.set(orders, (n, f));
                    for j in 0..variances.len() {
                        mask[(j, f)] += q * filter.share(j);
                        variance[(j, f)] += q * filter.variance(j);
                    }
                }
                // The spread of the combinations' means around theirs: a difference of second
                // moments would cancel.
                for (orders, q) in combinations.iter().filter(|_| combinations.len() > 1) {
                    filter.set(orders, (n, f));
                    for j in 0..variances.len() {
                        let difference = filter.share(j) - mask[(j, f)];
                        variance[(j, f)] += q * power[(n, f)] * difference * difference;
                    }
                }
            }
        });
    (variance, mask)
}

/// The filter of one combination of orders at one frame and bin.
struct WienerFilter<'a> {
    variances: &'a [Vec<Array2<f64>>],
    noise_variance: f64,
    /// `C_j` of every source.
    c: Vec<f64>,
    /// `D`.
    d: f64,
}

impl<'a> WienerFilter<'a> {
    fn new(variances: &'a [Vec<Array2<f64>>], noise_variance: f64) -> Self {
        Self {
            variances,
            noise_variance,
            c: vec![0.0; variances.len()],
            d: noise_variance,
        }
    }

    fn set(&mut self, orders: &[usize], at: (usize, usize)) {
        for ((c, variances), &m) in self.c.iter_mut().zip(self.variances).zip(orders) {
            *c = variances[m][at];
        }
        self.d = self.noise_variance + self.c.iter().sum::<f64>();
    }

    /// `C_j / D`.
    fn share(&self, j: usize) -> f64 {
        self.c[j] / self.d
    }

    /// `C_j (D - C_j) / D`.
    fn variance(&self, j: usize) -> f64 {
        // D - C_j as the sum of what is left: a difference would cancel.
        let others = self.c.iter().enumerate().filter(|&(i, _)| i != j);
        self.share(j) * (self.noise_variance + others.map(|(_, c)| c).sum::<f64>())
    }
}

/// `q(K)` of the structured posterior, found again from its marginals.
///
/// Of `log q~(K)` only `- sum_fn [ log D_K + |x|^2 / D_K ]` depends on more than one source at a
/// time; the rest is a number per source and order. The only distribution of that form with given
/// marginals is what iterative proportional fitting converges to.
///
/// Source: I. Csiszár, "I-divergence geometry of probability distributions and minimization
/// problems", Annals of Probability 3 (1975).
struct JointPosterior<'a> {
    power: ArrayView2<'a, f64>,
    variances: &'a [Vec<Array2<f64>>],
    noise_variance: f64,
    beta: f64,
}

impl JointPosterior<'_> {
    /// Every combination of orders, the last source's varying fastest, and its weight.
    fn fit(&self, marginals: &[Vec<f64>]) -> Vec<(Vec<usize>, f64)> {
        let mut combinations = vec![Vec::new()];
        for q in marginals {
            let extend = |combination: &Vec<usize>| {
                let combination = combination.clone();
                (0..q.len()).map(move |m| [combination.as_slice(), &[m]].concat())
            };
            combinations = combinations.iter().flat_map(extend).collect();
        }
        let product = |combination: &Vec<usize>| {
            let q = marginals.iter().zip(combination);
            q.map(|(q, &m)| q[m]).product::<f64>()
        };
        let choices = marginals.iter().filter(|q| q.len() > 1).count();
        if choices < 2 || self.beta <= 0.0 {
            // One source's posterior is the joint one; at beta = 0 it is all on one combination.
            let weights: Vec<f64> = combinations.iter().map(product).collect();
            return combinations.into_iter().zip(weights).collect();
        }
        let evidence: Vec<f64> = combinations
            .par_iter()
            .map(|combination| self.evidence(combination))
            .collect();
        let mut weights = tempered_posterior(&evidence, self.beta);
        // A weight of 0 could not be raised again.
        for weight in &mut weights {
            *weight = weight.max(f64::MIN_POSITIVE);
        }
        for _ in 0..MOST_PASSES {
            let mut error = 0.0_f64;
            for (j, q) in marginals.iter().enumerate() {
                let mut sums = vec![0.0; q.len()];
                for (combination, weight) in combinations.iter().zip(&weights) {
                    sums[combination[j]] += weight;
                }
                for (sum, q) in sums.iter().zip(q) {
                    error = error.max((sum - q).abs());
                }
                for (combination, weight) in combinations.iter().zip(&mut weights) {
                    let m = combination[j];
                    *weight *= q[m] / sums[m];
                }
            }
            if error < MARGINAL_ERROR {
                break;
            }
        }
        combinations.into_iter().zip(weights).collect()
    }

    /// What of `log q~(K)` depends on several sources at once, in nats.
    fn evidence(&self, combination: &[usize]) -> f64 {
        let mut d = Array2::from_elem(self.power.dim(), self.noise_variance);
        for (orders, &m) in self.variances.iter().zip(combination) {
            d += &orders[m];
        }
        let terms = self.power.iter().zip(&d);
        -terms.map(|(power, d)| d.ln() + power / d).sum::<f64>()
    }
}
