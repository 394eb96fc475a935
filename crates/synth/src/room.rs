//! A living room: the impulse response from a talker to a microphone two metres away, and the noise
//! floor of the recording.

use dsp::Complex64;
use dsp::fft::RealFft;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use thiserror::Error;

use crate::filter::{OnePole, amplitude, rms};
use crate::sample_rate::SAMPLE_RATE_HZ;

/// Why a room cannot be made.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum RoomError {
    /// The reverberation time is out of range.
    #[error("the reverberation time must be between 0.05 and 5 seconds, not {0}")]
    ReverberationTime(f64),
}

/// A room with a source of sound and a microphone in it.
#[derive(Clone)]
pub struct Room {
    response: Vec<f64>,
    spectrum: Vec<Complex64>,
    fft: RealFft,
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Room")
            .field("response_samples", &self.response.len())
            .finish_non_exhaustive()
    }
}

const SPEED_OF_SOUND_METRES_PER_SECOND: f64 = 343.0;
/// Power that a talker sends towards the microphone, relative to the mean over all directions.
const DIRECTIVITY: f64 = 2.5;
/// When single reflections begin to give way to the diffuse tail, and when they are gone.
const MIXING_SECONDS: (f64, f64) = (0.012, 0.035);
/// Reflections up to this order are computed one by one.
const REFLECTIONS: i32 = 4;

impl Room {
    /// Draws a living room of about 55 cubic metres in which sound decays by 60 dB within
    /// `reverberation_seconds`.
    ///
    /// The first reflections are those of a box (image sources, Allen and Berkley 1979), with
    /// delays to a fraction of a sample. They give way to a diffuse tail: noise that decays
    /// exponentially and loses its high frequencies as it does. Its level follows from the density
    /// of the images.
    ///
    /// # Errors
    /// When the reverberation time is not between 0.05 and 5 seconds.
    pub fn new(reverberation_seconds: f64, rng: &mut dyn Rng) -> Result<Self, RoomError> {
        if !(0.05..=5.0).contains(&reverberation_seconds) {
            return Err(RoomError::ReverberationTime(reverberation_seconds));
        }
        Ok(Self::random(reverberation_seconds, rng))
    }

    /// [`new`](Self::new) without its check.
    pub(crate) fn random(reverberation_seconds: f64, rng: &mut dyn Rng) -> Self {
        let box_metres = [5.2, 4.1, 2.6].map(|side| side * rng.random_range(0.92..1.08));
        let microphone = [
            0.38 * box_metres[0] + rng.random_range(-0.3..0.3),
            0.45 * box_metres[1] + rng.random_range(-0.3..0.3),
            1.2,
        ];
        let angle = rng.random_range(-0.4..0.4_f64);
        let distance = rng.random_range(1.7..2.1);
        let source = [
            microphone[0] + distance * angle.cos(),
            microphone[1] + distance * angle.sin(),
            rng.random_range(1.2..1.5),
        ];
        Self::from_response(draw_response(
            box_metres,
            source,
            microphone,
            reverberation_seconds,
            rng,
        ))
    }

    /// Plans the convolution with an impulse response.
    fn from_response(response: Vec<f64>) -> Self {
        let length = (4 * response.len()).next_power_of_two();
        let fft = RealFft::new(length);
        let mut padded = vec![0.0; length];
        padded[..response.len()].copy_from_slice(&response);
        let mut spectrum = fft.forward.make_output_vec();
        fft.forward
            .process(&mut padded, &mut spectrum)
            .expect("both buffers have the plan's own lengths");
        for bin in &mut spectrum {
            *bin /= length as f64;
        }
        Self {
            response,
            spectrum,
            fft,
        }
    }

    /// The impulse response. Its first sample is the direct sound, with an amplitude of 1.
    pub fn response(&self) -> &[f64] {
        &self.response
    }

