//! Any bytes as an audio file: an error or samples, all finite, in channels of one length, and no
//! more of them than the bytes of a WAV file hold.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(audio) = dsp::audio::decode(bytes) else {
        return;
    };
    assert!(audio.sample_rate_hz > 0);
    let samples = audio.channels[0].len();
    assert!(samples > 0);
    assert!(!bytes.starts_with(b"RIFF") || samples * audio.channels.len() <= bytes.len());
    for channel in &audio.channels {
        assert_eq!(channel.len(), samples);
        assert!(channel.iter().all(|sample| sample.is_finite()));
    }
});
