//! Any bytes as a WAV file: an error or samples, all finite, in channels of one length, no more than the bytes hold.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(audio) = dsp::wav::decode(Cursor::new(bytes)) else {
        return;
    };
    assert!(audio.sample_rate_hz > 0);
    let samples = audio.channels[0].len();
    assert!(samples > 0 && samples * audio.channels.len() <= bytes.len());
    for channel in &audio.channels {
        assert_eq!(channel.len(), samples);
        assert!(channel.iter().all(|sample| sample.is_finite()));
    }
});
