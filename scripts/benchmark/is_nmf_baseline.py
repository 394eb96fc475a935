#!/usr/bin/env python3
"""Plain Itakura-Saito NMF with a Wiener filter: the rival that every method here has to beat.

The speech has a dictionary of K1 components, learned beforehand by multiplicative updates; the
background has K2 that are estimated from the mixture, with all activations, in 100 multiplicative
updates of C. Févotte, N. Bertin and J.-L. Durrieu, "Nonnegative matrix factorization with the
Itakura-Saito divergence" (2009). The Wiener filter V_1 / (V_1 + V_2) makes the stems.

Reads ROOT/mixture, ROOT/reference/speech and ROOT/reference/background, one file name per trial;
writes ROOT/estimate/is_nmf_<K1>+<K2>/speech and .../background, and one row per score to a CSV with
the columns `trial,method,metric,value_db`. The speech dictionary is one of

- an archive of the command `train` (arrays `dictionary_<K1>`) or of scripts/learn_voices.py
  (`estimation_<K1>`): order x bins each,
- a folder of WAV files of the speaker, which it is then learned from.

`{speaker}` in its path stands for the column `speaker` of ROOT/trials.csv. Needs numpy; with
mir_eval the SDR of BSS Eval v3 is computed as well, without it SI-SDR alone. Usage:

    python3 scripts/benchmark/is_nmf_baseline.py ROOT --speech 'DICTIONARIES/{speaker}.npz'
"""

import argparse
import csv
import hashlib
import os
import sys
import warnings
from functools import cache
from pathlib import Path

# Matrices this small gain nothing from more threads, and other programs may want the processors.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402

from audio import Stft, read_wav, write_wav  # noqa: E402

try:
    from mir_eval.separation import bss_eval_sources
except ImportError:
    bss_eval_sources = None

SETTINGS = ((8, 4), (8, 16), (14, 4), (14, 16))
WINDOW_SAMPLES = 2048
ITERATIONS = 100
# As in the training of crates/model: powers below this share of the mean are raised to it.
RELATIVE_POWER_FLOOR = 1e-12


