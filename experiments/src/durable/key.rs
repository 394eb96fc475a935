//! Keys of the parts of an observation, and of mixtures of recordings: digests of everything that determines the result,
//! and of nothing else. Other cells of the grid, names, threads, statistics, tabled metrics and times are not in them.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::cell::Cell;
use crate::config::{Config, Realmix};
use crate::digest::Digest;
use crate::revision::computed;
use crate::separation::beta;
use crate::training::DictionaryKeys;

/// The keys of one observation's two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Of the single-order separations, which do not depend on beta.
    pub singles: Digest,
    /// Of the fusion.
    pub fusion: Digest,
}

impl Keys {
    /// The keys of a cell, whose dictionaries are known by theirs.
    ///
    /// # Errors
    /// A cell of an order without dictionary.
    pub fn of(cell: &Cell, dictionaries: &DictionaryKeys, config: &Config) -> Result<Self> {
        let mixtures = &config.mixtures;
        let generation = dictionaries
            .generation
            .get(cell.order_index)
            .with_context(|| format!("no dictionary of order {}", cell.true_order))?;
        let estimation: Vec<String> = dictionaries
            .estimation
            .iter()
            .map(ToString::to_string)
            .collect();
        // `{:?}` writes numbers such that they read back as the same bits.
        let singles = Digest::of([
            computed("singles"),
            generation.to_string(),
            dictionaries.background.to_string(),
            estimation.join(" "),
            format!("{:?}", config.training.normalisation),
            toml::to_string(&config.stft)?,
            format!("{:?}", (config.experiment.seed, cell.key())),
            format!(
                "{:?}",
                (
                    mixtures.frames,
                    mixtures.activation_shape,
                    mixtures.noise_variance
                )
            ),
            model(config),
            format!("{:?}", config.evaluation.filter_taps),
        ]);
        let beta = format!("beta {:?}", beta(config));
        Ok(Self {
            singles,
            fusion: Digest::of([b"fusion", &singles.0[..], beta.as_bytes()]),
        })
    }
}

/// The key of a mixture of recordings, through all methods together.
///
/// `speech`, `background`: keys of its dictionaries, the background's where it is known. `signals`: of what is mixed.
/// `index`: its number in its unit, by which it draws.
///
/// # Errors
/// None in practice: every configuration has a text.
pub fn of_mixture(
    (index, snr_db): (usize, f64),
    signals: Digest,
    speech: &[Digest],
    background: Option<Digest>,
    config: &Config,
) -> Result<Digest> {
    let noise_db = Realmix::of(config).noise_db;
    let speech: Vec<String> = speech.iter().map(ToString::to_string).collect();
    Ok(Digest::of([
        computed("mixture of recordings"),
        signals.to_string(),
        speech.join(" "),
        background.map(|key| key.to_string()).unwrap_or_default(),
        format!("{:?}", config.training.normalisation),
        toml::to_string(&config.stft)?,
        // Adding zero turns -0 into 0.
        format!("{:?}", (config.experiment.seed, index, snr_db + 0.0)),
        model(config),
        format!("{:?}", (config.model.tempering(), noise_db)),
        format!("{:?}", config.evaluation.filter_taps),
    ]))
}

