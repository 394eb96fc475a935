#!/usr/bin/env python3
"""Learns the dictionaries of speakers and noises from the recordings that get_real_corpus.sh makes.

A speaker's utterances are split at random into 250 that a generating side learns from and 250
others for an estimating side, as in the paper; what is left is held out. The learning is done by the
command `train` of this workspace. One NumPy archive is written per voice and per noise:

    generation_<order>   float32, order x bins, each component of unit mean over the bins (voices)
    estimation_<order>   the same from the other utterances (voices)
    dictionary_<order>   float32, order x bins (noises)
    metadata             uint8, JSON text: transform, orders, licence, source, what was learned from

The same recordings, seed and version of the workspace give the same arrays. Needs numpy and Rust.
Usage, from the repository's root:

    scripts/get_real_corpus.sh DIR
    python3 scripts/learn_voices.py DIR data/voices
"""

import argparse
import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SIDES = ("generation", "estimation")
UTTERANCES_PER_SIDE = 250
SPEECH_ORDERS = (2, 4, 6, 8, 10, 12, 14)
NOISE_ORDERS = (16,)
SAMPLE_RATE_HZ = 16000
WINDOW_SAMPLES = 2048
ITERATIONS = 100
# More frames than any speaker's side or noise has: all are learned from.
FRAMES = 90_000
PROGRAM = "cargo run --quiet -p experiments --"
# A noise needs enough frames for its 16 components.
LEAST_NOISE_SECONDS = 10.0
# Those whose licences let their dictionaries be passed on with this workspace.
SHARED_VOICES = "italian_man,russian_woman"
SHARED_NOISES = "birds,city,coffee-shop,rain,storm"
LICENCES = {
    "CC-BY-3.0": "https://creativecommons.org/licenses/by/3.0/",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-SA-3.0": "https://creativecommons.org/licenses/by-sa/3.0/",
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "GPL-2": "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html",
}


def read_corpus(folder):
    """Rows of corpus.csv by name, speech and noise apart."""
    path = folder / "corpus.csv"
    if not path.is_file():
        sys.exit(f"{path} is missing: {folder} is not a folder made by get_real_corpus.sh")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    speech = {row["name"]: row for row in rows if row["kind"] == "speech"}
    noise = {row["name"]: row for row in rows if row["kind"] != "speech"}
    return speech, noise


def choose(option, asked, known):
    """The names that an option asks for, in the corpus' order."""
    if asked == "none":
        return []
    names = list(known) if asked == "all" else asked.split(",")
    for name in names:
        if name not in known:
            sys.exit(f"{option}: there is no {name!r} in the corpus, only {', '.join(known)}")
    return [name for name in known if name in names]


def split_utterances(folder, seed):
    """Paths per side, chosen by the digests of their names: no library's random numbers matter."""
    paths = sorted(folder.glob("*.wav"))
    needed = UTTERANCES_PER_SIDE * len(SIDES)
    if len(paths) < needed:
        sys.exit(f"{folder} has {len(paths)} utterances, {needed} are needed")

    def position(path):
        return hashlib.sha256(f"{seed}/{folder.name}/{path.name}".encode()).digest()

    shuffled = sorted(paths, key=position)
    return {
        side: sorted(shuffled[index * UTTERANCES_PER_SIDE : (index + 1) * UTTERANCES_PER_SIDE])
        for index, side in enumerate(SIDES)
    }


