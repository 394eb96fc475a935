#!/usr/bin/env python3
"""What else could be done with a recording: starts, fusions, backgrounds, priors, orders, kappa.

Mixes held-out utterances of every speaker with every noise at every ratio, separates each mixture
in many ways with the Python package, and compares the speech with that of the defaults of
`separate`, on the same mixtures. A way is one inference or an average of the estimates of several,
equal or weighted by their free energies. Scores are appended to a CSV as they are made, one row per
mixture, way and metric, and ways that a mixture has already are not repeated. Then the table of
differences is printed: 95 % intervals by Student's t over pairs of speaker and noise, whose
mixtures are averaged first.

`--list` shows the ways. Needs numpy, crates/python, a folder made by scripts/get_real_corpus.sh and
one by scripts/learn_voices.py. Usage:

    python3 scripts/benchmark/ablations.py CORPUS DICTIONARIES OUT.csv --people chosen --one-ratio
    python3 scripts/benchmark/ablations.py CORPUS DICTIONARIES OUT.csv --people reported
"""

import argparse
import csv
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import vbnmf
from audio import read_wav
from make_mixtures import draw, held_out_speech

# Of the people and noises that the defaults were chosen on, and those that no choice was made on.
PEOPLE = {
    "chosen": (
        "italian_man,russian_woman,french_woman",
        "boat,fireplace,stream,summer-night,music-cold-day,music-simplicity",
    ),
    "reported": (
        "english_woman,czech_woman,czech_man,dutch_woman,dutch_man",
        "birds,city,coffee-shop,rain,storm",
    ),
}
RATIOS_DB = {"chosen": "-6,0,9", "reported": "-6,0,6,9"}
DEFAULT = "default"
METRICS = ("sdr", "si_sdr")
FIELDS = ("speaker", "noise", "snr_db", "way", "metric", "value_db", "seconds")
# Of the background alone, beside the mixture.
BACKGROUND_SECONDS = 3.0
KAPPA = 0.325
# As where `separate` draws the background's dictionary.
SHAPE, START_FLOOR = 0.2, 1e-10


@dataclass(frozen=True)
class Inference:
    """One call of vbnmf.separate; the defaults are those of `separate`."""

    start: object = 1000.0
    """Of all activations, or of the speech's where the background has its own."""
    background_start: object = None
    components: tuple = (16,)
    """Orders of the background; several are combined with those of the speech."""
    background: str = "drawn"
    """drawn, or from 3 s of the same background: adapted (a start) or known."""
    seeds: tuple = (1,)
    """Of drawn dictionaries: each order of the background has one for each."""
    orders: tuple = ()
    """Of the speech; all if empty."""
    rest: int = 0
    """Components of a further background that is drawn, beside that of 3 s."""
    kappa: float = KAPPA
    shapes: tuple = (SHAPE, SHAPE)
    """Of the priors of the background's dictionary and of the activations."""


@dataclass(frozen=True)
class Fusion:
    """An average over inferences."""

    members: tuple
    weights: str = "equal"
    """equal, evidence (free energies over beta), best (the largest alone) or bound (the largest
    bound on the log evidence alone, which the free energy is at beta = 1)."""


@dataclass(frozen=True)
class Oracle:
    """The best of some ways by each metric, as nobody can know it."""

    ways: tuple


@dataclass(frozen=True)
class Result:
    """What an inference gives."""

    estimate: np.ndarray
    """Of the speech."""
    free_energy: float
    bound: float
    seconds: float
    """Of a processor."""


@dataclass(frozen=True)
class Mixture:
    """A trial: signals, and the speaker's dictionaries."""

    signal: np.ndarray
    references: tuple
    background: np.ndarray
    """A stretch of the noise beside the mixture's, without speech."""
    dictionaries: dict
    rate_hz: int


