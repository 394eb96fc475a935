//! Corpora with too little in them or of another layout.

use std::fs;

use super::common::{float_wav, write_background};
use super::{Case, Spoil, parts};

const FOLDER: &str = "table1 --config tiny.toml --out out --set corpus.kind=folder --set \
                      corpus.speech=speech --set corpus.background=background";
const CHIME: &str = "table1 --config tiny.toml --out out --set corpus.kind=chime --set \
                     corpus.root=chime";
const REALMIX: &str = "realmix --config recordings.toml --out out --set corpus.kind=folder --set \
                       corpus.speech=speech --set corpus.background=background --set \
                       units.speakers=[]";

pub(super) fn cases() -> Vec<Case> {
    let table: [(&str, Spoil, &str, &str); 13] = [
        (
            "no folder of speech",
            |folder| fs::remove_dir_all(folder.join("speech")).unwrap(),
            FOLDER,
            "speech is not a folder (`corpus.speech`)",
        ),
        (
            "no folder of background",
            |folder| fs::remove_dir_all(folder.join("background")).unwrap(),
            FOLDER,
            "background is not a folder (`corpus.background`)",
        ),
        (
            "half a second of background",
            |folder| write_background(&folder.join("background"), 0.5),
            FOLDER,
            "too little background … 1 s (`training.background_seconds`) … 0.5 s",
        ),
        (
            "a silent background",
            |folder| {
                let file = folder.join("background/living room.wav");
                fs::write(file, float_wav(&[0.0; 32_000])).unwrap();
            },
            FOLDER,
            "living room.wav … every sample is zero",
        ),
        (
            "a number that is none among the samples",
            |folder| {
                let mut samples = vec![0.1; 32_000];
                samples[77] = f32::NAN;
                let file = folder.join("background/living room.wav");
                fs::write(file, float_wav(&samples)).unwrap();
            },
            FOLDER,
            "living room.wav … sample 77 of channel 0 is not finite",
        ),
        (
            "infinity among the samples",
            |folder| {
                let mut samples = vec![0.1; 32_000];
                samples[77] = f32::INFINITY;
                let file = folder.join("background/living room.wav");
                fs::write(file, float_wav(&samples)).unwrap();
            },
            FOLDER,
            "living room.wav … sample 77 of channel 0 is not finite",
        ),
        (
            "more utterances than the built-in corpus has",
            |_| (),
            "table1 --config tiny.toml --out out --set training.utterances_per_side=501",
            "builtin, speaker … has 1000 … needs 1002",
        ),
        (
            "realmix of more than the built-in corpus has",
            |_| (),
            "realmix --config recordings.toml --out out --set training.utterances_per_side=501",
            "speaker 3, seed 5: … has 1000 … needs 1002",
        ),
        (
            "too few utterances to hold some out",
            |_| (),
            REALMIX,
            "has 4 … needs 6 … `training.utterances_per_side = 3`",
        ),
        (
            "neither layout of CHiME",
            |folder| fs::remove_dir_all(folder.join("chime/train")).unwrap(),
            CHIME,
            "chime holds neither … PCCdata16kHz/train/reverberated … `corpus.root`",
        ),
        (
            "CHiME without its background",
            |folder| fs::remove_dir_all(folder.join("chime/background")).unwrap(),
            CHIME,
            "chime has no folder background or train/background … `corpus.background`",
        ),
        (
            "another speaker of CHiME",
            |_| (),
            "table1 --config tiny.toml --out out --set corpus.kind=chime --set corpus.root=chime \
             --set corpus.speaker=5",
            "id5 is not a folder (`corpus.speaker`)",
        ),
        (
            "a file that is named by no sentence",
            |folder| {
                let file = folder.join("chime/train/reverberated/id1/hello.wav");
                fs::write(file, "").unwrap();
            },
            CHIME,
            "hello.wav is not named by a sentence of the Grid corpus … `bgaa9a`",
        ),
    ];
    let table = table.into_iter();
    table
        .map(|(what, prepare, command, says)| {
            Case::new(format!("corpus: {what}"), prepare, command, 1, &parts(says))
        })
        .collect()
}
