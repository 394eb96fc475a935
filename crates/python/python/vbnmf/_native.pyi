"""The native half of the package: functions without defaults, for the modules beside it."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]
_Complex = NDArray[np.complex128]

VERSION: str
ITERATIONS: int
TOLERANCE: float
ACCELERATION: Literal["none", "squarem"]
ACTIVATION_START: tuple[bool, float]
BACKGROUND_COMPONENTS: int
DICTIONARY_SHAPE: float
ACTIVATION_SHAPE: float
KAPPA: float
NOISE_DB: float
WINDOW_SAMPLES: int
HOP_SAMPLES: int

class _Stft(Protocol):
    @property
    def window_samples(self) -> int: ...
    @property
    def hop_samples(self) -> int: ...
    @property
    def window(self) -> str: ...

def analyse(signal: _Floats, stft: _Stft) -> _Complex: ...
def synthesise(spectrogram: _Complex, stft: _Stft, samples: int | None) -> _Floats: ...
def train(
    power: _Floats,
    order: int,
    iterations: int,
    tolerance: float,
    seed: int,
    start: tuple[_Floats, _Floats] | None,
    single: bool,
    threads: int | None,
) -> tuple[_Floats, _Floats, _Floats, bool]: ...
def choose_frames(
    signal: _Floats, stft: _Stft, keep: float, seed: int, recording: int
) -> _Floats: ...
def fit_activations(
    power: _Floats, dictionary: _Floats, iterations: int, threads: int | None
) -> tuple[_Floats, float]: ...
def normalise(components: _Floats) -> _Floats: ...
def draw_dictionary(components: int, bins: int, seed: int, cell: Sequence[int]) -> _Floats: ...
def find_level(
    signal: _Floats | None,
    stft: _Stft | None,
    mean_power: float,
    expected_power: float,
    noise_db: float,
) -> tuple[float, float]: ...
def infer(
    mixture: _Complex,
    gain: float,
    sources: Sequence[dict[str, Any]],
    settings: dict[str, Any],
    trace_period: int,
    callback: Callable[[int, list[list[float]], float | None], object] | None,
    threads: int | None,
) -> dict[str, Any]: ...
def select(free_energies: Sequence[float]) -> int: ...
def weigh_by_evidence(free_energies: Sequence[float], beta: float) -> list[float]: ...
def average(estimates: Sequence[_Complex], weights: Sequence[float]) -> _Complex: ...
def average_by_evidence(
    estimates: Sequence[_Complex], free_energies: Sequence[float], beta: float
) -> _Complex: ...
def posterior_moments(
    mixture: _Complex,
    gain: float,
    factors: Sequence[Sequence[tuple[_Floats, _Floats]]],
    order_posterior: Sequence[_Floats],
    noise_variance: float,
    beta: float,
    structured: bool,
    threads: int | None,
) -> tuple[_Floats, _Floats]: ...
def bss_eval_sources(
    references: _Floats, estimates: _Floats, permutation: bool
) -> tuple[list[tuple[float, float, float]], list[int]]: ...
def si_sdr(reference: _Floats, estimate: _Floats) -> float: ...
def plain_sdr(reference: _Floats, estimate: _Floats) -> float: ...

class BssEval:
    def __new__(cls, references: _Floats, filter_taps: int) -> BssEval: ...
    @property
    def sources(self) -> int: ...
    @property
    def samples(self) -> int: ...
    def score(self, estimate: _Floats, target: int) -> tuple[float, float, float]: ...
    def sdr(self, estimate: _Floats, target: int) -> float: ...
