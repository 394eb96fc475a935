"""Scores of estimates against true sources: BSS Eval version 3 and SI-SDR."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _native
from ._arrays import Float64, as_array, as_floats
from ._errors import MetricError, Reason

#: Length of the distortion filters that the toolbox and the literature use, in taps.
FILTER_TAPS = 512


class Scores(NamedTuple):
    """Energy ratios of one estimate in dB. None is NaN."""

    sdr_db: float
    """Source to distortion ratio."""
    sir_db: float
    """Source to interference ratio; infinite with one reference."""
    sar_db: float
    """Sources to artifacts ratio."""


class Unscored(NamedTuple):
    """An estimate without a score."""

    reason: Reason
    """Why, for programs."""
    message: str
    """Why, for readers."""


class SourceScores(NamedTuple):
    """Energy ratios of all sources in dB, in the order of the references, as mir_eval has them."""

    sdr_db: Float64
    """Source to distortion ratios, shape ``(sources,)``."""
    sir_db: Float64
    """Source to interference ratios, shape ``(sources,)``."""
    sar_db: Float64
    """Sources to artifacts ratios, shape ``(sources,)``."""
    permutation: NDArray[np.intp]
    """The index of the estimate that each reference is matched with, shape ``(sources,)``."""


class BssEval:
    """References of BSS Eval version 3, prepared once for any number of estimates.

    An estimate is split by least squares into the target filtered by ``filter_taps`` taps, what the
    other references filtered so add to it, and the rest (Vincent, Gribonval, Févotte, 2006, section
    III.B). An object can be used from several threads, which run at the same time.

    Parameters
    ----------
    references
        True sources, shape ``(sources, samples)``, or ``(samples,)`` for one.
    filter_taps
        Length of the distortion filters.

    Raises
    ------
    MetricError
        For references that are silent, not finite or too short.

    Examples
    --------
    >>> import numpy as np, vbnmf
    >>> rng = np.random.default_rng(0)
    >>> speech, noise = rng.standard_normal((2, 4000))
    >>> references = vbnmf.BssEval([speech, noise])
    >>> round(references.score(speech + 0.1 * noise, 0).sir_db)
    20
    >>> references.outcome(np.zeros(4000), 0).reason
    <Reason.SILENT_ESTIMATE: 'silent estimate'>
    """

    def __init__(self, references: Any, filter_taps: int = FILTER_TAPS) -> None:
        self._native = _native.BssEval(_as_signals(references, "references"), filter_taps)

    @property
    def sources(self) -> int:
        """Number of references."""
        return self._native.sources

    @property
    def samples(self) -> int:
        """Samples of each reference, and of every estimate."""
        return self._native.samples

    def score(self, estimate: Any, target: int) -> Scores:
        """Scores an estimate, shape ``(samples,)``, of the reference ``target``.

        Raises :class:`MetricError` where there is no score.
        """
        estimate = as_floats(estimate, "the estimate", 1, contiguous=True)
        return Scores(*self._native.score(estimate, target))

    def outcome(self, estimate: Any, target: int) -> Scores | Unscored:
        """Scores an estimate as :meth:`score` does, and returns what is wrong instead of raising
        it: for tables, in which NaN would hide the reason."""
        try:
            return self.score(estimate, target)
        except MetricError as error:
            return Unscored(error.reason, str(error))

    def sdr(self, estimate: Any, target: int) -> float:
        """The SDR of :meth:`score` alone, in less than half the time."""
        estimate = as_floats(estimate, "the estimate", 1, contiguous=True)
        return self._native.sdr(estimate, target)


def bss_eval_sources(
    reference_sources: Any, estimated_sources: Any, compute_permutation: bool = True
) -> SourceScores:
    """BSS Eval version 3 of a separation, with filters of 512 taps.

    Arguments and results are those of ``mir_eval.separation.bss_eval_sources``, and the scores are
    equal to 1e-6 dB up to 130 dB, above which they measure rounding. What has no score raises an
    error instead of a warning or NaN; :meth:`BssEval.outcome` returns it.

    Parameters
    ----------
    reference_sources, estimated_sources
        Signals, shape ``(sources, samples)`` or ``(samples,)``.
    compute_permutation
        Whether estimates are matched with references so that the mean SIR is greatest; else
        estimate j is scored against reference j.

    Returns
    -------
    SourceScores
        A tuple of SDR, SIR and SAR in dB and the permutation.

    Raises
    ------
    MetricError
        With a ``reason``: signals that are silent, not finite or too short, numbers or lengths that
        differ, references that depend on each other linearly.

    Examples
    --------
    >>> import numpy as np, vbnmf
    >>> speech, noise = np.random.default_rng(0).standard_normal((2, 4000))
    >>> sdr, sir, sar, permutation = vbnmf.bss_eval_sources(
    ...     [speech, noise], [noise + 0.1 * speech, speech + 0.1 * noise])
    >>> permutation
    array([1, 0])
    """
    references = _as_signals(reference_sources, "reference_sources")
    estimates = _as_signals(estimated_sources, "estimated_sources")
    scores, permutation = _native.bss_eval_sources(references, estimates, compute_permutation)
    sdr, sir, sar = np.array(scores, dtype=np.float64).reshape(-1, 3).T
    return SourceScores(sdr, sir, sar, np.array(permutation, dtype=np.intp))


def si_sdr(reference: Any, estimate: Any) -> float:
    """The scale-invariant SDR in dB, ``|a s|^2 / |a s - e|^2`` with ``a = <e, s> / |s|^2``.

    No mean is removed (Le Roux, Wisdom, Erdogan, Hershey, 2019, eq. 3).

    Parameters
    ----------
    reference, estimate
        Signals s and e, shape ``(samples,)``.

    Raises
    ------
    MetricError
        For signals that are silent or not finite, and for lengths that differ.

    Examples
    --------
    >>> import vbnmf
    >>> round(vbnmf.si_sdr([1.0, 0.0, 1.0, 0.0], [2.0, 0.2, 2.0, 0.2]), 6)
    20.0
    """
    return _native.si_sdr(*_as_pair(reference, estimate))


def sdr(reference: Any, estimate: Any) -> float:
    """The plain SDR in dB, ``|s|^2 / |s - e|^2``: a wrong gain counts as distortion.

    Arguments and errors are those of :func:`si_sdr`.
    """
    return _native.plain_sdr(*_as_pair(reference, estimate))


def _as_pair(reference: Any, estimate: Any) -> tuple[Float64, Float64]:
    return (
        as_floats(reference, "the reference", 1, contiguous=True),
        as_floats(estimate, "the estimate", 1, contiguous=True),
    )


def _as_signals(signals: Any, name: str) -> Float64:
    if isinstance(signals, (list, tuple)):
        rows = [as_array(signal, name) for signal in signals]
        shapes = [row.shape for row in rows]
        if len(set(shapes)) > 1:
            raise MetricError(f"{name} differ in shape: {shapes}", Reason.LENGTH_MISMATCH)
        signals = np.stack(rows) if rows else np.zeros((0, 0))
    array = as_array(signals, name)
    if array.ndim == 1:
        array = array[np.newaxis]
    return as_floats(array, name, 2, contiguous=True)
