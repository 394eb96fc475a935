//! Audio files that are read: faults of headers and samples, what is named and not read, streams.

mod common;

use std::fs;
use std::io::Cursor;

use common::{
    RATE_HZ, TAG_FLOAT, TAG_INTEGER, chunk, extensible_format, file, plain_format, riff, stored,
};
use dsp::audio::{self, Reader, Recording};
use dsp::{AudioError, AudioFault, MultichannelAudio};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

fn read(bytes: &[u8]) -> Result<MultichannelAudio, AudioError> {
    let (_folder, path) = stored(bytes);
    audio::read_channels(path)
}

fn fault(bytes: &[u8]) -> AudioFault {
    let (_folder, path) = stored(bytes);
    let error = audio::read_channels(&path).unwrap_err();
    assert_eq!(error.path, path);
    assert!(error.to_string().contains("sound.wav"), "{error}");
    error.fault
}

fn codes_16(codes: &[i16]) -> Vec<u8> {
    codes.iter().flat_map(|code| code.to_le_bytes()).collect()
}

/// A mono file of 16 bits with these codes.
fn wav_16(codes: &[i16]) -> Vec<u8> {
    file(&plain_format(TAG_INTEGER, 1, RATE_HZ, 16), &codes_16(codes))
}

#[test]
fn channels_are_kept_apart_or_mixed_to_their_mean() {
    let data = codes_16(&[8_192, 0, 4_096, -16_384, 16_384, -4_096]);
    let (_folder, path) = stored(&file(&plain_format(TAG_INTEGER, 3, RATE_HZ, 16), &data));
    assert_eq!(
        audio::read_channels(&path).unwrap().channels,
        [[0.25, -0.5], [0.0, 0.5], [0.125, -0.125]]
    );
    let mono = audio::read_mono(&path).unwrap();
    assert_eq!(mono.sample_rate_hz, RATE_HZ);
    for (found, expected) in mono.samples.iter().zip([0.125, -0.125 / 3.0]) {
        assert!((found - expected).abs() < 1e-15);
    }
}

/// 24 valid bits in containers of 32, behind the extensible header: the upper bits are the valid
/// ones, where WASAPI recorders put them. Taking the lower ones gave noise.
#[test]
fn valid_bits_are_the_upper_ones_of_their_container() {
    let mut format = extensible_format(TAG_INTEGER, 1, RATE_HZ, 32);
    format[18..20].copy_from_slice(&24_u16.to_le_bytes());
    let samples = [0.5, -1.0, 1.0 / 8_388_608.0, -0.25];
    let data: Vec<u8> = samples
        .iter()
        .flat_map(|sample| ((sample * 2_147_483_648.0) as i32).to_le_bytes())
        .collect();
    assert_eq!(read(&file(&format, &data)).unwrap().channels, [samples]);
}

#[test]
fn chunks_of_odd_length_are_passed_over_with_and_without_padding() {
    let data = chunk(b"data", &codes_16(&[16_384]));
    let format = chunk(b"fmt ", &plain_format(TAG_INTEGER, 1, RATE_HZ, 16));
    let padded = chunk(b"inst", b"1234567");
    let bare = padded[..padded.len() - 1].to_vec();
    for odd in [padded, bare] {
        for chunks in [[&odd, &format, &data], [&format, &odd, &data]] {
            let chunks: Vec<Vec<u8>> = chunks.into_iter().cloned().collect();
            assert_eq!(read(&riff(&chunks)).unwrap().channels, [[0.5]]);
        }
    }
}

