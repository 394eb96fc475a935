//! The two precisions that a kernel can work in.
//!
//! The matrix products and what happens to a block of bins are in single or double precision. What
//! is added up beyond a block, the GIG expectations and the order posterior are in double precision
//! either way.

use std::fmt::Debug;

use fearless_simd::prelude::*;
use fearless_simd::{SimdFloatElement, f32x16, f64x8, u32x16, u64x8};

use ndarray::ArrayView2;
use rustfft::num_complex::Complex64;

use super::lanes::Lane;
use super::micro::{load, store};
use crate::inference::Precision;
use crate::source::{DictionaryModel, SourceModel};

/// Frames in a lane of double precision, and GIG variables that are updated at once.
pub(crate) const EIGHT: usize = 8;

/// The numbers of a kernel.
pub(crate) trait Real:
    SimdFloatElement + Copy + Debug + Default + PartialOrd + Send + Sync + 'static
{
    /// What a user calls it.
    const PRECISION: Precision;

    /// Frames in a [`Lane`].
    const LANE: usize;

    /// Floor of `C` and `V` in every bin.
    const VARIANCE_FLOOR: Self;

    /// The bounds of what single precision is used for, if this is it.
    const RANGE: Option<Range>;

    /// Number by which the bits of a binary exponent exceed the exponent.
    const EXPONENT_BIAS: u64;

    /// Whether the product of two numbers at the floor is a normal number.
    const PRODUCTS_ARE_NORMAL: bool;

    /// A number per frame of a lane.
    type Values: Copy + Debug + PartialEq + AsRef<[Self]> + AsMut<[Self]> + Send + Sync;

    /// The same in double precision, eight frames each.
    type Wide: Copy + Debug + AsRef<[Lane<f64>]> + AsMut<[Lane<f64>]> + Send + Sync;

    /// A lane in registers.
    type Vector<S: Simd>: SimdFloat<S, Element = Self>;

    /// The bits of the exponents of a lane, or sums of them, in registers.
    type Exponents<S: Simd>: SimdBase<S>;

    const ZEROS: Self::Values;
    const WIDE_ZEROS: Self::Wide;

    /// Rounds to the nearest.
    fn from_f64(value: f64) -> Self;

    fn to_f64(self) -> f64;

    fn load<S: Simd>(simd: S, values: &Self::Values) -> Self::Vector<S>;

    fn store<S: Simd>(vector: Self::Vector<S>, values: &mut Self::Values);

    fn widen<S: Simd>(simd: S, vector: Self::Vector<S>) -> Self::Wide;

    /// Rounds to the nearest; to 0 below the normal numbers, where arithmetic is slow.
    fn narrow<S: Simd>(simd: S, wide: &Self::Wide) -> Self::Vector<S>;

    /// Adds a sum over a block.
    fn add_to<S: Simd>(simd: S, sum: Self::Vector<S>, wide: &mut Self::Wide);

    /// Eight numbers with the same sum as those of a lane, and eight with the same product.
    fn fold_sum<S: Simd>(simd: S, vector: Self::Vector<S>) -> f64x8<S>;
    fn fold_product<S: Simd>(simd: S, vector: Self::Vector<S>) -> f64x8<S>;
    fn fold_exponents<S: Simd>(simd: S, bits: Self::Exponents<S>) -> u64x8<S>;

    /// Mantissas of positive normal numbers, from 1 to 2, and the bits of the exponents.
    fn mantissa<S: Simd>(simd: S, value: Self::Vector<S>) -> (Self::Vector<S>, Self::Exponents<S>);

    /// Reciprocals of two numbers that are at least at the floor, by one division if it can be.
    #[inline(always)]
    fn inverses<S: Simd>(simd: S, [a, b]: [Self::Vector<S>; 2]) -> [Self::Vector<S>; 2] {
        let one = Self::constant(simd, 1.0);
        if Self::PRODUCTS_ARE_NORMAL {
            let reciprocal = one / (a * b);
            [reciprocal * b, reciprocal * a]
        } else {
            [one / a, one / b]
        }
    }

    fn no_exponents<S: Simd>(simd: S) -> Self::Exponents<S>;

    #[inline(always)]
    fn constant<S: Simd>(simd: S, value: f64) -> Self::Vector<S> {
        Self::Vector::splat(simd, Self::from_f64(value))
    }
}

