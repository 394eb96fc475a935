#!/usr/bin/env python3
"""How time and memory of a fusion grow with the frames and with the orders, as a Markdown table.

Runs the example `growth` of `model`, one process per size, on one thread. Memory is the largest resident set of
the process, minus that of the smallest mixture there is; the mixture itself and the estimates are part of it.

Usage, from the repository's root:

    python3 scripts/benchmark/growth.py
"""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BINS = 1025
FRAMES, ORDERS = (300, 3_000, 30_000), (14, 56, 200)


def run(frames, largest):
    """Seconds of an iteration and the largest resident set in MB."""
    example = TARGET / "debug" / "examples" / "growth"
    with subprocess.Popen([example, str(frames), str(largest)], stdout=subprocess.PIPE, text=True) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"growth {frames} {largest} failed with {process.returncode}")
    return float(output), usage.ru_maxrss / 1024


def main():
    subprocess.run(["cargo", "build", "-q", "-p", "model", "--example", "growth"], cwd=ROOT, check=True)
    _, base = run(1, 14)
    sizes = [(frames, 14) for frames in FRAMES] + [(300, largest) for largest in ORDERS[1:]]
    print("| frames | orders up to | sum of orders | ms an iteration | ns per bin, frame and component | MB | bytes per bin and frame |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for frames, largest in sizes:
        total = sum(largest * m // 7 for m in range(1, 8))
        seconds, memory = run(frames, largest)
        each = seconds * 1e9 / (BINS * frames * (total + 16))
        used = memory - base
        print(
            f"| {frames} | {largest} | {total} | {seconds * 1e3:.1f} | {each:.2f} | {used:.0f} "
            f"| {used * 2**20 / (BINS * frames):.0f} |"
        )


if __name__ == "__main__":
    main()
