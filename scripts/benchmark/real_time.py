#!/usr/bin/env python3
"""How long `separate` takes for a second of sound, and its memory against the length, as Markdown tables.

Sound of 16 kHz mono and 44.1 kHz stereo is made from noise, and dictionaries of orders 2 to 14 at their rates:
times do not depend on what is in them. Memory is the largest resident set of the process. The load of the machine
stands before and after, for one that does something else has no times.

Usage, from the repository's root, with numpy and a built program:

    python3 scripts/benchmark/real_time.py [--seconds 60] [--runs 5] [--hours 2]
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
import wave
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROGRAM = TARGET / "debug" / "vbnmf"
ORDERS, BINS, RATES = range(2, 15, 2), 1025, {"16 kHz mono": (16_000, 1), "44.1 kHz stereo": (44_100, 2)}
PIECE_SECONDS = 10
OPTIONS = {
    "the defaults": [],
    "100 iterations, accelerated": ["--acceleration", "squarem", "--iterations", "100"],
    "the paper's fusion, 50 iterations": ["--method", "fusion", "--iterations", "50"],
}


def write_sound(path, seconds, rate_hz, channels, rng):
    """A WAV file of 16 bits, written piece by piece: speech-like in that its level comes and goes."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        level = 0.5 + 0.5 * np.sin(np.arange(PIECE_SECONDS * rate_hz) * (2 * np.pi * 3 / rate_hz))
        for start in range(0, seconds, PIECE_SECONDS):
            samples = min(PIECE_SECONDS, seconds - start) * rate_hz
            noise = rng.standard_normal((samples, channels)) * (0.02 + 0.1 * level[:samples, np.newaxis])
            file.writeframes((np.clip(noise, -1, 1) * 32767).astype("<i2").tobytes())


def separate(sound, dictionaries, rate_hz, folder, options):
    """Seconds and the largest resident set in MB."""
    command = [PROGRAM, "separate", sound, "--speech", dictionaries, "--out", folder, "--quiet", *options]
    command += ["--dictionary-rate", rate_hz, "--dictionary-window", 2 * BINS - 2]
    begin = time.perf_counter()
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"separate failed with {process.returncode}")
    return time.perf_counter() - begin, usage.ru_maxrss / 1024


def print_load(when):
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"\nLoad {when}: {load} on {os.cpu_count()} processors.\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="length of the sound that is timed")
    parser.add_argument("--runs", type=int, default=5, help="of which the median is printed")
    parser.add_argument("--hours", type=float, default=0.0, help="also measure memory at up to as many hours")
    arguments = parser.parse_args()
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        dictionaries = work / "dictionaries.npz"
        np.savez(dictionaries, **{f"dictionary_{k}": rng.gamma(0.5, 2.0, (k, BINS)) + 1e-6 for k in ORDERS})
        print_load("before")
        print("| sound | method | seconds of work for a second of sound | smallest to largest |\n|---|---|---:|---:|")
        for sound, (rate_hz, channels) in RATES.items():
            path = work / "sound.wav"
            write_sound(path, arguments.seconds, rate_hz, channels, rng)
            for method, options in OPTIONS.items():
                runs = []
                for _ in range(arguments.runs):
                    # To an empty folder: stems that are there already would not be made again.
                    with tempfile.TemporaryDirectory() as stems:
                        seconds, _ = separate(path, dictionaries, rate_hz, stems, options)
                    runs.append(seconds / arguments.seconds)
                print(f"| {sound} | {method} | {statistics.median(runs):.3f} | {min(runs):.3f} to {max(runs):.3f} |", flush=True)
        print_load("after")
        if arguments.hours:
            print("| minutes of 16 kHz mono | largest resident set, MB |\n|---:|---:|")
            for minutes in (2, round(arguments.hours * 15), round(arguments.hours * 60)):
                write_sound(path, 60 * minutes, 16_000, 1, rng)
                with tempfile.TemporaryDirectory() as stems:
                    _, memory = separate(path, dictionaries, 16_000, stems, ["--iterations", "2"])
                print(f"| {minutes} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()