/// What numbers must be for single precision to be as good as double. Inside these bounds nothing
/// overflows unnoticed, and what underflows is far below what it is added to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    /// Largest factor, power of the mixture and noise variance.
    pub(crate) largest: f64,
    /// Smallest noise variance.
    pub(crate) smallest_noise: f64,
    /// Largest finite number.
    pub(crate) finite: f64,
}

impl Range {
    /// Whether all that an inference begins with is inside.
    pub(crate) fn holds(
        &self,
        mixture: ArrayView2<'_, Complex64>,
        sources: &[SourceModel],
        noise_variance: f64,
    ) -> bool {
        let holds = |values: ArrayView2<'_, f64>| values.iter().all(|&w| w <= self.largest);
        let source = |source: &SourceModel| {
            source.activation_start <= self.largest
                && source.orders.iter().all(|order| match order {
                    DictionaryModel::Known(dictionary) => holds(dictionary.components()),
                    DictionaryModel::Estimated(start) => holds(start.view()),
                })
        };
        (self.smallest_noise..=self.largest).contains(&noise_variance)
            && mixture.iter().all(|x| x.norm_sqr() <= self.largest)
            && sources.iter().all(source)
    }
}

impl Real for f64 {
    const PRECISION: Precision = Precision::F64;
    const LANE: usize = EIGHT;

    /// Far below any datum and far above the square root of the smallest normal number, so `1 / C^2`
    /// and `1 / (C V)` stay finite where every component of a source is switched off.
    const VARIANCE_FLOOR: f64 = 1e-100;

    const RANGE: Option<Range> = None;
    const EXPONENT_BIAS: u64 = 1023;
    const PRODUCTS_ARE_NORMAL: bool = true;

    type Values = [f64; EIGHT];
    type Wide = [Lane<f64>; 1];
    type Vector<S: Simd> = f64x8<S>;
    type Exponents<S: Simd> = u64x8<S>;

    const ZEROS: Self::Values = [0.0; EIGHT];
    const WIDE_ZEROS: Self::Wide = [Lane::ZERO];

    #[inline(always)]
    fn from_f64(value: f64) -> f64 {
        value
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn load<S: Simd>(simd: S, values: &Self::Values) -> f64x8<S> {
        f64x8::load_array_ref(simd, values)
    }

    #[inline(always)]
    fn store<S: Simd>(vector: f64x8<S>, values: &mut Self::Values) {
        vector.store_array(values);
    }

    #[inline(always)]
    fn widen<S: Simd>(_: S, vector: f64x8<S>) -> Self::Wide {
        let mut wide = Self::WIDE_ZEROS;
        store(vector, &mut wide[0]);
        wide
    }

    #[inline(always)]
    fn narrow<S: Simd>(simd: S, [lane]: &Self::Wide) -> f64x8<S> {
        load(simd, lane)
    }

    #[inline(always)]
    fn add_to<S: Simd>(simd: S, sum: f64x8<S>, [lane]: &mut Self::Wide) {
        store(load(simd, lane) + sum, lane);
    }

    #[inline(always)]
    fn fold_sum<S: Simd>(_: S, vector: f64x8<S>) -> f64x8<S> {
        vector
    }

    #[inline(always)]
    fn fold_product<S: Simd>(_: S, vector: f64x8<S>) -> f64x8<S> {
        vector
    }

    #[inline(always)]
    fn fold_exponents<S: Simd>(_: S, bits: u64x8<S>) -> u64x8<S> {
        bits
    }

    #[inline(always)]
    fn mantissa<S: Simd>(simd: S, value: f64x8<S>) -> (f64x8<S>, u64x8<S>) {
        let bits = value.to_bits();
        let fraction = u64x8::splat(simd, (1 << 52) - 1);
        let one = u64x8::splat(simd, Self::EXPONENT_BIAS << 52);
        (f64x8::from_bits(bits & fraction | one), bits >> 52)
    }

    #[inline(always)]
    fn no_exponents<S: Simd>(simd: S) -> u64x8<S> {
        u64x8::splat(simd, 0)
    }
}

impl Real for f32 {
    const PRECISION: Precision = Precision::F32;
    const LANE: usize = 2 * EIGHT;
    const VARIANCE_FLOOR: f32 = 1e-30;
    const RANGE: Option<Range> = Some(Range {
        largest: 1e17,
        smallest_noise: 1e-15,
        finite: f32::MAX as f64,
    });
    const EXPONENT_BIAS: u64 = 127;
    const PRODUCTS_ARE_NORMAL: bool = false;

