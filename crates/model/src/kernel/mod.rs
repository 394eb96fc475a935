//! The hot path: tiles of frames, SIMD chosen at run time.
//!
//! [`tiled`] and [`is_nmf`] arrange the passes of one iteration, [`slab`] walks the lanes and blocks of
//! its frames, [`order`] updates one order in them, [`micro`] holds the three matrix products, [`rows`]
//! the elementwise steps between them, [`gig`] the expectations eight at a time, [`lanes`] the
//! storage and [`real`] the two precisions. No code here is `unsafe`: the instruction sets are reached through `fearless_simd`.
//! [`crate::reference`] says the same plainly.

pub(crate) mod gig;
pub(crate) mod is_nmf;
pub(crate) mod lanes;
pub(crate) mod micro;
pub(crate) mod order;
pub(crate) mod real;
pub(crate) mod rows;
pub(crate) mod slab;
pub(crate) mod tiled;
