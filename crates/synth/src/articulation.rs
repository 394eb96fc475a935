//! From a sentence to the movements of the vocal tract: timing, targets, transitions and melody.

use rand::{Rng, RngExt};

use crate::filter::amplitude;
use crate::grid::Sentence;
use crate::phone::{Formants, Manner, Phone, PhoneSpec, Turbulence};
use crate::sample_rate::SAMPLE_RATE_HZ;
use crate::speaker::Speaker;

/// Samples in each frame of a score, which lasts 2 ms.
pub(crate) const FRAME_SAMPLES: usize = 32;
/// Frames per second of a score.
pub(crate) const FRAMES_PER_SECOND: f64 = SAMPLE_RATE_HZ as f64 / FRAME_SAMPLES as f64;

/// Frequency of the nasal pole. At rest the nasal zero has it too, so that the two cancel.
pub(crate) const NASAL_POLE_HZ: f64 = 270.0;

/// Time constants of the approach to a target, from both sides, of the tract, the voice and the
/// noises.
const TRACT_SECONDS: f64 = 0.016;
const VOICE_SECONDS: f64 = 0.005;
const NOISE_SECONDS: f64 = 0.002;

/// Length towards which sentences are compressed or stretched, as by speakers who read to a beat.
const SPEECH_SECONDS: f64 = 1.35;
/// Share of the deviation from that length (in log length) that remains.
const ELASTICITY: f64 = 0.6;

/// Level of the breath after a voiceless plosive, relative to a vowel.
const BREATH: f64 = 0.3;

/// The state of the vocal tract and its sources at one time. Amplitudes are relative to a stressed
/// vowel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Posture {
    pub(crate) formants: Formants,
    pub(crate) nasal_zero_hz: f64,
    pub(crate) voice: f64,
    pub(crate) breath: f64,
    pub(crate) friction: f64,
    /// 1 when the mouth is shut and the voice is heard through its walls.
    pub(crate) closure: f64,
}

impl Posture {
    pub(crate) fn silent(formants: Formants) -> Self {
        Self {
            formants,
            nasal_zero_hz: NASAL_POLE_HZ,
            voice: 0.0,
            breath: 0.0,
            friction: 0.0,
            closure: 0.0,
        }
    }

    /// Combines each value with that of `other`, by `f(own, other, time constant in seconds)`.
    fn combine(self, other: Self, f: impl Fn(f64, f64, f64) -> f64) -> Self {
        let tract = |i: usize, a: [f64; 3], b: [f64; 3]| f(a[i], b[i], TRACT_SECONDS);
        Self {
            formants: Formants {
                hz: std::array::from_fn(|i| tract(i, self.formants.hz, other.formants.hz)),
                bandwidth_hz: std::array::from_fn(|i| {
                    tract(i, self.formants.bandwidth_hz, other.formants.bandwidth_hz)
                }),
            },
            nasal_zero_hz: f(self.nasal_zero_hz, other.nasal_zero_hz, TRACT_SECONDS),
            voice: f(self.voice, other.voice, VOICE_SECONDS),
            breath: f(self.breath, other.breath, VOICE_SECONDS),
            friction: f(self.friction, other.friction, NOISE_SECONDS),
            closure: f(self.closure, other.closure, VOICE_SECONDS),
        }
    }
}

/// One frame of a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Frame {
    pub(crate) posture: Posture,
    pub(crate) pitch_hz: f64,
    /// Index into the turbulences of the score.
    pub(crate) noise: usize,
}

/// What a synthesiser needs to say a sentence, frame by frame.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Score {
    pub(crate) frames: Vec<Frame>,
    pub(crate) turbulences: Vec<Turbulence>,
    /// The phones of the sentence in order, with the frames of each.
    pub(crate) marks: Vec<(Phone, std::ops::Range<usize>)>,
}

/// A time in which the tract moves from one posture to another.
#[derive(Debug, Clone, Copy)]
struct Segment {
    seconds: f64,
    from: Posture,
    to: Posture,
    noise: Option<Turbulence>,
}

