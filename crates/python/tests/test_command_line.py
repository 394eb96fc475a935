"""The command line and the package give the same numbers, byte for byte."""

from __future__ import annotations

import json

import numpy as np
import pytest

import vbnmf
from conftest import RATE_HZ, STFT, read_float_wav, voice, write_wav

TRANSFORM = ["--window", STFT.window_samples, "--hop", STFT.hop_samples]


@pytest.fixture(scope="module")
def files(tmp_path_factory, command_line, mixture):
    """Recordings, the dictionaries that the command line learns from them, and a mixture."""
    folder = tmp_path_factory.mktemp("files")
    signals = [voice(2 * RATE_HZ, seed=11), voice(RATE_HZ + 77, seed=12)]
    for index, signal in enumerate(signals):
        write_wav(folder / f"speech{index}.wav", signal)
    write_wav(folder / "mixture.wav", mixture)
    command_line.run(
        "train", folder / "speech0.wav", folder / "speech1.wav", "--out", folder / "speech.npz",
        "--orders", "2,4,7", "--iterations", 30, "--held-out", 0, *TRANSFORM,
    )  # fmt: skip
    return folder, signals


@pytest.mark.parametrize(("max_frames", "precision"), [(20_000, "f64"), (60, "f32")])
def test_dictionaries_are_those_of_train(tmp_path, command_line, files, max_frames, precision):
    folder, signals = files
    command_line.run(
        "train", folder / "speech0.wav", folder / "speech1.wav", "--out", tmp_path / "cli.npz",
        "--orders", "2,4,7", "--iterations", 30, "--held-out", 0, "--frames", max_frames,
        "--seed", 3, "--precision", precision, *TRANSFORM,
    )  # fmt: skip
    model = vbnmf.SpeakerModel.fit(
        signals, RATE_HZ, orders=[2, 4, 7], iterations=30, stft=STFT, max_frames=max_frames, seed=3,
        precision=precision,
    )  # fmt: skip
    model.save(tmp_path / "py.npz")
    theirs, ours = np.load(tmp_path / "cli.npz"), np.load(tmp_path / "py.npz")
    assert sorted(theirs.files) == sorted(ours.files)
    for name in theirs.files:
        if name != "metadata":
            assert theirs[name].tobytes() == ours[name].tobytes(), name
    said = [json.loads(file["metadata"].tobytes()) for file in (theirs, ours)]
    assert said[0].pop("made_with").startswith("vbnmf ")
    assert said[1].pop("made_with") == f"vbnmf {vbnmf.__version__}"
    assert said[0] == said[1]
    assert list(said[0]) == list(said[1])


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ([], {}),
        (["--method", "fusion", "--precision", "f64"], {"method": "fusion", "precision": "f64"}),
        (["--method", "selection"], {"method": "selection"}),
        (["--method", "mean", "--beta", 100], {"method": "mean", "beta": 100}),
        (["--method", "mean", "--beta", 0], {"method": "mean", "beta": 0}),
        (["--method", "evidence"], {"method": "evidence"}),
        (["--method", "evidence", "--beta", 0], {"method": "evidence", "beta": 0}),
        (["--method", "evidence", "--beta", 300], {"method": "evidence", "beta": 300}),
        (["--acceleration", "squarem"], {"acceleration": "squarem"}),
        (
            ["--activation-start", "balanced=2", "--kappa", 0.1, "--seed", 9, "--tolerance", 0.5],
            {"activation_start": vbnmf.Balanced(2), "kappa": 0.1, "seed": 9, "tolerance": 0.5},
        ),
    ],
)  # fmt: skip
def test_stems_are_those_of_separate(tmp_path, command_line, files, mixture, options, arguments):
    folder, _ = files
    command_line.run(
        "separate", folder / "mixture.wav", "--speech", folder / "speech.npz", "--out", tmp_path,
        "--encoding", "float32", "--iterations", 12, "--background-components", 5, *options,
    )  # fmt: skip
    separation = vbnmf.separate(
        mixture,
        {"speech": vbnmf.SpeakerModel.load(folder / "speech.npz"), "bg": vbnmf.Background(5)},
        iterations=12,
        sample_rate_hz=RATE_HZ,
        **arguments,
    )
    report = json.loads((tmp_path / "separation.json").read_text())
    for stem, estimate in zip(report["stems"], separation.estimates):
        written = read_float_wav(tmp_path / stem["file"])
        assert written.tobytes() == estimate.astype("<f4").tobytes(), stem["source"]
    assert report["level"]["gain"] == separation.gain
    assert report["level"]["noise_variance"] == separation.noise_variance
    inference = report["segments"][0]["inferences"][0]
    energies = [run.free_energy for run in separation.runs]
    assert inference["free_energies"] == energies
    if len(energies) == 1:
        trace = separation.free_energy_trace
        assert inference["free_energy"] == [[int(i), f] for i, f in zip(*trace)]
        assert inference["iterations"] == separation.runs[0].iterations
    assert inference["order_posterior"] == [list(q) for q in separation.order_posterior]