    /// Returns what the microphone hears of a dry signal. The result is as long as the signal: the
    /// reverberation after its end is left out.
    #[must_use = "the dry signal is left as it is"]
    pub fn reverberate(&self, dry: &[f64]) -> Vec<f64> {
        let length = self.fft.forward.len();
        let block = length - self.response.len() + 1;
        let mut wet = vec![0.0; dry.len() + length];
        let mut time = self.fft.forward.make_input_vec();
        let mut bins = self.fft.forward.make_output_vec();
        let mut forward_scratch = self.fft.forward.make_scratch_vec();
        let mut inverse_scratch = self.fft.inverse.make_scratch_vec();
        for (start, part) in (0..).step_by(block).zip(dry.chunks(block)) {
            time[..part.len()].copy_from_slice(part);
            time[part.len()..].fill(0.0);
            self.fft
                .forward
                .process_with_scratch(&mut time, &mut bins, &mut forward_scratch)
                .expect("all buffers have the plan's own lengths");
            for (bin, factor) in bins.iter_mut().zip(&self.spectrum) {
                *bin *= factor;
            }
            self.fft.invert(&mut bins, &mut time, &mut inverse_scratch);
            for (sum, sample) in wet[start..].iter_mut().zip(&time) {
                *sum += sample;
            }
        }
        wet.truncate(dry.len());
        wet
    }
}

