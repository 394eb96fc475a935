"""The estimator against its formulas, and against scikit-learn's habits where that is installed."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import vbnmf


@pytest.fixture(scope="module")
def power():
    rng = np.random.default_rng(0)
    return (rng.gamma(1.0, size=(60, 3)) @ rng.gamma(1.0, size=(3, 25))) * rng.exponential(
        size=(60, 25)
    )


def divergence(power, model):
    ratio = power / model
    return float(np.sum(ratio - np.log(ratio) - 1.0))


def plain_updates(power, activations, dictionary, iterations):
    """The updates as they are written, in the order of the documentation."""
    for _ in range(iterations):
        v = activations @ dictionary
        activations = (
            activations * ((power / v**2) @ dictionary.T) / ((1 / v) @ dictionary.T)
        )
        v = activations @ dictionary
        dictionary = dictionary * (activations.T @ (power / v**2)) / (activations.T @ (1 / v))
        means = dictionary.mean(axis=1)
        dictionary, activations = dictionary / means[:, None], activations * means
    return activations, dictionary


def test_updates_are_those_of_numpy(power):
    rng = np.random.default_rng(1)
    start = rng.uniform(0.1, 1.0, (60, 3)), rng.uniform(0.1, 1.0, (3, 25))
    expected = plain_updates(power, *start, iterations=25)
    nmf = vbnmf.ItakuraSaitoNMF(3, max_iter=25)
    activations = nmf.fit_transform(power, W=start[0], H=start[1])
    # Sums in another order, over 25 iterations.
    np.testing.assert_allclose(activations, expected[0], rtol=1e-9)
    np.testing.assert_allclose(nmf.components_, expected[1], rtol=1e-9)
    found = divergence(power, activations @ nmf.components_)
    assert nmf.divergence_[-1] == pytest.approx(found, rel=1e-10)
    assert nmf.reconstruction_err_ == pytest.approx(np.sqrt(2 * found), rel=1e-10)
    assert len(nmf.divergence_) == nmf.n_iter_ + 1 == 26
    assert (np.diff(nmf.divergence_) <= 1e-9 * nmf.divergence_[:-1]).all()


def test_transform_is_those_of_numpy_with_the_dictionary_fixed(power):
    nmf = vbnmf.ItakuraSaitoNMF(3, max_iter=30, random_state=0).fit(power)
    w = nmf.components_
    activations = np.full((60, 3), power.mean() / (3 * w.mean()))
    for _ in range(30):
        v = activations @ w
        activations = activations * ((power / v**2) @ w.T) / ((1 / v) @ w.T)
    np.testing.assert_allclose(nmf.transform(power), activations, rtol=1e-9)
    model = nmf.inverse_transform(nmf.transform(power))
    assert nmf.score(power) == pytest.approx(-divergence(power, model) / power.size, rel=1e-9)


def test_parts_of_a_training_have_the_bits_of_one():
    """Large enough for a training to be cut in parts, in which signals are looked at."""
    rng = np.random.default_rng(0)
    power = rng.exponential(size=(4000, 513))
    cut = vbnmf.ItakuraSaitoNMF(30, max_iter=12, random_state=3).fit(power)
    first = vbnmf.ItakuraSaitoNMF(30, max_iter=7, random_state=3)
    activations = first.fit_transform(power)
    second = vbnmf.ItakuraSaitoNMF(30, max_iter=5)
    second.fit(power, W=activations, H=first.components_)
    assert second.components_.tobytes() == cut.components_.tobytes()
    assert np.array_equal(
        np.concatenate([first.divergence_[:-1], second.divergence_]), cut.divergence_
    )


def test_results_do_not_depend_on_threads_or_layout(power):
    expected = vbnmf.ItakuraSaitoNMF(3, random_state=0, n_jobs=1).fit(power)
    for jobs in (2, 3):
        found = vbnmf.ItakuraSaitoNMF(3, random_state=0, n_jobs=jobs).fit(power)
        assert found.components_.tobytes() == expected.components_.tobytes()
        assert found.transform(power).tobytes() == expected.transform(power).tobytes()
    backwards = power[::-1].copy()[::-1]
    for layout in (np.asfortranarray(power), backwards, power.astype(">f8"), power.tolist()):
        found = vbnmf.ItakuraSaitoNMF(3, random_state=0).fit(layout)
        assert found.components_.tobytes() == expected.components_.tobytes()


def test_random_states(power):
    def fit(state):
        return vbnmf.ItakuraSaitoNMF(2, max_iter=5, random_state=state).fit(power).components_

    assert np.array_equal(fit(3), fit(3)) and not np.array_equal(fit(3), fit(4))
    assert np.array_equal(fit(np.random.RandomState(1)), fit(np.random.RandomState(1)))
    assert np.array_equal(fit(np.random.default_rng(1)), fit(np.random.default_rng(1)))
    assert not np.array_equal(fit(None), fit(None))


def test_a_tolerance_ends_it(power):
    loose = vbnmf.ItakuraSaitoNMF(3, max_iter=100_000, random_state=0, tol=1e-2).fit(power)
    tight = vbnmf.ItakuraSaitoNMF(3, max_iter=100_000, random_state=0, tol=1e-6).fit(power)
    assert loose.n_iter_ < tight.n_iter_ < 100_000
    assert tight.reconstruction_err_ < loose.reconstruction_err_


def test_scale_and_zeros(power):
    # A power of two changes no bit of a ratio.
    one = vbnmf.ItakuraSaitoNMF(3, random_state=0).fit(power)
    other = vbnmf.ItakuraSaitoNMF(3, random_state=0).fit(2.0**60 * power)
    np.testing.assert_allclose(one.components_, other.components_, rtol=1e-6)
    holes = power.copy()
    holes[3] = 0.0
    holes[:, 4] = 0.0
    nmf = vbnmf.ItakuraSaitoNMF(3, random_state=0)
    assert np.isfinite(nmf.fit_transform(holes)).all()
    assert np.isfinite(nmf.transform(holes)).all()
    assert not nmf.transform(np.zeros_like(power)).any()


def test_single_precision_is_close_to_double(power):
    start = {"W": np.ones((60, 3)) + np.eye(60, 3), "H": np.ones((3, 25)) + np.eye(3, 25)}
    double = vbnmf.ItakuraSaitoNMF(3, max_iter=30).fit(power, **start)
    single = vbnmf.ItakuraSaitoNMF(3, max_iter=30, precision="f32").fit(power, **start)
    assert (double.precision_, single.precision_) == ("f64", "f32")
    # Of the sum of its terms, by the roundings of a product and of a sum over the bins.
    slack = 70 * 6e-8 * (double.divergence_ + power.size)
    assert (np.abs(single.divergence_ - double.divergence_) <= slack).all()
    assert np.abs(single.components_.mean(axis=1) - 1.0).max() < 1e-12
    again = vbnmf.ItakuraSaitoNMF(3, max_iter=30, precision="f32").fit(1e-40 * power, **start)
    whole = vbnmf.ItakuraSaitoNMF(3, max_iter=30).fit(1e-40 * power, **start)
    assert again.precision_ == "f64"
    assert np.array_equal(again.components_, whole.components_)


def test_parameters_and_copies(power):
    nmf = vbnmf.ItakuraSaitoNMF(3, max_iter=5, random_state=0)
    assert nmf.get_params() == {
        "n_components": 3, "max_iter": 5, "random_state": 0, "tol": 0.0, "n_jobs": None,
        "precision": "f64",
    }  # fmt: skip
    assert nmf.set_params(max_iter=7) is nmf and nmf.max_iter == 7
    with pytest.raises(ValueError, match="Invalid parameter 'beta'"):
        nmf.set_params(beta=1)
    assert repr(nmf).startswith("ItakuraSaitoNMF(max_iter=7, n_components=3")
    copy = pickle.loads(pickle.dumps(nmf.fit(power)))
    assert np.array_equal(copy.transform(power), nmf.transform(power))
    assert nmf.get_feature_names_out().tolist() == [f"itakurasaitonmf{i}" for i in range(3)]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((0, 3)), "0 sample"),
        (np.zeros((3, 0)), "0 feature"),
        (np.zeros((3, 3)), "silent"),
        (np.ones(3), "Reshape your data"),
        (np.ones((3, 3, 3)), "Reshape your data"),
        (-np.ones((3, 3)), "Negative values"),
        (np.full((3, 3), np.nan), "NaN"),
        (np.full((3, 3), np.inf), "infinity"),
        (np.ones((3, 3), complex), "Complex data not supported"),
        ([["a", "b"], ["c", "d"]], "numbers"),
        (1e300 * np.ones((3, 3)), "rescale it"),
    ],
)
def test_faults_are_named(X, message):
    with pytest.raises(ValueError, match=message):
        vbnmf.ItakuraSaitoNMF(2).fit(X)


def test_faults_of_parameters(power):
    for parameters, message in [
        ({"n_components": 0}, "n_components must be"),
        ({"n_components": 2.5}, "n_components must be"),
        ({"max_iter": -1}, "max_iter must be"),
        ({"tol": 2.0}, "tol must be"),
        ({"random_state": "a"}, "cannot be used to seed"),
        ({"n_jobs": 0}, "threads must be"),
        ({"precision": "f16"}, "precision must be"),
    ]:
        with pytest.raises(ValueError, match=message):
            vbnmf.ItakuraSaitoNMF(**parameters).fit(power)
    with pytest.raises(ValueError, match="both W and H"):
        vbnmf.ItakuraSaitoNMF(2).fit(power, W=np.ones((60, 2)))
    with pytest.raises(ValueError, match="start values must be"):
        vbnmf.ItakuraSaitoNMF(2).fit(power, W=np.ones((60, 3)), H=np.ones((2, 25)))
    with pytest.raises(ValueError, match="not fitted"):
        vbnmf.ItakuraSaitoNMF(2).transform(power)
    with pytest.raises(ValueError, match="expecting 25 features"):
        vbnmf.ItakuraSaitoNMF(2, max_iter=2).fit(power).transform(power[:, :5])


@pytest.mark.filterwarnings("ignore:Estimator ItakuraSaitoNMF does not inherit")
def test_scikit_learn_finds_nothing_wrong():
    checks = pytest.importorskip("sklearn.utils.estimator_checks")
    results = checks.check_estimator(
        vbnmf.ItakuraSaitoNMF(random_state=0), on_skip=None, on_fail=None
    )
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert not failed
    assert sum(r["status"] == "passed" for r in results) > 30


def test_it_is_a_step_of_a_pipeline(power):
    pytest.importorskip("sklearn")
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    nmf = vbnmf.ItakuraSaitoNMF(3, max_iter=20, random_state=0)
    pipeline = make_pipeline(FunctionTransformer(np.square), nmf)
    expected = clone(nmf).fit_transform(power**2)
    np.testing.assert_array_equal(pipeline.fit_transform(power), expected)
    search = GridSearchCV(nmf, {"n_components": [1, 3]}, cv=3).fit(power)
    assert search.best_params_["n_components"] in (1, 3)


@pytest.mark.filterwarnings("ignore")
def test_it_ends_where_scikit_learns_nmf_ends(power):
    decomposition = pytest.importorskip("sklearn.decomposition")
    rng = np.random.default_rng(1)
    w, h = rng.uniform(0.1, 1.0, (60, 3)), rng.uniform(0.1, 1.0, (3, 25))
    theirs = decomposition.NMF(
        3, init="custom", solver="mu", beta_loss="itakura-saito", max_iter=3000, tol=0.0
    )
    theirs.fit_transform(power, W=w.copy(), H=h.copy())
    ours = vbnmf.ItakuraSaitoNMF(3, max_iter=3000)
    ours.fit_transform(power, W=w, H=h)
    # The same local optimum from the same start, at the same definition of the error.
    assert ours.reconstruction_err_ == pytest.approx(theirs.reconstruction_err_, rel=1e-3)
