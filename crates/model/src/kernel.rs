//! The hot path: tiles of frames, SIMD chosen at run time.
//!
//! | file | what it is | built from |
//! |---|---|---|
//! | [`acceleration`] | a leap between iterations | [`tiled`] |
//! | [`tiled`], [`itakura_saito`] | the passes of one iteration | all below |
//! | [`slab`] | consecutive frames, walked in tiles and blocks | [`factorised`], [`structured`] |
//! | [`factorised`], [`structured`] | `q(S)` and `q(S\|K)` in the frames of a slab | [`source`] |
//! | [`source`] | one source in them | [`order`] |
//! | [`order`] | one order in them | [`state`] |
//! | [`state`] | what all slabs share: dictionaries, order posteriors | [`gig`] |
//! | [`extrapolation`] | three states of a factor, and where they lead | [`pack`] |
//! | [`gig`] | the expectations, eight at a time | [`log_product`] |
//! | [`elementwise`] | the steps between the products | [`products`], [`log_product`] |
//! | [`products`] | the three matrix products | [`layout`] |
//! | [`log_product`] | sums of logarithms | [`pack`] |
//! | [`layout`] | groups, tiles, slabs and blocks | [`pack`] |
//! | [`pack`] | the vectors and the two precisions | |
//!
//! A file uses files below its own only. No code here is `unsafe`: the instruction sets are reached
//! through `fearless_simd`. [`crate::plain`] says the same plainly.

pub(crate) mod acceleration;
mod elementwise;
mod extrapolation;
mod factorised;
mod gig;
pub(crate) mod itakura_saito;
mod layout;
mod log_product;
mod order;
mod pack;
mod products;
mod slab;
mod source;
mod state;
mod structured;
pub(crate) mod tiled;

pub(crate) use pack::Real;
