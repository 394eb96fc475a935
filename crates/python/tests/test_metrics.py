"""Scores against those of mir_eval, and what has none."""

from __future__ import annotations

import numpy as np
import pytest

import vbnmf

#: What the crate promises against mir_eval up to 130 dB.
AGREEMENT_DB = 1e-6


def signals(sources: int = 2, samples: int = 6000, seed: int = 0):
    rng = np.random.default_rng(seed)
    references = np.cumsum(rng.standard_normal((sources, samples)), axis=1) * 0.1
    references += rng.standard_normal((sources, samples))
    mixing = np.eye(sources) + 0.3 * rng.standard_normal((sources, sources))
    return references, mixing @ references + 0.05 * rng.standard_normal((sources, samples))


@pytest.mark.parametrize("sources", [1, 2, 4])
@pytest.mark.parametrize("permutation", [True, False])
@pytest.mark.filterwarnings("ignore")
def test_scores_are_mir_evals(sources, permutation):
    separation = pytest.importorskip("mir_eval.separation")
    references, estimates = signals(sources)
    estimates = estimates[::-1]
    theirs = separation.bss_eval_sources(references, estimates, permutation)
    ours = vbnmf.bss_eval_sources(references, estimates, permutation)
    for name, expected, found in zip(ours._fields, theirs, ours):
        np.testing.assert_allclose(found, expected, rtol=0, atol=AGREEMENT_DB, err_msg=name)


def test_scores_do_not_depend_on_layout_or_precision():
    references, estimates = signals()
    expected = vbnmf.bss_eval_sources(references, estimates)
    wide = np.zeros((2, 2 * references.shape[1]))
    wide[:, ::2] = references
    for layout in (np.asfortranarray(references), wide[:, ::2], list(references)):
        found = vbnmf.bss_eval_sources(layout, estimates)
        assert found.sdr_db.tobytes() == expected.sdr_db.tobytes()
    single = references.astype(np.float32)
    of_single = vbnmf.bss_eval_sources(single, estimates)
    of_double = vbnmf.bss_eval_sources(single.astype(np.float64), estimates)
    assert of_single.sdr_db.tobytes() == of_double.sdr_db.tobytes()


def test_prepared_references_give_the_same_scores():
    references, estimates = signals(3)
    expected = vbnmf.bss_eval_sources(references, estimates, compute_permutation=False)
    prepared = vbnmf.BssEval(references)
    assert (prepared.sources, prepared.samples) == references.shape
    for j, estimate in enumerate(estimates):
        scores = prepared.score(estimate, j)
        assert scores == (expected.sdr_db[j], expected.sir_db[j], expected.sar_db[j])
        assert prepared.sdr(estimate, j) == pytest.approx(scores.sdr_db, abs=1e-9)
        assert prepared.outcome(estimate, j) == scores
    assert vbnmf.BssEval(references[0], filter_taps=1).score(estimates[0], 0).sir_db == np.inf


def test_si_sdr_and_sdr_by_their_formulas():
    references, estimates = signals()
    s, e = references[0], estimates[0]
    gain = (e @ s) / (s @ s)
    expected = 10 * np.log10(np.sum((gain * s) ** 2) / np.sum((gain * s - e) ** 2))
    assert vbnmf.si_sdr(s, e) == pytest.approx(expected, abs=1e-9)
    assert vbnmf.si_sdr(s, 3 * e) == pytest.approx(expected, abs=1e-9)
    expected = 10 * np.log10(np.sum(s**2) / np.sum((s - e) ** 2))
    assert vbnmf.sdr(s, e) == pytest.approx(expected, abs=1e-9)


R = vbnmf.Reason


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda r, e: (r, np.where(np.arange(2)[:, None] == 1, 0.0, e)), R.SILENT_ESTIMATE),
        (lambda r, e: (r * [[1], [0]], e), R.SILENT_REFERENCE),
        (lambda r, e: (r, np.where(e == e[1, 9], np.nan, e)), R.ESTIMATE_NOT_FINITE),
        (lambda r, e: (np.where(r == r[1, 9], np.inf, r), e), R.REFERENCE_NOT_FINITE),
        (lambda r, e: (r, e[:1]), R.COUNT_MISMATCH),
        (lambda r, e: (r, e[:, :-1]), R.LENGTH_MISMATCH),
        (lambda r, e: ([r[0], r[1, :-1]], e), R.LENGTH_MISMATCH),
        (lambda r, e: (r[:, :100], e[:, :100]), R.TOO_SHORT),
        (lambda r, e: (r[[0, 0]], e), R.SINGULAR),
        (lambda r, e: (np.zeros((0, 9)), np.zeros((0, 9))), R.NO_REFERENCES),
    ],
)
def test_what_has_no_score_says_why(make, reason):
    with pytest.raises(vbnmf.MetricError) as raised:
        vbnmf.bss_eval_sources(*make(*signals()))
    assert raised.value.reason is reason
    assert isinstance(raised.value, ValueError)
    assert "(" not in str(raised.value) or "shape" in str(raised.value)


def test_outcomes_are_typed():
    references, estimates = signals()
    prepared = vbnmf.BssEval(references)
    outcome = prepared.outcome(np.zeros_like(estimates[0]), 0)
    assert outcome == vbnmf.Unscored(R.SILENT_ESTIMATE, "the estimate is silent")
    assert isinstance(prepared.outcome(estimates[0], 0), vbnmf.Scores)
    assert prepared.outcome(estimates[0], 5).reason is R.NO_SUCH_TARGET
    with pytest.raises(ValueError, match="signals without samples"):
        vbnmf.BssEval(np.zeros((2, 0)))
    with pytest.raises(vbnmf.MetricError, match="at least one tap"):
        vbnmf.BssEval(references, filter_taps=0)
    with pytest.raises(ValueError, match="must be real"):
        vbnmf.si_sdr(references[0], 1j * references[0])