impl Segment {
    fn steady(seconds: f64, posture: Posture) -> Self {
        Self {
            seconds,
            from: posture,
            to: posture,
            noise: None,
        }
    }

    fn noisy(seconds: f64, posture: Posture, noise: Turbulence) -> Self {
        Self {
            noise: Some(noise),
            ..Self::steady(seconds, posture)
        }
    }
}

/// A sound of a sentence.
#[derive(Debug, Clone, Copy)]
struct Sound {
    phone: Phone,
    spec: PhoneSpec,
    /// Index of the word that it belongs to.
    word: usize,
    first_of_word: bool,
}

/// Strength of the accent on each word (command, colour, preposition, letter, digit, adverb).
const ACCENTS: [f64; Sentence::WORDS] = [0.8, 0.8, 0.1, 1.2, 1.0, 0.6];
/// Length of each word, relative to a stressed one.
const LENGTHS: [f64; Sentence::WORDS] = [0.85, 0.95, 0.8, 1.05, 1.0, 1.1];

/// Plans how a speaker says a sentence. Two plans of a sentence differ like two takes of it, in
/// timing, melody and precision.
pub(crate) fn plan(sentence: &Sentence, speaker: &Speaker, rng: &mut impl Rng) -> Score {
    let sounds = list_sounds(sentence);
    let mut spoken: Vec<(Phone, usize, Vec<Segment>)> = (0..sounds.len())
        .map(|place| {
            (
                sounds[place].phone,
                sounds[place].word,
                segments(&sounds, place, rng),
            )
        })
        .collect();
    fit_to_beat(spoken.iter_mut().flat_map(|(.., parts)| parts), speaker);

    let mut writer = Writer::default();
    let silent = |phone: Phone| Posture::silent(phone.spec().formants);
    writer.rest(rng.random_range(0.06..0.10), silent(sounds[0].phone));
    let mut word_centres = [0.0; Sentence::WORDS];
    let start = writer.frames.len();
    for (phone, word, parts) in spoken {
        let from = writer.frames.len();
        for part in parts {
            writer.segment(&part);
        }
        if phone.is_vowel() {
            word_centres[word] = 0.5 * (from + writer.frames.len()) as f64 / FRAMES_PER_SECOND;
        }
        writer.marks.push((phone, from..writer.frames.len()));
    }
    let end = writer.frames.len();
    writer.rest(
        rng.random_range(0.15..0.20),
        silent(sounds[sounds.len() - 1].phone),
    );

    let Writer {
        mut frames,
        turbulences,
        marks,
    } = writer;
    fade(&mut frames, start, end);
    smooth(&mut frames);
    intone(&mut frames, start..end, &word_centres, speaker, rng);
    for frame in &mut frames {
        for (hz, habit) in frame
            .posture
            .formants
            .hz
            .iter_mut()
            .zip(speaker.formant_habit)
        {
            *hz *= speaker.formant_scale * habit;
        }
    }
    Score {
        frames,
        turbulences,
        marks,
    }
}

/// Lists the sounds of a sentence in order.
fn list_sounds(sentence: &Sentence) -> Vec<Sound> {
    sentence
        .phones()
        .into_iter()
        .enumerate()
        .flat_map(|(word, phones)| {
            phones.iter().enumerate().map(move |(place, &phone)| Sound {
                phone,
                spec: phone.spec(),
                word,
                first_of_word: place == 0,
            })
        })
        .collect()
}

/// Scales the lengths of all segments of a sentence to the speaker's tempo and to the beat.
fn fit_to_beat<'a>(segments: impl Iterator<Item = &'a mut Segment>, speaker: &Speaker) {
    let segments: Vec<&mut Segment> = segments.collect();
    let total: f64 = segments.iter().map(|segment| segment.seconds).sum();
    let stretch = speaker.tempo * (total / SPEECH_SECONDS).powf(ELASTICITY - 1.0);
    for segment in segments {
        segment.seconds *= stretch;
    }
}

