"""The precision of matrix products."""

from __future__ import annotations

from ._defaults import Precision


def is_single(precision: Precision) -> bool:
    """Whether the argument asks for single precision.

    Raises ``ValueError`` for what is neither precision.
    """
    if precision not in ("f64", "f32"):
        raise ValueError(f"precision must be 'f64' or 'f32', got {precision!r}")
    return precision == "f32"
