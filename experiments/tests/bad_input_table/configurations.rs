//! Files and `--set` options with values that are not allowed. `bad_input.rs` holds the ranges one by one.

use std::fs;

use super::Case;

fn file(text: impl Into<String>, says: &[&str]) -> Case {
    let text = text.into();
    let what: String = text.chars().take(60).collect();
    Case::new(
        format!("configuration {what:?}"),
        move |folder| fs::write(folder.join("wrong.toml"), &text).unwrap(),
        "table1 --config wrong.toml --out out",
        2,
        &[&["wrong.toml"], says].concat(),
    )
}

fn option(option: &str, says: &[&str]) -> Case {
    Case::new(
        format!("--set {option}"),
        |_| (),
        format!("table1 --config tiny.toml --out out --set {option}"),
        2,
        &[&[format!("--set {option}").as_str()], says].concat(),
    )
}

pub(super) fn cases() -> Vec<Case> {
    let deep = format!("model = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let inline = format!("model = {}{}", "{a=".repeat(50_000), "}".repeat(50_000));
    vec![
        file(
            "[model]\nbeta = 1\nbeta = 2\n",
            &["line 3", "duplicate key"],
        ),
        file("[model]\n[stft]\n[model]\n", &["line 3", "duplicate key"]),
        file("[model]\nbeta = \0\n", &["line 2"]),
        file("[model]\nbeta = 1e999\n", &["line 2"]),
        file("[experiment]\nseed = 9223372036854775808\n", &["line 2"]),
        file("[experiment]\nseed = -1\n", &["line 2", "-1"]),
        file(
            "[experiment]\nname = \"\"\n",
            &["line 2", "experiment.name"],
        ),
        file("[experiment]\nname = \".hidden\"\n", &["line 2", ".hidden"]),
        file("[experiment]\nname = \"a/b\"\n", &["line 2", "a/b"]),
        file(
            "[corpus]\nkind = \"tape\"\n",
            &["line 2", "unknown variant `tape`", "`builtin`"],
        ),
        file(
            "[corpus]\nkind = \"chime\"\n",
            &["`corpus.root`: is needed"],
        ),
        file(
            "[corpus]\nkind = \"folder\"\nspeech = \"a\"\nbackground = \"b\"\nspeaker = 3\n",
            &["line 5", "`corpus.speaker`: has no meaning"],
        ),
        file(deep, &["line 1"]),
        file(inline, &["line 1"]),
        option(
            "corpus.sample_rate_hz=1",
            &["`corpus.sample_rate_hz`: 1", "4000 to 192000"],
        ),
        option("stft.window_samples=0", &["`stft`", "window_samples"]),
        option(
            "stft.window_samples=1099511627776",
            &["`stft`", "1099511627776"],
        ),
        option("stft.hop_samples=0", &["`stft`", "hop_samples"]),
        option("training.normalisation=loud", &["unknown variant `loud`"]),
        option("training.estimation=none", &["unknown variant `none`"]),
        option(
            "training.background_seconds=1e9",
            &["`training.background_seconds`: 1000000000.0"],
        ),
        option(
            "mixtures.activation_shape=1e9",
            &["`mixtures.activation_shape`: 1000000000.0"],
        ),
        option(
            "mixtures.noise_variance=inf",
            &["`mixtures.noise_variance`: inf"],
        ),
        option(
            "evaluation.metrics=[\"sdr\",\"sdr\"]",
            &["`evaluation.metrics`: holds Sdr twice"],
        ),
        option(
            "evaluation.filter_taps=100000",
            &["`evaluation.filter_taps`: 100000", "8192"],
        ),
        option(
            "statistics.resamples=1",
            &["`statistics.resamples`: 1", "100 to 1000000"],
        ),
        option("timings.repetitions=0", &["`timings.repetitions`: 0"]),
        option("experiment.seed=99999999999999999999", &["invalid type"]),
        option("model=3", &["expected section.key=value"]),
        option("=3", &["expected section.key=value"]),
        option(".=3", &["unknown field ``"]),
        option("model.beta.x=3", &["unknown field `beta.x`"]),
        option("model.beta={x=1}", &["invalid type: map"]),
    ]
}