def list_ways():
    """All ways by name: an Inference, a Fusion or an Oracle each."""
    base = Inference()
    ways = {DEFAULT: base}

    def add(name, **changes):
        ways[name] = replace(base, **changes)

    def fuse(name, members, weights="equal"):
        ways[name] = Fusion(tuple(ways[member] for member in members), weights)

    # Starts.
    starts = {"1": 1.0, "10": 10.0, "balanced": vbnmf.Balanced()}
    starts["balanced x 1000"] = vbnmf.Balanced(1000.0)
    for name, start in starts.items():
        add(f"start {name}", start=start)
    add("start 100 of the background", background_start=100.0)
    four = (DEFAULT, "start 1", "start 10", "start balanced")
    for name, members in (("1000, 1, 10, balanced", four), ("1000, 10", (DEFAULT, "start 10"))):
        for weights in ("equal", "evidence", "best"):
            fuse(f"starts {name}: {weights}", members, weights)
    ways["oracle over the starts 1000, 1, 10, balanced"] = Oracle(four)

    # The background: its number of components, a dictionary from 3 s of it, its orders and draws.
    for components in (8, 32):
        add(f"K_2 = {components}", components=(components,))
    for kind in ("adapted", "known"):
        for components in (8, 16):
            add(f"{kind} from 3 s, K_2 = {components}", background=kind, components=(components,))
    for known, rest in ((8, 4), (8, 8)):
        changes = {"background": "known", "components": (known,), "rest": rest}
        add(f"known from 3 s, K_2 = {known}, and {rest} estimated", **changes)
    add("orders 4, 8, 16, 32 of the background", components=(4, 8, 16, 32))
    add("orders 8, 16, 32 of the background", components=(8, 16, 32))
    for seed in (2, 3):
        add(f"draw {seed}", seeds=(seed,))
    for count, members in ((2, (DEFAULT, "draw 2")), (3, (DEFAULT, "draw 2", "draw 3"))):
        for weights in ("equal", "best"):
            fuse(f"{count} draws: {weights}", members, weights)
    ways["oracle over 3 draws"] = Oracle((DEFAULT, "draw 2", "draw 3"))
    add("2 draws as orders of the background", seeds=(1, 2))
    add("3 draws as orders of the background", seeds=(1, 2, 3))

    # The weight of the entropy.
    kappas = (0.01, 0.0325, 0.1, 1.0, 10.0)
    for kappa in kappas:
        add(f"kappa {kappa:g}", kappa=kappa)
    all_kappas = (DEFAULT, *(f"kappa {kappa:g}" for kappa in kappas))
    fuse("kappa by the bound", all_kappas, "bound")
    ways["oracle over kappa"] = Oracle(all_kappas)

    # Priors and the speech's orders.
    add("prior of W_2: shape 0.5", shapes=(0.5, SHAPE))
    for shape in (0.02, 0.05):
        sparse = {"shapes": (SHAPE, shape)}
        add(f"prior of H: shape {shape}", **sparse)
        add(f"prior of H: shape {shape}, 2 draws as orders", **sparse, seeds=(1, 2))
    add("prior of H: shape 0.05, 2 draws as orders, kappa 0.1", **sparse, seeds=(1, 2), kappa=0.1)
    orders = (2, 4, 6, 8, 10, 12, 14)
    add("orders 4 to 14", orders=orders[1:])
    add("orders 8 to 14", orders=orders[3:])
    return ways


class Separator:
    """Ways on one mixture. An inference that several ways need is made once."""

    def __init__(self, mixture):
        self.mixture = mixture
        self.metric = vbnmf.BssEval(mixture.references)
        self.learned, self.made = {}, {}

    def run(self, way):
        """Estimate of the speech and processor seconds."""
        members = way.members if isinstance(way, Fusion) else (way,)
        results = [self.infer(member) for member in members]
        kind = way.weights if isinstance(way, Fusion) else "equal"
        energies = np.array([r.bound if kind == "bound" else r.free_energy for r in results])
        if kind == "equal":
            weights = np.ones(len(results))
        elif kind == "evidence":
            beta = KAPPA * vbnmf.stft(self.mixture.signal).size
            weights = np.exp((energies - energies.max()) / beta)
        else:
            weights = np.arange(len(results)) == energies.argmax()
        weights = weights / weights.sum()
        estimate = sum(w * r.estimate for w, r in zip(weights, results) if w > 0)
        return estimate, sum(r.seconds for r in results)

    def score(self, estimate):
        """Scores of an estimate of the speech in dB, by metric."""
        speech = self.mixture.references[0]
        return {"sdr": self.metric.sdr(estimate, 0), "si_sdr": vbnmf.si_sdr(speech, estimate)}

    def infer(self, inference):
        """The result of an inference."""
        if inference not in self.made:
            began = time.process_time()
            separation = self.separate(inference)
            seconds = time.process_time() - began
            # Exact where the background has one order, so that the speech's q(K) is all of it.
            q = separation.order_posterior[0]
            entropy = -np.sum(q * np.log(np.maximum(q, 1e-300)))
            self.made[inference] = Result(
                separation.estimates[0],
                separation.free_energy,
                separation.free_energy - (separation.beta - 1) * entropy,
                seconds,
            )
        return self.made[inference]

    def separate(self, inference):
        dictionaries = self.mixture.dictionaries
        orders = inference.orders or tuple(dictionaries)
        sources = [vbnmf.Source([dictionaries[order] for order in orders])]
        sources.append(self.build_background(inference))
        if inference.rest:
            sources.append(vbnmf.Background(inference.rest))
        return vbnmf.separate(
            self.mixture.signal,
            sources,
            kappa=inference.kappa,
            activation_start=inference.start,
            dictionary_shape=inference.shapes[0],
            activation_shape=inference.shapes[1],
            seed=inference.seeds[0],
            trace_period=0,
            threads=1,
        )

    def build_background(self, inference):
        start, components = inference.background_start, inference.components
        if inference.background != "drawn":
            learned = [self.learn_background(count) for count in components]
            adapt = inference.background == "adapted"
            return vbnmf.Source(learned, adapt=adapt, activation_start=start)
        if len(components) == len(inference.seeds) == 1:
            return vbnmf.Background(components[0], activation_start=start)
        bins = next(iter(self.mixture.dictionaries.values())).shape[1]
        drawn = []
        for seed in inference.seeds:
            rng = np.random.default_rng(seed)
            for count in components:
                entries = rng.gamma(SHAPE, 1 / SHAPE, (count, bins))
                drawn.append(np.maximum(entries, START_FLOOR))
        return vbnmf.Source(drawn, adapt=True, activation_start=start)

    def learn_background(self, components):
        if components not in self.learned:
            stretch, rate_hz = self.mixture.background, self.mixture.rate_hz
            model = vbnmf.SpeakerModel.fit([stretch], rate_hz, [components], threads=1)
            self.learned[components] = model.dictionaries[0]
        return self.learned[components]


