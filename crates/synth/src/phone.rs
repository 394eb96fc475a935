//! The speech sounds of the fifty-one words: what the vocal tract does for each of them.
//!
//! Formants and bandwidths follow the tables of Klatt (1980), "Software for a cascade/parallel
//! formant synthesizer", for an average man; durations follow Klatt (1979) for sentences at a
//! normal rate, and the noise spectra the usual descriptions of English obstruents (Stevens 1998).
//! Each speaker scales them.

/// A speech sound, named as in ARPAbet. `Ax` is the neutral vowel of "again" and "seven".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[rustfmt::skip]
pub(crate) enum Phone {
    Aa, Ae, Ah, Ao, Aw, Ax, Ay, Eh, Ey, Ih, Iy, Ow, Uw,
    W, Y, R, L, M, N,
    F, V, Th, Dh, S, Z,
    P, B, T, D, K, G, Ch, Jh,
}

/// The first three formants and their bandwidths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Formants {
    pub(crate) hz: [f64; 3],
    pub(crate) bandwidth_hz: [f64; 3],
}

/// The spectrum of a turbulence: white noise above `high_pass_hz` through parallel resonances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Turbulence {
    pub(crate) high_pass_hz: f64,
    /// Centre and bandwidth in Hz, level in dB.
    pub(crate) resonances: [(f64, f64, f64); 3],
    /// Level in dB of the noise that bypasses the resonances.
    pub(crate) bypass_db: f64,
}

/// How a sound is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Manner {
    /// Voiced, with the tract moving from one posture to another. The two differ in diphthongs and
    /// in vowels that drift.
    Vowel { to: Formants },
    /// A glide or a liquid.
    Approximant,
    /// Sound through the nose. The closed mouth adds a zero.
    Nasal { zero_hz: f64 },
    /// Turbulence at a constriction, `level_db` relative to a vowel.
    Fricative {
        voiced: bool,
        noise: Turbulence,
        level_db: f64,
    },
    /// A closure and a burst; after a voiceless one, breath until the voice sets in. Affricates
    /// have a long burst.
    Plosive {
        voiced: bool,
        noise: Turbulence,
        level_db: f64,
        burst_seconds: f64,
        breath_seconds: f64,
    },
}

/// A sound's entry in the inventory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PhoneSpec {
    pub(crate) manner: Manner,
    pub(crate) formants: Formants,
    /// Usual duration. For a plosive it is that of its closure.
    pub(crate) seconds: f64,
    /// Share of the neighbouring vowel in the second formant: the slope of the locus equation.
    pub(crate) coarticulation: f64,
}

impl Phone {
    pub(crate) fn is_vowel(self) -> bool {
        matches!(self.spec().manner, Manner::Vowel { .. })
    }

    /// Whether the vocal folds vibrate.
    pub(crate) fn is_voiced(self) -> bool {
        match self.spec().manner {
            Manner::Fricative { voiced, .. } | Manner::Plosive { voiced, .. } => voiced,
            _ => true,
        }
    }

