//! A cascade/parallel formant synthesiser after Klatt (1980), with the glottal source of Klatt and
//! Klatt (1990).

use rand::{Rng, RngExt};

use crate::articulation::{FRAME_SAMPLES, NASAL_POLE_HZ, Posture, Score};
use crate::filter::{Antiresonator, Biquad, OnePole, Resonator, amplitude, rms};
use crate::phone::{Formants, Phone, Turbulence};
use crate::sample_rate::SAMPLE_RATE_HZ;
use crate::speaker::Speaker;

/// Bandwidth of the nasal pole and zero.
const NASAL_BANDWIDTH_HZ: f64 = 90.0;
/// The formants above the third of an average man, and their bandwidths. They hardly move.
const UPPER_FORMANTS_HZ: [(f64, f64); 5] = [
    (3500.0, 240.0),
    (4500.0, 300.0),
    (5500.0, 400.0),
    (6500.0, 500.0),
    (7500.0, 600.0),
];
/// Resonances above this are left out: so close to Nyquist a digital filter does not resonate.
const HIGHEST_HZ: f64 = 7700.0;
/// Cut-off frequency of the voice when the mouth is shut.
const CLOSED_HZ: f64 = 280.0;
/// Share of the turbulence that the vibrating folds leave unmodulated.
const STEADY_AIR: f64 = 0.4;

/// The voice of one speaker.
#[derive(Debug, Clone)]
pub(crate) struct Synthesiser {
    speaker: Speaker,
    upper: Vec<Resonator>,
    voice_gain: f64,
    breath_gain: f64,
}

impl Synthesiser {
    /// Chooses the upper formants, and the gains that give the vowel of "one" unit level, whether
    /// it is voiced or whispered.
    pub(crate) fn new(speaker: &Speaker) -> Self {
        let upper = UPPER_FORMANTS_HZ
            .iter()
            .map(|&(hz, bandwidth_hz)| (hz * speaker.formant_scale, bandwidth_hz))
            .filter(|&(hz, _)| hz < HIGHEST_HZ)
            .map(|(hz, bandwidth_hz)| Resonator::new(hz, bandwidth_hz))
            .collect();
        let mut synthesiser = Self {
            speaker: speaker.clone(),
            upper,
            voice_gain: 1.0,
            breath_gain: 1.0,
        };
        let mut formants = Phone::Ah.spec().formants;
        for hz in &mut formants.hz {
            *hz *= speaker.formant_scale;
        }
        let vowel = Posture {
            voice: 1.0,
            ..Posture::silent(formants)
        };

        const CALIBRATION_SAMPLES: usize = 3200;
        let mut tract = Tract::new(&synthesiser, &vowel);
        let mut source = Glottis::new(speaker);
        let voiced: Vec<f64> = (0..CALIBRATION_SAMPLES)
            .map(|_| {
                let pulse = source.next(speaker.pitch_hz, || [0.0; 2]);
                tract.next(pulse.flow, 0.0)
            })
            .collect();
        synthesiser.voice_gain = rms(&voiced).recip();

        let mut tract = Tract::new(&synthesiser, &vowel);
        let energy: f64 = (0..CALIBRATION_SAMPLES)
            .map(|n| tract.next(0.0, if n == 0 { 1.0 } else { 0.0 }).powi(2))
            .sum();
        synthesiser.breath_gain = energy.sqrt().recip();
        synthesiser
    }

