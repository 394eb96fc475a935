"""Separation: every method, input and output against what NumPy makes of the same factors."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import vbnmf
from conftest import RATE_HZ, STFT, voice

#: The model forms its masks in another order of summation.
ROUNDING = 1e-9
#: And in single precision, for the sums over components and bins of which this is 1e3 times the
#: unit roundoff.
SINGLE_ROUNDING = 1e-4

QUICK = {"iterations": 8, "kappa": 0.05, "precision": "f64"}


def sources(speaker):
    return {"speech": speaker, "background": vbnmf.Background(4)}


@pytest.mark.parametrize("method", ["structured", "fusion", "selection", "mean", "evidence"])
@pytest.mark.parametrize("precision", ["f64", "f32"])
def test_masks_times_the_mixture_are_the_estimates(speaker, mixture, method, precision):
    settings = {**QUICK, "precision": precision}
    separation = vbnmf.separate(mixture, sources(speaker), method, **settings)
    assert separation.names == ("speech", "background")
    assert separation.estimates.shape == (2, len(mixture))
    assert separation.orders == ((2, 4, 7), (4,))
    masks = separation.masks
    assert masks.shape == separation.coefficients.shape
    assert masks.min() >= 0.0 and masks.max() <= 1.0
    error = np.abs(masks * separation.mixture - separation.coefficients).max()
    level = np.abs(separation.mixture).max()
    assert error < (ROUNDING if precision == "f64" else SINGLE_ROUNDING) * level
    assert {run.precision for run in separation.runs} == {precision}
    for estimate, coefficients in zip(separation.estimates, separation.coefficients):
        again = vbnmf.istft(coefficients, len(mixture), STFT)
        assert np.abs(again - estimate).max() < 1e-12
    for posterior in separation.order_posterior:
        assert abs(posterior.sum() - 1.0) < 1e-12


@pytest.mark.parametrize("method", ["structured", "fusion"])
def test_several_sources_with_several_orders(mixture, speaker, method):
    other = vbnmf.SpeakerModel.fit(
        voice(2 * RATE_HZ, seed=21), RATE_HZ, orders=[1, 3], stft=STFT, iterations=20
    )
    separation = vbnmf.separate(
        mixture, [speaker, other, vbnmf.Background(3), vbnmf.Background(3)], method, **QUICK
    )
    assert len(separation.estimates) == 4
    # Two backgrounds of the same size start from draws of their own.
    assert not np.allclose(separation.estimates[2], separation.estimates[3])
    error = np.abs(separation.masks * separation.mixture - separation.coefficients).max()
    # q(K) over combinations is found again from its marginals: if it were another one, so would
    # the estimates be.
    assert error < 1e-7 * np.abs(separation.mixture).max()
    assert (separation.posterior_variance > 0.0).all()


def test_the_variance_of_the_papers_posterior_is_eq_15_in_numpy(mixture, speaker):
    separation = vbnmf.separate(mixture, sources(speaker), "fusion", **QUICK)
    (run,) = separation.runs
    variances = []
    for q, source in zip(run.order_posterior, run.factors):
        c = [order.activations.harmonic @ order.dictionary.harmonic for order in source]
        variances.append(1.0 / sum(q / np.maximum(c, 1e-100) for q, c in zip(q, c)))
    c = np.array(variances)
    noise = separation.noise_variance
    for j in range(2):
        # Of the precision matrix itself: no closed form.
        n, f = np.unravel_index(np.argmax(np.abs(separation.mixture)), separation.mixture.shape)
        precision = np.diag(1.0 / c[:, n, f]) + np.ones((2, 2)) / noise
        covariance = np.linalg.inv(precision * noise) * noise
        expected = covariance[j, j] / separation.gain**2
        # The inverse of a matrix of condition 1e7 or so.
        assert separation.posterior_variance[j, n, f] == pytest.approx(expected, rel=1e-6)


def test_the_structured_variance_is_that_of_draws_from_the_posterior(mixture, speaker):
    separation = vbnmf.separate(mixture, sources(speaker), "structured", **QUICK)
    (run,) = separation.runs
    rng = np.random.default_rng(0)
    draws = 200_000
    n, f = np.unravel_index(np.argmax(np.abs(separation.mixture)), separation.mixture.shape)
    x, noise = separation.mixture[n, f] * separation.gain, separation.noise_variance
    (background,) = run.factors[1]
    c2 = background.activations.harmonic[n] @ background.dictionary.harmonic[:, f]
    values = []
    for q, order in zip(run.order_posterior[0], run.factors[0]):
        c1 = order.activations.harmonic[n] @ order.dictionary.harmonic[:, f]
        d = noise + c1 + c2
        spread = np.sqrt(c1 * (noise + c2) / d / 2)
        count = round(q * draws)
        normal = rng.standard_normal((count, 2)) @ [1, 1j]
        values.append(c1 * x / d + spread * normal)
    values = np.concatenate(values) / separation.gain
    mean, variance = values.mean(), np.var(values)
    # Five standard errors of a mean and of a variance of complex normal values.
    assert abs(mean - separation.coefficients[0, n, f]) < 5 * np.sqrt(variance / draws)
    assert separation.posterior_variance[0, n, f] == pytest.approx(
        variance, rel=5 * np.sqrt(2 / draws)
    )


def test_selection_and_mean_are_made_of_the_same_runs(mixture, speaker):
    selection = vbnmf.separate(mixture, sources(speaker), "selection", **QUICK)
    mean = vbnmf.separate(mixture, sources(speaker), "mean", **QUICK)
    alone = [
        vbnmf.separate(
            mixture,
            [speaker.dictionaries[m], vbnmf.Background(4)],
            "fusion",
            gain=mean.gain,
            noise_variance=mean.noise_variance / mean.gain**2,
            stft=STFT,
            **QUICK,
        )
        for m in range(3)
    ]
    energies = [separation.free_energy for separation in alone]
    np.testing.assert_allclose([run.free_energy for run in mean.runs], energies, rtol=1e-12)
    best = int(np.argmax(energies))
    assert selection.order_posterior[0].tolist() == [float(m == best) for m in range(3)]
    np.testing.assert_allclose(selection.estimates, alone[best].estimates, atol=1e-12)
    average = sum(separation.estimates for separation in alone) / 3
    np.testing.assert_allclose(mean.estimates, average, atol=1e-12)
    assert selection.free_energy == max(run.free_energy for run in selection.runs)
    spread = np.mean(
        [np.abs(separation.coefficients - mean.coefficients) ** 2 for separation in alone], axis=0
    )
    variance = np.mean([separation.posterior_variance for separation in alone], axis=0) + spread
    np.testing.assert_allclose(mean.posterior_variance, variance, rtol=1e-9)


def test_evidence_weighs_the_runs_by_their_free_energies(mixture, speaker):
    # So large that no run takes all the weight.
    settings = {**QUICK, "kappa": None, "beta": 1e4}
    found = vbnmf.separate(mixture, sources(speaker), "evidence", **settings)
    energies = np.array([run.free_energy for run in found.runs])
    weights = np.exp((energies - energies.max()) / 1e4)
    weights /= weights.sum()
    assert 0.001 < weights.min() and weights.max() < 0.999
    np.testing.assert_allclose([run.weight for run in found.runs], weights, rtol=1e-12)
    np.testing.assert_allclose(found.order_posterior[0], weights, rtol=1e-12)
    alone = [
        vbnmf.separate(
            mixture,
            [speaker.dictionaries[m], vbnmf.Background(4)],
            gain=found.gain,
            noise_variance=found.noise_variance / found.gain**2,
            stft=STFT,
            **settings,
        )
        for m in range(3)
    ]
    average = sum(w * separation.estimates for w, separation in zip(weights, alone))
    np.testing.assert_allclose(found.estimates, average, atol=1e-12)
    certain = vbnmf.separate(mixture, sources(speaker), "evidence", **{**settings, "beta": 0.0})
    selection = vbnmf.separate(mixture, sources(speaker), "selection", **settings)
    assert certain.estimates.tobytes() == selection.estimates.tobytes()


@pytest.mark.parametrize("method", ["structured", "fusion", "evidence"])
def test_a_single_order_is_the_same_for_every_method(mixture, speaker, method):
    one = [speaker.dictionaries[1], vbnmf.Background(4)]
    expected = vbnmf.separate(mixture, one, "selection", stft=STFT, **QUICK)
    found = vbnmf.separate(mixture, one, method, stft=STFT, **QUICK)
    np.testing.assert_allclose(found.estimates, expected.estimates, atol=1e-12)
    np.testing.assert_allclose(
        found.posterior_variance, expected.posterior_variance, rtol=1e-9, atol=0
    )


def test_a_signal_and_its_spectrogram(mixture, speaker):
    of_signal = vbnmf.separate(mixture, sources(speaker), **QUICK)
    spectrogram = vbnmf.stft(mixture, STFT)
    of_spectrogram = vbnmf.separate(
        spectrogram,
        sources(speaker),
        gain=of_signal.gain,
        noise_variance=of_signal.noise_variance / of_signal.gain**2,
        **QUICK,
    )
    assert of_spectrogram.estimates.shape == (2, *spectrogram.shape)
    np.testing.assert_allclose(
        of_spectrogram.estimates, of_signal.coefficients, atol=1e-9 * np.abs(spectrogram).max()
    )
    # Its own level is within the share of the padded frames of that of the signal.
    own = vbnmf.separate(spectrogram, sources(speaker), **QUICK)
    assert own.gain == pytest.approx(of_signal.gain, rel=0.2)


def test_the_free_energy_never_falls(mixture, speaker):
    for method in ("structured", "fusion"):
        separation = vbnmf.separate(
            mixture, sources(speaker), method, iterations=20, trace_period=1, precision="f64"
        )
        iterations, energies = separation.free_energy_trace
        assert iterations.tolist() == list(range(1, 21))
        assert energies[-1] == separation.free_energy
        assert (np.diff(energies) >= -1e-9 * np.abs(energies[:-1])).all()


def test_results_do_not_depend_on_threads_or_on_the_layout(mixture, speaker):
    expected = vbnmf.separate(mixture, sources(speaker), threads=1, **QUICK)
    spectrogram = vbnmf.stft(mixture, STFT)
    for threads in (2, 3, None):
        found = vbnmf.separate(mixture, sources(speaker), threads=threads, **QUICK)
        assert found.estimates.tobytes() == expected.estimates.tobytes()
        assert found.posterior_variance.tobytes() == expected.posterior_variance.tobytes()
    expected = vbnmf.separate(spectrogram, sources(speaker), **QUICK)
    backwards = spectrogram[::-1, ::-1].copy()[::-1, ::-1]
    for layout in (np.asfortranarray(spectrogram), backwards, spectrogram.astype(">c16")):
        found = vbnmf.separate(layout, sources(speaker), **QUICK)
        assert found.estimates.tobytes() == expected.estimates.tobytes()
    padded = np.zeros(2 * len(mixture))
    padded[::2] = mixture
    of_signal = vbnmf.separate(mixture, sources(speaker), **QUICK)
    found = vbnmf.separate(padded[::2], sources(speaker), **QUICK)
    assert found.estimates.tobytes() == of_signal.estimates.tobytes()


def test_single_precision_inputs(mixture, speaker):
    expected = vbnmf.separate(mixture, sources(speaker), **QUICK)
    # 16-bit samples are float32 numbers.
    found = vbnmf.separate(mixture.astype(np.float32), sources(speaker), **QUICK)
    assert found.estimates.tobytes() == expected.estimates.tobytes()
    spectrogram = vbnmf.stft(mixture, STFT).astype(np.complex64)
    found = vbnmf.separate(spectrogram, sources(speaker), **QUICK)
    assert found.estimates.dtype == np.complex128


def test_the_callback_hears_every_iteration(mixture, speaker):
    heard = []
    separation = vbnmf.separate(
        mixture, sources(speaker), "selection", callback=heard.append, iterations=6
    )
    assert [(p.run, p.iteration) for p in heard] == [(r, i) for r in range(3) for i in range(1, 7)]
    assert all(p.runs == 3 for p in heard)
    values = [p.free_energy for p in heard if p.run == 1 and p.free_energy is not None]
    assert values == separation.runs[1].trace.free_energy.tolist()
    posteriors = []
    separation = vbnmf.separate(
        mixture,
        sources(speaker),
        callback=lambda progress: posteriors.append(progress.order_posterior),
        **QUICK,
    )
    assert posteriors[-1][0] == tuple(separation.order_posterior[0])


def test_an_error_of_the_callback_ends_the_separation(mixture, speaker):
    heard = []

    def stop(progress):
        heard.append(progress.iteration)
        if progress.iteration == 3:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        vbnmf.separate(mixture, sources(speaker), callback=stop, **QUICK)
    assert heard == [1, 2, 3]
    vbnmf.separate(mixture, sources(speaker), **QUICK)


def test_a_tolerance_ends_it(mixture, speaker):
    separation = vbnmf.separate(mixture, sources(speaker), iterations=1000, tolerance=1e-2)
    (run,) = separation.runs
    assert run.iterations < 1000
    assert run.trace.iterations[-1] == run.iterations


def test_uses_of_dictionaries(mixture, speaker):
    known = vbnmf.separate(mixture, [speaker, vbnmf.Background(4)], **QUICK)
    adapted = vbnmf.separate(
        mixture, [vbnmf.Source(speaker, adapt=True), vbnmf.Background(4)], **QUICK
    )
    np.testing.assert_allclose(
        known.dictionaries[0][1], speaker.dictionaries[1], rtol=1e-12, atol=0
    )
    assert not np.allclose(adapted.dictionaries[0][1], speaker.dictionaries[1])
    certain = vbnmf.Source(speaker, prior=[1e-9, 1 - 2e-9, 1e-9])
    found = vbnmf.separate(mixture, [certain, vbnmf.Background(4)], beta=1.0, iterations=1)
    assert found.order_posterior[0].shape == (3,)
    start = np.random.default_rng(0).gamma(1.0, size=(4, STFT.bins)) + 1e-3
    first = vbnmf.separate(mixture, [speaker, vbnmf.Background(start=start)], **QUICK)
    assert first.orders[1] == (4,)
    balanced = vbnmf.separate(
        mixture, sources(speaker), activation_start=vbnmf.Balanced(1.0), **QUICK
    )
    named = vbnmf.separate(mixture, sources(speaker), activation_start="balanced", **QUICK)
    assert balanced.estimates.tobytes() == named.estimates.tobytes()


def test_the_seed_is_that_of_the_background(mixture, speaker):
    first, again, other = (
        vbnmf.separate(mixture, sources(speaker), seed=seed, **QUICK).estimates
        for seed in (1, 1, 2)
    )
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_a_separation_can_be_pickled(mixture, speaker):
    separation = vbnmf.separate(mixture, sources(speaker), **QUICK)
    copy = pickle.loads(pickle.dumps(separation))
    assert copy.posterior_variance.tobytes() == separation.posterior_variance.tobytes()


def test_it_separates(speech, speaker):
    rng = np.random.default_rng(8)
    clean = voice(len(speech), seed=1)
    noise = 0.1 * rng.standard_normal(len(clean))
    separation = vbnmf.separate(clean + noise, [speaker, vbnmf.Background(4)], iterations=50)
    before = vbnmf.si_sdr(clean, clean + noise)
    assert vbnmf.si_sdr(clean, separation.estimates[0]) > before + 3.0


FAULTS = [
    (lambda x, s: (np.zeros(0), s), {}, "the mixture is empty: 0 frames"),
    (lambda x, s: (np.zeros((0, STFT.bins), complex), s), {}, "the mixture is empty: 0 frames"),
    (lambda x, s: (np.zeros(1000), s), {}, "the mixture is silent"),
    (lambda x, s: (np.where(np.arange(len(x)) == 7, np.nan, x), s), {}, "not finite at sample 7"),
    (lambda x, s: (np.full((3, STFT.bins), np.nan * 1j), s), {}, "not finite or above 1e50 at fr"),
    (lambda x, s: (np.stack([x, x]), s), {}, "one channel"),
    (lambda x, s: (1j * x, s), {}, "must have 2 dimensions"),
    (lambda x, s: (["a"], s), {}, "array of numbers"),
    (lambda x, s: (object(), s), {}, "array of numbers"),
    (lambda x, s: (np.ones((3, 9), complex), s), {}, "has 129 bins, the mixture 9"),
    (lambda x, s: (x, []), {}, "there is no source"),
    (lambda x, s: (x, [[]]), {}, "source 0 has no order"),
    (lambda x, s: (x, [np.ones(9)]), {}, "must have 2 dimensions"),
    (lambda x, s: (x, [-np.ones((2, 1025))]), {}, "dictionary entry -1"),
    (lambda x, s: (x, [np.full((2, 1025), np.nan)]), {}, "dictionary entry NaN"),
    (lambda x, s: (x, [np.zeros((2, 1025))]), {}, "component 0 is zero"),
    (lambda x, s: (x, [vbnmf.Background(0)]), {}, "components must be a whole number from 1"),
    (lambda x, s: (x, [vbnmf.Background(2.5)]), {}, "components must be a whole number from 1"),
    (lambda x, s: (x, [vbnmf.Background(activation_start=0.0)]), {}, "activation_start must"),
    (lambda x, s: (x, [vbnmf.Background(start=np.zeros((1, 1025)))]), {}, "start value 0"),
    (lambda x, s: (x, [vbnmf.Source(s[0], prior=[0.5, 0.5])]), {}, "prior over 3 orders"),
    (lambda x, s: (x, s), {"method": "average"}, "method must be one of"),
    (lambda x, s: (x, s), {"precision": "f16"}, "precision must be"),
    (lambda x, s: (x, s), {"acceleration": "anderson"}, "'none' or 'squarem', got 'anderson'"),
    (lambda x, s: (x, s), {"beta": 1.0, "kappa": 1.0}, "not both"),
    (lambda x, s: (x, s), {"beta": -1.0}, "beta must be a finite number >= 0, got -1"),
    (lambda x, s: (x, s), {"kappa": float("nan")}, "kappa must be a finite number"),
    (lambda x, s: (x, s), {"iterations": 0}, "iterations must be a whole number of at"),
    (lambda x, s: (x, s), {"iterations": 2.5}, "iterations must be a whole number"),
    (lambda x, s: (x, s), {"iterations": True}, "iterations must be a whole number"),
    (lambda x, s: (x, s), {"trace_period": -1}, "trace_period must be a whole number"),
    (lambda x, s: (x, s), {"tolerance": -1.0}, "tolerance must be"),
    (lambda x, s: (x, s), {"seed": -1}, "seed must be a whole number"),
    (lambda x, s: (x, s), {"noise_db": 3.0}, "noise_db must be from -200 to 0"),
    (lambda x, s: (x, s), {"noise_variance": 0.0}, "noise_variance must be between"),
    (lambda x, s: (x, s), {"gain": 0.0}, "gain must be a positive number"),
    (lambda x, s: (x, s), {"activation_start": 0.0}, "activation_start must be positive"),
    (lambda x, s: (x, s), {"activation_start": "level"}, "a number, 'balanced'"),
    (lambda x, s: (x, s), {"activation_shape": 2.0}, "activation_shape must be between"),
    (lambda x, s: (x, s), {"threads": 0}, "threads must be between 1"),
    (lambda x, s: (x, s), {"sample_rate_hz": 44_100}, "learned at 8000 Hz"),
    (lambda x, s: (x, s), {"stft": vbnmf.StftSettings()}, "was learned with"),
    (lambda x, s: (x, [np.ones((1, 1025))]), {"stft": vbnmf.StftSettings(window="no")}, "window"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "arguments", "message"), FAULTS)
def test_faults_are_named(mixture, speaker, make, arguments, message):
    given, of_sources = make(mixture, [speaker])
    with pytest.raises(ValueError, match=message):
        vbnmf.separate(given, of_sources, **{"iterations": 2, **arguments})


def test_too_many_combinations(mixture):
    orders = [np.ones((k, STFT.bins)) + np.eye(k, STFT.bins) for k in range(1, 18)]
    for method in ("structured", "selection", "mean", "evidence"):
        with pytest.raises(ValueError, match="289 combinations"):
            vbnmf.separate(mixture, [orders, orders], method, iterations=1, stft=STFT)