    /// Its entry in the inventory.
    pub(crate) fn spec(self) -> PhoneSpec {
        match self {
            Phone::Aa => vowel(230, [700, 1220, 2600], [730, 1180, 2600], [110, 70, 160]),
            Phone::Ae => vowel(125, [620, 1660, 2430], [660, 1520, 2450], [70, 120, 260]),
            Phone::Ah => vowel(125, [620, 1220, 2550], [630, 1230, 2550], [80, 60, 140]),
            Phone::Ao => vowel(220, [560, 930, 2570], [520, 880, 2600], [80, 80, 90]),
            Phone::Aw => vowel(230, [680, 1280, 2550], [420, 940, 2350], [80, 70, 140]),
            Phone::Ax => vowel(70, [500, 1400, 2500], [500, 1420, 2500], [80, 70, 130]),
            Phone::Ay => vowel(215, [680, 1180, 2550], [390, 1930, 2550], [90, 80, 170]),
            Phone::Eh => vowel(125, [530, 1720, 2500], [590, 1620, 2520], [60, 90, 180]),
            Phone::Ey => vowel(185, [490, 1780, 2520], [330, 2080, 2650], [65, 100, 190]),
            Phone::Ih => vowel(85, [400, 1850, 2570], [430, 1740, 2580], [50, 100, 150]),
            Phone::Iy => vowel(165, [310, 2100, 2900], [285, 2200, 2960], [45, 180, 340]),
            Phone::Ow => vowel(200, [540, 1180, 2350], [390, 900, 2300], [80, 70, 80]),
            Phone::Uw => vowel(170, [350, 1250, 2250], [315, 980, 2200], [65, 100, 130]),

            Phone::W => approximant(65, [290, 640, 2150], [50, 80, 70]),
            Phone::Y => approximant(60, [265, 2080, 2980], [45, 220, 420]),
            Phone::R => approximant(65, [310, 1080, 1480], [70, 100, 120]),
            Phone::L => approximant(65, [330, 1050, 2800], [55, 100, 260]),
            Phone::M => nasal(75, 480, [470, 1150, 2130], [60, 200, 220]),
            Phone::N => nasal(70, 900, [470, 1450, 2470], [60, 260, 280]),

            Phone::F => fricative(false, 100, 1100, DENTAL_LIPS, -23.0),
            Phone::V => fricative(true, 65, 1100, DENTAL_LIPS, -30.0),
            Phone::Th => fricative(false, 95, 1290, DENTAL, -26.0),
            Phone::Dh => fricative(true, 55, 1290, DENTAL, -32.0),
            Phone::S => fricative(false, 110, 1420, ALVEOLAR, -12.0),
            Phone::Z => fricative(true, 85, 1420, ALVEOLAR, -17.0),

            Phone::P => plosive(false, 70, 1000, LIP_BURST, -18.0, (7, 45), LIPS),
            Phone::B => plosive(true, 65, 1000, LIP_BURST, -22.0, (6, 5), LIPS),
            Phone::T => plosive(false, 60, 1700, TONGUE_BURST, -10.0, (14, 42), TIP),
            Phone::D => plosive(true, 55, 1700, TONGUE_BURST, -15.0, (8, 6), TIP),
            Phone::K => plosive(false, 65, 1800, PALATE_BURST, -12.0, (18, 42), BACK),
            Phone::G => plosive(true, 60, 1800, PALATE_BURST, -17.0, (13, 8), BACK),
            Phone::Ch => plosive(false, 55, 1800, POSTALVEOLAR, -12.0, (95, 15), BACK),
            Phone::Jh => plosive(true, 50, 1800, POSTALVEOLAR, -16.0, (55, 6), BACK),
        }
    }
}

/// Share of the vowel in the second formant of a closure. The back of the tongue closes near where
/// the vowel holds it, the lips leave the tongue free, and its tip does not.
const BACK: f64 = 0.75;
const LIPS: f64 = 0.55;
const TIP: f64 = 0.3;