    /// Turns a score into samples.
    pub(crate) fn render(&self, score: &Score, rng: &mut impl Rng) -> Vec<f64> {
        let mut banks: Vec<NoiseBank> = score
            .turbulences
            .iter()
            .map(|turbulence| NoiseBank::new(turbulence, self.speaker.formant_scale))
            .collect();
        let breathiness = amplitude(self.speaker.breathiness_db);
        let mut samples = Vec::with_capacity(score.frames.len() * FRAME_SAMPLES);
        let Some(first) = score.frames.first() else {
            return samples;
        };
        let mut before = first.posture;
        let mut tract = Tract::new(self, &before);
        let mut source = Glottis::new(&self.speaker);
        for frame in &score.frames {
            let posture = frame.posture;
            tract.move_to(&posture);
            for i in 0..FRAME_SAMPLES {
                let share = (i + 1) as f64 / FRAME_SAMPLES as f64;
                let voice = before.voice + share * (posture.voice - before.voice);
                let friction = before.friction + share * (posture.friction - before.friction);
                let breath = before.breath + share * (posture.breath - before.breath);

                let pulse = source.next(frame.pitch_hz, || [draw_noise(rng), draw_noise(rng)]);
                let modulation = STEADY_AIR + (1.0 - STEADY_AIR) * pulse.openness;
                let air = draw_noise(rng) * (breath + breathiness * voice * modulation);
                let mut sample =
                    tract.next(self.voice_gain * voice * pulse.flow, self.breath_gain * air);
                if friction > 1e-6 {
                    let bank = &mut banks[frame.noise];
                    let chopped = 1.0 - voice.min(1.0) * (1.0 - modulation);
                    sample += friction * chopped * bank.next(draw_noise(rng));
                }
                samples.push(sample);
            }
            before = posture;
        }
        samples
    }
}

/// Draws a sample of white noise of unit variance.
fn draw_noise(rng: &mut impl Rng) -> f64 {
    let width = 3f64.sqrt();
    rng.random_range(-width..width)
}

/// The vocal folds. While they are open the flow of air is a pulse, t^2 - t^3; then there is none
/// until the period ends.
#[derive(Debug, Clone)]
struct Glottis {
    open_quotient: f64,
    jitter: f64,
    shimmer: f64,
    /// Time within the period, in periods.
    phase: f64,
    closed: bool,
    /// Rate of this period, relative to that of the pitch.
    rate: f64,
    /// Amplitude of this period's pulse.
    strength: f64,
    /// The sample that is still to come out: the source is one sample late.
    held: f64,
}

/// One sample of the glottal source.
#[derive(Debug, Clone, Copy)]
struct Pulse {
    /// Derivative of the flow, as the lips radiate it.
    flow: f64,
    /// The flow itself, at most 1.
    openness: f64,
}

impl Glottis {
    fn new(speaker: &Speaker) -> Self {
        Self {
            open_quotient: speaker.open_quotient,
            jitter: speaker.jitter,
            shimmer: speaker.shimmer,
            phase: 0.0,
            closed: false,
            rate: 1.0,
            strength: 1.0,
            held: 0.0,
        }
    }

    /// The next sample. `deviations` is called once a period and returns two random numbers of unit
    /// variance.
    ///
    /// The derivative of the flow jumps when the folds meet, usually between two samples. Sampled
    /// as it is, the jump would alias into a rough noise. So it is spread over both neighbours (a
    /// polynomial band-limited step), which delays the source by one sample.
    fn next(&mut self, pitch_hz: f64, deviations: impl FnOnce() -> [f64; 2]) -> Pulse {
        let step = self.rate * pitch_hz / f64::from(SAMPLE_RATE_HZ);
        self.phase += step;
        let [mut before, mut after] = [0.0, 0.0];
        if !self.closed && self.phase >= self.open_quotient {
            self.closed = true;
            let late = ((self.phase - self.open_quotient) / step).min(1.0);
            before = 0.5 * self.strength * late * late;
            after = -0.5 * self.strength * (1.0 - late) * (1.0 - late);
        }
        if self.phase >= 1.0 {
            self.phase -= 1.0;
            self.closed = false;
            let [period, pulse] = deviations();
            self.rate = 1.0 + self.jitter * period;
            self.strength = 1.0 + self.shimmer * pulse;
        }
        let (slope, openness) = if self.closed {
            (0.0, 0.0)
        } else {
            let t = self.phase / self.open_quotient;
            (t * (2.0 - 3.0 * t), 6.75 * t * t * (1.0 - t))
        };
        let flow = self.held + before;
        self.held = self.strength * slope + after;
        Pulse { flow, openness }
    }
}

/// The vocal tract from the folds to the lips: a cascade of formants, and the nose.
#[derive(Debug, Clone)]
struct Tract {
    tilt: OnePole,
    walls: OnePole,
    nasal_zero: Antiresonator,
    nasal_pole: Resonator,
    formants: [Resonator; 3],
    upper: Vec<Resonator>,
}

