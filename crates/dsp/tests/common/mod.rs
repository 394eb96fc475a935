//! WAV files built byte by byte.

#![allow(dead_code, reason = "each test file uses a part")]

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

pub(crate) const RATE_HZ: u32 = 16_000;

pub(crate) const TAG_INTEGER: u16 = 1;
pub(crate) const TAG_FLOAT: u16 = 3;
pub(crate) const TAG_EXTENSIBLE: u16 = 0xfffe;

pub(crate) fn chunk(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend(content);
    if content.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

pub(crate) fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut content = b"WAVE".to_vec();
    content.extend(chunks.concat());
    chunk(b"RIFF", &content)
}

pub(crate) fn plain_format(tag: u16, channels: u16, rate_hz: u32, bits: u16) -> Vec<u8> {
    let frame_bytes = channels * bits.div_ceil(8);
    let mut fields = Vec::new();
    fields.extend(tag.to_le_bytes());
    fields.extend(channels.to_le_bytes());
    fields.extend(rate_hz.to_le_bytes());
    fields.extend((rate_hz * u32::from(frame_bytes)).to_le_bytes());
    fields.extend(frame_bytes.to_le_bytes());
    fields.extend(bits.to_le_bytes());
    fields
}

pub(crate) fn extensible_format(tag: u16, channels: u16, rate_hz: u32, bits: u16) -> Vec<u8> {
    let mut fields = plain_format(TAG_EXTENSIBLE, channels, rate_hz, bits);
    fields.extend(22_u16.to_le_bytes());
    fields.extend(bits.to_le_bytes());
    fields.extend(0_u32.to_le_bytes());
    fields.extend(tag.to_le_bytes());
    fields.extend(b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71");
    fields
}

pub(crate) fn file(format: &[u8], data: &[u8]) -> Vec<u8> {
    riff(&[chunk(b"fmt ", format), chunk(b"data", data)])
}

/// A folder with one file in it.
pub(crate) fn stored(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.wav");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}
