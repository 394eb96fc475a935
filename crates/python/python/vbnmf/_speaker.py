"""Dictionaries of one source, for several numbers of components, and their file."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from . import _defaults, _native
from ._arrays import Float64, as_floats, as_signal
from ._defaults import Precision
from ._numbers import as_whole
from ._precision import is_single
from ._transform import StftSettings

_FORMAT = "vb-nmf dictionaries"
#: Those of the folder `data/voices`. A voice has two parts, learned from different utterances.
_NOISE_FORMAT = "vb-nmf noise"
_VOICE_FORMAT = "vb-nmf voice"
_PARTS = ("generation", "estimation")
_FORMAT_VERSION = 1
_NORMALISATION = "each component has unit mean over the bins"
_RATES_HZ = range(1_000, 768_001)
#: What reading raises where the content of a file is at fault.
_DAMAGE = (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)
#: Largest order, as of the command line.
MOST_COMPONENTS = 1000


class SpeakerModel:
    """What is known of a source before a separation: one dictionary per order.

    A dictionary has one row per component, which is a spectral pattern of power with unit mean.
    Which order fits a mixture is found with the separation.

    Parameters
    ----------
    dictionaries
        Arrays of shape ``(components, bins)``, non-negative, each with another number of
        components.
    sample_rate_hz
        Rate of the recordings they were learned from.
    stft
        Transform of these recordings.
    costs
        Divergence during the training of each, for :meth:`save`.
    metadata
        What else :meth:`save` says: ``iterations``, ``seed``, ``training_frames``, …

    Raises
    ------
    ValueError
        For matrices that are no dictionaries or do not have the transform's bins.
    """

    dictionaries: tuple[Float64, ...]
    """Arrays of shape ``(components, bins)``, one per order."""
    sample_rate_hz: int
    """Rate of the recordings."""
    stft: StftSettings
    """Transform of the recordings."""
    costs: tuple[Float64, ...]
    """Itakura-Saito divergence before each iteration and after the last, per order."""
    metadata: dict[str, Any]
    """What the file says beside the dictionaries."""

    def __init__(
        self,
        dictionaries: Iterable[Any],
        sample_rate_hz: int,
        stft: StftSettings | None = None,
        *,
        costs: Sequence[Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.stft = stft or StftSettings()
        self.sample_rate_hz = _check_rate(sample_rate_hz)
        checked = []
        for index, dictionary in enumerate(dictionaries):
            entries = as_floats(dictionary, f"dictionary {index}", 2, contiguous=True)
            if entries.shape[1] != self.stft.bins:
                hint = ": is it transposed? A component is a row"
                raise ValueError(
                    f"dictionary {index} is {entries.shape[0]} x {entries.shape[1]}, not "
                    f"components x {self.stft.bins}"
                    f"{hint if entries.shape[0] == self.stft.bins else ''}"
                )
            # Raises for what is no dictionary.
            _native.normalise(entries)
            checked.append(entries)
        if not checked:
            raise ValueError("a model needs at least one dictionary")
        self.dictionaries = tuple(checked)
        if len(set(self.orders)) < len(self.orders):
            raise ValueError(f"an order is given twice: {self.orders}")
        self.costs = tuple(as_floats(c, "costs", 1) for c in costs or [[]] * len(checked))
        if len(self.costs) != len(self.dictionaries):
            raise ValueError(f"{len(self.costs)} costs of {len(checked)} dictionaries")
        self.metadata = dict(metadata or {})

    @property
    def orders(self) -> tuple[int, ...]:
        """Numbers of components."""
        return tuple(len(dictionary) for dictionary in self.dictionaries)

    @classmethod
    def fit(
        cls,
        signals: Any,
        sample_rate_hz: int,
        orders: Iterable[int] = _defaults.ORDERS,
        *,
        stft: StftSettings | None = None,
        iterations: int = _defaults.TRAINING_ITERATIONS,
        precision: Precision = _defaults.TRAINING_PRECISION,
        max_frames: int = _defaults.TRAINING_FRAMES,
        seed: int = _defaults.SEED,
        threads: int | None = None,
    ) -> SpeakerModel:
        """Learns dictionaries from recordings of the source alone, by Itakura-Saito NMF.

        Byte for byte what the command ``train --held-out 0`` learns from the same samples.

        Parameters
        ----------
        signals
            One signal, shape ``(samples,)``, or several. Each is longer than a window.
        sample_rate_hz
            Their rate.
        orders
            Numbers of components, one dictionary for each.
        stft
            Window and hop; a sine window of 2048 samples at half overlap if not given.
        iterations
            Iterations of each training.
        precision
            ``"f32"`` for matrix products in single precision, what leaves its range in double;
            ``"f64"`` takes twice as long and moves no score by a thousandth of a decibel.
        max_frames
            Most frames to learn from, chosen at random where there are more. Frames of digital
            silence are left out.
        seed
            Of all random numbers.
        threads
            Threads; one per processor if None. Results do not depend on it.

        Raises
        ------
        ValueError
            For signals that are silent, too short or not finite, too few frames for the largest
            order, or settings out of range.
        """
        stft = stft or StftSettings()
        signals = _as_signals(signals)
        orders = tuple(as_whole(order, "orders", 1, MOST_COMPONENTS) for order in orders)
        if not orders:
            raise ValueError("there are no orders to learn")
        iterations = as_whole(iterations, "iterations", least=1)
        single = is_single(precision)
        max_frames = as_whole(max_frames, "max_frames", least=1)
        seed = as_whole(seed, "seed")
        for index, signal in enumerate(signals):
            if not signal.any():
                raise ValueError(f"signal {index}: every sample is zero")
            if len(signal) < stft.window_samples:
                raise ValueError(
                    f"signal {index}: {len(signal)} samples are shorter than a window of "
                    f"{stft.window_samples}"
                )
        keep = max_frames / sum(stft.frames(len(signal)) for signal in signals)
        power = np.concatenate(
            [
                _native.choose_frames(signal, stft, keep, seed, index)
                for index, signal in enumerate(signals)
            ]
        )
        if len(power) <= max(orders):
            raise ValueError(
                f"too little to learn from: {len(power)} frames that are not silent, and orders "
                f"up to {max(orders)}"
            )
        trained = [
            _native.train(power, order, iterations, 0.0, seed, None, single, threads)
            for order in orders
        ]
        costs = [cost for _, _, cost, _ in trained]
        metadata = {
            "iterations": iterations,
            "final_cost": [float(cost[-1]) for cost in costs],
            "training_frames": len(power),
            "held_out_frames": 0,
            "held_out_divergence": [],
            "seed": seed,
            "corpus_sha256": _digest(signals),
        }
        dictionaries = [dictionary for dictionary, _, _, _ in trained]
        return cls(dictionaries, sample_rate_hz, stft, costs=costs, metadata=metadata)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the file that the command ``separate`` reads: a NumPy archive with ``metadata``
        (JSON as uint8), ``dictionary_<order>`` and ``cost_<order>``. It replaces a file at once, so
        that nobody reads half of one."""
        itself = {
            "format": _FORMAT,
            "format_version": _FORMAT_VERSION,
            "made_with": f"vbnmf {_native.VERSION}",
            "sample_rate_hz": self.sample_rate_hz,
            "stft": {
                "window_samples": self.stft.window_samples,
                "hop_samples": self.stft.hop_samples,
                "window": self.stft.window,
            },
            "normalisation": _NORMALISATION,
            "orders": list(self.orders),
        }
        training = {
            "iterations": 0,
            "final_cost": [],
            "training_frames": 0,
            "held_out_frames": 0,
            "held_out_divergence": [],
            "seed": 0,
            "corpus_sha256": "",
        }
        # In the command line's order. What else is known is kept: a licence asks for that.
        metadata = {**itself, **training, **self.metadata, **itself}
        text = json.dumps(metadata, indent=2, allow_nan=False).encode()
        arrays: dict[str, Any] = {"metadata": np.frombuffer(text, dtype=np.uint8)}
        for order, dictionary, cost in zip(self.orders, self.dictionaries, self.costs):
            arrays[f"dictionary_{order}"] = dictionary
            if len(cost):
                arrays[f"cost_{order}"] = cost
        path = Path(path)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".vbnmf-", delete=False) as file:
            try:
                np.savez(file, **arrays)
                file.close()
                os.replace(file.name, path)
            except BaseException:
                os.unlink(file.name)
                raise

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        part: Literal["generation", "estimation"] | None = None,
        sample_rate_hz: int | None = None,
        stft: StftSettings | None = None,
    ) -> SpeakerModel:
        """Reads a file of the command ``train``, of :meth:`save`, of the folder ``data/voices`` or
        of another program.

        Parameters
        ----------
        path
            A ``.npz`` file, or a ``.npy`` file of one array ``(components, bins)``.
        part
            Of a voice in ``data/voices``, which has dictionaries of two halves of its utterances:
            what is drawn from one is to be separated with the other.
        sample_rate_hz, stft
            For files that do not say them.

        Raises
        ------
        ValueError
            For a file that is none of dictionaries, with its path.
        """
        try:
            return cls._load(path, part, sample_rate_hz, stft)
        except _DAMAGE as error:
            raise ValueError(f"{os.fspath(path)} is not a file of dictionaries: {error}") from error

    @classmethod
    def _load(
        cls,
        path: str | os.PathLike[str],
        part: str | None,
        sample_rate_hz: int | None,
        stft: StftSettings | None,
    ) -> SpeakerModel:
        with open(path, "rb") as file:
            # NumPy takes anything else for pickled objects, and would advise to trust them.
            if not file.read(6).startswith((b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY")):
                raise ValueError(
                    "it is neither a NumPy archive (.npz), which `save` and the command `train` "
                    "write, nor a NumPy array (.npy)"
                )
            file.seek(0)
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                arrays = {"the array": content}
            else:
                arrays = {name: content[name] for name in content.files}
        stored = arrays.pop("metadata", None)
        metadata = {} if stored is None else json.loads(stored.tobytes())
        if not isinstance(metadata, dict):
            raise ValueError("`metadata` is no JSON object")
        for key, known in (
            ("format", (_FORMAT, _NOISE_FORMAT, _VOICE_FORMAT)),
            ("format_version", (_FORMAT_VERSION,)),
            ("normalisation", (_NORMALISATION,)),
        ):
            if metadata.get(key, known[0]) not in known:
                raise ValueError(f"`{key}` is {metadata[key]!r}, not {known[0]!r}")
        metadata, prefix = _choose_part(metadata, part)
        sample_rate_hz = _agree(metadata.get("sample_rate_hz"), sample_rate_hz, "sample_rate_hz")
        said = metadata.get("stft")
        if said is not None:
            window_samples = said["window_samples"]
            said = StftSettings(
                window_samples,
                said.get("hop_samples", -(-window_samples // 2)),
                said.get("window", "sine"),
            )
        stft = _agree(said, stft, "stft")
        orders = metadata.get("orders")
        if orders:
            names = [f"{prefix}_{order}" for order in orders]
        else:
            named = [name for name in arrays if name.startswith(f"{prefix}_")]
            # By their numbers: dictionary_10 follows dictionary_2.
            names = sorted(named, key=lambda name: (len(name), name)) or list(arrays)
            if not named and len(names) != 1:
                raise ValueError("it has no dictionaries, or several arrays that are not named so")
        costs = [
            arrays.get(f"cost_{name.removeprefix('dictionary_')}", np.zeros(0)) for name in names
        ]
        return cls(
            [arrays[name] for name in names],
            sample_rate_hz,
            stft,
            costs=costs,
            metadata=metadata,
        )

    def __repr__(self) -> str:
        return (
            f"SpeakerModel(orders={self.orders}, sample_rate_hz={self.sample_rate_hz}, "
            f"stft={self.stft})"
        )


def _as_signals(signals: Any) -> list[Float64]:
    if not isinstance(signals, (list, tuple)):
        dimensions = np.ndim(signals)
        signals = [signals] if dimensions < 2 else list(signals)
    elif signals and np.ndim(signals[0]) == 0:
        signals = [signals]
    if not signals:
        raise ValueError("there are no signals to learn from")
    return [as_signal(signal, f"signal {index}") for index, signal in enumerate(signals)]


def _choose_part(metadata: dict[str, Any], part: str | None) -> tuple[dict[str, Any], str]:
    """What is said of one part of a voice, and what the names of its arrays begin with."""
    if metadata.get("format") != _VOICE_FORMAT:
        if part is not None:
            raise ValueError(f"it has one set of dictionaries, and no part {part!r}")
        return metadata, "dictionary"
    if part not in _PARTS:
        raise ValueError(
            f"it has dictionaries of two parts of a voice: part must be {_PARTS[0]!r} or "
            f"{_PARTS[1]!r}, got {part!r}"
        )
    shared = {key: value for key, value in metadata.items() if key not in _PARTS}
    return {**shared, **metadata.get(part, {})}, part


def _check_rate(sample_rate_hz: int) -> int:
    if int(sample_rate_hz) != sample_rate_hz or int(sample_rate_hz) not in _RATES_HZ:
        raise ValueError(
            f"sample_rate_hz must be a whole number from {_RATES_HZ[0]} to {_RATES_HZ[-1]}, got "
            f"{sample_rate_hz}"
        )
    return int(sample_rate_hz)


def _agree(stored: Any, given: Any, name: str) -> Any:
    if stored is None and given is None:
        raise ValueError(f"it does not say its {name}: give {name}=")
    if stored is not None and given is not None and stored != given:
        raise ValueError(f"{name} is given as {given}, and the file itself says {stored}")
    return given if stored is None else stored


def _digest(signals: list[Float64]) -> str:
    """SHA-256 of the digests of all signals, each with its length before it."""
    whole = hashlib.sha256()
    for signal in signals:
        part = hashlib.sha256(signal.astype("<f8", copy=False).tobytes()).digest()
        whole.update(len(part).to_bytes(8, "little") + part)
    return whole.hexdigest()
