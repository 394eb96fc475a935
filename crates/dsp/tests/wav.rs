//! WAV files of every kind, built byte by byte, and files that are none.

use std::fs;
use std::path::PathBuf;

use dsp::wav::{self, Encoding};
use dsp::{MultichannelAudio, WavError, WavFault};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use tempfile::TempDir;

/// Half a step of the encodings, and the rounding of a 32-bit float at full scale.
const PCM16_STEP: f64 = 1.0 / 32_768.0;
const PCM24_STEP: f64 = 1.0 / 8_388_608.0;
const FLOAT32_ROUNDING: f64 = 6e-8;

const RATE_HZ: u32 = 16_000;

const TAG_INTEGER: u16 = 1;
const TAG_FLOAT: u16 = 3;
const TAG_EXTENSIBLE: u16 = 0xfffe;

fn chunk(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend(content);
    if content.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut content = b"WAVE".to_vec();
    content.extend(chunks.concat());
    chunk(b"RIFF", &content)
}

fn plain_format(tag: u16, channels: u16, rate_hz: u32, bits: u16) -> Vec<u8> {
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

fn extensible_format(tag: u16, channels: u16, rate_hz: u32, bits: u16) -> Vec<u8> {
    let mut fields = plain_format(TAG_EXTENSIBLE, channels, rate_hz, bits);
    fields.extend(22_u16.to_le_bytes());
    fields.extend(bits.to_le_bytes());
    fields.extend(0_u32.to_le_bytes());
    fields.extend(tag.to_le_bytes());
    fields.extend(b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71");
    fields
}

fn file(format: &[u8], data: &[u8]) -> Vec<u8> {
    riff(&[chunk(b"fmt ", format), chunk(b"data", data)])
}

/// A folder with one file in it.
fn stored(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.wav");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn read(bytes: &[u8]) -> Result<MultichannelAudio, WavError> {
    let (_folder, path) = stored(bytes);
    wav::read_channels(path)
}

fn fault(bytes: &[u8]) -> WavFault {
    let (_folder, path) = stored(bytes);
    let error = wav::read_channels(&path).unwrap_err();
    assert_eq!(error.path, path);
    assert!(error.to_string().contains("sound.wav"), "{error}");
    error.fault
}

/// The data of a mono file in every encoding that is read, and the samples it stands for.
fn encodings() -> Vec<(u16, u16, Vec<u8>, Vec<f64>)> {
    vec![
        (
            TAG_INTEGER,
            8,
            vec![0x80, 0x00, 0xff, 0xc0],
            vec![0.0, -1.0, 127.0 / 128.0, 0.5],
        ),
        (
            TAG_INTEGER,
            16,
            [0_i16, i16::MIN, i16::MAX, -8192]
                .iter()
                .flat_map(|v| v.to_le_bytes())
                .collect(),
            vec![0.0, -1.0, 1.0 - PCM16_STEP, -0.25],
        ),
        (
            TAG_INTEGER,
            24,
            [0_i32, -8_388_608, 8_388_607, 2_097_152]
                .iter()
                .flat_map(|v| v.to_le_bytes()[..3].to_vec())
                .collect(),
            vec![0.0, -1.0, 1.0 - PCM24_STEP, 0.25],
        ),
        (
            TAG_INTEGER,
            32,
            [0, i32::MIN, i32::MAX, 1 << 30]
                .iter()
                .flat_map(|v| v.to_le_bytes())
                .collect(),
            vec![0.0, -1.0, 1.0 - 2f64.powi(-31), 0.5],
        ),
        (
            TAG_FLOAT,
            32,
            [0.0_f32, -1.0, 1.5, 1e-20]
                .iter()
                .flat_map(|v| v.to_le_bytes())
                .collect(),
            vec![0.0, -1.0, 1.5, f64::from(1e-20_f32)],
        ),
    ]
}

#[test]
fn every_encoding_is_read_exactly_behind_every_header() {
    for (tag, bits, data, samples) in encodings() {
        let plain = plain_format(tag, 1, RATE_HZ, bits);
        let with_size = [plain.as_slice(), &[0, 0]].concat();
        let extensible = extensible_format(tag, 1, RATE_HZ, bits);
        for format in [plain, with_size, extensible] {
            let audio = read(&file(&format, &data)).unwrap();
            assert_eq!(audio.sample_rate_hz, RATE_HZ);
            assert_eq!(audio.channels, [samples.as_slice()], "{bits} bits");
        }
    }
}

#[test]
fn channels_are_kept_apart_or_mixed_to_their_mean() {
    let codes: [i16; 6] = [8_192, 0, 4_096, -16_384, 16_384, -4_096];
    let data: Vec<u8> = codes.iter().flat_map(|v| v.to_le_bytes()).collect();
    let (_folder, path) = stored(&file(&plain_format(TAG_INTEGER, 3, RATE_HZ, 16), &data));
    assert_eq!(
        wav::read_channels(&path).unwrap().channels,
        [[0.25, -0.5], [0.0, 0.5], [0.125, -0.125]]
    );
    let mono = wav::read_mono(&path).unwrap();
    assert_eq!(mono.sample_rate_hz, RATE_HZ);
    for (found, expected) in mono.samples.iter().zip([0.125, -0.125 / 3.0]) {
        assert!((found - expected).abs() < 1e-15);
    }
}

#[test]
fn other_chunks_are_skipped_with_their_padding() {
    let bytes = riff(&[
        chunk(b"LIST", b"odd"),
        chunk(b"fmt ", &plain_format(TAG_INTEGER, 1, RATE_HZ, 16)),
        chunk(b"fact", &[1, 0, 0, 0]),
        chunk(b"bext", &[0; 601]),
        chunk(b"data", &16_384_i16.to_le_bytes()),
        chunk(b"LIST", b"after the data"),
    ]);
    assert_eq!(read(&bytes).unwrap().channels, [[0.5]]);
}

#[test]
fn what_is_not_a_wav_file_is_told_apart_from_a_broken_one() {
    for bytes in [
        &b""[..],
        b"RIFF",
        b"OggS\0\0\0\0WAVE0000",
        b"RIFF\0\0\0\0AVI LIST",
    ] {
        assert!(matches!(fault(bytes), WavFault::NotWav));
    }
    assert!(matches!(fault(&riff(&[])), WavFault::Malformed(_)));
    assert!(matches!(
        fault(&riff(&[chunk(b"data", &[0; 4])])),
        WavFault::Malformed("there is no format chunk")
    ));
    assert!(matches!(
        fault(&riff(&[chunk(
            b"fmt ",
            &plain_format(TAG_INTEGER, 1, RATE_HZ, 16)
        )])),
        WavFault::Malformed("there is no data chunk")
    ));
    assert!(matches!(
        fault(&file(&[1, 0, 1, 0], &[0; 4])),
        WavFault::Malformed(_)
    ));
    for format in [
        plain_format(TAG_INTEGER, 0, RATE_HZ, 16),
        plain_format(TAG_INTEGER, 1, 0, 16),
        plain_format(TAG_INTEGER, 1, RATE_HZ, 0),
    ] {
        assert!(matches!(
            fault(&file(&format, &[0; 4])),
            WavFault::Malformed(_)
        ));
    }
    // Three bytes are no whole number of two-byte samples.
    assert!(matches!(
        fault(&file(&plain_format(TAG_INTEGER, 1, RATE_HZ, 16), &[0; 3])),
        WavFault::Malformed(_)
    ));
}

#[test]
fn encodings_that_are_not_read_are_named() {
    const TAG_MU_LAW: u16 = 7;
    for (format, name) in [
        (plain_format(TAG_MU_LAW, 1, RATE_HZ, 8), "format tag 0x0007"),
        (plain_format(TAG_FLOAT, 1, RATE_HZ, 64), "64-bit floats"),
        (
            extensible_format(TAG_FLOAT, 1, RATE_HZ, 64),
            "64-bit floats",
        ),
        (
            extensible_format(TAG_INTEGER, 1, RATE_HZ, 64),
            "64-bit integers",
        ),
    ] {
        let fault = fault(&file(&format, &[0; 16]));
        assert!(
            matches!(&fault, WavFault::Unsupported(found) if found == name),
            "{fault}"
        );
    }
}

#[test]
fn a_file_cut_short_anywhere_is_an_error() {
    let data: Vec<u8> = (0..40).collect();
    let whole = file(&plain_format(TAG_INTEGER, 2, RATE_HZ, 16), &data);
    assert!(read(&whole).is_ok());
    for kept in 0..whole.len() {
        let fault = fault(&whole[..kept]);
        let data_start = whole.len() - data.len();
        if kept >= data_start {
            assert!(
                matches!(fault, WavFault::Truncated { promised: 40, present }
                    if present == (kept - data_start) as u64),
                "{kept} bytes kept: {fault}"
            );
        }
    }
}

#[test]
fn a_promise_of_gigabytes_reserves_no_memory() {
    let mut bytes = file(&plain_format(TAG_INTEGER, 1, RATE_HZ, 16), &[0; 8]);
    let length_field = bytes.len() - 12;
    bytes[length_field..length_field + 4].copy_from_slice(&(u32::MAX - 1).to_le_bytes());
    assert!(matches!(
        fault(&bytes),
        WavFault::Truncated { promised, present: 8 } if promised == u64::from(u32::MAX - 1)
    ));
}

#[test]
fn a_file_without_samples_is_empty() {
    for channels in [1, 2] {
        assert!(matches!(
            fault(&file(
                &plain_format(TAG_INTEGER, channels, RATE_HZ, 16),
                &[]
            )),
            WavFault::Empty
        ));
    }
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
            WavFault::NotFinite {
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
        let error = wav::read_mono(&path).unwrap_err();
        assert_eq!(error.path, path);
        assert!(matches!(error.fault, WavFault::Io(_)), "{error}");
    }
}

#[test]
fn what_is_written_is_read_back_within_half_a_step() {
    let samples: Vec<f64> = (0..1_000)
        .map(|n| 0.9 * (0.01 * f64::from(n)).sin())
        .collect();
    let other: Vec<f64> = samples.iter().map(|x| -0.5 * x).collect();
    let folder = tempfile::tempdir().unwrap();
    for (encoding, tolerance) in [
        (Encoding::Pcm16, PCM16_STEP / 2.0),
        (Encoding::Pcm24, PCM24_STEP / 2.0),
        (Encoding::Float32, FLOAT32_ROUNDING),
    ] {
        let path = folder.path().join("round_trip.wav");
        let clipped = wav::write_channels(&path, &[&samples, &other], 44_100, encoding).unwrap();
        assert_eq!(clipped, 0);
        let audio = wav::read_channels(&path).unwrap();
        assert_eq!(audio.sample_rate_hz, 44_100);
        for (found, expected) in audio.channels.iter().zip([&samples, &other]) {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (found - expected).abs() <= tolerance,
                    "{encoding:?}: {found} for {expected}"
                );
            }
        }
    }
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "temporary files are gone"
    );
}