impl Tract {
    fn new(voice: &Synthesiser, posture: &Posture) -> Self {
        let Formants { hz, bandwidth_hz } = posture.formants;
        Self {
            tilt: OnePole::new(voice.speaker.tilt_hz),
            walls: OnePole::new(HIGHEST_HZ),
            nasal_zero: Antiresonator::new(NASAL_POLE_HZ, NASAL_BANDWIDTH_HZ),
            nasal_pole: Resonator::new(NASAL_POLE_HZ, NASAL_BANDWIDTH_HZ),
            formants: std::array::from_fn(|i| Resonator::new(hz[i], bandwidth_hz[i])),
            upper: voice.upper.clone(),
        }
    }

    fn move_to(&mut self, posture: &Posture) {
        self.walls
            .tune(HIGHEST_HZ * (CLOSED_HZ / HIGHEST_HZ).powf(posture.closure));
        self.nasal_zero
            .glide(posture.nasal_zero_hz, NASAL_BANDWIDTH_HZ, FRAME_SAMPLES);
        let targets = posture.formants;
        for (formant, (hz, bandwidth_hz)) in self
            .formants
            .iter_mut()
            .zip(targets.hz.into_iter().zip(targets.bandwidth_hz))
        {
            formant.glide(hz, bandwidth_hz, FRAME_SAMPLES);
        }
    }

    /// The next sample at the lips. The walls of a closed mouth muffle the voice, and turbulent air
    /// is heard only from an open one.
    #[inline]
    fn next(&mut self, voice: f64, air: f64) -> f64 {
        let mut sample = self.walls.next(self.tilt.next(voice)) + air;
        sample = self.nasal_pole.next(self.nasal_zero.next(sample));
        for formant in &mut self.formants {
            sample = formant.next(sample);
        }
        for formant in &mut self.upper {
            sample = formant.next(sample);
        }
        sample
    }
}

/// The filter of a turbulence, with unit output variance for white noise of unit variance.
#[derive(Debug, Clone)]
struct NoiseBank {
    high_pass: Biquad,
    resonances: [(Biquad, f64); 3],
    bypass: f64,
}

impl NoiseBank {
    /// Samples after which the response of a bank has decayed.
    const RESPONSE_SAMPLES: usize = 400;

    /// `formant_scale` moves the resonances half as far as the formants, because the cavities in
    /// front of a constriction differ less between speakers than whole tracts do.
    fn new(turbulence: &Turbulence, formant_scale: f64) -> Self {
        let scale = 0.5 * (1.0 + formant_scale);
        let mut bank = Self {
            high_pass: Biquad::high_pass(turbulence.high_pass_hz * scale),
            resonances: turbulence.resonances.map(|(hz, bandwidth_hz, level_db)| {
                let filter = Biquad::band_pass((hz * scale).min(HIGHEST_HZ), bandwidth_hz);
                (filter, amplitude(level_db))
            }),
            bypass: amplitude(turbulence.bypass_db),
        };
        let mut probe = bank.clone();
        let energy: f64 = (0..Self::RESPONSE_SAMPLES)
            .map(|n| probe.next(if n == 0 { 1.0 } else { 0.0 }).powi(2))
            .sum();
        let gain = energy.sqrt().recip();
        for (_, level) in &mut bank.resonances {
            *level *= gain;
        }
        bank.bypass *= gain;
        bank
    }