/// /s z/: a short cavity in front of the teeth, and nothing below its resonance.
const ALVEOLAR: Turbulence = Turbulence {
    high_pass_hz: 3800.0,
    resonances: [
        (4900.0, 800.0, 0.0),
        (6200.0, 1000.0, -1.0),
        (7400.0, 1000.0, -5.0),
    ],
    bypass_db: -30.0,
};
/// The release of /ch jh/.
const POSTALVEOLAR: Turbulence = Turbulence {
    high_pass_hz: 1900.0,
    resonances: [
        (2600.0, 400.0, 0.0),
        (3700.0, 700.0, -2.0),
        (5200.0, 1200.0, -8.0),
    ],
    bypass_db: -25.0,
};
/// /f v/: hardly any cavity, so hardly any colour.
const DENTAL_LIPS: Turbulence = Turbulence {
    high_pass_hz: 700.0,
    resonances: [
        (1500.0, 1500.0, -6.0),
        (4200.0, 2500.0, -5.0),
        (7000.0, 1800.0, 0.0),
    ],
    bypass_db: -6.0,
};
/// /th dh/.
const DENTAL: Turbulence = Turbulence {
    high_pass_hz: 1200.0,
    resonances: [
        (2600.0, 1500.0, -9.0),
        (5400.0, 1500.0, 0.0),
        (7300.0, 1500.0, -1.0),
    ],
    bypass_db: -8.0,
};
/// /p b/: a falling spectrum, mostly low.
const LIP_BURST: Turbulence = Turbulence {
    high_pass_hz: 150.0,
    resonances: [
        (600.0, 700.0, 0.0),
        (1600.0, 1400.0, -6.0),
        (3500.0, 2500.0, -12.0),
    ],
    bypass_db: -24.0,
};
/// /t d/: a high spectrum.
const TONGUE_BURST: Turbulence = Turbulence {
    high_pass_hz: 2300.0,
    resonances: [
        (3800.0, 900.0, -2.0),
        (5000.0, 1200.0, 0.0),
        (6800.0, 1500.0, -4.0),
    ],
    bypass_db: -18.0,
};
/// /k g/: a compact spectrum. Its first resonance moves with the vowel's second formant.
const PALATE_BURST: Turbulence = Turbulence {
    high_pass_hz: 800.0,
    resonances: [
        (1800.0, 300.0, 0.0),
        (3900.0, 700.0, -10.0),
        (6000.0, 1500.0, -18.0),
    ],
    bypass_db: -26.0,
};

fn formants(hz: [u16; 3], bandwidth_hz: [u16; 3]) -> Formants {
    Formants {
        hz: hz.map(f64::from),
        bandwidth_hz: bandwidth_hz.map(f64::from),
    }
}

fn seconds(milliseconds: u16) -> f64 {
    f64::from(milliseconds) / 1000.0
}

fn vowel(milliseconds: u16, from: [u16; 3], to: [u16; 3], bandwidth_hz: [u16; 3]) -> PhoneSpec {
    PhoneSpec {
        manner: Manner::Vowel {
            to: formants(to, bandwidth_hz),
        },
        formants: formants(from, bandwidth_hz),
        seconds: seconds(milliseconds),
        coarticulation: 0.0,
    }
}

fn approximant(milliseconds: u16, hz: [u16; 3], bandwidth_hz: [u16; 3]) -> PhoneSpec {
    PhoneSpec {
        manner: Manner::Approximant,
        formants: formants(hz, bandwidth_hz),
        seconds: seconds(milliseconds),
        coarticulation: 0.15,
    }
}

fn nasal(milliseconds: u16, zero_hz: u16, hz: [u16; 3], bandwidth_hz: [u16; 3]) -> PhoneSpec {
    PhoneSpec {
        manner: Manner::Nasal {
            zero_hz: f64::from(zero_hz),
        },
        formants: formants(hz, bandwidth_hz),
        seconds: seconds(milliseconds),
        coarticulation: 0.3,
    }
}

fn fricative(
    voiced: bool,
    milliseconds: u16,
    second_formant_hz: u16,
    noise: Turbulence,
    level_db: f64,
) -> PhoneSpec {
    let tract = if voiced {
        formants([240, second_formant_hz, 2500], [70, 80, 170])
    } else {
        formants([330, second_formant_hz, 2500], [200, 110, 190])
    };
    PhoneSpec {
        manner: Manner::Fricative {
            voiced,
            noise,
            level_db,
        },
        formants: tract,
        seconds: seconds(milliseconds),
        coarticulation: 0.35,
    }
}

fn plosive(
    voiced: bool,
    milliseconds: u16,
    second_formant_hz: u16,
    noise: Turbulence,
    level_db: f64,
    (burst, breath): (u16, u16),
    coarticulation: f64,
) -> PhoneSpec {
    let tract = if voiced {
        formants([210, second_formant_hz, 2500], [60, 110, 170])
    } else {
        formants([380, second_formant_hz, 2500], [280, 150, 240])
    };
    PhoneSpec {
        manner: Manner::Plosive {
            voiced,
            noise,
            level_db,
            burst_seconds: seconds(burst),
            breath_seconds: seconds(breath),
        },
        formants: tract,
        seconds: seconds(milliseconds),
        coarticulation,
    }
}
