#!/usr/bin/env python3
"""Mixes utterances of real speakers with real noises, for comparisons between methods.

Every speaker meets every noise once. The speech is made of utterances that the estimation side of
the speaker's dictionaries has not learned from, in an order that the seed decides, each used once.
Writes, with one file name per trial, `mixture/`, `reference/speech/`,
`reference/background/` and `trials.csv`. The same folders and seed give the same bytes.

Needs numpy, a folder made by scripts/get_real_corpus.sh and one by scripts/learn_voices.py. Usage:

    python3 scripts/benchmark/make_mixtures.py CORPUS DICTIONARIES OUT
"""

import argparse
import csv
import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from audio import read_wav, write_wav

SPEAKERS = "english_woman,italian_man,russian_woman,czech_man,dutch_woman"
NOISES = "birds,city,coffee-shop,rain,storm"
# Room for the loudest sample of the mixture.
PEAK = 0.5


def draw(*keys):
    """A number in [0, 1) that depends on nothing but the keys."""
    digest = hashlib.sha256("/".join(map(str, keys)).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def held_out_speech(corpus, dictionaries, speaker, seed):
    """All of a speaker that the estimation side has not heard, in random order, and the rate."""
    archive_path = dictionaries / f"{speaker}.npz"
    with np.load(archive_path) as archive:
        metadata = json.loads(archive["metadata"].tobytes())
    if "estimation" not in metadata:
        raise ValueError(f"{archive_path} is no voice of learn_voices.py")
    learned = metadata["estimation"]["utterances"]
    folder = corpus / "speech" / speaker
    paths = [path for path in folder.glob("*.wav") if path.stem not in set(learned)]
    paths.sort(key=lambda path: (draw(seed, speaker, path.stem), path.stem))
    signals, rates = zip(*(read_wav(path) for path in paths))
    return np.concatenate(signals), rates[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("dictionaries", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--speakers", default=SPEAKERS, metavar="NAME,…")
    parser.add_argument("--noises", default=NOISES, metavar="NAME,…")
    parser.add_argument("--snr-db", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rows = []
    for speaker in arguments.speakers.split(","):
        voice, rate_hz = held_out_speech(
            arguments.corpus, arguments.dictionaries, speaker, arguments.seed
        )
        samples = round(arguments.seconds * rate_hz)
        noises = arguments.noises.split(",")
        if len(voice) < samples * len(noises):
            sys.exit(f"{speaker}: {len(voice) / rate_hz:.0f} s of speech are not enough")
        for index, noise in enumerate(noises):
            path = arguments.corpus / "noise" / f"{noise}.wav"
            background, noise_rate_hz = read_wav(path)
            if noise_rate_hz != rate_hz or len(background) < samples:
                sys.exit(f"{path} is shorter than {arguments.seconds} s at {rate_hz} Hz")
            room = len(background) - samples + 1
            start = int(draw(arguments.seed, speaker, noise, "start") * room)
            speech = voice[index * samples : (index + 1) * samples]
            background = background[start : start + samples]
            ratio = np.sum(speech**2) / np.sum(background**2)
            background = background * np.sqrt(ratio / 10 ** (arguments.snr_db / 10))
            scale = PEAK / np.abs(speech + background).max()
            # Rounded before they are added, so that the mixture is the sum of what is stored.
            speech = (scale * speech).astype(np.float32)
            background = (scale * background).astype(np.float32)
            trial = f"{speaker}_{noise}"
            write_wav(arguments.out / f"mixture/{trial}.wav", speech + background, rate_hz)
            write_wav(arguments.out / f"reference/speech/{trial}.wav", speech, rate_hz)
            write_wav(arguments.out / f"reference/background/{trial}.wav", background, rate_hz)
            rows.append([trial, speaker, noise, arguments.snr_db, arguments.seed])
    with (arguments.out / "trials.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["trial", "speaker", "noise", "snr_db", "seed"])
        writer.writerows(rows)
    print(f"{arguments.out}: {len(rows)} mixtures of {arguments.seconds:g} s")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"make_mixtures.py: {error}")
