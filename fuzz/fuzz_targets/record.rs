//! Any bytes as a file of records, and any text as the JSON of a record with a digest that fits it.
#![no_main]

use experiments::digest::Digest;
use experiments::durable::record::Record;
use experiments::durable::store::Contents;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let contents = Contents::parse(bytes);
    assert_eq!(contents.bytes, bytes.len() as u64);
    assert!(contents.sound_bytes <= contents.bytes);
    // What is kept of the file is all sound but for the damage that was named.
    let kept = Contents::parse(&bytes[..contents.sound_bytes as usize]);
    assert_eq!(kept.outcomes.len(), contents.outcomes.len());
    assert_eq!(kept.damaged_lines, contents.damaged_lines);

    let mut line = b"{\"version\":1,\"sha256\":\"".to_vec();
    line.extend(Digest::of_bytes(bytes).to_string().bytes());
    line.extend(b"\",\"record\":");
    line.extend(bytes);
    line.extend(b"}");
    if let Some(record) = Record::decode(&line) {
        let encoded = record.encode().expect("what was read can be written");
        let again = Record::decode(&encoded[..encoded.len() - 1]).expect("and read again");
        assert_eq!(again.encode().expect("and written"), encoded);
    }
});
