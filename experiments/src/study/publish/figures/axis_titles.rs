//! Keys of the configuration as titles of axes.

use crate::config::Axis;

/// The title of an axis of a sweep: its keys in words.
pub(super) fn axis_title(axis: &Axis) -> String {
    let keys = axis.all_keys();
    let titles: Vec<String> = keys.iter().map(|key| key_title(key)).collect();
    titles.join(", ")
}

/// A key in words, with its unit.
fn key_title(key: &str) -> String {
    let fixed = match key {
        "model.beta" => "β (nats)",
        "model.kappa" => "κ (nats per bin and frame)",
        "model.activation_start" => "Start of the activations",
        "model.iterations" => "Iterations of a separation",
        "training.iterations" => "Iterations of a training",
        "mixtures.activation_shape" => "Shape of the activations that generate, b",
        "model.activation_shape" => "Shape of the activation prior, b",
        "model.dictionary_shape" => "Shape of the dictionary prior, a",
        _ => "",
    };
    if !fixed.is_empty() {
        return fixed.to_owned();
    }
    let (section, name) = key.split_once('.').unwrap_or(("", key));
    let units = [
        ("_db", " (dB)"),
        ("_hz", " (Hz)"),
        ("_seconds", " (s)"),
        ("_samples", " (samples)"),
    ];
    let unit = units.iter().find(|(ending, _)| name.ends_with(ending));
    let (name, unit) = match unit {
        Some((ending, unit)) => (name.strip_suffix(ending).unwrap_or(name), *unit),
        None => (name, ""),
    };
    let mut words = name.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!("{words}{unit}, {section}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_titles_with_units() {
        for (key, title) in [
            ("model.kappa", "κ (nats per bin and frame)"),
            ("recordings.noise_db", "Noise (dB), recordings"),
            (
                "training.background_components",
                "Background components, training",
            ),
            ("stft.window_samples", "Window (samples), stft"),
        ] {
            assert_eq!(key_title(key), title);
        }
    }
}