/// Writes segments as frames.
#[derive(Default)]
struct Writer {
    frames: Vec<Frame>,
    turbulences: Vec<Turbulence>,
    marks: Vec<(Phone, std::ops::Range<usize>)>,
}

impl Writer {
    fn rest(&mut self, seconds: f64, posture: Posture) {
        self.segment(&Segment::steady(seconds, posture));
    }

    fn segment(&mut self, segment: &Segment) {
        if let Some(noise) = segment.noise {
            self.turbulences.push(noise);
        }
        let count = (segment.seconds * FRAMES_PER_SECOND).round().max(1.0);
        for i in 0..count as usize {
            let share = (i as f64 + 0.5) / count;
            self.frames.push(Frame {
                posture: segment
                    .from
                    .combine(segment.to, |from, to, _| from + share * (to - from)),
                pitch_hz: 0.0,
                noise: self.turbulences.len().saturating_sub(1),
            });
        }
    }
}

/// Plans the segments of one sound among its neighbours.
fn segments(sounds: &[Sound], place: usize, rng: &mut impl Rng) -> Vec<Segment> {
    let sound = sounds[place];
    let previous = place.checked_sub(1).map(|place| sounds[place]);
    let next = sounds.get(place + 1).copied();

    let seconds = duration_seconds(sound, previous, next, rng);
    let mut tract = coarticulated_formants(sounds, place);
    for hz in &mut tract.hz {
        *hz *= rng.random_range(0.975..1.025);
    }
    let silent = Posture::silent(tract);
    match sound.spec.manner {
        Manner::Vowel { to } => vowel_segments(sound, previous, seconds, tract, to),
        Manner::Approximant => vec![Segment::steady(
            seconds,
            Posture {
                voice: 0.75,
                ..silent
            },
        )],
        Manner::Nasal { zero_hz } => {
            let posture = Posture {
                voice: 0.65,
                nasal_zero_hz: zero_hz,
                ..silent
            };
            vec![Segment::steady(seconds, posture)]
        }
        Manner::Fricative {
            voiced,
            noise,
            level_db,
        } => {
            let friction = amplitude(level_db + rng.random_range(-1.5..1.5));
            let posture = Posture {
                voice: if voiced { 0.35 } else { 0.0 },
                friction,
                closure: if voiced { 0.5 } else { 0.0 },
                ..silent
            };
            fricative_segments(seconds, posture, noise)
        }
        Manner::Plosive {
            voiced,
            mut noise,
            level_db,
            burst_seconds,
            breath_seconds,
        } => {
            if matches!(sound.phone, Phone::K | Phone::G) {
                noise.resonances[0].0 = tract.hz[1];
            }
            let into_voice = next.is_some_and(|next| {
                next.phone.is_vowel() || matches!(next.spec.manner, Manner::Approximant)
            });
            let weakening_db = if into_voice { 0.0 } else { -8.0 };
            let friction = amplitude(level_db + weakening_db + rng.random_range(-2.0..2.0));
            let mut parts =
                closure_and_burst(seconds, burst_seconds, voiced, friction, noise, silent);
            if voiced || into_voice {
                let after = next.map_or(tract, |next| next.spec.formants);
                parts.push(release(breath_seconds, voiced, tract, after));
            }
            parts
        }
    }
}

/// Draws the duration of a sound among its neighbours.
fn duration_seconds(
    sound: Sound,
    previous: Option<Sound>,
    next: Option<Sound>,
    rng: &mut impl Rng,
) -> f64 {
    let mut seconds = sound.spec.seconds * LENGTHS[sound.word] * rng.random_range(0.9..1.1);
    let in_cluster = !sound.phone.is_vowel()
        && [previous, next]
            .into_iter()
            .flatten()
            .any(|other| other.word == sound.word && !other.phone.is_vowel());
    if in_cluster {
        seconds *= 0.82;
    }
    if let Some(next) = next
        && sound.phone.is_vowel()
        && next.word == sound.word
        && !next.phone.is_voiced()
    {
        seconds *= 0.85;
    }
    let last_word = sound.word == Sentence::WORDS - 1;
    if last_word && (sound.phone.is_vowel() || next.is_none()) {
        seconds *= 1.2;
    }
    seconds
}

