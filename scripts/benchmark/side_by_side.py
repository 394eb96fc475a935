#!/usr/bin/env python3
"""The workspace's kernels against NumPy, scikit-learn and mir_eval, in one run on one machine.

Runs the criterion benchmarks of `model` and `eval`, times plain Python implementations of the same
computations, and prints the ratios as a Markdown table. Absolute times mean little on a shared machine; the
ratios of one run do.

Needs numpy, scipy, scikit-learn and mir_eval. Usage, from the repository's root:

    python3 scripts/benchmark/side_by_side.py [--skip-cargo] [--repeat 3]
"""

import argparse
import json
import os
import subprocess
import time
from pathlib import Path

import mir_eval
import numpy as np
from scipy.special import gammaln, kve
from sklearn.decomposition import non_negative_factorization

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BINS, FRAMES, ORDERS, BACKGROUND, ITERATIONS = 1025, 300, (2, 4, 6, 8, 10, 12, 14), 16, 50
SHAPE, NOISE, BETA, START = 0.2, 1e-6, 1e4, 1000.0
FLOOR = 1e-100
# Operations of the matrix products, per bin, frame and iteration: C, V and both contractions of every order, and all
# but the last twice for the background, whose dictionary changes in between. What the fusion does again for q(K) is
# not counted.
PER_BIN = {"fusion": 8 * sum(ORDERS) + 16 * BACKGROUND, "selection": 8 * sum(ORDERS) + 7 * 16 * BACKGROUND}
MATRIX_PRODUCTS = {name: flops * BINS * FRAMES * ITERATIONS for name, flops in PER_BIN.items()}


def best_of(repeat, work):
    """Seconds of the fastest of a few runs: the one least disturbed."""
    seconds = []
    for _ in range(repeat):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


class TabulatedGig:
    """tau E[1/z] and the log-normaliser by linear interpolation in log(rho tau): the cheapest that NumPy can do."""

    def __init__(self, gamma):
        self.gamma = gamma
        self.log_y = np.linspace(-250, 40, 1 << 16)
        x = 2 * np.exp(np.minimum(self.log_y, 60) / 2)
        self.log_t = np.log(x / 2) + np.log(kve(1 - gamma, x)) - np.log(kve(gamma, x))
        self.log_k = np.log(2 * kve(gamma, x)) - x + gamma * np.log(x / 2)

    def moments(self, rho, tau):
        log_y = np.log(np.maximum(rho * tau, 1e-300))
        t = np.exp(np.interp(log_y, self.log_y, self.log_t))
        return (self.gamma + t) / rho, tau / t, t

    def kl(self, rho, tau, mean, t):
        log_y = np.log(np.maximum(rho * tau, 1e-300))
        log_z = np.interp(log_y, self.log_y, self.log_k) - self.gamma * np.log(rho)
        prior = self.gamma * np.log(self.gamma) - gammaln(self.gamma)
        return float(np.sum(prior + log_z + (rho - self.gamma) * mean + t))


def separate(x, dictionaries, start, gig):
    """The paper's fusion (or, with one dictionary, a single-order run) in plain NumPy, bins x frames."""
    observed = np.abs(x) ** 2
    h = [(np.full((w.shape[1], x.shape[1]), START),) * 2 for w in dictionaries]
    w2 = (start, start)
    h2 = (np.full((start.shape[1], x.shape[1]), START),) * 2
    q = np.full(len(dictionaries), 1 / len(dictionaries))
    for _ in range(ITERATIONS):
        c = [np.maximum(w @ g, FLOOR) for w, (_, g) in zip(dictionaries, h)]
        c2 = np.maximum(w2[1] @ h2[1], FLOOR)
        c1 = 1 / sum(weight / value for weight, value in zip(q, c))
        total = NOISE + c1 + c2
        power = [(v / total) ** 2 * observed + v * (total - v) / total for v in (c1, c2)]
        log_q = np.zeros(len(q))
        for m, (w, value) in enumerate(zip(dictionaries, c)):
            mean, harmonic = h[m]
            tau = harmonic**2 * (w.T @ (power[0] / value**2))
            rho = gig.gamma + w.T @ (1 / np.maximum(w @ mean, FLOOR))
            mean, harmonic, t = gig.moments(rho, tau)
            h[m] = mean, harmonic
            if len(q) > 1:
                v, c_new = np.maximum(w @ mean, FLOOR), np.maximum(w @ harmonic, FLOOR)
                log_q[m] = gig.kl(rho, tau, mean, t) - np.sum(np.log(v)) - np.sum(power[0] / c_new)
        ratio, inverse = power[1] / c2**2, 1 / np.maximum(w2[0] @ h2[0], FLOOR)
        tau, rho = w2[1] ** 2 * (ratio @ h2[1].T), gig.gamma + inverse @ h2[0].T
        w2 = gig.moments(rho, tau)[:2]
        c2 = np.maximum(w2[1] @ h2[1], FLOOR)
        tau = h2[1] ** 2 * (w2[1].T @ (power[1] / c2**2))
        rho = gig.gamma + w2[0].T @ (1 / np.maximum(w2[0] @ h2[0], FLOOR))
        h2 = gig.moments(rho, tau)[:2]
        q = np.exp((log_q - log_q.max()) / BETA)
        q /= q.sum()
    return q


