//! The speech of the corpus: thirty-four speakers, each with sentences without end, in one room.

use rand::RngExt;
use thiserror::Error;

use crate::articulation::plan;
use crate::filter::{amplitude, rms};
use crate::formant::Synthesiser;
use crate::grid::{Sentence, SentenceOrder};
use crate::room::{Room, add_noise_floor};
use crate::speaker::Speaker;
use crate::stream;

/// Reverberation time of the room.
const REVERBERATION_SECONDS: f64 = 0.3;
/// Noise floor of the recordings against the speech.
const FLOOR_DB: f64 = -45.0;
/// Level of an utterance of average loudness against a full-scale square wave.
const LEVEL_DB: f64 = -28.0;

/// Why there is no such speech.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum SpeechError {
    /// Speakers are counted from 1.
    #[error("there is no speaker {0}: they are counted from 1 to {count}", count = Speaker::COUNT)]
    NoSuchSpeaker(usize),
}

/// A sentence as one speaker said it once.
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance {
    /// Number of the speaker, from 1.
    pub speaker: usize,
    /// What was said.
    pub sentence: Sentence,
    /// The recording, mono at [`SAMPLE_RATE_HZ`](crate::SAMPLE_RATE_HZ), full scale 1.
    pub samples: Vec<f64>,
}

/// Seeded speech: the same seed gives the same samples, utterance by utterance, in whatever order
/// they are asked for.
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
    /// The corpus of a seed: its speakers, the order of their sentences, its room.
    #[must_use]
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
            room: Room::living(REVERBERATION_SECONDS, &mut stream(seed, "room", &[])),
            voices,
        }
    }

    /// The room all of it was recorded in.
    #[must_use]
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// A speaker, counted from 1 to [`Speaker::COUNT`].
    ///
    /// # Errors
    /// A number outside that range.
    pub fn speaker(&self, number: usize) -> Result<&Speaker, SpeechError> {
        Ok(&self.voice(number)?.speaker)
    }

    /// An utterance of a speaker, counted from 1: reverberant, with the room's noise floor.
    ///
    /// The sentences of a speaker are in random order and all different up to index
    /// [`Sentence::COUNT`]. Each utterance has a random stream of its own and can be made without
    /// those before it.
    ///
    /// # Errors
    /// A speaker that does not exist.
    pub fn utterance(&self, speaker: usize, index: u64) -> Result<Utterance, SpeechError> {
        let sentence = self.voice(speaker)?.order.sentence(index);
        self.say(speaker, sentence, index)
    }

    /// A given sentence as a speaker says it; another `take` of it differs as two recordings do.
    ///
    /// # Errors
    /// A speaker that does not exist.
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