def load_dictionaries(path):
    """Dictionaries of the estimation side by order, in double precision."""
    with np.load(path) as archive:
        names = [name for name in archive.files if name.startswith("estimation_")]
        arrays = {int(name.split("_")[1]): archive[name].astype(float) for name in names}
    if not arrays:
        raise ValueError(f"{path} has no dictionary of an estimation side")
    return dict(sorted(arrays.items()))


def list_mixtures(arguments):
    """Speaker, noise, ratio in dB and the mixture, one after the other."""
    noises, ratios = arguments.noises.split(","), arguments.snr_db.split(",")
    speakers = arguments.speakers.split(",")
    for speaker in speakers:
        dictionaries = load_dictionaries(arguments.dictionaries / f"{speaker}.npz")
        voice, rate_hz = held_out_speech(
            arguments.corpus, arguments.dictionaries, speaker, arguments.seed
        )
        samples = round(arguments.seconds * rate_hz)
        if len(voice) < samples * len(noises):
            raise ValueError(f"{speaker}: {len(voice) / rate_hz:.0f} s of speech are not enough")
        for index, noise in enumerate(noises):
            path = arguments.corpus / "noise" / f"{noise}.wav"
            whole, noise_rate_hz = read_wav(path)
            beside = round(BACKGROUND_SECONDS * rate_hz)
            if noise_rate_hz != rate_hz or len(whole) < samples + 2 * beside:
                least = samples / rate_hz + 2 * BACKGROUND_SECONDS
                raise ValueError(f"{path} is shorter than {least:g} s at {rate_hz} Hz")
            start = int(
                draw(arguments.seed, speaker, noise, "start") * (len(whole) - samples + 1)
            )
            end = start + samples
            # Before the mixture's, or behind where there is no room.
            alone = whole[start - beside : start] if start >= beside else whole[end : end + beside]
            ratios_here = ratios
            speech, background = voice[index * samples :][:samples], whole[start:end]
            if arguments.one_ratio:
                ratios_here = [ratios[(speakers.index(speaker) + index) % len(ratios)]]
            for ratio in ratios_here:
                power = np.sum(speech**2) / np.sum(background**2) / 10 ** (float(ratio) / 10)
                references = (speech, background * np.sqrt(power))
                mixture = Mixture(sum(references), references, alone, dictionaries, rate_hz)
                yield speaker, noise, ratio, mixture


def separate_all(arguments, ways):
    """Appends what the CSV lacks."""
    done = {tuple(row[field] for field in FIELDS[:4]) for row in read(arguments.csv)}
    is_new = not arguments.csv.exists()
    with arguments.csv.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(FIELDS)
        for *trial, mixture in list_mixtures(arguments):
            separator = Separator(mixture)
            for name, way in {"mixture": None, **ways}.items():
                if isinstance(way, Oracle) or (*trial, name) in done:
                    continue
                estimate, seconds = (mixture.signal, 0.0) if way is None else separator.run(way)
                for metric, value in separator.score(estimate).items():
                    writer.writerow([*trial, name, metric, f"{value:.6f}", f"{seconds:.3f}"])
            file.flush()
            print(*trial, file=sys.stderr, flush=True)


