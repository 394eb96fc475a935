//! Packs of numbers: the storage of the kernels, and the two precisions that they work in.
//!
//! A pack holds one number for each of its lanes, which are neighbouring frames: eight in double
//! precision, sixteen in single. That is one AVX-512 register, two AVX2 or four NEON ones. The
//! width is part of the arithmetic, not of the machine: a sum over frames, or over what belongs to
//! them, is one running sum per lane, and these are added up in a fixed order whatever the
//! registers, so that results are the same bytes on all of them.
//!
//! The matrix products and what happens to a block of bins are in single or double precision.
//! What is added up beyond a block, the GIG expectations and the order posterior are in double
//! precision either way.

use std::fmt::Debug;

use fearless_simd::prelude::*;
use fearless_simd::{SimdFloatElement, f32x16, f64x8, u32x16, u64x8};
use fearless_simd_macros::simd;

use crate::range::{Range, SINGLE_RANGE, VARIANCE_FLOOR};

/// Lanes in a pack of double precision, and GIG variables that are updated at once.
pub(super) const F64_LANES: usize = 8;

/// Numbers of neighbouring frames at one bin or component.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
pub(crate) struct Pack<T: Real>(pub(crate) T::Values);

impl<T: Real> Pack<T> {
    pub(super) const ZERO: Self = Self(T::ZEROS);

    /// `value` in the first `frames` lanes, else `other`.
    pub(super) fn split(frames: usize, value: T, other: T) -> Self {
        let mut pack = Self::ZERO;
        pack.0.as_mut().fill(other);
        pack.0.as_mut()[..frames].fill(value);
        pack
    }
}

#[inline(always)]
pub(super) fn load<T: Real, S: Simd>(simd: S, pack: &Pack<T>) -> T::Vector<S> {
    T::load(simd, &pack.0)
}

/// The first eight values, or all if there are fewer, and zeros.
#[inline(always)]
pub(super) fn load_some<S: Simd>(simd: S, values: &[f64]) -> f64x8<S> {
    if let Some(values) = values.first_chunk() {
        return f64x8::load_array_ref(simd, values);
    }
    let mut pack = Pack::<f64>::ZERO;
    pack.0[..values.len()].copy_from_slice(values);
    load(simd, &pack)
}

/// Adds the first of eight numbers to as many sums, or begins these with them.
#[inline(always)]
pub(super) fn add_some<S: Simd>(simd: S, terms: &Pack<f64>, sums: &mut [f64], is_first: bool) {
    if let Some(sums) = sums.first_chunk_mut() {
        let before = match is_first {
            true => splat(simd, 0.0),
            false => f64x8::load_array_ref(simd, sums),
        };
        (before + load(simd, terms)).store_array(sums);
        return;
    }
    for (sum, term) in sums.iter_mut().zip(&terms.0) {
        *sum = if is_first { *term } else { *sum + term };
    }
}

#[inline(always)]
pub(super) fn store<T: Real, S: Simd>(value: T::Vector<S>, pack: &mut Pack<T>) {
    T::store(value, &mut pack.0);
}

#[inline(always)]
pub(super) fn splat<S: Simd>(simd: S, value: f64) -> f64x8<S> {
    f64x8::splat(simd, value)
}

/// `a b + c`, rounded once.
///
/// Where the instruction set does not have it, it is a hundred instructions, which are compiled
/// once and not at every place: there they would be most of the kernel.
#[inline(always)]
pub(super) fn multiply_add<S: Simd, V: SimdFloat<S>>(a: V, b: V, c: V) -> V {
    // AVX2 and all above it have four lanes or more.
    match S::f64s::LEN >= 4 || cfg!(target_arch = "aarch64") {
        true => a.mul_add_precise(b, c),
        false => emulate_multiply_add(a, b, c),
    }
}

#[inline(never)]
#[simd]
fn emulate_multiply_add<S: Simd, V: SimdFloat<S>>(a: V, b: V, c: V) -> V {
    a.mul_add_precise(b, c)
}

/// Adds the eight lanes in a fixed tree.
#[inline(always)]
pub(super) fn sum<S: Simd>(simd: S, value: f64x8<S>) -> f64 {
    let (low, high) = simd.split_f64x8(value);
    let (a, b) = simd.split_f64x4(low + high);
    let pair = a + b;
    pair[0] + pair[1]
}

