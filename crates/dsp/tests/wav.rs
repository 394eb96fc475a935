//! WAV files that are written: what is stored, what is refused, and who can read it.

mod common;

use std::fs;

use common::RATE_HZ;
use dsp::wav::{self, Encoding};
use dsp::{AudioFault, audio};

/// Half a step of the encodings, and the rounding of a 32-bit float at full scale.
const PCM16_STEP: f64 = 1.0 / 32_768.0;
const PCM24_STEP: f64 = 1.0 / 8_388_608.0;
const FLOAT32_ROUNDING: f64 = 6e-8;

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
        let audio = audio::read_channels(&path).unwrap();
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
            audio::read_mono(&path).unwrap().samples,
            [1.0 - step, -1.0, 1.0 - step, -1.0, 1.0 - step, 0.5]
        );
    }
    assert_eq!(
        wav::write(&path, &loud[..4], RATE_HZ, Encoding::Float32).unwrap(),
        0
    );
    assert_eq!(audio::read_mono(&path).unwrap().samples[3..], [-1.5]);
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
        AudioFault::Empty
    ));
    assert!(matches!(
        refused(&[vec![]], RATE_HZ, Encoding::Pcm16),
        AudioFault::Empty
    ));
    assert!(matches!(
        refused(&[vec![0.0; 2], vec![0.0; 3]], RATE_HZ, Encoding::Pcm16),
        AudioFault::UnequalChannels {
            channel: 1,
            found: 3,
            expected: 2
        }
    ));
    for bad in [f64::NAN, f64::INFINITY] {
        for encoding in [Encoding::Pcm16, Encoding::Pcm24, Encoding::Float32] {
            assert!(matches!(
                refused(&[vec![0.0, bad]], RATE_HZ, encoding),
                AudioFault::NotFinite {
                    channel: 0,
                    index: 1
                }
            ));
        }
    }
    // Finite, but not in 32 bits.
    assert!(matches!(
        refused(&[vec![1e300]], RATE_HZ, Encoding::Float32),
        AudioFault::NotFinite { .. }
    ));
    assert!(matches!(
        refused(&[vec![0.0]], 0, Encoding::Pcm16),
        AudioFault::Unstorable { .. }
    ));
    assert!(matches!(
        refused(&[vec![0.0]], u32::MAX, Encoding::Pcm16),
        AudioFault::Unstorable { .. }
    ));
    assert!(matches!(
        refused(&vec![vec![0.0]; 40_000], RATE_HZ, Encoding::Pcm16),
        AudioFault::Unstorable { .. }
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
    assert!(matches!(error.fault, AudioFault::Io(_)));
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

        let whole = audio::read_channels(path("whole.wav")).unwrap();
        let mut reader = audio::Reader::open(path("whole.wav")).unwrap();
        assert_eq!((reader.channels(), reader.samples()), (2, Some(1000)));
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
    assert!(audio::Reader::open(&path).is_err());
}

#[test]
fn bytes_are_those_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let samples = [0.0, 0.25, -1.0, 0.999];
    wav::write(&path, &samples, 8_000, Encoding::Pcm16).unwrap();
    let bytes = wav::to_bytes(&samples, 8_000, Encoding::Pcm16).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert!(wav::to_bytes(&[f64::NAN], 8_000, Encoding::Pcm16).is_err());
}

/// The fields of the format chunk and the names of the chunks.
fn header(bytes: &[u8]) -> (Vec<u16>, Vec<String>) {
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(u32_at(4), bytes.len() - 8);
    let (mut names, mut fields, mut at) = (Vec::new(), Vec::new(), 12);
    while at < bytes.len() {
        let length = u32_at(at + 4);
        let name = String::from_utf8(bytes[at..at + 4].to_vec()).unwrap();
        if name == "fmt " {
            let words = bytes[at + 8..at + 8 + length].chunks_exact(2);
            fields = words
                .map(|word| u16::from_le_bytes([word[0], word[1]]))
                .collect();
        }
        names.push(name);
        at += 8 + length;
    }
    (fields, names)
}

#[test]
fn one_and_two_channels_have_the_plain_header_and_more_name_their_loudspeakers() {
    let bytes = |channels: usize, encoding| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        wav::write_channels(&path, &vec![[0.5, -0.5]; channels], 16_000, encoding).unwrap();
        fs::read(path).unwrap()
    };
    for channels in [1, 2] {
        for (encoding, tag, bits) in [
            (Encoding::Pcm16, 1, 16),
            (Encoding::Pcm24, 1, 24),
            (Encoding::Float32, 3, 32),
        ] {
            let (fields, names) = header(&bytes(channels, encoding));
            let count = channels as u16;
            let frame_bytes = count * bits / 8;
            let bytes_a_second = 16_000 * u32::from(frame_bytes);
            let (low, high) = (bytes_a_second as u16, (bytes_a_second >> 16) as u16);
            assert_eq!(
                fields[..8],
                [tag, count, 16_000, 0, low, high, frame_bytes, bits]
            );
            match encoding {
                // No more fields: the module `wave` of Python takes tag 1 and nothing else.
                Encoding::Pcm16 | Encoding::Pcm24 => {
                    assert_eq!(
                        (fields.len(), names),
                        (8, vec!["fmt ".into(), "data".into()])
                    );
                }
                Encoding::Float32 => {
                    assert_eq!(fields[8..], [0]);
                    assert_eq!(names, ["fmt ", "fact", "data"]);
                }
            }
        }
    }
    // Front left and right, centre, low, back left and right: 1, 2, 4, 8, 16, 32 (`ksmedia.h`).
    for (channels, mask) in [(3, 7), (4, 1 + 2 + 16 + 32), (6, 63), (7, 0)] {
        for (encoding, tag) in [(Encoding::Pcm24, 1), (Encoding::Float32, 3)] {
            let (fields, _) = header(&bytes(channels, encoding));
            assert_eq!(
                (fields[0], fields[8], fields[10], fields[12]),
                (0xfffe, 22, mask, tag)
            );
        }
    }
}
