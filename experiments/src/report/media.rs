//! Pictures and sounds within the page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Media types.
pub(super) const SVG: &str = "image/svg+xml";
pub(super) const PNG: &str = "image/png";
pub(super) const WAV: &str = "audio/wav";

/// Bytes as a data URI.
pub(super) fn data_uri(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", STANDARD.encode(bytes))
}
