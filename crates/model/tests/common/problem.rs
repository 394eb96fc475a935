//! Random separation problems of every shape.

use std::sync::LazyLock;

use model::plain::{PlainModel, StructuredModel};
use model::{
    Complex64, Dictionary, DictionaryModel, DictionaryStart, Gig, Settings, SourceModel, Tempering,
};
use ndarray::Array2;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::FileFailurePersistence;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, StandardNormal};

/// The shapes of the priors that problems are drawn with.
const SHAPES: [f64; 2] = [0.2, 0.6];

static GIGS: LazyLock<[Gig; 2]> = LazyLock::new(|| SHAPES.map(|shape| Gig::new(shape).unwrap()));

/// A problem by its shape; everything else is drawn from the seed.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) frames: usize,
    pub(crate) bins: usize,
    pub(crate) sources: Vec<Vec<OrderShape>>,
    /// Indices into [`SHAPES`].
    pub(crate) dictionary_shape: usize,
    pub(crate) activation_shape: usize,
    pub(crate) activation_start: f64,
    /// At level 1.
    pub(crate) noise_variance: f64,
    /// What amplitudes are multiplied by, and by its square dictionaries and the noise variance.
    pub(crate) level: f64,
    pub(crate) beta: f64,
    pub(crate) seed: u64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct OrderShape {
    pub(crate) components: usize,
    pub(crate) dictionary: DictionaryShape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DictionaryShape {
    /// Known, every entry positive.
    Dense,
    /// Known, with exact zeros and entries thirty decades down; a bin may be zero in every
    /// component.
    Sparse,
    /// Estimated from a positive start.
    Estimated,
}

/// Problems of one to three sources with one to three orders each.
pub(crate) fn problems(
    frames: std::ops::RangeInclusive<usize>,
    bins: std::ops::RangeInclusive<usize>,
) -> impl Strategy<Value = Problem> {
    use DictionaryShape::{Dense, Estimated, Sparse};
    let dictionary = prop_oneof![2 => Just(Dense), 2 => Just(Sparse), 1 => Just(Estimated)];
    let order = (1..=7_usize, dictionary).prop_map(|(components, dictionary)| OrderShape {
        components,
        dictionary,
    });
    let sources = prop::collection::vec(prop::collection::vec(order, 1..=3), 1..=3);
    let prior_shapes = (0..SHAPES.len(), 0..SHAPES.len());
    let settings = (
        select(&[1.0, 5.0, 30.0, 1000.0]),
        select(&[1e-12, 1e-6, 1e-3, 0.1]),
        select(&[1.0, 1e-9, 1e9]),
        select(&[0.0, 0.5, 1.0, 30.0, 1000.0, 1e4]),
    );
    (frames, bins, sources, prior_shapes, settings, any::<u64>()).prop_map(
        |(frames, bins, sources, (dictionary_shape, activation_shape), settings, seed)| Problem {
            frames,
            bins,
            sources,
            dictionary_shape,
            activation_shape,
            activation_start: settings.0,
            noise_variance: settings.1,
            level: settings.2,
            beta: settings.3,
            seed,
        },
    )
}

/// Runs `cases` random cases and keeps the failing ones beside the tests.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource(
            "proptest-regressions",
        ))),
        ..ProptestConfig::default()
    }
}

impl Problem {
    pub(crate) fn settings(&self, iterations: usize) -> Settings {
        Settings {
            dictionary_shape: SHAPES[self.dictionary_shape],
            activation_shape: SHAPES[self.activation_shape],
            noise_variance: self.noise_variance * self.level * self.level,
            iterations,
            tempering: Tempering::Beta(self.beta),
            ..Settings::default()
        }
    }

    /// Frames x bins, of wide dynamic range, some entries exactly 0.
    pub(crate) fn mixture(&self) -> Array2<Complex64> {
        let mut rng = self.stream(0);
        let power = Gamma::new(0.3, 3.0).unwrap();
        Array2::from_shape_simple_fn((self.frames, self.bins), || {
            if rng.random_bool(0.05) {
                return Complex64::new(0.0, 0.0);
            }
            let [re, im]: [f64; 2] = std::array::from_fn(|_| StandardNormal.sample(&mut rng));
            Complex64::new(re, im) * (self.level * f64::sqrt(power.sample(&mut rng)))
        })
    }

    /// The sources, with unequal priors.
    pub(crate) fn sources(&self) -> Vec<SourceModel> {
        let mut rng = self.stream(1);
        let source = |orders: &Vec<OrderShape>| {
            let mut prior: Vec<f64> = orders.iter().map(|_| rng.random_range(0.1..1.0)).collect();
            let total: f64 = prior.iter().sum();
            prior.iter_mut().for_each(|p| *p /= total);
            let orders = orders
                .iter()
                .map(|order| order.draw(self.bins, self.level * self.level, &mut rng));
            SourceModel::new(orders)
                .with_prior(prior)
                .and_then(|source| source.with_activation_start(self.activation_start))
                .unwrap()
        };
        self.sources.iter().map(source).collect()
    }

    /// The plain model of this problem with another mixture or other sources, at its start.
    pub(crate) fn plain(&self, mixture: &Array2<Complex64>, sources: &[SourceModel]) -> PlainModel {
        PlainModel::with_gigs(
            mixture.view(),
            sources,
            &self.settings(1),
            GIGS[self.dictionary_shape].clone(),
            GIGS[self.activation_shape].clone(),
        )
        .unwrap()
    }

    /// The plain structured model of the same, at its start. Not all tests that share this file
    /// need it.
    #[allow(dead_code)]
    pub(crate) fn structured(
        &self,
        mixture: &Array2<Complex64>,
        sources: &[SourceModel],
    ) -> StructuredModel {
        StructuredModel::with_gigs(
            mixture.view(),
            sources,
            &self.settings(1),
            GIGS[self.dictionary_shape].clone(),
            GIGS[self.activation_shape].clone(),
        )
        .unwrap()
    }

    fn stream(&self, stream: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(stream);
        rng
    }
}

impl OrderShape {
    fn draw(self, bins: usize, scale: f64, rng: &mut ChaCha8Rng) -> DictionaryModel {
        let entry = Gamma::new(0.4, 2.5).unwrap();
        let mut matrix =
            Array2::from_shape_simple_fn((self.components, bins), || entry.sample(rng) + 1e-6);
        if self.dictionary == DictionaryShape::Sparse {
            for ((component, bin), value) in matrix.indexed_iter_mut() {
                // No component may be zero in every bin.
                if bin != component % bins && rng.random_bool(0.5) {
                    *value = if rng.random_bool(0.8) { 0.0 } else { 1e-30 };
                }
            }
        }
        matrix *= scale;
        if self.dictionary == DictionaryShape::Estimated {
            DictionaryStart::new(matrix).unwrap().into()
        } else {
            Dictionary::new(matrix).unwrap().into()
        }
    }
}
