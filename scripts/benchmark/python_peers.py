#!/usr/bin/env python3
"""The Python package beside its peers, alternately in one process and with equal threads.

    python3 -m venv peers
    peers/bin/pip install ./crates/python scipy scikit-learn mir_eval fast_bss_eval
    taskset -c 0 peers/bin/python scripts/benchmark/python_peers.py [--threads 1] [--pairs 7]

Each pair runs both, one after the other, the first of them in turn. A ratio above 1 says how many
times as fast the package is: the median of the pairs' ratios, with the smallest and the largest.
What is compared computes the same, and the largest difference is printed below. The load of the
machine stands before and after, for a machine that does something else has no times.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--pairs", type=int, default=7, choices=range(5, 100), metavar="5...")
parser.add_argument("--seconds", type=float, default=10.0, help="length of signals at 16 kHz")
ARGUMENTS = parser.parse_args()
# Before NumPy is imported, which is when its libraries count their threads.
for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):
    os.environ[f"{library}_NUM_THREADS"] = str(ARGUMENTS.threads)

import numpy as np  # noqa: E402

import vbnmf  # noqa: E402

RATE_HZ = 16_000
ORDER = 14
ITERATIONS = 50


def main() -> None:
    warnings.simplefilter("ignore")
    print(f"threads {ARGUMENTS.threads}, pairs {ARGUMENTS.pairs}, signals of {ARGUMENTS.seconds} s")
    print(f"at {RATE_HZ} Hz; numpy {np.__version__}, vbnmf {vbnmf.__version__}")
    print_load("before")
    print(f"\n{'':44} {'vbnmf':>12} {'peer':>12}   ratio (smallest to largest)")
    compare_training()
    compare_scores()
    compare_separation()
    compare_fusion()
    measure_overhead()
    print_load("after")


def print_load(when: str) -> None:
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"load {when}: {load} on {os.cpu_count()} processors")


def alternate(name: str, ours: Callable[[], object], theirs: Callable[[], object]) -> None:
    """Runs both in turn, which of them first in turn as well, and prints the ratio of times."""
    ours(), theirs()
    pairs = []
    for pair in range(ARGUMENTS.pairs):
        order = (ours, theirs) if pair % 2 == 0 else (theirs, ours)
        seconds = {}
        for function in order:
            start = time.perf_counter()
            function()
            seconds[function] = time.perf_counter() - start
        pairs.append((seconds[ours], seconds[theirs]))
    ratios = [theirs / ours for ours, theirs in pairs]
    middle = [statistics.median(side) for side in zip(*pairs)]
    print(
        f"{name:44} {1e3 * middle[0]:9.1f} ms {1e3 * middle[1]:9.1f} ms "
        f"x {statistics.median(ratios):6.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    )


def make_signals() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    samples = int(ARGUMENTS.seconds * RATE_HZ)
    t = np.arange(samples) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(140 * (1 + 0.1 * np.sin(5 * t))) / RATE_HZ
    speech = (1 + np.sin(9 * t)) * sum(np.sin(k * phase) / k for k in range(1, 20))
    speech += 0.01 * rng.standard_normal(samples)
    noise = np.convolve(rng.standard_normal(samples), [1.0, 0.8, 0.5], mode="same")
    return 0.1 * speech, 0.1 * noise


def compare_training() -> None:
    try:
        from sklearn.decomposition import NMF
    except ImportError:
        print("scikit-learn is not installed")
        return
    speech, noise = make_signals()
    power = np.abs(vbnmf.stft(speech + noise)) ** 2
    # scikit-learn's epsilon is absolute: at the scale of 1 both see the same data.
    power = np.maximum(power / power.mean(), 1e-6)
    rng = np.random.default_rng(1)
    w = rng.uniform(0.1, 1.0, (len(power), ORDER))
    h = rng.uniform(0.1, 1.0, (ORDER, power.shape[1]))
    errors = {}

    def ours() -> None:
        nmf = vbnmf.ItakuraSaitoNMF(ORDER, max_iter=ITERATIONS, n_jobs=ARGUMENTS.threads)
        nmf.fit_transform(power, W=w, H=h)
        errors["ours"] = nmf.reconstruction_err_

    def theirs() -> None:
        nmf = NMF(
            ORDER, init="custom", solver="mu", beta_loss="itakura-saito",
            max_iter=ITERATIONS, tol=0.0,
        )  # fmt: skip
        nmf.fit_transform(power, W=w.copy(), H=h.copy())
        errors["theirs"] = nmf.reconstruction_err_

    frames, bins = power.shape
    alternate(f"IS-NMF {frames} x {bins}, {ORDER}: scikit-learn", ours, theirs)
    # Its updates have the exponent 1/2, with which the descent is proved for more divergences.
    print(f"    reconstruction_err_ {errors['ours']:.6g} and {errors['theirs']:.6g}")


def compare_scores() -> None:
    speech, noise = make_signals()
    references = np.stack([speech, noise])
    rng = np.random.default_rng(2)
    estimates = references + 0.1 * references[::-1] + 0.01 * rng.standard_normal(references.shape)
    found = {}

    def ours() -> None:
        found["ours"] = vbnmf.bss_eval_sources(references, estimates)

    def difference(theirs: list[np.ndarray]) -> float:
        pairs = zip(found["ours"][:3], theirs)
        return max(float(np.abs(a - np.asarray(b)).max()) for a, b in pairs)

    try:
        from mir_eval.separation import bss_eval_sources
    except ImportError:
        print("mir_eval is not installed")
    else:

        def mir_eval() -> None:
            found["theirs"] = bss_eval_sources(references, estimates)

        alternate("bss_eval_sources, 2 sources: mir_eval", ours, mir_eval)
        print(f"    largest difference {difference(found['theirs'][:3]):.1e} dB")
    try:
        import fast_bss_eval
    except ImportError:
        print("fast_bss_eval is not installed")
    else:

        def fast() -> None:
            # Without its loading, which trades accuracy for conditioning.
            found["fast"] = fast_bss_eval.bss_eval_sources(
                references, estimates, filter_length=512, use_cg_iter=None
            )

        alternate("bss_eval_sources, 2 sources: fast_bss_eval", ours, fast)
        print(f"    largest difference {difference(found['fast'][:3]):.1e} dB")


def plain_separation(x: np.ndarray, w1: np.ndarray, w2: np.ndarray, iterations: int) -> np.ndarray:
    """Two sources of one order with dictionaries that are known, as the paper has it, in NumPy.

    ``x``: frames x bins at the model's level. With ``b = 1/2`` the Bessel functions of the GIG are
    elementary: ``K_1/2 = K_-1/2``, so ``E[h] = (2 sqrt(rho tau) + 1) / (2 rho)`` and
    ``1 / E[1/h] = sqrt(tau / rho)``.
    """
    power, noise = np.abs(x) ** 2, 1e-7 * (len(w1) + len(w2))
    dictionaries = [w1, w2]
    mean = [np.ones((len(x), len(w))) for w in dictionaries]
    harmonic = [h.copy() for h in mean]
    for _ in range(iterations):
        c = [g @ w for g, w in zip(harmonic, dictionaries)]
        d = noise + c[0] + c[1]
        expected = [
            (c[j] / d) ** 2 * power + c[j] * (noise + c[1 - j]) / d for j in range(2)
        ]
        for j, w in enumerate(dictionaries):
            tau = harmonic[j] ** 2 * ((expected[j] / c[j] ** 2) @ w.T)
            rho = 0.5 + (1.0 / (mean[j] @ w)) @ w.T
            mean[j] = (2 * np.sqrt(rho * tau) + 1) / (2 * rho)
            harmonic[j] = np.sqrt(tau / rho)
    c = [g @ w for g, w in zip(harmonic, dictionaries)]
    return np.stack([c_j / (noise + c[0] + c[1]) * x for c_j in c])


def compare_separation() -> None:
    speech, noise = make_signals()
    rng = np.random.default_rng(3)
    models = [
        vbnmf.ItakuraSaitoNMF(order, max_iter=20, random_state=0)
        .fit(np.abs(vbnmf.stft(signal)) ** 2)
        .components_
        for order, signal in ((ORDER, speech), (16, noise + 1e-3 * rng.standard_normal(len(noise))))
    ]
    x = vbnmf.stft(speech + noise)
    x *= np.sqrt((ORDER + 16) / np.mean(np.abs(x) ** 2))
    found = {}

    def ours() -> None:
        found["ours"] = vbnmf.separate(
            x, models, "fusion", gain=1.0, noise_db=-70.0, activation_start=1.0, precision="f64",
            activation_shape=0.5, iterations=ITERATIONS, trace_period=0,
            threads=ARGUMENTS.threads,
        ).estimates  # fmt: skip

    def theirs() -> None:
        found["theirs"] = plain_separation(x, *models, ITERATIONS)

    alternate("separate, known dictionaries: plain NumPy", ours, theirs)
    error = np.abs(found["ours"] - found["theirs"]).max() / np.abs(x).max()
    print(f"    largest difference {error:.1e} of the largest coefficient")


def compare_fusion() -> None:
    """The paper's fusion at the paper's size, with all its orders and a background to estimate."""
    try:
        import side_by_side as plain
    except ImportError as error:
        print(f"the plain fusion is left out: {error}")
        return
    rng = np.random.default_rng(1)

    def draw(components: int) -> np.ndarray:
        w = rng.gamma(0.5, 2.0, (components, plain.BINS)) + 1e-10
        return w / w.mean(axis=1, keepdims=True)

    dictionaries = [draw(order) for order in plain.ORDERS]
    start = np.maximum(rng.gamma(0.2, 5.0, (plain.BACKGROUND, plain.BINS)), 1e-10)
    v = rng.gamma(0.2, 5.0, (plain.FRAMES, 8)) @ dictionaries[3]
    v += rng.gamma(0.2, 5.0, (plain.FRAMES, plain.BACKGROUND)) @ draw(plain.BACKGROUND)
    x = np.sqrt(v / 2) * (rng.standard_normal(v.shape) + 1j * rng.standard_normal(v.shape))
    # Bins x frames and bins x components, as it has them.
    turned = np.ascontiguousarray(x.T), [np.ascontiguousarray(w.T) for w in dictionaries]
    gig = plain.TabulatedGig(plain.SHAPE)
    found = {}

    def ours(precision: str) -> None:
        separation = vbnmf.separate(
            x, [vbnmf.Source(dictionaries), vbnmf.Background(start=start)], "fusion",
            beta=plain.BETA, activation_start=plain.START, iterations=plain.ITERATIONS,
            tolerance=0.0, gain=1.0, noise_variance=plain.NOISE, dictionary_shape=plain.SHAPE,
            activation_shape=plain.SHAPE, precision=precision, trace_period=0,
            threads=ARGUMENTS.threads,
        )  # fmt: skip
        found[precision] = separation.order_posterior[0]

    def theirs() -> None:
        found["theirs"] = plain.separate(*turned, np.ascontiguousarray(start.T), gig)

    for precision in ("f64", "f32"):
        name = f"separate, the paper's fusion, {precision}: NumPy, SciPy"
        alternate(name, lambda: ours(precision), theirs)
        error = np.abs(found[precision] - found["theirs"]).max()
        print(f"    largest difference of q(K) {error:.1e}")


def measure_overhead() -> None:
    """What a call costs beside its work: on one second of signal, and on next to nothing."""
    speech, noise = make_signals()
    second = speech[:RATE_HZ] + noise[:RATE_HZ]
    print()
    small = vbnmf.StftSettings(16, 8)
    w = np.random.default_rng(0).gamma(1.0, size=(1, 9)) + 1e-3
    power = np.abs(vbnmf.stft(second[:100], small)) ** 2
    one = np.random.default_rng(0).gamma(1.0, size=(2, 1025)) + 1e-3
    calls: list[tuple[str, Callable[[], object]]] = [
        ("si_sdr, 2 samples", lambda: vbnmf.si_sdr(second[:2], second[1:3])),
        ("si_sdr, 1 s", lambda: vbnmf.si_sdr(second, speech[:RATE_HZ])),
        ("stft, 1 s", lambda: vbnmf.stft(second)),
        ("separate, 100 samples, 1 iteration",
         lambda: vbnmf.separate(second[:100], [w], stft=small, iterations=1, threads=1)),
        ("separate, 1 s, 1 iteration",
         lambda: vbnmf.separate(second, [one, one], iterations=1, threads=ARGUMENTS.threads)),
        ("separate, 1 s, 50 iterations", lambda: vbnmf.separate(
            second, [one, one], iterations=50, threads=ARGUMENTS.threads)),
        ("ItakuraSaitoNMF.fit, 14 x 9, 1 iteration",
         lambda: vbnmf.ItakuraSaitoNMF(1, max_iter=1, random_state=0).fit(power)),
    ]  # fmt: skip
    for name, call in calls:
        call()
        times = []
        for _ in range(10 * ARGUMENTS.pairs):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        print(f"{name:44} {1e6 * statistics.median(times):9.1f} us")


if __name__ == "__main__":
    sys.exit(main())