def read(path):
    """Rows of scores; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def t_quantile(degrees):
    """The 97.5 % quantile of Student's t, by bisection of its distribution function."""
    # The density is integrated over the angle, t = sqrt(degrees) tan(angle), where it is a power
    # of the cosine.
    angles = np.linspace(0.0, np.pi / 2, 200_001)
    middle = (angles[1:] + angles[:-1]) / 2
    mass = np.cumsum(np.cos(middle) ** (degrees - 1))
    return np.sqrt(degrees) * np.tan(np.interp(0.95, mass / mass[-1], angles[1:]))


def summarise(arguments, ways):
    """Prints the differences to the defaults, way by way."""
    scores, costs = {}, {}
    wanted = {
        (speaker, noise, ratio)
        for speaker in arguments.speakers.split(",")
        for noise in arguments.noises.split(",")
        for ratio in arguments.snr_db.split(",")
    }
    for row in read(arguments.csv):
        trial = (row["speaker"], row["noise"], row["snr_db"])
        if trial in wanted:
            scores.setdefault((row["way"], row["metric"]), {})[trial] = float(row["value_db"])
            costs.setdefault(row["way"], {})[trial] = float(row["seconds"])
    for name, way in ways.items():
        for metric in METRICS if isinstance(way, Oracle) else ():
            of_ways = [scores.get((member, metric), {}) for member in way.ways]
            trials = set.intersection(*map(set, of_ways))
            scores[name, metric] = {t: max(values[t] for values in of_ways) for t in trials}
    print("| way | SDR | SI-SDR | SDR, difference | SI-SDR, difference | worse | time | mixtures |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name in ("mixture", *ways):
        values = [scores.get((name, metric), {}) for metric in METRICS]
        if not values[0]:
            continue
        cells = [f"{np.mean(list(of_metric.values())):.2f}" for of_metric in values]
        for metric, of_metric in zip(METRICS, values):
            pairs = {}
            for trial, value in of_metric.items():
                pairs.setdefault(trial[:2], []).append(value - scores[DEFAULT, metric][trial])
            differences = np.array([np.mean(pair) for pair in pairs.values()])
            half = np.nan
            if len(differences) > 1:
                error = differences.std(ddof=1) / np.sqrt(len(differences))
                half = t_quantile(len(differences) - 1) * error
            cells.append(f"{differences.mean():+.2f} ± {half:.2f}")
        mixtures = scores["mixture", "si_sdr"]
        cells.append(str(sum(value < mixtures[trial] for trial, value in values[1].items())))
        paid = costs.get(name, {})
        ratios = [paid[trial] / costs[DEFAULT][trial] for trial in paid]
        cells.append(f"{np.median(ratios):.1f}" if ratios else "")
        print(f"| {name} | {' | '.join(cells)} | {len(values[0])} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("dictionaries", type=Path)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--people", choices=PEOPLE, default="chosen")
    parser.add_argument("--speakers", metavar="NAME,…", help="instead of those of --people")
    parser.add_argument("--noises", metavar="NAME,…", help="instead of those of --people")
    parser.add_argument("--snr-db", metavar="DB,…", help="instead of those of --people")
    parser.add_argument("--ways", metavar="NAME;…", help="some of them, beside the default")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--one-ratio", action="store_true", help="each pair at one ratio, in turn")
    parser.add_argument("--list", action="store_true", help="show the ways, and nothing else")
    parser.add_argument("--only-summarise", action="store_true")
    arguments = parser.parse_args()
    arguments.speakers = arguments.speakers or PEOPLE[arguments.people][0]
    arguments.noises = arguments.noises or PEOPLE[arguments.people][1]
    arguments.snr_db = arguments.snr_db or RATIOS_DB[arguments.people]
    ways = list_ways()
    if arguments.ways:
        chosen = [DEFAULT, *arguments.ways.split(";")]
        unknown = [name for name in chosen if name not in ways]
        if unknown:
            sys.exit(f"--ways: there is no {unknown[0]!r}; --list shows them")
        ways = {name: way for name, way in ways.items() if name in chosen}
    if arguments.list:
        print("\n".join(ways))
        return
    if not arguments.only_summarise:
        separate_all(arguments, ways)
    summarise(arguments, ways)


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"ablations.py: {error}")