    #[inline]
    fn next(&mut self, white: f64) -> f64 {
        let white = self.high_pass.next(white);
        let mut sample = self.bypass * white;
        for (filter, level) in &mut self.resonances {
            sample += *level * filter.next(white);
        }
        sample
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use dsp::fft::RealFft;

    use super::*;
    use crate::articulation::{Frame, plan};
    use crate::grid::Sentence;
    use crate::speaker::Sex;
    use crate::stream::stream;

    /// An average man with a low pitch, whose harmonics are dense enough to show his formants.
    fn average_man() -> Speaker {
        Speaker {
            formant_scale: 1.0,
            formant_habit: [1.0; 3],
            pitch_hz: 100.0,
            ..Speaker::random(Sex::Male, &mut stream(1, "test", &[]))
        }
    }

    fn steady(phone: Phone, speaker: &Speaker) -> Vec<f64> {
        let posture = Posture {
            voice: 1.0,
            ..Posture::silent(phone.spec().formants)
        };
        let frame = Frame {
            posture,
            pitch_hz: speaker.pitch_hz,
            noise: 0,
        };
        let score = Score {
            frames: vec![frame; 250],
            turbulences: Vec::new(),
            marks: Vec::new(),
        };
        Synthesiser::new(speaker).render(&score, &mut stream(2, "test", &[]))
    }

    /// The dry sound of the first occurrence of a phone in a sentence, and that of the sentence.
    fn spoken(code: &str, phone: Phone, speaker: &Speaker) -> (Vec<f64>, Vec<f64>) {
        let sentence: Sentence = code.parse().unwrap();
        let mut rng = stream(3, "test", &[]);
        let score = plan(&sentence, speaker, &mut rng);
        let whole = Synthesiser::new(speaker).render(&score, &mut rng);
        let (_, frames) = score
            .marks
            .iter()
            .find(|(sound, _)| *sound == phone)
            .unwrap();
        let part = whole[frames.start * FRAME_SAMPLES..frames.end * FRAME_SAMPLES].to_vec();
        (part, whole)
    }

    /// The frequencies of the peaks of an all-pole model (Levinson's recursion) of the signal's
    /// first difference.
    fn formant_peaks(samples: &[f64]) -> Vec<f64> {
        const ORDER: usize = 20;
        let lifted: Vec<f64> = samples
            .windows(2)
            .map(|pair| pair[1] - 0.9 * pair[0])
            .collect();
        let windowed: Vec<f64> = lifted
            .iter()
            .enumerate()
            .map(|(n, x)| x * (PI * n as f64 / lifted.len() as f64).sin())
            .collect();
        let correlation: Vec<f64> = (0..=ORDER)
            .map(|lag| {
                windowed
                    .iter()
                    .zip(&windowed[lag..])
                    .map(|(a, b)| a * b)
                    .sum()
            })
            .collect();
        let mut predictor = vec![1.0];
        let mut error = correlation[0];
        for order in 1..=ORDER {
            let sum: f64 = predictor
                .iter()
                .zip(correlation[1..=order].iter().rev())
                .map(|(a, r)| a * r)
                .sum();
            let reflection = -sum / error;
            predictor.push(0.0);
            let mirrored: Vec<f64> = predictor.iter().rev().copied().collect();
            for (a, b) in predictor.iter_mut().zip(mirrored) {
                *a += reflection * b;
            }
            error *= 1.0 - reflection * reflection;
        }
        let inverse_power: Vec<f64> = (0..800)
            .map(|step| {
                let angle = PI * f64::from(step) / 800.0;
                let (re, im) = predictor
                    .iter()
                    .enumerate()
                    .fold((0.0, 0.0), |(re, im), (n, a)| {
                        let (sin, cos) = (angle * n as f64).sin_cos();
                        (re + a * cos, im - a * sin)
                    });
                re * re + im * im
            })
            .collect();
        (1..799)
            .filter(|&i| {
                inverse_power[i] < inverse_power[i - 1] && inverse_power[i] < inverse_power[i + 1]
            })
            .map(|i| 10.0 * i as f64)
            .collect()
    }

    /// The power spectrum under a sine window, as pairs of frequency and power.
    fn spectrum(samples: &[f64]) -> Vec<(f64, f64)> {
        let length = samples.len();
        let transform = RealFft::new(length).forward;
        let mut windowed: Vec<f64> = samples
            .iter()
            .enumerate()
            .map(|(n, x)| x * (PI * (n as f64 + 0.5) / length as f64).sin())
            .collect();
        let mut bins = transform.make_output_vec();
        transform.process(&mut windowed, &mut bins).unwrap();
        let step = f64::from(SAMPLE_RATE_HZ) / length as f64;
        bins.iter()
            .enumerate()
            .map(|(i, bin)| (i as f64 * step, bin.norm_sqr()))
            .collect()
    }

    #[test]
    fn vowels_have_their_formants() {
        for phone in [
            Phone::Ih,
            Phone::Eh,
            Phone::Ae,
            Phone::Ah,
            Phone::Aa,
            Phone::Iy,
        ] {
            let samples = steady(phone, &average_man());
            let peaks = formant_peaks(&samples[2000..6000]);
            for target in phone.spec().formants.hz {
                // Harmonics that are 100 Hz apart place a peak no better than this.
                let tolerance = 50.0 + 0.03 * target;
                assert!(
                    peaks.iter().any(|peak| (peak - target).abs() < tolerance),
                    "{phone:?}: no peak at {target} Hz in {peaks:?}"
                );
            }
        }
    }

    #[test]
    fn voice_has_its_pitch() {
        for pitch_hz in [90.0, 133.0, 229.0] {
            let speaker = Speaker {
                pitch_hz,
                ..average_man()
            };
            let samples = steady(Phone::Ah, &speaker);
            let part = &samples[2000..6000];
            let correlation = |lag: usize| -> f64 {
                part[..3500]
                    .iter()
                    .zip(&part[lag..])
                    .map(|(a, b)| a * b)
                    .sum()
            };
            let best = (50..250)
                .max_by(|&a, &b| correlation(a).total_cmp(&correlation(b)))
                .unwrap();
            let measured = f64::from(SAMPLE_RATE_HZ) / best as f64;
            let periods = measured / pitch_hz;
            // A multiple of the period may correlate equally well.
            let nearest = [1.0, 0.5, 1.0 / 3.0]
                .into_iter()
                .any(|n: f64| (periods / n - 1.0).abs() < 0.02);
            assert!(nearest, "{measured} Hz for {pitch_hz}");
        }
    }

    #[test]
    fn source_is_free_of_aliases() {
        let speaker = Speaker {
            jitter: 0.0,
            shimmer: 0.0,
            ..average_man()
        };
        // A steady 330 Hz: its harmonic 48, at 15.84 kHz, folds back to 160 Hz.
        let mut source = Glottis::new(&speaker);
        let samples: Vec<f64> = (0..16_000)
            .map(|_| source.next(330.0, || [0.0; 2]).flow)
            .collect();
        let lines = spectrum(&samples);
        let alias_db = 10.0 * (lines[160].1 / lines[330].1).log10();
        assert!(alias_db < -60.0, "{alias_db}");
    }

    #[test]
    fn vowels_are_low() {
        let (vowel, _) = spoken("lgas6p", Phone::Iy, &average_man());
        let (mut below, mut above) = (0.0, 0.0);
        for (hz, power) in spectrum(&vowel) {
            *if hz < 1000.0 { &mut below } else { &mut above } += power;
        }
        assert!(below > 4.0 * above, "{below} {above}");
    }

    #[test]
    fn hiss_is_high() {
        for (code, phone) in [("lgas6n", Phone::S), ("lgaz2n", Phone::Z)] {
            let (hiss, _) = spoken(code, phone, &average_man());
            // A voiced hiss contains the voice as well, at low frequencies only.
            let noise = spectrum(&hiss[hiss.len() / 4..3 * hiss.len() / 4])
                .into_iter()
                .filter(|&(hz, _)| hz > 1000.0);
            let (weighted, total) = noise.fold((0.0, 0.0), |(sum, total), (hz, power)| {
                (sum + hz * power, total + power)
            });
            let centroid = weighted / total;
            assert!(
                (4000.0..7000.0).contains(&centroid),
                "{phone:?}: {centroid}"
            );
        }
    }

    #[test]
    fn plosives_close() {
        for phone in [Phone::P, Phone::T, Phone::K] {
            let (sound, whole) = spoken("pgbx2n", phone, &average_man());
            let closure = &sound[35 * sound.len() / 100..45 * sound.len() / 100];
            let level_db = 20.0 * (rms(closure) / rms(&whole)).log10();
            assert!(level_db < -40.0, "{phone:?}: {level_db}");
        }
    }

    #[test]
    fn gains_make_voice_and_breath_one() {
        let level = rms(&steady(Phone::Ah, &average_man())[1000..]);
        assert!((0.8..1.25).contains(&level), "{level}");
    }
}
