"""Models of speakers, and their file."""

from __future__ import annotations

import json

import numpy as np
import pytest

import vbnmf
from conftest import RATE_HZ, REPOSITORY, STFT, voice


def test_what_is_saved_is_loaded(tmp_path, speaker):
    path = tmp_path / "model"
    speaker.save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["model"]
    copy = vbnmf.SpeakerModel.load(path)
    assert copy.orders == speaker.orders == (2, 4, 7)
    assert (copy.sample_rate_hz, copy.stft) == (RATE_HZ, STFT)
    for ours, theirs in zip(copy.dictionaries, speaker.dictionaries):
        assert ours.tobytes() == theirs.tobytes()
    for ours, theirs in zip(copy.costs, speaker.costs):
        assert ours.tobytes() == theirs.tobytes()
    assert copy.metadata["training_frames"] == speaker.metadata["training_frames"]
    copy.save(path)
    again = vbnmf.SpeakerModel.load(path)
    assert again.metadata == copy.metadata


def test_dictionaries_are_those_of_the_estimator(speech, speaker):
    spectrogram = vbnmf.stft(speech, STFT)
    power = spectrogram.real**2 + spectrogram.imag**2
    power = power[power.any(axis=1)]
    for order, dictionary in zip(speaker.orders, speaker.dictionaries):
        nmf = vbnmf.ItakuraSaitoNMF(order, max_iter=40, random_state=1, precision="f32").fit(power)
        assert nmf.components_.tobytes() == dictionary.tobytes()


def test_signals_may_be_one_or_several(speech):
    arguments = {"orders": [2], "stft": STFT, "iterations": 3}
    one = vbnmf.SpeakerModel.fit(speech, RATE_HZ, **arguments)
    listed = vbnmf.SpeakerModel.fit([speech], RATE_HZ, **arguments)
    rows = vbnmf.SpeakerModel.fit(speech[np.newaxis], RATE_HZ, **arguments)
    single = vbnmf.SpeakerModel.fit(speech.astype(np.float32), RATE_HZ, **arguments)
    nested = vbnmf.SpeakerModel.fit(speech.tolist(), RATE_HZ, **arguments)
    for model in (listed, rows, single, nested):
        assert model.dictionaries[0].tobytes() == one.dictionaries[0].tobytes()
        assert model.metadata == one.metadata
    pair = vbnmf.SpeakerModel.fit([speech, speech[:5000]], RATE_HZ, **arguments)
    frames = STFT.frames(len(speech)) + STFT.frames(5000)
    assert pair.metadata["training_frames"] == frames
    few = vbnmf.SpeakerModel.fit(speech, RATE_HZ, max_frames=50, **arguments)
    # Binomial: five standard deviations.
    assert abs(few.metadata["training_frames"] - 50) < 5 * np.sqrt(50)


def test_silent_frames_are_left_out(speech):
    padded = np.concatenate([np.zeros(20 * STFT.hop_samples), speech])
    model = vbnmf.SpeakerModel.fit(padded, RATE_HZ, orders=[2], stft=STFT, iterations=3)
    assert model.metadata["training_frames"] <= STFT.frames(len(speech)) + 2


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (lambda x: [], {}, "no signals"),
        (lambda x: np.zeros(0), {}, "every sample is zero"),
        (lambda x: [x, np.zeros(5000)], {}, "signal 1: every sample is zero"),
        (lambda x: [x, np.ones(100)], {}, "100 samples are shorter than a window of 256"),
        (lambda x: np.where(x == x[9], np.inf, x), {}, "signal 0 is not finite at sample"),
        (lambda x: x[:600], {"orders": [50]}, "too little to learn from"),
        (lambda x: x, {"orders": []}, "no orders to learn"),
        (lambda x: x, {"orders": [0]}, "orders must be a whole number from 1 to 1000"),
        (lambda x: x, {"orders": [2, 2]}, "an order is given twice"),
        (lambda x: x, {"max_frames": 0}, "max_frames must be a whole number of at least 1"),
        (lambda x: x, {"stft": vbnmf.StftSettings(256, 300)}, "hop_samples is 300"),
        (lambda x: x, {"sample_rate_hz": 8000.5}, "whole number from 1000 to 768000"),
        (lambda x: x, {"iterations": 0}, "iterations must be a whole number of at least 1"),
        (lambda x: x, {"seed": -1}, "seed must be a whole number of at least 0"),
        (lambda x: 1j * x, {}, "must be real"),
    ],
)
def test_faults_of_learning_are_named(speech, make, arguments, message):
    settings = {"sample_rate_hz": RATE_HZ, "orders": [2], "iterations": 2, "stft": STFT}
    with pytest.raises(ValueError, match=message):
        vbnmf.SpeakerModel.fit(make(speech), **{**settings, **arguments})


def save(path, metadata=None, **arrays):
    if metadata is not None:
        arrays["metadata"] = np.frombuffer(json.dumps(metadata).encode(), dtype=np.uint8)
    np.savez(path, **arrays)
    return path


