//! What the targets share.

use sha2::{Digest, Sha256};

/// The line of a sealed value of version 1, `<kind> 1 <digest> <json>`, whatever the JSON is.
pub fn seal(kind: &str, json: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in [kind.as_bytes(), b"1", json] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut line = format!("{kind} 1 ").into_bytes();
    for byte in hash.finalize() {
        line.extend(format!("{byte:02x}").into_bytes());
    }
    line.push(b' ');
    line.extend(json);
    line.push(b'\n');
    line
}