/// Draws the impulse response between two points of a box, of height 1 at the direct sound.
fn draw_response(
    box_metres: [f64; 3],
    source: [f64; 3],
    microphone: [f64; 3],
    reverberation_seconds: f64,
    rng: &mut dyn Rng,
) -> Vec<f64> {
    let rate = f64::from(SAMPLE_RATE_HZ);
    let [x, y, z] = box_metres;
    let volume = x * y * z;
    let surface = 2.0 * (x * y + y * z + z * x);
    // Eyring's formula, solved for the amplitude that the walls reflect.
    let reflection = (-0.161 * volume / (2.0 * surface * reverberation_seconds)).exp();
    let distance = |from: [f64; 3]| {
        from.iter()
            .zip(microphone)
            .map(|(a, b)| (a - b).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    let direct = distance(source);

    let mut response = vec![0.0; (1.2 * reverberation_seconds * rate) as usize];
    let (mixing, mixed) = MIXING_SECONDS;
    let single = |seconds: f64| ((mixed - seconds) / (mixed - mixing)).clamp(0.0, 1.0);
    let orders = || -REFLECTIONS..=REFLECTIONS;
    for i in orders() {
        for j in orders() {
            for k in orders() {
                let count = i.abs() + j.abs() + k.abs();
                if count == 0 || count > REFLECTIONS {
                    continue;
                }
                let image: [f64; 3] = std::array::from_fn(|axis| {
                    let n = [i, j, k][axis];
                    let inside = if n % 2 == 0 {
                        source[axis]
                    } else {
                        box_metres[axis] - source[axis]
                    };
                    f64::from(n) * box_metres[axis] + inside
                });
                let path = distance(image);
                let seconds = (path - direct) / SPEED_OF_SOUND_METRES_PER_SECOND;
                let height =
                    direct / path * reflection.powi(count) * single(seconds) / DIRECTIVITY.sqrt();
                add_impulse(&mut response, seconds * rate, height);
            }
        }
    }

    // In time, images have a density of 4 pi c^3 t^2 / V, and each has an amplitude of 1 / (c t).
    let density = 4.0 * std::f64::consts::PI * SPEED_OF_SOUND_METRES_PER_SECOND
        / (volume * rate * DIRECTIVITY);
    let start = direct / SPEED_OF_SOUND_METRES_PER_SECOND;
    let mut colour = OnePole::default();
    for (n, sample) in response.iter_mut().enumerate() {
        let seconds = n as f64 / rate;
        let decay = 10f64.powf(-3.0 * (start + seconds) / reverberation_seconds);
        // Air and furniture absorb the high frequencies first. The filter also takes power from
        // white noise, which the gain restores.
        let corner_hz = 1800.0 + 5000.0 * (-seconds / (0.25 * reverberation_seconds)).exp();
        colour.tune(corner_hz);
        let gain = colour.white_gain().recip();
        let diffuse = gain * colour.next(rng.sample(StandardNormal));
        *sample += direct * density.sqrt() * decay * (1.0 - single(seconds)).sqrt() * diffuse;
    }
    response[0] = 1.0;
    response
}

/// Adds an impulse at a fractional sample position: a sinc of sixteen lobes under a Hann window.
fn add_impulse(response: &mut [f64], at: f64, height: f64) {
    const HALF: f64 = 8.0;
    let first = (at - HALF).ceil().max(0.0) as usize;
    let last = (at + HALF).floor().max(0.0) as usize;
    for (n, sample) in response.iter_mut().enumerate().take(last + 1).skip(first) {
        let t = n as f64 - at;
        let sinc = if t.abs() < 1e-9 {
            1.0
        } else {
            (std::f64::consts::PI * t).sin() / (std::f64::consts::PI * t)
        };
        let window = 0.5 + 0.5 * (std::f64::consts::PI * t / HALF).cos();
        *sample += height * sinc * window;
    }
}

/// Adds white noise at `floor_db` relative to the level of the signal: -45 is 45 dB below it.
pub fn add_noise_floor(samples: &mut [f64], floor_db: f64, rng: &mut dyn Rng) {
    let deviation = rms(samples) * amplitude(floor_db);
    for sample in samples {
        *sample += deviation * rng.sample::<f64, _>(StandardNormal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::stream;

    /// Measures the reverberation time by Schroeder's backward integration, from the slope between
    /// -5 and -25 dB.
    fn measured_seconds(response: &[f64]) -> f64 {
        let mut left: Vec<f64> = response
            .iter()
            .rev()
            .scan(0.0, |energy, x| {
                *energy += x * x;
                Some(*energy)
            })
            .collect();
        left.reverse();
        let crossing = |level_db: f64| {
            let bound = left[0] * 10f64.powf(level_db / 10.0);
            left.partition_point(|&energy| energy > bound) as f64 / f64::from(SAMPLE_RATE_HZ)
        };
        3.0 * (crossing(-25.0) - crossing(-5.0))
    }

    #[test]
    fn reverberation_time_is_what_was_asked_for() {
        for seconds in [0.2, 0.3, 0.6] {
            for seed in 0..20 {
                let room = Room::new(seconds, &mut stream(seed, "test", &[])).unwrap();
                let measured = measured_seconds(room.response());
                assert!(
                    (measured / seconds - 1.0).abs() < 0.2,
                    "seed {seed}: {measured}"
                );
            }
        }
    }

    #[test]
    fn direct_sound_comes_first_and_is_highest() {
        for seed in 0..20 {
            let room = Room::new(0.3, &mut stream(seed, "test", &[])).unwrap();
            let [direct, rest @ ..] = room.response() else {
                panic!("empty response");
            };
            assert!((direct - 1.0).abs() < 1e-12);
            assert!(rest.iter().all(|x| x.abs() < 1.0), "seed {seed}");
            // With a talker two metres away in a living room, direct and reverberant sound have
            // similar levels.
            let ratio_db = -10.0 * rest.iter().map(|x| x * x).sum::<f64>().log10();
            assert!((-8.0..6.0).contains(&ratio_db), "seed {seed}: {ratio_db}");
        }
    }

    #[test]
    fn reverberation_is_the_convolution() {
        let room = Room::new(0.1, &mut stream(1, "test", &[])).unwrap();
        let mut rng = stream(2, "test", &[]);
        // Long enough for several blocks.
        let dry: Vec<f64> = (0..30_000).map(|_| rng.random_range(-1.0..1.0)).collect();
        let wet = room.reverberate(&dry);
        assert_eq!(wet.len(), dry.len());
        for at in [0, 1, 100, 6000, 6272, 6273, 12_345, 29_999] {
            let plain: f64 = room
                .response()
                .iter()
                .zip(dry[..=at].iter().rev())
                .map(|(h, x)| h * x)
                .sum();
            assert!(
                (plain - wet[at]).abs() < 1e-10,
                "at {at}: {plain} {}",
                wet[at]
            );
        }
        assert!(room.reverberate(&[]).is_empty());
        // Values that are not finite are passed on: nothing refuses them or panics.
        for value in [f64::NAN, f64::INFINITY] {
            assert!(room.reverberate(&[value, 0.0])[0].is_nan());
        }
    }

    #[test]
    fn noise_floor_is_relative_to_the_signal() {
        let mut samples = vec![0.0; 32_000];
        samples[..16_000].fill(0.1);
        let level = rms(&samples);
        add_noise_floor(&mut samples, -45.0, &mut stream(1, "test", &[]));
        let floor_db = 20.0 * (rms(&samples[16_000..]) / level).log10();
        // Five standard deviations of the level of 16 000 Gaussian samples.
        assert!((floor_db + 45.0).abs() < 0.25, "{floor_db}");
    }

    #[test]
    fn impossible_rooms_are_refused() {
        for seconds in [0.0, -0.3, f64::NAN, f64::INFINITY, 10.0] {
            let outcome = Room::new(seconds, &mut stream(1, "test", &[]));
            assert!(matches!(outcome, Err(RoomError::ReverberationTime(_))));
        }
    }
}
