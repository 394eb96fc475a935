#!/usr/bin/env python3
"""The Python package beside NumPy, PyTorch, scikit-learn, mir_eval and fast_bss_eval, in turn.

    python3 -m venv peers
    peers/bin/pip install ./crates/python numpy scipy scikit-learn mir_eval fast_bss_eval torch
    peers/bin/python scripts/benchmark/side_by_side.py [--threads 1,2] [--pairs 7]

For each number of threads a process is pinned to as many processors, and both programs use as many threads. Each
pair runs both, one after the other, the first of them in turn. The ratio says how many times as fast the package
is: the median of the pairs' ratios, with the smallest and the largest. What is compared computes the same, and how
closely is printed. Where the middle half of the ratios spreads over more than a fifth of the median the machine did
something else: the row says so instead of a ratio, and the script fails. What is not installed is left out, by name.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--threads", default="1,2", help="numbers of threads, separated by commas")
parser.add_argument("--pairs", type=int, default=7, choices=range(5, 100), metavar="5...")
parser.add_argument("--only", default="", metavar="TEXT", help="only comparisons with this in their name")
parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
ARGUMENTS = parser.parse_args()
if ARGUMENTS.child:
    # Before NumPy is imported, which is when its libraries count their threads.
    for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):
        os.environ[f"{library}_NUM_THREADS"] = ARGUMENTS.threads
    THREADS = int(ARGUMENTS.threads)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])

# Widest that the middle half of the ratios may be, of their median.
WIDEST_SPREAD = 0.2
RATE_HZ, SAMPLES = 16_000, 300_000
FRAMES, BINS, ORDER, TRAINING_ITERATIONS = 7000, 1025, 14, 10

# A comparison: name, peer, the two programs, and how far apart they are once both have run.
Comparison = tuple[str, str, Callable[[], object], Callable[[], object], Callable[[], str]]


def compare_fusions() -> Iterator[Comparison]:
    """The paper's fusion at the paper's size, with all its orders and a background to estimate."""
    import numpy as np
    import plain_fusion as plain

    import vbnmf

    x, dictionaries, start = plain.draw_problem()
    ours = np.ascontiguousarray(x.T), [np.ascontiguousarray(w.T) for w in dictionaries]
    background = np.ascontiguousarray(start.T)
    found = {}

    def fuse(precision: str) -> None:
        separation = vbnmf.separate(
            ours[0], [vbnmf.Source(ours[1]), vbnmf.Background(start=background)], "fusion",
            beta=plain.BETA, activation_start=plain.START, iterations=plain.ITERATIONS,
            tolerance=0.0, gain=1.0, noise_variance=plain.NOISE, dictionary_shape=plain.SHAPE,
            activation_shape=plain.SHAPE, precision=precision, acceleration="none", trace_period=0,
            threads=THREADS,
        )  # fmt: skip
        found[precision] = separation.order_posterior[0]

    def against(theirs: Callable[[], object], precision: str, peer: str) -> Comparison:
        def run() -> None:
            found["theirs"] = theirs()

        def difference() -> str:
            return f"q(K) within {np.abs(found[precision] - found['theirs']).max():.0e}"

        return f"VB fusion, {precision}", peer, lambda: fuse(precision), run, difference

    for precision in ("f64", "f32"):
        yield against(
            lambda: plain.fuse_in_numpy(x, dictionaries, start), precision, "NumPy and SciPy, f64"
        )
    import torch

    torch.set_num_threads(THREADS)
    for precision in ("f64", "f32"):
        for compiled in (False, True):
            peer = f"PyTorch{' compiled' if compiled else ''}, {precision}"
            fusion = plain.make_torch_fusion(x, dictionaries, start, precision, compiled)
            yield against(fusion, precision, peer)


def compare_training() -> Iterator[Comparison]:
    """Iterations of multiplicative updates; scikit-learn's have the exponent 1/2, and go less far each."""
    import numpy as np
    from sklearn.decomposition import NMF

    import vbnmf

    rng = np.random.default_rng(1)
    power = rng.gamma(0.5, 2.0, (FRAMES, ORDER)) @ rng.gamma(0.5, 2.0, (ORDER, BINS)) + 1e-6
    w, h = rng.uniform(0.1, 1.0, (FRAMES, ORDER)), rng.uniform(0.1, 1.0, (ORDER, BINS))
    errors = {}

    def compare(precision: str, kind: type) -> Comparison:
        """Both programs get arrays of this kind, and compute in this precision."""
        x, start, components = power.astype(kind), w.astype(kind), h.astype(kind)

        def ours() -> None:
            nmf = vbnmf.ItakuraSaitoNMF(
                ORDER, max_iter=TRAINING_ITERATIONS, precision=precision, n_jobs=THREADS
            )
            nmf.fit_transform(x, W=start, H=components)
            assert nmf.precision_ == precision
            errors["ours"] = nmf.reconstruction_err_

        def theirs() -> None:
            nmf = NMF(
                ORDER, init="custom", solver="mu", beta_loss="itakura-saito",
                max_iter=TRAINING_ITERATIONS, tol=0.0,
            )  # fmt: skip
            nmf.fit_transform(x, W=start.copy(), H=components.copy())
            errors["theirs"] = nmf.reconstruction_err_

        def difference() -> str:
            return f"divergence within {abs(errors['ours'] / errors['theirs'] - 1):.0e} of itself"

        name = f"IS-NMF, {FRAMES} x {BINS}, {ORDER} components, {TRAINING_ITERATIONS} iterations"
        return f"{name}, {precision}", f"scikit-learn, {precision}", ours, theirs, difference

    yield compare("f64", np.float64)
    yield compare("f32", np.float32)