/// A vowel from the formants `from` to the formants `to`, which vary along with `from`.
fn vowel_segments(
    sound: Sound,
    previous: Option<Sound>,
    seconds: f64,
    from: Formants,
    mut to: Formants,
) -> Vec<Segment> {
    for (end, (start, usual)) in to
        .hz
        .iter_mut()
        .zip(from.hz.iter().zip(sound.spec.formants.hz))
    {
        *end *= start / usual;
    }
    let from = Posture {
        voice: 1.0,
        ..Posture::silent(from)
    };
    let to = Posture {
        formants: to,
        ..from
    };
    let mut parts = vec![
        Segment::steady(0.3 * seconds, from),
        Segment {
            to,
            ..Segment::steady(0.5 * seconds, from)
        },
        Segment::steady(0.2 * seconds, to),
    ];
    // The folds are pressed together to set off a word that begins with a vowel after another
    // vowel.
    if sound.first_of_word && previous.is_some_and(|previous| previous.phone.is_vowel()) {
        parts.insert(0, Segment::steady(0.03, Posture { voice: 0.2, ..from }));
    }
    parts
}

/// A fricative, whose noise rises and falls.
fn fricative_segments(seconds: f64, posture: Posture, noise: Turbulence) -> Vec<Segment> {
    let soft = Posture {
        friction: 0.4 * posture.friction,
        ..posture
    };
    vec![
        Segment {
            from: soft,
            ..Segment::noisy(0.35 * seconds, posture, noise)
        },
        Segment::noisy(0.4 * seconds, posture, noise),
        Segment {
            to: soft,
            ..Segment::noisy(0.25 * seconds, posture, noise)
        },
    ]
}

/// The closure of a plosive and the burst that ends it.
fn closure_and_burst(
    closure_seconds: f64,
    burst_seconds: f64,
    voiced: bool,
    friction: f64,
    noise: Turbulence,
    silent: Posture,
) -> Vec<Segment> {
    let closed = Posture {
        voice: if voiced { 0.25 } else { 0.0 },
        closure: if voiced { 1.0 } else { 0.0 },
        ..silent
    };
    let burst = Posture { friction, ..closed };
    let fading = Posture {
        friction: 0.5 * friction,
        ..burst
    };
    vec![
        Segment::steady(closure_seconds, closed),
        Segment {
            to: fading,
            ..Segment::noisy(burst_seconds, burst, noise)
        },
    ]
}

/// The release of a plosive into the sound that follows it, whose formants are `after`: with voice,
/// or with breath until the voice sets in.
fn release(seconds: f64, voiced: bool, tract: Formants, after: Formants) -> Segment {
    let halfway = Formants {
        hz: std::array::from_fn(|i| 0.5 * (tract.hz[i] + after.hz[i])),
        bandwidth_hz: tract.bandwidth_hz,
    };
    let open = Posture {
        breath: if voiced { 0.0 } else { BREATH },
        voice: if voiced { 0.4 } else { 0.0 },
        ..Posture::silent(halfway)
    };
    let fading = Posture {
        breath: 0.6 * open.breath,
        formants: after,
        ..open
    };
    Segment {
        to: fading,
        ..Segment::steady(seconds, open)
    }
}