#[test]
fn clipped_samples_are_counted_and_never_wrap() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("loud.wav");
    let loud = [1.0, -1.0, 1.000_1, -1.5, 1e300, 0.5];
    for (encoding, step) in [(Encoding::Pcm16, PCM16_STEP), (Encoding::Pcm24, PCM24_STEP)] {
        assert_eq!(wav::write(&path, &loud, RATE_HZ, encoding).unwrap(), 3);
        assert_eq!(
            wav::read_mono(&path).unwrap().samples,
            [1.0 - step, -1.0, 1.0 - step, -1.0, 1.0 - step, 0.5]
        );
    }
    assert_eq!(
        wav::write(&path, &loud[..4], RATE_HZ, Encoding::Float32).unwrap(),
        0
    );
    assert_eq!(wav::read_mono(&path).unwrap().samples[3..], [-1.5]);
}

#[test]
fn a_signal_that_cannot_be_stored_leaves_the_old_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.wav");
    wav::write(&path, &[0.5], RATE_HZ, Encoding::Pcm16).unwrap();
    let before = fs::read(&path).unwrap();

    let refused = |channels: &[Vec<f64>], rate_hz, encoding| {
        let error = wav::write_channels(&path, channels, rate_hz, encoding).unwrap_err();
        assert!(error.to_string().contains("kept.wav"));
        error.fault
    };
    assert!(matches!(
        refused(&[], RATE_HZ, Encoding::Pcm16),
        WavFault::Empty
    ));
    assert!(matches!(
        refused(&[vec![]], RATE_HZ, Encoding::Pcm16),
        WavFault::Empty
    ));
    assert!(matches!(
        refused(&[vec![0.0; 2], vec![0.0; 3]], RATE_HZ, Encoding::Pcm16),
        WavFault::UnequalChannels {
            channel: 1,
            found: 3,
            expected: 2
        }
    ));
    for bad in [f64::NAN, f64::INFINITY] {
        for encoding in [Encoding::Pcm16, Encoding::Pcm24, Encoding::Float32] {
            assert!(matches!(
                refused(&[vec![0.0, bad]], RATE_HZ, encoding),
                WavFault::NotFinite {
                    channel: 0,
                    index: 1
                }
            ));
        }
    }
    // Finite, but not in 32 bits.
    assert!(matches!(
        refused(&[vec![1e300]], RATE_HZ, Encoding::Float32),
        WavFault::NotFinite { .. }
    ));
    assert!(matches!(
        refused(&[vec![0.0]], 0, Encoding::Pcm16),
        WavFault::Unstorable { .. }
    ));
    assert!(matches!(
        refused(&[vec![0.0]], u32::MAX, Encoding::Pcm16),
        WavFault::Unstorable { .. }
    ));
    assert!(matches!(
        refused(&vec![vec![0.0]; 40_000], RATE_HZ, Encoding::Pcm16),
        WavFault::Unstorable { .. }
    ));

    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "temporary files are gone"
    );
}