def test_the_defaults_are_those_of_separate(tmp_path, command_line, files, mixture):
    folder, _ = files
    command_line.run(
        "separate", folder / "mixture.wav", "--speech", folder / "speech.npz", "--out", tmp_path,
        "--encoding", "float32",
    )  # fmt: skip
    speech = vbnmf.SpeakerModel.load(folder / "speech.npz")
    separation = vbnmf.separate(mixture, [speech, vbnmf.Background()])
    report = json.loads((tmp_path / "separation.json").read_text())
    for stem, estimate in zip(report["stems"], separation.estimates):
        assert read_float_wav(tmp_path / stem["file"]).tobytes() == estimate.astype("<f4").tobytes()


@pytest.mark.parametrize("method", ["structured", "mean", "evidence"])
def test_several_sources_of_several_orders(tmp_path, command_line, files, mixture, method):
    folder, _ = files
    other = vbnmf.SpeakerModel.fit(
        voice(RATE_HZ, seed=31), RATE_HZ, orders=[1, 3], stft=STFT, iterations=10
    )
    other.save(tmp_path / "other.npz")
    command_line.run(
        "separate", folder / "mixture.wav", "--source", f"first={folder / 'speech.npz'}",
        "--source", f"second={tmp_path / 'other.npz'}", "--background", tmp_path / "other.npz",
        "--adapt-background", "--method", method, "--iterations", 7, "--jobs", 2,
        "--encoding", "float32", "--out", tmp_path / "stems",
    )  # fmt: skip
    sources = {
        "first": vbnmf.SpeakerModel.load(folder / "speech.npz"),
        "second": other,
        "background": vbnmf.Source(other, adapt=True),
    }
    separation = vbnmf.separate(mixture, sources, method, iterations=7, threads=1)
    report = json.loads((tmp_path / "stems" / "separation.json").read_text())
    assert [stem["source"] for stem in report["stems"]] == list(separation.names)
    for stem, estimate in zip(report["stems"], separation.estimates):
        written = read_float_wav(tmp_path / "stems" / stem["file"])
        assert written.tobytes() == estimate.astype("<f4").tobytes(), stem["source"]
    inference = report["segments"][0]["inferences"][0]
    assert inference["free_energies"] == [run.free_energy for run in separation.runs]
    found = [list(q) for q in separation.order_posterior]
    if method != "mean":
        assert inference["order_posterior"] == found
    else:
        # Equal weights, added up in another order.
        for theirs, ours in zip(inference["order_posterior"], found):
            assert theirs == pytest.approx(ours, rel=1e-14)


def test_a_file_of_the_package_is_read_by_the_command_line(tmp_path, command_line, files, speaker):
    folder, _ = files
    speaker.save(tmp_path / "own.npz")
    command_line.run(
        "separate", folder / "mixture.wav", "--speech", tmp_path / "own.npz",
        "--out", tmp_path / "stems", "--iterations", 2,
    )  # fmt: skip
    report = json.loads((tmp_path / "stems" / "separation.json").read_text())
    assert report["sources"][0]["orders"] == list(speaker.orders)


def test_scores_are_those_of_score(tmp_path, command_line, mixture, speech):
    rng = np.random.default_rng(3)
    noise = np.round(2000 * rng.standard_normal(len(speech))) / 32768
    for name, signal in [("a", speech), ("b", noise)]:
        (tmp_path / "reference").mkdir(exist_ok=True)
        (tmp_path / "estimate").mkdir(exist_ok=True)
        write_wav(tmp_path / "reference" / f"{name}.wav", signal)
    estimates = [np.round(32768 * e) / 32768 for e in (0.9 * speech + 0.1 * noise, 0.5 * noise)]
    for name, estimate in zip("ab", estimates):
        write_wav(tmp_path / "estimate" / f"{name}.wav", estimate)
    command_line.run(
        "score", "--reference", tmp_path / "reference", "--estimate", tmp_path / "estimate",
        "--sources", "--json", tmp_path / "scores.json",
    )  # fmt: skip
    report = json.loads((tmp_path / "scores.json").read_text())
    scores = vbnmf.bss_eval_sources([speech, noise], estimates, compute_permutation=False)
    for j, target in enumerate(report["targets"]):
        metrics = target["whole"]["metrics"]
        theirs = [metrics[f"bss_eval_v3_{ratio}"] for ratio in ("sdr", "sir", "sar")]
        assert theirs == [ratios[j] for ratios in scores[:3]]
        assert metrics["si_sdr"] == vbnmf.si_sdr([speech, noise][j], estimates[j])
        assert metrics["plain_sdr"] == vbnmf.sdr([speech, noise][j], estimates[j])