def make_scored() -> tuple:
    import numpy as np

    rng = np.random.default_rng(2)
    references = rng.standard_normal((2, SAMPLES))
    return references, references + 0.3 * rng.standard_normal((2, SAMPLES)) + 0.2 * references[::-1]


def compare_scores() -> Iterator[Comparison]:
    import numpy as np

    import vbnmf

    references, estimates = make_scored()
    found = {}

    def against(theirs: Callable[[], object], peer: str) -> Comparison:
        def ours() -> None:
            found["ours"] = vbnmf.bss_eval_sources(references, estimates)

        def run() -> None:
            found["theirs"] = theirs()

        def difference() -> str:
            pairs = zip(found["ours"][:3], found["theirs"][:3])
            return f"within {max(float(np.abs(a - np.asarray(b)).max()) for a, b in pairs):.0e} dB"

        return f"BSS Eval, 2 sources of {SAMPLES:,} samples", peer, ours, run, difference

    from mir_eval.separation import bss_eval_sources

    yield against(lambda: bss_eval_sources(references, estimates), "mir_eval")
    import fast_bss_eval

    # Without its loading, which trades accuracy for conditioning.
    yield against(
        lambda: fast_bss_eval.bss_eval_sources(
            references, estimates, filter_length=512, use_cg_iter=None
        ),
        "fast_bss_eval",
    )


def time_pairs(ours: Callable[[], object], theirs: Callable[[], object]) -> list[list[float]]:
    """Seconds of both, pair by pair; which of them is first in turn as well."""
    ours(), theirs()
    pairs = []
    for pair in range(ARGUMENTS.pairs):
        seconds = {}
        for function in (ours, theirs) if pair % 2 == 0 else (theirs, ours):
            start = time.perf_counter()
            function()
            seconds[function] = time.perf_counter() - start
        pairs.append([seconds[ours], seconds[theirs]])
    return pairs


def run_comparisons() -> None:
    """A JSON object a line for each comparison in this process."""
    for make in (compare_fusions, compare_training, compare_scores):
        try:
            for name, peer, ours, theirs, difference in make():
                if ARGUMENTS.only in name:
                    pairs = time_pairs(ours, theirs)
                    row = {"name": name, "peer": peer, "pairs": pairs, "difference": difference()}
                    print(json.dumps(row), flush=True)
        except ImportError as error:
            print(json.dumps({"left_out": str(error)}), flush=True)


def measure_calls() -> None:
    """What a call costs beside its work: on one second of signal, and on next to nothing."""
    import numpy as np

    import vbnmf

    rng = np.random.default_rng(0)
    second = 0.1 * rng.standard_normal(RATE_HZ)
    small = vbnmf.StftSettings(16, 8)
    w, one = rng.gamma(1.0, size=(1, 9)) + 1e-3, rng.gamma(1.0, size=(2, BINS)) + 1e-3
    calls: list[tuple[str, Callable[[], object]]] = [
        ("si_sdr, 2 samples", lambda: vbnmf.si_sdr(second[:2], second[1:3])),
        ("si_sdr, 1 s", lambda: vbnmf.si_sdr(second, second[::-1])),
        ("stft, 1 s", lambda: vbnmf.stft(second)),
        ("separate, 100 samples, 1 iteration",
         lambda: vbnmf.separate(second[:100], [w], stft=small, iterations=1, threads=1)),
        ("separate, 1 s, 1 iteration",
         lambda: vbnmf.separate(second, [one, one], iterations=1, threads=1)),
    ]  # fmt: skip
    print("\n| a call, one thread | median time |\n|---|---:|")
    for name, call in calls:
        call()
        times = []
        for _ in range(10 * ARGUMENTS.pairs):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        print(f"| {name} | {1e6 * statistics.median(times):.1f} us |")


def print_load(when: str) -> None:
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"Load {when}: {load} on {os.cpu_count()} processors.")


def print_rows(threads: int) -> int:
    """Runs a process with so many threads and prints its rows; returns how many have no ratio."""
    command = [sys.executable, __file__, "--child", "--threads", str(threads)]
    command += ["--pairs", str(ARGUMENTS.pairs), "--only", ARGUMENTS.only]
    failed = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            row = json.loads(line)
            if "left_out" in row:
                print(f"| left out: {row['left_out']} | | | | | | |")
                continue
            ratios = [theirs / ours for ours, theirs in row["pairs"]]
            quarter, median, three_quarters = statistics.quantiles(ratios, n=4)
            ours, theirs = (1e3 * statistics.median(side) for side in zip(*row["pairs"]))
            text = f"**{median:.1f}** ({min(ratios):.1f} to {max(ratios):.1f})"
            if three_quarters - quarter > WIDEST_SPREAD * median:
                text, failed = "the machine was not quiet", failed + 1
            print(
                f"| {row['name']} | {row['peer']} | {threads} | {ours:.1f} | {theirs:.0f} | {text} "
                f"| {row['difference']} |",
                flush=True,
            )
    if process.returncode:
        raise SystemExit(f"the process with {threads} threads failed with {process.returncode}")
    return failed


def main() -> None:
    if ARGUMENTS.child:
        warnings.simplefilter("ignore")
        run_comparisons()
        return
    print_load("before")
    print("\n| what | peer | threads | here, ms | peer, ms | ratio (smallest to largest) | the same |")
    print("|---|---|---:|---:|---:|---:|---|")
    failed = sum(print_rows(int(threads)) for threads in ARGUMENTS.threads.split(","))
    if not ARGUMENTS.only:
        measure_calls()
    print()
    print_load("after")
    if failed:
        raise SystemExit(f"{failed} comparisons have no ratio: the machine was not quiet")


if __name__ == "__main__":
    main()
