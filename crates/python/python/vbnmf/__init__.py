"""Variational Bayesian NMF for single-channel audio source separation.

| name | does |
|---|---|
| :class:`ItakuraSaitoNMF` | factorises a power spectrogram, as scikit-learn's estimators do |
| :class:`SpeakerModel` | dictionaries of a source for several orders, and their file |
| :func:`separate` | a mixture into any number of sources, with posterior variances and masks |
| :func:`bss_eval_sources`, :class:`BssEval`, :func:`si_sdr`, :func:`sdr` | scores |
| :func:`stft`, :func:`istft` | the transform and its exact inverse |
| :func:`read_study` | the tables of a study |

Spectrograms have shape (frames, bins), dictionaries (components, bins), activations (frames,
components), signals (samples,). Powers are squares of coefficients, scores are in dB, free energies
in nats. Errors are :class:`ValueError`.

Source: X. Jaureguiberry, E. Vincent, G. Richard, "Variational Bayesian model averaging for audio
source separation", IEEE SSP (2014). Equation numbers are that paper's.
"""

from ._defaults import Balanced
from ._errors import MetricError, NotFittedError, Reason
from ._metrics import BssEval, Scores, SourceScores, Unscored, bss_eval_sources, sdr, si_sdr
from ._native import VERSION as __version__
from ._nmf import ItakuraSaitoNMF
from ._separation import (
    Background,
    Expectations,
    OrderFactors,
    Progress,
    Run,
    Separation,
    Source,
    Trace,
    separate,
)
from ._speaker import SpeakerModel
from ._study import Study, read_study
from ._transform import StftSettings, istft, stft

__all__ = [
    "Background",
    "Balanced",
    "BssEval",
    "Expectations",
    "ItakuraSaitoNMF",
    "MetricError",
    "NotFittedError",
    "OrderFactors",
    "Progress",
    "Reason",
    "Run",
    "Scores",
    "Separation",
    "Source",
    "SourceScores",
    "SpeakerModel",
    "StftSettings",
    "Study",
    "Trace",
    "Unscored",
    "__version__",
    "bss_eval_sources",
    "istft",
    "read_study",
    "sdr",
    "separate",
    "si_sdr",
    "stft",
]