def test_files_of_other_programs(tmp_path):
    w = np.random.default_rng(0).gamma(1.0, size=(3, STFT.bins)).astype(np.float32)
    said = {"sample_rate_hz": 16000, "stft": {"window_samples": 256}}
    model = vbnmf.SpeakerModel.load(save(tmp_path / "a.npz", said, dictionary_3=w))
    assert (model.orders, model.stft, model.sample_rate_hz) == ((3,), STFT, 16000)
    rest = {"sample_rate_hz": 16000, "stft": STFT}
    model = vbnmf.SpeakerModel.load(save(tmp_path / "b.npz", components_=w), **rest)
    assert model.orders == (3,)
    np.save(tmp_path / "c.npy", np.asfortranarray(w))
    assert vbnmf.SpeakerModel.load(tmp_path / "c.npy", **rest).orders == (3,)
    two = save(tmp_path / "d.npz", dictionary_10=np.ones((10, 129)), dictionary_2=np.ones((2, 129)))
    assert vbnmf.SpeakerModel.load(two, **rest).orders == (2, 10)


VOICES = REPOSITORY / "data" / "voices"


@pytest.mark.skipif(not VOICES.is_dir(), reason="not in the repository")
def test_the_voices_and_noises_of_the_repository(tmp_path):
    path = VOICES / "italian_man.npz"
    parts = {
        part: vbnmf.SpeakerModel.load(path, part=part) for part in ("generation", "estimation")
    }
    stored = np.load(path)
    for part, model in parts.items():
        assert model.orders == (2, 4, 6, 8, 10, 12, 14)
        assert (model.sample_rate_hz, model.stft) == (16000, vbnmf.StftSettings())
        for order, dictionary in zip(model.orders, model.dictionaries):
            assert np.array_equal(dictionary, stored[f"{part}_{order}"])
    digests = {model.metadata["corpus_sha256"] for model in parts.values()}
    assert len(digests) == 2
    # The licence asks for the name of whoever made the recordings.
    parts["estimation"].save(tmp_path / "copy.npz")
    copy = vbnmf.SpeakerModel.load(tmp_path / "copy.npz")
    assert copy.metadata["format"] == "vb-nmf dictionaries"
    for key in ("attribution", "licence_url", "changes", "utterances"):
        assert copy.metadata[key] == parts["estimation"].metadata[key]
    for part in (None, "both"):
        with pytest.raises(ValueError, match="italian_man.npz .* part must be 'generation' or"):
            vbnmf.SpeakerModel.load(path, part=part)
    for name in ("birds", "city", "coffee-shop", "rain", "storm"):
        assert vbnmf.SpeakerModel.load(VOICES / f"{name}.npz").orders == (16,)
    with pytest.raises(ValueError, match="no part 'estimation'"):
        vbnmf.SpeakerModel.load(VOICES / "rain.npz", part="estimation")


@pytest.mark.parametrize(
    ("metadata", "arrays", "message"),
    [
        (None, {"dictionary_2": np.ones((2, 129))}, "does not say its sample_rate_hz"),
        ([], {}, "`metadata` is no JSON object"),
        ({"sample_rate_hz": 8000}, {"dictionary_2": np.ones((2, 129))}, "does not say its stft"),
        ({"format": "other"}, {}, "`format` is 'other'"),
        ({"format_version": 2}, {}, "`format_version` is 2"),
        ({"sample_rate_hz": 8000, "stft": {"window_samples": 256}}, {}, "no dictionaries"),
        (
            {"sample_rate_hz": 8000, "stft": {"window_samples": 256}},
            {"dictionary_2": np.ones((129, 2))},
            "transposed",
        ),
        (
            {"sample_rate_hz": 8000, "stft": {"window_samples": 256}},
            {"dictionary_2": -np.ones((2, 129))},
            "dictionary entry -1",
        ),
        (
            {"sample_rate_hz": 8000, "stft": {"window_samples": 256}, "orders": [4]},
            {"dictionary_2": np.ones((2, 129))},
            "dictionary_4",
        ),
    ],
)
def test_faults_of_files_are_named(tmp_path, metadata, arrays, message):
    path = save(tmp_path / "a.npz", metadata, **arrays)
    with pytest.raises(ValueError, match=message) as raised:
        vbnmf.SpeakerModel.load(path)
    assert str(path) in str(raised.value)


def test_contradictions_and_damage(tmp_path, speaker):
    speaker.save(tmp_path / "a.npz")
    with pytest.raises(ValueError, match="the file itself says 8000"):
        vbnmf.SpeakerModel.load(tmp_path / "a.npz", sample_rate_hz=16000)
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:500])
    (tmp_path / "c.npz").write_bytes(b"nothing")
    (tmp_path / "d.npz").write_bytes(b"")
    for name in "bcd":
        with pytest.raises(ValueError, match=f"{name}.npz is not a file of dictionaries"):
            vbnmf.SpeakerModel.load(tmp_path / f"{name}.npz")
    with pytest.raises(ValueError, match="neither a NumPy archive .* nor a NumPy array"):
        vbnmf.SpeakerModel.load(tmp_path / "c.npz")
    with pytest.raises(FileNotFoundError):
        vbnmf.SpeakerModel.load(tmp_path / "missing.npz")


def test_another_rate_or_transform_is_refused(mixture, speaker):
    other = vbnmf.SpeakerModel(speaker.dictionaries, 16000, STFT)
    with pytest.raises(ValueError, match="learned at 16000 Hz, the others or the mixture h"):
        vbnmf.separate(mixture, [speaker, other], iterations=1)
    voices = voice(9000, seed=3)
    third = vbnmf.SpeakerModel.fit(
        voices, RATE_HZ, orders=[2], stft=vbnmf.StftSettings(512, 256), iterations=2
    )
    with pytest.raises(ValueError, match="was learned with"):
        vbnmf.separate(mixture, [speaker, third], iterations=1)