#[test]
fn what_is_not_audio_is_told_apart_from_a_broken_file() {
    for bytes in [
        &b""[..],
        b"RIFF",
        b"OggX\0\0\0\0WAVE0000",
        b"RIFF\0\0\0\0AVI LIST",
        b"# A text file.\n",
        // UTF-16 begins with bits that look like a frame of MPEG audio, of layer I.
        b"\xff\xfeh\0e\0l\0l\0o\0",
        &[0; 100],
    ] {
        assert!(matches!(fault(bytes), AudioFault::NotAudio), "{bytes:?}");
    }
    assert!(matches!(fault(&riff(&[])), AudioFault::Malformed(_)));
    assert!(matches!(
        fault(&riff(&[chunk(b"data", &[0; 4])])),
        AudioFault::Malformed("there is no format chunk before the samples")
    ));
    let plain = plain_format(TAG_INTEGER, 1, RATE_HZ, 16);
    assert!(matches!(
        fault(&riff(&[chunk(b"fmt ", &plain)])),
        AudioFault::Malformed("there is no data chunk")
    ));
    for format in [
        vec![1, 0, 1, 0],
        plain_format(TAG_INTEGER, 0, RATE_HZ, 16),
        plain_format(TAG_INTEGER, 1, 0, 16),
        plain_format(TAG_INTEGER, 1, RATE_HZ, 0),
        plain_format(TAG_INTEGER, 1025, RATE_HZ, 8),
    ] {
        assert!(matches!(
            fault(&file(&format, &[0; 4000])),
            AudioFault::Malformed(_)
        ));
    }
}

#[test]
fn what_is_not_read_is_named_with_a_command_that_converts_it() {
    let data = [0; 16];
    let wav = |tag, bits| file(&plain_format(tag, 1, RATE_HZ, bits), &data);
    let mut unknown = extensible_format(TAG_INTEGER, 1, RATE_HZ, 16);
    unknown[39] = 0;
    let ogg = |packet: &[u8]| [b"OggS", [0; 24].as_slice(), packet, &[0; 40]].concat();
    for (bytes, names) in [
        (wav(2, 4), ["Microsoft ADPCM", "ffmpeg -i in.wav"]),
        (wav(0x11, 4), ["IMA ADPCM", "ffmpeg -i in.wav"]),
        (wav(0x31, 1), ["GSM 6.10", "ffmpeg -i in.wav"]),
        (wav(0x55, 0), ["WAV with MP3", "ffmpeg -i in.wav"]),
        (wav(0x1234, 16), ["format tag 0x1234", "ffmpeg -i in.wav"]),
        (wav(TAG_FLOAT, 16), ["16-bit floats", "ffmpeg -i in.wav"]),
        (
            wav(TAG_INTEGER, 64),
            ["64-bit integers", "ffmpeg -i in.wav"],
        ),
        (
            file(&unknown, &data),
            ["unknown sub-format", "ffmpeg -i in.wav"],
        ),
        (
            b"NIST_1A\n   1024\n".to_vec(),
            ["NIST SPHERE", "sox in.sph out.wav"],
        ),
        (ogg(b"OpusHead"), ["Ogg Opus", "ffmpeg -i in.opus"]),
        (
            [b"\xff\xfd\x84\x04".as_slice(), &[0; 60]].concat(),
            ["layer II", "ffmpeg -i in.mp2"],
        ),
        (
            b"\0\0\0\x20ftypM4A ".to_vec(),
            ["MP4", "ffmpeg -i in.m4a out.wav"],
        ),
        (
            b"caff\0\x01\0\0".to_vec(),
            ["Core Audio", "ffmpeg -i in.caf out.wav"],
        ),
    ] {
        let fault = fault(&bytes);
        assert!(matches!(fault, AudioFault::Unsupported { .. }), "{fault}");
        let message = fault.to_string();
        assert!(names.iter().all(|name| message.contains(name)), "{message}");
    }
}

#[test]
fn a_file_cut_in_its_header_is_an_error_and_one_cut_in_its_samples_ends_there() {
    let data: Vec<u8> = (0..40).collect();
    let whole = file(&plain_format(TAG_INTEGER, 2, RATE_HZ, 16), &data);
    let samples = read(&whole).unwrap().channels;
    let header = whole.len() - data.len();
    for kept in 0..whole.len() {
        let frames = kept.saturating_sub(header) / 4;
        if frames == 0 {
            fault(&whole[..kept]);
        } else {
            let read = read(&whole[..kept]).unwrap().channels;
            assert_eq!(read, [&samples[0][..frames], &samples[1][..frames]]);
        }
    }
}

#[test]
fn a_promise_of_gigabytes_reserves_no_memory() {
    let mut bytes = wav_16(&[16_384, 0, 0, -16_384]);
    let length_field = bytes.len() - 12;
    for length in [u32::MAX - 1, 0x7fff_f000, 0x4000_0000] {
        bytes[length_field..length_field + 4].copy_from_slice(&length.to_le_bytes());
        assert_eq!(read(&bytes).unwrap().channels, [[0.5, 0.0, 0.0, -0.5]]);
    }
}

