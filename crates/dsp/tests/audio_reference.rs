//! Every format, encoding and number of channels that is read, against libsndfile; and files as
//! programs write them that do not keep to the rules.
//!
//! Files and samples are from `scripts/fixtures/audio_reference.py`.

use std::io::Cursor;
use std::ops::Range;

use dsp::MultichannelAudio;
use dsp::audio::{self, Reader};

const CASES: &str = include_str!("fixtures/audio/cases.csv");
const FILES: &[u8] = include_bytes!("fixtures/audio/files.bin");
const EXACT: &[u8] = include_bytes!("fixtures/audio/exact.f64");
const LOSSY: &[u8] = include_bytes!("fixtures/audio/lossy.f32");

/// Of two decoders of one lossy stream, of full scale. Neither standard says how to round: each
/// decoder has its own transforms in single precision, with a rounding of 6e-8 at full scale in
/// each of some fifteen stages.
const LOSSY_TOLERANCE: f64 = 1e-6;

struct Case {
    name: &'static str,
    file: &'static [u8],
    audio: MultichannelAudio,
    tolerance: f64,
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
    bytes.split_off(..count).expect("the fixture is whole")
}

fn cases() -> Vec<Case> {
    let (mut files, mut exact, mut lossy) = (FILES, EXACT, LOSSY);
    let cases: Vec<Case> = CASES
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let number = |index: usize| fields[index].parse::<usize>().expect("a number");
            let (count, samples) = (number(3), number(4));
            let (values, tolerance): (Vec<f64>, f64) = match fields[5] {
                "exact" => {
                    let values = take(&mut exact, 8 * count * samples).chunks_exact(8);
                    let value = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().unwrap());
                    (values.map(value).collect(), 0.0)
                }
                _ => {
                    let values = take(&mut lossy, 4 * count * samples).chunks_exact(4);
                    let value = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
                    (values.map(value).map(f64::from).collect(), LOSSY_TOLERANCE)
                }
            };
            let channel = |c: usize| values.iter().skip(c).step_by(count).copied().collect();
            Case {
                name: fields[0],
                file: take(&mut files, number(1)),
                audio: MultichannelAudio {
                    channels: (0..count).map(channel).collect(),
                    sample_rate_hz: number(2) as u32,
                },
                tolerance,
            }
        })
        .collect();
    assert!(files.is_empty() && exact.is_empty() && lossy.is_empty());
    cases
}

fn assert_agrees(found: &MultichannelAudio, case: &Case, how: &str) {
    let name = case.name;
    assert_eq!(
        found.sample_rate_hz, case.audio.sample_rate_hz,
        "{name}, {how}"
    );
    assert_eq!(
        found.channels.len(),
        case.audio.channels.len(),
        "{name}, {how}"
    );
    for (found, expected) in found.channels.iter().zip(&case.audio.channels) {
        assert_eq!(found.len(), expected.len(), "{name}, {how}");
        let differences = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
        let worst = differences.fold(0.0, f64::max);
        assert!(worst <= case.tolerance, "{name}, {how}: {worst:e}");
    }
}

fn read_in_blocks(mut reader: Reader, blocks: &[usize]) -> MultichannelAudio {
    let mut channels = vec![Vec::new(); reader.channels()];
    for &block in blocks.iter().cycle() {
        let read = reader.read(block).unwrap();
        if read[0].is_empty() {
            break;
        }
        for (channel, read) in channels.iter_mut().zip(read) {
            channel.extend(read);
        }
    }
    MultichannelAudio {
        channels,
        sample_rate_hz: reader.sample_rate_hz(),
    }
}

#[test]
fn samples_are_those_of_libsndfile() {
    let cases = cases();
    for case in &cases {
        let found =
            audio::decode(case.file).unwrap_or_else(|fault| panic!("{}: {fault}", case.name));
        assert_agrees(&found, case, "whole");
    }
    assert_eq!(cases.len(), 206);
}

#[test]
fn a_stream_in_blocks_gives_the_same() {
    for case in cases() {
        let reader = Reader::from_stream(case.name, Cursor::new(case.file)).unwrap();
        let found = read_in_blocks(reader, &[1, 7, 1000]);
        assert_agrees(&found, &case, "as a stream");
    }
}

/// Bytes that come one, two or three at a time, as from a slow pipe.
struct Trickle {
    bytes: &'static [u8],
    next: Range<usize>,
}

impl std::io::Read for Trickle {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let step = self.next.start % 3 + 1;
        let count = step.min(to.len()).min(self.next.len());
        let start = self.next.start;
        to[..count].copy_from_slice(&self.bytes[start..start + count]);
        self.next.start += count;
        Ok(count)
    }
}

#[test]
fn bytes_may_come_in_any_portions() {
    for case in cases() {
        let bytes = Trickle {
            bytes: case.file,
            next: 0..case.file.len(),
        };
        let reader = Reader::from_stream(case.name, bytes).unwrap();
        assert_agrees(&read_in_blocks(reader, &[64]), &case, "byte by byte");
    }
}

#[test]
fn lengths_that_are_announced_are_met() {
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(case.name);
        std::fs::write(&path, case.file).unwrap();
        let samples = case.audio.channels[0].len();
        let reader = Reader::open(&path).unwrap();
        // Vorbis, MP3 and streams in Ogg do not say.
        let is_unsaid = case.tolerance > 0.0 || case.name.ends_with(".oga");
        assert_eq!(reader.samples().is_none(), is_unsaid, "{}", case.name);
        assert!(
            reader.samples().is_none_or(|found| found == samples),
            "{}",
            case.name
        );

        let mut recording = audio::Recording::open(&path).unwrap();
        assert_eq!(recording.samples(), samples, "{}", case.name);
        let first = recording.read(samples + 1).unwrap();
        assert_eq!(first[0].len(), samples, "{}", case.name);
        assert!(recording.read(1).unwrap()[0].is_empty());
        recording.rewind().unwrap();
        assert_eq!(recording.read(samples).unwrap(), first, "{}", case.name);
    }
}
