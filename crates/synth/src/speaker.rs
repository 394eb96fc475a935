//! The thirty-four voices of the corpus.

use rand::{Rng, RngExt};

/// Whether a voice is a woman's or a man's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sex {
    /// A woman's voice.
    Female,
    /// A man's voice.
    Male,
}

/// The properties by which one person's voice differs from another's.
#[derive(Debug, Clone, PartialEq)]
pub struct Speaker {
    /// Whether the speaker is a woman or a man.
    pub sex: Sex,
    /// Formant frequencies relative to those of an average man: the inverse length of the vocal
    /// tract.
    pub formant_scale: f64,
    /// Further factors of the first three formants, for the shape of the vocal tract.
    pub formant_habit: [f64; 3],
    /// Mean fundamental frequency.
    pub pitch_hz: f64,
    /// Rise of the pitch on an accent of medium strength, in semitones.
    pub accent_semitones: f64,
    /// Fall of the pitch from the start of a sentence to its end, in semitones.
    pub declination_semitones: f64,
    /// Share of a period in which the glottis is open.
    pub open_quotient: f64,
    /// Frequency above which the source falls by another 6 dB per octave. Soft voices have a low
    /// one.
    pub tilt_hz: f64,
    /// Level of the breath that accompanies the voice, relative to the voice.
    pub breathiness_db: f64,
    /// Duration of sounds relative to the usual one.
    pub tempo: f64,
    /// Relative standard deviation of the lengths of periods.
    pub jitter: f64,
    /// Relative standard deviation of the amplitudes of pulses.
    pub shimmer: f64,
    /// Level relative to an average speaker.
    pub loudness_db: f64,
}

impl Speaker {
    /// Number of speakers in the corpus.
    pub const COUNT: usize = 34;

    /// The women among the speakers of the Grid corpus, counted from 1.
    const FEMALE: [usize; 16] = [4, 7, 11, 15, 16, 18, 20, 21, 22, 23, 24, 25, 29, 31, 33, 34];

    /// Whether a speaker of the corpus, counted from 1, is a woman or a man. It is the same in the
    /// Grid corpus.
    pub fn sex_of(number: usize) -> Sex {
        if Self::FEMALE.contains(&number) {
            Sex::Female
        } else {
            Sex::Male
        }
    }

    /// Draws a voice within the range of adults' voices.
    pub fn random(sex: Sex, rng: &mut impl Rng) -> Self {
        let mut between = |low: f64, high: f64| rng.random_range(low..high);
        let female = sex == Sex::Female;
        Self {
            sex,
            formant_scale: if female {
                between(1.10, 1.22)
            } else {
                between(0.94, 1.06)
            },
            formant_habit: [
                between(0.95, 1.05),
                between(0.96, 1.04),
                between(0.97, 1.03),
            ],
            pitch_hz: if female {
                between(170.0, 235.0)
            } else {
                between(88.0, 140.0)
            },
            accent_semitones: between(1.5, 4.0),
            declination_semitones: between(2.0, 5.0),
            open_quotient: if female {
                between(0.56, 0.70)
            } else {
                between(0.46, 0.62)
            },
            tilt_hz: if female {
                between(2500.0, 5000.0)
            } else {
                between(3500.0, 7000.0)
            },
            breathiness_db: if female {
                between(-30.0, -22.0)
            } else {
                between(-36.0, -26.0)
            },
            tempo: between(0.9, 1.1),
            jitter: between(0.003, 0.010),
            shimmer: between(0.02, 0.06),
            loudness_db: between(-2.0, 2.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::stream;

    #[test]
    fn corpus_has_sixteen_women_and_eighteen_men() {
        let women = (1..=Speaker::COUNT).filter(|&number| Speaker::sex_of(number) == Sex::Female);
        assert_eq!(women.count(), 16);
    }

    #[test]
    fn voices_differ() {
        let mut rng = stream(1, "test", &[]);
        let first = Speaker::random(Sex::Male, &mut rng);
        let second = Speaker::random(Sex::Male, &mut rng);
        assert_ne!(first, second);
        let woman = Speaker::random(Sex::Female, &mut rng);
        assert!(woman.pitch_hz > first.pitch_hz && woman.formant_scale > second.formant_scale);
    }
}