/// Reading the first of two would lose the other half without a word.
#[test]
fn a_second_chunk_of_samples_is_an_error() {
    let format = chunk(b"fmt ", &plain_format(TAG_INTEGER, 1, RATE_HZ, 8));
    for bytes in [&[1, 2][..], &[1, 2, 3]] {
        let data = chunk(b"data", bytes);
        let two = riff(&[format.clone(), data.clone(), data]);
        let fault = fault(&two);
        assert!(fault.to_string().contains("a second data chunk"), "{fault}");
    }
}

#[test]
fn a_file_without_samples_is_empty() {
    for channels in [1, 2] {
        let format = plain_format(TAG_INTEGER, channels, RATE_HZ, 16);
        assert!(matches!(fault(&file(&format, &[])), AudioFault::Empty));
        // The list is no sample.
        let chunks = [
            chunk(b"fmt ", &format),
            chunk(b"data", &[]),
            chunk(b"LIST", b"INFO"),
        ];
        assert!(matches!(fault(&riff(&chunks)), AudioFault::Empty));
    }
    let mut stream = Reader::from_stream("s", Cursor::new(wav_16(&[]))).unwrap();
    assert!(matches!(
        stream.read(10).unwrap_err().fault,
        AudioFault::Empty
    ));
}

#[test]
fn samples_that_are_not_finite_are_located() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let data: Vec<u8> = [0.0, 0.1, 0.2, bad]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        assert!(matches!(
            fault(&file(&plain_format(TAG_FLOAT, 2, RATE_HZ, 32), &data)),
            AudioFault::NotFinite {
                channel: 1,
                index: 1
            }
        ));
    }
}

#[test]
fn missing_files_and_folders_are_errors_that_name_them() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("missing.wav"), folder.path().to_owned()] {
        let error = audio::read_mono(&path).unwrap_err();
        assert_eq!(error.path, path);
        assert!(matches!(error.fault, AudioFault::Io(_)), "{error}");
        let error = Recording::open(&path).unwrap_err();
        assert!(matches!(error.fault, AudioFault::Io(_)), "{error}");
    }
}

/// The FLAC file of the fixtures that has 16 bits and one channel.
fn flac() -> &'static [u8] {
    let files = include_bytes!("fixtures/audio/files.bin");
    let mut start = 0;
    for line in include_str!("fixtures/audio/cases.csv").lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let length: usize = fields[1].parse().unwrap();
        if fields[0] == "flac_pcm_16_1.flac" {
            return &files[start..start + length];
        }
        start += length;
    }
    unreachable!("the fixture is there")
}

#[test]
fn flac_that_is_cut_or_damaged_is_an_error() {
    let whole = flac();
    let samples = read(whole).unwrap().channels[0].len() as u64;
    for kept in 4..whole.len() {
        match fault(&whole[..kept]) {
            AudioFault::Malformed(_) => {}
            AudioFault::Truncated { promised, present } => {
                assert_eq!((promised, present), (samples, 0));
            }
            AudioFault::Damaged { .. } => {}
            other => panic!("{kept} bytes kept: {other}"),
        }
    }
    // In the only frame, whose checksum then does not fit.
    let mut damaged = whole.to_vec();
    let at = damaged.len() - 10;
    damaged[at] ^= 1;
    assert!(matches!(
        fault(&damaged),
        AudioFault::Damaged { .. } | AudioFault::Truncated { .. }
    ));
}

/// The decoder takes more channels for others and their samples come out wrong.
#[test]
fn vorbis_of_more_than_two_channels_is_named() {
    let fault = fault(include_bytes!("fixtures/audio/vorbis_3.ogg"));
    let message = fault.to_string();
    assert!(message.contains("more than two channels"), "{message}");
    assert!(message.contains("ffmpeg -i in.ogg out.wav"), "{message}");
}

/// Found by fuzzing: a codebook so large that symphonia's own arithmetic overflowed and panicked.
#[test]
fn a_panic_of_the_decoder_is_an_error() {
    let error = fault(include_bytes!("fixtures/fuzz/vorbis_codebook.ogg"));
    assert!(matches!(error, AudioFault::Malformed(_)), "{error}");
}