    type Values = [f32; 2 * EIGHT];
    type Wide = [Lane<f64>; 2];
    type Vector<S: Simd> = f32x16<S>;
    type Exponents<S: Simd> = u32x16<S>;

    const ZEROS: Self::Values = [0.0; 2 * EIGHT];
    const WIDE_ZEROS: Self::Wide = [Lane::ZERO; 2];

    #[inline(always)]
    fn from_f64(value: f64) -> f32 {
        value as f32
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn load<S: Simd>(simd: S, values: &Self::Values) -> f32x16<S> {
        f32x16::load_array_ref(simd, values)
    }

    #[inline(always)]
    fn store<S: Simd>(vector: f32x16<S>, values: &mut Self::Values) {
        vector.store_array(values);
    }

    #[inline(always)]
    fn widen<S: Simd>(simd: S, vector: f32x16<S>) -> Self::Wide {
        let mut wide = Self::WIDE_ZEROS;
        let (low, high) = simd.widen_f32x16(vector);
        store(low, &mut wide[0]);
        store(high, &mut wide[1]);
        wide
    }

    #[inline(always)]
    fn narrow<S: Simd>(simd: S, [low, high]: &Self::Wide) -> f32x16<S> {
        let value = simd.narrow_f64x8(load(simd, low), load(simd, high));
        let normal = value.simd_ge(f32x16::splat(simd, f32::MIN_POSITIVE));
        normal.select(value, f32x16::splat(simd, 0.0))
    }

    #[inline(always)]
    fn add_to<S: Simd>(simd: S, sum: f32x16<S>, [first, second]: &mut Self::Wide) {
        let (low, high) = simd.widen_f32x16(sum);
        store(load(simd, first) + low, first);
        store(load(simd, second) + high, second);
    }

    #[inline(always)]
    fn fold_sum<S: Simd>(simd: S, vector: f32x16<S>) -> f64x8<S> {
        let (low, high) = simd.widen_f32x16(vector);
        low + high
    }

    #[inline(always)]
    fn fold_product<S: Simd>(simd: S, vector: f32x16<S>) -> f64x8<S> {
        let (low, high) = simd.widen_f32x16(vector);
        low * high
    }

    #[inline(always)]
    fn fold_exponents<S: Simd>(simd: S, bits: Self::Exponents<S>) -> u64x8<S> {
        let (low, high) = simd.widen_u32x16(bits);
        low + high
    }

    #[inline(always)]
    fn mantissa<S: Simd>(simd: S, value: f32x16<S>) -> (f32x16<S>, Self::Exponents<S>) {
        let bits = value.to_bits();
        let fraction = u32x16::splat(simd, (1 << 23) - 1);
        let one = u32x16::splat(simd, 127 << 23);
        (f32x16::from_bits(bits & fraction | one), bits >> 23)
    }

    #[inline(always)]
    fn no_exponents<S: Simd>(simd: S) -> u32x16<S> {
        u32x16::splat(simd, 0)
    }
}