def python_times(repeat):
    rng = np.random.default_rng(1)

    def dictionary(components):
        w = rng.gamma(0.5, 2.0, (BINS, components)) + 1e-10
        return w / w.mean(axis=0)

    dictionaries = [dictionary(k) for k in ORDERS]
    background = dictionary(BACKGROUND)
    v = dictionaries[3] @ rng.gamma(0.2, 5.0, (8, FRAMES)) + background @ rng.gamma(0.2, 5.0, (BACKGROUND, FRAMES))
    x = np.sqrt(v / 2) * (rng.standard_normal(v.shape) + 1j * rng.standard_normal(v.shape))
    start = np.maximum(rng.gamma(0.2, 5.0, (BINS, BACKGROUND)), 1e-10)
    gig = TabulatedGig(SHAPE)
    fusion = best_of(repeat, lambda: separate(x, dictionaries, start, gig))
    selection = best_of(repeat, lambda: [separate(x, [w], start, gig) for w in dictionaries])

    power = (rng.gamma(0.5, 2.0, (7000, 14)) @ rng.gamma(0.5, 2.0, (14, BINS))) + 1e-6

    def train(iterations):
        non_negative_factorization(
            power, n_components=14, init="random", solver="mu", beta_loss="itakura-saito", max_iter=iterations, tol=0
        )

    # One iteration is the difference of two runs.
    training = (best_of(repeat, lambda: train(11)) - best_of(repeat, lambda: train(1))) / 10

    references = rng.standard_normal((2, 300_000))
    estimates = references + 0.3 * rng.standard_normal((2, 300_000)) + 0.2 * references[::-1]
    # Scores a pair of estimates.
    bss = best_of(1, lambda: mir_eval.separation.bss_eval_sources(references, estimates, False))
    return {"fusion": fusion, "selection": selection, "training": training, "bss": bss}


def criterion(name):
    """Seconds of a criterion benchmark, the median of the last run."""
    path = TARGET / "criterion" / name / "new" / "estimates.json"
    return json.loads(path.read_text())["median"]["point_estimate"] / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--skip-cargo", action="store_true", help="use the criterion results of an earlier run")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    if not arguments.skip_cargo:
        subprocess.run(["cargo", "bench", "-p", "model", "-p", "eval", "-p", "dsp", "--benches"], cwd=ROOT, check=True)
    python = python_times(arguments.repeat)
    iteration = (criterion("itakura_saito/7000 frames_11 iterations") - criterion("itakura_saito/7000 frames_1 iterations")) / 10
    pair = criterion("bss_eval/both_sources")
    rows = [
        ("VB fusion, two threads", criterion("separation/fusion_parallel"), python["fusion"], "NumPy + SciPy"),
        ("VB fusion, one thread", criterion("separation/fusion_serial"), python["fusion"], "NumPy + SciPy"),
        ("VB fusion, f32, two threads", criterion("separation/fusion_parallel_f32"), python["fusion"], "NumPy + SciPy"),
        ("VB fusion, f32, one thread", criterion("separation/fusion_serial_f32"), python["fusion"], "NumPy + SciPy"),
        ("VB selection, two threads", criterion("separation/selection_parallel"), python["selection"], "NumPy + SciPy"),
        ("VB selection, one thread", criterion("separation/selection_serial"), python["selection"], "NumPy + SciPy"),
        ("IS-NMF iteration, 7000 frames, 14 components", iteration, python["training"], "scikit-learn"),
        ("BSS Eval, two sources of 300,000 samples", pair, python["bss"], "mir_eval"),
        ("BSS Eval, one more estimate of one source", criterion("bss_eval/next_score"), python["bss"] / 2, "mir_eval"),
    ]
    print("| what | here | peer | ratio | peer is |\n|---|---:|---:|---:|---|")
    for what, here, peer, who in rows:
        print(f"| {what} | {here * 1e3:.1f} ms | {peer * 1e3:.0f} ms | {peer / here:.1f} | {who} |")
    ratios = [criterion(f"separation/selection_{e}") / criterion(f"separation/fusion_{e}") for e in ("parallel", "serial")]
    print(f"\nSelection / fusion: {ratios[0]:.2f} on two threads, {ratios[1]:.2f} on one.")
    peak = 2 * 96e6 / criterion("fma_peak/one core")
    print(f"\nFused multiply-adds: at most {peak / 1e9:.1f} GFLOP/s on one core. Matrix products alone use of that:")
    for name, flops in MATRIX_PRODUCTS.items():
        share = [flops / criterion(f"separation/{name}_{e}") / (peak * cores) for e, cores in (("serial", 1), ("parallel", 2))]
        print(f"- {name}: {share[0]:.0%} on one thread, {share[1]:.0%} on two")
    gig = criterion("gig_1000 expectations") / criterion("gig_1000 expectations, eight at a time")
    print(f"\nGIG expectations: {criterion('gig_1000 expectations, eight at a time') * 1e6:.1f} ns each, {gig:.1f} times as fast as one at a time.")


if __name__ == "__main__":
    main()
