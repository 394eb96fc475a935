"""Separation of a mixture into any number of sources."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple, Union

import numpy as np
from numpy.typing import NDArray

from . import _defaults, _native
from ._arrays import Complex128, Float64, as_array, as_complex, as_floats, as_signal
from ._defaults import Acceleration, ActivationStart, Balanced, Precision
from ._numbers import as_whole
from ._precision import is_single
from ._speaker import MOST_COMPONENTS, SpeakerModel
from ._transform import StftSettings, istft, stft as analyse

Method = Literal["structured", "fusion", "selection", "mean", "evidence"]

METHODS = ("structured", "fusion", "selection", "mean", "evidence")
#: Most combinations of orders: those of the structured posterior.
MOST_COMBINATIONS = 256


@dataclass(frozen=True, eq=False)
class Source:
    """A source with dictionaries, and how they are used.

    Parameters
    ----------
    dictionaries
        A :class:`SpeakerModel`, or one array of shape ``(components, bins)`` per order. Components
        are scaled to unit mean.
    adapt
        Whether the dictionaries are a start only, and estimated further with the activations.
    prior
        Probability of each order; all equal if not given.
    activation_start
        Of this source; that of :func:`separate` if not given.
    """

    dictionaries: Any
    adapt: bool = False
    prior: Sequence[float] | None = None
    activation_start: ActivationStart | None = None


@dataclass(frozen=True, eq=False)
class Background:
    """A source of which nothing is known: its dictionary is estimated with its activations.

    Parameters
    ----------
    components
        Number of components.
    start
        Start of the dictionary, shape ``(components, bins)``, all positive; drawn from the prior if
        not given.
    activation_start
        Of this source; that of :func:`separate` if not given.
    """

    components: int = _defaults.BACKGROUND_COMPONENTS
    start: Any = None
    activation_start: ActivationStart | None = None


class Trace(NamedTuple):
    """The free energy during an inference."""

    iterations: NDArray[np.int64]
    """Iterations, counted from 1, shape ``(values,)``."""
    free_energy: Float64
    """Tempered free energy after each in nats, shape ``(values,)``. It never falls."""


class Expectations(NamedTuple):
    """Expectations of a factor z under its posterior, entry by entry."""

    mean: Float64
    """``E[z]``."""
    harmonic: Float64
    """``1 / E[1/z]``."""


class OrderFactors(NamedTuple):
    """The posterior of one order of one source, at the model's level."""

    dictionary: Expectations
    """Shape ``(components, bins)``."""
    activations: Expectations
    """Shape ``(frames, components)``."""


@dataclass(frozen=True)
class Progress:
    """Where a separation stands after an iteration."""

    iteration: int
    """Iterations done. It can begin again at 1, where single precision was not enough."""
    order_posterior: tuple[tuple[float, ...], ...]
    """q(K) per source and order."""
    free_energy: float | None
    """Tempered free energy in nats, where the trace has it."""
    run: int
    """Position of the inference among those of the method."""
    runs: int
    """Number of these."""


@dataclass(frozen=True, eq=False)
class Run:
    """One inference of a separation. Its factors are at the model's level."""

    orders: tuple[tuple[int, ...], ...]
    """Numbers of components of each source that took part."""
    weight: float
    """Weight of its estimates in those of the separation."""
    free_energy: float
    """Tempered free energy at the end, in nats."""
    iterations: int
    """Iterations done: fewer than asked for where a tolerance has ended it."""
    trace: Trace
    """The free energy on the way."""
    order_posterior: tuple[Float64, ...]
    """q(K) per source, over ``orders``."""
    log_order_posterior: tuple[Float64, ...]
    """log q~(K) per source in nats, of which q(K) is the tempered posterior (eq. 18)."""
    factors: tuple[tuple[OrderFactors, ...], ...]
    """Dictionaries and activations per source and order."""
    precision: Precision
    """Precision of the result: f64 also where f32 was not enough."""