def learn(recordings, orders, arguments):
    """Dictionaries by order, and the metadata that `train` writes beside them."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "learned.npz"
        command = [*arguments.program.split(), "train", *map(str, recordings), "--out", str(out)]
        command += ["--orders", ",".join(map(str, orders)), "--iterations", str(ITERATIONS), "--precision", "f64"]
        command += ["--sample-rate", str(SAMPLE_RATE_HZ), "--window", str(WINDOW_SAMPLES)]
        command += ["--held-out", "0", "--frames", str(FRAMES), "--seed", str(arguments.seed)]
        command += ["--jobs", str(arguments.jobs), "--quiet"]
        finished = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
        if finished.returncode != 0:
            sys.exit(f"`train` failed on {recordings[0].parent}, see above")
        with np.load(out) as archive:
            metadata = json.loads(archive["metadata"].tobytes())
            dictionaries = {order: archive[f"dictionary_{order}"] for order in orders}
    return dictionaries, metadata


def to_single_precision(name, dictionary):
    """float32, and a check that no bin was lost: the model divides by the sum of the components."""
    single = dictionary.astype("<f4")
    if not (np.isfinite(single).all() and single.max(axis=0).min() > 0):
        sys.exit(f"{name} has a bin that is zero in every component in single precision")
    return single


def describe(row, orders, learned, arguments):
    """What is the same in the metadata of voices and noises."""
    stft = learned["stft"]
    return {
        "format": "vb-nmf voice" if row["kind"] == "speech" else "vb-nmf noise",
        "format_version": 1,
        "name": row["name"],
        "kind": row["kind"],
        "made_with": learned["made_with"],
        "sample_rate_hz": learned["sample_rate_hz"],
        "stft": stft,
        "normalisation": learned["normalisation"],
        "orders": list(orders),
        "iterations": ITERATIONS,
        "seed": arguments.seed,
        "licence": row["licence"],
        "licence_url": LICENCES.get(row["licence"], ""),
        "attribution": row["author"],
        "changes": "spectral dictionaries learned from the recordings; no audio is contained",
        "source": f"Debian package {row['package']}, version {row['version']}",
    }


def learn_voice(row, folder, arguments):
    """The arrays of a speaker's file."""
    sides = split_utterances(folder, arguments.seed)
    arrays, details = {}, {}
    for side, paths in sides.items():
        dictionaries, learned = learn(paths, SPEECH_ORDERS, arguments)
        for order, dictionary in dictionaries.items():
            array = f"{side}_{order}"
            arrays[array] = to_single_precision(f"{row['name']}: {array}", dictionary)
        details[side] = {
            "utterances": [path.stem for path in paths],
            "frames": learned["training_frames"],
            "corpus_sha256": learned["corpus_sha256"],
        }
    metadata = describe(row, SPEECH_ORDERS, learned, arguments)
    return {"metadata": {**metadata, "language": row["language"], **details}, **arrays}


def learn_noise(row, path, arguments):
    """The arrays of a noise's file."""
    if float(row["seconds"]) < LEAST_NOISE_SECONDS:
        sys.exit(f"{path} has {row['seconds']} s, {LEAST_NOISE_SECONDS} s are needed")
    dictionaries, learned = learn([path], NOISE_ORDERS, arguments)
    details = {"frames": learned["training_frames"], "corpus_sha256": learned["corpus_sha256"]}
    arrays = {
        f"dictionary_{order}": to_single_precision(f"{row['name']}: order {order}", dictionary)
        for order, dictionary in dictionaries.items()
    }
    return {"metadata": {**describe(row, NOISE_ORDERS, learned, arguments), **details}, **arrays}


def write(path, arrays):
    """Writes an archive under a temporary name first, so that no half file is left."""
    metadata = json.dumps(arrays.pop("metadata"), indent=1, ensure_ascii=False)
    buffer = io.BytesIO()
    encoded = np.frombuffer(metadata.encode(), dtype=np.uint8)
    np.savez_compressed(buffer, metadata=encoded, **arrays)
    temporary = path.with_suffix(".part")
    temporary.write_bytes(buffer.getvalue())
    os.replace(temporary, path)
    print(f"{path}: {path.stat().st_size} bytes", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="folder made by get_real_corpus.sh")
    parser.add_argument("out", type=Path, help="folder to write to; files that are there are kept")
    parser.add_argument("--speakers", default=SHARED_VOICES, metavar="NAME,…", help="or all, none")
    parser.add_argument(
        "--noises", default=SHARED_NOISES, metavar="NAME,…", help="or all long enough, none"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="threads; results do not depend on it")
    parser.add_argument("--program", default=PROGRAM, metavar="COMMAND", help="of this workspace")
    arguments = parser.parse_args()
    speech, noise = read_corpus(arguments.corpus)
    corpus = arguments.corpus.resolve()
    speakers = choose("--speakers", arguments.speakers, speech)
    noises = choose("--noises", arguments.noises, noise)
    if arguments.noises == "all":
        noises = [name for name in noises if float(noise[name]["seconds"]) >= LEAST_NOISE_SECONDS]
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in noises:
        path = arguments.out / f"{name}.npz"
        if not path.exists():
            write(path, learn_noise(noise[name], corpus / "noise" / f"{name}.wav", arguments))
    for name in speakers:
        path = arguments.out / f"{name}.npz"
        if not path.exists():
            write(path, learn_voice(speech[name], corpus / "speech" / name, arguments))


if __name__ == "__main__":
    main()
