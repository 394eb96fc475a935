#!/usr/bin/env python3
"""Separates many recordings in one run, one by one, and in a run that is killed; then a long one.

    many_recordings.py PROGRAM [--recordings N] [--seconds S] [--long-hours H] [--iterations I]

PROGRAM is the binary `experiments`. The recordings are noise in bursts, drawn from a fixed seed, in
a temporary folder; what is separated from what does not matter here. Printed are the wall times of
one run over the folder and of as many single calls, one after the other; whether all stems are the
same bytes in both, and in a run that was killed in the middle and started again; and the most
memory that the program held, of the long recording above all. Ends with an error if any stem
differs.

Needs nothing but Python.
"""

import argparse
import array
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

RATE_HZ = 16_000


def write_noise(path, seconds, seed):
    """Writes mono noise of 16 bits whose level changes every quarter of a second."""
    generator = random.Random(seed)
    block = RATE_HZ // 4
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        for _ in range(round(4 * seconds)):
            shift = generator.randrange(1, 8)
            samples = array.array("h", generator.randbytes(2 * block))
            file.writeframes(array.array("h", [x >> shift for x in samples]).tobytes())


def run(command):
    """Runs a command. Returns its wall time in seconds and its peak memory in bytes."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command}: {said.decode(errors='replace')}")
    return time.monotonic() - start, 1024 * usage.ru_maxrss


def stems(folder):
    """The bytes of all stems below a folder, by their paths from it."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.wav")}


def check_same(expected, found, what):
    if expected != found:
        names = {name for name in expected | found if expected.get(name) != found.get(name)}
        sys.exit(f"{what}: {len(names)} stems differ, such as {min(names)}")
    print(f"{what}: all {len(expected)} stems have the same bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("--recordings", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--long-hours", type=float, default=2.0)
    parser.add_argument("--iterations", type=int, default=20)
    arguments = parser.parse_args()
    program = str(arguments.program.resolve())
    folder = Path(tempfile.mkdtemp(prefix="many-recordings-"))
    try:
        measure(program, folder, arguments)
    finally:
        shutil.rmtree(folder)


def measure(program, folder, arguments):
    recordings = folder / "recordings"
    recordings.mkdir()
    names = [f"{number:03}" for number in range(arguments.recordings)]
    for number, name in enumerate(names):
        write_noise(recordings / f"{name}.wav", arguments.seconds, number)
    speech = folder / "speech"
    speech.mkdir()
    write_noise(speech / "speech.wav", 20, "speech")
    dictionaries = str(folder / "speech.npz")
    run([program, "train", str(speech), "--orders", "2,4", "--out", dictionaries])

    def separate(what, out):
        command = [program, "separate", str(what), "--speech", dictionaries, "--out", str(out)]
        return [*command, "--iterations", str(arguments.iterations)]

    together, together_bytes = run(separate(recordings, folder / "together"))
    count = len(names)
    print(f"{count} recordings of {arguments.seconds:g} s in one run: {together:.1f} s, "
          f"at most {together_bytes / 1e6:.0f} MB")
    expected = stems(folder / "together")

    single = 0.0
    for name in names:
        seconds, _ = run(separate(recordings / f"{name}.wav", folder / "single" / name))
        single += seconds
    print(f"{count} single calls: {single:.1f} s, {single / together:.2f} times as long")
    found = stems(folder / "single")
    by_name = {path.parent.name.removesuffix("-stems"): path.parent for path in expected}
    renamed = {by_name[path.parent.name] / path.name: data for path, data in found.items()}
    check_same(expected, renamed, "single calls")

    killed = folder / "killed"
    process = subprocess.Popen(
        separate(recordings, killed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while sum(1 for _ in killed.rglob("speech.wav")) < count // 2:
        if process.poll() is not None:
            sys.exit("the run to be killed ended before")
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = sum(1 for _ in killed.rglob("speech.wav"))
    resumed, _ = run(separate(recordings, killed))
    print(f"killed when {done} of {count} were done, and started again: {resumed:.1f} s")
    check_same(expected, stems(killed), "killed and started again")

    long = folder / "long.wav"
    write_noise(long, 3600 * arguments.long_hours, "long")
    seconds, peak = run(separate(long, folder / "long"))
    print(f"{arguments.long_hours:g} hours, a file of {long.stat().st_size / 1e6:.0f} MB: "
          f"{seconds:.1f} s, at most {peak / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
