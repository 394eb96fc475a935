"""The short-time Fourier transform and its exact inverse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from . import _defaults, _native
from ._arrays import Complex128, Float64, as_complex, as_floats

Window = Literal["sine", "hann", "rectangular"]


@dataclass(frozen=True)
class StftSettings:
    """Window and hop of a short-time Fourier transform.

    Any pair is accepted whose overlapped squared windows vanish nowhere: the inverse is then exact.

    Parameters
    ----------
    window_samples
        Length N of the window and of the transform, in samples.
    hop_samples
        Samples between the starts of two frames, 1 to N.
    window
        ``"sine"``, the square root of the Hann window; ``"hann"``; or ``"rectangular"``. All are
        periodic.
    """

    window_samples: int = _defaults.WINDOW_SAMPLES
    hop_samples: int = _defaults.HOP_SAMPLES
    window: Window = "sine"

    @property
    def bins(self) -> int:
        """Bins of the one-sided transform, N // 2 + 1."""
        return self.window_samples // 2 + 1

    def frames(self, samples: int) -> int:
        """Frames of a signal of ``samples`` samples; 0 for none."""
        if samples == 0:
            return 0
        return -(-(samples + self.window_samples - self.hop_samples) // self.hop_samples)


def stft(signal: Any, settings: StftSettings | None = None) -> Complex128:
    """The one-sided short-time Fourier transform of a signal.

    ``X[t, f] = sum_n w[n] x[t hop - padding + n] exp(-2 pi i f n / N)``, not normalised, with
    ``padding = N - hop`` zeros before the signal, so that every sample is in the same number of
    frames.

    Parameters
    ----------
    signal
        Real samples, shape ``(samples,)``.
    settings
        Window and hop; a sine window of 2048 samples at half overlap if not given.

    Returns
    -------
    complex128 array of shape ``(frames, bins)``

    Raises
    ------
    ValueError
        For settings without an inverse and for a signal of another shape.

    Examples
    --------
    >>> import numpy as np, vbnmf
    >>> tone = np.sin(0.1 * np.arange(5000))
    >>> spectrogram = vbnmf.stft(tone)
    >>> spectrogram.shape
    (6, 1025)
    >>> bool(np.allclose(vbnmf.istft(spectrogram, len(tone)), tone, atol=1e-12))
    True
    """
    signal = as_floats(signal, "the signal", 1)
    return _native.analyse(signal, settings or StftSettings())


def istft(
    spectrogram: Any, samples: int | None = None, settings: StftSettings | None = None
) -> Float64:
    """The signal of a spectrogram: the exact inverse of :func:`stft`.

    A spectrogram that is no signal's gives the signal whose own is closest to it (Griffin and Lim,
    1984, eq. 6).

    Parameters
    ----------
    spectrogram
        Complex coefficients, shape ``(frames, bins)``.
    samples
        Length of the signal; the longest that has as many frames if not given.
    settings
        As of :func:`stft`.

    Returns
    -------
    float64 array of shape ``(samples,)``

    Raises
    ------
    ValueError
        For numbers of frames or bins that do not fit the settings or the length.
    """
    spectrogram = as_complex(spectrogram, "the spectrogram", 2)
    return _native.synthesise(spectrogram, settings or StftSettings(), samples)
