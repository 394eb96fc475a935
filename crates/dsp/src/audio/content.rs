//! What a file is, by its first bytes.

use std::io;

use super::error::AudioFault;
use super::input::Input;
use super::wave64;

/// Bytes from the start that tell formats apart.
const MARK_BYTES: usize = 64;
/// Where the first packet of an Ogg stream begins: behind a page header with one segment.
const OGG_PACKET: usize = 28;

/// A format that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Wav,
    Wave64,
    Aiff,
    Flac,
    Ogg,
    Mp3,
}

/// Tells what the input is, and leaves it at the first byte of that.
///
/// # Errors
/// [`AudioFault::Unsupported`] for what is known and not read, [`AudioFault::NotAudio`] for all
/// else.
pub(super) fn recognise(input: &mut Input) -> Result<Format, AudioFault> {
    let tagged = skip_id3(input)?;
    let mark = input.peek(MARK_BYTES)?;
    let at = |offset: usize, name: &[u8]| {
        mark.get(offset..offset + name.len())
            .is_some_and(|found| found == name)
    };
    let riff = [b"RIFF", b"RIFX", b"RF64", b"BW64"];
    let format = if riff.iter().any(|name| at(0, *name)) && at(8, b"WAVE") {
        Format::Wav
    } else if at(0, wave64::RIFF) {
        Format::Wave64
    } else if at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")) {
        Format::Aiff
    } else if at(0, b"fLaC") {
        Format::Flac
    } else if at(0, b"OggS") && (at(OGG_PACKET, b"\x01vorbis") || at(OGG_PACKET, b"\x7fFLAC")) {
        Format::Ogg
    } else if let Some((_, _, format, command)) =
        UNREAD.iter().find(|(offset, name, _, _)| at(*offset, name))
    {
        return Err(AudioFault::Unsupported {
            format: (*format).to_owned(),
            command,
        });
    } else if is_mpeg_header(mark, LAYER_2) {
        return Err(AudioFault::Unsupported {
            format: "MPEG audio of layer II".to_owned(),
            command: "ffmpeg -i in.mp2 out.wav",
        });
    } else if tagged || is_mpeg_header(mark, LAYER_3) {
        Format::Mp3
    } else {
        return Err(AudioFault::NotAudio);
    };
    Ok(format)
}

/// Formats that are known and not read: where their mark is, the mark, their name, and a command
/// that converts them.
const UNREAD: [(usize, &[u8], &str, &str); 19] = [
    (
        0,
        b"NIST_1A\n",
        "NIST SPHERE",
        "sox in.sph out.wav` or `sph2pipe -f wav in.sph out.wav",
    ),
    (
        OGG_PACKET,
        b"OpusHead",
        "Ogg Opus",
        "ffmpeg -i in.opus out.wav",
    ),
    (
        OGG_PACKET,
        b"Speex   ",
        "Ogg Speex",
        "ffmpeg -i in.spx out.wav",
    ),
    (
        0,
        b"OggS",
        "Ogg with something else than Vorbis",
        "ffmpeg -i in.ogg out.wav",
    ),
    (
        4,
        b"ftyp",
        "MP4 (AAC or Apple Lossless)",
        "ffmpeg -i in.m4a out.wav",
    ),
    (0, b"\xff\xf1", "AAC", "ffmpeg -i in.aac out.wav"),
    (0, b"\xff\xf9", "AAC", "ffmpeg -i in.aac out.wav"),
    (
        0,
        b"\x1a\x45\xdf\xa3",
        "Matroska or WebM",
        "ffmpeg -i in.mka out.wav",
    ),
    (
        0,
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
        "Windows Media Audio",
        "ffmpeg -i in.wma out.wav",
    ),
    (0, b"caff", "Core Audio Format", "ffmpeg -i in.caf out.wav"),
    (0, b".snd", "Sun AU", "sox in.au out.wav"),
    (0, b"wvpk", "WavPack", "wvunpack in.wv -o out.wav"),
    (0, b"MAC ", "Monkey's Audio", "ffmpeg -i in.ape out.wav"),
    (0, b"TTA1", "True Audio", "ffmpeg -i in.tta out.wav"),
    (0, b"ajkg", "Shorten", "ffmpeg -i in.shn out.wav"),
    (0, b"#!AMR", "AMR", "ffmpeg -i in.amr out.wav"),
    (
        0,
        b"Creative Voice File",
        "Creative Voice",
        "sox in.voc out.wav",
    ),
    (8, b"8SVX", "Amiga 8SVX", "sox in.8svx out.wav"),
    (0, b"\x64\xa3\x01\x00", "IRCAM", "sox in.sf out.wav"),
];

/// Passes over the tags that stand before MP3 streams, and whether there were any.
fn skip_id3(input: &mut Input) -> io::Result<bool> {
    let mut tagged = false;
    while let &[b'I', b'D', b'3', _, _, flags, a, b, c, d] = input.peek(10)? {
        // Seven bits a byte, so that none looks like the start of a frame.
        let length = [a, b, c, d]
            .iter()
            .fold(0, |length, byte| length << 7 | u64::from(byte & 0x7f));
        let footer = match flags & 0x10 {
            0 => 0,
            _ => 10,
        };
        tagged = true;
        if !input.skip(10 + length + footer)? {
            break;
        }
    }
    Ok(tagged)
}

/// Layers as headers of frames have them.
const LAYER_2: u8 = 2;
const LAYER_3: u8 = 1;

/// Whether bytes are the header of a frame of MPEG audio of a layer (ISO/IEC 11172-3, 2.4.1.3).
fn is_mpeg_header(bytes: &[u8], wanted: u8) -> bool {
    let &[sync, version, rates, ..] = bytes else {
        return false;
    };
    let (id, layer) = (version >> 3 & 3, version >> 1 & 3);
    let (bit_rate, sample_rate) = (rates >> 4, rates >> 2 & 3);
    let synchronised = sync == 0xff && version >> 5 == 7;
    synchronised && id != 1 && layer == wanted && !matches!(bit_rate, 0 | 15) && sample_rate != 3
}
