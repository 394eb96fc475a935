"""Exceptions: all of them are :class:`ValueError`, with the crates' messages."""

from __future__ import annotations

import sys
from enum import Enum


class Reason(str, Enum):
    """Why signals do not have a score."""

    NO_REFERENCES = "no references"
    FILTER_TAPS = "filter taps"
    NO_SUCH_TARGET = "no such target"
    COUNT_MISMATCH = "count mismatch"
    TOO_MANY_SOURCES = "too many sources"
    LENGTH_MISMATCH = "length mismatch"
    TOO_SHORT = "too short"
    REFERENCE_NOT_FINITE = "reference not finite"
    ESTIMATE_NOT_FINITE = "estimate not finite"
    SILENT_REFERENCE = "silent reference"
    SILENT_ESTIMATE = "silent estimate"
    SINGULAR = "singular"
    OTHER = "other"


class MetricError(ValueError):
    """A score that these signals do not have.

    ``reason`` says why, for programs, and the text for readers.
    """

    reason: Reason

    def __init__(self, message: str, reason: str | Reason) -> None:
        super().__init__(message, Reason(reason).value)
        self.reason = Reason(reason)

    def __str__(self) -> str:
        return str(self.args[0])


class NotFittedError(ValueError, AttributeError):
    """An estimator that is used before it is fitted."""


def not_fitted(estimator: object) -> Exception:
    """The error of an estimator that is not fitted: scikit-learn's own where it is in use."""
    message = (
        f"This {type(estimator).__name__} instance is not fitted yet: call 'fit' before using it"
    )
    if "sklearn" in sys.modules:
        from sklearn.exceptions import NotFittedError as TheirNotFittedError

        theirs: Exception = TheirNotFittedError(message)
        return theirs
    return NotFittedError(message)
