//! Records with other contents whose checksums fit, as the program would write them.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test file includes this one and uses its part"
)]

use std::fs;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::study::records;

/// A sealed line: `<kind> <version> <digest> <json>`.
pub fn seal(kind: &str, version: u32, json: &str) -> String {
    let version = version.to_string();
    let mut hash = Sha256::new();
    for part in [kind, &version, json] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digest: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{kind} {version} {digest} {json}\n")
}

/// The records of a run.
pub fn read_records(out: &Path) -> Vec<Value> {
    let text = fs::read_to_string(records(out)).unwrap();
    let json = |line: &str| serde_json::from_str(line.splitn(4, ' ').nth(3).unwrap()).unwrap();
    text.lines().map(json).collect()
}

/// Writes all records anew.
pub fn write_records(out: &Path, values: &[Value]) {
    let lines: String = values
        .iter()
        .map(|value| seal("record", 1, &value.to_string()))
        .collect();
    fs::write(records(out), lines).unwrap();
}

/// Changes what was recorded of every part that succeeded.
pub fn change_estimates(out: &Path, change: impl Fn(&mut Vec<Value>)) {
    let mut values = read_records(out);
    for value in &mut values {
        if let Some(estimates) = value["outcome"]["Ok"].as_array_mut() {
            change(estimates);
        }
    }
    write_records(out, &values);
}

/// Another free energy of each estimate that has one.
pub fn add_energy(estimates: &mut Vec<Value>) {
    for estimate in estimates {
        if let Some(energy) = estimate["free_energy"].as_f64() {
            estimate["free_energy"] = (energy + 1.0).into();
        }
    }
}
