#!/usr/bin/env python3
"""Pools runs of table1 that differ by their seed: means of the methods and paired differences.

A seed draws the speaker's utterances, the dictionaries and the mixtures. The trials of one run
share their dictionaries, so they are not independent draws of the experiment; the seeds are.
Intervals are therefore Student's t over the means of the seeds. The spread of single runs is
printed beside. A sweep with seeds and no axis runs and tables the same at once.

Usage: pool_seeds.py [--metric sdr] RUN_FOLDER...
"""

import argparse
import csv
import statistics
from collections import defaultdict
from pathlib import Path

METHODS = ("vb_selection", "fusion_by_mean", "vb_fusion", "oracle_selection")
DIFFERENCES = (
    ("vb_fusion", "vb_selection"),
    ("vb_fusion", "fusion_by_mean"),
    ("oracle_selection", "vb_fusion"),
)
# Quantiles 0.975 of Student's t by degrees of freedom.
STUDENT = dict(enumerate([12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262], 1))


def scores(folder, metric):
    """(snr, true order) -> method -> dB"""
    trials = defaultdict(dict)
    with open(folder / "observations.csv", newline="") as file:
        for row in csv.DictReader(file):
            if row["metric"] == metric and row["method"] in METHODS and row["value_db"]:
                trial = float(row["snr_db"]), int(row["true_order"])
                trials[trial][row["method"]] = float(row["value_db"])
    return trials


def interval(values):
    mean = statistics.fmean(values)
    if len(values) < 2:
        return f"{mean:6.2f}"
    half = STUDENT.get(len(values) - 1, 1.96) * statistics.stdev(values) / len(values) ** 0.5
    return f"{mean:6.2f} [{mean - half:5.2f}, {mean + half:5.2f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN_FOLDER")
    parser.add_argument("--metric", default="sdr")
    arguments = parser.parse_args()
    runs = [scores(folder, arguments.metric) for folder in arguments.runs]
    spread = lambda values: " ".join(f"{value:6.2f}" for value in values)

    print(f"{len(runs)} runs, {arguments.metric} in dB:", end=" ")
    print("mean [95 % of Student's t over runs]; single runs\n")
    for method in METHODS:
        means = [statistics.fmean(trial[method] for trial in run.values()) for run in runs]
        print(f"{method:34} {interval(means)}   {spread(means)}")
    print()
    for first, second in DIFFERENCES:
        gains = [[trial[first] - trial[second] for trial in run.values()] for run in runs]
        means = [statistics.fmean(gain) for gain in gains]
        print(f"{first + ' - ' + second:34} {interval(means)}   {spread(means)}")
    for first, second in DIFFERENCES[:1]:
        print(f"\n{first} - {second} by true order")
        for order in sorted({order for run in runs for _, order in run}):
            of_order = [
                [trial[first] - trial[second] for (_, k), trial in run.items() if k == order]
                for run in runs
            ]
            means = [statistics.fmean(gains) for gains in of_order]
            print(f"{order:34} {interval(means)}   {spread(means)}")


if __name__ == "__main__":
    main()
