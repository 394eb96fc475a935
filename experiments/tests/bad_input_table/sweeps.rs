//! Sections `[sweep]` that make no sweep.

use super::Case;
use super::common::TINY;
use super::common::study::TINY_RECORDINGS;

pub(super) fn cases() -> Vec<Case> {
    let sections = SECTIONS.iter();
    let mut cases: Vec<Case> = sections
        .map(|(section, says)| Case::in_file("sweep", format!("{TINY}\n{section}\n"), says))
        .collect();
    for (base, axes) in [(TINY, &AXES[..]), (TINY_RECORDINGS, &OF_RECORDINGS)] {
        cases.extend(axes.iter().map(|(axis, says)| {
            let text = format!("{base}\n[sweep]\n[[sweep.axis]]\n{axis}\n");
            Case::in_file("sweep", text, says)
        }));
    }
    cases
}

const SECTIONS: [(&str, &str); 4] = [
    (
        "[sweep]\nseeds = [1, 1]",
        "`sweep.seeds`: holds a value twice",
    ),
    ("[sweep]\nseeds = [-1]", "-1"),
    (
        "[sweep]\nsedes = [1]",
        "unknown key `sedes` in [sweep]: did you mean `seeds`?",
    ),
    ("[sweep]\naxis = 1", "`sweep.axis`: 1 is not allowed"),
];

const AXES: [(&str, &str); 27] = [
    ("values = [1]", "needs either `key`"),
    (
        "key = \"model.beta\"",
        "axis `model.beta`: needs either `values` or `log_range`",
    ),
    (
        "key = \"beta\"\nvalues = [1]",
        "axis `beta` … `section.key`",
    ),
    (
        "key = \"model.betta\"\nvalues = [1.0]",
        "sweep.axis, model.betta = 1: unknown key `betta` in [model]: did you mean `beta`?",
    ),
    (
        "key = \"model.beta\"\nvalues = []",
        "axis `model.beta`: has no values",
    ),
    (
        "key = \"model.beta\"\nvalues = [1, 1]",
        "axis `model.beta`: holds 1 twice",
    ),
    (
        "key = \"model.beta\"\nvalues = [1.0, 1.0]",
        "axis `model.beta`: holds 1.0 twice",
    ),
    (
        "key = \"model.beta\"\nvalues = [\"x\"]",
        "model.beta … \"x\" is not allowed",
    ),
    (
        "key = \"model.iterations\"\nvalues = [\"x\"]",
        "sweep.axis, model.iterations = x: `model.iterations`: \"x\" is not",
    ),
    (
        "key = \"model.beta\"\nvalues = [1.0, -2.0]",
        "sweep.axis, model.beta = -2: `model.beta`: -2.0 is out of range",
    ),
    ("key = \"model.beta\"\nvalues = [nan]", "`model.beta`: NaN"),
    (
        "key = \"model.beta\"\nvalues = [0, 1]\nlog = true",
        "`log = true` is for positive",
    ),
    (
        "key = \"experiment.seed\"\nvalues = [1]",
        "`experiment.seed` cannot be an axis",
    ),
    (
        "key = \"timings.repetitions\"\nvalues = [1]",
        "`timings.repetitions` cannot be an axis",
    ),
    (
        "key = \"statistics.resamples\"\nvalues = [100]",
        "`statistics.resamples` cannot be an axis",
    ),
    (
        "key = \"report.examples\"\nvalues = [1]",
        "`report.examples` cannot be an axis",
    ),
    (
        "key = \"mixtures.source\"\nvalues = [\"drawn\", \"recordings\"]",
        "`mixtures.source` cannot be an axis",
    ),
    (
        "key = \"sweep.seeds\"\nvalues = [[1], [2]]",
        "`sweep.seeds` cannot be an axis",
    ),
    (
        "key = \"model.beta\"\nlog_range = { from = 0.0, to = 1.0, points = 3 }",
        "`from` and `to` of a `log_range` are positive numbers",
    ),
    (
        "key = \"model.beta\"\nlog_range = { from = 1, to = 2, points = 1 }",
        "`sweep.axis`: 1 is out of range",
    ),
    (
        "key = \"model.beta\"\nlog_range = { from = 1, to = 2, points = 999999999999 }",
        "`sweep.axis`: 999999999999 is out of range",
    ),
    (
        "key = \"training.iterations\"\nlog_range = { from = 1, to = 100, points = 3 }",
        "training.iterations … is not allowed; allowed: a whole number",
    ),
    (
        "keys = [\"model.beta\", \"model.iterations\"]\nvalues = [[1, 2], [3]]",
        "one list per key, all of one length",
    ),
    (
        "keys = [\"model.beta\"]\nvalues = [[1]]",
        "`keys` with two keys at least",
    ),
    (
        "keys = [\"model.beta\", \"model.iterations\"]\n\
         log_range = { from = 1, to = 2, points = 2 }",
        "a `log_range` is for a single `key`",
    ),
    (
        "key = \"model.beta\"\nvalues = [1]\n[[sweep.axis]]\nkey = \"model.beta\"\nvalues = [2]",
        "`model.beta` is on an axis twice",
    ),
    (
        "key = \"model.beta\"\nlog_range = { from = 1, to = 2, points = 1000 }\n[[sweep.axis]]\n\
         key = \"mixtures.noise_variance\"\nlog_range = { from = 1, to = 2, points = 1000 }",
        "1000000 points and seeds, allowed are at most 100000",
    ),
];

const OF_RECORDINGS: [(&str, &str); 4] = [
    (
        "key = \"units.speakers\"\nvalues = [[3], [7]]",
        "`units.speakers` cannot be an axis",
    ),
    (
        "key = \"units.seeds\"\nvalues = [1, 2]",
        "`units.seeds` cannot be an axis",
    ),
    (
        "key = \"corpus.speaker\"\nvalues = [3, 7]",
        "sweep.axis, corpus.speaker = 3: `corpus.speaker`: has no meaning",
    ),
    (
        "key = \"recordings.mixtures\"\nvalues = [1, 9]",
        "sweep.axis, recordings.mixtures = 9: `recordings.mixtures`: times",
    ),
];
