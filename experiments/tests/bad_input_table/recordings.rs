//! WAV files and corpora that cannot be used.

use std::fs;
use std::path::{Path, PathBuf};

use super::common::float_wav;
use super::{Case, Spoil};

const FOLDER: &str = "table1 --config tiny.toml --out out --set corpus.kind=folder --set \
    corpus.speech=speech --set corpus.background=background";
const CHIME: &str = "table1 --config tiny.toml --out out --set corpus.kind=chime --set \
    corpus.root=chime --set corpus.speaker=1";

/// A mono file of 16-bit integers whose format fields can be changed: tag, channels, rate, bits.
pub(super) fn wav(tag: u16, channels: u16, rate_hz: u32, bits: u16, data_bytes: usize) -> Vec<u8> {
    let frame_bytes = channels * bits.div_ceil(8);
    let mut bytes = b"RIFF\0\0\0\0WAVEfmt ".to_vec();
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend([tag, channels].map(u16::to_le_bytes).concat());
    bytes.extend(rate_hz.to_le_bytes());
    bytes.extend(rate_hz.wrapping_mul(frame_bytes.into()).to_le_bytes());
    bytes.extend([frame_bytes, bits].map(u16::to_le_bytes).concat());
    bytes.extend(b"data");
    bytes.extend((data_bytes as u32).to_le_bytes());
    bytes.extend((0..data_bytes).map(|byte| byte as u8));
    bytes
}

/// The third utterance of the folder.
fn victim(folder: &Path) -> PathBuf {
    let mut files: Vec<PathBuf> = fs::read_dir(folder.join("speech"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.swap_remove(2)
}

pub(super) fn recording(what: &str, bytes: Vec<u8>, says: &str) -> Case {
    let replace = move |folder: &Path| fs::write(victim(folder), &bytes).unwrap();
    Case::new(
        format!("recording: {what}"),
        replace,
        FOLDER,
        1,
        &[".wav: ", says],
    )
}

pub(super) fn cases() -> Vec<Case> {
    let right = wav(1, 1, 16_000, 16, 16_000);
    let mut no_format = right.clone();
    no_format[12..16].copy_from_slice(b"junk");
    let mut no_data = right.clone();
    no_data[36..40].copy_from_slice(b"junk");
    let mut big_endian = right.clone();
    big_endian[..4].copy_from_slice(b"RIFX");
    let mut long_format = right.clone();
    long_format[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut short_format = right.clone();
    short_format[16..20].copy_from_slice(&4_u32.to_le_bytes());
    let mut minus_infinity = float_wav(&[0.25; 8000]);
    let end = minus_infinity.len();
    minus_infinity[end - 4..].copy_from_slice(&f32::NEG_INFINITY.to_le_bytes());
    let mut cases = vec![
        recording("nothing", Vec::new(), "not an audio file"),
        recording("eleven bytes", right[..11].to_vec(), "not an audio file"),
        recording(
            "an MP3",
            [b"ID3\x03".as_slice(), &[0; 4000]].concat(),
            "malformed audio file",
        ),
        recording("big-endian by name only", big_endian, "format tag 0x0100"),
        recording("a header only", right[..12].to_vec(), "no data chunk"),
        recording("no format", no_format, "no format chunk"),
        recording("no data", no_data, "no data chunk"),
        recording("endless format", long_format, "no data chunk"),
        recording(
            "short format",
            short_format,
            "the format chunk is too short",
        ),
        recording("data of length 0", wav(1, 1, 16_000, 16, 0), "no samples"),
        recording("no channels", wav(1, 0, 16_000, 16, 16_000), "malformed"),
        recording(
            "rate 0",
            wav(1, 1, 0, 16, 16_000),
            "the sample rate is zero",
        ),
        recording("rate 1", wav(1, 1, 1, 16, 16_000), "1 Hz"),
        recording("rate 8e5", wav(1, 1, 800_000, 16, 16_000), "800000 Hz"),
        recording("0 bits", wav(1, 1, 16_000, 0, 16_000), "have no bits"),
        recording("ADPCM", wav(2, 1, 16_000, 4, 16_000), "format tag 0x0002"),
        recording(
            "extensible, cut",
            wav(0xfffe, 1, 16_000, 16, 16_000),
            "the extensible format chunk is too short",
        ),
        recording(
            "-inf at the end",
            minus_infinity,
            "sample 7999 of channel 0 is not finite",
        ),
        recording("silence", float_wav(&[0.0; 8000]), "every sample is zero"),
        recording(
            "too short",
            float_wav(&[0.5; 100]),
            "shorter than a frame of 256",
        ),
    ];
    let corpora: [(&str, Spoil, &str, &[&str]); 8] = [
        (
            "speech is a file",
            |folder| {
                fs::remove_dir_all(folder.join("speech")).unwrap();
                fs::write(folder.join("speech"), "").unwrap();
            },
            FOLDER,
            &["speech is not a folder (`corpus.speech`)"],
        ),
        (
            "speech without files",
            |folder| {
                fs::remove_dir_all(folder.join("speech")).unwrap();
                fs::create_dir(folder.join("speech")).unwrap();
            },
            FOLDER,
            &["no audio file below speech (`corpus.speech`)"],
        ),
        (
            "an utterance too few",
            |folder| fs::remove_file(victim(folder)).unwrap(),
            FOLDER,
            &["has 3", "needs 4", "`training.utterances_per_side = 2`"],
        ),
        (
            "a background that is too short",
            |folder| {
                let file = folder.join("background/living room.wav");
                fs::write(file, float_wav(&[0.5; 8000])).unwrap();
            },
            FOLDER,
            &["too little background", "`training.background_seconds`"],
        ),
        (
            "a background that is no recording",
            |folder| fs::write(folder.join("background/living room.wav"), "hum").unwrap(),
            FOLDER,
            &["living room.wav", "not an audio file"],
        ),
        (
            "no such root",
            |folder| fs::rename(folder.join("chime"), folder.join("chimes")).unwrap(),
            CHIME,
            &["chime", "`corpus.root`"],
        ),
        (
            "no such speaker",
            |folder| {
                let speakers = folder.join("chime/train/reverberated");
                fs::rename(speakers.join("id1"), speakers.join("id2")).unwrap();
            },
            CHIME,
            &["id1 is not a folder (`corpus.speaker`)"],
        ),
        (
            "an utterance that is no sentence of Grid",
            |folder| {
                let file = folder.join("chime/train/reverberated/id1/xxxxxx.wav");
                fs::write(file, wav(1, 1, 16_000, 16, 16_000)).unwrap();
            },
            CHIME,
            &["xxxxxx.wav is not named by a sentence of the Grid corpus"],
        ),
    ];
    let corpora = corpora.into_iter();
    cases.extend(corpora.map(|(what, prepare, command, says)| {
        Case::new(format!("corpus: {what}"), prepare, command, 1, says)
    }));
    // A dangling link is what an unmounted disk leaves.
    #[cfg(unix)]
    cases.push(Case::new(
        "corpus: a dangling link",
        |folder| {
            let victim = victim(folder);
            fs::remove_file(&victim).unwrap();
            std::os::unix::fs::symlink("/nowhere/a.wav", victim).unwrap();
        },
        FOLDER,
        1,
        &[".wav", "No such file"],
    ));
    cases
}
