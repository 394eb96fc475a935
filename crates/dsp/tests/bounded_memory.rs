//! Two hours through a pipe, in the memory of a few blocks.
//!
//! A file of its own, because the memory of a process is that of all its tests.

#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io::Write;
use std::process::Command;
use std::thread;

use common::{RATE_HZ, TAG_INTEGER, file, plain_format};
use dsp::audio::{Reader, Recording};

const SAMPLES: usize = 2 * 3600 * RATE_HZ as usize;
const BLOCK: usize = 1 << 16;
/// A block of doubles, the buffers of the reader, and what the allocator keeps: of 230 MB that
/// pass.
const MOST_GROWTH_KIB: u64 = 8 << 10;

/// Largest memory that the process has had so far.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.unwrap().trim().strip_suffix(" kB").unwrap();
    number.trim().parse().unwrap()
}

fn count(mut read: impl FnMut() -> Vec<Vec<f64>>) -> usize {
    let mut samples = 0;
    loop {
        let block = read();
        if block[0].is_empty() {
            return samples;
        }
        // The codes count up to 250 again and again.
        let first = (samples % 251) as f64 / 32_768.0;
        assert!((block[0][0] - first).abs() < f64::EPSILON);
        samples += block[0].len();
    }
}

#[test]
fn two_hours_are_read_in_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    let written = || {
        let path = path.clone();
        thread::spawn(move || {
            let mut pipe = fs::File::create(path).unwrap();
            let mut header = file(&plain_format(TAG_INTEGER, 1, RATE_HZ, 16), &[]);
            let end = header.len();
            header[end - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
            pipe.write_all(&header).unwrap();
            // A whole number of periods of the codes.
            let block: Vec<u8> = (0..251 * 256_usize)
                .flat_map(|n| ((n % 251) as i16).to_le_bytes())
                .collect();
            let mut left = 2 * SAMPLES;
            while left > 0 {
                let count = left.min(block.len());
                pipe.write_all(&block[..count]).unwrap();
                left -= count;
            }
        })
    };

    let before = peak_kib();
    let writer = written();
    let mut reader = Reader::open(&path).unwrap();
    assert_eq!(count(|| reader.read(BLOCK).unwrap()), SAMPLES);
    writer.join().unwrap();
    let once = peak_kib() - before;

    let writer = written();
    let mut recording = Recording::open(&path).unwrap();
    writer.join().unwrap();
    assert_eq!(recording.samples(), SAMPLES);
    assert_eq!(count(|| recording.read(BLOCK).unwrap()), SAMPLES);
    let copied = peak_kib() - before;

    assert!(
        copied <= MOST_GROWTH_KIB,
        "{once} KiB through the pipe, {copied} KiB with the copy"
    );
}
