//! What stands in the keys of everything that is kept: the program and the revision of what it computes.

/// Revision of what this program computes, the libraries below it included: raise it whenever a dictionary, an estimate
/// or a score comes out with other bits. One for all keys: neither dictionaries in caches nor records of an earlier
/// program are then taken for those of today.
pub const REVISION: u32 = 5;

/// What is computed, by which program.
#[must_use]
pub fn computed(what: &str) -> String {
    format!(
        "{what}, {} {}, revision {REVISION}",
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION")
    )
}
