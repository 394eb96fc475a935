"""Itakura-Saito NMF with the habits of scikit-learn's estimators, without depending on it."""

from __future__ import annotations

import inspect
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _native
from ._arrays import Float64, as_array
from ._defaults import Precision
from ._errors import not_fitted
from ._numbers import as_whole
from ._precision import is_single

#: Seeds are drawn below this.
_SEEDS = 2**31


class ItakuraSaitoNMF:
    """Non-negative matrix factorisation ``X ~ A W`` for the Itakura-Saito divergence.

    ``D(X, V) = sum [ X / V - log(X / V) - 1 ]`` with ``V = A W`` is minimised by multiplicative
    updates,

    ``A <- A * ((X / V^2) W^T) / ((1 / V) W^T)``, then ``W <- W * (A^T (X / V^2)) / (A^T (1 / V))``,

    which never raise it (Févotte, Bertin, Durrieu, 2009; Févotte, Idier, 2011). It is the maximum
    likelihood of powers of complex Gaussian coefficients, and it does not depend on the scale of
    ``X``. Entries below 1e-12 of the mean of ``X``, zeros among them, are raised to that. Rows of
    ``components_`` have unit mean.

    The names are scikit-learn's: rows of ``X`` are samples (frames), columns are features (bins),
    so that ``fit_transform`` returns the activations and ``components_`` is the dictionary.

    Parameters
    ----------
    n_components
        Rows of the dictionary.
    max_iter
        Most iterations of :meth:`fit`, and the iterations of :meth:`transform`.
    random_state
        Seed of the start: an int, a ``numpy.random.RandomState`` or ``Generator``, or None for
        another start every time.
    tol
        :meth:`fit` ends where an iteration lowers the divergence by less than this fraction of its
        first value, which is looked at every ten iterations. 0 makes all of them.
    n_jobs
        Threads; one per processor if None. Results do not depend on it.
    precision
        ``"f64"``, or ``"f32"`` for matrix products of :meth:`fit` in single precision: about twice
        as fast. What leaves its range is done again in double. Results are float64 either way.

    Attributes
    ----------
    components_
        The dictionary W, shape ``(n_components, n_features)``.
    reconstruction_err_
        ``sqrt(2 D)`` at the end of :meth:`fit`, as scikit-learn has it.
    divergence_
        D itself, before each iteration and after the last, shape ``(n_iter_ + 1,)``.
    n_iter_
        Iterations made.
    precision_
        Precision of the result: ``"f64"`` also where single was not enough.
    n_components_, n_features_in_
        Shape of the dictionary.
    feature_names_in_
        Names of the features, where ``X`` has some.

    Examples
    --------
    >>> import numpy as np, vbnmf
    >>> power = np.random.default_rng(0).exponential(size=(50, 20))
    >>> nmf = vbnmf.ItakuraSaitoNMF(n_components=3, max_iter=50, random_state=0)
    >>> activations = nmf.fit_transform(power)
    >>> activations.shape, nmf.components_.shape
    ((50, 3), (3, 20))
    >>> bool(np.allclose(nmf.components_.mean(axis=1), 1.0))
    True
    """

    components_: Float64
    reconstruction_err_: float
    divergence_: Float64
    n_iter_: int
    precision_: Precision
    n_components_: int
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def __init__(
        self,
        n_components: int = 2,
        *,
        max_iter: int = 200,
        random_state: Any = None,
        tol: float = 0.0,
        n_jobs: int | None = None,
        precision: Precision = "f64",
    ) -> None:
        self.n_components = n_components
        self.max_iter = max_iter
        self.random_state = random_state
        self.tol = tol
        self.n_jobs = n_jobs
        self.precision = precision

    def fit(self, X: Any, y: Any = None, W: Any = None, H: Any = None) -> ItakuraSaitoNMF:
        """Learns the dictionary of ``X``, shape ``(n_samples, n_features)``, non-negative.

        ``W`` and ``H``, both or none: start values of activations, ``(n_samples, n_components)``,
        and dictionary, ``(n_components, n_features)``, in scikit-learn's names. ``y`` is ignored.

        Raises ``ValueError`` for an ``X`` that is empty, negative, not finite or zero throughout.
        """
        self.fit_transform(X, y, W, H)
        return self

    def fit_transform(self, X: Any, y: Any = None, W: Any = None, H: Any = None) -> Float64:
        """Learns as :meth:`fit` does and returns the activations, ``(n_samples, n_components)``."""
        order = as_whole(self.n_components, "n_components", least=1)
        iterations = as_whole(self.max_iter, "max_iter", least=1)
        if not (isinstance(self.tol, Real) and 0.0 <= float(self.tol) < 1.0):
            raise ValueError(f"tol must be a number from 0 to 1, got {self.tol!r}")
        single = is_single(self.precision)
        if (W is None) != (H is None):
            raise ValueError("give start values of both W and H, or of none")
        names = _feature_names(X)
        power = _as_power(X, self)
        start = None
        if W is not None:
            start = (_as_power(H, self), _as_power(W, self))
            order = start[0].shape[0]
        components, activations, divergence, single = _native.train(
            power, order, iterations, float(self.tol), self._seed(), start, single, self.n_jobs
        )
        self.components_ = components
        self.n_components_ = order
        self.n_features_in_ = power.shape[1]
        self.divergence_ = divergence
        self.n_iter_ = len(divergence) - 1
        self.precision_ = "f32" if single else "f64"
        self.reconstruction_err_ = float(np.sqrt(2.0 * max(divergence[-1], 0.0)))
        if names is not None:
            self.feature_names_in_ = names
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return activations

    def transform(self, X: Any) -> Float64:
        """The activations of ``X`` for the learned dictionary, ``(n_samples, n_components)``.

        The updates of A above, ``max_iter`` of them from a constant. The activations of a sample do
        not depend on the other samples but through the floor.
        """
        power = self._check_new(X)
        if not power.any():
            return np.zeros((len(power), self.n_components_))
        iterations = as_whole(self.max_iter, "max_iter", least=1)
        return _native.fit_activations(power, self.components_, iterations, self.n_jobs)[0]

    def inverse_transform(self, X: Any) -> Float64:
        """The model ``V = A W`` of activations, ``(n_samples, n_features)``."""
        self._check_fitted()
        return np.asarray(X, dtype=np.float64) @ self.components_

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the Itakura-Saito divergence of ``X`` per entry: greater is better."""
        power = self._check_new(X)
        iterations = as_whole(self.max_iter, "max_iter", least=1)
        divergence = _native.fit_activations(power, self.components_, iterations, self.n_jobs)[1]
        return -divergence / power.size

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name."""
        return {name: getattr(self, name) for name in _parameter_names(type(self))}

    def set_params(self, **parameters: Any) -> ItakuraSaitoNMF:
        """Sets parameters by name and returns the estimator."""
        known = _parameter_names(type(self))
        for name, value in parameters.items():
            if name not in known:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self!r}. "
                    f"Valid parameters are: {known!r}."
                )
            setattr(self, name, value)
        return self

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of the columns of the activations."""
        self._check_fitted()
        name = type(self).__name__.lower()
        names = [f"{name}{index}" for index in range(self.n_components_)]
        return np.array(names, dtype=object)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({values})"

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "components_")

    def __sklearn_tags__(self) -> Any:
        # Called by scikit-learn alone.
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=["float64"]),
            input_tags=InputTags(positive_only=True),
        )

    def _seed(self) -> int:
        state = self.random_state
        if state is None:
            return int(np.random.default_rng().integers(_SEEDS))
        if isinstance(state, np.random.Generator):
            return int(state.integers(_SEEDS))
        if isinstance(state, np.random.RandomState):
            return int(state.randint(_SEEDS))
        if isinstance(state, Integral) and 0 <= int(state) < 2**64:
            return int(state)
        raise ValueError(f"random_state {state!r} cannot be used to seed a start")

    def _check_fitted(self) -> None:
        if not hasattr(self, "components_"):
            raise not_fitted(self)

    def _check_new(self, X: Any) -> Float64:
        """What is to be explained by the dictionary that has been learned."""
        self._check_fitted()
        power = _as_power(X, self)
        if power.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {power.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        self._check_feature_names(X)
        return power

    def _check_feature_names(self, X: Any) -> None:
        names, known = _feature_names(X), getattr(self, "feature_names_in_", None)
        if names is not None and known is not None and list(names) != list(known):
            raise ValueError(
                "The feature names should match those that were passed during fit: "
                f"{list(names)} are not {list(known)}"
            )


def _parameter_names(kind: type) -> list[str]:
    return sorted(inspect.signature(kind).parameters)


def _feature_names(X: Any) -> NDArray[Any] | None:
    columns = getattr(X, "columns", None)
    if columns is None or not all(isinstance(name, str) for name in columns):
        return None
    return np.asarray(columns, dtype=object)


def _as_power(X: Any, estimator: object) -> Float64:
    """A non-negative, finite matrix; the words of the messages are scikit-learn's."""
    if hasattr(X, "tocsr"):
        raise TypeError("Sparse data was passed, but dense data is required: use X.toarray()")
    array = as_array(X, "X") if not _holds_objects(X) else _from_objects(X)
    if array.dtype.kind == "c":
        raise ValueError("Complex data not supported: give powers, abs(X)**2")
    if array.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {array.ndim}D array instead. Reshape your data using "
            "X.reshape(-1, 1) or X.reshape(1, -1)"
        )
    rows, columns = array.shape
    for count, what in ((rows, "sample"), (columns, "feature")):
        if count == 0:
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={array.shape}) while a minimum of 1 is "
                "required."
            )
    power = np.require(array, np.float64, ["A"])
    if not np.isfinite(power).all():
        raise ValueError("Input X contains NaN or infinity")
    if (power < 0.0).any():
        raise ValueError(f"Negative values in data passed to {type(estimator).__name__}")
    return power


def _holds_objects(X: Any) -> bool:
    return getattr(getattr(X, "dtype", None), "kind", "") == "O"


def _from_objects(X: Any) -> NDArray[Any]:
    try:
        return np.asarray(X).astype(np.float64)
    except (TypeError, ValueError) as error:
        # A TypeError stays one: an argument that is no number at all.
        raise type(error)(f"X must be numbers: {error}") from error
