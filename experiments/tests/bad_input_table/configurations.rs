//! Files and `--set` options with values that are not allowed.

use super::common::TINY;
use super::common::study::TINY_RECORDINGS;
use super::{Case, parts};

/// `--set` of a value, which the message names as it was given.
fn option(study: &str, option: &str, says: &str) -> Case {
    let place = format!("--set {option}: ");
    Case::new(
        format!("--set {option}"),
        |_| (),
        format!("{study} --out out --set {option}"),
        2,
        &[&[place.as_str()], &parts(says)[..]].concat(),
    )
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = files();
    let table1 = |(given, says): &(&str, &str)| option("table1 --config tiny.toml", given, says);
    cases.extend(OPTIONS.iter().map(table1));
    let realmix =
        |(given, says): &(&str, &str)| option("realmix --config recordings.toml", given, says);
    cases.extend(RECORDINGS.iter().map(realmix));
    cases
}

fn files() -> Vec<Case> {
    let deep = format!("model = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let inline = format!("model = {}{}", "{a=".repeat(50_000), "}".repeat(50_000));
    let axis = "\n[sweep]\n[[sweep.axis]]\nkey = \"model.iterations\"\nvalues = [1, 2]\n";
    let unused = format!("{TINY}[recordings]\nmixtures = 3\n");
    let speaker = format!("{TINY_RECORDINGS}[corpus]\nspeaker = 3\n");
    let table: [(&str, &str, &str); 30] = [
        ("table1", "[model\n", "line 1"),
        (
            "table1",
            "model = 3\n",
            "line 1: `model` is a section: give one of its keys",
        ),
        (
            "table1",
            "[model]\nbetta = 1\n",
            "line 2: unknown key `betta` in [model]: did you mean `beta`?",
        ),
        (
            "table1",
            "\n[model]\nbeta = [1]\n",
            "line 3: `model.beta`: [1] is not allowed; allowed: a number from 0.0 to 1e30",
        ),
        (
            "table1",
            "[model]\nbeta = 3\nkappa = 1\n",
            "line 3: `model.kappa` … one of the two",
        ),
        (
            "table1",
            "[model]\nbeta = 1\nbeta = 2\n",
            "line 3 … duplicate key",
        ),
        (
            "table1",
            "[model]\n[stft]\n[model]\n",
            "line 3 … duplicate key",
        ),
        ("table1", "[model]\nbeta = \0\n", "line 2"),
        ("table1", "[model]\nbeta = 1e999\n", "line 2"),
        (
            "table1",
            "[experiment]\nseed = 9223372036854775808\n",
            "line 2",
        ),
        ("table1", "[experiment]\nseed = -1\n", "line 2 … -1"),
        (
            "table1",
            "[experiment]\nname = \"\"\n",
            "line 2 … experiment.name",
        ),
        (
            "table1",
            "[experiment]\nname = \".hidden\"\n",
            "line 2 … .hidden",
        ),
        ("table1", "[experiment]\nname = \"a/b\"\n", "line 2 … a/b"),
        (
            "table1",
            "[corpus]\nkind = \"tape\"\n",
            "line 2: `corpus.kind`: \"tape\" is not allowed … \"builtin\"",
        ),
        (
            "table1",
            "[corpus]\nkind = \"chime\"\n",
            "`corpus.root`: is needed when `corpus.kind` is \"chime\"",
        ),
        (
            "table1",
            "[corpus]\nkind = \"folder\"\n",
            "`corpus.speech`: is needed when `corpus.kind` is \"folder\"",
        ),
        (
            "table1",
            "[corpus]\nkind = \"folder\"\nspeech = \"a\"\nbackground = \"b\"\nspeaker = 3\n",
            "line 5 … `corpus.speaker`: speakers of \"folder\" have names",
        ),
        ("table1", &deep, "line 1"),
        ("table1", &inline, "line 1"),
        (
            "table1",
            &unused,
            "`recordings`: has a meaning only where `mixtures.source` is \"recordings\"",
        ),
        // The name of the section before it was one of any study.
        (
            "realmix",
            "[realmix]\nseeds = 2\n",
            "line 1: unknown section [realmix] … [recordings]",
        ),
        (
            "realmix",
            &speaker,
            "`corpus.speaker`: has no meaning beside `units.speakers`",
        ),
        // A configuration is of one command.
        ("table1", TINY_RECORDINGS, "run it with `vbnmf realmix`"),
        ("sweep", TINY_RECORDINGS, "run it with `vbnmf realmix`"),
        ("sweep", TINY, "run it with `vbnmf table1`"),
        ("realmix", TINY, "run it with `vbnmf table1`"),
        (
            "table1",
            &format!("{TINY}{axis}"),
            "has a section [sweep]: run it with `vbnmf sweep`",
        ),
        (
            "realmix",
            &format!("{TINY}{axis}"),
            "run it with `vbnmf sweep`",
        ),
        (
            "realmix",
            &format!("{TINY_RECORDINGS}{axis}"),
            "run it with `vbnmf sweep`",
        ),
    ];
    let table = table.into_iter();
    table
        .map(|(command, text, says)| Case::in_file(command, text, says))
        .collect()
}

/// Of `table1`.
const OPTIONS: [(&str, &str); 62] = [
    ("model.iterations", "expected section.key=value"),
    (
        "iterations=3",
        "expected section.key=value: … did you mean `training.iterations` or `model.iterations`?",
    ),
    (
        "model=3",
        "expected section.key=value: `model` is a section",
    ),
    ("=3", "expected section.key=value"),
    (".=3", "unknown section []"),
    ("model.iterations=", "is not a TOML value"),
    (
        "modl.iterations=3",
        "unknown section [modl]: did you mean [model]?",
    ),
    (
        "model.iteratons=3",
        "unknown key `iteratons` in [model]: did you mean `iterations`?",
    ),
    ("model.beta.x=3", "unknown key `beta.x` in [model]"),
    ("model.beta={x=1}", "`model.beta`: { x = 1 } is not allowed"),
    (
        "model.beta=-1",
        "`model.beta`: -1.0 is out of range, allowed are 0.0 to 1e30",
    ),
    (
        "model.iterations=x",
        "`model.iterations`: \"x\" is not allowed; allowed: a whole number from 1 to 1000000",
    ),
    ("model.iterations=2.5", "`model.iterations`: 2.5 is not"),
    ("model.iterations=-1", "`model.iterations`: -1 is not"),
    (
        "model.iterations=0",
        "`model.iterations`: 0 is out of range, allowed are 1 to 1000000",
    ),
    (
        "model.dictionary_shape=0",
        "`model.dictionary_shape`: 0.0 … 0.01 to 0.99",
    ),
    (
        "model.dictionary_shape=nan",
        "`model.dictionary_shape`: NaN",
    ),
    (
        "model.activation_shape=1.5",
        "`model.activation_shape`: 1.5 … 0.01 to 0.99",
    ),
    (
        "model.activation_start=inf",
        "`model.activation_start`: inf",
    ),
    (
        "model.activation_start=1e30",
        "`model.activation_start`: 1e30 … 1e-30 to 1e29",
    ),
    (
        "model.dictionary_start_floor=1e30",
        "`model.dictionary_start_floor`: 1e30",
    ),
    ("model.precision=f16", "\"f16\" … \"f32\" or \"f64\""),
    ("training.precision=f16", "\"f16\" … \"f32\" or \"f64\""),
    (
        "evaluation.methods=['vb_fusion','vb_fusion']",
        "`evaluation.methods`: holds vb_fusion twice",
    ),
    (
        "evaluation.methods=['magic']",
        "[\"magic\"] is not allowed … \"vb_fusion\"",
    ),
    (
        "evaluation.methods=[]",
        "`evaluation.methods`: must not be empty",
    ),
    (
        "model.activation_start=levelled",
        "\"levelled\" is not allowed … \"balanced\" or { balanced = ",
    ),
    (
        "model.activation_start={balanced=0}",
        "`model.activation_start`: 0.0 is out of range",
    ),
    (
        "model.tolerance=-1",
        "`model.tolerance`: -1.0 is out of range, allowed are 0.0 to 1.0",
    ),
    (
        "training.weight_mixtures=0",
        "`training.weight_mixtures`: 0 is out of range, allowed are 1 to 1000",
    ),
    ("mixtures.snr_db=[]", "`mixtures.snr_db`: must not be empty"),
    ("mixtures.snr_db=[0,0]", "`mixtures.snr_db`: holds 0 twice"),
    (
        "mixtures.snr_db=[0,1000]",
        "`mixtures.snr_db`: 1000.0 … -100.0 to 100.0",
    ),
    ("mixtures.snr_db=[0", "unclosed array"),
    (
        "mixtures.source=tape",
        "\"tape\" is not allowed … \"drawn\"",
    ),
    ("mixtures.frames=0", "`mixtures.frames`: 0"),
    (
        "mixtures.frames=1000000",
        "1000000 (`mixtures.frames`) times 129 (bins of `stft.window_samples`) is 129000000 … at \
         most 100000000",
    ),
    (
        "mixtures.activation_shape=1e9",
        "`mixtures.activation_shape`: 1000000000.0",
    ),
    (
        "mixtures.noise_variance=0",
        "`mixtures.noise_variance`: 0.0",
    ),
    (
        "mixtures.noise_variance=inf",
        "`mixtures.noise_variance`: inf",
    ),
    ("training.orders=[2,0]", "`training.orders`: 0"),
    ("training.orders=[2,2]", "`training.orders`: holds 2 twice"),
    (
        "training.orders=[2,2000]",
        "`training.orders`: 2000 … 1 to 1000",
    ),
    (
        "training.utterances_per_side=0",
        "`training.utterances_per_side`: 0",
    ),
    (
        "training.background_seconds=0",
        "`training.background_seconds`: 0.0",
    ),
    (
        "training.background_seconds=1e9",
        "`training.background_seconds`: 1000000000.0",
    ),
    ("training.normalisation=loud", "\"loud\" is not allowed"),
    ("training.estimation=none", "\"none\" is not allowed"),
    (
        "stft.hop_samples=300",
        "`stft`: hop_samples is 300 … window_samples (256)",
    ),
    ("stft.hop_samples=0", "`stft` … hop_samples"),
    ("stft.window_samples=0", "`stft` … window_samples"),
    (
        "stft.window_samples=1099511627776",
        "`stft` … 1099511627776",
    ),
    ("stft.window=round", "\"round\" is not allowed"),
    (
        "evaluation.metrics=[\"si_sdr\"]",
        "`evaluation.metrics`: must contain \"sdr\"",
    ),
    (
        "evaluation.metrics=[\"sdr\",\"sdr\"]",
        "`evaluation.metrics`: holds sdr twice",
    ),
    ("evaluation.filter_taps=0", "`evaluation.filter_taps`: 0"),
    (
        "evaluation.filter_taps=100000",
        "`evaluation.filter_taps`: 100000 … 8192",
    ),
    (
        "statistics.resamples=1",
        "`statistics.resamples`: 1 … 100 to 1000000",
    ),
    ("timings.repetitions=0", "`timings.repetitions`: 0"),
    ("report.examples=101", "`report.examples`: 101 … 0 to 100"),
    (
        "experiment.seed=99999999999999999999",
        "`experiment.seed`: \"99999999999999999999\" is not allowed",
    ),
    (
        "experiment.name=../up",
        "`experiment.name`: \"../up\" is not allowed",
    ),
];

/// Of `realmix`, and of corpora.
const RECORDINGS: [(&str, &str); 15] = [
    (
        "recordings.mixtures=9",
        "`recordings.mixtures`: times `recordings.utterances` is 9, and \
         `training.utterances_per_side` holds out 3",
    ),
    ("recordings.mixtures=0", "`recordings.mixtures`: 0"),
    ("recordings.utterances=0", "`recordings.utterances`: 0"),
    ("units.seeds=0", "`units.seeds`: 0 … 1 to 1000"),
    (
        "units.speakers=[99]",
        "`units.speakers`: 99 is out of range, allowed are 1 to 34",
    ),
    (
        "units.speakers=[\"anna\"]",
        "`units.speakers`: \"anna\" is no number",
    ),
    ("units.speakers=[3,3]", "`units.speakers`: holds 3 twice"),
    (
        "recordings.isolated=devel",
        "`recordings.isolated`: has no meaning when `corpus.kind` is \"builtin\"",
    ),
    (
        "recordings.isolated=train",
        "\"train\" is not allowed … \"devel\"",
    ),
    (
        "recordings.noise_db=1",
        "`recordings.noise_db`: 1.0 … -200.0 to 0.0",
    ),
    ("recordings.background=loud", "\"loud\" is not allowed"),
    (
        "recordings.nothing=1",
        "unknown key `nothing` in [recordings]",
    ),
    (
        "training.estimation=same_dictionaries",
        "`training.estimation`: has a meaning for drawn mixtures only",
    ),
    (
        "corpus.sample_rate_hz=1",
        "`corpus.sample_rate_hz`: 1 … 4000 to 192000",
    ),
    (
        "corpus.root=/data",
        "`corpus.root`: has no meaning when `corpus.kind` is \"builtin\"",
    ),
];
