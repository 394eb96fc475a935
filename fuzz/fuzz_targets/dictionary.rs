//! Any bytes as an entry of the dictionary cache, and as the JSON of one with a digest that fits.
#![no_main]

use experiments::readers;
use fuzz::seal;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let sealed = seal("dictionary", bytes);
    for dictionary in [bytes, &sealed].map(readers::cached_dictionary).into_iter().flatten() {
        let components = dictionary.components();
        assert!(!components.is_empty() && components.len() < bytes.len());
        assert!(components.iter().all(|entry| entry.is_finite() && *entry >= 0.0));
    }
});