/// The numbers of a kernel.
pub(crate) trait Real:
    SimdFloatElement + Copy + Debug + Default + PartialOrd + Send + Sync + 'static
{
    /// Lanes of a [`Pack`].
    const LANES: usize;

    /// What the sums `C` and `V` begin with, so that no variance is below: a floor in double
    /// precision. In single precision it is nothing beside a variance that is in [`Real::RANGE`],
    /// and only keeps the reciprocals of the others finite.
    const VARIANCE_START: Self;

    /// What these numbers are good for, if they are not good for every input.
    const RANGE: Option<Range>;

    /// Number by which the bits of a binary exponent exceed the exponent.
    const EXPONENT_BIAS: u64;

    /// Whether the product of two numbers at the floor is a normal number.
    const PRODUCTS_ARE_NORMAL: bool;

    /// A number per lane.
    type Values: Copy + Debug + PartialEq + AsRef<[Self]> + AsMut<[Self]> + Send + Sync;

    /// The same in double precision, eight lanes each.
    type Wide: Copy + Debug + AsRef<[Pack<f64>]> + AsMut<[Pack<f64>]> + Send + Sync;

    /// A pack in registers.
    type Vector<S: Simd>: SimdFloat<S, Element = Self>;

    /// The bits of the exponents of a pack, or sums of them, in registers.
    type Exponents<S: Simd>: SimdBase<S>;

    const ZEROS: Self::Values;
    const WIDE_ZEROS: Self::Wide;

    /// Rounds to the nearest; to 0 below the normal numbers, where arithmetic is slow.
    fn from_f64(value: f64) -> Self;

    fn to_f64(self) -> f64;

    fn load<S: Simd>(simd: S, values: &Self::Values) -> Self::Vector<S>;

    fn store<S: Simd>(vector: Self::Vector<S>, values: &mut Self::Values);

    fn widen<S: Simd>(simd: S, vector: Self::Vector<S>) -> Self::Wide;

    /// Rounds to the nearest; to 0 below the normal numbers, where arithmetic is slow.
    fn narrow<S: Simd>(simd: S, wide: &Self::Wide) -> Self::Vector<S>;

    /// Adds a sum over a block.
    fn add_to<S: Simd>(simd: S, sum: Self::Vector<S>, wide: &mut Self::Wide);

    /// Eight numbers with the same sum as those of a pack, and eight with the same product.
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

impl Real for f64 {
    const LANES: usize = F64_LANES;
    const VARIANCE_START: f64 = VARIANCE_FLOOR;
    const RANGE: Option<Range> = None;
    const EXPONENT_BIAS: u64 = 1023;
    const PRODUCTS_ARE_NORMAL: bool = true;

    type Values = [f64; F64_LANES];
    type Wide = [Pack<f64>; 1];
    type Vector<S: Simd> = f64x8<S>;
    type Exponents<S: Simd> = u64x8<S>;

    const ZEROS: Self::Values = [0.0; F64_LANES];
    const WIDE_ZEROS: Self::Wide = [Pack::ZERO];

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
    fn narrow<S: Simd>(simd: S, [pack]: &Self::Wide) -> f64x8<S> {
        load(simd, pack)
    }

    #[inline(always)]
    fn add_to<S: Simd>(simd: S, sum: f64x8<S>, [pack]: &mut Self::Wide) {
        store(load(simd, pack) + sum, pack);
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
    const LANES: usize = 2 * F64_LANES;
    const VARIANCE_START: f32 = f32::MIN_POSITIVE;
    const RANGE: Option<Range> = Some(SINGLE_RANGE);
    const EXPONENT_BIAS: u64 = 127;
    const PRODUCTS_ARE_NORMAL: bool = false;

    type Values = [f32; 2 * F64_LANES];
    type Wide = [Pack<f64>; 2];
    type Vector<S: Simd> = f32x16<S>;
    type Exponents<S: Simd> = u32x16<S>;

    const ZEROS: Self::Values = [0.0; 2 * F64_LANES];
    const WIDE_ZEROS: Self::Wide = [Pack::ZERO; 2];

    #[inline(always)]
    fn from_f64(value: f64) -> f32 {
        let value = value as f32;
        match value.abs() < f32::MIN_POSITIVE {
            true => 0.0,
            false => value,
        }
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
