//! What a run keeps in its folder, and how: files that are there in full or not at all
//! ([`atomic`]), checksums around what is read back ([`sealed`]), archives of arrays that others
//! may have written ([`npz`]), the file of finished work ([`records`]), one run at a time
//! ([`lock`], [`folder`]), shares of a run ([`shard`]).
//!
//! Records are found by digests of what determines them, so a run always goes on from those that
//! fit it, and nothing that is finished has to be guarded or discarded.

pub(crate) mod atomic;
pub(crate) mod configuration;
pub(crate) mod digest;
pub(crate) mod folder;
pub(crate) mod lock;
pub(crate) mod manifest;
mod npy;
pub(crate) mod npz;
pub(crate) mod output;
pub(crate) mod records;
pub(crate) mod refused;
pub(crate) mod sealed;
pub(crate) mod shard;
