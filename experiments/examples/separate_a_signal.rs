//! A signal separated in twenty lines: dictionaries from training speech, one inference over all
//! orders.
//!
//! `cargo run -p experiments --example separate_a_signal`

use dsp::{Complex64, Stft, StftSettings};
use model::itakura_saito::{self, TrainingSettings};
use model::{Precision, Settings, SourceModel, level, separate};

fn main() -> anyhow::Result<()> {
    // Speech to learn from, and speech over background to separate: arrays of samples, from
    // wherever.
    let (training, speech, background) = signals()?;
    let mixture: Vec<f64> = speech.iter().zip(&background).map(|(s, b)| s + b).collect();

    let settings = StftSettings::default();
    let stft = Stft::new(&settings)?;
    let power = stft.analyse(&training).mapv(|x| x.norm_sqr());
    let mut dictionaries = Vec::new();
    for order in [2, 4, 8] {
        let mut rng = synth::stream(1, "training", &[order as u64]);
        let settings = TrainingSettings {
            order,
            iterations: 50,
            precision: Precision::F32,
        };
        let trained = itakura_saito::train(power.view(), &settings, &mut rng)?;
        dictionaries.push(trained.dictionary);
    }

    let mut rng = synth::stream(1, "start", &[]);
    let start = synth::gamma_matrix(0.2, 0.2, 8, stft.bins(), 1e-10, &mut rng)?;
    let sources = [
        SourceModel::known(dictionaries).with_activation_start(1.0)?,
        SourceModel::estimated(start)?.with_activation_start(1.0)?,
    ];

    // The recording is brought to the level that the priors expect, and its stems back.
    let expected = level::expected_power(&sources);
    let mean_square = mixture.iter().map(|x| x * x).sum::<f64>() / mixture.len() as f64;
    let gain = level::gain(settings.mean_power(mean_square), expected);
    let spectrogram = stft.analyse(&mixture) * Complex64::from(gain);
    let model = Settings::for_recording(expected);
    let separation = separate(spectrogram.view(), &sources, model)?;
    let estimate = stft.synthesise(separation.estimates[0].view(), mixture.len());
    let stem: Vec<f64> = estimate.iter().map(|x| x / gain).collect();

    let (before, after) = (
        eval::si_sdr(&speech, &mixture)?,
        eval::si_sdr(&speech, &stem)?,
    );
    report(&format!(
        "SI-SDR of the speech: {before:.1} dB in the mixture, {after:.1} dB in its stem"
    ));
    report(&format!(
        "q(K) of orders 2, 4, 8: {:.3?}",
        separation.order_posterior[0]
    ));
    anyhow::ensure!(after > before);
    Ok(())
}

/// Four sentences to learn from, two others, and a background at 0 dB.
fn signals() -> anyhow::Result<(Vec<f64>, Vec<f64>, Vec<f64>)> {
    let speaker = synth::Speech::new(1);
    let said = |indices: std::ops::Range<u64>| -> anyhow::Result<Vec<f64>> {
        let mut samples = Vec::new();
        for index in indices {
            samples.extend(speaker.utterance(12, index)?.samples);
        }
        Ok(samples)
    };
    let (training, speech) = (said(0..4)?, said(4..6)?);
    let seconds = speech.len() as f64 / f64::from(synth::SAMPLE_RATE_HZ) + 0.1;
    let mut background = synth::background(seconds, &mut synth::stream(1, "background", &[]))?;
    background.truncate(speech.len());
    let energy = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>();
    let gain = (energy(&speech) / energy(&background)).sqrt();
    background.iter_mut().for_each(|x| *x *= gain);
    Ok((training, speech, background))
}

#[expect(clippy::print_stdout, reason = "an example talks to its reader")]
fn report(line: &str) {
    println!("{line}");
}