/// The model's settings, but the tempering.
fn model(config: &Config) -> String {
    let model = &config.model;
    format!(
        "{:?}",
        (
            model.dictionary_shape,
            model.activation_shape,
            model.activation_start,
            model.dictionary_start_floor,
            model.iterations,
            model.precision,
            config.training.background_components,
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::grid;
    use crate::config::BackgroundModel;

    fn keys(change: impl FnOnce(&mut Config)) -> Keys {
        let mut config = Config::default();
        change(&mut config);
        let digests = |side: u8| {
            let orders = config.training.orders.iter();
            orders
                .map(|&order| Digest::of([[side, order as u8]]))
                .collect()
        };
        let dictionaries = DictionaryKeys {
            generation: digests(0),
            estimation: digests(1),
            background: Digest::of_bytes(b"background"),
        };
        // The observation of order 4 at 0 dB.
        let cell = grid(&config)
            .into_iter()
            .find(|cell| cell.true_order == 4 && cell.snr_db.abs() < 1e-9);
        Keys::of(&cell.unwrap(), &dictionaries, &config).unwrap()
    }

    #[test]
    fn what_does_not_determine_a_result_is_not_in_its_key() {
        let plain = keys(|_| {});
        let same: [fn(&mut Config); 6] = [
            |config| config.experiment.name = "other".to_owned(),
            |config| config.statistics.resamples = 100,
            |config| config.timings.repetitions = 1,
            |config| config.evaluation.metrics.truncate(1),
            |config| config.mixtures.snr_db = vec![-0.0, 20.0],
            // The default, said.
            |config| config.model.beta = Some(1e4),
        ];
        for change in same {
            assert_eq!(keys(change), plain);
        }
    }

    #[test]
    fn what_determines_a_result_is_in_its_key() {
        let plain = keys(|_| {});
        let changes: [fn(&mut Config); 12] = [
            |config| config.experiment.seed = 2,
            |config| config.stft.hop_samples = 512,
            |config| config.training.background_components = 8,
            |config| config.training.normalisation = crate::config::Normalisation::UnitSum,
            |config| config.training.orders = vec![4, 6],
            |config| config.mixtures.frames = 200,
            |config| config.mixtures.noise_variance = 1e-7,
            |config| config.model.activation_start = 10.0,
            |config| config.model.dictionary_start_floor = 1e-9,
            |config| config.model.iterations = 51,
            |config| config.model.precision = model::Precision::F32,
            |config| config.evaluation.filter_taps = 256,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let changed = keys(change);
            assert_ne!(changed.singles, plain.singles, "{index}");
            assert_ne!(changed.fusion, plain.fusion, "{index}");
        }
    }

    #[test]
    fn what_determines_a_mixtures_result_is_in_its_key_and_nothing_else_is() {
        let of = |name: (usize, f64), change: fn(&mut Config)| {
            let mut config = Config {
                realmix: Some(Realmix::default()),
                ..Config::default()
            };
            change(&mut config);
            let digest = |text: &str| Digest::of_bytes(text.as_bytes());
            let background = config.realmix.as_ref().unwrap().background;
            let background = (background == BackgroundModel::Known).then(|| digest("background"));
            let speech = [digest("2"), digest("4")];
            of_mixture(name, digest("signals"), &speech, background, &config).unwrap()
        };
        let plain = of((0, 0.0), |_| {});
        let same: [fn(&mut Config); 5] = [
            |config| config.experiment.name = "other".to_owned(),
            |config| config.statistics.resamples = 100,
            |config| config.evaluation.metrics.truncate(1),
            |config| config.mixtures.snr_db = vec![20.0],
            |config| config.realmix.as_mut().unwrap().speakers = vec![30],
        ];
        for change in same {
            assert_eq!(of((0, -0.0), change), plain);
        }
        let changes: [fn(&mut Config); 11] = [
            |config| config.experiment.seed = 2,
            |config| config.stft.hop_samples = 512,
            |config| config.training.background_components = 8,
            |config| config.training.normalisation = crate::config::Normalisation::UnitSum,
            |config| config.model.activation_start = 10.0,
            |config| config.model.iterations = 51,
            |config| config.model.beta = Some(1.0),
            |config| config.model.kappa = Some(1.0),
            |config| config.evaluation.filter_taps = 256,
            |config| config.realmix.as_mut().unwrap().noise_db = -60.0,
            |config| config.realmix.as_mut().unwrap().background = BackgroundModel::Known,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            assert_ne!(of((0, 0.0), change), plain, "{index}");
        }
        assert_ne!(of((1, 0.0), |_| {}), plain);
        assert_ne!(of((0, 3.0), |_| {}), plain);
    }

    #[test]
    fn beta_is_in_the_fusions_key_only() {
        let plain = keys(|_| {});
        let changed = keys(|config| config.model.beta = Some(1.0));
        assert_eq!(changed.singles, plain.singles);
        assert_ne!(changed.fusion, plain.fusion);
    }
}