def make_generator(*keys):
    """Random numbers that depend on nothing but the keys."""
    digest = hashlib.sha256("/".join(map(str, keys)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def factorise(power, known, components, rng, iterations=ITERATIONS):
    """V = W H of a power spectrogram (bins x frames) with some columns of W known.

    known: bins x K1, or None. components: K2, the columns to estimate. Returns W and H, the known
    columns first; columns have unit mean over the bins.
    """
    bins, frames = power.shape
    power = np.maximum(power, RELATIVE_POWER_FLOOR * power.mean())
    fixed = 0 if known is None else known.shape[1]
    w = rng.uniform(0.1, 1.0, (bins, fixed + components))
    if known is not None:
        w[:, :fixed] = known
    w /= w.mean(axis=0)
    # Within a decade of each other, and V starts at the level of the data.
    h = rng.uniform(0.1, 1.0, (fixed + components, frames))
    h *= power.mean() / (w @ h).mean()
    floor = RELATIVE_POWER_FLOOR * power.mean()
    for _ in range(iterations):
        v = np.maximum(w @ h, floor)
        h *= (w.T @ (power / v**2)) / (w.T @ (1 / v))
        if components == 0:
            continue
        v = np.maximum(w @ h, floor)
        free = slice(fixed, None)
        w[:, free] *= ((power / v**2) @ h[free].T) / ((1 / v) @ h[free].T)
        scale = w[:, free].mean(axis=0)
        w[:, free] /= scale
        h[free] *= scale[:, np.newaxis]
    return w, h


def separate(mixture, dictionary, components, stft, rng):
    """Speech and background of a mixture, the signals' sum being the mixture."""
    spectrogram = stft.analyse(mixture)
    w, h = factorise(np.abs(spectrogram) ** 2, dictionary, components, rng)
    known = dictionary.shape[1]
    speech, background = w[:, :known] @ h[:known], w[:, known:] @ h[known:]
    total = speech + background
    mask = np.divide(speech, total, out=np.full_like(speech, 0.5), where=total > 0)
    estimate = stft.synthesise(mask * spectrogram, len(mixture))
    return estimate, mixture - estimate


@cache
def load_dictionary(path, order, seed):
    """The speech dictionary of an order, bins x order, from an archive or from recordings."""
    path = Path(path)
    if path.is_dir():
        stft = Stft(WINDOW_SAMPLES)
        signals = [read_wav(file)[0] for file in sorted(path.rglob("*.wav"))]
        if not signals:
            sys.exit(f"{path} holds no WAV file")
        power = np.concatenate([np.abs(stft.analyse(x)) ** 2 for x in signals], axis=1)
        power = power[:, power.max(axis=0) > 0]
        return factorise(power, None, order, make_generator(seed, "dictionary", order))[0]
    with np.load(path) as archive:
        for name in (f"dictionary_{order}", f"estimation_{order}"):
            if name in archive:
                dictionary = archive[name].astype(float).T
                if len(dictionary) != WINDOW_SAMPLES // 2 + 1:
                    sys.exit(f"{path}: {name} is not of a window of {WINDOW_SAMPLES} samples")
                return dictionary
    sys.exit(f"{path} has neither dictionary_{order} nor estimation_{order}")


def measure_si_sdr(reference, estimate):
    """Scale-invariant SDR in dB (Le Roux et al. 2019), the mean not removed."""
    target = (reference @ estimate) / (reference @ reference) * reference
    return 10 * np.log10((target @ target) / ((estimate - target) @ (estimate - target)))


def score(references, estimates):
    """Scores of the speech by name, in dB. references, estimates: speech and background."""
    scores = {"si_sdr": measure_si_sdr(references[0], estimates[0])}
    if bss_eval_sources is not None:
        with warnings.catch_warnings():
            # mir_eval says of every call that it will go one day.
            warnings.simplefilter("ignore")
            scores["sdr"] = bss_eval_sources(
                np.stack(references), np.stack(estimates), compute_permutation=False
            )[0][0]
    return scores


def read_speakers(root):
    """Speaker by trial, as far as trials.csv says."""
    path = root / "trials.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["trial"]: row["speaker"] for row in csv.DictReader(file) if "speaker" in row}


def find_dictionary(template, trial, speakers):
    """The path of a trial's speech dictionary."""
    if "{speaker}" not in template:
        return template
    if trial not in speakers:
        sys.exit(f"--speech has {{speaker}}, but trials.csv has no speaker of the trial {trial!r}")
    return template.replace("{speaker}", speakers[trial])


def summarise(rows):
    """Mean of each metric by method, and how many trials are below their own mixture."""
    values = {}
    for trial, method, metric, value in rows:
        values.setdefault((metric, method), {})[trial] = value
    print("| metric | method | mean | below their mixture |\n|---|---|---:|---:|")
    # By metric, and in the order of the methods within one.
    for (metric, method), scores in sorted(values.items(), key=lambda item: item[0][0]):
        mixture = values[metric, "mixture"]
        below = sum(value < mixture[trial] for trial, value in scores.items())
        mean = np.mean(list(scores.values()))
        print(f"| {metric} | {method} | {mean:.2f} | {below} of {len(scores)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("--speech", required=True, metavar="NPZ|DIR")
    parser.add_argument("--csv", type=Path, help="without it, ROOT/is_nmf_baseline.csv")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    root, stft = arguments.root, Stft(WINDOW_SAMPLES)
    paths = sorted((root / "mixture").glob("*.wav"))
    if not paths:
        sys.exit(f"{root / 'mixture'} holds no WAV file")
    speakers = read_speakers(root)
    rows = []
    for path in paths:
        trial, (mixture, rate_hz) = path.stem, read_wav(path)
        references = [
            read_wav(root / "reference" / name / path.name)[0] for name in ("speech", "background")
        ]
        # The mixture itself, as if each source were all of it.
        rows += [[trial, "mixture", *item] for item in score(references, [mixture] * 2).items()]
        for known, estimated in SETTINGS:
            method = f"is_nmf_{known}+{estimated}"
            speech = find_dictionary(arguments.speech, trial, speakers)
            dictionary = load_dictionary(speech, known, arguments.seed)
            rng = make_generator(arguments.seed, trial, method)
            estimates = separate(mixture, dictionary, estimated, stft, rng)
            for name, estimate in zip(("speech", "background"), estimates):
                write_wav(root / "estimate" / method / name / path.name, estimate, rate_hz)
            rows += [[trial, method, *item] for item in score(references, estimates).items()]
        print(trial, file=sys.stderr, flush=True)
    with (arguments.csv or root / "is_nmf_baseline.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["trial", "method", "metric", "value_db"])
        writer.writerows([*row[:3], f"{row[3]:.6f}"] for row in rows)
    summarise(rows)


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"is_nmf_baseline.py: {error}")
