//! Any bytes as a file of dictionaries, and any arrays as those of an archive whose checksums fit.
//!
//! Arrays follow each other as NumPy writes them, and are told apart by the mark that each begins
//! with.
#![no_main]

use std::io::{Cursor, Write};

use experiments::DictionaryFile;
use libfuzzer_sys::fuzz_target;
use zip::write::{SimpleFileOptions, ZipWriter};

const MARK: &[u8] = b"\x93NUMPY";
const NAMES: [&str; 5] = ["metadata", "dictionary_1", "cost_1", "dictionary_2", "cost_2"];

fn archive(bytes: &[u8]) -> Vec<u8> {
    let mut starts: Vec<usize> = bytes
        .windows(MARK.len())
        .enumerate()
        .filter(|(_, window)| *window == MARK)
        .map(|(start, _)| start)
        .collect();
    starts.push(bytes.len());
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in NAMES.iter().zip(starts.windows(2)) {
        let name = format!("{name}.npy");
        archive.start_file(name, SimpleFileOptions::default()).expect("a new name");
        archive.write_all(&bytes[array[0]..array[1]]).expect("memory is there");
    }
    archive.finish().expect("memory is there").into_inner()
}

fuzz_target!(|bytes: &[u8]| {
    for archive in [bytes, &archive(bytes)] {
        let Ok(file) = DictionaryFile::decode(Cursor::new(archive)) else {
            continue;
        };
        assert_eq!(file.dictionaries.len(), file.metadata.orders.len());
        assert_eq!(file.costs.len(), file.metadata.orders.len());
        for dictionary in &file.dictionaries {
            let components = dictionary.components();
            assert!(components.iter().all(|entry| entry.is_finite() && *entry >= 0.0));
        }
    }
});