@dataclass(frozen=True, eq=False)
class Separation:
    """The result of :func:`separate`.

    Arrays over sources have them in the order in which they were given. It can be pickled.
    """

    names: tuple[str, ...]
    """Names of the sources: those of the mapping, or their positions."""
    method: Method
    """How it was made."""
    estimates: Float64 | Complex128
    """Posterior means (eq. 15), shape ``(sources, samples)`` for a signal and ``(sources, frames,
    bins)`` for a spectrogram. They add up to the mixture but for the sensor noise."""
    coefficients: Complex128
    """Posterior means as spectrograms, shape ``(sources, frames, bins)``."""
    orders: tuple[tuple[int, ...], ...]
    """Numbers of components of each source."""
    order_posterior: tuple[Float64, ...]
    """q(K) per source, over ``orders``. All on one order by selection, equal by mean; the weights
    of the runs by evidence."""
    runs: tuple[Run, ...]
    """The inferences that were made: one, or one per combination of orders."""
    mixture: Complex128
    """The mixture's coefficients, shape ``(frames, bins)``."""
    gain: float
    """What brought the mixture to the model's level."""
    noise_variance: float
    """Variance of the sensor noise at the model's level."""
    beta: float
    """Weight of the entropy of q(K)."""
    threads: int | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        sources = ", ".join(
            f"{name} (orders {', '.join(map(str, orders))})"
            for name, orders in zip(self.names, self.orders, strict=True)
        )
        shape = self.estimates.shape
        return f"<Separation by {self.method} of {sources}; estimates of shape {shape}>"

    @property
    def best_run(self) -> Run:
        """The run with the largest free energy: the selected one by selection."""
        return max(self.runs, key=lambda run: run.free_energy)

    @property
    def free_energy(self) -> float:
        """Tempered free energy of the best run, in nats."""
        return self.best_run.free_energy

    @property
    def free_energy_trace(self) -> Trace:
        """The free energy of the best run on the way."""
        return self.best_run.trace

    @property
    def activations(self) -> tuple[tuple[Float64, ...], ...]:
        """E[H] of the best run per source and order, each of shape ``(frames, components)``, at the
        model's level: divided by ``gain**2`` they are in the units of the mixture's power."""
        factors = self.best_run.factors
        return tuple(tuple(order.activations.mean for order in source) for source in factors)

    @property
    def dictionaries(self) -> tuple[tuple[Float64, ...], ...]:
        """E[W] of the best run per source and order, each of shape ``(components, bins)``."""
        factors = self.best_run.factors
        return tuple(tuple(order.dictionary.mean for order in source) for source in factors)

    @property
    def masks(self) -> Float64:
        """What the mixture is multiplied with to give each estimate, shape ``(sources, frames,
        bins)``, from 0 to 1: ``C_j / D`` of the paper's posterior (eq. 15), averaged over orders or
        runs of the other methods."""
        return self._moments[1]

    @property
    def posterior_variance(self) -> Float64:
        """``E|s_j - mu_j|^2``, shape ``(sources, frames, bins)``, in the units of the mixture's
        power.

        With ``C_j`` of eq. (16) and ``D = sigma^2 + sum_j C_j``, the paper's posterior has
        ``C_j (D - C_j) / D``. Where orders or runs are averaged, it is the mean of theirs and the
        spread of their estimates. It is computed when first asked for, from the factors, in double
        precision.
        """
        return self._moments[0]

    @cached_property
    def _moments(self) -> tuple[Float64, Float64]:
        moments = [(run.weight, *self._moments_of(run)) for run in self.runs if run.weight > 0.0]
        if len(moments) == 1:
            _, variance, mask = moments[0]
            return variance / self.gain**2, mask
        mask, variance = np.zeros_like(moments[0][2]), np.zeros_like(moments[0][1])
        for weight, _, each in moments:
            mask += weight * each
        power = np.abs(self.mixture) ** 2
        for weight, of_run, each in moments:
            variance += weight * (of_run / self.gain**2 + power * (each - mask) ** 2)
        return variance, mask

    def _moments_of(self, run: Run) -> tuple[Float64, Float64]:
        factors = [
            [(order.dictionary.harmonic, order.activations.harmonic) for order in source]
            for source in run.factors
        ]
        return _native.posterior_moments(
            self.mixture,
            self.gain,
            factors,
            run.order_posterior,
            self.noise_variance,
            self.beta,
            self.method == "structured",
            self.threads,
        )


