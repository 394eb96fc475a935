//! Any bytes as a WAV, Wave64 or AIFF file: an error or samples, all finite, in channels of one
//! length, no more than the bytes hold, and the same in blocks from a stream.
#![no_main]

use std::io::Cursor;

use dsp::audio::{Reader, decode};
use libfuzzer_sys::fuzz_target;

/// Starts of what the target `compressed` is for.
const COMPRESSED: [&[u8]; 4] = [b"fLaC", b"OggS", b"ID3", b"\xff"];

fuzz_target!(|bytes: &[u8]| {
    if COMPRESSED.iter().any(|start| bytes.starts_with(start)) {
        return;
    }
    let Ok(audio) = decode(bytes) else {
        return;
    };
    assert!(audio.sample_rate_hz > 0);
    let samples = audio.channels[0].len();
    assert!(samples > 0 && samples * audio.channels.len() <= bytes.len());
    for channel in &audio.channels {
        assert_eq!(channel.len(), samples);
        assert!(channel.iter().all(|sample| sample.is_finite()));
    }

    let mut reader = Reader::from_stream("bytes", Cursor::new(bytes.to_vec())).expect("a header");
    for start in (0..samples).step_by(37) {
        for (whole, block) in audio.channels.iter().zip(reader.read(37).expect("samples")) {
            assert_eq!(block, whole[start..samples.min(start + 37)]);
        }
    }
});
