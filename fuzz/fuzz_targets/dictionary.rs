//! Any bytes as an entry of the dictionary cache, as they are and with a digest that fits them.
#![no_main]

use experiments::dictionary_cache::decode;
use experiments::digest::Digest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let sealed = [bytes, &Digest::of_bytes(bytes).0].concat();
    for dictionary in [decode(bytes), decode(&sealed)].into_iter().flatten() {
        let components = dictionary.components();
        assert!(!components.is_empty() && components.len() * 8 < bytes.len());
        assert!(components.iter().all(|entry| entry.is_finite() && *entry >= 0.0));
    }
});
