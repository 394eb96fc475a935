//! Any bytes as a file of records, and as the JSON of a record with a digest that fits: what was
//! read is written, and read back as the same.
#![no_main]

use experiments::readers;
use fuzz::seal;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for file in [bytes, &seal("record", bytes)] {
        let written = readers::records(file);
        assert_eq!(readers::records(&written), written);
    }
});