#[test]
fn writing_to_a_place_that_does_not_exist_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing").join("sound.wav");
    let error = wav::write(&path, &[0.0], RATE_HZ, Encoding::Float32).unwrap_err();
    assert_eq!(error.path, path);
    assert!(matches!(error.fault, WavFault::Io(_)));
    assert!(wav::write("/", &[0.0], RATE_HZ, Encoding::Float32).is_err());
}

#[test]
fn blocks_are_read_and_written_as_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let channels: [Vec<f64>; 2] = [3.0, 0.7].map(|rate| {
        let sample = |t: u32| 1.02 * (rate * f64::from(t)).sin();
        (0..1000).map(sample).collect()
    });
    for encoding in [Encoding::Pcm16, Encoding::Pcm24, Encoding::Float32] {
        let clipped = wav::write_channels(path("whole.wav"), &channels, RATE_HZ, encoding).unwrap();
        let mut writer =
            wav::Writer::create(path("blocks.wav"), 2, 1000, RATE_HZ, encoding).unwrap();
        for start in (0..1000).step_by(300) {
            let end = (start + 300).min(1000);
            let block = [&channels[0][start..end], &channels[1][start..end]];
            writer.write(&block).unwrap();
        }
        assert!(!path("blocks.wav").exists() || encoding != Encoding::Pcm16);
        assert_eq!(writer.finish().unwrap(), clipped);
        assert_eq!(
            fs::read(path("blocks.wav")).unwrap(),
            fs::read(path("whole.wav")).unwrap()
        );

        let whole = wav::read_channels(path("whole.wav")).unwrap();
        let mut reader = wav::Reader::open(path("whole.wav")).unwrap();
        assert_eq!((reader.channels(), reader.samples()), (2, 1000));
        assert_eq!(
            (reader.sample_rate_hz(), reader.encoding()),
            (RATE_HZ, encoding)
        );
        let mut read = vec![Vec::new(); 2];
        for expected in [333, 333, 333, 1, 0] {
            let block = reader.read(333).unwrap();
            assert_eq!(block[0].len(), expected);
            for (all, block) in read.iter_mut().zip(block) {
                all.extend(block);
            }
        }
        assert_eq!(read, whole.channels);
    }
}