#[test]
fn tags_before_a_file_are_passed_over() {
    let tag = [b"ID3\x04\0\0\0\0\x01\x02".as_slice(), &[7; 130]].concat();
    let tagged = [tag.as_slice(), &tag, flac()].concat();
    assert_eq!(read(&tagged).unwrap(), read(flac()).unwrap());
}

#[cfg(unix)]
mod pipes {
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::thread;

    use super::*;

    fn fifo(folder: &Path) -> PathBuf {
        let path = folder.join("pipe");
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        path
    }

    /// Pipes cannot seek, and their header's lengths are what a program wrote that could not
    /// either.
    #[test]
    fn a_pipe_is_read_once_or_copied_to_be_read_again() {
        let codes: Vec<i16> = (0..5000).map(|n| (n * 7 % 30_000) as i16).collect();
        let mut wav = wav_16(&codes);
        wav[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
        let samples: Vec<f64> = codes
            .iter()
            .map(|&code| f64::from(code) / 32_768.0)
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let path = fifo(folder.path());
        let written = || {
            let (path, wav) = (path.clone(), wav.clone());
            thread::spawn(move || fs::write(path, wav).unwrap())
        };

        let writer = written();
        assert_eq!(audio::read_mono(&path).unwrap().samples, samples);
        writer.join().unwrap();

        let writer = written();
        let mut reader = Reader::open(&path).unwrap();
        assert_eq!(reader.samples(), None);
        assert_eq!(reader.read(10_000).unwrap(), [samples.as_slice()]);
        assert!(reader.read(1).unwrap()[0].is_empty());
        writer.join().unwrap();

        let writer = written();
        let mut recording = Recording::open(&path).unwrap();
        writer.join().unwrap();
        assert_eq!(recording.samples(), 5000);
        for _ in 0..2 {
            assert_eq!(recording.read(10_000).unwrap(), [samples.as_slice()]);
            recording.rewind().unwrap();
        }
    }
}

fn assert_plausible(result: Result<MultichannelAudio, AudioFault>) {
    if let Ok(audio) = result {
        assert!(audio.sample_rate_hz > 0);
        assert!(!audio.channels.is_empty());
        for channel in &audio.channels {
            assert!(!channel.is_empty());
            assert_eq!(channel.len(), audio.channels[0].len());
            assert!(channel.iter().all(|sample| sample.is_finite()));
        }
    }
}

/// Starts of all formats.
const MARKS: [&[u8]; 8] = [
    b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0",
    b"RIFX\0\0\0\0WAVEfmt \0\0\0\x10",
    b"FORM\0\0\0\0AIFFCOMM\0\0\0\x12",
    b"FORM\0\0\0\0AIFCCOMM\0\0\0\x16",
    b"fLaC\0\0\0\x22",
    b"OggS\0\x02",
    b"\xff\xfb\x90\x64",
    b"ID3\x04\0\0",
];

proptest! {
    #![proptest_config(ProptestConfig::with_failure_persistence(
        FileFailurePersistence::WithSource("proptest-regressions")
    ))]

    #[test]
    fn arbitrary_bytes_never_panic(
        mark in prop::sample::select(MARKS.to_vec()),
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        assert_plausible(audio::decode([mark, &bytes].concat()));
        assert_plausible(audio::decode(bytes));
    }

    #[test]
    fn arbitrary_format_and_data_chunks_never_panic(
        format in prop::collection::vec(any::<u8>(), 0..60),
        data in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        assert_plausible(audio::decode(file(&format, &data)));
    }

    #[test]
    fn damaged_files_never_panic(
        (start, length) in (0..66_000_usize, 50..6000_usize),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let files = include_bytes!("fixtures/audio/files.bin");
        // From the start of one of the files on.
        let mut from = 0;
        for line in include_str!("fixtures/audio/cases.csv").lines() {
            let next: usize = line.split(',').nth(1).unwrap().parse().unwrap();
            if from + next > start {
                break;
            }
            from += next;
        }
        let mut bytes = files[from..files.len().min(from + length)].to_vec();
        for (index, value) in damage {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        assert_plausible(audio::decode(bytes));
    }
}