/// The formants of a sound. The second and the third are drawn towards those of the next vowel, or
/// of the vowel before if none follows.
fn coarticulated_formants(sounds: &[Sound], place: usize) -> Formants {
    let mut formants = sounds[place].spec.formants;
    let share = sounds[place].spec.coarticulation;
    let next = sounds[place + 1..]
        .iter()
        .take(2)
        .find(|sound| sound.phone.is_vowel());
    let vowel = match (next, place.checked_sub(1).map(|before| sounds[before].spec)) {
        (Some(next), _) => Some(next.spec.formants),
        (
            None,
            Some(PhoneSpec {
                manner: Manner::Vowel { to },
                ..
            }),
        ) => Some(to),
        _ => None,
    };
    if let Some(vowel) = vowel {
        formants.hz[1] += share * (vowel.hz[1] - formants.hz[1]);
        formants.hz[2] += 0.5 * share * (vowel.hz[2] - formants.hz[2]);
    }
    formants
}

/// Lets the breath give out, by 4 dB over the sentence, and the voice end softly.
fn fade(frames: &mut [Frame], start: usize, end: usize) {
    const LAST_SECONDS: f64 = 0.12;
    let length = (end - start) as f64;
    for (i, frame) in frames[start..end].iter_mut().enumerate() {
        let gain = amplitude(-4.0 * i as f64 / length);
        let left = (length - i as f64) / FRAMES_PER_SECOND;
        let release = (0.25 + 0.75 * left / LAST_SECONDS).min(1.0);
        frame.posture.voice *= gain * release;
        frame.posture.breath *= gain;
        frame.posture.friction *= gain;
    }
}

/// Lets every value approach its targets exponentially from both sides, so that it sets out before
/// the target changes and arrives after.
fn smooth(frames: &mut [Frame]) {
    let approach = |state: Posture, target: Posture| {
        state.combine(target, |state, target, seconds| {
            target + (state - target) * (-1.0 / (seconds * FRAMES_PER_SECOND)).exp()
        })
    };
    let pass = |frames: &mut dyn Iterator<Item = &mut Frame>| {
        let mut state: Option<Posture> = None;
        for frame in frames {
            let next = state.map_or(frame.posture, |state| approach(state, frame.posture));
            state = Some(next);
            frame.posture = next;
        }
    };
    pass(&mut frames.iter_mut());
    pass(&mut frames.iter_mut().rev());
}

/// Adds the melody: a declining line, an accent on each word, a fall at the end, a slight flutter.
fn intone(
    frames: &mut [Frame],
    speech: std::ops::Range<usize>,
    word_centres: &[f64; Sentence::WORDS],
    speaker: &Speaker,
    rng: &mut impl Rng,
) {
    const ACCENT_SECONDS: f64 = 0.17;
    const FALL_SECONDS: f64 = 0.25;
    let accents =
        ACCENTS.map(|strength| strength * speaker.accent_semitones * rng.random_range(0.6..1.4));
    let key = rng.random_range(-0.7..0.7);
    let flutter: [(f64, f64); 3] =
        [12.7, 7.1, 4.7].map(|hz| (hz, rng.random_range(0.0..std::f64::consts::TAU)));
    let length = speech.len() as f64 / FRAMES_PER_SECOND;
    for (i, frame) in frames.iter_mut().enumerate() {
        let seconds = i as f64 / FRAMES_PER_SECOND;
        let into = (seconds - speech.start as f64 / FRAMES_PER_SECOND).clamp(0.0, length);
        let mut semitones = key + speaker.declination_semitones * (0.5 - into / length);
        for (height, centre) in accents.iter().zip(word_centres) {
            let distance = (seconds - (centre - 0.03)) / ACCENT_SECONDS;
            if distance.abs() < 1.0 {
                semitones += height * 0.5 * (1.0 + (std::f64::consts::PI * distance).cos());
            }
        }
        let left = length - into;
        semitones -= 2.5 * (1.0 - left / FALL_SECONDS).max(0.0);
        for (hz, phase) in flutter {
            semitones += 0.06 * (std::f64::consts::TAU * hz * seconds + phase).sin();
        }
        frame.pitch_hz = speaker.pitch_hz * (semitones / 12.0).exp2();
    }
}
