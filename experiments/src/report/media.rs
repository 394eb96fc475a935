//! Files of the results within the page.

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::tables::recorded::Recorded;

/// Media types.
pub(super) const SVG: &str = "image/svg+xml";
pub(super) const PNG: &str = "image/png";
pub(super) const WAV: &str = "audio/wav";

/// A file of a run as a data URI.
///
/// # Errors
/// A file that is missing or cannot be read.
pub(super) fn embed(run: &Recorded, name: &str, kind: &str) -> Result<String> {
    Ok(data_uri(kind, &run.bytes(name)?))
}

/// Bytes as a data URI.
pub(super) fn data_uri(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", STANDARD.encode(bytes))
}
