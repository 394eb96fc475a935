"""Arguments that are whole numbers."""

from __future__ import annotations

from numbers import Integral
from typing import Any

#: Largest number of iterations or components that makes sense, and the largest seed.
MOST = 2**63 - 1


def as_whole(value: Any, name: str, least: int = 0, most: int = MOST) -> int:
    """The argument as an int.

    Raises ``ValueError`` for what is no whole number from ``least`` to ``most``; booleans are none.
    """
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or not least <= int(value) <= most:
        upper = f"of at least {least}" if most == MOST else f"from {least} to {most}"
        raise ValueError(f"{name} must be a whole number {upper}, got {value!r}")
    return int(value)
