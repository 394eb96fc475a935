//! Any bytes as a FLAC, Ogg or MP3 file: an error, or blocks of finite samples in channels of one
//! length, until there are no more.
//!
//! The checksums of Ogg pages are made to fit first, or nothing but them would be tried.
#![no_main]

use std::io::Cursor;
use std::sync::Once;

use dsp::audio::Reader;
use libfuzzer_sys::fuzz_target;

const BLOCK: usize = 1 << 14;
/// A byte of FLAC can stand for many samples of silence, so there is an end to reading.
const MOST_BLOCKS: usize = 64;
/// Bytes of an Ogg page before its table of segments, whose length is the last of them.
const PAGE_HEADER: usize = 27;

fn mend_ogg_checksums(bytes: &mut [u8]) {
    let mut start = 0;
    while bytes[start..].starts_with(b"OggS") && bytes.len() - start >= PAGE_HEADER {
        let segments = usize::from(bytes[start + PAGE_HEADER - 1]);
        let table = start + PAGE_HEADER..(start + PAGE_HEADER + segments).min(bytes.len());
        let content: usize = bytes[table.clone()].iter().map(|&length| usize::from(length)).sum();
        let end = (table.end + content).min(bytes.len());
        bytes[start + 22..start + 26].fill(0);
        let checksum = ogg_checksum(&bytes[start..end]);
        bytes[start + 22..start + 26].copy_from_slice(&checksum.to_le_bytes());
        start = end;
    }
}

/// The cyclic redundancy check of RFC 3533: polynomial 0x04c11db7, highest bit first.
fn ogg_checksum(page: &[u8]) -> u32 {
    page.iter().fold(0_u32, |remainder, &byte| {
        (0..8).fold(remainder ^ u32::from(byte) << 24, |remainder, _| {
            remainder << 1 ^ if remainder >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    })
}

fuzz_target!(|bytes: &[u8]| {
    // libFuzzer's own hook would end the run at panics of the decoder, which the reader catches.
    static HOOK: Once = Once::new();
    HOOK.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    let mut bytes = bytes.to_vec();
    mend_ogg_checksums(&mut bytes);
    let Ok(mut reader) = Reader::from_stream("bytes", Cursor::new(bytes)) else {
        return;
    };
    assert!(reader.sample_rate_hz() > 0 && reader.channels() > 0);
    let mut read = 0;
    for _ in 0..MOST_BLOCKS {
        let Ok(block) = reader.read(BLOCK) else {
            return;
        };
        assert_eq!(block.len(), reader.channels());
        for channel in &block {
            assert_eq!(channel.len(), block[0].len());
            assert!(channel.iter().all(|sample| sample.is_finite()));
        }
        read += block[0].len();
        if block[0].len() < BLOCK {
            assert!(reader.samples().is_none_or(|samples| samples == read));
            return;
        }
    }
});