#[test]
fn a_writer_that_does_not_finish_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let create = || wav::Writer::create(&path, 1, 10, RATE_HZ, Encoding::Pcm16).unwrap();
    let mut dropped = create();
    dropped.write(&[&[0.5; 10]]).unwrap();
    drop(dropped);
    let mut short = create();
    short.write(&[&[0.5; 9]]).unwrap();
    assert!(short.finish().is_err());
    let mut wrong = create();
    assert!(wrong.write(&[&[0.5; 5], &[0.5; 5]]).is_err());
    assert!(wrong.write(&[&[f64::NAN]]).is_err());
    drop(wrong);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(wav::Writer::create(&path, 1, 0, RATE_HZ, Encoding::Pcm16).is_err());
    assert!(wav::Writer::create(&path, 4, 1 << 30, RATE_HZ, Encoding::Pcm16).is_err());
    assert!(wav::Reader::open(&path).is_err());
}

fn assert_plausible(result: Result<MultichannelAudio, WavError>) {
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

proptest! {
    #![proptest_config(ProptestConfig::with_failure_persistence(
        FileFailurePersistence::WithSource("proptest-regressions")
    ))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        assert_plausible(read(&bytes));
    }

    #[test]
    fn arbitrary_format_and_data_chunks_never_panic(
        format in prop::collection::vec(any::<u8>(), 0..60),
        data in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        assert_plausible(read(&file(&format, &data)));
    }

    #[test]
    fn damaged_files_never_panic(
        (which, extensible) in (0_usize..5, any::<bool>()),
        channels in 1_u16..4,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (tag, bits, data, _) = encodings().swap_remove(which);
        let format = if extensible {
            extensible_format(tag, channels, RATE_HZ, bits)
        } else {
            plain_format(tag, channels, RATE_HZ, bits)
        };
        let mut bytes = file(&format, &data.repeat(usize::from(channels)));
        for (index, value) in damage {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        assert_plausible(read(&bytes));
    }
}

#[test]
fn bytes_are_those_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let samples = [0.0, 0.25, -1.0, 0.999];
    dsp::wav::write(&path, &samples, 8_000, Encoding::Pcm16).unwrap();
    let bytes = dsp::wav::to_bytes(&samples, 8_000, Encoding::Pcm16).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert!(dsp::wav::to_bytes(&[f64::NAN], 8_000, Encoding::Pcm16).is_err());
}