def separate(
    mixture: Any,
    sources: Mapping[str, Any] | Iterable[Any],
    method: Method = "structured",
    *,
    beta: float | None = None,
    kappa: float | None = None,
    activation_start: ActivationStart = _defaults.ACTIVATION_START,
    iterations: int = _defaults.ITERATIONS,
    tolerance: float = _defaults.TOLERANCE,
    acceleration: Acceleration = _defaults.ACCELERATION,
    precision: Precision = _defaults.PRECISION,
    seed: int = _defaults.SEED,
    callback: Callable[[Progress], object] | None = None,
    sample_rate_hz: int | None = None,
    stft: StftSettings | None = None,
    gain: float | None = None,
    noise_db: float = _defaults.NOISE_DB,
    noise_variance: float | None = None,
    dictionary_shape: float = _defaults.DICTIONARY_SHAPE,
    activation_shape: float = _defaults.ACTIVATION_SHAPE,
    trace_period: int = _defaults.TRACE_PERIOD,
    threads: int | None = None,
) -> Separation:
    """Separates one channel into any number of sources by variational Bayesian NMF.

    The mixture's coefficients are the sum of complex Gaussian sources with variance ``W H`` and of
    sensor noise; every source has several numbers of components, and a posterior over them, whose
    entropy ``beta`` weighs (Jaureguiberry, Vincent, Richard, 2014).

    Parameters
    ----------
    mixture
        A signal, real, shape ``(samples,)``; or its spectrogram, complex, shape ``(frames, bins)``.
        Anything that NumPy makes an array of, in single or double precision.
    sources
        A sequence, or a mapping from names, of any number of :class:`SpeakerModel`,
        :class:`Source`, :class:`Background`, or arrays of shape ``(components, bins)``. Nothing
        is added to them: one source alone gets the whole mixture, so give a background, too.
    method
        ``"structured"``: one inference, in which the sources depend on the orders, and the estimate
        is the average of those of all combinations of orders, by q(K). ``"fusion"``: the paper's VB
        fusion, one inference, in which the orders' precisions are averaged (eq. 16).
        ``"selection"``: one inference for each combination, of which the largest free energy is
        kept. ``"mean"``: the mean of these. ``"evidence"``: their mean by weights
        ``exp(F / beta)``, F being their free energies.
    beta, kappa
        Weight of the entropy of q(K), eq. (18), as it is or per bin and frame; by evidence, that of
        the entropy of the weights. If neither is given,
        kappa is that of the command line for recordings; the paper's beta of 1e4 is a kappa of
        0.0325.
    activation_start
        A constant, ``"balanced"`` or :class:`Balanced`.
    iterations
        Most iterations of each inference.
    tolerance
        An inference ends where ten iterations raise the free energy by less than this, in nats per
        bin and frame; 0 makes all iterations.
    acceleration
        ``"none"``, or ``"squarem"`` for iterations that begin at extrapolations (Varadhan and
        Roland, 2008): a third of them goes about as far, so set fewer.
    precision
        ``"f32"`` for matrix products in single precision, what leaves its range in double;
        ``"f64"`` for double, in about 1.8 times the time.
    seed
        Of the start of backgrounds.
    callback
        Called with a :class:`Progress` after every iteration. What it raises ends the separation.
    sample_rate_hz
        Rate of the mixture, compared with that of the models if it is given.
    stft
        Transform of a signal: needed where no source is a :class:`SpeakerModel` and the default,
        a sine window of 2048 samples at half overlap, is not meant.
    gain
        What brings the mixture to the level of the priors. If not given, its mean power is made
        what the sources expect, the sum of their mean numbers of components; 1 leaves data drawn
        from the model as they are. Estimates are scaled back.
    noise_db
        Level of the sensor noise against the mixture's mean power, -200 to 0 dB.
    noise_variance
        The same as a variance, in the units of the mixture's power; replaces ``noise_db``.
    dictionary_shape, activation_shape
        Shape and rate of the Gamma priors of estimated dictionaries and of activations.
    trace_period
        Iterations between two values of the free energy, which costs a third of an iteration; the
        last iteration always has one. 0 for the last only.
    threads
        Threads; one per processor if None. Results are the same bytes for any number.

    Returns
    -------
    Separation

    Raises
    ------
    ValueError
        For a mixture that is empty, silent, not finite or of another shape, sources that do not fit
        it or each other, and settings out of range.
    KeyboardInterrupt
        Ctrl-C ends it.

    Examples
    --------
    >>> import numpy as np, vbnmf
    >>> rng = np.random.default_rng(0)
    >>> settings = vbnmf.StftSettings(64, 32)
    >>> speaker = vbnmf.SpeakerModel.fit(
    ...     rng.standard_normal(4000), 8000, orders=[1, 2], stft=settings)
    >>> separation = vbnmf.separate(
    ...     rng.standard_normal(2000), [speaker, vbnmf.Background(4)], iterations=10)
    >>> separation.estimates.shape
    (2, 2000)
    >>> [len(q) for q in separation.order_posterior]
    [2, 1]
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    single = is_single(precision)
    if acceleration not in ("none", "squarem"):
        raise ValueError(f"acceleration must be 'none' or 'squarem', got {acceleration!r}")
    if beta is not None and kappa is not None:
        raise ValueError("give beta or kappa, not both")
    iterations = as_whole(iterations, "iterations", least=1)
    seed = as_whole(seed, "seed")
    trace_period = as_whole(trace_period, "trace_period")
    if not -200.0 <= noise_db <= 0.0:
        raise ValueError(f"noise_db must be from -200 to 0, got {noise_db}")
    names, given = _name_sources(sources)
    if not given:
        raise ValueError("there is no source to separate")
    settings = _agree_on_transform(given, stft, sample_rate_hz)
    signal, coefficients = _open_mixture(mixture, settings)
    frames, bins = coefficients.shape
    inputs: list[dict[str, Any]] = []
    for index, source in enumerate(given):
        # The first background has the random stream of the command line's, later ones have theirs.
        drawn = sum(isinstance(other, Background) for other in given[:index])
        cell = [drawn] if drawn else []
        inputs.append(_describe_source(source, index, bins, activation_start, seed, cell))
    orders = tuple(tuple(len(w) for w in source["dictionaries"]) for source in inputs)
    expected_power = sum(sum(numbers) / len(numbers) for numbers in orders)
    if signal is None:
        found = float(np.mean(np.abs(coefficients) ** 2)) if coefficients.size else 0.0
        found_gain, found_noise = _native.find_level(None, None, found, expected_power, noise_db)
    else:
        found_gain, found_noise = _native.find_level(
            signal, settings, 0.0, expected_power, noise_db
        )
    if gain is None:
        if coefficients.size and not coefficients.any():
            raise ValueError("the mixture is silent: every sample is zero")
        gain = found_gain if math.isfinite(found_gain) else 1.0
    elif not (math.isfinite(gain) and gain > 0.0):
        raise ValueError(f"gain must be a positive number, got {gain}")
    model_noise = found_noise if noise_variance is None else noise_variance * gain**2
    choices = _list_choices(orders, method)
    kappa = _defaults.KAPPA if kappa is None else kappa
    native_settings = {
        "structured": method == "structured",
        "single": single,
        "iterations": iterations,
        "tolerance": tolerance,
        "accelerated": acceleration == "squarem",
        "beta": beta,
        "kappa": kappa,
        "noise_variance": model_noise,
        "dictionary_shape": dictionary_shape,
        "activation_shape": activation_shape,
    }

    results = []
    for run, choice in enumerate(choices):
        results.append(
            _native.infer(
                coefficients,
                gain,
                [_restrict(source, order) for source, order in zip(inputs, choice)],
                native_settings,
                trace_period,
                _relay(callback, run, len(choices)),
                threads,
            )
        )
        if method == "selection":
            _forget_estimates(results)
    # The product of the sizes first, as the crate has it: the last digit depends on it.
    beta = kappa * (frames * bins) if beta is None else float(beta)
    weights = _weigh([result["free_energy"] for result in results], method, beta)
    if method == "evidence":
        estimates = _combine_by_evidence(results, beta)
    else:
        estimates = _combine(results, weights)
    runs = tuple(
        _describe_run(result, choice, orders, weight)
        for result, choice, weight in zip(results, choices, weights)
    )
    scaled = np.stack(estimates)
    scaled_back = scaled / gain
    if signal is None:
        outputs: Any = scaled_back
    else:
        # The signal is scaled and not the coefficients, as the command line does it.
        signals = [istft(estimate, len(signal), settings) for estimate in estimates]
        outputs = np.stack(signals)
        outputs /= gain
    return Separation(
        names=names,
        method=method,
        estimates=outputs,
        coefficients=scaled_back,
        orders=orders,
        order_posterior=_average_posteriors(runs, choices, orders, weights),
        runs=runs,
        mixture=coefficients,
        gain=gain,
        noise_variance=model_noise,
        beta=beta,
        threads=threads,
    )


#: For each source, the position of the order that takes part, or None for all.
_Choice = tuple[Union[int, None], ...]


def _name_sources(sources: Mapping[str, Any] | Iterable[Any]) -> tuple[tuple[str, ...], list[Any]]:
    if isinstance(sources, (SpeakerModel, Source, Background)):
        sources = [sources]
    if isinstance(sources, Mapping):
        return tuple(map(str, sources)), list(sources.values())
    given = list(sources)
    return tuple(map(str, range(len(given)))), given


def _agree_on_transform(
    sources: list[Any], stft: StftSettings | None, sample_rate_hz: int | None
) -> StftSettings:
    for source in sources:
        model = source.dictionaries if isinstance(source, Source) else source
        if not isinstance(model, SpeakerModel):
            continue
        if stft is not None and model.stft != stft:
            raise ValueError(f"a source was learned with {model.stft}, the others have {stft}")
        if sample_rate_hz is not None and model.sample_rate_hz != sample_rate_hz:
            raise ValueError(
                f"a source was learned at {model.sample_rate_hz} Hz, the others or the mixture "
                f"have {sample_rate_hz} Hz"
            )
        stft, sample_rate_hz = model.stft, model.sample_rate_hz
    return stft or StftSettings()


def _open_mixture(mixture: Any, settings: StftSettings) -> tuple[Float64 | None, Complex128]:
    array = as_array(mixture, "the mixture")
    if array.dtype.kind == "c":
        return None, as_complex(array, "the mixture", 2)
    if array.ndim != 1:
        raise ValueError(
            f"the mixture must be a real signal of one channel, (samples,), or a complex "
            f"spectrogram, (frames, bins), got {array.dtype} of shape {array.shape}"
        )
    signal = as_signal(array, "the mixture")
    return signal, analyse(signal, settings)


def _describe_source(
    source: Any,
    index: int,
    bins: int,
    activation_start: ActivationStart,
    seed: int,
    cell: list[int],
) -> dict[str, Any]:
    if isinstance(source, Background):
        if source.start is not None:
            start = as_floats(source.start, f"the start of source {index}", 2)
        else:
            components = as_whole(source.components, "components", 1, MOST_COMPONENTS)
            start = _native.draw_dictionary(components, bins, seed, cell)
        return {
            "dictionaries": [start],
            "kind": "start",
            "prior": None,
            "activation_start": _describe_start(source.activation_start, activation_start),
        }
    if not isinstance(source, Source):
        source = Source(source)
    if isinstance(source.dictionaries, SpeakerModel):
        dictionaries = list(source.dictionaries.dictionaries)
    else:
        given = source.dictionaries
        if not isinstance(given, (list, tuple)):
            given = [given]
        elif given and np.ndim(given[0]) < 2:
            # One matrix, as nested lists.
            given = [given]
        dictionaries = [as_floats(w, f"a dictionary of source {index}", 2) for w in given]
    if not dictionaries:
        raise ValueError(f"source {index} has no order")
    return {
        "dictionaries": dictionaries,
        "kind": "adapted" if source.adapt else "known",
        "prior": None if source.prior is None else [float(p) for p in source.prior],
        "activation_start": _describe_start(source.activation_start, activation_start),
    }


def _describe_start(own: ActivationStart | None, common: ActivationStart) -> tuple[bool, float]:
    start = common if own is None else own
    if isinstance(start, Balanced):
        return True, float(start.factor)
    if isinstance(start, str):
        if start != "balanced":
            raise ValueError(
                f"activation_start must be a number, 'balanced' or Balanced(factor), got {start!r}"
            )
        return True, 1.0
    return False, float(start)


def _list_choices(orders: tuple[tuple[int, ...], ...], method: Method) -> list[_Choice]:
    if method in ("structured", "fusion"):
        return [(None,) * len(orders)]
    count = math.prod(map(len, orders))
    if count > MOST_COMBINATIONS:
        raise ValueError(
            f"{count} combinations of orders are too many for {method}, which takes "
            f"{MOST_COMBINATIONS}: give fewer orders"
        )
    return list(itertools.product(*(range(len(numbers)) for numbers in orders)))


def _restrict(source: dict[str, Any], order: int | None) -> dict[str, Any]:
    """A source with one of its orders."""
    if order is None:
        return source
    return {**source, "dictionaries": [source["dictionaries"][order]], "prior": None}


def _relay(callback: Callable[[Progress], object] | None, run: int, runs: int) -> Any:
    if callback is None:
        return None

    def tell(iteration: int, order_posterior: list[list[float]], free_energy: float | None) -> None:
        posterior = tuple(tuple(q) for q in order_posterior)
        callback(Progress(iteration, posterior, free_energy, run, runs))

    return tell


def _forget_estimates(results: list[dict[str, Any]]) -> None:
    """Keeps the estimates of the selected run alone: they are as large as all else together."""
    selected = _native.select([result["free_energy"] for result in results])
    for run, result in enumerate(results):
        if run != selected:
            result["estimates"] = None


def _weigh(free_energies: list[float], method: Method, beta: float) -> list[float]:
    if method == "selection":
        selected = _native.select(free_energies)
        return [float(run == selected) for run in range(len(free_energies))]
    if method == "evidence":
        return _native.weigh_by_evidence(free_energies, beta)
    return [1.0 / len(free_energies)] * len(free_energies)


def _combine(results: list[dict[str, Any]], weights: list[float]) -> list[Complex128]:
    """The weighted mean of the estimates of each source, by the rules of the crate."""
    weighted = [(result["estimates"], weight) for result, weight in zip(results, weights) if weight]
    if len(weighted) == 1:
        return list(weighted[0][0])
    by_source = zip(*(estimates for estimates, _ in weighted))
    of_runs = [weight for _, weight in weighted]
    return [_native.average(estimates, of_runs) for estimates in by_source]


def _combine_by_evidence(results: list[dict[str, Any]], beta: float) -> list[Complex128]:
    """The same by the weights of the free energies, added up as the command line does it."""
    by_source = zip(*(result["estimates"] for result in results))
    energies = [result["free_energy"] for result in results]
    return [_native.average_by_evidence(estimates, energies, beta) for estimates in by_source]


def _describe_run(
    result: dict[str, Any], choice: _Choice, orders: tuple[tuple[int, ...], ...], weight: float
) -> Run:
    factors = tuple(
        tuple(OrderFactors(Expectations(*w), Expectations(*h)) for w, h in source)
        for source in result["factors"]
    )
    iterations = np.array(result["trace_iterations"], dtype=np.int64)
    return Run(
        orders=tuple(
            numbers if order is None else (numbers[order],)
            for numbers, order in zip(orders, choice)
        ),
        weight=weight,
        free_energy=result["free_energy"],
        iterations=result["iterations"],
        trace=Trace(iterations, result["trace_values"]),
        order_posterior=tuple(result["order_posterior"]),
        log_order_posterior=tuple(result["log_order_posterior"]),
        factors=factors,
        precision="f32" if result["single"] else "f64",
    )


def _average_posteriors(
    runs: tuple[Run, ...],
    choices: list[_Choice],
    orders: tuple[tuple[int, ...], ...],
    weights: list[float],
) -> tuple[Float64, ...]:
    if choices[0] and choices[0][0] is None:
        return runs[0].order_posterior
    posteriors = tuple(np.zeros(len(numbers)) for numbers in orders)
    for choice, weight in zip(choices, weights):
        for posterior, order in zip(posteriors, choice):
            posterior[order] += weight
    return posteriors
