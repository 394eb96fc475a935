//! The speech of the corpus: thirty-four speakers in one room, each with a list of sentences.

use rand::RngExt;
use thiserror::Error;

use crate::articulation::plan;
use crate::filter::{amplitude, rms};
use crate::formant::Synthesiser;
use crate::grid::{Sentence, SentenceOrder};
use crate::room::{Room, add_noise_floor};
use crate::speaker::Speaker;
use crate::stream::stream;

/// Reverberation time of the room.
const REVERBERATION_SECONDS: f64 = 0.3;
/// Noise floor of the recordings, relative to the speech.
const FLOOR_DB: f64 = -45.0;
/// Level of an utterance of average loudness, relative to a full-scale square wave.
const LEVEL_DB: f64 = -28.0;

/// Why an utterance cannot be made.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum SpeechError {
    /// There is no speaker with this number.
    #[error("there is no speaker {0}: they are counted from 1 to {count}", count = Speaker::COUNT)]
    NoSuchSpeaker(usize),
}

/// One recording of a sentence by one speaker.
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance {
    /// Number of the speaker, from 1.
    pub speaker: usize,
    /// What was said.
    pub sentence: Sentence,
    /// The recording, mono at [`SAMPLE_RATE_HZ`](crate::SAMPLE_RATE_HZ), with a full scale of 1.
    pub samples: Vec<f64>,
}

/// A corpus of speech, made from a seed.
///
/// The same seed gives the same samples of each utterance, whatever the order in which utterances
/// are made.
///
/// ```
/// let speech = synth::Speech::new(1);
/// let utterance = speech.utterance(3, 7)?;
/// assert_eq!(utterance, speech.utterance(3, 7)?);
/// println!("speaker 3 says: {}", utterance.sentence);
/// assert!((1.2..2.6).contains(&(utterance.samples.len() as f64 / 16_000.0)));
/// # Ok::<(), synth::SpeechError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Speech {
    seed: u64,
    room: Room,
    voices: Vec<Voice>,
}

#[derive(Debug, Clone)]
struct Voice {
    speaker: Speaker,
    order: SentenceOrder,
    synthesiser: Synthesiser,
}

impl Speech {
    /// Draws the speakers, the order of each one's sentences, and the room.
    pub fn new(seed: u64) -> Self {
        let voices = (1..=Speaker::COUNT)
            .map(|number| {
                let cell = [number as u64];
                let sex = Speaker::sex_of(number);
                let speaker = Speaker::random(sex, &mut stream(seed, "speaker", &cell));
                Voice {
                    order: SentenceOrder::new(&mut stream(seed, "sentences", &cell)),
                    synthesiser: Synthesiser::new(&speaker),
                    speaker,
                }
            })
            .collect();
        Self {
            seed,
            room: Room::random(REVERBERATION_SECONDS, &mut stream(seed, "room", &[])),
            voices,
        }
    }

    /// The room in which all utterances are recorded.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// The voice of a speaker. Speakers are counted from 1 to [`Speaker::COUNT`].
    ///
    /// # Errors
    /// When there is no speaker with that number.
    pub fn speaker(&self, number: usize) -> Result<&Speaker, SpeechError> {
        Ok(&self.voice(number)?.speaker)
    }

    /// The utterance with this index of a speaker, reverberant and with the room's noise floor.
    ///
    /// A speaker's sentences are in random order, and all different up to index
    /// [`Sentence::COUNT`]. Each utterance has a random stream of its own and can be made without
    /// those before it.
    ///
    /// # Errors
    /// When there is no speaker with that number.
    pub fn utterance(&self, speaker: usize, index: u64) -> Result<Utterance, SpeechError> {
        let sentence = self.voice(speaker)?.order.sentence(index);
        self.say(speaker, sentence, index)
    }

    /// Records a speaker saying a sentence. Two takes differ like two recordings of a person.
    ///
    /// # Errors
    /// When there is no speaker with that number.
    pub fn say(
        &self,
        speaker: usize,
        sentence: Sentence,
        take: u64,
    ) -> Result<Utterance, SpeechError> {
        let voice = self.voice(speaker)?;
        let cell = [speaker as u64, u64::from(sentence.index()), take];
        let mut rng = stream(self.seed, "utterance", &cell);
        let score = plan(&sentence, &voice.speaker, &mut rng);
        let mut samples = self
            .room
            .reverberate(&voice.synthesiser.render(&score, &mut rng));
        let level = amplitude(LEVEL_DB + voice.speaker.loudness_db + rng.random_range(-1.5..1.5));
        let gain = level / rms(&samples);
        for sample in &mut samples {
            *sample *= gain;
        }
        add_noise_floor(&mut samples, FLOOR_DB, &mut rng);
        Ok(Utterance {
            speaker,
            sentence,
            samples,
        })
    }

    fn voice(&self, number: usize) -> Result<&Voice, SpeechError> {
        number
            .checked_sub(1)
            .and_then(|place| self.voices.get(place))
            .ok_or(SpeechError::NoSuchSpeaker(number))
    }
}
