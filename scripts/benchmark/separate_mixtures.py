#!/usr/bin/env python3
"""The command `separate` beside plain Itakura-Saito NMF, on the mixtures of make_mixtures.py.

Separates ROOT/mixture with the defaults of `separate`, or with the options given after `--`, into
ROOT/estimate/<name>, scores the speech as is_nmf_baseline.py does, and prints the means of all that
has been scored, and how much `separate` gains over each: paired differences with 95 % bootstrap
intervals over the mixtures, for all speakers and for those of `--reported`.

Needs numpy and mir_eval, a built program, the archives of scripts/learn_voices.py, and
ROOT/is_nmf_baseline.csv. Usage:

    python3 scripts/benchmark/separate_mixtures.py ROOT --speech 'DICTIONARIES/{speaker}.npz' \\
        --reported english_woman,czech_man,dutch_woman [-- --method mean]
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from audio import read_wav
from is_nmf_baseline import bss_eval_sources

PROGRAM = Path(__file__).resolve().parents[2] / "target/debug/vbnmf"
RESAMPLES = 10_000


def scale_invariant_sdr(reference, estimate):
    target = (estimate @ reference) / (reference @ reference) * reference
    return 10 * np.log10((target @ target) / ((estimate - target) @ (estimate - target)))


def separate(root, trials, pattern, name, options):
    """Stems of all mixtures, speaker by speaker."""
    with tempfile.TemporaryDirectory() as folder:
        for speaker in sorted({trial["speaker"] for trial in trials}):
            archive = np.load(pattern.format(speaker=speaker))
            orders = {key: archive[key] for key in archive.files if key.startswith("estimation_")}
            dictionaries = Path(folder) / f"{speaker}.npz"
            renamed = {key.replace("estimation", "dictionary"): value for key, value in orders.items()}
            np.savez(dictionaries, **renamed)
            mixtures = [
                str(root / "mixture" / f"{trial['trial']}.wav")
                for trial in trials
                if trial["speaker"] == speaker
            ]
            command = [PROGRAM, "separate", *mixtures, "--speech", dictionaries, "--out", root / "estimate" / name]
            command += ["--dictionary-rate", "16000", "--dictionary-window", "2048", "--encoding", "float32"]
            subprocess.run([*map(str, command), "--quiet", *options], check=True, stdout=subprocess.DEVNULL)


def score(root, trial, name):
    """SDR of BSS Eval and SI-SDR of the speech in dB."""
    def read(path):
        return read_wav(path)[0]

    stems = root / "estimate" / name / trial
    references = np.stack([read(root / "reference" / source / f"{trial}.wav") for source in ("speech", "background")])
    estimates = np.stack([read(stems / f"{source}.wav") for source in ("speech", "background")])
    sdr = bss_eval_sources(references, estimates, compute_permutation=False)[0][0]
    return {"sdr": sdr, "si_sdr": scale_invariant_sdr(references[0], estimates[0])}


def interval(differences, rng):
    """The mean and its bootstrap interval, as text."""
    draws = rng.integers(0, len(differences), (RESAMPLES, len(differences)))
    low, high = np.percentile(differences[draws].mean(axis=1), [2.5, 97.5])
    return f"{differences.mean():+.2f} [{low:+.2f}, {high:+.2f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("--speech", required=True, metavar="PATTERN")
    parser.add_argument("--reported", default="", metavar="SPEAKER,…")
    parser.add_argument("--name", default="separate", help="folder below ROOT/estimate")
    parser.add_argument("options", nargs="*", help="of `separate`, after --")
    arguments = parser.parse_args()
    if bss_eval_sources is None:
        sys.exit("mir_eval is missing: python3 -m pip install mir_eval")
    root = arguments.root
    with open(root / "trials.csv", newline="") as file:
        trials = list(csv.DictReader(file))
    separate(root, trials, arguments.speech, arguments.name, arguments.options)
    scores = {arguments.name: {trial["trial"]: score(root, trial["trial"], arguments.name) for trial in trials}}
    with open(root / "is_nmf_baseline.csv", newline="") as file:
        for row in csv.DictReader(file):
            of_method = scores.setdefault(row["method"], {})
            of_method.setdefault(row["trial"], {})[row["metric"]] = float(row["value_db"])

    rng = np.random.default_rng(1)
    reported = set(filter(None, arguments.reported.split(",")))
    groups = [("all", trials), ("reported", [trial for trial in trials if trial["speaker"] in reported])]
    for group, members in groups:
        if not members:
            continue
        print(f"\n{group}: {len(members)} mixtures, {len({trial['speaker'] for trial in members})} speakers")
        for metric in ("sdr", "si_sdr"):
            def values(method):
                return np.array([scores[method][trial["trial"]][metric] for trial in members])

            own = values(arguments.name)
            for method in sorted(scores):
                gain = interval(own - values(method), rng) if method != arguments.name else ""
                print(f"  {metric:7} {method:16} {values(method).mean():6.2f}  {gain}")
    worse = sum(scores[arguments.name][t]["si_sdr"] < scores["mixture"][t]["si_sdr"] for t in scores["mixture"])
    print(f"\nworse than the mixture by SI-SDR: {worse} of {len(trials)}")


if __name__ == "__main__":
    main()
