"""What is done unless told otherwise. All of it is in this file.

The defaults are those of the commands ``train`` and ``separate``, so that the same input gives the
same numbers here and there; those that the crates define come from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Union

from . import _native


@dataclass(frozen=True)
class Balanced:
    """A start of the activations at the level of the data: each source has an equal share of the
    mixture's mean power, times ``factor``."""

    factor: float = 1.0


#: A constant, or at the level of the data.
ActivationStart = Union[float, Balanced, Literal["balanced"]]
Precision = Literal["f64", "f32"]
Acceleration = Literal["none", "squarem"]


#: Numbers of components of a speaker's dictionaries.
ORDERS = (2, 4, 6, 8, 10, 12, 14)
#: Iterations of a training.
TRAINING_ITERATIONS = 100
#: Numbers of its matrix products.
TRAINING_PRECISION: Precision = "f32"
#: Most frames to learn from.
TRAINING_FRAMES = 20_000

#: Components of a background that is estimated.
BACKGROUND_COMPONENTS: int = _native.BACKGROUND_COMPONENTS
#: Most iterations of an inference.
ITERATIONS: int = _native.ITERATIONS
#: Rise of the free energy at which it ends before, in nats per bin and frame.
TOLERANCE: float = _native.TOLERANCE
#: Whether its iterations begin at extrapolations.
ACCELERATION: Acceleration = _native.ACCELERATION
#: Numbers of its matrix products.
PRECISION: Precision = "f32"
#: Weight of the entropy of q(K), per bin and frame.
KAPPA: float = _native.KAPPA
#: Start of the activations.
ACTIVATION_START: ActivationStart = (
    Balanced(_native.ACTIVATION_START[1])
    if _native.ACTIVATION_START[0]
    else _native.ACTIVATION_START[1]
)
#: Level of the sensor noise against the recording.
NOISE_DB: float = _native.NOISE_DB
#: Iterations between two values of the free energy.
TRACE_PERIOD = 5
#: Shape and rate of the priors of estimated dictionaries and of activations.
DICTIONARY_SHAPE: float = _native.DICTIONARY_SHAPE
ACTIVATION_SHAPE: float = _native.ACTIVATION_SHAPE
#: Root of all random numbers.
SEED = 1

#: Samples of a window and between two.
WINDOW_SAMPLES: int = _native.WINDOW_SAMPLES
HOP_SAMPLES: int = _native.HOP_SAMPLES
