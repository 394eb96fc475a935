"""Arrays of any library as NumPy's, without a copy where their layout allows it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Complex128 = NDArray[np.complex128]


def as_array(values: Any, name: str) -> NDArray[Any]:
    """Makes an array of anything with ``__array__``, ``__dlpack__`` or nested numbers.

    Raises ``ValueError`` for what is no array of numbers.
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        array = _from_dlpack(values, name, error)
    if array.dtype.kind == "O":
        array = _from_dlpack(values, name, TypeError("its elements are objects"))
    if array.dtype.kind not in "biufc":
        raise ValueError(f"{name} must be an array of numbers, not of {array.dtype}")
    return array


def _from_dlpack(values: Any, name: str, reason: Exception) -> NDArray[Any]:
    if hasattr(values, "__dlpack__"):
        try:
            return np.from_dlpack(values)
        except (TypeError, ValueError, RuntimeError, BufferError) as error:
            reason = error
    raise ValueError(f"{name} must be an array of numbers: {reason}") from reason


def as_floats(values: Any, name: str, dimensions: int, *, contiguous: bool = False) -> Float64:
    """A float64 array with this number of dimensions, the argument itself if it is one."""
    array = as_array(values, name)
    if array.dtype.kind == "c":
        raise ValueError(f"{name} must be real, not of {array.dtype}")
    _check_dimensions(array, name, dimensions)
    return np.require(array, np.float64, ["A", "C"] if contiguous else ["A"])


def as_complex(values: Any, name: str, dimensions: int) -> Complex128:
    """A complex128 array with this number of dimensions, the argument itself if it is one."""
    array = as_array(values, name)
    _check_dimensions(array, name, dimensions)
    return np.require(array, np.complex128, ["A"])


def as_signal(values: Any, name: str) -> Float64:
    """One channel of finite samples, contiguous float64."""
    array = as_array(values, name)
    if array.ndim == 2:
        raise ValueError(
            f"{name} must be a signal of one channel, got {array.shape}: "
            "give one channel at a time, or their mean"
        )
    signal = as_floats(array, name, 1, contiguous=True)
    finite = np.isfinite(signal)
    if not finite.all():
        raise ValueError(f"{name} is not finite at sample {int(np.argmin(finite))}")
    return signal


def _check_dimensions(array: NDArray[Any], name: str, dimensions: int) -> None:
    if array.ndim != dimensions:
        raise ValueError(
            f"{name} must have {dimensions} dimension{'s' * (dimensions > 1)}, "
            f"got an array of shape {array.shape}"
        )
